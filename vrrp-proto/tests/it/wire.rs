//! Octets for the tests: hex, IP headers, and checksums counted in another way than the crate does.

use std::net::IpAddr;

use vrrp_proto::{
    Accepted, Authentication, Carrier, Datagram, Family, Interval, Ladder, Packet, Peer, PeerMemory, Reach,
    Reject, Versions, VirtualRouterId,
};

/// Octets of hex digits; spaces are for people.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|octet| !octet.is_ascii_whitespace()).collect();
    assert!(digits.len().is_multiple_of(2), "{text}");
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Hex digits of octets.
pub(crate) fn to_hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// What makes the sum of 16-bit words all ones, the slow way.
pub(crate) fn checksum(pieces: &[&[u8]]) -> u16 {
    let mut octets = pieces.concat();
    octets.resize(octets.len().next_multiple_of(2), 0);
    let mut sum = 0_u16;
    for pair in octets.chunks(2) {
        let (next, carry) = sum.overflowing_add(u16::from_be_bytes([pair[0], pair[1]]));
        sum = next + u16::from(carry);
    }
    !sum
}

/// `message` with the checksum right for it alone.
pub(crate) fn message_only(mut message: Vec<u8>) -> Vec<u8> {
    message[6..8].fill(0);
    let right = checksum(&[&message]);
    message[6..8].copy_from_slice(&right.to_be_bytes());
    message
}

/// `message` with the checksum right with a pseudo-header of these addresses.
pub(crate) fn pseudo_header(source: &str, destination: &str, mut message: Vec<u8>) -> Vec<u8> {
    message[6..8].fill(0);
    let octets = |address: &str| match address.parse().unwrap() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let len = u16::try_from(message.len()).unwrap().to_be_bytes();
    let right = checksum(&[&octets(source), &octets(destination), &[0, 112], &len, &message]);
    message[6..8].copy_from_slice(&right.to_be_bytes());
    message
}

/// An IPv4 packet to the group with a time to live of 255; `words` is the header's length in units of four octets.
pub(crate) fn ipv4(words: u8, message: &[u8]) -> Vec<u8> {
    let header = usize::from(words) * 4;
    let total = u16::try_from(header + message.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x40 | words, 0xc0, total[0], total[1], 0, 1, 0, 0, 255, 112, 0, 0];
    packet.extend([10, 0, 0, 1, 224, 0, 0, 18]);
    packet.resize(header, 1); // options: no operation
    packet.extend(message);
    packet
}

/// A ladder that the packet fits, as far as that is a matter of configuration: its VRID, family, version, interval,
/// sender and destination are those expected.
pub(crate) fn ladder_for<'c>(datagram: &Datagram<'_>, peers: &'c mut Vec<Peer>) -> Ladder<'c> {
    let vrid = datagram.vrid().unwrap_or(VirtualRouterId::new(1).unwrap());
    let mut ladder = Ladder::new(vrid, Family::from(datagram.source()));
    ladder.versions = Versions::Both;
    if let Ok(packet) = Packet::parse(datagram.payload(), datagram.carrier()) {
        ladder.interval = packet.interval();
    }
    if !datagram.destination().is_multicast() {
        peers.push(Peer::on_link(datagram.source()));
        ladder.reach = Reach::Peers(peers);
    }
    ladder
}

/// Lets an IP packet up the ladder that fits it.
pub(crate) fn check<'a>(
    packet: &'a [u8],
    authentication: Authentication<'_>,
) -> Result<Accepted<'a>, Reject> {
    let datagram = Datagram::from_ip(packet)?;
    let mut peers = Vec::new();
    let mut ladder = ladder_for(&datagram, &mut peers);
    ladder.authentication = authentication;
    ladder.check(&datagram, &mut PeerMemory::new())
}

/// Lets a message up that came from 10.0.0.1 to the group with a time to live of 255.
pub(crate) fn check_message(message: &[u8]) -> Result<Accepted<'_>, Reject> {
    let datagram = Datagram::new(message, group(), 255);
    ladder_for(&datagram, &mut Vec::new()).check(&datagram, &mut PeerMemory::new())
}

/// From 10.0.0.1 to all routers of the link.
pub(crate) fn group() -> Carrier {
    Carrier::multicast([10, 0, 0, 1].into())
}

/// One second.
pub(crate) const SECOND: Interval = Interval::ONE_SECOND;
