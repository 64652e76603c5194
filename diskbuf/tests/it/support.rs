//! Small queues, payloads that tell their number, and copies of directories.

use std::path::Path;

use diskbuf::{Batch, Consumer, Limit, Loss, Options, Queue, Seq, WhenFull};

pub(crate) const SEGMENT: u64 = 64 << 10;
/// What the small files are given.
pub(crate) const SMALL: u64 = 4096 + 2 * 3 * 4096 + 16 * 4 * 4096;

pub(crate) fn options(dir: &Path, segments: u64) -> Options {
    Options::new(dir).segment_bytes(SEGMENT).max_bytes(SMALL + segments * SEGMENT)
}

pub(crate) fn open(dir: &Path) -> Queue {
    options(dir, 8).open().unwrap()
}

/// A payload that says which number it was given: never empty, of many lengths.
pub(crate) fn payload(n: u64) -> Vec<u8> {
    let len = usize::try_from((n * 37) % 300).unwrap();
    let mut bytes = n.to_le_bytes().to_vec();
    bytes.extend((0..len).map(|i| u8::try_from((n as usize + i) % 251).unwrap()));
    bytes
}

pub(crate) fn append(queue: &Queue, numbers: std::ops::Range<u64>) {
    let mut batch = Batch::new();
    for n in numbers {
        batch.push(&payload(n)).unwrap();
    }
    let expected = batch.len() as u64;
    let appended = queue.append(&mut batch, WhenFull::Refuse).unwrap();
    assert_eq!((appended.records, appended.dropped), (expected, 0));
    assert!(batch.is_empty());
}

/// Everything there is to read, acknowledged.
pub(crate) fn drain(consumer: &mut Consumer) -> (Vec<(u64, Vec<u8>)>, Vec<Loss>) {
    let (mut records, mut losses) = (Vec::new(), Vec::new());
    for round in 0.. {
        assert!(round < 100_000, "reading does not come to an end");
        let delivery = consumer.read(Limit::default()).unwrap();
        if delivery.is_empty() && delivery.losses().is_empty() {
            break;
        }
        records.extend(delivery.iter().map(|r| (r.seq().as_u64(), r.payload().to_vec())));
        losses.extend_from_slice(delivery.losses());
        delivery.ack().unwrap();
    }
    (records, losses)
}

/// Checks that records and losses together are the numbers `from..to` once each, and every payload is right.
pub(crate) fn account(records: &[(u64, Vec<u8>)], losses: &[Loss], from: u64, to: u64) {
    let mut seen: Vec<u64> = records.iter().map(|(seq, _)| *seq).collect();
    assert!(seen.is_sorted(), "out of order");
    for (seq, bytes) in records {
        assert_eq!(*bytes, payload(*seq), "record {seq}");
    }
    seen.extend(losses.iter().flat_map(|loss| loss.from.as_u64()..=loss.to.as_u64()));
    seen.sort_unstable();
    assert_eq!(seen, (from..to).collect::<Vec<_>>());
}

pub(crate) fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What all files below `dir` take.
pub(crate) fn bytes_in(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() { bytes_in(&entry.path()) } else { metadata.len() }
        })
        .sum()
}

pub(crate) fn segment_path(dir: &Path, id: u64) -> std::path::PathBuf {
    dir.join(format!("{id:016x}.seg"))
}

pub(crate) const fn seq(n: u64) -> Seq {
    Seq::new(n)
}
