//! Many virtual routers on one descriptor, for any event loop: wait until it is readable, then call [`Engine::turn`].

mod packets;
mod slot;
mod sockets;

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, SystemTime};

use rustix::event::epoll;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use vrrp_proto::{Action, Advertisement, Carrier, Datagram, Event, Family, Fault, Instant, Router, State};

use self::packets::{AddressList, Packets};
use self::slot::Slot;
use self::sockets::Sockets;
use crate::clock;
use crate::interface::Interface;
use crate::links::LinkBell;
use crate::router::{AddError, Authentication, Command, Options, Reach, Report, RouterId};
use crate::socket::{self, Inbox, Octets, OpenError, Packet, Protocol};

/// Any number of virtual routers, their sockets and timers, behind one descriptor.
///
/// The descriptor is readable when there is something to do, be it that a timer has expired, a datagram has come or a
/// link has changed. It works in every event loop, and in none: `poll(2)` on it is enough.
#[derive(Debug)]
pub struct Engine {
    epoll: OwnedFd,
    timer: OwnedFd,
    links: LinkBell,
    sockets: Sockets,
    inbox: Inbox,
    slots: Vec<Option<Slot>>,
    /// When each router wants to be called; entries that it no longer means are skipped.
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    armed: Option<Instant>,
    interfaces: Vec<Interface>,
    /// When the interfaces were looked up last, and when they will be again.
    looked: Instant,
    look_at: Option<Instant>,
    due: Vec<(usize, Advertisement)>,
    changed: BTreeSet<RouterId>,
    unclaimed: u64,
}

/// Links that keep changing are looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What could not be opened is tried again after this, besides when a link changes.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Datagrams taken from one socket before timers are looked at again, in batches of the inbox.
const MOST_BATCHES: usize = 64;

impl Engine {
    /// Without routers.
    ///
    /// # Errors
    ///
    /// What the kernel answered; not expected.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Boottime, flags)?;
        let links = LinkBell::new()?;
        for descriptor in [timer.as_fd(), links.as_fd()] {
            epoll::add(&epoll, descriptor, epoll::EventData::new_u64(0), epoll::EventFlags::IN)?;
        }
        Ok(Self {
            epoll,
            timer,
            links,
            sockets: Sockets::default(),
            inbox: Inbox::new(),
            slots: Vec::new(),
            timers: BinaryHeap::new(),
            armed: None,
            interfaces: Vec::new(),
            looked: Instant::from_nanoseconds(0),
            look_at: None,
            due: Vec::new(),
            changed: BTreeSet::new(),
            unclaimed: 0,
        })
    }

    /// One router more. It does not take part before [`Command::Start`].
    ///
    /// # Errors
    ///
    /// What will not come right by itself: [`AddError`].
    pub fn add(&mut self, options: Options) -> Result<RouterId, AddError> {
        let vrid = options.election.vrid;
        let number = vrid.number();
        let unspecified = match options.family() {
            Family::V4 => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            Family::V6 => IpAddr::from(Ipv6Addr::UNSPECIFIED),
        };
        for address in options.addresses.iter().chain(&options.source) {
            if Family::from(*address) != options.family() {
                return Err(AddError::Family { address: *address });
            }
        }
        let addresses =
            AddressList::new(&options.addresses).map_err(|address| AddError::Family { address })?;
        packets::check(&options, &addresses)
            .map_err(|reason| AddError::Advertisement { vrid: number, reason })?;
        let mut election = options.election;
        election.address = unspecified;
        let router = Router::new(election).map_err(|reason| AddError::Election { vrid: number, reason })?;
        let heard_alike = |other: &Slot| {
            (&other.options.interface, other.options.election.vrid, other.options.family())
                == (&options.interface, vrid, options.family())
        };
        if self.slots.iter().flatten().any(heard_alike) {
            return Err(AddError::Twice { vrid: number, interface: options.interface });
        }
        let free = self.slots.iter().position(Option::is_none);
        let place = free.unwrap_or(self.slots.len());
        let slot = Slot::new(options, router, Packets::new(addresses));
        match free.and_then(|place| self.slots.get_mut(place)) {
            Some(empty) => *empty = Some(slot),
            None => self.slots.push(Some(slot)),
        }
        self.interfaces = Interface::all()?;
        let hopeless = self.attach(place, clock::now());
        if let Some(reason) = hopeless {
            let interface =
                self.slots.get_mut(place).and_then(Option::take).map(|slot| slot.options.interface);
            return Err(AddError::Socket { interface: interface.unwrap_or_default(), reason });
        }
        Ok(RouterId(place))
    }

    /// Stops a router, with a release if it is Active, and takes it out.
    pub fn remove(&mut self, router: RouterId) {
        self.command(router, Command::Stop);
        if let Some(slot) = self.slots.get_mut(router.0).and_then(Option::take) {
            if let Some(options) = slot.hears_by {
                self.sockets.deafen(&options, slot.options.election.vrid);
                self.sockets.release(&options);
            }
            if let Some(options) = slot.speaks_by {
                self.sockets.release(&options);
            }
        }
        self.changed.remove(&router);
        self.arm();
    }

    /// Asks something of a router. What follows from it has been sent when this returns.
    pub fn command(&mut self, router: RouterId, command: Command) {
        let event = match command {
            Command::Start => Event::Start,
            Command::Stop => Event::Stop,
            Command::Priority(priority) => Event::PriorityChanged(priority),
            Command::Raise(fault) => Event::FaultRaised(fault),
            Command::Clear(fault) => Event::FaultCleared(fault),
            Command::Yield => Event::Yield,
            Command::Resume => Event::Resume,
            Command::Promote => Event::Promote,
        };
        self.handle(router.0, event, clock::now());
        self.send();
        self.arm();
    }

    /// Does what is to be done: hears what has come, acts on what is due, looks at links that have changed. Never
    /// waits. [`Turn::More`]: call again soon.
    pub fn turn(&mut self) -> Turn {
        self.silence_timer();
        let now = clock::now();
        // An Active Router that is on time says so before anything else.
        self.advertise_on_time(now);
        if self.links.rang() || self.look_at.is_some_and(|at| at <= now) {
            self.look(now);
        }
        // What has been heard counts before what has expired: after a stall of ours the others have spoken meanwhile.
        let more = self.hear(now);
        self.expire(clock::now());
        self.send();
        self.arm();
        more
    }

    /// Routers whose standing has changed since the last call.
    pub fn changed(&mut self) -> impl Iterator<Item = RouterId> + use<> {
        std::mem::take(&mut self.changed).into_iter()
    }

    /// What can be told of a router; `None` if it was removed.
    pub fn report(&self, router: RouterId) -> Option<Report> {
        Some(self.slot(router.0)?.report(clock::now(), SystemTime::now()))
    }

    /// Advertisements heard for virtual routers that are none of ours.
    pub const fn unclaimed(&self) -> u64 {
        self.unclaimed
    }

    /// Datagrams that the kernel dropped before we could hear them.
    pub fn kernel_drops(&self) -> u64 {
        self.sockets.kernel_drops()
    }

    fn slot(&self, place: usize) -> Option<&Slot> {
        self.slots.get(place).and_then(Option::as_ref)
    }

    fn slot_mut(&mut self, place: usize) -> Option<&mut Slot> {
        self.slots.get_mut(place).and_then(Option::as_mut)
    }

    /// Tells a router, and notes what it wants done.
    fn handle(&mut self, place: usize, event: Event<'_>, now: Instant) {
        let Some(slot) = self.slots.get_mut(place).and_then(Option::as_mut) else { return };
        for action in slot.router.handle(event, now) {
            match action {
                Action::Advertise(said) => self.due.push((place, said)),
                Action::StandingChanged => _ = self.changed.insert(RouterId(place)),
                _ => {}
            }
        }
        let deadline = slot.router.deadline();
        if deadline != slot.queued {
            slot.queued = deadline;
            if let Some(deadline) = deadline {
                self.timers.push(Reverse((deadline, place)));
            }
        }
    }

    /// The router whose time has come, if it has.
    fn next_due(&mut self, now: Instant) -> Option<(Instant, usize)> {
        while let Some(Reverse((at, place))) = self.timers.peek().copied() {
            let meant = self.slot(place).is_some_and(|slot| slot.queued == Some(at));
            if meant && at > now {
                return None;
            }
            self.timers.pop();
            if meant {
                return Some((at, place));
            }
        }
        None
    }

    fn expire(&mut self, now: Instant) {
        while let Some((_, place)) = self.next_due(now) {
            if let Some(slot) = self.slot_mut(place) {
                slot.queued = None;
            }
            self.handle(place, Event::DeadlinePassed, now);
        }
    }

    /// Those of the due routers that are Active, as long as they are not later than an interval.
    fn advertise_on_time(&mut self, now: Instant) {
        let mut others = Vec::new();
        while let Some((at, place)) = self.next_due(now) {
            let on_time = self.slot(place).is_some_and(|slot| {
                slot.router.state() == State::Active
                    && now.saturating_since(at) < slot.options.election.interval.to_duration()
            });
            if on_time {
                if let Some(slot) = self.slot_mut(place) {
                    slot.queued = None;
                }
                self.handle(place, Event::DeadlinePassed, now);
            } else {
                others.push(Reverse((at, place)));
            }
        }
        self.timers.extend(others);
        self.send();
    }

    fn hear(&mut self, now: Instant) -> Turn {
        let wall = SystemTime::now();
        let mut turn = Turn::Done;
        let mut inbox = std::mem::take(&mut self.inbox);
        let mut heard: Vec<socket::Options> =
            self.sockets.iter().map(|shared| shared.socket.options()).collect();
        heard.dedup();
        for options in heard {
            for batch in 0..=MOST_BATCHES {
                if batch == MOST_BATCHES {
                    turn = Turn::More;
                    break;
                }
                let Some(shared) = self.sockets.get(&options) else { break };
                match shared.socket.receive(&mut inbox) {
                    Ok(0) => break,
                    Ok(_) => {}
                    // Told once when the interface goes down; the bell has rung as well.
                    Err(_down) => continue,
                }
                for datagram in inbox.iter() {
                    let at = clock::arrival(datagram.arrived, now, wall);
                    self.hear_one(&options, datagram, at, wall);
                }
            }
        }
        self.inbox = inbox;
        turn
    }

    fn hear_one(&mut self, by: &socket::Options, heard: socket::Datagram<'_>, at: Instant, wall: SystemTime) {
        let datagram = match heard.octets {
            Octets::V4(octets) => Datagram::from_ipv4(octets),
            Octets::V6 { payload, source, destination, hop_limit } => {
                Ok(Datagram::new(payload, Carrier::V6 { source, destination }, hop_limit))
            }
        };
        let Ok(datagram) = datagram else {
            self.unclaimed += 1;
            return;
        };
        let place = datagram.vrid().and_then(|vrid| self.sockets.get(by)?.listener(vrid));
        let Some(slot) = place.and_then(|place| self.slots.get_mut(place)).and_then(Option::as_mut) else {
            self.unclaimed += 1;
            return;
        };
        let accepted = slot.check(&datagram.on_interface(by.interface), at, wall);
        if let (Some(accepted), Some(place)) = (accepted, place) {
            self.handle(place, Event::Heard(&accepted), at);
        }
    }

    /// Sends what is due, in as few system calls as there are sockets.
    fn send(&mut self) {
        let mut due = std::mem::take(&mut self.due);
        for (place, said) in due.drain(..) {
            let Some(slot) = self.slots.get_mut(place).and_then(Option::as_mut) else { continue };
            let Some(shared) = slot.speaks_by.and_then(|options| self.sockets.get(&options)) else {
                continue;
            };
            let form = slot.options.checksum.form(slot.heard_checksum());
            let packets: Vec<Packet<'_>> = slot.packets.of(&slot.options, said, form).collect();
            let wanted = packets.len();
            let sent = shared.socket.send_many(&packets);
            drop(packets);
            match sent {
                Ok(sent) if sent == wanted => slot.trouble = None,
                Ok(sent) => slot.unsent += (wanted - sent) as u64,
                Err(error) => {
                    slot.unsent += wanted as u64;
                    slot.trouble = Some(format!("cannot send: {error}"));
                    // A link that is going, or an address that has gone.
                    self.look_at = Some(self.look_at.unwrap_or(self.looked + LOOK_EVERY));
                }
            }
        }
        self.due = due;
    }

    /// Looks the interfaces up, and tells every router what has changed for it.
    fn look(&mut self, now: Instant) {
        if now.saturating_since(self.looked) < LOOK_EVERY {
            self.look_at = Some(self.looked + LOOK_EVERY);
            return;
        }
        self.looked = now;
        self.look_at = None;
        match Interface::all() {
            Ok(interfaces) => self.interfaces = interfaces,
            // No memory, or no descriptor left: what was seen last still holds.
            Err(_later) => {
                self.look_at = Some(now + RETRY_AFTER);
                return;
            }
        }
        for place in 0..self.slots.len() {
            // What has no hope at its start may get some later; until then it is a fault.
            _ = self.attach(place, now);
        }
    }

    /// Gives a router its sockets and its address, as its interfaces are now. `Some`: what only a person can mend.
    fn attach(&mut self, place: usize, now: Instant) -> Option<OpenError> {
        let interfaces = std::mem::take(&mut self.interfaces);
        let wanted = self.slot_mut(place).map(|slot| {
            let (faults, source) = slot.look(&interfaces);
            (faults, source, wants(slot, &interfaces))
        });
        self.interfaces = interfaces;
        let (mut faults, source, (hear, speak)) = wanted?;
        let mut hopeless = None;
        for (old, new, role) in [
            (self.slot(place)?.hears_by, hear, Role::Hear),
            (self.slot(place)?.speaks_by, speak, Role::Speak),
        ] {
            if old == new {
                continue;
            }
            let opened = new.map(|new| self.sockets.acquire(new, &self.epoll));
            let now_used = match opened {
                Some(Ok(())) => new,
                Some(Err(error)) => {
                    self.look_at = Some(now + RETRY_AFTER);
                    if let Some(slot) = self.slot_mut(place) {
                        slot.trouble = Some(error.to_string());
                    }
                    if matches!(
                        error,
                        OpenError::Privilege | OpenError::NoFamily { .. } | OpenError::NoGroup { .. }
                    ) {
                        hopeless = Some(error);
                    }
                    None
                }
                None => None,
            };
            let vrid = self.slot(place)?.options.election.vrid;
            if let Some(old) = old {
                if role == Role::Hear {
                    self.sockets.deafen(&old, vrid);
                }
                self.sockets.release(&old);
            }
            if role == Role::Hear
                && let Some(now_used) = now_used
            {
                self.sockets.listen(&now_used, vrid, place);
            }
            let slot = self.slot_mut(place)?;
            match role {
                Role::Hear => slot.hears_by = now_used,
                Role::Speak => slot.speaks_by = now_used,
            }
        }
        let slot = self.slot_mut(place)?;
        if (slot.hears_by.is_none() || slot.speaks_by.is_none()) && !faults.contains(&Fault::LINK_DOWN) {
            faults.push(Fault::LINK_DOWN);
        }
        slot.packets.set_source(source);
        if let Some(source) = source {
            self.handle(place, Event::PrimaryAddressChanged(source), now);
        }
        for fault in [Fault::LINK_DOWN, Fault::NO_ADDRESS] {
            let event =
                if faults.contains(&fault) { Event::FaultRaised(fault) } else { Event::FaultCleared(fault) };
            self.handle(place, event, now);
        }
        hopeless
    }

    /// Sets the timer to the earliest deadline.
    fn arm(&mut self) {
        while let Some(Reverse((at, place))) = self.timers.peek().copied() {
            if self.slot(place).is_some_and(|slot| slot.queued == Some(at)) {
                break;
            }
            self.timers.pop();
        }
        let next = self.timers.peek().map(|Reverse((at, _))| *at).into_iter().chain(self.look_at).min();
        if next == self.armed {
            return;
        }
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        // All zeroes would disarm it.
        let value =
            next.map_or(none, |next| clock::timespec(Instant::from_nanoseconds(next.nanoseconds().max(1))));
        let set = Itimerspec { it_interval: none, it_value: value };
        if timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &set).is_ok() {
            self.armed = next;
        }
    }

    fn silence_timer(&mut self) {
        let mut expirations = [0_u8; 8];
        if rustix::io::read(&self.timer, &mut expirations).is_ok() {
            self.armed = None;
        }
    }
}

impl AsFd for Engine {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

impl std::os::fd::AsRawFd for Engine {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.epoll.as_raw_fd()
    }
}

/// Whether a turn left something undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "what is left undone makes no descriptor readable anew"]
pub enum Turn {
    /// Everything is done: wait for the descriptor.
    Done,
    /// There is more to hear: take another turn soon.
    More,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Hear,
    Speak,
}

/// The sockets that a router should have, as its interfaces are now.
fn wants(slot: &Slot, interfaces: &[Interface]) -> (Option<socket::Options>, Option<socket::Options>) {
    let options = &slot.options;
    let index = |name: &str| interfaces.iter().find(|found| found.name() == name).map(Interface::index);
    let protocol = match options.authentication {
        Authentication::Ah(_) => Protocol::AuthenticationHeader,
        Authentication::None | Authentication::Pass(_) => Protocol::Vrrp,
    };
    let group = match options.reach {
        Reach::Multicast(group) => Some(group),
        Reach::Unicast(_) => None,
    };
    let family = options.family();
    let hear =
        index(&options.interface).map(|interface| socket::Options { interface, family, protocol, group });
    let speak = match options.transmit_interface.as_deref() {
        None => hear,
        Some(name) => {
            index(name).map(|interface| socket::Options { interface, family, protocol, group: None })
        }
    };
    (hear, speak)
}
