//! The proof obligations of a durable queue, by number, and where each is shown. Most are invariants that the laboratory
//! checks on every surviving disk; here it runs on a small budget. `cargo run --release -p diskbuf --example laboratory`
//! has a larger one.

use diskbuf::sim::{Bug, Disk, Fault, FaultKind, Laboratory, Survival};
use diskbuf::{Batch, Durability, LossCause, Options, Queue, Start, WhenFull};

use crate::support::{SEGMENT, SMALL, account, drain, payload};

fn options() -> Options {
    Options::new("").segment_bytes(SEGMENT).max_bytes(SMALL + 6 * SEGMENT)
}

fn open(disk: &Disk) -> Queue {
    options().open_on(disk.storage()).unwrap()
}

fn append(queue: &Queue, numbers: std::ops::Range<u64>) {
    let mut batch = Batch::new();
    for n in numbers {
        batch.push(&payload(n)).unwrap();
    }
    queue.append(&mut batch, WhenFull::Refuse).unwrap();
}

/// O1 durable prefix, O2 no phantom, O3 no resurrection, O4 order, O5 acknowledged is not delivered again, O6 batches are
/// whole, O7 bounded, O8 opening is total and idempotent, O9 a crash while opening is as safe, O11 a failed sync promises
/// nothing, O12 a full disk is no catastrophe.
#[test]
fn o1_to_o9_o11_o12_hold_on_every_disk_that_a_crash_leaves() {
    for seed in [1, 2] {
        let report = Laboratory::new(seed, 4_000).run().unwrap_or_else(|finding| panic!("{finding}"));
        assert!(report.points >= 4_000 && report.again > 1_000, "{report:?}");
    }
}

#[test]
fn the_laboratory_sees_planted_bugs() {
    // Those that are found soon; the example's `--bugs` looks for all.
    for bug in [
        Bug::NoDirectorySync,
        Bug::WatermarkBeforeSync,
        Bug::NoCut,
        Bug::OneCursorSlot,
        Bug::FreedBeforeCursor,
        Bug::PrivateMapping,
        Bug::NothingPrepared,
        Bug::NoSecret,
    ] {
        assert!(Laboratory::new(5, 20_000).plant(bug).run().is_err(), "{bug:?} was not seen");
    }
    // And where some of the others are: `--bug` tells where again when the laboratory has changed.
    for (bug, history) in [
        (Bug::MappingKept, 0x1d67_c34f_6a2a_35d9),
        (Bug::CutUnnoted, 0xf060_adbb_1971_1a56),
        (Bug::NotedAfterTold, 0x73e4_9ef5_5c94_cb0d),
        (Bug::BootNotLookedAt, 0xf465_d43b_4921_6a17),
    ] {
        assert!(Laboratory::new(5, 1).plant(bug).replay(history).is_err(), "{bug:?} was not seen");
    }
}

/// What the laboratory has found in histories, most of it after hundreds of thousands of crash points.
#[test]
fn the_histories_in_which_a_promise_was_broken_end_well() {
    for (history, _what) in [
        (0xda83_3275_b414_0e08, "O6: records dropped for room came back in part"),
        (
            0xfff3_1398_daa8_a0b1,
            "O1: a sync was told and not noted, and what it had made safe was written again",
        ),
        (0xf060_adbb_1971_1a56, "O2: what a failed append had left came back under another batch"),
        (
            0xf64e_4353_e8e4_3be2,
            "O1: nothing was left of synced records that were dropped for room, nor of their numbers",
        ),
    ] {
        Laboratory::new(2, 1).replay(history).unwrap_or_else(|finding| panic!("{finding}"));
    }
}

#[test]
fn o1_numbers_of_records_that_were_synced_and_dropped_for_room_are_not_given_again() {
    let small = || Options::new("").segment_bytes(SEGMENT).max_bytes(SMALL + 2 * SEGMENT);
    for seed in 0..40 {
        let disk = Disk::new(seed);
        let queue = small().open_on(disk.storage()).unwrap();
        for n in 0..12 {
            queue.append_one(&[n; 20_000], WhenFull::DropOldest).unwrap();
            if n == 2 {
                queue.sync().unwrap();
            }
            if n >= 2 {
                for survival in Survival::ALL {
                    let next =
                        small().open_on(disk.crash(survival, seed).storage()).unwrap().recovery().next_seq;
                    assert!(next.as_u64() >= 4, "{next} after {survival:?} behind {n}, seed {seed}");
                }
            }
        }
    }
}

/// The first of these without chance but that of the crash.
#[test]
fn o6_a_batch_dropped_for_room_comes_back_as_a_whole_or_not_at_all() {
    let small = || Options::new("").segment_bytes(SEGMENT).max_bytes(SMALL + 2 * SEGMENT);
    let mut came_back = 0;
    for seed in 0..300 {
        let disk = Disk::new(seed);
        let queue = small().open_on(disk.storage()).unwrap();
        drop(queue.consumer("a", Start::Oldest).unwrap());
        let mut batch = Batch::new();
        for byte in 0..3 {
            for len in [100, 30_000, 20_000] {
                batch.push(&vec![byte; len]).unwrap();
            }
            // The third finds two segments full and overwrites the file of the first.
            queue.append(&mut batch, WhenFull::DropOldest).unwrap();
            if byte < 2 {
                queue.sync().unwrap();
            }
        }
        let survival =
            [Survival::Sectors, Survival::Pages, Survival::Suffix][usize::try_from(seed % 3).unwrap()];
        let after = small().open_on(disk.crash(survival, seed).storage()).unwrap();
        let (records, _) = drain(&mut after.consumer("a", Start::Oldest).unwrap());
        let of_the_first = records.iter().filter(|(number, _)| *number <= 3).count();
        assert!(
            of_the_first == 0 || of_the_first == 3,
            "{of_the_first} of 3 after {survival:?}, seed {seed}"
        );
        came_back += usize::from(records.iter().any(|(number, _)| *number > 6));
    }
    assert!(came_back > 0, "no crash left the third batch");
}

#[test]
fn o1_what_a_lying_device_lost_is_told_from_a_torn_tail() {
    let disk = Disk::new(1);
    let queue = open(&disk);
    append(&queue, 1..11);
    queue.sync().unwrap();
    let synced = disk.crash(Survival::Everything, 1);
    append(&queue, 11..21);
    // Torn: what was never synced is gone, and nobody was promised anything.
    let torn = disk.crash(Survival::Synced, 1);
    assert_eq!(open(&torn).recovery().losses, []);
    assert_eq!(open(&torn).recovery().next_seq.as_u64(), 11);
    // Lied: the last synced record is not there.
    let last_at = 4096 + (1..10).map(|n| (24 + payload(n).len() as u64).next_multiple_of(8)).sum::<u64>();
    synced.flip("0000000000000000.seg", last_at + 8, 0).unwrap();
    let queue = open(&synced);
    let loss = *queue.recovery().losses.last().unwrap();
    assert_eq!((loss.from.as_u64(), loss.to.as_u64(), loss.cause), (10, 10, LossCause::DeviceLost));
    assert_eq!(queue.recovery().next_seq.as_u64(), 11, "its number is not given again");
}

#[test]
fn o10_producers_and_consumers_always_come_forward() {
    let dir = tempfile::tempdir().unwrap();
    let queue = crate::support::options(dir.path(), 2).durability(Durability::Group).open().unwrap();
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..200 {
                    let seq = queue.append_one(&payload(n), WhenFull::Block).unwrap();
                    assert!(queue.wait_durable(seq).unwrap().covers(seq).is_some());
                }
            });
        }
        let mut got = 0;
        while got < 800 {
            consumer.wait(None);
            got += drain(&mut consumer).0.len();
        }
    });
}

#[test]
fn o11_after_a_failed_sync_the_records_are_elsewhere_or_everybody_is_told() {
    for kind in [FaultKind::Io, FaultKind::IoReverts] {
        let disk = Disk::new(3);
        let queue = open(&disk);
        append(&queue, 1..11);
        queue.sync().unwrap();
        append(&queue, 11..21);
        // The next sync writes STATE, then asks for the segment.
        disk.fail(Fault { call: disk.calls() + 1, kind });
        let result = queue.sync();
        let durable = queue.durable_seq().unwrap().into_inner().as_u64();
        match kind {
            FaultKind::Io => assert!(result.is_ok() && durable == 20, "{result:?}"),
            _ => {
                assert!(result.is_err() && durable == 10, "{result:?}");
                assert!(
                    queue.append_one(b"x", WhenFull::Refuse).is_err(),
                    "poisoned until it is opened again"
                );
            }
        }
        for survival in Survival::ALL {
            let after = open(&disk.crash(survival, 9));
            let mut consumer = after.consumer("a", Start::Oldest).unwrap();
            let (records, losses) = drain(&mut consumer);
            account(&records, &losses, 1, after.recovery().next_seq.as_u64());
            assert!(records.len() as u64 >= durable, "{survival:?}");
        }
    }
}

#[test]
fn o12_a_full_disk_is_met_when_a_segment_is_made() {
    let disk = Disk::new(4);
    let queue = open(&disk);
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    disk.fail(Fault { call: disk.calls() + 2, kind: FaultKind::NoSpace });
    let mut accepted = 0;
    let error = loop {
        match queue.append_one(&payload(accepted + 1), WhenFull::Refuse) {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, diskbuf::AppendError::NoSpace { .. }), "{error}");
    disk.make_room();
    append(&queue, accepted + 1..accepted + 11);
    account(&drain(&mut consumer).0, &[], 1, accepted + 11);
}

// O13: unsafe code is in `storage/map.rs` alone, its bounds in that file's tests. O10 under loom: the unit tests of `watermark`. O14: `golden` and `format`.
