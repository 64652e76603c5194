//! The traditional shape, RFC 3164 §4.1: a stamp, a host, a tag, text.

use super::{bsd, iso, origin};
use crate::scan::{at, is_blank, skip_blanks};
use crate::{Deviation, Deviations, Format, Header, Span, Stamp};

/// Reads everything from the stamp on. `false`: there is no stamp here; `header` is as it was.
#[inline(always)]
pub(super) fn read(text: &[u8], from: usize, header: &mut Header) -> bool {
    let Some(end) = stamp(text, from, header) else { return false };
    header.format = Format::Rfc3164;
    behind_stamp(text, end, header);
    true
}

/// Reads a stamp of either kind, and says where it ends. `None`: there is none; `header` is as it was.
#[inline(always)]
pub(super) fn stamp(text: &[u8], from: usize, header: &mut Header) -> Option<usize> {
    let deviations = header.deviations;
    let end = match at(text, from) {
        b'A'..=b'Z' | b'a'..=b'z' => bsd::stamp(text, from, header),
        b'0'..=b'9' => numeric_stamp(text, from, header),
        _ => None,
    };
    let end = end.filter(|&end| end >= text.len() || matches!(at(text, end), b' ' | b'\t' | b':'));
    match (end, &header.stamp) {
        (Some(_), Some(stamp)) => remark(stamp, &mut header.deviations),
        _ => {
            header.stamp = None;
            header.zone_name = Span::ABSENT;
            header.deviations = deviations;
        }
    }
    end
}

/// ISO 8601, or RFC 3164 with the year first.
#[inline(never)]
fn numeric_stamp(text: &[u8], from: usize, header: &mut Header) -> Option<usize> {
    match iso::stamp(text, from, header) {
        Some(end) => {
            header.deviations.insert(Deviation::IsoStamp);
            Some(behind_iso(text, end, header))
        }
        None => bsd::stamp(text, from, header),
    }
}

/// What stands behind an ISO stamp: `[Europe/Berlin]`, or what it has in place of an offset of its own, as ` +01:00` and
/// ` UTC`; and where it ends.
#[inline(always)]
pub(super) fn behind_iso(text: &[u8], end: usize, header: &mut Header) -> usize {
    let end = if at(text, end) == b'[' {
        bsd::behind_offset(text, end, header)
    } else if header.deviations.contains(Deviation::NoOffset) {
        bsd::behind_seconds(text, end, header)
    } else {
        return end;
    };
    if header.stamp.is_some_and(|stamp| stamp.offset.is_some()) {
        header.deviations = header.deviations.without([Deviation::NoOffset].into_iter().collect());
    }
    end
}

/// Leaves marks for fields that are unusual, or cannot be.
#[inline(always)]
pub(super) fn remark(stamp: &Stamp, deviations: &mut Deviations) {
    if stamp.second < 60 && stamp.hour < 24 && stamp.is_possible() {
        return;
    }
    if !stamp.is_possible() {
        deviations.insert(Deviation::InvalidTime);
    }
    if stamp.second == 60 {
        deviations.insert(Deviation::LeapSecond);
    }
    if stamp.hour == 24 {
        deviations.insert(Deviation::Hour24);
    }
}

/// Host, tag and text behind a stamp that ends at `end`.
#[inline(always)]
pub(super) fn behind_stamp(text: &[u8], end: usize, header: &mut Header) {
    let colon = at(text, end) == b':';
    let end = end + usize::from(colon);
    let from = if is_blank(at(text, end + 1)) {
        skip_blanks(text, end)
    } else {
        end + usize::from(end < text.len())
    };
    let tag = if !header.host.is_empty() {
        Some(from)
    } else if colon {
        // Devices that end their stamp with a colon name no host behind it.
        header.deviations.insert(Deviation::MissingHost);
        Some(skip_blanks(text, end))
    } else {
        origin::host(text, from, header)
    };
    if let Some(tag) = tag {
        origin::tag(text, tag, header);
    }
}
