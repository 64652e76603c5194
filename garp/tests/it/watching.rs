//! What the watch sees of others, and what it is not woken for.

use crate::lan::{LONG, Lan, MAC, PEER_MAC, V4, V6, ip, run};
use crate::sys::Raw;
use garp::{
    ArpForm, Audience, Body, Claim, ClaimKind, Defence, Delivery, Frame, Message, Role, Schedule, Sender,
    Settings, Sighting, VlanId, Watch, WatchError, arp, ndp,
};
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

const STRANGER: [u8; 6] = [2, 0, 0, 0, 0, 0x66];

fn watch(lan: Lan) -> Watch {
    Watch::open(lan.interface("v0"), &[ip(V4), ip(V6)]).unwrap()
}

#[track_caller]
fn seen(watch: &mut Watch) -> Sighting {
    watch.wait(Some(Instant::now() + LONG)).unwrap().expect("nothing was seen")
}

fn stranger(message: Message) -> Frame {
    message.frame(STRANGER)
}

fn announcement(address: &str) -> Message {
    Message::Announcement { address: address.parse().unwrap(), form: ArpForm::Request }
}

/// A claim whose arrival shows that nothing before it was reported.
#[track_caller]
fn assert_nothing_before_the_next_claim(watch: &mut Watch, raw: &Raw) {
    raw.send(Message::Probe { address: ip(V4) }.frame(STRANGER).emit().as_slice());
    raw.send(Message::Probe { address: ip(V6) }.frame(STRANGER).emit().as_slice());
    assert_eq!(
        [seen(watch), seen(watch)].map(|seen| (seen.kind, seen.mac)),
        [(ClaimKind::Probes, STRANGER); 2]
    );
    assert_eq!(watch.try_next().unwrap(), None);
}

#[test]
fn every_way_of_claiming_is_an_event_with_its_mac() {
    let Some(lan) = Lan::enter() else { return };
    let (mut watch, raw) = (watch(lan), Raw::open(lan.interface("v1")));
    let (v4, v6) = (V4.parse().unwrap(), V6.parse().unwrap());
    let answer = arp::Packet {
        operation: arp::Operation::Reply,
        sender_mac: STRANGER,
        sender: v4,
        target_mac: MAC,
        target: "10.9.0.7".parse().unwrap(),
    };
    let answer6 = ndp::Packet {
        source: v6,
        destination: "2001:db8:9::7".parse().unwrap(),
        kind: ndp::Kind::Advertisement(ndp::Flags::SOLICITED | ndp::Flags::OVERRIDE),
        target: v6,
        link_layer: Some(STRANGER),
    };
    let to_us = |body| Frame { destination: MAC, source: STRANGER, vlan: None, body };
    let table = [
        (stranger(announcement(V4)), ClaimKind::Announces),
        (stranger(Message::Announcement { address: v4, form: ArpForm::Reply }), ClaimKind::Announces),
        (stranger(Message::Probe { address: ip(V4) }), ClaimKind::Probes),
        (
            stranger(Message::ArpQuestion { address: v4, neighbor: "10.9.0.7".parse().unwrap(), at: None }),
            ClaimKind::Uses,
        ),
        (to_us(Body::Arp(answer)), ClaimKind::Answers),
        (
            stranger(Message::Advertisement { address: v6, audience: Audience::AllNodes, role: Role::Host }),
            ClaimKind::Announces,
        ),
        (stranger(Message::Probe { address: ip(V6) }), ClaimKind::Probes),
        (
            stranger(Message::Solicitation {
                address: v6,
                neighbor: "2001:db8:9::100".parse().unwrap(),
                at: None,
            }),
            ClaimKind::Uses,
        ),
        (to_us(Body::Ndp(answer6)), ClaimKind::Answers),
    ];
    for (frame, kind) in table {
        let before = SystemTime::now();
        raw.send(frame.emit().as_slice());
        let seen = seen(&mut watch);
        let address = Claim::of(&frame.body).unwrap().address;
        assert_eq!((seen.address, seen.mac, seen.kind, seen.source), (address, STRANGER, kind, STRANGER));
        assert_ne!(seen.delivery, Delivery::Overheard);
        assert!(seen.at >= before - Duration::from_secs(1) && seen.at <= SystemTime::now());
    }
}

#[test]
fn a_sighting_reads_like_a_sentence() {
    let Some(lan) = Lan::enter() else { return };
    let (mut watch, raw) = (watch(lan), Raw::open(lan.interface("v1")));
    raw.send(stranger(announcement(V4)).emit().as_slice());
    assert_eq!(seen(&mut watch).to_string(), "02:00:00:00:00:66 announces 10.9.0.100");
}

#[test]
fn a_host_that_gets_our_address_is_seen_announcing_it() {
    let Some(lan) = Lan::enter() else { return };
    let mut watch = watch(lan);
    let mut rival = Sender::open(lan.interface("v1")).unwrap();
    let address = V6.parse().unwrap();
    rival
        .send(&[
            announcement(V4),
            Message::Advertisement { address, audience: Audience::AllNodes, role: Role::Router },
        ])
        .unwrap();
    let both = [seen(&mut watch), seen(&mut watch)];
    assert_eq!(both.map(|seen| (seen.address, seen.mac)), [(ip(V4), PEER_MAC), (ip(V6), PEER_MAC)]);
    assert!(both.iter().all(|seen| seen.kind == ClaimKind::Announces));
}

#[test]
fn a_challenge_is_defended_once() {
    let Some(lan) = Lan::enter() else { return };
    let (mut watch, mut sender) = (watch(lan), lan.sender());
    let raw = Raw::open(lan.interface("v1"));
    let mut rival = Watch::open(lan.interface("v1"), &[ip(V4)]).unwrap();
    let mut schedule =
        Schedule::new(Settings { takeover: garp::Pattern::default(), ..Settings::default() }, 1);
    let now = Instant::now();
    schedule.hold(ip(V4), now);
    for expected in [Defence::Announcing, Defence::TooSoon] {
        raw.send(stranger(announcement(V4)).emit().as_slice());
        let address = seen(&mut watch).address;
        assert_eq!(schedule.challenged(address, now), expected);
    }
    assert_eq!(sender.send_due(&mut schedule, now).unwrap(), 1);
    assert_eq!(seen(&mut rival).mac, MAC);
}

#[test]
fn ours_are_not_reported() {
    let Some(lan) = Lan::enter() else { return };
    let mut watch = watch(lan).also_ours([[2, 0, 0, 0, 0, 0x77]]);
    let raw = Raw::open(lan.interface("v1"));
    lan.sender().send(&[announcement(V4)]).unwrap();
    // Sent back by a switch that goes in circles, from this device and from another of ours.
    raw.send(announcement(V4).frame(MAC).emit().as_slice());
    raw.send(announcement(V4).frame([2, 0, 0, 0, 0, 0x77]).emit().as_slice());
    assert_nothing_before_the_next_claim(&mut watch, &raw);
    // With another MAC, what bears the one of before is a stranger's.
    run("ip link set v0 address 02:00:00:00:00:aa");
    raw.send(announcement(V4).frame(MAC).emit().as_slice());
    assert_eq!(seen(&mut watch).mac, MAC);
}

#[test]
fn ordinary_traffic_does_not_wake_the_watch() {
    let Some(lan) = Lan::enter() else { return };
    let (mut watch, raw) = (watch(lan), Raw::open(lan.interface("v1")));
    let ordinary = [
        stranger(announcement("10.9.0.7")),
        stranger(Message::Probe { address: ip("10.9.0.7") }),
        // Asking for our address is what everybody does.
        stranger(Message::ArpQuestion {
            address: "10.9.0.7".parse().unwrap(),
            neighbor: V4.parse().unwrap(),
            at: None,
        }),
        stranger(Message::Solicitation {
            address: "2001:db8:9::7".parse().unwrap(),
            neighbor: V6.parse().unwrap(),
            at: None,
        }),
        stranger(Message::Probe { address: ip("2001:db8:9::7") }),
    ];
    for frame in ordinary.iter().cycle().take(500) {
        raw.send(frame.emit().as_slice());
    }
    raw.send(&[&[0xff; 6], &STRANGER[..], &[8, 6], &[0; 46]].concat());
    raw.send(&[&MAC, &STRANGER[..], &[0x86, 0xdd], &[0; 46]].concat());
    raw.send(&[&MAC, &STRANGER[..], &[8, 0], &[0; 46]].concat());
    // The frames go through one queue: when the last has come, the others have.
    lan.settle(&mut Sender::open(lan.interface("v0")).unwrap());
    raw.send(stranger(announcement("10.9.0.7")).emit().as_slice());
    assert_eq!(queued(), 0, "the kernel has kept something for a packet socket");
    assert_nothing_before_the_next_claim(&mut watch, &raw);
}

/// Octets that wait in the packet sockets of this namespace.
fn queued() -> u64 {
    let table = std::fs::read_to_string("/proc/thread-self/net/packet").unwrap();
    table.lines().skip(1).map(|line| line.split_whitespace().nth(6).unwrap().parse::<u64>().unwrap()).sum()
}

#[test]
fn a_claim_in_a_vlan_that_has_no_interface_here_is_overheard() {
    let Some(lan) = Lan::enter() else { return };
    let (mut watch, raw) = (watch(lan), Raw::open(lan.interface("v1")));
    let tagged = Frame { vlan: Some(VlanId::from_tag(10)), ..stranger(announcement(V4)) };
    raw.send(tagged.emit().as_slice());
    assert_eq!(seen(&mut watch).delivery, Delivery::Overheard);
}

#[test]
fn addresses_change_while_it_watches_and_families_come_and_go() {
    let Some(lan) = Lan::enter() else { return };
    let mut watch = Watch::open(lan.interface("v0"), &[]).unwrap();
    let raw = Raw::open(lan.interface("v1"));
    let mut see = |watched: &[IpAddr], claims: &[&str], expected: &[&str]| {
        watch.set_addresses(watched).unwrap();
        for claim in claims {
            raw.send(Message::Probe { address: ip(claim) }.frame(STRANGER).emit().as_slice());
        }
        for expected in expected {
            assert_eq!(seen(&mut watch).address, ip(expected));
        }
        assert_eq!(watch.try_next().unwrap(), None);
    };
    see(&[ip(V4)], &[V6, V4], &[V4]);
    see(&[ip(V6)], &[V4, V6], &[V6]);
    see(&[ip(V6), ip("10.9.0.7")], &[V4, V6, "10.9.0.7"], &["10.9.0.7", V6]);
    // The program looks at the last 32 bits; the rest is looked at here.
    see(&[ip(V6)], &["2001:db8:ffff::100", V6], &[V6]);
    see(&[], &[V4, V6], &[]);
}

#[test]
fn a_watch_outlives_the_interface_s_fall_and_says_when_it_is_gone() {
    let Some(lan) = Lan::enter() else { return };
    let mut watch = Watch::open(lan.interface("v0"), &[ip(V4)]).unwrap();
    run("ip link set v0 down");
    assert!(matches!(watch.wait(Some(Instant::now() + LONG)), Err(WatchError::Down)));
    assert_eq!(watch.try_next().unwrap(), None, "said once");
    run("ip link set v0 up");
    let mut sender = lan.sender();
    crate::lan::eventually("carrier", || sender.carrier().unwrap() == garp::Carrier::Present);
    lan.settle(&mut sender);
    let raw = Raw::open(lan.interface("v1"));
    raw.send(stranger(announcement(V4)).emit().as_slice());
    assert_eq!(seen(&mut watch).mac, STRANGER);
    run("ip link delete v0");
    assert!(matches!(watch.wait(Some(Instant::now() + LONG)), Err(WatchError::Gone)));
}

#[cfg(feature = "tokio")]
#[test]
fn tokio_is_woken_by_a_claim() {
    let Some(lan) = Lan::enter() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut watch = garp::AsyncWatch::open(lan.interface("v0"), &[ip(V4)]).unwrap();
        let raw = Raw::open(lan.interface("v1"));
        for address in [V4, V6] {
            // A socket that is opened later wakes it too.
            watch.set_addresses(&[ip(address)]).unwrap();
            let task = tokio::spawn(async move {
                let seen = watch.next().await.unwrap();
                (watch, seen)
            });
            tokio::task::yield_now().await;
            for _ in 0..3 {
                raw.send(Message::Probe { address: ip(address) }.frame(STRANGER).emit().as_slice());
            }
            let seen;
            (watch, seen) = tokio::time::timeout(LONG, task).await.unwrap().unwrap();
            assert_eq!((seen.address, seen.mac), (ip(address), STRANGER));
            for _ in 0..2 {
                assert_eq!(watch.next().await.unwrap().address, ip(address));
            }
        }
    });
}
