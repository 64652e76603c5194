//! The number of a virtual router.

use core::num::NonZeroU8;

/// VRID, 1 to 255, unique on a link among the routers of one IP family (RFC 9568 §5.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualRouterId(NonZeroU8);

impl VirtualRouterId {
    /// `None` for 0.
    pub const fn new(number: u8) -> Option<Self> {
        match NonZeroU8::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number as it stands in the packet.
    pub const fn number(self) -> u8 {
        self.0.get()
    }
}
