//! Whatever happens in whatever order: what must be true after every event.

use std::vec;

use proptest::prelude::*;

use super::*;

/// One of the things that can be told, with all that it needs.
#[derive(Clone, Copy, Debug)]
enum Told {
    Start,
    Stop,
    Heard { version: Version, last: u8, priority: u8, interval: u16 },
    Deadline,
    Priority(u8),
    Raised(u8),
    Cleared(u8),
    Yield,
    Resume,
    Promote,
    Address(u8),
}

fn told() -> impl Strategy<Value = Told> {
    let heard = (
        prop_oneof![Just(Version::V2), Just(Version::V3)],
        1..10_u8,
        prop_oneof![Just(0), Just(1), Just(99), Just(100), Just(101), Just(255), any::<u8>()],
        prop_oneof![Just(100_u16), 1..4096_u16],
    );
    prop_oneof![
        2 => Just(Told::Start),
        1 => Just(Told::Stop),
        8 => heard.prop_map(|(version, last, priority, interval)| Told::Heard { version, last, priority, interval }),
        8 => Just(Told::Deadline),
        2 => any::<u8>().prop_map(Told::Priority),
        1 => (0..3_u8).prop_map(Told::Raised),
        2 => (0..3_u8).prop_map(Told::Cleared),
        1 => Just(Told::Yield),
        1 => Just(Told::Resume),
        1 => Just(Told::Promote),
        1 => (1..10_u8).prop_map(Told::Address),
    ]
}

/// How much time passes before it is told: none, a little, until the deadline, far beyond it.
#[derive(Clone, Copy, Debug)]
enum Pause {
    For(u64),
    UntilDeadline,
    Beyond(u64),
}

fn pause() -> impl Strategy<Value = Pause> {
    prop_oneof![
        Just(Pause::For(0)),
        (0..2 * SECOND).prop_map(Pause::For),
        Just(Pause::UntilDeadline),
        (1..20 * SECOND).prop_map(Pause::Beyond),
    ]
}

fn configuration() -> impl Strategy<Value = Config> {
    (
        prop_oneof![Just(Versions::V2), Just(Versions::V3), Just(Versions::Both)],
        prop_oneof![Just(255_u8), Just(100), 1..=254_u8],
        prop_oneof![
            Just(Preempt::Always),
            Just(Preempt::Never),
            (0..5 * SECOND).prop_map(|delay| Preempt::After(Duration::from_nanos(delay)))
        ],
        prop_oneof![Just(OnLosing::Advertise), Just(OnLosing::KeepSilent)],
        prop_oneof![Just(OnBetter::StepDown), Just(OnBetter::AdvertiseOnce)],
        prop_oneof![Just(OnDemotion::HandOver), Just(OnDemotion::AdvertiseOnly)],
        (0..3_u64, 0..3 * SECOND, 1..=100_u8),
    )
        .prop_map(|(versions, priority, preempt, losing, better, demoted, (delay, grace, adverts))| {
            let mut config = config();
            config.versions = versions;
            config.priority = Priority::new(priority);
            (config.preempt, config.losing, config.better) = (preempt, losing, better);
            (config.demoted, config.down_timer_adverts) = (demoted, adverts);
            config.start_delay = Duration::from_secs(delay);
            config.grace = Duration::from_nanos(grace);
            config
        })
}

fn apply(router: &mut Router, told: Told, now: Instant) -> Actions {
    let event = match told {
        Told::Start => Event::Start,
        Told::Stop => Event::Stop,
        Told::Heard { version, last, priority, interval } => {
            let interval = match version {
                Version::V2 => Interval::from_seconds(u8::try_from(interval / 100).unwrap().max(1)).unwrap(),
                Version::V3 => Interval::from_centiseconds(interval).unwrap(),
            };
            let heard = accepted(version, vrid(), Priority::new(priority), interval, host(last));
            return router.handle(Event::Heard(&heard), now);
        }
        Told::Deadline => Event::DeadlinePassed,
        Told::Priority(priority) => Event::PriorityChanged(Priority::new(priority)),
        Told::Raised(number) => Event::FaultRaised(Fault::custom(number).unwrap()),
        Told::Cleared(number) => Event::FaultCleared(Fault::custom(number).unwrap()),
        Told::Yield => Event::Yield,
        Told::Resume => Event::Resume,
        Told::Promote => Event::Promote,
        Told::Address(last) => Event::PrimaryAddressChanged(host(last)),
    };
    router.handle(event, now)
}

/// What was said, and whether a watcher was told.
fn carried_out(actions: Actions) -> (Vec<Advertisement>, usize) {
    let mut said = Vec::new();
    let mut changes = 0;
    for action in actions {
        match action {
            Action::Advertise(advertisement) => said.push(advertisement),
            Action::StandingChanged => changes += 1,
        }
    }
    (said, changes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_string_of_events_breaks_a_promise(
        config in configuration(),
        string in prop::collection::vec((pause(), told()), 0..60),
    ) {
        let mut router = Router::new(config).unwrap();
        let mut now = at(0);
        let mut answers = 0;
        let copies = if config.versions == Versions::Both { 2 } else { 1 };
        for (pause, told) in string {
            now = match (pause, router.deadline()) {
                (Pause::For(time), _) => now + Duration::from_nanos(time),
                (Pause::UntilDeadline, Some(deadline)) => now.max(deadline),
                (Pause::Beyond(time), Some(deadline)) => now.max(deadline) + Duration::from_nanos(time),
                (Pause::UntilDeadline | Pause::Beyond(_), None) => now,
            };
            let (before, due) = (router.standing(), router.deadline());
            let (said, changes) = carried_out(apply(&mut router, told, now));
            let (after, next) = (router.standing(), router.deadline());

            // Who takes part has something to wait for, and who does not has nothing to fear.
            match after.state {
                State::Active | State::Backup => prop_assert!(next.is_some()),
                State::Fault => prop_assert!(next.is_none()),
                State::Initialize => {}
            }
            if let Told::Deadline = told {
                prop_assert!(next.is_none_or(|next| next > now), "{next:?} has passed");
                if due.is_some_and(|due| due > now) {
                    prop_assert_eq!((&before, due), (&after, next), "too early, and yet");
                }
            } else if let (Some(next), false) = (next, due == next) {
                prop_assert!(next >= now, "a new deadline in the past");
            }

            // Priorities.
            let owner = config.priority == Priority::OWNER;
            prop_assert!(after.priority != Priority::RELEASE);
            prop_assert!(after.priority != Priority::OWNER || owner);
            prop_assert!(!owner || after.priority == Priority::OWNER || after.priority.value() == 1);

            // Only an Active Router speaks, in every version alike, each packet for a cause.
            prop_assert!(said.len() % copies == 0 && said.len() <= copies);
            for advertisement in &said {
                match advertisement.priority {
                    Priority::RELEASE => prop_assert!(before.state == State::Active),
                    priority => {
                        let own = [before.priority, after.priority];
                        prop_assert!(own.contains(&priority));
                        prop_assert!(before.state == State::Active || after.state == State::Active);
                    }
                }
            }
            match told {
                Told::Heard { .. } if !said.is_empty() && after.state == State::Active => answers += 1,
                Told::Heard { .. } => {}
                // Anything else that is said is in turn, or begins the turns again.
                _ => if !said.is_empty() { answers = 0 },
            }
            prop_assert!(answers <= 5, "{answers} answers without an advertisement in turn");

            // A watcher is told exactly when there is something to tell.
            let visible = |standing: &Standing| {
                (standing.state, standing.reason.settled(), standing.priority, standing.announcements)
            };
            prop_assert_eq!(changes, usize::from(visible(&before) != visible(&after)));
            if after.state == before.state {
                // A router that handed over to one that fell silent was Backup for no time at all.
                let silent = matches!(after.reason, Reason::SuccessorSilent { .. });
                prop_assert!(after.since == before.since || silent);
            } else {
                prop_assert_eq!(after.since, now);
            }

            // Who takes no part is deaf.
            if let (Told::Heard { .. }, State::Initialize | State::Fault) = (told, before.state) {
                prop_assert_eq!((before, due), (after, next));
            }
            // And who follows does not follow a loser.
            if let (Told::Heard { priority, .. }, State::Backup, Preempt::Always) = (told, before.state, config.preempt)
                && priority > 0 && priority < before.priority.value()
            {
                prop_assert_eq!(due, next);
            }
        }
    }

    #[test]
    fn the_same_string_of_events_is_answered_the_same_by_a_copy(
        config in configuration(),
        string in prop::collection::vec(told(), 0..20),
    ) {
        let mut router = Router::new(config).unwrap();
        for (step, told) in string.into_iter().enumerate() {
            let now = at(step as u64 * SECOND / 3);
            let mut copy = router.clone();
            prop_assert_eq!(apply(&mut router, told, now), apply(&mut copy, told, now));
            prop_assert_eq!(router.status(), copy.status());
        }
    }
}
