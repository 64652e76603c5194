//! What the sender puts on the wire, and when it does not.

use crate::lan::{self, LONG, Lan, MAC, V4, V6, eventually, ip, run, sent, try_run};
use garp::{
    ArpForm, Audience, Body, Carrier, Heard, Interface, Link, LinkEvent, Listener, Message, OpenError,
    Purpose, Role, Schedule, SendError, Sender, Settings,
};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

fn announcement() -> Message {
    Message::Announcement { address: V4.parse().unwrap(), form: ArpForm::Request }
}

fn ear(lan: Lan, addresses: &[IpAddr]) -> Listener {
    Listener::open(lan.interface("v1"), Purpose::Claims, addresses).unwrap()
}

#[track_caller]
fn heard(ear: &mut Listener) -> Heard {
    ear.wait(Some(Instant::now() + LONG)).unwrap().expect("nothing was heard")
}

#[track_caller]
fn assert_quiet(ear: &mut Listener) {
    assert_eq!(ear.try_next().unwrap(), None);
}

#[test]
fn every_message_arrives_as_it_was_built_from_the_device_s_mac() {
    let Some(lan) = Lan::enter() else { return };
    let mut ear = ear(lan, &[ip(V4), ip(V6)]);
    let (v4, v6) = (V4.parse().unwrap(), V6.parse().unwrap());
    for message in [
        Message::Announcement { address: v4, form: ArpForm::Request },
        Message::Announcement { address: v4, form: ArpForm::RequestToBroadcast },
        Message::Announcement { address: v4, form: ArpForm::Reply },
        Message::Probe { address: v4.into() },
        Message::Advertisement { address: v6, audience: Audience::AllNodes, role: Role::Host },
        Message::Advertisement { address: v6, audience: Audience::AllNodes, role: Role::Router },
        Message::Probe { address: v6.into() },
        Message::ArpQuestion { address: v4, neighbor: Ipv4Addr::new(10, 9, 0, 77), at: None },
        Message::Solicitation {
            address: v6,
            neighbor: lan::PEER_V6.parse().unwrap(),
            at: Some(lan::PEER_MAC),
        },
    ] {
        lan.sender().send(&[message]).unwrap();
        let heard = heard(&mut ear);
        assert_eq!((heard.body, heard.source), (message.frame(MAC).body, MAC), "{message:?}");
    }
}

#[test]
fn sixty_four_addresses_and_more_arrive_in_order() {
    let Some(lan) = Lan::enter() else { return };
    let addresses: Vec<IpAddr> = (0..150).map(|last| Ipv4Addr::new(10, 9, 0, last).into()).collect();
    let mut ear = ear(lan, &addresses);
    let now = Instant::now();
    let settings = Settings { bucket: None, ..Settings::default() };
    let mut schedule = Schedule::with_capacity(settings, 1, addresses.len());
    for address in &addresses {
        schedule.hold(*address, now);
    }
    assert_eq!(lan.sender().send_due(&mut schedule, now).unwrap(), 150);
    for address in &addresses {
        let Body::Arp(packet) = heard(&mut ear).body else { panic!("not ARP") };
        assert_eq!(IpAddr::from(packet.sender), *address);
    }
}

#[test]
fn without_a_carrier_nothing_is_sent_and_the_burst_begins_when_it_is_back() {
    let Some(lan) = Lan::enter() else { return };
    let mut sender = lan.sender();
    let mut link = Link::new(sender.carrier().unwrap());
    let mut schedule = Schedule::new(Settings::default(), 1);
    run("ip link set v1 down");
    eventually("loss of the carrier", || sender.carrier().unwrap() == Carrier::Absent);
    let before = sent("v0");
    let now = Instant::now();
    schedule.hold(ip(V4), now);
    let error = sender.send_due(&mut schedule, now).unwrap_err();
    assert!(matches!(error.reason, SendError::NoCarrier), "{error:?}");
    assert_eq!(sent("v0"), before, "not even dropped by the device");
    // The message is owed, for a caller who does not follow the link.
    assert_eq!(schedule.deadline(), Some(now + Duration::from_millis(200)));

    schedule.follow(link.handle(LinkEvent::Carrier(Carrier::Absent)), now);
    assert_eq!(schedule.deadline(), None);
    run("ip link set v1 up");
    eventually("carrier", || sender.carrier().unwrap() == Carrier::Present);
    let mut ear = ear(lan, &[ip(V4)]);
    let now = Instant::now();
    schedule.follow(link.handle(LinkEvent::Carrier(Carrier::Present)), now);
    assert_eq!(sender.send_due(&mut schedule, now).unwrap(), 1);
    assert_eq!(heard(&mut ear).body, announcement().frame(MAC).body);
    assert_eq!(
        schedule.next(now + Duration::from_millis(200)),
        Some(announcement()),
        "and the burst goes on"
    );
}

#[test]
fn what_is_pending_is_cancelled_with_the_address() {
    let Some(lan) = Lan::enter() else { return };
    let (mut sender, mut ear) = (lan.sender(), ear(lan, &[ip(V4), ip(V6)]));
    let mut schedule = Schedule::new(Settings::keepalived(), 1);
    let now = Instant::now();
    schedule.hold(ip(V4), now);
    schedule.hold(ip(V6), now);
    assert!(schedule.next(now).is_some());
    schedule.release(ip(V4));
    schedule.release(ip(V6));
    assert_eq!(sender.send_due(&mut schedule, now + LONG).unwrap(), 0);
    lan.settle(&mut sender);
    assert_quiet(&mut ear);
}

#[test]
fn after_a_change_of_the_mac_the_old_one_is_never_sent() {
    let Some(lan) = Lan::enter() else { return };
    let (mut sender, mut ear) = (lan.sender(), ear(lan, &[ip(V4), ip(V6)]));
    let mut schedule = Schedule::new(Settings::default(), 1);
    let now = Instant::now();
    schedule.hold(ip(V4), now);
    schedule.hold(ip(V6), now);
    assert_eq!(sender.send_due(&mut schedule, now).unwrap(), 3);
    for _ in 0..3 {
        assert_eq!(heard(&mut ear).source, MAC);
    }
    run("ip link set v0 address 02:00:00:00:00:aa");
    let mut link = Link::new(Carrier::Present);
    schedule.follow(link.handle(LinkEvent::MacChanged), now);
    assert_eq!(sender.send_due(&mut schedule, now).unwrap(), 3);
    let new = [2, 0, 0, 0, 0, 0xaa];
    for _ in 0..3 {
        let heard = heard(&mut ear);
        assert_eq!(heard.source, new);
        let named = match heard.body {
            Body::Arp(packet) => Some(packet.sender_mac),
            Body::Ndp(packet) => packet.link_layer,
        };
        assert_eq!(named, Some(new), "{heard:?}");
    }
}

#[test]
fn a_macvlan_announces_its_own_mac() {
    let Some(lan) = Lan::enter() else { return };
    let create = "ip link add link v0 name vrrp.17 address 00:00:5e:00:01:11 type macvlan mode private";
    if let Err(error) = try_run(&format!("{create} && ip link set vrrp.17 up")) {
        lan::skip(&format!("no macvlan: {error}"));
        return;
    }
    let mut sender = Sender::open(lan.interface("vrrp.17")).unwrap();
    eventually("carrier", || sender.carrier().unwrap() == Carrier::Present);
    let mut ear = ear(lan, &[ip(V4)]);
    sender.send(&[announcement()]).unwrap();
    let heard = heard(&mut ear);
    let mac = [0, 0, 0x5e, 0, 1, 0x11];
    assert_eq!((heard.source, heard.body), (mac, announcement().frame(mac).body));
}

#[test]
fn what_stops_a_sender_is_told_apart() {
    let Some(lan) = Lan::enter() else { return };
    let mut sender = lan.sender();
    let reason = |sender: &mut Sender| sender.send(&[announcement()]).unwrap_err().reason;
    run("ip link set v0 down");
    assert!(matches!(reason(&mut sender), SendError::Down));
    run("ip link delete v0");
    assert!(matches!(reason(&mut sender), SendError::Gone));
    assert!(matches!(Interface::by_name("v0"), Err(OpenError::NoSuchInterface { .. })));
    let gone = Interface::by_index(4711).unwrap();
    assert!(matches!(Sender::open(gone), Err(OpenError::NoSuchInterface { .. })));
    let lo = Sender::open(lan.interface("lo"));
    assert!(matches!(lo, Err(OpenError::UnsupportedHardware { hardware: 772, .. })), "{lo:?}");
}

#[test]
fn an_interface_that_does_no_arp_is_refused() {
    let Some(lan) = Lan::enter() else { return };
    run("ip link set v0 arp off");
    assert!(matches!(Sender::open(lan.interface("v0")), Err(OpenError::NoArp)));
}

#[test]
fn without_cap_net_raw_the_cure_is_named() {
    // Root in a user namespace of its own, but the network is the host's.
    if lan::enter(&["--user", "--map-root-user"]).is_none() {
        return;
    }
    let error = Sender::open(Interface::by_index(1).unwrap()).unwrap_err();
    assert!(matches!(error, OpenError::NotPermitted), "{error:?}");
    assert_eq!(error.to_string(), "opening a packet socket needs CAP_NET_RAW");
}

#[test]
fn a_full_queue_is_reported_and_what_it_refused_is_sent_when_there_is_room() {
    let Some(lan) = Lan::enter() else { return };
    // Room for two frames of 42 octets, and hours for the next.
    if let Err(error) = try_run("tc qdisc add dev v0 root tbf rate 8bit burst 100 limit 100") {
        lan::skip(&format!("no token bucket filter: {error}"));
        return;
    }
    let mut sender = lan.sender();
    let mut schedule = Schedule::new(Settings::default(), 1);
    let now = Instant::now();
    let addresses: Vec<IpAddr> = (100..120).map(|last| Ipv4Addr::new(10, 9, 0, last).into()).collect();
    for address in &addresses {
        schedule.hold(*address, now);
    }
    let error = sender.send_due(&mut schedule, now).unwrap_err();
    assert!(matches!(error.reason, SendError::Full), "{error:?}");
    assert!(error.sent < addresses.len(), "{error:?}");
    run("tc qdisc delete dev v0 root");
    let mut ear = ear(lan, &addresses);
    let now = now + Duration::from_millis(10);
    assert_eq!(sender.send_due(&mut schedule, now).unwrap(), addresses.len() - error.sent);
    for address in &addresses[error.sent..] {
        let Body::Arp(packet) = heard(&mut ear).body else { panic!("not ARP") };
        assert_eq!(IpAddr::from(packet.sender), *address);
    }
}

#[test]
fn the_role_is_the_kernel_s_forwarding() {
    let Some(lan) = Lan::enter() else { return };
    assert_eq!(lan.interface("v0").role(), Role::Host);
    lan::sysctl("ipv6/conf/v0/forwarding", 1);
    assert_eq!(lan.interface("v0").role(), Role::Router);
    assert_eq!(lan.interface("v0").to_string(), "v0");
}
