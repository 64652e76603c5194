//! When which router wants to be called, and the one timer of the kernel for all of them. Whether its deadline is still
//! the same by then, the router is asked.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use vrrp_proto::Instant;

use crate::clock;

/// A deadline that moves away, as every advertisement heard moves it, costs nothing: its router is called at the old one,
/// and asked again. So there is about one entry a router, however many advertisements come.
#[derive(Debug)]
pub(super) struct Timers {
    timer: OwnedFd,
    armed: Armed,
    heap: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Of each place the entry that counts; others are skipped.
    counts: Vec<Option<Instant>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Armed {
    To(Option<Instant>),
    Rang,
}

impl Timers {
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Boottime, flags)?;
        Ok(Self { timer, armed: Armed::To(None), heap: BinaryHeap::new(), counts: Vec::new() })
    }

    /// Calls the router at this place at `deadline` at the latest; `None` calls off nothing.
    pub(super) fn set(&mut self, place: usize, deadline: Option<Instant>) {
        let Some(deadline) = deadline else { return };
        if self.counts.len() <= place {
            self.counts.resize(place + 1, None);
        }
        if let Some(counts) = self.counts.get_mut(place)
            && counts.is_none_or(|queued| deadline < queued)
        {
            *counts = Some(deadline);
            self.heap.push(Reverse((deadline, place)));
        }
    }

    /// The next router to be called by `now`. It is not called again before the next [`Timers::set`].
    pub(super) fn pop(&mut self, now: Instant) -> Option<usize> {
        self.skip();
        let place =
            self.heap.peek().filter(|Reverse((at, _))| *at <= now).map(|Reverse((_, place))| *place)?;
        self.heap.pop();
        if let Some(counts) = self.counts.get_mut(place) {
            *counts = None;
        }
        Some(place)
    }

    /// Sets the kernel's timer to the earliest deadline, or to `also` if that is earlier.
    pub(super) fn arm(&mut self, also: Option<Instant>) {
        self.skip();
        let next = self.heap.peek().map(|Reverse((at, _))| *at).into_iter().chain(also).min();
        if self.armed == Armed::To(next) {
            return;
        }
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        // All zeroes would disarm it.
        let value =
            next.map_or(none, |next| clock::timespec(Instant::from_nanoseconds(next.nanoseconds().max(1))));
        let set = Itimerspec { it_interval: none, it_value: value };
        if timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &set).is_ok() {
            self.armed = Armed::To(next);
        }
    }

    /// It has expired, and is readable until it is set anew.
    pub(super) fn rang(&mut self) {
        self.armed = Armed::Rang;
    }

    /// Takes out what does not count from the top.
    fn skip(&mut self) {
        while let Some(Reverse((at, place))) = self.heap.peek()
            && self.counts.get(*place).copied().flatten() != Some(*at)
        {
            self.heap.pop();
        }
    }
}

impl AsFd for Timers {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanoseconds: u64) -> Instant {
        Instant::from_nanoseconds(nanoseconds)
    }

    #[test]
    fn a_deadline_that_is_put_off_for_ever_takes_one_entry() {
        let mut timers = Timers::new().unwrap();
        for deadline in 100..10_000 {
            timers.set(3, Some(at(deadline)));
        }
        assert_eq!(timers.heap.len(), 1);
        assert_eq!(timers.pop(at(99)), None);
        assert_eq!(timers.pop(at(100)), Some(3), "called at the first, to be asked");
        assert_eq!(timers.pop(at(20_000)), None, "once");
    }

    #[test]
    fn the_earliest_comes_first_and_an_earlier_one_replaces() {
        let mut timers = Timers::new().unwrap();
        timers.set(0, Some(at(50)));
        timers.set(1, Some(at(40)));
        timers.set(0, Some(at(30)));
        assert_eq!([timers.pop(at(60)), timers.pop(at(60)), timers.pop(at(60))], [Some(0), Some(1), None]);
    }
}
