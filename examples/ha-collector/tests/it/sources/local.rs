//! What programs of this machine write: `/dev/log` by another name, and what the collector says itself.

use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use crate::support::{Collector, binary, config, has, lines, skipped};

/// The host that lines of this machine are filed under.
fn this_host() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    name.split('.').next().unwrap_or(&name).to_owned()
}

fn all(data: &Path) -> BTreeMap<String, Vec<String>> {
    lines(&data.join("logs"))
}

#[test]
fn logger_writes_to_our_socket_as_it_does_to_syslogd() {
    if !has("logger") {
        skipped("logger (util-linux) is not installed");
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let extra = "[[source]]\nid = \"local\"\ntype = \"unix-dgram\"\npath = \"log\"\n\
        [[source]]\nid = \"stream\"\ntype = \"unix-stream\"\npath = \"log-stream\"\n";
    let mut collector = Collector::start_with(&mut binary(), &config(data.path(), extra));
    let log = data.path().join("log");
    assert!(collector.said.contains(&format!("unix-dgram {}", log.display())), "{}", collector.said);
    for (n, socket) in ["log", "log-stream"].iter().enumerate() {
        let path = data.path().join(socket);
        let status =
            Command::new("logger").arg("-u").arg(&path).args(["-t", "it", &format!("way {n}")]).status();
        assert!(status.unwrap().success());
    }
    // As glibc's syslog(3) writes it, with a tag that holds a blank.
    let glibc = UnixDatagram::unbound().unwrap();
    glibc.send_to(b"<13>Nov 21 10:00:00 my app[7]: way 2", &log).unwrap();
    collector.wait_for_ledger(|ledger| ledger.delivered == 3);
    collector.stop();
    assert!(!log.exists(), "removed at the stop");
    let found = all(data.path());
    assert!(found.keys().all(|name| name.starts_with(&format!("{}/", this_host()))), "{found:?}");
    for ending in [" it: way 0", " it: way 1", " my app[7]: way 2"] {
        let times = found.values().flatten().filter(|line| line.ends_with(ending)).count();
        assert_eq!(times, 1, "{ending} in {found:?}");
    }
}

#[test]
fn a_socket_left_by_one_that_was_killed_is_taken_over_and_that_of_a_living_one_is_not() {
    let data = tempfile::tempdir().unwrap();
    let extra = "[[source]]\nid = \"local\"\ntype = \"unix-dgram\"\npath = \"log\"\n";
    let path = config(data.path(), extra);
    Collector::start_with(&mut binary(), &path).kill();
    assert!(data.path().join("log").exists());
    let collector = Collector::start_with(&mut binary(), &path);
    let again = binary().arg("run").arg("--config").arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(said.contains("another program listens there") && said.contains("unix-dgram"), "{said}");
    // Replaced by somebody else: that one is not ours to remove.
    std::fs::remove_file(data.path().join("log")).unwrap();
    let _other = UnixDatagram::bind(data.path().join("log")).unwrap();
    collector.stop();
    assert!(data.path().join("log").exists());
}

#[test]
fn what_the_collector_says_is_a_message_and_does_not_go_round() {
    let data = tempfile::tempdir().unwrap();
    let extra = "[[source]]\nid = \"internal\"\ntype = \"internal\"\n";
    let mut collector = Collector::start_with(&mut binary(), &config(data.path(), extra));
    // Each is logged twelve times, and heard ten times at the most.
    for _ in 0..30 {
        collector.ledger();
    }
    let ledger = collector.wait_for_ledger(|ledger| ledger.dropped.contains_key("too_often"));
    assert!(ledger.accepted < 25, "{ledger:?}");
    let ledger = collector.stop();
    assert_eq!(ledger.delivered, ledger.accepted);
    let found = all(data.path());
    let ours =
        found.values().flatten().filter(|line| line.contains(" ha-collector[") && line.contains("ledger {"));
    assert!(ours.count() >= 10, "{found:?}");
}
