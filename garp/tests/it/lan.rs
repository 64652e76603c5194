//! A network for one test: the test runs again in a child process within its own user and network namespace, where two
//! interfaces are connected by a cable. `v0` is ours; `v1` has the neighbours' addresses, and the kernel answers there.

use garp::{Answer, Confirm, ConfirmTiming, Interface, Neighbor, Sender};
use std::io::Write;
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// `v0`'s.
pub(crate) const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// `v1`'s.
pub(crate) const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
/// The address that moves, on no interface unless a test puts it there.
pub(crate) const V4: &str = "10.9.0.100";
pub(crate) const V6: &str = "2001:db8:9::100";
/// `v1`'s addresses.
pub(crate) const PEER_V4: &str = "10.9.0.1";
pub(crate) const PEER_V6: &str = "2001:db8:9::1";
/// Long enough for anything that is going to happen.
pub(crate) const LONG: Duration = Duration::from_secs(10);

const CHILD: &str = "GARP_TEST_CHILD";

#[derive(Clone, Copy)]
pub(crate) struct Lan;

impl Lan {
    /// In the child: the network, up. In the parent: the test's result in the child, or a reason why it was skipped.
    pub(crate) fn enter() -> Option<Self> {
        enter(&["--user", "--map-root-user", "--net"])?;
        let setup =
            "ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02
            for dev in v0 v1; do
                echo 0 > /proc/sys/net/ipv6/conf/$dev/accept_dad
                echo 0 > /proc/sys/net/ipv6/conf/$dev/router_solicitations
                ip link set $dev addrgenmode none
            done
            echo 8 > /proc/sys/net/ipv4/conf/v0/arp_ignore
            ip link set v0 up
            ip link set v1 up
            ip address add 10.9.0.1/24 dev v1
            ip address add 2001:db8:9::1/64 dev v1 nodad";
        if let Err(error) = try_run(&format!("set -e\n{setup}")) {
            skip(&format!("no veth pair: {error}"));
            return None;
        }
        eventually("a carrier", || up("v0") && up("v1"));
        Some(Self)
    }

    pub(crate) fn interface(self, name: &str) -> Interface {
        Interface::by_name(name).unwrap()
    }

    pub(crate) fn sender(self) -> Sender {
        Sender::open(self.interface("v0")).unwrap()
    }

    /// Returns when `v1` has processed everything that was sent before: it answers a question in the order it came.
    pub(crate) fn settle(self, sender: &mut Sender) {
        for (asker, neighbor) in [("10.9.0.250", PEER_V4), ("2001:db8:9::250", PEER_V6)] {
            let neighbor = Neighbor { address: neighbor.parse().unwrap(), mac: Some(PEER_MAC) };
            let timing = ConfirmTiming { times: 100, ..ConfirmTiming::default() };
            let confirm = Confirm::new(asker.parse().unwrap(), &[neighbor], timing, Instant::now());
            let answers = confirm.run(sender).unwrap();
            assert!(matches!(answers[0].1, Answer::Learned { .. }), "{asker}: {answers:?}");
        }
    }

    /// What `v1` knows of a neighbour: its MAC and the state of the entry.
    pub(crate) fn neighbor(self, address: &str) -> Option<(String, String)> {
        let line = run(&format!("ip neighbour show {address} dev v1"));
        let words: Vec<&str> = line.split_whitespace().collect();
        let mac = words.iter().position(|word| *word == "lladdr").map(|place| words[place + 1]);
        Some((mac.unwrap_or("none").to_owned(), (*words.last()?).to_owned()))
    }
}

/// Runs the test that calls this again, in new namespaces as `unshare` is told. `Some` in the child.
pub(crate) fn enter(namespaces: &[&str]) -> Option<()> {
    if std::env::var_os(CHILD).is_some() {
        return Some(());
    }
    let works = Command::new("unshare").args(namespaces).arg("true").stdin(Stdio::null()).output();
    match works {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            skip(&format!("unshare: {}", String::from_utf8_lossy(&output.stderr).trim()));
            return None;
        }
        Err(error) => {
            skip(&format!("unshare: {error}"));
            return None;
        }
    }
    let thread = std::thread::current();
    let test = thread.name().unwrap();
    let output = Command::new("unshare")
        .args(namespaces)
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "in its namespace: {out}{err}");
    for line in err.lines().filter(|line| line.starts_with("skipped: ")) {
        say(line);
    }
    None
}

/// Says aloud that this test did not run; a failure instead where namespaces are required.
pub(crate) fn skip(reason: &str) {
    assert!(std::env::var_os("REQUIRE_NETNS").is_none(), "REQUIRE_NETNS is set: {reason}");
    let thread = std::thread::current();
    say(&format!("skipped: {}: {reason}", thread.name().unwrap_or("?")));
}

fn say(line: &str) {
    // Not eprintln: the harness would keep it to itself.
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// A shell command that must succeed; its standard output.
pub(crate) fn run(command: &str) -> String {
    try_run(command).unwrap_or_else(|error| panic!("{command}: {error}"))
}

pub(crate) fn try_run(command: &str) -> Result<String, String> {
    let output = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).output().unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

pub(crate) fn sysctl(name: &str, value: i32) {
    std::fs::write(format!("/proc/sys/net/{name}"), value.to_string())
        .unwrap_or_else(|e| panic!("{name}: {e}"));
}

/// Looks until it is so. For what has no event of its own.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < deadline, "still no {what}");
        std::thread::yield_now();
    }
}

/// Frames that an interface has sent, and those it has dropped instead.
pub(crate) fn sent(name: &str) -> (u64, u64) {
    let table = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap();
    let line = table.lines().find_map(|line| line.trim().strip_prefix(&format!("{name}:"))).unwrap();
    let fields: Vec<u64> = line.split_whitespace().map(|field| field.parse().unwrap()).collect();
    (fields[9], fields[11])
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn up(name: &str) -> bool {
    run(&format!("ip link show dev {name}")).contains("LOWER_UP")
}
