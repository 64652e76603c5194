//! A whole message from its fields, to the letter of RFC 5424 §6 or RFC 3164 §4.1.

use super::{Controls, Draft, Mark, Style, Time};
use crate::{Civil, Deviation, Format, Pri, Rfc3339, Stamp, StructuredData};

/// Appends the message.
pub(super) fn emit(draft: &Draft<'_>, format: Format, style: &Style, out: &mut Vec<u8>) {
    let start = out.len();
    pri(draft.pri, out);
    match format {
        Format::Rfc3164 => rfc3164(draft, style.controls, out),
        _ => rfc5424(draft, style.controls, style.max_len.saturating_add(start), out),
    }
}

/// `<` PRIVAL `>`
pub(super) fn pri(pri: Pri, out: &mut Vec<u8>) {
    let number = pri.number();
    out.push(b'<');
    for unit in [100, 10] {
        if number >= unit {
            out.push(digit(number / unit));
        }
    }
    out.extend_from_slice(&[digit(number), b'>']);
}

/// The last decimal digit.
fn digit(number: u16) -> u8 {
    b'0' + (number % 10).to_le_bytes()[0]
}

/// Whether nothing has to be done about control characters.
pub(super) fn is_clean(octets: &[u8], controls: Controls) -> bool {
    controls == Controls::Keep || !octets.iter().any(u8::is_ascii_control)
}

/// Appends octets, their control characters as wanted.
pub(super) fn text(octets: &[u8], controls: Controls, out: &mut Vec<u8>) {
    if is_clean(octets, controls) {
        out.extend_from_slice(octets);
    } else {
        octets.iter().for_each(|&octet| clean(octet, controls, out));
    }
}

/// Appends one octet, as wanted if it is a control character.
fn clean(octet: u8, controls: Controls, out: &mut Vec<u8>) {
    match controls {
        _ if !octet.is_ascii_control() => out.push(octet),
        Controls::Keep => out.push(octet),
        Controls::Blank => out.push(b' '),
        Controls::Octal => {
            let digits = [octet >> 6, octet >> 3 & 7, octet & 7].map(|digit| b'0' + digit);
            out.push(b'#');
            out.extend_from_slice(&digits);
        }
    }
}

fn rfc5424(draft: &Draft<'_>, controls: Controls, limit: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"1 ");
    timestamp(draft.time, out);
    for (value, longest) in [(draft.host, 255), (draft.app, 48), (draft.procid, 128), (draft.msgid, 32)] {
        out.push(b' ');
        field(value, longest, out);
    }
    out.push(b' ');
    let header_end = out.len();
    structured_data(draft, controls, out);
    if out.len() > limit && header_end < out.len() {
        out.truncate(header_end);
        out.push(b'-');
    }
    if !draft.message.is_empty() || draft.mark == Mark::With {
        out.push(b' ');
        message(draft, controls, out);
    }
}

/// MSG, with its byte order mark.
pub(super) fn message(draft: &Draft<'_>, controls: Controls, out: &mut Vec<u8>) {
    if draft.mark == Mark::With {
        out.extend_from_slice(b"\xef\xbb\xbf");
    }
    text(draft.message, controls, out);
}

/// TIMESTAMP; NILVALUE where the year or the zone is not known (RFC 5424 §6.2.3).
pub(super) fn timestamp(time: Time, out: &mut Vec<u8>) {
    let written = match time {
        Time::At { instant, offset, fraction_digits } => {
            Some(Rfc3339::new(instant, offset, fraction_digits.min(6)))
        }
        Time::AsReceived(stamp) => as_received(&stamp),
        Time::Unknown => None,
    };
    match written {
        Some(written) => match written.as_bytes() {
            [local @ .., b'+', b'0', b'0', b':', b'0', b'0'] => {
                out.extend_from_slice(local);
                out.push(b'Z');
            }
            written => out.extend_from_slice(written),
        },
        None => out.push(b'-'),
    }
}

/// The stamp's own words, if they are all there.
fn as_received(stamp: &Stamp) -> Option<Rfc3339> {
    let offset = stamp.offset?.seconds();
    // Leap seconds and hour 24 are not for RFC 5424: what they mean is written.
    let found = crate::resolve(stamp, &crate::FixedOffset::UTC, crate::Timestamp::UNIX_EPOCH);
    let found = stamp.year.and(found)?;
    Some(Rfc3339::new(found.instant, offset, stamp.fraction_digits.min(6)))
}

/// NILVALUE or 1*`longest`PRINTUSASCII.
pub(super) fn field(value: Option<&[u8]>, longest: usize, out: &mut Vec<u8>) {
    let start = out.len();
    let printable = |&octet: &u8| if (33..=126).contains(&octet) { octet } else { b'?' };
    out.extend(value.unwrap_or_default().iter().take(longest).map(printable));
    if out.len() == start {
        out.push(b'-');
    }
}

/// STRUCTURED-DATA: as it came where it is to the letter, else element by element.
pub(super) fn structured_data(draft: &Draft<'_>, controls: Controls, out: &mut Vec<u8>) {
    let elements = draft.structured_data;
    if elements.is_empty() {
        out.push(b'-');
        return;
    }
    let bad = [
        Deviation::UnquotedSd,
        Deviation::LongName,
        Deviation::UnescapedBracket,
        Deviation::SpaceInSd,
        Deviation::NotPrintable,
    ];
    let good = draft.changed.contains(super::Part::StructuredData)
        || draft.source.is_none_or(|source| bad.iter().all(|&one| !source.deviations().contains(one)));
    if good && is_clean(elements, controls) {
        out.extend_from_slice(elements);
        return;
    }
    for element in StructuredData::new(elements) {
        open_element(element.id(), out);
        element.params().for_each(|(name, value)| push_param(name, value.chunks(), controls, out));
        out.push(b']');
    }
}

/// Appends an SD-ELEMENT of RFC 5424 §6.3: names are cut to 32 octets and have `?` for what they may not hold, values are
/// escaped.
///
/// ```
/// let mut elements = Vec::new();
/// syslog_parse::push_sd_element(b"a@32473", [(&b"say"[..], &br#"a "b" [c]"#[..])], &mut elements);
/// assert_eq!(elements, br#"[a@32473 say="a \"b\" [c\]"]"#);
/// ```
pub fn push_sd_element<'a>(
    id: &[u8],
    params: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    out: &mut Vec<u8>,
) {
    open_element(id, out);
    for (name, value) in params {
        push_param(name, [value], Controls::Keep, out);
    }
    out.push(b']');
}

fn open_element(id: &[u8], out: &mut Vec<u8>) {
    out.push(b'[');
    sd_name(id, out);
}

/// Appends a parameter; its value comes in pieces.
fn push_param<'a>(
    name: &[u8],
    value: impl IntoIterator<Item = &'a [u8]>,
    controls: Controls,
    out: &mut Vec<u8>,
) {
    out.push(b' ');
    sd_name(name, out);
    out.extend_from_slice(b"=\"");
    for &octet in value.into_iter().flatten() {
        if matches!(octet, b'"' | b'\\' | b']') {
            out.push(b'\\');
        }
        clean(octet, controls, out);
    }
    out.push(b'"');
}

/// SD-NAME
fn sd_name(name: &[u8], out: &mut Vec<u8>) {
    let name = if name.is_empty() { b"?" } else { name };
    let fit = |octet: u8| (33..=126).contains(&octet) && !matches!(octet, b'=' | b']' | b'"');
    out.extend(name.iter().take(32).map(|&octet| if fit(octet) { octet } else { b'?' }));
}

fn rfc3164(draft: &Draft<'_>, controls: Controls, out: &mut Vec<u8>) {
    if bsd_stamp(draft.time, out) {
        out.push(b' ');
        let start = out.len();
        host(draft.host, out);
        if out.len() == start {
            out.push(b'-');
        }
        out.push(b' ');
    }
    if draft.app.is_some_and(|app| !app.is_empty()) {
        tag(draft, out);
        out.extend_from_slice(b": ");
    }
    text(draft.message, controls, out);
}

/// HOSTNAME: no blank, and nothing that would begin the tag, save the colons of IPv6.
pub(super) fn host(host: Option<&[u8]>, out: &mut Vec<u8>) {
    let fit = |octet: u8| if (33..=126).contains(&octet) && octet != b'[' { octet } else { b'?' };
    out.extend(host.unwrap_or_default().iter().take(255).map(|&octet| fit(octet)));
}

/// TAG of at most 32 octets, and the process in brackets.
fn tag(draft: &Draft<'_>, out: &mut Vec<u8>) {
    let fit = |octet: u8| {
        if octet <= b' ' || matches!(octet, b':' | b'[' | b'=' | b'"' | 0x7f) { b'_' } else { octet }
    };
    out.extend(draft.app.unwrap_or_default().iter().take(32).map(|&octet| fit(octet)));
    if let Some(procid) = draft.procid.filter(|procid| !procid.is_empty()) {
        let fit = |octet: u8| if octet <= b' ' || matches!(octet, b']' | 0x7f) { b'_' } else { octet };
        out.push(b'[');
        out.extend(procid.iter().take(128).map(|&octet| fit(octet)));
        out.push(b']');
    }
}

/// `Mmm dd hh:mm:ss`, the day padded with a blank. Answers whether there is a time.
pub(super) fn bsd_stamp(time: Time, out: &mut Vec<u8>) -> bool {
    let (month, day, hour, minute, second) = match time {
        Time::Unknown => return false,
        Time::AsReceived(stamp) => (stamp.month, stamp.day, stamp.hour, stamp.minute, stamp.second),
        Time::At { instant, offset, .. } => {
            let civil = Civil::at(instant, offset);
            (civil.month, civil.day, civil.hour, civil.minute, civil.second)
        }
    };
    let month = MONTHS.get(usize::from(month.wrapping_sub(1))).copied().unwrap_or("Jan");
    out.extend_from_slice(month.as_bytes());
    let tens = if day < 10 { b' ' } else { b'0' + day / 10 };
    out.extend_from_slice(&[b' ', tens, b'0' + day % 10]);
    for (before, number) in [(b' ', hour), (b':', minute), (b':', second)] {
        out.extend_from_slice(&[before, b'0' + number / 10, b'0' + number % 10]);
    }
    true
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
