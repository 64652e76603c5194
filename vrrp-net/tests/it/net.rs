//! Hosts on a link of their own: network namespaces that an ordinary user may make, and that nobody else sees.

use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{Command, Output};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};
use vrrp_net::{Interface, Link};

const INSIDE: &str = "VRRP_NET_TEST_IN_NAMESPACE";

/// Runs the test of this name again inside a user and network namespace of its own. True: this is the inside, go on.
/// False: it ran there and passed, or cannot run here, which was said.
pub(crate) fn inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        ip("link set lo up");
        return true;
    }
    // First a trial, so that a test's failure is never taken for a missing right.
    match Command::new("unshare").args(["-Urn", "ip", "link", "set", "lo", "up"]).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            return skipped(test, &format!("no namespace here: {}", String::from_utf8_lossy(&output.stderr)));
        }
        Err(error) => return skipped(test, &format!("no unshare here: {error}")),
    }
    let output = Command::new("unshare")
        .arg("-Urn")
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    for line in text.lines().filter(|line| line.starts_with("skipped:")) {
        say(line);
    }
    false
}

/// Says so past the harness, which keeps the output of a test that passes to itself.
pub(crate) fn skipped(test: &str, reason: &str) -> bool {
    say(&format!("skipped: {test}: {}", reason.trim_end()));
    false
}

fn say(line: &str) {
    std::io::stderr().write_all(format!("\n{line}\n").as_bytes()).unwrap();
}

type Work = Box<dyn FnOnce() + Send>;

/// Another host: a thread that lives in a network namespace of its own. A socket stays in the namespace that it was
/// made in, and a process in that which it was started from, so both can be handed out of [`Host::run`].
pub(crate) struct Host {
    work: mpsc::Sender<Work>,
    thread: i32,
}

impl Host {
    pub(crate) fn new() -> Self {
        let (work, todo) = mpsc::channel::<Work>();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            tell.send(nix::unistd::gettid().as_raw()).unwrap();
            for work in todo {
                work();
            }
        });
        let host = Self { work, thread: told.recv().unwrap() };
        host.run(|| ip("link set lo up"));
        host
    }

    /// Runs this in the host's namespace and gives back what it gives back.
    pub(crate) fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, told) = mpsc::channel();
        let work: Work = Box::new(move || tell.send(catch_unwind(AssertUnwindSafe(work))).unwrap());
        self.work.send(work).unwrap();
        told.recv().unwrap().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// `ip` in the namespace of this thread.
pub(crate) fn ip(arguments: &str) {
    let Output { status, stderr, .. } =
        Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    assert!(status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&stderr));
}

/// A setting below /proc/sys/net, in the namespace of this thread.
pub(crate) fn sysctl(path: &str, value: &str) {
    std::fs::write(format!("/proc/sys/net/{path}"), value).unwrap();
}

/// Two hosts, this thread's and the one given back, on one cable: `v0` here with 10.9.0.1/24 and fe80::1, `v1` there
/// with 10.9.0.2/24 and fe80::2; up, and without waiting for duplicate address detection.
pub(crate) fn cable() -> Host {
    let other = Host::new();
    let mut add = String::from("link add v0 type veth peer name v1 netns ");
    write!(add, "{}", other.thread).unwrap();
    ip(&add);
    end("v0", 1);
    other.run(|| end("v1", 2));
    // IPv6 hears nothing before the kernel has noticed the carrier.
    running("v0");
    other.run(|| running("v1"));
    other
}

/// `N` hosts on one switch, each by its `v1`: the first with 10.9.0.1/24 and fe80::1, and so on. This thread is none of
/// them, and has the switch.
pub(crate) fn lan<const N: usize>() -> [Host; N] {
    ip("link add br0 type bridge stp_state 0 forward_delay 0");
    ip("link set br0 up");
    let mut number = 0;
    [(); N].map(|()| {
        number += 1;
        let host = Host::new();
        ip(&format!("link add p{number} type veth peer name v1 netns {}", host.thread));
        ip(&format!("link set p{number} master br0 up"));
        host.run(move || end("v1", number));
        host.run(|| running("v1"));
        host
    })
}

fn running(name: &'static str) {
    until(|| Interface::look_up(name).unwrap().unwrap().link() == Link::Up);
}

fn end(name: &str, number: u8) {
    sysctl(&format!("ipv6/conf/{name}/accept_dad"), "0");
    sysctl(&format!("ipv6/conf/{name}/addr_gen_mode"), "1");
    ip(&format!("link set {name} address 02:00:00:00:00:0{number}"));
    ip(&format!("address add 10.9.0.{number}/24 dev {name}"));
    ip(&format!("address add fe80::{number}/64 dev {name} nodad"));
    ip(&format!("link set {name} up"));
}

/// Looks until it is so, for things that the kernel does in its own time and that nothing announces.
pub(crate) fn until(so: impl Fn() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < Duration::from_secs(20), "not so within 20 s");
        // Nothing announces it; two cores and other tests leave no room for a busy loop.
        thread::sleep(Duration::from_millis(5));
    }
}
