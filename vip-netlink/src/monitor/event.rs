//! What a monitor tells.

use crate::assigned::Assigned;
use crate::link::{Link, Mac};

/// A change to an interface or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// An interface of interest is there that was not.
    LinkAppeared {
        /// As it is.
        link: Link,
    },
    /// It was set up by the administrator; whether it has a carrier is said separately.
    LinkUp {
        /// The interface.
        index: u32,
    },
    /// It was set down by the administrator. The kernel has removed its IPv6 addresses, or is about to.
    LinkDown {
        /// The interface.
        index: u32,
    },
    /// It can carry frames now: announce. Also told when it had gone and come back between two looks.
    CarrierUp {
        /// The interface.
        index: u32,
    },
    /// It cannot carry frames any more; what is sent there is dropped without an error.
    CarrierLost {
        /// The interface.
        index: u32,
    },
    /// It is not there any more, or is in another namespace; and with it its addresses.
    LinkGone {
        /// Its index, which may be used again.
        index: u32,
        /// Its last name.
        name: String,
    },
    /// It has another name.
    LinkRenamed {
        /// The interface.
        index: u32,
        /// What it was called.
        from: String,
        /// What it is called.
        to: String,
    },
    /// It has another hardware address: announce.
    MacChanged {
        /// The interface.
        index: u32,
        /// What it had.
        from: Mac,
        /// What it has.
        to: Mac,
    },
    /// The kernel asks for addresses to be announced anew: a bond has switched over, a virtual machine has moved.
    NotifyPeers {
        /// The interface.
        index: u32,
    },
    /// An interface has an address that it had not. For IPv6: it is usable now, if [`Assigned::is_usable`].
    AddressAdded {
        /// The address.
        address: Assigned,
        /// Who did it.
        by: By,
    },
    /// An address changed, in more than its lifetimes; or somebody else changed its lifetimes.
    AddressChanged {
        /// As it is now.
        address: Assigned,
        /// Who did it.
        by: By,
    },
    /// An interface does not have an address any more that it had.
    AddressRemoved {
        /// As it was.
        address: Assigned,
        /// Who did it.
        by: By,
    },
    /// The kernel had to leave out messages. All was listed anew; what had changed was told, as [`By::Unknown`], before this.
    Resynced {
        /// How often this has happened to this monitor.
        times: u64,
    },
}

/// Who made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum By {
    /// One of the handles that the monitor was told of.
    Us,
    /// The kernel by itself: a lease ran out, an interface went down, a router advertised.
    Kernel,
    /// Another socket: another program, another handle of ours. The number is its port, which very often, but not
    /// always, is the number of its process.
    Other(u32),
    /// Found when all was listed anew.
    Unknown,
}
