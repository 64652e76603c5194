//! A frame's octets in place: a fixed array and how much of it is used. Nothing here allocates.

use std::fmt;

/// The octets of one emitted frame or payload, at most [`Octets::CAPACITY`] of them, on the stack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Octets {
    array: [u8; Self::CAPACITY],
    len: usize,
}

impl Octets {
    /// The longest frame of this crate: Ethernet, one VLAN tag, IPv6, an advertisement with its option.
    pub const CAPACITY: usize = 14 + 4 + 40 + 24 + 8;

    pub(crate) const EMPTY: Self = Self { array: [0; Self::CAPACITY], len: 0 };

    /// Appends; what would not fit is left out, which the sizes above make impossible.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> &mut Self {
        let end = self.len + bytes.len();
        debug_assert!(end <= Self::CAPACITY, "{end} octets in a frame of at most {}", Self::CAPACITY);
        if let Some(room) = self.array.get_mut(self.len..end) {
            room.copy_from_slice(bytes);
            self.len = end;
        }
        self
    }

    /// The octets.
    pub fn as_slice(&self) -> &[u8] {
        self.array.get(..self.len).unwrap_or(&self.array)
    }
}

impl AsRef<[u8]> for Octets {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}
