//! The keepalived of the distribution on the other end of the cable, in every way of speaking that both know.

use std::net::IpAddr;
use std::process::{Child, Command as Program, Stdio};

use vrrp_net::{Authentication, Command, GROUP_V4, GROUP_V6, Interface, Reach, RouterOptions};
use vrrp_proto::{
    ChecksumChoice, ChecksumForm, Config, Interval, Password, Peer, Priority, State, Versions,
    VirtualRouterId,
};

use crate::net::{Host, cable, inside, skipped, until};
use crate::ours::Ours;

/// A keepalived on the other host.
struct Keepalived {
    child: Child,
    dir: tempfile::TempDir,
}

impl Keepalived {
    fn start(host: &Host, configuration: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keepalived.conf");
        std::fs::write(&path, configuration).unwrap();
        let place = dir.path().to_owned();
        let child = host.run(move || {
            let log = std::fs::File::create(place.join("log")).unwrap();
            Program::new("keepalived")
                .args(["--vrrp", "--dont-fork", "--log-console", "--log-detail", "--use-file"])
                .arg(&path)
                .arg("--pid")
                .arg(place.join("pid"))
                .arg("--vrrp_pid")
                .arg(place.join("vrrp-pid"))
                .stdin(Stdio::null())
                .stdout(log.try_clone().unwrap())
                .stderr(log)
                .spawn()
                .unwrap()
        });
        Self { child, dir }
    }

    /// TERM: it says priority 0 and goes.
    fn stop(mut self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        self.child.wait().unwrap();
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }
}

impl Drop for Keepalived {
    fn drop(&mut self) {
        // It has a child of its own, which goes with the namespace: TERM, and wait.
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        if self.child.try_wait().unwrap().is_none() {
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).ok();
            self.child.wait().ok();
        }
    }
}

/// Whether the other host has the address.
fn holds(host: &Host, address: IpAddr) -> bool {
    host.run(move || Interface::look_up("v1").unwrap().unwrap().addresses().contains(&address))
}

/// One way of speaking: what keepalived is told beside what all are told, and what we are told.
struct Way {
    keepalived: &'static str,
    virtual_address: &'static str,
    options: RouterOptions,
}

fn election(versions: Versions, interval: Interval, address: &str) -> Config {
    let mut config = Config::new(
        VirtualRouterId::new(51).unwrap(),
        versions,
        address.parse().unwrap(),
        Priority::new(100),
    );
    config.interval = interval;
    config
}

fn options(election: Config, addresses: &[&str]) -> RouterOptions {
    RouterOptions::new("v0", addresses.iter().map(|address| address.parse().unwrap()).collect(), election)
}

/// keepalived has priority 150; ours begins with 100.
fn each_holds_the_address_in_turn(test: &str, way: Way) {
    if !inside(test) {
        return;
    }
    if Program::new("keepalived").arg("--version").output().is_err() {
        skipped(test, "keepalived is not installed");
        return;
    }
    let other = cable();
    let address: IpAddr = way.virtual_address.parse().unwrap();
    let configuration = format!(
        "vrrp_instance VI {{\n interface v1\n state BACKUP\n virtual_router_id 51\n priority 150\n garp_master_delay 0\n {}\n}}\n",
        way.keepalived
    );
    let theirs = Keepalived::start(&other, &configuration);
    let ours = Ours::start(way.options);

    // The better one is Active, and we say who it is.
    until(|| holds(&other, address));
    ours.until("outranked", |report| {
        report.status.standing.reason.to_string().contains("advertises 150 > 100")
    });
    assert_eq!(ours.report().status.standing.state, State::Backup);
    // It stops: priority 0 instead of the down timer.
    theirs.stop();
    ours.until_state(State::Active);
    assert!(ours.why().contains("let go"), "{}", ours.why());
    // It comes back, and is the better one still.
    let theirs = Keepalived::start(&other, &configuration);
    ours.until_state(State::Backup);
    until(|| holds(&other, address));
    // We become the better one.
    ours.command(Command::Priority(Priority::new(200)));
    ours.until_state(State::Active);
    until(|| !holds(&other, address));
    // We hand over without being asked twice.
    ours.command(Command::Yield);
    ours.until_state(State::Backup);
    assert!(ours.why().contains("handed over"), "{}", ours.why());
    until(|| holds(&other, address));
    ours.command(Command::Resume);
    ours.until_state(State::Active);
    until(|| !holds(&other, address));
    // We stop: our priority 0 is understood.
    ours.command(Command::Stop);
    until(|| holds(&other, address));
    let report = ours.report();
    assert_eq!((report.refused.as_slice(), report.unsent), (&[][..], 0), "{report:#?}\n{}", theirs.log());
    for complaint in ["checksum", "Invalid", "invalid", "mismatch", "incorrect"] {
        assert!(!theirs.log().contains(complaint), "keepalived complains of our packets:\n{}", theirs.log());
    }
}

const SECOND: Interval = Interval::ONE_SECOND;
const TENTH: Interval = Interval::from_centiseconds(10).unwrap();
const HUNDREDTH: Interval = Interval::from_centiseconds(1).unwrap();

#[test]
fn version_2_unicast_with_a_password() {
    let mut options = options(election(Versions::V2, SECOND, "0.0.0.0"), &["10.9.0.10"]);
    options.source = Some("10.9.0.1".parse().unwrap());
    options.reach = Reach::Unicast(vec![Peer::on_link("10.9.0.2".parse().unwrap())]);
    options.authentication = Authentication::Pass(Password::new(b"mysecret"));
    let keepalived = "version 2\n advert_int 1\n unicast_src_ip 10.9.0.2\n unicast_peer { 10.9.0.1 }
        authentication {\n auth_type PASS\n auth_pass mysecret\n }\n virtual_ipaddress { 10.9.0.10/24 }";
    let way = Way { keepalived, virtual_address: "10.9.0.10", options };
    each_holds_the_address_in_turn("keepalived::version_2_unicast_with_a_password", way);
}

#[test]
fn version_2_multicast() {
    let options = options(election(Versions::V2, SECOND, "0.0.0.0"), &["10.9.0.10"]);
    let keepalived = "version 2\n advert_int 1\n virtual_ipaddress { 10.9.0.10/24 }";
    let way = Way { keepalived, virtual_address: "10.9.0.10", options };
    each_holds_the_address_in_turn("keepalived::version_2_multicast", way);
}

#[test]
fn version_2_with_an_authentication_header() {
    let mut options = options(election(Versions::V2, SECOND, "0.0.0.0"), &["10.9.0.10"]);
    options.authentication = Authentication::Ah(Password::new(b"1234"));
    let keepalived = "version 2\n advert_int 1\n authentication {\n auth_type AH\n auth_pass 1234\n }
        virtual_ipaddress { 10.9.0.10/24 }";
    let way = Way { keepalived, virtual_address: "10.9.0.10", options };
    each_holds_the_address_in_turn("keepalived::version_2_with_an_authentication_header", way);
}

#[test]
fn version_3_with_the_checksum_that_keepalived_wants() {
    let mut options = options(election(Versions::V3, TENTH, "0.0.0.0"), &["10.9.0.10"]);
    options.checksum = ChecksumChoice::Always(ChecksumForm::PseudoHeader);
    let keepalived = "version 3\n advert_int 0.1\n virtual_ipaddress { 10.9.0.10/24 }";
    let way = Way { keepalived, virtual_address: "10.9.0.10", options };
    each_holds_the_address_in_turn("keepalived::version_3_with_the_checksum_that_keepalived_wants", way);
}

#[test]
fn version_3_with_the_checksum_learned_from_the_peer() {
    let mut options = options(election(Versions::V3, TENTH, "0.0.0.0"), &["10.9.0.10"]);
    options.checksum = ChecksumChoice::FollowPeer { at_first: ChecksumForm::MessageOnly };
    let keepalived = "version 3\n advert_int 0.1\n virtual_ipaddress { 10.9.0.10/24 }";
    let way = Way { keepalived, virtual_address: "10.9.0.10", options };
    each_holds_the_address_in_turn("keepalived::version_3_with_the_checksum_learned_from_the_peer", way);
}

#[test]
fn version_3_over_ipv6() {
    let options = options(election(Versions::V3, TENTH, "::"), &["fe80::10", "fd00::10"]);
    let keepalived = "version 3\n advert_int 0.1\n virtual_ipaddress {\n fe80::10/64\n fd00::10/64\n }";
    let way = Way { keepalived, virtual_address: "fd00::10", options };
    each_holds_the_address_in_turn("keepalived::version_3_over_ipv6", way);
}

#[test]
fn version_3_every_ten_milliseconds() {
    let options = options(election(Versions::V3, HUNDREDTH, "0.0.0.0"), &["10.9.0.10"]);
    let keepalived = "version 3\n advert_int 0.01\n virtual_ipaddress { 10.9.0.10/24 }";
    let way = Way { keepalived, virtual_address: "10.9.0.10", options };
    each_holds_the_address_in_turn("keepalived::version_3_every_ten_milliseconds", way);
}

#[test]
fn version_3_over_ipv6_unicast() {
    let mut options = options(election(Versions::V3, TENTH, "::"), &["fe80::10", "fd00::10"]);
    options.source = Some("fe80::1".parse().unwrap());
    // keepalived 2.2.7 leaves the hop limit of unicast IPv6 to the kernel.
    options.reach = Reach::Unicast(vec![Peer { address: "fe80::2".parse().unwrap(), least_ttl: 64 }]);
    let keepalived = "version 3\n advert_int 0.1\n unicast_src_ip fe80::2\n unicast_peer { fe80::1 }
        virtual_ipaddress {\n fe80::10/64\n fd00::10/64\n }";
    let way = Way { keepalived, virtual_address: "fd00::10", options };
    each_holds_the_address_in_turn("keepalived::version_3_over_ipv6_unicast", way);
}

#[test]
fn the_groups_are_those_of_the_rfc() {
    assert_eq!(
        options(election(Versions::V3, TENTH, "::"), &["fe80::10"]).reach,
        Reach::Multicast(GROUP_V6.into())
    );
    assert_eq!(
        options(election(Versions::V3, TENTH, "0.0.0.0"), &[]).reach,
        Reach::Multicast(GROUP_V4.into())
    );
}
