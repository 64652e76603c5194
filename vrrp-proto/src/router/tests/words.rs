//! "Why am I not Active?" has an answer that can be read.

use super::*;
use std::string::{String, ToString};

fn standing(bench: &Bench) -> String {
    bench.router.standing().to_string()
}

#[test]
fn a_backup_says_whom_it_follows_and_why() {
    let mut bench = Bench::started(|_| ());
    assert_eq!(standing(&bench), "Backup since 1000.000 s: nobody heard yet");
    bench.hear(11, 150, 1);
    assert_eq!(standing(&bench), "Backup since 1000.000 s: 10.0.0.11 advertises 150 > 100");
    bench.hear(11, 100, 1);
    assert_eq!(standing(&bench), "Backup since 1000.000 s: 10.0.0.11 advertises 100 = 100");
    bench.hear(11, 50, 1);
    let words = "10.0.0.11 advertises 50 < 100, takes over when the down timer expires";
    assert_eq!(standing(&bench), std::format!("Backup since 1000.000 s: {words}"));
    bench.hear(11, 0, 1);
    assert_eq!(bench.reason().to_string(), "10.0.0.11 let go, the best takes over");
    let mut bench = Bench::started(|config| config.preempt = Preempt::Never);
    bench.hear(11, 50, 1);
    assert_eq!(bench.reason().to_string(), "10.0.0.11 advertises 50 < 100, not preempted");
    let mut bench = Bench::started(|config| config.preempt = Preempt::After(Duration::from_secs(5)));
    bench.hear(11, 50, 0);
    let words = "10.0.0.11 advertises 50 < 100, not preempted before 1005.000 s";
    assert_eq!(bench.reason().to_string(), words);
}

#[test]
fn an_active_router_says_what_made_it_so() {
    let mut bench = Bench::started(|_| ());
    bench.hear(1, 150, 0).wait();
    let words = "Active since 1003.609 s: the down timer expired 3.609 s after the last advertisement of 10.0.0.1 \
                 (priority 150)";
    assert_eq!(standing(&bench), words);
    let bench = Bench::active(|_| ());
    assert_eq!(bench.reason().to_string(), "the down timer expired, nobody was heard for 3.609 s");
    let mut bench = Bench::started(|_| ());
    bench.hear(1, 50, 0).wait();
    assert_eq!(bench.reason().to_string(), "preempted: 10.0.0.1 advertises 50 < 100");
    let mut bench = Bench::started(|_| ());
    bench.hear(1, 0, 0).wait();
    assert_eq!(bench.reason().to_string(), "10.0.0.1 let go");
}

#[test]
fn every_other_reason_can_be_read_as_well() {
    let mut bench = Bench::new(|config| config.start_delay = Duration::from_secs(1));
    let mut words = std::vec![bench.reason().to_string()];
    let mut say = |bench: &mut Bench, event: Event<'_>, nanoseconds| {
        words.push(bench.tell(event, nanoseconds).reason().to_string());
    };
    say(&mut bench, Event::Start, 0);
    say(&mut bench, Event::FaultRaised(Fault::LINK_DOWN), 0);
    say(&mut bench, Event::Stop, 0);
    let mut bench = Bench::active(|_| ());
    say(&mut bench, Event::PriorityChanged(Priority::new(90)), DOWN);
    say(&mut bench, Event::DeadlinePassed, DOWN + SECOND);
    say(&mut bench, Event::Yield, DOWN + SECOND);
    say(&mut bench, Event::Resume, DOWN + SECOND);
    say(&mut bench, Event::Yield, DOWN + SECOND);
    say(&mut bench, Event::DeadlinePassed, DOWN + 6 * SECOND);
    bench.tell(Event::Resume, DOWN + 6 * SECOND).tell(Event::Yield, DOWN + 6 * SECOND);
    let heard = accepted(Version::V3, vrid(), Priority::new(90), Interval::ONE_SECOND, host(3));
    say(&mut bench, Event::Heard(&heard), DOWN + 6 * SECOND);
    say(&mut bench, Event::DeadlinePassed, DOWN + 7 * SECOND);
    say(&mut bench, Event::Promote, DOWN + 7 * SECOND);
    bench.tell(Event::Yield, DOWN + 7 * SECOND).tell(Event::Heard(&heard), DOWN + 7 * SECOND);
    say(&mut bench, Event::DeadlinePassed, DOWN + 17 * SECOND);
    let mut bench = Bench::started(|_| ());
    say(&mut bench, Event::DeadlinePassed, DOWN + 2 * SECOND);
    let mut bench = Bench::active(|config| config.preempt = Preempt::Never);
    say(&mut bench, Event::DeadlinePassed, DOWN + 9 * SECOND);
    say(&mut bench, Event::DeadlinePassed, DOWN + 11 * SECOND);
    say(&mut bench, Event::Heard(&heard), DOWN + 15 * SECOND);
    let mut bench = Bench::started(|config| config.priority = Priority::OWNER);
    say(&mut bench, Event::Start, 0);
    let expected = [
        "not started",
        "waits until 1001.000 s",
        "link down",
        "stopped",
        "priority lowered to 90, asks who is better",
        "priority lowered to 90, but nobody better took over",
        "yields, keeps the addresses until another one takes over",
        "yielded, and resumed before anybody took over",
        "yields, keeps the addresses until another one takes over",
        "yielded, but nobody took over",
        "hands over to 10.0.0.3 (priority 90)",
        "handed over to 10.0.0.3 (priority 90)",
        "promoted on request",
        "handed over to 10.0.0.3, which fell silent at once",
        "stalled: woke 2.000 s after the down timer expired, listens for one more advertisement",
        "stalled: could not advertise for 9.000 s, listens whether another one took over",
        "stalled: could not advertise for 9.000 s, but nobody took over",
        "stalled: could not advertise for 4.000 s, 10.0.0.3 (priority 90) took over meanwhile",
        "owns the addresses",
    ];
    assert_eq!(words, expected);
}

#[test]
fn short_times_are_told_to_the_microsecond() {
    let mut bench = Bench::started(|_| ());
    bench.hear_at(1, 150, Interval::from_centiseconds(1).unwrap(), 0).wait();
    assert!(bench.reason().to_string().contains("expired 36.093 ms after"));
}

#[test]
fn a_watcher_is_told_of_a_change_and_not_of_a_repetition() {
    let mut bench = Bench::started(|_| ());
    assert_eq!(bench.told, 1);
    assert_eq!(bench.hear(11, 150, 1).told, 1);
    assert_eq!(bench.hear(11, 150, 2).told, 0);
    assert_eq!(bench.hear(11, 160, 3).told, 1);
    assert_eq!(bench.hear(12, 160, 4).told, 1);
    let Reason::Outranked { active, .. } = bench.reason() else { panic!("{:?}", bench.reason()) };
    assert_eq!(active.at, at(4));
    assert_eq!(bench.hear(12, 160, 5).told, 0);
    let Reason::Outranked { active, .. } = bench.reason() else { panic!("{:?}", bench.reason()) };
    assert_eq!(active.at, at(5), "the evidence is the last advertisement all the same");
    assert_eq!(bench.router.standing().since, at(0));
}
