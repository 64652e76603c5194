//! Routers with a mistake, most of them from the field: the checks notice every one.

use core::marker::PhantomData;

use super::*;
use crate::sim::heard::accepted;
use crate::{
    Accepted, Action, Actions, Advertisement, ConfigError, Event, Instant, Reason, Router, Standing,
};

/// A mistake; what it does not touch is right.
trait Bug: Sized {
    fn configure(config: Config) -> Config {
        config
    }

    fn handle(router: &mut Router, event: Event<'_>, now: Instant) -> Actions {
        router.handle(event, now)
    }

    fn deadline(router: &Router) -> Option<Instant> {
        router.deadline()
    }
}

struct Planted<B>(Router, PhantomData<B>);

impl<B: Bug> Machine for Planted<B> {
    fn new(config: Config) -> Result<Self, ConfigError> {
        Router::new(B::configure(config)).map(|router| Self(router, PhantomData))
    }

    fn handle(&mut self, event: Event<'_>, now: Instant) -> Actions {
        B::handle(&mut self.0, event, now)
    }

    fn deadline(&self) -> Option<Instant> {
        B::deadline(&self.0)
    }

    fn standing(&self) -> Standing {
        self.0.standing()
    }
}

fn noticed<B: Bug>(scenario: Scenario<Planted<B>>) {
    let noticed = (0..200).any(|seed| judge(scenario, &mut World::of(seed)).is_err());
    assert!(noticed, "200 runs, and nothing was noticed");
}

/// The event as it is, told as if its time had come: for machines that wake up too early.
fn impatient(router: &mut Router, event: Event<'_>, now: Instant) -> Actions {
    match (event, router.deadline()) {
        (Event::DeadlinePassed, Some(deadline)) => router.handle(event, now.max(deadline)),
        _ => router.handle(event, now),
    }
}

fn earlier(deadline: Instant, by: Duration) -> Instant {
    let by = u64::try_from(by.as_nanos()).unwrap();
    Instant::from_nanoseconds(deadline.nanoseconds() - by)
}

fn own_skew(router: &Router) -> Duration {
    skew_time(router.priority(), router.config().interval)
}

fn changed(heard: &Accepted<'_>, priority: Priority, interval: Interval) -> Accepted<'static> {
    accepted(heard.version(), heard.vrid(), priority, interval, heard.source())
}

struct NoSkew;

impl Bug for NoSkew {
    fn handle(router: &mut Router, event: Event<'_>, now: Instant) -> Actions {
        impatient(router, event, now)
    }

    fn deadline(router: &Router) -> Option<Instant> {
        let skew = if router.state() == State::Backup { own_skew(router) } else { Duration::ZERO };
        router.deadline().map(|deadline| earlier(deadline, skew))
    }
}

#[test]
fn a_skew_of_nothing_is_noticed() {
    noticed::<NoSkew>(crashes::crash);
    noticed::<NoSkew>(crashes::stop);
}

struct SkewInCentiseconds;

impl Bug for SkewInCentiseconds {
    fn handle(router: &mut Router, event: Event<'_>, now: Instant) -> Actions {
        impatient(router, event, now)
    }

    fn deadline(router: &Router) -> Option<Instant> {
        let skew = if router.state() == State::Backup { own_skew(router) } else { Duration::ZERO };
        let fraction = Duration::from_nanos(u64::from(skew.subsec_nanos() % 10_000_000));
        router.deadline().map(|deadline| earlier(deadline, fraction))
    }
}

#[test]
fn a_skew_cut_to_centiseconds_is_noticed() {
    noticed::<SkewInCentiseconds>(crashes::crash);
}

struct IntervalInSeconds;

impl Bug for IntervalInSeconds {
    fn handle(router: &mut Router, event: Event<'_>, now: Instant) -> Actions {
        match event {
            Event::Heard(heard) => {
                let centiseconds = heard.interval().centiseconds().saturating_mul(100).min(4095);
                let interval = Interval::from_centiseconds(centiseconds).unwrap();
                router.handle(Event::Heard(&changed(heard, heard.priority(), interval)), now)
            }
            _ => router.handle(event, now),
        }
    }
}

#[test]
fn centiseconds_taken_for_seconds_are_noticed() {
    noticed::<IntervalInSeconds>(crashes::crash);
}

struct LosersCount;

impl Bug for LosersCount {
    fn handle(router: &mut Router, event: Event<'_>, now: Instant) -> Actions {
        match event {
            Event::Heard(heard)
                if router.state() == State::Backup
                    && heard.priority() != Priority::RELEASE
                    && heard.priority() < router.priority() =>
            {
                let equal = changed(heard, router.priority(), heard.interval());
                router.handle(Event::Heard(&equal), now)
            }
            _ => router.handle(event, now),
        }
    }
}

#[test]
fn a_backup_that_follows_a_loser_is_noticed() {
    noticed::<LosersCount>(crashes::crash);
    noticed::<LosersCount>(chaos::everything_goes_wrong);
}

struct AlwaysPreempts;

impl Bug for AlwaysPreempts {
    fn configure(mut config: Config) -> Config {
        config.preempt = Preempt::Always;
        config
    }
}

#[test]
fn a_router_that_preempts_although_it_must_not_is_noticed() {
    noticed::<AlwaysPreempts>(crashes::crash_without_preemption);
    noticed::<AlwaysPreempts>(sleepers::the_active_router_sleeps);
}

struct DeafToReleases;

impl Bug for DeafToReleases {
    fn handle(router: &mut Router, event: Event<'_>, now: Instant) -> Actions {
        match event {
            Event::Heard(heard) if heard.priority() == Priority::RELEASE => Actions::none(),
            _ => router.handle(event, now),
        }
    }
}

#[test]
fn a_backup_that_does_not_hear_a_release_is_noticed() {
    noticed::<DeafToReleases>(crashes::stop);
    noticed::<DeafToReleases>(handing_over::is_demoted);
}

struct DeafWhileActive;

impl Bug for DeafWhileActive {
    fn handle(router: &mut Router, event: Event<'_>, now: Instant) -> Actions {
        match event {
            Event::Heard(_) if router.state() == State::Active => Actions::none(),
            _ => router.handle(event, now),
        }
    }
}

#[test]
fn an_active_router_that_hears_nobody_is_noticed() {
    noticed::<DeafWhileActive>(chaos::everything_goes_wrong);
    noticed::<DeafWhileActive>(ties::everybody_is_equal);
}

struct GreatestAddress;

impl Bug for GreatestAddress {
    fn handle(router: &mut Router, event: Event<'_>, now: Instant) -> Actions {
        if let Event::Start = event {
            let greatest: IpAddr = match router.config().address {
                IpAddr::V4(_) => Ipv4Addr::BROADCAST.into(),
                IpAddr::V6(_) => Ipv6Addr::from([0xff; 16]).into(),
            };
            assert!(router.handle(Event::PrimaryAddressChanged(greatest), now).is_empty());
        }
        router.handle(event, now)
    }
}

#[test]
fn a_tie_that_everybody_wins_is_noticed() {
    noticed::<GreatestAddress>(ties::everybody_is_equal);
}

/// Never steps down, and answers whatever it hears.
struct Quarrelsome;

impl Bug for Quarrelsome {
    fn handle(router: &mut Router, event: Event<'_>, now: Instant) -> Actions {
        match event {
            Event::Heard(heard) if router.state() == State::Active => {
                let (version, interval) = (heard.version(), heard.interval());
                let priority = router.priority();
                let mut actions = Actions::none();
                actions.push(Action::Advertise(Advertisement { version, priority, interval }));
                actions
            }
            _ => router.handle(event, now),
        }
    }
}

#[test]
fn a_storm_is_noticed() {
    let stormy = |seed| {
        let mut world: World<Planted<Quarrelsome>> = World::of(seed);
        judge(ties::everybody_is_equal, &mut world).is_err_and(|told| told.contains("within one interval"))
    };
    assert!((0..20).any(stormy));
}

struct LetsGoAtOnce;

impl Bug for LetsGoAtOnce {
    fn handle(router: &mut Router, event: Event<'_>, now: Instant) -> Actions {
        match event {
            Event::Yield => router.handle(Event::Stop, now),
            _ => router.handle(event, now),
        }
    }
}

#[test]
fn a_dark_moment_is_noticed() {
    noticed::<LetsGoAtOnce>(handing_over::yields);
    noticed::<LetsGoAtOnce>(handing_over::yields_on_a_bad_link);
}

struct AnswersLate;

impl Bug for AnswersLate {
    fn deadline(router: &Router) -> Option<Instant> {
        let late = match router.standing().reason {
            Reason::Demoted { .. } => router.config().interval.to_duration(),
            _ => Duration::ZERO,
        };
        router.deadline().map(|deadline| deadline + late)
    }
}

#[test]
fn a_demoted_router_that_leaves_worse_ones_the_time_to_take_over_is_noticed() {
    noticed::<AnswersLate>(handing_over::is_demoted);
}

struct DemotedInSilence;

impl Bug for DemotedInSilence {
    fn configure(mut config: Config) -> Config {
        config.demoted = crate::OnDemotion::AdvertiseOnly;
        config
    }
}

#[test]
fn a_demotion_that_costs_a_down_interval_is_noticed() {
    noticed::<DemotedInSilence>(handing_over::is_demoted);
}

struct Mute;

impl Bug for Mute {
    fn handle(router: &mut Router, event: Event<'_>, now: Instant) -> Actions {
        let before = router.state();
        let actions = router.handle(event, now);
        match event {
            Event::DeadlinePassed if before == State::Active => Actions::none(),
            _ => actions,
        }
    }
}

#[test]
fn an_active_router_that_says_nothing_is_noticed() {
    noticed::<Mute>(crashes::crash);
}

struct Secretive;

impl Bug for Secretive {
    fn handle(router: &mut Router, event: Event<'_>, now: Instant) -> Actions {
        let mut told = Actions::none();
        router
            .handle(event, now)
            .filter(|action| *action != Action::StandingChanged)
            .for_each(|action| told.push(action));
        told
    }
}

#[test]
fn a_change_of_which_nobody_is_told_is_noticed() {
    noticed::<Secretive>(crashes::crash);
}

/// Its clock runs behind: what is due is not done.
struct Procrastinating;

impl Bug for Procrastinating {
    fn handle(router: &mut Router, event: Event<'_>, now: Instant) -> Actions {
        match event {
            Event::DeadlinePassed if router.state() == State::Active => Actions::none(),
            _ => router.handle(event, now),
        }
    }
}

#[test]
fn a_deadline_that_stays_in_the_past_is_noticed() {
    let scenario = |world: &mut World<Planted<Procrastinating>>| {
        let party = Party::new(world);
        let node = world.add(party.configs[0]).unwrap();
        world.at(Duration::ZERO, node, Stimulus::Event(Event::Start));
        world.at(Duration::ZERO, node, Stimulus::Event(Event::Promote));
        world.run(party.interval + Duration::from_nanos(100));
        Ok(())
    };
    let mut world = World::of(3);
    let verdict = judge(scenario, &mut world);
    assert!(verdict.is_err_and(|told| told.contains("has passed already")));
}

#[test]
fn a_driver_that_looks_at_its_timer_before_its_socket_is_noticed() {
    let scenario = |world: &mut World| {
        world.set_order(DrainOrder::TimerFirst);
        sleepers::a_backup_sleeps(world)
    };
    assert!((0..200).any(|seed| judge(scenario, &mut World::new(seed)).is_err()));
}
