//! A parsed message: the raw octets and what was found in them.
//!
//! How it is found is told in `parse`.

use crate::scan::{digits_end, skip_blanks};
use crate::structured_data::{Elements, Quotes};
use crate::{Deviation, Deviations, Facility, Header, Pri, Severity, Span, Stamp, StructuredData};
use std::fmt;

/// Which of the known shapes a message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Format {
    /// The traditional shape and all that resembles it.
    Rfc3164,
    /// Version 1 of the protocol, and later ones that look the same.
    Rfc5424,
    /// Neither: all that follows the PRI is the message.
    Unparsed,
}

impl Format {
    /// `rfc3164`, `rfc5424` or `unparsed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rfc3164 => "rfc3164",
            Self::Rfc5424 => "rfc5424",
            Self::Unparsed => "unparsed",
        }
    }
}

/// A message as [`parse`](crate::parse()) understood it. Borrows the octets, owns nothing.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    raw: &'a [u8],
    header: Header,
    /// What was measured on the way; of a header that was stored, nothing.
    elements: Elements,
}

impl<'a> Message<'a> {
    /// Puts octets and a header that was found in them together again.
    ///
    /// With other octets the fields are wrong or absent, never out of bounds.
    #[inline]
    pub const fn from_parts(raw: &'a [u8], header: Header) -> Self {
        Self::with_elements(raw, header, Elements::UNKNOWN)
    }

    /// The same, and what is known of the structured data beyond the header.
    #[inline(always)]
    pub(crate) const fn with_elements(raw: &'a [u8], header: Header, elements: Elements) -> Self {
        Self { raw, header, elements }
    }

    /// All octets, as received.
    #[inline]
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// What was found, as offsets and numbers.
    #[inline]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The shape.
    #[inline]
    pub const fn format(&self) -> Format {
        self.header.format
    }

    /// VERSION of RFC 5424 §6.2.2, read from the octets when it is asked for; `None` in other shapes.
    pub fn version(&self) -> Option<u16> {
        if self.format() != Format::Rfc5424 {
            return None;
        }
        let bare = self.deviations().contains(Deviation::MissingPri);
        let pri_end = if bare { 0 } else { memchr::memchr(b'>', self.raw)? + 1 };
        let start = skip_blanks(self.raw, pri_end);
        let digits = self.raw.get(start..digits_end(self.raw, start)).filter(|digits| !digits.is_empty())?;
        digits.iter().try_fold(0_u16, |value, digit| {
            value.checked_mul(10)?.checked_add(u16::from(digit.wrapping_sub(b'0')))
        })
    }

    /// The number between `<` and `>`.
    #[inline]
    pub const fn pri(&self) -> Option<Pri> {
        self.header.pri
    }

    /// The facility; `None` without a PRI or with one above 191.
    #[inline]
    pub fn facility(&self) -> Option<Facility> {
        self.header.pri.and_then(Pri::facility)
    }

    /// The severity; `None` without a PRI or with one above 191.
    #[inline]
    pub fn severity(&self) -> Option<Severity> {
        self.header.pri.and_then(Pri::severity)
    }

    /// The time stamp, whether or not there is such a time.
    #[inline]
    pub const fn stamp(&self) -> Option<Stamp> {
        self.header.stamp
    }

    /// The name of a zone behind the stamp. Names are ambiguous by nature, save `UTC` and `GMT`, of which the stamp has
    /// the offset: look it up in a table of your own, and give [`resolve_in`](crate::resolve_in) what it means.
    ///
    /// ```
    /// use syslog_parse::{FixedOffset, Timestamp, ZoneSource, parse, resolve_in};
    ///
    /// let message = parse(b"<13>Nov 20 2026 10:00:00 CET host app: text");
    /// let configured = FixedOffset::UTC;
    /// let (zone, source) = match message.zone_name() {
    ///     Some(b"CET") => (FixedOffset::from_seconds(3600).unwrap(), ZoneSource::Name),
    ///     _ => (configured, ZoneSource::Configured),
    /// };
    /// let received = Timestamp::new(1_795_165_200, 0);
    /// let found = resolve_in(&message.stamp().unwrap(), &zone, source, received).unwrap();
    /// assert_eq!(found.instant, Timestamp::new(1_795_165_200, 0));
    /// ```
    #[inline]
    pub fn zone_name(&self) -> Option<&'a [u8]> {
        self.header.zone_name.of(self.raw)
    }

    /// HOSTNAME.
    #[inline]
    pub fn host(&self) -> Option<&'a [u8]> {
        self.header.host.of(self.raw)
    }

    /// APP-NAME of RFC 5424, the tag of RFC 3164.
    #[inline]
    #[doc(alias = "tag")]
    pub fn app(&self) -> Option<&'a [u8]> {
        self.header.app.of(self.raw)
    }

    /// PROCID.
    #[inline]
    #[doc(alias = "pid")]
    pub fn procid(&self) -> Option<&'a [u8]> {
        self.header.procid.of(self.raw)
    }

    /// MSGID.
    #[inline]
    pub fn msgid(&self) -> Option<&'a [u8]> {
        self.header.msgid.of(self.raw)
    }

    /// The elements of the structured data, in order.
    #[inline]
    pub fn structured_data(&self) -> StructuredData<'a> {
        let span = self.header.structured_data;
        if span.is_empty() {
            return StructuredData::new(&[]);
        }
        let quotes = if self.header.deviations.contains(Deviation::UnquotedSd) {
            Quotes::Anywhere
        } else if self.header.deviations.contains(Deviation::SpaceInSd) {
            Quotes::AroundValues
        } else {
            Quotes::AsTheyShould
        };
        StructuredData::within(self.raw, span.start as usize, span.end(), quotes, self.elements)
    }

    /// The message proper: without byte order mark, without LF and NUL at the end, without the one blank after
    /// `tag:`.
    #[inline]
    pub fn message(&self) -> &'a [u8] {
        self.header.message.of(self.raw).unwrap_or_default()
    }

    /// What was not as the RFCs ask.
    #[inline]
    pub const fn deviations(&self) -> Deviations {
        self.header.deviations
    }

    /// The counter of a Cisco device.
    #[inline]
    pub const fn sequence(&self) -> Option<u32> {
        self.header.sequence
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |span: Span| span.of(self.raw).map(|octets| octets.escape_ascii().to_string());
        f.debug_struct("Message")
            .field("format", &self.header.format)
            .field("pri", &self.header.pri)
            .field("stamp", &self.header.stamp)
            .field("zone_name", &text(self.header.zone_name))
            .field("host", &text(self.header.host))
            .field("app", &text(self.header.app))
            .field("procid", &text(self.header.procid))
            .field("msgid", &text(self.header.msgid))
            .field("structured_data", &text(self.header.structured_data))
            .field("message", &text(self.header.message))
            .field("sequence", &self.header.sequence)
            .field("deviations", &self.header.deviations)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::parse;

    #[test]
    fn the_version_is_that_of_rfc_5424_only() {
        for (line, version) in [
            ("<13>1 - h a p m -", Some(1)),
            ("<13> 999 - h a p m -", Some(999)),
            ("1 - h a p m -", Some(1)),
            ("21 <13>2 - h a p m - >", Some(2)),
            ("<13>Oct 11 22:14:15 h a: m", None),
            ("<13>1 text", None),
        ] {
            assert_eq!(parse(line.as_bytes()).version(), version, "{line}");
        }
    }
}
