//! Looking at octets: one, or sixteen at a time.
//!
//! What lies beyond the end reads as NUL, so that no look needs a test for the end. A NUL that is really there is
//! told from the end by the position alone.

use wide::u8x16;

/// The octet at `index`; NUL beyond the end.
#[inline(always)]
pub(crate) fn at(text: &[u8], index: usize) -> u8 {
    text.get(index).copied().unwrap_or(0)
}

/// Where the digits that begin at `from` end.
#[inline]
pub(crate) fn digits_end(text: &[u8], from: usize) -> usize {
    let mut end = from;
    while at(text, end).is_ascii_digit() {
        end += 1;
    }
    end
}

/// Where the blanks and tabs that begin at `from` end.
#[inline]
pub(crate) fn skip_blanks(text: &[u8], from: usize) -> usize {
    let mut end = from;
    while is_blank(at(text, end)) {
        end += 1;
    }
    end
}

/// Whether it separates fields of RFC 3164; some senders use tabs.
#[inline(always)]
pub(crate) const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t')
}

/// The value of one or two decimal digits that end before `end`; `from < end <= from + 2`, digits all.
#[inline(always)]
pub(crate) fn two_digits(tens: u8, units: u8) -> u8 {
    tens.wrapping_sub(b'0').wrapping_mul(10).wrapping_add(units.wrapping_sub(b'0'))
}

/// Where the token ends that begins at `from`: the first octet that is not printable US-ASCII, blanks included.
#[inline]
pub(crate) fn printable_end(text: &[u8], from: usize) -> usize {
    find(text, from, |octets| at_most(octets, b' ') | at_least(octets, 0x7f))
}

/// Where tokens end within 32 octets, looked for once.
#[derive(Clone, Copy)]
pub(crate) struct Unprintable {
    start: usize,
    /// A bit for each octet from `start` on that is not printable US-ASCII.
    marks: u32,
}

impl Unprintable {
    /// Those from `from` on; none where the text is too short for that.
    #[inline(always)]
    pub(crate) fn near(text: &[u8], from: usize) -> Self {
        let start = from.min(text.len().wrapping_sub(32));
        let halves = text
            .get(start..)
            .and_then(<[u8]>::first_chunk::<32>)
            .and_then(|octets| Some((octets.first_chunk::<16>()?, octets.last_chunk::<16>()?)));
        let stops = |octets: &[u8; 16]| {
            let octets = u8x16::new(*octets);
            (at_most(octets, b' ') | at_least(octets, 0x7f)).to_bitmask()
        };
        Self { start, marks: halves.map_or(0, |(low, high)| stops(low) | stops(high) << 16) }
    }

    /// [`printable_end`].
    #[inline(always)]
    pub(crate) fn next(self, text: &[u8], from: usize) -> usize {
        let skipped = u32::try_from(from.wrapping_sub(self.start)).unwrap_or(u32::MAX);
        match self.marks.checked_shr(skipped) {
            Some(marks) if marks != 0 => from + marks.trailing_zeros() as usize,
            _ => printable_end(text, from),
        }
    }
}

/// Where a host name or a tag ends that begins at `from`: at a blank, a control character, `:` or `[`.
#[inline]
pub(crate) fn name_end(text: &[u8], from: usize) -> usize {
    find(text, from, |octets| at_most(octets, b' ') | equal(octets, b':') | equal(octets, b'['))
}

/// Where a tag ends that begins at `from`: where a name does, or at `=` or a quotation mark, of which tags have none.
#[inline]
pub(crate) fn tag_end(text: &[u8], from: usize) -> usize {
    find(text, from, |octets| {
        (at_most(octets, b' ') | equal(octets, b':') | equal(octets, b'['))
            | (equal(octets, b'=') | equal(octets, b'"'))
    })
}

/// Where a quoted value is interrupted: at a quotation mark, a backslash or `]`.
#[inline]
pub(crate) fn value_stop(text: &[u8], from: usize) -> usize {
    find(text, from, |octets| equal(octets, b'"') | equal(octets, b'\\') | equal(octets, b']'))
}

/// Where a quoted value ends or has an escape: at a quotation mark or a backslash.
#[inline]
pub(crate) fn value_quote(text: &[u8], from: usize) -> usize {
    find(text, from, |octets| equal(octets, b'"') | equal(octets, b'\\'))
}

/// Where a value without quotation marks ends: at a blank or `]`.
#[inline]
pub(crate) fn sd_value_end(text: &[u8], from: usize) -> usize {
    find(text, from, |octets| equal(octets, b' ') | equal(octets, b']'))
}

/// Where an SD-NAME ends: at `=`, `]`, a quotation mark or whatever is not printable US-ASCII.
#[inline]
pub(crate) fn sd_name_end(text: &[u8], from: usize) -> usize {
    find(text, from, |octets| {
        (at_most(octets, b' ') | at_least(octets, 0x7f))
            | (equal(octets, b'=') | equal(octets, b']') | equal(octets, b'"'))
    })
}

/// Where the first `]` from `from` on stands that is not between quotation marks; a backslash between them takes its meaning
/// from the octet behind it. `None`: a backslash stands elsewhere before it, or the text ends.
#[inline]
pub(crate) fn bracket_outside_quotes(text: &[u8], from: usize) -> Option<usize> {
    let mut start = from.min(text.len().checked_sub(16)?);
    let mut before = from - start;
    let mut inside = 0;
    let mut escaped = 0;
    loop {
        let octets = u8x16::new(*text.get(start..)?.first_chunk()?);
        let marks = |octet| equal(octets, octet).to_bitmask() >> before << before;
        let backslashes = marks(b'\\');
        let mut rest = backslashes;
        while rest != 0 {
            let lowest = rest & rest.wrapping_neg();
            rest ^= lowest;
            // One that is itself behind a backslash has no say.
            escaped |= if escaped & lowest == 0 { lowest << 1 } else { 0 };
        }
        // Bit by bit, whether the quotation marks up to there are odd in number.
        let mut within = marks(b'"') & !escaped;
        for shift in [1, 2, 4, 8] {
            within ^= within << shift;
        }
        within = (within ^ inside) & 0xffff;
        let outside = (marks(b']') | backslashes) & !within;
        if outside != 0 {
            let first = outside.trailing_zeros();
            return (backslashes >> first & 1 == 0).then_some(start + first as usize);
        }
        if start + 16 == text.len() {
            return None;
        }
        inside = if within & 0x8000 != 0 { 0xffff } else { 0 };
        let next = (start + 16).min(text.len() - 16);
        before = start + 16 - next;
        escaped = escaped >> 16 << before;
        start = next;
    }
}

/// Where the first octet from `from` on is that `stops` marks; the length of the text if there is none.
#[inline(always)]
fn find(text: &[u8], from: usize, stops: impl Fn(u8x16) -> u8x16) -> usize {
    // Where less than sixteen are left, those before are looked at too and shifted out.
    let start = from.min(text.len().wrapping_sub(16));
    let Some(octets) = text.get(start..).and_then(<[u8]>::first_chunk::<16>) else {
        return find_in_few(text, from, stops);
    };
    let marks = stops(u8x16::new(*octets)).to_bitmask() >> (from - start).min(16);
    if marks != 0 {
        return from + marks.trailing_zeros() as usize;
    }
    if start + 16 == text.len() { text.len() } else { find_far(text, from + 16, stops) }
}

/// The same where the next 16 octets are not the answer.
#[inline(never)]
fn find_far(text: &[u8], from: usize, stops: impl Fn(u8x16) -> u8x16) -> usize {
    let mut at = from;
    while let Some(octets) = text.get(at..).and_then(<[u8]>::first_chunk::<16>) {
        let marks = stops(u8x16::new(*octets)).to_bitmask();
        if marks != 0 {
            return at + marks.trailing_zeros() as usize;
        }
        at += 16;
    }
    let marks = text.last_chunk::<16>().map_or(0, |octets| stops(u8x16::new(*octets)).to_bitmask());
    let left = text.len().saturating_sub(at);
    text.len().min(at + (marks >> (16 - left) | 1 << left).trailing_zeros() as usize)
}

/// The same in a text of less than 16 octets.
#[cold]
#[inline(never)]
fn find_in_few(text: &[u8], from: usize, stops: impl Fn(u8x16) -> u8x16) -> usize {
    let mut octets = [0; 16];
    octets.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
    let marks = (stops(u8x16::new(octets)).to_bitmask() | 1 << text.len()) >> from.min(text.len());
    text.len().min(from + marks.trailing_zeros() as usize)
}

/// All ones where an octet is that one.
#[inline(always)]
fn equal(octets: u8x16, octet: u8) -> u8x16 {
    octets.simd_eq(u8x16::splat(octet))
}

/// All ones where an octet is not above that one.
#[inline(always)]
fn at_most(octets: u8x16, octet: u8) -> u8x16 {
    octets.min(u8x16::splat(octet)).simd_eq(octets)
}

/// All ones where an octet is not below that one.
#[inline(always)]
fn at_least(octets: u8x16, octet: u8) -> u8x16 {
    octets.max(u8x16::splat(octet)).simd_eq(octets)
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
        fn sixteen_at_a_time_finds_what_one_at_a_time_finds(
            text in prop::collection::vec(
                prop_oneof![Just(b' '), Just(b':'), Just(b'['), Just(b']'), Just(b'"'), Just(b'\\'), Just(b'='), any::<u8>(), b'a'..=b'z'],
                0..70,
            ),
            from in 0_usize..80,
        ) {
            let from = from.min(text.len());
            let end = plainly(&text, from, |b| !(33..=126).contains(&b));
            prop_assert_eq!(printable_end(&text, from), end);
            prop_assert_eq!(Unprintable::near(&text, from / 2).next(&text, from), end);
            prop_assert_eq!(name_end(&text, from), plainly(&text, from, |b| b <= b' ' || b == b':' || b == b'['));
            prop_assert_eq!(
                tag_end(&text, from),
                plainly(&text, from, |b| b <= b' ' || matches!(b, b':' | b'[' | b'=' | b'"'))
            );
            prop_assert_eq!(value_stop(&text, from), plainly(&text, from, |b| matches!(b, b'"' | b'\\' | b']')));
            prop_assert_eq!(
                sd_name_end(&text, from),
                plainly(&text, from, |b| !(33..=126).contains(&b) || matches!(b, b'=' | b']' | b'"'))
            );
        }
    }

    proptest! {
        #[test]
        fn brackets_outside_quotes_are_found_if_no_backslash_stands_there_first(
            text in "[a\"\\]\\\\]{0,60}", filler in "a{0,40}", from in 0_usize..70,
        ) {
            let text = [filler.as_bytes(), text.as_bytes()].concat();
            let from = from.min(text.len());
            let (mut quoted, mut at) = (false, from);
            let plainly = loop {
                match text.get(at) {
                    Some(b'"') => quoted = !quoted,
                    Some(b'\\') if quoted => at += 1,
                    Some(b']') if !quoted => break Some(at),
                    None | Some(b'\\') => break None,
                    _ => {}
                }
                at += 1;
            };
            let found = bracket_outside_quotes(&text, from);
            prop_assert!(found == plainly || (found.is_none() && text.len() < 16), "{:?}", found);
        }
    }

    #[test]
    fn what_lies_beyond_the_end_is_nul() {
        assert_eq!(at(b"a", 1), 0);
    }
}
