//! `garp`: frames built and parsed, beside etherparse; and sent, beside the bare system call, in a namespace of its own.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that finds something else panics"
)]

#[expect(unsafe_code, reason = "the bare system call")]
#[path = "garp/sys.rs"]
mod sys;

use criterion::{Criterion, Throughput};
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use garp::{ArpForm, Audience, Body, Frame, Interface, Message, Role, Schedule, Sender, Settings};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const INSIDE: &str = "GARP_BENCH_INSIDE";

/// Runs again in a user and network namespace with two connected interfaces; where there are none, without sending.
fn main() -> ExitCode {
    if std::env::var_os(INSIDE).is_none() {
        let setup = "ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 && ip link set v0 up && \
                     ip link set v1 up && exec \"$@\"";
        let works = Command::new("unshare").args(["-Urn", "ip", "link"]).output();
        if works.is_ok_and(|output| output.status.success()) {
            let status = Command::new("unshare")
                .args(["-Urn", "sh", "-c", setup, "sh"])
                .arg(std::env::current_exe().unwrap())
                .args(std::env::args_os().skip(1))
                .env(INSIDE, "1")
                .status()
                .unwrap();
            return if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
        eprintln!("skipped: garp/send and garp/takeover: no namespaces");
    }
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
        .sample_size(50)
        .configure_from_args();
    frames(&mut criterion);
    if std::env::var_os(INSIDE).is_some() {
        send(&mut criterion);
    }
    criterion.final_summary();
    ExitCode::SUCCESS
}

fn messages() -> [(&'static str, Message); 2] {
    let (v4, v6) = ("192.0.2.100".parse().unwrap(), "2001:db8::100".parse().unwrap());
    [
        ("arp-request", Message::Announcement { address: v4, form: ArpForm::Request }),
        (
            "advertisement",
            Message::Advertisement { address: v6, audience: Audience::AllNodes, role: Role::Host },
        ),
    ]
}

/// The sender's or target's address and MAC, by etherparse; the checksum is checked, as ours is.
fn etherparse(bytes: &[u8]) -> Option<(IpAddr, [u8; 6])> {
    let packet = SlicedPacket::from_ethernet(bytes).ok()?;
    match (packet.net?, packet.transport) {
        (NetSlice::Arp(arp), _) => {
            let arp = arp.to_packet().try_eth_ipv4().ok()?;
            Some((arp.sender_ipv4_addr().into(), arp.sender_mac))
        }
        (NetSlice::Ipv6(ip), Some(TransportSlice::Icmpv6(icmp))) => {
            let header = ip.header();
            if header.hop_limit() != 255 || !icmp.is_checksum_valid(header.source(), header.destination()) {
                return None;
            }
            let etherparse::icmpv6::Icmpv6PayloadSlice::NeighborAdvertisement(slice) =
                icmp.payload_slice().ok()?
            else {
                return None;
            };
            let option = slice.options_iterator().next()?.ok()?;
            Some((slice.target_address().into(), option.as_bytes()[2..].try_into().ok()?))
        }
        _ => None,
    }
}

fn ours(bytes: &[u8]) -> Option<(IpAddr, [u8; 6])> {
    match Frame::parse(bytes).ok()?.body {
        Body::Arp(packet) => Some((packet.sender.into(), packet.sender_mac)),
        Body::Ndp(packet) => Some((packet.target.into(), packet.link_layer?)),
    }
}

fn frames(c: &mut Criterion) {
    for (name, message) in messages() {
        let expected = message.frame(MAC).emit();
        let mut group = c.benchmark_group(format!("garp/build/{name}"));
        group.bench_function("garp", |b| {
            b.iter(|| assert_eq!(black_box(message).frame(black_box(MAC)).emit(), expected));
        });
        group.finish();
        let answer = Some((message.address(), MAC));
        let mut group = c.benchmark_group(format!("garp/parse/{name}"));
        group.bench_function("garp", |b| {
            b.iter(|| assert_eq!(ours(black_box(expected.as_slice())), answer));
        });
        group.bench_function("etherparse", |b| {
            b.iter(|| assert_eq!(etherparse(black_box(expected.as_slice())), answer));
        });
        group.finish();
    }
}

fn send(c: &mut Criterion) {
    let interface = Interface::by_name("v0").unwrap();
    let mut sender = Sender::open(interface).unwrap();
    while sender.carrier().unwrap() != garp::Carrier::Present {
        std::thread::yield_now();
    }
    let bare = sys::Bare::open(interface.index());
    for count in [1_u8, 64] {
        let addresses: Vec<Ipv4Addr> = (0..count).map(|last| Ipv4Addr::new(192, 0, 2, last)).collect();
        let messages: Vec<Message> = addresses
            .iter()
            .map(|&address| Message::Announcement { address, form: ArpForm::Request })
            .collect();
        let payloads: Vec<_> = messages.iter().map(|message| message.frame(MAC).body.emit()).collect();
        let mut group = c.benchmark_group(format!("garp/send/{count}"));
        group.throughput(Throughput::Elements(count.into()));
        group.bench_function("garp", |b| b.iter(|| sender.send(black_box(&messages)).unwrap()));
        group.bench_function("sendto", |b| {
            b.iter(|| {
                for payload in &payloads {
                    assert_eq!(bare.send(black_box(payload.as_slice())), 28);
                }
            });
        });
        group.finish();

        // From the decision to the first frame of each address on the wire, MAC and carrier looked up.
        let settings = Settings { bucket: None, ..Settings::default() };
        let mut schedule = Schedule::with_capacity(settings, 1, addresses.len());
        let mut group = c.benchmark_group(format!("garp/takeover/{count}"));
        group.throughput(Throughput::Elements(count.into()));
        group.bench_function("garp", |b| {
            b.iter(|| {
                let now = Instant::now();
                for address in &addresses {
                    schedule.hold((*address).into(), now);
                }
                assert_eq!(sender.send_due(&mut schedule, now).unwrap(), addresses.len());
                schedule.release_all();
            });
        });
        group.finish();
    }
}
