//! What is sent is in the right file, once.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;

use crate::support::{Collector, has, lines, skipped};

/// How a message is worded.
#[derive(Clone, Copy)]
enum Shape {
    Rfc3164,
    Rfc5424,
}

/// How a message travels.
#[derive(Clone, Copy)]
enum Way {
    Udp,
    Lf,
    OctetCounted,
}

const EACH: usize = 3_334;

/// Message `n` of a stream, the file it belongs into and the line it becomes.
fn message(stream: &str, shape: Shape, n: usize) -> (String, String, String) {
    let host = format!("{stream}-{}", n % 7);
    let (minute, second) = (n / 60 % 60, n % 60);
    match shape {
        Shape::Rfc3164 => (
            // A year ago at most and never in the future, whatever the date is today: the year is inferred.
            format!(
                "<{}>2025 Nov 20 12:{minute:02}:{second:02} {host} app[{n}]: number {n} of {stream}",
                8 + n % 184
            ),
            format!("{host}/2025-11-20.log"),
            format!("2025-11-20T12:{minute:02}:{second:02}+00:00 {host} app[{n}]: number {n} of {stream}"),
        ),
        Shape::Rfc5424 => (
            format!(
                "<{}>1 2025-11-21T23:{minute:02}:{second:02}.25-05:00 {host} app {n} ID [a@1 n=\"{n}\"] number {n} of {stream}",
                n % 192
            ),
            format!("{host}/2025-11-21.log"),
            format!("2025-11-21T23:{minute:02}:{second:02}.25-05:00 {host} app[{n}]: number {n} of {stream}"),
        ),
    }
}

/// Sends one stream, notes what is expected of it, and waits until all of it was received.
fn send(
    collector: &mut Collector,
    way: Way,
    shape: Shape,
    stream: &str,
    expected: &mut BTreeMap<String, Vec<String>>,
) {
    let mut bytes = Vec::new();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let before = expected.values().map(Vec::len).sum::<usize>() as u64;
    for n in 0..EACH {
        let (text, file, line) = message(stream, shape, n);
        expected.entry(file).or_default().push(line);
        match way {
            Way::Udp => {
                socket.send_to(text.as_bytes(), collector.udp).unwrap();
                // The smallest default of a kernel's receive buffer holds 90 datagrams of this size: wait for it to be
                // empty again, so that what is missing at the end is not the kernel's doing.
                if n % 80 == 79 {
                    let sent = before + n as u64 + 1;
                    collector.wait_for_ledger(|ledger| ledger.received == sent);
                }
            }
            Way::Lf => writeln!(bytes, "{text}").unwrap(),
            Way::OctetCounted => write!(bytes, "{} {text}", text.len()).unwrap(),
        }
    }
    if !bytes.is_empty() {
        let mut tcp = TcpStream::connect(collector.tcp).unwrap();
        // Cut where it hurts: pieces that are no multiple of anything.
        for piece in bytes.chunks(4_093) {
            tcp.write_all(piece).unwrap();
        }
    }
    collector.wait_for_ledger(|ledger| ledger.received == before + EACH as u64);
}

#[test]
fn twenty_thousand_messages_are_each_in_the_right_file_exactly_once() {
    let data = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(data.path());
    let mut expected = BTreeMap::new();
    for (way, name) in [(Way::Udp, "udp"), (Way::Lf, "lf"), (Way::OctetCounted, "counted")] {
        for (shape, version) in [(Shape::Rfc3164, "3164"), (Shape::Rfc5424, "5424")] {
            send(&mut collector, way, shape, &format!("{name}-{version}"), &mut expected);
        }
    }
    let sent = 6 * EACH as u64;
    assert!(sent >= 20_000);
    let ledger = collector.wait_for_ledger(|ledger| ledger.delivered == sent);
    assert_eq!((ledger.received, ledger.accepted, ledger.cut), (sent, sent, 0));
    let ledger = collector.stop();
    assert_eq!((ledger.due, ledger.delivered), (sent, sent));
    assert!(ledger.dropped.is_empty(), "{ledger:?}");

    // Order within a file is the order of sending: one stream a host. Compared whole: nothing more, nothing less.
    assert_eq!(lines(&data.path().join("logs")), expected);
}

#[test]
fn what_logger_sends_is_found_under_this_hosts_name() {
    if !has("logger") {
        skipped("logger (util-linux) is not installed");
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(data.path());
    let ways: [&[&str]; 5] =
        [&["-d"], &["-d", "--rfc3164"], &["-T"], &["-T", "--rfc3164"], &["-T", "--octet-count"]];
    for (n, way) in ways.iter().enumerate() {
        let to = if way[0] == "-d" { collector.udp } else { collector.tcp };
        let status = Command::new("logger")
            .args(["--server", "127.0.0.1", "--port", &to.port().to_string(), "--tag", "it"])
            .args(*way)
            .arg(format!("way {n}"))
            .status()
            .unwrap();
        assert!(status.success(), "{way:?}");
    }
    collector.wait_for_ledger(|ledger| ledger.delivered == 5);
    collector.stop();
    let found = lines(&data.path().join("logs"));
    let hosts: Vec<&str> = found.keys().map(|name| name.split('/').next().unwrap()).collect();
    assert!(hosts.iter().all(|host| *host == hosts[0]), "one host, not {hosts:?}");
    for n in 0..5 {
        let ending = format!(" it: way {n}");
        let times = found.values().flatten().filter(|line| line.ends_with(&ending)).count();
        assert_eq!(times, 1, "{ending} in {found:?}");
    }
}

#[test]
fn a_bare_line_goes_under_its_senders_address() {
    let data = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(data.path());
    let mut tcp = TcpStream::connect(collector.tcp).unwrap();
    tcp.write_all(b"HELLO SYSLOG\nno line end").unwrap();
    drop(tcp);
    collector.wait_for_ledger(|ledger| ledger.delivered == 2);
    collector.stop();
    let found = lines(&data.path().join("logs"));
    let (name, found) = found.iter().next().unwrap();
    assert!(name.starts_with("127.0.0.1/20"), "{name}");
    assert!(found[0].ends_with("+00:00 127.0.0.1 HELLO SYSLOG"), "{found:?}");
    assert!(found[1].ends_with("+00:00 127.0.0.1 no line end"), "{found:?}");
}

#[test]
fn a_message_that_is_too_long_is_cut_and_counted_and_the_next_one_is_whole() {
    let data = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(data.path());
    let mut tcp = TcpStream::connect(collector.tcp).unwrap();
    let long = "x".repeat(100_000);
    let text = format!("<13>1 - h a - - - {long}\n<13>1 - h a - - - short\n");
    tcp.write_all(text.as_bytes()).unwrap();
    drop(tcp);
    let ledger = collector.wait_for_ledger(|ledger| ledger.delivered == 2);
    assert_eq!(ledger.cut, 1);
    collector.stop();
    let found = lines(&data.path().join("logs/h"));
    let found: Vec<&String> = found.values().flatten().collect();
    assert!(found[0].len() > 65_000 && found[0].len() < 66_000, "{}", found[0].len());
    assert!(found[1].ends_with(" h a: short"));
}

#[test]
fn a_connection_that_is_open_when_the_collector_stops_loses_nothing() {
    let data = tempfile::tempdir().unwrap();
    let collector = Collector::start(data.path());
    let mut connections: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(collector.tcp).unwrap()).collect();
    let mut expected = 0;
    for round in 0..50 {
        for tcp in &mut connections {
            writeln!(tcp, "<13>1 - h a - - - {expected}").unwrap();
            expected += 1;
        }
        if round == 49 {
            // Everything was handed to the kernel of the receiving side: write to a loopback socket returned.
            break;
        }
    }
    let ledger = collector.stop();
    assert_eq!(ledger.delivered, expected);
    drop(connections);
    assert_eq!(count(&data.path().join("logs/h")), expected);
}

#[test]
fn a_message_without_a_line_end_on_an_open_connection_is_kept_at_the_stop() {
    for round in 0..5 {
        let data = tempfile::tempdir().unwrap();
        let mut collector = Collector::start(data.path());
        let mut tcp = TcpStream::connect(collector.tcp).unwrap();
        let text = "<13>1 - h a - - - whole\n<13>1 - h a - - - no end";
        tcp.write_all(text.as_bytes()).unwrap();
        // Read by then or still in the kernel: both must do.
        if round % 2 == 0 {
            collector.wait_for_ledger(|ledger| ledger.received == 1);
        }
        let ledger = collector.stop();
        assert_eq!((ledger.received, ledger.delivered), (2, 2), "{ledger:?}");
        drop(tcp);
        let found = lines(&data.path().join("logs/h"));
        assert!(found.values().next().unwrap()[1].ends_with(" h a: no end"), "{found:?}");
    }
}

fn count(dir: &Path) -> u64 {
    lines(dir).values().map(|lines| lines.len() as u64).sum()
}
