//! What is odd and must be let through all the same.

use std::net::Ipv4Addr;
use vrrp_proto::{Addresses, Datagram, Interval, Ladder, Note, PeerMemory, VirtualRouterId};

use crate::wire::{check, check_message, group, hex, ipv4, ladder_for, message_only};

/// VRRPv3: VRID 51, priority 150, 100 cs, 10.0.0.100.
const V3: &str = "3133960100642e030a000064";

#[test]
fn options_in_the_ip_header_are_stepped_over() {
    for words in [5, 6, 15] {
        let packet = ipv4(words, &hex(V3));
        let accepted = check(&packet, Default::default()).unwrap();
        assert_eq!(accepted.vrid().number(), 51, "{words}");
    }
}

#[test]
fn padding_behind_the_packet_is_the_links() {
    for padding in [0, 1, 6, 10, 18] {
        let mut packet = ipv4(5, &hex(V3));
        packet.resize(packet.len() + padding, 0xff);
        assert!(check(&packet, Default::default()).is_ok(), "{padding}");
    }
}

#[test]
fn options_of_ipv6_before_the_message_are_stepped_over() {
    let plain = crate::vectors::all().into_iter().find(|vector| vector.name == "k6-v3-ipv6").unwrap().packet;
    for next in [0, 60] {
        let mut packet = plain.clone();
        packet[6] = next;
        packet[5] += 8;
        packet.splice(40..40, [112, 0, 1, 4, 0, 0, 0, 0]);
        assert_eq!(check(&packet, Default::default()).map(|accepted| accepted.vrid().number()), Ok(16));
    }
}

#[test]
fn reserved_bits_are_ignored_and_noted() {
    let message = message_only(hex("31339601f06400000a000064"));
    let accepted = check_message(&message).unwrap();
    assert_eq!(accepted.interval(), Interval::ONE_SECOND);
    assert!(accepted.notes().iter().eq([Note::ReservedBits]));
}

#[test]
fn the_longest_interval_is_4095_centiseconds() {
    let message = message_only(hex("313396010fff00000a000064"));
    assert_eq!(check_message(&message).unwrap().interval().centiseconds(), 4095);
}

#[test]
fn another_interval_in_vrrpv3_is_noted_and_not_refused() {
    let message = hex(V3);
    let datagram = Datagram::new(&message, group(), 255);
    let mut ladder = Ladder::new(VirtualRouterId::new(51).unwrap(), vrrp_proto::Family::V4);
    for (centiseconds, noted) in [(100, false), (1, true)] {
        ladder.interval = Interval::from_centiseconds(centiseconds).unwrap();
        let accepted = ladder.check(&datagram, &mut PeerMemory::new()).unwrap();
        assert_eq!(accepted.notes().contains(Note::IntervalDiffers), noted);
        assert_eq!(accepted.interval(), Interval::ONE_SECOND);
    }
}

#[test]
fn another_interval_in_version_2_is_noted_where_both_generations_are_spoken() {
    let message = hex("21331e010001b5c50a0001050000000000000000");
    let datagram = Datagram::new(&message, group(), 255);
    let mut peers = Vec::new();
    let mut ladder = ladder_for(&datagram, &mut peers);
    ladder.interval = Interval::from_centiseconds(10).unwrap();
    let accepted = ladder.check(&datagram, &mut PeerMemory::new()).unwrap();
    assert!(accepted.notes().iter().eq([Note::IntervalDiffers]));
    assert_eq!(accepted.interval(), Interval::ONE_SECOND);
}

#[test]
fn other_addresses_are_noted_and_not_refused() {
    let message = hex(V3);
    let datagram = Datagram::new(&message, group(), 255);
    let mut peers = Vec::new();
    let mut ladder = ladder_for(&datagram, &mut peers);
    let (theirs, more) = (Ipv4Addr::new(10, 0, 0, 100), Ipv4Addr::new(10, 0, 0, 101));
    for (own, noted) in [(&[theirs][..], false), (&[more], true), (&[theirs, more], true), (&[], true)] {
        ladder.addresses = Some(Addresses::from(own));
        let accepted = ladder.check(&datagram, &mut PeerMemory::new()).unwrap();
        assert_eq!(accepted.notes().contains(Note::AddressesDiffer), noted, "{own:?}");
    }
}

#[test]
fn a_checksum_of_minus_zero_is_a_checksum_of_zero() {
    // The rest adds up to ffff: 3133 + 9601 + 0064 + 0a00 + 2e67.
    let message = hex("3133960100640000").into_iter().chain(hex("0a002e67")).collect::<Vec<_>>();
    assert_eq!(message_only(message.clone()), message);
    let mut minus = message.clone();
    minus[6..8].fill(0xff);
    for message in [message, minus] {
        let packet = vrrp_proto::Packet::parse(&message, &group()).unwrap();
        let mut out = [0; 12];
        packet.emit(&group(), &mut out).unwrap();
        assert_eq!(out, message[..]);
    }
}

#[test]
fn the_same_datagram_is_accepted_again_without_authentication() {
    // A switch may deliver an advertisement twice; only a sequence number could tell.
    let message = hex(V3);
    let datagram = Datagram::new(&message, group(), 255);
    let mut memory = PeerMemory::new();
    let mut peers = Vec::new();
    let ladder = ladder_for(&datagram, &mut peers);
    assert_eq!(ladder.check(&datagram, &mut memory), ladder.check(&datagram, &mut memory));
}
