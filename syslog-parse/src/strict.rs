//! Strictness: whether a message is as its RFC asks, and where it first is not.
//!
//! What `parse` remarked is weighed here; the place is looked for in `rfc5424` and `rfc3164`.

mod rfc3164;
mod rfc5424;
mod walk;

use crate::{Deviation, Deviations, Format, Message};
use std::fmt;

impl Message<'_> {
    /// Whether the message is to the letter of its RFC: 5424 §6, or 3164 §4.1; and where it first is not.
    ///
    /// Of RFC 5424 the verdict is a look at [`forbidden`](Self::forbidden), and only where it is bad the message is walked
    /// through again for the place. Of RFC 3164 the message is walked through always: it asks for more than
    /// [`parse`](crate::parse()) remarks. That is a host without its domain ([`Deviation::HostDomain`]), visible US-ASCII in
    /// host and tag ([`Deviation::NotPrintable`]), no control character behind the host
    /// ([`Deviation::ControlInMessage`]), one blank between TIMESTAMP and HOSTNAME and one behind it, and 1024 octets at most
    /// ([`Deviation::LongMessage`]).
    ///
    /// Not forbidden are
    /// - in both shapes LF or NUL at the end, which is the transport's, and not counted either,
    /// - in RFC 5424 a byte order mark and a version other than 1 (the grammar has 1 to 999),
    /// - in RFC 3164 a message without a tag, or with nothing behind the host; a tag that is not all letters and digits, such
    ///   as `docker/web` (to the letter it ends there, and what follows is CONTENT); further blanks behind the host; octets
    ///   beyond US-ASCII in CONTENT; a relay's header before the sender's; `last message repeated` in place of a tag; and a
    ///   host that no name server would accept, such as `a_b`.
    ///
    /// ```
    /// use syslog_parse::{Deviation, Field, parse};
    ///
    /// let line = b"<13>1 2026-01-01T00:00:00.1234567Z host app - - - text";
    /// let found = parse(line).strict().unwrap_err();
    /// assert_eq!((found.deviation, found.field, found.offset), (Deviation::LongFraction, Field::Timestamp, 32));
    /// assert_eq!(found.to_string(), "timestamp is not as the rfc asks at offset 32: long_fraction");
    /// ```
    ///
    /// # Errors
    ///
    /// It is not; with the first place where.
    pub fn strict(&self) -> Result<(), NotStrict> {
        let fault = match self.format() {
            Format::Rfc3164 => rfc3164::first_fault(self),
            _ if self.forbidden().is_empty() => None,
            Format::Rfc5424 => rfc5424::first_fault(self).or_else(|| self.somewhere()),
            Format::Unparsed => walk::Walk::through(self).pri().err().or_else(|| self.somewhere()),
        };
        fault.map_or(Ok(()), Err)
    }

    /// Those of the [deviations](Self::deviations) that the RFC of the shape forbids.
    ///
    /// Where there are none, each field is where it should be, though it may hold what [`strict`](Self::strict) refuses.
    pub fn forbidden(&self) -> Deviations {
        self.deviations().without(match self.format() {
            Format::Rfc5424 => ALLOWED_IN_5424,
            Format::Rfc3164 | Format::Unparsed => ALLOWED_IN_3164,
        })
    }

    /// What is forbidden, where no octet is to blame.
    fn somewhere(&self) -> Option<NotStrict> {
        let deviation = self.forbidden().iter().next()?;
        let field = field_of(deviation).unwrap_or(Field::Message);
        Some(NotStrict { deviation, field, offset: self.header().message.start as usize })
    }
}

/// A message is not to the letter of its RFC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotStrict {
    /// How it differs there.
    pub deviation: Deviation,
    /// The part of the message that is not as it should be.
    pub field: Field,
    /// The offset of the first octet that is not, or of the field where no single octet is to blame.
    pub offset: usize,
}

impl fmt::Display for NotStrict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (field, offset) = (self.field.as_str(), self.offset);
        let deviation = self.deviation.as_str();
        write!(f, "{field} is not as the rfc asks at offset {offset}: {deviation}")
    }
}

impl std::error::Error for NotStrict {}

/// A part of a message, by the names of RFC 5424 §6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the RFC's")]
pub enum Field {
    Pri,
    Version,
    Timestamp,
    Hostname,
    /// APP-NAME; the tag of RFC 3164.
    #[doc(alias = "tag")]
    AppName,
    ProcId,
    MsgId,
    StructuredData,
    Message,
}

impl Field {
    /// The name in lower case: `pri`, `app-name`, `structured data`, …
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pri => "pri",
            Self::Version => "version",
            Self::Timestamp => "timestamp",
            Self::Hostname => "hostname",
            Self::AppName => "app-name",
            Self::ProcId => "procid",
            Self::MsgId => "msgid",
            Self::StructuredData => "structured data",
            Self::Message => "message",
        }
    }
}

/// The field in which a deviation is, where it can be in one only.
const fn field_of(deviation: Deviation) -> Option<Field> {
    use Deviation as D;
    Some(match deviation {
        D::MissingPri
        | D::EmptyPri
        | D::BadPri
        | D::PriOutOfRange
        | D::PriLeadingZero
        | D::SpaceAfterPri
        | D::OctetCountInMessage => Field::Pri,
        D::UnknownVersion => Field::Version,
        D::InvalidTime
        | D::LooseStamp
        | D::NoOffset
        | D::OffsetWithoutColon
        | D::LongFraction
        | D::LeapSecond
        | D::Hour24
        | D::IsoStamp
        | D::EpochStamp
        | D::UnpaddedDay
        | D::StampSpelling
        | D::BsdFraction
        | D::BsdYear
        | D::BsdZone
        | D::Weekday
        | D::NilStamp
        | D::Uptime
        | D::MissingStamp
        | D::NoHeader
        | D::CiscoSeq
        | D::ClockUnsynced
        | D::DeviceShape => Field::Timestamp,
        D::MissingHost | D::Forwarded | D::HostDomain => Field::Hostname,
        D::MissingTag | D::TagTooLong | D::TagEndedBySpace => Field::AppName,
        D::NoSd
        | D::BadSd
        | D::UnquotedSd
        | D::DupSdId
        | D::LongName
        | D::UnescapedBracket
        | D::UnknownEscape
        | D::SpaceInSd
        | D::NoSpaceAfterSd => Field::StructuredData,
        D::Bom
        | D::BadUtf8
        | D::RelayHeader
        | D::Repeated
        | D::TrailingTerminator
        | D::LongMessage
        | D::ControlInMessage => Field::Message,
        D::MissingField | D::ExtraSpace | D::LongField | D::NotPrintable => return None,
    })
}

const fn set(of: &[Deviation]) -> Deviations {
    let mut set = Deviations::NONE;
    let mut rest = of;
    while let [first, others @ ..] = rest {
        set.insert(*first);
        rest = others;
    }
    set
}

/// RFC 5424 §6.4 has the mark, and its grammar of VERSION has 1 to 999. What ends a datagram is the transport's.
const ALLOWED_IN_5424: Deviations =
    set(&[Deviation::Bom, Deviation::UnknownVersion, Deviation::TrailingTerminator]);

/// RFC 3164 §4.1.3: whatever is not alphanumeric ends a tag, and CONTENT is free.
const ALLOWED_IN_3164: Deviations = set(&[
    Deviation::TrailingTerminator,
    Deviation::TagEndedBySpace,
    Deviation::MissingTag,
    Deviation::RelayHeader,
    Deviation::Repeated,
]);

#[cfg(test)]
mod tests;
