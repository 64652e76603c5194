//! Text to text, for functions in templates. What is not UTF-8 stays as it is.

/// Appends the text with each of its characters mapped.
pub(super) fn map_case<M: Iterator<Item = char>>(text: &[u8], map: impl Fn(char) -> M, out: &mut Vec<u8>) {
    let mut octets = [0; 4];
    for chunk in text.utf8_chunks() {
        for mapped in chunk.valid().chars().flat_map(&map) {
            out.extend_from_slice(mapped.encode_utf8(&mut octets).as_bytes());
        }
        out.extend_from_slice(chunk.invalid());
    }
}

/// So many bytes from an offset on. A negative offset counts from the end, a negative length leaves so many out at the
/// end; what cannot be is empty.
pub(super) fn substr(text: &[u8], start: i64, len: Option<i64>) -> &[u8] {
    let whole = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let start = if start < 0 { whole.saturating_add(start) } else { start };
    let rest = usize::try_from(start).ok().and_then(|start| text.get(start..)).unwrap_or_default();
    let left = i64::try_from(rest.len()).unwrap_or(i64::MAX);
    let len = match len {
        Some(len) if len < 0 => left.saturating_add(len),
        Some(len) => len.min(left),
        None => left,
    };
    usize::try_from(len).ok().and_then(|len| rest.get(..len)).unwrap_or_default()
}

/// Appends the text with each byte of that kind replaced.
pub(super) fn replace(text: &[u8], kind: impl Fn(u8) -> bool, by: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        if kind(byte) {
            out.extend_from_slice(by);
        } else {
            out.push(byte);
        }
    }
}

/// As syslog-ng's `template-escape` does it, for values between quotation marks.
pub(super) fn escape(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'"' | b'\'' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..0x20 | 0x7F => {
                out.extend_from_slice(&[
                    b'\\',
                    b'0' + (byte >> 6),
                    b'0' + (byte >> 3 & 7),
                    b'0' + (byte & 7),
                ]);
            }
            _ => out.push(byte),
        }
    }
}

/// `%XX` for everything but the unreserved characters of RFC 3986 §2.3.
pub(super) fn url_encode(text: &[u8], out: &mut Vec<u8>) {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 };
    for &byte in text {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

/// What stands before the last `/` (`.` where there is none).
pub(super) fn dir_name(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) => b"/",
        Some(at) => path.get(..at).unwrap_or_default(),
        None => b".",
    }
}

/// What stands behind the last `/` that has something behind it.
pub(super) fn base_name(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let path = path.get(..end).unwrap_or_default();
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}
