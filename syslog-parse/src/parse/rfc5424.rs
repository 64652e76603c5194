//! The header of RFC 5424 §6, and the liberties that senders take with it.

use super::{iso, rfc3164, sd, usual};
use crate::scan::{at, digits_end, is_short_utf8, printable_end, text_mark};
use crate::{Deviation, Deviations, Format, Header, Span};
use std::ops::Range;

/// Reads everything from VERSION on. `false`: it is not RFC 5424; `header` is as it was.
#[inline(always)]
pub(super) fn read(text: &[u8], from: usize, header: &mut Header) -> bool {
    let digits = digits_end(text, from) - from;
    // VERSION = NONZERO-DIGIT 0*2DIGIT
    if digits > 3 || at(text, from + digits) != b' ' {
        return false;
    }
    let mark = header.deviations;
    if digits > 1 || at(text, from) != b'1' {
        header.deviations.insert(Deviation::UnknownVersion);
    }
    let Some(at_host) = timestamp(text, from + digits + 1, header) else {
        header.deviations = mark;
        return false;
    };
    header.format = Format::Rfc5424;
    let at_sd;
    ([header.host, header.app, header.procid, header.msgid], at_sd) = match usual::near_fields(text, at_host)
    {
        Some(found) => found,
        None => Fields { text, at: at_host }.all(header),
    };
    if header.stamp.is_none() && header.deviations.contains(Deviation::MissingField) {
        // `1 - ` and no header behind it is text.
        *header = Header { pri: header.pri, deviations: mark, ..Header::EMPTY };
        return false;
    }
    let at_message = match structured_data(text, at_sd, header) {
        at_message if header.deviations.intersection(CUT_SHORT).is_empty() => at_message,
        at_message => text_in_fields(text, at_host..at_sd, header).unwrap_or(at_message),
    };
    let (message, remarks) = message(text, at_message.min(text.len()));
    header.message = message;
    header.deviations = header.deviations.union(remarks);
    true
}

/// Where the message begins if the header stops before it is complete: `1 STAMP HOST CEF:0|…`, `1 STAMP HOST {"a":1}`.
///
/// A field that holds `=`, `|` or `{` is no name and no number, and those behind it are no fields.
#[cold]
fn text_in_fields(text: &[u8], fields: Range<usize>, header: &mut Header) -> Option<usize> {
    let at_host = fields.start;
    let from = at_host.max(header.host.end());
    let before = text.get(..fields.end.min(text.len()))?;
    let mark = text_mark(before, from);
    if mark >= before.len() {
        return None;
    }
    let mut fields = [&mut header.app, &mut header.procid, &mut header.msgid];
    let first = fields.iter().position(|field| field.end() > mark)?;
    let start = fields.get(first)?.start as usize;
    fields.iter_mut().skip(first).for_each(|field| **field = Span::ABSENT);
    // What was remarked of text is not so of a field: those that stay are read again.
    let mut again = Header::EMPTY;
    let mut stay = Fields { text, at: at_host };
    for longest in usual::LONGEST.into_iter().take(1 + first) {
        stay.next(longest, &mut again);
    }
    if stay.at < start {
        again.deviations.insert(Deviation::ExtraSpace);
    }
    header.deviations = header.deviations.without(OF_FIELDS).union(again.deviations);
    header.deviations.insert(Deviation::MissingField);
    Some(start)
}

/// The header ends before its last field, or has no structured data behind it.
const CUT_SHORT: Deviations = {
    let mut set = Deviations::NONE;
    set.insert(Deviation::MissingField);
    set.insert(Deviation::NoSd);
    set
};

/// What is remarked of what a field holds, and of the blanks before it.
const OF_FIELDS: Deviations = {
    let mut set = Deviations::NONE;
    set.insert(Deviation::LongField);
    set.insert(Deviation::NotPrintable);
    set.insert(Deviation::ExtraSpace);
    set
};

/// TIMESTAMP, and where the next field begins.
#[inline(always)]
fn timestamp(text: &[u8], from: usize, header: &mut Header) -> Option<usize> {
    if at(text, from) == b'-' && at(text, from + 1) == b' ' {
        return Some(from + 2);
    }
    let end = iso::stamp(text, from, header).map(|end| rfc3164::behind_iso(text, end, header));
    let end = match (end, &header.stamp) {
        (Some(end), Some(stamp)) if at(text, end) == b' ' || end == text.len() => {
            rfc3164::remark(stamp, &mut header.deviations);
            end
        }
        _ => {
            header.stamp = None;
            // Not a time, but in the place of one: `2003-08-24T05:14:15-7:00`.
            if digits_end(text, from) != from + 4 || at(text, from + 4) != b'-' {
                return None;
            }
            header.deviations.insert(Deviation::InvalidTime);
            printable_end(text, from)
        }
    };
    Some(if at(text, end) == b' ' { end + 1 } else { text.len() + 1 })
}

/// The fields between TIMESTAMP and STRUCTURED-DATA.
struct Fields<'a> {
    text: &'a [u8],
    /// Where the next begins; one past the end of the text when the last was not ended by a blank.
    at: usize,
}

impl Fields<'_> {
    /// HOSTNAME, APP-NAME, PROCID and MSGID, and where STRUCTURED-DATA begins.
    #[inline(never)]
    fn all(mut self, header: &mut Header) -> ([Span; 4], usize) {
        (usual::LONGEST.map(|longest| self.next(longest, header)), self.at)
    }

    /// NILVALUE or 1*`longest`PRINTUSASCII.
    #[inline(always)]
    fn next(&mut self, longest: usize, header: &mut Header) -> Span {
        let text = self.text;
        let mut start = self.at;
        if at(text, start) == b'-' && at(text, start + 1) == b' ' {
            self.at = start + 2;
            return Span::ABSENT;
        }
        let mut end = printable_end(text, start.min(text.len()));
        if at(text, end) != b' ' || end == start {
            (start, end) = self.odd(start, end, header);
        }
        if end <= start {
            self.at = text.len() + 1;
            header.deviations.insert(Deviation::MissingField);
            return Span::ABSENT;
        }
        if end - start > longest {
            header.deviations.insert(Deviation::LongField);
        }
        self.at = end + 1;
        if end - start == 1 && at(text, start) == b'-' { Span::ABSENT } else { Span::new(start, end) }
    }

    /// The field is empty, the last of the text, or holds what is not printable.
    #[cold]
    fn odd(&self, start: usize, end: usize, header: &mut Header) -> (usize, usize) {
        let (mut start, mut end) = (start, end);
        while start < self.text.len() && at(self.text, start) == b' ' {
            header.deviations.insert(Deviation::ExtraSpace);
            start += 1;
            end = printable_end(self.text, start);
        }
        while end < self.text.len() && at(self.text, end) != b' ' {
            header.deviations.insert(Deviation::NotPrintable);
            end = printable_end(self.text, end + 1);
        }
        (start, end)
    }
}

/// STRUCTURED-DATA and the blank behind it, and where the message begins.
#[inline(always)]
fn structured_data(text: &[u8], from: usize, header: &mut Header) -> usize {
    let end = match at(text, from) {
        b'-' if at(text, from + 1) == b' ' || from + 1 == text.len() => from + 1,
        b'[' => match sd::end(text, from, &mut header.deviations) {
            Some((end, _)) => {
                header.structured_data = Span::new(from, end);
                end
            }
            None => {
                header.deviations.insert(Deviation::BadSd);
                return from;
            }
        },
        _ => {
            header.deviations.insert(Deviation::NoSd);
            return from;
        }
    };
    if at(text, end) == b' ' {
        return end + 1;
    }
    if end < text.len() {
        header.deviations.insert(Deviation::NoSpaceAfterSd);
    }
    end
}

/// MSG-ANY, or BOM and UTF-8 (§6.4), and what is to be remarked of it.
#[inline(always)]
pub(super) fn message(text: &[u8], from: usize) -> (Span, Deviations) {
    if at(text, from) == 0xef && at(text, from + 1) == 0xbb && at(text, from + 2) == 0xbf {
        return (Span::new(from + 3, text.len()), behind_mark(text, from + 3));
    }
    (Span::new(from, text.len()), Deviations::NONE)
}

/// What there is to remark of a message with a byte order mark.
#[inline(never)]
fn behind_mark(text: &[u8], from: usize) -> Deviations {
    let mut deviations = Deviations::NONE;
    deviations.insert(Deviation::Bom);
    let message = text.get(from..).unwrap_or_default();
    if !message.is_ascii() && !is_short_utf8(message) && std::str::from_utf8(message).is_err() {
        deviations.insert(Deviation::BadUtf8);
    }
    deviations
}
