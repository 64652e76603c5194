//! Signals, and what is in the ledger when they come.

use std::io::Write as _;
use std::net::TcpStream;

use rustix::process::Signal;

use crate::support::{Collector, lines};

#[test]
fn int_stops_as_term_does_and_an_idle_collector_stops_at_once() {
    for signal in [Signal::INT, Signal::TERM] {
        let data = tempfile::tempdir().unwrap();
        let mut collector = Collector::start(data.path());
        let idle = TcpStream::connect(collector.tcp).unwrap();
        collector.signal(signal);
        assert!(collector.wait().success(), "{}", collector.said);
        assert!(
            collector.said.contains("stopped: everything that was accepted is written"),
            "{}",
            collector.said
        );
        drop(idle);
    }
}

#[test]
fn hup_opens_the_files_anew_so_that_a_moved_file_is_let_go() {
    let data = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(data.path());
    let mut tcp = TcpStream::connect(collector.tcp).unwrap();
    let log = data.path().join("logs/h/2025-01-01.log");
    writeln!(tcp, "<13>1 2025-01-01T00:00:00Z h a - - - before").unwrap();
    collector.wait_for_ledger(|ledger| ledger.delivered == 1);
    std::fs::rename(&log, log.with_extension("1")).unwrap();
    collector.signal(Signal::HUP);
    // At once, not with the next message: whoever moved the file may want to compress it.
    collector.wait_for("opened anew");
    // The same connection goes on: nothing was restarted.
    writeln!(tcp, "<13>1 2025-01-01T00:00:00Z h a - - - after").unwrap();
    collector.wait_for_ledger(|ledger| ledger.delivered == 2);
    collector.stop();
    let found = lines(&data.path().join("logs/h"));
    assert!(found["2025-01-01.log"].iter().all(|line| line.ends_with("after")), "{found:?}");
    assert!(found["2025-01-01.1"][0].ends_with("before"), "{found:?}");
}

#[test]
fn a_stopped_collector_started_again_goes_on_in_the_same_files() {
    let data = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let mut collector = Collector::start(data.path());
        let mut tcp = TcpStream::connect(collector.tcp).unwrap();
        writeln!(tcp, "<13>1 2025-01-01T00:00:00Z h a - - - {round}").unwrap();
        drop(tcp);
        collector.wait_for_ledger(|ledger| ledger.delivered == 1);
        let ledger = collector.stop();
        assert_eq!((ledger.due, ledger.delivered), (1, 1), "nothing comes twice after a clean stop");
    }
    let found = lines(&data.path().join("logs"));
    let expected: Vec<String> =
        (0..3).map(|round| format!("2025-01-01T00:00:00+00:00 h a: {round}")).collect();
    assert_eq!(found["h/2025-01-01.log"], expected);
}
