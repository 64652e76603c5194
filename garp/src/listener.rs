//! Two filtered packet sockets, one for each family, behind one descriptor: what [`Watch`](crate::Watch) and
//! [`Confirm`](crate::Confirm) hear with. What a message means is theirs to say.

use crate::frame::{ARP, IPV6};
use crate::sender::{bound, check_device, open_socket, os};
use crate::sys::{self, Part};
use crate::{Body, Interface, OpenError, WatchError, filter, ndp};
use libc::sock_filter;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant, SystemTime};

/// Hears ARP and neighbour messages that are about some addresses, and nothing else: the kernel sorts out the rest.
#[derive(Debug)]
pub struct Listener {
    interface: Interface,
    purpose: Purpose,
    epoll: OwnedFd,
    arp: Option<OwnedFd>,
    ndp: Option<OwnedFd>,
    groups: Vec<[u8; 6]>,
}

/// Which messages are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Those that claim or probe an address.
    Claims,
    /// ARP replies and advertisements that are addressed to an address.
    Answers,
}

impl Purpose {
    fn arp(self, addresses: &[IpAddr]) -> Vec<sock_filter> {
        match self {
            Self::Claims => filter::arp_claims(addresses),
            Self::Answers => filter::arp_answers(addresses),
        }
    }

    fn ndp(self, addresses: &[IpAddr]) -> Vec<sock_filter> {
        match self {
            Self::Claims => filter::ndp_claims(addresses),
            Self::Answers => filter::ndp_answers(addresses),
        }
    }
}

/// A message as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The message.
    pub body: Body,
    /// The Ethernet source of its frame.
    pub source: [u8; 6],
    /// Whom its frame was for.
    pub delivery: Delivery,
    /// When the kernel received it.
    pub at: SystemTime,
}

/// Whom a frame was for, as the kernel sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// This device.
    ToUs,
    /// Everybody.
    Broadcast,
    /// A multicast group.
    Multicast,
    /// Not for us: for another station, or in a VLAN that has no interface here; the kernel has taken the tag off, and its
    /// number with it. (Those that have one are heard there, and not here.) The kernel itself ignores such a message.
    Overheard,
}

impl Listener {
    /// Listens on this interface for messages about `addresses`. A family without an address has no socket, so that its
    /// traffic costs nothing at all.
    ///
    /// # Errors
    ///
    /// Each of [`OpenError`] but `NoArp`.
    pub fn open(interface: Interface, purpose: Purpose, addresses: &[IpAddr]) -> Result<Self, OpenError> {
        let epoll = sys::epoll().map_err(|source| os("epoll_create1", source))?;
        let mut listener = Self { interface, purpose, epoll, arp: None, ndp: None, groups: Vec::new() };
        listener.listen_for(addresses)?;
        Ok(listener)
    }

    /// From now on these addresses. What the kernel has queued for the ones before may still come.
    ///
    /// # Errors
    ///
    /// Each of [`OpenError`] but `NoArp`.
    pub fn listen_for(&mut self, addresses: &[IpAddr]) -> Result<(), OpenError> {
        let v4 = addresses.iter().any(IpAddr::is_ipv4).then(|| self.purpose.arp(addresses));
        let v6 = addresses.iter().any(IpAddr::is_ipv6).then(|| self.purpose.ndp(addresses));
        Self::family(&self.epoll, &mut self.arp, self.interface, ARP, v4)?;
        Self::family(&self.epoll, &mut self.ndp, self.interface, IPV6, v6)?;
        self.join_groups(addresses)
    }

    fn family(
        epoll: &OwnedFd,
        socket: &mut Option<OwnedFd>,
        interface: Interface,
        ethertype: u16,
        program: Option<Vec<sock_filter>>,
    ) -> Result<(), OpenError> {
        let attach = |socket: BorrowedFd<'_>, program: &[sock_filter]| {
            sys::attach_filter(socket, program).map_err(|source| os("setsockopt(SO_ATTACH_FILTER)", source))
        };
        match (socket.as_ref(), program) {
            (_, None) => *socket = None,
            (Some(socket), Some(program)) => attach(socket.as_fd(), &program)?,
            (None, Some(program)) => {
                // A socket without a protocol receives nothing, so the program is there before the first frame is. Were it
                // bound first, frames would be queued unsorted until the program came.
                let fresh = open_socket(interface)?;
                attach(fresh.as_fd(), &program)?;
                sys::set_number(fresh.as_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)
                    .map_err(|source| os("setsockopt(SO_TIMESTAMPNS)", source))?;
                sys::bind(fresh.as_fd(), interface.index(), ethertype)
                    .map_err(|source| bound(interface, source))?;
                check_device(fresh.as_fd(), interface)?;
                sys::epoll_add(epoll.as_fd(), fresh.as_fd()).map_err(|source| os("epoll_ctl", source))?;
                *socket = Some(fresh);
            }
        }
        Ok(())
    }

    /// Probes for an IPv6 address go to its solicited-node group, which the device lets in only for addresses it has.
    fn join_groups(&mut self, addresses: &[IpAddr]) -> Result<(), OpenError> {
        let Some(socket) = &self.ndp else {
            // The groups have left with their socket.
            self.groups.clear();
            return Ok(());
        };
        let group = |address: Ipv6Addr| ndp::multicast_mac(ndp::solicited_node(address));
        let mut wanted: Vec<[u8; 6]> = addresses
            .iter()
            .filter_map(|address| match address {
                IpAddr::V4(_) => None,
                IpAddr::V6(address) => Some(group(*address)),
            })
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let index = self.interface.index();
        for group in self.groups.iter().filter(|group| !wanted.contains(group)) {
            sys::multicast(socket.as_fd(), index, *group, Part::Leave)
                .map_err(|source| os("setsockopt(PACKET_DROP_MEMBERSHIP)", source))?;
        }
        for group in wanted.iter().filter(|group| !self.groups.contains(group)) {
            sys::multicast(socket.as_fd(), index, *group, Part::Join)
                .map_err(|source| os("setsockopt(PACKET_ADD_MEMBERSHIP)", source))?;
        }
        self.groups = wanted;
        Ok(())
    }

    /// The next message, if one is there; does not block. What is no message that can be trusted is passed over.
    ///
    /// # Errors
    ///
    /// Each of [`WatchError`].
    pub fn try_next(&mut self) -> Result<Option<Heard>, WatchError> {
        for socket in [&self.arp, &self.ndp].into_iter().flatten() {
            if let Some(heard) = hear(socket.as_fd())? {
                return Ok(Some(heard));
            }
        }
        Ok(None)
    }

    /// The next message, waiting for it until `deadline`, for ever without one.
    ///
    /// # Errors
    ///
    /// Each of [`WatchError`].
    pub fn wait(&mut self, deadline: Option<Instant>) -> Result<Option<Heard>, WatchError> {
        loop {
            if let Some(heard) = self.try_next()? {
                return Ok(Some(heard));
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
            match sys::wait_readable(self.as_fd(), left) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(WatchError::Os { operation: "ppoll", source: error });
                }
                _ => {}
            }
        }
    }

    /// The MAC of the device now; without a socket there is none.
    pub(crate) fn mac(&self) -> Option<[u8; 6]> {
        let socket = self.arp.as_ref().or(self.ndp.as_ref())?;
        sys::device(socket.as_fd()).ok().map(|device| device.mac)
    }
}

fn hear(socket: BorrowedFd<'_>) -> Result<Option<Heard>, WatchError> {
    let mut buffer = [0; 512];
    loop {
        let incoming = match sys::receive(socket, &mut buffer) {
            Ok(incoming) => incoming,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(source) => return Err(deaf(socket, source)),
        };
        let delivery = match incoming.delivery {
            libc::PACKET_HOST => Delivery::ToUs,
            libc::PACKET_BROADCAST => Delivery::Broadcast,
            libc::PACKET_MULTICAST => Delivery::Multicast,
            libc::PACKET_OTHERHOST => Delivery::Overheard,
            // What we send ourselves, looped back.
            _ => continue,
        };
        let bytes = buffer.get(..incoming.len).unwrap_or(&buffer);
        if let Ok(body) = Body::parse(incoming.ethertype, bytes) {
            return Ok(Some(Heard {
                body,
                source: incoming.source,
                delivery,
                at: incoming.at.unwrap_or_else(SystemTime::now),
            }));
        }
    }
}

/// The kernel says ENETDOWN both when a device goes down and when it goes away.
fn deaf(socket: BorrowedFd<'_>, source: io::Error) -> WatchError {
    match (source.raw_os_error(), sys::device(socket)) {
        (_, Ok(device)) if device.index <= 0 => WatchError::Gone,
        (Some(libc::ENETDOWN), _) => WatchError::Down,
        _ => WatchError::Os { operation: "recvmsg", source },
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.epoll.as_raw_fd()
    }
}
