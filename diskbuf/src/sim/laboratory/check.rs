//! What must hold on a disk after a crash, whatever the crash left.

use super::super::crash::Survival;
use super::super::disk::Disk;
use super::super::rng::Rng;
use super::super::world::World;
use super::Bug;
use super::history::Known;
use super::life::{self, Moments};
use super::oracle::{Oracle, Payload, Room};
use crate::consumer::Limit;
use crate::queue::{Queue, Start};
use crate::seq::Loss;

/// How many crashes lie behind a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Depth(u64);

impl Depth {
    pub(super) const FIRST: Self = Self(1);
    const LAST: Self = Self(4);

    /// One more, unless that is too many.
    pub(super) fn deeper(self) -> Option<Self> {
        (self < Self::LAST).then_some(Self(self.0 + 1))
    }

    /// Once in `n` at first, and rarer with each crash.
    fn once_in(self, n: u64, rng: &mut Rng) -> bool {
        self.deeper().is_some() && rng.once_in(n + 2 * (self.0 - 1))
    }
}

/// What the last crash interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupted {
    Other,
    /// A batch on its way: a part of it may be there, which the opening cuts off.
    Append,
    /// What is known of a sync was being noted.
    Note,
    /// An opening.
    Opening,
}

impl Interrupted {
    /// Whether the opening should rather be crashed, too.
    fn again(self, depth: Depth, rng: &mut Rng) -> bool {
        depth.once_in(if self == Self::Append { 2 } else { 8 }, rng)
    }

    /// Whether the queue should rather be used: what such a crash has left is seen then.
    fn life(self, depth: Depth, rng: &mut Rng) -> bool {
        depth.once_in(4, rng) || (matches!(self, Self::Opening | Self::Note) && rng.once_in(2))
    }
}

/// Opens the disk and checks it; sometimes crashes it again.
pub(super) fn opened(
    disk: &Disk,
    survival: Survival,
    known: &mut Known,
    rng: &mut Rng,
    (depth, interrupted): (Depth, Interrupted),
) -> Result<(), String> {
    known.report.points += 1;
    let before = disk.world();
    let again = interrupted.again(depth, rng);
    // Some calls of the opening itself, to crash it there.
    let moments = Moments::default();
    if again {
        moments.watch(disk);
    }
    let storage = Bug::wrap(known.bug, disk.storage());
    let result = known.options().open_on(storage);
    disk.unwatch();
    let queue = result.map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        format!("not opened: {error} {cause}")
    })?;
    let (found, losses) = look(&queue, disk, survival, known)?;
    if let Some(deeper) = depth.deeper().filter(|_| again) {
        for (world, in_flight) in moments.take() {
            if !rng.once_in(if depth == Depth::FIRST { 2 } else { 4 }) {
                continue;
            }
            known.report.again += 1;
            let second = [Survival::Process; 2].into_iter();
            let second: Vec<_> =
                second.chain([Survival::Sectors, Survival::Everything, Survival::Synced]).collect();
            let second = second.get(rng.place(second.len())).copied().unwrap_or(Survival::Synced);
            let world = world.crash(second, in_flight.as_ref(), rng);
            let worse = if survival == Survival::Process { second } else { survival };
            opened(&Disk::with(world, rng.fork()), worse, known, rng, (deeper, Interrupted::Opening))
                .map_err(|wrong| format!("{wrong}; after {second:?} while it was opened"))?;
        }
        drop(queue);
        return idempotent(&before, &found, known, rng);
    }
    if let Some(deeper) = depth.deeper()
        && interrupted.life(depth, rng)
    {
        return life::goes_on(&queue, disk, (found, &losses), known, rng, deeper);
    }
    Ok(())
}

/// Records by number.
pub(super) type Found = Vec<(u64, Payload)>;

/// Reads everything and compares it with what was promised.
fn look(queue: &Queue, disk: &Disk, survival: Survival, known: &Known) -> Result<(Found, Vec<Loss>), String> {
    let (oracle, max_bytes) = (&known.oracle, known.max_bytes);
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
    if bytes > max_bytes {
        return Err(format!("O7: the files take {bytes} of {max_bytes} bytes"));
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
