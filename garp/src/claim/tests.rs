use super::*;
use crate::{ArpForm, Audience, Frame, Message, Role};
use std::net::{Ipv4Addr, Ipv6Addr};

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);
const V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x100);

#[track_caller]
fn assert_claims(frame: Frame, address: impl Into<IpAddr>, kind: ClaimKind) {
    let claim = Claim::of(&frame.body).unwrap();
    assert_eq!((claim.address, claim.kind), (address.into(), kind));
}

#[test]
fn every_message_of_ours_claims_what_it_means() {
    for form in [ArpForm::Request, ArpForm::RequestToBroadcast, ArpForm::Reply] {
        let frame = Message::Announcement { address: V4, form }.frame(MAC);
        assert_claims(frame, V4, ClaimKind::Announces);
        assert_eq!(Claim::of(&frame.body).unwrap().mac, Some(MAC));
    }
    for audience in [Audience::AllNodes, Audience::AllRouters] {
        let message = Message::Advertisement { address: V6, audience, role: Role::Router };
        assert_claims(message.frame(MAC), V6, ClaimKind::Announces);
    }
    assert_claims(Message::Probe { address: V4.into() }.frame(MAC), V4, ClaimKind::Probes);
    assert_claims(Message::Probe { address: V6.into() }.frame(MAC), V6, ClaimKind::Probes);
    let question = Message::ArpQuestion { address: V4, neighbor: Ipv4Addr::new(192, 0, 2, 1), at: None };
    assert_claims(question.frame(MAC), V4, ClaimKind::Uses);
    let question = Message::Solicitation { address: V6, neighbor: Ipv6Addr::LOCALHOST, at: None };
    assert_claims(question.frame(MAC), V6, ClaimKind::Uses);
}

#[test]
fn answers_are_answers() {
    let packet = arp::Packet {
        operation: arp::Operation::Reply,
        sender_mac: MAC,
        sender: V4,
        target_mac: [2; 6],
        target: Ipv4Addr::UNSPECIFIED,
    };
    assert_eq!(Claim::of(&Body::Arp(packet)).unwrap().kind, ClaimKind::Answers);
    let packet = ndp::Packet {
        source: V6,
        destination: Ipv6Addr::LOCALHOST,
        kind: ndp::Kind::Advertisement(ndp::Flags::SOLICITED | ndp::Flags::OVERRIDE),
        target: V6,
        link_layer: None,
    };
    let claim = Claim::of(&Body::Ndp(packet)).unwrap();
    assert_eq!((claim.kind, claim.mac), (ClaimKind::Answers, None));
}

#[test]
fn arp_about_nothing_claims_nothing() {
    assert_eq!(Claim::of(&Message::Probe { address: Ipv4Addr::UNSPECIFIED.into() }.frame(MAC).body), None);
}
