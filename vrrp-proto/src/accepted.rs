//! An advertisement that passed every check: the only thing from the network that the election sees.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Family, Interval, Priority, Version, VirtualRouterId};

/// An advertisement that passed the whole ladder of checks. Nothing outside this crate can make one but the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted<'a> {
    pub(crate) version: Version,
    pub(crate) vrid: VirtualRouterId,
    pub(crate) priority: Priority,
    pub(crate) interval: Interval,
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) checksum: ChecksumForm,
    pub(crate) addresses: Addresses<'a>,
}

impl<'a> Accepted<'a> {
    /// The generation it was sent in.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Whose it is.
    pub const fn vrid(&self) -> VirtualRouterId {
        self.vrid
    }

    /// The sender's priority.
    pub const fn priority(&self) -> Priority {
        self.priority
    }

    /// The sender's advertisement interval.
    pub const fn interval(&self) -> Interval {
        self.interval
    }

    /// The address it was sent from.
    pub const fn source(&self) -> IpAddr {
        self.source
    }

    /// The address it was sent to.
    pub const fn destination(&self) -> IpAddr {
        self.destination
    }

    /// Which form of the checksum it carries.
    pub const fn checksum(&self) -> ChecksumForm {
        self.checksum
    }

    /// The addresses of the virtual router, in the order of the packet.
    pub const fn addresses(&self) -> Addresses<'a> {
        self.addresses
    }
}

/// What a checksum covers beside the message. VRRPv3 over IPv4 is sent in all three forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChecksumForm {
    /// The VRRP message alone: VRRPv2, and VRRPv3 over IPv4 as RFC 9568 §5.2.8 wants it.
    MessageOnly,
    /// With a pseudo-header: VRRPv3 over IPv6, and over IPv4 as most of the field sends it.
    PseudoHeader,
    /// With a pseudo-header that names the multicast group although the packet was sent to one router.
    PseudoHeaderGroup,
}

/// The addresses of an advertisement, read from the packet one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses<'a> {
    octets: &'a [u8],
    family: Family,
}

impl<'a> Addresses<'a> {
    #[cfg_attr(not(any(test, feature = "sim")), expect(dead_code, reason = "the parser comes next"))]
    /// `octets` is a whole number of addresses of `family`; a rest is not looked at.
    pub(crate) const fn new(octets: &'a [u8], family: Family) -> Self {
        Self { octets, family }
    }
}

impl Iterator for Addresses<'_> {
    type Item = IpAddr;

    fn next(&mut self) -> Option<IpAddr> {
        match self.family {
            Family::V4 => {
                let (first, rest) = self.octets.split_first_chunk::<4>()?;
                self.octets = rest;
                Some(Ipv4Addr::from(*first).into())
            }
            Family::V6 => {
                let (first, rest) = self.octets.split_first_chunk::<16>()?;
                self.octets = rest;
                Some(Ipv6Addr::from(*first).into())
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let one = match self.family {
            Family::V4 => 4,
            Family::V6 => 16,
        };
        (self.octets.len() / one, Some(self.octets.len() / one))
    }
}

impl ExactSizeIterator for Addresses<'_> {}
