//! `kill -9` in the middle: what the buffer had accepted comes out, whole.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use crate::support::{Collector, lines};

/// A line long enough that a write of many of them takes a while.
fn text(n: u64) -> String {
    format!("number {n:08} {}", "abcdefgh".repeat(20 + usize::try_from(n % 13).unwrap()))
}

/// How many messages the buffer has accepted: its numbers begin at one and have no gaps.
fn accepted(data: &Path) -> u64 {
    let queue =
        diskbuf::Options::new(data.join("buffer")).segment_bytes(1 << 20).max_bytes(64 << 20).open().unwrap();
    queue.status().next_seq.as_u64() - 1
}

#[test]
fn every_message_that_the_buffer_accepted_before_kill_9_is_found_whole() {
    let data = tempfile::tempdir().unwrap();
    let small = "[buffer]\nsegment-size = \"1MiB\"\nmax-size = \"64MiB\"\n";
    let config = crate::support::config(data.path(), small);
    let mut sent = Vec::new();
    for round in 0..12_u64 {
        let collector = Collector::start_with(&mut crate::support::binary(), &config);
        let before = sent.len() as u64;
        let tcp = TcpStream::connect(collector.tcp).unwrap();
        let sender = std::thread::spawn({
            let mut tcp = tcp.try_clone().unwrap();
            move || {
                let mut numbers = Vec::new();
                for n in round * 1_000_000.. {
                    numbers.push(n);
                    if writeln!(tcp, "<13>1 - h a - - - {}", text(n)).is_err() {
                        break;
                    }
                }
                numbers
            }
        });
        // Not a wait for something: the moment of the kill is meant to fall anywhere.
        std::thread::sleep(Duration::from_millis(20 + 37 * round % 190));
        collector.kill();
        let numbers = sender.join().unwrap();
        // One stream, in order: what was accepted is its beginning.
        let accepted = accepted(data.path());
        assert!(accepted >= before, "the buffer forgot messages of an earlier round");
        let this_round = usize::try_from(accepted - before).unwrap();
        assert!(this_round <= numbers.len());
        sent.extend_from_slice(&numbers[..this_round]);
    }
    assert!(sent.len() > 1_000, "the kills came before anything happened");
    // The last one, which is killed without having received anything, delivers; then a clean stop.
    let collector = Collector::start_with(&mut crate::support::binary(), &config);
    collector.stop();

    let expected: BTreeSet<String> = sent.iter().map(|&n| text(n)).collect();
    let mut found = BTreeSet::new();
    for line in lines(&data.path().join("logs")).values().flatten() {
        let (head, message) = line.split_once(" h a: ").unwrap_or_else(|| panic!("garbled: {line:?}"));
        assert!(head.starts_with("20") && head.ends_with("+00:00"), "garbled: {line:?}");
        assert!(expected.contains(message), "garbled: {line:?}");
        found.insert(message.to_owned());
    }
    assert_eq!(found.len(), expected.len(), "accepted messages are missing");
}
