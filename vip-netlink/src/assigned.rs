//! An address as the kernel holds it: whose it is, for how long, in what state.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::address::{Address, AsSource, Detection, FOREVER, PrefixRoute, Scope, Tag};

/// An address that an interface has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Assigned {
    /// The index of the interface.
    pub index: u32,
    /// The address.
    pub ip: IpAddr,
    /// The length of the prefix, in bits.
    pub prefix_len: u8,
    /// Whose it is, in `IFA_PROTO`; 0 where nobody said, or the kernel is older than 5.18.
    pub proto: u8,
    /// How far it is meaningful.
    pub scope: Scope,
    /// `IFA_F_*`.
    pub flags: AddressFlags,
    /// The label, which only IPv4 has.
    pub label: Option<String>,
    /// How long it stays valid; `None` is for ever.
    pub valid_for: Option<Duration>,
    /// How long it may be chosen as a source; `None` is for ever, zero is deprecated.
    pub preferred_for: Option<Duration>,
}

impl Assigned {
    /// Whether it carries this mark.
    #[must_use]
    pub fn is_tagged(&self, tag: Tag) -> bool {
        self.proto == tag.number()
    }

    /// Whether it answers: it is not waiting for duplicate address detection, and did not fail it.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        !self.flags.contains(AddressFlags::TENTATIVE) && !self.flags.contains(AddressFlags::DAD_FAILED)
    }

    /// The same interface and the same address.
    pub(crate) fn is_at(&self, index: u32, ip: IpAddr) -> bool {
        self.index == index && self.ip == ip
    }

    /// What separates it from what was asked for.
    pub(crate) fn compared_with(&self, wanted: &Address) -> Difference {
        if self.prefix_len != wanted.prefix_len() {
            return Difference::OnlyByRemoving;
        }
        let omitted = wanted.prefix_route() == PrefixRoute::Omit;
        let fixed = match self.ip {
            IpAddr::V4(_) => {
                let label = wanted.label().is_some_and(|label| self.label.as_deref() != Some(label.as_str()));
                // A /32 has no prefix route, whatever the flag says.
                let route = wanted.prefix_len() < wanted.full_len()
                    && self.flags.contains(AddressFlags::NO_PREFIX_ROUTE) != omitted;
                label || route || self.scope != wanted.scope()
            }
            // A detection that has begun runs to its end, whatever the flags become.
            IpAddr::V6(_) => !self.is_usable() && wanted.detection() == Detection::Skip,
        };
        if fixed {
            return Difference::OnlyByRemoving;
        }
        let in_place = match self.ip {
            IpAddr::V4(_) => false,
            IpAddr::V6(_) => {
                let deprecated = self.preferred_for == Some(Duration::ZERO);
                deprecated != (wanted.source() == AsSource::Avoid)
                    || self.flags.contains(AddressFlags::NO_PREFIX_ROUTE) != omitted
            }
        };
        let lifetime = wanted.lease().is_some() || self.valid_for.is_some();
        if in_place || lifetime || !self.is_tagged(wanted.tag()) {
            Difference::InPlace
        } else {
            Difference::None
        }
    }
}

impl fmt::Display for Assigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, ip, prefix_len, .. } = self;
        write!(f, "{ip}/{prefix_len} on interface {index}")
    }
}

/// What it takes to make an address what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    None,
    /// What `NLM_F_REPLACE` changes.
    InPlace,
    /// What `NLM_F_REPLACE` says that it changed, and did not.
    OnlyByRemoving,
}

/// The flags of an address (`IFA_F_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AddressFlags(u32);

impl AddressFlags {
    /// IPv4: goes when its primary goes.
    pub const SECONDARY: Self = Self(0x01);
    /// IPv6: taken without asking the link first.
    pub const NO_DAD: Self = Self(0x02);
    /// IPv6: somebody else answered; the address is not used.
    pub const DAD_FAILED: Self = Self(0x08);
    /// Not chosen as a source.
    pub const DEPRECATED: Self = Self(0x20);
    /// IPv6: the link is still being asked.
    pub const TENTATIVE: Self = Self(0x40);
    /// Without an end.
    pub const PERMANENT: Self = Self(0x80);
    /// Without a route to its prefix.
    pub const NO_PREFIX_ROUTE: Self = Self(0x200);

    /// From the number on the wire.
    #[must_use]
    pub const fn new(bits: u32) -> Self {
        Self(bits)
    }

    /// The number on the wire.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all of `flags` are set.
    #[must_use]
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Both together.
    #[must_use]
    pub const fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }
}

/// A lifetime on the wire, in seconds.
pub(crate) const fn lifetime(secs: u32) -> Option<Duration> {
    if secs == FOREVER { None } else { Some(Duration::from_secs(secs as u64)) }
}
