//! The HMAC trailer of keepalived 2.4, with the vectors of its own test.

use std::net::IpAddr;
use std::num::NonZeroU8;

use vrrp_proto::hmac::{Checks, Key, KeyLength, Missing, Replay, Stamp};
use vrrp_proto::{
    Authenticated, Authentication, Carrier, Datagram, Family, Ladder, Note, Packet, Peer, PeerMemory, Reach,
    Reject, VirtualRouterId,
};

use crate::wire::{hex, message_only, to_hex};

/// keepalived `test/auth_hmac_test.c`: key 00..1f, VRID 51, priority 200.
pub(crate) const V4: &str =
    "3133c80100644402c0000264 010100006800000080000000 1b84bc4e8e43892dc6d98448f8ee2265";
const V6: &str = "3133c8010064a2e9fe800000000000000000000000000100 010100006800000080000000 c8c56146ebfd66ee10ec4d8186461b78";
const STAMP: u64 = 0x6800_0000_8000_0000;

fn key() -> Key {
    let secret: Vec<u8> = (0..0x20).collect();
    Key::new(NonZeroU8::MIN, &secret).unwrap()
}

fn v4() -> Carrier {
    Carrier::multicast([198, 51, 100, 10].into())
}

fn v6() -> Carrier {
    Carrier::new("fe80::10".parse().unwrap(), "fe80::20".parse().unwrap()).unwrap()
}

fn check(
    message: &[u8],
    carrier: Carrier,
    missing: Missing,
    replay: Replay,
    memory: &mut PeerMemory,
) -> Result<Vec<Note>, Reject> {
    let keys = [key()];
    let peers = [Peer::on_link(carrier.source())];
    let mut ladder = Ladder::new(VirtualRouterId::new(51).unwrap(), Family::from(carrier.source()));
    if !carrier.destination().is_multicast() {
        ladder.reach = Reach::Peers(&peers);
    }
    ladder.authentication = Authentication::Hmac(Checks { keys: &keys, missing, replay });
    let accepted = ladder.check(&Datagram::new(message, carrier, 255), memory)?;
    assert_eq!(accepted.authenticated() == Authenticated::HmacSha256, accepted.notes().is_empty());
    Ok(accepted.notes().iter().collect())
}

fn monotonic(message: &[u8], carrier: Carrier) -> Result<Vec<Note>, Reject> {
    check(message, carrier, Missing::Refuse, Replay::Monotonic, &mut PeerMemory::new())
}

#[test]
fn keepalived_is_believed() {
    assert_eq!(monotonic(&hex(V4), v4()), Ok(vec![]));
    assert_eq!(monotonic(&hex(V6), v6()), Ok(vec![]));
}

#[test]
fn keepalived_is_written_again_to_the_octet() {
    for (message, carrier) in [(V4, v4()), (V6, v6())] {
        let message = hex(message);
        let packet = Packet::parse(&message, &carrier).unwrap();
        let mut out = vec![0; packet.encoded_len()];
        packet.emit(&carrier, &mut out).unwrap();
        assert_eq!(to_hex(&out), to_hex(&message));
    }
}

#[test]
fn signed_here_it_is_what_keepalived_signs() {
    let message = hex(V4);
    let packet = Packet::parse(&message, &v4()).unwrap();
    let plain = Packet::v3(
        packet.vrid(),
        packet.priority(),
        packet.interval(),
        packet.addresses(),
        packet.checksum(),
    );
    let signed = plain.unwrap().signed(&v4(), &key(), Stamp::from_bits(STAMP));
    assert_eq!(signed, packet);
    assert_eq!(signed.encoded_len(), 40);
}

/// The octet changed, and what keepalived's test expects of it.
#[test]
fn every_mutation_of_keepalives_table_is_refused_for_its_reason() {
    let mac = Reject::HmacMismatch;
    for (what, at, expected) in [
        ("priority", 2, mac),
        ("interval", 5, mac),
        ("address", 11, mac),
        ("seconds", 16, mac),
        ("counter", 23, mac),
        ("first of the hmac", 24, mac),
        ("last of the hmac", 39, mac),
        ("type", 12, Reject::HmacMalformed { kind: 0, reserved: 0 }),
        ("reserved", 15, Reject::HmacMalformed { kind: 1, reserved: 1 }),
        ("key", 13, Reject::HmacKey { key_id: 0 }),
    ] {
        let mut message = hex(V4);
        message[at] ^= 1;
        // The message's own checksum is mended, so that only the HMAC can tell.
        let mended = message_only(message[..12].to_vec());
        message[..12].copy_from_slice(&mended);
        assert_eq!(monotonic(&message, v4()), Err(expected), "{what}");
    }
}

#[test]
fn the_checksum_is_not_covered() {
    // The same message with a pseudo-header: another checksum, the same HMAC.
    let mut message = hex(V4);
    let other = crate::wire::pseudo_header("198.51.100.10", "224.0.0.18", message[..12].to_vec());
    assert_ne!(other, message[..12]);
    message[..12].copy_from_slice(&other);
    assert_eq!(monotonic(&message, v4()), Ok(vec![]));
}

#[test]
fn another_sender_or_family_or_virtual_router_cannot_use_it() {
    let message = hex(V4);
    let elsewhere = Carrier::multicast([198, 51, 100, 11].into());
    assert_eq!(monotonic(&message, elsewhere), Err(Reject::HmacMismatch));
    let message = hex(V6);
    let carrier = v6();
    let packet = Packet::parse(&message, &carrier).unwrap();
    let elsewhere = Carrier::new("fe80::11".parse().unwrap(), carrier.destination()).unwrap();
    let mut out = vec![0; packet.encoded_len()];
    packet.emit(&elsewhere, &mut out).unwrap();
    assert_eq!(monotonic(&out, elsewhere), Err(Reject::HmacMismatch));
}

#[test]
fn played_back_it_is_refused() {
    let message = hex(V4);
    let packet = Packet::parse(&message, &v4()).unwrap();
    let mut memory = PeerMemory::new();
    let at = |stamp: u64| {
        let mut out = vec![0; 40];
        packet.signed(&v4(), &key(), Stamp::from_bits(stamp)).emit(&v4(), &mut out).unwrap();
        out
    };
    let mut hear = |stamp| check(&at(stamp), v4(), Missing::Refuse, Replay::Monotonic, &mut memory).err();
    assert_eq!(hear(STAMP), None);
    assert_eq!(hear(STAMP), Some(Reject::HmacReplay { last: STAMP, found: STAMP }));
    assert_eq!(hear(STAMP - 1), Some(Reject::HmacReplay { last: STAMP, found: STAMP - 1 }));
    assert_eq!(hear(STAMP + 1), None);
    assert_eq!(hear(STAMP + (1 << 62)), None);
    assert_eq!(hear(STAMP + (1 << 63)), None);
    assert_eq!(hear(1), None, "the numbers go round (RFC 1982)");
    assert!(matches!(hear(u64::MAX), Some(Reject::HmacReplay { last: 1, .. })));
}

#[test]
fn a_clock_too_far_away_is_refused() {
    let seconds = 0x6800_0000;
    for (now, refused) in [
        (seconds, false),
        (seconds + 5, false),
        (seconds - 5, false),
        (seconds + 6, true),
        (seconds - 6, true),
        (0, true),
    ] {
        let replay = Replay::Window { now, seconds: 5 };
        let answer = check(&hex(V4), v4(), Missing::Refuse, replay, &mut PeerMemory::new());
        let expected = refused.then_some(Reject::HmacTime { window: 5, now, found: seconds });
        assert_eq!(answer.err(), expected);
    }
}

#[test]
fn a_message_without_a_trailer_is_refused_or_noted() {
    let message = hex(V4)[..12].to_vec();
    let hear = |missing| check(&message, v4(), missing, Replay::Monotonic, &mut PeerMemory::new());
    assert_eq!(hear(Missing::Refuse), Err(Reject::HmacMissing));
    assert_eq!(hear(Missing::Note), Ok(vec![Note::Unauthenticated]));
}

#[test]
fn a_trailer_that_is_not_configured_is_refused() {
    let message = hex(V4);
    let ladder = Ladder::new(VirtualRouterId::new(51).unwrap(), Family::V4);
    let answer = ladder.check(&Datagram::new(&message, v4(), 255), &mut PeerMemory::new());
    assert_eq!(answer, Err(Reject::HmacUnexpected));
}

#[test]
fn over_ipv6_the_checksum_covers_the_trailer_and_over_ipv4_not() {
    for (message, carrier, covered) in [(V4, v4(), false), (V6, v6(), true)] {
        let mut message = hex(message);
        *message.last_mut().unwrap() ^= 1;
        let refused = matches!(Packet::parse(&message, &carrier), Err(Reject::Checksum { .. }));
        assert_eq!(refused, covered);
    }
}

#[test]
fn version_2_can_be_signed_too() {
    let carrier = Carrier::multicast(IpAddr::from([10, 0, 1, 2]));
    let message = hex("21331e010001b5c50a0001050000000000000000");
    let packet = Packet::parse(&message, &carrier).unwrap();
    let signed = packet.signed(&carrier, &key(), Stamp::from_bits(STAMP));
    let mut out = vec![0; signed.encoded_len()];
    assert_eq!(signed.emit(&carrier, &mut out), Ok(48));
    assert_eq!(out[..20], message[..]);
    let mut ladder_memory = PeerMemory::new();
    assert_eq!(Packet::parse(&out, &carrier), Ok(signed));
    let keys = [key()];
    let checks = Checks { keys: &keys, missing: Missing::Refuse, replay: Replay::Monotonic };
    let ladder = Ladder {
        versions: vrrp_proto::Versions::V2,
        authentication: Authentication::Hmac(checks),
        ..Ladder::new(VirtualRouterId::new(51).unwrap(), Family::V4)
    };
    assert!(ladder.check(&Datagram::new(&out, carrier, 255), &mut ladder_memory).is_ok());
}

#[test]
fn a_stamp_always_grows() {
    let first = Stamp::from_unix(1_800_000_000, 500_000_000);
    assert_eq!(first.bits(), 1_800_000_000 << 32 | 0x8000 << 16);
    let clock_went_back = Stamp::from_unix(1_700_000_000, 0);
    assert!(first.next(clock_went_back).is_after(first));
    assert!(first.next(first).is_after(first));
    let later = Stamp::from_unix(1_800_000_001, 0);
    assert_eq!(first.next(later), later);
}

#[test]
fn keys_have_the_lengths_that_keepalived_takes() {
    for (len, good) in [(0, false), (31, false), (32, true), (64, true), (65, false)] {
        let key = Key::new(NonZeroU8::MIN, &vec![7; len]);
        assert_eq!(key.as_ref().err(), (!good).then_some(&KeyLength { found: len }));
    }
    assert_eq!(KeyLength { found: 31 }.to_string(), "key has 31 octets, must have 32 to 64");
    assert_eq!(format!("{:?}", key()), "Key { id: 1, .. }");
}
