//! What is in doubt, and for how long: until the machine is started anew, and not until a process is.

use diskbuf::sim::{Disk, Fault, FaultKind, Survival};
use diskbuf::{Batch, Options, Queue, Start, WhenFull};

use crate::support::{SEGMENT, SMALL, drain};

fn options() -> Options {
    Options::new("").segment_bytes(SEGMENT).max_bytes(SMALL + 2 * SEGMENT)
}

fn open(disk: &Disk) -> Queue {
    options().open_on(disk.storage()).unwrap()
}

/// Three records, each of which is a sector with its header.
fn append(queue: &Queue, byte: u8) {
    let mut batch = Batch::new();
    for _ in 0..3 {
        batch.push(&[byte; 488]).unwrap();
    }
    queue.append(&mut batch, WhenFull::Refuse).unwrap();
}

/// The first bytes of all records.
fn found(queue: &Queue) -> Vec<u8> {
    let (records, _) = drain(&mut queue.consumer("a", Start::Oldest).unwrap());
    records.iter().map(|(_, payload)| payload[0]).collect()
}

fn durable(queue: &Queue) -> u64 {
    queue.durable_seq().map_or(0, |seq| seq.into_inner().as_u64())
}

#[test]
fn what_survived_a_power_loss_is_durable_when_the_queue_is_open() {
    let disk = Disk::new(1);
    let queue = open(&disk);
    append(&queue, 1);
    assert_eq!(durable(&queue), 0);
    let same_boot = disk.crash(Survival::Process, 1);
    assert_eq!(durable(&open(&same_boot)), 0, "it may be in memory only");
    let next_boot = disk.crash(Survival::Everything, 1);
    assert_eq!(durable(&open(&next_boot)), 3);
    let queue = open(&next_boot.crash(Survival::Synced, 2));
    assert_eq!((found(&queue), durable(&queue)), (vec![1, 1, 1], 3));
}

#[test]
fn what_cannot_be_noted_is_not_said() {
    let calls_of_a_sync = {
        let disk = Disk::new(1);
        let queue = open(&disk);
        append(&queue, 1);
        let before = disk.calls();
        queue.sync().unwrap();
        disk.calls() - before
    };
    let disk = Disk::new(1);
    let queue = open(&disk);
    append(&queue, 1);
    disk.fail(Fault { call: disk.calls() + calls_of_a_sync - 1, kind: FaultKind::Io });
    assert!(queue.sync().is_err());
    assert_eq!(durable(&queue), 0);
    assert!(queue.append_one(b"x", WhenFull::Refuse).is_err(), "poisoned until it is opened again");
    drop(queue);
    let queue = open(&disk);
    queue.sync().unwrap();
    assert_eq!((found(&queue), durable(&queue)), (vec![1, 1, 1], 3));
}

#[test]
fn a_batch_that_was_cut_off_never_mixes_with_the_one_in_its_place() {
    let (mut cut, mut new) = (0, 0);
    for seed in 0..1200 {
        let disk = Disk::new(seed);
        let queue = open(&disk);
        append(&queue, 1);
        queue.sync().unwrap();
        append(&queue, 2);
        // Of which a part is on the disk, mostly.
        let disk = disk.crash(Survival::Sectors, seed);
        disk.fail(Fault { call: disk.calls() + seed % 8, kind: FaultKind::Io });
        if options().open_on(disk.storage()).is_ok() {
            continue;
        }
        let queue = open(&disk);
        if queue.recovery().next_seq.as_u64() != 4 {
            continue;
        }
        cut += 1;
        append(&queue, 3);
        let queue = open(&disk.crash(Survival::Sectors, seed + 1));
        let all = found(&queue);
        let whole = [&[1, 1, 1][..], &[1, 1, 1, 2, 2, 2], &[1, 1, 1, 3, 3, 3]].contains(&&*all);
        assert!(whole, "{all:?}, seed {seed}");
        new += u64::from(all.len() == 6);
    }
    assert!(cut > 40 && new > 15, "{cut} {new}: a test of something else");
}

#[test]
fn what_a_failed_append_left_never_mixes_with_what_a_later_process_appends_in_its_place() {
    let mut whole = 0;
    for seed in 0..600 {
        let disk = Disk::new(seed);
        let queue = open(&disk);
        append(&queue, 1);
        queue.sync().unwrap();
        let mut batch = Batch::new();
        (0..3).for_each(|_| batch.push(&[2; 488]).unwrap());
        disk.fail(Fault { call: disk.calls(), kind: FaultKind::Io });
        assert!(queue.append(&mut batch, WhenFull::Refuse).is_err());
        drop(queue);
        let queue = open(&disk);
        append(&queue, 3);
        let all = found(&open(&disk.crash(Survival::Sectors, seed)));
        assert!([&[1, 1, 1][..], &[1, 1, 1, 3, 3, 3]].contains(&&*all), "{all:?}, seed {seed}");
        whole += u64::from(all.len() == 6);
    }
    assert!(whole > 50, "{whole}: a test of something else");
}

#[test]
fn a_sync_that_failed_while_opening_is_not_asked_again_either() {
    let mut failed = 0;
    for call in 0..60 {
        let disk = Disk::new(call);
        let queue = open(&disk);
        append(&queue, 1);
        // Leaves something to be done by the next opening, which syncs the records before it on the way.
        disk.fail(Fault { call: disk.calls(), kind: FaultKind::Io });
        assert!(queue.append_one(&[2; 488], WhenFull::Refuse).is_err());
        drop(queue);
        disk.fail(Fault { call: disk.calls() + call, kind: FaultKind::Io });
        if options().open_on(disk.storage()).is_ok() {
            continue;
        }
        failed += 1;
        let queue = open(&disk);
        let promised = durable(&queue);
        let found = found(&open(&disk.crash(Survival::Synced, call)));
        assert!(found.len() as u64 >= promised, "{promised} promised, {found:?} found; call {call} failed");
    }
    assert!(failed > 5, "{failed}: a test of something else");
}

#[test]
fn ids_that_may_have_been_used_before_state_was_lost_stay_unused() {
    let disk = Disk::new(1);
    append(&open(&disk), 1);
    disk.storage().remove("STATE").unwrap();
    drop(open(&disk));
    let queue = open(&disk);
    let before = queue.status().segments;
    while queue.status().segments == before {
        append(&queue, 2);
    }
    let newest = disk.files().into_iter().map(|(name, _)| name).filter(|name| name.ends_with(".seg")).max();
    assert!(newest.as_deref() >= Some("0000000100000000.seg"), "{newest:?}");
}

#[test]
fn after_records_were_saved_state_names_the_segment_they_were_saved_to() {
    let disk = Disk::new(1);
    let queue = open(&disk);
    append(&queue, 1);
    // The next sync writes STATE, then asks for the segment.
    disk.fail(Fault { call: disk.calls() + 1, kind: FaultKind::Io });
    queue.sync().unwrap();
    let state = disk.storage().open("STATE").unwrap();
    let field = |slot: u64, at: u64| {
        let mut octets = [0; 8];
        state.read_at(&mut octets, slot + at).unwrap();
        u64::from_le_bytes(octets)
    };
    let newest = [0, 8192].into_iter().max_by_key(|slot| field(*slot, 24)).unwrap();
    let name = format!("{:016x}.seg", field(newest, 40));
    assert!(disk.files().iter().any(|(file, _)| *file == name), "{name} of {:?}", disk.files());
}
