//! What there is to say about an address, before a MAC is known: the MAC is the device's at the moment of sending.

use crate::{Body, Frame, arp, ndp};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One thing to say on the link. [`Message::frame`] makes it a frame once the MAC is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A gratuitous ARP.
    Announcement {
        /// Which address has moved.
        address: Ipv4Addr,
        /// In which of the forms in use.
        form: ArpForm,
    },
    /// An unsolicited neighbour advertisement (RFC 4861 §7.2.6), from the address itself, with the link-layer address.
    Advertisement {
        /// Which address has moved.
        address: Ipv6Addr,
        /// Who is to learn it.
        audience: Audience,
        /// The R flag.
        role: Role,
    },
    /// Does anybody have this address? An ARP probe (RFC 5227 §2.1.1), or a solicitation from `::` (RFC 4862 §5.4.2).
    Probe {
        /// Which address is asked for.
        address: IpAddr,
    },
    /// An ARP request for a neighbour, with our address as the sender: whoever answers has learned it first (RFC 826).
    ArpQuestion {
        /// Our address.
        address: Ipv4Addr,
        /// Who is asked.
        neighbor: Ipv4Addr,
        /// Its MAC; without one everybody is asked.
        at: Option<[u8; 6]>,
    },
    /// A neighbour solicitation with our address as the source and our link-layer address in its option: the answer goes
    /// to where the neighbour believes the address to be (RFC 4861 §7.2.3, §7.2.4).
    Solicitation {
        /// Our address.
        address: Ipv6Addr,
        /// Who is asked.
        neighbor: Ipv6Addr,
        /// Its MAC; without one its solicited-node group is asked.
        at: Option<[u8; 6]>,
    },
}

/// The forms of gratuitous ARP that are in use. Which receivers take which is in the crate's documentation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ArpForm {
    /// A request whose target MAC is zero: the announcement of RFC 5227 §2.3. The one that everybody takes.
    #[default]
    Request,
    /// A request whose target MAC is ff:ff:ff:ff:ff:ff, as keepalived and `arping -U` send it.
    RequestToBroadcast,
    /// A reply whose target MAC is the sender's own, as RFC 5944 §4.6 asks. Linux takes a reply as gratuitous in this form only.
    Reply,
}

/// Who is to learn from an advertisement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Everybody, ff02::1, with O set: who has an entry replaces it.
    #[default]
    AllNodes,
    /// The routers, ff02::2, with O clear: who has no entry makes one (RFC 9131 §6.1).
    AllRouters,
}

/// Whether the address is a router's: the R flag. It must not change while an address lives: hosts that see R go from 1
/// to 0 drop their routes through it (RFC 4861 §7.2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// A service's address: R = 0.
    #[default]
    Host,
    /// A gateway that hosts have a route through, such as a VRRP router's (RFC 9568 §6.4.2): R = 1.
    Router,
}

impl Message {
    /// The address it is about: ours, or the one we would like to have.
    pub fn address(&self) -> IpAddr {
        match *self {
            Self::Announcement { address, .. } | Self::ArpQuestion { address, .. } => address.into(),
            Self::Advertisement { address, .. } | Self::Solicitation { address, .. } => address.into(),
            Self::Probe { address } => address,
        }
    }

    /// As a frame from `mac`.
    pub fn frame(&self, mac: [u8; 6]) -> Frame {
        match *self {
            Self::Announcement { address, form } => announcement(address, form, mac),
            Self::Advertisement { address, audience, role } => advertisement(address, audience, role, mac),
            Self::Probe { address: IpAddr::V4(address) } => {
                request(BROADCAST, mac, Ipv4Addr::UNSPECIFIED, address)
            }
            Self::Probe { address: IpAddr::V6(address) } => {
                solicitation(None, mac, Ipv6Addr::UNSPECIFIED, address)
            }
            Self::ArpQuestion { address, neighbor, at } => {
                request(at.unwrap_or(BROADCAST), mac, address, neighbor)
            }
            Self::Solicitation { address, neighbor, at } => solicitation(at, mac, address, neighbor),
        }
    }
}

fn announcement(address: Ipv4Addr, form: ArpForm, mac: [u8; 6]) -> Frame {
    let (operation, target_mac) = match form {
        ArpForm::Request => (arp::Operation::Request, [0; 6]),
        ArpForm::RequestToBroadcast => (arp::Operation::Request, BROADCAST),
        ArpForm::Reply => (arp::Operation::Reply, mac),
    };
    let packet = arp::Packet { operation, sender_mac: mac, sender: address, target_mac, target: address };
    Frame { destination: BROADCAST, source: mac, vlan: None, body: Body::Arp(packet) }
}

fn request(destination: [u8; 6], mac: [u8; 6], sender: Ipv4Addr, target: Ipv4Addr) -> Frame {
    let operation = arp::Operation::Request;
    let packet = arp::Packet { operation, sender_mac: mac, sender, target_mac: [0; 6], target };
    Frame { destination, source: mac, vlan: None, body: Body::Arp(packet) }
}

fn advertisement(address: Ipv6Addr, audience: Audience, role: Role, mac: [u8; 6]) -> Frame {
    let router = match role {
        Role::Host => ndp::Flags::NONE,
        Role::Router => ndp::Flags::ROUTER,
    };
    let (destination, flags) = match audience {
        Audience::AllNodes => (ALL_NODES, router | ndp::Flags::OVERRIDE),
        Audience::AllRouters => (ALL_ROUTERS, router),
    };
    let kind = ndp::Kind::Advertisement(flags);
    let packet = ndp::Packet { source: address, destination, kind, target: address, link_layer: Some(mac) };
    Frame { destination: ndp::multicast_mac(destination), source: mac, vlan: None, body: Body::Ndp(packet) }
}

/// RFC 4861 §7.1.1: from `::` without the option, to the solicited-node group. A known neighbour is asked directly.
fn solicitation(at: Option<[u8; 6]>, mac: [u8; 6], source: Ipv6Addr, target: Ipv6Addr) -> Frame {
    let link_layer = (!source.is_unspecified()).then_some(mac);
    let group = ndp::solicited_node(target);
    let (destination, to) = at.map_or_else(|| (group, ndp::multicast_mac(group)), |mac| (target, mac));
    let packet = ndp::Packet { source, destination, kind: ndp::Kind::Solicitation, target, link_layer };
    Frame { destination: to, source: mac, vlan: None, body: Body::Ndp(packet) }
}

const BROADCAST: [u8; 6] = [0xff; 6];
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

#[cfg(test)]
mod tests;
