//! Records that are stored into a mapping instead of being written: the same bytes, the same promises.

use diskbuf::sim::{Disk, Fault, FaultKind, Survival};
use diskbuf::storage::Storage;
use diskbuf::{Batch, CallReason, Durability, Limit, Options, Queue, Start, WhenFull, WritePath, Writing};

use crate::support::{SEGMENT, SMALL, account, drain, options, payload};

fn on(disk: &Disk, path: WritePath) -> Queue {
    Options::new("").segment_bytes(SEGMENT).write_path(path).open_on(disk.storage()).unwrap()
}

/// Single records and batches of all lengths, more than a segment of them.
fn fill(queue: &Queue, numbers: std::ops::Range<u64>) {
    let mut batch = Batch::new();
    for n in numbers {
        if n % 5 == 0 {
            batch.push(&payload(n)).unwrap();
            queue.append(&mut batch, WhenFull::DropOldest).unwrap();
        } else {
            assert_eq!(queue.append_one(&payload(n), WhenFull::DropOldest).unwrap().as_u64(), n);
        }
    }
}

#[test]
fn what_is_stored_is_read_at_once_and_found_by_the_next_who_opens() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 4).write_path(WritePath::Mapped).open().unwrap();
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let mut next = 1;
    // Files are used again and again.
    for _ in 0..40 {
        fill(&queue, next..next + 100);
        let (records, losses) = drain(&mut consumer);
        account(&records, &losses, next, next + 100);
        next += 100;
    }
    assert_eq!(queue.status().writing, Writing::Mapped);
    assert!(queue.status().spares > 0, "no file was used again");
    fill(&queue, next..next + 100);
    drop((consumer, queue));
    let queue = options(dir.path(), 4).write_path(WritePath::Called).open().unwrap();
    assert_eq!(queue.recovery().torn_bytes, 0);
    let (records, losses) = drain(&mut queue.consumer("a", Start::Oldest).unwrap());
    account(&records, &losses, next, next + 100);
}

#[test]
fn stores_leave_the_same_bytes_as_calls() {
    let disks = [Disk::new(9), Disk::new(9)];
    for (disk, path) in disks.iter().zip([WritePath::Mapped, WritePath::Called]) {
        let queue = on(disk, path);
        fill(&queue, 1..700);
        queue.sync().unwrap();
    }
    let [mapped, called] = disks.each_ref().map(|disk| {
        let storage = disk.storage();
        let mut files = disk.files();
        files.sort();
        let read = |(name, len): (String, u64)| {
            let mut bytes = vec![0; usize::try_from(len).unwrap()];
            assert_eq!(storage.open(&name).unwrap().read_at(&mut bytes, 0).unwrap(), bytes.len());
            (name, bytes)
        };
        files.into_iter().map(read).collect::<Vec<_>>()
    });
    assert!(mapped.iter().filter(|(name, _)| name.ends_with(".seg")).count() > 1, "one segment only");
    for ((name, bytes), (other_name, other)) in mapped.iter().zip(&called) {
        assert_eq!(name, other_name);
        assert!(bytes == other, "{name}");
    }
    assert_eq!(mapped.len(), called.len());
}

#[test]
fn who_asks_is_told_which_way_records_go_and_why() {
    let writing = |options: Options| options.open_on(Disk::new(1).storage()).unwrap().status().writing;
    let options = || Options::new("").segment_bytes(SEGMENT);
    assert_eq!(writing(options().write_path(WritePath::Mapped)), Writing::Mapped);
    assert_eq!(writing(options().write_path(WritePath::Called)), Writing::Called(CallReason::Asked));
    for durability in [Durability::Group, Durability::Each] {
        let writing = writing(options().durability(durability));
        assert_eq!(writing, Writing::Called(CallReason::Durability));
        assert_eq!(writing.to_string(), "a system call each: each sync is waited for");
    }
    // A simulated disk does not say that it is safe.
    let writing = writing(options());
    assert!(matches!(writing, Writing::Called(CallReason::Storage(_))), "{writing}");
}

#[test]
fn a_real_directory_says_what_its_file_system_makes_of_stores() {
    let dir = tempfile::tempdir().unwrap();
    let mapping = diskbuf::storage::Disk::new(dir.path()).mapping();
    let writing = options(dir.path(), 4).open().unwrap().status().writing;
    let expected = match mapping {
        diskbuf::storage::Mapping::InPlace { .. } => CallReason::FewAppends,
        other => CallReason::Storage(other),
    };
    assert_eq!(writing, Writing::Called(expected), "{mapping}");
}

#[test]
fn where_mapping_is_refused_records_are_written_and_the_next_segment_is_tried() {
    let disk = Disk::new(3);
    let queue = on(&disk, WritePath::Mapped);
    // Zeros first, then the pages are brought to memory.
    disk.fail(Fault { call: disk.calls() + 1, kind: FaultKind::Io });
    fill(&queue, 1..50);
    let writing = queue.status().writing;
    assert!(matches!(writing, Writing::Called(CallReason::Refused { .. })), "{writing}");
    let before = queue.status().segments;
    let mut next = 50;
    while queue.status().segments == before {
        fill(&queue, next..next + 1);
        next += 1;
    }
    assert_eq!(queue.status().writing, Writing::Mapped);
    fill(&queue, next..next + 50);
    let (records, losses) = drain(&mut queue.consumer("a", Start::Oldest).unwrap());
    account(&records, &losses, 1, next + 50);
}

#[test]
fn a_file_used_again_is_known_as_one_when_it_is_opened_and_gets_no_zeros() {
    for (records, calls) in [(10, 2), (5000, 1)] {
        let disk = Disk::new(5);
        let queue = Options::new("").segment_bytes(SEGMENT).max_bytes(SMALL + 4 * SEGMENT);
        let queue = queue.write_path(WritePath::Mapped);
        fill(&queue.clone().open_on(disk.storage()).unwrap(), 1..records);
        let queue = queue.open_on(disk.storage()).unwrap();
        let (before, segments) = (disk.calls(), queue.status().segments);
        assert_eq!(queue.append_one(b"one more", WhenFull::Refuse).unwrap().as_u64(), records);
        assert_eq!(queue.status().segments, segments);
        // The pages are made ready, after zeros where nothing was written yet. Stores are no calls.
        assert_eq!(disk.calls() - before, calls);
    }
}

#[test]
fn where_each_sync_is_waited_for_no_more_pages_are_made_ready_than_are_stored_to() {
    // Zeros and getting ready are a call each. These records fill eight pages; the first of them is made ready by itself.
    for (durability, calls) in [(Durability::Os, 4), (Durability::Group, 16)] {
        let disk = Disk::new(6);
        let options = Options::new("").segment_bytes(SEGMENT).write_path(WritePath::Mapped);
        let queue = options.durability(durability).open_on(disk.storage()).unwrap();
        let before = disk.calls();
        for _ in 0..8 {
            queue.append_one(&[7; 4000], WhenFull::Refuse).unwrap();
        }
        assert_eq!(disk.calls() - before, calls);
    }
}

#[test]
fn after_a_failed_sync_what_was_stored_is_saved_and_stores_go_to_the_new_file() {
    for kind in [FaultKind::Io, FaultKind::IoReverts] {
        let disk = Disk::new(4);
        let queue = on(&disk, WritePath::Mapped);
        fill(&queue, 1..50);
        queue.sync().unwrap();
        fill(&queue, 50..80);
        // `STATE` is written first.
        disk.fail(Fault { call: disk.calls() + 1, kind });
        let synced = queue.sync();
        if kind == FaultKind::IoReverts {
            // What went back to what the disk holds is gone, and whoever waits is told.
            assert!(synced.is_err());
            continue;
        }
        synced.unwrap();
        assert_eq!(queue.durable_seq().unwrap().into_inner().as_u64(), 79);
        fill(&queue, 80..120);
        queue.sync().unwrap();
        let after = disk.crash(Survival::Synced, 1);
        let queue = on(&after, WritePath::Mapped);
        let (records, losses) = drain(&mut queue.consumer("a", Start::Oldest).unwrap());
        account(&records, &losses, 1, 120);
    }
}

#[test]
fn producers_and_a_reader_at_the_same_time_see_every_record_once() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path(), 64).write_path(WritePath::Mapped);
    let queue = options.durability(Durability::Interval(std::time::Duration::from_millis(1))).open().unwrap();
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    const EACH: u64 = 4000;
    let mut seen = [0_u64; 3];
    std::thread::scope(|scope| {
        for producer in 0..3_u64 {
            let queue = queue.clone();
            scope.spawn(move || {
                for n in 0..EACH {
                    let mut bytes =
                        vec![u8::try_from(producer).unwrap(); 1 + usize::try_from(n % 90).unwrap()];
                    bytes.extend(n.to_le_bytes());
                    queue.append_one(&bytes, WhenFull::Block).unwrap();
                }
            });
        }
        while seen.iter().sum::<u64>() < 3 * EACH {
            consumer.wait(None);
            let delivery = consumer.read(Limit::default()).unwrap();
            assert_eq!(delivery.losses(), []);
            for record in &delivery {
                let (front, number) = record.payload().split_last_chunk::<8>().unwrap();
                let producer = usize::from(front[0]);
                assert!(front.iter().all(|byte| usize::from(*byte) == producer));
                assert_eq!(u64::from_le_bytes(*number), seen[producer]);
                seen[producer] += 1;
            }
            delivery.ack().unwrap();
        }
    });
}

#[test]
fn a_stream_is_stored_and_what_is_synced_often_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 64).open().unwrap();
    let writing = || queue.status().writing;
    if let Writing::Called(CallReason::Storage(why)) = writing() {
        let text = format!("\nskipped: {why}\n");
        std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).unwrap();
        return;
    }
    // How many it takes depends on how long this thread is kept waiting; that many it never takes.
    let stored = (0..1_000_000).any(|n| {
        queue.append_one(b"one of many", WhenFull::DropOldest).unwrap();
        n % 100 == 0 && writing() == Writing::Mapped
    });
    assert!(stored, "{}", writing());
    for _ in 0..3 {
        queue.append_one(b"synced", WhenFull::DropOldest).unwrap();
        queue.sync().unwrap();
    }
    queue.append_one(b"synced", WhenFull::DropOldest).unwrap();
    assert!(
        matches!(writing(), Writing::Called(CallReason::OftenSynced | CallReason::FewAppends)),
        "{}",
        writing()
    );
}
