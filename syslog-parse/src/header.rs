//! What a parse found: positions and decoded fields, without the bytes they point into.
//!
//! The bytes themselves belong to [`Message`](crate::Message).

use crate::{Deviations, Format, Pri, Stamp};

/// A stretch of the raw message. An empty one means that the field is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Span {
    /// Offset of the first octet.
    pub start: u32,
    /// Number of octets.
    pub len: u32,
}

impl Span {
    /// No octets at all: the field is not there.
    pub const ABSENT: Self = Self { start: 0, len: 0 };

    /// From one offset up to another; offsets of a raw message, which `parse` looks at for 4 GiB at most.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "parse works on the first u32::MAX octets only")]
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, len: end.saturating_sub(start) as u32 }
    }

    /// So many octets from an offset on; both of a raw message, of which `parse` looks at 4 GiB at most.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "parse works on the first u32::MAX octets only")]
    pub(crate) const fn of_len(start: usize, len: usize) -> Self {
        Self { start: start as u32, len: len as u32 }
    }

    /// The octets of `raw` that this stretch names; `None` when it is empty or does not lie within `raw`.
    #[inline]
    pub fn of(self, raw: &[u8]) -> Option<&[u8]> {
        if self.len == 0 { None } else { raw.get(self.start as usize..self.end()) }
    }

    /// One past the last octet.
    #[inline]
    pub const fn end(self) -> usize {
        self.start as usize + self.len as usize
    }

    /// Whether the field is absent.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.len == 0
    }
}

/// Everything [`parse`](crate::parse()) knows about a message, as offsets and numbers.
///
/// It borrows nothing and can be stored beside the octets: put the two together again with
/// [`Message::from_parts`](crate::Message::from_parts).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Header {
    /// Which shape the message has.
    pub format: Format,
    /// The number between `<` and `>`.
    pub pri: Option<Pri>,
    /// The civil fields of the time stamp, whether or not there is such a date.
    pub stamp: Option<Stamp>,
    /// Name of the zone behind the stamp, such as `CEST`; what it means only the caller can know, but of `UTC` and `GMT`,
    /// which are offsets too.
    pub zone_name: Span,
    /// HOSTNAME.
    pub host: Span,
    /// APP-NAME of RFC 5424, the tag of RFC 3164.
    #[doc(alias = "tag")]
    pub app: Span,
    /// PROCID.
    #[doc(alias = "pid")]
    pub procid: Span,
    /// MSGID.
    pub msgid: Span,
    /// All SD-ELEMENTs with their brackets.
    pub structured_data: Span,
    /// The message proper. It may be empty; then only its `start` means something.
    pub message: Span,
    /// What was not as the RFCs ask.
    pub deviations: Deviations,
    /// The counter of a Cisco device.
    pub sequence: Option<u32>,
}

impl Header {
    /// Nothing found.
    pub(crate) const EMPTY: Self = Self {
        format: Format::Unparsed,
        pri: None,
        stamp: None,
        zone_name: Span::ABSENT,
        host: Span::ABSENT,
        app: Span::ABSENT,
        procid: Span::ABSENT,
        msgid: Span::ABSENT,
        structured_data: Span::ABSENT,
        message: Span::ABSENT,
        deviations: Deviations::NONE,
        sequence: None,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_outside_the_bytes_names_nothing() {
        assert_eq!(Span::new(2, 5).of(b"0123"), None);
        assert_eq!(Span::new(1, 3).of(b"0123"), Some(&b"12"[..]));
        assert_eq!(Span::new(2, 2).of(b"0123"), None);
    }

    #[test]
    fn a_header_is_small_enough_to_travel_by_value() {
        assert!(size_of::<Header>() <= 128, "{}", size_of::<Header>());
    }
}
