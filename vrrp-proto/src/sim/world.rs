//! Routers, the links between them, and what happens to them one after the other.

use core::cmp::Reverse;
use core::net::IpAddr;
use core::time::Duration;
use std::collections::BinaryHeap;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::plan::{Happening, Letter, Planned};
use super::{Link, Machine, Random, Sleep, Stimulus, heard::accepted};
use crate::{Action, Advertisement, Config, ConfigError, Event, Instant, Priority, Router, Standing, State};

/// Which of two things that are both due a driver does first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainOrder {
    /// What a driver must do: all that arrived, then the deadline.
    SocketFirst,
    /// What it must not do.
    TimerFirst,
}

/// A router took the addresses, or let go of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// When, since the beginning of the world.
    pub at: Duration,
    /// Who.
    pub node: usize,
    /// Whether it holds them now.
    pub holds: bool,
}

/// A promise that a router broke in one single step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// When, since the beginning of the world.
    pub at: Duration,
    /// Who.
    pub node: usize,
    /// What was wrong.
    pub what: String,
}

/// A link, its routers, and a clock.
#[derive(Debug)]
pub struct World<M = Router> {
    now: Instant,
    random: Random,
    nodes: Vec<Node<M>>,
    links: Vec<Vec<Link>>,
    plan: BinaryHeap<Reverse<Planned>>,
    planned: u64,
    order: DrainOrder,
    late: Duration,
    history: Vec<Change>,
    broken: Option<Broken>,
    trace: Option<Vec<String>>,
}

#[derive(Debug)]
struct Node<M> {
    config: Config,
    machine: Option<M>,
    address: IpAddr,
    /// Whether it had the addresses when it was last looked at.
    holds: bool,
    /// The deadline that it waits for, and when it wakes up for it.
    alarm: Option<(Instant, Instant)>,
    asleep: Option<(Instant, Sleep)>,
    inbox: Vec<(Instant, Letter)>,
    sent: Vec<Duration>,
}

impl World<Router> {
    /// An empty link whose luck comes from `seed`.
    pub fn new(seed: u64) -> Self {
        Self::of(seed)
    }
}

impl<M: Machine> World<M> {
    /// The same for machines that are not quite routers.
    pub fn of(seed: u64) -> Self {
        Self {
            now: Instant::from_nanoseconds(0),
            random: Random::new(seed),
            nodes: Vec::new(),
            links: Vec::new(),
            plan: BinaryHeap::new(),
            planned: 0,
            order: DrainOrder::SocketFirst,
            late: Duration::ZERO,
            history: Vec::new(),
            broken: None,
            trace: None,
        }
    }

    /// Another router, not started, with [`Link::GOOD`] from and to all others. Routers are numbered from 0.
    ///
    /// # Errors
    ///
    /// When the configuration contradicts itself.
    pub fn add(&mut self, config: Config) -> Result<usize, ConfigError> {
        let machine = M::new(config)?;
        let number = self.nodes.len();
        self.nodes.push(Node {
            config,
            machine: Some(machine),
            address: config.address,
            holds: false,
            alarm: None,
            asleep: None,
            inbox: Vec::new(),
            sent: Vec::new(),
        });
        for row in &mut self.links {
            row.push(Link::GOOD);
        }
        self.links.push(std::vec![Link::GOOD; number + 1]);
        Ok(number)
    }

    /// The way from one router to another, to be changed.
    pub fn link_mut(&mut self, from: usize, to: usize) -> Option<&mut Link> {
        self.links.get_mut(from)?.get_mut(to)
    }

    /// The same for every way.
    pub fn set_links(&mut self, link: Link) {
        self.links.iter_mut().flatten().for_each(|one| *one = link);
    }

    /// Wake-ups come up to so much late from now on.
    pub const fn set_lateness(&mut self, late: Duration) {
        self.late = late;
    }

    /// How drivers behave from now on.
    pub const fn set_order(&mut self, order: DrainOrder) {
        self.order = order;
    }

    /// From now on what happens is written down.
    pub fn trace(&mut self) {
        self.trace.get_or_insert_default();
    }

    /// What was written down.
    pub fn traced(&self) -> &[String] {
        self.trace.as_deref().unwrap_or_default()
    }

    /// This happens to a router so long after the beginning of the world. What was planned for the past happens next.
    pub fn at(&mut self, at: Duration, node: usize, stimulus: Stimulus) {
        self.schedule(Instant::from_nanoseconds(0) + at, node, Happening::Stimulus(stimulus));
    }

    /// Everything that happens in the next so long, that moment included.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some((at, step)) = self.next_step().filter(|(at, _)| *at <= end) {
            self.now = self.now.max(at);
            match step {
                Step::Planned => {
                    if let Some(Reverse(planned)) = self.plan.pop() {
                        self.happen(planned);
                    }
                }
                Step::Wake(node) => self.wake(node),
            }
        }
        self.now = end;
    }

    /// How long the world exists.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.now.nanoseconds())
    }

    /// Who holds the addresses now.
    pub fn holders(&self) -> Vec<usize> {
        self.nodes.iter().enumerate().filter(|(_, node)| node.holds).map(|(number, _)| number).collect()
    }

    /// Every change of that so far.
    pub fn history(&self) -> &[Change] {
        &self.history
    }

    /// Where a router stands; `None` if it crashed.
    pub fn standing(&self, node: usize) -> Option<Standing> {
        self.nodes.get(node)?.machine.as_ref().map(Machine::standing)
    }

    /// When a router said something, each version by itself.
    pub fn sent(&self, node: usize) -> &[Duration] {
        self.nodes.get(node).map(|node| &node.sent[..]).unwrap_or_default()
    }

    /// The first promise that was broken in a single step.
    pub const fn promise_broken(&self) -> Option<&Broken> {
        self.broken.as_ref()
    }

    /// The luck of this world, for plans.
    pub const fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    fn schedule(&mut self, at: Instant, node: usize, what: Happening) {
        self.planned += 1;
        self.plan.push(Reverse(Planned { at, number: self.planned, node, what }));
    }

    fn next_step(&self) -> Option<(Instant, Step)> {
        let planned = self.plan.peek().map(|Reverse(planned)| (planned.at, Step::Planned));
        let wake = self
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(number, node)| Some((node.wakes_at()?, Step::Wake(number))))
            .min_by_key(|(at, _)| *at);
        match (planned, wake) {
            (Some(planned), Some(wake)) => {
                let socket_first = self.order == DrainOrder::SocketFirst && planned.0 == wake.0;
                Some(if planned.0 < wake.0 || socket_first { planned } else { wake })
            }
            (one, other) => one.or(other),
        }
    }

    fn happen(&mut self, Planned { node: number, what, .. }: Planned) {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(number) else { return };
        match what {
            Happening::Arrives(letter) => match node.asleep {
                _ if node.machine.is_none() => {}
                Some((_, Sleep::Process)) => node.inbox.push((now, letter)),
                Some((_, Sleep::Machine)) => {}
                None => self.deliver(number, letter, now),
            },
            Happening::Stimulus(Stimulus::Crash) => {
                self.note(number, || String::from("crashes"));
                self.take_down(number);
            }
            Happening::Stimulus(Stimulus::Restart) => {
                self.note(number, || String::from("restarts"));
                self.take_down(number);
                if let Some(node) = self.nodes.get_mut(number) {
                    node.machine = M::new(node.config).ok();
                    node.address = node.config.address;
                }
                self.tell(number, Event::Start, now);
            }
            Happening::Stimulus(Stimulus::Sleep(time, sleep)) => {
                if node.machine.is_some() {
                    let until = node.asleep.map_or(now, |(until, _)| until).max(now + time);
                    node.asleep = Some((until, sleep));
                    self.note(number, || format!("sleeps {time:?} ({sleep:?})"));
                }
            }
            Happening::Stimulus(Stimulus::Event(event)) => {
                // Who sleeps is told when it wakes up.
                if let Some((until, _)) = node.asleep.filter(|(until, _)| *until > now) {
                    return self.schedule(until, number, what);
                }
                if let Event::PrimaryAddressChanged(address) = event {
                    node.address = address;
                }
                self.tell(number, event, now);
            }
        }
    }

    fn take_down(&mut self, number: usize) {
        let Some(node) = self.nodes.get_mut(number) else { return };
        node.machine = None;
        node.asleep = None;
        node.alarm = None;
        node.inbox.clear();
        self.look(number);
    }

    fn wake(&mut self, number: usize) {
        let (now, order) = (self.now, self.order);
        let Some(node) = self.nodes.get_mut(number) else { return };
        if node.asleep.take().is_some() {
            self.note(number, || String::from("wakes up"));
        }
        if order == DrainOrder::TimerFirst {
            self.tell_deadline(number, now);
        }
        let Some(node) = self.nodes.get_mut(number) else { return };
        for (at, letter) in core::mem::take(&mut node.inbox) {
            self.deliver(number, letter, at);
        }
        self.tell_deadline(number, now);
        self.set_alarm(number);
        // One that breaks its promise must not keep the world from going on.
        if let Some((_, at)) = self.nodes.get_mut(number).and_then(|node| node.alarm.as_mut()) {
            *at = (*at).max(now + Duration::from_nanos(1));
        }
    }

    fn tell_deadline(&mut self, number: usize, now: Instant) {
        let deadline = |world: &Self| world.nodes.get(number)?.machine.as_ref()?.deadline();
        if deadline(self).is_some_and(|deadline| deadline <= now) {
            self.tell(number, Event::DeadlinePassed, now);
            if let Some(deadline) = deadline(self).filter(|deadline| *deadline <= now) {
                self.breaks(number, format!("the deadline {deadline:?} has passed already"));
            }
        }
    }

    fn deliver(&mut self, number: usize, letter: Letter, at: Instant) {
        let Advertisement { version, priority, interval } = letter.advertisement;
        let heard = accepted(version, letter.vrid, priority, interval, letter.source);
        self.tell(number, Event::Heard(&heard), at);
    }

    fn tell(&mut self, number: usize, event: Event<'_>, now: Instant) {
        let Some(machine) = self.nodes.get_mut(number).and_then(|node| node.machine.as_mut()) else { return };
        let before = machine.standing();
        let actions = machine.handle(event, now);
        let (after, deadline) = (machine.standing(), machine.deadline());
        let mut said = Vec::new();
        let mut told = 0;
        for action in actions {
            match action {
                Action::Advertise(advertisement) => said.push(advertisement),
                Action::StandingChanged => told += 1,
            }
        }
        self.note(number, || match event {
            Event::Heard(heard) => {
                format!("hears {} of {} → {after}", heard.priority().value(), heard.source())
            }
            _ => format!("{event:?} → {after}"),
        });
        if (before.state, before.priority, before.announcements)
            != (after.state, after.priority, after.announcements)
            && told == 0
        {
            self.breaks(number, format!("nobody was told of {after}"));
        }
        if (after.state == State::Active || after.state == State::Backup) && deadline.is_none() {
            self.breaks(number, format!("{} without a deadline", after.state));
        }
        if after.priority == Priority::RELEASE {
            self.breaks(number, String::from("contends with 0"));
        }
        for advertisement in said {
            let own = advertisement.priority == before.priority || advertisement.priority == after.priority;
            if advertisement.priority != Priority::RELEASE && !own {
                self.breaks(number, format!("advertises {advertisement:?}"));
            }
            self.send(number, advertisement);
        }
        self.look(number);
        self.set_alarm(number);
    }

    fn send(&mut self, number: usize, advertisement: Advertisement) {
        self.note(number, || {
            format!("says {} in {:?}", advertisement.priority.value(), advertisement.version)
        });
        let time = self.now();
        let Some(node) = self.nodes.get_mut(number) else { return };
        node.sent.push(time);
        let interval = node.config.interval.to_duration();
        let storm = node.sent.len().checked_sub(STORM).and_then(|first| node.sent.get(first));
        if storm.is_some_and(|first| time - *first <= interval) {
            // Not carried: the world would never end.
            return self.breaks(number, format!("said {STORM} packets within one interval"));
        }
        let Some(node) = self.nodes.get(number) else { return };
        let letter = Letter { vrid: node.config.vrid, source: node.address, advertisement };
        for to in (0..self.nodes.len()).filter(|to| *to != number) {
            let Some(link) = self.links.get(number).and_then(|row| row.get(to)).copied() else { continue };
            for delay in link.carry(&mut self.random) {
                self.schedule(self.now + delay, to, Happening::Arrives(letter));
            }
        }
    }

    /// Whether it holds the addresses now.
    fn look(&mut self, number: usize) {
        let at = self.now();
        let Some(node) = self.nodes.get_mut(number) else { return };
        let holds = node.machine.as_ref().is_some_and(|machine| machine.standing().holds_addresses());
        if node.holds != holds {
            node.holds = holds;
            self.history.push(Change { at, node: number, holds });
        }
    }

    fn set_alarm(&mut self, number: usize) {
        let Some(node) = self.nodes.get_mut(number) else { return };
        let deadline = node.machine.as_ref().and_then(Machine::deadline);
        if node.alarm.map(|(deadline, _)| deadline) != deadline {
            let late = self.random.between(Duration::ZERO, self.late);
            node.alarm = deadline.map(|deadline| (deadline, deadline + late));
        }
    }

    fn note(&mut self, number: usize, what: impl FnOnce() -> String) {
        let at = self.now();
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>14.6} ms  {number}  {}", at.as_secs_f64() * 1e3, what()));
        }
    }

    fn breaks(&mut self, node: usize, what: String) {
        self.note(node, || format!("BROKEN: {what}"));
        let at = self.now();
        self.broken.get_or_insert(Broken { at, node, what });
    }
}

/// No router has a reason to say so much within its interval.
const STORM: usize = 500;

#[derive(Clone, Copy, Debug)]
enum Step {
    Planned,
    Wake(usize),
}

impl<M> Node<M> {
    fn wakes_at(&self) -> Option<Instant> {
        match self.asleep {
            Some((until, _)) => Some(until),
            None => self.alarm.map(|(_, at)| at),
        }
    }
}
