//! Zones of the IANA database and of POSIX `TZ` strings, by the `jiff` crate.

use crate::{Local, Period, Zone};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use std::fmt;

/// A zone of the IANA time zone database, or one given by a POSIX `TZ` string.
///
/// Cheap to clone. An answer costs tens of nanoseconds: put it into [`Cached`](crate::Cached) where messages are many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IanaZone(TimeZone);

impl IanaZone {
    /// The zone of this system: `TZ`, else `/etc/localtime`.
    ///
    /// # Errors
    ///
    /// The system does not say, or says what cannot be read.
    pub fn system() -> Result<Self, UnknownZone> {
        TimeZone::try_system().map(Self).map_err(|_| UnknownZone { name: "system".into() })
    }

    /// The zone of a name such as `Europe/Budapest`, in the database of the system.
    ///
    /// # Errors
    ///
    /// The database has no such name, or there is no database.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        TimeZone::get(name).map(Self).map_err(|_| UnknownZone { name: name.into() })
    }

    /// The zone of a POSIX string such as `MET-1METDST,M3.5.0,M10.5.0/3`, or of a name.
    ///
    /// # Errors
    ///
    /// It is neither.
    pub fn named_or_posix(text: &str) -> Result<Self, UnknownZone> {
        Self::named(text).or_else(|_| Self::posix(text))
    }

    /// The zone of a POSIX string.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn posix(text: &str) -> Result<Self, UnknownZone> {
        TimeZone::posix(text).map(Self).map_err(|_| UnknownZone { name: text.into() })
    }

    /// Universal time; needs no database.
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The name in the database, if it is of the database.
    pub fn name(&self) -> Option<&str> {
        self.0.iana_name()
    }
}

impl Zone for IanaZone {
    fn at_local(&self, local_seconds: i64) -> Local {
        let civil = datetime(local_seconds);
        match self.0.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => {
                let offset = offset.seconds();
                let instant = local_seconds.saturating_sub(offset.into());
                let [before, after] = self.changes_around(instant);
                // A change that puts clocks forward leaves a gap, and one that puts them back a fold; both belong to
                // neither side.
                let from =
                    before.map_or(i64::MIN, |change| change.at + i64::from(change.from.max(change.to)));
                let until =
                    after.map_or(i64::MAX, |change| change.at + i64::from(change.from.min(change.to)));
                if from <= local_seconds && local_seconds < until {
                    Local::Single { offset, from, until }
                } else {
                    Local::Single { offset, from: local_seconds, until: local_seconds.saturating_add(1) }
                }
            }
            AmbiguousOffset::Gap { before, after } => {
                Local::Gap { before: before.seconds(), after: after.seconds() }
            }
            AmbiguousOffset::Fold { before, after } => {
                Local::Fold { before: before.seconds(), after: after.seconds() }
            }
        }
    }

    fn at_instant(&self, unix_seconds: i64) -> Period {
        let offset = self.0.to_offset(timestamp(unix_seconds)).seconds();
        let [before, after] = self.changes_around(unix_seconds);
        Period {
            offset,
            from: before.map_or(i64::MIN, |change| change.at),
            until: after.map_or(i64::MAX, |change| change.at),
        }
    }
}

/// Clocks going from one offset to another.
#[derive(Clone, Copy)]
struct Change {
    at: i64,
    from: i32,
    to: i32,
}

impl IanaZone {
    /// The last change at or before an instant, and the first after it.
    fn changes_around(&self, unix_seconds: i64) -> [Option<Change>; 2] {
        let change = |at: jiff::Timestamp| Change {
            at: at.as_second(),
            from: self.0.to_offset(timestamp(at.as_second() - 1)).seconds(),
            to: self.0.to_offset(at).seconds(),
        };
        let before = self.0.preceding(timestamp(unix_seconds.saturating_add(1))).next();
        let after = self.0.following(timestamp(unix_seconds)).next();
        [before, after].map(|transition| transition.map(|transition| change(transition.timestamp())))
    }
}

/// The nearest instant that jiff has.
fn timestamp(unix_seconds: i64) -> jiff::Timestamp {
    let range = jiff::Timestamp::MIN.as_second()..=jiff::Timestamp::MAX.as_second();
    jiff::Timestamp::from_second(unix_seconds.clamp(*range.start(), *range.end())).unwrap_or_default()
}

/// The nearest civil time that jiff has.
fn datetime(local_seconds: i64) -> DateTime {
    Offset::UTC.to_datetime(timestamp(local_seconds))
}

/// No such zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownZone {
    /// What was asked for.
    pub name: String,
}

impl fmt::Display for UnknownZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown time zone {name:?}", name = self.name)
    }
}

impl std::error::Error for UnknownZone {}

#[cfg(test)]
#[path = "iana/tests.rs"]
mod tests;
