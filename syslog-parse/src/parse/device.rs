//! Headers that vendors made up: a grammar. Everything here is off the usual path: it is asked when nothing else fits.
//!
//! A shape takes the header that is known so far and hands back a complete one; so one that does not fit leaves nothing behind.

use super::stamps::{
    Fraction, Read, blank, blanks, colon, fraction_of_second, no, one, run_of_digits, two_digits, while_1,
};
use super::{origin, rfc3164};
use crate::civil::Civil;
use crate::scan::{at, is_blank, printable_end, tag_end};
use crate::{Deviation, Deviations, Format, Header, Span, Stamp, UtcOffset};
use nom::branch::alt;
use nom::bytes::complete::{tag, take};
use nom::combinator::{not, opt, peek, value, verify};
use nom::multi::many1_count;
use nom::sequence::{preceded, terminated};
use nom::{Offset as _, Parser as _};

/// Reads whichever shape fits. `false`: none does, and `header` is as it was.
#[cold]
pub(super) fn read(text: &[u8], from: usize, header: &mut Header) -> bool {
    let octets = text.get(from..).unwrap_or_default();
    let known = &*header;
    let found = match octets.first() {
        Some(b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b':' | b'*' | b'.' | b' ' | b'\t') => {
            cisco(text, octets, known).or_else(|| match octets {
                [b'1', b' ', ..] => meraki(text, octets, known).or_else(|| versioned(text, octets, known)),
                [b'0'..=b'9', ..] => epoch(text, octets, known),
                _ => bare_tag(text, octets, known),
            })
        }
        Some(b'%') => bare_tag(text, octets, known),
        Some(b'-') => nil_stamp(text, octets, known),
        _ => None,
    };
    let Some(found) = found else { return false };
    *header = Header { format: Format::Rfc3164, ..found };
    true
}

/// What stands before the stamp of a Cisco device.
#[derive(Clone, Copy)]
struct Head {
    host: Span,
    sequence: Option<u32>,
    remarks: Deviations,
}

/// Cisco IOS and its kin: `643: router1: 000485: *Jan  8 19:46:03.295: %SYS-5-CONFIG_I: text`.
///
/// `cisco = *5( [ blanks ] word ":" ) [ blanks ] ( [ "*" / "." ] stamp / uptime ) behind-stamp`
#[inline(always)]
fn cisco(text: &[u8], octets: &[u8], known: &Header) -> Option<Header> {
    let mut head = Head { host: Span::ABSENT, sequence: None, remarks: Deviations::NONE };
    let mut octets = octets;
    // Message counter, sequence number, host, sequence number, process: no device has more.
    for _ in 0..6 {
        (octets, _) = opt(blanks).parse(octets).ok()?;
        let found = match octets {
            [b'*' | b'.' | b'a'..=b'z' | b'A'..=b'Z', ..] => dated(text, octets, head, known),
            // `12d: ` could be a year as well.
            [b'0'..=b'9', rest @ ..] => matches!(rest, [_, _, _, b'-' | b' ', ..])
                .then(|| dated(text, octets, head, known))
                .flatten()
                .or_else(|| up(text, octets, head, known)),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        let (rest, word) = terminated(word, colon).parse(octets).ok()?;
        head.remarks.insert(Deviation::DeviceShape);
        match word {
            Word::Counter(count) => {
                head.sequence = count;
                head.remarks.insert(Deviation::CiscoSeq);
            }
            Word::Name(name)
                if head.host.is_empty() && rest.first().is_some_and(|&octet| is_blank(octet)) =>
            {
                let start = text.offset(name);
                head.host = Span::new(start, start + name.len());
            }
            Word::Name(_) | Word::Other => {}
        }
        octets = rest;
    }
    None
}

/// A stamp, with a mark of its clock before it or not, and what is behind it. `error: 2026-11-20 10:00:00 not found` names no
/// host: behind one a colon ends the stamp. A date that begins with the day is not looked for behind such words.
#[inline(always)]
fn dated(text: &[u8], octets: &[u8], head: Head, known: &Header) -> Option<Header> {
    let (rest, unsynced) = opt(one(|octet| matches!(octet, b'*' | b'.'))).parse(octets).ok()?;
    let mut header = *known;
    let end = rfc3164::stamp(text, text.offset(rest), &mut header)?;
    if !head.host.is_empty() {
        preceded(opt(blanks), colon).parse(text.get(end..)?).ok()?;
    }
    if unsynced.is_some() {
        header.deviations.insert(Deviation::ClockUnsynced);
    }
    header = with_head(header, head);
    rfc3164::behind_stamp(text, end, &mut header);
    Some(header)
}

/// The time since the start, and a tag.
#[inline(always)]
fn up(text: &[u8], octets: &[u8], head: Head, known: &Header) -> Option<Header> {
    let (rest, _) = (uptime, opt(blanks)).parse(octets).ok()?;
    let mut header = with_head(*known, head);
    header.deviations.insert(Deviation::Uptime);
    origin::tag(text, text.offset(rest), &mut header);
    Some(header)
}

#[inline(always)]
fn with_head(header: Header, Head { host, sequence, remarks }: Head) -> Header {
    Header { host, sequence, deviations: header.deviations.union(remarks), ..header }
}

/// What may stand before the stamp.
#[derive(Clone, Copy)]
enum Word<'a> {
    /// A counter; `None` if it is too large.
    Counter(Option<u32>),
    /// What can be the name of a host.
    Name(&'a [u8]),
    /// Nothing, or a task of a wireless controller.
    Other,
}

/// `word = address / counter / "*" task / name`, and a colon behind it
fn word(octets: &[u8]) -> Read<'_, Word<'_>> {
    let nothing = value(Word::Other, peek((colon, not(colon))));
    let task = value(Word::Other, (one(|octet| octet == b'*'), name));
    alt((nothing, address.map(Word::Name), counter.map(Word::Counter), task, name.map(Word::Name)))
        .parse(octets)
}

/// An IPv6 address; the colons in it end no word.
fn address(octets: &[u8]) -> Read<'_, &[u8]> {
    // The first group has four digits at most.
    if !octets.iter().take(5).any(|&octet| octet == b':') {
        return no();
    }
    let (_, word) = while_1(octets, |octet| octet != b' ')?;
    let address = word.strip_suffix(b":").filter(|word| origin::is_ipv6(word));
    address.map_or_else(no, |address| take(address.len()).parse(octets))
}

/// `counter = 1*DIGIT`; `None` if it is too large
fn counter(octets: &[u8]) -> Read<'_, Option<u32>> {
    let number = |digits: &[u8]| {
        let append = |count: u32, digit: &u8| count.checked_mul(10)?.checked_add((digit - b'0').into());
        digits.iter().try_fold(0, append)
    };
    terminated(run_of_digits.map(number), peek(colon)).parse(octets)
}

/// `name = 1*254( any octet but SP and ":" )`
fn name(octets: &[u8]) -> Read<'_, &[u8]> {
    verify(|octets| while_1(octets, |octet| !matches!(octet, b':' | b' ')), |name: &[u8]| name.len() < 255)
        .parse(octets)
}

/// The time since the start: `00:01:01:`, or `1w2d:` and the like.
///
/// `uptime = ( 2DIGIT ":" 2DIGIT ":" 2DIGIT / 1*( 1*DIGIT unit ) ) ":"`
fn uptime(octets: &[u8]) -> Read<'_, ()> {
    let clock = (two_digits, colon, two_digits, colon, two_digits);
    let unit = one(|octet| matches!(octet, b'y' | b'w' | b'd' | b'h' | b'm' | b's'));
    let units = many1_count((run_of_digits, unit));
    terminated(alt((value((), clock), value((), units))), colon).parse(octets)
}

/// `- host tag: text`: the NILVALUE of RFC 5424 in a header that otherwise is not. `- an item` is text.
fn nil_stamp(text: &[u8], octets: &[u8], known: &Header) -> Option<Header> {
    let (rest, _) = (one(|octet| octet == b'-'), blanks).parse(octets).ok()?;
    let mut header = host_and_marked_tag(text, text.offset(rest), known)?;
    header.deviations.insert(Deviation::NilStamp);
    Some(header)
}

/// Meraki: `1 1374000000.123456 host text`, seconds since 1970 behind a version.
fn meraki(text: &[u8], octets: &[u8], known: &Header) -> Option<Header> {
    let (rest, (_, (stamp, remarks))) = (tag("1 "), seconds_since_1970).parse(octets).ok()?;
    let host = text.offset(rest);
    let host_end = printable_end(text, host);
    let mut deviations = known.deviations.union(remarks);
    deviations.insert(Deviation::MissingTag);
    Some(Header {
        stamp: Some(stamp),
        host: Span::new(host, host_end),
        message: Span::new((host_end + 1).min(text.len()), text.len()),
        deviations,
        ..*known
    })
}

/// syslog-ng with `ts-format(unix)`: `1374000000.123 host tag: text`. `1374000000 octets were read` is text.
fn epoch(text: &[u8], octets: &[u8], known: &Header) -> Option<Header> {
    let (rest, (stamp, remarks)) = seconds_since_1970(octets).ok()?;
    let header = host_and_marked_tag(text, text.offset(rest), known)?;
    Some(Header { stamp: Some(stamp), deviations: header.deviations.union(remarks), ..header })
}

/// `seconds = 9*10DIGIT [ fraction ] SP`
fn seconds_since_1970(octets: &[u8]) -> Read<'_, (Stamp, Deviations)> {
    let seconds = verify(run_of_digits, |digits: &[u8]| (9..=10).contains(&digits.len())).map(|digits| {
        let seconds = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
        Civil::from_local_seconds(seconds)
    });
    let (rest, (civil, fraction)) = terminated((seconds, opt(fraction_of_second)), blank).parse(octets)?;
    let Fraction { nanos, digits: fraction_digits, mut remarks } = fraction.unwrap_or(Fraction::NONE);
    remarks.insert(Deviation::EpochStamp);
    let Civil { year, month, day, hour, minute, second } = civil;
    let stamp = Stamp {
        year: u16::try_from(year).ok(),
        month,
        day,
        hour,
        minute,
        second,
        nanos,
        fraction_digits,
        weekday: None,
        offset: Some(UtcOffset::UTC),
    };
    Ok((rest, (stamp, remarks)))
}

/// `%ASA-6-302015: text`, `systemd[1]: text`: neither stamp nor host, but certainly a tag. Any other word with a colon may
/// be text.
fn bare_tag(text: &[u8], octets: &[u8], known: &Header) -> Option<Header> {
    let from = text.offset(octets);
    let end = tag_end(text, from);
    let mnemonic = at(text, from) == b'%' && at(text, end) == b':' && end > from + 1;
    if !(origin::is_certain(text, from) || mnemonic && is_blank(at(text, end + 1))) {
        return None;
    }
    let mut header = *known;
    header.deviations.insert(Deviation::MissingStamp);
    header.deviations.insert(Deviation::MissingHost);
    origin::tag(text, from, &mut header);
    Some(header)
}

/// `1 Nov 20 10:00:00 host tag: text`: the version of RFC 5424 before a header of RFC 3164.
fn versioned(text: &[u8], octets: &[u8], known: &Header) -> Option<Header> {
    let (rest, _) = tag::<_, _, ()>("1 ").parse(octets).ok()?;
    let mut header = *known;
    let end = rfc3164::stamp(text, text.offset(rest), &mut header)?;
    rfc3164::behind_stamp(text, end, &mut header);
    header.deviations.insert(Deviation::DeviceShape);
    Some(header)
}

/// Host and tag, if a colon or a bracket ends the tag; one that a blank ends may be text.
fn host_and_marked_tag(text: &[u8], from: usize, known: &Header) -> Option<Header> {
    let mut header = *known;
    if let Some(tag) = origin::host(text, from, &mut header) {
        origin::tag(text, tag, &mut header);
    }
    (!header.app.is_empty() && matches!(at(text, header.app.end()), b':' | b'[')).then_some(header)
}
