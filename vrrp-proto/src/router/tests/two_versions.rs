//! VRRPv2 and VRRPv3 on one link (RFC 9568 §8.4.2).

use super::*;

fn both() -> Router {
    let mut config = config();
    config.versions = Versions::Both;
    config.interval = Interval::from_centiseconds(50).unwrap();
    Router::new(config).unwrap()
}

fn told(router: &mut Router, event: Event<'_>, nanoseconds: u64) -> Vec<Advertisement> {
    let said = |action| match action {
        Action::Advertise(advertisement) => Some(advertisement),
        Action::StandingChanged => None,
    };
    router.handle(event, at(nanoseconds)).filter_map(said).collect()
}

fn hear(router: &mut Router, version: Version, priority: u8, interval: u16, nanoseconds: u64) {
    let interval = if version == Version::V2 {
        Interval::from_seconds(u8::try_from(interval / 100).unwrap()).unwrap()
    } else {
        Interval::from_centiseconds(interval).unwrap()
    };
    let heard = accepted(version, vrid(), Priority::new(priority), interval, host(3));
    told(router, Event::Heard(&heard), nanoseconds);
}

fn due(router: &Router) -> u64 {
    router.deadline().unwrap().nanoseconds() - T0
}

#[test]
fn everything_is_said_in_both_versions_at_the_configured_rate() {
    let mut router = both();
    told(&mut router, Event::Start, 0);
    let down = due(&router);
    let said = told(&mut router, Event::DeadlinePassed, down);
    let half = Interval::from_centiseconds(50).unwrap();
    let wanted = [(Version::V3, half), (Version::V2, Interval::ONE_SECOND)];
    assert!(said.iter().map(|said| (said.version, said.interval)).eq(wanted));
    assert!(said.iter().all(|said| said.priority == Priority::DEFAULT));
    assert_eq!(due(&router), down + SECOND / 2);
    let said = told(&mut router, Event::Stop, down + 1);
    assert_eq!(said.len(), 2);
    assert!(said.iter().all(|said| said.priority == Priority::RELEASE));
}

#[test]
fn a_backup_waits_by_the_active_routers_rate_in_either_version() {
    let mut router = both();
    told(&mut router, Event::Start, 0);
    assert_eq!(due(&router), DOWN / 2);
    hear(&mut router, Version::V2, 150, 200, 0);
    assert_eq!(due(&router), 2 * DOWN);
    hear(&mut router, Version::V3, 150, 1, 0);
    assert_eq!(due(&router), 36_093_750);
}

#[test]
fn who_is_heard_in_version_3_is_not_heard_in_version_2() {
    let mut router = both();
    told(&mut router, Event::Start, 0);
    hear(&mut router, Version::V3, 150, 50, 0);
    hear(&mut router, Version::V2, 150, 100, SECOND / 4);
    assert_eq!(due(&router), DOWN / 2);
    assert_eq!(router.status().twice, 1);
    // Until it has not been heard in version 3 for its down interval.
    hear(&mut router, Version::V2, 150, 100, DOWN / 2);
    assert_eq!(due(&router), DOWN / 2 + DOWN);
}

#[test]
fn who_speaks_both_versions_is_answered_once() {
    let mut router = both();
    told(&mut router, Event::Start, 0);
    let down = due(&router);
    told(&mut router, Event::DeadlinePassed, down);
    hear(&mut router, Version::V3, 50, 50, down + 1);
    hear(&mut router, Version::V2, 50, 100, down + 2);
    let status = router.status();
    assert_eq!((status.losing, status.twice, status.sent), (1, 1, 4));
}

#[test]
fn one_version_alone_is_said_in_that_version() {
    for (versions, version) in [(Versions::V2, Version::V2), (Versions::V3, Version::V3)] {
        let mut config = config();
        (config.versions, config.priority) = (versions, Priority::OWNER);
        let mut router = Router::new(config).unwrap();
        let said = told(&mut router, Event::Start, 0);
        assert!(said.iter().map(|said| said.version).eq([version]));
    }
}
