//! Yield and demotion: the addresses stay until somebody else has them.

use super::*;

const GRACE: u64 = 50_000_000;
/// What a router of priority 1 waits.
const LAST_SKEW: u64 = 996_093_750;

#[test]
fn who_yields_releases_but_stays_active_until_the_grace_after_its_successors_advertisement() {
    let mut bench = Bench::active(|_| ());
    bench.tell(Event::Yield, DOWN);
    assert_eq!((bench.state(), &bench.said[..], bench.reason()), (State::Active, &[0][..], Reason::Yielding));
    bench.hear(3, 90, DOWN + SKEW);
    assert_eq!((bench.state(), bench.said.len(), bench.due()), (State::Active, 0, Some(DOWN + SKEW + GRACE)));
    bench.wait();
    assert_eq!((bench.state(), bench.said.len()), (State::Backup, 0));
    assert!(matches!(bench.reason(), Reason::HandedOver { to } if to.source == host(3)));
    // From the successor's advertisement, not from the end of the grace; and last of all.
    assert_eq!(bench.due(), Some(DOWN + SKEW + 3 * SECOND + LAST_SKEW));
}

#[test]
fn who_yields_asks_again_every_interval_and_goes_on_after_the_down_interval() {
    let mut bench = Bench::active(|_| ());
    bench.tell(Event::Yield, DOWN);
    for turn in 1..=3 {
        assert_eq!(bench.wait(), DOWN + turn * SECOND);
        assert_eq!((bench.state(), &bench.said[..]), (State::Active, &[0][..]));
    }
    assert_eq!(bench.wait(), DOWN + 3 * SECOND + LAST_SKEW);
    assert_eq!((bench.state(), &bench.said[..]), (State::Active, &[1][..]));
    assert_eq!(bench.reason(), Reason::NobodyElse);
}

#[test]
fn who_yielded_contends_with_1_until_it_is_told_to_resume() {
    let mut bench = Bench::active(|_| ());
    bench.tell(Event::Yield, DOWN).hear(3, 90, DOWN + SKEW).wait();
    let due = bench.due().unwrap();
    bench.hear(3, 90, due - 1);
    assert_eq!(bench.due(), Some(due - 1 + 3 * SECOND + LAST_SKEW));
    bench.tell(Event::Resume, due);
    assert_eq!((bench.due(), bench.router.priority()), (Some(due - 1 + DOWN), Priority::DEFAULT));
    bench.hear(3, 90, due);
    assert!(matches!(bench.reason(), Reason::Preempting { .. }));
}

#[test]
fn a_yield_can_be_taken_back_before_anybody_took_over() {
    for event in [Event::Resume, Event::Promote] {
        let mut bench = Bench::active(|_| ());
        bench.tell(Event::Yield, DOWN).tell(event, DOWN + 1);
        assert_eq!((bench.state(), &bench.said[..]), (State::Active, &[100][..]));
        assert_eq!(bench.due(), Some(DOWN + 1 + SECOND));
    }
}

#[test]
fn within_the_grace_only_a_lower_successor_can_be_taken_back() {
    for (priority, said) in [(90, 1), (101, 0)] {
        let mut bench = Bench::active(|_| ());
        bench.tell(Event::Yield, DOWN).hear(3, priority, DOWN + 1).tell(Event::Resume, DOWN + 2);
        assert_eq!((bench.state(), bench.said.len()), (State::Active, said));
        bench.wait();
        assert_eq!(bench.state(), if said == 1 { State::Active } else { State::Backup });
    }
}

#[test]
fn a_successor_that_falls_silent_within_the_grace_gets_nothing() {
    let centisecond = Interval::from_centiseconds(1).unwrap();
    let mut bench = Bench::started(|config| config.interval = centisecond);
    let active = bench.wait();
    bench.tell(Event::Yield, active).hear_at(3, 90, centisecond, active).wait();
    assert_eq!((bench.state(), &bench.said[..]), (State::Active, &[1][..]));
    assert!(matches!(bench.reason(), Reason::SuccessorSilent { .. }));
}

#[test]
fn a_successor_that_lets_go_within_the_grace_is_none() {
    let mut bench = Bench::active(|_| ());
    bench.tell(Event::Yield, DOWN).hear(3, 90, DOWN + 1).hear(3, 0, DOWN + 2);
    assert_eq!((bench.state(), bench.said.len(), bench.reason()), (State::Active, 0, Reason::Yielding));
    bench.hear(4, 80, DOWN + 3);
    assert!(matches!(bench.reason(), Reason::HandingOver { to } if to.source == host(4)));
}

#[test]
fn its_own_words_are_no_successor() {
    let mut bench = Bench::active(|_| ());
    bench.tell(Event::Yield, DOWN).hear(OWN, 100, DOWN + 1).hear(OWN, 0, DOWN + 2);
    assert_eq!((bench.reason(), bench.said.len()), (Reason::Yielding, 0));
    let mut bench = Bench::active(|_| ());
    bench.tell(Event::PriorityChanged(Priority::new(90)), DOWN).hear(OWN, 100, DOWN + 1);
    assert!(matches!(bench.reason(), Reason::Demoted { .. }));
}

#[test]
fn a_backup_that_yields_lets_everybody_go_first() {
    let mut bench = Bench::started(|_| ());
    bench.tell(Event::Yield, 0);
    assert_eq!((bench.state(), bench.due()), (State::Backup, Some(3 * SECOND + LAST_SKEW)));
    bench.hear(3, 2, SECOND).hear(3, 0, 2 * SECOND);
    assert_eq!(bench.due(), Some(2 * SECOND + LAST_SKEW));
    bench.wait();
    assert_eq!(&bench.said[..], &[1]);
}

#[test]
fn an_owner_that_yields_can_be_followed() {
    let mut bench = Bench::started(|config| config.priority = Priority::OWNER);
    bench.tell(Event::Yield, 0).hear(3, 100, SECOND).wait();
    assert_eq!((bench.state(), bench.router.priority().value()), (State::Backup, 1));
}

#[test]
fn who_was_told_to_yield_before_it_starts_starts_as_the_last() {
    let mut bench = Bench::new(|config| config.priority = Priority::OWNER);
    bench.tell(Event::Yield, 0).tell(Event::Start, 0);
    assert_eq!((bench.state(), bench.due()), (State::Backup, Some(3 * SECOND + LAST_SKEW)));
}

#[test]
fn a_stop_ends_a_yield() {
    let mut bench = Bench::active(|_| ());
    bench.tell(Event::Yield, DOWN).tell(Event::Stop, DOWN + 1).tell(Event::Start, DOWN + 2);
    assert_eq!(bench.due(), Some(DOWN + 2 + DOWN));
}

#[test]
fn who_is_demoted_asks_who_is_better_and_answers_after_its_own_skew() {
    let mut bench = Bench::active(|_| ());
    bench.tell(Event::PriorityChanged(Priority::new(80)), DOWN + 7);
    assert_eq!((bench.state(), &bench.said[..]), (State::Active, &[0][..]));
    assert_eq!(bench.wait(), DOWN + 7 + 176 * SECOND / 256);
    assert_eq!((bench.state(), &bench.said[..]), (State::Active, &[80][..]));
    assert_eq!(bench.reason(), Reason::StillBest { own: Priority::new(80) });
}

#[test]
fn who_is_demoted_hands_over_to_a_better_one() {
    let mut bench = Bench::active(|_| ());
    bench.tell(Event::PriorityChanged(Priority::new(80)), DOWN).hear(3, 90, DOWN + SECOND / 2);
    assert_eq!((bench.state(), bench.due()), (State::Active, Some(DOWN + SECOND / 2 + GRACE)));
    bench.wait();
    assert_eq!((bench.state(), bench.router.priority().value()), (State::Backup, 80));
}

#[test]
fn who_is_demoted_but_better_than_who_answers_says_so_at_once() {
    let mut bench = Bench::active(|_| ());
    bench.tell(Event::PriorityChanged(Priority::new(80)), DOWN).hear(3, 70, DOWN + SECOND / 2);
    assert_eq!((bench.state(), &bench.said[..]), (State::Active, &[80][..]));
    assert_eq!(bench.due(), Some(DOWN + SECOND / 2 + SECOND));
}

#[test]
fn who_is_demoted_further_answers_later_but_asks_once() {
    let mut bench = Bench::active(|_| ());
    bench.tell(Event::PriorityChanged(Priority::new(192)), DOWN);
    assert_eq!(bench.said.len(), 0);
    bench.tell(Event::PriorityChanged(Priority::new(128)), DOWN);
    assert_eq!((&bench.said[..], bench.due()), (&[0][..], Some(DOWN + SECOND / 2)));
    bench.tell(Event::PriorityChanged(Priority::new(64)), DOWN + SECOND / 4);
    assert_eq!((bench.said.len(), bench.due()), (0, Some(DOWN + SECOND * 3 / 4)));
    bench.tell(Event::PriorityChanged(Priority::new(250)), DOWN + SECOND / 4);
    assert_eq!((bench.said.len(), bench.due()), (0, Some(DOWN + SECOND / 4)));
}

#[test]
fn a_demotion_can_be_left_to_the_next_advertisement() {
    let mut bench = Bench::active(|config| config.demoted = OnDemotion::AdvertiseOnly);
    bench.tell(Event::PriorityChanged(Priority::new(80)), DOWN);
    assert_eq!((bench.said.len(), bench.due()), (0, Some(DOWN + SECOND)));
    bench.wait();
    assert_eq!(&bench.said[..], &[80]);
}

#[test]
fn a_promotion_is_no_reason_to_ask() {
    let mut bench = Bench::active(|_| ());
    bench.tell(Event::PriorityChanged(Priority::new(120)), DOWN);
    assert_eq!((bench.said.len(), bench.due(), bench.told), (0, Some(DOWN + SECOND), 1));
}
