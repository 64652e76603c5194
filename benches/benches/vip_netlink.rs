//! `vip-netlink` beside a bare socket that is given the finished bytes, and beside `rtnetlink`, on a veth in a
//! namespace of its own.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that finds something else panics"
)]
#![allow(missing_docs, reason = "criterion's macros make a public function without any")]

use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType};
use vip_netlink::wire::{Answer, Messages, emit_add, emit_remove};
use vip_netlink::{Address, Ensured, Event, Handle, Lease, Monitor, Removed, Watch};

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
        .sample_size(50);
    targets = one, lease, many, usable, open
}

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
        eprintln!("skipped: vip_netlink: no user and network namespace, or no ip(8)");
        return;
    }
    let mut inside = Command::new("unshare");
    inside.args(enter).arg(std::env::current_exe().unwrap()).args(std::env::args_os().skip(1));
    let status = inside.env(INSIDE, "1").status().unwrap();
    std::process::exit(status.code().unwrap_or(1));
}

/// The index of one end of a veth, made at the first call.
fn veth() -> u32 {
    let mut handle = Handle::open().unwrap();
    if handle.link_named("v0").is_err() {
        for arguments in [
            "link add v0 type veth peer name v1",
            "link set v0 addrgenmode none up",
            "link set v1 addrgenmode none up",
        ] {
            assert!(Command::new("ip").args(arguments.split(' ')).status().unwrap().success());
        }
    }
    handle.link_named("v0").unwrap().index
}

/// A socket, and the finished bytes: what is left is what the kernel takes.
struct Bare {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

impl Bare {
    fn open() -> Self {
        let socket = rustix::net::socket(AddressFamily::NETLINK, SocketType::RAW, None).unwrap();
        rustix::net::bind(&socket, &SocketAddrNetlink::new(0, 0)).unwrap();
        Self { socket, buffer: vec![0; 32 * 1024] }
    }

    /// One answer for each request, as they are asked for.
    fn exchange(&mut self, request: &[u8], answers: usize) {
        rustix::net::send(&self.socket, request, SendFlags::empty()).unwrap();
        for _ in 0..answers {
            let (len, _) = rustix::net::recv(&self.socket, &mut self.buffer[..], RecvFlags::empty()).unwrap();
            let message = Messages::new(&self.buffer[..len]).next().unwrap();
            assert_eq!(Answer::parse(&message).unwrap().errno, 0);
        }
    }
}

/// Requests that are each to be acknowledged.
fn requests(addresses: &[Address], emit: fn(&mut Vec<u8>, u32, &Address)) -> Vec<u8> {
    let mut out = Vec::new();
    for (address, seq) in addresses.iter().zip(1..) {
        let start = out.len();
        emit(&mut out, seq, address);
        // NLM_F_ACK.
        out[start + 6] |= 4;
    }
    out
}

/// What `work` takes, with what it has to be put back to after each time.
fn timed(times: u64, mut work: impl FnMut(), mut back: impl FnMut()) -> Duration {
    (0..times)
        .map(|_| {
            let begin = Instant::now();
            work();
            let took = begin.elapsed();
            back();
            took
        })
        .sum()
}

/// Both functions of two borrowers, one after the other.
fn measure(c: &mut Criterion, workload: &str, engine: &str, mut add: impl FnMut(), mut remove: impl FnMut()) {
    let name = |operation| format!("vip-netlink/{operation}/{workload}/{engine}");
    c.bench_function(&name("ensure"), |b| b.iter_custom(|times| timed(times, &mut add, &mut remove)));
    add();
    c.bench_function(&name("remove"), |b| b.iter_custom(|times| timed(times, &mut remove, &mut add)));
    remove();
}

fn both(c: &mut Criterion, workload: &str, addresses: &[Address]) {
    let handle = std::cell::RefCell::new(Handle::open().unwrap());
    let added = || assert!(handle.borrow_mut().ensure(addresses).iter().all(|r| *r == Ok(Ensured::Added)));
    let removed =
        || assert!(handle.borrow_mut().remove(addresses).iter().all(|r| *r == Ok(Removed::Removed)));
    measure(c, workload, "vip-netlink", added, removed);
    let bare = std::cell::RefCell::new(Bare::open());
    let (add, remove) = (requests(addresses, emit_add), requests(addresses, emit_remove));
    let added = || bare.borrow_mut().exchange(&add, addresses.len());
    let removed = || bare.borrow_mut().exchange(&remove, addresses.len());
    measure(c, workload, "bare", added, removed);
}

fn one(c: &mut Criterion) {
    let index = veth();
    let v4 = Address::new(index, "192.0.2.100".parse().unwrap());
    let v6 = Address::new(index, "2001:db8::100".parse().unwrap());
    both(c, "v4-32", &[v4]);
    both(c, "v4-24", &[v4.with_prefix_len(24)]);
    both(c, "v6-128", &[v6]);
    rtnetlink(c, "v4-32", index, v4.ip(), 32);
    rtnetlink(c, "v6-128", index, v6.ip(), 128);
}

/// As its users write it; it has no way to send several at once, and none without a runtime.
fn rtnetlink(c: &mut Criterion, workload: &str, index: u32, ip: IpAddr, prefix_len: u8) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (_connection, handle) = runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection().unwrap();
        (tokio::spawn(connection), handle)
    });
    let add = handle.address().add(index, ip, prefix_len).message_mut().clone();
    let added = || {
        runtime.block_on(handle.address().add(index, ip, prefix_len).replace().execute()).unwrap();
    };
    let removed = || runtime.block_on(handle.address().del(add.clone()).execute()).unwrap();
    measure(c, workload, "rtnetlink", added, removed);
}

fn lease(c: &mut Criterion) {
    let mut handle = Handle::open().unwrap();
    let leased = [Address::new(veth(), "192.0.2.100".parse().unwrap()).with_lease(Lease::from_secs(600))];
    assert_eq!(handle.ensure(&leased), [Ok(Ensured::Added)]);
    c.bench_function("vip-netlink/renew/v4-32/vip-netlink", |b| {
        b.iter(|| assert_eq!(handle.ensure(&leased), [Ok(Ensured::Renewed)]));
    });
    let mut bare = Bare::open();
    let renew = requests(&leased, emit_add);
    c.bench_function("vip-netlink/renew/v4-32/bare", |b| b.iter(|| bare.exchange(&renew, 1)));
    assert_eq!(handle.remove(&leased), [Ok(Removed::Removed)]);
}

fn many(c: &mut Criterion) {
    let index = veth();
    let addresses: Vec<Address> = (1..=64).map(|n| Address::new(index, [192, 0, 2, n].into())).collect();
    both(c, "v4-32-by-64", &addresses);
}

/// Until the kernel tells that it is there: for IPv6, until it is usable.
fn usable(c: &mut Criterion) {
    let mut handle = Handle::open().unwrap();
    let mut monitor = Monitor::open(Watch::all().ours(&handle)).unwrap();
    let address = [Address::new(veth(), "2001:db8::100".parse().unwrap())];
    let mut told = |wanted: fn(&Event) -> bool| loop {
        let event = monitor.wait(Some(Duration::from_secs(1))).unwrap().unwrap();
        if wanted(&event) {
            return;
        }
    };
    c.bench_function("vip-netlink/usable/v6-128/vip-netlink", |b| {
        b.iter_custom(|times| {
            let mut took = Duration::ZERO;
            for _ in 0..times {
                let begin = Instant::now();
                assert_eq!(handle.ensure(&address), [Ok(Ensured::Added)]);
                told(|event| matches!(event, Event::AddressAdded { .. }));
                took += begin.elapsed();
                assert_eq!(handle.remove(&address), [Ok(Removed::Removed)]);
                told(|event| matches!(event, Event::AddressRemoved { .. }));
            }
            took
        });
    });
}

fn open(c: &mut Criterion) {
    c.bench_function("vip-netlink/open/handle/vip-netlink", |b| b.iter(|| Handle::open().unwrap()));
    c.bench_function("vip-netlink/open/handle/bare", |b| b.iter(Bare::open));
}

const INSIDE: &str = "VIP_NETLINK_BENCH_IS_INSIDE";
