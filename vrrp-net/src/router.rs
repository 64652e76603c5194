//! What one virtual router is, and what can be told about it. How it is driven: [`crate::Engine`].

use std::io;
use std::net::IpAddr;
use std::time::SystemTime;

use vrrp_proto::{
    ChecksumChoice, Config, Family, Instant, Password, Peer, Priority, Reject, Status, VirtualRouterId,
};

use crate::{GROUP_V4, GROUP_V6, OpenError};

/// One virtual router on one interface: the election's configuration, and how its advertisements travel.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The interface's name. It may come later, go, and come again.
    pub interface: String,
    /// What advertisements leave by, if it is another one: the macvlan that has the virtual router's MAC.
    pub transmit_interface: Option<String>,
    /// The address to send from. `None`: the interface's primary IPv4 address, or its link-local IPv6 address, which is
    /// a virtual address only if this router owns it.
    pub source: Option<IpAddr>,
    /// Who is spoken to.
    pub reach: Reach,
    /// The virtual addresses, as they stand in the advertisement. The first IPv6 address is link-local
    /// (RFC 9568 §5.2.9).
    pub addresses: Vec<IpAddr>,
    /// VRRPv2 only.
    pub authentication: Authentication,
    /// VRRPv3 over IPv4 only.
    pub checksum: ChecksumChoice,
    /// How it contends. Its `address` is filled in from the interface.
    pub election: Config,
}

impl Options {
    /// By multicast, without authentication, the checksum as the peer has it.
    pub fn new(interface: impl Into<String>, addresses: Vec<IpAddr>, election: Config) -> Self {
        let group = match Family::from(election.address) {
            Family::V4 => GROUP_V4.into(),
            Family::V6 => GROUP_V6.into(),
        };
        Self {
            interface: interface.into(),
            transmit_interface: None,
            source: None,
            reach: Reach::Multicast(group),
            addresses,
            authentication: Authentication::None,
            checksum: ChecksumChoice::default(),
            election,
        }
    }

    /// IPv4 or IPv6: that of the election's address.
    pub fn family(&self) -> Family {
        self.election.address.into()
    }
}

/// Who is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everybody on the link who listens to this group.
    Multicast(IpAddr),
    /// These, each alone.
    Unicast(Vec<Peer>),
}

/// How VRRPv2 is authenticated (RFC 2338 §5.3.6). Neither keeps anybody out who can listen.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Authentication {
    /// Not at all.
    None,
    /// A password in the clear.
    Pass(Password),
    /// HMAC-MD5-96 in an IP authentication header, as keepalived does it.
    Ah(Password),
}

/// A virtual router of an [`Engine`](crate::Engine), as long as it is there. What is asked of one that was removed is
/// asked of nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouterId {
    pub(crate) place: usize,
    /// Places are used again, this is not.
    pub(crate) birth: u64,
}

/// Everything that can be told about a virtual router at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Of which.
    pub vrid: VirtualRouterId,
    /// The election: state, since when, why, on whose evidence.
    pub status: Status,
    /// When that was, on the clock of `status`.
    pub at: Instant,
    /// When that was, on the wall clock.
    pub wall: SystemTime,
    /// What it sends from; `None` while there is no such address.
    pub source: Option<IpAddr>,
    /// How often advertisements were refused, by the label of the reason; only those that happened.
    pub refused: Vec<(&'static str, u64)>,
    /// The last of them, who sent it, and when.
    pub last_refused: Option<(Reject, IpAddr, SystemTime)>,
    /// Packets that could not be built or that the kernel did not take. They are not sent again: the next
    /// advertisement is not far.
    pub unsent: u64,
    /// What is wrong now with its socket, in words.
    pub trouble: Option<String>,
}

impl Report {
    /// The wall clock's time of an instant of `status`.
    pub fn wall(&self, instant: Instant) -> SystemTime {
        let since = self.at.saturating_since(instant);
        if since.is_zero() { self.wall + instant.saturating_since(self.at) } else { self.wall - since }
    }
}

/// Why a virtual router cannot be added. What may come right by itself (no interface yet, no address yet, link down) is
/// no error but a fault of the router, and in its [`Report`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// The election's configuration contradicts itself.
    #[error("vrid {vrid}: {reason}")]
    Election {
        /// Its number.
        vrid: u8,
        /// What contradicts what.
        reason: vrrp_proto::ConfigError,
    },
    /// The advertisement cannot be written.
    #[error("vrid {vrid}: {reason}")]
    Advertisement {
        /// Its number.
        vrid: u8,
        /// Why.
        reason: vrrp_proto::BuildError,
    },
    /// Two routers would hear the same advertisements.
    #[error("vrid {vrid} on {interface} is there already")]
    Twice {
        /// The number of both.
        vrid: u8,
        /// The interface of both.
        interface: String,
    },
    /// An address is not of the family of the others.
    #[error("{address} is not of the virtual router's family")]
    Family {
        /// That one.
        address: IpAddr,
    },
    /// The process may not have raw sockets, or the kernel has not the family.
    #[error("no socket on {interface}: {reason}")]
    Socket {
        /// The interface.
        interface: String,
        /// What is missing.
        reason: OpenError,
    },
    /// The interfaces could not be listed, or a descriptor not be watched.
    #[error("the system refused: {0}")]
    System(#[from] io::Error),
}

/// What can be asked of a virtual router from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Take part.
    Start,
    /// Stop taking part; if Active, with a release, at once.
    Stop,
    /// The trackers want another priority.
    Priority(Priority),
    /// Something that it depends on failed. [`Fault::LINK_DOWN`] and [`Fault::NO_ADDRESS`] are raised and cleared
    /// without being asked for.
    ///
    /// [`Fault::LINK_DOWN`]: vrrp_proto::Fault::LINK_DOWN
    /// [`Fault::NO_ADDRESS`]: vrrp_proto::Fault::NO_ADDRESS
    Raise(vrrp_proto::Fault),
    /// That works again.
    Clear(vrrp_proto::Fault),
    /// Hand over to whoever takes it, and stay behind all others until [`Command::Resume`].
    Yield,
    /// Contend again.
    Resume,
    /// Become Active now, if nobody better is.
    Promote,
}
