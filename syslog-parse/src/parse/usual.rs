//! The two shapes that most messages have, and the faults that most devices have, each read in one go.
//!
//! Whatever else there is is left to the rooms of the shapes, which read the same from everything that is read here. They
//! write the header where it stays, piece by piece; here it stays in registers until it is complete. So whoever reads a
//! rarer piece here hands it back by value, and each shape makes its own message at its end.

use super::digits::{self, Clock};
use super::{Envelope, bsd, origin, read_any, rfc5424, sd};
use crate::civil::days_in_month;
use crate::scan::{Unprintable, at, digits_end, host_end, is_blank, printable_end, skip_blanks, tag_end};
use crate::structured_data::Elements;
use crate::{Deviation, Deviations, Format, Header, Message, Span, Stamp, UtcOffset};

/// Reads a message that can be of RFC 3164, or whatever it is.
#[inline(always)]
pub(super) fn rfc_3164(envelope: Envelope<'_>) -> Message<'_> {
    around(envelope, traditional(envelope.text, envelope.body).map(|header| (header, Elements::UNKNOWN)))
}

/// Reads a message that can be of RFC 5424, or whatever it is.
#[inline(always)]
pub(super) fn rfc_5424(envelope: Envelope<'_>) -> Message<'_> {
    around(envelope, versioned(envelope.text, envelope.body))
}

/// The message, with what was found inside; if nothing was, with what else there is.
#[inline(always)]
fn around(envelope: Envelope<'_>, inside: Option<(Header, Elements)>) -> Message<'_> {
    let Some((header, elements)) = inside else {
        // A copy, since what is lent has to lie in memory on all ways.
        let aside = Envelope { ..envelope };
        return Message::from_parts(envelope.raw, read_any(&aside));
    };
    let deviations = header.deviations.union(envelope.deviations);
    Message::with_elements(envelope.raw, Header { pri: envelope.pri, deviations, ..header }, elements)
}

/// `Mmm dd hh:mm:ss host tag[process]: text`, RFC 3164 §4.1.
#[inline(always)]
fn traditional(text: &[u8], from: usize) -> Option<Header> {
    let mut deviations = Deviations::NONE;
    let (stamp, stamp_end) = bsd_stamp(text, from, &mut deviations)?;
    let (host, from) = host(text, stamp_end + 1, &mut deviations)?;
    let tag = tag(text, from, &mut deviations)?;
    Some(Header {
        format: Format::Rfc3164,
        stamp: Some(stamp),
        host,
        app: tag.app,
        procid: tag.procid,
        message: Span::new(tag.end, text.len()),
        deviations,
        ..Header::EMPTY
    })
}

/// The host, and where the tag begins. `None`: what is behind the stamp may belong to it, or is no host's and no
/// program's.
#[inline(always)]
fn host(text: &[u8], from: usize, deviations: &mut Deviations) -> Option<(Span, usize)> {
    let end = host_end(text, from);
    let len = end - from;
    let second = || at(text, from + 1);
    let usual = match at(text, from) {
        // `last message repeated` is of no host.
        b'l' => len != 4,
        b'a'..=b'z' => true,
        // It could be a year.
        b'0'..=b'9' if second() == b',' => false,
        b'0'..=b'9' => len != 4 || (at(text, end) == b':' && at(text, end + 1) > b' '),
        // `Message forwarded from` is of AIX.
        b'M' if len == 7 => false,
        // A short word in capitals could be a zone; `PM.685` belongs to the stamp.
        b'A'..=b'Z' if len > 5 => {
            !(second() == b'M'
                || is_offset_from_utc(text, from)
                || origin::behind_level(text, from, end).is_some())
        }
        b'A'..=b'Z' => second().is_ascii_lowercase() || second().is_ascii_digit(),
        _ => false,
    };
    if !usual {
        return None;
    }
    let (host, end) = if is_blank(at(text, end)) {
        (Span::of_len(from, len), end)
    } else if !is_certain_tag(text, from, end)
        && let Some(unusual) = origin::unusual_host(text, from, end)
    {
        *deviations = deviations.union(unusual.remark);
        (unusual.host, unusual.end)
    } else {
        deviations.insert(Deviation::MissingHost);
        return Some((Span::ABSENT, from));
    };
    // Senders pad here.
    let tag = if is_blank(at(text, end + 1)) { skip_blanks(text, end) } else { end + 1 };
    Some((host, tag.min(text.len())))
}

/// Whether a word that ends there is a tag and not, as it could, an IPv6 address or one that is there twice.
#[inline(always)]
fn is_certain_tag(text: &[u8], from: usize, end: usize) -> bool {
    match at(text, end) {
        b'[' => true,
        b':' => at(text, end + 1) == b' ' && at(text, end + 2) != at(text, from),
        _ => false,
    }
}

/// `UTC+08:00`; with `GMT` it has an `M` in its second place.
#[inline(always)]
fn is_offset_from_utc(text: &[u8], from: usize) -> bool {
    at(text, from + 1) == b'T' && matches!(at(text, from + 3), b'+' | b'-')
}

/// What stands between host and text.
struct Tag {
    app: Span,
    procid: Span,
    end: usize,
}

/// The tag, if there is one. `None`: there is one that is not the word that begins here, or a remark of the daemon.
#[inline(always)]
fn tag(text: &[u8], from: usize, deviations: &mut Deviations) -> Option<Tag> {
    let first = at(text, from);
    if matches!(first, b'l' | b'M' | b'<') && (first == b'<' || origin::is_remark(text, from)) {
        return None;
    }
    let app_end = tag_end(text, from);
    let mut procid = Span::ABSENT;
    let end = match at(text, app_end) {
        _ if app_end == from => None,
        b':' if first.is_ascii_digit() && origin::is_number(text, from, app_end) => return None,
        b':' => Some(app_end + 1),
        b'[' => {
            let end;
            (procid, end) = process(text, app_end);
            Some(end)
        }
        // `key=value`, `{"key"`: text.
        b'=' | b'"' => None,
        _ if app_end == text.len() => Some(app_end),
        // A number is no name.
        _ if first.is_ascii_digit() => None,
        // The month of another stamp, the level before the tag proper.
        _ if app_end - from == 3 && begins_day(text, app_end + 1) && origin::is_inner_stamp(text, from) => {
            return None;
        }
        _ if origin::may_be_level(first, app_end - from)
            && origin::behind_level(text, from, app_end).is_some() =>
        {
            return None;
        }
        _ => {
            deviations.insert(Deviation::TagEndedBySpace);
            Some(app_end)
        }
    };
    let Some(end) = end else {
        deviations.insert(Deviation::MissingTag);
        // A colon that stands alone may have a tag behind it.
        return (first != b':').then_some(Tag { app: Span::ABSENT, procid, end: from });
    };
    if app_end - from > 32 {
        deviations.insert(Deviation::TagTooLong);
    }
    Some(Tag {
        app: Span::of_len(from, app_end - from),
        procid,
        end: end + usize::from(is_blank(at(text, end))),
    })
}

/// Whether, at a glance, a day could stand behind a word that could be a month.
#[inline(always)]
fn begins_day(text: &[u8], from: usize) -> bool {
    matches!(at(text, from), b' ' | b'\t' | b'0'..=b'9')
}

/// `[process]`, `[process]:` at `open`, and where it ends.
#[inline(always)]
fn process(text: &[u8], open: usize) -> (Span, usize) {
    let count =
        text.get(open + 1..).and_then(<[u8]>::first_chunk).map_or(0, |octets| digits::leading(*octets).0);
    let close = open + 1 + usize::from(count);
    match at(text, close) {
        b']' if count > 0 => {
            (Span::of_len(open + 1, count.into()), close + 1 + usize::from(at(text, close + 1) == b':'))
        }
        _ => origin::process(text, open),
    }
}

/// `VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG`, RFC 5424 §6; a version of one digit.
#[inline(always)]
fn versioned(text: &[u8], from: usize) -> Option<(Header, Elements)> {
    let mut deviations = Deviations::NONE;
    match *text.get(from..)?.first_chunk()? {
        [b'1', b' '] => {}
        [b'2'..=b'9', b' '] => deviations.insert(Deviation::UnknownVersion),
        _ => return None,
    }
    let (stamp, at_host) = iso_stamp(text, from + 2, &mut deviations)?;
    let ([host, app, procid, msgid], at_sd) = match near_fields(text, at_host) {
        Some(fields) => fields,
        None => {
            let (fields, end, remarks) = fields(text, at_host)?;
            deviations = deviations.union(remarks);
            (fields, end)
        }
    };
    let (sd_end, elements) = structured_data(text, at_sd, &mut deviations)?;
    let structured_data = if sd_end == at_sd + 1 { Span::ABSENT } else { Span::new(at_sd, sd_end) };
    let (message, remarks) = rfc5424::message(text, (sd_end + 1).min(text.len()));
    let header = Header {
        format: Format::Rfc5424,
        stamp,
        host,
        app,
        procid,
        msgid,
        structured_data,
        message,
        deviations: deviations.union(remarks),
        ..Header::EMPTY
    };
    Some((header, elements))
}

/// HOSTNAME, APP-NAME, PROCID and MSGID, and where STRUCTURED-DATA begins; if all of it is near and to the letter.
#[inline(always)]
pub(super) fn near_fields(text: &[u8], from: usize) -> Option<([Span; 4], usize)> {
    // Who names no host mostly names nothing.
    if text.get(from..)?.first_chunk() == Some(b"- - - - ") {
        return Some(([Span::ABSENT; 4], from + 8));
    }
    let Unprintable { blanks, all } = Unprintable::near(text, from);
    let mut near = Near { text, from, start: 0, blanks };
    let [host, app, procid, msgid] = LONGEST;
    let spans = [near.field(host)?, near.field(app)?, near.field(procid)?, near.field(msgid)?];
    // Up to the last of the four blanks there is nothing else, and no two of them without a field between.
    let others = all ^ blanks | blanks & (blanks << 1 | 1);
    (others & u64::MAX >> (64 - near.start) == 0).then_some((spans, from + near.start))
}

/// What is left of the next 64 octets.
struct Near<'a> {
    text: &'a [u8],
    /// Where they begin.
    from: usize,
    /// Where the next field begins, counted from there.
    start: usize,
    /// A bit for each blank from there on.
    blanks: u64,
}

impl Near<'_> {
    /// The octets up to the next blank. There may be none.
    #[inline(always)]
    fn field(&mut self, longest: usize) -> Option<Span> {
        if self.blanks == 0 {
            return None;
        }
        let end = self.blanks.trailing_zeros() as usize;
        let (from, len) = (self.from + self.start, end - self.start);
        // What is near is not longer than 64.
        if longest < 64 && len > longest {
            return None;
        }
        self.start = end + 1;
        self.blanks &= self.blanks.wrapping_sub(1);
        let nil = len == 1 && *self.text.get(from)? == b'-';
        Some(if nil { Span::ABSENT } else { Span::of_len(from, len) })
    }
}

/// The same, wherever they end; the fields may be too long, which is remarked.
#[inline(never)]
fn fields(text: &[u8], from: usize) -> Option<([Span; 4], usize, Deviations)> {
    let mut start = from;
    let mut spans = [Span::ABSENT; 4];
    for span in &mut spans {
        if text.get(start..)?.first_chunk() == Some(b"- ") {
            start += 2;
            continue;
        }
        let end = printable_end(text, start);
        *span = match text.get(start..=end)? {
            field @ [_, .., b' '] => Span::of_len(start, field.len() - 1),
            _ => return None,
        };
        start = end + 1;
    }
    let mut remarks = Deviations::NONE;
    if spans.iter().zip(LONGEST).any(|(span, longest)| span.len as usize > longest) {
        remarks.insert(Deviation::LongField);
    }
    Some((spans, start, remarks))
}

/// How long the fields may be (§6.2.4 to §6.2.7).
pub(super) const LONGEST: [usize; 4] = [255, 48, 128, 32];

/// NILVALUE or SD-ELEMENTs (§6.3), and a blank or nothing; where they end.
#[inline(always)]
fn structured_data(text: &[u8], from: usize, deviations: &mut Deviations) -> Option<(usize, Elements)> {
    let (end, elements) = match at(text, from) {
        b'[' => sd::end(text, from, deviations)?,
        b'-' => (from + 1, Elements::UNKNOWN),
        _ => return None,
    };
    (end == text.len() || at(text, end) == b' ').then_some((end, elements))
}

/// `Mmm dd hh:mm:ss` and a blank, and such a time there is; the day padded in any way or not at all. And where it ends.
#[inline(always)]
fn bsd_stamp(text: &[u8], from: usize, deviations: &mut Deviations) -> Option<(Stamp, usize)> {
    let octets: &[u8; 16] = text.get(from..)?.first_chunk()?;
    let &[m1, m2, m3, b' ', tens, units, padding, ..] = octets else { return None };
    let month = bsd::usual_month([m1, m2, m3])?;
    let (day, clock_at) = match [tens, units ^ b'0', padding] {
        // The lower four bits of a blank are 0.
        [b' ' | b'1'..=b'3', units @ 0..=9, b' '] => ((tens & 0xf) * 10 + units, 7),
        [b'0', units @ 0..=9, b' '] => {
            deviations.insert(Deviation::UnpaddedDay);
            (units, 7)
        }
        [b'0'..=b'9', BLANK, _] => {
            deviations.insert(Deviation::UnpaddedDay);
            (tens ^ b'0', 6)
        }
        _ => return None,
    };
    let clock: &[u8; 9] = octets.get(clock_at..)?.first_chunk()?;
    let (Clock { hour, minute, second }, clock_len) = match clock.split_first_chunk() {
        Some((clock, b" ")) => (digits::clock_of_a_day(*clock)?, 8),
        _ => {
            let [hour, b':', m1, m2, b':', s1, s2, b' ', _] = *clock else { return None };
            deviations.insert(Deviation::StampSpelling);
            (digits::clock_of_a_day([b'0', hour, b':', m1, m2, b':', s1, s2])?, 7)
        }
    };
    let end = from + clock_at + clock_len;
    let possible = day.wrapping_sub(1) < 28 || (day > 0 && day <= days_in_month(2000, month));
    possible.then_some((Stamp { month, day, hour, minute, second, ..Stamp::NOTHING }, end))
}

/// A blank where a digit is expected, as `octet ^ b'0'` sees it.
const BLANK: u8 = b' ' ^ b'0';

/// TIMESTAMP of RFC 5424 §6.2.3, or NILVALUE, and where the next field begins.
#[inline(always)]
fn iso_stamp(text: &[u8], from: usize, deviations: &mut Deviations) -> Option<(Option<Stamp>, usize)> {
    if at(text, from) == b'-' && at(text, from + 1) == b' ' {
        return Some((None, from + 2));
    }
    // Behind the seconds there are ten octets at least: an offset and four empty fields.
    let octets: &[u8; 28] = text.get(from..)?.first_chunk()?;
    let (date, rest) = octets.split_first_chunk::<8>()?;
    let (day, rest) = rest.split_first_chunk::<3>()?;
    let (clock, _) = rest.split_first_chunk::<8>()?;
    let (year, month) = digits::year_and_month(*date)?;
    let [tens @ 0..=3, units @ 0..=9, separator] = [day[0] ^ b'0', day[1] ^ b'0', day[2]] else {
        return None;
    };
    let day = tens * 10 + units;
    match separator {
        b'T' => {}
        b't' => deviations.insert(Deviation::LooseStamp),
        _ => return None,
    }
    let Clock { hour, minute, second } = digits::clock_of_a_day(*clock)?;
    let mut stamp = Stamp { year: Some(year), month, day, hour, minute, second, ..Stamp::NOTHING };
    let mut end = from + 19;
    if at(text, end) == b'.' {
        let (count @ 1.., eight) = digits::leading(*text.get(end + 1..)?.first_chunk()?) else { return None };
        (stamp.fraction_digits, stamp.nanos) = (count, eight * 10);
        end += 1 + usize::from(count);
        if count > 6 {
            deviations.insert(Deviation::LongFraction);
        }
        if let (8, ninth @ 0..=9) = (count, at(text, end).wrapping_sub(b'0')) {
            (stamp.fraction_digits, stamp.nanos) = (9, stamp.nanos + u32::from(ninth));
            end = digits_end(text, end);
        }
    }
    let offset;
    (offset, end) = match at(text, end) {
        b'Z' => (0, end + 1),
        b'z' => {
            deviations.insert(Deviation::LooseStamp);
            (0, end + 1)
        }
        sign @ (b'+' | b'-') => {
            let [h1, h2, b':', m1, m2] = *text.get(end + 1..)?.first_chunk()? else { return None };
            let [h1, h2, m1, m2] = [h1, h2, m1, m2].map(|octet| octet.wrapping_sub(b'0'));
            if h1 > 9 || h2 > 9 || m1 > 5 || m2 > 9 {
                return None;
            }
            let seconds = i32::from(h1 * 10 + h2) * 3600 + i32::from(m1 * 10 + m2) * 60;
            (if sign == b'-' { -seconds } else { seconds }, end + 6)
        }
        _ => return None,
    };
    stamp.offset = Some(UtcOffset::from_seconds(offset)?);
    let possible = month.wrapping_sub(1) < 12
        && (day.wrapping_sub(1) < 28 || (day > 0 && day <= days_in_month(year.into(), month)));
    (possible && at(text, end) == b' ').then_some((Some(stamp), end + 1))
}
