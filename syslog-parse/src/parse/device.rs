//! Headers that vendors made up. Everything here is off the usual path: it is asked when nothing else fits.

use super::{origin, rfc3164};
use crate::civil::Civil;
use crate::scan::{at, digits_end, is_blank, skip_blanks, tag_end};
use crate::{Deviation, Format, Header, Span, Stamp, UtcOffset};

/// Tries the shapes. `false`: none fits; what was put into `header` is void then.
#[cold]
pub(super) fn read(text: &[u8], from: usize, header: &mut Header) -> bool {
    let before = *header;
    for shape in [cisco, nil_stamp, meraki, epoch, bare_tag, versioned] {
        if shape(text, from, header).is_some() {
            header.format = Format::Rfc3164;
            return true;
        }
        *header = before;
    }
    false
}

/// Cisco IOS and its kin: counters, host and other words, each with a colon, then a stamp with `*` or `.` before it or
/// the time since the start.
fn cisco(text: &[u8], from: usize, header: &mut Header) -> Option<()> {
    let mut from = from;
    // Message counter, sequence number, host, sequence number, process: no device has more.
    for _ in 0..6 {
        from = skip_blanks(text, from);
        let marked = matches!(at(text, from), b'*' | b'.');
        if let Some(end) = rfc3164::stamp(text, from + usize::from(marked), header) {
            // `DefensePro: 20-11-2026 10:00:00 text` names no host.
            if !header.host.is_empty() && at(text, skip_blanks(text, end)) != b':' {
                return None;
            }
            if marked {
                header.deviations.insert(Deviation::ClockUnsynced);
            }
            rfc3164::behind_stamp(text, end, header);
            return Some(());
        }
        if let Some(end) = uptime(text, from) {
            header.deviations.insert(Deviation::Uptime);
            origin::tag(text, skip_blanks(text, end), header);
            return Some(());
        }
        let colon = colon(text, from)?;
        if digits_end(text, from) == colon && colon > from {
            let digits = std::str::from_utf8(text.get(from..colon)?).ok()?;
            header.sequence = digits.parse().ok();
            header.deviations.insert(Deviation::CiscoSeq);
        } else if header.host.is_empty()
            && colon > from
            && is_blank(at(text, colon + 1))
            // A task of a wireless controller.
            && at(text, from) != b'*'
        {
            header.host = Span::new(from, colon);
        }
        header.deviations.insert(Deviation::DeviceShape);
        from = colon + 1;
    }
    None
}

/// Where the colon stands that ends a word; those of an IPv6 address end none.
fn colon(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let len = rest.iter().take(255).position(|&octet| matches!(octet, b':' | b' '))?;
    if rest.get(len) != Some(&b':') {
        return None;
    }
    let word = rest.split(|&octet| octet == b' ').next()?;
    let whole = word.strip_suffix(b":").filter(|word| origin::is_ipv6(word));
    Some(from + whole.map_or(len, <[u8]>::len))
}

/// The time since the start: `00:01:01:`, or `1w2d:` and the like.
fn uptime(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    if let [h1, h2, b':', m1, m2, b':', s1, s2, b':', ..] = rest
        && [h1, h2, m1, m2, s1, s2].iter().all(|digit| digit.is_ascii_digit())
    {
        return Some(from + 9);
    }
    let mut at_unit = digits_end(text, from);
    let mut units = 0;
    let mut start = from;
    while at_unit > start && matches!(at(text, at_unit), b'y' | b'w' | b'd' | b'h' | b'm' | b's') {
        units += 1;
        start = at_unit + 1;
        at_unit = digits_end(text, start);
    }
    (units > 0 && at_unit == start && at(text, start) == b':').then_some(start + 1)
}

/// `- host tag: text`: the NILVALUE of RFC 5424 in a header that otherwise is not.
fn nil_stamp(text: &[u8], from: usize, header: &mut Header) -> Option<()> {
    if at(text, from) != b'-' || !is_blank(at(text, from + 1)) {
        return None;
    }
    if let Some(tag) = origin::host(text, skip_blanks(text, from + 1), header) {
        origin::tag(text, tag, header);
    }
    // `- an item` is text.
    if !has_colon_or_process(text, header) {
        return None;
    }
    header.deviations.insert(Deviation::NilStamp);
    Some(())
}

/// `%ASA-6-302015: text`, `systemd[1]: text`: neither stamp nor host, but certainly a tag. Any other word with a colon may
/// be text.
fn bare_tag(text: &[u8], from: usize, header: &mut Header) -> Option<()> {
    let end = tag_end(text, from);
    let mnemonic = at(text, from) == b'%' && at(text, end) == b':' && end > from + 1;
    if !(origin::is_certain(text, from) || mnemonic && is_blank(at(text, end + 1))) {
        return None;
    }
    header.deviations.insert(Deviation::MissingStamp);
    header.deviations.insert(Deviation::MissingHost);
    origin::tag(text, from, header);
    Some(())
}

/// Meraki: `1 1374000000.123456 host text`, seconds since 1970 behind a version.
fn meraki(text: &[u8], from: usize, header: &mut Header) -> Option<()> {
    if text.get(from..from + 2)? != b"1 " {
        return None;
    }
    let host = seconds_since_1970(text, from + 2, header)? + 1;
    let host_end = crate::scan::printable_end(text, host);
    header.host = Span::new(host, host_end);
    header.message = Span::new((host_end + 1).min(text.len()), text.len());
    header.deviations.insert(Deviation::MissingTag);
    Some(())
}

/// syslog-ng with `ts-format(unix)`: `1374000000.123 host tag: text`.
fn epoch(text: &[u8], from: usize, header: &mut Header) -> Option<()> {
    let end = seconds_since_1970(text, from, header)?;
    if let Some(tag) = origin::host(text, end + 1, header) {
        origin::tag(text, tag, header);
    }
    // `1374000000 octets were read` is text.
    has_colon_or_process(text, header).then_some(())
}

/// Nine or ten digits, a fraction or not, and a blank.
fn seconds_since_1970(text: &[u8], from: usize, header: &mut Header) -> Option<usize> {
    let mut end = digits_end(text, from);
    if !(9..=10).contains(&(end - from)) {
        return None;
    }
    let secs: i64 = std::str::from_utf8(text.get(from..end)?).ok()?.parse().ok()?;
    let civil = Civil::from_local_seconds(secs);
    let mut stamp = Stamp {
        year: u16::try_from(civil.year).ok(),
        month: civil.month,
        day: civil.day,
        hour: civil.hour,
        minute: civil.minute,
        second: civil.second,
        offset: Some(UtcOffset::UTC),
        ..Stamp::NOTHING
    };
    if at(text, end) == b'.' {
        end = super::iso::fraction(text, end, &mut stamp, &mut header.deviations);
    }
    if at(text, end) != b' ' {
        return None;
    }
    header.stamp = Some(stamp);
    header.deviations.insert(Deviation::EpochStamp);
    Some(end)
}

/// `1 Nov 20 10:00:00 host tag: text`: the version of RFC 5424 before a header of RFC 3164.
fn versioned(text: &[u8], from: usize, header: &mut Header) -> Option<()> {
    if text.get(from..from + 2)? != b"1 " {
        return None;
    }
    let end = rfc3164::stamp(text, from + 2, header)?;
    rfc3164::behind_stamp(text, end, header);
    header.deviations.insert(Deviation::DeviceShape);
    Some(())
}

/// Whether there is a tag that its own mark ends; one that a blank ends may be text.
fn has_colon_or_process(text: &[u8], header: &Header) -> bool {
    !header.app.is_empty() && matches!(at(text, header.app.end()), b':' | b'[')
}
