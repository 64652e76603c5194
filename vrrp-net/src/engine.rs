//! Many virtual routers on one descriptor, for any event loop: wait until it is readable, then call [`Engine::turn`].

mod attach;
mod packets;
mod slot;
mod sockets;
mod timers;

use std::collections::BTreeSet;
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::SystemTime;

use rustix::event::epoll;
use rustix::time::Timespec;
use vrrp_proto::{Action, Advertisement, Carrier, Datagram, Event, Family, Instant, Router};

use self::attach::{RETRY_AFTER, Scene};
use self::packets::{AddressList, Packets};
use self::slot::{Slot, Twice};
use self::sockets::Sockets;
use self::timers::Timers;
use crate::clock;
use crate::interface::Interface;
use crate::links::LinkBell;
use crate::router::{AddError, Command, Options, Reach, Report, RouterId};
use crate::socket::{self, Inbox, Octets, OpenError, Socket};

/// Any number of virtual routers, their sockets and timers, behind one descriptor.
///
/// The descriptor is readable when there is something to do, be it that a timer has expired, a datagram has come or a
/// link has changed. It works in every event loop, and in none: `poll(2)` on it is enough.
///
/// It lives in the network namespace of the thread that makes it, and its methods are to be called by threads of that
/// one. Dropped with routers in it, it says nothing: the others take over when it has been silent for long enough. For
/// a release call [`Engine::remove`] first.
#[derive(Debug)]
pub struct Engine {
    epoll: OwnedFd,
    timers: Timers,
    links: LinkBell,
    scene: Scene,
    sockets: Sockets,
    inbox: Inbox,
    slots: Vec<Option<Slot>>,
    born: u64,
    due: Vec<(usize, Advertisement)>,
    changed: BTreeSet<RouterId>,
    unclaimed: u64,
}

/// What epoll calls what is no socket: below [`sockets::FIRST_TOKEN`].
const TIMER: u64 = 0;
const LINKS: u64 = 1;
/// Descriptors that are asked for at once.
const MOST_READY: usize = 64;
/// Datagrams taken from one socket in a turn, in batches of the inbox: 4,096 are more than its receive buffer can hold, so
/// that after a turn all has been heard that had arrived before it.
const MOST_BATCHES: usize = 128;

impl Engine {
    /// Without routers.
    ///
    /// # Errors
    ///
    /// What the kernel answered; not expected.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let (timers, links) = (Timers::new()?, LinkBell::new()?);
        for (descriptor, token) in [(timers.as_fd(), TIMER), (links.as_fd(), LINKS)] {
            epoll::add(&epoll, descriptor, epoll::EventData::new_u64(token), epoll::EventFlags::IN)?;
        }
        Ok(Self {
            epoll,
            timers,
            links,
            scene: Scene::default(),
            sockets: Sockets::default(),
            inbox: Inbox::new(),
            slots: Vec::new(),
            born: 0,
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
        let spoken_to: Vec<IpAddr> = packets::destinations(&options.reach).collect();
        for address in options.addresses.iter().chain(&options.source).chain(&spoken_to) {
            if Family::from(*address) != options.family() {
                return Err(AddError::Family { address: *address });
            }
        }
        if let Reach::Multicast(group) = options.reach
            && !group.is_multicast()
        {
            let (interface, family) = (options.interface.clone(), options.family());
            return Err(AddError::Socket { interface, reason: OpenError::NoGroup { group, family } });
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
        let interfaces = Interface::all()?;
        let free = self.slots.iter().position(Option::is_none);
        let place = free.unwrap_or(self.slots.len());
        self.born += 1;
        let id = RouterId { place, birth: self.born };
        let slot = Slot::new(id, options, router, Packets::new(addresses));
        match free.and_then(|place| self.slots.get_mut(place)) {
            Some(empty) => *empty = Some(slot),
            None => self.slots.push(Some(slot)),
        }
        let hopeless = self.attach_new(place, interfaces, clock::now());
        self.arm();
        if let Some(reason) = hopeless {
            let interface = self.take(id).map(|slot| slot.options.interface).unwrap_or_default();
            return Err(AddError::Socket { interface, reason });
        }
        Ok(id)
    }

    /// Stops a router, with a release if it is Active, and takes it out.
    pub fn remove(&mut self, router: RouterId) {
        self.command(router, Command::Stop);
        self.take(router);
        self.arm();
    }

    fn take(&mut self, router: RouterId) -> Option<Slot> {
        let place = self.place(router)?;
        let slot = self.slots.get_mut(place).and_then(Option::take)?;
        if let Some(options) = slot.hears_by {
            self.sockets.deafen(&options, slot.options.election.vrid, place);
            self.sockets.release(&options);
        }
        if let Some(options) = slot.speaks_by {
            self.sockets.deafen(&options, slot.options.election.vrid, place);
            self.sockets.release(&options);
        }
        self.changed.remove(&router);
        Some(slot)
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
        let Some(place) = self.place(router) else { return };
        self.handle(place, event, clock::now());
        self.send();
        self.arm();
    }

    /// Does what is to be done: hears what has come, acts on what is due, looks at links that have changed. Never
    /// waits. [`Turn::More`]: call again soon.
    pub fn turn(&mut self) -> Turn {
        // What had arrived by now will have been heard when what was due by now is acted on: never the other way round.
        let now = clock::now();
        // An Active Router that is on time says so before anything else.
        self.advertise_on_time(now);
        let mut turn = Turn::Done;
        let mut room = [const { MaybeUninit::uninit() }; MOST_READY];
        // Once round all of them; what is readable again by then can wait for the next turn.
        for _ in 0..=(self.sockets.len() + 2) / MOST_READY {
            let no_wait = Timespec { tv_sec: 0, tv_nsec: 0 };
            let Ok((ready, _)) = epoll::wait(&self.epoll, &mut room, Some(&no_wait)) else {
                // A signal came first.
                turn = Turn::More;
                break;
            };
            for event in &*ready {
                match event.data.u64() {
                    TIMER => self.timers.rang(),
                    LINKS => {
                        if self.links.rang() {
                            self.look(now);
                        }
                    }
                    socket => {
                        if let Some(options) = self.sockets.called(socket)
                            && self.hear(&options, now) == Turn::More
                        {
                            turn = Turn::More;
                        }
                    }
                }
            }
            if ready.len() < MOST_READY {
                break;
            }
        }
        if self.scene.is_due(now) {
            self.look(now);
        }
        self.expire(now);
        self.send();
        self.arm();
        turn
    }

    /// Routers whose standing has changed since the last call.
    pub fn changed(&mut self) -> impl Iterator<Item = RouterId> + use<> {
        std::mem::take(&mut self.changed).into_iter()
    }

    /// What can be told of a router; `None` if it was removed.
    pub fn report(&self, router: RouterId) -> Option<Report> {
        Some(self.slot(self.place(router)?)?.report(clock::now(), SystemTime::now()))
    }

    /// Advertisements heard for virtual routers that are none of ours.
    pub const fn unclaimed(&self) -> u64 {
        self.unclaimed
    }

    /// Datagrams that the kernel dropped before we could hear them.
    pub fn kernel_drops(&self) -> u64 {
        self.sockets.kernel_drops()
    }

    /// Where it is, if it is still there.
    fn place(&self, router: RouterId) -> Option<usize> {
        self.slot(router.place).filter(|slot| slot.id == router).map(|_| router.place)
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
                Action::StandingChanged => _ = self.changed.insert(slot.id),
                _ => {}
            }
        }
        self.timers.set(place, slot.router.deadline());
    }

    /// The next router whose time has come, and when it had.
    fn next_due(&mut self, now: Instant) -> Option<(Instant, usize)> {
        while let Some(place) = self.timers.pop(now) {
            match self.slot(place).and_then(|slot| slot.router.deadline()) {
                Some(deadline) if deadline <= now => return Some((deadline, place)),
                later => self.timers.set(place, later),
            }
        }
        None
    }

    fn expire(&mut self, now: Instant) {
        while let Some((_, place)) = self.next_due(now) {
            self.handle(place, Event::DeadlinePassed, now);
        }
    }

    /// Those of the due routers that have nothing to do but that, as long as they are not later than an interval; and with
    /// them those whose turn is less than the least skew away, so that a thousand routers do not wake a process a
    /// thousand times.
    fn advertise_on_time(&mut self, now: Instant) {
        let mut others = Vec::new();
        let mut horizon = now;
        while let Some((at, place)) = self.next_due(horizon) {
            let lateness = self.slot(place).filter(|slot| slot.only_advertises()).map(|slot| {
                let interval = slot.options.election.interval.to_duration();
                (now.saturating_since(at) < interval, interval / 256)
            });
            match lateness {
                Some((true, least_skew)) if at <= now + least_skew => {
                    self.handle(place, Event::DeadlinePassed, now.max(at));
                    if at <= now {
                        horizon = horizon.max(now + least_skew);
                    }
                }
                _ => others.push((place, at)),
            }
        }
        for (place, at) in others {
            self.timers.set(place, Some(at));
        }
        self.send();
    }

    fn hear(&mut self, by: &socket::Options, now: Instant) -> Turn {
        let wall = SystemTime::now();
        let mut inbox = std::mem::take(&mut self.inbox);
        let mut turn = Turn::More;
        let mut failed = false;
        for _ in 0..MOST_BATCHES {
            let received = self.sockets.get(by).map(|shared| shared.socket.receive(&mut inbox));
            match received {
                Some(Ok(_)) => {}
                // Told once, and then the socket goes on: the interface went down, which the bell has told as well.
                Some(Err(_)) if !failed => {
                    failed = true;
                    continue;
                }
                None | Some(Err(_)) => {
                    turn = Turn::Done;
                    break;
                }
            }
            for datagram in inbox.iter() {
                let at = clock::arrival(datagram.arrived, now, wall);
                self.hear_one(by, datagram, at, wall);
            }
            if !inbox.is_full() {
                turn = Turn::Done;
                break;
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
        if slot.heard_twice(&datagram, by.interface, at) == Twice::Yes {
            return;
        }
        let accepted = slot.check(&datagram.on_interface(by.interface), &self.scene.own, at, wall);
        if let (Some(accepted), Some(place)) = (accepted, place) {
            self.handle(place, Event::Heard(&accepted), at);
        }
    }

    /// Sends what is due. A packet that the kernel refuses keeps none of the others back.
    fn send(&mut self) {
        let mut due = std::mem::take(&mut self.due);
        for (place, said) in due.drain(..) {
            let Some(slot) = self.slots.get_mut(place).and_then(Option::as_mut) else { continue };
            let Some(shared) = slot.speaks_by.and_then(|options| self.sockets.get(&options)) else {
                slot.unsent += 1;
                continue;
            };
            let form = slot.options.checksum.form(slot.heard_checksum());
            let Some(packets) = slot.packets.of(&slot.options, said, form) else {
                slot.unsent += 1;
                slot.trouble = Some("cannot send: no address, or no sequence number left".to_owned());
                continue;
            };
            let (unsent, failed) = send_each(&shared.socket, &packets);
            drop(packets);
            slot.unsent += unsent;
            slot.trouble = failed.map(|error| format!("cannot send: {error}"));
            if slot.trouble.is_some() {
                self.scene.look_by(clock::now() + RETRY_AFTER);
            }
        }
        self.due = due;
    }

    fn arm(&mut self) {
        self.timers.arm(self.scene.look_at);
    }
}

/// How many could not be sent, and why the last of them.
fn send_each(socket: &Socket, mut packets: &[socket::Packet<'_>]) -> (u64, Option<io::Error>) {
    let (mut unsent, mut failed) = (0, None);
    while !packets.is_empty() {
        let passed = match socket.send_many(packets) {
            Ok(sent) => sent.max(1),
            Err(error) => {
                unsent += 1;
                failed = Some(error);
                1
            }
        };
        packets = packets.get(passed..).unwrap_or_default();
    }
    (unsent, failed)
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
