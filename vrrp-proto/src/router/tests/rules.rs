//! One test a rule: starting, waiting, contending, leaving.

use super::*;

const HALF: u64 = SECOND / 2;

fn seconds(seconds: u8) -> Interval {
    Interval::from_seconds(seconds).unwrap()
}

#[test]
fn the_owner_is_active_at_once() {
    let bench = Bench::started(|config| config.priority = Priority::OWNER);
    assert_eq!((bench.state(), &bench.said[..], bench.due()), (State::Active, &[255][..], Some(SECOND)));
    assert_eq!(bench.reason(), Reason::Owner);
}

#[test]
fn everybody_else_listens_for_the_down_interval_first() {
    let mut bench = Bench::started(|_| ());
    assert_eq!((bench.state(), bench.due(), bench.said.len()), (State::Backup, Some(DOWN), 0));
    bench.tell(Event::DeadlinePassed, DOWN - 1);
    assert_eq!(bench.state(), State::Backup);
    bench.tell(Event::DeadlinePassed, DOWN);
    assert_eq!((bench.state(), &bench.said[..]), (State::Active, &[100][..]));
    assert_eq!(bench.due(), Some(DOWN + SECOND));
}

#[test]
fn the_first_wait_can_be_short() {
    let bench = Bench::started(|config| config.first = FirstWait::Short);
    assert_eq!(bench.due(), Some(SECOND + SKEW));
}

#[test]
fn the_number_of_advertisements_in_the_down_interval_can_be_another() {
    let bench = Bench::started(|config| config.down_timer_adverts = 5);
    assert_eq!(bench.due(), Some(5 * SECOND + SKEW));
}

#[test]
fn during_the_start_delay_it_is_deaf_and_mute() {
    let mut bench = Bench::started(|config| config.start_delay = Duration::from_secs(7));
    assert_eq!((bench.state(), bench.due()), (State::Initialize, Some(7 * SECOND)));
    bench.hear(3, 200, SECOND);
    assert_eq!((bench.state(), bench.told, bench.router.status().heard), (State::Initialize, 0, 0));
    bench.wait();
    assert_eq!((bench.state(), bench.due()), (State::Backup, Some(7 * SECOND + DOWN)));
}

#[test]
fn an_advertisement_that_is_not_lower_prolongs_the_wait() {
    for priority in [100, 101, 255] {
        let mut bench = Bench::started(|_| ());
        bench.hear(3, priority, HALF);
        assert_eq!((bench.state(), bench.due()), (State::Backup, Some(HALF + DOWN)));
    }
}

#[test]
fn a_lower_advertisement_changes_no_timer_and_teaches_nothing() {
    let mut bench = Bench::started(|_| ());
    bench.hear_at(3, 99, seconds(20), HALF);
    assert_eq!(bench.due(), Some(DOWN));
    assert!(matches!(bench.reason(), Reason::Preempting { .. }));
    bench.tell(Event::PriorityChanged(Priority::new(110)), HALF);
    assert_eq!(bench.due(), Some(DOWN - 10 * SECOND / 256));
    bench.wait();
    assert!(matches!(bench.reason(), Reason::Preempted { active, .. } if active.source == host(3)));
}

#[test]
fn without_preemption_a_lower_advertisement_prolongs_the_wait_and_teaches_its_interval() {
    let mut bench = Bench::started(|config| config.preempt = Preempt::Never);
    bench.hear_at(3, 99, seconds(2), HALF);
    assert_eq!(bench.due(), Some(HALF + 2 * DOWN));
    assert!(matches!(bench.reason(), Reason::NotPreempting { .. }));
}

#[test]
fn the_preempt_delay_begins_with_the_first_lower_advertisement() {
    let mut bench = Bench::started(|config| config.preempt = Preempt::After(Duration::from_secs(5)));
    for second in 1..6 {
        bench.hear(3, 50, second * SECOND);
        assert_eq!(bench.due(), Some(second * SECOND + DOWN));
        assert!(matches!(bench.reason(), Reason::PreemptsLater { from, .. } if from == at(6 * SECOND)));
    }
    bench.hear(3, 50, 6 * SECOND);
    assert_eq!(bench.due(), Some(5 * SECOND + DOWN));
    assert!(matches!(bench.reason(), Reason::Preempting { .. }));
}

#[test]
fn an_advertisement_that_is_not_lower_ends_the_preempt_delay() {
    let mut bench = Bench::started(|config| config.preempt = Preempt::After(Duration::from_secs(5)));
    bench.hear(3, 50, SECOND).hear(3, 100, 2 * SECOND).hear(3, 50, 7 * SECOND);
    assert!(matches!(bench.reason(), Reason::PreemptsLater { from, .. } if from == at(12 * SECOND)));
    bench.hear(3, 0, 8 * SECOND).hear(3, 50, 8 * SECOND);
    assert!(matches!(bench.reason(), Reason::PreemptsLater { from, .. } if from == at(13 * SECOND)));
}

#[test]
fn the_owner_preempts_whatever_is_configured() {
    let mut bench = Bench::started(|config| {
        (config.priority, config.preempt) = (Priority::OWNER, Preempt::Never);
    });
    // It is Backup only to a second owner with a greater address.
    bench.hear(OWN + 1, 255, HALF);
    assert_eq!(bench.state(), State::Backup);
    let due = bench.due();
    bench.hear(3, 254, SECOND);
    assert_eq!(bench.due(), due);
}

#[test]
fn version_three_waits_by_the_interval_it_hears() {
    let mut bench = Bench::started(|_| ());
    bench.hear_at(3, 150, Interval::from_centiseconds(1).unwrap(), HALF);
    assert_eq!(bench.due(), Some(HALF + 36_093_750));
    bench.hear_at(3, 0, seconds(40), HALF + 1);
    assert_eq!(bench.due(), Some(HALF + 1 + 6_093_750));
}

#[test]
fn version_two_waits_by_its_own_interval() {
    let mut bench = Bench::started(|config| config.versions = Versions::V2);
    let heard = accepted(Version::V2, vrid(), Priority::new(150), seconds(9), host(3));
    bench.tell(Event::Heard(&heard), HALF);
    assert_eq!(bench.due(), Some(HALF + DOWN));
}

#[test]
fn after_a_release_it_waits_for_its_skew() {
    let mut bench = Bench::started(|_| ());
    bench.hear(3, 150, HALF).hear(3, 0, SECOND);
    assert_eq!((bench.due(), bench.state()), (Some(SECOND + SKEW), State::Backup));
    bench.wait();
    assert!(matches!(bench.reason(), Reason::TookOver { from } if from.source == host(3)));
}

#[test]
fn a_repeated_release_does_not_put_it_off() {
    let mut bench = Bench::started(|_| ());
    bench.hear(3, 0, HALF).hear(3, 0, HALF + SKEW - 1);
    assert_eq!(bench.due(), Some(HALF + SKEW));
    // It counts from the beginning again once somebody has advertised.
    bench.hear(4, 150, SECOND).hear(4, 0, 2 * SECOND);
    assert_eq!(bench.due(), Some(2 * SECOND + SKEW));
}

#[test]
fn another_priority_moves_the_running_timer_by_what_the_down_interval_changes() {
    let mut bench = Bench::started(|_| ());
    bench.tell(Event::PriorityChanged(Priority::new(228)), HALF);
    assert_eq!(bench.due(), Some(DOWN - SECOND / 2));
    bench.tell(Event::PriorityChanged(Priority::new(36)), HALF);
    assert_eq!(bench.due(), Some(DOWN + SECOND / 4));
    // Never into the past.
    bench.tell(Event::PriorityChanged(Priority::new(254)), DOWN + SECOND / 4 - 1);
    assert_eq!(bench.due(), Some(DOWN + SECOND / 4 - 1));
}

#[test]
fn a_tracked_priority_stays_between_1_and_254_and_the_owners_as_it_is() {
    for (own, told, found) in [(100, 0, 1), (100, 255, 254), (100, 7, 7), (255, 7, 255), (255, 0, 255)] {
        let mut bench = Bench::started(|config| config.priority = Priority::new(own));
        bench.tell(Event::PriorityChanged(Priority::new(told)), HALF);
        assert_eq!(bench.router.priority().value(), found);
    }
}

#[test]
fn an_active_router_advertises_in_turn_and_lateness_does_not_add_up() {
    let mut bench = Bench::active(|_| ());
    bench.tell(Event::DeadlinePassed, DOWN + SECOND + 3_000_000);
    assert_eq!((&bench.said[..], bench.due()), (&[100][..], Some(DOWN + 2 * SECOND)));
    bench.tell(Event::DeadlinePassed, DOWN + 5 * SECOND);
    assert_eq!((&bench.said[..], bench.due()), (&[100][..], Some(DOWN + 6 * SECOND)));
}

#[test]
fn an_active_router_advertises_at_its_own_interval_whatever_it_learned() {
    let mut bench = Bench::started(|_| ());
    bench.hear_at(3, 150, seconds(10), 0).hear(3, 0, HALF).wait();
    assert_eq!(bench.state(), State::Active);
    let since = bench.router.standing().since.nanoseconds() - T0;
    assert_eq!(bench.due(), Some(since + SECOND));
}

#[test]
fn an_active_router_that_hears_a_release_advertises_and_begins_its_interval_again() {
    let mut bench = Bench::active(|_| ());
    bench.hear(3, 0, DOWN + HALF);
    assert_eq!((&bench.said[..], bench.due()), (&[100][..], Some(DOWN + HALF + SECOND)));
    assert_eq!(bench.router.standing().announcements, 2);
}

#[test]
fn a_losing_advertisement_is_answered_at_once_and_changes_no_timer() {
    for (last, priority) in [(200, 99), (3, 100)] {
        let mut bench = Bench::active(|_| ());
        bench.hear(last, priority, DOWN + HALF);
        assert_eq!((&bench.said[..], bench.due()), (&[100][..], Some(DOWN + SECOND)));
        assert_eq!((bench.state(), bench.router.standing().announcements), (State::Active, 2));
        assert_eq!(bench.router.status().losing, 1);
    }
}

#[test]
fn a_losing_advertisement_can_be_left_unanswered() {
    let mut bench = Bench::active(|config| config.losing = OnLosing::KeepSilent);
    bench.hear(3, 99, DOWN + HALF);
    assert_eq!((bench.said.len(), bench.due()), (0, Some(DOWN + SECOND)));
    assert_eq!(bench.router.standing().announcements, 2);
}

#[test]
fn no_more_than_four_answers_are_given_between_two_advertisements() {
    let mut bench = Bench::active(|_| ());
    let answers = |bench: &mut Bench, from| -> usize {
        (0..20).map(|index| bench.hear(3, 99 * (index % 2), from + u64::from(index)).said.len()).sum()
    };
    assert_eq!(answers(&mut bench, DOWN), 4);
    let due = bench.wait();
    assert_eq!(answers(&mut bench, due), 4);
}

#[test]
fn a_better_router_is_followed_by_its_interval() {
    for (last, priority) in [(3, 101), (OWN + 1, 100), (3, 255)] {
        let mut bench = Bench::active(|_| ());
        bench.hear_at(last, priority, seconds(2), DOWN + HALF);
        assert_eq!((bench.state(), bench.said.len()), (State::Backup, 0));
        assert_eq!(bench.due(), Some(DOWN + HALF + 2 * DOWN));
        assert!(matches!(bench.reason(), Reason::Outranked { active, .. } if active.source == host(last)));
    }
}

#[test]
fn a_better_router_can_be_told_once_more() {
    let mut bench = Bench::active(|config| config.better = OnBetter::AdvertiseOnce);
    bench.hear(3, 101, DOWN + HALF);
    assert_eq!((bench.state(), &bench.said[..]), (State::Backup, &[100][..]));
}

#[test]
fn ties_are_broken_by_the_address_as_an_unsigned_number() {
    let v6 = |last: u16| IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, last]);
    for (own, other, wins) in [
        (host(127), host(128), true),
        (host(128), host(127), false),
        (v6(0x7fff), v6(0x8000), true),
        (v6(0x8000), v6(0x7fff), false),
    ] {
        let mut bench = Bench::active(|config| config.address = own);
        let heard = accepted(Version::V3, vrid(), Priority::DEFAULT, Interval::ONE_SECOND, other);
        bench.tell(Event::Heard(&heard), DOWN);
        assert_eq!(bench.state(), if wins { State::Backup } else { State::Active });
    }
}

#[test]
fn its_own_words_are_not_answered_but_noted() {
    let mut bench = Bench::active(|_| ());
    bench.hear(OWN, 100, DOWN + HALF);
    assert_eq!((bench.state(), bench.said.len(), bench.told), (State::Active, 0, 0));
    let status = bench.router.status();
    assert_eq!((status.own_address.map(|seen| seen.at), status.losing), (Some(at(DOWN + HALF)), 0));
}

#[test]
fn of_two_owners_the_one_with_the_greater_address_stays_and_both_know() {
    for (versions, version) in [(Versions::V3, Version::V3), (Versions::V2, Version::V2)] {
        for (last, state) in [(OWN - 1, State::Active), (OWN + 1, State::Backup)] {
            let mut bench = Bench::started(|config| {
                (config.priority, config.versions) = (Priority::OWNER, versions);
            });
            let other = accepted(version, vrid(), Priority::OWNER, Interval::ONE_SECOND, host(last));
            bench.tell(Event::Heard(&other), HALF);
            assert_eq!(bench.state(), state);
            let second = bench.router.status().second_owner.unwrap();
            assert_eq!((second.source, second.at), (host(last), at(HALF)));
        }
    }
}

#[test]
fn equal_priorities_and_other_intervals_are_noted() {
    let mut bench = Bench::started(|_| ());
    bench.hear(3, 101, HALF);
    let status = bench.router.status();
    assert_eq!((status.equal_priority, status.other_interval, status.second_owner), (None, None, None));
    bench.hear_at(3, 100, seconds(2), HALF);
    let status = bench.router.status();
    assert!(status.equal_priority.is_some() && status.other_interval.is_some());
}

#[test]
fn an_active_router_that_stops_releases_the_addresses() {
    let mut bench = Bench::active(|_| ());
    bench.tell(Event::Stop, DOWN + HALF);
    assert_eq!((bench.state(), &bench.said[..], bench.due()), (State::Initialize, &[0][..], None));
    bench.tell(Event::Start, DOWN + SECOND);
    assert_eq!(bench.due(), Some(DOWN + SECOND + DOWN));
}

#[test]
fn a_backup_that_stops_says_nothing() {
    let mut bench = Bench::started(|_| ());
    bench.hear(3, 150, HALF).tell(Event::Stop, SECOND);
    assert_eq!((bench.state(), bench.said.len(), bench.due()), (State::Initialize, 0, None));
}

#[test]
fn a_fault_releases_the_addresses_and_its_end_is_a_new_beginning() {
    let mut bench = Bench::active(|_| ());
    bench.tell(Event::FaultRaised(Fault::LINK_DOWN), DOWN + HALF);
    assert_eq!((bench.state(), &bench.said[..], bench.due()), (State::Fault, &[0][..], None));
    bench.tell(Event::FaultRaised(Fault::CHECK), DOWN + HALF);
    bench.tell(Event::FaultCleared(Fault::LINK_DOWN), DOWN + HALF);
    assert_eq!((bench.state(), bench.told), (State::Fault, 1));
    assert_eq!(std::format!("{}", bench.reason()), "check failed");
    bench.tell(Event::FaultCleared(Fault::CHECK), DOWN + SECOND);
    assert_eq!((bench.state(), bench.due()), (State::Backup, Some(DOWN + SECOND + DOWN)));
}

#[test]
fn an_owner_whose_fault_ends_is_active_at_once() {
    let mut bench = Bench::started(|config| config.priority = Priority::OWNER);
    bench.tell(Event::FaultRaised(Fault::LINK_DOWN), 1).tell(Event::FaultCleared(Fault::LINK_DOWN), 2);
    assert_eq!((bench.state(), &bench.said[..]), (State::Active, &[255][..]));
}

#[test]
fn a_router_with_a_fault_does_not_start() {
    let mut bench = Bench::new(|config| config.priority = Priority::OWNER);
    bench.tell(Event::FaultRaised(Fault::NO_ADDRESS), 0).tell(Event::Start, 1);
    assert_eq!((bench.state(), bench.said.len()), (State::Fault, 0));
}

#[test]
fn promotion_takes_over_from_a_lower_one_that_would_not_be_preempted() {
    let mut bench = Bench::started(|config| config.preempt = Preempt::Never);
    bench.hear(3, 50, HALF).tell(Event::Promote, SECOND);
    assert_eq!((bench.state(), bench.reason()), (State::Active, Reason::Promoted));
}

#[test]
fn promotion_does_not_contend_with_a_better_one() {
    let mut bench = Bench::started(|_| ());
    bench.hear(3, 101, HALF).tell(Event::Promote, SECOND);
    assert_eq!((bench.state(), bench.said.len(), bench.due()), (State::Backup, 0, Some(HALF + DOWN)));
    bench.hear(3, 0, SECOND).tell(Event::Promote, SECOND);
    assert_eq!(bench.state(), State::Active);
}

#[test]
fn a_new_address_counts_from_then_on() {
    let mut bench = Bench::active(|_| ());
    bench.tell(Event::PrimaryAddressChanged(host(200)), DOWN + HALF);
    assert_eq!((&bench.said[..], bench.due()), (&[100][..], Some(DOWN + HALF + SECOND)));
    bench.hear(OWN + 1, 100, DOWN + HALF);
    assert_eq!(bench.state(), State::Active);
    bench.tell(Event::PrimaryAddressChanged(std::net::Ipv6Addr::LOCALHOST.into()), DOWN + HALF);
    bench.hear(201, 100, DOWN + HALF);
    assert_eq!(bench.state(), State::Backup);
}

#[test]
fn what_is_for_another_virtual_router_is_not_heard() {
    let other = VirtualRouterId::new(52).unwrap();
    let v6 = IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, 1]);
    for (version, vrid, source) in
        [(Version::V3, other, host(3)), (Version::V2, vrid(), host(3)), (Version::V3, vrid(), v6)]
    {
        let heard = accepted(version, vrid, Priority::OWNER, Interval::ONE_SECOND, source);
        let mut bench = Bench::started(|_| ());
        bench.tell(Event::Heard(&heard), HALF);
        assert_eq!((bench.due(), bench.router.status().heard), (Some(DOWN), 0));
    }
}

#[test]
fn packets_to_the_addresses_are_accepted_by_the_owner_or_where_it_was_asked_for() {
    for (priority, accept, accepted) in
        [(100, AcceptMode::Discard, false), (100, AcceptMode::Accept, true), (255, AcceptMode::Discard, true)]
    {
        let mut bench = Bench::started(|config| {
            (config.priority, config.accept) = (Priority::new(priority), accept);
        });
        if priority < 255 {
            assert!(!bench.router.standing().accepts_packets());
            bench.wait();
        }
        let standing = bench.router.standing();
        assert_eq!((standing.holds_addresses(), standing.accepts_packets()), (true, accepted));
    }
}

#[test]
fn a_clock_that_goes_back_is_taken_to_stand_still() {
    let mut bench = Bench::started(|_| ());
    bench.hear(3, 150, SECOND).hear(3, 150, HALF);
    assert_eq!(bench.due(), Some(SECOND + DOWN));
}

#[test]
fn contradictions_are_refused() {
    let v6 = IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, 1]);
    let refused = |change: fn(&mut Config)| {
        let mut config = config();
        change(&mut config);
        std::format!("{}", Router::new(config).unwrap_err())
    };
    assert_eq!(refused(|c| c.priority = Priority::RELEASE).split(' ').next(), Some("priority"));
    assert_eq!(refused(|c| c.down_timer_adverts = 0), "down_timer_adverts is 0, it can be 1 to 100");
    assert_eq!(refused(|c| c.down_timer_adverts = 101), "down_timer_adverts is 101, it can be 1 to 100");
    for versions in [Versions::V2, Versions::Both] {
        let config = Config::new(vrid(), versions, v6, Priority::DEFAULT);
        assert_eq!(Router::new(config).unwrap_err(), ConfigError::V2OverIpv6);
    }
    let mut config = config();
    config.interval = seconds(41);
    assert_eq!(Router::new(config).unwrap_err(), ConfigError::Interval { centiseconds: 4100 });
    config.versions = Versions::V2;
    assert!(Router::new(config).is_ok());
    config.interval = Interval::from_centiseconds(150).unwrap();
    assert_eq!(Router::new(config).unwrap_err(), ConfigError::Fraction { centiseconds: 150 });
}
