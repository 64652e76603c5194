//! Walking through structured data that `parse` found (RFC 5424 §6.3).
//!
//! Nothing is decoded before it is asked for, and nothing is allocated unless the caller gives the room.

use crate::scan::{Interruptions, Param, at, bracket_outside_quotes, sd_name_end, sd_value_end};

/// The SD-ELEMENTs of a message, in order.
#[derive(Clone, Debug)]
pub struct StructuredData<'a> {
    inside: Inside<'a>,
    quotes: Quotes,
    elements: Elements,
}

/// What is known of the quotation marks in structured data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quotes {
    /// They stand around values and nowhere else, if not behind a backslash; and one blank is before each parameter.
    AsTheyShould,
    /// The same, but blanks may be anywhere between parameters.
    AroundValues,
    /// There are values without, which may have some in them.
    Anywhere,
}

/// How long the first elements are, and their SD-IDs: 16 and 8 bits each, the first in the lowest; 0: not known.
///
/// [`parse`](crate::parse()) walks through all of it, and who asks for the elements has not to do it again. What is known is
/// within the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elements {
    lens: u64,
    ids: u32,
}

impl Elements {
    pub(crate) const UNKNOWN: Self = Self { lens: 0, ids: 0 };

    /// The element of that number is so long, and so is its SD-ID.
    #[inline(always)]
    pub(crate) fn remember(&mut self, number: usize, len: usize, id: usize) {
        if let (0..4, Ok(len), Ok(id)) = (number, u16::try_from(len), u8::try_from(id)) {
            self.lens |= u64::from(len) << (16 * number);
            self.ids |= u32::from(id) << (8 * number);
        }
    }

    /// The lengths of the next one and its SD-ID, if they are known.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the lowest bits are the next one's")]
    pub(crate) fn next(&mut self) -> Option<(usize, usize)> {
        let (len, id) = (self.lens as u16, self.ids as u8);
        (self.lens, self.ids) = (self.lens >> 16, self.ids >> 8);
        (len > 0).then_some((len.into(), id.into()))
    }
}

impl<'a> StructuredData<'a> {
    /// From the first `[` to the last `]`.
    #[inline]
    pub(crate) const fn new(elements: &'a [u8]) -> Self {
        Self::within(elements, 0, elements.len(), Quotes::Anywhere, Elements::UNKNOWN)
    }

    /// The same as a stretch of a text, in which it is quicker to look around.
    #[inline]
    pub(crate) const fn within(
        text: &'a [u8],
        at: usize,
        end: usize,
        quotes: Quotes,
        elements: Elements,
    ) -> Self {
        let end = if end < text.len() { end } else { text.len() };
        Self { inside: Inside { text, at: if at < end { at } else { end }, end }, quotes, elements }
    }

    /// Whether there is none.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.inside.at >= self.inside.end
    }

    /// The octets of what is left, brackets included.
    pub fn raw(&self) -> &'a [u8] {
        self.inside.octets(self.inside.at, self.inside.end)
    }
}

impl<'a> Iterator for StructuredData<'a> {
    type Item = SdElement<'a>;

    #[inline]
    fn next(&mut self) -> Option<SdElement<'a>> {
        let inside = self.inside;
        if inside.look(inside.at) != b'[' {
            return None;
        }
        let (id_end, close) = match self.elements.next() {
            Some((len, id)) => (inside.at + 1 + id, inside.at + len - 1),
            None => measure(inside, self.quotes),
        };
        self.inside.at = inside.stop(close + 1);
        let params = SdParams { inside: Inside { at: id_end, end: close, ..inside }, quotes: self.quotes };
        Some(SdElement { id: inside.octets(inside.at + 1, id_end), params })
    }

    /// Mostly there is nothing to fold, which is seen at a glance.
    #[inline(always)]
    fn fold<B, F: FnMut(B, SdElement<'a>) -> B>(self, init: B, f: F) -> B {
        // In pieces, which need not lie in memory to be lent.
        let Self { inside: Inside { text, at, end }, quotes, elements } = self;
        if at >= end { init } else { fold_some(text, (at, end), quotes, elements, init, f) }
    }
}

/// [`Iterator::fold`].
#[inline(never)]
fn fold_some<'a, B>(
    text: &'a [u8],
    (at, end): (usize, usize),
    quotes: Quotes,
    elements: Elements,
    init: B,
    mut f: impl FnMut(B, SdElement<'a>) -> B,
) -> B {
    let elements = StructuredData { inside: Inside { text, at, end }, quotes, elements };
    let mut folded = init;
    for element in elements {
        folded = f(folded, element);
    }
    folded
}

/// Where the SD-ID and the element end.
#[inline(never)]
fn measure(inside: Inside<'_>, quotes: Quotes) -> (usize, usize) {
    let id_end = inside.stop(id_end(inside.text, inside.at + 1));
    let quick = match quotes {
        Quotes::AsTheyShould | Quotes::AroundValues => bracket_outside_quotes(inside.text, id_end),
        Quotes::Anywhere => None,
    };
    let walked = || walk(SdParams { inside: Inside { at: id_end, ..inside }, quotes: Quotes::Anywhere });
    (id_end, inside.stop(quick.unwrap_or_else(walked)))
}

/// Where the `]` behind the parameters stands, parameter by parameter.
fn walk(mut params: SdParams<'_>) -> usize {
    while params.any_places().is_some() {}
    let inside = params.inside;
    // Blanks as a rule.
    (inside.at..inside.end).find(|&index| inside.look(index) == b']').unwrap_or(inside.end)
}

/// Where an SD-ID ends: at a blank or `]`.
#[inline(always)]
fn id_end(text: &[u8], from: usize) -> usize {
    let mut end = sd_name_end(text, from);
    while end < text.len() && !matches!(at(text, end), b' ' | b']') {
        end = sd_name_end(text, end + 1);
    }
    end
}

/// A stretch of a text that is walked through.
#[derive(Clone, Copy, Debug)]
struct Inside<'a> {
    text: &'a [u8],
    /// Where the next part begins; never beyond `end`.
    at: usize,
    /// One past the last octet that counts; never beyond the text.
    end: usize,
}

impl<'a> Inside<'a> {
    #[inline(always)]
    fn look(&self, index: usize) -> u8 {
        if index < self.end { at(self.text, index) } else { 0 }
    }

    /// What was found beyond the end is the end.
    #[inline(always)]
    fn stop(&self, found: usize) -> usize {
        found.min(self.end)
    }

    #[inline(always)]
    fn octets(&self, from: usize, to: usize) -> &'a [u8] {
        self.text.get(from..to).unwrap_or_default()
    }
}

/// One SD-ELEMENT.
#[derive(Clone, Debug)]
pub struct SdElement<'a> {
    id: &'a [u8],
    params: SdParams<'a>,
}

impl<'a> SdElement<'a> {
    /// SD-ID.
    pub const fn id(&self) -> &'a [u8] {
        self.id
    }

    /// Names and values, in order; names may repeat.
    #[inline]
    pub fn params(&self) -> SdParams<'a> {
        self.params.clone()
    }
}

/// The SD-PARAMs of one element.
#[derive(Clone, Debug)]
pub struct SdParams<'a> {
    inside: Inside<'a>,
    quotes: Quotes,
}

/// Where a parameter's parts begin and end.
struct Places {
    name: usize,
    equals: usize,
    value: usize,
    value_end: usize,
}

impl SdParams<'_> {
    /// The next parameter; `None`: there is none.
    #[inline(always)]
    fn places(&mut self) -> Option<Places> {
        if self.inside.at >= self.inside.end {
            return None;
        }
        if self.quotes == Quotes::AsTheyShould
            && let name = self.inside.at + 1
            && let Some(near) = Param::near(self.inside.text, name)
            && let Some(len) = near.name()
        {
            let text = self.inside.text;
            let stop = near.value_quote(text, len);
            let value_end = if at(text, stop) == b'\\' { closing_quote(text, stop)? } else { stop };
            self.inside.at = value_end + 1;
            let equals = name + len;
            return (value_end < self.inside.end).then_some(Places {
                name,
                equals,
                value: equals + 2,
                value_end,
            });
        }
        self.any_places()
    }

    /// The same, blanks and quotation marks being where they may.
    #[inline(always)]
    fn any_places(&mut self) -> Option<Places> {
        let Inside { text, at: from, .. } = self.inside;
        let mut name = from;
        while self.inside.look(name) == b' ' {
            name += 1;
        }
        let mut equals = sd_name_end(text, name);
        // What is not printable US-ASCII ends no name here.
        while equals < self.inside.end && !matches!(at(text, equals), b'=' | b']' | b' ' | b'"') {
            equals = sd_name_end(text, equals + 1);
        }
        if self.inside.look(equals) != b'=' {
            return None;
        }
        let places = if self.inside.look(equals + 1) == b'"' {
            let value_end = closing_quote(text, equals + 2).filter(|&end| end < self.inside.end)?;
            self.inside.at = value_end + 1;
            Places { name, equals, value: equals + 2, value_end }
        } else {
            let value_end = self.inside.stop(sd_value_end(text, equals + 1));
            self.inside.at = value_end;
            Places { name, equals, value: equals + 1, value_end }
        };
        Some(places)
    }
}

impl<'a> Iterator for SdParams<'a> {
    type Item = (&'a [u8], SdValue<'a>);

    // Out of line it costs a third of the walk: the state lies in memory then.
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let Places { name, equals, value, value_end } = self.places()?;
        Some((self.inside.octets(name, equals), SdValue { raw: self.inside.octets(value, value_end) }))
    }
}

/// Where the quotation mark stands that ends a value.
#[inline(always)]
fn closing_quote(text: &[u8], from: usize) -> Option<usize> {
    let mut end = from;
    let mut stops = Interruptions::UNKNOWN;
    loop {
        end = stops.next_end(text, end);
        match at(text, end) {
            b'"' => return Some(end),
            b'\\' => end += 2,
            _ => return None,
        }
    }
}

/// PARAM-VALUE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SdValue<'a> {
    raw: &'a [u8],
}

impl<'a> SdValue<'a> {
    /// As received, escapes and all, without the quotation marks.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The value in pieces between which backslashes were dropped. Most have one piece.
    ///
    /// Only `\"`, `\\` and `\]` are escapes; a backslash before anything else stays (RFC 5424 §6.3.3).
    pub const fn chunks(&self) -> SdChunks<'a> {
        SdChunks { rest: self.raw }
    }

    /// Appends the value without its escapes.
    pub fn unescape_into(&self, out: &mut Vec<u8>) {
        self.chunks().for_each(|chunk| out.extend_from_slice(chunk));
    }

    /// Whether the value, without its escapes, is these octets.
    pub fn eq_bytes(&self, octets: &[u8]) -> bool {
        self.chunks().try_fold(octets, |rest, chunk| rest.strip_prefix(chunk)).is_some_and(<[u8]>::is_empty)
    }
}

/// The pieces of a value between dropped backslashes.
#[derive(Clone, Debug)]
pub struct SdChunks<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for SdChunks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let mut from = 0;
        while let Some(at) = memchr::memchr(b'\\', self.rest.get(from..)?) {
            let backslash = from + at;
            match self.rest.get(backslash + 1) {
                // The next chunk begins with the octet that was escaped, which is not looked at again.
                Some(b'"' | b'\\' | b']') if backslash > 0 => {
                    let chunk = self.rest.get(..backslash)?;
                    self.rest = self.rest.get(backslash..)?;
                    return Some(chunk);
                }
                Some(b'"' | b'\\' | b']') => {
                    self.rest = self.rest.get(1..)?;
                    from = 1;
                }
                _ => from = backslash + 1,
            }
        }
        Some(std::mem::take(&mut self.rest))
    }
}

#[cfg(test)]
#[path = "structured_data/tests.rs"]
mod tests;
