//! A full disk is met when a segment is made, and is no catastrophe.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use diskbuf::sim::{self, Fault, FaultKind};
use diskbuf::storage::{Disk, Storage as _};
use diskbuf::{AppendError, Batch, Behind, LossCause, Options, Start, Wait, WhenFull};

use crate::support::{SEGMENT, SMALL, account, drain, options, payload};

const DIR: &str = "DISKBUF_TEST_TMPFS";
const LIMITED: &str = "DISKBUF_TEST_LIMITED";

/// Not a test but the part that runs in a mount namespace of its own, on a file system of 400 KiB.
#[test]
#[ignore = "run by `a_full_disk_leaves_the_batch_and_a_later_attempt_works`"]
fn child_on_a_tiny_file_system() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    no_page_is_made_ready_without_room(dir);
    std::fs::write(dir.join("ballast"), vec![1; 150 << 10]).unwrap();
    let queue = options(&dir.join("queue"), 64).open().unwrap();
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let mut batch = Batch::new();
    for n in 1..1200 {
        batch.push(&payload(n)).unwrap();
    }
    let error = queue.append(&mut batch, WhenFull::Block).unwrap_err();
    assert!(matches!(error, AppendError::NoSpace { .. }), "{error:?}");
    let accepted = 1199 - batch.len() as u64;
    assert!(accepted > 100 && !batch.is_empty());
    assert!(queue.status().bytes < SMALL + 5 * SEGMENT);
    let error = queue.append(&mut batch, WhenFull::Block).unwrap_err();
    assert!(matches!(error, AppendError::NoSpace { .. }), "{error:?}");
    std::fs::remove_file(dir.join("ballast")).unwrap();
    while !batch.is_empty() {
        queue.append(&mut batch, WhenFull::Block).map_or_else(
            |error| assert!(matches!(error, AppendError::NoSpace { .. }), "{error:?}"),
            |appended| assert!(appended.records > 0),
        );
        let from = consumer.acked().as_u64();
        let (records, losses) = drain(&mut consumer);
        account(&records, &losses, from, from + records.len() as u64);
    }
    assert_eq!(consumer.acked().as_u64(), 1200);
}

/// A store would end the process there.
fn no_page_is_made_ready_without_room(dir: &Path) {
    let disk = Disk::new(dir);
    let file = disk.create("sparse").unwrap();
    let len = 1 << 20;
    file.write_all_at(b"x", len - 1).unwrap();
    let mut region = file.map(0, 1 << 20).unwrap();
    region.prepare(len - 4096, len).unwrap();
    region.store(b"yz", len - 2).unwrap();
    let error = region.prepare(0, len).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(14), "EFAULT is what stands for the signal: {error}");
    drop(region);
    let mut found = [0; 2];
    assert_eq!(file.read_at(&mut found, len - 2).unwrap(), 2);
    assert_eq!(&found, b"yz");
    disk.remove("sparse").unwrap();
}

/// Not a test but the part that runs in a mount namespace of its own, on a file system of 400 KiB.
#[test]
#[ignore = "run by `each_append_does_on_a_full_disk_what_was_asked_of_it`"]
fn child_that_asks_for_each_way() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let queue = options(&Path::new(&dir).join("queue"), 64).open().unwrap();
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let mut next = 1;
    let refused = loop {
        match queue.append_one(&payload(next), WhenFull::Refuse) {
            Ok(_) => next += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::NoSpace { .. }), "{refused:?}");
    assert!(queue.status().disk_full.is_some());
    // Whoever waits before each attempt does not spin, and is told by and by.
    let told = (0..100).any(|_| {
        let refused = queue.append(&mut batch(next..next + 9), WhenFull::Block).is_err();
        refused && !queue.has_space() && queue.wait_space(Some(Instant::now())) == Wait::TimedOut
    });
    assert!(told);
    assert_eq!((queue.wait_space(None), queue.wait_room(None)), (Wait::Ready, Wait::Ready));
    assert!(queue.status().has_space && queue.status().disk_full.is_some(), "nobody has found room");

    let mut newest = batch(next..next + 500);
    let appended = queue.append(&mut newest, WhenFull::DropNewest).unwrap();
    assert_eq!((appended.records + appended.dropped, newest.len()), (500, 0));
    assert!(appended.dropped > 0);
    next += appended.records;
    let refused = queue.append_one(&[0; 50_000], WhenFull::DropNewest).unwrap_err();
    assert!(matches!(refused, AppendError::NoSpace { .. }), "{refused:?}");
    assert_eq!(queue.status().dropped_newest, appended.dropped + 1);

    for _ in 0..50 {
        let appended = queue.append(&mut batch(next..next + 50), WhenFull::DropOldest).unwrap();
        assert_eq!((appended.records, appended.dropped), (50, 0));
        assert_eq!(queue.status().disk_full, None);
        next += 50;
    }
    let (records, losses) = drain(&mut consumer);
    account(&records, &losses, 1, next);
    assert!(losses.iter().all(|loss| loss.cause == LossCause::DroppedForRoom));
    assert_eq!(queue.status().dropped_oldest, consumer.lost());

    drop(consumer);
    let mut loses = queue.consumer_that(Behind::Loses, "a", Start::Oldest).unwrap();
    let before = next;
    for _ in 0..50 {
        assert_eq!(queue.append(&mut batch(next..next + 50), WhenFull::Refuse).unwrap().records, 50);
        next += 50;
    }
    queue.reserve(50_000).unwrap().commit(&mut batch(next..next + 50)).unwrap();
    let (records, losses) = drain(&mut loses);
    account(&records, &losses, before, next + 50);
    assert_eq!(losses.len(), 1);
}

fn batch(numbers: std::ops::Range<u64>) -> Batch {
    let mut batch = Batch::new();
    for n in numbers {
        batch.push(&payload(n)).unwrap();
    }
    batch
}

#[test]
fn a_full_disk_leaves_the_batch_and_a_later_attempt_works() {
    on_a_tiny_file_system("child_on_a_tiny_file_system");
}

#[test]
fn each_append_does_on_a_full_disk_what_was_asked_of_it() {
    on_a_tiny_file_system("child_that_asks_for_each_way");
}

fn on_a_tiny_file_system(child: &str) {
    let dir = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=400k tmpfs "$1" || exit 77; exec "$2" --exact "no_space::$3" --ignored --nocapture"#;
    let run = Command::new("unshare")
        .args(["-Urm", "sh", "-c", script, "sh"])
        .arg(dir.path())
        .arg(std::env::current_exe().unwrap())
        .arg(child)
        .env(DIR, dir.path())
        .output();
    match run {
        Err(error) => skipped(&format!("no unshare here: {error}")),
        Ok(output) if output.status.success() => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(said.contains("1 passed"), "{said}");
        }
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            let no_namespace = output.status.code() == Some(77) || text.contains("unshare:");
            assert!(no_namespace, "{text}\n{}", String::from_utf8_lossy(&output.stdout));
            skipped(&format!("no tmpfs in a namespace of our own here: {text}"));
        }
    }
}

/// Not a test but the part that limits its own files to 40 000 bytes, with the signal for that ignored.
#[test]
#[ignore = "run by `a_limit_on_the_size_of_files_refuses_records_and_loses_none`"]
fn child_with_a_limit_on_its_files() {
    let Some(dir) = std::env::var_os(LIMITED) else { return };
    let dir = Path::new(&dir);
    let limit = |bytes| {
        let limit = rustix::process::Rlimit { current: bytes, maximum: None };
        rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
    };
    let queue = options(dir, 8).open().unwrap();
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    limit(Some(40_000));
    let (mut next, mut kinds) = (1, Vec::new());
    // The first refusal is in the middle of a segment that is there, the others are of new ones.
    while kinds.len() < 3 {
        match queue.append_one(&payload(next), WhenFull::Refuse) {
            Ok(_) => next += 1,
            Err(error) => kinds.push(matches!(error, AppendError::NoSpace { .. })),
        }
    }
    assert_eq!(kinds, [false, true, true]);
    assert!(next > 100, "{next}");
    account(&drain(&mut consumer).0, &[], 1, next);
    assert!(options(&dir.join("new"), 8).open().is_err(), "a segment is longer than that");
    limit(None);
    for n in next..next + 500 {
        queue.append_one(&payload(n), WhenFull::Refuse).unwrap();
    }
    account(&drain(&mut consumer).0, &[], next, next + 500);
    drop((queue, consumer));
    let queue = options(dir, 8).open().unwrap();
    assert_eq!((queue.recovery().next_seq.as_u64(), &*queue.recovery().losses), (next + 500, &[][..]));
    drop(options(&dir.join("new"), 8).open().unwrap());
}

#[test]
fn a_limit_on_the_size_of_files_refuses_records_and_loses_none() {
    let dir = tempfile::tempdir().unwrap();
    let script =
        r#"trap "" XFSZ; exec "$1" --exact no_space::child_with_a_limit_on_its_files --ignored --nocapture"#;
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(std::env::current_exe().unwrap());
    let output = command.env(LIMITED, dir.path().join("queue")).output().unwrap();
    let [out, said] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success() && out.contains("1 passed"), "{said}\n{out}");
}

#[test]
fn what_is_dropped_on_a_full_disk_tells_that_there_is_no_space() {
    let disk = sim::Disk::new(1);
    let queue = Options::new("").segment_bytes(SEGMENT).open_on(disk.storage()).unwrap();
    disk.fail(Fault { call: disk.calls(), kind: FaultKind::NoSpace });
    // Those who wait look again after a moment: on a slow machine that moment may be over.
    let told = (0..100).any(|_| {
        let appended = queue.append(&mut batch(1..600), WhenFull::DropNewest).unwrap();
        assert!(appended.dropped > 0);
        !queue.has_space()
    });
    assert!(told);
    assert_eq!(queue.wait_space(None), Wait::Ready);
}

/// Says so past the test harness, which keeps what `eprintln!` says to itself when all is well.
fn skipped(reason: &str) {
    use std::io::Write as _;
    std::io::stderr().write_all(format!("\nskipped: {reason}\n").as_bytes()).unwrap();
}
