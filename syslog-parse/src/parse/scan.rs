//! Looking at octets: one, or eight at a time.
//!
//! What lies beyond the end reads as NUL, so that no look needs a test for the end. A NUL that is really there is
//! told from the end by the position alone.

/// The octet at `index`; NUL beyond the end.
#[inline(always)]
pub(super) fn at(text: &[u8], index: usize) -> u8 {
    text.get(index).copied().unwrap_or(0)
}

/// Where the digits that begin at `from` end.
#[inline]
pub(super) fn digits_end(text: &[u8], from: usize) -> usize {
    let mut end = from;
    while at(text, end).is_ascii_digit() {
        end += 1;
    }
    end
}

/// Where the blanks and tabs that begin at `from` end.
#[inline]
pub(super) fn skip_blanks(text: &[u8], from: usize) -> usize {
    let mut end = from;
    while is_blank(at(text, end)) {
        end += 1;
    }
    end
}

/// Whether it separates fields of RFC 3164; some senders use tabs.
#[inline(always)]
pub(super) const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// The value of one or two decimal digits that end before `end`; `from < end <= from + 2`, digits all.
#[inline(always)]
pub(super) fn two_digits(tens: u8, units: u8) -> u8 {
    tens.wrapping_sub(b'0').wrapping_mul(10).wrapping_add(units.wrapping_sub(b'0'))
}

/// Where the token ends that begins at `from`: the first octet that is not printable US-ASCII, blanks included.
#[inline]
pub(super) fn printable_end(text: &[u8], from: usize) -> usize {
    let mut at = from;
    loop {
        let word = load(text, at);
        let stops = below_or_at(word, b' ') | above(word, b'~');
        if stops != 0 {
            return (at + first(stops)).min(text.len());
        }
        at += 8;
    }
}

/// Where a host name or a tag ends that begins at `from`: at a blank, a control character, `:` or `[`.
#[inline]
pub(super) fn name_end(text: &[u8], from: usize) -> usize {
    let mut at = from;
    loop {
        let word = load(text, at);
        let stops = below_or_at(word, b' ') | equal(word, b':') | equal(word, b'[');
        if stops != 0 {
            return (at + first(stops)).min(text.len());
        }
        at += 8;
    }
}

/// Where a quoted value is interrupted: at a quotation mark, a backslash, `]` or NUL.
#[inline]
pub(super) fn value_stop(text: &[u8], from: usize) -> usize {
    let mut at = from;
    loop {
        let word = load(text, at);
        let stops = equal(word, b'"') | equal(word, b'\\') | equal(word, b']') | equal(word, 0);
        if stops != 0 {
            return (at + first(stops)).min(text.len());
        }
        at += 8;
    }
}

/// Where an SD-NAME ends: at `=`, `]`, a quotation mark or whatever is not printable US-ASCII.
///
/// Names are short and have five kinds of ends: here a table beats looking at eight octets.
#[inline]
#[expect(clippy::indexing_slicing, reason = "an octet is below 256")]
pub(super) fn sd_name_end(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let len = rest.iter().position(|&octet| !OF_SD_NAME[usize::from(octet)]);
    len.map_or(text.len(), |len| from + len)
}

/// Which octets an SD-NAME may have (RFC 5424 §6).
#[expect(clippy::indexing_slicing, reason = "an octet is below 256")]
static OF_SD_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut octet = b'!';
    while octet <= b'~' {
        table[octet as usize] = !matches!(octet, b'=' | b']' | b'"');
        octet += 1;
    }
    table
};

/// Eight octets, the first in the lowest place; NUL beyond the end.
#[inline(always)]
pub(super) fn load(text: &[u8], index: usize) -> u64 {
    match text.get(index..).and_then(|rest| rest.first_chunk()) {
        Some(eight) => u64::from_le_bytes(*eight),
        None => load_tail(text, index),
    }
}

#[inline(never)]
fn load_tail(text: &[u8], index: usize) -> u64 {
    let mut eight = [0; 8];
    let tail = text.get(index..).unwrap_or_default();
    eight.iter_mut().zip(tail).for_each(|(to, from)| *to = *from);
    u64::from_le_bytes(eight)
}

// Each of the following marks octets of a word by their high bit. Above the first mark there may be false ones (a
// borrow or a carry from it); the first is always right, and only the first is asked for.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

#[inline(always)]
const fn equal(word: u64, octet: u8) -> u64 {
    let zero_where_equal = word ^ (ONES * octet as u64);
    zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & HIGH
}

#[inline(always)]
const fn below_or_at(word: u64, octet: u8) -> u64 {
    word.wrapping_sub(ONES * (octet as u64 + 1)) & !word & HIGH
}

#[inline(always)]
const fn above(word: u64, octet: u8) -> u64 {
    (word.wrapping_add(ONES * (127 - octet as u64)) | word) & HIGH
}

/// The place of the first mark.
#[inline(always)]
const fn first(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The same, an octet at a time.
    fn plainly(text: &[u8], from: usize, stop: impl Fn(u8) -> bool) -> usize {
        (from..text.len()).find(|&i| stop(text[i])).unwrap_or(text.len())
    }

    proptest! {
        #[test]
        fn eight_at_a_time_finds_what_one_at_a_time_finds(
            text in prop::collection::vec(
                prop_oneof![Just(b' '), Just(b':'), Just(b'['), Just(b']'), Just(b'"'), Just(b'\\'), Just(b'='), any::<u8>(), b'a'..=b'z'],
                0..40,
            ),
            from in 0_usize..8,
        ) {
            let from = from.min(text.len());
            prop_assert_eq!(printable_end(&text, from), plainly(&text, from, |b| !(33..=126).contains(&b)));
            prop_assert_eq!(name_end(&text, from), plainly(&text, from, |b| b <= b' ' || b == b':' || b == b'['));
            prop_assert_eq!(value_stop(&text, from), plainly(&text, from, |b| matches!(b, b'"' | b'\\' | b']' | 0)));
            prop_assert_eq!(
                sd_name_end(&text, from),
                plainly(&text, from, |b| !(33..=126).contains(&b) || matches!(b, b'=' | b']' | b'"'))
            );
        }
    }

    #[test]
    fn what_lies_beyond_the_end_is_nul() {
        assert_eq!(at(b"a", 1), 0);
        assert_eq!(load(b"ab", 1), u64::from(b'b'));
        assert_eq!(load(b"ab", 9), 0);
    }
}
