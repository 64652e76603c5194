use super::*;
use crate::{ArpForm, Audience, Message, Role};

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

fn frames() -> [Frame; 4] {
    let (v4, v6) = ("192.0.2.100".parse().unwrap(), "2001:db8::100".parse().unwrap());
    [
        Message::Announcement { address: v4, form: ArpForm::Request }.frame(MAC),
        Message::Probe { address: v4.into() }.frame(MAC),
        Message::Advertisement { address: v6, audience: Audience::AllNodes, role: Role::Host }.frame(MAC),
        Message::Probe { address: v6.into() }.frame(MAC),
    ]
}

/// The advertisement's octets with one of them changed and the checksum made right again.
fn advertisement(change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut bytes = frames()[2].emit().as_slice().to_vec();
    change(&mut bytes);
    for _ in 0..2 {
        if let Err(ParseError::Checksum { expected, .. }) = Frame::parse(&bytes) {
            bytes[56..58].copy_from_slice(&expected.to_be_bytes());
        }
    }
    bytes
}

#[test]
fn every_frame_comes_back_with_and_without_a_tag() {
    for frame in frames() {
        for vlan in [None, Some(VlanId::from_tag(10)), Some(VlanId::from_tag(0xffff))] {
            let frame = Frame { vlan, ..frame };
            assert_eq!(Frame::parse(frame.emit().as_slice()), Ok(frame));
        }
    }
}

#[test]
fn two_tags_are_taken_off_and_the_inner_one_counts() {
    let bytes = frames()[0].emit();
    let (addresses, rest) = bytes.as_slice().split_at(12);
    let tagged = [addresses, &[0x88, 0xa8, 0, 7], &[0x81, 0, 0xe0, 10], rest].concat();
    assert_eq!(Frame::parse(&tagged).unwrap().vlan.unwrap().number(), 10);
    let thrice = [addresses, &[0x88, 0xa8, 0, 7], &[0x81, 0, 0, 10], &[0x81, 0, 0, 11], rest].concat();
    assert_eq!(Frame::parse(&thrice), Err(ParseError::EtherType { ethertype: 0x8100 }));
}

#[test]
fn a_frame_cut_anywhere_is_truncated_and_nothing_else() {
    for frame in frames() {
        let whole = frame.emit();
        for len in 0..whole.as_slice().len() {
            let cut = Frame::parse(&whole.as_slice()[..len]);
            assert!(matches!(cut, Err(ParseError::Truncated { .. })), "{len} octets: {cut:?}");
        }
    }
}

#[test]
fn padding_to_the_shortest_ethernet_frame_is_ignored() {
    for frame in frames() {
        let mut bytes = frame.emit().as_slice().to_vec();
        bytes.extend([0xaa; 46]);
        assert_eq!(Frame::parse(&bytes), Ok(frame));
    }
}

#[test]
fn what_a_router_may_have_forwarded_is_refused() {
    let bytes = advertisement(|bytes| bytes[21] = 64);
    assert_eq!(Frame::parse(&bytes), Err(ParseError::HopLimit { hop_limit: 64 }));
}

#[test]
fn a_wrong_checksum_is_refused_with_the_right_one() {
    let mut bytes = frames()[2].emit().as_slice().to_vec();
    bytes[57] ^= 1;
    assert_eq!(Frame::parse(&bytes), Err(ParseError::Checksum { found: 0xf72d, expected: 0xf72c }));
}

#[test]
fn rules_of_rfc_4861_7_1_are_kept() {
    let refused = |change: fn(&mut [u8])| Frame::parse(&advertisement(change)).unwrap_err();
    assert_eq!(refused(|bytes| bytes[55] = 1), ParseError::NotNeighbor { kind: 136, code: 1 });
    assert_eq!(refused(|bytes| bytes[62] = 0xff), ParseError::MulticastTarget);
    assert_eq!(refused(|bytes| bytes[58] |= 0x40), ParseError::SolicitedMulticast);
    assert_eq!(refused(|bytes| bytes[79] = 0), ParseError::ZeroOption { at: 24 });
    assert_eq!(refused(|bytes| bytes[79] = 2), ParseError::Truncated { field: "option", at: 24, need: 16 });
    assert_eq!(refused(|bytes| bytes[14] = 0x40), ParseError::Version { version: 4 });
    assert_eq!(refused(|bytes| bytes[20] = 0), ParseError::NotIcmp { next_header: 0 });
    // A solicitation from :: may not go to all nodes, nor say a link-layer address.
    let probe = |bytes: &mut [u8]| {
        bytes[22..38].fill(0);
        (bytes[54], bytes[58], bytes[78]) = (135, 0, 1);
    };
    assert_eq!(refused(probe), ParseError::UnspecifiedSource);
}

#[test]
fn options_are_walked_and_the_first_of_its_kind_counts() {
    let bytes = advertisement(|bytes| bytes[78] = 14);
    let Body::Ndp(packet) = Frame::parse(&bytes).unwrap().body else { panic!("not NDP") };
    assert_eq!(packet.link_layer, None, "a nonce (RFC 3971) is no link-layer address");
}

#[test]
fn errors_say_what_and_where() {
    let error = Frame::parse(&[0; 20]).unwrap_err();
    assert_eq!(error.to_string(), "ethertype 0x0000 is neither ARP nor IPv6");
    assert_eq!(Frame::parse(&[0; 3]).unwrap_err().to_string(), "Ethernet header needs 14 octets at offset 0");
}
