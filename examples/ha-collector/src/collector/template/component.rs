//! Message fields as path components: whatever a stranger puts into a field, it becomes one harmless name.
//!
//! Letters, digits and `. _ - : @ + = ,` stay; every other byte becomes `%XX`, and so do a leading `.`, `-` or `~`.
//! The result is never empty, never `.` or `..`, has no `/`, no NUL, no control character and nothing that a shell
//! expands, and two different fields never become the same name. What is longer than a name may be is cut and told
//! apart by a hash of the whole.

/// Bytes in a file name: NAME_MAX of Linux.
const NAME_MAX: usize = 255;
/// `%~` and the 32 hexadecimal digits of a 128-bit hash. No encoded byte begins with `%~`.
const HASH_LEN: usize = 2 + 32;
/// What an empty field becomes: no encoded byte begins with `%_`.
const EMPTY: &[u8] = b"%_";

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Appends `field` to `out` as one path component.
pub(crate) fn encode(field: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let harmless = field.iter().fold(true, |harmless, &byte| harmless & stays(byte));
    if harmless && !field.is_empty() && field.len() <= NAME_MAX && !leads(field) {
        out.extend_from_slice(field);
        return;
    }
    for (at, &byte) in field.iter().enumerate() {
        if stays(byte) && (at > 0 || !leads(field)) {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', hex(byte >> 4), hex(byte)]);
        }
    }
    if field.is_empty() {
        out.extend_from_slice(EMPTY);
    }
    if out.len() - start > NAME_MAX {
        let mut cut = start + NAME_MAX - HASH_LEN;
        // Not in the middle of a `%XX`.
        cut -= out
            .get(cut - 2..cut)
            .map_or(0, |end| end.iter().rev().position(|&b| b == b'%').map_or(0, |n| n + 1));
        out.truncate(cut);
        out.extend_from_slice(b"%~");
        let hash = fnv1a_128(field);
        out.extend(hash.to_be_bytes().into_iter().flat_map(|byte| [hex(byte >> 4), hex(byte)]));
    }
}

/// Whether it begins with what means something at the beginning of a name.
const fn leads(field: &[u8]) -> bool {
    matches!(field, [b'.' | b'-' | b'~', ..])
}

const fn stays(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':' | b'@' | b'+' | b'=' | b',')
}

#[expect(clippy::indexing_slicing, reason = "a nibble is below 16")]
const fn hex(nibble: u8) -> u8 {
    HEX[(nibble & 15) as usize]
}

/// FNV-1a, 128 bits. Only names over 255 bytes meet it, and who makes two of them collide merges two files of his
/// own messages.
fn fnv1a_128(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, &byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(field: &[u8]) -> String {
        let mut out = b"kept".to_vec();
        encode(field, &mut out);
        String::from_utf8(out.split_off(4)).unwrap()
    }

    #[test]
    fn ordinary_hosts_stay_as_they_are() {
        for host in ["web-1", "10.0.0.99", "db7.example.org", "2001:db8::7", "192.168.33.8-1", "a_b"] {
            assert_eq!(encoded(host.as_bytes()), host);
        }
    }

    #[test]
    fn no_field_leaves_or_reenters_the_root() {
        assert_eq!(encoded(b"../../etc/cron.d/x"), "%2E.%2F..%2Fetc%2Fcron.d%2Fx");
        assert_eq!(encoded(b"."), "%2E");
        assert_eq!(encoded(b".."), "%2E.");
        assert_eq!(encoded(b"/"), "%2F");
        assert_eq!(encoded(b""), "%_");
        assert_eq!(encoded(b"a\0b\nc"), "a%00b%0Ac");
        assert_eq!(encoded(b"-rf"), "%2Drf");
        assert_eq!(encoded(b"~root"), "%7Eroot");
        assert_eq!(encoded(b"$(reboot);*"), "%24%28reboot%29%3B%2A");
        assert_eq!(encoded("é".as_bytes()), "%C3%A9");
    }

    #[test]
    fn different_fields_have_different_names() {
        assert_ne!(encoded(b"a/b"), encoded(b"a%2Fb"));
        assert_ne!(encoded(b""), encoded(b"%_"));
        let long = |last: u8| {
            let mut field = vec![b'/'; 400];
            field.push(last);
            encoded(&field)
        };
        assert_ne!(long(b'1'), long(b'2'));
    }

    #[test]
    fn a_name_never_exceeds_what_the_filesystem_takes_and_no_escape_is_cut() {
        for len in 0..600 {
            for byte in [b'a', b'/', 0xFF] {
                let mut field = vec![b'x'; len % 3];
                field.resize(len, byte);
                let name = encoded(&field);
                assert!(!name.is_empty() && name.len() <= NAME_MAX, "{len}");
                for (at, _) in name.match_indices('%') {
                    let rest = &name[at + 1..];
                    let escape = rest.get(..2).is_some_and(|two| u8::from_str_radix(two, 16).is_ok());
                    assert!(escape || rest.starts_with(['~', '_']), "{name}");
                }
            }
        }
    }

    #[test]
    fn the_hash_is_fnv1a() {
        // The offset basis is the hash of nothing; "a" is from the algorithm's published vectors.
        assert_eq!(fnv1a_128(b""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(fnv1a_128(b"a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }
}
