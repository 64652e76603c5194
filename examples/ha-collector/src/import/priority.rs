//! Facilities and levels: their names in the configurations of syslog daemons, and sets of both.

use syslog_parse::{Facility, Severity};

pub(super) const LAST_FACILITY: u8 = 23;
pub(super) const LAST_LEVEL: u8 = 7;

/// The number of a facility, by its name or number.
pub(super) fn facility(name: &str) -> Option<u8> {
    numbered(name, LAST_FACILITY, |name| Facility::from_name(name).map(|facility| facility as u8))
}

/// The number of a level, by its name, alias or number.
pub(super) fn level(name: &str) -> Option<u8> {
    numbered(name, LAST_LEVEL, |name| Severity::from_name(name).map(|severity| severity as u8))
}

/// A number up to the last one, or what the name stands for.
fn numbered(name: &str, last: u8, named: impl Fn(&str) -> Option<u8>) -> Option<u8> {
    let wanted = name.to_ascii_lowercase().replace('_', "-");
    wanted.parse().ok().filter(|number| *number <= last).or_else(|| named(&wanted))
}

pub(super) fn facility_name(number: u8) -> &'static str {
    Facility::ALL.get(usize::from(number)).map_or("user", |facility| facility.as_str())
}

pub(super) fn level_name(number: u8) -> &'static str {
    Severity::ALL.get(usize::from(number)).map_or("notice", |severity| severity.as_str())
}

/// A set of pairs of facility and level: for each facility, a bit a level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Priorities([u8; 24]);

impl Priorities {
    pub(super) const NONE: Self = Self([0; 24]);
    pub(super) const ALL: Self = Self([0xff; 24]);

    /// All levels of these facilities.
    pub(super) fn of_facilities(within: impl Fn(u8) -> bool) -> Self {
        let mut set = Self::NONE;
        for (number, levels) in (0..).zip(&mut set.0) {
            *levels = if within(number) { 0xff } else { 0 };
        }
        set
    }

    /// These levels of all facilities.
    pub(super) fn of_levels(within: impl Fn(u8) -> bool) -> Self {
        let levels = (0..=LAST_LEVEL).filter(|level| within(*level)).fold(0, |set, level| set | 1 << level);
        Self([levels; 24])
    }

    pub(super) fn and(self, other: Self) -> Self {
        self.zip(other, |a, b| a & b)
    }

    pub(super) fn or(self, other: Self) -> Self {
        self.zip(other, |a, b| a | b)
    }

    pub(super) fn not(self) -> Self {
        Self(self.0.map(|levels| !levels))
    }

    fn zip(self, other: Self, how: impl Fn(u8, u8) -> u8) -> Self {
        let mut set = self;
        for (levels, others) in set.0.iter_mut().zip(other.0) {
            *levels = how(*levels, others);
        }
        set
    }

    /// The levels of a facility, a bit each.
    pub(super) fn levels(&self, facility: u8) -> u8 {
        self.0.get(usize::from(facility)).copied().unwrap_or_default()
    }

    /// One of them, such as `auth.err`: the gravest of the first facility that has any.
    pub(super) fn example(&self) -> Option<String> {
        let facility = (0..=LAST_FACILITY).find(|facility| self.levels(*facility) != 0)?;
        let level = u8::try_from(self.levels(facility).trailing_zeros()).ok()?;
        Some(format!("{}.{}", facility_name(facility), level_name(level)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By their numbers (RFC 5424 §6.2.1), as syslog daemons call them.
    const FACILITIES: [&str; 24] = [
        "kern",
        "user",
        "mail",
        "daemon",
        "auth",
        "syslog",
        "lpr",
        "news",
        "uucp",
        "cron",
        "authpriv",
        "ftp",
        "ntp",
        "security",
        "console",
        "solaris-cron",
        "local0",
        "local1",
        "local2",
        "local3",
        "local4",
        "local5",
        "local6",
        "local7",
    ];

    #[test]
    fn names_numbers_and_aliases_are_the_same() {
        for (number, name) in (0..).zip(FACILITIES) {
            assert_eq!((facility(name), facility(&number.to_string())), (Some(number), Some(number)));
            assert_eq!(facility_name(number), name);
        }
        assert_eq!(facility("SOLARIS_CRON"), Some(15));
        for (name, number) in [("emerg", 0), ("panic", 0), ("ERROR", 3), ("warn", 4), ("7", 7)] {
            assert_eq!(level(name), Some(number), "{name}");
        }
        for wrong in ["", "24", "none", "*", "-1", "local8"] {
            assert_eq!((facility(wrong), level(wrong)), (None, None), "{wrong}");
        }
    }

    #[test]
    fn sets_are_sets() {
        let auth = Priorities::of_facilities(|facility| facility == 4);
        let grave = Priorities::of_levels(|level| level <= 3);
        assert_eq!(auth.and(grave).example().as_deref(), Some("auth.emerg"));
        assert_eq!(auth.and(grave.not()).example().as_deref(), Some("auth.warning"));
        assert_eq!(auth.and(auth.not()), Priorities::NONE);
        assert_eq!(auth.or(auth.not()), Priorities::ALL);
        assert_eq!(Priorities::NONE.example(), None);
    }
}
