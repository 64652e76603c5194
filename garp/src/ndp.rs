//! Neighbour solicitations and advertisements (RFC 4861 §4.3, §4.4) with the IPv6 header they travel in, parsed and
//! emitted. What else ICMPv6 has is left to others.

use crate::{Octets, ParseError};
use std::net::Ipv6Addr;
use std::ops::BitOr;

/// An IPv6 packet that is a neighbour message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packet {
    /// Source in the IPv6 header; `::` when an address is probed (RFC 4862 §5.4.2).
    pub source: Ipv6Addr,
    /// Destination in the IPv6 header.
    pub destination: Ipv6Addr,
    /// Solicitation or advertisement.
    pub kind: Kind,
    /// The address that is asked for or advertised.
    pub target: Ipv6Addr,
    /// The source (in a solicitation) or target (in an advertisement) link-layer address option, where it is one of
    /// six octets. Other options are skipped.
    pub link_layer: Option<[u8; 6]>,
}

/// Which of the two messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Type 135: who has this address?
    Solicitation,
    /// Type 136: this address is at that link-layer address.
    Advertisement(Flags),
}

/// The flags of an advertisement (RFC 4861 §4.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u8);

impl Flags {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// R: the sender is a router.
    pub const ROUTER: Self = Self(0x80);
    /// S: it answers a solicitation. Never to a multicast address.
    pub const SOLICITED: Self = Self(0x40);
    /// O: what is cached is to be replaced.
    pub const OVERRIDE: Self = Self(0x20);

    /// Whether all flags of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Packet {
    /// Reads an IPv6 packet: what follows the Ethernet header. Everything RFC 4861 §7.1 wants checked is. What lies
    /// beyond the payload length is ignored.
    ///
    /// # Errors
    ///
    /// Each of [`ParseError`] but those of Ethernet and ARP.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let Some((header, rest)) = bytes.split_first_chunk::<40>() else {
            return Err(ParseError::Truncated { field: "IPv6 header", at: 0, need: 40 });
        };
        let &[first, _, _, _, len0, len1, next_header, hop_limit, ref addresses @ ..] = header;
        if first >> 4 != 6 {
            return Err(ParseError::Version { version: first >> 4 });
        }
        if next_header != ICMPV6 {
            return Err(ParseError::NotIcmp { next_header });
        }
        if hop_limit != 255 {
            return Err(ParseError::HopLimit { hop_limit });
        }
        let need = usize::from(u16::from_be_bytes([len0, len1]));
        let Some(icmp) = rest.get(..need) else {
            return Err(ParseError::Truncated { field: "ICMPv6 message", at: 40, need });
        };
        let (source, destination) = addresses.split_at(16);
        let (source, destination) = (address(source), address(destination));
        let Some((&[kind, code, sum0, sum1, flags, _, _, _], rest)) = icmp.split_first_chunk::<8>() else {
            return Err(ParseError::Truncated { field: "ICMPv6 header", at: 0, need: 8 });
        };
        if !matches!((kind, code), (SOLICITATION | ADVERTISEMENT, 0)) {
            return Err(ParseError::NotNeighbor { kind, code });
        }
        let Some((target, options)) = rest.split_first_chunk::<16>() else {
            return Err(ParseError::Truncated { field: "target", at: 8, need: 16 });
        };
        let (found, expected) = (u16::from_be_bytes([sum0, sum1]), checksum(source, destination, icmp));
        if found != expected {
            return Err(ParseError::Checksum { found, expected });
        }
        let target = Ipv6Addr::from(*target);
        if target.is_multicast() {
            return Err(ParseError::MulticastTarget);
        }
        let wanted = if kind == SOLICITATION { SOURCE_LINK_LAYER } else { TARGET_LINK_LAYER };
        let link_layer = link_layer(options, wanted)?;
        let kind = if kind == SOLICITATION {
            let probes = source.is_unspecified();
            if probes && (link_layer.is_some() || !is_solicited_node(destination)) {
                return Err(ParseError::UnspecifiedSource);
            }
            Kind::Solicitation
        } else {
            let flags = Flags(flags & 0xe0);
            if flags.contains(Flags::SOLICITED) && destination.is_multicast() {
                return Err(ParseError::SolicitedMulticast);
            }
            Kind::Advertisement(flags)
        };
        Ok(Self { source, destination, kind, target, link_layer })
    }

    pub(crate) fn put(&self, out: &mut Octets) {
        let mut icmp = Octets::EMPTY;
        self.put_icmp(&mut icmp, [0; 2]);
        let sum = checksum(self.source, self.destination, icmp.as_slice());
        let len = if self.link_layer.is_some() { 32_u8 } else { 24 };
        out.put(&[0x60, 0, 0, 0, 0, len, ICMPV6, 255])
            .put(&self.source.octets())
            .put(&self.destination.octets());
        self.put_icmp(out, sum.to_be_bytes());
    }

    fn put_icmp(&self, out: &mut Octets, sum: [u8; 2]) {
        let (kind, flags, option) = match self.kind {
            Kind::Solicitation => (SOLICITATION, 0, SOURCE_LINK_LAYER),
            Kind::Advertisement(flags) => (ADVERTISEMENT, flags.0, TARGET_LINK_LAYER),
        };
        out.put(&[kind, 0]).put(&sum).put(&[flags, 0, 0, 0]).put(&self.target.octets());
        if let Some(mac) = self.link_layer {
            out.put(&[option, 1]).put(&mac);
        }
    }

    /// The IPv6 packet as octets, checksum and all.
    pub fn emit(&self) -> Octets {
        let mut out = Octets::EMPTY;
        self.put(&mut out);
        out
    }
}

/// The solicited-node multicast address of `address` (RFC 4291 §2.7.1).
pub fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = address.octets();
    Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c])
}

/// The Ethernet address of an IPv6 multicast address (RFC 2464 §7).
pub fn multicast_mac(address: Ipv6Addr) -> [u8; 6] {
    let [.., a, b, c, d] = address.octets();
    [0x33, 0x33, a, b, c, d]
}

fn is_solicited_node(address: Ipv6Addr) -> bool {
    solicited_node(address) == address
}

/// The first option of type `wanted` that holds six octets; every option is looked at, for a broken one spoils the message.
#[inline]
fn link_layer(mut options: &[u8], wanted: u8) -> Result<Option<[u8; 6]>, ParseError> {
    let (mut found, mut at) = (None, 24);
    while !options.is_empty() {
        let Some(&[kind, eights]) = options.first_chunk::<2>() else {
            return Err(ParseError::Truncated { field: "option", at, need: 2 });
        };
        if eights == 0 {
            return Err(ParseError::ZeroOption { at });
        }
        let need = usize::from(eights) * 8;
        let Some((option, rest)) = options.split_at_checked(need) else {
            return Err(ParseError::Truncated { field: "option", at, need });
        };
        if let (None, true, &[_, _, a, b, c, d, e, f]) = (found, kind == wanted, option) {
            found = Some([a, b, c, d, e, f]);
        }
        (options, at) = (rest, at + need);
    }
    Ok(found)
}

/// The ICMPv6 checksum with its pseudo-header (RFC 8200 §8.1); what stands in the checksum's place is left out.
fn checksum(source: Ipv6Addr, destination: Ipv6Addr, icmp: &[u8]) -> u16 {
    let stands = match icmp {
        [_, _, high, low, ..] => u64::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    };
    let mut sum =
        words(&source.octets()) + words(&destination.octets()) + icmp.len() as u64 + u64::from(ICMPV6);
    sum += words(icmp) - stands;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

/// The sum of words of 32 bits, which is that of its halves once it is folded; what is missing at the end counts as zero.
#[inline]
fn words(bytes: &[u8]) -> u64 {
    let (whole, rest) = bytes.as_chunks::<4>();
    let mut last = [0; 4];
    for (octet, from) in last.iter_mut().zip(rest) {
        *octet = *from;
    }
    let sum: u64 = whole.iter().map(|word| u64::from(u32::from_be_bytes(*word))).sum();
    sum + u64::from(u32::from_be_bytes(last))
}

fn address(bytes: &[u8]) -> Ipv6Addr {
    bytes.first_chunk::<16>().map_or(Ipv6Addr::UNSPECIFIED, |octets| Ipv6Addr::from(*octets))
}

const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
const SOURCE_LINK_LAYER: u8 = 1;
const TARGET_LINK_LAYER: u8 = 2;
