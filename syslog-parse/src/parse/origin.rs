//! Who sent it: host and tag of RFC 3164 §4.1.2 and §4.1.3, and where the message begins.

use super::bsd;
use crate::scan::{at, digits_end, host_end, is_blank, name_end, skip_blanks, tag_end};
use crate::{Deviation, Deviations, Facility, Header, Span};
use std::net::Ipv6Addr;

/// Reads the host and says where the tag begins. A tag in the place of the host means that there is no host.
///
/// `None`: there is no tag, and the message is found.
#[inline(always)]
pub(super) fn host(text: &[u8], from: usize, header: &mut Header) -> Option<usize> {
    // A host has no `=`: `src=192.0.2.1 dst=…` is text.
    let end = host_end(text, from);
    let next = if is_blank(at(text, end)) && !is_remark(text, from) {
        if !names_host(text, from, end, header) {
            header.deviations.insert(Deviation::MissingHost);
            if at(text, from) != b'-' || end != from + 1 {
                return Some(from);
            }
        } else {
            header.host = Span::new(from, end);
        }
        end
    } else {
        match unusual_host(text, from, end) {
            Some(Unusual { host, end, remark }) => {
                header.host = host;
                header.deviations = header.deviations.union(remark);
                end
            }
            None => {
                header.deviations.insert(Deviation::MissingHost);
                return Some(from);
            }
        }
    };
    // Senders pad here.
    let from = if is_blank(at(text, next + 1)) { skip_blanks(text, next) } else { next + 1 };
    if (at(text, from + 3) == b' ' && is_inner_stamp(text, from)) || is_inner_pri(text, from) {
        header.deviations.insert(Deviation::RelayHeader);
        header.message = Span::new(from, text.len());
        return None;
    }
    Some(from)
}

/// A host that is not simply a word.
pub(super) struct Unusual {
    pub(super) host: Span,
    /// Where it ends, with whatever is around it.
    pub(super) end: usize,
    pub(super) remark: Deviations,
}

/// What is neither a word and a blank nor, certainly, a tag; `end` is where a word would. `None`: there is no host.
#[inline(never)]
pub(super) fn unusual_host(text: &[u8], from: usize, end: usize) -> Option<Unusual> {
    const AIX: &[u8] = b"Message forwarded from ";
    let rest = text.get(from..)?;
    let mut remark = Deviations::NONE;
    if at(text, from) == b'M'
        && let Some(forwarded) = rest.strip_prefix(AIX)
    {
        let host = from + AIX.len();
        let end = host + forwarded.iter().position(|&octet| matches!(octet, b':' | b' '))?;
        remark.insert(Deviation::Forwarded);
        return Some(Unusual { host: Span::new(host, end), end, remark });
    }
    if is_remark(text, from) {
        return None;
    }
    match (at(text, end), at(text, end + 1)) {
        // ONTAP: `node-01: node-01: text`.
        (b':', b' ') if is_again(text, from, end) => {
            remark.insert(Deviation::DeviceShape);
            return Some(Unusual { host: Span::new(from, end), end: end + 1, remark });
        }
        (b':', b' ') | (b'[', _) if end > from => return None,
        _ => {}
    }
    if at(text, from) == b'['
        && let Some(host) = bracketed(text, from)
    {
        return Some(Unusual { host, end: host.end() + 1, remark });
    }
    if end >= text.len() {
        // One word and nothing else.
        return (end > from).then(|| Unusual { host: Span::new(from, end), end, remark });
    }
    let word_len = rest.iter().position(|&octet| octet <= b' ').unwrap_or(rest.len());
    let word = rest.get(..word_len)?;
    let (bare, open) = match word {
        [b'[', inner @ .., b']'] => (inner, 1),
        _ => (word, 0),
    };
    let host = Span::new(from + open, from + open + bare.len());
    (is_ipv6(bare) && word_len < rest.len()).then(|| Unusual { host, end: from + word_len, remark })
}

/// Whether a word that a blank ends names a host.
#[inline(always)]
fn names_host(text: &[u8], from: usize, end: usize, header: &Header) -> bool {
    match at(text, from) {
        // The NILVALUE of RFC 5424.
        b'-' => end > from + 1,
        // `1,2026/11/20 10:00:00,…`: the first of many columns.
        b'0'..=b'9' => at(text, from + 1) != b',',
        // OpenWrt's logread: `Fri Nov 20 10:00:00 2026 daemon.info dnsmasq[1]: `. Else `mail.info` may be a host.
        b'a'..=b'z' if header.stamp.is_some_and(|stamp| stamp.weekday.is_some()) => {
            behind_level(text, from, end).is_none()
        }
        // Untangle: `INFO  uvm[0]: `, a level and no host.
        b'A'..=b'Z' if at(text, from + 1).is_ascii_uppercase() => behind_level(text, from, end).is_none(),
        _ => true,
    }
}

/// `[localhost] systemd[1]: `, as rsyslog writes it where the machine has no other name: only with what is certainly a
/// tag behind it, since levels, threads and times stand between brackets too.
fn bracketed(text: &[u8], open: usize) -> Option<Span> {
    let rest = text.get(open + 1..)?;
    let len = rest
        .iter()
        .position(|&octet| !(octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_')))?;
    let (host, behind) = (rest.get(..len)?, rest.get(len..)?);
    let named = host.first()?.is_ascii_alphabetic() && behind.starts_with(b"] ") && !is_level(host);
    (named && is_certain(text, open + len + 3)).then(|| Span::new(open + 1, open + 1 + len))
}

/// Whether a name and digits between brackets begin here, then a colon and a blank.
pub(super) fn is_certain(text: &[u8], from: usize) -> bool {
    let open = tag_end(text, from);
    let close = digits_end(text, open + 1);
    at(text, from).is_ascii_alphabetic()
        && at(text, open) == b'['
        && close > open + 1
        && text.get(close..).is_some_and(|rest| rest.starts_with(b"]: "))
}

/// Whether the word and its colon, and a blank, are followed by the same word and its colon.
fn is_again(text: &[u8], from: usize, end: usize) -> bool {
    let (word, rest) = (text.get(from..=end), text.get(end + 2..));
    end > from && word.zip(rest).is_some_and(|(word, rest)| rest.starts_with(word))
}

/// Reads a tag and, where it has one, the process in brackets; the rest is the message.
#[inline(always)]
pub(super) fn tag(text: &[u8], from: usize, header: &mut Header) {
    let from = from.min(text.len());
    if is_remark(text, from) {
        header.deviations.insert(Deviation::Repeated);
        header.message = Span::new(from, text.len());
        return;
    }
    let end = tag_end(text, from);
    if end == from {
        return no_tag(text, from, header);
    }
    let message = match at(text, end) {
        // `key=value`, `{"key"`: text.
        b'=' | b'"' => return no_tag(text, from, header),
        // Nor is what begins with a bracket a name, or a number: `<info> text`, `61: *Nov 20 …`, `10:00:00 text`.
        _ if at(text, from) == b'<' => return no_tag(text, from, header),
        b':' if at(text, from).is_ascii_digit() && is_number(text, from, end) => {
            return no_tag(text, from, header);
        }
        b':' => end + 1,
        b'[' => {
            let behind;
            (header.procid, behind) = process(text, end);
            behind
        }
        _ if end == text.len() => end,
        // A number is no name: `00076 ports: up`, `1,2026/11/20 10:00:00,TRAFFIC`.
        _ if at(text, from).is_ascii_digit() => return no_tag(text, from, header),
        _ => match behind_level(text, from, end) {
            Some(real) => {
                // The level is in no field.
                header.deviations.insert(Deviation::DeviceShape);
                return inner_tag(text, real, header);
            }
            None => {
                header.deviations.insert(Deviation::TagEndedBySpace);
                end
            }
        },
    };
    header.app = Span::new(from, end);
    if end - from > 32 {
        header.deviations.insert(Deviation::TagTooLong);
    }
    // Exactly one blank is the header's; further ones are the sender's.
    let message = message + usize::from(is_blank(at(text, message)));
    header.message = Span::new(message, text.len());
}

/// The tag behind what is none.
#[inline(never)]
fn inner_tag(text: &[u8], from: usize, header: &mut Header) {
    tag(text, from, header);
}

/// `[pid]`, `[pid]:` at `open`, and where it ends. A bracket that holds blanks is message.
#[inline]
pub(super) fn process(text: &[u8], open: usize) -> (Span, usize) {
    let mut close = open + 1;
    while !matches!(at(text, close), b']' | 0..=b' ') {
        close += 1;
    }
    if at(text, close) != b']' {
        return (Span::ABSENT, open);
    }
    (Span::new(open + 1, close), close + 1 + usize::from(at(text, close + 1) == b':'))
}

/// Text, or a colon that stands alone before the tag.
#[cold]
fn no_tag(text: &[u8], from: usize, header: &mut Header) {
    let behind = skip_blanks(text, from + 1);
    if at(text, from) == b':' && behind > from + 1 && at(text, behind) != b':' {
        header.deviations.insert(Deviation::DeviceShape);
        return inner_tag(text, behind, header);
    }
    header.deviations.insert(Deviation::MissingTag);
    header.message = Span::new(from, text.len());
}

/// Where the tag begins if the word before it is a level: F5's `notice tmsh[1234]: `, Alteon's `NOTICE  slb: `, OpenWrt's
/// `daemon.info dnsmasq[812]: `.
///
/// `error reading: disk` is text: a level that is also a word of English needs a bracket behind the tag.
pub(super) fn behind_level(text: &[u8], from: usize, end: usize) -> Option<usize> {
    let word = text.get(from..end)?;
    if !may_be_level(at(text, from), end - from) || !is_level(word) {
        return None;
    }
    let next = skip_blanks(text, end);
    let next_end = name_end(text, next);
    let is_tag = match at(text, next_end) {
        b'[' => true,
        b':' => word.contains(&b'.') || word.iter().all(u8::is_ascii_uppercase),
        _ => false,
    };
    (next_end > next && is_tag).then_some(next)
}

/// What `err`, `warning`, `lpr.err` and `authpriv.warning` have in common, and few other words.
#[inline(always)]
pub(super) const fn may_be_level(first: u8, len: usize) -> bool {
    match len {
        3..=7 => matches!(first | 0x20, b'a' | b'c' | b'd' | b'e' | b'f' | b'i' | b'l' | b'n' | b'w'),
        8..=16 => first.is_ascii_lowercase(),
        _ => false,
    }
}

/// The name of a severity, in small letters or capitals, or that of a facility, a dot and that of a severity.
#[inline(never)]
fn is_level(word: &[u8]) -> bool {
    let Some(dot) = word.iter().position(|&octet| octet == b'.') else { return is_severity(word) };
    let facility = word.get(..dot).and_then(|facility| std::str::from_utf8(facility).ok());
    word.get(dot + 1..).is_some_and(is_severity) && facility.and_then(Facility::from_name).is_some()
}

/// Names of severities, and their old ones, in small letters or capitals.
fn is_severity(word: &[u8]) -> bool {
    let mut small = [0; 7];
    let Some(letters) = small.get_mut(..word.len()) else { return false };
    letters.copy_from_slice(word);
    letters.make_ascii_lowercase();
    matches!(
        &*letters,
        b"emerg"
            | b"alert"
            | b"crit"
            | b"err"
            | b"error"
            | b"warning"
            | b"warn"
            | b"notice"
            | b"info"
            | b"debug"
    )
}

/// Whether the word is all digits, and not empty.
#[inline(never)]
pub(super) fn is_number(text: &[u8], from: usize, end: usize) -> bool {
    digits_end(text, from) == end
}

/// `last message repeated N times` is of the logging daemon, not of a host or a program.
#[inline]
pub(super) fn is_remark(text: &[u8], from: usize) -> bool {
    match at(text, from) {
        b'l' => text.get(from..).is_some_and(|rest| rest.starts_with(b"last message repeated ")),
        b'M' => text.get(from..).is_some_and(|rest| rest.starts_with(b"Message forwarded from ")),
        _ => false,
    }
}

/// Whether a stamp begins here: then a relay put its own header before it.
#[inline(never)]
pub(super) fn is_inner_stamp(text: &[u8], from: usize) -> bool {
    at(text, from + 3) == b' '
        && bsd::month([at(text, from), at(text, from + 1), at(text, from + 2)]).is_some()
        && bsd::stamp(text, from, &mut Header::EMPTY.clone()).is_some()
}

/// Whether a PRI stands here: a relay that put its own header before it left it there.
#[inline]
fn is_inner_pri(text: &[u8], from: usize) -> bool {
    at(text, from) == b'<' && {
        let end = digits_end(text, from + 1);
        (from + 2..from + 5).contains(&end) && at(text, end) == b'>'
    }
}

/// Whether a word is an IPv6 address (RFC 4291 §2.2), with a zone behind it or not.
pub(super) fn is_ipv6(word: &[u8]) -> bool {
    let (mut groups, mut digits, mut gap) = (0, 0, false);
    for (index, &octet) in word.iter().enumerate() {
        match octet {
            b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' if digits < 4 => digits += 1,
            b':' if digits > 0 => {
                groups += 1;
                digits = 0;
            }
            b':' if index > 0 && at(word, index - 1) == b':' && !gap => gap = true,
            b':' if index == 0 && at(word, 1) == b':' => {}
            b'%' | b'.' if groups > 0 || gap => return is_long_ipv6(word),
            _ => return false,
        }
    }
    let ended = digits > 0 || word.ends_with(b"::");
    groups += usize::from(digits > 0);
    ended && if gap { groups < 8 } else { groups == 8 }
}

/// The same with a zone, or an IPv4 address in it.
#[cold]
fn is_long_ipv6(word: &[u8]) -> bool {
    let address = word.split(|&octet| octet == b'%').next().unwrap_or(word);
    std::str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn an_address_is_what_the_standard_library_takes_for_one(
            word in prop_oneof![
                "[0-9a-f:.]{0,12}",
                "(([0-9a-fA-F]{1,4}|)(:|::)){0,8}[0-9a-f]{0,5}",
                "::ffff:[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}",
                any::<[u16; 8]>().prop_map(|groups| Ipv6Addr::from(groups).to_string()),
            ],
        ) {
            prop_assert_eq!(is_ipv6(word.as_bytes()), word.parse::<Ipv6Addr>().is_ok(), "{}", word);
        }
    }
}
