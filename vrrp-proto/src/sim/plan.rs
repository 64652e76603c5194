//! What is going to happen.

use core::cmp::Ordering;
use core::net::IpAddr;
use core::time::Duration;

use crate::{Advertisement, Event, Instant, VirtualRouterId};

/// What happens to one router.
#[derive(Clone, Copy, Debug)]
pub enum Stimulus {
    /// It is told this.
    Event(Event<'static>),
    /// It is gone, without a word.
    Crash,
    /// It is there again, fresh, and started. One that runs is taken down first.
    Restart,
    /// It does nothing for a while.
    Sleep(Duration, Sleep),
}

/// What a router finds when it wakes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sleep {
    /// Only the process stood still: what arrived waits in its socket.
    Process,
    /// The machine stood still: what arrived is lost.
    Machine,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Letter {
    pub(super) vrid: VirtualRouterId,
    pub(super) source: IpAddr,
    pub(super) advertisement: Advertisement,
}

#[derive(Debug)]
pub(super) struct Planned {
    pub(super) at: Instant,
    pub(super) number: u64,
    pub(super) node: usize,
    pub(super) what: Happening,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Happening {
    Arrives(Letter),
    Stimulus(Stimulus),
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}
