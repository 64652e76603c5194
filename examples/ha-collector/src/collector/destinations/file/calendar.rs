//! The wall clock of a destination: which day it is there, and when an hour, a day or a week began.

use std::fmt;
use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

use syslog_parse::{Cached, IanaZone, Zone as _};

use super::naming::Day;
use crate::config::Every;

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
/// 1970-01-01 was a Thursday: so many days after a Monday.
const EPOCH_WEEKDAY: i64 = 3;

/// Local time, as far as files are concerned.
pub(super) struct Calendar {
    zone: Cached<IanaZone>,
    /// Seconds since 1970.
    wall: Box<dyn Fn() -> i64 + Send>,
    /// The stretch that was asked for last: most questions are about the same.
    known: Option<(Every, Range<i64>)>,
}

impl Calendar {
    /// The time of this machine, in `zone`.
    pub(super) fn new(zone: IanaZone) -> Self {
        Self::with(zone, || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
        })
    }

    pub(super) fn with(zone: IanaZone, wall: impl Fn() -> i64 + Send + 'static) -> Self {
        Self { zone: Cached::new(zone), wall: Box::new(wall), known: None }
    }

    /// Seconds since 1970.
    pub(super) fn now(&self) -> i64 {
        (self.wall)()
    }

    /// The day it is now.
    pub(super) fn today(&self) -> Day {
        let now = self.now();
        now.saturating_add(self.offset(now)).div_euclid(DAY)
    }

    /// When the stretch that `now` lies in began.
    pub(super) fn began(&mut self, every: Every, now: i64) -> i64 {
        if let Some((known, stretch)) = &self.known
            && *known == every
            && stretch.contains(&now)
        {
            return stretch.start;
        }
        let local = now.saturating_add(self.offset(now));
        let (start, len) = match every {
            Every::Hour => (local - local.rem_euclid(HOUR), HOUR),
            Every::Day => (local - local.rem_euclid(DAY), DAY),
            Every::Week => (local - (local + EPOCH_WEEKDAY * DAY).rem_euclid(7 * DAY), 7 * DAY),
        };
        let (start, end) = (self.instant(start).min(now), self.instant(start + len).max(now + 1));
        self.known = Some((every, start..end));
        start
    }

    /// When clocks show `local`.
    fn instant(&self, local: i64) -> i64 {
        let guess = local.saturating_sub(self.offset(local));
        local.saturating_sub(self.offset(guess))
    }

    fn offset(&self, at: i64) -> i64 {
        i64::from(self.zone.at_instant(at).offset)
    }
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calendar").field("known", &self.known).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn began(zone: &str, every: Every, now: &str) -> String {
        let now: jiff::Timestamp = now.parse().unwrap();
        let mut calendar = Calendar::with(IanaZone::named(zone).unwrap(), || 0);
        let began = calendar.began(every, now.as_second());
        assert_eq!(calendar.began(every, began), began, "its first second belongs to it");
        assert_ne!(calendar.began(every, began - 1), began, "the second before does not");
        jiff::Timestamp::from_second(began).unwrap().to_string()
    }

    #[test]
    fn days_begin_at_local_midnight_in_summer_and_in_winter_and_when_that_changes() {
        let zone = "Europe/Budapest";
        assert_eq!(began(zone, Every::Day, "2026-01-15T22:59:59Z"), "2026-01-14T23:00:00Z");
        assert_eq!(began(zone, Every::Day, "2026-07-15T21:59:59Z"), "2026-07-14T22:00:00Z");
        // The day that has 25 hours: clocks go back at 01:00 UTC.
        assert_eq!(began(zone, Every::Day, "2026-10-25T22:30:00Z"), "2026-10-24T22:00:00Z");
        assert_eq!(began(zone, Every::Day, "2026-10-25T23:00:00Z"), "2026-10-25T23:00:00Z");
    }

    #[test]
    fn weeks_begin_on_monday_and_hours_where_clocks_say_so() {
        // 2026-11-21 is a Saturday.
        assert_eq!(began("UTC", Every::Week, "2026-11-21T12:00:00Z"), "2026-11-16T00:00:00Z");
        assert_eq!(began("UTC", Every::Week, "2026-11-16T00:00:00Z"), "2026-11-16T00:00:00Z");
        assert_eq!(began("Asia/Kolkata", Every::Hour, "2026-11-21T12:29:59Z"), "2026-11-21T11:30:00Z");
    }
}
