//! Pairs: `a=1, b="two words"`. What is no pair is passed over, so every message can be read, if there is a pair or not.

use super::Findings;
use crate::config::path::KeyValue;

pub(super) fn read(input: &[u8], kv: &KeyValue, prefix: &[u8], findings: &mut Findings) {
    findings.path.extend_from_slice(prefix);
    let mut rest = input;
    while let Some(at) = rest.iter().position(|&byte| byte == kv.value_separator) {
        let (before, behind) = rest.split_at(at);
        let behind = behind.get(1..).unwrap_or_default();
        let key = key_at_end_of(before);
        let value = behind.trim_ascii_start();
        // A blank before a value is only passed over where a quote follows: `a= b=1`.
        let quoted = value.split_first().filter(|(quote, _)| kv.quotes.contains(quote));
        findings.path.truncate(prefix.len());
        findings.path.extend_from_slice(key);
        rest = match quoted {
            Some((quote, inner)) => {
                let mut len = 0;
                if key.is_empty() {
                    len = unquote(inner, *quote, |_| {});
                } else {
                    findings.named(|out| len = unquote(inner, *quote, |bytes| out.extend_from_slice(bytes)));
                }
                inner.get(len..).unwrap_or_default()
            }
            None => {
                let len = end_of_value(behind, kv.pair_separator.as_bytes());
                let value = behind.get(..len).unwrap_or_default();
                if !key.is_empty() {
                    findings.named(|out| out.extend_from_slice(value));
                }
                behind.get(len..).unwrap_or_default()
            }
        };
    }
}

/// The letters, digits and `_ . - @` before a separator.
fn key_at_end_of(before: &[u8]) -> &[u8] {
    let before = before.trim_ascii_end();
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-@".contains(byte);
    let len = before.iter().rev().take_while(|&byte| is_key(byte)).count();
    before.get(before.len() - len..).unwrap_or_default()
}

/// An unquoted value ends at the separator of pairs, or at white space.
fn end_of_value(behind: &[u8], pair_separator: &[u8]) -> usize {
    let separator = pair_separator.trim_ascii();
    let ends = |at: usize| {
        let rest = behind.get(at..).unwrap_or_default();
        rest.first().is_some_and(u8::is_ascii_whitespace)
            || !separator.is_empty() && rest.starts_with(separator)
    };
    (0..behind.len()).find(|&at| ends(at)).unwrap_or(behind.len())
}

/// Hands out a quoted value, and tells how long it was with the quote that ends it.
fn unquote(input: &[u8], quote: u8, mut out: impl FnMut(&[u8])) -> usize {
    let mut at = 0;
    while let Some(&byte) = input.get(at) {
        match (byte, input.get(at + 1)) {
            (b'\\', Some(&next)) => {
                match next {
                    b'n' => out(b"\n"),
                    b't' => out(b"\t"),
                    b'r' => out(b"\r"),
                    b'\\' | b'"' | b'\'' => out(&[next]),
                    _ => out(&[b'\\', next]),
                }
                at += 2;
            }
            _ if byte == quote => return at + 1,
            _ => {
                out(&[byte]);
                at += 1;
            }
        }
    }
    at
}
