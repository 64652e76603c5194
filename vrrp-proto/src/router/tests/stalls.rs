//! A wake-up that came late.

use super::*;

#[test]
fn a_backup_that_slept_gives_the_active_router_one_more_advertisement() {
    let mut bench = Bench::started(|_| ());
    bench.hear(3, 150, 0);
    bench.tell(Event::DeadlinePassed, DOWN + SECOND + 1);
    assert_eq!((bench.state(), bench.said.len()), (State::Backup, 0));
    assert_eq!(bench.due(), Some(DOWN + SECOND + 1 + SECOND + SKEW));
    assert_eq!(bench.reason(), Reason::Stalled { late: Duration::from_nanos(SECOND + 1) });
    assert_eq!(bench.router.status().stalls, 1);
    bench.hear(3, 150, DOWN + 2 * SECOND);
    assert!(matches!(bench.reason(), Reason::Outranked { .. }));
}

#[test]
fn a_backup_that_keeps_sleeping_takes_over_the_second_time() {
    let mut bench = Bench::started(|_| ());
    bench.hear(3, 150, 0);
    bench.tell(Event::DeadlinePassed, 60 * SECOND).tell(Event::DeadlinePassed, 90 * SECOND);
    assert_eq!(bench.state(), State::Active);
}

#[test]
fn a_backup_that_was_told_what_had_arrived_while_it_slept_has_nothing_to_do() {
    let mut bench = Bench::started(|_| ());
    bench.hear(3, 150, 0).hear(3, 150, 60 * SECOND).tell(Event::DeadlinePassed, 60 * SECOND);
    assert_eq!((bench.state(), bench.due()), (State::Backup, Some(60 * SECOND + DOWN)));
}

#[test]
fn a_wakeup_that_is_late_by_an_interval_or_less_counts() {
    let mut bench = Bench::started(|_| ());
    bench.tell(Event::DeadlinePassed, DOWN + SECOND);
    assert_eq!(bench.state(), State::Active);
}

#[test]
fn an_overdue_timer_is_not_made_young_by_another_priority() {
    let mut bench = Bench::started(|_| ());
    bench.tell(Event::PriorityChanged(Priority::new(90)), 60 * SECOND);
    assert_eq!(bench.due(), Some(DOWN));
}

#[test]
fn an_active_router_that_would_not_preempt_listens_after_it_slept() {
    // Three intervals and the skew of the quickest Backup.
    let slept = 3 * SECOND + 7_812_500;
    for preempt in [Preempt::Never, Preempt::After(Duration::from_secs(60))] {
        let mut bench = Bench::active(|config| config.preempt = preempt);
        bench.tell(Event::DeadlinePassed, DOWN + slept);
        assert_eq!((bench.state(), bench.said.len()), (State::Active, 0));
        assert_eq!(bench.due(), Some(DOWN + slept + SECOND + SKEW));
        bench.wait();
        assert_eq!((bench.state(), &bench.said[..]), (State::Active, &[100][..]));
        assert_eq!(bench.reason(), Reason::StillAlone { silent: Duration::from_nanos(slept) });
    }
}

#[test]
fn one_advertisement_in_turn_is_no_sleep_where_one_interval_of_silence_is_all_that_is_borne() {
    let mut bench = Bench::started(|config| {
        config.preempt = Preempt::Never;
        config.down_timer_adverts = 1;
    });
    for _ in 0..4 {
        bench.wait();
        assert_eq!(bench.state(), State::Active);
        assert!(matches!(bench.reason(), Reason::Silence { .. }), "{:?}", bench.reason());
    }
}

#[test]
fn an_active_router_that_would_not_preempt_follows_whoever_replaced_it_while_it_slept() {
    let mut bench = Bench::active(|config| config.preempt = Preempt::Never);
    // Told before the deadline is: so the driver does it.
    bench.hear(3, 50, DOWN + 4 * SECOND);
    assert!(matches!(bench.reason(), Reason::ReplacedWhileStalled { by, .. } if by.source == host(3)));
    assert_eq!((bench.state(), bench.said.len()), (State::Backup, 0));

    let mut bench = Bench::active(|config| config.preempt = Preempt::Never);
    bench.tell(Event::DeadlinePassed, DOWN + 4 * SECOND).hear(3, 50, DOWN + 4 * SECOND + 1);
    assert_eq!(bench.state(), State::Backup);
}

#[test]
fn an_active_router_that_did_not_sleep_answers_whether_it_would_preempt_or_not() {
    let mut bench = Bench::active(|config| config.preempt = Preempt::Never);
    bench.hear(3, 50, DOWN + SECOND / 2);
    assert_eq!((bench.state(), &bench.said[..]), (State::Active, &[100][..]));
}

#[test]
fn an_active_router_that_would_preempt_goes_on_after_it_slept() {
    let mut bench = Bench::active(|_| ());
    bench.tell(Event::DeadlinePassed, DOWN + 60 * SECOND);
    assert_eq!((bench.state(), &bench.said[..]), (State::Active, &[100][..]));
}
