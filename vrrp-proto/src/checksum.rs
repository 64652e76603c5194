//! The checksum, in the forms that are in the field. Which one to send: [`ChecksumChoice`].

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::Carrier;

/// What a checksum covers beside the message. VRRPv3 over IPv4 is sent in all three forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChecksumForm {
    /// The VRRP message alone: VRRPv2, and VRRPv3 over IPv4 as RFC 9568 §5.2.8 wants it.
    MessageOnly,
    /// With a pseudo-header: VRRPv3 over IPv6, and over IPv4 as most of the field sends it.
    PseudoHeader,
    /// With a pseudo-header that names the multicast group although the packet was sent to one router.
    PseudoHeaderGroup,
}

impl ChecksumForm {
    /// "message-only", "pseudo-header" or "pseudo-header-group".
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessageOnly => "message-only",
            Self::PseudoHeader => "pseudo-header",
            Self::PseudoHeaderGroup => "pseudo-header-group",
        }
    }
}

/// Which form to send in VRRPv3 over IPv4. Receivers that know one form only are in the field for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChecksumChoice {
    /// This one, whatever the others send.
    Always(ChecksumForm),
    /// The one that the peer sends, and this one as long as none was heard.
    FollowPeer {
        /// What is sent at first.
        at_first: ChecksumForm,
    },
}

impl ChecksumChoice {
    /// The form to send, given what was [heard](crate::PeerMemory::checksum).
    pub const fn form(self, heard: Option<ChecksumForm>) -> ChecksumForm {
        match (self, heard) {
            (Self::FollowPeer { .. }, Some(heard)) => heard,
            (Self::Always(form) | Self::FollowPeer { at_first: form }, _) => form,
        }
    }
}

impl Default for ChecksumChoice {
    /// Follows the peer, and begins with the pseudo-header: keepalived and FRR as they come refuse the other.
    fn default() -> Self {
        Self::FollowPeer { at_first: ChecksumForm::PseudoHeader }
    }
}

/// A ones' complement sum on its way (RFC 1071). Each piece but the last has an even number of octets.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sum(u64);

impl Sum {
    pub(crate) fn add(self, octets: &[u8]) -> Self {
        let (pairs, rest) = octets.as_chunks::<2>();
        let mut sum = self.0;
        for pair in pairs {
            sum += u64::from(u16::from_be_bytes(*pair));
        }
        if let [last] = rest {
            sum += u64::from(*last) << 8;
        }
        Self(sum)
    }

    /// The pseudo-header of RFC 768 or RFC 8200 §8.1, for a message of `len` octets; nothing for the message alone.
    pub(crate) fn pseudo_header(self, form: ChecksumForm, carrier: &Carrier, len: usize) -> Self {
        let sum = match (form, *carrier) {
            (ChecksumForm::MessageOnly, _) => return self,
            (ChecksumForm::PseudoHeader, Carrier::V4 { source, destination }) => {
                self.ipv4(source).ipv4(destination)
            }
            (ChecksumForm::PseudoHeaderGroup, Carrier::V4 { source, .. }) => {
                self.ipv4(source).ipv4(Carrier::GROUP_V4)
            }
            (ChecksumForm::PseudoHeader, Carrier::V6 { source, destination }) => {
                self.ipv6(source).ipv6(destination)
            }
            (ChecksumForm::PseudoHeaderGroup, Carrier::V6 { source, .. }) => {
                self.ipv6(source).ipv6(Carrier::GROUP_V6)
            }
        };
        Self(sum.0 + u64::from(Carrier::PROTOCOL) + len as u64)
    }

    /// What stands in the checksum's field if that was 0 while summing up.
    pub(crate) fn checksum(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        #[expect(clippy::cast_possible_truncation, reason = "folded to 16 bits above")]
        !(sum as u16)
    }

    fn ipv4(self, address: Ipv4Addr) -> Self {
        self.add(&address.octets())
    }

    fn ipv6(self, address: Ipv6Addr) -> Self {
        self.add(&address.octets())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071_adds_up() {
        let sum = Sum::default().add(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.checksum(), !0xddf2);
    }

    #[test]
    fn an_odd_octet_counts_as_the_upper_half() {
        assert_eq!(Sum::default().add(&[0x12]).checksum(), !0x1200);
    }

    #[test]
    fn a_choice_follows_only_when_it_says_so() {
        let (own, theirs) = (ChecksumForm::PseudoHeader, ChecksumForm::MessageOnly);
        assert_eq!(ChecksumChoice::Always(own).form(Some(theirs)), own);
        assert_eq!(ChecksumChoice::FollowPeer { at_first: own }.form(None), own);
        assert_eq!(ChecksumChoice::default().form(Some(theirs)), theirs);
    }
}
