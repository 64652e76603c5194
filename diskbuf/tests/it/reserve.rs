//! Room kept before the batch is there.

use diskbuf::{AppendError, Batch, Start, WhenFull};

use crate::support::{SEGMENT, account, bytes_in, drain, options, payload};

fn batch(numbers: std::ops::Range<u64>) -> Batch {
    let mut batch = Batch::new();
    for n in numbers {
        batch.push(&payload(n)).unwrap();
    }
    batch
}

#[test]
fn what_is_reserved_is_accepted_although_the_queue_is_full_and_closed() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 3).open().unwrap();
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let sizes = [3_000, 20_000, 100, 8_000];
    let rooms: Vec<_> = sizes.iter().map(|bytes| queue.reserve(*bytes).unwrap()).collect();
    let mut next = 1;
    // Full for everybody else.
    while queue.append(&mut batch(next..next + 1), WhenFull::Refuse).is_ok() {
        next += 1;
    }
    assert!(!queue.has_space());
    queue.close();
    for room in rooms.into_iter().rev() {
        let mut kept = Batch::new();
        while kept.bytes() + 400 <= room.bytes() as usize {
            kept.push(&payload(next)).unwrap();
            next += 1;
        }
        if kept.is_empty() {
            kept.push(b"123").unwrap();
            assert!(matches!(queue.append(&mut kept, WhenFull::Refuse), Err(AppendError::Closed)));
            kept.clear();
        }
        room.commit(&mut kept).unwrap();
        assert!(kept.is_empty());
    }
    account(&drain(&mut consumer).0, &[], 1, next);
    assert!(bytes_in(dir.path()) <= queue.status().max_bytes);
}

#[test]
fn a_reservation_dropped_gives_the_room_back() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 2).open().unwrap();
    assert!(matches!(queue.reserve(SEGMENT as usize), Err(AppendError::Reserved { .. })));
    let room = queue.reserve(60_000).unwrap();
    assert_eq!(queue.status().reserved, 60_000);
    assert!(matches!(room.commit(&mut batch(1..2000)), Err(AppendError::Reserved { .. })));
    assert_eq!(queue.status().reserved, 0);
    queue.append(&mut batch(1..300), WhenFull::Refuse).unwrap();
}

#[test]
fn a_full_queue_reserves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 2).open().unwrap();
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    while queue.append(&mut batch(1..30), WhenFull::Refuse).is_ok() {}
    assert!(matches!(queue.reserve(30_000), Err(AppendError::Full { .. })));
    drain(&mut consumer);
    assert!(queue.has_space());
    drop(queue.reserve(30_000).unwrap());
}
