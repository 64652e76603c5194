//! Writes messages behind what a buffer holds.

use super::{REQUEST, aligned, u16_at};

/// Writes one message; its length is filled in by [`Encoder::finish`].
#[derive(Debug)]
pub(crate) struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

/// Where a nested attribute began.
#[derive(Clone, Copy, Debug)]
#[must_use = "a nested attribute must be closed"]
pub(crate) struct Nest(usize);

impl<'a> Encoder<'a> {
    /// A request; `NLM_F_REQUEST` is added to `flags`. `fixed` is the part before the attributes.
    pub(crate) fn request(out: &'a mut Vec<u8>, kind: u16, flags: u16, seq: u32, fixed: &[u8]) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&kind.to_ne_bytes());
        out.extend_from_slice(&(flags | REQUEST).to_ne_bytes());
        out.extend_from_slice(&seq.to_ne_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(fixed);
        let mut message = Self { out, start };
        message.pad();
        message
    }

    /// One attribute. What is too long for one (65,531 bytes) is left out: callers have bounded it.
    pub(crate) fn attribute(&mut self, kind: u16, payload: &[u8]) -> &mut Self {
        if let Some(len) = payload.len().checked_add(4).and_then(|len| u16::try_from(len).ok()) {
            self.out.extend_from_slice(&len.to_ne_bytes());
            self.out.extend_from_slice(&kind.to_ne_bytes());
            self.out.extend_from_slice(payload);
            self.pad();
        }
        self
    }

    pub(crate) fn attribute_u8(&mut self, kind: u16, value: u8) -> &mut Self {
        self.attribute(kind, &[value])
    }

    pub(crate) fn attribute_u32(&mut self, kind: u16, value: u32) -> &mut Self {
        self.attribute(kind, &value.to_ne_bytes())
    }

    /// A text with its NUL.
    pub(crate) fn attribute_text(&mut self, kind: u16, text: &str) -> &mut Self {
        let mut octets = [0; TEXT_MAX + 1];
        if let Some(room) = octets.get_mut(..text.len().min(TEXT_MAX)) {
            room.copy_from_slice(text.as_bytes().get(..room.len()).unwrap_or_default());
            let len = room.len() + 1;
            self.attribute(kind, octets.get(..len).unwrap_or_default());
        }
        self
    }

    /// An attribute made of attributes.
    pub(crate) fn open(&mut self, kind: u16) -> Nest {
        let at = self.out.len();
        self.out.extend_from_slice(&[0; 2]);
        self.out.extend_from_slice(&(kind | NESTED).to_ne_bytes());
        Nest(at)
    }

    pub(crate) fn close(&mut self, nest: Nest) -> &mut Self {
        let len = u16::try_from(self.out.len() - nest.0).unwrap_or(u16::MAX);
        if let Some(place) = self.out.get_mut(nest.0..nest.0 + 2) {
            place.copy_from_slice(&len.to_ne_bytes());
        }
        self
    }

    pub(crate) fn finish(&mut self) {
        let len = u32::try_from(self.out.len() - self.start).unwrap_or(u32::MAX);
        if let Some(place) = self.out.get_mut(self.start..self.start + 4) {
            place.copy_from_slice(&len.to_ne_bytes());
        }
    }

    /// Counted from where the message begins: what the buffer held before it may be of any length.
    fn pad(&mut self) {
        let len = aligned(self.out.len() - self.start);
        self.out.resize(self.start + len, 0);
    }
}

/// Asks for an answer to the message that begins at `start`, once it is known to be the last.
pub(crate) fn add_flags(out: &mut [u8], start: usize, flags: u16) {
    if let (Some(before), Some(place)) = (u16_at(out, start + 6), out.get_mut(start + 6..start + 8)) {
        place.copy_from_slice(&(before | flags).to_ne_bytes());
    }
}

/// `NLA_F_NESTED`.
const NESTED: u16 = 0x8000;
/// `IFALIASZ` less its NUL, the longest text that a link has.
const TEXT_MAX: usize = 255;
