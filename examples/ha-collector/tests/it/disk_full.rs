//! A disk without room: a tiny file system in a mount namespace of the test's own.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::support::{Collector, binary, config, lines, skipped};

/// Whether an ordinary user may make a mount namespace here.
fn can_mount() -> bool {
    let tried = Command::new("unshare").args(["-Urm", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    let can = tried.is_ok_and(|output| output.status.success());
    if !can {
        skipped("this machine does not let a test mount a tmpfs (unshare -Urm)");
    }
    can
}

/// The collector with a file system of `size` mounted at `at`, seen by nobody else.
fn on_small_disk(at: &Path, size: &str) -> Command {
    std::fs::create_dir_all(at).unwrap();
    let mut command = Command::new("unshare");
    let script = format!("mount -t tmpfs -o size={size} none '{}' && exec \"$@\"", at.display());
    command.args(["-Urm", "sh", "-c", &script, "sh", binary().get_program().to_str().unwrap()]);
    command
}

#[test]
fn a_buffer_that_finds_no_room_at_the_start_is_a_clear_error() {
    if !can_mount() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let path = config(data.path(), "[buffer]\ndir = \"disk/buffer\"\n");
    let output =
        on_small_disk(&data.path().join("disk"), "8m").arg("run").arg("--config").arg(path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("cannot open the buffer") && said.contains("No space left on device"), "{said}");
}

#[test]
fn messages_wait_in_the_buffer_while_the_disk_of_the_logs_is_full_and_come_out_once() {
    if !can_mount() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let small = "root = \"disk/logs\"\n[buffer]\nsegment-size = \"1MiB\"\nmax-size = \"16MiB\"\n";
    let path = config(data.path(), small);
    let mut collector = Collector::start_with(&mut on_small_disk(&data.path().join("disk"), "1m"), &path);
    // In its namespace the disk can be reached through /proc.
    let disk = format!("/proc/{}/root{}", collector.id(), data.path().join("disk").display());
    let ballast = Path::new(&disk).join("ballast");
    if std::fs::write(&ballast, vec![0; 900 << 10]).is_err() {
        skipped("this user cannot look into the namespace of the collector");
        return;
    }
    let mut tcp = TcpStream::connect(collector.tcp).unwrap();
    for n in 0..2_000 {
        writeln!(tcp, "<13>1 2025-01-01T00:00:00Z h a - - - {n:04} {}", "x".repeat(200)).unwrap();
    }
    collector.wait_for("cannot write, messages wait in the buffer: No space left on device");
    let ledger = collector.wait_for_ledger(|ledger| ledger.accepted == 2_000);
    assert!(ledger.queued > 0);
    std::fs::remove_file(ballast).unwrap();
    let ledger = collector.wait_for_ledger(|ledger| ledger.delivered == 2_000);
    assert!(ledger.dropped.is_empty(), "{ledger:?}");
    let found = lines(&Path::new(&disk).join("logs"));
    let expected = (0..2_000).map(|n| format!("2025-01-01T00:00:00+00:00 h a: {n:04} {}", "x".repeat(200)));
    assert!(found["h/2025-01-01.log"].iter().cloned().eq(expected), "each once, in order, none torn");
    collector.stop();
}

#[test]
fn a_full_buffer_makes_senders_wait_drops_datagrams_by_name_and_stops_with_its_own_exit_code() {
    if !can_mount() {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    // No room for a single log line, little for the buffer: it fills up.
    let small = "root = \"disk/logs\"\n[buffer]\nsegment-size = \"128KiB\"\nmax-size = \"2MiB\"\n";
    let path = config(data.path(), small);
    let mut collector = Collector::start_with(&mut on_small_disk(&data.path().join("disk"), "4k"), &path);
    let mut tcp = TcpStream::connect(collector.tcp).unwrap();
    tcp.set_nonblocking(true).unwrap();
    let line = format!("<13>1 2025-01-01T00:00:00Z h a - - - {}\n", "x".repeat(900));
    // Until the sender feels it: the kernel's buffers on both sides are full too.
    let mut sent = 0_usize;
    let mut refusals = 0;
    while refusals < 200 {
        match tcp.write(line.as_bytes()) {
            Ok(n) => sent += n,
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
                refusals += 1;
                // Asking the collector takes a moment, in which it would have read on if it could.
                collector.ledger();
            }
        }
    }
    let waiting = collector.ledger();
    assert!(waiting.accepted > 0 && waiting.dropped.is_empty(), "{waiting:?}");
    assert!((waiting.received as usize) < sent / line.len(), "it reads on though nothing can be kept");

    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    // Where the waiting sender's large batch found no room, a few datagrams still may.
    let mut datagrams = 0;
    let ledger = loop {
        for _ in 0..50 {
            udp.send_to(line.as_bytes(), collector.udp).unwrap();
        }
        datagrams += 50;
        let ledger = collector.wait_for_ledger(|ledger| {
            let dropped = ledger.dropped.values().sum::<u64>();
            ledger.accepted + dropped == waiting.accepted + datagrams
        });
        if !ledger.dropped.is_empty() {
            break ledger;
        }
        assert!(datagrams < 10_000, "{ledger:?}");
    };
    assert_eq!(ledger.dropped.keys().collect::<Vec<_>>(), ["buffer_full"]);
    assert_eq!(ledger.received, waiting.received + datagrams);

    collector.signal(Signal::TERM);
    let status = collector.wait();
    assert_eq!(status.code(), Some(4), "{}", collector.said);
    assert!(collector.said.contains("messages are left in the buffer"), "{}", collector.said);
    let last = collector.last_ledger();
    assert!(last.queued > 0, "{last:?}");
    // No message had been read from the connection that had no place, save the beginning of one whose end is still the
    // sender's.
    assert!(last.dropped.get("stopped").is_none_or(|unfinished| *unfinished == 1), "{last:?}");
    assert!(last.dropped.keys().all(|reason| reason == "buffer_full" || reason == "stopped"), "{last:?}");

    // With room, the next start delivers what was left.
    let collector = Collector::start_with(&mut binary(), &path);
    let ledger = collector.stop();
    assert_eq!((ledger.due, ledger.delivered), (last.queued, last.queued));
    assert_eq!(lines(&data.path().join("disk/logs"))["h/2025-01-01.log"].len() as u64, last.queued);
}
