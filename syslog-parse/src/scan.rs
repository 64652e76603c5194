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

/// The value of two decimal digits, which they have to be.
#[inline(always)]
pub(crate) fn of_two_digits(tens: u8, units: u8) -> u8 {
    tens.wrapping_sub(b'0').wrapping_mul(10).wrapping_add(units.wrapping_sub(b'0'))
}

/// Where the token ends that begins at `from`: the first octet that is not printable US-ASCII, blanks included.
#[inline]
pub(crate) fn printable_end(text: &[u8], from: usize) -> usize {
    find(text, from, |octets| at_most(octets, b' ') | at_least(octets, 0x7f))
}

/// Where tokens end within the next 64 octets or the rest of the text, looked for once; a bit for each octet.
#[derive(Clone, Copy)]
pub(crate) struct Unprintable {
    pub(crate) blanks: u64,
    /// Blanks too.
    pub(crate) all: u64,
}

impl Unprintable {
    const NONE: Self = Self { blanks: 0, all: 0 };

    /// Those from `from` on; none where the text is too short for that.
    #[inline(always)]
    pub(crate) fn near(text: &[u8], from: usize) -> Self {
        // Where less are left than are looked at, those before are looked at too and shifted out.
        let start = from.min(text.len().wrapping_sub(64));
        let (found, skipped) = if let Some(octets) = text.get(start..).and_then(<[u8]>::first_chunk::<64>) {
            let (sixteens, _) = octets.as_chunks();
            (sixteens.iter().rev().fold(Self::NONE, Self::behind), from - start)
        } else if let (Some(first), Some(last)) = (text.first_chunk::<32>(), text.last_chunk::<32>()) {
            let of = |octets: &[u8; 32]| octets.as_chunks().0.iter().rev().fold(Self::NONE, Self::behind);
            (of(first).or(of(last), text.len() - 32), from)
        } else if let (Some(first), Some(last)) = (text.first_chunk::<16>(), text.last_chunk::<16>()) {
            (Self::NONE.behind(first).or(Self::NONE.behind(last), text.len() - 16), from)
        } else {
            return Self::NONE;
        };
        let shifted = |marks: u64| if skipped < 64 { marks >> skipped } else { 0 };
        Self { blanks: shifted(found.blanks), all: shifted(found.all) }
    }

    /// Sixteen octets and, behind them, what was found.
    #[inline(always)]
    fn behind(self, octets: &[u8; 16]) -> Self {
        let octets = u8x16::new(*octets);
        let blanks = equal(octets, b' ').to_bitmask();
        let all = (at_most(octets, b' ') | at_least(octets, 0x7f)).to_bitmask();
        Self { blanks: self.blanks << 16 | u64::from(blanks), all: self.all << 16 | u64::from(all) }
    }

    /// What was found, and what was found so many octets further on.
    #[inline(always)]
    const fn or(self, other: Self, further: usize) -> Self {
        Self { blanks: self.blanks | other.blanks << further, all: self.all | other.all << further }
    }
}

/// Where a host name or a tag ends that begins at `from`: at a blank, a control character, `:` or `[`.
#[inline]
pub(crate) fn name_end(text: &[u8], from: usize) -> usize {
    find(text, from, |octets| at_most(octets, b' ') | equal(octets, b':') | equal(octets, b'['))
}

/// Where a host name ends that begins at `from`: where a name does, or at `=`, of which hosts have none.
#[inline]
pub(crate) fn host_end(text: &[u8], from: usize) -> usize {
    find(text, from, |octets| {
        (at_most(octets, b' ') | equal(octets, b':')) | (equal(octets, b'[') | equal(octets, b'='))
    })
}

/// Where an octet stands from `from` on that names and numbers have none of: `=`, `|` or `{`.
#[inline]
pub(crate) fn text_mark(text: &[u8], from: usize) -> usize {
    find(text, from, |octets| equal(octets, b'=') | equal(octets, b'|') | equal(octets, b'{'))
}

/// Where a tag ends that begins at `from`: where a name does, or at `=` or a quotation mark, of which tags have none.
#[inline]
pub(crate) fn tag_end(text: &[u8], from: usize) -> usize {
    find(text, from, ends_tag)
}

/// Where a quoted value is interrupted: at a quotation mark, a backslash or `]`.
#[inline]
pub(crate) fn value_stop(text: &[u8], from: usize) -> usize {
    find(text, from, interrupts_value)
}

#[inline(always)]
fn interrupts_value(octets: u8x16) -> u8x16 {
    equal(octets, b'"') | equal(octets, b'\\') | equal(octets, b']')
}

/// Where quoted values are interrupted, one after the other, sixteen octets looked at once.
#[derive(Clone, Copy)]
pub(crate) struct Interruptions {
    start: usize,
    /// A bit for each octet from `start` on that interrupts.
    marks: u32,
}

impl Interruptions {
    /// Nothing was looked at yet.
    pub(crate) const UNKNOWN: Self = Self { start: usize::MAX, marks: 0 };

    /// The next quotation mark, backslash or `]` from `from` on; the length of the text if there is none.
    #[inline(always)]
    pub(crate) fn next(&mut self, text: &[u8], from: usize) -> usize {
        self.next_of(text, from, interrupts_value)
    }

    /// The next quotation mark or backslash.
    #[inline(always)]
    pub(crate) fn next_end(&mut self, text: &[u8], from: usize) -> usize {
        self.next_of(text, from, ends_value)
    }

    #[inline(always)]
    fn next_of(&mut self, text: &[u8], from: usize, stops: impl Fn(u8x16) -> u8x16) -> usize {
        let mut from = from;
        if let Some(skipped @ ..16) = from.checked_sub(self.start) {
            let marks = self.marks >> skipped;
            if marks != 0 {
                return from + marks.trailing_zeros() as usize;
            }
            from = self.start + 16;
        }
        if let Some(octets) = text.get(from..).and_then(<[u8]>::first_chunk::<16>) {
            *self = Self { start: from, marks: stops(u8x16::new(*octets)).to_bitmask() };
            if self.marks != 0 {
                return from + self.marks.trailing_zeros() as usize;
            }
        }
        find(text, from, stops)
    }
}

/// The sixteen octets in which the name of a parameter begins, and mostly its value; a bit for each octet.
#[derive(Clone, Copy)]
pub(crate) struct Param {
    from: usize,
    equals: u32,
    quotes: u32,
    /// What ends an SD-NAME.
    names: u32,
    /// What interrupts a value: a quotation mark, a backslash or `]`.
    values: u32,
    /// What ends a value or is an escape in it: a quotation mark or a backslash.
    ends: u32,
}

impl Param {
    /// `None`: there are not so many.
    #[inline(always)]
    pub(crate) fn near(text: &[u8], from: usize) -> Option<Self> {
        let octets = u8x16::new(*text.get(from..)?.first_chunk()?);
        let (equals, quotes, brackets) = (equal(octets, b'='), equal(octets, b'"'), equal(octets, b']'));
        let others = at_most(octets, b' ') | at_least(octets, 0x7f);
        let ends = quotes | equal(octets, b'\\');
        Some(Self {
            from,
            equals: equals.to_bitmask(),
            quotes: quotes.to_bitmask(),
            names: ((others | equals) | (quotes | brackets)).to_bitmask(),
            values: (ends | brackets).to_bitmask(),
            ends: ends.to_bitmask(),
        })
    }

    /// The length of a name that is to the letter and has `="` behind it.
    #[inline(always)]
    pub(crate) fn strict_name(&self) -> Option<usize> {
        let lowest = self.names & self.names.wrapping_neg();
        let usual = self.equals & lowest & (self.quotes >> 1) & !1 != 0;
        usual.then(|| self.names.trailing_zeros() as usize)
    }

    /// The length of a name that is known to be one, and to have `="` behind it.
    #[inline(always)]
    pub(crate) fn name(&self) -> Option<usize> {
        (self.equals != 0).then(|| self.equals.trailing_zeros() as usize)
    }

    /// Where the value behind a name of that length is interrupted, by a quotation mark, a backslash or `]`.
    #[inline(always)]
    pub(crate) fn value_stop(&self, text: &[u8], name: usize) -> usize {
        let stops = self.values >> (name + 2);
        if stops == 0 {
            return value_stop(text, self.from + 16.max(name + 2));
        }
        self.from + name + 2 + stops.trailing_zeros() as usize
    }

    /// Where the value behind a name of that length ends or has an escape.
    #[inline(always)]
    pub(crate) fn value_quote(&self, text: &[u8], name: usize) -> usize {
        let stops = self.ends >> (name + 2);
        if stops == 0 {
            return value_quote(text, self.from + 16.max(name + 2));
        }
        self.from + name + 2 + stops.trailing_zeros() as usize
    }
}

/// Where a quoted value ends or has an escape: at a quotation mark or a backslash.
#[inline]
pub(crate) fn value_quote(text: &[u8], from: usize) -> usize {
    find(text, from, ends_value)
}

#[inline(always)]
fn ends_value(octets: u8x16) -> u8x16 {
    equal(octets, b'"') | equal(octets, b'\\')
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

/// Whether it is UTF-8 without a character of more than two octets; Latin, Greek, Cyrillic, Hebrew and Arabic script have
/// none. `false` says nothing.
#[inline(always)]
pub(crate) fn is_short_utf8(text: &[u8]) -> bool {
    let (sixteens, rest) = text.as_chunks::<16>();
    let mut expected = 0;
    let mut check = |octets: &[u8; 16], skipped: usize| {
        let octets = u8x16::new(*octets);
        let marks = |octets: u8x16| octets.to_bitmask() >> skipped;
        let (first, longer) = (marks(at_least(octets, 0xc2)), marks(at_least(octets, 0xe0)));
        let second = marks(octets) & marks(at_most(octets, 0xbf));
        let usual = longer == 0
            && second | first == marks(octets)
            && second == (first << 1 | expected) & 0xffff >> skipped;
        expected = first >> (15 - skipped);
        usual
    };
    sixteens.iter().all(|octets| check(octets, 0))
        && (rest.is_empty() || text.last_chunk().is_some_and(|octets| check(octets, 16 - rest.len())))
        && expected == 0
}

/// Where the first octet from `from` on is that `stops` marks; the length of the text if there is none.
#[inline(always)]
fn find(text: &[u8], from: usize, stops: impl Fn(u8x16) -> u8x16) -> usize {
    // Where less than sixteen are left, those before are looked at too and shifted out.
    let (octets, skipped) = match text.get(from..).and_then(<[u8]>::first_chunk::<16>) {
        Some(octets) => (octets, 0),
        None => match text.last_chunk() {
            Some(octets) => (octets, from.saturating_sub(text.len() - 16).min(16)),
            None => return find_in_few(text, from, stops),
        },
    };
    let marks = stops(u8x16::new(*octets)).to_bitmask() >> skipped;
    if marks != 0 {
        from + marks.trailing_zeros() as usize
    } else if skipped > 0 {
        text.len()
    } else {
        find_far(text, from + 16, stops)
    }
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

/// All ones where an octet ends a tag.
#[inline(always)]
fn ends_tag(octets: u8x16) -> u8x16 {
    (at_most(octets, b' ') | equal(octets, b':') | equal(octets, b'['))
        | (equal(octets, b'=') | equal(octets, b'"'))
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
        fn short_characters_are_utf_8_and_no_longer_ones(
            text in prop::collection::vec(prop_oneof!["[a-z]{0,9}", "[é-ű]", "[é-ű]", "[€…]"], 0..40),
            at in any::<prop::sample::Index>(),
            with in prop::option::of(any::<u8>()),
        ) {
            let mut octets = text.concat().into_bytes();
            if let (Some(with), false) = (with, octets.is_empty()) {
                let at = at.index(octets.len());
                octets[at] = with;
            }
            let plainly = std::str::from_utf8(&octets).is_ok_and(|text| text.chars().all(|char| char.len_utf8() < 3));
            prop_assert_eq!(is_short_utf8(&octets), plainly && (octets.len() >= 16 || octets.is_empty()));
        }

        #[test]
        fn sixteen_at_a_time_finds_what_one_at_a_time_finds(
            text in prop::collection::vec(
                prop_oneof![Just(b' '), Just(b':'), Just(b'['), Just(b']'), Just(b'"'), Just(b'\\'), Just(b'='), any::<u8>(), b'a'..=b'z'],
                0..150,
            ),
            from in 0_usize..160,
        ) {
            let from = from.min(text.len());
            let end = plainly(&text, from, |b| !(33..=126).contains(&b));
            prop_assert_eq!(printable_end(&text, from), end);
            let mut ends = Interruptions::UNKNOWN;
            for from in from..text.len() {
                prop_assert_eq!(ends.next_end(&text, from), value_quote(&text, from));
            }
            let near = Unprintable::near(&text, from);
            for (index, &octet) in text.iter().skip(from).enumerate().take(if text.len() < 16 { 0 } else { 64 }) {
                prop_assert_eq!(near.blanks >> index & 1 == 1, octet == b' ');
                prop_assert_eq!(near.all >> index & 1 == 1, !(33..=126).contains(&octet));
            }
            if let left @ ..64 = text.len() - from {
                prop_assert_eq!((near.blanks | near.all) >> left, 0, "nothing lies beyond the end");
            }
            prop_assert_eq!(name_end(&text, from), plainly(&text, from, |b| b <= b' ' || b == b':' || b == b'['));
            let end = plainly(&text, from, |b| b <= b' ' || matches!(b, b':' | b'[' | b'=' | b'"'));
            prop_assert_eq!(tag_end(&text, from), end);
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
