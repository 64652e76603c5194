//! Which VRRP, over which IP.

use core::net::IpAddr;

/// A generation of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Version {
    /// VRRPv2, RFC 3768: IPv4 only, intervals in seconds.
    V2,
    /// VRRPv3, RFC 9568: IPv4 and IPv6, intervals in centiseconds.
    V3,
}

/// The IP that carries a virtual router. IPv4 and IPv6 have separate VRIDs (RFC 9568 §5.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Version {
    /// 2 or 3, as it stands in a packet.
    pub const fn number(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

impl Family {
    /// "ipv4" or "ipv6".
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
        }
    }
}

impl From<IpAddr> for Family {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}
