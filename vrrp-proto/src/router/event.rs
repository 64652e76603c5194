//! What happens to a router.

use core::fmt;
use core::net::IpAddr;

use crate::{Accepted, Priority};

/// What a router is to react to. Only an [`Accepted`] advertisement is one: whatever was refused cannot be told.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Take part (§6.4.1).
    Start,
    /// Take no part any more, at once. An Active Router releases the addresses; to let go of them without a dark
    /// moment send [`Event::Yield`] first and wait until the router is no longer Active.
    Stop,
    /// An advertisement for this virtual router arrived.
    Heard(&'a Accepted<'a>),
    /// The time that [`Router::deadline`](crate::Router::deadline) named has come. Tell everything that had arrived by
    /// then first; too early, it does nothing.
    DeadlinePassed,
    /// The priority is another one now, by tracking. Below 1 it is 1, above 254 it is 254; the owner's stays 255.
    PriorityChanged(Priority),
    /// Something is missing without which this router cannot serve.
    FaultRaised(Fault),
    /// It is there again.
    FaultCleared(Fault),
    /// Let others go first until [`Event::Resume`]: an Active Router hands over, and from now on the priority is 1.
    Yield,
    /// Take part again as configured.
    Resume,
    /// Take over now, whatever `preempt` says, unless the Active Router that is heard is better. Ends a yield.
    Promote,
    /// Advertisements have another source address now. One of the other family is not taken.
    PrimaryAddressChanged(IpAddr),
}

/// One thing that keeps a router from serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fault(u8);

impl Fault {
    /// The interface is down or gone.
    pub const LINK_DOWN: Self = Self(0);
    /// The interface has no address to send from.
    pub const NO_ADDRESS: Self = Self(1);
    /// A tracked check fails.
    pub const CHECK: Self = Self(2);
    /// Another virtual router of the same group is in fault.
    pub const GROUP: Self = Self(3);
    /// Somebody asked for it.
    pub const OPERATOR: Self = Self(4);

    /// One of 32 that mean what the caller wants; `None` beyond 31.
    pub const fn custom(number: u8) -> Option<Self> {
        match number {
            0..=31 => Some(Self(32 + number)),
            _ => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::LINK_DOWN => f.write_str("link down"),
            Self::NO_ADDRESS => f.write_str("no address to send from"),
            Self::CHECK => f.write_str("check failed"),
            Self::GROUP => f.write_str("group in fault"),
            Self::OPERATOR => f.write_str("on request"),
            Self(number) => write!(f, "fault {}", number.saturating_sub(32)),
        }
    }
}

/// A set of faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults(u64);

impl Faults {
    /// None.
    pub const NONE: Self = Self(0);

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this one is there.
    pub const fn contains(self, fault: Fault) -> bool {
        self.0 & 1 << fault.0 != 0
    }

    pub(super) const fn with(self, fault: Fault) -> Self {
        Self(self.0 | 1 << fault.0)
    }

    pub(super) const fn without(self, fault: Fault) -> Self {
        Self(self.0 & !(1 << fault.0))
    }
}

impl Iterator for Faults {
    type Item = Fault;

    fn next(&mut self) -> Option<Fault> {
        let number = u8::try_from(self.0.trailing_zeros()).ok().filter(|number| *number < 64)?;
        *self = self.without(Fault(number));
        Some(Fault(number))
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.enumerate() {
            write!(f, "{}{fault}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_fault_is_there_until_it_is_cleared() {
        let custom = Fault::custom(31).unwrap();
        let both = Faults::NONE.with(Fault::LINK_DOWN).with(custom);
        assert!(both.contains(custom) && both.contains(Fault::LINK_DOWN) && !both.contains(Fault::CHECK));
        assert_eq!(both.to_string(), "link down, fault 31");
        assert_eq!(both.without(Fault::LINK_DOWN).to_string(), "fault 31");
        assert!(both.without(Fault::LINK_DOWN).without(custom).is_empty());
        assert_eq!(both.count(), 2);
        assert_eq!(Fault::custom(32), None);
    }
}
