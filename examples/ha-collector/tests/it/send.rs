//! `send` counts what it sends, and what it numbers is found.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{Collector, binary, lines};

fn send(arguments: &[&str]) -> Output {
    let mut command: Command = binary();
    command.arg("send").args(arguments).output().unwrap()
}

fn said(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_was_sent_is_in_the_files_by_its_numbers() {
    let data = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(data.path());
    let (tcp, udp) = (collector.tcp.to_string(), collector.udp.to_string());
    let many = ["--hosts", "3", "--connections", "4", "--json"];
    let streams =
        ["tcp", &tcp, "-n", "5000", "--format", "rfc5424", "--framing", "octet-counting", "--size", "1KiB"];
    let outcome = said(&send(&[&streams[..], &many].concat()));
    assert_eq!((&outcome["sent"], &outcome["refused"]), (&5000.into(), &0.into()));
    assert_eq!(outcome["bytes"], 5000 * (1024 + "1024 ".len()));
    collector.wait_for_ledger(|ledger| ledger.delivered == 5000);
    let outcome = said(&send(&[&["udp", &udp, "-n", "500", "--rate", "5000"][..], &many].concat()));
    assert_eq!((&outcome["sent"], &outcome["bytes"]), (&500.into(), &(500 * 256).into()));
    collector.wait_for_ledger(|ledger| ledger.delivered == 5500);
    collector.stop();
    let mut numbers = [BTreeSet::new(), BTreeSet::new()];
    for (file, lines) in lines(&data.path().join("logs")) {
        assert!(["host0001", "host0002", "host0003"].contains(&file.split('/').next().unwrap()), "{file}");
        for line in lines {
            let number = line.split("seq=").nth(1).unwrap()[..9].parse::<u64>().unwrap();
            assert!(numbers[usize::from(line.len() < 1000)].insert(number), "{line} came twice");
        }
    }
    assert_eq!(numbers.map(|numbers| numbers.len()), [5000, 500]);
}

#[test]
fn datagrams_that_nobody_takes_are_counted_and_no_stream_begins_where_nobody_listens() {
    let nobody = crate::ports::port().to_string();
    let output = send(&["udp", &nobody, "-n", "50", "--rate", "1000"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert!(text.contains("were refused: nobody listens there"), "{text}");
    let output = send(&["tcp", &nobody]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains(&format!("cannot connect to tcp {nobody}")), "{text}");
}
