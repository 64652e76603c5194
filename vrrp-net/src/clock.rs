//! What time it is for the election: CLOCK_BOOTTIME, which goes on while the machine sleeps and never back.

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, Timespec, clock_gettime};
use vrrp_proto::Instant;

/// Now.
pub(crate) fn now() -> Instant {
    instant(clock_gettime(ClockId::Boottime))
}

/// When a datagram came, given when it is now; the kernel stamps by the wall clock. A stamp from the future or of over
/// a minute ago says that the wall clock was set: it came now.
pub(crate) fn arrival(arrived: Option<SystemTime>, now: Instant, wall: SystemTime) -> Instant {
    let ago = arrived.and_then(|arrived| wall.duration_since(arrived).ok()).unwrap_or_default();
    if ago > Duration::from_secs(60) {
        return now;
    }
    let ago = u64::try_from(ago.as_nanos()).unwrap_or_default();
    Instant::from_nanoseconds(now.nanoseconds().saturating_sub(ago))
}

/// For timerfd.
pub(crate) fn timespec(instant: Instant) -> Timespec {
    let nanoseconds = instant.nanoseconds();
    #[expect(clippy::cast_possible_wrap, reason = "2^64 ns are 1.8e10 s, and what is left is below 1e9")]
    let (seconds, rest) = ((nanoseconds / 1_000_000_000) as i64, (nanoseconds % 1_000_000_000) as i64);
    Timespec { tv_sec: seconds, tv_nsec: rest }
}

fn instant(time: Timespec) -> Instant {
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or_default();
    Instant::from_nanoseconds(seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrival_is_as_long_before_now_as_the_kernel_says() {
        let (now, wall) =
            (Instant::from_nanoseconds(5_000_000_000), SystemTime::UNIX_EPOCH + Duration::from_secs(900));
        let before = |ago| Some(wall - ago);
        assert_eq!(
            arrival(before(Duration::from_secs(2)), now, wall),
            Instant::from_nanoseconds(3_000_000_000)
        );
        assert_eq!(arrival(Some(wall + Duration::from_secs(2)), now, wall), now, "from the future");
        assert_eq!(arrival(before(Duration::from_secs(61)), now, wall), now, "the wall clock was set");
        assert_eq!(arrival(None, now, wall), now);
    }

    #[test]
    fn the_clock_goes_on() {
        let first = now();
        assert!(first.nanoseconds() > 0);
        assert!(now() >= first);
        assert_eq!(instant(timespec(first)), first);
    }
}
