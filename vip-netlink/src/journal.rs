//! What a handle has asked for of late, for a monitor to know our changes by.
//!
//! Only IPv6 needs it: its messages about changes do not say who asked, and come, for what was added, from a worker of
//! the kernel's some microseconds later.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(crate) struct Journal(Mutex<VecDeque<Line>>);

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Add,
    Remove,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    deed: Deed,
    index: u32,
    ip: IpAddr,
    at: Instant,
}

impl Journal {
    pub(crate) fn new() -> Self {
        // All the room it will ever have: writing allocates nothing.
        Self(Mutex::new(VecDeque::with_capacity(LINES)))
    }

    /// Before the request goes out: the message about it may be read before the answer to it.
    pub(crate) fn write(&self, deed: Deed, index: u32, ip: IpAddr) {
        if ip.is_ipv6() {
            let mut lines = self.lines();
            if lines.len() >= LINES {
                lines.pop_front();
            }
            lines.push_back(Line { deed, index, ip, at: Instant::now() });
        }
    }

    /// Takes the oldest such line out, if there is one that is not stale: when its message came, or it was refused.
    pub(crate) fn strike(&self, deed: Deed, index: u32, ip: IpAddr) -> bool {
        let mut lines = self.lines();
        while lines.front().is_some_and(|line| line.at.elapsed() > STALE) {
            lines.pop_front();
        }
        let found = lines.iter().position(|line| (line.deed, line.index, line.ip) == (deed, index, ip));
        found.is_some_and(|place| lines.remove(place).is_some())
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const LINES: usize = 1024;
/// The worker waits for the kernel's one lock of all interfaces; milliseconds, as a rule.
const STALE: Duration = Duration::from_secs(5);
