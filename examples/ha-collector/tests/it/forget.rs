//! Destinations that are taken out of the configuration before they have delivered all: what waits for them is seen, and can
//! be given up, whether or not the collector runs.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::ledger::Balance;
use crate::ports::port;
use crate::support::{Collector, binary, config, lines};

/// A destination at which nobody listens.
fn away() -> String {
    format!("[[destination]]\nid = \"away\"\ntype = \"tcp\"\nto = [\"{}\"]\n", port())
}

/// Runs a command about the collector with that configuration: exit code, and what was said.
fn ask(command: &[&str], config: &Path) -> (Option<i32>, String) {
    let output = binary().args(command).arg("--config").arg(config).env("TZ", "UTC").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

fn send(to: std::net::SocketAddr, messages: std::ops::Range<u64>) {
    let mut tcp = TcpStream::connect(to).unwrap();
    for n in messages {
        writeln!(tcp, "<13>1 2025-01-01T00:00:00Z h a - - - number {n:02}").unwrap();
    }
}

const SENTENCE: &str = "`ha-collector buffer forget away --config ";

#[test]
fn what_waits_for_a_destination_that_was_removed_is_shown_and_given_up_on_command() {
    let data = tempfile::tempdir().unwrap();
    let path = config(data.path(), &away());
    let mut collector = Collector::start_with(&mut binary(), &path);
    send(collector.tcp, 0..50);
    collector.wait_for_ledger(|ledger| ledger.delivered == 50);
    let (code, said) = ask(&["buffer", "forget", "away", "--yes"], &path);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("destination `away` is configured"), "{said}");

    config(data.path(), "");
    collector.signal(Signal::HUP);
    collector.wait_for(SENTENCE);
    collector.wait_for("reloaded: ");
    let (_, status) = ask(&["status"], &path);
    // As it can be copied.
    let cure = format!("{SENTENCE}{}`", path.display());
    assert!(status.contains(&cure) && status.contains("50 records"), "{status}");
    let (code, said) = ask(&["check"], &path);
    assert!(code == Some(0) && said.contains(&cure), "{said}");

    let (code, said) = ask(&["buffer", "forget", "nobody", "--yes"], &path);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("`nobody`; not configured and in the buffer: away"), "{said}");
    let (code, said) = ask(&["buffer", "forget", "away"], &path);
    assert_eq!(code, Some(2), "{said}");
    let bytes = 50 * "<13>1 2025-01-01T00:00:00Z h a - - - number 00".len();
    assert!(said.contains(&format!("50 messages of {bytes} bytes wait for it, received from 2")), "{said}");
    assert!(said.contains("add --yes"), "{said}");
    let balance = Balance::of(data.path());
    assert_eq!(
        (balance.destination("away", "queued"), balance.dropped("destinations", "away", "forgotten")),
        (50, 0)
    );

    let (code, said) = ask(&["buffer", "forget", "away", "--yes"], &path);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("50 messages of ") && said.contains(": forgotten"), "{said}");
    collector.wait_for("forgotten, as it was asked for");
    // What comes now is none of its business.
    send(collector.tcp, 50..60);
    let balance = Balance::when(data.path(), |balance| balance.destination("files", "delivered") == 60);
    assert_eq!(
        (balance.destination("away", "queued"), balance.dropped("destinations", "away", "forgotten")),
        (0, 50)
    );
    assert!(!ask(&["status"], &path).1.contains(SENTENCE));
    // The ledger closes, and everything is written.
    let ledger = collector.stop();
    assert_eq!(ledger.dropped.values().sum::<u64>(), 50);
}

#[test]
fn without_a_collector_it_is_done_in_the_buffer_and_check_start_and_stop_say_what_waits() {
    let data = tempfile::tempdir().unwrap();
    // Only what is for it is lost to it.
    let paths = "[[path]]\nid = \"all\"\ndestinations = [\"files\"]\nflags = [\"flow-control\"]\n\
                 [[path]]\nid = \"some\"\nsteps = [{ filter = \"message('number 0.*' type(pcre))\" }]\n\
                 destinations = [\"away\"]\nflags = [\"flow-control\"]\n";
    let path = config(data.path(), &(away() + paths));
    let mut collector = Collector::start_with(&mut binary(), &path);
    send(collector.tcp, 0..50);
    collector.wait_for_ledger(|ledger| ledger.delivered == 50);
    collector.signal(Signal::TERM);
    assert_eq!(collector.wait().code(), Some(4), "{}", collector.said);
    let (code, said) = ask(&["buffer", "forget", "away", "--yes"], &path);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("destination `away` is configured"), "{said}");

    config(data.path(), "");
    let (code, said) = ask(&["check"], &path);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("warning: ") && said.contains(SENTENCE), "{said}");
    let mut collector = Collector::start_with(&mut binary(), &path);
    assert!(collector.said.contains(SENTENCE), "{}", collector.said);
    let (_, status) = ask(&["status", "--json"], &path);
    let status: Value = serde_json::from_str(&status).unwrap();
    let row = status["destinations"].as_array().unwrap().iter().find(|row| row["id"] == "away").unwrap();
    assert_eq!((&row["orphaned"], &row["queued"]), (&true.into(), &50.into()), "{status}");
    collector.signal(Signal::TERM);
    assert_eq!(collector.wait().code(), Some(4), "{}", collector.said);
    assert!(
        collector.said.trim_end().ends_with("waits for destinations that are not configured"),
        "{}",
        collector.said
    );
    collector.last_ledger();

    let cursor = data.path().join("buffer/consumers/away.cursor");
    let (code, said) = ask(&["buffer", "forget", "away"], &path);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("10 messages of ") && cursor.exists(), "{said}");
    let (code, said) = ask(&["buffer", "forget", "away", "--yes"], &path);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("10 messages of ") && !cursor.exists(), "{said}");
    assert!(!ask(&["check"], &path).1.contains("warning"));
    Collector::start_with(&mut binary(), &path).stop();
}

#[test]
fn one_that_is_configured_again_gets_what_waited_for_it_whatever_came_meanwhile() {
    let data = tempfile::tempdir().unwrap();
    let path = config(data.path(), &away());
    let mut collector = Collector::start_with(&mut binary(), &path);
    send(collector.tcp, 0..50);
    collector.wait_for_ledger(|ledger| ledger.delivered == 50);
    config(data.path(), "");
    collector.signal(Signal::HUP);
    collector.wait_for(SENTENCE);
    collector.wait_for("reloaded: ");
    let here = "[[destination]]\nid = \"away\"\ntype = \"file\"\nroot = \"here\"\npath = \"all.log\"\n\
                [[path]]\nid = \"all\"\ndestinations = [\"files\", \"away\"]\nflags = [\"flow-control\"]\n";
    config(data.path(), here);
    collector.signal(Signal::HUP);
    collector.wait_for("reloaded: ");
    collector.wait_for_ledger(|ledger| ledger.queued == 0);
    let ledger = collector.stop();
    assert!(ledger.dropped.is_empty(), "{ledger:?}");
    assert_eq!(lines(&data.path().join("here"))["all.log"].len(), 50);
}
