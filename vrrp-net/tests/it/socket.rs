//! What two sockets say to each other over a cable.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;
use std::time::SystemTime;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use vrrp_net::{
    GROUP_V4, GROUP_V6, Inbox, Interface, Link, Octets, OpenError, Packet, Protocol, Socket,
    SocketOptions as Options,
};
use vrrp_proto::Family;

use crate::net::{cable, inside, ip, sysctl, until};

fn open(name: &str, family: Family, group: Option<IpAddr>) -> Socket {
    let interface = Interface::look_up(name).unwrap().unwrap().index();
    Socket::open(Options { interface, family, protocol: Protocol::Vrrp, group }).unwrap()
}

/// Waits for a datagram and takes what is there.
fn hear(socket: &Socket, inbox: &mut Inbox) -> usize {
    let mut waiting = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    assert_eq!(poll(&mut waiting, PollTimeout::from(5_000_u16)).unwrap(), 1, "nothing came within 5 s");
    socket.receive(inbox).unwrap()
}

/// An IPv4 header as VRRP has it, length and checksum left to the kernel.
fn v4_packet(source: Ipv4Addr, destination: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0xc0, 0, 0, 0, 1, 0, 0, 255, 112, 0, 0];
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend(payload);
    packet
}

#[test]
fn an_ipv4_advertisement_reaches_the_group_with_its_ttl_and_its_time() {
    if !inside("socket::an_ipv4_advertisement_reaches_the_group_with_its_ttl_and_its_time") {
        return;
    }
    let other = cable();
    let listener = other.run(|| open("v1", Family::V4, Some(GROUP_V4.into())));
    let sender = open("v0", Family::V4, Some(GROUP_V4.into()));
    let before = SystemTime::now();
    let octets = v4_packet(Ipv4Addr::new(10, 9, 0, 1), GROUP_V4, b"any payload");
    sender.send(&Packet { octets: &octets, destination: GROUP_V4.into(), source: None }).unwrap();
    let mut inbox = Inbox::new();
    assert_eq!(hear(&listener, &mut inbox), 1);
    let heard = inbox.iter().next().unwrap();
    let Octets::V4(packet) = heard.octets else { panic!("{heard:?}") };
    assert_eq!(packet[..2], [0x45, 0xc0]);
    assert_eq!(packet[2..4], 31_u16.to_be_bytes(), "the kernel fills in the length");
    assert_eq!(packet[8], 255);
    assert_eq!(packet[12..20], [10, 9, 0, 1, 224, 0, 0, 18]);
    assert_eq!(&packet[20..], b"any payload");
    let arrived = heard.arrived.expect("the kernel says when it came");
    assert!(before <= arrived && arrived <= SystemTime::now());
    // What one sends one does not hear, and there was nothing else.
    assert_eq!(sender.receive(&mut inbox).unwrap(), 0);
    assert_eq!(inbox.iter().count(), 0);
}

#[test]
fn an_ipv6_advertisement_says_where_it_came_from_and_gets_its_checksum_from_the_kernel() {
    if !inside("socket::an_ipv6_advertisement_says_where_it_came_from_and_gets_its_checksum_from_the_kernel")
    {
        return;
    }
    let other = cable();
    let listener = other.run(|| open("v1", Family::V6, Some(GROUP_V6.into())));
    let sender = open("v0", Family::V6, Some(GROUP_V6.into()));
    let from: Ipv6Addr = "fe80::1".parse().unwrap();
    let octets = [0x31, 1, 100, 0, 0, 100, 0, 0];
    sender.send(&Packet { octets: &octets, destination: GROUP_V6.into(), source: Some(from) }).unwrap();
    let mut inbox = Inbox::new();
    assert_eq!(hear(&listener, &mut inbox), 1);
    let heard = inbox.iter().next().unwrap();
    let Octets::V6 { payload, source, destination, hop_limit } = heard.octets else { panic!("{heard:?}") };
    assert_eq!((source, destination, hop_limit), (from, GROUP_V6, 255));
    assert_eq!(payload[..6], octets[..6]);
    assert_ne!(payload[6..], [0, 0], "the kernel fills in the checksum");
    assert!(heard.arrived.is_some());
}

#[test]
fn a_peer_is_reached_by_its_own_address_and_the_group_is_not_heard_without_joining() {
    if !inside("socket::a_peer_is_reached_by_its_own_address_and_the_group_is_not_heard_without_joining") {
        return;
    }
    let other = cable();
    let listener = other.run(|| open("v1", Family::V4, None));
    let sender = open("v0", Family::V4, None);
    let (here, there) = (Ipv4Addr::new(10, 9, 0, 1), Ipv4Addr::new(10, 9, 0, 2));
    let packets = [(GROUP_V4, "to the group"), (there, "to the peer")]
        .map(|(to, payload)| (to, v4_packet(here, to, payload.as_bytes())));
    let packets =
        packets.each_ref().map(|(to, octets)| Packet { octets, destination: (*to).into(), source: None });
    assert_eq!(sender.send_many(&packets).unwrap(), 2);
    let mut inbox = Inbox::new();
    assert_eq!(hear(&listener, &mut inbox), 1);
    let Octets::V4(packet) = inbox.iter().next().unwrap().octets else { panic!() };
    assert_eq!(&packet[20..], b"to the peer");
}

#[test]
fn a_hundred_packets_leave_in_order_and_none_is_lost() {
    if !inside("socket::a_hundred_packets_leave_in_order_and_none_is_lost") {
        return;
    }
    let other = cable();
    let listener = other.run(|| open("v1", Family::V6, Some(GROUP_V6.into())));
    let sender = open("v0", Family::V6, None);
    let source = Some("fe80::1".parse().unwrap());
    let octets: Vec<[u8; 8]> = (0..100).map(|n| [0x31, n, 100, 0, 0, 100, 0, 0]).collect();
    let packets: Vec<_> =
        octets.iter().map(|octets| Packet { octets, destination: GROUP_V6.into(), source }).collect();
    assert_eq!(sender.send_many(&packets).unwrap(), 100);
    let mut heard = Vec::new();
    let mut inbox = Inbox::new();
    while heard.len() < 100 {
        hear(&listener, &mut inbox);
        heard.extend(inbox.iter().map(|datagram| match datagram.octets {
            Octets::V6 { payload, .. } => payload[1],
            Octets::V4(_) => panic!("{datagram:?}"),
        }));
    }
    assert_eq!(heard, (0..100).collect::<Vec<u8>>());
    assert_eq!(listener.kernel_drops().unwrap(), 0);
}

#[test]
fn a_link_that_is_down_can_be_opened_and_works_when_it_comes_up() {
    if !inside("socket::a_link_that_is_down_can_be_opened_and_works_when_it_comes_up") {
        return;
    }
    let other = cable();
    ip("link set v0 down");
    assert_eq!(Interface::look_up("v0").unwrap().unwrap().link(), Link::Down);
    let sender = open("v0", Family::V4, Some(GROUP_V4.into()));
    let listener = other.run(|| open("v1", Family::V4, Some(GROUP_V4.into())));
    other.run(|| until(|| Interface::look_up("v1").unwrap().unwrap().link() == Link::NoCarrier));
    let octets = v4_packet(Ipv4Addr::new(10, 9, 0, 1), GROUP_V4, b"late");
    let packet = Packet { octets: &octets, destination: GROUP_V4.into(), source: None };
    sender.send(&packet).unwrap_err();
    ip("link set v0 up");
    until(|| Interface::look_up("v0").unwrap().unwrap().link() == Link::Up);
    sender.send(&packet).unwrap();
    assert_eq!(hear(&listener, &mut Inbox::new()), 1);
}

#[test]
fn what_is_missing_is_said() {
    if !inside("socket::what_is_missing_is_said") {
        return;
    }
    let options = Options {
        interface: 4_711,
        family: Family::V4,
        protocol: Protocol::Vrrp,
        group: Some(GROUP_V4.into()),
    };
    let error = Socket::open(options).unwrap_err();
    assert!(matches!(error, OpenError::NoInterface { interface: 4_711 }), "{error:?}");
    let lo = Interface::look_up("lo").unwrap().unwrap().index();
    let error = Socket::open(Options { interface: lo, group: Some("10.9.0.2".parse().unwrap()), ..options })
        .unwrap_err();
    assert_eq!(error.to_string(), "10.9.0.2 is no multicast group of V4");
    let error = Socket::open(Options { interface: lo, group: Some(GROUP_V6.into()), ..options }).unwrap_err();
    assert_eq!(error.to_string(), "ff02::12 is no multicast group of V4");
}

#[test]
fn an_ordinary_user_is_told_which_right_is_missing() {
    if nix::unistd::geteuid().is_root() && std::env::var_os("VRRP_NET_TEST_AS_NOBODY").is_none() {
        let output = std::process::Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(std::env::current_exe().unwrap())
            .args(["socket::an_ordinary_user_is_told_which_right_is_missing", "--exact", "--nocapture"])
            .env("VRRP_NET_TEST_AS_NOBODY", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let options = Options { interface: 1, family: Family::V4, protocol: Protocol::Vrrp, group: None };
    let error = Socket::open(options).unwrap_err();
    assert!(error.to_string().contains("CAP_NET_RAW"), "{error}");
}

#[test]
fn an_ipv6_address_that_is_not_ours_cannot_be_the_source() {
    if !inside("socket::an_ipv6_address_that_is_not_ours_cannot_be_the_source") {
        return;
    }
    let _other = cable();
    sysctl("ipv6/ip_nonlocal_bind", "0");
    let sender = open("v0", Family::V6, None);
    let source = Some("fe80::77".parse().unwrap());
    let packet = Packet { octets: &[0; 8], destination: GROUP_V6.into(), source };
    let error = sender.send(&packet).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::AddrNotAvailable), "{error:?}");
}
