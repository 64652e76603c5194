//! Pairs, as syslog-ng reads them: `a=1, b="two words" c=three words d=4`. What is no pair is passed over, so every message
//! can be read, if there is a pair or not.

use super::Findings;
use crate::config::path::KeyValue;

pub(super) fn read(input: &[u8], kv: &KeyValue, prefix: &[u8], findings: &mut Findings) {
    findings.path.extend_from_slice(prefix);
    let mut rest = input;
    while let Some(at) = rest.iter().position(|&byte| byte == kv.value_separator) {
        let (before, behind) = rest.split_at(at);
        let behind = behind.get(1..).unwrap_or_default();
        rest = behind;
        let key = key_at_end_of(before);
        if key.is_empty() {
            continue;
        }
        findings.path.truncate(prefix.len());
        findings.path.extend_from_slice(key);
        let blanks = spaces(behind);
        let value = behind.get(blanks..).unwrap_or_default();
        let len = match quoted_len(value, kv) {
            Some(len) => {
                findings.named(|out| unquote(value.get(1..len - 1).unwrap_or_default(), out));
                blanks + len
            }
            None => {
                let len = end_of_value(behind, kv);
                let value = behind.get(..len).unwrap_or_default();
                findings.named(|out| out.extend_from_slice(value.trim_ascii()));
                len
            }
        };
        rest = rest.get(len..).unwrap_or_default();
    }
}

const fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

fn spaces(text: &[u8]) -> usize {
    text.iter().take_while(|&&byte| byte == b' ').count()
}

fn key_at_end_of(before: &[u8]) -> &[u8] {
    let before = before.trim_ascii_end();
    let len = before.iter().rev().take_while(|&&byte| is_key(byte)).count();
    before.get(before.len() - len..).unwrap_or_default()
}

/// How long a value in quotes is, with them. `None`: it has none, or none at its end.
fn quoted_len(value: &[u8], kv: &KeyValue) -> Option<usize> {
    let quote = value.first().filter(|quote| kv.quotes.contains(quote))?;
    let mut at = 1;
    while value.get(at)? != quote {
        at += if value.get(at) == Some(&b'\\') { 2 } else { 1 };
    }
    let behind = value.get(at + 1..)?;
    let ends = behind.first().is_none_or(|&byte| byte == b' ') || starts_pair(behind, kv);
    ends.then_some(at + 1)
}

fn starts_pair(text: &[u8], kv: &KeyValue) -> bool {
    !kv.pair_separator.is_empty() && text.starts_with(kv.pair_separator.as_bytes())
}

/// A value without quotes goes on until the separator of pairs, or until blanks and the next key.
fn end_of_value(behind: &[u8], kv: &KeyValue) -> usize {
    let mut at = 0;
    while let Some(rest) = behind.get(at..).filter(|rest| !rest.is_empty()) {
        if starts_pair(rest, kv) {
            return at;
        }
        let blanks = spaces(rest);
        if blanks == 0 {
            at += 1;
            continue;
        }
        let word = rest.get(blanks..).unwrap_or_default();
        let key = word.iter().take_while(|&&byte| is_key(byte)).count();
        let next = word.get(key..).unwrap_or_default();
        if key > 0 && next.get(spaces(next)) == Some(&kv.value_separator) {
            return at;
        }
        at += blanks;
    }
    behind.len()
}

/// Appends what stands within quotes, without its escapes.
fn unquote(inner: &[u8], out: &mut Vec<u8>) {
    let mut rest = inner;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        let escaped = behind.first().filter(|_| byte == b'\\');
        match escaped {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(&plain @ (b'\\' | b'"' | b'\'')) => out.push(plain),
            _ => {
                out.push(byte);
                continue;
            }
        }
        rest = behind.get(1..).unwrap_or_default();
    }
}
