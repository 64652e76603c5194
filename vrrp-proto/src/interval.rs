//! How often the Active Router advertises.

use core::time::Duration;

/// An advertisement interval, kept in centiseconds: VRRPv2 can say 1 to 255 s, VRRPv3 1 to 4095 cs. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(u16);

impl Interval {
    /// The default of both generations.
    pub const ONE_SECOND: Self = Self(100);

    /// As VRRPv3 says it: 1 to 4095 (RFC 9568 §5.2.7); `None` for anything else.
    pub const fn from_centiseconds(centiseconds: u16) -> Option<Self> {
        match centiseconds {
            1..=4095 => Some(Self(centiseconds)),
            _ => None,
        }
    }

    /// As VRRPv2 says it: 1 to 255 (RFC 3768 §5.3.7); `None` for 0.
    pub const fn from_seconds(seconds: u8) -> Option<Self> {
        match seconds {
            0 => None,
            _ => Some(Self(seconds as u16 * 100)),
        }
    }

    /// In hundredths of a second.
    pub const fn centiseconds(self) -> u16 {
        self.0
    }

    /// In nanoseconds.
    pub const fn nanoseconds(self) -> u64 {
        self.0 as u64 * 10_000_000
    }

    /// As std says it.
    pub const fn to_duration(self) -> Duration {
        Duration::from_nanos(self.nanoseconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_second_is_one_second() {
        assert_eq!(Interval::ONE_SECOND.to_duration(), Duration::from_secs(1));
        assert_eq!(Interval::from_seconds(1), Some(Interval::ONE_SECOND));
        assert_eq!(Interval::from_seconds(255).map(Interval::centiseconds), Some(25_500));
    }

    #[test]
    fn zero_and_thirteen_bits_are_no_interval() {
        assert_eq!(Interval::from_centiseconds(0), None);
        assert_eq!(Interval::from_seconds(0), None);
        assert_eq!(Interval::from_centiseconds(4096), None);
        assert!(Interval::from_centiseconds(4095).is_some());
    }
}
