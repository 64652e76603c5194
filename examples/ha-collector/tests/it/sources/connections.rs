//! Many connections, slow ones, idle ones, and too many of them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{Collector, PATIENCE, binary, skipped};

/// A configuration whose tcp source has these keys, too.
fn config(data: &Path, keys: &str, extra: &str) -> PathBuf {
    let path = data.join("collector.toml");
    let text = format!(
        "data = {data:?}\n{extra}\n[[source]]\nid = \"udp\"\ntype = \"udp\"\nlisten = \"127.0.0.1:0\"\n\
         [[source]]\nid = \"tcp\"\ntype = \"tcp\"\nlisten = \"127.0.0.1:0\"\n{keys}\n\
         [[destination]]\nid = \"files\"\ntype = \"file\"\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// Whether this process, and so the collector, may have that many descriptors.
fn may_have(descriptors: u64) -> bool {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if setrlimit(Resource::Nofile, raised).is_err() || limit.maximum.is_some_and(|most| most < descriptors) {
        skipped(&format!("the hard limit of open files is below {descriptors}"));
        return false;
    }
    true
}

/// Resident bytes.
fn resident(collector: &Collector) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", collector.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn ten_thousand_idle_connections_cost_next_to_nothing() {
    const CONNECTIONS: usize = 10_000;
    if !may_have(CONNECTIONS as u64 + 500) {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let path = config(data.path(), "max-connections-per-address = 20000", "");
    let mut collector = Collector::start_with(&mut binary(), &path);
    // What serving costs once is not what a connection costs.
    let mut first = TcpStream::connect(collector.tcp).unwrap();
    first.write_all(&b"<13>1 - h a - - - first\n".repeat(20_000)).unwrap();
    collector.wait_for_ledger(|ledger| ledger.delivered == 20_000);
    let before = resident(&collector);
    let mut connections = Vec::new();
    for n in 0..CONNECTIONS - 1 {
        let mut tcp = TcpStream::connect(collector.tcp).unwrap();
        // Each has spoken: what it was read with must not stay with it.
        writeln!(tcp, "<13>1 - h a - - - {n} {}", "x".repeat(1_000)).unwrap();
        connections.push(tcp);
    }
    let all = 20_000 + CONNECTIONS as u64 - 1;
    collector.wait_for_ledger(|ledger| ledger.delivered == all);
    let each = resident(&collector).saturating_sub(before) / CONNECTIONS as u64;
    assert!(each < 5 * 1024, "{each} bytes a connection");
    std::io::stderr().write_all(format!("\n{each} bytes of memory an idle connection\n").as_bytes()).unwrap();
    let since = Instant::now();
    let ledger = collector.stop();
    assert_eq!(ledger.delivered, all);
    assert!(since.elapsed() < PATIENCE);
}

#[test]
fn a_thousand_slow_connections_stay_within_the_budget_and_others_are_served() {
    if !may_have(2_000) {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let path = config(
        data.path(),
        "max-connections-per-address = 20000\nmax-message = \"1MiB\"",
        "[receive]\nmax-held = \"16MiB\"",
    );
    let mut collector = Collector::start_with(&mut binary(), &path);
    let before = resident(&collector);
    let mut slow: Vec<TcpStream> = (0..1_000).map(|_| TcpStream::connect(collector.tcp).unwrap()).collect();
    let mut most = 0;
    for _ in 0..10 {
        for tcp in &mut slow {
            // Those that were closed refuse it.
            tcp.write_all(&[b'x'; 10_000]).ok();
        }
        most = most.max(resident(&collector));
    }
    let mut good = TcpStream::connect(collector.tcp).unwrap();
    writeln!(good, "<13>1 - good a - - - hello").unwrap();
    let until = Instant::now() + PATIENCE;
    while !data.path().join("logs/good").exists() {
        assert!(Instant::now() < until, "a good one is not served");
        std::thread::sleep(Duration::from_millis(20));
    }
    while !collector.said.contains("\"closed_connections\":{\"max_held\":") {
        assert!(Instant::now() < until, "nobody is closed: {}", collector.said);
        collector.ledger();
        most = most.max(resident(&collector));
    }
    // All of it has arrived, or was refused.
    let mut before_that = 0;
    loop {
        let received = collector.ledger().received;
        most = most.max(resident(&collector));
        if received == before_that {
            break;
        }
        before_that = received;
        std::thread::sleep(Duration::from_millis(200));
    }
    // The budget, as much again for what the allocator keeps, and what the threads need.
    assert!(most - before < 64 << 20, "{} MiB", (most - before) >> 20);
    drop(slow);
    let ledger = collector.stop();
    assert!(ledger.dropped.is_empty(), "what was there of a message is kept: {ledger:?}");
    assert!(ledger.cut > 0, "and said to be its beginning: {ledger:?}");
}

#[test]
fn one_address_may_have_so_many_connections_and_one_that_is_idle_is_closed() {
    let data = tempfile::tempdir().unwrap();
    let path = config(data.path(), "max-connections-per-address = 3\nidle-timeout = \"200ms\"", "");
    let mut collector = Collector::start_with(&mut binary(), &path);
    let mut connections: Vec<TcpStream> =
        (0..3).map(|_| TcpStream::connect(collector.tcp).unwrap()).collect();
    connections[0].write_all(b"<13>1 - h a - - - no end").unwrap();
    let mut fourth = TcpStream::connect(collector.tcp).unwrap();
    fourth.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(matches!(fourth.read(&mut [0]), Ok(0) | Err(_)), "closed at once");
    for tcp in &mut connections {
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        assert!(matches!(tcp.read(&mut [0]), Ok(0)), "closed after a while");
    }
    let ledger = collector.wait_for_ledger(|ledger| ledger.delivered == 1);
    assert!(ledger.dropped.is_empty());
    assert!(collector.said.contains("\"closed_connections\":{\"idle\":3}"), "{}", collector.said);
    assert!(collector.said.contains("\"refused_connections\":1"), "{}", collector.said);
    collector.stop();
}
