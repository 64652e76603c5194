//! What arrived, and how: the message with all that the IP layer knows about it.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Carrier, Reject, VirtualRouterId};

/// A message and the facts of the IP packet that carried it. Nothing in the message is looked at yet.
///
/// From a raw IPv4 socket comes the whole packet: [`from_ipv4`](Self::from_ipv4). From a raw IPv6 socket comes the
/// message, and beside it the facts: [`new`](Self::new).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    carrier: Carrier,
    ttl: u8,
    interface: Option<u32>,
    payload: &'a [u8],
    ah: Option<AhHeader<'a>>,
}

/// An IP authentication header of HMAC-MD5-96, and the IP header that it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AhHeader<'a> {
    pub(crate) ip: &'a [u8],
    pub(crate) fixed: [u8; 12],
    pub(crate) icv: [u8; 12],
}

impl<'a> Datagram<'a> {
    /// A message, by whom it was sent to whom, and the hop limit (`IPV6_HOPLIMIT`) or time to live it arrived with.
    pub const fn new(payload: &'a [u8], carrier: Carrier, ttl: u8) -> Self {
        Self { carrier, ttl, interface: None, payload, ah: None }
    }

    /// A whole packet of IPv4 or IPv6, without a link header.
    ///
    /// # Errors
    ///
    /// Those of [`from_ipv4`](Self::from_ipv4) and [`from_ipv6`](Self::from_ipv6).
    pub fn from_ip(packet: &'a [u8]) -> Result<Self, Reject> {
        match packet.first() {
            Some(first) if first >> 4 == 6 => Self::from_ipv6(packet),
            _ => Self::from_ipv4(packet),
        }
    }

    /// A whole IPv4 packet, as a raw socket delivers it. What is behind its total length is the link's padding. Its
    /// header's checksum is the kernel's business, and not looked at.
    ///
    /// # Errors
    ///
    /// It is not IPv4, shorter than it says, a fragment, has neither VRRP nor an authentication header in it, or one of
    /// another kind.
    pub fn from_ipv4(packet: &'a [u8]) -> Result<Self, Reject> {
        let have = packet.len();
        let Some(fixed) = packet.first_chunk::<20>() else {
            return match packet.first() {
                Some(first) if first >> 4 != 4 => Err(Reject::IpVersion { found: first >> 4 }),
                _ => Err(Reject::IpTruncated { need: 20, have }),
            };
        };
        let [first, _, total_high, total_low, _, _, flags, offset, ttl, protocol, ..] = *fixed;
        if first >> 4 != 4 {
            return Err(Reject::IpVersion { found: first >> 4 });
        }
        let header = usize::from(first & 0x0f) * 4;
        let total = usize::from(u16::from_be_bytes([total_high, total_low]));
        if header < 20 || total < header {
            return Err(Reject::IpHeaderLength { header, total });
        }
        let whole = packet.get(..total).ok_or(Reject::IpTruncated { need: total, have })?;
        let fragment = u16::from_be_bytes([flags, offset]);
        if fragment & 0x3fff != 0 {
            return Err(Reject::IpFragment { offset: (fragment & 0x1fff) << 3 });
        }
        let (ip, payload) =
            whole.split_at_checked(header).ok_or(Reject::IpTruncated { need: header, have })?;
        let [.., a, b, c, d, e, f, g, h] = *fixed;
        let carrier =
            Carrier::V4 { source: Ipv4Addr::new(a, b, c, d), destination: Ipv4Addr::new(e, f, g, h) };
        let (payload, ah) = match protocol {
            Carrier::PROTOCOL => (payload, None),
            AH => {
                let (ah, payload) = authentication_header(ip, payload)?;
                (payload, Some(ah))
            }
            found => return Err(Reject::IpProtocol { found }),
        };
        Ok(Self { carrier, ttl, interface: None, payload, ah })
    }

    /// A whole IPv6 packet. What is behind its payload length is the link's padding. Hop-by-hop and destination options
    /// before the message are skipped.
    ///
    /// # Errors
    ///
    /// It is not IPv6, shorter than it says, a fragment, or has no VRRP in it.
    pub fn from_ipv6(packet: &'a [u8]) -> Result<Self, Reject> {
        let have = packet.len();
        let Some((fixed, rest)) = packet.split_first_chunk::<40>() else {
            return match packet.first() {
                Some(first) if first >> 4 != 6 => Err(Reject::IpVersion { found: first >> 4 }),
                _ => Err(Reject::IpTruncated { need: 40, have }),
            };
        };
        let &[first, _, _, _, length_high, length_low, mut next, ttl, ref addresses @ ..] = fixed;
        if first >> 4 != 6 {
            return Err(Reject::IpVersion { found: first >> 4 });
        }
        let length = usize::from(u16::from_be_bytes([length_high, length_low]));
        let end = 40 + length;
        let mut payload = rest.get(..length).ok_or(Reject::IpTruncated { need: end, have })?;
        while matches!(next, HOP_BY_HOP | DESTINATION_OPTIONS) {
            let at = end - payload.len();
            let short = |len: usize| Reject::IpTruncated { need: at + len, have: end };
            let (&[following, units], _) = payload.split_first_chunk::<2>().ok_or_else(|| short(2))?;
            let len = (usize::from(units) + 1) * 8;
            payload = payload.get(len..).ok_or_else(|| short(len))?;
            next = following;
        }
        match next {
            Carrier::PROTOCOL => {}
            FRAGMENT => {
                let offset = payload
                    .get(2..4)
                    .and_then(<[u8]>::first_chunk)
                    .map_or(0, |field| u16::from_be_bytes(*field));
                return Err(Reject::IpFragment { offset: offset & 0xfff8 });
            }
            found => return Err(Reject::IpProtocol { found }),
        }
        let (source, destination) = addresses.split_at(16);
        let address = |octets: &[u8]| {
            octets.first_chunk::<16>().map_or(Ipv6Addr::UNSPECIFIED, |octets| Ipv6Addr::from(*octets))
        };
        let carrier = Carrier::V6 { source: address(source), destination: address(destination) };
        Ok(Self { carrier, ttl, interface: None, payload, ah: None })
    }

    /// The same, said to have come in by the interface with this index.
    #[must_use]
    pub const fn on_interface(self, index: u32) -> Self {
        Self { interface: Some(index), ..self }
    }

    /// Who sent it, and to whom.
    pub const fn carrier(&self) -> &Carrier {
        &self.carrier
    }

    /// Who sent it.
    pub const fn source(&self) -> IpAddr {
        self.carrier.source()
    }

    /// Whom it is for.
    pub const fn destination(&self) -> IpAddr {
        self.carrier.destination()
    }

    /// The time to live, or hop limit, that it arrived with.
    pub const fn ttl(&self) -> u8 {
        self.ttl
    }

    /// The index of the interface it came in by, if that was said.
    pub const fn interface(&self) -> Option<u32> {
        self.interface
    }

    /// The message.
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// For which virtual router it may be: enough to choose whose ladder it goes up, and no more. Nothing is verified.
    pub const fn vrid(&self) -> Option<VirtualRouterId> {
        match self.payload {
            [_, vrid, ..] => VirtualRouterId::new(*vrid),
            _ => None,
        }
    }

    pub(crate) const fn ah(&self) -> Option<&AhHeader<'a>> {
        self.ah.as_ref()
    }
}

#[cfg(feature = "auth-ah")]
impl AhHeader<'_> {
    pub(crate) const fn spi(&self) -> Ipv4Addr {
        let [_, _, _, _, a, b, c, d, ..] = self.fixed;
        Ipv4Addr::new(a, b, c, d)
    }

    pub(crate) const fn sequence(&self) -> u32 {
        let [.., a, b, c, d] = self.fixed;
        u32::from_be_bytes([a, b, c, d])
    }
}

fn authentication_header<'a>(ip: &'a [u8], payload: &'a [u8]) -> Result<(AhHeader<'a>, &'a [u8]), Reject> {
    let have = ip.len() + payload.len();
    let short = Reject::IpTruncated { need: ip.len() + 24, have };
    let (&fixed, rest) = payload.split_first_chunk::<12>().ok_or(short)?;
    let [next, length, ..] = fixed;
    if next != Carrier::PROTOCOL || length != AH_LENGTH {
        return Err(Reject::AhHeader { next, length });
    }
    let (&icv, message) = rest.split_first_chunk::<12>().ok_or(short)?;
    Ok((AhHeader { ip, fixed, icv }, message))
}

/// IP protocol 51, the authentication header (RFC 2402).
pub(crate) const AH: u8 = 51;
/// Its length of 24 octets, in units of four, less two (RFC 2402 §2.2).
pub(crate) const AH_LENGTH: u8 = 4;
const HOP_BY_HOP: u8 = 0;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;
