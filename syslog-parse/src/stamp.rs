//! The time stamp as written: civil fields, and what was said about the zone.
//!
//! Which instant it means is `resolve`'s business.

/// The fields of a time stamp, as received. There may be no such date or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Stamp {
    /// The year, if the stamp has one.
    pub year: Option<u16>,
    /// 1 to 12 in a month that exists.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
    /// 0 to 23; 24 only as 24:00:00.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59; 60 in a leap second.
    pub second: u8,
    /// How many digits the fraction had; nine where it had more.
    pub fraction_digits: u8,
    /// The day of the week, if the stamp names one.
    pub weekday: Option<Weekday>,
    /// The fraction of the second. Digits after the ninth are dropped.
    pub nanos: u32,
    /// The stamp's own distance from UTC, if it has one.
    pub offset: Option<UtcOffset>,
}

impl Stamp {
    /// No field read yet.
    pub(crate) const NOTHING: Self = Self {
        year: None,
        month: 0,
        day: 0,
        hour: 0,
        minute: 0,
        second: 0,
        fraction_digits: 0,
        weekday: None,
        nanos: 0,
        offset: None,
    };

    /// Whether month, day, hour, minute, second and offset can be; 29 February can, in a year that is not known.
    #[inline(always)]
    pub fn is_possible(&self) -> bool {
        // The usual case first, without looking at month lengths or years.
        let clock = self.minute < 60
            && (self.second <= 60)
            && (self.hour < 24
                || (self.hour == 24 && self.minute == 0 && self.second == 0 && self.nanos == 0));
        let date = self.month.wrapping_sub(1) < 12
            && self.day >= 1
            && (self.day <= 28
                || self.day <= crate::civil::days_in_month(self.year.map_or(2000, i32::from), self.month));
        clock && date && self.offset.is_none_or(UtcOffset::is_possible)
    }
}

/// Seconds east of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct UtcOffset(i32);

impl UtcOffset {
    /// `Z`.
    pub const UTC: Self = Self(0);
    /// What a stamp carries that says an offset which cannot be, such as `+99:99`.
    pub(crate) const IMPOSSIBLE: Self = Self(i32::MAX);
    /// The next after the largest that RFC 3339 can write.
    const LIMIT: i32 = 24 * 3600;

    /// So many seconds east; `None` for a day or more.
    pub const fn from_seconds(seconds: i32) -> Option<Self> {
        if -Self::LIMIT < seconds && seconds < Self::LIMIT { Some(Self(seconds)) } else { None }
    }

    /// Seconds east of UTC; nothing sensible unless [`is_possible`](Self::is_possible).
    pub const fn seconds(self) -> i32 {
        self.0
    }

    /// Whether there can be such an offset.
    pub const fn is_possible(self) -> bool {
        self.0 != Self::IMPOSSIBLE.0
    }
}

/// The day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
#[expect(missing_docs, reason = "they are the days of the week")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp {
        year: None,
        month: 2,
        day: 29,
        hour: 0,
        minute: 0,
        second: 60,
        fraction_digits: 0,
        weekday: None,
        nanos: 0,
        offset: None,
    };

    #[test]
    fn the_29th_of_february_can_be_until_the_year_says_no() {
        assert!(STAMP.is_possible());
        assert!(!Stamp { year: Some(2026), ..STAMP }.is_possible());
        assert!(!Stamp { day: 30, ..STAMP }.is_possible());
    }

    #[test]
    fn hour_24_is_midnight_or_nothing() {
        assert!(Stamp { hour: 24, second: 0, ..STAMP }.is_possible());
        assert!(!Stamp { hour: 24, second: 1, ..STAMP }.is_possible());
    }

    #[test]
    fn a_stamp_is_twenty_four_octets() {
        assert!(size_of::<Option<Stamp>>() <= 24);
    }
}
