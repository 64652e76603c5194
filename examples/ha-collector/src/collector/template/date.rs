//! Parts of dates and times, as syslog-ng's macros write them.

use std::io::Write as _;

use syslog_parse::Civil;

use super::clock::{Fraction, Moment, StampFormat, Style};

/// A part of a time, or a way to write it as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// `Feb 11 10:34:56`
    Date,
    /// `2006 Feb 11 10:34:56`
    FullDate,
    /// RFC 3339
    IsoDate,
    /// One of the above, by `ts-format`.
    Stamp,
    UnixTime,
    Year,
    /// 001 to 366
    YearDay,
    Month,
    MonthAbbreviation,
    MonthName,
    /// 0 to 5: which Monday of the month began it.
    MonthWeek,
    Day,
    /// `Sat`
    WeekDayAbbreviation,
    WeekDayName,
    /// 1 to 7, Sunday first.
    WeekDay,
    /// 00 to 53: which Monday of the year began it.
    Week,
    /// 01 to 53, of ISO 8601.
    IsoWeek,
    Hour,
    /// 01 to 12
    Hour12,
    AmPm,
    Minute,
    Second,
    Milliseconds,
    Microseconds,
    /// `+01:00`
    Offset,
}

const NAMES: &[(&str, Part)] = &[
    ("AMPM", Part::AmPm),
    ("DATE", Part::Date),
    ("DAY", Part::Day),
    ("FULLDATE", Part::FullDate),
    ("HOUR", Part::Hour),
    ("HOUR12", Part::Hour12),
    ("ISODATE", Part::IsoDate),
    ("ISOWEEK", Part::IsoWeek),
    ("MIN", Part::Minute),
    ("MONTH", Part::Month),
    ("MONTH_ABBREV", Part::MonthAbbreviation),
    ("MONTH_NAME", Part::MonthName),
    ("MONTH_WEEK", Part::MonthWeek),
    ("MSEC", Part::Milliseconds),
    ("SEC", Part::Second),
    ("STAMP", Part::Stamp),
    ("TZ", Part::Offset),
    ("TZOFFSET", Part::Offset),
    ("UNIXTIME", Part::UnixTime),
    ("USEC", Part::Microseconds),
    ("WEEK", Part::Week),
    ("WEEKDAY", Part::WeekDayAbbreviation),
    ("WEEK_DAY", Part::WeekDay),
    ("WEEK_DAY_ABBREV", Part::WeekDayAbbreviation),
    ("WEEK_DAY_NAME", Part::WeekDayName),
    ("YEAR", Part::Year),
    ("YEAR_DAY", Part::YearDay),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// From Sunday on.
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const SECONDS_PER_DAY: i64 = 86_400;

/// How long a part stays the same, at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lasts {
    Day,
    Hour,
    Minute,
    /// Not even a second, or not at the same time in all zones.
    Instant,
}

impl Part {
    /// By the name of its macro, without a prefix.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, part)| *part)
    }

    /// All names, without prefixes.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    pub(super) const fn lasts(self) -> Lasts {
        match self {
            Self::Year
            | Self::YearDay
            | Self::Month
            | Self::MonthAbbreviation
            | Self::MonthName
            | Self::MonthWeek
            | Self::Day
            | Self::WeekDayAbbreviation
            | Self::WeekDayName
            | Self::WeekDay
            | Self::Week
            | Self::IsoWeek => Lasts::Day,
            Self::Hour | Self::Hour12 | Self::AmPm => Lasts::Hour,
            Self::Minute => Lasts::Minute,
            _ => Lasts::Instant,
        }
    }

    /// Appends it.
    pub(super) fn write(self, moment: &mut Moment, style: Style, out: &mut Vec<u8>) {
        let civil = moment.civil;
        match self {
            Self::Date => {
                bsd(&civil, out);
                fraction(moment, style, out);
            }
            Self::FullDate => {
                padded(year(&civil), 4, out);
                out.push(b' ');
                bsd(&civil, out);
                fraction(moment, style, out);
            }
            Self::IsoDate => {
                let digits = match style.fraction {
                    Fraction::AsReceived => moment.digits,
                    Fraction::Digits(digits) => digits,
                };
                out.extend_from_slice(moment.iso(digits));
            }
            Self::Stamp => {
                let part = style.stamp.unwrap_or(StampFormat::Rfc3164).part();
                part.write(moment, style, out);
            }
            Self::UnixTime => {
                // Writing to a vector does not fail.
                drop(write!(out, "{}", moment.instant.secs));
                fraction(moment, style, out);
            }
            Self::Year => padded(year(&civil), 4, out),
            Self::YearDay => padded(day_of_year(&civil) + 1, 3, out),
            Self::Month => padded(civil.month.into(), 2, out),
            Self::MonthAbbreviation => out.extend_from_slice(abbreviation(month_name(&civil))),
            Self::MonthName => out.extend_from_slice(month_name(&civil).as_bytes()),
            Self::MonthWeek => padded(mondays(u32::from(civil.day) - 1, &civil), 1, out),
            Self::Day => padded(civil.day.into(), 2, out),
            Self::WeekDayAbbreviation => out.extend_from_slice(abbreviation(day_name(&civil))),
            Self::WeekDayName => out.extend_from_slice(day_name(&civil).as_bytes()),
            Self::WeekDay => padded(day_of_week(&civil) + 1, 1, out),
            Self::Week => padded(mondays(day_of_year(&civil), &civil), 2, out),
            Self::IsoWeek => padded(iso_week(&civil), 2, out),
            Self::Hour => padded(civil.hour.into(), 2, out),
            Self::Hour12 => padded((u32::from(civil.hour) + 11) % 12 + 1, 2, out),
            Self::AmPm => out.extend_from_slice(if civil.hour < 12 { b"AM" } else { b"PM" }),
            Self::Minute => padded(civil.minute.into(), 2, out),
            Self::Second => padded(civil.second.into(), 2, out),
            Self::Milliseconds => padded(moment.instant.nanos / 1_000_000, 3, out),
            Self::Microseconds => padded(moment.instant.nanos / 1_000, 6, out),
            Self::Offset => offset(moment.offset, out),
        }
    }
}

impl StampFormat {
    pub(super) const fn part(self) -> Part {
        match self {
            Self::Rfc3164 => Part::Date,
            Self::Rfc3339 => Part::IsoDate,
            Self::Full => Part::FullDate,
            Self::Unix => Part::UnixTime,
        }
    }
}

/// `Feb  1 10:34:56`
fn bsd(civil: &Civil, out: &mut Vec<u8>) {
    out.extend_from_slice(abbreviation(month_name(civil)));
    out.push(b' ');
    if civil.day < 10 {
        out.push(b' ');
        padded(civil.day.into(), 1, out);
    } else {
        padded(civil.day.into(), 2, out);
    }
    for (before, part) in [(b' ', civil.hour), (b':', civil.minute), (b':', civil.second)] {
        out.push(before);
        padded(part.into(), 2, out);
    }
}

/// The fraction of the second where a number of digits is set.
fn fraction(moment: &Moment, style: Style, out: &mut Vec<u8>) {
    let Fraction::Digits(digits @ 1..) = style.fraction else {
        return;
    };
    out.push(b'.');
    let start = out.len();
    padded(moment.instant.nanos, 9, out);
    out.truncate(start + usize::from(digits.min(9)));
}

/// To the minute, as RFC 3339 has it.
fn offset(seconds: i32, out: &mut Vec<u8>) {
    let minutes = seconds.unsigned_abs() / 60;
    out.push(if seconds < 0 && minutes > 0 { b'-' } else { b'+' });
    padded(minutes / 60, 2, out);
    out.push(b':');
    padded(minutes % 60, 2, out);
}

/// The last `digits` digits of a number, at most nine.
fn padded(number: u32, digits: u32, out: &mut Vec<u8>) {
    out.extend((0..digits).rev().map(|place| b'0' + (number / 10_u32.pow(place) % 10) as u8));
}

fn year(civil: &Civil) -> u32 {
    civil.year.clamp(0, 9999).unsigned_abs()
}

fn month_name(civil: &Civil) -> &'static str {
    MONTHS.get(usize::from(civil.month.wrapping_sub(1))).copied().unwrap_or("January")
}

fn day_name(civil: &Civil) -> &'static str {
    DAYS.get(day_of_week(civil) as usize).copied().unwrap_or("Sunday")
}

fn abbreviation(name: &str) -> &[u8] {
    name.as_bytes().get(..3).unwrap_or_default()
}

/// Days since 1970-01-01.
fn day_number(civil: &Civil) -> i64 {
    civil.local_seconds().div_euclid(SECONDS_PER_DAY)
}

/// 0 is Sunday; 1970 began on a Thursday.
fn day_of_week(civil: &Civil) -> u32 {
    u32::try_from((day_number(civil) + 4).rem_euclid(7)).unwrap_or_default()
}

/// 0 is 1 January.
fn day_of_year(civil: &Civil) -> u32 {
    let first = Civil { month: 1, day: 1, hour: 0, minute: 0, second: 0, ..*civil };
    u32::try_from(day_number(civil) - day_number(&first)).unwrap_or_default()
}

/// How many Mondays there have been in a stretch of which this day is the last, and `before` others come before it.
fn mondays(before: u32, civil: &Civil) -> u32 {
    (before + 7 - (day_of_week(civil) + 6) % 7) / 7
}

/// A week belongs to the year of its Thursday (ISO 8601).
fn iso_week(civil: &Civil) -> u32 {
    let from_monday = i64::from((day_of_week(civil) + 6) % 7);
    let thursday = Civil::from_local_seconds((day_number(civil) - from_monday + 3) * SECONDS_PER_DAY);
    day_of_year(&thursday) / 7 + 1
}
