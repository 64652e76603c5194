//! What becomes of lines: in their file, in the overflow file, in the next file, or waiting.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use caps::CapsHashSet;
use syslog_parse::IanaZone;
use tempfile::TempDir;

use super::*;
use crate::collector::destinations::file::rights::Rights;
use crate::config::{Every, Rotate};

/// A sink, its directory, and its clocks.
struct Bench {
    temp: TempDir,
    sink: Sink,
    now: Instant,
    wall: Arc<AtomicI64>,
}

const DAY: i64 = 86_400;
const OVERFLOW_FILE: &str = "%overflow/1970-01-01.log";

impl Bench {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Policy)) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let mut policy = Policy {
            missing_dirs: MissingDirs::AreMade,
            sync: Sync::Never,
            idle_close: Duration::from_secs(60),
            most: 100,
            rotation: None,
        };
        change(&mut policy);
        let (now, wall) = (Instant::now(), Arc::new(AtomicI64::new(0)));
        let sink = sink(temp.path(), policy, &wall, now);
        Self { temp, sink, now, wall }
    }

    fn rotating(rotate: Rotate) -> Self {
        let mut this = Self::new();
        this.sink.policy.rotation = Some(Rotation::new(rotate, &this.sink.root, CapsHashSet::new()).unwrap());
        this
    }

    fn put(&mut self, path: &str, line: &str) {
        self.sink.lines(path.as_bytes()).extend_from_slice(format!("{line}\n").as_bytes());
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush(self.now)
    }

    fn later(&mut self, by: Duration) -> &mut Self {
        self.now += by;
        self
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.temp.path().join(path)
    }

    /// A device that is always full stands where a file should be: opened as one, writes fail with ENOSPC.
    fn fill(&mut self, path: &str) {
        let at = self.sink.find_or_insert(path.as_bytes(), Role::Own);
        let full = std::fs::OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
        self.sink.files[at].open_as(full);
    }
}

fn sink(path: &Path, policy: Policy, wall: &Arc<AtomicI64>, now: Instant) -> Sink {
    let wall = Arc::clone(wall);
    let calendar = Calendar::with(IanaZone::utc(), move || wall.load(Ordering::Relaxed));
    Sink::new(Root::open(path, Rights::default()).unwrap(), policy, calendar, now)
}

#[test]
fn each_path_has_its_file() {
    let mut bench = Bench::new();
    for (path, line) in [("a/1.log", "1"), ("b/1.log", "2"), ("a/1.log", "3"), ("a/2.log", "4"), ("c", "5")] {
        bench.put(path, line);
    }
    bench.flush().unwrap();
    assert_eq!(bench.read("a/1.log"), "1\n3\n");
    assert_eq!(bench.read("b/1.log"), "2\n");
    assert_eq!(bench.read("a/2.log"), "4\n");
    assert_eq!(bench.read("c"), "5\n");
}

#[test]
fn more_files_than_may_be_open_lose_nothing() {
    let mut bench = Bench::with(|policy| policy.most = 16);
    for round in 0..3 {
        for host in 0..200 {
            bench.put(&format!("h{host}/log"), &round.to_string());
        }
        bench.flush().unwrap();
        assert!(bench.sink.files.len() <= 200);
        bench.later(Duration::from_secs(1));
    }
    for host in 0..200 {
        assert_eq!(bench.read(&format!("h{host}/log")), "0\n1\n2\n");
    }
    bench.later(Duration::from_secs(60));
    bench.sink.idle(bench.now);
    assert_eq!(bench.sink.files.len(), 0);
}

#[test]
fn files_beyond_the_rate_of_new_ones_share_the_overflow_file_of_today() {
    let mut bench = Bench::new();
    bench.sink.new_files = TokenBucket::new(2, 1, bench.now);
    bench.wall.store(DAY + 1, Ordering::Relaxed);
    for host in ["a", "b", "c", "d"] {
        bench.put(&format!("{host}/log"), host);
    }
    bench.flush().unwrap();
    assert_eq!(bench.read("a/log"), "a\n");
    assert_eq!(bench.read("%overflow/1970-01-02.log"), "c\nd\n");
    assert!(!bench.path("c").exists());
}

#[test]
fn a_file_that_cannot_be_opened_goes_to_the_overflow_file_at_once_and_back_when_it_can() {
    let mut bench = Bench::new();
    std::fs::write(bench.path("a"), "a file where the directory should be").unwrap();
    symlink("/", bench.path("out")).unwrap();
    let long = "x".repeat(300);
    for path in ["a/log", "b/log", "out/log", &long, "../log", "nul\0"] {
        bench.put(path, "1");
    }
    bench.flush().unwrap();
    assert_eq!(bench.read(OVERFLOW_FILE), "1\n".repeat(5));
    assert_eq!(bench.read("b/log"), "1\n");
    std::fs::remove_file(bench.path("a")).unwrap();
    bench.put("a/log", "2");
    bench.later(Duration::from_secs(1)).flush().unwrap();
    bench.put("a/log", "3");
    bench.later(RETRY_UNOPENED).flush().unwrap();
    assert_eq!(bench.read("a/log"), "3\n");
    assert_eq!(bench.read(OVERFLOW_FILE), "1\n".repeat(5) + "2\n");
}

#[test]
fn without_create_dirs_lines_go_to_the_overflow_file_until_somebody_makes_the_directory() {
    let mut bench = Bench::with(|policy| policy.missing_dirs = MissingDirs::AreLeftToOthers);
    bench.put("a/log", "1");
    bench.put("log", "1");
    bench.flush().unwrap();
    assert!(!bench.path("a").exists());
    std::fs::create_dir(bench.path("a")).unwrap();
    bench.put("a/log", "2");
    bench.later(RETRY_UNOPENED).flush().unwrap();
    assert_eq!((bench.read("a/log"), bench.read("log")), ("2\n".to_owned(), "1\n".to_owned()));
    assert_eq!(bench.read(OVERFLOW_FILE), "1\n");
}

#[test]
fn a_file_whose_own_disk_is_full_is_waited_for_a_while_and_the_others_are_written() {
    let mut bench = Bench::new();
    bench.fill("a");
    bench.put("a", "1");
    bench.put("b", "1");
    bench.flush().unwrap_err();
    assert_eq!(bench.read("b"), "1\n", "the others do not wait for it");
    bench.later(PATIENCE - Duration::from_secs(1)).flush().unwrap_err();
    assert_eq!(bench.read(OVERFLOW_FILE), "");
    bench.later(Duration::from_secs(1)).flush().unwrap();
    assert_eq!((bench.read("b"), bench.read(OVERFLOW_FILE)), ("1\n".to_owned(), "1\n".to_owned()));
    // From now on nobody waits for it.
    bench.put("a", "2");
    bench.later(Duration::from_secs(1)).flush().unwrap();
    bench.later(RETRY_FAILED).fill("a");
    bench.put("a", "3");
    bench.flush().unwrap();
    assert_eq!(bench.read(OVERFLOW_FILE), "1\n2\n3\n");
    // The name is free: the next try makes a file.
    bench.put("a", "4");
    bench.later(RETRY_FAILED).flush().unwrap();
    assert_eq!(bench.read("a"), "4\n");
    bench.put("a", "5");
    bench.later(Duration::from_secs(1)).flush().unwrap();
    assert_eq!(bench.read("a"), "4\n5\n");
}

#[test]
fn nobody_waits_for_the_second_file_on_a_disk_that_one_has_waited_for_in_vain() {
    let mut bench = Bench::new();
    bench.fill("a");
    bench.put("a", "1");
    bench.flush().unwrap_err();
    bench.later(PATIENCE).flush().unwrap();
    bench.fill("b");
    bench.put("b", "2");
    bench.later(Duration::from_secs(100)).flush().unwrap();
    assert_eq!(bench.read(OVERFLOW_FILE), "1\n2\n");
    // An hour later it is a new trouble.
    bench.fill("c");
    bench.put("c", "3");
    bench.later(Duration::from_secs(3_600)).flush().unwrap_err();
}

#[test]
fn a_full_disk_under_the_root_makes_everything_wait() {
    let mut bench = Bench::new();
    bench.put("a", "0");
    bench.flush().unwrap();
    let at = bench.sink.find_or_insert(b"a", Role::Own);
    let device = bench.sink.files[at].device().unwrap();
    let full = io::Error::from(rustix::io::Errno::NOSPC);
    assert!(bench.sink.root.concerns_all(&full, device));
    assert!(!bench.sink.root.concerns_all(&full, device + 1));
    assert!(!bench.sink.root.concerns_all(&io::Error::from(rustix::io::Errno::IO), device));
}

#[test]
fn a_line_that_is_half_in_a_failing_file_is_whole_in_the_overflow_file_and_nowhere_else() {
    let mut bench = Bench::new();
    bench.put("a", "one");
    bench.put("a", "two");
    bench.put("a", "three");
    let at = bench.sink.pending[0];
    // Written up to the middle of "two": then the disk was full.
    let lines = std::mem::replace(&mut bench.sink.files[at].lines, b"one\ntw".to_vec());
    bench.sink.settle(at, bench.now, 0).unwrap();
    bench.sink.files[at].lines = lines;
    bench.sink.divert(at, RETRY_FAILED, bench.now);
    bench.flush().unwrap();
    assert_eq!((bench.read("a"), bench.read(OVERFLOW_FILE)), ("one\n".to_owned(), "two\nthree\n".to_owned()));
}

#[test]
fn a_batch_that_is_given_up_leaves_nothing_behind_and_may_come_again() {
    let mut bench = Bench::new();
    bench.put("a", "before");
    bench.flush().unwrap();
    for _ in 0..2 {
        bench.put("a", "again");
        bench.put("b", "again");
        let a = bench.sink.pending[0];
        bench.sink.settle(a, bench.now, 0).unwrap();
        assert_eq!(bench.read("a"), "before\nagain\n");
        bench.sink.take_back();
        assert_eq!(bench.read("a"), "before\n");
    }
    bench.put("a", "again");
    bench.flush().unwrap();
    assert_eq!((bench.read("a"), bench.read("b")), ("before\nagain\n".to_owned(), String::new()));
}

#[test]
fn a_root_that_was_removed_is_made_again() {
    let mut bench = Bench::new();
    let root = bench.path("root");
    bench.sink.root = Root::open(&root, Rights::default()).unwrap();
    std::fs::remove_dir(&root).unwrap();
    bench.put("a/log", "1");
    bench.flush().unwrap();
    assert_eq!(bench.read("root/a/log"), "1\n");
    std::fs::rename(&root, bench.path("old")).unwrap();
    bench.sink.reopen().unwrap();
    bench.put("a/log", "2");
    bench.flush().unwrap();
    assert_eq!(bench.read("root/a/log"), "2\n");
}

#[test]
fn files_are_opened_anew_while_a_batch_waits_but_for_those_it_is_half_way_into() {
    let mut bench = Bench::new();
    for path in ["a", "b", "c"] {
        bench.put(path, "1");
    }
    bench.flush().unwrap();
    bench.put("a", "2");
    bench.put("b", "2");
    let a = bench.sink.pending[0];
    bench.sink.settle(a, bench.now, 0).unwrap();
    for path in ["a", "b", "c"] {
        std::fs::rename(bench.path(path), bench.path(path).with_extension("1")).unwrap();
    }
    bench.sink.reopen().unwrap();
    bench.put("c", "2");
    bench.flush().unwrap();
    assert_eq!(
        (bench.read("a.1"), bench.read("b"), bench.read("c")),
        ("1\n2\n".into(), "2\n".into(), "2\n".into())
    );
}

#[test]
fn a_file_that_was_removed_or_moved_away_is_begun_anew_within_a_second() {
    let mut bench = Bench::new();
    for path in ["removed", "moved", "replaced"] {
        bench.put(path, "1");
    }
    bench.flush().unwrap();
    std::fs::remove_file(bench.path("removed")).unwrap();
    for path in ["moved", "replaced"] {
        std::fs::rename(bench.path(path), bench.path(path).with_extension("1")).unwrap();
    }
    std::fs::write(bench.path("replaced"), "by somebody\n").unwrap();
    // However often there was a batch without them: each file has a look of its own.
    for _ in 0..3 {
        bench.put("other", "x");
        bench.later(Duration::from_millis(333)).flush().unwrap();
    }
    for path in ["removed", "moved", "replaced"] {
        bench.put(path, "2");
    }
    bench.later(Duration::from_millis(1)).flush().unwrap();
    assert_eq!((bench.read("removed"), bench.read("moved")), ("2\n".to_owned(), "2\n".to_owned()));
    assert_eq!(bench.read("replaced"), "by somebody\n2\n");
    assert_eq!((bench.read("moved.1"), bench.read("replaced.1")), ("1\n".to_owned(), "1\n".to_owned()));
}

#[test]
fn a_torn_line_in_the_overflow_file_is_removed_when_it_comes_back_with_a_file_of_its_own() {
    for day in ["1970-01-01", "1970-01-02"] {
        let mut bench = Bench::new();
        bench.wall.store(DAY, Ordering::Relaxed);
        let path = format!("%overflow/{day}.log");
        std::fs::create_dir(bench.path("%overflow")).unwrap();
        std::fs::write(bench.path(&path), "whole\na torn li").unwrap();
        bench.put("a", "first");
        bench.put("b", "a torn line");
        bench.flush().unwrap();
        assert_eq!((bench.read(&path), bench.read("b")), ("whole\n".to_owned(), "a torn line\n".to_owned()));
    }
}

#[test]
fn a_file_is_put_aside_before_it_grows_too_large_and_never_in_the_middle_of_a_batch() {
    let rotate = Rotate { size: Some(10), every: None, keep: Some(2), compress: None };
    let mut bench = Bench::rotating(rotate);
    for n in 0..7 {
        bench.put("a", &format!("{n}:::"));
        bench.flush().unwrap();
    }
    let lines = |numbers: &[u8]| numbers.iter().map(|n| format!("{n}:::\n")).collect::<String>();
    assert_eq!(
        (bench.read("a"), bench.read("a.1"), bench.read("a.2")),
        (lines(&[6]), lines(&[4, 5]), lines(&[2, 3]))
    );
    assert!(!bench.path("a.3").exists());
    bench.put("a", "one that is alone longer than that");
    let at = bench.sink.pending[0];
    bench.sink.settle(at, bench.now, 0).unwrap();
    bench.put("a", "more of the same batch");
    bench.flush().unwrap();
    assert!(bench.read("a").ends_with("same batch\n") && bench.read("a.1") == lines(&[6]));
}

#[test]
fn a_file_is_put_aside_with_the_first_line_of_a_new_day_even_after_a_restart() {
    let rotate = Rotate { size: None, every: Some(Every::Day), keep: None, compress: None };
    let mut bench = Bench::rotating(rotate);
    let noon = 20_000 * DAY + DAY / 2;
    for (at, line) in [(noon, "1"), (noon + DAY / 2 - 1, "2"), (noon + DAY / 2, "3")] {
        bench.wall.store(at, Ordering::Relaxed);
        bench.put("a", line);
        bench.flush().unwrap();
    }
    assert_eq!((bench.read("a"), bench.read("a.1")), ("3\n".to_owned(), "1\n2\n".to_owned()));
    // What counts for a file found is when it was last written to.
    bench.sink.reopen().unwrap();
    let file = std::fs::File::options().write(true).open(bench.path("a")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs((20_000 * DAY) as u64)).unwrap();
    bench.wall.store(noon, Ordering::Relaxed);
    bench.put("a", "4");
    bench.flush().unwrap();
    assert!(!bench.path("a.2").exists());
    bench.wall.store(noon + DAY, Ordering::Relaxed);
    bench.put("a", "5");
    bench.flush().unwrap();
    let rotated: BTreeMap<_, _> = ["a", "a.1", "a.2"].map(|path| (path, bench.read(path))).into();
    let expected = [("a", "5\n"), ("a.1", "3\n4\n"), ("a.2", "1\n2\n")];
    assert_eq!(rotated, expected.map(|(path, text)| (path, text.to_owned())).into());
}

#[test]
fn what_is_synced_late_is_due_when_that_was_promised() {
    let second = Duration::from_secs(1);
    let mut bench = Bench::with(|policy| policy.sync = Sync::Within(second));
    assert_eq!(bench.sink.due(), None);
    bench.put("a", "1");
    bench.flush().unwrap();
    let due = bench.now + second;
    assert_eq!(bench.sink.due(), Some(due));
    bench.put("b", "2");
    bench.later(second / 2).flush().unwrap();
    assert_eq!(bench.sink.due(), Some(due), "the oldest counts");
    bench.sink.idle(due);
    assert_eq!(bench.sink.due(), None);
    assert!(bench.sink.files.iter().all(|file| !file.is_unsynced()));
}

#[test]
fn a_batch_that_cannot_be_synced_is_written_again_and_then_elsewhere() {
    let mut bench = Bench::with(|policy| policy.sync = Sync::Batch);
    bench.put("b", "0");
    bench.flush().unwrap();
    // A pipe can be written, but not synced.
    let (reader, writer) = io::pipe().unwrap();
    let at = bench.sink.find_or_insert(b"a", Role::Own);
    bench.sink.files[at].open_as(std::os::fd::OwnedFd::from(writer).into());
    bench.put("a", "1");
    bench.put("b", "1");
    let error = bench.flush();
    assert!(error.is_ok() || bench.later(PATIENCE).flush().is_ok());
    assert_eq!((bench.read("b"), bench.read(OVERFLOW_FILE)), ("0\n1\n".to_owned(), "1\n".to_owned()));
    drop(reader);
}
