//! Any string of events: what must hold whatever happens.

use super::*;
use proptest::prelude::*;
use std::collections::HashSet;

#[derive(Clone, Debug)]
enum Event {
    Hold(u8),
    Release(u8),
    Rearm,
    Mute,
    Unmute,
    Lower(u8),
    Challenged(u8),
    Sent(u8),
    Unsent,
    Pass(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..8_u8).prop_map(Event::Hold),
        2 => (0..8_u8).prop_map(Event::Release),
        1 => Just(Event::Rearm),
        1 => Just(Event::Mute),
        2 => Just(Event::Unmute),
        1 => (0..8_u8).prop_map(Event::Lower),
        1 => (0..8_u8).prop_map(Event::Challenged),
        8 => (0..20_u8).prop_map(Event::Sent),
        1 => Just(Event::Unsent),
        8 => (0..3000_u64).prop_map(Event::Pass),
    ]
}

proptest! {
    #[test]
    fn nothing_is_said_of_what_is_not_held_and_nothing_repeated_before_all_are_told(
        events in prop::collection::vec(event(), 1..60), seed: u64, keepalived: bool, slow: bool,
    ) {
        let t0 = Instant::now();
        let mut now = t0;
        let mut settings = if keepalived { Settings::keepalived() } else { Settings::default() };
        if slow {
            settings.bucket = Some(Bucket { per_second: 3, depth: 2 });
        }
        let mut schedule = Schedule::new(settings, seed);
        let (mut held, mut told) = (HashSet::new(), HashSet::new());
        let (mut muted, mut last) = (false, None);
        for event in events {
            match event {
                Event::Hold(n) => {
                    let new = schedule.hold(v4(n), now) == Held::New;
                    prop_assert_eq!(new, held.insert(v4(n)));
                }
                Event::Release(n) => {
                    let was = schedule.release(v4(n)) == Released::Cancelled;
                    prop_assert_eq!(was, held.remove(&v4(n)));
                    told.remove(&v4(n));
                }
                Event::Rearm => {
                    schedule.rearm_all(now);
                    told.clear();
                }
                Event::Mute => {
                    schedule.mute();
                    muted = true;
                }
                Event::Unmute => {
                    schedule.unmute(now);
                    muted = false;
                    told.clear();
                }
                Event::Lower(n) => { schedule.lower_priority_heard(v4(n), now); }
                Event::Challenged(n) => { schedule.challenged(v4(n), now); }
                Event::Sent(count) => {
                    for _ in 0..count {
                        let Some(message) = schedule.next(now) else { break };
                        prop_assert!(!muted);
                        prop_assert!(held.contains(&message.address()));
                        let repeated = told.contains(&message.address());
                        prop_assert!(!repeated || told.len() == held.len(), "repeated before all were told");
                        told.insert(message.address());
                        last = Some(message);
                    }
                }
                Event::Unsent => if let Some(message) = last.take() {
                    schedule.unsent(&message, now);
                    told.remove(&message.address());
                    // What comes next may be anybody's: the order is asserted again from a fresh start.
                    schedule.rearm_all(now);
                    told.clear();
                },
                Event::Pass(milliseconds) => now += ms(milliseconds),
            }
            if !muted && let Some(deadline) = schedule.deadline() {
                prop_assert!(!held.is_empty());
                // Asking when told to always gives something.
                let mut copy_now = now.max(deadline);
                if deadline > now {
                    prop_assert_eq!(schedule.next(now), None);
                    copy_now = deadline;
                }
                now = copy_now;
            } else {
                prop_assert_eq!(schedule.next(now), None);
            }
        }
    }

    #[test]
    fn a_schedule_that_is_asked_comes_to_its_end(seed: u64, addresses in 1..20_u8, keepalived: bool) {
        let t0 = Instant::now();
        let settings = if keepalived { Settings::keepalived() } else { Settings::default() };
        let mut schedule = Schedule::new(settings, seed);
        for last in 0..addresses {
            schedule.hold(v4(last), t0);
            schedule.hold(v6(last.into()), t0);
        }
        let each = if keepalived { 10 + 10 } else { 7 + 4 };
        prop_assert_eq!(said(&mut schedule, t0, t0, 100 * SECOND).len(), usize::from(addresses) * each);
    }
}
