//! A raw socket for the advertisements of one interface: one family, one IP protocol, any number of virtual routers.
//! It knows nothing of what an advertisement says.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::SystemTime;

use socket2::{Domain, InterfaceIndexOrAddress, Protocol as IpProtocol, Type};
use vrrp_proto::Family;

use crate::sys::{self, Outgoing};

/// 224.0.0.18, where VRRP over IPv4 is sent (RFC 9568 §5.1.1.2).
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// ff02::12, where VRRP over IPv6 is sent (RFC 9568 §5.1.2.2).
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);

/// The IP protocol of the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// 112, VRRP.
    Vrrp,
    /// 51, VRRPv2 behind an IP Authentication Header.
    AuthenticationHeader,
}

impl Protocol {
    const fn number(self) -> i32 {
        match self {
            Self::Vrrp => 112,
            Self::AuthenticationHeader => 51,
        }
    }
}

/// What a [`Socket`] is for. Sockets that differ in nothing can be shared by any number of virtual routers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Options {
    /// The interface's index; no packet of another is heard, and nothing leaves by another.
    pub interface: u32,
    /// IPv4 or IPv6.
    pub family: Family,
    /// VRRP itself, or behind AH.
    pub protocol: Protocol,
    /// The multicast group to listen to; `None` for unicast peers only.
    pub group: Option<IpAddr>,
}

/// Why a socket could not be had. Every variant names the interface by its index.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The process may not have raw sockets.
    #[error("a raw socket needs CAP_NET_RAW (run as root, or give the program that capability)")]
    Privilege,
    /// There is no interface of that index any more.
    #[error("there is no interface {interface}")]
    NoInterface {
        /// Its index.
        interface: u32,
    },
    /// The kernel has no such family (IPv6 switched off).
    #[error("this kernel has no {family:?}")]
    NoFamily {
        /// The family asked for.
        family: Family,
    },
    /// The group is not of the socket's family, or no group at all.
    #[error("{group} is no multicast group of {family:?}")]
    NoGroup {
        /// The address given.
        group: IpAddr,
        /// The socket's family.
        family: Family,
    },
    /// The kernel refused something else.
    #[error("{operation} on interface {interface}")]
    System {
        /// What was asked of the kernel.
        operation: &'static str,
        /// The interface's index.
        interface: u32,
        /// Its answer.
        source: io::Error,
    },
}

/// One datagram, as the checks of `vrrp-proto` want it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// What the kernel delivered.
    pub octets: Octets<'a>,
    /// When it reached this host, by the kernel's wall clock (SO_TIMESTAMPNS).
    pub arrived: Option<SystemTime>,
}

/// What the kernel delivers of a datagram differs by family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Octets<'a> {
    /// From the IPv4 header on; it says the rest.
    V4(&'a [u8]),
    /// The payload, and what the IPv6 header said.
    V6 {
        /// From the VRRP header on.
        payload: &'a [u8],
        /// The header's source address.
        source: Ipv6Addr,
        /// The header's destination address.
        destination: Ipv6Addr,
        /// The header's hop limit.
        hop_limit: u8,
    },
}

/// Buffers for what a [`Socket`] hears; one serves any number of sockets, one after the other.
#[derive(Debug)]
pub struct Inbox(sys::Inbox);

impl Inbox {
    /// Room for 32 datagrams of the longest kind (147 KB).
    pub fn new() -> Self {
        Self(sys::Inbox::new())
    }

    /// Whether the last [`Socket::receive`] took as much as there is room for, so that there may be more.
    pub fn is_full(&self) -> bool {
        self.0.taken() == sys::SLOTS
    }

    /// What the last [`Socket::receive`] took, in the order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = Datagram<'_>> {
        self.0.iter().filter_map(|received| {
            let octets = match (received.source, received.destination, received.hop_limit) {
                (Some(IpAddr::V6(source)), Some(destination), Some(hop_limit)) => {
                    Octets::V6 { payload: received.octets, source, destination, hop_limit }
                }
                (Some(IpAddr::V6(_)), ..) => return None, // cannot be checked, so cannot be believed
                (Some(IpAddr::V4(_)) | None, ..) => Octets::V4(received.octets),
            };
            Some(Datagram { octets, arrived: received.arrived })
        })
    }
}

impl Default for Inbox {
    fn default() -> Self {
        Self::new()
    }
}

/// A packet to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// IPv4: the whole packet from its header on; the kernel fills in length and header checksum. IPv6: the payload;
    /// the kernel fills in the VRRP checksum.
    pub octets: &'a [u8],
    /// The group or the peer.
    pub destination: IpAddr,
    /// IPv6: the address to send from, which must be one of the interface's; IPv4 reads it from the header.
    pub source: Option<Ipv6Addr>,
}

/// A raw VRRP socket, bound to one interface, never blocking. It does not hear what it sends.
#[derive(Debug)]
pub struct Socket {
    inner: socket2::Socket,
    options: Options,
}

impl Socket {
    /// Opens the socket and joins the group. The interface may be down, and may have no address yet.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says what is missing.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let Options { interface, family, protocol, group } = options;
        let failed = |operation| {
            move |source: io::Error| match source.raw_os_error() {
                Some(libc::ENODEV | libc::ENXIO) => OpenError::NoInterface { interface },
                Some(libc::EPERM) => OpenError::Privilege,
                _ => OpenError::System { operation, interface, source },
            }
        };
        let domain = match family {
            Family::V4 => Domain::IPV4,
            Family::V6 => Domain::IPV6,
        };
        let kind = Type::RAW.nonblocking().cloexec();
        let inner = socket2::Socket::new_raw(domain, kind, Some(IpProtocol::from(protocol.number())))
            .map_err(|source| match source.raw_os_error() {
                Some(libc::EPERM | libc::EACCES) => OpenError::Privilege,
                Some(libc::EAFNOSUPPORT) => OpenError::NoFamily { family },
                _ => OpenError::System { operation: "socket", interface, source },
            })?;
        let index = i32::try_from(interface).map_err(|_large| OpenError::NoInterface { interface })?;
        sys::set_option(inner.as_fd(), libc::SOL_SOCKET, libc::SO_BINDTOIFINDEX, index)
            .map_err(failed("SO_BINDTOIFINDEX"))?;
        sys::set_option(inner.as_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)
            .map_err(failed("SO_TIMESTAMPNS"))?;
        // Before other traffic in this host's queues: TC_PRIO_CONTROL. As good as nothing is lost if it is refused.
        inner.set_priority(7).ok();
        // Room for what arrives while this process is not run: 1 MiB holds some thousand advertisements.
        if sys::set_option(inner.as_fd(), libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, 1 << 20).is_err() {
            inner.set_recv_buffer_size(1 << 20).ok();
        }
        match family {
            Family::V4 => {
                inner.set_header_included_v4(true).map_err(failed("IP_HDRINCL"))?;
                inner.set_multicast_loop_v4(false).map_err(failed("IP_MULTICAST_LOOP"))?;
                inner.set_multicast_all_v4(false).map_err(failed("IP_MULTICAST_ALL"))?;
            }
            Family::V6 => {
                inner.set_multicast_loop_v6(false).map_err(failed("IPV6_MULTICAST_LOOP"))?;
                inner.set_multicast_all_v6(false).map_err(failed("IPV6_MULTICAST_ALL"))?;
                inner.set_multicast_hops_v6(255).map_err(failed("IPV6_MULTICAST_HOPS"))?;
                inner.set_unicast_hops_v6(255).map_err(failed("IPV6_UNICAST_HOPS"))?;
                inner.set_recv_hoplimit_v6(true).map_err(failed("IPV6_RECVHOPLIMIT"))?;
                inner.set_tclass_v6(0xc0).map_err(failed("IPV6_TCLASS"))?;
                sys::set_option(inner.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)
                    .map_err(failed("IPV6_RECVPKTINFO"))?;
                // The kernel reckons the checksum at octet 6, and drops what has a wrong one.
                sys::set_option(inner.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_CHECKSUM, 6)
                    .map_err(failed("IPV6_CHECKSUM"))?;
            }
        }
        match (family, group) {
            (_, None) => {}
            (Family::V4, Some(IpAddr::V4(group))) if group.is_multicast() => inner
                .join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(interface))
                .map_err(failed("IP_ADD_MEMBERSHIP"))?,
            (Family::V6, Some(IpAddr::V6(group))) if group.is_multicast() => {
                inner.join_multicast_v6(&group, interface).map_err(failed("IPV6_JOIN_GROUP"))?;
            }
            (family, Some(group)) => return Err(OpenError::NoGroup { group, family }),
        }
        Ok(Self { inner, options })
    }

    /// What it was opened with.
    pub const fn options(&self) -> Options {
        self.options
    }

    /// Takes up to 32 datagrams without waiting and says how many; 0 when the socket holds none.
    ///
    /// # Errors
    ///
    /// What the kernel answered: `ENETDOWN` when the interface was set down (once; later calls work again).
    pub fn receive(&self, inbox: &mut Inbox) -> io::Result<usize> {
        match inbox.0.fill(self.inner.as_fd()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            other => other,
        }
    }

    /// Sends one packet without waiting.
    ///
    /// # Errors
    ///
    /// `ENETDOWN`, `ENETUNREACH` or `ENODEV` when the interface is down or gone; `EINVAL` or `EADDRNOTAVAIL` when the
    /// IPv6 source is not (yet) an address of the interface; `EPERM` when a packet filter forbids it; `WouldBlock`
    /// when the send buffer is full.
    pub fn send(&self, packet: &Packet<'_>) -> io::Result<()> {
        let Packet { octets, destination, source } = *packet;
        sys::send(self.inner.as_fd(), self.options.interface, &[Outgoing { octets, destination, source }])
            .map(drop)
    }

    /// Sends many packets, up to 32 with one system call, and says how many the kernel took before it refused one.
    ///
    /// # Errors
    ///
    /// As [`Socket::send`], of the first packet; a refusal further on is seen by trying again from there.
    pub fn send_many(&self, packets: &[Packet<'_>]) -> io::Result<usize> {
        let mut sent = 0;
        for chunk in packets.chunks(sys::SLOTS) {
            let mut outgoing =
                [Outgoing { octets: &[], destination: GROUP_V4.into(), source: None }; sys::SLOTS];
            for (out, packet) in outgoing.iter_mut().zip(chunk) {
                let Packet { octets, destination, source } = *packet;
                *out = Outgoing { octets, destination, source };
            }
            let now = outgoing.get(..chunk.len()).unwrap_or_default();
            match sys::send(self.inner.as_fd(), self.options.interface, now) {
                Ok(count) if count == chunk.len() => sent += count,
                Ok(count) => return Ok(sent + count),
                Err(error) if sent == 0 => return Err(error),
                Err(_seen_when_tried_again) => return Ok(sent),
            }
        }
        Ok(sent)
    }

    /// How many datagrams the kernel has dropped on this socket, modulo 2^32: the receive buffer was full, or an IPv6
    /// checksum was wrong.
    ///
    /// # Errors
    ///
    /// Not expected; what the kernel answered.
    pub fn kernel_drops(&self) -> io::Result<u32> {
        sys::kernel_drops(self.inner.as_fd())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.inner.as_raw_fd()
    }
}
