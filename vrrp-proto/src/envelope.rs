//! The IP header that a whole packet is written with.

use core::net::{Ipv4Addr, Ipv6Addr};

use crate::checksum::Sum;
use crate::packet::put;
use crate::{Carrier, EmitError, Packet};
#[cfg(feature = "auth-ah")]
use crate::{
    Password,
    auth::ah,
    datagram::{AH, AH_LENGTH},
};

/// The fields of an IPv4 header that are the sender's to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ipv4Header {
    /// The sender's address.
    pub source: Ipv4Addr,
    /// The group, or one router.
    pub destination: Ipv4Addr,
    /// 255 (RFC 9568 §5.1.1.3).
    pub ttl: u8,
    /// The former type of service.
    pub traffic_class: u8,
    /// 0 lets the kernel choose, unless there is an authentication header.
    pub identification: u16,
}

impl Ipv4Header {
    /// With a time to live of 255, traffic class 0xc0 (internetwork control), and identification 0.
    pub const fn new(source: Ipv4Addr, destination: Ipv4Addr) -> Self {
        Self { source, destination, ttl: 255, traffic_class: 0xc0, identification: 0 }
    }

    const fn carrier(&self) -> Carrier {
        Carrier::V4 { source: self.source, destination: self.destination }
    }

    fn octets(&self, protocol: u8, total: u16) -> [u8; 20] {
        let [total_high, total_low] = total.to_be_bytes();
        let [id_high, id_low] = self.identification.to_be_bytes();
        let [a, b, c, d] = self.source.octets();
        let [e, f, g, h] = self.destination.octets();
        let mut header = [
            0x45,
            self.traffic_class,
            total_high,
            total_low,
            id_high,
            id_low,
            0,
            0,
            self.ttl,
            protocol,
            0,
            0,
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
        ];
        let [high, low] = Sum::default().add(&header).checksum().to_be_bytes();
        header[10] = high;
        header[11] = low;
        header
    }
}

/// The fields of an IPv6 header that are the sender's to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ipv6Header {
    /// The sender's link-local address.
    pub source: Ipv6Addr,
    /// The group, or one router.
    pub destination: Ipv6Addr,
    /// 255 (RFC 9568 §5.1.2.3).
    pub hop_limit: u8,
    /// Eight bits.
    pub traffic_class: u8,
    /// 20 bits; what is over is not sent.
    pub flow_label: u32,
}

impl Ipv6Header {
    /// With a hop limit of 255, traffic class 0xc0 (internetwork control), and flow label 0.
    pub const fn new(source: Ipv6Addr, destination: Ipv6Addr) -> Self {
        Self { source, destination, hop_limit: 255, traffic_class: 0xc0, flow_label: 0 }
    }
}

impl Packet<'_> {
    /// Writes the whole IPv4 packet, and says how many octets that are.
    ///
    /// # Errors
    ///
    /// Those of [`emit`](Self::emit).
    pub fn emit_ipv4(&self, header: &Ipv4Header, out: &mut [u8]) -> Result<usize, EmitError> {
        let (need, have) = (IPV4_LEN + self.encoded_len(), out.len());
        let Some((ip, message)) = out.get_mut(..need).and_then(|out| out.split_first_chunk_mut::<IPV4_LEN>())
        else {
            return Err(EmitError::BufferTooSmall { need, have });
        };
        self.emit(&header.carrier(), message)?;
        *ip = header.octets(Carrier::PROTOCOL, short(need));
        Ok(need)
    }

    /// Writes the whole IPv4 packet with an IP authentication header before the message, and says how many octets that
    /// are. `sequence` is the next of an [`AhSequence`](crate::AhSequence).
    ///
    /// # Errors
    ///
    /// Those of [`emit`](Self::emit), and an identification of 0.
    #[cfg(feature = "auth-ah")]
    pub fn emit_ipv4_ah(
        &self,
        header: &Ipv4Header,
        password: &Password,
        sequence: u32,
        out: &mut [u8],
    ) -> Result<usize, EmitError> {
        let (need, have) = (IPV4_LEN + AH_LEN + self.encoded_len(), out.len());
        if header.identification == 0 {
            return Err(EmitError::Identification);
        }
        let Some((ip, rest)) = out.get_mut(..need).and_then(|out| out.split_first_chunk_mut::<IPV4_LEN>())
        else {
            return Err(EmitError::BufferTooSmall { need, have });
        };
        let Some((authentication, message)) = rest.split_first_chunk_mut::<AH_LEN>() else {
            return Err(EmitError::BufferTooSmall { need, have });
        };
        self.emit(&header.carrier(), message)?;
        *ip = header.octets(AH, short(need));
        let [a, b, c, d] = header.source.octets();
        let [e, f, g, h] = sequence.to_be_bytes();
        let fixed = [Carrier::PROTOCOL, AH_LENGTH, 0, 0, a, b, c, d, e, f, g, h];
        let mut place = &mut authentication[..];
        put(&mut place, &fixed);
        put(&mut place, &ah::icv(password, ip, &fixed, message));
        Ok(need)
    }

    /// Writes the whole IPv6 packet, and says how many octets that are.
    ///
    /// # Errors
    ///
    /// Those of [`emit`](Self::emit).
    pub fn emit_ipv6(&self, header: &Ipv6Header, out: &mut [u8]) -> Result<usize, EmitError> {
        let (need, have) = (IPV6_LEN + self.encoded_len(), out.len());
        let Some((mut ip, message)) = out.get_mut(..need).and_then(|out| out.split_at_mut_checked(IPV6_LEN))
        else {
            return Err(EmitError::BufferTooSmall { need, have });
        };
        self.emit(&Carrier::V6 { source: header.source, destination: header.destination }, message)?;
        let first = 6 << 28 | u32::from(header.traffic_class) << 20 | header.flow_label & 0xf_ffff;
        put(&mut ip, &first.to_be_bytes());
        put(&mut ip, &short(self.encoded_len()).to_be_bytes());
        put(&mut ip, &[Carrier::PROTOCOL, header.hop_limit]);
        put(&mut ip, &header.source.octets());
        put(&mut ip, &header.destination.octets());
        Ok(need)
    }
}

/// 255 addresses of IPv6 with everything around them are 4156 octets.
fn short(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

const IPV4_LEN: usize = 20;
const IPV6_LEN: usize = 40;
#[cfg(feature = "auth-ah")]
const AH_LEN: usize = 24;
