//! What holds for any octets, and for any advertisement.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use vrrp_proto::{
    Addresses, Authentication, Carrier, ChecksumForm, Datagram, EmitError, Interval, Ipv4Header, Ipv6Header,
    Packet, Password, PeerMemory, Priority, Reject, VirtualRouterId,
};

use crate::wire::{check, ladder_for, message_only, pseudo_header};

/// An advertisement before it is written.
#[derive(Clone, Debug)]
struct Draft {
    vrid: u8,
    priority: u8,
    centiseconds: u16,
    addresses: List,
    kind: Kind,
    source: IpAddr,
    destination: Option<IpAddr>,
}

#[derive(Clone, Debug)]
enum List {
    V4(Vec<Ipv4Addr>),
    V6(Vec<Ipv6Addr>),
}

#[derive(Clone, Debug)]
enum Kind {
    V2(Option<[u8; 8]>),
    V3(ChecksumForm),
}

impl Draft {
    fn carrier(&self) -> Carrier {
        match self.destination {
            Some(destination) => Carrier::new(self.source, destination).unwrap(),
            None => Carrier::multicast(self.source),
        }
    }

    fn packet(&self) -> Packet<'_> {
        let vrid = VirtualRouterId::new(self.vrid).unwrap();
        let addresses = match &self.addresses {
            List::V4(list) => Addresses::from(&list[..]),
            List::V6(list) => Addresses::from(&list[..]),
        };
        let priority = Priority::new(self.priority);
        match &self.kind {
            Kind::V2(secret) => {
                let seconds = u8::try_from(self.centiseconds % 255 + 1).unwrap();
                let interval = Interval::from_seconds(seconds).unwrap();
                let password = Password::new(&secret.unwrap_or_default());
                let authentication = match secret {
                    Some(_) => Authentication::Pass(&password),
                    None => Authentication::None,
                };
                Packet::v2(vrid, priority, interval, addresses, &authentication).unwrap()
            }
            Kind::V3(form) => {
                let interval = Interval::from_centiseconds(self.centiseconds).unwrap();
                Packet::v3(vrid, priority, interval, addresses, *form).unwrap()
            }
        }
    }

    fn message(&self) -> Vec<u8> {
        let packet = self.packet();
        let mut out = vec![0; packet.encoded_len()];
        assert_eq!(packet.emit(&self.carrier(), &mut out), Ok(out.len()));
        out
    }
}

fn v4() -> impl Strategy<Value = Draft> {
    let form = prop_oneof![
        Just(Kind::V3(ChecksumForm::MessageOnly)),
        Just(Kind::V3(ChecksumForm::PseudoHeader)),
        Just(Kind::V3(ChecksumForm::PseudoHeaderGroup)),
        Just(Kind::V2(None)),
        any::<[u8; 8]>().prop_map(|secret| Kind::V2(Some(secret))),
    ];
    let list = prop_oneof![4 => 1..8_usize, 1 => 1..=255_usize]
        .prop_flat_map(|len| prop::collection::vec(any::<Ipv4Addr>(), len));
    let ends = (any::<Ipv4Addr>(), prop::option::of(any::<Ipv4Addr>()));
    (1..=255_u8, any::<u8>(), 1..=4095_u16, list, form, ends).prop_map(
        |(vrid, priority, centiseconds, list, kind, (source, destination))| {
            let (source, destination) = (source.into(), destination.map(IpAddr::from));
            Draft { vrid, priority, centiseconds, addresses: List::V4(list), kind, source, destination }
        },
    )
}

fn v6() -> impl Strategy<Value = Draft> {
    let list = (any::<[u16; 4]>(), prop::collection::vec(any::<Ipv6Addr>(), 0..6)).prop_map(
        |([a, b, c, d], mut list)| {
            list.insert(0, Ipv6Addr::new(0xfe80, 0, 0, 0, a, b, c, d));
            list
        },
    );
    let ends = (any::<Ipv6Addr>(), prop::option::of(any::<Ipv6Addr>()));
    (1..=255_u8, any::<u8>(), 1..=4095_u16, list, ends).prop_map(
        |(vrid, priority, centiseconds, list, (source, destination))| {
            let kind = Kind::V3(ChecksumForm::PseudoHeader);
            let (source, destination) = (source.into(), destination.map(IpAddr::from));
            Draft { vrid, priority, centiseconds, addresses: List::V6(list), kind, source, destination }
        },
    )
}

fn draft() -> impl Strategy<Value = Draft> {
    prop_oneof![2 => v4(), 1 => v6()]
}

/// Octets that begin like a packet and go wrong somewhere.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let mutated =
        (draft(), prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), 0..3_usize);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80),
        mutated.prop_map(|(draft, changes, cut)| {
            let mut octets = whole(&draft);
            for (at, octet) in changes {
                let at = at.index(octets.len());
                octets[at] = octet;
            }
            octets.truncate(octets.len() - cut);
            octets
        }),
    ]
}

/// The draft with an IP header before it.
fn whole(draft: &Draft) -> Vec<u8> {
    let mut out = vec![0; 5000];
    let packet = draft.packet();
    let len = match draft.carrier() {
        Carrier::V4 { source, destination } => {
            packet.emit_ipv4(&Ipv4Header::new(source, destination), &mut out)
        }
        Carrier::V6 { source, destination } => {
            packet.emit_ipv6(&Ipv6Header::new(source, destination), &mut out)
        }
    };
    out.truncate(len.unwrap());
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn what_is_written_is_read_again(draft in draft()) {
        let message = draft.message();
        let read = Packet::parse(&message, &draft.carrier());
        // With a destination of 224.0.0.18, or addresses that add up to nothing, two forms are one.
        let same = read.map(|read| (read.vrid(), read.priority(), read.interval(), read.auth_type()));
        let packet = draft.packet();
        prop_assert_eq!(same, Ok((packet.vrid(), packet.priority(), packet.interval(), packet.auth_type())));
        prop_assert_eq!(read.unwrap().addresses(), packet.addresses());
    }

    #[test]
    fn what_is_read_is_written_again_to_the_octet(octets in octets()) {
        if let Ok(datagram) = Datagram::from_ip(&octets)
            && let Ok(packet) = Packet::parse(datagram.payload(), datagram.carrier())
        {
            let mut out = vec![0; packet.encoded_len()];
            packet.emit(datagram.carrier(), &mut out).unwrap();
            prop_assert_eq!(&out[..], datagram.payload());
        }
    }

    #[test]
    fn no_octets_break_it(octets in octets()) {
        let _answer = check(&octets, Authentication::None).map_err(|reject| reject.to_string());
        for carrier in [Carrier::multicast([10, 0, 0, 1].into()), Carrier::multicast(Ipv6Addr::LOCALHOST.into())] {
            let _answer = Packet::parse(&octets, &carrier);
        }
    }

    #[test]
    fn a_flipped_bit_is_never_accepted(draft in v4(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let carrier = draft.carrier();
        let mut message = draft.message();
        let datagram = Datagram::new(&message, carrier, 255);
        let mut peers = Vec::new();
        let ladder = ladder_for(&datagram, &mut peers);
        let at = at.index(message.len());
        message[at] ^= 1_u8 << bit;
        let answer = ladder.check(&Datagram::new(&message, carrier, 255), &mut PeerMemory::new());
        // A flip may turn one form of VRRPv3 over IPv4 into another where their pseudo-headers differ by one bit.
        let several_forms = matches!(draft.kind, Kind::V3(_));
        prop_assert!(answer.is_err() || several_forms && Ok(answer.unwrap().checksum()) != Packet::parse(&draft.message(), &carrier).map(|packet| packet.checksum()));
    }

    #[test]
    fn a_flipped_bit_is_never_accepted_over_ipv6(draft in v6(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut message = draft.message();
        let at = at.index(message.len());
        message[at] ^= 1_u8 << bit;
        prop_assert!(Packet::parse(&message, &draft.carrier()).is_err());
    }

    #[test]
    fn the_checksum_is_what_the_slow_way_says(draft in draft()) {
        let (message, source) = (draft.message(), draft.source.to_string());
        let destination = draft.carrier().destination().to_string();
        let slow = match draft.kind {
            Kind::V2(_) | Kind::V3(ChecksumForm::MessageOnly) => message_only(message.clone()),
            Kind::V3(ChecksumForm::PseudoHeader) => pseudo_header(&source, &destination, message.clone()),
            Kind::V3(_) => pseudo_header(&source, "224.0.0.18", message.clone()),
        };
        prop_assert_eq!(slow, message);
    }

    #[test]
    fn a_buffer_too_small_is_said_and_left_alone(draft in draft(), cut in any::<prop::sample::Index>()) {
        let packet = draft.packet();
        let need = packet.encoded_len();
        let have = cut.index(need);
        let mut out = vec![0xee; have];
        prop_assert_eq!(packet.emit(&draft.carrier(), &mut out), Err(EmitError::BufferTooSmall { need, have }));
        prop_assert!(out.iter().all(|&octet| octet == 0xee));
    }

    #[test]
    fn a_message_without_an_octet_is_refused(draft in draft()) {
        let message = draft.message();
        let cut = Packet::parse(&message[..message.len() - 1], &draft.carrier());
        let expected = Reject::Length { expected: message.len(), found: message.len() - 1 };
        prop_assert_eq!(cut, Err(expected));
    }
}
