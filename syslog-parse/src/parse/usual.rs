//! The two shapes that most messages have, as good as to the letter, each read in one go.
//!
//! Whatever is not quite so is left to the rooms of the shapes, which read the same from everything that is read here. They
//! write the header where it stays, piece by piece; here it stays in registers until it is complete, which makes a
//! difference of twenty nanoseconds to whoever looks at the stamp right away.

use super::{bsd, digits, rfc5424, sd};
use crate::civil::days_in_month;
use crate::scan::{at, name_end, printable_end, tag_end};
use crate::{Deviation, Deviations, Format, Header, Pri, Span, Stamp, UtcOffset};

/// Reads everything; `None`: it is not quite as usual. `deviations` is what was remarked before.
///
/// The header is made in one piece at the end: what is written octet by octet is slow to copy.
#[inline(always)]
pub(super) fn read(text: &[u8], deviations: Deviations) -> Option<Header> {
    let (pri, from) = pri(text)?;
    let header = match at(text, from) {
        b'1' => rfc_5424(text, from)?,
        _ => rfc_3164(text, from)?,
    };
    Some(Header { pri: Some(pri), deviations: header.deviations.union(deviations), ..header })
}

/// `<PRI>` with one to three digits, without leading zeros, up to 191; and where it ends.
#[inline(always)]
fn pri(text: &[u8]) -> Option<(Pri, usize)> {
    let [b'<', first, second, third, fourth] = *text.first_chunk()? else { return None };
    let [a, b, c] = [first, second, third].map(|octet| octet.wrapping_sub(b'0'));
    let (number, end) = match (second, third, fourth) {
        (b'>', ..) if a < 10 => (a, 3),
        (_, b'>', _) if a.wrapping_sub(1) < 9 && b < 10 => (a * 10 + b, 4),
        (_, _, b'>') if a == 1 && b < 10 && c < 10 => (100 + b * 10 + c, 5),
        _ => return None,
    };
    let pri = Pri::from_number(number.into());
    (pri <= Pri::MAX).then_some((pri, end))
}

/// `Mmm dd hh:mm:ss host tag[process]: text`, RFC 3164 §4.1.
#[inline(always)]
fn rfc_3164(text: &[u8], from: usize) -> Option<Header> {
    let stamp = bsd_stamp(text.get(from..)?.first_chunk()?)?;
    let host = from + BSD_LEN;
    let host_end = name_end(text, host);
    let len = host_end - host;
    let (first, second) = (at(text, host), at(text, host + 1));
    let usual = match first {
        // `last message repeated` is of no host.
        b'a'..=b'z' => first != b'l' || len != 4,
        // It could be a year.
        b'0'..=b'9' => len != 4,
        // A short word in capitals could be a zone; `Message forwarded from` is of AIX.
        // `PM.685` belongs to the stamp.
        b'A'..=b'Z' if len > 5 => (first != b'M' || len != 7) && second != b'M',
        b'A'..=b'Z' => second.is_ascii_lowercase() || second.is_ascii_digit(),
        _ => false,
    };
    let tag = host_end + 1;
    if !usual || at(text, host_end) != b' ' {
        return None;
    }
    let tag_end = tag_end(text, tag);
    let mut end = tag_end;
    let mut procid = Span::ABSENT;
    if at(text, end) == b'[' {
        let open = end + 1;
        let (count, _) = digits::leading(*text.get(open..)?.first_chunk()?);
        end = open + usize::from(count);
        if count == 0 || at(text, end) != b']' {
            return None;
        }
        procid = Span::new(open, end);
        end += 1;
    }
    if tag_end == tag || tag_end - tag > 32 {
        return None;
    }
    let mut deviations = Deviations::NONE;
    match at(text, end) {
        b':' => end += 1,
        _ if !procid.is_empty() => {}
        b' ' if is_plain_word(text, tag, end) => deviations.insert(Deviation::TagEndedBySpace),
        _ => return None,
    }
    end += usize::from(matches!(at(text, end), b' ' | b'\t'));
    Some(Header {
        format: Format::Rfc3164,
        stamp: Some(stamp),
        host: Span::new(host, host_end),
        app: Span::new(tag, tag_end),
        procid,
        message: Span::new(end, text.len()),
        deviations,
        ..Header::EMPTY
    })
}

/// Whether a word that a blank ends can be nothing else than a tag: no month of another stamp, no remark of the daemon
/// (`last message repeated`, `Message forwarded`), no level before the tag proper.
#[inline(always)]
fn is_plain_word(text: &[u8], from: usize, end: usize) -> bool {
    end - from != 3
        && !at(text, from).is_ascii_digit()
        && !matches!(at(text, from), b'l' | b'M')
        && !matches!(at(text, name_end(text, end + 1)), b':' | b'[')
}

/// `1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG`, RFC 5424 §6.
#[inline(always)]
fn rfc_5424(text: &[u8], from: usize) -> Option<Header> {
    if at(text, from + 1) != b' ' {
        return None;
    }
    let (stamp, at_host) = iso_stamp(text, from + 2)?;
    let (host, at_app) = field(text, at_host, 255)?;
    let (app, at_procid) = field(text, at_app, 48)?;
    let (procid, at_msgid) = field(text, at_procid, 128)?;
    let (msgid, at_sd) = field(text, at_msgid, 32)?;
    let mut deviations = Deviations::NONE;
    let sd_end = structured_data(text, at_sd, &mut deviations)?;
    let structured_data = if sd_end == at_sd + 1 { Span::ABSENT } else { Span::new(at_sd, sd_end) };
    let (message, remarks) = rfc5424::message(text, (sd_end + 1).min(text.len()));
    Some(Header {
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
    })
}

/// NILVALUE or 1*`longest`PRINTUSASCII and a blank; and where the next field begins.
#[inline(always)]
fn field(text: &[u8], from: usize, longest: usize) -> Option<(Span, usize)> {
    if at(text, from) == b'-' && at(text, from + 1) == b' ' {
        return Some((Span::ABSENT, from + 2));
    }
    let end = printable_end(text, from);
    (end.wrapping_sub(from + 1) < longest && at(text, end) == b' ').then(|| (Span::new(from, end), end + 1))
}

/// NILVALUE or SD-ELEMENTs (§6.3), and a blank or nothing; where they end.
#[inline(always)]
fn structured_data(text: &[u8], from: usize, deviations: &mut Deviations) -> Option<usize> {
    let end = match at(text, from) {
        b'[' => sd::end(text, from, deviations)?,
        b'-' => from + 1,
        _ => return None,
    };
    (end == text.len() || at(text, end) == b' ').then_some(end)
}

/// `Mmm dd hh:mm:ss` and a blank, and such a time there is.
#[inline(always)]
fn bsd_stamp(octets: &[u8; BSD_LEN]) -> Option<Stamp> {
    let [m1, m2, m3, d0, d1, d2, d3, clock @ .., b' '] = octets else { return None };
    let month = bsd::usual_month([*m1, *m2, *m3])?;
    let [0, tens, units @ 0..=9, 0] = [d0 ^ b' ', d1 ^ b'0', d2 ^ b'0', d3 ^ b' '] else { return None };
    let day = match tens {
        PADDING => units,
        1..=3 => tens * 10 + units,
        _ => return None,
    };
    let (hour, minute, second) = clock_of(*clock)?;
    let possible = day.wrapping_sub(1) < 28 || (day > 0 && day <= days_in_month(2000, month));
    possible.then_some(Stamp { month, day, hour, minute, second, ..Stamp::NOTHING })
}

/// A blank where a digit is expected, as `octet ^ b'0'` sees it.
const PADDING: u8 = b' ' ^ b'0';

/// TIMESTAMP of RFC 5424 §6.2.3, or NILVALUE, and where the next field begins.
#[inline(always)]
fn iso_stamp(text: &[u8], from: usize) -> Option<(Option<Stamp>, usize)> {
    if at(text, from) == b'-' && at(text, from + 1) == b' ' {
        return Some((None, from + 2));
    }
    // Behind the seconds there are ten octets at least: an offset and four empty fields.
    let octets: &[u8; 28] = text.get(from..)?.first_chunk()?;
    let (date, rest) = octets.split_first_chunk::<8>()?;
    let (day, rest) = rest.split_first_chunk::<3>()?;
    let (clock, _) = rest.split_first_chunk::<8>()?;
    let (year, month) = digits::year_and_month(*date)?;
    let [tens @ 0..=3, units @ 0..=9, b'T'] = [day[0] ^ b'0', day[1] ^ b'0', day[2]] else { return None };
    let day = tens * 10 + units;
    let (hour, minute, second) = clock_of(*clock)?;
    let mut stamp = Stamp { year: Some(year), month, day, hour, minute, second, ..Stamp::NOTHING };
    let mut end = from + 19;
    if at(text, end) == b'.' {
        let (count @ 1..=6, eight) = digits::leading(*text.get(end + 1..)?.first_chunk()?) else {
            return None;
        };
        (stamp.fraction_digits, stamp.nanos) = (count, eight * 10);
        end += 1 + usize::from(count);
    }
    let offset;
    (offset, end) = match at(text, end) {
        b'Z' => (0, end + 1),
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

/// `hh:mm:ss`, below 24, 60 and 60.
#[inline(always)]
fn clock_of(octets: [u8; 8]) -> Option<(u8, u8, u8)> {
    digits::clock(octets).filter(|&(hour, minute, second)| hour < 24 && minute < 60 && second < 60)
}

/// `Oct 11 22:14:15 `.
const BSD_LEN: usize = 16;
