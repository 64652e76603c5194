//! Room kept before the batch is there.

use std::time::Instant;

use diskbuf::{AppendError, Batch, Behind, Start, Wait, WhenFull};

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
    let error = queue.reserve(SEGMENT as usize).unwrap_err();
    assert_eq!(error.to_string(), "cannot reserve 65536 bytes, more than the 61440 of a segment");
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
    assert!(matches!(queue.reserve(30_000), Err(AppendError::NoRoom { bytes: 30_000, left: 0..30_000 })));
    assert!(!queue.has_room() && !queue.has_space());
    drain(&mut consumer);
    assert!(queue.has_room() && queue.has_space());
    drop(queue.reserve(30_000).unwrap());
}

#[test]
fn a_reservation_that_finds_no_room_holds_up_no_append() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 64).open().unwrap();
    let slow = queue.reserve(50_000).unwrap();
    let error = queue.reserve(20_000).unwrap_err();
    assert_eq!(error.to_string(), "no room to reserve 20000 bytes, 11440 are left");
    assert!(queue.has_space() && !queue.has_room());
    assert_eq!(queue.wait_space(None), Wait::Ready);
    assert_eq!(queue.wait_room(Some(Instant::now())), Wait::TimedOut);
    for n in 1..2000 {
        queue.append(&mut batch(n..n + 1), WhenFull::Refuse).unwrap();
    }
    drop(queue.reserve(11_000).unwrap());
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| queue.wait_room(None));
        drop(slow);
        assert_eq!(waits.join().unwrap(), Wait::Ready);
    });
    drop(queue.reserve(20_000).unwrap());
}

#[test]
fn room_is_made_for_a_reservation_where_a_consumer_may_lose() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 4).open().unwrap();
    let mut next = 1;
    while queue.append(&mut batch(next..next + 30), WhenFull::Refuse).is_ok() {
        next += 30;
    }
    let keeps = queue.consumer("a", Start::Oldest).unwrap();
    assert!(matches!(queue.reserve(50_000), Err(AppendError::NoRoom { .. })));
    drop(keeps);
    let mut loses = queue.consumer_that(Behind::Loses, "a", Start::Oldest).unwrap();
    queue.reserve(50_000).unwrap().commit(&mut batch(next..next + 60)).unwrap();
    let (records, losses) = drain(&mut loses);
    account(&records, &losses, 1, next + 60);
    assert_eq!(losses.len(), 1);
}

#[test]
fn nothing_is_dropped_for_an_append_that_reservations_alone_hold_up() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 4).open().unwrap();
    drop(queue.consumer("a", Start::Oldest).unwrap());
    // At its limit, with a newest segment that has room for what is promised, but not for what is appended.
    let mut next = 1;
    while queue.status().segments < 4 {
        queue.append(&mut batch(next..next + 10), WhenFull::Refuse).unwrap();
        next += 10;
    }
    let held = queue.reserve(50_000).unwrap();
    assert_eq!(queue.status().spares, 0);
    let large = || {
        let mut large = Batch::new();
        large.push(&[7; 61_000]).unwrap();
        large
    };
    // It does not fit beside what is promised, however much is dropped.
    let error = queue.append(&mut large(), WhenFull::DropOldest).unwrap_err();
    assert!(matches!(error, AppendError::Full { .. }), "{error}");
    assert_eq!((queue.status().dropped_oldest, queue.status().oldest_seq.as_u64()), (0, 1));
    drop(held);
    queue.append(&mut large(), WhenFull::DropOldest).unwrap();
}

#[test]
fn nothing_is_dropped_for_a_reservation_that_others_alone_hold_up() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 4).open().unwrap();
    drop(queue.consumer_that(Behind::Loses, "a", Start::Oldest).unwrap());
    let mut next = 1;
    while queue.status().segments < 4 {
        queue.append(&mut batch(next..next + 1), WhenFull::Refuse).unwrap();
        next += 1;
    }
    let held = queue.reserve(40_000).unwrap();
    assert!(matches!(queue.reserve(30_000), Err(AppendError::NoRoom { .. })));
    assert!(!queue.has_room());
    assert_eq!((queue.status().dropped_oldest, queue.status().oldest_seq.as_u64()), (0, 1));
    drop(held);
    queue.reserve(30_000).unwrap().commit(&mut batch(next..next + 30)).unwrap();
}
