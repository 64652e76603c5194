//! A process that was not run for a while knows that it was not, and asks before it acts. The engines here are stalled by
//! not being turned, and the time of the stall is counted by the advertisements of the other.

use vrrp_proto::{Preempt, State};

use crate::net::{cable, inside, lan};
use crate::ours::{Bare, Ours, virtual_router};
use crate::refused::{Forger, sound};
use crate::witness::Witness;

/// Three down intervals of three advertisements and a skew.
const LONG: usize = 12;

#[test]
fn a_backup_that_was_stalled_hears_what_was_said_meanwhile_before_it_acts() {
    if !inside("stalls::a_backup_that_was_stalled_hears_what_was_said_meanwhile_before_it_acts") {
        return;
    }
    let other = cable();
    let theirs = other.run(|| Ours::start(virtual_router("v1", 150)));
    theirs.until_state(State::Active);
    let mut bare = Bare::start(virtual_router("v0", 100));
    bare.until(|report| report.status.active.is_some());
    let mut witness = Witness::at("v0");
    for _ in 0..LONG {
        witness.next();
    }
    let heard = bare.report().status.heard;
    let _turn = bare.engine.turn();
    let report = bare.report();
    assert!(report.status.heard >= heard + LONG as u64 - 1, "{report:#?}");
    assert_eq!((report.status.standing.state, report.status.became_active), (State::Backup, 0));
    assert_eq!(theirs.report().status.losing, 0, "it said nothing");
}

#[test]
fn a_backup_that_was_stalled_and_has_lost_what_was_said_listens_first_and_says_so() {
    if !inside("stalls::a_backup_that_was_stalled_and_has_lost_what_was_said_listens_first_and_says_so") {
        return;
    }
    let [one, two, three] = lan();
    let theirs = one.run(|| Ours::start(virtual_router("v1", 150)));
    theirs.until_state(State::Active);
    let mut bare = two.run(|| Bare::start(virtual_router("v1", 100)));
    // The engine was made there; a thread that is not there sees other interfaces, so it is driven there as well.
    bare = two.run(move || {
        bare.until(|report| report.status.active.is_some());
        bare
    });
    // Nothing fits into its receive buffer any more.
    let forger = three.run(|| Forger::at("v1"));
    let stranger = sound(200, vrrp_net::GROUP_V4);
    while bare.engine.kernel_drops() == 0 {
        for _ in 0..1_000 {
            forger.send(&stranger);
        }
    }
    let mut witness = three.run(|| Witness::at("v1"));
    let theirs_only = "10.9.0.1".parse::<std::net::IpAddr>().unwrap();
    for _ in 0..LONG {
        witness.until(|heard| heard.source == theirs_only);
    }
    let bare = two.run(move || {
        let _turn = bare.engine.turn();
        let report = bare.report();
        assert_eq!((report.status.standing.state, report.status.stalls), (State::Backup, 1), "{report:#?}");
        assert!(bare.why().starts_with("stalled: woke "), "{}", bare.why());
        assert!(bare.engine.unclaimed() > 0 && bare.engine.kernel_drops() > 0);
        bare.until(|report| report.status.standing.reason.to_string().contains("advertises 150 > 100"));
        bare
    });
    assert_eq!(bare.report().status.became_active, 0);
    assert_eq!(theirs.report().status.losing, 0, "it said nothing");
}

#[test]
fn an_active_router_that_was_stalled_listens_before_it_speaks() {
    if !inside("stalls::an_active_router_that_was_stalled_listens_before_it_speaks") {
        return;
    }
    let other = cable();
    let quiet = |interface, priority| {
        let mut options = virtual_router(interface, priority);
        options.election.preempt = Preempt::Never;
        options
    };
    let mut bare = Bare::start(quiet("v0", 100));
    bare.until_state(State::Active);
    let theirs = quiet("v1", 90);
    let theirs = other.run(move || Ours::start(theirs));
    // It may have heard us by now or not; we say nothing more, and are replaced.
    let before = theirs.until_state(State::Active);
    let mut witness = Witness::at("v0");
    witness.next();
    let heard = theirs.report().status.heard;
    let _turn = bare.engine.turn();
    let report = bare.report();
    assert_eq!((report.status.standing.state, report.status.stalls), (State::Backup, 1), "{report:#?}");
    // With one advertisement the reason is that it was stalled, with the second that it does not preempt.
    assert!(
        ["10.9.0.2 (priority 90) took over meanwhile", "10.9.0.2 advertises 90 < 100, not preempted"]
            .iter()
            .any(|why| bare.why().contains(why)),
        "{}",
        bare.why()
    );
    for _ in 0..3 {
        witness.next();
    }
    let after = theirs.report();
    assert_eq!(after.status.heard, heard, "it said nothing");
    assert_eq!(after.status.standing.since, before.status.standing.since);
}

#[test]
fn an_active_router_that_was_stalled_alone_goes_on_after_it_has_listened() {
    if !inside("stalls::an_active_router_that_was_stalled_alone_goes_on_after_it_has_listened") {
        return;
    }
    let other = cable();
    let mut options = virtual_router("v0", 100);
    options.election.preempt = Preempt::Never;
    let mut bare = Bare::start(options);
    bare.until_state(State::Active);
    // Another virtual router keeps the time.
    let mut clock = virtual_router("v1", 100);
    clock.election.vrid = vrrp_proto::VirtualRouterId::new(1).unwrap();
    let _clock = other.run(move || Ours::start(clock));
    let mut witness = Witness::at("v0");
    for _ in 0..LONG {
        witness.next();
    }
    let sent = bare.report().status.sent;
    let _turn = bare.engine.turn();
    assert!(bare.why().starts_with("stalled"), "{}", bare.why());
    assert_eq!(bare.report().status.sent, sent, "it listens");
    bare.until(|report| report.status.sent > sent);
    let report = bare.report();
    assert_eq!((report.status.standing.state, report.status.became_active), (State::Active, 1));
}
