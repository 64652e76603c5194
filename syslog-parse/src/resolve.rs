//! From a stamp to the instant it means: the missing year, the zone, the hours that clocks skip or repeat.
//!
//! The reference time is an argument; there is no clock here. The usual path is put in line with the caller, because a
//! stamp that was just written octet by octet is slow to copy.

use crate::civil::{self, Civil, SECONDS_PER_DAY};
use crate::{FixedOffset, Local, Stamp, Timestamp, Zone};

/// Finds the instant of a stamp.
///
/// - The stamp's own offset beats `zone`, which is that of the source. Daylight saving time is as of the stamp.
/// - A missing year is the latest that puts the stamp at most [seven days](SLACK_SECONDS) after `reference`, the
///   time of reception; 29 February goes back to the last leap year, by up to eight years.
/// - A time that clocks skip is read with the offset before the jump. Of a time that they show twice the reading
///   near the reference is taken, if the reference is within two hours of one; otherwise the earlier.
/// - Second 60 is second 59 and one more. 24:00:00 is the next midnight.
///
/// `None`: there is no such date or time.
#[inline(always)]
pub fn resolve(stamp: &Stamp, zone: &impl Zone, reference: Timestamp) -> Option<Resolved> {
    resolve_in(stamp, zone, ZoneSource::Configured, reference)
}

/// [`resolve()`], and `zone` comes from elsewhere than the configuration of the source.
///
/// Use it with what your table says of [`Message::zone_name`](crate::Message::zone_name) and [`ZoneSource::Name`], or
/// with a zone of last resort and [`ZoneSource::Assumed`].
#[inline(always)]
pub fn resolve_in(
    stamp: &Stamp,
    zone: &impl Zone,
    source: ZoneSource,
    reference: Timestamp,
) -> Option<Resolved> {
    match find_usual(stamp, zone, source, reference) {
        Some(found) => Some(found),
        None => {
            // Field by field, and not all: what is handed over whole has to be copied to memory on every way, and what
            // was just written octet by octet is slow to copy.
            let Stamp { year, month, day, hour, minute, second, weekday, nanos, offset, .. } = *stamp;
            let fraction_digits = 0;
            find_any(
                Stamp { year, month, day, hour, minute, second, fraction_digits, weekday, nanos, offset },
                zone,
                source,
                reference,
            )
        }
    }
}

/// An instant and how it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Resolved {
    /// The instant.
    pub instant: Timestamp,
    /// The offset that clocks of the zone have there, in seconds.
    pub offset: i32,
    /// What was known and what had to be inferred.
    pub provenance: Provenance,
}

/// Where the zone of an instant comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ZoneSource {
    /// The stamp has an offset.
    Stamp,
    /// The stamp has a zone name, and a table said what it means.
    Name,
    /// The zone configured for the source.
    Configured,
    /// Nobody said; a fallback.
    Assumed,
}

impl ZoneSource {
    /// `stamp`, `name`, `configured` or `assumed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stamp => "stamp",
            Self::Name => "name",
            Self::Configured => "configured",
            Self::Assumed => "assumed",
        }
    }
}

/// How an instant was found, in one octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Provenance(u8);

impl Provenance {
    const YEAR_INFERRED: u8 = 1 << 2;
    const GAP: u8 = 1 << 3;
    const FOLD: u8 = 1 << 4;
    const LEAP_SECOND: u8 = 1 << 5;
    const WEEKDAY_DIFFERS: u8 = 1 << 6;

    /// The octet back from [`bits`](Self::bits). The highest bit means nothing and is left out.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0x7f)
    }

    /// All of it in one octet.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Where the zone comes from.
    pub const fn zone(self) -> ZoneSource {
        match self.0 & 3 {
            0 => ZoneSource::Stamp,
            1 => ZoneSource::Name,
            2 => ZoneSource::Configured,
            _ => ZoneSource::Assumed,
        }
    }

    /// The stamp has no year.
    pub const fn year_inferred(self) -> bool {
        self.0 & Self::YEAR_INFERRED != 0
    }

    /// What had to be inferred and what is to be remarked, by the names of the methods here.
    #[cfg(feature = "serde")]
    pub(crate) const NAMES: [(u8, &'static str); 5] = [
        (Self::YEAR_INFERRED, "year_inferred"),
        (Self::GAP, "gap"),
        (Self::FOLD, "fold"),
        (Self::LEAP_SECOND, "leap_second"),
        (Self::WEEKDAY_DIFFERS, "weekday_differs"),
    ];

    /// Clocks of the zone never showed this time.
    pub const fn gap(self) -> bool {
        self.0 & Self::GAP != 0
    }

    /// Clocks of the zone showed this time twice.
    pub const fn fold(self) -> bool {
        self.0 & Self::FOLD != 0
    }

    /// The stamp has second 60.
    pub const fn leap_second(self) -> bool {
        self.0 & Self::LEAP_SECOND != 0
    }

    /// The stamp names a day of the week that the date found does not have.
    pub const fn weekday_differs(self) -> bool {
        self.0 & Self::WEEKDAY_DIFFERS != 0
    }
}

/// How far in the future a stamp without a year may be: seven days, so that a clock that is a little ahead at the
/// end of December is not put back by a year.
pub const SLACK_SECONDS: i64 = 7 * SECONDS_PER_DAY;

/// How far back a 29 February without a year is looked for: over 1900, which was no leap year.
const LEAP_DAY_YEARS: i32 = 8;
/// Local seconds of the years 0000 to 9999, which RFC 3339 can write.
const FOUR_DIGIT_YEARS: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;
/// More than any offset from UTC.
const FAR: i64 = 26 * 3600;
/// How near the reference has to be to a reading of a repeated time to decide for it.
const NEAR: i64 = 2 * 3600;

/// The instant, if nothing about the stamp or the zone there is unusual.
#[inline(always)]
fn find_usual(stamp: &Stamp, zone: &impl Zone, source: ZoneSource, reference: Timestamp) -> Option<Resolved> {
    let Stamp { month, day, hour, minute, second, .. } = *stamp;
    if hour >= 24 || minute >= 60 || second >= 60 || stamp.weekday.is_some() {
        return None;
    }
    let limit = reference.secs.saturating_add(SLACK_SECONDS);
    let year = match stamp.year {
        Some(year) => Some(year).filter(|&year| year <= 9999)?,
        None => latest_year(limit)?,
    };
    let date_is_usual = month.wrapping_sub(1) < 12
        && (day.wrapping_sub(1) < 28 || (day > 0 && day <= civil::days_in_month(year.into(), month)));
    if !date_is_usual {
        return None;
    }
    let of_day = u32::from(hour) * 3600 + u32::from(minute) * 60 + u32::from(second);
    let local = civil::days_from_near_date(year, month, day) * SECONDS_PER_DAY + i64::from(of_day);
    let mut bits = source as u8;
    if stamp.year.is_none() {
        // Mostly the first year asked is the one, by so much that no zone can change it.
        if local > limit.saturating_sub(FAR) {
            return None;
        }
        bits |= Provenance::YEAR_INFERRED;
    }
    let offset = match stamp.offset {
        Some(own) => {
            bits = bits & Provenance::YEAR_INFERRED | ZoneSource::Stamp as u8;
            FixedOffset::from_seconds(own.seconds())?.seconds()
        }
        None => match zone.at_local(local) {
            Local::Single { offset, .. } => offset,
            Local::Gap { .. } | Local::Fold { .. } => return None,
        },
    };
    let instant = Timestamp { secs: local - i64::from(offset), nanos: stamp.nanos };
    Some(Resolved { instant, offset, provenance: Provenance(bits) })
}

/// The same, whatever the stamp.
#[inline(never)]
fn find_any(stamp: Stamp, zone: &impl Zone, source: ZoneSource, reference: Timestamp) -> Option<Resolved> {
    if !stamp.is_possible() {
        return None;
    }
    match stamp.offset.and_then(|offset| FixedOffset::from_seconds(offset.seconds())) {
        Some(own) => find(&stamp, &own, ZoneSource::Stamp, reference),
        None => find(&stamp, zone, source, reference),
    }
}

/// The instant, by the year of the stamp or the latest that can be.
#[inline(always)]
fn find(stamp: &Stamp, zone: &impl Zone, source: ZoneSource, reference: Timestamp) -> Option<Resolved> {
    let mut bits = source as u8;
    if stamp.second == 60 {
        bits |= Provenance::LEAP_SECOND;
    }
    let limit = reference.secs.saturating_add(SLACK_SECONDS);
    let mut local = stamp.year.or_else(|| latest_year(limit)).and_then(|year| local_seconds(stamp, year));
    if stamp.year.is_none() {
        bits |= Provenance::YEAR_INFERRED;
        // Mostly the first year asked is the one, by so much that no zone can change it.
        if local.is_none_or(|local| local.saturating_add(FAR) > limit) {
            // What is not asked there is not handed over: it would have to be put where it can be handed over on
            // every way.
            let asked = Stamp { weekday: None, fraction_digits: 0, year: None, offset: None, ..*stamp };
            local = find_year(asked, zone, reference, limit);
        }
    }
    at_local(stamp, local?, zone, reference, bits)
}

/// The year in which an instant is, or the next one; never too early, wherever the clock is. `None`: far from here.
#[inline]
fn latest_year(secs: i64) -> Option<u16> {
    let secs = u64::try_from(secs).ok().filter(|&secs| secs < 1 << 36)?;
    // 400 years have 146,097 days; the calendar is never more than two days ahead of that, and zones one more.
    u16::try_from(1970 + (secs + 4 * SECONDS_PER_DAY as u64) / (146_097 * SECONDS_PER_DAY as u64 / 400)).ok()
}

/// The stamp's civil time in the first year that can be, the latest tried first.
#[cold]
#[inline(never)]
fn find_year(stamp: Stamp, zone: &impl Zone, reference: Timestamp, limit: i64) -> Option<i64> {
    let this_year = Civil::at(reference, 0).year;
    let years = (this_year - LEAP_DAY_YEARS..=this_year + 1).rev();
    // Most years that are too late need no zone to say so.
    let locals = years.filter_map(|year| local_seconds(&stamp, u16::try_from(year).ok()?));
    locals.filter(|&local| local - FAR <= limit).find(|&local| {
        at_local(&stamp, local, zone, reference, 0)
            .is_some_and(|found| (found.instant.secs, found.instant.nanos) <= (limit, reference.nanos))
    })
}

/// The stamp's civil time, second 60 as 59, in seconds since 1970 on the same clock; `None`: no such day.
#[inline(always)]
fn local_seconds(stamp: &Stamp, year: u16) -> Option<i64> {
    if stamp.day > 28 && stamp.day > civil::days_in_month(year.into(), stamp.month) {
        return None;
    }
    let of_day =
        u32::from(stamp.hour) * 3600 + u32::from(stamp.minute) * 60 + u32::from(stamp.second.min(59));
    Some(civil::days_from_near_date(year, stamp.month, stamp.day) * SECONDS_PER_DAY + i64::from(of_day))
}

/// The instant if clocks of the zone show `local` then, a year being chosen.
#[inline(always)]
fn at_local(stamp: &Stamp, local: i64, zone: &impl Zone, reference: Timestamp, bits: u8) -> Option<Resolved> {
    let mut bits = bits;
    let (secs, offset) = match zone.at_local(local) {
        Local::Single { offset, .. } => (local - i64::from(offset), offset),
        Local::Gap { before, after } => {
            bits |= Provenance::GAP;
            (local - i64::from(before), after)
        }
        Local::Fold { before, after } => {
            bits |= Provenance::FOLD;
            let (earlier, later) = (local - i64::from(before), local - i64::from(after));
            let (to_earlier, to_later) = (distance(earlier, reference), distance(later, reference));
            if to_later < to_earlier && to_later <= NEAR { (later, after) } else { (earlier, before) }
        }
    };
    if stamp
        .weekday
        .is_some_and(|weekday| (local.div_euclid(SECONDS_PER_DAY) + 3).rem_euclid(7) != weekday as i64)
    {
        bits |= Provenance::WEEKDAY_DIFFERS;
    }
    let secs = secs + i64::from(stamp.second == 60);
    FOUR_DIGIT_YEARS.contains(&(secs + i64::from(offset))).then_some(Resolved {
        instant: Timestamp { secs, nanos: stamp.nanos },
        offset,
        provenance: Provenance(bits),
    })
}

/// Seconds between a reading and the reference.
#[inline]
const fn distance(secs: i64, reference: Timestamp) -> i64 {
    (reference.secs.saturating_sub(secs)).saturating_abs()
}

#[cfg(test)]
#[path = "resolve/tests.rs"]
mod tests;
