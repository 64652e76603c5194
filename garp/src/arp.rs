//! ARP for IPv4 over Ethernet (RFC 826): one packet, parsed and emitted. Which packet to send is [`Message`]'s matter.
//!
//! [`Message`]: crate::Message

use crate::{Octets, ParseError};
use std::net::Ipv4Addr;

/// The 28 octets behind the Ethernet header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packet {
    /// Request or reply.
    pub operation: Operation,
    /// Sender hardware address, SHA.
    pub sender_mac: [u8; 6],
    /// Sender protocol address, SPA. `0.0.0.0` in a probe (RFC 5227 §2.1.1).
    pub sender: Ipv4Addr,
    /// Target hardware address, THA.
    pub target_mac: [u8; 6],
    /// Target protocol address, TPA.
    pub target: Ipv4Addr,
}

/// `ar$op`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// 1
    Request,
    /// 2
    Reply,
    /// Anything else, kept as it came; never 1 or 2.
    Other(u16),
}

impl Packet {
    /// Its length in octets.
    pub const LEN: usize = 28;

    /// Reads what follows the Ethernet header. Padding behind it is ignored.
    ///
    /// # Errors
    ///
    /// [`ParseError::Truncated`] and [`ParseError::NotEthernetIpv4`].
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let Some(&[h0, h1, p0, p1, hardware_len, protocol_len, o0, o1, ref addresses @ ..]) =
            bytes.first_chunk::<{ Self::LEN }>()
        else {
            return Err(ParseError::Truncated { field: "ARP packet", at: 0, need: Self::LEN });
        };
        let (hardware, protocol) = (u16::from_be_bytes([h0, h1]), u16::from_be_bytes([p0, p1]));
        if (hardware, protocol, hardware_len, protocol_len) != (1, 0x0800, 6, 4) {
            return Err(ParseError::NotEthernetIpv4 { hardware, protocol, hardware_len, protocol_len });
        }
        let &[a, b, c, d, e, f, s0, s1, s2, s3, g, h, i, j, k, l, t0, t1, t2, t3] = addresses;
        Ok(Self {
            operation: Operation::from(u16::from_be_bytes([o0, o1])),
            sender_mac: [a, b, c, d, e, f],
            sender: Ipv4Addr::new(s0, s1, s2, s3),
            target_mac: [g, h, i, j, k, l],
            target: Ipv4Addr::new(t0, t1, t2, t3),
        })
    }

    pub(crate) fn put(&self, out: &mut Octets) {
        out.put(&[0, 1, 8, 0, 6, 4])
            .put(&u16::from(self.operation).to_be_bytes())
            .put(&self.sender_mac)
            .put(&self.sender.octets())
            .put(&self.target_mac)
            .put(&self.target.octets());
    }

    /// The packet as octets.
    pub fn emit(&self) -> Octets {
        let mut out = Octets::EMPTY;
        self.put(&mut out);
        out
    }

    /// Whether sender and target are the same address, which is what makes it gratuitous in either form.
    pub fn is_gratuitous(&self) -> bool {
        self.sender == self.target && !self.sender.is_unspecified()
    }
}

impl From<u16> for Operation {
    fn from(value: u16) -> Self {
        match value {
            1 => Self::Request,
            2 => Self::Reply,
            other => Self::Other(other),
        }
    }
}

impl From<Operation> for u16 {
    fn from(operation: Operation) -> Self {
        match operation {
            Operation::Request => 1,
            Operation::Reply => 2,
            Operation::Other(value) => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_gigabit_fibre_channel_is_refused_with_its_numbers() {
        let mut bytes = [0; 28];
        bytes[1] = 18;
        assert_eq!(
            Packet::parse(&bytes),
            Err(ParseError::NotEthernetIpv4 { hardware: 18, protocol: 0, hardware_len: 0, protocol_len: 0 })
        );
    }

    #[test]
    fn an_operation_we_do_not_know_is_kept() {
        assert_eq!(Operation::from(8), Operation::Other(8));
        assert_eq!(u16::from(Operation::Other(8)), 8);
    }
}
