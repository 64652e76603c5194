//! What is done to a queue that was found after a crash, until the next one: which comes at any of its calls, or behind them.

use std::sync::{Arc, Mutex, PoisonError};

use super::super::crash::{InFlight, Survival};
use super::super::disk::Disk;
use super::super::rng::Rng;
use super::super::world::World;
use super::check::{self, Depth, Found, Interrupted};
use super::history::{Known, filled, payload, promise};
use super::oracle::{Oracle, Payload};
use crate::batch::Batch;
use crate::queue::{Queue, WhenFull};
use crate::seq::Loss;

/// A disk in the middle of a call.
pub(super) type Picture = (World, Option<InFlight>);

/// The disk before each call that changes it.
#[derive(Clone, Default)]
pub(super) struct Moments(Arc<Mutex<Vec<Picture>>>);

impl Moments {
    pub(super) fn watch(&self, disk: &Disk) {
        let seen = Arc::clone(&self.0);
        disk.watch(move |moment| {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push((moment.world.clone(), moment.in_flight.clone()));
        });
    }

    /// Those since the last time.
    pub(super) fn take(&self) -> Vec<Picture> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// At most one of those that are left, and what was known then.
    fn choose(&self, oracle: &Oracle, rng: &mut Rng) -> Option<(Picture, Oracle)> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Rather in the middle of a write to a segment than before another call.
        let in_segment = |(world, write): &Picture| {
            write.as_ref().is_some_and(|write| world.name_of(write.number).ends_with(".seg"))
        };
        let writes: Vec<_> = (0..seen.len()).filter(|n| seen.get(*n).is_some_and(in_segment)).collect();
        let place = match writes.get(rng.place(writes.len())) {
            Some(place) if !rng.once_in(4) => *place,
            _ if seen.is_empty() || rng.once_in(2) => return None,
            _ => rng.place(seen.len()),
        };
        Some((seen.swap_remove(place), oracle.clone()))
    }
}

/// Appends behind what was found, crashes once more, and looks again.
pub(super) fn goes_on(
    queue: &Queue,
    disk: &Disk,
    (found, losses): (Found, &[Loss]),
    known: &mut Known,
    rng: &mut Rng,
    depth: Depth,
) -> Result<(), String> {
    let mut oracle = known.oracle.clone();
    let next = queue.recovery().next_seq.as_u64();
    // What is as long as what was cut off lies where that lay.
    let mut lengths = if !rng.once_in(3) { oracle.lengths_at(next) } else { Vec::new() };
    oracle.goes_on(next, found.into_iter(), losses);
    oracle.failed = false;
    promise(queue, &mut oracle);
    let there: Vec<String> = queue.consumers().into_iter().map(|consumer| consumer.name).collect();
    oracle.consumers.retain(|name, _| there.contains(name));
    for status in queue.consumers() {
        let ack = oracle.consumer(&status.name);
        let at = status.acked.as_u64();
        (ack.said, ack.asked) = (at, ack.asked.max(at));
    }
    oracle.floor = oracle.floor.max(queue.status().oldest_seq.as_u64());
    oracle.may_drop = oracle.floor;
    let moments = Moments::default();
    moments.watch(disk);
    let mut chosen = Vec::new();
    for _ in 0..1 + rng.below(3) {
        let mut payloads: Vec<Payload> =
            std::mem::take(&mut lengths).into_iter().map(|len| filled(rng, len)).collect();
        if payloads.is_empty() {
            payloads = (0..1 + rng.below(3)).map(|_| payload(rng, oracle.next, known.lengths)).collect();
        }
        let mut batch = Batch::new();
        let pushed = payloads.iter().try_for_each(|payload| batch.push(payload));
        pushed.map_err(|error| error.to_string())?;
        oracle.offers(&payloads);
        match queue.append(&mut batch, WhenFull::Refuse) {
            Ok(_) | Err(crate::AppendError::Full { .. }) => {}
            Err(error) => return Err(format!("O10: no append after recovery: {error}")),
        }
        chosen.extend(moments.choose(&oracle, rng));
        moments.take();
        oracle.took(&payloads, payloads.len() - batch.len());
        if rng.once_in(2) {
            queue.sync().map_err(|error| format!("O10: no sync after recovery: {error}"))?;
            // It may write over what was promised.
            chosen.extend(moments.choose(&oracle, rng));
            chosen.extend(moments.choose(&oracle, rng));
            moments.take();
            promise(queue, &mut oracle);
            for ack in oracle.consumers.values_mut() {
                ack.synced = ack.said;
            }
        }
    }
    disk.unwatch();
    for _ in 0..PICTURES {
        chosen.push(((disk.world(), None), oracle.clone()));
    }
    for ((world, in_flight), mut oracle) in chosen {
        let any = Survival::ALL.get(rng.place(Survival::ALL.len())).copied().unwrap_or(Survival::Synced);
        let survival = if in_flight.is_some() && rng.once_in(2) { Survival::Sectors } else { any };
        let world = world.crash(survival, in_flight.as_ref(), rng);
        known.report.again += 1;
        std::mem::swap(&mut known.oracle, &mut oracle);
        let result =
            check::opened(&Disk::with(world, rng.fork()), survival, known, rng, (depth, Interrupted::Other));
        std::mem::swap(&mut known.oracle, &mut oracle);
        result.map_err(|wrong| format!("{wrong}; after another crash ({survival:?})"))?;
    }
    Ok(())
}

/// Of the crash at the end.
const PICTURES: usize = 2;
