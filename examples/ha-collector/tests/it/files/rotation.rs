//! Rotation while messages come, and while the collector is killed: every line is in one of the files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{Collector, PATIENCE, binary, config, files};

/// What is in the files of one name, the oldest first, however they are compressed.
fn read_all(dir: &Path, name: &str) -> Vec<String> {
    let mut found = BTreeMap::new();
    for path in files(dir) {
        let file = path.file_name().unwrap().to_str().unwrap();
        let Some(ending) = file.strip_prefix(name) else { continue };
        let number = ending.trim_start_matches('.').split('.').next().unwrap();
        let number: u32 = if number.is_empty() { 0 } else { number.parse().unwrap() };
        let mut text = String::new();
        let opened = File::open(&path).unwrap();
        match path.extension().unwrap().to_str().unwrap() {
            "gz" => flate2::read::GzDecoder::new(opened).read_to_string(&mut text).unwrap(),
            "zst" => zstd::Decoder::new(opened).unwrap().read_to_string(&mut text).unwrap(),
            _ => std::io::BufReader::new(opened).read_to_string(&mut text).unwrap(),
        };
        assert!(text.is_empty() || text.ends_with('\n'), "{} ends in the middle of a line", path.display());
        let twice = found.insert(u32::MAX - number, text);
        // Compressed and not yet removed: the same.
        assert!(twice.is_none_or(|twice| found[&(u32::MAX - number)] == twice), "{}", path.display());
    }
    found.values().flat_map(|text| text.lines().map(str::to_owned)).collect()
}

/// Waits until everything that was rotated is compressed, and nothing is unfinished.
fn wait_until_compressed(dir: &Path, name: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let names = files(dir).into_iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
        let open: Vec<String> =
            names.filter(|file| file != name && !file.ends_with(".gz") && !file.ends_with(".zst")).collect();
        if open.is_empty() {
            return;
        }
        assert!(Instant::now() < until, "never compressed: {open:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn every_line_is_found_once_and_in_order_after_many_rotations_under_load() {
    for (compress, ending) in [("gzip", ".gz"), ("zstd", ".zst")] {
        let data = tempfile::tempdir().unwrap();
        let keys = format!("rotate = {{ size = \"256KiB\", compress = \"{compress}\" }}\n");
        let mut collector = Collector::start_with(&mut binary(), &config(data.path(), &keys));
        let (senders, each) = (2_u64, 40_000_u64);
        let threads: Vec<_> = (0..senders)
            .map(|sender| {
                let tcp = TcpStream::connect(collector.tcp).unwrap();
                std::thread::spawn(move || {
                    let mut tcp = std::io::BufWriter::new(tcp);
                    for n in 0..each {
                        writeln!(tcp, "<13>1 2025-01-01T00:00:00Z h{sender} a - - - {n} {}", "x".repeat(50))
                            .unwrap();
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        collector.wait_for_ledger(|ledger| ledger.delivered == senders * each);
        let check = || {
            for sender in 0..senders {
                let found = read_all(&data.path().join(format!("logs/h{sender}")), "2025-01-01.log");
                let line = |n| format!("2025-01-01T00:00:00+00:00 h{sender} a: {n} {}", "x".repeat(50));
                assert!(found.iter().cloned().eq((0..each).map(line)), "h{sender}: {}", found.len());
            }
        };
        for sender in 0..senders {
            wait_until_compressed(&data.path().join(format!("logs/h{sender}")), "2025-01-01.log");
        }
        check();
        let rotated = files(&data.path().join("logs/h0")).len() - 1;
        assert!(rotated >= 3, "it rotated {rotated} times only");
        assert!(data.path().join(format!("logs/h0/2025-01-01.log.{rotated}{ending}")).exists());
        collector.stop();
    }
}

#[test]
fn no_line_is_lost_or_torn_when_the_collector_is_killed_while_it_rotates() {
    let data = tempfile::tempdir().unwrap();
    let keys = "rotate = { size = \"64KiB\", compress = \"gzip\" }\n\
                [buffer]\nsegment-size = \"1MiB\"\nmax-size = \"64MiB\"\n";
    let path = config(data.path(), keys);
    let mut sent: Vec<u64> = Vec::new();
    for round in 0..10_u64 {
        let collector = Collector::start_with(&mut binary(), &path);
        let tcp = TcpStream::connect(collector.tcp).unwrap();
        let sender = std::thread::spawn(move || {
            let mut tcp = tcp;
            let first = round * 1_000_000;
            let mut next = first;
            while writeln!(tcp, "<13>1 2025-01-01T00:00:00Z h a - - - {next} {}", "y".repeat(200)).is_ok() {
                next += 1;
            }
            first..next
        });
        // Not a wait for something: the moment of the kill is meant to fall anywhere.
        std::thread::sleep(Duration::from_millis(150 + 53 * round % 170));
        let before = sent.len() as u64;
        collector.kill();
        let numbers = sender.join().unwrap();
        // One stream, in order: what was accepted is its beginning.
        let queue = diskbuf::Options::new(data.path().join("buffer"));
        let queue = queue.segment_bytes(1 << 20).max_bytes(64 << 20).open().unwrap();
        let accepted = queue.status().next_seq.as_u64() - 1 - before;
        sent.extend(numbers.take(accepted as usize));
    }
    assert!(sent.len() > 5_000, "the kills came before anything happened");
    let collector = Collector::start_with(&mut binary(), &path);
    let dir = data.path().join("logs/h");
    wait_until_compressed(&dir, "2025-01-01.log");
    collector.stop();
    let mut found: Vec<u64> = read_all(&dir, "2025-01-01.log")
        .iter()
        .map(|line| {
            let number = line
                .strip_prefix("2025-01-01T00:00:00+00:00 h a: ")
                .and_then(|rest| rest.strip_suffix(&"y".repeat(200)))
                .unwrap_or_else(|| panic!("torn: {line:?}"));
            number.trim_end().parse().unwrap()
        })
        .collect();
    let lines = found.len();
    found.sort_unstable();
    found.dedup();
    assert!(found == sent, "{} of {} are found", found.len(), sent.len());
    let most = 10 * 4_096;
    assert!(lines - found.len() <= most, "only a batch that was not acknowledged comes twice");
}

#[test]
fn only_so_many_old_files_are_kept() {
    let data = tempfile::tempdir().unwrap();
    let keys = "path = \"all.log\"\nrotate = { size = \"4KiB\", keep = 3 }\n";
    let mut collector = Collector::start_with(&mut binary(), &config(data.path(), keys));
    for n in 1..=20 {
        super::send(&collector, "h", (0..20).map(|_| "z".repeat(150)));
        collector.wait_for_ledger(|ledger| ledger.delivered == n * 20);
    }
    collector.stop();
    let found = files(&data.path().join("logs"));
    let names: Vec<&str> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["all.log", "all.log.1", "all.log.2", "all.log.3"]);
    assert!(found.iter().all(|path| std::fs::metadata(path).unwrap().len() <= 4_096));
}
