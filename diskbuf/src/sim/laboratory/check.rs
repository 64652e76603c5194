//! What must hold on a disk after a crash, whatever the crash left.

use std::sync::{Arc, Mutex, PoisonError};

use super::super::crash::{InFlight, Survival};
use super::super::disk::Disk;
use super::super::rng::Rng;
use super::super::world::World;
use super::Bug;
use super::history::{Known, MAX_BYTES, payload};
use super::oracle::{Oracle, Payload, Room};
use crate::batch::Batch;
use crate::consumer::Limit;
use crate::queue::{Queue, Start, WhenFull};
use crate::seq::Loss;

/// A disk in the middle of a call.
type Picture = (World, Option<InFlight>);

/// How many crashes lie behind this disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    First,
    Second,
}

/// Opens the disk and checks it; sometimes crashes it again.
pub(super) fn opened(
    disk: &Disk,
    survival: Survival,
    known: &mut Known,
    rng: &mut Rng,
    depth: Depth,
) -> Result<(), String> {
    known.report.points += 1;
    let before = disk.world();
    let again = depth == Depth::First && rng.once_in(6);
    // Some calls of the opening itself, to crash it there.
    let moments: Arc<Mutex<Vec<Picture>>> = Arc::default();
    if again {
        let seen = Arc::clone(&moments);
        disk.watch(move |moment| {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push((moment.world.clone(), moment.in_flight.clone()));
        });
    }
    let storage = Bug::wrap(known.bug, disk.storage());
    let opened = known.options().open_on(storage);
    disk.unwatch();
    let queue = opened.map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("not opened: {error} {cause}")
    })?;
    let (found, losses) = look(&queue, disk, survival, &known.oracle)?;
    if again {
        let moments = std::mem::take(&mut *moments.lock().unwrap_or_else(PoisonError::into_inner));
        for (world, in_flight) in moments {
            known.report.again += 1;
            let second = [Survival::Process, Survival::Sectors, Survival::Everything, Survival::Synced];
            let second = second.get(rng.place(second.len())).copied().unwrap_or(Survival::Synced);
            let world = world.crash(second, in_flight.as_ref(), rng);
            let worse = if survival == Survival::Process { second } else { survival };
            opened_again(Disk::with(world, rng.fork()), worse, known, rng)
                .map_err(|wrong| format!("{wrong}; after {second:?} while it was opened"))?;
        }
        drop(queue);
        return idempotent(&before, &found, known, rng);
    }
    if depth == Depth::First && rng.once_in(4) {
        return live_on(&queue, disk, found, &losses, known, rng);
    }
    Ok(())
}

fn opened_again(disk: Disk, survival: Survival, known: &mut Known, rng: &mut Rng) -> Result<(), String> {
    opened(&disk, survival, known, rng, Depth::Second)
}

/// Records by number.
type Found = Vec<(u64, Payload)>;

/// Reads everything and compares it with what was promised.
fn look(
    queue: &Queue,
    disk: &Disk,
    survival: Survival,
    oracle: &Oracle,
) -> Result<(Found, Vec<Loss>), String> {
    let next = queue.recovery().next_seq.as_u64();
    let process = survival == Survival::Process && !oracle.failed;
    let must = if process { oracle.next } else { oracle.durable };
    if next < must {
        return Err(format!("O1: next is {next}, promised were the records before {must}"));
    }
    if !queue.recovery().cursors_reset.is_empty() && oracle.room == Room::Always {
        return Err("O5: a cursor was lost".to_owned());
    }
    let names: Vec<String> = queue.consumers().into_iter().map(|consumer| consumer.name).collect();
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for (name, ack) in &oracle.consumers {
        if ack.synced > 0 && !names.contains(name) {
            return Err(format!("O5: consumer {name} is gone"));
        }
    }
    for name in names {
        let ack = oracle.consumers.get(&name).copied().unwrap_or_default();
        let mut consumer = queue.consumer(&name, Start::Oldest).map_err(|error| error.to_string())?;
        let acked = consumer.acked().as_u64();
        let least = if process { ack.said } else { ack.synced };
        // On a full disk a cursor that was found is written over as it is; at worst records come twice.
        let least = if oracle.room == Room::NotAlways { 0 } else { least };
        if acked < least || (acked > ack.asked && acked > 1) {
            return Err(format!("O5: {name} stands at {acked}, not from {least} to {}", ack.asked));
        }
        let (records, losses) = read(&mut consumer)?;
        contiguous(acked, next, &records, &losses)?;
        for (number, payload) in &records {
            if !oracle.allows(*number, payload) {
                let len = payload.len();
                return Err(format!("O2: record {number} ({len} bytes) is not what was appended"));
            }
        }
        let floor = oracle.floor.max(oracle.may_drop);
        for loss in &losses {
            if !oracle.excuses(loss, floor, must) {
                return Err(format!("O1: {} to {} of {must} lost ({:?})", loss.from, loss.to, loss.cause));
            }
        }
        missing = losses;
        found = records;
    }
    let bytes = disk.bytes();
    if bytes > MAX_BYTES {
        return Err(format!("O7: the files take {bytes} of {MAX_BYTES} bytes"));
    }
    whole_batches(oracle, &found, next)?;
    Ok((found, missing))
}

/// One bit of the disk is wrong: at most one record is missing, and it is named.
pub(super) fn spoilt(queue: &Queue, oracle: &Oracle) -> Result<(), String> {
    let next = queue.recovery().next_seq.as_u64();
    let (records, losses) = records(queue)?;
    let from = queue.consumers().last().map_or(1, |consumer| consumer.acked.as_u64());
    contiguous(from, next, &records, &losses)?;
    if let Some((number, _)) = records.iter().find(|(number, payload)| !oracle.allows(*number, payload)) {
        return Err(format!("O2: record {number} is not what was appended"));
    }
    let missing = losses.iter().filter(|loss| !oracle.excuses(loss, oracle.floor, next)).map(Loss::records);
    match missing.sum::<u64>() {
        0 | 1 => Ok(()),
        n => Err(format!("O1: {n} records lost ({losses:?})")),
    }
}

/// Batches are there as a whole or not at all.
fn whole_batches(oracle: &Oracle, found: &Found, next: u64) -> Result<(), String> {
    let Some((first, _)) = found.first() else { return Ok(()) };
    let numbers: std::collections::BTreeSet<u64> = found.iter().map(|(number, _)| *number).collect();
    for batch in &oracle.batches {
        if batch.start < (*first).max(oracle.floor) || batch.end > oracle.next.max(next) {
            continue;
        }
        let there = batch.clone().filter(|number| numbers.contains(number)).count() as u64;
        if there != 0 && there != batch.end - batch.start {
            return Err(format!("O6: {there} records of the batch {batch:?}"));
        }
    }
    Ok(())
}

/// Records and losses are the numbers `from..next`, once each, in order.
fn contiguous(from: u64, next: u64, records: &Found, losses: &[Loss]) -> Result<(), String> {
    let mut spans: Vec<(u64, u64)> = records.iter().map(|(number, _)| (*number, number + 1)).collect();
    if !spans.is_sorted() {
        return Err("O4: out of order".to_owned());
    }
    spans.extend(losses.iter().map(|loss| (loss.from.as_u64(), loss.to.as_u64() + 1)));
    spans.sort_unstable();
    let mut at = from;
    for (begin, end) in spans {
        if begin != at {
            return Err(format!("O4: {begin} follows where {at} should"));
        }
        at = end;
    }
    if at < next {
        return Err(format!("O4: records end before {at}, next is {next}"));
    }
    Ok(())
}

/// Opening the same disk once more gives the same queue.
fn idempotent(before: &World, found: &Found, known: &Known, rng: &mut Rng) -> Result<(), String> {
    let disk = Disk::with(before.clone(), rng.fork());
    for round in 0..2 {
        let storage = Bug::wrap(known.bug, disk.storage());
        let queue = known.options().open_on(storage).map_err(|error| format!("O8: {error}"))?;
        // Where nothing good was left in the newest segment, the one before it has become the newest.
        let recovery = queue.recovery();
        if round == 1 && recovery.torn_bytes > 0 && recovery.unreadable.is_empty() {
            return Err("O8: the tail is torn again".to_owned());
        }
        if records(&queue)?.0 != *found {
            return Err("O8: opened again, other records".to_owned());
        }
    }
    Ok(())
}

/// Appends behind what was found, crashes once more, and looks again.
fn live_on(
    queue: &Queue,
    disk: &Disk,
    found: Found,
    losses: &[Loss],
    known: &mut Known,
    rng: &mut Rng,
) -> Result<(), String> {
    let mut oracle = known.oracle.clone();
    let next = queue.recovery().next_seq.as_u64();
    oracle.goes_on(next, found.into_iter(), losses);
    oracle.failed = false;
    let there: Vec<String> = queue.consumers().into_iter().map(|consumer| consumer.name).collect();
    oracle.consumers.retain(|name, _| there.contains(name));
    for status in queue.consumers() {
        let ack = oracle.consumer(&status.name);
        let at = status.acked.as_u64();
        (ack.said, ack.asked) = (at, ack.asked.max(at));
    }
    oracle.floor = oracle.floor.max(queue.status().oldest_seq.as_u64());
    oracle.may_drop = oracle.floor;
    for _ in 0..1 + rng.below(3) {
        let payloads: Vec<Payload> = (0..1 + rng.below(3)).map(|_| payload(rng, oracle.next)).collect();
        let mut batch = Batch::new();
        let pushed = payloads.iter().try_for_each(|payload| batch.push(payload));
        pushed.map_err(|error| error.to_string())?;
        oracle.offers(&payloads);
        match queue.append(&mut batch, WhenFull::Refuse) {
            Ok(_) | Err(crate::AppendError::Full { .. }) => {}
            Err(error) => return Err(format!("O10: no append after recovery: {error}")),
        }
        oracle.took(&payloads, payloads.len() - batch.len());
        if rng.once_in(2) {
            queue.sync().map_err(|error| format!("O10: no sync after recovery: {error}"))?;
            oracle.durable = queue.durable_seq().map_or(1, |seq| seq.into_inner().as_u64() + 1);
            for ack in oracle.consumers.values_mut() {
                ack.synced = ack.said;
            }
        }
    }
    let survival = Survival::ALL.get(rng.place(Survival::ALL.len())).copied().unwrap_or(Survival::Synced);
    let world = disk.world().crash(survival, None, rng);
    let disk = Disk::with(world, rng.fork());
    known.report.again += 1;
    std::mem::swap(&mut known.oracle, &mut oracle);
    let result = opened(&disk, survival, known, rng, Depth::Second);
    std::mem::swap(&mut known.oracle, &mut oracle);
    result.map_err(|wrong| format!("{wrong}; after another crash ({survival:?})"))
}

/// What the first of its consumers would be given.
pub(super) fn records(queue: &Queue) -> Result<(Found, Vec<Loss>), String> {
    let Some(name) = queue.consumers().into_iter().next_back().map(|consumer| consumer.name) else {
        return Ok((Vec::new(), Vec::new()));
    };
    let mut consumer = queue.consumer(&name, Start::Oldest).map_err(|error| error.to_string())?;
    read(&mut consumer)
}

/// Everything from where the consumer stands, without acknowledging it.
fn read(consumer: &mut crate::Consumer) -> Result<(Found, Vec<Loss>), String> {
    let (mut records, mut losses) = (Vec::new(), Vec::new());
    for _ in 0..10_000 {
        let delivery = consumer.read(Limit::default()).map_err(|error| error.to_string())?;
        if delivery.is_empty() && delivery.losses().is_empty() {
            return Ok((records, losses));
        }
        records.extend(delivery.iter().map(|record| (record.seq().as_u64(), record.payload().into())));
        losses.extend_from_slice(delivery.losses());
        delivery.defer();
    }
    Err("O8: reading does not come to an end".to_owned())
}
