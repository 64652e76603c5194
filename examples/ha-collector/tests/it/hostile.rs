//! Names and messages that mean harm.

use std::io::Write as _;
use std::net::{TcpStream, UdpSocket};

use crate::support::{Collector, binary, config, files, has, lines, skipped};

/// Host names that try to leave the root, to be a second file, or to be no file at all.
const HOSTS: [&str; 16] = [
    "../../etc/cron.d/x",
    "..",
    ".",
    "/etc/abs",
    "a/b",
    "a/../../..",
    "....//....//x",
    "-rf",
    "~root",
    "$(touch${IFS}pwned)",
    "`reboot`",
    "%2e%2e%2f",
    "*",
    ".hidden",
    "auth.log",
    "%overflow",
];

#[test]
fn no_host_name_leaves_the_root_and_each_is_one_harmless_directory() {
    let outside = tempfile::tempdir().unwrap();
    let data = outside.path().join("in/here/data");
    std::fs::create_dir_all(&data).unwrap();
    let mut collector = Collector::start(&data);
    let long = "x".repeat(300);
    let slashes = "/".repeat(200);
    let hosts: Vec<&str> = HOSTS.into_iter().chain([long.as_str(), slashes.as_str()]).collect();
    let before: Vec<_> =
        files(outside.path()).into_iter().filter(|path| !path.starts_with(data.join("logs"))).collect();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    for (n, host) in hosts.iter().enumerate() {
        let message = format!("<13>1 2025-01-01T00:00:00Z {host} app - - - over udp {n}");
        udp.send_to(message.as_bytes(), collector.udp).unwrap();
    }
    let mut tcp = TcpStream::connect(collector.tcp).unwrap();
    for (n, host) in hosts.iter().enumerate() {
        writeln!(tcp, "<13>Jan  1 00:00:00 {host} app: over tcp {n}").unwrap();
    }
    drop(tcp);
    let sent = 2 * hosts.len() as u64;
    collector.wait_for_ledger(|ledger| ledger.delivered == sent);
    collector.stop();

    let mut after: Vec<_> =
        files(outside.path()).into_iter().filter(|path| !path.starts_with(data.join("logs"))).collect();
    // Gone with the daemon that answered there.
    after.push(data.join("control"));
    after.sort();
    assert_eq!(before, after, "a file outside the root");
    let found = lines(&data.join("logs"));
    assert_eq!(found.values().map(Vec::len).sum::<usize>() as u64, sent);
    for name in found.keys() {
        let (dir, file) = name.split_once('/').unwrap();
        assert!(file.len() == 14 && file.starts_with("20") && file.ends_with(".log"), "{name}");
        let harmless = |c: char| c.is_ascii_alphanumeric() || ".%_:@+=,-~".contains(c);
        assert!(dir.chars().all(harmless) && !dir.starts_with(['.', '-', '~']) && dir.len() <= 255, "{name}");
        if let Some((_, escape)) = dir.split_once('%') {
            assert!(!escape.starts_with("overflow"), "{name}");
        }
    }
    // Both transports, all names: nothing of it is missing.
    for n in 0..hosts.len() {
        for way in ["udp", "tcp"] {
            let ending = format!("over {way} {n}");
            assert_eq!(
                found.values().flatten().filter(|line| line.ends_with(&ending)).count(),
                1,
                "{ending}"
            );
        }
    }
}

#[test]
fn one_message_is_one_line_whatever_is_in_it() {
    let data = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(data.path());
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let forged = "2025-01-01T00:00:00+00:00 h su: session opened for root";
    let mut sent = 0;
    for separator in ["\n", "\r\n", "\r", "\0", "\x1b[2K\r", "\u{85}", "\u{2028}", "\x0b", "\x0c"] {
        let message = format!("<13>1 2025-01-01T00:00:00Z h app - - - harmless{separator}{forged}");
        udp.send_to(message.as_bytes(), collector.udp).unwrap();
        let message = format!("<13>1 2025-01-01T00:00:00Z h a\u{7}pp{separator}{forged} - - - in the name");
        udp.send_to(message.as_bytes(), collector.udp).unwrap();
        sent += 2;
    }
    for byte in 0..=255_u8 {
        udp.send_to(
            &[&b"<13>1 2025-01-01T00:00:00Z h app - - - byte "[..], &[byte], b" end"].concat(),
            collector.udp,
        )
        .unwrap();
        sent += 1;
        if byte % 50 == 49 {
            collector.wait_for_ledger(|ledger| ledger.received == sent);
        }
    }
    collector.wait_for_ledger(|ledger| ledger.delivered == sent);
    collector.stop();
    let mut found = 0;
    for path in files(&data.path().join("logs")) {
        let bytes = std::fs::read(path).unwrap();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (end, line) = line.split_last().unwrap();
            assert_eq!(*end, b'\n');
            assert!(!line.iter().any(u8::is_ascii_control), "{:?}", String::from_utf8_lossy(line));
            assert!(!line.starts_with(forged.as_bytes()));
            found += 1;
        }
    }
    assert_eq!(found, sent, "one line a message");
}

#[test]
fn noise_is_kept_as_a_message_and_an_empty_datagram_is_counted() {
    let data = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(data.path());
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let noise: [&[u8]; 7] =
        [b"", b"<", b"<999999>", &[0xFF; 1000], b"\0\0\0", b"<13>1 ", b"99999999999 <13>x"];
    for message in noise {
        udp.send_to(message, collector.udp).unwrap();
    }
    let ledger = collector.wait_for_ledger(|ledger| ledger.received == 7 && ledger.delivered == 6);
    assert_eq!(ledger.dropped.get("empty"), Some(&1));
    collector.stop();
    assert_eq!(lines(&data.path().join("logs")).values().map(Vec::len).sum::<usize>(), 6);
}

#[test]
fn connections_cannot_take_the_descriptors_that_the_files_need() {
    if !has("prlimit") {
        skipped("prlimit (util-linux) is not installed");
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let mut limited = std::process::Command::new("prlimit");
    limited.arg("--nofile=256:256").arg(binary().get_program());
    let mut collector = Collector::start_with(&mut limited, &config(data.path(), ""));
    let idle: Vec<TcpStream> = (0..300).filter_map(|_| TcpStream::connect(collector.tcp).ok()).collect();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    for host in 0..50 {
        udp.send_to(format!("<13>1 2025-01-01T00:00:00Z h{host} a - - - m").as_bytes(), collector.udp)
            .unwrap();
    }
    let ledger = collector.wait_for_ledger(|ledger| ledger.delivered == 50);
    assert!(ledger.dropped.is_empty(), "{ledger:?}");
    drop(idle);
    collector.stop();
    assert_eq!(lines(&data.path().join("logs")).len(), 50);
}
