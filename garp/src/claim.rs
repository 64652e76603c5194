//! What a frame says about whose an address is: the pure half of [`Watch`](crate::Watch).

use crate::{Body, arp, ndp};
use std::fmt;
use std::net::IpAddr;

/// That somebody has, or would like to have, an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// Which address.
    pub address: IpAddr,
    /// Who: the link-layer address in the message; where a solicitation or advertisement has none, `None`, and it is the
    /// one the frame came from.
    pub mac: Option<[u8; 6]>,
    /// How.
    pub kind: ClaimKind,
}

/// How an address is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClaimKind {
    /// A gratuitous ARP, or an unsolicited advertisement; the latter is also how a probe for an IPv6 address is answered.
    Announces,
    /// An ARP reply or a solicited advertisement.
    Answers,
    /// The sender of an ordinary ARP request or solicitation, which RFC 5227 §2.4 counts as a conflict too.
    Uses,
    /// A probe: it would like to have the address, and does not yet (RFC 5227 §2.1.1, RFC 4862 §5.4).
    Probes,
}

impl Claim {
    /// What a message claims, if anything.
    pub fn of(body: &Body) -> Option<Self> {
        let claim = match body {
            Body::Arp(packet) => of_arp(packet),
            Body::Ndp(packet) => of_ndp(packet),
        };
        (!claim.address.is_unspecified()).then_some(claim)
    }
}

fn of_arp(packet: &arp::Packet) -> Claim {
    let mac = Some(packet.sender_mac);
    let (address, kind) = if packet.sender.is_unspecified() {
        // RFC 5227 §2.1.1: an ARP probe is a request, but any packet without a sender asks for its target only.
        (packet.target, ClaimKind::Probes)
    } else if packet.is_gratuitous() {
        (packet.sender, ClaimKind::Announces)
    } else if packet.operation == arp::Operation::Reply {
        (packet.sender, ClaimKind::Answers)
    } else {
        (packet.sender, ClaimKind::Uses)
    };
    Claim { address: address.into(), mac, kind }
}

fn of_ndp(packet: &ndp::Packet) -> Claim {
    let (address, kind) = match packet.kind {
        ndp::Kind::Solicitation if packet.source.is_unspecified() => (packet.target, ClaimKind::Probes),
        ndp::Kind::Solicitation => (packet.source, ClaimKind::Uses),
        ndp::Kind::Advertisement(flags) if flags.contains(ndp::Flags::SOLICITED) => {
            (packet.target, ClaimKind::Answers)
        }
        ndp::Kind::Advertisement(_) => (packet.target, ClaimKind::Announces),
    };
    Claim { address: address.into(), mac: packet.link_layer, kind }
}

impl fmt::Display for ClaimKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Announces => "announces",
            Self::Answers => "answers for",
            Self::Uses => "uses",
            Self::Probes => "probes",
        })
    }
}

#[cfg(test)]
mod tests;
