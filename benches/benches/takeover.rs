//! From the decision to the first announcement, `vip-netlink` and `garp` together: an address is added, that is
//! acknowledged, the neighbours are told. Beside it the least that can be done: a bare netlink socket and a bare packet
//! socket that are given the finished octets, as a C program would. On a veth in a namespace of its own.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that finds something else panics"
)]
#![allow(missing_docs, reason = "criterion's macros make a public function without any")]

#[path = "garp/sys.rs"]
#[expect(unsafe_code, reason = "a bare packet socket to compare with")]
mod sys;

use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group};
use garp::{Interface, Schedule, Sender, Settings};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType};
use vip_netlink::wire::{Answer, Messages, emit_add};
use vip_netlink::{Address, Ensured, Handle, Removed};

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(2000))
        .sample_size(50);
    targets = takeover
}

const INSIDE: &str = "BENCH_TAKEOVER_INSIDE";

/// Criterion starts threads, so the namespace is entered before: by this program, started once more.
fn main() {
    if std::env::var_os(INSIDE).is_some() {
        benches();
        Criterion::default().configure_from_args().final_summary();
        return;
    }
    let enter = ["--user", "--map-root-user", "--net", "--kill-child", "--"];
    let possible = Command::new("unshare").args(enter).args(["ip", "link"]).output();
    if !possible.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: takeover: no user and network namespace, or no ip(8)");
        return;
    }
    let mut inside = Command::new("unshare");
    inside.args(enter).arg(std::env::current_exe().unwrap()).args(std::env::args_os().skip(1));
    let status = inside.env(INSIDE, "1").status().unwrap();
    std::process::exit(status.code().unwrap_or(1));
}

fn veth() -> u32 {
    for arguments in [
        "link add v0 type veth peer name v1",
        "link set v0 addrgenmode none up",
        "link set v1 addrgenmode none up",
    ] {
        assert!(Command::new("ip").args(arguments.split(' ')).status().unwrap().success());
    }
    let mut handle = Handle::open().unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    while !handle.link_named("v0").unwrap().is_ready() {
        assert!(Instant::now() < deadline, "no carrier");
        std::thread::yield_now();
    }
    handle.link_named("v0").unwrap().index
}

/// A netlink socket that is given finished bytes, one request after the other.
struct Netlink {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

impl Netlink {
    fn open() -> Self {
        let socket = rustix::net::socket(AddressFamily::NETLINK, SocketType::RAW, None).unwrap();
        rustix::net::bind(&socket, &SocketAddrNetlink::new(0, 0)).unwrap();
        Self { socket, buffer: vec![0; 32 * 1024] }
    }

    fn exchange(&mut self, requests: &[u8], answers: usize) {
        rustix::net::send(&self.socket, requests, SendFlags::empty()).unwrap();
        for _ in 0..answers {
            let (len, _) = rustix::net::recv(&self.socket, &mut self.buffer[..], RecvFlags::empty()).unwrap();
            let message = Messages::new(&self.buffer[..len]).next().unwrap();
            assert_eq!(Answer::parse(&message).unwrap().errno, 0);
        }
    }
}

fn takeover(c: &mut Criterion) {
    let index = veth();
    for count in [1, 64_u8] {
        let ips: Vec<IpAddr> = (1..=count).map(|n| IpAddr::from([10, 9, 0, n])).collect();
        let addresses: Vec<Address> = ips.iter().map(|ip| Address::new(index, *ip)).collect();
        let mut handle = Handle::open().unwrap();
        let mut sender = Sender::open(Interface::by_index(index).unwrap()).unwrap();
        // Without a bound on how many frames go out at once: 64 addresses are announced, not the first few.
        let settings = Settings { bucket: None, ..Settings::default() };
        let mut schedule = Schedule::with_capacity(settings, 1, 64);
        let mut release = Handle::open().unwrap();
        c.bench_function(&format!("takeover/{count}/vip-netlink+garp"), |b| {
            b.iter_custom(|times| {
                let mut took = Duration::ZERO;
                for _ in 0..times {
                    let begin = Instant::now();
                    let results = handle.ensure(&addresses);
                    for ip in &ips {
                        _ = schedule.hold(*ip, begin);
                    }
                    let sent = sender.send_due(&mut schedule, Instant::now()).unwrap();
                    took += begin.elapsed();
                    assert!(results.iter().all(|result| matches!(result, Ok(Ensured::Added))));
                    assert!(sent >= ips.len(), "{sent}");
                    schedule.release_all();
                    let gone = release.remove(&addresses);
                    assert!(gone.iter().all(|result| matches!(result, Ok(Removed::Removed))));
                }
                took
            });
        });
        let mut requests = Vec::new();
        for (address, seq) in addresses.iter().zip(1..) {
            let start = requests.len();
            emit_add(&mut requests, seq, address);
            // NLM_F_ACK.
            requests[start + 6] |= 4;
        }
        let frames: Vec<[u8; 28]> = ips.iter().map(|ip| request(*ip)).collect();
        let (mut netlink, packet) = (Netlink::open(), sys::Bare::open(index));
        c.bench_function(&format!("takeover/{count}/bare sockets"), |b| {
            b.iter_custom(|times| {
                let mut took = Duration::ZERO;
                for _ in 0..times {
                    let begin = Instant::now();
                    netlink.exchange(&requests, addresses.len());
                    let sent: usize = frames.iter().map(|frame| packet.send(frame)).sum();
                    took += begin.elapsed();
                    assert_eq!(sent, 28 * frames.len());
                    let gone = release.remove(&addresses);
                    assert!(gone.iter().all(|result| matches!(result, Ok(Removed::Removed))));
                }
                took
            });
        });
    }
}

/// A gratuitous ARP request, ready to be sent.
fn request(ip: IpAddr) -> [u8; 28] {
    let IpAddr::V4(ip) = ip else { panic!("IPv4 only") };
    let mut octets = [0; 28];
    octets[..8].copy_from_slice(&[0, 1, 8, 0, 6, 4, 0, 1]);
    octets[8..14].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
    octets[14..18].copy_from_slice(&ip.octets());
    octets[24..].copy_from_slice(&ip.octets());
    octets
}
