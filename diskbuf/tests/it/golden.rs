//! The bytes of format version 3, as files that were written once: a change of the format is noticed here. `cargo test -p diskbuf
//! --test it golden::write -- --ignored` writes them anew, which is right only together with a new version.

use std::path::{Path, PathBuf};

use diskbuf::sim::Disk;
use diskbuf::storage::Storage;
use diskbuf::{Batch, Behind, Limit, Options, Queue, Start, WhenFull};

use crate::support::{SEGMENT, SMALL, drain};

fn options(dir: &Path) -> Options {
    Options::new(dir).segment_bytes(SEGMENT).max_bytes(SMALL + 3 * SEGMENT)
}

/// A record of a certain number, of nothing but what follows from it.
fn payload(n: u64) -> Vec<u8> {
    let len = [0, 1, 7, 8, 100, 511, 512, 2999, 9000][usize::try_from(n % 9).unwrap()];
    (0..len).map(|at: u64| u8::try_from((n * 31 + at * at % 89) % 256).unwrap()).collect()
}

fn append(queue: &Queue, numbers: std::ops::RangeInclusive<u64>) {
    let mut batch = Batch::new();
    for n in numbers {
        batch.push(&payload(n)).unwrap();
    }
    queue.append(&mut batch, WhenFull::DropOldest).unwrap();
}

/// All that a queue writes: batches and single records, a segment used again, a spare, records dropped for room, acknowledgements,
/// a consumer that loses, a sync, a second run, and a tail that was not synced.
fn script(storage: &std::sync::Arc<dyn Storage>) {
    let open = || options(Path::new("")).open_on(storage.clone()).unwrap();
    let queue = open();
    let mut archive = queue.consumer("archive", Start::Oldest).unwrap();
    drop(queue.consumer_that(Behind::Loses, "live", Start::Oldest).unwrap());
    for first in (1..190).step_by(9) {
        append(&queue, first..=first + 8);
        if first % 4 == 1 {
            archive.read(Limit { records: 11, ..Limit::default() }).unwrap().ack().unwrap();
        }
    }
    queue.sync().unwrap();
    drop((queue, archive));
    let queue = open();
    drain(&mut queue.consumer("archive", Start::Oldest).unwrap());
    append(&queue, 190..=190);
    append(&queue, 191..=194);
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v3")
}

/// What the script writes, by file; zeros at the end left off. `LOCK` is text for people.
fn written() -> Vec<(String, u64, Vec<u8>)> {
    let disk = Disk::new(2);
    script(&disk.storage());
    let mut files = Vec::new();
    for (name, len) in disk.files().into_iter().filter(|(name, _)| name != "LOCK") {
        let mut bytes = vec![0; usize::try_from(len).unwrap()];
        assert_eq!(disk.storage().open(&name).unwrap().read_at(&mut bytes, 0).unwrap(), bytes.len());
        bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
        files.push((name, len, bytes));
    }
    files
}

#[test]
#[ignore = "writes the golden files"]
fn write() {
    let dir = golden();
    std::fs::remove_dir_all(&dir).ok();
    std::fs::create_dir_all(dir.join("consumers")).unwrap();
    for (name, _, bytes) in written() {
        std::fs::write(dir.join(name), bytes).unwrap();
    }
}

#[test]
fn o14_the_same_is_written_byte_for_byte() {
    let files = written();
    let names: Vec<&str> = files.iter().map(|(name, ..)| &**name).collect();
    assert!(
        names.contains(&"consumers/archive.cursor") && names.contains(&"consumers/live.cursor"),
        "{names:?}"
    );
    assert!(names.iter().filter(|name| name.ends_with(".seg")).count() >= 2, "{names:?}");
    for (name, _, bytes) in &files {
        assert!(std::fs::read(golden().join(name)).unwrap() == *bytes, "{name} is written differently now");
    }
    let kept = [golden(), golden().join("consumers")].map(|dir| std::fs::read_dir(dir).unwrap().count());
    assert_eq!(kept.iter().sum::<usize>() - 1, files.len(), "a file is not written any more");
}

#[test]
fn o14_what_was_written_then_is_read_now() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("consumers")).unwrap();
    for (name, len, _) in written() {
        let path = dir.path().join(&name);
        std::fs::copy(golden().join(&name), &path).unwrap();
        std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(len).unwrap();
    }
    let stranger = crate::independent::records(dir.path());
    let queue = options(dir.path()).open().unwrap();
    let recovery = queue.recovery();
    assert_eq!((recovery.next_seq.as_u64(), &*recovery.losses, recovery.torn_bytes), (195, &[][..], 0));
    assert!(queue.status().dropped_oldest > 0);
    let archive = queue.consumer("archive", Start::Oldest).unwrap();
    assert_eq!(archive.acked().as_u64(), 190);
    drop(archive);
    let (records, losses) = drain(&mut queue.consumer("live", Start::Newest).unwrap());
    let oldest = recovery.oldest_seq.as_u64();
    assert_eq!((losses[0].from.as_u64(), losses[0].to.as_u64()), (1, oldest - 1));
    assert!(records.iter().map(|(n, _)| *n).eq(oldest..195));
    assert!(records.iter().all(|(n, bytes)| *bytes == payload(*n)));
    assert!(stranger.into_iter().eq(records), "the reader made from the document sees the same");
}
