use super::*;
use crate::Delivery;
use crate::arp::{Operation, Packet};
use std::time::SystemTime;

const OURS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];

fn neighbor(address: impl Into<IpAddr>) -> Neighbor {
    Neighbor { address: address.into(), mac: None }
}

fn reply(sender: Ipv4Addr, target: Ipv4Addr) -> Heard {
    let body = Body::Arp(Packet {
        operation: Operation::Reply,
        sender_mac: MAC,
        sender,
        target_mac: [2; 6],
        target,
    });
    Heard { body, source: MAC, delivery: Delivery::ToUs, at: SystemTime::UNIX_EPOCH }
}

#[test]
fn a_silent_neighbour_is_asked_as_often_as_said_and_given_up() {
    let t0 = Instant::now();
    let mut confirm = Confirm::new(OURS.into(), &[neighbor(GATEWAY)], ConfirmTiming::default(), t0);
    let (mut now, mut asked) = (t0, Vec::new());
    loop {
        match confirm.next(now) {
            ConfirmStep::Send(message) => {
                assert_eq!(message, Message::ArpQuestion { address: OURS, neighbor: GATEWAY, at: None });
                asked.push((now - t0).as_millis());
            }
            ConfirmStep::Wait(until) => now = until,
            ConfirmStep::Done => break,
        }
    }
    assert_eq!(asked, [0, 50, 150, 350, 750, 1550, 2550]);
    assert_eq!(confirm.answers().next(), Some((neighbor(GATEWAY), Answer::Silent)));
}

#[test]
fn who_answers_is_not_asked_again_while_others_are() {
    let t0 = Instant::now();
    let other = Ipv4Addr::new(192, 0, 2, 2);
    let mut confirm =
        Confirm::new(OURS.into(), &[neighbor(GATEWAY), neighbor(other)], ConfirmTiming::default(), t0);
    assert!(matches!(confirm.next(t0), ConfirmStep::Send(_)));
    assert!(matches!(confirm.next(t0), ConfirmStep::Send(_)));
    assert!(matches!(confirm.next(t0), ConfirmStep::Wait(_)));
    assert_eq!(confirm.heard(&reply(GATEWAY, Ipv4Addr::new(192, 0, 2, 50))), None, "to somebody else");
    assert_eq!(confirm.heard(&reply(GATEWAY, OURS)), Some(neighbor(GATEWAY)));
    assert_eq!(confirm.heard(&reply(GATEWAY, OURS)), None, "once is enough");
    let later = t0 + Duration::from_millis(50);
    assert_eq!(
        confirm.next(later),
        ConfirmStep::Send(Message::ArpQuestion { address: OURS, neighbor: other, at: None })
    );
    let learned = Answer::Learned { mac: MAC, questions: 1 };
    assert_eq!(confirm.answers().map(|(_, answer)| answer).collect::<Vec<_>>(), [learned, Answer::Pending]);
}

#[test]
fn the_other_family_is_left_out() {
    let t0 = Instant::now();
    let neighbors = [neighbor("fe80::1".parse::<IpAddr>().unwrap())];
    let mut confirm = Confirm::new(OURS.into(), &neighbors, ConfirmTiming::default(), t0);
    assert_eq!(confirm.next(t0), ConfirmStep::Done);
}

#[test]
fn the_kernel_s_tables_give_the_gateway_first() {
    let route = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
                 eth1\t00000000\t0200000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                 eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                 eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
    let arp = "IP address       HW type     Flags       HW address            Mask     Device\n\
               192.0.2.7        0x1         0x2         02:00:00:00:00:07     *        eth0\n\
               192.0.2.8        0x1         0x0         00:00:00:00:00:00     *        eth0\n\
               192.0.2.9        0x1         0x2         02:00:00:00:00:08     *        eth1\n\
               192.0.2.1        0x1         0x6         02:00:00:00:00:09     *        eth0\n";
    let found = tables("eth0", route, arp);
    if cfg!(target_endian = "little") {
        let gateway = Neighbor { address: GATEWAY.into(), mac: Some(MAC) };
        let other = Neighbor { address: [192, 0, 2, 7].into(), mac: Some([2, 0, 0, 0, 0, 7]) };
        assert_eq!(found, [gateway, other]);
    }
    assert_eq!(tables("eth9", "", "nonsense\n\nmore nonsense here\n"), []);
}
