//! What is refused, each for its reason and no other; and that a refused packet leaves nothing behind.

#[cfg(feature = "auth-ah")]
mod ah;
mod ip;

use std::net::IpAddr;

use vrrp_proto::{
    AuthType, Authentication, Carrier, ChecksumForm, Datagram, Family, Interval, Ladder, Packet, Password,
    Peer, PeerMemory, Reach, Reject, Version, Versions, VirtualRouterId,
};

use crate::wire::{SECOND, check_message, group, hex, ladder_for, message_only, pseudo_header};

/// VRRPv3: VRID 51, priority 150, 100 cs, 10.0.0.100.
const V3: &str = "3133960100642e030a000064";
/// VRRPv2: VRID 51, priority 30, 1 s, 10.0.1.5.
const V2: &str = "21331e010001b5c50a0001050000000000000000";
/// VRRPv3 from fe80::c8 to the group: VRID 10, priority 100, 100 cs, fe80::1 and 2001:db8::1.
const V6: &str = "310a640200643f5dfe80000000000000000000000000000120010db8000000000000000000000001";

fn refused(message: &[u8]) -> Reject {
    check_message(message).unwrap_err()
}

/// The message with one octet replaced and a right checksum.
fn with(message: &str, at: usize, octet: u8) -> Vec<u8> {
    let mut message = hex(message);
    message[at] = octet;
    message_only(message)
}

#[test]
fn what_stands_here_is_accepted_unchanged() {
    assert!(check_message(&hex(V3)).is_ok());
    assert!(check_message(&hex(V2)).is_ok());
    let v6 = hex(V6);
    let datagram = Datagram::new(&v6, Carrier::multicast("fe80::c8".parse().unwrap()), 255);
    assert!(ladder_for(&datagram, &mut Vec::new()).check(&datagram, &mut PeerMemory::new()).is_ok());
}

#[test]
fn a_version_that_does_not_exist_is_refused() {
    for found in [0, 1, 4, 15] {
        assert_eq!(refused(&with(V3, 0, found << 4 | 1)), Reject::Version { found });
    }
}

#[test]
fn version_2_over_ipv6_is_refused() {
    let message = hex(V2);
    let carrier = Carrier::multicast("fe80::c8".parse().unwrap());
    assert_eq!(Packet::parse(&message, &carrier), Err(Reject::Version { found: 2 }));
}

#[test]
fn a_version_that_is_not_configured_is_refused() {
    for (message, other, found) in [(V3, Versions::V2, Version::V3), (V2, Versions::V3, Version::V2)] {
        let message = hex(message);
        let datagram = Datagram::new(&message, group(), 255);
        let mut peers = Vec::new();
        let mut ladder = ladder_for(&datagram, &mut peers);
        ladder.versions = other;
        let refused = ladder.check(&datagram, &mut PeerMemory::new());
        assert_eq!(refused, Err(Reject::VersionUnexpected { found }));
    }
}

#[test]
fn a_type_that_does_not_exist_is_refused() {
    for (message, found) in [(V3, 0), (V3, 2), (V2, 2), (V2, 15)] {
        let first = hex(message)[0] & 0xf0 | found;
        assert_eq!(refused(&with(message, 0, first)), Reject::Type { found });
    }
}

#[test]
fn vrid_0_is_refused() {
    assert_eq!(refused(&with(V3, 1, 0)), Reject::VridZero);
    assert_eq!(refused(&with(V2, 1, 0)), Reject::VridZero);
}

#[test]
fn another_routers_vrid_is_refused() {
    let message = hex(V3);
    let datagram = Datagram::new(&message, group(), 255);
    let (expected, found) = (VirtualRouterId::new(52).unwrap(), VirtualRouterId::new(51).unwrap());
    let refused = Ladder::new(expected, Family::V4).check(&datagram, &mut PeerMemory::new());
    assert_eq!(refused, Err(Reject::VridUnknown { expected, found }));
}

#[test]
fn an_advertisement_for_no_address_is_refused() {
    let mut v3 = with(V3, 3, 0);
    assert_eq!(refused(&v3), Reject::NoAddresses);
    v3.truncate(8);
    assert_eq!(refused(&message_only(v3)), Reject::NoAddresses);
    assert_eq!(refused(&with(V2, 3, 0)), Reject::NoAddresses);
}

#[test]
fn a_version_3_message_with_the_trailer_of_version_2_is_refused() {
    let mut message = hex(V3);
    message.extend([0; 8]);
    assert_eq!(refused(&message_only(message)), Reject::Length { expected: 12, found: 20 });
}

#[test]
fn a_version_2_message_without_its_trailer_is_refused() {
    let mut message = hex(V2);
    message.truncate(12);
    assert_eq!(refused(&message_only(message)), Reject::Length { expected: 20, found: 12 });
}

#[test]
fn more_addresses_than_there_are_octets_are_refused() {
    assert_eq!(refused(&with(V3, 3, 255)), Reject::Length { expected: 8 + 255 * 4, found: 12 });
    assert_eq!(refused(&with(V2, 3, 255)), Reject::Length { expected: 16 + 255 * 4, found: 20 });
}

#[test]
fn an_octet_too_few_or_too_many_is_refused() {
    for message in [V3, V2] {
        let message = hex(message);
        let expected = message.len();
        for found in [expected - 1, expected + 1, expected + 27, expected + 29] {
            let mut message = message.clone();
            message.resize(found, 0);
            assert_eq!(refused(&message_only(message)), Reject::Length { expected, found });
        }
    }
}

#[test]
fn a_message_that_ends_in_its_header_is_refused() {
    for have in 0..8 {
        assert_eq!(refused(&hex(V3)[..have]), Reject::Truncated { need: 8, have });
    }
}

#[test]
fn ipv4_addresses_over_ipv6_are_refused() {
    let message = hex(V3);
    let carrier = Carrier::multicast("fe80::c8".parse().unwrap());
    assert_eq!(Packet::parse(&message, &carrier), Err(Reject::Length { expected: 24, found: 12 }));
}

#[test]
fn an_interval_of_0_is_refused() {
    assert_eq!(refused(&message_only(hex("3133960100000000 0a000064"))), Reject::IntervalZero);
    assert_eq!(refused(&message_only(hex("31339601f0000000 0a000064"))), Reject::IntervalZero);
    assert_eq!(refused(&with(V2, 5, 0)), Reject::IntervalZero);
}

#[test]
fn another_interval_in_version_2_is_refused() {
    let message = hex(V2);
    let datagram = Datagram::new(&message, group(), 255);
    let mut peers = Vec::new();
    let own = Interval::from_seconds(2).unwrap();
    let ladder = Ladder { versions: Versions::V2, interval: own, ..ladder_for(&datagram, &mut peers) };
    let refused = ladder.check(&datagram, &mut PeerMemory::new());
    assert_eq!(refused, Err(Reject::IntervalMismatch { own, found: SECOND }));
}

#[test]
fn over_ipv4_each_form_of_version_3_is_told_and_no_other_is_let_through() {
    let carrier = Carrier::new(IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])).unwrap();
    for (checksum, form) in [
        ("2e03", ChecksumForm::MessageOnly),
        ("1984", ChecksumForm::PseudoHeader),
        ("4373", ChecksumForm::PseudoHeaderGroup),
    ] {
        let message = hex(&format!("313396010064{checksum}0a000064"));
        assert_eq!(Packet::parse(&message, &carrier).map(|packet| packet.checksum()), Ok(form));
    }
    for found in (0..=0xffff).filter(|found| ![0x2e03, 0x1984, 0x4373].contains(found)) {
        let message = hex(&format!("313396010064{found:04x}0a000064"));
        assert_eq!(Packet::parse(&message, &carrier), Err(Reject::Checksum { found, expected: 0x2e03 }));
    }
}

#[test]
fn a_pseudo_header_in_version_2_is_refused() {
    let message = pseudo_header("10.0.0.1", "224.0.0.18", hex(V2));
    assert!(matches!(refused(&message), Reject::Checksum { expected: 0xb5c5, .. }));
}

#[test]
fn over_ipv6_only_the_pseudo_header_is_right() {
    let source = "fe80::c8";
    let carrier = Carrier::multicast(source.parse().unwrap());
    let alone = message_only(hex(V6));
    assert!(matches!(Packet::parse(&alone, &carrier), Err(Reject::Checksum { expected: 0x3f5d, .. })));
    let elsewhere = pseudo_header(source, "fe80::1", hex(V6));
    assert!(matches!(Packet::parse(&elsewhere, &carrier), Err(Reject::Checksum { .. })));
    assert_eq!(pseudo_header(source, "ff02::12", hex(V6)), hex(V6));
}

#[test]
fn a_first_ipv6_address_that_is_not_link_local_is_refused() {
    let source = "fe80::c8";
    for first in [
        "20010db8000000000000000000000007",
        "fec00000000000000000000000000001",
        "fe7f0000000000000000000000000001",
    ] {
        let message = hex(&format!("310a640100640000{first}"));
        let message = pseudo_header(source, "ff02::12", message);
        let datagram = Datagram::new(&message, Carrier::multicast(source.parse().unwrap()), 255);
        let refused = ladder_for(&datagram, &mut Vec::new()).check(&datagram, &mut PeerMemory::new());
        assert!(matches!(refused, Err(Reject::NotLinkLocal { .. })), "{first}");
    }
}

#[test]
fn authentication_that_is_not_configured_is_refused_and_the_other_way_round() {
    let password = Password::new(b"mysecret");
    let configured = [
        Authentication::None,
        Authentication::Pass(&password),
        #[cfg(feature = "auth-ah")]
        Authentication::Ah(&password),
    ];
    for (kind, authentication) in configured.into_iter().enumerate() {
        for found in (0..=3).filter(|&found| usize::from(found) != kind) {
            let message = with(V2, 4, found);
            let datagram = Datagram::new(&message, group(), 255);
            let mut peers = Vec::new();
            let mut ladder = ladder_for(&datagram, &mut peers);
            ladder.authentication = authentication;
            let refused = ladder.check(&datagram, &mut PeerMemory::new()).unwrap_err();
            let Reject::AuthType { expected, found: told } = refused else { panic!("{refused}") };
            assert_eq!((usize::from(expected.value()), told.value()), (kind, found));
        }
    }
    assert_eq!(AuthType::Other(3).to_string(), "3");
}

#[test]
fn another_password_is_refused() {
    let password = Password::new(b"mysecret");
    let own = hex("21331e01010100000a0001056d79736563726574");
    let datagram_of = |message: &[u8]| message_only(message.to_vec());
    for at in 12..20 {
        let mut message = own.clone();
        message[at] ^= 0x20;
        for (message, expected) in
            [(datagram_of(&own), None), (datagram_of(&message), Some(Reject::Password))]
        {
            let datagram = Datagram::new(&message, group(), 255);
            let mut peers = Vec::new();
            let mut ladder = ladder_for(&datagram, &mut peers);
            ladder.authentication = Authentication::Pass(&password);
            assert_eq!(ladder.check(&datagram, &mut PeerMemory::new()).err(), expected);
        }
    }
}

#[test]
fn a_refused_packet_leaves_nothing_behind() {
    let message = hex(V3);
    let near = Datagram::new(&message, group(), 255);
    let mut peers = Vec::new();
    let ladder = ladder_for(&near, &mut peers);
    let mut memory = PeerMemory::new();
    let worse = [
        (hex(V3), 254),
        (with(V3, 3, 2), 255),
        (with(V3, 1, 52), 255),
        (hex("3133960100642e040a000064"), 255),
        (pseudo_header("10.0.0.9", "224.0.0.18", hex(V3)), 255),
    ];
    for (message, ttl) in worse {
        assert!(ladder.check(&Datagram::new(&message, group(), ttl), &mut memory).is_err());
        assert_eq!(memory, PeerMemory::new());
    }
    ladder.check(&near, &mut memory).unwrap();
    assert_eq!(memory.checksum(), Some(ChecksumForm::MessageOnly));
}

#[test]
fn a_peer_may_be_as_far_away_as_configured_and_no_further() {
    let source = IpAddr::from([192, 0, 2, 7]);
    let carrier = Carrier::new(source, IpAddr::from([10, 0, 0, 2])).unwrap();
    let message = hex(V3);
    let ladder = Ladder::new(VirtualRouterId::new(51).unwrap(), Family::V4);
    for least in [1, 64, 254, 255] {
        let peers = [Peer::on_link([192, 0, 2, 6].into()), Peer { address: source, least_ttl: least }];
        let ladder = Ladder { reach: Reach::Peers(&peers), ..ladder };
        for ttl in [0, 1, 63, 64, 253, 254, 255] {
            let answer = ladder.check(&Datagram::new(&message, carrier, ttl), &mut PeerMemory::new());
            let expected = (ttl < least).then_some(Reject::Ttl { least, found: ttl });
            assert_eq!(answer.err(), expected);
        }
    }
}

/// Everything is wrong at first; each step mends what was told, and the next rung is told.
#[test]
fn the_first_rung_that_does_not_hold_is_the_one_that_is_told() {
    let (own, source) = (IpAddr::from([10, 0, 0, 9]), IpAddr::from([10, 0, 0, 1]));
    let (vrid, other) = (VirtualRouterId::new(51).unwrap(), VirtualRouterId::new(52).unwrap());
    let peers = [Peer::on_link(source)];
    let password = Password::new(b"mysecret");
    let ladder = Ladder {
        versions: Versions::V2,
        reach: Reach::Peers(&peers),
        authentication: Authentication::Pass(&password),
        own: &[own],
        interface: Some(3),
        ..Ladder::new(vrid, Family::V4)
    };
    let v6 = Carrier::multicast("fe80::c8".parse().unwrap());
    let cut = &hex(V2)[..7];
    let to_us = |source: IpAddr| Carrier::new(source, IpAddr::from([10, 0, 0, 2])).unwrap();
    let far = |carrier: Carrier, interface: u32| Datagram::new(cut, carrier, 64).on_interface(interface);
    let near = |message| Datagram::new(message, to_us(source), 255).on_interface(3);
    let multicast = Carrier::multicast(source);
    let sound = "21331e010101b5c50a0001056d79736563726574";
    let v3 = hex(V3);
    let (version, kind, zero) = (with(sound, 0, 0x52), with(sound, 0, 0x22), with(sound, 1, 0));
    let (none, more, still) = (with(sound, 3, 0), with(sound, 3, 2), with(sound, 5, 0));
    let (foreign, slow, open) = (with(sound, 1, 52), with(sound, 5, 2), with(sound, 4, 0));
    let (flipped, secret) = (hex("21331e010101ffff0a0001056d79736563726574"), with(sound, 19, b'x'));
    let interval = Interval::from_seconds(2).unwrap();
    let (expected, found) = (AuthType::SimpleText, AuthType::None);
    let stranger = IpAddr::from([10, 0, 0, 7]);
    let right = message_only(hex(sound));
    let steps: [(Datagram<'_>, Option<Reject>); 20] = [
        (far(Carrier::multicast(own), 4), Some(Reject::OwnPacket { source: own })),
        (far(v6, 4), Some(Reject::Family { expected: Family::V4, found: Family::V6 })),
        (far(multicast, 4), Some(Reject::Interface { expected: 3, found: 4 })),
        (far(multicast, 3), Some(Reject::MulticastUnexpected { destination: multicast.destination() })),
        (far(to_us(stranger), 3), Some(Reject::UnknownPeer { source: stranger })),
        (far(to_us(source), 3), Some(Reject::Ttl { least: 255, found: 64 })),
        (near(cut), Some(Reject::Truncated { need: 8, have: 7 })),
        (near(&version), Some(Reject::Version { found: 5 })),
        (near(&kind), Some(Reject::Type { found: 2 })),
        (near(&zero), Some(Reject::VridZero)),
        (near(&none), Some(Reject::NoAddresses)),
        (near(&more), Some(Reject::Length { expected: 24, found: 20 })),
        (near(&still), Some(Reject::IntervalZero)),
        (near(&flipped), Some(Reject::Checksum { found: 0xffff, expected: checksum_of(sound) })),
        (near(&v3), Some(Reject::VersionUnexpected { found: Version::V3 })),
        (near(&foreign), Some(Reject::VridUnknown { expected: vrid, found: other })),
        (near(&slow), Some(Reject::IntervalMismatch { own: SECOND, found: interval })),
        (near(&open), Some(Reject::AuthType { expected, found })),
        (near(&secret), Some(Reject::Password)),
        (near(&right), None),
    ];
    for (place, (datagram, expected)) in steps.into_iter().enumerate() {
        let refused = ladder.check(&datagram, &mut PeerMemory::new()).err();
        assert_eq!(refused, expected, "step {place}");
    }
}

fn checksum_of(message: &str) -> u16 {
    let message = message_only(hex(message));
    u16::from_be_bytes([message[6], message[7]])
}

#[test]
fn whose_it_may_be_can_be_seen_before_anything_is_verified() {
    let vrid = |message: &[u8]| Datagram::new(message, group(), 255).vrid();
    assert_eq!(vrid(&hex(V3)), VirtualRouterId::new(51));
    assert_eq!(vrid(&[0x31, 0]), None);
    assert_eq!(vrid(&[0x31]), None);
    assert_eq!(vrid(&[]), None);
}
