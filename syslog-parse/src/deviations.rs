//! How a message differs from the letter of the RFCs: a set of named bits.
//!
//! Nothing here decides anything; `parse` reads on and leaves a mark.

use std::fmt;

/// Declares the deviations once: variant, name, and what it means.
macro_rules! deviations {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// One way in which a message is not as an RFC asks, or asks to be read with care.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Deviation {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Deviation {
            /// All of them, in the order of their bits. New ones are added at the end.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name, in snake case.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

deviations! {
    /// No `<number>` at the start.
    MissingPri = "missing_pri",
    /// `<>`: brackets without a number.
    EmptyPri = "empty_pri",
    /// A `<` that begins no PRI, such as `<abc>`; the whole text is the message.
    BadPri = "bad_pri",
    /// PRI above 191.
    PriOutOfRange = "pri_out_of_range",
    /// PRI with leading zeros, `<00>` or `<013>`.
    PriLeadingZero = "pri_leading_zero",
    /// Blanks between PRI and what follows.
    SpaceAfterPri = "space_after_pri",
    /// The octet count of a stream stands before the message.
    OctetCountInMessage = "octet_count_in_message",
    /// LF, CR LF or NUL at the end, which is not message.
    TrailingTerminator = "trailing_terminator",
    /// RFC 5424 with a version other than 1.
    UnknownVersion = "unknown_version",
    /// RFC 5424, but the header ends before its last field.
    MissingField = "missing_field",
    /// RFC 5424 with more than one blank between fields.
    ExtraSpace = "extra_space",
    /// A field longer than RFC 5424 §6 allows; kept whole.
    LongField = "long_field",
    /// A header field with octets outside of printable US-ASCII; of RFC 3164 only `strict` looks for it.
    NotPrintable = "not_printable",
    /// RFC 5424 without structured data and without the `-` in its place.
    NoSd = "no_sd",
    /// Structured data that does not end or cannot be read; it is left in the message.
    BadSd = "bad_sd",
    /// A parameter value without quotation marks.
    UnquotedSd = "unquoted_sd",
    /// An SD-ID that occurs twice (looked for among the first 64 elements).
    DupSdId = "dup_sd_id",
    /// An SD-NAME over 32 octets.
    LongName = "long_name",
    /// `]` in a parameter value without a backslash before it.
    UnescapedBracket = "unescaped_bracket",
    /// A backslash before an octet that needs none; both stay (RFC 5424 §6.3.3).
    UnknownEscape = "unknown_escape",
    /// More than one blank inside an SD-ELEMENT, or one before its `]`.
    SpaceInSd = "space_in_sd",
    /// No blank between structured data and message.
    NoSpaceAfterSd = "no_space_after_sd",
    /// A byte order mark before the message: the sender says that it is UTF-8. Legal in RFC 5424.
    Bom = "bom",
    /// A byte order mark, and what follows it is not UTF-8.
    BadUtf8 = "bad_utf8",
    /// No such date or time, such as 30 February or hour 25; all other fields are kept.
    InvalidTime = "invalid_time",
    /// An ISO 8601 stamp, in either shape, with `t` or `z`, with a blank or `_` for the `T`, or with a comma before its fraction.
    LooseStamp = "loose_stamp",
    /// An ISO 8601 stamp without an offset.
    NoOffset = "no_offset",
    /// An offset without its colon.
    OffsetWithoutColon = "offset_without_colon",
    /// More than six digits of a fraction; nine are kept.
    LongFraction = "long_fraction",
    /// Second 60.
    LeapSecond = "leap_second",
    /// Hour 24.
    Hour24 = "hour_24",
    /// An ISO 8601 stamp where RFC 3164 has its own.
    IsoStamp = "iso_stamp",
    /// Seconds since 1970 in place of a stamp.
    EpochStamp = "epoch_stamp",
    /// RFC 3164 with a day of one digit that is not padded with a blank, or padded with a zero.
    UnpaddedDay = "unpadded_day",
    /// A month that is not written `Mmm`, or an hour of one digit, or another liberty in an RFC 3164 stamp.
    StampSpelling = "stamp_spelling",
    /// A fraction of a second in an RFC 3164 stamp.
    BsdFraction = "bsd_fraction",
    /// A year in an RFC 3164 stamp.
    BsdYear = "bsd_year",
    /// A zone name or an offset behind an RFC 3164 stamp.
    BsdZone = "bsd_zone",
    /// The day of the week in a stamp.
    Weekday = "weekday",
    /// RFC 3164 without a host name.
    MissingHost = "missing_host",
    /// RFC 3164 without a tag.
    MissingTag = "missing_tag",
    /// A tag over 32 octets; kept whole.
    TagTooLong = "tag_too_long",
    /// A tag that a blank ends instead of `:` or `[`; it may be the first word of the message.
    TagEndedBySpace = "tag_ended_by_space",
    /// A Cisco counter before the stamp.
    CiscoSeq = "cisco_seq",
    /// `*` or `.` before a Cisco stamp: its clock is not, or is no longer, synchronised.
    ClockUnsynced = "clock_unsynced",
    /// A colon between PRI and stamp, a level before the tag, which is in no field, or another mark of a device's own.
    DeviceShape = "device_shape",
    /// A relay put its header before the sender's; the message is the inner one, to be parsed in turn.
    RelayHeader = "relay_header",
    /// AIX: `Message forwarded from HOST:`.
    Forwarded = "forwarded",
    /// `last message repeated N times`.
    Repeated = "repeated",
    /// RFC 5424 without a time stamp, host or other header field where `-` should stand, or a nil stamp in RFC 3164.
    NilStamp = "nil_stamp",
    /// The time since the device started in place of a stamp.
    Uptime = "uptime",
    /// A tag without a stamp and a host before it.
    MissingStamp = "missing_stamp",
    /// No header that could be read: neither stamp nor host nor tag. What follows the PRI is message, if anything does.
    NoHeader = "no_header",
    /// RFC 3164 with a domain in the name of the host (§4.1.2). `parse` remarks none, since most senders have one: only
    /// [`Message::strict`](crate::Message::strict) does.
    HostDomain = "host_domain",
    /// RFC 3164 with more than 1024 octets (§4.1). Only `strict` looks for it.
    LongMessage = "long_message",
    /// RFC 3164 with a control character behind the host (§4.1.3). Only `strict` looks for it.
    ControlInMessage = "control_in_message",
}

/// A set of [`Deviation`]s.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Deviations(u64);

impl Deviations {
    /// The empty set: nothing to remark.
    pub const NONE: Self = Self(0);

    /// The set with these bits, for instance out of a stored record.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits; their order does not change between versions.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Puts one in.
    #[inline]
    pub const fn insert(&mut self, deviation: Deviation) {
        self.0 |= 1 << deviation as u8;
    }

    /// Whether one is in.
    #[inline]
    pub const fn contains(self, deviation: Deviation) -> bool {
        self.0 & (1 << deviation as u8) != 0
    }

    /// All that are in one or the other.
    #[inline]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// All that are in both.
    #[inline]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// All that are in this one and not in the other.
    #[inline]
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether nothing is in it.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that are in, in the order of their bits.
    pub fn iter(self) -> impl Iterator<Item = Deviation> {
        Deviation::ALL.iter().copied().filter(move |&deviation| self.contains(deviation))
    }
}

impl fmt::Debug for Deviations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Deviation::as_str)).finish()
    }
}

impl FromIterator<Deviation> for Deviations {
    fn from_iter<I: IntoIterator<Item = Deviation>>(deviations: I) -> Self {
        let mut set = Self::NONE;
        deviations.into_iter().for_each(|deviation| set.insert(deviation));
        set
    }
}

const _: () = assert!(Deviation::ALL.len() <= 64, "one bit each");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_by_name() {
        let set: Deviations = [Deviation::NoSd, Deviation::MissingPri].into_iter().collect();
        assert_eq!(set.iter().map(Deviation::as_str).collect::<Vec<_>>(), ["missing_pri", "no_sd"]);
        assert_eq!(Deviations::from_bits(set.bits()), set);
        assert!(!set.contains(Deviation::BadSd));
    }

    #[test]
    fn names_are_snake_case_and_unique() {
        let mut names: Vec<_> = Deviation::ALL.iter().map(|d| d.as_str()).collect();
        assert!(
            names
                .iter()
                .all(|n| n.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'))
        );
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Deviation::ALL.len());
    }
}
