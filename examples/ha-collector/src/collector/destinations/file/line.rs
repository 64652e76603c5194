//! One message as one line of text: RFC 3339 time, host, tag, message, with nothing in it that could be taken for a
//! second line or for an order to a terminal.

/// Appends `bytes`, control characters escaped: `\n`, `\r`, `\t`, others as `\x1b`. A backslash stays as it is: people
/// search these files for what the device said.
pub(in crate::collector::destinations) fn escape_into(bytes: &[u8], out: &mut Vec<u8>) {
    // Written to be vectorised: no early way out.
    let suspicious = bytes.iter().fold(false, |found, &byte| found | is_suspicious(byte));
    if suspicious {
        escape_slowly(bytes, out);
    } else {
        out.extend_from_slice(bytes);
    }
}

/// Control characters of ASCII, and the first byte of those of Latin-1 in UTF-8 (U+0080 to U+009F, C2 80 to C2 9F).
const fn is_suspicious(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7F || byte == 0xC2
}

#[cold]
fn escape_slowly(bytes: &[u8], out: &mut Vec<u8>) {
    let mut bytes = bytes.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x00..0x20 | 0x7F => hex_escape(byte, out),
            0xC2 => match bytes.next_if(|next| (0x80..0xA0).contains(next)) {
                Some(control) => {
                    hex_escape(byte, out);
                    hex_escape(control, out);
                }
                None => out.push(byte),
            },
            _ => out.push(byte),
        }
    }
}

fn hex_escape(byte: u8, out: &mut Vec<u8>) {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    out.extend_from_slice(&[b'\\', b'x', digit(byte >> 4), digit(byte & 15)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        escape_into(text, &mut out);
        out
    }

    #[test]
    fn a_message_cannot_forge_a_second_line_or_move_a_cursor() {
        assert_eq!(escaped(b"a\nOct 11 22:14:15 root su: ok"), b"a\\nOct 11 22:14:15 root su: ok");
        assert_eq!(escaped(b"\r\t\0\x1b[2J\x7f"), b"\\r\\t\\x00\\x1b[2J\\x7f");
        assert_eq!(escaped("\u{9b}2J\u{85}".as_bytes()), b"\\xc2\\x9b2J\\xc2\\x85");
    }

    #[test]
    fn text_of_any_language_and_bytes_of_none_stay() {
        for text in ["C:\\new\\table", "Grüße £5 \u{a0} 日本語", ""] {
            assert_eq!(escaped(text.as_bytes()), text.as_bytes());
        }
        assert_eq!(escaped(b"\xe9t\xe9 \xc2"), b"\xe9t\xe9 \xc2");
    }

    #[test]
    fn every_byte_but_controls_survives_and_no_control_does() {
        for byte in 0..=255_u8 {
            let out = escaped(&[b'a', byte, b'b']);
            assert!(out.iter().all(|b| *b >= 0x20 && *b != 0x7F));
            assert_eq!(out.len() == 3, byte >= 0x20 && byte != 0x7F, "{byte:#x}");
        }
    }
}
