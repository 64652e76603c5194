//! The codec against its oracle, `netlink-packet-route`, in both directions; and against bytes that nobody would send.

use std::net::IpAddr;
use std::time::Duration;

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags as OracleFlags, AddressMessage, AddressProtocol, AddressScope, CacheInfo,
};
use netlink_packet_route::link::{LinkAttribute, LinkMessage, State};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::assigned::Assigned;
use crate::{Address, AddressFlags, AsSource, Detection, Label, Lease, PrefixRoute, Scope, Tag};

fn any_ip() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)]
}

prop_compose! {
    fn any_address()(
        index: u32,
        ip in any_ip(),
        prefix_len in 1_u8..=32,
        tag in 4_u8..,
        lease in proptest::option::of(any::<u32>().prop_map(Lease::from_secs)),
        label in proptest::option::of("[a-z0-9:.]{1,15}"),
        scope: u8,
        avoid: bool,
        omit: bool,
        skip: bool,
    ) -> Address {
        let mut address = Address::new(index, ip)
            .with_prefix_len(prefix_len)
            .with_tag(Tag::new(tag).unwrap())
            .with_scope(Scope::new(scope))
            .with_source(if avoid { AsSource::Avoid } else { AsSource::Allow })
            .with_prefix_route(if omit { PrefixRoute::Omit } else { PrefixRoute::Add })
            .with_detection(if skip { Detection::Skip } else { Detection::Run });
        if let Some(lease) = lease {
            address = address.with_lease(lease);
        }
        if let Some(label) = label.filter(|_| ip.is_ipv4()) {
            address = address.with_label(Label::new(&label).unwrap());
        }
        address
    }
}

fn oracle(bytes: &[u8]) -> (u16, u32, RouteNetlinkMessage) {
    let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(bytes).unwrap();
    let (flags, seq) = (message.header.flags, message.header.sequence_number);
    let NetlinkPayload::InnerMessage(inner) = message.payload else { panic!("{message:?}") };
    (flags, seq, inner)
}

/// The payload as the oracle writes it.
fn payload_of(message: RouteNetlinkMessage) -> Vec<u8> {
    let mut message = NetlinkMessage::from(message);
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    let read = Messages::new(&bytes).next().unwrap();
    assert_eq!(usize::try_from(u32_at(&bytes, 0).unwrap()).unwrap(), bytes.len());
    read.payload.to_vec()
}

/// Local, address, flags, label, preferred and valid, protocol.
type Attributed = (Option<IpAddr>, Option<IpAddr>, u32, Option<String>, Option<(u32, u32)>, Option<u8>);

fn attributes_of(message: &AddressMessage) -> Attributed {
    let mut found = (None, None, 0, None, None, None);
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(ip) => found.0 = Some(*ip),
            AddressAttribute::Address(ip) => found.1 = Some(*ip),
            AddressAttribute::Flags(flags) => found.2 = flags.bits(),
            AddressAttribute::Label(label) => found.3 = Some(label.clone()),
            AddressAttribute::CacheInfo(info) => found.4 = Some((info.ifa_preferred, info.ifa_valid)),
            AddressAttribute::Protocol(protocol) => found.5 = Some((*protocol).into()),
            other => panic!("{other:?}"),
        }
    }
    found
}

proptest! {
    #[test]
    fn what_we_ask_for_the_oracle_reads(address in any_address(), seq: u32) {
        let mut out = vec![0xee; 3];
        emit_add(&mut out, seq, &address);
        let (flags, read_seq, message) = oracle(&out[3..]);
        prop_assert_eq!((flags, read_seq), (REQUEST | CREATE | REPLACE, seq));
        let RouteNetlinkMessage::NewAddress(message) = message else { panic!("{message:?}") };
        let scope = if address.ip().is_ipv4() { address.scope().number() } else { 0 };
        prop_assert_eq!(message.header.index, address.index());
        prop_assert_eq!(message.header.prefix_len, address.prefix_len());
        prop_assert_eq!(u8::from(message.header.scope), scope);
        let mut bits = 0;
        if address.prefix_route() == PrefixRoute::Omit {
            bits |= libc::IFA_F_NOPREFIXROUTE;
        }
        if address.detection() == Detection::Skip && address.ip().is_ipv6() {
            bits |= libc::IFA_F_NODAD;
        }
        let valid = address.lease().map_or(u32::MAX, |lease| lease.as_secs());
        let deprecated = address.ip().is_ipv6() && address.source() == AsSource::Avoid;
        let wanted = (
            Some(address.ip()),
            Some(address.ip()),
            bits,
            address.label().map(|label| label.as_str().to_owned()),
            Some((if deprecated { 0 } else { valid }, valid)),
            Some(address.tag().number()),
        );
        prop_assert_eq!(attributes_of(&message), wanted);
    }

    #[test]
    fn what_we_ask_to_be_gone_the_oracle_reads(address in any_address(), seq: u32) {
        let mut out = Vec::new();
        emit_remove(&mut out, seq, &address);
        let (flags, read_seq, message) = oracle(&out);
        prop_assert_eq!((flags, read_seq), (REQUEST, seq));
        let RouteNetlinkMessage::DelAddress(message) = message else { panic!("{message:?}") };
        prop_assert_eq!(message.header.prefix_len, address.prefix_len());
        prop_assert_eq!(message.header.index, address.index());
        let ip = Some(address.ip());
        prop_assert_eq!(attributes_of(&message), (ip, ip, 0, None, None, None));
    }

    #[test]
    fn what_the_oracle_says_of_an_address_we_read(
        index: u32, ip in any_ip(), prefix_len: u8, scope: u8, bits in 0_u32..0x400, proto: u8,
        label in proptest::option::of("[a-z0-9:]{1,15}"), preferred: u32, valid: u32,
    ) {
        let mut message = AddressMessage::default();
        message.header.family = if ip.is_ipv4() { netlink_packet_route::AddressFamily::Inet } else { netlink_packet_route::AddressFamily::Inet6 };
        message.header.index = index;
        message.header.prefix_len = prefix_len;
        message.header.scope = AddressScope::from(scope);
        let mut info = CacheInfo::default();
        (info.ifa_preferred, info.ifa_valid) = (preferred, valid);
        message.attributes = vec![
            AddressAttribute::Address(ip),
            AddressAttribute::Flags(OracleFlags::from_bits_retain(bits)),
            AddressAttribute::CacheInfo(info),
            AddressAttribute::Protocol(AddressProtocol::from(proto)),
        ];
        message.attributes.extend(label.clone().map(AddressAttribute::Label));
        let read = parse_address(&payload_of(RouteNetlinkMessage::NewAddress(message))).unwrap();
        let wanted = Assigned {
            index, ip, prefix_len, proto, label,
            scope: Scope::new(scope),
            flags: AddressFlags::new(bits),
            valid_for: (valid != u32::MAX).then(|| Duration::from_secs(valid.into())),
            preferred_for: (preferred != u32::MAX).then(|| Duration::from_secs(preferred.into())),
        };
        prop_assert_eq!(read, wanted);
    }

    #[test]
    fn what_the_oracle_says_of_a_link_we_read(
        index: u32, name in "[a-z0-9.]{1,15}", mac in vec(any::<u8>(), 0..=32), mtu: u32, parent: u32, changes: u32,
        state in 0_u8..7,
    ) {
        let mut message = LinkMessage::default();
        message.header.index = index;
        message.attributes = vec![
            LinkAttribute::IfName(name.clone()),
            LinkAttribute::Address(mac.clone()),
            LinkAttribute::Mtu(mtu),
            LinkAttribute::Link(parent),
            LinkAttribute::CarrierChanges(changes),
            LinkAttribute::OperState(State::from(state)),
        ];
        let read = parse_link(&payload_of(RouteNetlinkMessage::NewLink(message))).unwrap();
        prop_assert_eq!((read.index, read.name, read.mtu, read.parent), (index, name, mtu, Some(parent)));
        prop_assert_eq!((read.mac.as_bytes(), read.carrier_changes), (mac.as_slice(), changes));
        prop_assert_eq!(read.state, crate::OperState::new(state));
    }

    #[test]
    fn any_bytes_are_read_to_an_end(bytes in vec(any::<u8>(), 0..256)) {
        read_all(&bytes);
    }

    #[test]
    fn a_message_with_any_octets_changed_is_read_to_an_end(
        address in any_address(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8), cut in any::<prop::sample::Index>(),
    ) {
        let mut out = Vec::new();
        emit_add(&mut out, 1, &address);
        for (place, octet) in changes {
            let place = place.index(out.len());
            out[place] = octet;
        }
        out.truncate(cut.index(out.len() + 1));
        read_all(&out);
    }

    #[test]
    fn our_own_messages_are_read_as_they_were_written(addresses in vec(any_address(), 0..5)) {
        let mut out = Vec::new();
        addresses.iter().zip(1..).for_each(|(address, seq)| emit_add(&mut out, seq, address));
        let read: Vec<Assigned> = Messages::new(&out).filter_map(|message| parse_address(message.payload)).collect();
        prop_assert_eq!(read.len(), addresses.len());
        for (read, address) in read.iter().zip(&addresses) {
            prop_assert!(read.is_at(address.index(), address.ip()) && read.is_tagged(address.tag()));
        }
    }
}

/// Everything that reads bytes, on these.
fn read_all(bytes: &[u8]) {
    let mut steps = 0;
    for message in Messages::new(bytes) {
        steps += 1 + Attributes::new(message.payload).count();
        drop((parse_address(message.payload), parse_link(message.payload), link_event(message.payload)));
        assert!(
            Answer::parse(&message)
                .is_none_or(|answer| answer.sentence.is_none_or(|s| s.len() < bytes.len()))
        );
    }
    drop((parse_address(bytes), parse_link(bytes)));
    // Each takes at least its own header.
    assert!(steps <= bytes.len() / 4);
}

/// The messages of facts, byte for byte: what the kernel was measured with.
#[test]
fn the_bytes_are_those_that_the_kernel_was_tried_with() {
    let hex = |text: &str| -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
            .collect()
    };
    let address = Address::new(3, "192.0.2.100".parse().unwrap()).with_lease(Lease::SIX_SECONDS);
    let mut out = Vec::new();
    emit_add(&mut out, 1, &address);
    let add = hex(
        "4c000000 1400 0105 01000000 00000000  02 20 00 00 03000000  0800 0200 c0000264  0800 0100 c0000264
         0800 0800 00020000  1400 0600 06000000 06000000 00000000 00000000  0500 0b00 70 000000",
    );
    if cfg!(target_endian = "little") {
        assert_eq!(out, add);
    }
    add_flags(&mut out, 0, ACK);
    assert_eq!(Messages::new(&out).next().unwrap().flags, REQUEST | ACK | CREATE | REPLACE);
    out.clear();
    emit_remove(&mut out, 2, &address);
    let remove = hex(
        "28000000 1500 0100 02000000 00000000  02 20 00 00 03000000  0800 0200 c0000264  0800 0100 c0000264",
    );
    if cfg!(target_endian = "little") {
        assert_eq!(out, remove);
    }
}

#[test]
fn an_answer_is_read_with_its_sentence_whether_it_echoes_the_request_or_not() {
    for (flags, echo) in [(ACK_TLVS | CAPPED, 0), (ACK_TLVS, 20)] {
        let mut bytes = Vec::new();
        let mut payload = (-19_i32).to_ne_bytes().to_vec();
        payload.extend_from_slice(&(16_u32 + 20).to_ne_bytes());
        payload.extend_from_slice(&vec![0; 12 + echo]);
        let mut message = Encoder::request(&mut bytes, ERROR, flags, 7, &payload);
        message.attribute_text(ATTR_MSG, "ipv4: Device not found").attribute_u32(ATTR_OFFS, 20).finish();
        let message = Messages::new(&bytes).next().unwrap();
        let wanted = Answer { errno: 19, sentence: Some("ipv4: Device not found"), offset: Some(20) };
        assert_eq!(Answer::parse(&message), Some(wanted));
    }
}

#[test]
fn what_is_cut_or_empty_ends_the_reading() {
    // A length of 0, of 3, beyond the end; at the end of the number's range.
    for header in [[0, 0, 1, 0], [3, 0, 1, 0], [9, 0, 1, 0], [255, 255, 1, 0]] {
        let mut bytes = vec![8, 0, 2, 0, 1, 2, 3, 4];
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(&[0; 4]);
        assert_eq!(Attributes::new(&bytes).count(), 1, "{header:?}");
    }
    for len in [0_u32, 15, 17, u32::MAX] {
        let mut bytes = len.to_ne_bytes().to_vec();
        bytes.resize(16, 0);
        assert_eq!(Messages::new(&bytes).count(), 0, "{len}");
    }
    // An attribute without its padding at the end, and the bit that says "nested".
    let bytes = [5_u16.to_ne_bytes(), 0x800b_u16.to_ne_bytes()].concat();
    let bytes = [bytes.as_slice(), &[112]].concat();
    let found: Vec<Attribute<'_>> = Attributes::new(&bytes).collect();
    assert_eq!(found, [Attribute { kind: 11, payload: &[112] }]);
}

#[test]
fn a_wireless_event_is_no_link() {
    let mut bytes = Vec::new();
    let none = crate::LinkFlags::default();
    Encoder::request(&mut bytes, link::NEW_LINK, 0, 1, &link::fixed(3, none, none))
        .attribute_text(3, "wlan0")
        .attribute(11, &[0; 8])
        .finish();
    assert_eq!(parse_link(Messages::new(&bytes).next().unwrap().payload), None);
}

#[test]
fn the_oracle_reads_the_macvlan_that_we_ask_for() {
    let mut bytes = Vec::new();
    let mac = [0, 0, 0x5e, 0, 1, 7];
    link::create_macvlan(&mut bytes, 1, "vrrp.7", 3, mac.into(), crate::MacvlanMode::Private);
    let (flags, _, message) = oracle(&bytes);
    assert_eq!(flags, REQUEST | ACK | CREATE | EXCLUSIVE);
    let RouteNetlinkMessage::NewLink(message) = message else { panic!("{message:?}") };
    assert!(message.attributes.contains(&LinkAttribute::IfName("vrrp.7".into())));
    assert!(message.attributes.contains(&LinkAttribute::Address(mac.to_vec())));
    assert!(message.attributes.contains(&LinkAttribute::Link(3)));
    use netlink_packet_route::link::{InfoData, InfoKind, InfoMacVlan, LinkInfo, MacVlanMode};
    let info = vec![
        LinkInfo::Kind(InfoKind::MacVlan),
        LinkInfo::Data(InfoData::MacVlan(vec![InfoMacVlan::Mode(MacVlanMode::Private)])),
    ];
    assert!(message.attributes.contains(&LinkAttribute::LinkInfo(info)), "{message:?}");
}
