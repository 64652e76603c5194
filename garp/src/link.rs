//! What a change of the link means for announcements: a small state machine without socket or clock. Where the changes
//! come from (netlink) is the caller's matter.

/// The link as far as announcements care. Feed it what your netlink monitor says, and let
/// [`Schedule::follow`](crate::Schedule::follow) do what it advises.
///
/// ```
/// use garp::{Carrier, Link, LinkAdvice, LinkEvent};
///
/// let mut link = Link::new(Carrier::Present);
/// assert_eq!(link.handle(LinkEvent::Carrier(Carrier::Absent)), LinkAdvice::Mute);
/// assert_eq!(link.handle(LinkEvent::MacChanged), LinkAdvice::Nothing);
/// assert_eq!(link.handle(LinkEvent::Carrier(Carrier::Present)), LinkAdvice::Announce);
/// assert_eq!(link.handle(LinkEvent::NotifyPeers), LinkAdvice::Announce);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    carrier: Carrier,
}

/// Whether frames get anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// They do.
    Present,
    /// They do not: the kernel takes them, says that all is well, and drops them.
    Absent,
}

/// What has happened to the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkEvent {
    /// The carrier as it is now; the same again is no event. [`Carrier::of_flags`] reads it from a netlink message.
    Carrier(Carrier),
    /// The carrier is there, but was away in between (the kernel's counters of carrier changes have moved on).
    Flapped,
    /// The device has another MAC (`IFLA_ADDRESS`), as a bond with `fail_over_mac` has after a failover.
    MacChanged,
    /// The kernel asks for announcements: `IFLA_EVENT` is BONDING_FAILOVER (3) or NOTIFY_PEERS (4). It announces what is
    /// on the interface itself, but no address elsewhere.
    NotifyPeers,
    /// The interface is gone.
    Gone,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the link has already moved on"]
pub enum LinkAdvice {
    /// Go on.
    Nothing,
    /// Say nothing until there is a carrier.
    Mute,
    /// Tell everybody, from the beginning.
    Announce,
}

impl Link {
    /// A link in this state.
    pub const fn new(carrier: Carrier) -> Self {
        Self { carrier }
    }

    /// As it stands.
    pub const fn carrier(&self) -> Carrier {
        self.carrier
    }

    /// What to do about `event`.
    pub fn handle(&mut self, event: LinkEvent) -> LinkAdvice {
        use Carrier::{Absent, Present};
        let (carrier, advice) = match (self.carrier, event) {
            (Absent, LinkEvent::Carrier(Present) | LinkEvent::Flapped) => (Present, LinkAdvice::Announce),
            (Present, LinkEvent::Carrier(Absent) | LinkEvent::Gone) => (Absent, LinkAdvice::Mute),
            (Present, LinkEvent::Flapped | LinkEvent::MacChanged | LinkEvent::NotifyPeers) => {
                (Present, LinkAdvice::Announce)
            }
            (Present, LinkEvent::Carrier(Present)) => (Present, LinkAdvice::Nothing),
            // The carrier's return announces everything anyway, with the MAC of that moment.
            (Absent, LinkEvent::MacChanged | LinkEvent::NotifyPeers) => (Absent, LinkAdvice::Nothing),
            (Absent, LinkEvent::Carrier(Absent) | LinkEvent::Gone) => (Absent, LinkAdvice::Nothing),
        };
        self.carrier = carrier;
        advice
    }
}

impl Carrier {
    /// By the flags of an interface (`ifi_flags` of RTM_NEWLINK): up, running and with a lower layer. An operational state
    /// of "unknown", which TUN devices and some drivers report, counts as running, as the kernel says it must.
    pub const fn of_flags(flags: u32) -> Self {
        const NEEDED: u32 = 0x1 | 0x40 | 0x1_0000; // IFF_UP, IFF_RUNNING, IFF_LOWER_UP
        if flags & NEEDED == NEEDED { Self::Present } else { Self::Absent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_in_every_state_has_its_advice() {
        use Carrier::{Absent, Present};
        use LinkAdvice::{Announce, Mute, Nothing};
        let table = [
            (Present, LinkEvent::Carrier(Present), Present, Nothing),
            (Present, LinkEvent::Carrier(Absent), Absent, Mute),
            (Present, LinkEvent::Flapped, Present, Announce),
            (Present, LinkEvent::MacChanged, Present, Announce),
            (Present, LinkEvent::NotifyPeers, Present, Announce),
            (Present, LinkEvent::Gone, Absent, Mute),
            (Absent, LinkEvent::Carrier(Present), Present, Announce),
            (Absent, LinkEvent::Carrier(Absent), Absent, Nothing),
            (Absent, LinkEvent::Flapped, Present, Announce),
            (Absent, LinkEvent::MacChanged, Absent, Nothing),
            (Absent, LinkEvent::NotifyPeers, Absent, Nothing),
            (Absent, LinkEvent::Gone, Absent, Nothing),
        ];
        for (before, event, after, advice) in table {
            let mut link = Link::new(before);
            assert_eq!((link.handle(event), link.carrier()), (advice, after), "{event:?} in {before:?}");
        }
    }

    #[test]
    fn an_interface_that_is_up_without_its_cable_has_no_carrier() {
        assert_eq!(Carrier::of_flags(0x1_1043), Carrier::Present);
        assert_eq!(Carrier::of_flags(0x1003), Carrier::Absent);
        assert_eq!(Carrier::of_flags(0x1002), Carrier::Absent);
    }
}
