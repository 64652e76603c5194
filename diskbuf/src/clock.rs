//! [`Clock`]: what time it is to some milliseconds, for next to nothing.

use std::time::Duration;
#[cfg(not(target_os = "linux"))]
use std::time::Instant;

/// Tells moments. They are right to a tick of the system's timer, which is ten milliseconds at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// `None` for one that stands still.
    #[cfg(target_os = "linux")]
    begin: Option<u64>,
    #[cfg(not(target_os = "linux"))]
    begin: Option<Instant>,
}

impl Clock {
    /// One that stands still, so that what is done follows from nothing but what was done before.
    pub(crate) const fn stopped() -> Self {
        Self { begin: None }
    }
}

/// Milliseconds since the clock was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) u64);

impl Moment {
    /// How long ago `earlier` is.
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

#[cfg(target_os = "linux")]
impl Clock {
    pub(crate) fn new() -> Self {
        Self { begin: Some(coarse()) }
    }

    #[inline]
    pub(crate) fn now(&self) -> Moment {
        Moment(self.begin.map_or(0, |begin| coarse().saturating_sub(begin)))
    }
}

#[cfg(not(target_os = "linux"))]
impl Clock {
    pub(crate) fn new() -> Self {
        Self { begin: Some(Instant::now()) }
    }

    pub(crate) fn now(&self) -> Moment {
        let past = self.begin.map_or(Duration::ZERO, |begin| begin.elapsed());
        Moment(u64::try_from(past.as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(target_os = "linux")]
#[inline]
fn coarse() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
    // Neither is ever negative.
    now.tv_sec.unsigned_abs() * 1000 + now.tv_nsec.unsigned_abs() / 1_000_000
}
