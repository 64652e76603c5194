//! JSON (RFC 8259) objects, flattened: `{"a": {"b": [1]}}` is `a.b[0] = 1`. Numbers stay as they are written, null is
//! nothing. Strings may hold bytes that are no UTF-8, and what stands behind the object is not looked at.

use std::io::Write as _;

use super::{Findings, Unreadable};

/// Objects and lists, one in the other.
const DEEPEST: usize = 64;
/// What stands before JSON in a message by custom.
const CUSTOMARY_MARKER: &[u8] = b"@cee:";

pub(super) fn read(
    input: &[u8],
    marker: Option<&[u8]>,
    prefix: &[u8],
    findings: &mut Findings,
) -> Result<(), Unreadable> {
    let input = input.trim_ascii();
    let input = match marker {
        Some(marker) => input.strip_prefix(marker).ok_or(Unreadable)?,
        None => input.strip_prefix(CUSTOMARY_MARKER).unwrap_or(input),
    };
    findings.path.extend_from_slice(prefix);
    let mut cursor = Cursor { rest: input, findings };
    cursor.blanks();
    cursor.object(0, Joint::None)
}

/// What stands between a name and those inside it.
#[derive(Clone, Copy)]
enum Joint {
    None,
    Dot,
}

struct Cursor<'i, 'f> {
    rest: &'i [u8],
    findings: &'f mut Findings,
}

impl<'i> Cursor<'i, '_> {
    fn blanks(&mut self) {
        let blanks = self.rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.rest = self.rest.get(blanks..).unwrap_or_default();
    }

    /// Takes this one, and the blanks behind it.
    fn take(&mut self, wanted: u8) -> Result<(), Unreadable> {
        match self.rest.split_first() {
            Some((&byte, rest)) if byte == wanted => {
                self.rest = rest;
                self.blanks();
                Ok(())
            }
            _ => Err(Unreadable),
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), Unreadable> {
        if depth > DEEPEST {
            return Err(Unreadable);
        }
        match self.rest.first().ok_or(Unreadable)? {
            b'{' => self.object(depth, Joint::Dot),
            b'[' => self.list(depth),
            b'"' => {
                let text = self.string()?;
                self.findings.named(|out| unescape(text, out));
                Ok(())
            }
            b'n' => self.word(b"null"),
            _ => {
                let literal = match self.rest {
                    rest if rest.starts_with(b"true") => rest.get(..4),
                    rest if rest.starts_with(b"false") => rest.get(..5),
                    rest => rest.get(..number(rest)?),
                };
                let literal = literal.unwrap_or_default();
                self.findings.named(|out| out.extend_from_slice(literal));
                self.word(literal)
            }
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Unreadable> {
        self.rest = self.rest.strip_prefix(word).ok_or(Unreadable)?;
        self.blanks();
        Ok(())
    }

    fn object(&mut self, depth: usize, joint: Joint) -> Result<(), Unreadable> {
        self.take(b'{')?;
        if self.take(b'}').is_ok() {
            return Ok(());
        }
        let outer = self.findings.path.len();
        loop {
            let name = self.string()?;
            if matches!(joint, Joint::Dot) {
                self.findings.path.push(b'.');
            }
            unescape(name, &mut self.findings.path);
            self.take(b':')?;
            self.value(depth + 1)?;
            self.findings.path.truncate(outer);
            if self.take(b',').is_err() {
                return self.take(b'}');
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<(), Unreadable> {
        self.take(b'[')?;
        if self.take(b']').is_ok() {
            return Ok(());
        }
        let outer = self.findings.path.len();
        for n in 0_usize.. {
            // Writing to a vector cannot fail.
            drop(write!(self.findings.path, "[{n}]"));
            self.value(depth + 1)?;
            self.findings.path.truncate(outer);
            if self.take(b',').is_err() {
                break;
            }
        }
        self.take(b']')
    }

    /// What stands between two quotes, escapes and all. Each of them is one (RFC 8259 §7).
    fn string(&mut self) -> Result<&'i [u8], Unreadable> {
        let inner = self.rest.strip_prefix(b"\"").ok_or(Unreadable)?;
        let mut at = 0;
        loop {
            match inner.get(at).ok_or(Unreadable)? {
                b'"' => break,
                b'\\' => at += escape_len(inner.get(at..).unwrap_or_default())?,
                0..0x20 => return Err(Unreadable),
                _ => at += 1,
            }
        }
        let text = inner.get(..at).ok_or(Unreadable)?;
        self.rest = inner.get(at + 1..).unwrap_or_default();
        self.blanks();
        Ok(text)
    }
}

/// How long the number is that stands here: `-1.5e+3`.
fn number(rest: &[u8]) -> Result<usize, Unreadable> {
    let digits = |from: usize| {
        let digits = rest.get(from..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit());
        from + digits.count()
    };
    let sign = usize::from(rest.first() == Some(&b'-'));
    let mut end = digits(sign);
    if end == sign || end > sign + 1 && rest.get(sign) == Some(&b'0') {
        return Err(Unreadable);
    }
    if rest.get(end) == Some(&b'.') {
        let after = digits(end + 1);
        if after == end + 1 {
            return Err(Unreadable);
        }
        end = after;
    }
    if matches!(rest.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(rest.get(end + 1), Some(b'+' | b'-')));
        let after = digits(end + 1 + sign);
        if after == end + 1 + sign {
            return Err(Unreadable);
        }
        end = after;
    }
    Ok(end)
}

/// How long the escape is that stands here (RFC 8259 §7).
fn escape_len(rest: &[u8]) -> Result<usize, Unreadable> {
    match rest.get(1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
        Some(b'u') => unit(rest).map(|_| 6).ok_or(Unreadable),
        _ => Err(Unreadable),
    }
}

/// Appends a string without its escapes. Half a surrogate pair is U+FFFD.
fn unescape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        let (before, escape) = rest.split_at(at);
        out.extend_from_slice(before);
        let mut taken = 2;
        match escape.get(1).copied().unwrap_or_default() {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let c;
                (c, taken) = character(escape);
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            byte => out.push(byte),
        }
        rest = escape.get(taken..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

/// The character of `\uXXXX`, or of two of them, and how long they are.
fn character(escape: &[u8]) -> (char, usize) {
    let first = unit(escape).unwrap_or_default();
    let second = escape.get(6..).and_then(unit).filter(|second| (0xDC00..0xE000).contains(second));
    match (first, second) {
        (0xD800..0xDC00, Some(second)) => {
            let c = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            (char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        _ => (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
    }
}

/// The number of `\uXXXX`.
fn unit(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))
}
