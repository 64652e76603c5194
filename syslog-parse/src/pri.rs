//! PRI: the number in angle brackets, and the facility and severity in it.
//!
//! Finding it in a message is `parse`'s.

/// The number between `<` and `>`, as received (RFC 5424 §6.2.1).
///
/// Numbers above 191 mean nothing, but are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Pri(u16);

impl Pri {
    /// What a receiver assumes when there is none: user.notice (RFC 3164 §4.3.3).
    pub const DEFAULT: Self = Self(13);
    /// The largest that has a meaning: local7.debug.
    pub const MAX: Self = Self(191);

    /// The PRI of a number, meaningful or not.
    pub const fn from_number(number: u16) -> Self {
        Self(number)
    }

    /// The PRI of a facility and a severity.
    pub const fn new(facility: Facility, severity: Severity) -> Self {
        Self((facility as u16) << 3 | severity as u16)
    }

    /// The number as received.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The facility; `None` above 191.
    #[inline]
    pub fn facility(self) -> Option<Facility> {
        FACILITIES.get(usize::from(self.0 >> 3)).copied()
    }

    /// The severity; `None` above 191.
    #[inline]
    pub fn severity(self) -> Option<Severity> {
        if self.0 > Self::MAX.0 { None } else { SEVERITIES.get(usize::from(self.0 & 7)).copied() }
    }
}

/// Where in the system a message comes from (RFC 5424 §6.2.1, table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the RFC's table; as_str has the words")]
pub enum Facility {
    Kern,
    User,
    Mail,
    Daemon,
    Auth,
    Syslog,
    Lpr,
    News,
    Uucp,
    Cron,
    Authpriv,
    Ftp,
    Ntp,
    Security,
    Console,
    SolarisCron,
    Local0,
    Local1,
    Local2,
    Local3,
    Local4,
    Local5,
    Local6,
    Local7,
}

impl Facility {
    /// All of them, by number.
    pub const ALL: [Self; 24] = FACILITIES;

    /// The usual short name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kern => "kern",
            Self::User => "user",
            Self::Mail => "mail",
            Self::Daemon => "daemon",
            Self::Auth => "auth",
            Self::Syslog => "syslog",
            Self::Lpr => "lpr",
            Self::News => "news",
            Self::Uucp => "uucp",
            Self::Cron => "cron",
            Self::Authpriv => "authpriv",
            Self::Ftp => "ftp",
            Self::Ntp => "ntp",
            Self::Security => "security",
            Self::Console => "console",
            Self::SolarisCron => "solaris-cron",
            Self::Local0 => "local0",
            Self::Local1 => "local1",
            Self::Local2 => "local2",
            Self::Local3 => "local3",
            Self::Local4 => "local4",
            Self::Local5 => "local5",
            Self::Local6 => "local6",
            Self::Local7 => "local7",
        }
    }

    /// The facility of that name: those of [`as_str`](Self::as_str), in small letters or capitals, with `-` or `_`.
    ///
    /// `security` is number 13, the log audit, as in FreeBSD; some systems have it as an old name of `auth`.
    pub fn from_name(name: &str) -> Option<Self> {
        let same = |known: &str| {
            let plain = |octet: u8| if octet == b'_' { b'-' } else { octet.to_ascii_lowercase() };
            name.bytes().map(plain).eq(known.bytes())
        };
        Self::ALL.into_iter().find(|facility| same(facility.as_str()))
    }
}

/// How bad it is (RFC 5424 §6.2.1, table 2). Smaller is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are the RFC's table; as_str has the words")]
pub enum Severity {
    Emerg,
    Alert,
    Crit,
    Err,
    Warning,
    Notice,
    Info,
    Debug,
}

impl Severity {
    /// All of them, by number.
    pub const ALL: [Self; 8] = SEVERITIES;

    /// The usual short name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Emerg => "emerg",
            Self::Alert => "alert",
            Self::Crit => "crit",
            Self::Err => "err",
            Self::Warning => "warning",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    /// The severity of that name, in small letters or capitals: those of [`as_str`](Self::as_str), and `panic`,
    /// `emergency`, `critical`, `error`, `warn`, `informational`.
    ///
    /// ```
    /// use syslog_parse::Severity;
    ///
    /// assert_eq!(Severity::from_name("Error"), Some(Severity::Err));
    /// assert_eq!(Severity::from_name("worse"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        let known = Self::ALL.into_iter().map(|severity| (severity.as_str(), severity));
        known
            .chain(SYNONYMS)
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, severity)| severity)
    }
}

const FACILITIES: [Facility; 24] = [
    Facility::Kern,
    Facility::User,
    Facility::Mail,
    Facility::Daemon,
    Facility::Auth,
    Facility::Syslog,
    Facility::Lpr,
    Facility::News,
    Facility::Uucp,
    Facility::Cron,
    Facility::Authpriv,
    Facility::Ftp,
    Facility::Ntp,
    Facility::Security,
    Facility::Console,
    Facility::SolarisCron,
    Facility::Local0,
    Facility::Local1,
    Facility::Local2,
    Facility::Local3,
    Facility::Local4,
    Facility::Local5,
    Facility::Local6,
    Facility::Local7,
];

const SEVERITIES: [Severity; 8] = [
    Severity::Emerg,
    Severity::Alert,
    Severity::Crit,
    Severity::Err,
    Severity::Warning,
    Severity::Notice,
    Severity::Info,
    Severity::Debug,
];

/// What else the severities are called, in syslog(3), RFC 5424 and elsewhere.
const SYNONYMS: [(&str, Severity); 6] = [
    ("panic", Severity::Emerg),
    ("emergency", Severity::Emerg),
    ("critical", Severity::Crit),
    ("error", Severity::Err),
    ("warn", Severity::Warning),
    ("informational", Severity::Info),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_facility_times_eight_plus_severity() {
        // RFC 5424 §6.2.1: local4.notice is 165.
        assert_eq!(Pri::new(Facility::Local4, Severity::Notice).number(), 165);
        for number in 0..=Pri::MAX.number() {
            let pri = Pri::from_number(number);
            assert_eq!(Pri::new(pri.facility().unwrap(), pri.severity().unwrap()), pri);
        }
    }

    #[test]
    fn beyond_191_the_number_stays_and_its_meaning_goes() {
        let pri = Pri::from_number(192);
        assert_eq!((pri.number(), pri.facility(), pri.severity()), (192, None, None));
    }

    #[test]
    fn names_and_numbers_agree_both_ways() {
        assert!(Facility::ALL.into_iter().all(|f| Facility::from_name(f.as_str()) == Some(f)));
        assert!(Severity::ALL.into_iter().all(|s| Severity::from_name(s.as_str()) == Some(s)));
        assert_eq!(Facility::ALL.map(|f| f as u8), std::array::from_fn(|i| u8::try_from(i).unwrap()));
    }

    #[test]
    fn names_are_understood_as_people_write_them() {
        for (name, severity) in [
            ("ERR", Severity::Err),
            ("error", Severity::Err),
            ("Warn", Severity::Warning),
            ("panic", Severity::Emerg),
            ("emergency", Severity::Emerg),
            ("critical", Severity::Crit),
            ("Informational", Severity::Info),
        ] {
            assert_eq!(Severity::from_name(name), Some(severity), "{name}");
        }
        assert_eq!(Facility::from_name("LOCAL7"), Some(Facility::Local7));
        assert_eq!(Facility::from_name("Solaris_Cron"), Some(Facility::SolarisCron));
        assert!(["", "local8", "local", "error"].into_iter().all(|name| Facility::from_name(name).is_none()));
        assert!(["", "er", "errors", "auth"].into_iter().all(|name| Severity::from_name(name).is_none()));
    }
}
