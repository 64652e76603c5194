//! Files that are not where or what they should be, and counts that outlive a run.

use std::fs;
use std::path::Path;

use diskbuf::{Batch, Behind, Counts, LossCause, OpenError, Start, WhenFull};

use crate::support::{
    SEGMENT, SMALL, account, append, bytes_in, drain, open, options, payload, segment_path,
};

#[test]
fn two_segments_that_changed_names_are_read() {
    let dir = tempfile::tempdir().unwrap();
    append(&open(dir.path()), 1..1500);
    let (a, b, c) = (segment_path(dir.path(), 1), segment_path(dir.path(), 2), dir.path().join("x"));
    fs::rename(&a, &c).unwrap();
    fs::rename(&b, &a).unwrap();
    fs::rename(&c, &b).unwrap();
    let queue = open(dir.path());
    assert_eq!((queue.recovery().losses.len(), queue.recovery().unreadable.len()), (0, 0));
    account(&drain(&mut queue.consumer("a", Start::Oldest).unwrap()).0, &[], 1, 1500);
}

#[test]
fn without_its_lock_file_the_queue_is_still_locked() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    fs::remove_file(dir.path().join("LOCK")).unwrap();
    assert!(matches!(options(dir.path(), 8).open(), Err(OpenError::Locked { .. })));
    drop(queue);
    open(dir.path());
}

#[test]
fn a_file_that_is_no_segment_is_put_away_with_a_reason_and_counts() {
    let dir = tempfile::tempdir().unwrap();
    append(&open(dir.path()), 1..100);
    fs::write(segment_path(dir.path(), 77), vec![9; usize::try_from(SEGMENT).unwrap()]).unwrap();
    let before = {
        let queue = open(dir.path());
        assert_eq!(queue.recovery().unreadable, [segment_path(dir.path(), 77)]);
        queue.status()
    };
    assert!(before.quarantined > SEGMENT);
    let why = fs::read_to_string(dir.path().join("0000000000000000.why")).unwrap();
    assert!(why.contains("000000000000004d.seg") && why.contains("neither its header"), "{why}");
    let queue = open(dir.path());
    assert_eq!((queue.status().quarantined, queue.recovery().unreadable.len()), (before.quarantined, 0));
    assert!(bytes_in(dir.path()) <= queue.status().bytes);
    // Another one takes its place: the quarantine has a bound.
    drop(queue);
    fs::write(segment_path(dir.path(), 78), vec![9; usize::try_from(SEGMENT).unwrap()]).unwrap();
    let queue = open(dir.path());
    assert!(queue.status().quarantined < 2 * SEGMENT);
    let none = fs::read_dir(dir.path())
        .unwrap()
        .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().ends_with(".bad"));
    assert_eq!(none.count(), 1);
}

#[test]
fn a_damaged_segment_is_kept_when_it_is_done_with() {
    let dir = tempfile::tempdir().unwrap();
    {
        let queue = open(dir.path());
        append(&queue, 1..1500);
        queue.sync().unwrap();
    }
    let path = segment_path(dir.path(), 0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[9_000] ^= 4;
    fs::write(&path, bytes).unwrap();
    let queue = open(dir.path());
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let (records, losses) = drain(&mut consumer);
    account(&records, &losses, 1, 1500);
    assert_eq!(losses.len(), 1);
    assert!(queue.status().quarantined > 0);
    assert!(fs::read_to_string(dir.path().join("0000000000000000.why")).unwrap().contains("did not verify"));
}

#[test]
fn what_was_dropped_is_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let dropped = {
        let queue = options(dir.path(), 2).open().unwrap();
        drop(queue.consumer("a", Start::Oldest).unwrap());
        let mut batch = Batch::new();
        for n in 1..2000 {
            batch.push(&payload(n)).unwrap();
        }
        queue.append(&mut batch.clone(), WhenFull::DropNewest).unwrap();
        queue.append(&mut batch, WhenFull::DropOldest).unwrap();
        let status = queue.status();
        assert!(status.dropped_newest > 0 && status.dropped_oldest > 0);
        (status.dropped_newest, status.dropped_oldest)
    };
    let queue = options(dir.path(), 2).open().unwrap();
    assert_eq!((queue.status().dropped_newest, queue.status().dropped_oldest), dropped);
    assert_eq!(queue.recovery().counts, Counts::Kept);
    drop(queue);
    fs::remove_file(dir.path().join("STATE")).unwrap();
    let queue = options(dir.path(), 2).open().unwrap();
    assert_eq!((queue.status().dropped_newest, queue.recovery().counts), (0, Counts::Lost));
}

#[test]
fn a_slow_consumer_that_may_lose_holds_up_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 3).open().unwrap();
    let mut slow = queue.consumer_that(Behind::Loses, "slow", Start::Oldest).unwrap();
    let mut keeper = queue.consumer("keeper", Start::Oldest).unwrap();
    let mut kept = Vec::new();
    for round in 0..30 {
        append(&queue, 1 + round * 100..101 + round * 100);
        kept.extend(drain(&mut keeper).0);
        assert!(bytes_in(dir.path()) <= SMALL + 3 * SEGMENT);
    }
    account(&kept, &[], 1, 3001);
    let status = queue.status();
    let of = |name: &str| status.consumers.iter().find(|c| c.name == name).unwrap();
    assert_eq!((of("keeper").lag, of("keeper").lag_bytes), (0, 0));
    assert!(of("slow").lag > 0 && of("slow").lag_bytes > 0);
    let (records, losses) = drain(&mut slow);
    account(&records, &losses, 1, 3001);
    assert!(!losses.is_empty() && losses.iter().all(|loss| loss.cause == LossCause::DroppedForRoom));
    assert_eq!(slow.lost(), losses.iter().map(diskbuf::Loss::records).sum::<u64>());
    drop((slow, keeper, queue));
    // Its policy is part of its cursor.
    let queue = options(dir.path(), 3).open().unwrap();
    assert!(queue.consumers().iter().any(|c| c.name == "slow" && c.behind == Behind::Loses));
}

#[test]
fn one_that_lost_keeps_when_it_is_opened_so_and_the_other_way_round() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 3).open().unwrap();
    let behind = |queue: &diskbuf::Queue| queue.consumers().first().map(|c| (c.behind, c.acked.as_u64()));
    let mut one = queue.consumer_that(Behind::Loses, "one", Start::Oldest).unwrap();
    append(&queue, 1..101);
    drain(&mut one);
    drop(one);
    drop(queue.consumer_that(Behind::Keeps, "one", Start::Oldest).unwrap());
    assert_eq!(behind(&queue), Some((Behind::Keeps, 101)), "where it was");
    drop(queue);
    let queue = options(dir.path(), 3).open().unwrap();
    assert_eq!(behind(&queue), Some((Behind::Keeps, 101)), "beyond the process");
    let mut batch = Batch::new();
    let full = loop {
        batch.push(&[b'x'; 1000]).unwrap();
        if let Err(error) = queue.append(&mut batch, WhenFull::Refuse) {
            break error;
        }
    };
    assert!(matches!(full, diskbuf::AppendError::Full { .. }), "{full}");
    drop(queue.consumer_that(Behind::Loses, "one", Start::Oldest).unwrap());
    queue.append(&mut batch, WhenFull::Refuse).unwrap();
}

#[test]
fn files_of_others_are_left_alone_whatever_they_end_in() {
    let dir = tempfile::tempdir().unwrap();
    append(&open(dir.path()), 1..100);
    // Neither the form of a segment's name nor that of one on the way to it.
    let names = ["my video.seg", "moved-1.seg", "00000000000000AB.seg", "spare-7.seg", "notes.tmp"];
    names.iter().for_each(|name| fs::write(dir.path().join(name), name).unwrap());
    let queue = open(dir.path());
    assert_eq!((queue.recovery().unreadable.len(), queue.status().quarantined), (0, 0));
    drop(queue);
    names.iter().for_each(|name| assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), *name));
}

#[test]
fn no_queue_is_made_over_files_of_others_or_of_a_lost_queue() {
    for name in ["STATE", "new.tmp", "spare-0.seg", "00000000000000ab.seg", "moved-00000000000000ab.seg"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, "somebody's").unwrap();
        let error = options(dir.path(), 8).open().unwrap_err();
        assert!(matches!(&error, OpenError::MetaMissing { found, .. } if found == name), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "somebody's");
        fs::remove_file(&path).unwrap();
        open(dir.path());
    }
    // All segments and META are gone, but something was in there.
    let dir = tempfile::tempdir().unwrap();
    append(&open(dir.path()), 1..100);
    fs::remove_file(dir.path().join("META")).unwrap();
    fs::remove_file(segment_path(dir.path(), 0)).unwrap();
    let error = options(dir.path(), 8).open().unwrap_err();
    assert!(matches!(&error, OpenError::MetaMissing { found, .. } if found == "STATE"), "{error}");
}

#[test]
fn what_a_crash_leaves_before_there_is_a_queue_is_no_hindrance() {
    let dir = tempfile::tempdir().unwrap();
    // Made in full, but nothing of it reached the disk but its name and length.
    fs::write(dir.path().join("STATE"), vec![0; 3 * 4096]).unwrap();
    for name in ["STATE.tmp", "META.tmp"] {
        fs::write(dir.path().join(name), vec![0; 4096]).unwrap();
    }
    append(&open(dir.path()), 1..10);
    let left =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(left.filter(|name| name.ends_with(".tmp")).count(), 0);
}

const CHILD: &str = "DISKBUF_TEST_DIRECTORY";

/// Not a test but the part that changes the directory of its own process.
#[test]
#[ignore = "run by `a_relative_path_is_meant_from_where_the_process_was`"]
fn child_that_goes_elsewhere() {
    let Some(dir) = std::env::var_os(CHILD) else { return };
    std::env::set_current_dir(&dir).unwrap();
    let queue = options(Path::new("rel"), 8).open().unwrap();
    append(&queue, 1..10);
    std::env::set_current_dir("/").unwrap();
    queue.sync().unwrap();
    append(&queue, 10..1000);
    account(&drain(&mut queue.consumer("a", Start::Oldest).unwrap()).0, &[], 1, 1000);
    drop(queue);
    std::env::set_current_dir(&dir).unwrap();
    let inspection = diskbuf::inspect::Inspection::open("rel").unwrap();
    std::env::set_current_dir("/").unwrap();
    assert!(!inspection.segments().is_empty() && inspection.segments().iter().all(|s| s.bytes == SEGMENT));
}

#[test]
fn a_relative_path_is_meant_from_where_the_process_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "strays::child_that_goes_elsewhere", "--ignored", "--nocapture"]);
    let output = command.env(CHILD, dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn the_empty_path_is_refused() {
    let error = options(Path::new(""), 8).open().unwrap_err();
    assert!(matches!(error, OpenError::NoDirectory), "{error}");
    assert!(!Path::new("LOCK").exists());
}
