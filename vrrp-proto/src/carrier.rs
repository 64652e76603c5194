//! Between whom a message travels: what the message itself cannot know, and what its checksum may cover.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Family;

/// The source and the destination of the IP packet around a message, both of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// An IPv4 packet.
    V4 {
        /// The sender's address.
        source: Ipv4Addr,
        /// 224.0.0.18, or the one router it is meant for.
        destination: Ipv4Addr,
    },
    /// An IPv6 packet.
    V6 {
        /// The sender's link-local address.
        source: Ipv6Addr,
        /// ff02::12, or the one router it is meant for.
        destination: Ipv6Addr,
    },
}

impl Carrier {
    /// Where all routers of a link listen on IPv4 (RFC 9568 §5.1.1.2).
    pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
    /// Where all routers of a link listen on IPv6 (RFC 9568 §5.1.2.2).
    pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
    /// The IP protocol number, and IPv6's next header, of VRRP (RFC 9568 §5.1.1.4).
    pub const PROTOCOL: u8 = 112;

    /// `None` if the two are not of one family.
    pub const fn new(source: IpAddr, destination: IpAddr) -> Option<Self> {
        match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => Some(Self::V4 { source, destination }),
            (IpAddr::V6(source), IpAddr::V6(destination)) => Some(Self::V6 { source, destination }),
            _ => None,
        }
    }

    /// From `source` to all routers of the link.
    pub const fn multicast(source: IpAddr) -> Self {
        match source {
            IpAddr::V4(source) => Self::V4 { source, destination: Self::GROUP_V4 },
            IpAddr::V6(source) => Self::V6 { source, destination: Self::GROUP_V6 },
        }
    }

    /// Which IP it is.
    pub const fn family(&self) -> Family {
        match self {
            Self::V4 { .. } => Family::V4,
            Self::V6 { .. } => Family::V6,
        }
    }

    /// The sender's address.
    pub const fn source(&self) -> IpAddr {
        match self {
            Self::V4 { source, .. } => IpAddr::V4(*source),
            Self::V6 { source, .. } => IpAddr::V6(*source),
        }
    }

    /// Whom it is for.
    pub const fn destination(&self) -> IpAddr {
        match self {
            Self::V4 { destination, .. } => IpAddr::V4(*destination),
            Self::V6 { destination, .. } => IpAddr::V6(*destination),
        }
    }
}
