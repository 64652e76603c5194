//! Looking into a queue that nobody has open changes nothing and misses nothing.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use diskbuf::inspect::{Entry, Inspection, Place};
use diskbuf::{Behind, ConsumerError, Limit, LossCause, OpenError, Start, WhenFull};
use proptest::prelude::*;

use crate::support::{SEGMENT, append, copy_dir, drain, open, options, payload, segment_path, seq};

/// Every file and its bytes.
fn bytes(dir: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let (dirs, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let below = dirs.iter().flat_map(|dir| bytes(dir));
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).chain(below).collect()
}

/// Numbers and payloads in the queue, losses, and numbers in quarantine.
type All = (Vec<(u64, Vec<u8>)>, Vec<(u64, u64)>, Vec<u64>);

fn all(inspection: &mut Inspection) -> All {
    let (mut records, mut lost, mut quarantined) = (Vec::new(), Vec::new(), Vec::new());
    let end = inspection.each(|entry| {
        match entry {
            Entry::Record { seq, payload, place: Place::Queue } => {
                records.push((seq.as_u64(), payload.to_vec()))
            }
            Entry::Record { seq, place: Place::Quarantine { .. }, .. } => quarantined.push(seq.as_u64()),
            Entry::Lost(loss) => lost.push((loss.from.as_u64(), loss.to.as_u64())),
            _ => {}
        }
        ControlFlow::<()>::Continue(())
    });
    assert_eq!(end.unwrap(), ControlFlow::Continue(()));
    (records, lost, quarantined)
}

fn damage(path: &Path, at: u64) {
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 4], at).unwrap();
}

#[test]
fn a_queue_at_rest_is_shown_with_its_segments_and_consumers_and_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    {
        let queue = open(dir.path());
        let mut ahead = queue.consumer("ahead", Start::Oldest).unwrap();
        drop(queue.consumer_that(Behind::Loses, "behind", Start::Oldest).unwrap());
        append(&queue, 1..1000);
        ahead.read(Limit { records: 10, ..Limit::default() }).unwrap().ack().unwrap();
        assert!(matches!(Inspection::open(dir.path()), Err(OpenError::Locked { .. })));
    }
    let before = bytes(dir.path());
    let mut inspection = Inspection::open(dir.path()).unwrap();
    assert!(
        matches!(options(dir.path(), 8).open(), Err(OpenError::Locked { .. })),
        "nobody opens it meanwhile"
    );
    let segments = inspection.segments();
    assert!(segments.len() > 2 && segments.iter().all(|segment| segment.bytes == SEGMENT));
    assert_eq!(segments.iter().map(|segment| segment.records).sum::<u64>(), 999);
    for pair in segments.windows(2) {
        assert_eq!(pair[0].first.as_u64() + pair[0].records, pair[1].first.as_u64());
        assert!(pair[0].modified <= pair[1].modified);
    }
    let consumers = inspection.consumers();
    let shown: Vec<_> = consumers.iter().map(|c| (&*c.name, c.acked, c.behind, c.lag, c.lost)).collect();
    let (ahead, behind) = (Some(seq(11)), Some(seq(1)));
    assert_eq!(shown, [("ahead", ahead, Behind::Keeps, 989, 0), ("behind", behind, Behind::Loses, 999, 0)]);
    // All that is in the files, acknowledged or not.
    let (records, lost, quarantined) = all(&mut inspection);
    assert!(records.into_iter().eq((1..1000).map(|n| (n, payload(n)))));
    assert_eq!((lost, quarantined), (vec![], vec![]));
    let verdict = inspection.verify().unwrap();
    assert!(verdict.is_whole() && verdict.records == 999, "{verdict:?}");
    drop(inspection);
    assert!(bytes(dir.path()) == before, "a file was touched");
    open(dir.path());
}

#[test]
fn a_consumer_can_be_removed_from_a_queue_at_rest_and_its_room_is_free_at_the_next_opening() {
    let dir = tempfile::tempdir().unwrap();
    {
        let queue = open(dir.path());
        drop(queue.consumer("gone", Start::Oldest).unwrap());
        let mut here = queue.consumer("here", Start::Oldest).unwrap();
        append(&queue, 1..1_500);
        drain(&mut here);
    }
    let before = bytes(dir.path());
    let mut inspection = Inspection::open(dir.path()).unwrap();
    let error = inspection.remove_consumer("nobody").unwrap_err();
    assert!(matches!(error, ConsumerError::Unknown { name } if name == "nobody"));
    inspection.remove_consumer("gone").unwrap();
    inspection.remove_consumer("gone").unwrap_err();
    assert_eq!(inspection.consumers().iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["here"]);
    drop(inspection);
    let mut after = bytes(dir.path());
    after.insert(
        dir.path().join("consumers/gone.cursor"),
        before[&dir.path().join("consumers/gone.cursor")].clone(),
    );
    assert!(after == before, "nothing else is touched");
    let status = open(dir.path()).status();
    assert!(status.records < 1_499 && status.consumers.len() == 1, "{status:?}");
}

#[test]
fn damage_is_named_by_exact_number_and_reading_goes_on_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    {
        let queue = open(dir.path());
        drop(queue.consumer("a", Start::Oldest).unwrap());
        append(&queue, 1..600);
        queue.sync().unwrap();
    }
    let last_of_seven =
        4096 + (1..=7).map(|n| (24 + payload(n).len() as u64).next_multiple_of(8)).sum::<u64>() - 9;
    damage(&segment_path(dir.path(), 0), last_of_seven);
    damage(&dir.path().join("META"), 8200);
    damage(&segment_path(dir.path(), 1), 30);
    let before = bytes(dir.path());
    let mut inspection = Inspection::open(dir.path()).unwrap();
    let verdict = inspection.verify().unwrap();
    assert_eq!(verdict.records, 598);
    let lost: Vec<_> =
        verdict.losses.iter().map(|loss| (loss.from.as_u64(), loss.to.as_u64(), loss.cause)).collect();
    assert_eq!(lost, [(7, 7, LossCause::Corrupt)]);
    let damaged: Vec<&str> = verdict.damaged.iter().map(|(name, _)| &**name).collect();
    assert_eq!(damaged, ["META", "0000000000000001.seg"], "{verdict:?}");
    assert!(!verdict.is_whole());
    let (records, lost, _) = all(&mut inspection);
    assert!(records.iter().map(|(n, _)| *n).eq((1..600).filter(|n| *n != 7)));
    assert_eq!(lost, [(7, 7)]);
    drop(inspection);
    assert!(bytes(dir.path()) == before, "a file was touched");
}

#[test]
fn of_a_batch_that_was_never_synced_what_is_whole_is_shown_as_a_part() {
    let dir = tempfile::tempdir().unwrap();
    {
        let queue = open(dir.path());
        append(&queue, 1..21);
        append(&queue, 21..41);
    }
    damage(&segment_path(dir.path(), 0), 4096 + 24);
    let mut inspection = Inspection::open(dir.path()).unwrap();
    let (mut queued, mut parts) = (Vec::new(), Vec::new());
    let end = inspection.each(|entry| {
        match entry {
            Entry::Record { seq, place: Place::Queue, .. } => queued.push(seq.as_u64()),
            Entry::Record { seq, payload: bytes, place: Place::Part { .. } } => {
                assert_eq!(bytes, payload(seq.as_u64()));
                parts.push(seq.as_u64());
            }
            _ => {}
        }
        ControlFlow::<()>::Continue(())
    });
    assert_eq!(end.unwrap(), ControlFlow::Continue(()));
    assert!(queued.into_iter().eq(21..41) && parts.into_iter().eq(2..21));
}

#[test]
fn records_of_a_file_that_was_put_away_are_shown_as_such() {
    let dir = tempfile::tempdir().unwrap();
    {
        let queue = open(dir.path());
        append(&queue, 1..600);
        queue.sync().unwrap();
    }
    damage(&segment_path(dir.path(), 0), 4096 + 26);
    // Read past the damage and acknowledged, the segment is put away.
    {
        let queue = open(dir.path());
        drain(&mut queue.consumer("a", Start::Oldest).unwrap());
        append(&queue, 600..610);
    }
    let mut inspection = Inspection::open(dir.path()).unwrap();
    let files = inspection.quarantined();
    assert_eq!(files.len(), 1);
    assert!(files[0].reason.starts_with("0000000000000000.seg: "), "{files:?}");
    let (records, lost, quarantined) = all(&mut inspection);
    let first = records[0].0;
    assert!(records.iter().map(|(n, _)| *n).eq(first..610));
    assert_eq!(lost, []);
    assert_eq!((quarantined[0], quarantined.is_sorted()), (2, true));
    assert!(!inspection.verify().unwrap().is_whole());
}

#[test]
fn what_a_consumer_missed_is_shown_before_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    {
        let queue = options(dir.path(), 2).open().unwrap();
        drop(queue.consumer("a", Start::Oldest).unwrap());
        for n in 1..1000 {
            queue.append_one(&payload(n), WhenFull::DropOldest).unwrap();
        }
    }
    let mut inspection = Inspection::open(dir.path()).unwrap();
    let oldest = inspection.segments()[0].first;
    let missing = &inspection.consumers()[0].missing;
    assert_eq!((missing[0].from, missing[0].to.next()), (seq(1), oldest));
    let verdict = inspection.verify().unwrap();
    assert_eq!(verdict.records + verdict.losses.iter().map(diskbuf::Loss::records).sum::<u64>(), 999);
}

#[test]
fn a_directory_without_a_queue_is_none_and_stays_so() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Inspection::open(dir.path()), Err(OpenError::NoQueue { .. })));
    assert!(matches!(Inspection::open(dir.path().join("absent")), Err(OpenError::Io { .. })));
    append(&open(dir.path()), 1..10);
    std::fs::remove_file(dir.path().join("META")).unwrap();
    assert!(matches!(Inspection::open(dir.path()), Err(OpenError::MetaMissing { .. })));
    std::fs::write(dir.path().join("META"), b"nonsense").unwrap();
    assert!(matches!(Inspection::open(dir.path()), Err(OpenError::MetaDamaged { .. })));
}

#[test]
fn what_was_dropped_for_room_is_no_damage_and_what_was_removed_is() {
    let dir = tempfile::tempdir().unwrap();
    let made = |behind| {
        let queue = options(dir.path(), 3).open().unwrap();
        drop(queue.consumer_that(behind, "a", Start::Oldest).unwrap());
        for n in 1..1500 {
            queue.append_one(&payload(n), WhenFull::DropOldest).unwrap();
        }
        assert!(queue.status().dropped_oldest > 100);
    };
    for behind in [Behind::Loses, Behind::Keeps] {
        made(behind);
        let verdict = Inspection::open(dir.path()).unwrap().verify().unwrap();
        assert_eq!((verdict.losses.len(), verdict.losses[0].cause), (1, LossCause::DroppedForRoom));
        assert!(verdict.is_whole(), "{verdict:?}");
        if behind == Behind::Loses {
            std::fs::remove_dir_all(dir.path()).unwrap();
        }
    }
    let queue = options(dir.path(), 3).open().unwrap();
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    assert_eq!(drain(&mut consumer).1[0].cause, LossCause::DroppedForRoom);
    append(&queue, 1500..1700);
    append(&queue, 1700..1900);
    assert!(queue.status().segments > 1);
    drop((consumer, queue));
    let removed = Inspection::open(dir.path()).unwrap().segments();
    let removed = removed.iter().rev().skip(1).map(|segment| dir.path().join(&segment.name));
    removed.for_each(|path| std::fs::remove_file(path).unwrap());
    let verdict = Inspection::open(dir.path()).unwrap().verify().unwrap();
    assert!(!verdict.is_whole() && verdict.losses.iter().all(|loss| loss.cause == LossCause::Missing));
}

#[test]
fn what_was_removed_is_missing_also_to_a_consumer_that_loses() {
    let dir = tempfile::tempdir().unwrap();
    {
        let queue = open(dir.path());
        drop(queue.consumer_that(Behind::Loses, "a", Start::Oldest).unwrap());
        append(&queue, 1..1000);
        assert!(queue.status().segments > 2);
    }
    let verdict = Inspection::open(dir.path()).unwrap().verify().unwrap();
    assert!(verdict.is_whole(), "{verdict:?}");
    let segments = Inspection::open(dir.path()).unwrap().segments();
    std::fs::remove_file(dir.path().join(&segments[0].name)).unwrap();
    let verdict = Inspection::open(dir.path()).unwrap().verify().unwrap();
    assert!(!verdict.is_whole() && verdict.losses.iter().all(|loss| loss.cause == LossCause::Missing));
    let queue = open(dir.path());
    let mut consumer = queue.consumer_that(Behind::Loses, "a", Start::Oldest).unwrap();
    assert_eq!(drain(&mut consumer).1[0].cause, LossCause::Missing);
}

#[test]
fn a_slot_that_does_not_verify_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    {
        let queue = open(dir.path());
        append(&queue, 1..100);
        let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
        for _ in 0..3 {
            consumer.read(Limit { records: 10, ..Limit::default() }).unwrap().ack().unwrap();
        }
        queue.sync().unwrap();
        drop(queue.consumer("b", Start::Oldest).unwrap());
    }
    let torn = |dir: &Path| Inspection::open(dir).unwrap().verify().unwrap();
    assert_eq!((torn(dir.path()).torn_slots.len(), torn(dir.path()).is_whole()), (0, true));
    let cursor = dir.path().join("consumers/a.cursor");
    for (path, at) in [(&cursor, 4096 + 33), (&dir.path().join("STATE"), 8192 + 33)] {
        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        file.write_all_at(&[0xEE], at).unwrap();
    }
    let verdict = torn(dir.path());
    assert_eq!(verdict.torn_slots, ["STATE", "consumers/a.cursor"]);
    assert!(verdict.is_whole(), "a crash leaves as much: {verdict:?}");
    let queue = open(dir.path());
    assert_eq!(queue.recovery().torn_slots, [dir.path().join("STATE"), cursor.clone()]);
    assert_eq!(queue.recovery().cursors_reset.len(), 0);
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    assert!(consumer.acked().as_u64() < 31);
    consumer.read(Limit::default()).unwrap().ack().unwrap();
    queue.sync().unwrap();
    drop((consumer, queue));
    assert_eq!(torn(dir.path()).torn_slots.len(), 0, "the next write mends it");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_damage_is_survived_and_shown_is_only_what_was_appended(
        holes in proptest::collection::vec((0_usize..8, any::<u64>(), proptest::collection::vec(any::<u8>(), 1..600)), 1..6),
    ) {
        let dir = tempfile::tempdir().unwrap();
        {
            let queue = open(dir.path());
            drop(queue.consumer("a", Start::Oldest).unwrap());
            append(&queue, 1..700);
            queue.sync().unwrap();
        }
        let copy = tempfile::tempdir().unwrap();
        copy_dir(dir.path(), copy.path());
        let files: Vec<_> = bytes(copy.path()).into_keys().filter(|path| !path.ends_with("META")).collect();
        // Nobody else knows that the last batch was synced, and is damaged and not torn.
        let mut known = true;
        for (file, at, noise) in holes {
            let path = &files[file % files.len()];
            known &= !path.ends_with("STATE");
            let len = std::fs::metadata(path).unwrap().len();
            std::fs::OpenOptions::new().write(true).open(path).unwrap().write_all_at(&noise, at % len).unwrap();
        }
        let before = bytes(copy.path());
        let mut inspection = Inspection::open(copy.path()).unwrap();
        let (records, lost, _) = all(&mut inspection);
        let mut numbers: Vec<u64> = records.iter().map(|(n, _)| *n).collect();
        prop_assert!(records.iter().all(|(n, bytes)| *bytes == payload(*n)));
        prop_assert!(numbers.is_sorted());
        numbers.extend(lost.iter().flat_map(|(from, to)| *from..=*to));
        numbers.sort_unstable();
        numbers.dedup();
        prop_assert_eq!(numbers.last().unwrap() - numbers[0] + 1, numbers.len() as u64);
        let verdict = inspection.verify().unwrap();
        prop_assert_eq!(verdict.records, records.len() as u64);
        let lost = verdict.losses.iter().map(diskbuf::Loss::records).sum::<u64>();
        prop_assert!(!known || verdict.records + lost >= 699);
        drop(inspection);
        prop_assert!(bytes(copy.path()) == before, "a file was touched");
    }
}
