//! The programs against the judgement they spare us, by a small interpreter. The kernel itself runs them in `tests/it`.

use super::*;
use crate::{ArpForm, Audience, Body, Claim, Message, Role, arp, ndp};
use proptest::prelude::*;

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// Classic BPF as far as the programs above use it; a load beyond the end refuses, as in the kernel.
fn passes(program: &[sock_filter], packet: &[u8]) -> bool {
    let (mut at, mut loaded) = (0, 0);
    loop {
        let instruction = program[at];
        at += 1;
        let from = instruction.k as usize;
        let load = |len: usize| {
            let bytes = packet.get(from..from + len)?;
            Some(bytes.iter().fold(0_u32, |word, octet| word << 8 | u32::from(*octet)))
        };
        match instruction.code {
            0x06 => return instruction.k != 0,
            0x05 => at += instruction.k as usize,
            0x15 => at += usize::from(if loaded == instruction.k { instruction.jt } else { instruction.jf }),
            code => {
                let len = match code {
                    0x20 => 4,
                    0x28 => 2,
                    _ => 1,
                };
                match load(len) {
                    Some(word) => loaded = word,
                    None => return false,
                }
            }
        }
    }
}

fn claims_pass(body: &Body, addresses: &[IpAddr]) -> bool {
    let program = match body {
        Body::Arp(_) => arp_claims(addresses),
        Body::Ndp(_) => ndp_claims(addresses),
    };
    passes(&program, body.emit().as_slice())
}

fn ours() -> Vec<IpAddr> {
    ["192.0.2.100", "192.0.2.101", "2001:db8::100", "2001:db8::101"].map(|text| text.parse().unwrap()).into()
}

#[test]
fn every_claim_of_ours_passes_and_no_other() {
    let other: Vec<IpAddr> = vec!["198.51.100.1".parse().unwrap(), "2001:db8::beef".parse().unwrap()];
    let (v4, v6) = ("192.0.2.101".parse().unwrap(), "2001:db8::101".parse().unwrap());
    for message in [
        Message::Announcement { address: v4, form: ArpForm::Request },
        Message::Announcement { address: v4, form: ArpForm::Reply },
        Message::Probe { address: v4.into() },
        Message::ArpQuestion { address: v4, neighbor: "192.0.2.1".parse().unwrap(), at: None },
        Message::Advertisement { address: v6, audience: Audience::AllNodes, role: Role::Host },
        Message::Probe { address: v6.into() },
        Message::Solicitation { address: v6, neighbor: "2001:db8::1".parse().unwrap(), at: None },
    ] {
        let body = message.frame(MAC).body;
        assert!(claims_pass(&body, &ours()), "{message:?}");
        assert!(!claims_pass(&body, &other), "{message:?}");
        assert!(!claims_pass(&body, &[]), "{message:?}");
    }
}

#[test]
fn being_asked_for_is_no_claim() {
    let question =
        |neighbor| Message::ArpQuestion { address: "192.0.2.7".parse().unwrap(), neighbor, at: None };
    assert!(!claims_pass(&question("192.0.2.100".parse().unwrap()).frame(MAC).body, &ours()));
    let address = "2001:db8::7".parse().unwrap();
    let question = Message::Solicitation { address, neighbor: "2001:db8::100".parse().unwrap(), at: None };
    assert!(!claims_pass(&question.frame(MAC).body, &ours()));
}

#[test]
fn a_program_of_thousands_of_addresses_lets_all_of_them_through_and_fits() {
    let many: Vec<IpAddr> = (0..5000_u32).map(|low| Ipv4Addr::from_bits(0x0a00_0001 + low).into()).collect();
    let announcement =
        Message::Announcement { address: "192.0.2.1".parse().unwrap(), form: ArpForm::Request };
    assert!(claims_pass(&announcement.frame(MAC).body, &many));
    assert!(arp_claims(&many[..MOST_ADDRESSES]).len() <= 4096);
    assert!(ndp_claims(&many).len() <= 4096);
    assert!(!claims_pass(&announcement.frame(MAC).body, &many[..MOST_ADDRESSES]));
}

fn address() -> impl Strategy<Value = Ipv4Addr> {
    // Few, so that they meet; the unspecified one among them.
    (0..4_u32).prop_map(|last| {
        if last == 3 { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::from_bits(0xc000_0264 + last) }
    })
}

fn address6() -> impl Strategy<Value = Ipv6Addr> {
    (0..5_u128).prop_map(|last| match last {
        3 => Ipv6Addr::UNSPECIFIED,
        // The same last 32 bits as one of ours: passes, for the watch to sort out.
        4 => "2001:db8:ffff::100".parse().unwrap(),
        last => Ipv6Addr::from_bits(0x2001_0db8 << 96 | (0x100 + last)),
    })
}

proptest! {
    #[test]
    fn arp_passes_exactly_where_it_claims(operation: u16, sender in address(), target in address()) {
        let operation = arp::Operation::from(operation % 4);
        let packet = arp::Packet { operation, sender_mac: MAC, sender, target_mac: [0; 6], target };
        let claimed = Claim::of(&Body::Arp(packet)).is_some_and(|claim| ours().contains(&claim.address));
        prop_assert_eq!(claims_pass(&Body::Arp(packet), &ours()), claimed);
        let answers = operation == arp::Operation::Reply && ours().contains(&target.into());
        prop_assert_eq!(passes(&arp_answers(&ours()), packet.emit().as_slice()), answers);
    }

    #[test]
    fn no_neighbour_message_that_claims_is_held_back(
        source in address6(), destination in address6(), target in address6(), solicits: bool,
    ) {
        let kind = if solicits { ndp::Kind::Solicitation } else { ndp::Kind::Advertisement(ndp::Flags::NONE) };
        let packet = ndp::Packet { source, destination, kind, target, link_layer: None };
        let claimed = Claim::of(&Body::Ndp(packet)).is_some_and(|claim| ours().contains(&claim.address));
        let passed = claims_pass(&Body::Ndp(packet), &ours());
        prop_assert!(passed || !claimed);
        let answers = !solicits && ours().contains(&destination.into());
        prop_assert!(passes(&ndp_answers(&ours()), packet.emit().as_slice()) || !answers);
    }

    #[test]
    fn any_octets_end_the_program(bytes: Vec<u8>) {
        for program in [arp_claims(&ours()), arp_answers(&ours()), ndp_claims(&ours()), ndp_answers(&ours())] {
            passes(&program, &bytes);
        }
    }
}
