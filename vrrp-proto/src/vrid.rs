//! The number of a virtual router.

use core::num::NonZeroU8;

use crate::Family;

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

    /// The MAC address of the virtual router (RFC 9568 §7.3).
    #[doc(alias = "vmac")]
    pub const fn mac(self, family: Family) -> [u8; 6] {
        let block = match family {
            Family::V4 => 1,
            Family::V6 => 2,
        };
        [0x00, 0x00, 0x5e, 0x00, block, self.number()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_virtual_mac_names_family_and_vrid() {
        let vrid = VirtualRouterId::new(0x11).unwrap();
        assert_eq!(vrid.mac(Family::V4), [0x00, 0x00, 0x5e, 0x00, 0x01, 0x11]);
        assert_eq!(vrid.mac(Family::V6), [0x00, 0x00, 0x5e, 0x00, 0x02, 0x11]);
    }
}
