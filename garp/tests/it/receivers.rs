//! What this kernel does with each form: which one updates an entry that is there, which one makes one that is not.

use crate::lan::{Lan, MAC, PEER_V4, PEER_V6, V4, V6, run, sysctl};
use crate::sys::Raw;
use garp::{ArpForm, Audience, Body, Frame, Message, Role, arp, ndp};
use std::net::{Ipv4Addr, Ipv6Addr, UdpSocket};

const OLD: &str = "02:00:00:00:00:99";
const NEW: &str = "02:00:00:00:00:01";

/// The forms of the table by name, the ones that others send among them.
fn arp_forms() -> Vec<(&'static str, Frame)> {
    let address: Ipv4Addr = V4.parse().unwrap();
    let ours = |form| Message::Announcement { address, form }.frame(MAC);
    let reply = |target_mac, target| {
        let operation = arp::Operation::Reply;
        let packet = arp::Packet { operation, sender_mac: MAC, sender: address, target_mac, target };
        Frame { body: Body::Arp(packet), ..ours(ArpForm::Request) }
    };
    let unicast =
        Frame { destination: crate::lan::PEER_MAC, ..reply([2, 0, 0, 0, 0, 2], PEER_V4.parse().unwrap()) };
    vec![
        ("request", ours(ArpForm::Request)),
        ("request to broadcast", ours(ArpForm::RequestToBroadcast)),
        ("reply", ours(ArpForm::Reply)),
        ("reply to ff", reply([0xff; 6], address)),
        ("reply to 00", reply([0; 6], address)),
        ("unicast reply", unicast),
        ("probe", Message::Probe { address: address.into() }.frame(MAC)),
    ]
}

/// Runs every form of the table on a fresh entry; `expected` names what the entry is afterwards.
fn assert_arp(lan: Lan, prepare: &str, expected: [(&str, Option<(&str, &str)>); 7]) {
    let raw = Raw::open(lan.interface("v0"));
    let mut sender = lan.sender();
    for ((form, frame), (name, entry)) in arp_forms().into_iter().zip(expected) {
        assert_eq!(form, name);
        run(prepare);
        raw.send(frame.emit().as_slice());
        lan.settle(&mut sender);
        let found = lan.neighbor(V4);
        let found = found.as_ref().map(|(mac, state)| (mac.as_str(), state.as_str()));
        assert_eq!(found, entry, "{form} after {prepare:?}");
    }
}

fn stale() -> String {
    format!("ip neighbour replace {V4} lladdr {OLD} dev v1 nud stale")
}

fn absent() -> String {
    format!("ip neighbour flush to {V4} dev v1; ip neighbour delete {V4} dev v1 2>/dev/null; true")
}

#[test]
fn an_old_entry_is_updated_by_every_form_but_the_probe() {
    let Some(lan) = Lan::enter() else { return };
    // An entry is old when it was updated longer ago than this; so that it always is, without sleeping.
    sysctl("ipv4/neigh/v1/locktime", -100_000);
    let updated = Some((NEW, "STALE"));
    assert_arp(
        lan,
        &stale(),
        [
            ("request", updated),
            ("request to broadcast", updated),
            ("reply", updated),
            ("reply to ff", updated),
            ("reply to 00", updated),
            ("unicast reply", Some((NEW, "REACHABLE"))),
            ("probe", Some((OLD, "STALE"))),
        ],
    );
}

#[test]
fn an_entry_updated_a_moment_ago_is_changed_by_the_forms_this_crate_sends_and_no_other() {
    let Some(lan) = Lan::enter() else { return };
    sysctl("ipv4/neigh/v1/locktime", 100_000);
    let (updated, ignored) = (Some((NEW, "STALE")), Some((OLD, "STALE")));
    assert_arp(
        lan,
        &stale(),
        [
            ("request", updated),
            ("request to broadcast", updated),
            ("reply", updated),
            ("reply to ff", ignored),
            ("reply to 00", ignored),
            ("unicast reply", ignored),
            ("probe", ignored),
        ],
    );
}

#[test]
fn without_an_entry_none_is_made() {
    let Some(lan) = Lan::enter() else { return };
    assert_arp(
        lan,
        &absent(),
        arp_forms().iter().map(|(name, _)| (*name, None)).collect::<Vec<_>>().try_into().unwrap(),
    );
}

#[test]
fn with_arp_accept_every_form_but_the_probe_makes_an_entry() {
    let Some(lan) = Lan::enter() else { return };
    sysctl("ipv4/conf/v1/arp_accept", 1);
    let made = Some((NEW, "STALE"));
    assert_arp(
        lan,
        &absent(),
        [
            ("request", made),
            ("request to broadcast", made),
            ("reply", made),
            ("reply to ff", made),
            ("reply to 00", made),
            ("unicast reply", Some((NEW, "REACHABLE"))),
            ("probe", None),
        ],
    );
}

/// The advertisements of the table by name.
fn advertisements() -> Vec<(&'static str, Vec<u8>)> {
    let address: Ipv6Addr = V6.parse().unwrap();
    let ours = |role| Message::Advertisement { address, audience: Audience::AllNodes, role }.frame(MAC);
    let with = |change: &dyn Fn(&mut ndp::Packet)| {
        let mut frame = ours(Role::Host);
        if let Body::Ndp(packet) = &mut frame.body {
            change(packet);
        }
        frame.emit().as_slice().to_vec()
    };
    let forwarded = {
        let mut bytes = with(&|_| {});
        bytes[21] = 64;
        bytes
    };
    vec![
        ("O", ours(Role::Host).emit().as_slice().to_vec()),
        ("O and R", ours(Role::Router).emit().as_slice().to_vec()),
        ("O from link-local", with(&|packet| packet.source = "fe80::1".parse().unwrap())),
        ("no flag", with(&|packet| packet.kind = ndp::Kind::Advertisement(ndp::Flags::NONE))),
        ("O without link-layer address", with(&|packet| packet.link_layer = None)),
        (
            "O and S to all nodes",
            with(&|packet| {
                packet.kind = ndp::Kind::Advertisement(ndp::Flags::OVERRIDE | ndp::Flags::SOLICITED);
            }),
        ),
        ("hop limit 64", forwarded),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Updated,
    Kept,
    MarkedStale,
    Absent,
    Unresolved,
}

fn assert_ndp(lan: Lan, prepare: impl Fn(), expected: [Outcome; 7]) {
    let raw = Raw::open(lan.interface("v0"));
    let mut sender = lan.sender();
    for ((form, bytes), expected) in advertisements().into_iter().zip(expected) {
        run(&format!("ip neighbour flush to {V6} dev v1; ip neighbour delete {V6} dev v1 2>/dev/null; true"));
        prepare();
        let before = lan.neighbor(V6);
        raw.send(&bytes);
        lan.settle(&mut sender);
        let after = lan.neighbor(V6);
        let outcome = match (&before, &after) {
            (_, None) => Outcome::Absent,
            (_, Some((mac, _))) if mac == NEW => Outcome::Updated,
            (_, Some((mac, _))) if mac == "none" => Outcome::Unresolved,
            (before, after) if before == after => Outcome::Kept,
            (_, Some((_, state))) if state == "STALE" => Outcome::MarkedStale,
            other => panic!("{form}: {other:?}"),
        };
        assert_eq!(outcome, expected, "{form}: {before:?} became {after:?}");
        if outcome == Outcome::Updated {
            assert_ne!(after.unwrap().1, "REACHABLE", "nobody has asked");
        }
    }
}

#[test]
fn a_stale_ipv6_entry_is_updated_by_override_with_a_link_layer_address_only() {
    let Some(lan) = Lan::enter() else { return };
    use Outcome::{Kept, Updated};
    assert_ndp(
        lan,
        || {
            run(&format!("ip neighbour replace {V6} lladdr {OLD} dev v1 nud stale"));
        },
        [Updated, Updated, Updated, Kept, Kept, Kept, Kept],
    );
}

#[test]
fn a_reachable_ipv6_entry_is_updated_by_override_and_doubted_without() {
    let Some(lan) = Lan::enter() else { return };
    use Outcome::{Kept, MarkedStale, Updated};
    assert_ndp(
        lan,
        || {
            run(&format!("ip neighbour replace {V6} lladdr {OLD} dev v1 nud reachable"));
        },
        [Updated, Updated, Updated, MarkedStale, Kept, Kept, Kept],
    );
}

#[test]
fn without_an_ipv6_entry_none_is_made() {
    let Some(lan) = Lan::enter() else { return };
    assert_ndp(lan, || {}, [Outcome::Absent; 7]);
}

#[test]
fn an_ipv6_entry_that_waits_for_an_answer_is_resolved_by_any_advertisement_with_a_link_layer_address() {
    let Some(lan) = Lan::enter() else { return };
    use Outcome::{Unresolved, Updated};
    let socket = UdpSocket::bind(format!("[{PEER_V6}]:0")).unwrap();
    // Long enough for the whole table.
    sysctl("ipv6/neigh/v1/retrans_time_ms", 60_000);
    assert_ndp(
        lan,
        || {
            socket.send_to(b"?", format!("[{V6}]:9")).unwrap();
            assert_eq!(lan.neighbor(V6).unwrap().1, "INCOMPLETE");
        },
        [Updated, Updated, Updated, Updated, Unresolved, Unresolved, Unresolved],
    );
}

#[test]
fn a_router_that_keeps_to_rfc_9131_makes_an_entry_from_what_it_is_told_without_override() {
    let Some(lan) = Lan::enter() else { return };
    sysctl("ipv6/conf/v1/forwarding", 1);
    sysctl("ipv6/conf/v1/accept_untracked_na", 1);
    let address = V6.parse().unwrap();
    let mut sender = lan.sender();
    let message = Message::Advertisement { address, audience: Audience::AllRouters, role: Role::Host };
    sender.send(&[message]).unwrap();
    lan.settle(&mut sender);
    assert_eq!(lan.neighbor(V6), Some((NEW.to_owned(), "STALE".to_owned())));
}
