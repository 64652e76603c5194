//! What a stranger sends changes a counter and nothing else.

#![expect(clippy::indexing_slicing, reason = "packets of known length")]

use std::net::Ipv4Addr;

use vrrp_net::{GROUP_V4, Interface, Packet, Protocol, Socket, SocketOptions};
use vrrp_proto::{
    Addresses, Authentication, ChecksumForm, Family, Interval, Ipv4Header, Packet as Message, Password,
    Priority, State, VirtualRouterId,
};

use crate::net::{inside, lan, until};
use crate::ours::{Ours, virtual_router};

/// Sends anything from any address.
pub(crate) struct Forger(Socket);

impl Forger {
    /// In the namespace of this thread.
    pub(crate) fn at(interface: &str) -> Self {
        let interface = Interface::look_up(interface).unwrap().unwrap().index();
        let options = SocketOptions { interface, family: Family::V4, protocol: Protocol::Vrrp, group: None };
        Self(Socket::open(options).unwrap())
    }

    pub(crate) fn send(&self, octets: &[u8]) {
        let destination = Ipv4Addr::new(octets[16], octets[17], octets[18], octets[19]);
        self.0.send(&Packet { octets, destination: destination.into(), source: None }).unwrap();
    }
}

/// The best advertisement there could be, from 10.9.0.77.
pub(crate) fn sound(vrid: u8, destination: Ipv4Addr) -> Vec<u8> {
    let addresses = [Ipv4Addr::new(10, 9, 0, 100)];
    let message = Message::v3(
        VirtualRouterId::new(vrid).unwrap(),
        Priority::new(254),
        Interval::from_centiseconds(10).unwrap(),
        Addresses::from(&addresses[..]),
        ChecksumForm::PseudoHeader,
    )
    .unwrap();
    let mut out = [0; 64];
    let header = Ipv4Header::new(Ipv4Addr::new(10, 9, 0, 77), destination);
    let len = message.emit_ipv4(&header, &mut out).unwrap();
    out[..len].to_vec()
}

fn old(authentication: &Authentication<'_>) -> Vec<u8> {
    let addresses = [Ipv4Addr::new(10, 9, 0, 100)];
    let vrid = VirtualRouterId::new(51).unwrap();
    let message = Message::v2(
        vrid,
        Priority::new(254),
        Interval::ONE_SECOND,
        Addresses::from(&addresses[..]),
        authentication,
    )
    .unwrap();
    let mut out = [0; 64];
    let len = message.emit_ipv4(&Ipv4Header::new(Ipv4Addr::new(10, 9, 0, 77), GROUP_V4), &mut out).unwrap();
    out[..len].to_vec()
}

fn changed(octets: &[u8], at: usize, to: u8) -> Vec<u8> {
    let mut octets = octets.to_vec();
    assert_ne!(octets[at], to);
    octets[at] = to;
    octets
}

#[test]
fn forged_packets_are_counted_by_reason_and_change_nothing() {
    if !inside("refused::forged_packets_are_counted_by_reason_and_change_nothing") {
        return;
    }
    let [one, two, three] = lan();
    let active = one.run(|| Ours::start(virtual_router("v1", 150)));
    active.until_state(State::Active);
    let backup = two.run(|| Ours::start(virtual_router("v1", 100)));
    backup.until("outranked", |report| report.status.active.is_some());
    let before = [&active, &backup].map(|ours| ours.report().status.standing);

    let best = sound(51, GROUP_V4);
    let forger = three.run(|| Forger::at("v1"));
    forger.send(&changed(&best, 8, 254)); // time to live
    forger.send(&changed(&best, 8, 1));
    forger.send(&changed(&best, 26, 0)); // checksum
    forger.send(&changed(&best, 20, 0x41)); // version
    forger.send(&changed(&best, 23, 9)); // more addresses than there are
    forger.send(&old(&Authentication::None)); // the other generation
    forger.send(&sound(52, GROUP_V4)); // none of theirs
    forger.send(&sound(51, Ipv4Addr::new(10, 9, 0, 1))); // to one of them alone
    let count = |ours: &Ours| ours.report().refused.iter().map(|(_, count)| count).sum::<u64>();
    until(|| count(&active) == 7 && count(&backup) == 6);

    let labels = |ours: &Ours| {
        let mut refused = ours.report().refused;
        refused.sort_unstable();
        refused
    };
    let common = [("checksum", 1), ("ttl", 2), ("version_unexpected", 1)];
    for ours in [&active, &backup] {
        let labels = labels(ours);
        for expected in common {
            assert!(labels.contains(&expected), "{expected:?}: {labels:?}");
        }
        let (_, source, _) = ours.report().last_refused.unwrap();
        assert_eq!(source.to_string(), "10.9.0.77");
    }
    assert!(labels(&active).contains(&("unicast_unexpected", 1)), "{:?}", labels(&active));
    let after = [&active, &backup].map(|ours| ours.report().status.standing);
    for (before, after) in before.iter().zip(after) {
        assert_eq!(
            (before.state, before.since, before.announcements),
            (after.state, after.since, after.announcements)
        );
    }
    // It would have been believed otherwise.
    forger.send(&best);
    active.until_state(State::Backup);
}

#[test]
fn who_has_not_the_password_is_not_heard() {
    if !inside("refused::who_has_not_the_password_is_not_heard") {
        return;
    }
    let [one, _two, three] = lan();
    let mut options = virtual_router("v1", 100);
    options.election.versions = vrrp_proto::Versions::V2;
    options.election.interval = Interval::ONE_SECOND;
    options.authentication = vrrp_net::Authentication::Pass(Password::new(b"right"));
    let ours = one.run(move || Ours::start(options));
    let forger = three.run(|| Forger::at("v1"));
    forger.send(&old(&Authentication::None));
    forger.send(&old(&Authentication::Pass(&Password::new(b"wrong"))));
    until(|| ours.report().refused.iter().map(|(_, count)| count).sum::<u64>() == 2);
    assert_eq!(ours.report().status.heard, 0);
    assert_eq!(ours.why(), "nobody heard yet");
    forger.send(&old(&Authentication::Pass(&Password::new(b"right"))));
    ours.until("told", |report| report.status.heard == 1);
}
