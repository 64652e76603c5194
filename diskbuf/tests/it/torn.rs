//! An append cut short at any byte: every record before it stays, nothing wrong appears, the queue goes on.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;

use diskbuf::{Batch, Start, WhenFull};

use crate::support::{SEGMENT, account, append, copy_dir, drain, open, options, payload, segment_path};

/// The last records of the queue under test.
const LAST: u64 = 13;

fn size(n: u64) -> u64 {
    (24 + payload(n).len() as u64).next_multiple_of(8)
}

/// Leaves the first `at` bytes of the segment and does `spoil` with the rest; then checks all that must hold.
fn torn_at(original: &Path, at: u64, spoil: impl Fn(&Path)) {
    let dir = tempfile::tempdir().unwrap();
    copy_dir(original, dir.path());
    spoil(&segment_path(dir.path(), 0));
    let mut ends = (1..=LAST).scan(4096, |end, n| {
        *end += size(n);
        Some(*end)
    });
    let kept = 1 + ends.by_ref().take_while(|end| *end <= at).count() as u64;
    {
        let queue = open(dir.path());
        let recovery = queue.recovery();
        assert_eq!((recovery.next_seq.as_u64(), recovery.losses.len()), (kept, 0), "cut at {at}");
    }
    let queue = open(dir.path());
    assert_eq!(
        (queue.recovery().next_seq.as_u64(), queue.recovery().torn_bytes),
        (kept, 0),
        "cut at {at}, again"
    );
    append(&queue, kept..kept + 5);
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let (records, losses) = drain(&mut consumer);
    account(&records, &losses, 1, kept + 5);
    assert_eq!(losses, []);
    assert_eq!(queue.status().segments, 1, "goes on in the same segment");
}

fn original() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    drop(queue.consumer("a", Start::Oldest).unwrap());
    // Each is a batch of its own.
    for n in 1..=LAST {
        append(&queue, n..n + 1);
    }
    dir
}

fn last_bytes() -> std::ops::Range<u64> {
    let end = 4096 + (1..=LAST).map(size).sum::<u64>();
    end - size(LAST) - size(LAST - 1)..end
}

#[test]
fn a_file_cut_at_any_byte_keeps_every_whole_record() {
    let dir = original();
    for at in last_bytes() {
        torn_at(dir.path(), padding_start(at), |file| {
            OpenOptions::new().write(true).open(file).unwrap().set_len(at).unwrap();
        });
    }
}

#[test]
fn zeros_from_any_byte_on_keep_every_whole_record() {
    let dir = original();
    for at in last_bytes() {
        torn_at(dir.path(), padding_start(at), |file| {
            let file = OpenOptions::new().write(true).open(file).unwrap();
            file.write_all_at(&vec![0; usize::try_from(SEGMENT - at).unwrap()], at).unwrap();
        });
    }
}

#[test]
fn garbage_from_any_byte_on_keeps_every_whole_record() {
    let dir = original();
    for at in last_bytes() {
        torn_at(dir.path(), padding_start(at), |file| {
            let file = OpenOptions::new().write(true).open(file).unwrap();
            let garbage: Vec<u8> =
                (at..SEGMENT).map(|i| u8::try_from((i * i * 31 + i * 7 + 3) % 255).unwrap() | 1).collect();
            file.write_all_at(&garbage, at).unwrap();
        });
    }
}

/// `at`, or the end of the record if only padding (which no checksum covers, and nobody reads) lies between.
fn padding_start(at: u64) -> u64 {
    let mut end = 4096;
    for n in 1..=LAST {
        let payload_end = end + 24 + payload(n).len() as u64;
        end += size(n);
        if (payload_end..end).contains(&at) {
            return end;
        }
    }
    at
}

#[test]
fn a_batch_whose_first_header_never_came_takes_no_room_with_it() {
    // In a new file, and in one that is used again.
    for (batches, flags) in [(3, 0), (1500, 1)] {
        let dir = tempfile::tempdir().unwrap();
        let mut next = 1;
        {
            let queue = options(dir.path(), 4).open().unwrap();
            let mut batch = Batch::new();
            for _ in 0..batches {
                for n in next..next + 3 {
                    batch.push(&payload(n)).unwrap();
                }
                queue.append(&mut batch, WhenFull::DropOldest).unwrap();
                next += 3;
            }
        }
        let front = next - 3;
        let entries = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let newest =
            entries.filter(|path| path.file_name().is_some_and(|name| name.len() == 20)).max().unwrap();
        let bytes = std::fs::read(&newest).unwrap();
        assert_eq!(bytes[48], flags);
        let wanted = payload(front);
        let at = bytes.windows(wanted.len()).position(|part| part == wanted).unwrap() as u64 - 24;
        // The first header is stored last: so this is what a process leaves that dies in between.
        OpenOptions::new().write(true).open(&newest).unwrap().write_all_at(&[0; 24], at).unwrap();

        let queue = options(dir.path(), 4).open().unwrap();
        let (found, segments) = (queue.recovery().clone(), queue.status().segments);
        assert_eq!((found.next_seq.as_u64(), found.losses.len()), (front, 0));
        assert_eq!(found.torn_bytes, size(front) + size(front + 1) + size(front + 2));
        append(&queue, front..front + 1);
        assert_eq!(queue.status().segments, segments, "goes on in the same segment");
        drop(queue);
        let queue = options(dir.path(), 4).open().unwrap();
        assert_eq!((queue.recovery().next_seq.as_u64(), queue.recovery().torn_bytes), (front + 1, 0));
        let (records, losses) = drain(&mut queue.consumer("a", Start::Oldest).unwrap());
        account(&records, &losses, records[0].0, front + 1);
    }
}
