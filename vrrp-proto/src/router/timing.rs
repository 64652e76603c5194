//! How long a router waits (RFC 9568 §6.1, RFC 3768 §6.1), in whole nanoseconds.

use core::time::Duration;

use crate::{Interval, Priority};

/// The share of an interval by which a router of lower priority waits longer: `(256 - priority) / 256` of it, rounded
/// down to a nanosecond. VRRPv2 means its own interval, VRRPv3 the one it learned from the Active Router.
///
/// ```
/// use core::time::Duration;
/// use vrrp_proto::{Interval, Priority, skew_time};
///
/// assert_eq!(skew_time(Priority::DEFAULT, Interval::ONE_SECOND), Duration::from_micros(609_375));
/// ```
pub const fn skew_time(priority: Priority, interval: Interval) -> Duration {
    // At most 256 × 255 s in nanoseconds: 46 bits.
    Duration::from_nanos((256 - priority.value() as u64) * interval.nanoseconds() / 256)
}

/// How long the Active Router may be silent: `adverts` intervals and the skew. RFC 9568 knows only `adverts` = 3.
///
/// ```
/// use core::time::Duration;
/// use vrrp_proto::{Interval, Priority, active_down_interval};
///
/// let wait = active_down_interval(Priority::DEFAULT, Interval::ONE_SECOND, 3);
/// assert_eq!(wait, Duration::from_micros(3_609_375));
/// ```
pub const fn active_down_interval(priority: Priority, interval: Interval, adverts: u8) -> Duration {
    let skew = skew_time(priority, interval);
    // At most 256 × 255 s in nanoseconds again.
    Duration::from_nanos(adverts as u64 * interval.nanoseconds()).saturating_add(skew)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wait_is_exact_to_the_nanosecond() {
        let second = Interval::ONE_SECOND;
        let centisecond = Interval::from_centiseconds(1).unwrap();
        let longest = Interval::from_centiseconds(4095).unwrap();
        for (priority, interval, skew, down) in [
            (100, second, 609_375_000, 3_609_375_000),
            (254, second, 7_812_500, 3_007_812_500),
            (1, second, 996_093_750, 3_996_093_750),
            (255, second, 3_906_250, 3_003_906_250),
            (254, centisecond, 78_125, 30_078_125),
            (100, centisecond, 6_093_750, 36_093_750),
            (1, longest, 40_790_039_062, 163_640_039_062), // and a half, which no clock has
        ] {
            let priority = Priority::new(priority);
            assert_eq!(skew_time(priority, interval), Duration::from_nanos(skew));
            assert_eq!(active_down_interval(priority, interval, 3), Duration::from_nanos(down));
        }
    }

    #[test]
    fn no_two_priorities_wait_equally_long_even_at_one_centisecond() {
        let interval = Interval::from_centiseconds(1).unwrap();
        for priority in 1..255 {
            assert!(
                skew_time(Priority::new(priority), interval)
                    > skew_time(Priority::new(priority + 1), interval)
            );
        }
    }

    #[test]
    fn the_longest_wait_of_all_is_seven_hours() {
        let interval = Interval::from_seconds(255).unwrap();
        assert_eq!(
            active_down_interval(Priority::new(1), interval, 100),
            Duration::from_nanos(100 * 255_000_000_000 + 255 * 255_000_000_000 / 256)
        );
    }
}
