//! An Ethernet frame of ARP or neighbour discovery, parsed and emitted. The bodies have files of their own.

use crate::{Octets, ParseError, arp, ndp};

/// A whole Ethernet frame, without padding and checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Frame {
    /// Where it goes.
    pub destination: [u8; 6],
    /// Where it says it comes from; what switches learn from.
    pub source: [u8; 6],
    /// The innermost VLAN tag, without its priority. [`Frame::emit`] writes it as 802.1Q.
    pub vlan: Option<VlanId>,
    /// What it carries.
    pub body: Body,
}

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// EtherType 0x0806.
    Arp(arp::Packet),
    /// EtherType 0x86dd.
    Ndp(ndp::Packet),
}

/// The number of a VLAN, 0 to 4095; 0 is a tag for the sake of its priority alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanId(u16);

impl VlanId {
    /// The VLAN ID in a tag; the priority bits are left out.
    pub const fn from_tag(tag: u16) -> Self {
        Self(tag & 0x0fff)
    }

    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl Frame {
    /// Reads a frame with none, one or two VLAN tags (802.1Q, 802.1ad). Any octets have an answer.
    ///
    /// # Errors
    ///
    /// Each of [`ParseError`].
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let Some((&[d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, t0, t1], mut rest)) =
            bytes.split_first_chunk::<14>()
        else {
            return Err(ParseError::Truncated { field: "Ethernet header", at: 0, need: 14 });
        };
        let mut ethertype = u16::from_be_bytes([t0, t1]);
        let mut vlan = None;
        for at in [14, 18] {
            if !TAGS.contains(&ethertype) {
                break;
            }
            let Some((&[v0, v1, t0, t1], inner)) = rest.split_first_chunk::<4>() else {
                return Err(ParseError::Truncated { field: "VLAN tag", at, need: 4 });
            };
            vlan = Some(VlanId::from_tag(u16::from_be_bytes([v0, v1])));
            (ethertype, rest) = (u16::from_be_bytes([t0, t1]), inner);
        }
        Ok(Self {
            destination: [d0, d1, d2, d3, d4, d5],
            source: [s0, s1, s2, s3, s4, s5],
            vlan,
            body: Body::parse(ethertype, rest)?,
        })
    }

    /// The frame as octets.
    pub fn emit(&self) -> Octets {
        let mut out = Octets::EMPTY;
        out.put(&self.destination).put(&self.source);
        if let Some(vlan) = self.vlan {
            out.put(&[0x81, 0]).put(&vlan.0.to_be_bytes());
        }
        out.put(&self.body.ethertype().to_be_bytes());
        self.body.put(&mut out);
        out
    }
}

impl Body {
    /// Reads what follows the Ethernet header, as a `SOCK_DGRAM` packet socket delivers it.
    ///
    /// # Errors
    ///
    /// Each of [`ParseError`].
    #[inline]
    pub fn parse(ethertype: u16, bytes: &[u8]) -> Result<Self, ParseError> {
        match ethertype {
            ARP => arp::Packet::parse(bytes).map(Self::Arp),
            IPV6 => ndp::Packet::parse(bytes).map(Self::Ndp),
            ethertype => Err(ParseError::EtherType { ethertype }),
        }
    }

    /// The octets behind the Ethernet header.
    pub fn emit(&self) -> Octets {
        let mut out = Octets::EMPTY;
        self.put(&mut out);
        out
    }

    /// The number that stands before it in the Ethernet header.
    pub const fn ethertype(&self) -> u16 {
        match self {
            Self::Arp(_) => ARP,
            Self::Ndp(_) => IPV6,
        }
    }

    fn put(&self, out: &mut Octets) {
        match self {
            Self::Arp(packet) => packet.put(out),
            Self::Ndp(packet) => packet.put(out),
        }
    }
}

pub(crate) const ARP: u16 = 0x0806;
pub(crate) const IPV6: u16 = 0x86dd;
const TAGS: [u16; 2] = [0x8100, 0x88a8];

#[cfg(test)]
mod tests;
