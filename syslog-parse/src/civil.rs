//! Dates and clock times as people write them, instants as computers count them, and RFC 3339 between the two.
//!
//! Zones are `zone`'s, missing years are `resolve`'s.

use std::time::{SystemTime, UNIX_EPOCH};

/// An instant: seconds and nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Timestamp {
    /// Whole seconds, rounded down.
    pub secs: i64,
    /// The rest, below 1,000,000,000.
    pub nanos: u32,
}

impl Timestamp {
    /// The epoch.
    pub const UNIX_EPOCH: Self = Self { secs: 0, nanos: 0 };

    /// Seconds and nanoseconds since the epoch.
    pub const fn new(secs: i64, nanos: u32) -> Self {
        Self { secs, nanos }
    }
}

/// What a clock of the standard library reads. Before 1970 too; an instant that 64 bits of seconds cannot say is the nearest
/// that they can.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self::new(i64::try_from(after.as_secs()).unwrap_or(i64::MAX), after.subsec_nanos()),
            Err(error) => {
                let before = error.duration();
                let secs = i64::try_from(before.as_secs()).map_or(i64::MIN, |secs| -secs);
                match before.subsec_nanos() {
                    0 => Self::new(secs, 0),
                    nanos => Self::new(secs.saturating_sub(1), 1_000_000_000 - nanos),
                }
            }
        }
    }
}

/// A date and a time of day somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Civil {
    /// Of the Gregorian calendar, extended to both sides.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl Civil {
    /// What clocks `offset` seconds east of UTC show at that instant.
    #[inline]
    pub fn at(instant: Timestamp, offset: i32) -> Self {
        Self::from_local_seconds(instant.secs.saturating_add(i64::from(offset)))
    }

    /// The inverse of [`local_seconds`](Self::local_seconds). Years beyond ±2,000,000,000 are cut to that.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "every part is reduced to its range first")]
    pub fn from_local_seconds(local_seconds: i64) -> Self {
        let days = local_seconds.div_euclid(SECONDS_PER_DAY);
        let second_of_day = local_seconds.rem_euclid(SECONDS_PER_DAY) as u32;
        let (year, month, day) = date_from_days(days);
        Self {
            year,
            month,
            day,
            hour: (second_of_day / 3600) as u8,
            minute: (second_of_day / 60 % 60) as u8,
            second: (second_of_day % 60) as u8,
        }
    }

    /// Seconds since 1970-01-01T00:00:00 on the same clock.
    #[inline]
    pub fn local_seconds(self) -> i64 {
        days_from_date(self.year, self.month, self.day) * SECONDS_PER_DAY
            + i64::from(self.hour) * 3600
            + i64::from(self.minute) * 60
            + i64::from(self.second)
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
///
/// The year is counted from March, so that the leap day is its last; a month then begins on day
/// `(153 m + 2) / 5` of it. It is counted from far back too: divisions of what is not negative are cheap.
#[inline]
pub(crate) fn days_from_date(year: i32, month: u8, day: u8) -> i64 {
    let before_march = month < 3;
    let year = (i64::from(year) + FAR_BACK * 400 - i64::from(before_march)) as u64;
    let month = u64::from(month) + if before_march { 9 } else { 0 } - if before_march { 0 } else { 3 };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + u64::from(day);
    days as i64 - (FAR_BACK * DAYS_PER_ERA + DAYS_TO_1970)
}

/// [`days_from_date`] for the years that stamps have, in fewer steps.
#[inline(always)]
pub(crate) fn days_from_near_date(year: u16, month: u8, day: u8) -> i64 {
    let late = u32::from(month < 3);
    // Counted from 400 years back, so that nothing is negative; the sum of the lengths of the months from March on is
    // that of (153 m + 2) / 5, by a shift.
    let year = u32::from(year) + 400 - late;
    let month = u32::from(month) + 12 * late;
    let century = year / 100;
    let days =
        year * 1461 / 4 - century + century / 4 + ((979 * month).wrapping_sub(2919) >> 5) + u32::from(day);
    i64::from(days) - (DAYS_PER_ERA + DAYS_TO_1970)
}

/// The date so many days after 1970-01-01.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the parts of a date after reduction to an era of 400 years"
)]
fn date_from_days(days: i64) -> (i32, u8, u8) {
    const LIMIT: i64 = 2_000_000_000 / 400 * DAYS_PER_ERA;
    let days = (days.clamp(-LIMIT, LIMIT) + FAR_BACK * DAYS_PER_ERA + DAYS_TO_1970 - 1) as u64;
    let era = days / DAYS_PER_ERA as u64;
    let day_of_era = (days % DAYS_PER_ERA as u64) as u32;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = (era as i64 - FAR_BACK) * 400 + i64::from(year_of_era) + i64::from(month <= 2);
    (year as i32, month as u8, day as u8)
}

/// Whether a year has a 29 February.
#[inline]
pub(crate) const fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// How many days a month has; 0 for a month that is none.
#[inline]
pub(crate) const fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 0,
    }
}

pub(crate) const SECONDS_PER_DAY: i64 = 86_400;
/// Days in 400 years, after which the calendar repeats.
const DAYS_PER_ERA: i64 = 146_097;
/// So many eras before the year 0 the counting begins.
const FAR_BACK: i64 = 6_000_000;
/// From 0000-02-29 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_469;

/// A date and time in RFC 3339, in place: `2003-10-11T22:14:15.003+00:00`.
///
/// UTC is written `+00:00`. Years that four digits cannot hold are cut to 0000 or 9999.
#[derive(Clone, Copy)]
pub struct Rfc3339 {
    octets: [u8; Self::MAX_LEN],
    len: u8,
}

impl Rfc3339 {
    /// The longest: nine digits of a fraction.
    pub const MAX_LEN: usize = 35;

    /// Writes an instant as clocks `offset` seconds east of UTC show it, with so many digits of its fraction (at
    /// most nine). Offsets are written to the minute.
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "fixed positions below MAX_LEN; at most nine digits of a fraction"
    )]
    #[expect(clippy::cast_possible_truncation, reason = "single digits, and a length below MAX_LEN")]
    pub fn new(instant: Timestamp, offset: i32, fraction_digits: u8) -> Self {
        let civil = Civil::at(instant, offset);
        let year = civil.year.clamp(0, 9999).unsigned_abs();
        let (century, year) = (u64::from(year / 100), u64::from(year % 100));
        let date = century | year << 16 | u64::from(civil.month) << 40;
        let clock = u64::from(civil.hour) | u64::from(civil.minute) << 24 | u64::from(civil.second) << 48;
        let mut octets = [0; Self::MAX_LEN];
        octets[0..8].copy_from_slice(&pairs(date, *b"0000-00-"));
        octets[8..16].copy_from_slice(&pairs(u64::from(civil.day), *b"00T     "));
        octets[11..19].copy_from_slice(&pairs(clock, *b"00:00:00"));
        let digits = usize::from(fraction_digits.min(9));
        let mut at = 19;
        if digits > 0 {
            let nanos = instant.nanos.min(999_999_999);
            octets[19] = b'.';
            octets[20..28].copy_from_slice(&eight_digits(nanos / 10));
            octets[28] = b'0' + (nanos % 10) as u8;
            at = 20 + digits;
        }
        let minutes = offset.unsigned_abs() / 60;
        let zone = u64::from(minutes / 60 % 100) | u64::from(minutes % 60) << 24;
        octets[at] = if offset < 0 && minutes > 0 { b'-' } else { b'+' };
        octets[at + 1..at + 6].copy_from_slice(&pairs(zone, *b"00:00   ")[..5]);
        Self { octets, len: (at + 6) as u8 }
    }

    /// The text; ASCII.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl std::fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::fmt::Debug for Rfc3339 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Fills numbers below 100 into a pattern, which has `00` where each is; each is shifted to the first of its zeros.
#[inline(always)]
fn pairs(numbers: u64, pattern: [u8; 8]) -> [u8; 8] {
    // A tenth, for numbers below 179. Places of 16 bits at least do not run into each other.
    let tens = ((numbers * 103) >> 10) & first_zeros(pattern);
    (u64::from_le_bytes(pattern) + tens + ((numbers - tens * 10) << 8)).to_le_bytes()
}

/// Four ones in the octet of the first zero of each pair.
#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "below 8, into arrays of 8")]
const fn first_zeros(pattern: [u8; 8]) -> u64 {
    let mut mask = [0; 8];
    let mut at = 0;
    while at < 7 {
        if pattern[at] == b'0' && pattern[at + 1] == b'0' && (at == 0 || mask[at - 1] == 0) {
            mask[at] = 0xf;
        }
        at += 1;
    }
    u64::from_le_bytes(mask)
}

/// All digits of a number below 100,000,000.
#[inline(always)]
fn eight_digits(number: u32) -> [u8; 8] {
    let fours = u64::from(number / 10_000) | u64::from(number % 10_000) << 32;
    // A hundredth, for numbers below 10,000.
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    pairs(hundreds | (fours - hundreds * 100) << 16, *b"00000000")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_clock_of_the_system_is_an_instant_on_both_sides_of_1970() {
        let at = |nanos: u64| Duration::from_nanos(nanos);
        assert_eq!(Timestamp::from(UNIX_EPOCH), Timestamp::UNIX_EPOCH);
        assert_eq!(Timestamp::from(UNIX_EPOCH + at(1_500_000_000)), Timestamp::new(1, 500_000_000));
        assert_eq!(Timestamp::from(UNIX_EPOCH - at(1_000_000_000)), Timestamp::new(-1, 0));
        assert_eq!(Timestamp::from(UNIX_EPOCH - at(1_500_000_000)), Timestamp::new(-2, 500_000_000));
    }

    #[test]
    fn the_epoch_is_day_zero_and_every_day_comes_back() {
        assert_eq!(days_from_date(1970, 1, 1), 0);
        let mut expected = days_from_date(-400, 1, 1);
        for year in -400..=2800 {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    assert_eq!(days_from_date(year, month, day), expected);
                    if let Ok(year) = u16::try_from(year) {
                        assert_eq!(days_from_near_date(year, month, day), expected);
                    }
                    assert_eq!(date_from_days(expected), (year, month, day));
                    expected += 1;
                }
            }
        }
    }

    #[test]
    fn all_digits_are_those_of_the_number() {
        for number in (0..100_000_000).step_by(7919).chain([0, 9, 10, 99_999_999]) {
            assert_eq!(eight_digits(number), *format!("{number:08}").as_bytes());
        }
        for number in 0..100 {
            let text = format!("{number:02}:{number:02}:{number:02}");
            assert_eq!(pairs(number | number << 24 | number << 48, *b"00:00:00"), *text.as_bytes());
        }
    }

    #[test]
    fn every_year_of_a_stamp_can_be_counted() {
        for year in 0..=u16::MAX {
            assert_eq!(days_from_near_date(year, 2, 28), days_from_date(year.into(), 2, 28));
            assert_eq!(days_from_near_date(year, 12, 31), days_from_date(year.into(), 12, 31));
        }
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for secs in [i64::MIN, i64::MAX] {
            for offset in [i32::MIN, i32::MAX] {
                let text = Rfc3339::new(Timestamp::new(secs, u32::MAX), offset, u8::MAX);
                assert!(text.as_str().len() <= Rfc3339::MAX_LEN);
            }
        }
    }

    #[test]
    fn rfc_3339_has_the_fraction_as_received_and_the_offset_in_full() {
        let instant = Timestamp::new(1_065_910_455, 3_000_000);
        assert_eq!(Rfc3339::new(instant, 0, 3).as_str(), "2003-10-11T22:14:15.003+00:00");
        assert_eq!(Rfc3339::new(instant, -5 * 3600, 0).as_str(), "2003-10-11T17:14:15-05:00");
        assert_eq!(Rfc3339::new(instant, 20_700, 9).as_str(), "2003-10-12T03:59:15.003000000+05:45");
    }
}
