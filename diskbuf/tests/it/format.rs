//! The bytes of known fields, and that a reader made from `FORMAT.md` alone finds every record.

use diskbuf::storage::{Boot, Disk, Storage as _};
use diskbuf::{OpenError, Start};

use crate::independent::{CRC, number, records};
use crate::support::{account, append, copy_dir, drain, open, options, payload};

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    number::<8>(bytes, at)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    number::<4>(bytes, at) as u32
}

#[test]
fn a_reader_made_from_the_document_finds_every_record() {
    let dir = tempfile::tempdir().unwrap();
    {
        let queue = open(dir.path());
        let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
        append(&queue, 1..700);
        account(&drain(&mut consumer).0, &[], 1, 700);
        append(&queue, 700..1800);
        assert!(queue.status().oldest_seq.as_u64() > 1, "some segment is in its second life");
    }
    let records = records(dir.path());
    let oldest = *records.keys().next().unwrap();
    assert!(records.keys().copied().eq(oldest..1800));
    assert!(records.iter().all(|(seq, bytes)| *bytes == payload(*seq)));
}

#[test]
fn a_cursor_is_four_slots_and_the_newest_counts() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    append(&queue, 1..11);
    let slots = || {
        let bytes = std::fs::read(dir.path().join("consumers/a.cursor")).unwrap();
        assert_eq!(bytes.len(), 16_384);
        [0, 4096, 8192, 12_288].map(|at| {
            let slot = &bytes[at..at + 76];
            let whole = CRC.checksum(&slot[..72]) == u32_at(slot, 72) && slot.starts_with(b"DISKBUFC");
            assert!(!whole || (slot[8..24] == queue.uuid() && u32_at(slot, 68) == 3));
            whole.then(|| (u64_at(slot, 24), u64_at(slot, 32)))
        })
    };
    assert_eq!(slots(), [Some((0, 1)), None, None, None]);
    for (records, expected) in [(3, (1, 4)), (2, (2, 6)), (5, (3, 11))] {
        consumer.read(diskbuf::Limit { records, ..Default::default() }).unwrap().ack().unwrap();
        assert_eq!(slots().into_iter().flatten().max(), Some(expected));
        assert_eq!(slots()[0], Some((0, 1)), "the one that is safe stays until another is");
    }
    queue.sync().unwrap();
    append(&queue, 11..13);
    consumer.read(diskbuf::Limit::default()).unwrap().ack().unwrap();
    assert!(slots().contains(&Some((3, 11))) && slots().contains(&Some((4, 13))));
}

#[test]
fn state_tells_what_was_synced_and_what_was_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    append(&queue, 1..11);
    queue.sync().unwrap();
    let bytes = std::fs::read(dir.path().join("STATE")).unwrap();
    assert_eq!(bytes.len(), 12_288);
    let slots = [0, 8192].map(|at| &bytes[at..at + 124]);
    let good = slots.into_iter().filter(|slot| CRC.checksum(&slot[..120]) == u32_at(slot, 120));
    let newest = good.max_by_key(|slot| u64_at(slot, 24)).unwrap();
    assert_eq!((&newest[..8], &newest[8..24], u32_at(newest, 116)), (&b"DISKBUFT"[..], &queue.uuid()[..], 3));
    let last_at = 4096 + (1..10).map(|n| (24 + payload(n).len() as u64).next_multiple_of(8)).sum::<u64>();
    let fields: Vec<u64> = (32..96).step_by(8).map(|at| u64_at(newest, at)).collect();
    assert_eq!(fields, [11, 0, last_at, 0, 0, 1024, 0, 0]);
    let known = Disk::new(dir.path()).boot().map_or([0; 16], Boot::id);
    assert_eq!((&newest[96..112], u32_at(newest, 112)), (&known[..], 0));
}

#[test]
fn a_queue_of_another_version_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    append(&open(dir.path()), 1..11);
    let path = dir.path().join("META");
    let mut meta = std::fs::read(&path).unwrap();
    for version in [1_u32, 2, 4] {
        for at in [0, 8192] {
            meta[at + 56..at + 60].copy_from_slice(&version.to_le_bytes());
            let crc = CRC.checksum(&meta[at..at + 60]);
            meta[at + 60..at + 64].copy_from_slice(&crc.to_le_bytes());
        }
        std::fs::write(&path, &meta).unwrap();
        let before = tempfile::tempdir().unwrap();
        copy_dir(dir.path(), before.path());
        let error = options(dir.path(), 8).open().unwrap_err();
        assert!(
            matches!(error, OpenError::Version { found, supported: 3, .. } if found == version),
            "{error}"
        );
        for name in ["META", "STATE", "0000000000000000.seg"] {
            let [was, is] = [before.path(), dir.path()].map(|dir| std::fs::read(dir.join(name)).unwrap());
            assert!(was == is, "{name} was touched");
        }
    }
}
