//! The queue stays within its bytes, and says what it does when it is full.

use std::fs;
use std::time::{Duration, Instant};

use diskbuf::sim::{Disk, Fault, FaultKind};
use diskbuf::{AppendError, Batch, Behind, LossCause, OpenError, Options, Queue, Start, Wait, WhenFull};

use crate::support::{SEGMENT, SMALL, account, append, bytes_in, drain, open, options, payload, seq};

#[test]
fn segments_are_reused_and_the_bound_holds_at_every_step() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 4).open().unwrap();
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let mut next = 1;
    for _ in 0..100 {
        append(&queue, next..next + 200);
        assert!(bytes_in(dir.path()) <= SMALL + 4 * SEGMENT);
        account(&drain(&mut consumer).0, &[], next, next + 200);
        next += 200;
        let status = queue.status();
        assert!(bytes_in(dir.path()) <= status.bytes && status.bytes <= status.max_bytes);
        assert!(status.segments <= 2 && status.spares <= 2, "{status:?}");
    }
    let names = fs::read_dir(dir.path()).unwrap().count();
    assert!(names <= 3 + 4, "segments pile up");
}

#[test]
fn more_than_two_freed_segments_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    append(&queue, 1..2000);
    assert!(queue.status().segments > 5);
    drain(&mut consumer);
    let status = queue.status();
    assert_eq!((status.segments, status.spares), (1, 2));
    assert!(bytes_in(dir.path()) <= status.bytes);
}

#[test]
fn a_full_queue_refuses_and_keeps_the_batch_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 3).open().unwrap();
    let mut batch = Batch::new();
    for n in 1..3000 {
        batch.push(&payload(n)).unwrap();
    }
    let error = queue.append(&mut batch, WhenFull::Refuse).unwrap_err();
    assert!(
        matches!(error, AppendError::Full { max_bytes, .. } if max_bytes == SMALL + 3 * SEGMENT),
        "{error}"
    );
    let accepted = 2999 - batch.len() as u64;
    assert_eq!(queue.status().next_seq, seq(accepted + 1));
    assert!(!queue.has_space());
    assert_eq!(queue.wait_space(Some(Instant::now())), Wait::TimedOut);
    // A consumer can still be made, and makes room.
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    account(&drain(&mut consumer).0, &[], 1, accepted + 1);
    assert!(queue.has_space());
    assert_eq!(queue.wait_space(None), Wait::Ready);
    let mut all = accepted + 1;
    while let Err(error) = queue.append(&mut batch, WhenFull::Refuse) {
        assert!(matches!(error, AppendError::Full { .. }));
        let (records, _) = drain(&mut consumer);
        account(&records, &[], all, all + records.len() as u64);
        all += records.len() as u64;
    }
    account(&drain(&mut consumer).0, &[], all, 3000);
}

#[test]
fn drop_newest_counts_what_it_drops() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 2).open().unwrap();
    let mut batch = Batch::new();
    for n in 1..3000 {
        batch.push(&payload(n)).unwrap();
    }
    let appended = queue.append(&mut batch, WhenFull::DropNewest).unwrap();
    assert_eq!(appended.records + appended.dropped, 2999);
    assert!(batch.is_empty() && appended.dropped > 0);
    assert_eq!(queue.status().dropped_newest, appended.dropped);
    assert!(matches!(queue.append_one(&[0; 40_000], WhenFull::DropNewest), Err(AppendError::Full { .. })));
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    account(&drain(&mut consumer).0, &[], 1, appended.records + 1);
}

#[test]
fn counts_that_could_not_be_written_are_written_with_the_next() {
    let disk = Disk::new(1);
    let open = || {
        let options = Options::new("").segment_bytes(SEGMENT).max_bytes(SMALL + 2 * SEGMENT);
        options.open_on(disk.storage()).unwrap()
    };
    let queue = open();
    let fails = || disk.fail(Fault { call: disk.calls(), kind: FaultKind::Io });
    let drops = |when_full| {
        let mut batch = Batch::new();
        batch.push(&[7; 60_000]).unwrap();
        queue.append(&mut batch, when_full).unwrap();
    };
    drops(WhenFull::Refuse);
    drops(WhenFull::Refuse);
    drops(WhenFull::DropOldest);
    fails();
    drops(WhenFull::DropOldest);
    assert_eq!(queue.status().dropped_oldest, 2);
    fails();
    drops(WhenFull::DropNewest);
    assert_eq!(queue.status().dropped_newest, 1);
    drops(WhenFull::DropNewest);
    drop(queue);
    let status = open().status();
    assert_eq!((status.dropped_oldest, status.dropped_newest), (2, 2));
}

#[test]
fn who_asked_for_room_is_told_that_the_attempt_has_poisoned_the_queue() {
    let poisoned = |ask: fn(&Queue, &mut Batch) -> Result<(), AppendError>| {
        let disk = Disk::new(1);
        let options = Options::new("").segment_bytes(SEGMENT).max_bytes(SMALL + 2 * SEGMENT);
        let queue = options.open_on(disk.storage()).unwrap();
        drop(queue.consumer_that(Behind::Loses, "a", Start::Oldest).unwrap());
        let mut batch = Batch::new();
        for _ in 0..2 {
            batch.push(&[7; 60_000]).unwrap();
            queue.append(&mut batch, WhenFull::Refuse).unwrap();
        }
        batch.push(&[7; 60_000]).unwrap();
        // `STATE` is synced first.
        disk.fail(Fault { call: disk.calls(), kind: FaultKind::Io });
        let error = ask(&queue, &mut batch).unwrap_err();
        assert!(matches!(error, AppendError::Poisoned), "{error:?}");
        assert_eq!((batch.len(), queue.status().dropped_newest), (1, 0));
    };
    poisoned(|queue, batch| queue.append(batch, WhenFull::DropOldest).map(drop));
    poisoned(|queue, batch| queue.append(batch, WhenFull::DropNewest).map(drop));
    poisoned(|queue, batch| queue.reserve(batch.bytes()).map(drop));
}

#[test]
fn drop_oldest_tells_each_consumer_exactly_what_it_missed() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 3).open().unwrap();
    let mut behind = queue.consumer("behind", Start::Oldest).unwrap();
    let mut ahead = queue.consumer("ahead", Start::Oldest).unwrap();
    append(&queue, 1..100);
    let mut got = drain(&mut ahead).0;
    let mut lost = Vec::new();
    for round in 0..40 {
        let mut batch = Batch::new();
        for n in 0..50 {
            batch.push(&payload(100 + round * 50 + n)).unwrap();
        }
        assert_eq!(queue.append(&mut batch, WhenFull::DropOldest).unwrap().records, 50);
        assert!(bytes_in(dir.path()) <= SMALL + 3 * SEGMENT);
        if round % 15 == 14 {
            let (records, losses) = drain(&mut ahead);
            got.extend(records);
            lost.extend(losses);
        }
    }
    let (records, losses) = drain(&mut ahead);
    got.extend(records);
    lost.extend(losses);
    account(&got, &lost, 1, 2100);
    assert!(lost.iter().all(|loss| loss.cause == LossCause::DroppedForRoom));
    let (records, losses) = drain(&mut behind);
    account(&records, &losses, 1, 2100);
    assert_eq!(losses.len(), 1);
    assert_eq!(behind.lost(), losses[0].records());
    assert_eq!(queue.status().dropped_oldest, losses[0].records());
}

#[test]
fn a_loss_is_told_again_until_it_is_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let lost;
    {
        let queue = options(dir.path(), 2).open().unwrap();
        drop(queue.consumer("a", Start::Oldest).unwrap());
        for n in 1..2000 {
            queue.append_one(&payload(n), WhenFull::DropOldest).unwrap();
        }
        let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
        lost = consumer.read(diskbuf::Limit::default()).unwrap().losses().to_vec();
        assert_eq!((lost.len(), lost[0].from), (1, seq(1)));
        assert_eq!(consumer.read(diskbuf::Limit::default()).unwrap().losses(), lost);
    }
    let queue = options(dir.path(), 2).open().unwrap();
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let (records, losses) = drain(&mut consumer);
    account(&records, &losses, 1, 2000);
    assert_eq!((losses[0].to, losses[0].cause), (lost[0].to, LossCause::DroppedForRoom));
}

#[test]
fn block_waits_for_room_or_the_moment_or_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 2).open().unwrap();
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let mut batch = Batch::new();
    for n in 1..2000 {
        batch.push(&payload(n)).unwrap();
    }
    let soon = Instant::now() + Duration::from_millis(20);
    let error = queue.append(&mut batch, WhenFull::BlockUntil(soon)).unwrap_err();
    assert!(matches!(error, AppendError::Full { .. }) && Instant::now() >= soon);
    std::thread::scope(|scope| {
        let producer = scope.spawn(|| queue.append(&mut batch, WhenFull::Block));
        let mut got = Vec::new();
        while got.len() < 1999 {
            assert_eq!(consumer.wait(None), Wait::Ready);
            got.extend(drain(&mut consumer).0);
        }
        account(&got, &[], 1, 2000);
        assert_eq!(producer.join().unwrap().unwrap().last, Some(seq(1999)));
    });
    std::thread::scope(|scope| {
        let producer = scope.spawn(|| {
            let mut batch = Batch::new();
            for n in 1..3000 {
                batch.push(&payload(n)).unwrap();
            }
            queue.append(&mut batch, WhenFull::Block)
        });
        while queue.has_space() {
            std::thread::yield_now();
        }
        queue.close();
        assert!(matches!(producer.join().unwrap(), Err(AppendError::Closed)));
    });
    // What is in a closed queue can be read to the end.
    assert!(!drain(&mut consumer).0.is_empty());
    assert_eq!(consumer.wait(None), Wait::Closed);
}

#[test]
fn without_a_consumer_records_are_kept_and_the_last_one_to_leave_keeps_them_too() {
    let dir = tempfile::tempdir().unwrap();
    let queue: Queue = open(dir.path());
    append(&queue, 1..1000);
    drop(queue.consumer("a", Start::Newest).unwrap());
    assert_eq!(queue.status().segments, 1, "all consumers have acknowledged all");
    queue.remove_consumer("a").unwrap();
    append(&queue, 1000..1800);
    let kept = queue.status();
    assert!(kept.segments > 1);
    let mut consumer = queue.consumer("b", Start::Oldest).unwrap();
    account(&drain(&mut consumer).0, &[], kept.oldest_seq.as_u64(), 1800);
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for bytes in [0, 4096, SEGMENT + 1, 2 << 30] {
        let refused = options(dir.path(), 2).segment_bytes(bytes).open();
        assert!(matches!(refused, Err(OpenError::SegmentBytes { given, .. }) if given == bytes));
    }
    let refused = options(dir.path(), 1).open();
    assert!(matches!(refused, Err(OpenError::MaxBytes { min, .. }) if min == SMALL + 2 * SEGMENT));
}

#[test]
fn what_is_refused_for_its_limits_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let small = || Options::new(dir.path().join("queue")).max_bytes(1 << 20);
    let refused = small().open().unwrap_err().to_string();
    let why = "max_bytes is 1048576, must be at least 134508544 for its segments of 67108864 bytes";
    assert_eq!(refused, why);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    fs::create_dir(dir.path().join("queue")).unwrap();
    assert!(small().open().is_err());
    assert_eq!(fs::read_dir(dir.path().join("queue")).unwrap().count(), 0);
    small().segment_bytes(64 << 10).open().unwrap();
    let refused = Options::new(dir.path().join("queue")).max_bytes(4096).open().unwrap_err().to_string();
    assert!(refused.ends_with("must be at least 421888 for its segments of 65536 bytes"), "{refused}");
}
