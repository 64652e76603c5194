//! Who should be Active.

/// A router's priority as it stands in a packet (RFC 9568 §5.2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u8);

impl Priority {
    /// The Active Router stops taking part: take over now.
    pub const RELEASE: Self = Self(0);
    /// What a router has if nothing is configured.
    pub const DEFAULT: Self = Self(100);
    /// The router that owns the addresses.
    pub const OWNER: Self = Self(255);

    /// Any value of the field has a meaning.
    pub const fn new(value: u8) -> Self {
        Self(value)
    }

    /// The value of the field.
    pub const fn value(self) -> u8 {
        self.0
    }
}
