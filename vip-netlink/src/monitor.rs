//! Watches links and addresses: a socket that only listens, and a mirror of what the kernel has. When the kernel had
//! to leave messages out, the mirror is compared with a new list, and what was missed is told all the same.

mod event;
mod mirror;
#[cfg(feature = "tokio")]
mod tokio;

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::assigned::Assigned;
use crate::channel::Settled;
use crate::error::{Error, Operation};
use crate::handle::{Handle, failed};
use crate::journal::{Deed, Journal};
use crate::link::Link;
use crate::sys::{Protocol, Received, Socket, WhenEmpty};
use crate::wire::address::{DELETE_ADDRESS, NEW_ADDRESS};
use crate::wire::link::{DELETE_LINK, EVENT_BONDING_FAILOVER, EVENT_NOTIFY_PEERS, NEW_LINK};
use crate::wire::{Message, Messages, link_event, parse_address, parse_link};

use mirror::Mirror;

#[cfg(feature = "tokio")]
pub use self::tokio::AsyncMonitor;
pub use event::{By, Event};

/// What to watch, and who we are.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// `None`: every interface.
    names: Option<Vec<String>>,
    ours: Vec<(u32, Arc<Journal>)>,
    receive_buffer: Option<u32>,
}

impl Watch {
    /// Every interface.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Only interfaces with these names; one that is renamed later is watched on, and one that gets such a name later
    /// is watched from then on.
    #[must_use]
    pub fn only<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self { names: Some(names.into_iter().map(Into::into).collect()), ..Self::default() }
    }

    /// Changes made through this handle are [`By::Us`].
    #[must_use]
    pub fn ours(mut self, handle: &Handle) -> Self {
        self.ours.push((handle.port(), Arc::clone(&handle.journal)));
        self
    }

    /// Room for what waits to be read, in bytes; 4 MiB where nothing is said. What the system allows is less, without
    /// CAP_NET_ADMIN of the whole machine: `net.core.rmem_max`.
    #[must_use]
    pub fn receive_buffer(mut self, bytes: u32) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }
}

/// Tells what happens to links and addresses, by whom.
///
/// Its descriptor is readable when there is something to tell; then call [`Monitor::next`] until it says `None`.
/// Behind [`Monitor::links`] and [`Monitor::addresses`] stands what the events told up to now.
#[derive(Debug)]
pub struct Monitor {
    socket: Socket,
    buffer: Box<[u8]>,
    handle: Handle,
    ours: Vec<(u32, Arc<Journal>)>,
    mirror: Mirror,
    events: VecDeque<Event>,
    missed: Missed,
    room: u32,
    resyncs: u64,
}

/// Whether the mirror may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missed {
    Nothing,
    Something,
}

impl Monitor {
    /// Begins to listen, and then lists what is there: nothing falls between. What is there at the start is not told.
    ///
    /// # Errors
    ///
    /// [`Error::Socket`], and what listing can fail with.
    pub fn open(watch: Watch) -> Result<Self, Error> {
        let refused = |error: io::Error| Error::socket(Operation::Monitor, &error);
        let socket = Socket::open(Protocol::Route).map_err(refused)?;
        let room = watch.receive_buffer.unwrap_or(ROOM);
        socket.set_receive_buffer(room).map_err(refused)?;
        for group in [GROUP_LINK, GROUP_IPV4, GROUP_IPV6] {
            socket.set(libc::NETLINK_ADD_MEMBERSHIP, group).map_err(refused)?;
        }
        let mut monitor = Self {
            socket,
            buffer: vec![0; BUFFER].into(),
            handle: Handle::open()?,
            ours: watch.ours,
            mirror: Mirror::new(watch.names),
            events: VecDeque::new(),
            missed: Missed::Nothing,
            room,
            resyncs: 0,
        };
        monitor.list()?;
        monitor.events.clear();
        Ok(monitor)
    }

    /// The next event; `None` when there is nothing to tell now.
    ///
    /// # Errors
    ///
    /// What listing can fail with, after the kernel had to leave something out. The next call tries again.
    #[expect(clippy::should_implement_trait, reason = "there is a next one later, after a None")]
    pub fn next(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            match self.socket.receive(&mut self.buffer, WhenEmpty::Return) {
                Ok(received) => self.read(received),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => match self.missed {
                    Missed::Nothing => return Ok(None),
                    Missed::Something => {
                        self.resync()?;
                        if self.events.is_empty() {
                            return Ok(None);
                        }
                    }
                },
                // Told once. As long as the queue is not empty the kernel leaves out all that is new, and does not
                // tell again: so it is read to its end before anything is listed.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => self.missed = Missed::Something,
                Err(error) => return Err(Error::socket(Operation::Monitor, &error)),
            }
        }
    }

    /// Waits for the next event; `None` when there was none within `patience` (for ever without one).
    ///
    /// # Errors
    ///
    /// As [`Monitor::next`].
    pub fn wait(&mut self, patience: Option<Duration>) -> Result<Option<Event>, Error> {
        let end = patience.and_then(|patience| Instant::now().checked_add(patience));
        loop {
            if let Some(event) = self.next()? {
                return Ok(Some(event));
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            match self.socket.wait(left) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(Error::socket(Operation::Monitor, &error));
                }
                _ => {}
            }
        }
    }

    /// The interfaces of interest, as they are after the last event.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.mirror.links()
    }

    /// The addresses of the interfaces of interest, as they are after the last event; lifetimes are as they were told.
    pub fn addresses(&self) -> impl Iterator<Item = &Assigned> {
        self.mirror.addresses()
    }

    /// How often the kernel had to leave messages out.
    #[must_use]
    pub const fn resyncs(&self) -> u64 {
        self.resyncs
    }

    fn read(&mut self, received: Received) {
        if received.from != 0 {
            return;
        }
        let Some(datagram) = self.buffer.get(..received.len) else {
            self.missed = Missed::Something;
            return;
        };
        for message in Messages::new(datagram) {
            match message.kind {
                NEW_LINK => {
                    let Some(link) = parse_link(message.payload) else { continue };
                    let index = link.index;
                    self.mirror.set_link(link, &mut self.events);
                    let event = link_event(message.payload);
                    if matches!(event, Some(EVENT_BONDING_FAILOVER | EVENT_NOTIFY_PEERS)) {
                        self.mirror.notify_peers(index, &mut self.events);
                    }
                }
                DELETE_LINK => {
                    if let Some(link) = parse_link(message.payload) {
                        self.mirror.remove_link(link.index, By::Kernel, &mut self.events);
                    }
                }
                NEW_ADDRESS => {
                    let Some(address) = parse_address(message.payload) else { continue };
                    let by = by(&self.ours, &message, &address, Deed::Add);
                    self.mirror.set_address(address, by, &mut self.events);
                }
                DELETE_ADDRESS => {
                    let Some(address) = parse_address(message.payload) else { continue };
                    let by = by(&self.ours, &message, &address, Deed::Remove);
                    self.mirror.remove_address(&address, by, &mut self.events);
                }
                _ => {}
            }
        }
    }

    /// Lists everything anew and tells of what had changed meanwhile.
    fn resync(&mut self) -> Result<(), Error> {
        // A queue that was too short once will be so again.
        self.room = self.room.saturating_mul(2).min(ROOM_MAX);
        self.socket
            .set_receive_buffer(self.room)
            .map_err(|error| Error::socket(Operation::Monitor, &error))?;
        if self.list()? == Settled::Yes {
            self.missed = Missed::Nothing;
            self.resyncs += 1;
            self.events.push_back(Event::Resynced { times: self.resyncs });
        }
        // Otherwise what changed meanwhile is on its way to us and will wake us, and then we look again.
        Ok(())
    }

    fn list(&mut self) -> Result<Settled, Error> {
        let listed = |failure| failed(Operation::Monitor, failure);
        let (links, links_settled) = self.handle.links_now().map_err(listed)?;
        let (addresses, addresses_settled) = self.handle.addresses_now(0, 0).map_err(listed)?;
        self.mirror.replace(links, addresses, &mut self.events);
        let settled = [links_settled, addresses_settled].iter().all(|settled| *settled == Settled::Yes);
        Ok(if settled { Settled::Yes } else { Settled::No })
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Monitor {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_fd().as_raw_fd()
    }
}

/// Whose socket asked for it. The kernel says so for IPv4; for IPv6 it takes all changes upon itself, so that our own
/// are known by our journal only, and others' cannot be told from the kernel's.
fn by(ours: &[(u32, Arc<Journal>)], message: &Message<'_>, address: &Assigned, deed: Deed) -> By {
    match message.port {
        0 if address.ip.is_ipv4() => By::Kernel,
        0 => match ours.iter().any(|(_, journal)| journal.strike(deed, address.index, address.ip)) {
            true => By::Us,
            false => By::Unknown,
        },
        port if ours.iter().any(|(ours, _)| *ours == port) => By::Us,
        port => By::Other(port),
    }
}

/// `RTNLGRP_LINK`.
const GROUP_LINK: u32 = 1;
/// `RTNLGRP_IPV4_IFADDR`.
const GROUP_IPV4: u32 = 5;
/// `RTNLGRP_IPV6_IFADDR`.
const GROUP_IPV6: u32 = 9;
const ROOM: u32 = 4 * 1024 * 1024;
const ROOM_MAX: u32 = 64 * 1024 * 1024;
const BUFFER: usize = 64 * 1024;
