//! An advertisement that passed every check: the only thing from the network that the election sees.

use core::net::IpAddr;

use crate::{Addresses, Authenticated, ChecksumForm, Interval, Notes, Priority, Version, VirtualRouterId};

/// An advertisement that passed the whole ladder of checks. Nothing outside this crate can make one but the ladder.
///
/// ```compile_fail,E0451
/// # fn change(accepted: vrrp_proto::Accepted<'_>) -> vrrp_proto::Accepted<'_> {
/// vrrp_proto::Accepted { priority: vrrp_proto::Priority::OWNER, ..accepted }
/// # }
/// ```
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
    pub(crate) ttl: u8,
    pub(crate) authenticated: Authenticated,
    pub(crate) notes: Notes,
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
    /// The time to live, or hop limit, that it arrived with.
    pub const fn ttl(&self) -> u8 {
        self.ttl
    }

    /// By what its sender proved itself.
    pub const fn authenticated(&self) -> Authenticated {
        self.authenticated
    }

    /// What is odd about it, and no reason to refuse it.
    pub const fn notes(&self) -> Notes {
        self.notes
    }
}

/// An advertisement for the tests of this crate, as if it had passed the ladder: VRRPv3, by multicast, without notes.
#[cfg(test)]
pub(crate) fn accepted<'a>(
    vrid: VirtualRouterId,
    priority: Priority,
    interval: Interval,
    source: IpAddr,
    addresses: Addresses<'a>,
) -> Accepted<'a> {
    Accepted {
        version: Version::V3,
        vrid,
        priority,
        interval,
        source,
        destination: crate::Carrier::multicast(source).destination(),
        checksum: ChecksumForm::PseudoHeader,
        addresses,
        ttl: 255,
        authenticated: Authenticated::None,
        notes: Notes::NONE,
    }
}
