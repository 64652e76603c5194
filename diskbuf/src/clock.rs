//! [`Clock`]: what time it is to some milliseconds, for next to nothing.

#[cfg(target_os = "linux")]
use std::time::Duration;
use std::time::Instant;

/// Moments that are right to a tick of the system's timer, and never ahead.
#[derive(Debug)]
pub(crate) struct Clock {
    #[cfg(target_os = "linux")]
    begin: (Instant, Duration),
}

impl Clock {
    #[cfg(target_os = "linux")]
    pub(crate) fn new() -> Self {
        // In this order: the moments that follow from it are never ahead.
        let begin = Instant::now();
        Self { begin: (begin, coarse()) }
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) const fn new() -> Self {
        Self {}
    }

    /// Now, or a moment ago.
    #[cfg(target_os = "linux")]
    #[inline]
    pub(crate) fn now(&self) -> Instant {
        let (begin, then) = self.begin;
        begin + coarse().saturating_sub(then)
    }

    /// Now.
    #[cfg(not(target_os = "linux"))]
    #[inline]
    pub(crate) fn now(&self) -> Instant {
        Instant::now()
    }
}

#[cfg(target_os = "linux")]
#[inline]
fn coarse() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}
