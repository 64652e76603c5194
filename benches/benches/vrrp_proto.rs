//! `vrrp-proto`: an advertisement read, written and let up the ladder. No published crate covers these packets, so it
//! stands alone.

#![expect(clippy::unwrap_used, reason = "a benchmark that finds something else panics")]
#![allow(missing_docs, reason = "criterion's macros make a public function without any")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Duration;
use vrrp_proto::{
    Accepted, Authentication, Config, Datagram, Event, Family, Instant, Ladder, Packet, Password, PeerMemory,
    Priority, Router, State, Versions,
};

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
        .sample_size(50);
    targets = parse, emit, ladder, handle
}
criterion_main!(benches);

/// Whole IP packets of keepalived 2.2.7, with the priority that is in them and what authenticates them.
const WORKLOADS: [(&str, &str, u8, &str); 5] = [
    (
        "v2-none",
        "45c0002c00010000ff70d0840a090001e0000012210b6402000166000a09006f0a0900700000000000000000",
        100,
        "",
    ),
    (
        "v2-pass",
        "45c0002800010000ff70d0880a090001e0000012210c65010101325d0a0900717333637265740000",
        101,
        "pass",
    ),
    (
        "v2-ah",
        "45c0004000010000ff33d0ad0a090001e0000012700400000a090001000000010a8a61235dac703e6125ee3d\
         210d660102016c750a0900720000000000000000",
        102,
        "ah",
    ),
    ("v3-ipv4", "45c0002000010000ff70d0900a090001e0000012310e9601003243a90a090073", 150, ""),
    (
        "v3-ipv6",
        "6c01b94c002870fffe80000000000000000000fffe000001ff020000000000000000000000000012\
         311096020064b017fe800000000000000000000000005efe20010db8000900000000000000000001",
        150,
        "",
    ),
];

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::try_from(pair.iter().fold(0, |sum, digit| sum << 4 | digit)).unwrap())
        .collect()
}

/// The message alone, with its checksum, to its fields.
fn parse(c: &mut Criterion) {
    for (name, hex, priority, _) in WORKLOADS {
        let packet = octets(hex);
        let datagram = Datagram::from_ip(&packet).unwrap();
        let mut group = c.benchmark_group(format!("vrrp-proto/parse/{name}"));
        group.throughput(Throughput::Elements(1));
        group.bench_function("vrrp-proto", |b| {
            b.iter(|| {
                let packet = Packet::parse(black_box(datagram.payload()), datagram.carrier()).unwrap();
                assert_eq!(packet.priority().value(), priority);
            });
        });
    }
}

/// The fields to the message alone, with its checksum.
fn emit(c: &mut Criterion) {
    for (name, hex, ..) in WORKLOADS {
        let packet = octets(hex);
        let datagram = Datagram::from_ip(&packet).unwrap();
        let packet = Packet::parse(datagram.payload(), datagram.carrier()).unwrap();
        let mut out = [0; 128];
        let mut group = c.benchmark_group(format!("vrrp-proto/emit/{name}"));
        group.throughput(Throughput::Elements(1));
        group.bench_function("vrrp-proto", |b| {
            b.iter(|| {
                let len = black_box(&packet).emit(datagram.carrier(), &mut out).unwrap();
                assert_eq!(out.get(..len), Some(datagram.payload()));
            });
        });
    }
}

/// The whole IP packet to an accepted advertisement.
fn ladder(c: &mut Criterion) {
    for (name, hex, priority, auth) in WORKLOADS {
        let octets = octets(hex);
        let datagram = Datagram::from_ip(&octets).unwrap();
        let packet = Packet::parse(datagram.payload(), datagram.carrier()).unwrap();
        let password = Password::new(if auth == "ah" { b"1234".as_slice() } else { b"s3cret" });
        let ladder = Ladder {
            versions: Versions::Both,
            interval: packet.interval(),
            authentication: match auth {
                "pass" => Authentication::Pass(&password),
                "ah" => Authentication::Ah(&password),
                _ => Authentication::None,
            },
            ..Ladder::new(packet.vrid(), Family::from(datagram.source()))
        };
        let mut group = c.benchmark_group(format!("vrrp-proto/ladder/{name}"));
        group.throughput(Throughput::Elements(1));
        group.bench_function("vrrp-proto", |b| {
            b.iter(|| {
                let mut memory = PeerMemory::new();
                let datagram = Datagram::from_ip(black_box(&octets)).unwrap();
                let accepted = ladder.check(&datagram, &mut memory).unwrap();
                assert_eq!(accepted.priority().value(), priority);
            });
        });
    }
}

/// One event of each kind that comes all the time: an advertisement heard while Backup, one that loses heard while Active,
/// the advertisement timer.
fn handle(c: &mut Criterion) {
    let octets = octets("45c0002000010000ff70d0900a090001e0000012310e9601003243a90a090073");
    let datagram = Datagram::from_ip(&octets).unwrap();
    let packet = Packet::parse(datagram.payload(), datagram.carrier()).unwrap();
    let ladder = Ladder::new(packet.vrid(), Family::V4);
    let heard = ladder.check(&datagram, &mut PeerMemory::new()).unwrap();
    let router = |heard: &Accepted<'_>, priority| {
        let address = [10, 9, 0, 2].into();
        Router::new(Config::new(heard.vrid(), Versions::V3, address, Priority::new(priority))).unwrap()
    };
    let mut group = c.benchmark_group("vrrp-proto/handle");
    group.throughput(Throughput::Elements(1));
    for (name, priority, state) in
        [("heard-backup", 100, State::Backup), ("heard-active", 255, State::Active)]
    {
        let mut router = router(&heard, priority);
        let mut now = Instant::from_nanoseconds(0);
        assert!(!router.handle(Event::Start, now).is_empty());
        group.bench_function(format!("{name}/vrrp-proto"), |b| {
            b.iter(|| {
                now = now + Duration::from_millis(1);
                black_box(router.handle(Event::Heard(black_box(&heard)), now).count());
                assert_eq!(router.state(), state);
            });
        });
    }
    let mut router = router(&heard, 255);
    assert!(!router.handle(Event::Start, Instant::from_nanoseconds(0)).is_empty());
    group.bench_function("advertisement-timer/vrrp-proto", |b| {
        b.iter(|| {
            let now = router.deadline().unwrap();
            assert_eq!(router.handle(Event::DeadlinePassed, now).count(), 1);
        });
    });
}
