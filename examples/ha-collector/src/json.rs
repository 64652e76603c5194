//! A message as JSON, for `parse` and for destinations, and the parts of JSON that whoever writes it needs.
//!
//! Unknown is null. Bytes that are not UTF-8 come as U+FFFD; where that is so in the message proper, `message_base64`
//! has the exact bytes. Nothing is allocated but room in the output.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;
use syslog_parse::{
    Deviations, Format, Message, Pri, Provenance, Resolved, Rfc3339, SdValue, StructuredData,
};

/// What is known of a message.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) format: Format,
    pub(crate) pri: Option<u16>,
    pub(crate) sent: Option<Sent>,
    pub(crate) host: Option<&'a [u8]>,
    pub(crate) app: Option<&'a [u8]>,
    pub(crate) procid: Option<&'a [u8]>,
    pub(crate) msgid: Option<&'a [u8]>,
    pub(crate) structured_data: StructuredData<'a>,
    pub(crate) message: &'a [u8],
    pub(crate) deviations: Deviations,
    pub(crate) sequence: Option<u32>,
}

/// When it was sent, and how that is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) text: Rfc3339,
    pub(crate) provenance: Provenance,
}

/// Whether bytes were UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Exact,
    /// Some bytes are U+FFFD now.
    Mended,
}

impl<'a> Facts<'a> {
    /// A message as it was parsed, sent when `sent` says.
    pub(crate) fn of(message: &Message<'a>, sent: Option<Resolved>) -> Self {
        let digits = message.stamp().map_or(0, |stamp| stamp.fraction_digits);
        Self {
            format: message.format(),
            pri: message.pri().map(Pri::number),
            sent: sent.map(|sent| Sent {
                text: Rfc3339::new(sent.instant, sent.offset, digits),
                provenance: sent.provenance,
            }),
            host: message.host(),
            app: message.app(),
            procid: message.procid(),
            msgid: message.msgid(),
            structured_data: message.structured_data(),
            message: message.message(),
            deviations: message.deviations(),
            sequence: message.sequence(),
        }
    }
}

/// Appends the message as an object.
pub(crate) fn push_message(facts: &Facts<'_>, out: &mut Vec<u8>) {
    open(facts, out);
    out.push(b'}');
}

/// The same without the brace at the end: there is more to say.
pub(crate) fn open(facts: &Facts<'_>, out: &mut Vec<u8>) {
    let pri = facts.pri.map(Pri::from_number);
    // Writing to a vector does not fail.
    drop(write!(out, "{{\"format\":\"{}\"", facts.format.as_str()));
    match facts.pri {
        Some(pri) => drop(write!(out, ",\"pri\":{pri}")),
        None => out.extend_from_slice(b",\"pri\":null"),
    }
    let facility = pri.and_then(Pri::facility).map(|facility| facility.as_str().as_bytes());
    let severity = pri.and_then(Pri::severity).map(|severity| severity.as_str().as_bytes());
    let timestamp = facts.sent.as_ref().map(|sent| sent.text.as_bytes());
    for (key, value) in [
        ("facility", facility),
        ("severity", severity),
        ("timestamp", timestamp),
        ("host", facts.host),
        ("app", facts.app),
        ("procid", facts.procid),
        ("msgid", facts.msgid),
    ] {
        next(key, out);
        match value {
            Some(value) => _ = push_string(value, out),
            None => out.extend_from_slice(b"null"),
        }
    }
    structured_data(&facts.structured_data, out);
    next("message", out);
    if push_string(facts.message, out) == Text::Mended {
        next("message_base64", out);
        out.push(b'"');
        push_base64(facts.message, out);
        out.push(b'"');
    }
    next("deviations", out);
    out.push(b'[');
    for (n, deviation) in facts.deviations.iter().enumerate() {
        out.extend_from_slice(if n == 0 { b"\"" } else { b",\"" });
        out.extend_from_slice(deviation.as_str().as_bytes());
        out.push(b'"');
    }
    out.push(b']');
    match facts.sent.map(|sent| sent.provenance) {
        Some(how) => drop(write!(
            out,
            ",\"time\":{{\"zone\":\"{}\",\"year_inferred\":{},\"gap\":{},\"fold\":{}}}",
            how.zone().as_str(),
            how.year_inferred(),
            how.gap(),
            how.fold()
        )),
        None => out.extend_from_slice(b",\"time\":null"),
    }
    match facts.sequence {
        Some(sequence) => drop(write!(out, ",\"sequence\":{sequence}")),
        None => out.extend_from_slice(b",\"sequence\":null"),
    }
}

/// `,"key":`
fn next(key: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}

fn structured_data(elements: &StructuredData<'_>, out: &mut Vec<u8>) {
    next("structured_data", out);
    let start = out.len();
    for element in elements.clone() {
        out.extend_from_slice(if out.len() == start { b"[{\"id\":" } else { b",{\"id\":" });
        push_string(element.id(), out);
        out.extend_from_slice(b",\"params\":[");
        for (n, (name, value)) in element.params().enumerate() {
            out.extend_from_slice(if n == 0 { b"[" } else { b",[" });
            push_string(name, out);
            out.extend_from_slice(b",\"");
            unescaped(value, out);
            out.extend_from_slice(b"\"]");
        }
        out.extend_from_slice(b"]}");
    }
    out.extend_from_slice(if out.len() == start { b"null" } else { b"]" });
}

fn unescaped(value: SdValue<'_>, out: &mut Vec<u8>) {
    // A backslash that goes never stands within a character, nor do its neighbours make one together.
    for chunk in value.chunks() {
        push_escaped(chunk, out);
    }
}

/// Appends a string with its quotation marks.
pub(crate) fn push_string(bytes: &[u8], out: &mut Vec<u8>) -> Text {
    out.push(b'"');
    let text = push_escaped(bytes, out);
    out.push(b'"');
    text
}

/// Appends what stands between the quotation marks. Control characters are escaped, those beyond ASCII too: no terminal
/// takes what it is shown for an order.
pub(crate) fn push_escaped(bytes: &[u8], out: &mut Vec<u8>) -> Text {
    let mut text = Text::Exact;
    for chunk in bytes.utf8_chunks() {
        escape(chunk.valid().as_bytes(), out);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{FFFD}".as_bytes());
            text = Text::Mended;
        }
    }
    text
}

/// Appends text that is UTF-8, escaped.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    let special = |byte: u8| byte < 0x20 || matches!(byte, b'"' | b'\\' | 0x7F | 0xC2);
    // Written to be vectorised: no early way out.
    if !text.iter().fold(false, |found, &byte| found | special(byte)) {
        return out.extend_from_slice(text);
    }
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0C => out.extend_from_slice(b"\\f"),
            0..0x20 | 0x7F => hex_escape(byte, out),
            // U+0080 to U+009F
            0xC2 => match bytes.next_if(|next| *next < 0xA0) {
                Some(control) => hex_escape(control, out),
                None => out.push(byte),
            },
            _ => out.push(byte),
        }
    }
}

fn hex_escape(byte: u8, out: &mut Vec<u8>) {
    drop(write!(out, "\\u{byte:04x}"));
}

/// Appends RFC 4648 §4, with padding.
pub(crate) fn push_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, b'=');
    // It is just as long as that.
    drop(STANDARD.encode_slice(bytes, out.get_mut(start..).unwrap_or_default()));
}

/// Whether the bytes are a number as JSON writes it.
pub(crate) fn is_number(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(b'-' | b'0'..=b'9')) && is_value(bytes)
}

/// Whether the bytes are one value of JSON, without control characters.
pub(crate) fn is_value(bytes: &[u8]) -> bool {
    let clean = std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(char::is_control));
    clean && serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

#[cfg(test)]
mod tests;
