//! HMAC-MD5-96 in an IP authentication header (RFC 2402, RFC 2403), as keepalived does it.
//!
//! Two things are its own. The SPI is the sender's address. And of the IP header's mutable fields the time to live is
//! zero for the ICV only when the packet goes to one router; RFC 2402 §3.3.3.1.1.1 wants it so always.

use core::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;

use super::{Password, equal, padded};
use crate::datagram::AhHeader;
use crate::{Datagram, PeerMemory, Reject};

/// The sequence numbers that a sender writes: one for each packet, from 1 on, and never round (RFC 2402 §3.3.2).
///
/// keepalived's receivers keep one counter for all senders of a virtual router, so whoever takes over must begin above
/// what the one before has sent: [`heard`](Self::heard).
///
/// ```
/// use vrrp_proto::AhSequence;
///
/// let mut sequence = AhSequence::default();
/// sequence.heard(41); // `PeerMemory::ah_sequence`, after each accepted packet
/// assert_eq!(sequence.advance(), Some(42));
/// assert_eq!(sequence.advance(), Some(43));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AhSequence {
    last: u32,
}

impl AhSequence {
    /// Somebody has sent this one.
    pub const fn heard(&mut self, sequence: u32) {
        if sequence > self.last {
            self.last = sequence;
        }
    }

    /// The number for the next packet; `None` when all are used up, and the password has to be changed.
    pub const fn advance(&mut self) -> Option<u32> {
        match self.last.checked_add(1) {
            Some(next) => {
                self.last = next;
                Some(next)
            }
            None => None,
        }
    }
}

/// The sequence number, if the header is the sender's and newer than what was accepted before.
pub(crate) fn check(
    datagram: &Datagram<'_>,
    header: &AhHeader<'_>,
    password: &Password,
    memory: &PeerMemory,
) -> Result<u32, Reject> {
    let (spi, found) = (header.spi(), header.sequence());
    if let IpAddr::V4(source) = datagram.source()
        && spi != source
    {
        return Err(Reject::AhSpi { spi, source });
    }
    // It never wraps (RFC 2402 §3.3.2): after the last number there is no next one.
    if let Some(last) = memory.ah_sequence
        && found <= last
    {
        return Err(Reject::AhReplay { last, found });
    }
    if !equal(&icv(password, header.ip, &header.fixed, datagram.payload()), &header.icv) {
        return Err(Reject::AhIcv);
    }
    Ok(found)
}

/// The integrity check value over an IP header, the first 12 octets of the authentication header, and the message.
/// `header` is shorter than 64 octets; what is over is not looked at.
pub(crate) fn icv(password: &Password, header: &[u8], fixed: &[u8; 12], message: &[u8]) -> [u8; 12] {
    let mut ip = [0; 60];
    let len = header.len().min(ip.len());
    for (copy, &octet) in ip.iter_mut().zip(header) {
        *copy = octet;
    }
    let multicast = ip[16] & 0xf0 == 0xe0;
    ip[1] = 0; // type of service
    ip[6..8].fill(0); // flags and fragment offset
    if !multicast {
        ip[8] = 0; // time to live
    }
    ip[10..12].fill(0); // checksum
    let mut mac = <Hmac<Md5>>::new(&padded(&password.octets()).into());
    mac.update(ip.get(..len).unwrap_or(&ip));
    mac.update(fixed);
    mac.update(&[0; 12]);
    mac.update(message);
    let mut icv = [0; 12];
    for (octet, full) in icv.iter_mut().zip(mac.finalize().into_bytes()) {
        *octet = full;
    }
    icv
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_with_1_and_continue_what_was_heard() {
        let mut sequence = AhSequence::default();
        assert_eq!(sequence.advance(), Some(1));
        sequence.heard(7);
        sequence.heard(3);
        assert_eq!(sequence.advance(), Some(8));
    }

    #[test]
    fn numbers_do_not_go_round() {
        let mut sequence = AhSequence::default();
        sequence.heard(u32::MAX - 1);
        assert_eq!(sequence.advance(), Some(u32::MAX));
        assert_eq!(sequence.advance(), None);
    }
}
