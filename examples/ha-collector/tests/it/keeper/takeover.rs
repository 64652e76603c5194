//! What kills and stalls do to the address, and what a hand-over does to those who send.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{TcpStream, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use super::lab::{Host, Lab, Node, collector, inside, until};
use crate::support::skipped;

const FAST: &str = "advert-interval = \"50ms\"";
const VIP: &str = "10.0.0.10";

fn pair(lab: &Lab) -> (Node, Node) {
    let n1 = lab.start(&lab.n1, "n1", &collector(150, FAST));
    let n2 = lab.start(&lab.n2, "n2", &collector(100, FAST));
    until("n1 holds the address", || lab.n1.holds(VIP) && !lab.n2.holds(VIP));
    until("n2 knows", || n2.instance()["reason"] == "10.0.0.11 advertises 150 > 100");
    (n1, n2)
}

#[test]
fn a_collector_that_is_killed_takes_its_address_along_and_is_started_again() {
    if !inside("keeper::takeover::a_collector_that_is_killed_takes_its_address_along_and_is_started_again") {
        return;
    }
    let lab = Lab::new();
    let (n1, n2) = pair(&lab);
    let first = n1.processes();
    // It has bound its sockets, and keeps no right.
    let status = std::fs::read_to_string(format!("/proc/{}/status", first.get(1).unwrap())).unwrap();
    for set in ["CapPrm:\t0000000000000000", "CapEff:\t0000000000000000"] {
        assert!(status.contains(set), "{status}");
    }
    kill(*first.get(1).unwrap(), Signal::SIGKILL).unwrap();
    until("n2 took it", || n2.log().contains("10.0.0.11 let go"));
    until("n1 says why", || n1.log().contains("the collector is not well"));
    // It is started again, and the better node has the address again.
    until("n1 holds the address again", || lab.n1.holds(VIP) && !lab.n2.holds(VIP));
    let again = n1.processes();
    assert_eq!((first.len(), again.len()), (2, 2));
    assert_ne!(first.get(1), again.get(1));
}

#[test]
fn a_node_whose_disk_is_full_says_so_and_is_well_again_when_there_is_room() {
    if !inside("keeper::takeover::a_node_whose_disk_is_full_says_so_and_is_well_again_when_there_is_room") {
        return;
    }
    let lab = Lab::new();
    let buffer = lab.dir.path().join("n1/data/buffer");
    std::fs::create_dir_all(&buffer).unwrap();
    let mount = |options: &str| {
        let tried = Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(&buffer).output();
        tried.is_ok_and(|output| output.status.success())
    };
    // Room for one segment: the log files are elsewhere, and all that is in the buffer is delivered.
    if !mount("size=6m") {
        return skipped("this machine does not let a test mount a tmpfs");
    }
    let n1 = lab.start(&lab.n1, "n1", &collector(150, FAST));
    until("n1 holds the address", || lab.n1.holds(VIP));
    let udp = lab.n1.run(|| UdpSocket::bind("127.0.0.1:0").unwrap());
    let datagram = format!("<13>1 2025-01-01T00:00:00Z h a - - - {}", "x".repeat(8000));
    let send = || udp.send_to(datagram.as_bytes(), "127.0.0.1:5514").unwrap();
    until("the disk is full", || {
        send();
        n1.log().contains("the buffer takes nothing")
    });
    // Who sends seldom finds the door open each time, and no room behind it.
    until("n1 says what is wrong", || {
        send();
        thread::sleep(Duration::from_millis(300));
        n1.log().contains("the buffer has no room, and nothing is in it: is the disk full?")
    });
    until("n1 has let go", || !lab.n1.holds(VIP));
    // When nobody tries, nothing is known to be better.
    thread::sleep(Duration::from_secs(1));
    assert!(!lab.n1.holds(VIP));
    assert!(mount("remount,size=64m"));
    send();
    until("n1 holds the address again", || lab.n1.holds(VIP));
    assert_eq!(n1.log().matches("WARN the collector is not well").count(), 1, "{}", n1.log());
}

#[test]
fn a_collector_that_hangs_is_noticed_and_no_node_that_does_not_serve_keeps_the_address() {
    if !inside(
        "keeper::takeover::a_collector_that_hangs_is_noticed_and_no_node_that_does_not_serve_keeps_the_address",
    ) {
        return;
    }
    let lab = Lab::new();
    let (n1, _n2) = pair(&lab);
    let hangs = *n1.processes().get(1).unwrap();
    kill(hangs, Signal::SIGSTOP).unwrap();
    until("n2 holds the address", || lab.n2.holds(VIP));
    until("n1 has let go", || !lab.n1.holds(VIP));
    let row = n1.instance();
    assert_eq!(row["state"], "fault");
    assert!(row["reason"].as_str().unwrap().contains("not heard for 1s"), "{row}");
    kill(hangs, Signal::SIGCONT).unwrap();
    until("n1 holds the address again", || lab.n1.holds(VIP) && !lab.n2.holds(VIP));
}

#[test]
fn a_keeper_that_is_killed_leaves_no_address_behind_for_longer_than_the_lease() {
    if !inside("keeper::takeover::a_keeper_that_is_killed_leaves_no_address_behind_for_longer_than_the_lease")
    {
        return;
    }
    let lab = Lab::new();
    let (n1, n2) = pair(&lab);
    n1.signal(Signal::SIGKILL);
    n1.wait();
    let killed = Instant::now();
    until("n2 holds the address", || lab.n2.holds(VIP));
    until("the kernel of n1 has removed it", || !lab.n1.holds(VIP));
    // The lease is 3 s; the kernel counts in whole seconds and looks once a second.
    assert!(killed.elapsed() < Duration::from_secs(8), "{:?}", killed.elapsed());
    until("its collector has drained and ended", || {
        n1.log().contains("stopped: everything that was accepted is written")
    });
    // A new keeper sweeps nothing that is not there, and takes over.
    let again = lab.start(&lab.n1, "n1", &collector(150, FAST));
    until("n1 holds the address again", || lab.n1.holds(VIP) && !lab.n2.holds(VIP));
    assert!(again.running() && n2.running());
}

#[test]
fn a_keeper_that_hangs_loses_the_address_and_does_not_steal_it_when_it_wakes() {
    if !inside("keeper::takeover::a_keeper_that_hangs_loses_the_address_and_does_not_steal_it_when_it_wakes")
    {
        return;
    }
    let lab = Lab::new();
    let (n1, n2) = pair(&lab);
    // The same again where nobody preempts: whoever has the address keeps it.
    n1.stop();
    n2.stop();
    let never = format!("{FAST}\npreempt = false");
    let n1 = lab.start(&lab.n1, "n1", &collector(150, &never));
    until("n1 holds the address", || lab.n1.holds(VIP));
    let n2 = lab.start(&lab.n2, "n2", &collector(100, &never));
    until("n2 knows", || n2.instance()["reason"].as_str().unwrap().contains("10.0.0.11 advertises 150"));
    n1.signal(Signal::SIGSTOP);
    until("n2 holds the address", || lab.n2.holds(VIP));
    until("the kernel of n1 has removed it", || !lab.n1.holds(VIP));
    n1.signal(Signal::SIGCONT);
    until("n1 has noticed", || n1.is("backup"));
    assert!(n1.instance()["reason"].as_str().unwrap().contains("10.0.0.12"), "{}", n1.instance());
    assert!(lab.n2.holds(VIP) && n2.is("active"), "{}", n2.log());
}

/// Datagrams, numbered, at a steady rate, until told to stop; gives how many.
fn datagrams(host: &Host, stop: &Arc<AtomicBool>) -> thread::JoinHandle<u64> {
    let stop = Arc::clone(stop);
    host.run(move || {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        thread::spawn(move || {
            let (begun, mut sent) = (Instant::now(), 0_u64);
            while !stop.load(Ordering::Relaxed) && sent < 100_000 {
                let due = begun.elapsed().as_millis() as u64 * 2;
                while sent < due {
                    let message = format!("<13>Jan  1 00:00:00 sender app: datagram {sent}");
                    socket.send_to(message.as_bytes(), (VIP, 5514)).unwrap();
                    sent += 1;
                }
                thread::sleep(Duration::from_micros(300));
            }
            sent
        })
    })
}

/// Lines on one connection after the other, each sent once; gives those that a kernel has acknowledged.
fn lines(host: &Host, stream: usize, stop: &Arc<AtomicBool>) -> thread::JoinHandle<Vec<String>> {
    let stop = Arc::clone(stop);
    host.run(move || {
        thread::spawn(move || {
            let mut acknowledged = Vec::new();
            let mut n = 0;
            while !stop.load(Ordering::Relaxed) && n < 100_000 {
                let Ok(mut connection) = TcpStream::connect((VIP, 5514)) else { continue };
                connection.set_nodelay(true).unwrap();
                let mut unsure: Vec<String> = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let line = format!("<13>Jan  1 00:00:00 sender app: stream {stream} line {n}");
                    n += 1;
                    if connection.write_all(format!("{line}\n").as_bytes()).is_err() {
                        break;
                    }
                    unsure.push(line);
                    // What the kernel still holds is not acknowledged; lines are about as long as each other.
                    if unacknowledged(&connection) == Some(0) {
                        acknowledged.append(&mut unsure);
                    }
                    thread::sleep(Duration::from_millis(2));
                }
                if unacknowledged(&connection) == Some(0) && stop.load(Ordering::Relaxed) {
                    acknowledged.append(&mut unsure);
                }
            }
            acknowledged
        })
    })
}

/// Bytes that the other end has not acknowledged; `None` on a connection that is no more.
fn unacknowledged(connection: &TcpStream) -> Option<usize> {
    rustix::io::ioctl_fionread(connection).ok()?;
    let text = std::fs::read_to_string("/proc/thread-self/net/tcp").unwrap();
    let inode = std::fs::read_link(format!("/proc/self/fd/{}", connection.as_raw_fd())).ok()?;
    let inode = inode.to_str()?.trim_start_matches("socket:[").trim_end_matches(']').to_owned();
    let row = text.lines().find(|row| row.split_whitespace().nth(9) == Some(&inode))?;
    let queues = row.split_whitespace().nth(4)?;
    // Established, and the queue to be sent.
    (row.split_whitespace().nth(3) == Some("01")).then_some(())?;
    usize::from_str_radix(queues.split(':').next()?, 16).ok()
}

#[test]
fn planned_hand_overs_lose_nothing_and_bring_no_datagram_twice() {
    if !inside("keeper::takeover::planned_hand_overs_lose_nothing_and_bring_no_datagram_twice") {
        return;
    }
    let rounds: usize = std::env::var("HA_COLLECTOR_TEST_HAND_OVERS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(4);
    let lab = Lab::new();
    let (n1, n2) = pair(&lab);
    let stop = Arc::new(AtomicBool::new(false));
    let sent = datagrams(&lab.client, &stop);
    let streams: Vec<_> = (0..20).map(|stream| lines(&lab.client, stream, &stop)).collect();
    for _ in 0..rounds {
        n1.ask(&["drain"]);
        until("n2 holds the address alone", || lab.n2.holds(VIP) && !lab.n1.holds(VIP));
        n1.ask(&["promote"]);
        until("n1 holds the address alone", || lab.n1.holds(VIP) && !lab.n2.holds(VIP));
    }
    stop.store(true, Ordering::Relaxed);
    let sent = sent.join().unwrap();
    let acknowledged: Vec<String> = streams.into_iter().flat_map(|stream| stream.join().unwrap()).collect();
    assert!(sent > 100 && acknowledged.len() > 100, "{sent} {}", acknowledged.len());
    assert_eq!((n1.stop().code(), n2.stop().code()), (Some(0), Some(0)));
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for line in n1.written().into_iter().chain(n2.written()) {
        let message = line.split_once("app: ").map(|(_, message)| message.to_owned()).unwrap();
        *found.entry(message).or_default() += 1;
    }
    let missing: Vec<u64> = (0..sent).filter(|n| !found.contains_key(&format!("datagram {n}"))).collect();
    assert!(missing.is_empty(), "{} of {sent} datagrams are missing: {missing:?}", missing.len());
    let twice: Vec<_> =
        found.iter().filter(|(message, times)| message.starts_with("datagram") && **times > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let lost: Vec<_> =
        acknowledged.iter().filter(|line| !found.contains_key(line.split_once("app: ").unwrap().1)).collect();
    assert!(
        lost.is_empty(),
        "{} of {} acknowledged lines are missing: {lost:?}",
        lost.len(),
        acknowledged.len()
    );
}
