//! The election of one virtual router (RFC 9568 §6): what to say and when, and who holds the addresses. Packets, sockets,
//! clocks and addresses on interfaces it leaves to others.

mod action;
mod active;
mod backup;
mod config;
mod event;
mod standing;
mod timing;

pub use action::{Action, Actions, Advertisement};
pub use config::{AcceptMode, Config, ConfigError, FirstWait, OnBetter, OnDemotion, OnLosing, Preempt};
pub use event::{Event, Fault, Faults};
pub use standing::{Ownership, Reason, Sighting, Standing, State, Status};
pub use timing::{active_down_interval, skew_time};

use core::net::IpAddr;
use core::time::Duration;

use crate::{Accepted, Family, Instant, Interval, Priority, Version, Versions};

/// One router's part in the election of one virtual router: a state machine without clock and socket.
///
/// Tell it what happens ([`handle`](Self::handle)), do what it answers, and tell it when its [`deadline`](Self::deadline)
/// has come. Who puts addresses on interfaces looks at its [`standing`](Self::standing).
///
/// ```
/// use core::net::Ipv4Addr;
/// use vrrp_proto::{Action, Config, Event, Instant, Priority, Router, State, Versions, VirtualRouterId};
///
/// let vrid = VirtualRouterId::new(51).unwrap();
/// let address = Ipv4Addr::new(10, 0, 0, 12).into();
/// let mut router = Router::new(Config::new(vrid, Versions::V3, address, Priority::DEFAULT))?;
///
/// let start = Instant::from_nanoseconds(0);
/// for action in router.handle(Event::Start, start) {
///     assert_eq!(action, Action::StandingChanged); // nothing to be said yet
/// }
/// assert_eq!(router.standing().to_string(), "Backup since 0.000 s: nobody heard yet");
///
/// // Nothing arrives until the deadline.
/// let deadline = router.deadline().unwrap();
/// assert_eq!(deadline.nanoseconds(), 3_609_375_000);
/// let mut said = router.handle(Event::DeadlinePassed, deadline);
/// assert!(matches!(said.next(), Some(Action::Advertise(_))));
/// assert_eq!(said.next(), Some(Action::StandingChanged));
/// assert!(router.standing().holds_addresses());
/// # Ok::<(), vrrp_proto::ConfigError>(())
/// ```
///
#[doc = include_str!("../docs/election.md")]
#[derive(Clone, Debug)]
pub struct Router {
    config: Config,
    address: IpAddr,
    tracked: Priority,
    willing: Willing,
    faults: Faults,
    mode: Mode,
    /// Active_Adver_Interval (§6.1).
    learned: Interval,
    now: Instant,
    since: Instant,
    reason: Reason,
    announcements: u32,
    /// Who is heard in VRRPv3, and until when that counts.
    bilingual: Option<(IpAddr, Instant)>,
    notes: Notes,
}

#[derive(Clone, Debug)]
enum Mode {
    Initialize { start_at: Option<Instant> },
    Backup(backup::Backup),
    Active(active::Active),
    Fault,
}

/// Whether the router contends with its priority or lets others go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Willing {
    AsConfigured,
    LastOfAll,
}

/// What nobody decides by.
#[derive(Clone, Copy, Debug, Default)]
struct Notes {
    sent: u64,
    heard: u64,
    losing: u64,
    twice: u64,
    became_active: u64,
    stalls: u64,
    second_owner: Option<Sighting>,
    own_address: Option<Sighting>,
    equal_priority: Option<Sighting>,
    other_interval: Option<Sighting>,
}

impl Router {
    /// A router that was not started.
    ///
    /// # Errors
    ///
    /// When the configuration contradicts itself.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        let beginning = Instant::from_nanoseconds(0);
        Ok(Self {
            config,
            address: config.address,
            tracked: config.priority,
            willing: Willing::AsConfigured,
            faults: Faults::NONE,
            mode: Mode::Initialize { start_at: None },
            learned: config.interval,
            now: beginning,
            since: beginning,
            reason: Reason::NotStarted,
            announcements: 0,
            bilingual: None,
            notes: Notes::default(),
        })
    }

    /// Something happened at `now`: what is to be done about it. `now` is the arrival of what was heard where that is
    /// known, and the time of the call otherwise; one before an earlier `now` counts as that.
    pub fn handle(&mut self, event: Event<'_>, now: Instant) -> Actions {
        self.now = self.now.max(now);
        let now = self.now;
        let before = self.visible();
        let mut actions = Actions::none();
        match event {
            Event::Start => self.start(now, &mut actions),
            Event::Stop => self.stop(now, &mut actions),
            Event::Heard(heard) => self.heard(heard, now, &mut actions),
            Event::DeadlinePassed => self.deadline_passed(now, &mut actions),
            Event::PriorityChanged(priority) => {
                // Only the owner of the addresses is 255, and it stays so (§5.2.4).
                if self.config.priority != Priority::OWNER {
                    let tracked = Priority::new(priority.value().clamp(1, 254));
                    self.contend(tracked, self.willing, now, &mut actions);
                }
            }
            Event::FaultRaised(fault) => {
                self.faults = self.faults.with(fault);
                self.fault(now, &mut actions);
            }
            Event::FaultCleared(fault) => {
                self.faults = self.faults.without(fault);
                match self.mode {
                    Mode::Fault if self.faults.is_empty() => self.startup(FirstWait::Full, now, &mut actions),
                    Mode::Fault => self.reason = Reason::Faulty(self.faults),
                    Mode::Initialize { .. } | Mode::Backup(_) | Mode::Active(_) => {}
                }
            }
            Event::Yield => self.give_way(now, &mut actions),
            Event::Resume => {
                self.contend(self.tracked, Willing::AsConfigured, now, &mut actions);
                self.resume(now, &mut actions);
            }
            Event::Promote => {
                self.contend(self.tracked, Willing::AsConfigured, now, &mut actions);
                self.promote(now, &mut actions);
            }
            Event::PrimaryAddressChanged(address) => {
                if Family::from(address) == Family::from(self.address) && address != self.address {
                    self.address = address;
                    self.show_address(now, &mut actions);
                }
            }
        }
        if self.visible() != before {
            actions.push(Action::StandingChanged);
        }
        actions
    }

    /// When [`Event::DeadlinePassed`] is due; `None`: only by what happens.
    pub fn deadline(&self) -> Option<Instant> {
        match &self.mode {
            Mode::Initialize { start_at } => *start_at,
            Mode::Backup(backup) => Some(backup.down_at),
            Mode::Active(active) => Some(active.deadline()),
            Mode::Fault => None,
        }
    }

    /// Where the router stands.
    pub fn standing(&self) -> Standing {
        Standing {
            state: self.state(),
            since: self.since,
            reason: self.reason,
            priority: self.priority(),
            announcements: self.announcements,
            ownership: match self.config.priority {
                Priority::OWNER => Ownership::Owner,
                _ => Ownership::Other,
            },
            accept: self.config.accept,
        }
    }

    /// Everything that can be told.
    pub fn status(&self) -> Status {
        Status {
            standing: self.standing(),
            deadline: self.deadline(),
            active: match &self.mode {
                Mode::Backup(backup) => backup.last,
                Mode::Initialize { .. } | Mode::Active(_) | Mode::Fault => None,
            },
            sent: self.notes.sent,
            heard: self.notes.heard,
            losing: self.notes.losing,
            twice: self.notes.twice,
            became_active: self.notes.became_active,
            stalls: self.notes.stalls,
            second_owner: self.notes.second_owner,
            own_address: self.notes.own_address,
            equal_priority: self.notes.equal_priority,
            other_interval: self.notes.other_interval,
        }
    }

    /// What it was made with.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The state alone.
    pub const fn state(&self) -> State {
        match self.mode {
            Mode::Initialize { .. } => State::Initialize,
            Mode::Backup(_) => State::Backup,
            Mode::Active(_) => State::Active,
            Mode::Fault => State::Fault,
        }
    }

    /// The priority with which the router contends now: 1 while it lets others go first.
    pub const fn priority(&self) -> Priority {
        match self.willing {
            Willing::AsConfigured => self.tracked,
            Willing::LastOfAll => Priority::new(1),
        }
    }

    /// What a watcher can tell apart.
    fn visible(&self) -> (State, Reason, Priority, u32) {
        (self.state(), self.reason.settled(), self.priority(), self.announcements)
    }

    fn start(&mut self, now: Instant, actions: &mut Actions) {
        let Mode::Initialize { start_at: None } = self.mode else { return };
        if !self.faults.is_empty() {
            self.enter(Mode::Fault, Reason::Faulty(self.faults), now);
        } else if self.config.start_delay.is_zero() {
            self.startup(self.config.first, now, actions);
        } else {
            let until = now + self.config.start_delay;
            self.enter(Mode::Initialize { start_at: Some(until) }, Reason::Delayed { until }, now);
        }
    }

    /// §6.4.1.
    fn startup(&mut self, first: FirstWait, now: Instant, actions: &mut Actions) {
        self.learned = self.config.interval;
        if self.priority() == Priority::OWNER {
            return self.become_active(Reason::Owner, now, actions);
        }
        let wait = match first {
            FirstWait::Full => self.down_interval(),
            FirstWait::Short => self.learned.to_duration().saturating_add(self.skew()),
        };
        self.enter(Mode::Backup(backup::Backup::new(now + wait)), Reason::Listening, now);
    }

    /// The Shutdown of §6.4.2 and §6.4.3.
    fn stop(&mut self, now: Instant, actions: &mut Actions) {
        if self.state() == State::Active {
            self.advertise(Priority::RELEASE, actions);
        }
        self.willing = Willing::AsConfigured;
        let reason = match self.reason {
            Reason::NotStarted => Reason::NotStarted,
            _ => Reason::Stopped,
        };
        self.enter(Mode::Initialize { start_at: None }, reason, now);
    }

    fn fault(&mut self, now: Instant, actions: &mut Actions) {
        match self.mode {
            Mode::Initialize { start_at: None } => return,
            Mode::Active(_) => self.advertise(Priority::RELEASE, actions),
            Mode::Initialize { start_at: Some(_) } | Mode::Backup(_) | Mode::Fault => {}
        }
        self.enter(Mode::Fault, Reason::Faulty(self.faults), now);
    }

    fn deadline_passed(&mut self, now: Instant, actions: &mut Actions) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.mode {
            Mode::Initialize { .. } => self.startup(self.config.first, now, actions),
            Mode::Backup(_) => self.down_timer_expired(now, actions),
            Mode::Active(_) => self.duty_is_due(now, actions),
            Mode::Fault => {}
        }
    }

    fn heard(&mut self, heard: &Accepted<'_>, now: Instant, actions: &mut Actions) {
        if heard.vrid() != self.config.vrid
            || Family::from(heard.source()) != Family::from(self.address)
            || !self.config.versions.contain(heard.version())
            || matches!(self.mode, Mode::Initialize { .. } | Mode::Fault)
        {
            return;
        }
        let sighting = Sighting::of(heard, now);
        self.notes.heard += 1;
        if self.repeats_in_v2(&sighting) {
            self.notes.twice += 1;
            return;
        }
        self.note(sighting);
        match self.mode {
            Mode::Backup(_) => self.heard_as_backup(sighting),
            Mode::Active(_) => self.heard_as_active(sighting, actions),
            Mode::Initialize { .. } | Mode::Fault => {}
        }
    }

    /// Whether this is in VRRPv2 what the same router said in VRRPv3 (§8.4.2).
    fn repeats_in_v2(&mut self, heard: &Sighting) -> bool {
        if self.config.versions != Versions::Both {
            return false;
        }
        match heard.version {
            Version::V3 => {
                let adverts = self.config.down_timer_adverts;
                let until = heard.at + active_down_interval(self.priority(), heard.interval, adverts);
                self.bilingual = Some((heard.source, until));
                false
            }
            Version::V2 => {
                self.bilingual.is_some_and(|(source, until)| source == heard.source && heard.at < until)
            }
        }
    }

    fn note(&mut self, heard: Sighting) {
        if heard.source == self.address {
            self.notes.own_address = Some(heard);
        } else if heard.priority == self.priority() {
            self.notes.equal_priority = Some(heard);
        }
        if heard.priority == Priority::OWNER && self.config.priority == Priority::OWNER {
            self.notes.second_owner = Some(heard);
        }
        if heard.interval != self.said_interval(heard.version) {
            self.notes.other_interval = Some(heard);
        }
    }

    /// Another priority, or another will: the running down timer moves by what the down interval changes.
    fn contend(&mut self, tracked: Priority, willing: Willing, now: Instant, actions: &mut Actions) {
        let before = (self.priority(), self.skew());
        self.tracked = tracked;
        self.willing = willing;
        match self.mode {
            Mode::Backup(_) => self.shift(before.1, now),
            Mode::Active(_) => self.priority_changed_while_active(before.0, now, actions),
            Mode::Initialize { .. } | Mode::Fault => {}
        }
    }

    /// The advertisement, in every version that is spoken, VRRPv3 first.
    fn advertise(&mut self, priority: Priority, actions: &mut Actions) {
        for version in [Version::V3, Version::V2] {
            if self.config.versions.contain(version) {
                let interval = self.said_interval(version);
                self.notes.sent += 1;
                actions.push(Action::Advertise(Advertisement { version, priority, interval }));
            }
        }
    }

    fn said_interval(&self, version: Version) -> Interval {
        let own = self.config.interval;
        match version {
            Version::V3 => own,
            // Whole seconds, rounded up: at most 41, since VRRPv3 beside it says 4095 cs at most.
            Version::V2 => u8::try_from(own.centiseconds().div_ceil(100))
                .ok()
                .and_then(Interval::from_seconds)
                .unwrap_or(own),
        }
    }

    fn enter(&mut self, mode: Mode, reason: Reason, now: Instant) {
        let before = self.state();
        self.mode = mode;
        self.reason = reason;
        if self.state() != before {
            self.since = now;
        }
    }

    /// The owner always preempts (§6.1).
    fn preempt(&self) -> Preempt {
        match self.priority() {
            Priority::OWNER => Preempt::Always,
            _ => self.config.preempt,
        }
    }

    /// Whether the sender wins against this router (§6.4.3): by priority, then by address, unsigned in network order.
    fn outranked_by(&self, heard: &Sighting) -> bool {
        (heard.priority, heard.source) > (self.priority(), self.address)
    }

    /// Skew_Time (§6.1).
    fn skew(&self) -> Duration {
        skew_time(self.priority(), self.learned)
    }

    /// Active_Down_Interval (§6.1).
    fn down_interval(&self) -> Duration {
        active_down_interval(self.priority(), self.learned, self.config.down_timer_adverts)
    }
}

#[cfg(test)]
mod tests;
