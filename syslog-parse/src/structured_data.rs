//! Walking through structured data that `parse` found (RFC 5424 §6.3).
//!
//! Nothing is decoded before it is asked for, and nothing is allocated unless the caller gives the room.

/// The SD-ELEMENTs of a message, in order.
#[derive(Clone, Debug)]
pub struct StructuredData<'a> {
    rest: &'a [u8],
}

impl<'a> StructuredData<'a> {
    /// From the first `[` to the last `]`.
    #[inline]
    pub(crate) const fn new(elements: &'a [u8]) -> Self {
        Self { rest: elements }
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The octets of what is left, brackets included.
    pub const fn raw(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for StructuredData<'a> {
    type Item = SdElement<'a>;

    fn next(&mut self) -> Option<SdElement<'a>> {
        let after_bracket = self.rest.strip_prefix(b"[")?;
        let id_len = end_of(after_bracket, |octet| matches!(octet, b' ' | b']'));
        let (id, inner) = after_bracket.split_at(id_len);
        let mut params = SdParams { rest: inner };
        while params.next().is_some() {}
        let params_len = inner.len() - params.rest.len();
        let inner = inner.get(..params_len).unwrap_or_default();
        let end = end_of(params.rest, |octet| octet == b']') + 1;
        self.rest = params.rest.get(end..).unwrap_or_default();
        Some(SdElement { id, params: SdParams { rest: inner } })
    }
}

/// Where the first octet of that kind is; the length of the octets if there is none.
#[inline(always)]
fn end_of(octets: &[u8], kind: impl Fn(u8) -> bool) -> usize {
    let mut end = 0;
    while octets.get(end).is_some_and(|&octet| !kind(octet)) {
        end += 1;
    }
    end
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
    pub fn params(&self) -> SdParams<'a> {
        self.params.clone()
    }
}

/// The SD-PARAMs of one element.
#[derive(Clone, Debug)]
pub struct SdParams<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for SdParams<'a> {
    type Item = (&'a [u8], SdValue<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let blanks = end_of(self.rest, |octet| octet != b' ');
        let param = self.rest.get(blanks..)?;
        let equals = end_of(param, |octet| matches!(octet, b'=' | b']' | b' ' | b'"'));
        let name = param.get(..equals)?;
        let value = param.get(equals..)?.strip_prefix(b"=")?;
        let (value, rest) = match value.strip_prefix(b"\"") {
            Some(quoted) => {
                let end = closing_quote(quoted)?;
                (quoted.get(..end)?, quoted.get(end + 1..)?)
            }
            None => value.split_at(end_of(value, |octet| matches!(octet, b' ' | b']'))),
        };
        self.rest = rest;
        Some((name, SdValue { raw: value }))
    }
}

/// Where the quotation mark stands that ends a value.
#[inline]
fn closing_quote(quoted: &[u8]) -> Option<usize> {
    let stops = |octet| matches!(octet, b'"' | b'\\');
    let mut at = 0;
    loop {
        let rest = quoted.get(at..)?;
        // Most values are short; for the long ones it pays to look at many octets at a time.
        let near = rest.get(..16).unwrap_or(rest);
        at += match end_of(near, stops) {
            16 => 16 + memchr::memchr2(b'"', b'\\', rest.get(16..)?)?,
            stop => stop,
        };
        match quoted.get(at)? {
            b'"' => return Some(at),
            _ => at += 2,
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
