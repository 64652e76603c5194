//! Refused for the authentication header.

use std::net::Ipv4Addr;

use vrrp_proto::{Authentication, Datagram, Ipv4Header, Packet, Password, PeerMemory, Reject};

use crate::wire::{check, hex, ipv4, ladder_for, message_only};

/// keepalived's, authenticated with `1234`, of the group.
fn recorded() -> Vec<u8> {
    crate::vectors::all().into_iter().find(|vector| vector.name == "k3-v2-ah-1").unwrap().packet
}

fn password() -> Password {
    Password::new(b"1234")
}

/// What the ladder says to a packet after what is in `memory`.
fn refused(packet: &[u8], memory: &mut PeerMemory) -> Option<Reject> {
    let datagram = Datagram::from_ip(packet).unwrap();
    let mut peers = Vec::new();
    let mut ladder = ladder_for(&datagram, &mut peers);
    let password = password();
    ladder.authentication = Authentication::Ah(&password);
    ladder.check(&datagram, memory).err()
}

/// The recorded advertisement with another sequence number, authenticated anew.
fn with_sequence(sequence: u32) -> Vec<u8> {
    let recorded = recorded();
    let datagram = Datagram::from_ip(&recorded).unwrap();
    let packet = Packet::parse(datagram.payload(), datagram.carrier()).unwrap();
    let mut header = Ipv4Header::new([10, 9, 0, 1].into(), [224, 0, 0, 18].into());
    header.identification = 1;
    let mut out = vec![0; 64];
    assert_eq!(packet.emit_ipv4_ah(&header, &password(), sequence, &mut out), Ok(64));
    out
}

#[test]
fn another_key_is_refused() {
    let packet = recorded();
    assert!(check(&packet, Authentication::Ah(&password())).is_ok());
    for other in [&b"1235"[..], b"", b"12345", b"\x001234"] {
        let refused = check(&packet, Authentication::Ah(&Password::new(other)));
        assert_eq!(refused, Err(Reject::AhIcv));
    }
}

#[test]
fn every_bit_that_the_integrity_check_covers_is_guarded() {
    let packet = recorded();
    // Version and lengths, identification, addresses, the whole authentication header, and the message. Not: type of
    // service, flags, time to live (looked at as such), checksum.
    let covered = (2..6).chain(12..packet.len()).chain([0]);
    for at in covered {
        for bit in 0..8 {
            let mut packet = packet.clone();
            packet[at] ^= 1 << bit;
            let answer = check(&packet, Authentication::Ah(&password()));
            assert!(answer.is_err(), "bit {bit} of octet {at}");
        }
    }
    let mut marked = packet;
    marked[1] = 0x00; // somebody on the way has another opinion of the traffic class
    assert!(check(&marked, Authentication::Ah(&password())).is_ok());
}

#[test]
fn a_spi_that_is_not_the_sender_is_refused() {
    let mut packet = recorded();
    packet[27] = 2;
    let (spi, source) = (Ipv4Addr::new(10, 9, 0, 2), Ipv4Addr::new(10, 9, 0, 1));
    assert_eq!(refused(&packet, &mut PeerMemory::new()), Some(Reject::AhSpi { spi, source }));
}

#[test]
fn a_packet_played_back_is_refused() {
    let mut memory = PeerMemory::new();
    let packet = with_sequence(7);
    assert_eq!(refused(&packet, &mut memory), None);
    assert_eq!(refused(&packet, &mut memory), Some(Reject::AhReplay { last: 7, found: 7 }));
    assert_eq!(refused(&with_sequence(6), &mut memory), Some(Reject::AhReplay { last: 7, found: 6 }));
    assert_eq!(refused(&with_sequence(9), &mut memory), None);
    assert_eq!(memory.ah_sequence(), Some(9));
}

#[test]
fn a_sequence_that_wraps_is_refused() {
    let mut memory = PeerMemory::new();
    assert_eq!(refused(&with_sequence(u32::MAX), &mut memory), None);
    for found in [0, 1, u32::MAX] {
        let expected = Reject::AhReplay { last: u32::MAX, found };
        assert_eq!(refused(&with_sequence(found), &mut memory), Some(expected));
    }
}

#[test]
fn a_forged_sequence_does_not_lock_the_peer_out() {
    let mut memory = PeerMemory::new();
    let mut forged = recorded();
    forged[28..32].fill(0xff);
    assert_eq!(refused(&forged, &mut memory), Some(Reject::AhIcv));
    assert_eq!(memory, PeerMemory::new());
    assert_eq!(refused(&recorded(), &mut memory), None);
}

#[test]
fn a_peer_that_was_started_again_is_heard_once_it_is_forgotten() {
    let mut memory = PeerMemory::new();
    assert_eq!(refused(&with_sequence(1000), &mut memory), None);
    assert_eq!(refused(&with_sequence(1), &mut memory), Some(Reject::AhReplay { last: 1000, found: 1 }));
    memory.forget_sequence();
    assert_eq!(refused(&with_sequence(1), &mut memory), None);
}

#[test]
fn a_message_that_promises_a_header_without_one_is_refused() {
    let packet = ipv4(5, &recorded()[44..]);
    assert_eq!(check(&packet, Authentication::Ah(&password())), Err(Reject::AhMissing));
}

#[test]
fn a_header_that_the_message_does_not_promise_is_refused() {
    let mut packet = recorded();
    packet.splice(44.., message_only(hex("210d6601000100000a0900720000000000000000")));
    assert_eq!(check(&packet, Authentication::None), Err(Reject::AhUnexpected));
    let mut version_3 = recorded()[..44].to_vec();
    version_3.extend(hex("3133960100642e030a000064"));
    version_3[3] = 56;
    assert_eq!(check(&version_3, Authentication::Ah(&password())), Err(Reject::AhUnexpected));
}

#[test]
fn a_header_of_another_kind_is_refused() {
    let mut packet = recorded();
    packet[21] = 5;
    assert_eq!(Datagram::from_ip(&packet), Err(Reject::AhHeader { next: 112, length: 5 }));
    let mut packet = recorded();
    packet[20] = 6;
    assert_eq!(Datagram::from_ip(&packet), Err(Reject::AhHeader { next: 6, length: 4 }));
    for total in 20..44 {
        let mut packet = recorded();
        packet[3] = total;
        let reject = Reject::IpTruncated { need: 44, have: usize::from(total) };
        assert_eq!(Datagram::from_ip(&packet), Err(reject));
    }
}

#[test]
fn an_identification_that_the_kernel_would_replace_is_not_written() {
    let recorded = recorded();
    let datagram = Datagram::from_ip(&recorded).unwrap();
    let packet = Packet::parse(datagram.payload(), datagram.carrier()).unwrap();
    let header = Ipv4Header::new([10, 9, 0, 1].into(), [224, 0, 0, 18].into());
    let refused = packet.emit_ipv4_ah(&header, &password(), 1, &mut [0; 64]);
    assert_eq!(refused, Err(vrrp_proto::EmitError::Identification));
}
