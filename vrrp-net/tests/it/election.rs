//! Two and more of ours on one link.

use std::net::IpAddr;

use vrrp_net::{AddError, Command, Engine, GROUP_V6, OpenError, Reach, RouterOptions};
use vrrp_proto::{Interval, Peer, State, Version, Versions};

use crate::net::{cable, inside, lan};
use crate::ours::{Bare, Ours, virtual_router};
use crate::witness::Witness;

/// The better one is Active; when it goes, with a release, the other takes over; when it comes back it is Active again.
fn the_better_one_serves(test: &str, way: impl Fn(&'static str, u8) -> RouterOptions) {
    if !inside(test) {
        return;
    }
    let other = cable();
    let ours = Ours::start(way("v0", 100));
    ours.until_state(State::Active);
    let theirs = way("v1", 150);
    let theirs = other.run(move || Ours::start(theirs));
    theirs.until_state(State::Active);
    ours.until("outranked", |report| {
        report.status.standing.reason.to_string().contains("advertises 150 > 100")
    });
    // The last that speaks to its driver.
    drop(theirs);
    ours.until_state(State::Active);
    assert!(ours.why().contains("let go"), "{}", ours.why());
    let theirs = way("v1", 150);
    let theirs = other.run(move || Ours::start(theirs));
    theirs.until_state(State::Active);
    ours.until_state(State::Backup);
    // Taken out while it is Active.
    let last = theirs.remove();
    assert_eq!(last.status.standing.state, State::Initialize, "{last:#?}");
    ours.until_state(State::Active);
    assert!(ours.why().contains("let go"), "{}", ours.why());
    let report = ours.report();
    assert_eq!((report.refused.as_slice(), report.unsent, report.trouble), (&[][..], 0, None));
}

#[test]
fn over_ipv4() {
    the_better_one_serves("election::over_ipv4", virtual_router);
}

#[test]
fn over_ipv6() {
    the_better_one_serves("election::over_ipv6", |interface, priority| {
        let mut options = virtual_router(interface, priority);
        options.election.address = "::".parse().unwrap();
        options.addresses = vec!["fe80::100".parse().unwrap(), "fd00::100".parse().unwrap()];
        options.reach = Reach::Multicast(GROUP_V6.into());
        options
    });
}

#[test]
fn over_unicast() {
    the_better_one_serves("election::over_unicast", |interface, priority| {
        let mut options = virtual_router(interface, priority);
        let peer = if interface == "v0" { "10.9.0.2" } else { "10.9.0.1" };
        options.reach = Reach::Unicast(vec![Peer::on_link(peer.parse().unwrap())]);
        options
    });
}

#[test]
fn over_another_group() {
    the_better_one_serves("election::over_another_group", |interface, priority| {
        let mut options = virtual_router(interface, priority);
        options.reach = Reach::Multicast("239.1.2.3".parse().unwrap());
        options
    });
}

#[test]
fn both_versions_on_one_wire() {
    if !inside("election::both_versions_on_one_wire") {
        return;
    }
    let [one, two, three, four] = lan();
    let speaking = |versions, priority| {
        let mut options = virtual_router("v1", priority);
        options.election.versions = versions;
        options.election.interval = Interval::ONE_SECOND;
        options
    };
    let mut witness = four.run(|| Witness::at("v1"));
    let (options_2, options_3) = (speaking(Versions::V2, 150), speaking(Versions::V3, 100));
    let old = one.run(move || Ours::start(options_2));
    let new = two.run(move || Ours::start(options_3));
    let options = speaking(Versions::Both, 200);
    let both = three.run(move || Ours::start(options));
    both.until_state(State::Active);
    for ours in [&old, &new] {
        ours.until("outranked", |report| {
            report.status.standing.reason.to_string().contains("10.9.0.3 advertises 200 >")
        });
    }
    let source: IpAddr = "10.9.0.3".parse().unwrap();
    // Each advertisement in both, VRRPv3 first.
    let first = witness.until(|heard| heard.source == source && heard.version == Version::V3);
    let second = witness.next();
    assert_eq!((second.source, second.version, second.priority), (source, Version::V2, first.priority));
    // Its release is understood by both, and they do not understand each other.
    both.command(Command::Stop);
    old.until_state(State::Active);
    new.until_state(State::Active);
}

#[test]
fn an_engine_needs_nothing_but_poll() {
    if !inside("election::an_engine_needs_nothing_but_poll") {
        return;
    }
    let other = cable();
    let mut bare = Bare::start(virtual_router("v0", 100));
    bare.until_state(State::Active);
    let theirs = other.run(|| Ours::start(virtual_router("v1", 150)));
    bare.until_state(State::Backup);
    assert!(bare.why().contains("10.9.0.2 advertises 150 > 100"), "{}", bare.why());
    drop(theirs);
    bare.until_state(State::Active);
    assert!(bare.why().contains("10.9.0.2 let go"), "{}", bare.why());
}

#[test]
fn what_was_removed_is_nobody_even_when_its_place_is_taken() {
    if !inside("election::what_was_removed_is_nobody_even_when_its_place_is_taken") {
        return;
    }
    let mut engine = Engine::new().unwrap();
    let first = engine.add(virtual_router("v0", 100)).unwrap();
    let twice = engine.add(virtual_router("v0", 100)).unwrap_err();
    assert_eq!(twice.to_string(), "vrid 51 on v0 is there already");
    engine.remove(first);
    let second = engine.add(virtual_router("v0", 100)).unwrap();
    engine.command(first, Command::Start);
    assert!(engine.report(first).is_none());
    assert_eq!(engine.report(second).unwrap().status.standing.state, State::Initialize);
    engine.remove(first);
    assert!(engine.report(second).is_some());
}

#[test]
fn what_contradicts_itself_is_not_added() {
    let mut engine = Engine::new().unwrap();
    let mut options = virtual_router("v0", 100);
    options.reach = Reach::Unicast(vec![Peer::on_link("fe80::1".parse().unwrap())]);
    assert_eq!(engine.add(options).unwrap_err().to_string(), "fe80::1 is not of the virtual router's family");
    let mut options = virtual_router("v0", 100);
    options.reach = Reach::Multicast("10.9.0.2".parse().unwrap());
    let error = engine.add(options).unwrap_err();
    assert!(matches!(error, AddError::Socket { reason: OpenError::NoGroup { .. }, .. }), "{error:?}");
    let error = engine.add(virtual_router("v0", 0)).unwrap_err();
    assert!(error.to_string().starts_with("vrid 51: priority 0"), "{error}");
}
