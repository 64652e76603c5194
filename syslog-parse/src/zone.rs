//! Time zones as this crate needs them: the offset for a local time, and for an instant.
//!
//! The IANA database is behind the feature `jiff`, in `iana`.

use std::cell::Cell;

/// Rules that say which offset from UTC clocks have.
pub trait Zone {
    /// What the clocks' showing a local time means. `local_seconds` is the civil time reckoned as if it were UTC:
    /// seconds since 1970-01-01T00:00:00 on that clock.
    fn at_local(&self, local_seconds: i64) -> Local;

    /// The offset at an instant, seconds since 1970 in UTC, and how long it stays.
    fn at_instant(&self, unix_seconds: i64) -> Period;
}

/// What a local time means in a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Local {
    /// One instant.
    Single {
        /// Seconds east of UTC.
        offset: i32,
        /// The first local second of those around it that have this same answer.
        from: i64,
        /// The first local second after them.
        until: i64,
    },
    /// None: clocks are put forward over it.
    Gap {
        /// The offset before the jump.
        before: i32,
        /// The offset after it.
        after: i32,
    },
    /// Two: clocks are put back and show it again.
    Fold {
        /// The offset before the jump, that of the earlier reading.
        before: i32,
        /// The offset after it.
        after: i32,
    },
}

/// An offset and the instants at which it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Seconds east of UTC.
    pub offset: i32,
    /// The first instant known to have it, seconds since 1970.
    pub from: i64,
    /// The first instant after that not known to have it.
    pub until: i64,
}

/// A zone that never changes its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FixedOffset(i32);

impl FixedOffset {
    /// Coordinated universal time.
    pub const UTC: Self = Self(0);

    /// So many seconds east of UTC; `None` for a day or more.
    pub const fn from_seconds(seconds: i32) -> Option<Self> {
        match crate::UtcOffset::from_seconds(seconds) {
            Some(offset) => Some(Self(offset.seconds())),
            None => None,
        }
    }

    /// Seconds east of UTC.
    pub const fn seconds(self) -> i32 {
        self.0
    }
}

impl Zone for FixedOffset {
    #[inline]
    fn at_local(&self, _: i64) -> Local {
        Local::Single { offset: self.0, from: i64::MIN, until: i64::MAX }
    }

    #[inline]
    fn at_instant(&self, _: i64) -> Period {
        Period { offset: self.0, from: i64::MIN, until: i64::MAX }
    }
}

impl<Z: Zone + ?Sized> Zone for &Z {
    #[inline]
    fn at_local(&self, local_seconds: i64) -> Local {
        (**self).at_local(local_seconds)
    }

    #[inline]
    fn at_instant(&self, unix_seconds: i64) -> Period {
        (**self).at_instant(unix_seconds)
    }
}

/// A zone that remembers its last answers: as long as times stay between the same two changes of the clocks, asking
/// costs a comparison.
///
/// It is not `Sync`: give every thread its own, around a shared zone (`Cached<&IanaZone>`).
#[derive(Clone, Debug)]
pub struct Cached<Z> {
    zone: Z,
    local: Cell<Period>,
    instant: Cell<Period>,
}

impl<Z: Zone> Cached<Z> {
    /// Remembers what `zone` answers.
    pub const fn new(zone: Z) -> Self {
        Self { zone, local: Cell::new(NOTHING), instant: Cell::new(NOTHING) }
    }

    /// The zone itself.
    pub const fn zone(&self) -> &Z {
        &self.zone
    }
}

impl<Z: Zone> Zone for Cached<Z> {
    #[inline]
    fn at_local(&self, local_seconds: i64) -> Local {
        let Period { offset, from, until } = self.local.get();
        if from <= local_seconds && local_seconds < until {
            return Local::Single { offset, from, until };
        }
        let local = self.zone.at_local(local_seconds);
        if let Local::Single { offset, from, until } = local {
            self.local.set(Period { offset, from, until });
        }
        local
    }

    #[inline]
    fn at_instant(&self, unix_seconds: i64) -> Period {
        let period = self.instant.get();
        if period.from <= unix_seconds && unix_seconds < period.until {
            return period;
        }
        let period = self.zone.at_instant(unix_seconds);
        self.instant.set(period);
        period
    }
}

/// A period without a single instant.
const NOTHING: Period = Period { offset: 0, from: 0, until: 0 };

#[cfg(test)]
mod tests {
    use super::*;

    /// One hour east until the local time 100 and from then on two, without a gap; counts questions.
    #[derive(Debug)]
    struct Counting(Cell<u32>);

    impl Zone for Counting {
        fn at_local(&self, local_seconds: i64) -> Local {
            self.0.set(self.0.get() + 1);
            if local_seconds < 100 {
                Local::Single { offset: 3600, from: i64::MIN, until: 100 }
            } else {
                Local::Single { offset: 7200, from: 100, until: i64::MAX }
            }
        }

        fn at_instant(&self, _: i64) -> Period {
            self.0.set(self.0.get() + 1);
            Period { offset: 3600, from: 0, until: 10 }
        }
    }

    #[test]
    fn a_cached_zone_is_asked_once_between_two_changes() {
        let zone = Cached::new(Counting(Cell::new(0)));
        for second in [0, 50, 99, 100, 101, 1000] {
            let offset = if second < 100 { 3600 } else { 7200 };
            assert!(matches!(zone.at_local(second), Local::Single { offset: o, .. } if o == offset));
        }
        assert_eq!(zone.zone().0.get(), 2);
        zone.at_instant(3);
        zone.at_instant(9);
        assert_eq!(zone.zone().0.get(), 3);
    }
}
