//! What happens to a router when something happens to its interface.

use std::net::IpAddr;
use std::process::Command as Program;

use vrrp_net::{Command, Reach};
use vrrp_proto::{Peer, Priority, State, VirtualRouterId};

use crate::net::{cable, inside, ip, skipped, sysctl};
use crate::ours::{Ours, virtual_router};
use crate::witness::Witness;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_link_that_goes_down_is_a_fault_and_one_that_comes_up_begins_anew() {
    if !inside("links::a_link_that_goes_down_is_a_fault_and_one_that_comes_up_begins_anew") {
        return;
    }
    let _other = cable();
    let ours = Ours::start(virtual_router("v0", 100));
    ours.until_state(State::Active);
    ip("link set v0 down");
    ours.until("in fault", |report| report.status.standing.to_string().contains("Fault since"));
    assert!(ours.why().contains("link down"), "{}", ours.why());
    ip("link set v0 up");
    ours.until_state(State::Backup);
    let report = ours.until_state(State::Active);
    assert_eq!((report.trouble, report.status.became_active), (None, 2));
}

#[test]
fn a_cable_that_is_pulled_at_the_other_end_is_a_fault() {
    if !inside("links::a_cable_that_is_pulled_at_the_other_end_is_a_fault") {
        return;
    }
    let other = cable();
    let ours = Ours::start(virtual_router("v0", 100));
    ours.until_state(State::Active);
    other.run(|| ip("link set v1 down"));
    ours.until_state(State::Fault);
    assert_eq!(ours.why(), "link down");
    other.run(|| ip("link set v1 up"));
    ours.until_state(State::Active);
}

#[test]
fn an_interface_may_come_later_and_go_and_come_again() {
    if !inside("links::an_interface_may_come_later_and_go_and_come_again") {
        return;
    }
    let ours = Ours::start(virtual_router("v0", 100));
    ours.until_state(State::Fault);
    assert_eq!(ours.why(), "link down, no address to send from");
    for _ in 0..2 {
        // Another index each time.
        let other = cable();
        let mut witness = other.run(|| Witness::at("v1"));
        assert_eq!(witness.next().source, address("10.9.0.1"));
        ours.until_state(State::Active);
        ip("link delete v0");
        ours.until_state(State::Fault);
    }
    assert_eq!(ours.report().status.became_active, 2);
}

#[test]
fn a_router_whose_address_goes_releases_and_serves_when_it_comes_back() {
    if !inside("links::a_router_whose_address_goes_releases_and_serves_when_it_comes_back") {
        return;
    }
    let other = cable();
    let mut witness = other.run(|| Witness::at("v1"));
    let ours = Ours::start(virtual_router("v0", 100));
    witness.next();
    ip("address delete 10.9.0.1/24 dev v0");
    let release = witness.until(|heard| heard.priority == 0);
    assert_eq!(release.source, address("10.9.0.1"));
    ours.until_state(State::Fault);
    assert_eq!(ours.why(), "no address to send from");
    assert_eq!(ours.report().source, None);
    ip("address add 10.9.0.3/24 dev v0");
    assert_eq!(witness.next().source, address("10.9.0.3"));
    ours.until_state(State::Active);
}

#[test]
fn a_router_whose_interface_is_renamed_releases_and_serves_when_it_has_its_name_again() {
    let test = "links::a_router_whose_interface_is_renamed_releases_and_serves_when_it_has_its_name_again";
    if !inside(test) {
        return;
    }
    let other = cable();
    let mut witness = other.run(|| Witness::at("v1"));
    let ours = Ours::start(virtual_router("v0", 100));
    witness.next();
    if !Program::new("ip").args(["link", "set", "v0", "name", "v9"]).status().unwrap().success() {
        skipped(test, "this kernel renames no interface that is up");
        return;
    }
    witness.until(|heard| heard.priority == 0);
    ours.until_state(State::Fault);
    ip("link set v9 name v0");
    assert_eq!(witness.next().priority, 100);
    ours.until_state(State::Active);
}

#[test]
fn another_primary_address_is_spoken_from_at_once_and_breaks_ties_from_then_on() {
    if !inside("links::another_primary_address_is_spoken_from_at_once_and_breaks_ties_from_then_on") {
        return;
    }
    let other = cable();
    let mut witness = other.run(|| Witness::at("v1"));
    let ours = Ours::start(virtual_router("v0", 100));
    witness.next();
    sysctl("ipv4/conf/v0/promote_secondaries", "1");
    ip("address add 10.9.0.9/24 dev v0");
    ip("address delete 10.9.0.1/24 dev v0");
    witness.until(|heard| heard.source == address("10.9.0.9"));
    let report = ours.report();
    assert_eq!((report.source, report.status.became_active), (Some(address("10.9.0.9")), 1));

    // 10.9.0.2 is less than that, and more than what comes next.
    let theirs = other.run(|| Ours::start(virtual_router("v1", 100)));
    let by = |text| {
        move |report: &vrrp_net::Report| report.status.active.is_some_and(|by| by.source == address(text))
    };
    theirs.until("told by 10.9.0.9", |report| {
        report.status.standing.state == State::Backup && by("10.9.0.9")(report)
    });
    theirs.command(Command::Promote);
    assert_eq!(theirs.report().status.standing.state, State::Backup);
    ip("address add 10.9.0.1/24 dev v0");
    ip("address delete 10.9.0.9/24 dev v0");
    witness.until(|heard| heard.source == address("10.9.0.1"));
    theirs.until("told by 10.9.0.1", by("10.9.0.1"));
    theirs.command(Command::Promote);
    theirs.until_state(State::Active);
    ours.until_state(State::Backup);
}

#[test]
fn another_mac_address_changes_nothing() {
    if !inside("links::another_mac_address_changes_nothing") {
        return;
    }
    let other = cable();
    let mut witness = other.run(|| Witness::at("v1"));
    let ours = Ours::start(virtual_router("v0", 100));
    witness.next();
    let before = ours.report().status.standing;
    ip("link set v0 address 02:00:00:00:00:99");
    let sent = ours.report().status.sent;
    ours.command(Command::Priority(Priority::new(101)));
    witness.until(|heard| heard.priority == 101);
    let after = ours.report();
    assert_eq!((after.status.standing.state, after.status.standing.since), (before.state, before.since));
    assert!(after.status.sent > sent && after.unsent == 0);
}

#[test]
fn a_link_local_address_of_another_virtual_router_is_never_the_source() {
    if !inside("links::a_link_local_address_of_another_virtual_router_is_never_the_source") {
        return;
    }
    let _other = cable();
    let of = |vrid, address: &str| {
        let mut options = virtual_router("v0", 100);
        options.election.vrid = VirtualRouterId::new(vrid).unwrap();
        options.election.address = "::".parse().unwrap();
        options.reach = Reach::Multicast(vrrp_net::GROUP_V6.into());
        options.addresses = vec![address.parse().unwrap()];
        options
    };
    // The kernel names the newest link-local address first.
    ip("address add fe80::20/64 dev v0 nodad");
    let mut engine = vrrp_net::Engine::new().unwrap();
    let one = engine.add(of(1, "fe80::10")).unwrap();
    assert_eq!(engine.report(one).unwrap().source, Some(address("fe80::20")), "nothing speaks against it");
    engine.remove(one);
    engine.add(of(2, "fe80::20")).unwrap();
    let one = engine.add(of(1, "fe80::10")).unwrap();
    assert_eq!(engine.report(one).unwrap().source, Some(address("fe80::1")));
}

#[test]
fn the_owner_speaks_from_the_address_that_it_owns() {
    if !inside("links::the_owner_speaks_from_the_address_that_it_owns") {
        return;
    }
    let other = cable();
    let mut witness = other.run(|| Witness::at("v1"));
    let mut options = virtual_router("v0", 255);
    options.addresses = vec![address("10.9.0.1")];
    let ours = Ours::start(options);
    let heard = witness.next();
    assert_eq!((heard.source, heard.priority), (address("10.9.0.1"), 255));
    assert_eq!(ours.why(), "owns the addresses");
}

#[test]
fn a_peer_that_the_kernel_refuses_keeps_nothing_from_the_others() {
    if !inside("links::a_peer_that_the_kernel_refuses_keeps_nothing_from_the_others") {
        return;
    }
    let other = cable();
    let unicast = |mut options: vrrp_net::RouterOptions, peers: &[&str]| {
        options.reach = Reach::Unicast(peers.iter().map(|peer| Peer::on_link(address(peer))).collect());
        options
    };
    let theirs = unicast(virtual_router("v1", 100), &["10.9.0.1"]);
    let theirs = other.run(move || Ours::start(theirs));
    theirs.until_state(State::Active);
    // The first is a broadcast address.
    let ours = Ours::start(unicast(virtual_router("v0", 200), &["10.9.0.255", "10.9.0.2"]));
    ours.until_state(State::Active);
    theirs.until_state(State::Backup);
    let report = ours.report();
    assert!(report.unsent > 0, "{report:#?}");
    assert!(report.trouble.is_some_and(|trouble| trouble.contains("cannot send")));
}

#[test]
fn an_ipv6_address_is_not_spoken_from_before_it_is_known_to_be_alone() {
    if !inside("links::an_ipv6_address_is_not_spoken_from_before_it_is_known_to_be_alone") {
        return;
    }
    let _other = cable();
    sysctl("ipv6/conf/v0/accept_dad", "1");
    ip("address delete fe80::1/64 dev v0");
    // Duplicate address detection takes a second.
    ip("address add fe80::7/64 dev v0");
    let mut options = virtual_router("v0", 100);
    options.election.address = "::".parse().unwrap();
    options.reach = Reach::Multicast(vrrp_net::GROUP_V6.into());
    options.addresses = vec![address("fe80::100")];
    let ours = Ours::start(options);
    assert_eq!(ours.why(), "no address to send from");
    let report = ours.until_state(State::Active);
    assert_eq!((report.source, report.unsent), (Some(address("fe80::7")), 0));
}
