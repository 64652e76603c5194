//! A queue opened again is the same queue.

use diskbuf::{OpenError, Origin, Start};

use crate::support::{account, append, copy_dir, drain, open, options, seq};

#[test]
fn the_numbers_and_the_places_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (mut next, mut read) = (1, 1);
    for round in 0..30 {
        let queue = open(dir.path());
        assert_eq!(queue.recovery().origin, if round == 0 { Origin::Created } else { Origin::Reopened });
        assert_eq!((queue.recovery().next_seq, queue.recovery().torn_bytes), (seq(next), 0));
        append(&queue, next..next + 70);
        next += 70;
        let mut consumer = queue.consumer("a", Start::Newest).unwrap();
        if round == 0 {
            read = next;
        }
        assert_eq!(consumer.acked(), seq(read));
        let delivery = consumer.read(diskbuf::Limit { records: 50, ..Default::default() }).unwrap();
        account(
            &delivery.iter().map(|r| (r.seq().as_u64(), r.payload().to_vec())).collect::<Vec<_>>(),
            delivery.losses(),
            read,
            read + delivery.len() as u64,
        );
        read += delivery.len() as u64;
        delivery.ack().unwrap();
    }
    let queue = open(dir.path());
    assert!(
        queue.status().segments + queue.status().spares <= 6,
        "opening made segments: {:?}",
        queue.status()
    );
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    account(&drain(&mut consumer).0, &[], read, next);
}

#[test]
fn a_second_opener_is_told_who_holds_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let error = options(dir.path(), 8).open().unwrap_err();
    let pid = std::process::id().to_string();
    assert!(
        matches!(&error, OpenError::Locked { path, holder } if path.ends_with("LOCK") && holder.contains(&pid))
    );
    let consumer = queue.consumer("a", Start::Oldest).unwrap();
    drop(queue);
    assert!(
        matches!(options(dir.path(), 8).open(), Err(OpenError::Locked { .. })),
        "a consumer holds it too"
    );
    drop(consumer);
    open(dir.path());
}

#[test]
fn sync_works_and_changes_nothing_that_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    queue.sync().unwrap();
    append(&queue, 1..1000);
    queue.sync().unwrap();
    append(&queue, 1000..1100);
    queue.sync().unwrap();
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    account(&drain(&mut consumer).0, &[], 1, 1100);
}

#[test]
fn the_segment_size_is_the_queues_own() {
    let dir = tempfile::tempdir().unwrap();
    let uuid = open(dir.path()).uuid();
    let queue = options(dir.path(), 8).segment_bytes(128 << 10).open().unwrap();
    assert_eq!((queue.status().segment_bytes, queue.uuid()), (64 << 10, uuid));
}

#[test]
fn a_lower_limit_refuses_until_it_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    append(&open(dir.path()), 1..2000);
    let queue = options(dir.path(), 2).open().unwrap();
    assert!(!queue.has_space() || queue.append_one(&[0; 60_000], diskbuf::WhenFull::Refuse).is_err());
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    account(&drain(&mut consumer).0, &[], 1, 2000);
    append(&queue, 2000..2300);
    assert!(queue.status().bytes <= queue.status().max_bytes);
}

#[test]
fn a_copy_of_a_running_queue_is_a_queue() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(&dir.path().join("a"));
    append(&queue, 1..500);
    copy_dir(&dir.path().join("a"), &dir.path().join("b"));
    let copy = open(&dir.path().join("b"));
    let mut consumer = copy.consumer("a", Start::Oldest).unwrap();
    account(&drain(&mut consumer).0, &[], 1, 500);
}

#[test]
fn what_is_queued_is_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("queue");
    let queue = open(&dir);
    drop(queue.consumer("a", Start::Oldest).unwrap());
    let mut looked = vec![dir];
    while let Some(path) = looked.pop() {
        let metadata = std::fs::metadata(&path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o077, 0, "{}", path.display());
        if metadata.is_dir() {
            looked.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
}
