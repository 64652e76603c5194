//! Refused for the IP packet: where from, where to, how far, and what is in it.

use std::net::IpAddr;

use vrrp_proto::{Carrier, Datagram, Family, Ladder, Peer, PeerMemory, Reach, Reject, VirtualRouterId};

use super::{V3, V6};
use crate::wire::{group, hex, ipv4};

fn check(ladder: &Ladder<'_>, datagram: &Datagram<'_>) -> Option<Reject> {
    ladder.check(datagram, &mut PeerMemory::new()).err()
}

fn ladder() -> Ladder<'static> {
    Ladder::new(VirtualRouterId::new(51).unwrap(), Family::V4)
}

#[test]
fn by_multicast_only_the_link_itself_is_near_enough() {
    let message = hex(V3);
    for found in [254, 64, 1, 0] {
        let refused = check(&ladder(), &Datagram::new(&message, group(), found));
        assert_eq!(refused, Some(Reject::Ttl { least: 255, found }));
    }
    let message = hex(V6);
    let carrier = Carrier::multicast("fe80::c8".parse().unwrap());
    let ladder = Ladder::new(VirtualRouterId::new(10).unwrap(), Family::V6);
    assert_eq!(check(&ladder, &Datagram::new(&message, carrier, 255)), None);
    let refused = check(&ladder, &Datagram::new(&message, carrier, 254));
    assert_eq!(refused, Some(Reject::Ttl { least: 255, found: 254 }));
}

#[test]
fn unicast_is_refused_where_multicast_is_configured_and_the_other_way_round() {
    let message = hex(V3);
    let (source, destination) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
    let alone = Datagram::new(&message, Carrier::new(source, destination).unwrap(), 255);
    let to_all = Datagram::new(&message, group(), 255);
    assert_eq!(check(&ladder(), &to_all), None);
    assert_eq!(check(&ladder(), &alone), Some(Reject::UnicastUnexpected { destination }));
    let peers = [Peer::on_link(source)];
    let ladder = Ladder { reach: Reach::Peers(&peers), ..ladder() };
    assert_eq!(check(&ladder, &alone), None);
    let destination = Carrier::GROUP_V4.into();
    assert_eq!(check(&ladder, &to_all), Some(Reject::MulticastUnexpected { destination }));
}

#[test]
fn unicast_from_nobody_we_know_is_refused() {
    let message = hex(V3);
    let source = IpAddr::from([10, 0, 0, 1]);
    let alone = Datagram::new(&message, Carrier::new(source, IpAddr::from([10, 0, 0, 2])).unwrap(), 255);
    let peers = [Peer::on_link([10, 0, 0, 3].into())];
    for peers in [&peers[..], &[]] {
        let ladder = Ladder { reach: Reach::Peers(peers), ..ladder() };
        assert_eq!(check(&ladder, &alone), Some(Reject::UnknownPeer { source }));
    }
}

#[test]
fn another_group_is_refused() {
    let message = hex(V3);
    let (expected, found) = (IpAddr::from([224, 0, 0, 18]), IpAddr::from([224, 0, 0, 19]));
    let carrier = Carrier::new(IpAddr::from([10, 0, 0, 1]), found).unwrap();
    let datagram = Datagram::new(&message, carrier, 255);
    assert_eq!(check(&ladder(), &datagram), Some(Reject::Group { expected, found }));
    assert_eq!(check(&Ladder { reach: Reach::Group(found), ..ladder() }, &datagram), None);
}

#[test]
fn what_comes_from_an_address_of_this_host_is_refused() {
    let message = hex(V3);
    let datagram = Datagram::new(&message, group(), 255);
    let own = [IpAddr::from([10, 9, 9, 9]), IpAddr::from([10, 0, 0, 1])];
    let refused = check(&Ladder { own: &own, ..ladder() }, &datagram);
    assert_eq!(refused, Some(Reject::OwnPacket { source: own[1] }));
    assert_eq!(check(&Ladder { own: &own[..1], ..ladder() }, &datagram), None);
}

#[test]
fn the_other_ip_is_refused() {
    let message = hex(V6);
    let datagram = Datagram::new(&message, Carrier::multicast("fe80::c8".parse().unwrap()), 255);
    let refused = check(&ladder(), &datagram);
    assert_eq!(refused, Some(Reject::Family { expected: Family::V4, found: Family::V6 }));
}

#[test]
fn another_interface_is_refused() {
    let message = hex(V3);
    let datagram = Datagram::new(&message, group(), 255);
    let ladder = Ladder { interface: Some(3), ..ladder() };
    assert_eq!(check(&ladder, &datagram.on_interface(3)), None);
    assert_eq!(check(&ladder, &datagram), None);
    let refused = check(&ladder, &datagram.on_interface(4));
    assert_eq!(refused, Some(Reject::Interface { expected: 3, found: 4 }));
}

#[test]
fn a_part_of_a_packet_is_refused() {
    for (flags, offset) in [([0x20, 0], 0), ([0x00, 1], 8), ([0x3f, 0xff], 0xfff8)] {
        let mut packet = ipv4(5, &hex(V3));
        packet[6..8].copy_from_slice(&flags);
        assert_eq!(Datagram::from_ip(&packet), Err(Reject::IpFragment { offset }));
    }
    let mut whole = ipv4(5, &hex(V3));
    whole[6] = 0x40; // don't fragment
    assert!(Datagram::from_ip(&whole).is_ok());
    let mut v6 = crate::vectors::all().into_iter().find(|vector| vector.name == "k6-v3-ipv6").unwrap().packet;
    v6[6] = 44;
    v6[5] += 8;
    v6.splice(40..40, [112, 0, 0, 9, 0, 0, 0, 7]);
    assert_eq!(Datagram::from_ip(&v6), Err(Reject::IpFragment { offset: 8 }));
}

#[test]
fn another_protocol_is_refused() {
    for found in [0, 1, 17, 111, 113, 255] {
        let mut packet = ipv4(5, &hex(V3));
        packet[9] = found;
        assert_eq!(Datagram::from_ip(&packet), Err(Reject::IpProtocol { found }));
    }
}

#[test]
fn lengths_that_contradict_each_other_are_refused() {
    let packet = ipv4(5, &hex(V3));
    for (at, octet, reject) in [
        (0, 0x44, Reject::IpHeaderLength { header: 16, total: 32 }),
        (0, 0x40, Reject::IpHeaderLength { header: 0, total: 32 }),
        (0, 0x4f, Reject::IpHeaderLength { header: 60, total: 32 }),
        (3, 19, Reject::IpHeaderLength { header: 20, total: 19 }),
        (3, 33, Reject::IpTruncated { need: 33, have: 32 }),
        (2, 0xff, Reject::IpTruncated { need: 0xff20, have: 32 }),
    ] {
        let mut packet = packet.clone();
        packet[at] = octet;
        assert_eq!(Datagram::from_ip(&packet), Err(reject));
    }
}

#[test]
fn a_packet_that_ends_early_is_refused() {
    let packet = ipv4(5, &hex(V3));
    for have in 0..packet.len() {
        let need = if have < 20 { 20 } else { 32 };
        assert_eq!(Datagram::from_ip(&packet[..have]), Err(Reject::IpTruncated { need, have }));
    }
    let packet = crate::vectors::all().into_iter().find(|vector| vector.name == "k6-v3-ipv6").unwrap().packet;
    for have in 1..packet.len() {
        let need = if have < 40 { 40 } else { 80 };
        assert_eq!(Datagram::from_ip(&packet[..have]), Err(Reject::IpTruncated { need, have }));
    }
}

#[test]
fn options_of_ipv6_that_end_early_are_refused() {
    let plain = crate::vectors::all().into_iter().find(|vector| vector.name == "k6-v3-ipv6").unwrap().packet;
    let with = |length: u8, options: &[u8]| {
        let mut packet = plain.clone();
        packet[5] = length;
        packet[6] = 0;
        packet.splice(40.., options.iter().copied());
        packet.resize(100, 0xff); // the link's padding
        Datagram::from_ip(&packet).unwrap_err()
    };
    assert_eq!(with(0, &[]), Reject::IpTruncated { need: 42, have: 40 });
    assert_eq!(with(1, &[60]), Reject::IpTruncated { need: 42, have: 41 });
    assert_eq!(with(7, &[60, 0]), Reject::IpTruncated { need: 48, have: 47 });
    assert_eq!(with(8, &[60, 0, 1, 4, 0, 0, 0, 0]), Reject::IpTruncated { need: 50, have: 48 });
    assert_eq!(with(16, &[60, 0, 1, 4, 0, 0, 0, 0, 112, 2]), Reject::IpTruncated { need: 72, have: 56 });
    assert_eq!(with(8, &[6, 0, 1, 4, 0, 0, 0, 0]), Reject::IpProtocol { found: 6 });
}

#[test]
fn what_is_no_ip_is_refused() {
    for found in [0, 1, 5, 15] {
        let mut packet = ipv4(5, &hex(V3));
        packet[0] = found << 4 | 5;
        assert_eq!(Datagram::from_ip(&packet), Err(Reject::IpVersion { found }));
        assert_eq!(Datagram::from_ip(&packet[..5]), Err(Reject::IpVersion { found }));
    }
    let packet = ipv4(5, &hex(V3));
    assert_eq!(Datagram::from_ipv6(&packet), Err(Reject::IpVersion { found: 4 }));
}
