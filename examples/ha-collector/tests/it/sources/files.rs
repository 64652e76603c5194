//! Files that others write, rotate and truncate meanwhile.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use crate::support::{Collector, binary, config, lines};

const SOURCE: &str = "[[source]]\nid = \"app\"\ntype = \"file\"\npath = \"app.log\"\n";

fn append(path: &Path) -> File {
    OpenOptions::new().append(true).create(true).open(path).unwrap()
}

/// How often each number was delivered.
fn delivered(data: &Path) -> BTreeMap<u32, u32> {
    let mut times = BTreeMap::new();
    for line in lines(&data.join("logs")).values().flatten() {
        let (_, number) = line.split_once(" number ").unwrap_or_else(|| panic!("{line}"));
        *times.entry(number.split(' ').next().unwrap().parse().unwrap()).or_default() += 1;
    }
    times
}

fn write(file: &mut File, numbers: std::ops::Range<u32>) {
    let text: String =
        numbers.map(|n| format!("Nov 21 10:00:00 h app: number {n} {}\n", "x".repeat(100))).collect();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_file_is_followed_across_rotation_each_line_once() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("app.log");
    let mut collector = Collector::start_with(&mut binary(), &config(data.path(), SOURCE));
    let mut file = append(&path);
    let mut written = 0;
    for round in 0..5 {
        write(&mut file, written..written + 1_000);
        collector.wait_for_ledger(|ledger| ledger.delivered == u64::from(written) + 1_000);
        // As logrotate does: the program goes on with the old file for a while.
        std::fs::rename(&path, data.path().join(format!("app.log.{round}"))).unwrap();
        write(&mut file, written + 1_000..written + 1_100);
        let mut new = append(&path);
        write(&mut new, written + 1_100..written + 1_200);
        write(&mut file, written + 1_200..written + 1_300);
        collector.wait_for_ledger(|ledger| ledger.delivered == u64::from(written) + 1_300);
        written += 1_300;
        file = new;
    }
    collector.wait_for_ledger(|ledger| ledger.delivered == u64::from(written));
    collector.stop();
    let times = delivered(data.path());
    assert_eq!(times.len(), written as usize);
    assert!(times.values().all(|times| *times == 1));
}

#[test]
fn a_restart_goes_on_where_it_stopped_and_a_kill_repeats_no_more_than_was_at_hand() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("app.log");
    let configuration = config(data.path(), SOURCE);
    let mut file = append(&path);
    let mut written = 0;
    for round in 0..6 {
        write(&mut file, written..written + 20_000);
        written += 20_000;
        let mut collector = Collector::start_with(&mut binary(), &configuration);
        if round % 2 == 0 {
            // In the middle of it.
            collector.wait_for_ledger(|ledger| ledger.accepted > 0);
            collector.kill();
        } else {
            collector.wait_for_ledger(|ledger| ledger.queued == 0 && ledger.accepted > 0);
            collector.stop();
        }
    }
    let mut collector = Collector::start_with(&mut binary(), &configuration);
    write(&mut file, written..written + 1);
    written += 1;
    let ends = format!(" number {} {}", written - 1, "x".repeat(100));
    let until = std::time::Instant::now() + crate::support::PATIENCE;
    while !lines_now(data.path()).contains(&ends) {
        assert!(std::time::Instant::now() < until);
        collector.ledger();
    }
    collector.stop();
    let times = delivered(data.path());
    assert_eq!(times.len(), written as usize, "nothing is missing");
    let repeated: u32 = times.values().map(|times| times - 1).sum();
    // Three kills, each between a batch of 128 KiB and its position, of lines of 140 bytes; and what the destination
    // repeats itself.
    let batch = 128 * 1024 / 140 + 1;
    assert!(repeated <= 3 * (batch + 2 * 4096), "{repeated} lines repeated");
}

fn lines_now(data: &Path) -> String {
    crate::support::files(&data.join("logs"))
        .iter()
        .map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned())
        .collect()
}

#[test]
fn a_pattern_finds_files_that_come_later_in_a_directory_that_comes_later() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("later");
    let extra = "[[source]]\nid = \"app\"\ntype = \"file\"\npath = \"later/*.log\"\n";
    let mut collector = Collector::start_with(&mut binary(), &config(data.path(), extra));
    std::fs::create_dir(&dir).unwrap();
    write(&mut append(&dir.join("a.log")), 0..10);
    write(&mut append(&dir.join("b.log")), 10..20);
    write(&mut append(&dir.join("c.txt")), 20..30);
    collector.wait_for_ledger(|ledger| ledger.delivered == 20);
    collector.stop();
    assert_eq!(delivered(data.path()).len(), 20);
}
