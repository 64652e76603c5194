//! Any damage, anywhere: opening returns, reading ends, nothing wrong is delivered, what is missing is named.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use diskbuf::{Loss, LossCause, OpenError, Start};
use proptest::prelude::*;

use crate::support::{SEGMENT, account, append, copy_dir, drain, open, options, payload, segment_path, seq};

fn flip(path: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    if file.read_at(&mut byte, at).unwrap() == 1 {
        file.write_all_at(&[byte[0] ^ (1 << (at % 8))], at).unwrap();
    }
}

#[test]
fn a_bit_flipped_at_any_byte_of_a_segment_costs_at_most_one_record() {
    let dir = tempfile::tempdir().unwrap();
    let records = 9;
    {
        let queue = open(dir.path());
        append(&queue, 1..records + 1);
        // Of a batch not synced, a part cannot be told from a torn one.
        queue.sync().unwrap();
        // Nothing is freed as long as this one has read nothing.
        for name in ["keeper", "c0", "c1"] {
            drop(queue.consumer(name, Start::Oldest).unwrap());
        }
    }
    let end = 4096 + (1..=records).map(|n| (24 + payload(n).len() as u64).next_multiple_of(8)).sum::<u64>();
    for at in (0..100).chain(4096..end + 100) {
        let copy = tempfile::tempdir().unwrap();
        copy_dir(dir.path(), copy.path());
        flip(&segment_path(copy.path(), 0), at);
        let (mut all, mut lost) = (Vec::new(), Vec::new());
        let mut next = 0;
        for round in 0..2 {
            let queue = open(copy.path());
            if round == 0 {
                next = queue.recovery().next_seq.as_u64();
                assert!(next >= records, "bit at {at}");
                append(&queue, next..next + 3);
            }
            let mut consumer = queue.consumer(&format!("c{round}"), Start::Oldest).unwrap();
            let (records, losses) = drain(&mut consumer);
            account(&records, &losses, 1, next + 3);
            assert!(losses.iter().map(Loss::records).sum::<u64>() <= 1, "bit at {at}: {losses:?}");
            if round == 0 {
                (all, lost) = (records, losses);
            } else {
                // The cause of a loss at the end is known to those who find the end there.
                let ranges = |losses: &[Loss]| losses.iter().map(|l| (l.from, l.to)).collect::<Vec<_>>();
                assert_eq!((&all, ranges(&lost)), (&records, ranges(&losses)));
            }
        }
    }
}

#[test]
fn a_wiped_page_in_the_middle_loses_exactly_its_records() {
    let dir = tempfile::tempdir().unwrap();
    {
        let queue = open(dir.path());
        append(&queue, 1..1500);
        queue.sync().unwrap();
    }
    // In the first of several segments, and in the newest.
    let newest =
        std::fs::read_dir(dir.path()).unwrap().filter_map(|e| e.unwrap().file_name().into_string().ok());
    let newest = newest.filter(|name| name.ends_with(".seg")).max().unwrap();
    for path in [segment_path(dir.path(), 0), dir.path().join(newest)] {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.write_all_at(&[0; 4096], 8192).unwrap();
    }
    let queue = open(dir.path());
    assert_eq!(queue.recovery().next_seq, seq(1500));
    assert_eq!(queue.recovery().losses, [], "what was synced is not looked through at once");
    append(&queue, 1500..1600);
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let (records, losses) = drain(&mut consumer);
    account(&records, &losses, 1, 1600);
    assert_eq!(losses.len(), 2);
    assert!(losses.iter().all(|loss| loss.cause == LossCause::Corrupt && loss.records() < 60), "{losses:?}");
    assert_eq!(consumer.lost(), losses.iter().map(Loss::records).sum::<u64>());
}

#[test]
fn a_frame_sent_as_a_message_is_not_taken_for_a_record() {
    let dir = tempfile::tempdir().unwrap();
    {
        let queue = open(dir.path());
        append(&queue, 1..11);
    }
    // The whole segment of another life as the payload of a record, then its own header destroyed.
    let forged = std::fs::read(segment_path(dir.path(), 0)).unwrap();
    let other = tempfile::tempdir().unwrap();
    {
        let queue = open(other.path());
        queue.append_one(&forged[4096..12_288], diskbuf::WhenFull::Refuse).unwrap();
        append(&queue, 2..5);
    }
    flip(&segment_path(other.path(), 0), 4096 + 20);
    let queue = open(other.path());
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let (records, losses) = drain(&mut consumer);
    account(&records, &losses, 1, 5);
    assert_eq!((losses.len(), losses[0].from, losses[0].to), (1, seq(1), seq(1)));
}

#[test]
fn a_missing_segment_is_a_named_gap() {
    let dir = tempfile::tempdir().unwrap();
    append(&open(dir.path()), 1..1500);
    std::fs::remove_file(segment_path(dir.path(), 2)).unwrap();
    let queue = open(dir.path());
    let told = queue.recovery().losses.clone();
    assert_eq!((told.len(), told[0].cause), (1, LossCause::Missing));
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let (records, losses) = drain(&mut consumer);
    account(&records, &losses, 1, 1500);
    assert_eq!((losses[0].from, losses[0].to), (told[0].from, told[0].to));
}

#[test]
fn a_destroyed_segment_header_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    append(&open(dir.path()), 1..1500);
    for id in [0, 2] {
        let file = OpenOptions::new().write(true).open(segment_path(dir.path(), id)).unwrap();
        file.write_all_at(&[0x55; 4096], 0).unwrap();
    }
    let queue = open(dir.path());
    append(&queue, 1500..1510);
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    account(&drain(&mut consumer).0, &[], 1, 1510);
}

#[test]
fn with_all_cursor_slots_destroyed_a_consumer_starts_at_the_oldest_and_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    {
        let queue = open(dir.path());
        append(&queue, 1..101);
        for name in ["a", "b", "c"] {
            let mut consumer = queue.consumer(name, Start::Oldest).unwrap();
            for _ in 0..3 {
                consumer.read(diskbuf::Limit { records: 20, ..Default::default() }).unwrap().ack().unwrap();
            }
        }
    }
    let cursor = |name: &str| dir.path().join(format!("consumers/{name}.cursor"));
    std::fs::write(cursor("a"), [0xAA; 16_384]).unwrap();
    std::fs::write(cursor("b"), b"").unwrap();
    // One slot is enough: at worst the last acknowledgement is missing.
    flip(&cursor("c"), 3);
    let queue = open(dir.path());
    assert_eq!(queue.recovery().cursors_reset, ["a", "b"]);
    let mut consumer = queue.consumer("a", Start::Newest).unwrap();
    account(&drain(&mut consumer).0, &[], 1, 101);
    let acked = queue.consumer("c", Start::Newest).unwrap().acked();
    assert!(acked == seq(41) || acked == seq(61), "{acked}");
    drop((consumer, queue));
    assert_eq!(open(dir.path()).recovery().cursors_reset, [""; 0]);
}

#[test]
fn numbers_that_a_consumer_acknowledged_are_never_given_again() {
    let dir = tempfile::tempdir().unwrap();
    {
        let queue = open(dir.path());
        append(&queue, 1..101);
        drain(&mut queue.consumer("a", Start::Oldest).unwrap());
        drop(queue.consumer("b", Start::Oldest).unwrap());
    }
    let file = OpenOptions::new().write(true).open(segment_path(dir.path(), 0)).unwrap();
    file.write_all_at(&vec![0; usize::try_from(SEGMENT).unwrap() - 8192], 8192).unwrap();
    let queue = open(dir.path());
    assert_eq!(queue.recovery().next_seq, seq(101));
    assert_eq!(queue.recovery().losses.last().map(|loss| loss.to), Some(seq(100)));
    append(&queue, 101..111);
    account(&drain(&mut queue.consumer("a", Start::Oldest).unwrap()).0, &[], 101, 111);
    let (records, losses) = drain(&mut queue.consumer("b", Start::Oldest).unwrap());
    account(&records, &losses, 1, 111);
}

#[test]
fn one_copy_of_meta_is_enough_and_without_any_nothing_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    append(&open(dir.path()), 1..11);
    let meta = dir.path().join("META");
    flip(&meta, 20);
    append(&open(dir.path()), 11..21);
    flip(&meta, 8192 + 20);
    assert!(matches!(options(dir.path(), 8).open(), Err(OpenError::MetaDamaged { .. })));
    flip(&meta, 20);
    let saved = std::fs::read(&meta).unwrap();
    std::fs::remove_file(&meta).unwrap();
    assert!(matches!(options(dir.path(), 8).open(), Err(OpenError::MetaMissing { .. })));
    std::fs::write(&meta, saved).unwrap();
    let queue = open(dir.path());
    account(&drain(&mut queue.consumer("a", Start::Oldest).unwrap()).0, &[], 1, 21);
}

#[test]
fn a_delivery_knows_the_cause_that_the_opening_found() {
    for gone in [0, 1, 3] {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path());
        drop(queue.consumer("a", Start::Oldest).unwrap());
        append(&queue, 1..1000);
        queue.sync().unwrap();
        assert_eq!(queue.status().segments, 4);
        drop(queue);
        std::fs::remove_file(segment_path(dir.path(), gone)).unwrap();
        let queue = open(dir.path());
        let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
        let (records, losses) = drain(&mut consumer);
        account(&records, &losses, 1, 1000);
        let cause = if gone == 3 { LossCause::DeviceLost } else { LossCause::Missing };
        assert_eq!((losses.len(), losses[0].cause), (1, cause), "{gone}");
        // The front is what a consumer finds, and not the opening.
        assert_eq!(queue.recovery().losses, if gone == 0 { Vec::new() } else { losses }, "{gone}");
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = [dir.to_path_buf(), dir.join("consumers")]
        .iter()
        .flat_map(|dir| std::fs::read_dir(dir).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_in_any_file_never_stop_the_opening_nor_give_a_wrong_record(
        which in any::<prop::sample::Index>(),
        writes in prop::collection::vec((0_u64..SEGMENT, prop::collection::vec(any::<u8>(), 1..200)), 1..8),
        length in prop::option::of(0_u64..SEGMENT + 5000),
        moved in prop::option::of((0_u64..SEGMENT, 0_u64..SEGMENT, 1_usize..9000)),
    ) {
        let dir = tempfile::tempdir().unwrap();
        {
            let queue = open(dir.path());
            let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
            append(&queue, 1..800);
            drain(&mut consumer);
            append(&queue, 800..1500);
            consumer.read(diskbuf::Limit { records: 100, ..Default::default() }).unwrap().ack().unwrap();
        }
        let files = files(dir.path());
        let path = which.get(&files);
        {
            let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
            if let Some((from, to, len)) = moved {
                // Genuine frames in the wrong place.
                let mut bytes = vec![0; len];
                let n = file.read_at(&mut bytes, from & !7).unwrap();
                file.write_all_at(&bytes[..n], to & !7).unwrap();
            } else {
                for (at, bytes) in &writes {
                    file.write_all_at(bytes, *at).unwrap();
                }
            }
            if let Some(length) = length {
                file.set_len(length).unwrap();
            }
        }
        match options(dir.path(), 8).open() {
            Err(error) => prop_assert!(matches!(error, OpenError::MetaDamaged { .. }), "{}", error),
            Ok(queue) => {
                let next = queue.recovery().next_seq.as_u64();
                append(&queue, next..next + 3);
                let mut consumer = queue.consumer("b", Start::Oldest).unwrap();
                let oldest = consumer.acked().as_u64();
                let (records, losses) = drain(&mut consumer);
                account(&records, &losses, oldest, next + 3);
                drop(consumer);
                let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
                let acked = consumer.acked().as_u64();
                let (records, losses) = drain(&mut consumer);
                account(&records, &losses, acked, next + 3);
                drop((consumer, queue));
                let again = open(dir.path());
                prop_assert_eq!(again.recovery().next_seq.as_u64(), next + 3);
                prop_assert_eq!(again.recovery().torn_bytes, 0);
            }
        }
    }
}
