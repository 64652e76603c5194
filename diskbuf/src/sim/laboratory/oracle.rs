//! What is known of a history at the moment of a crash: what was promised, and what may be.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::seq::Loss;

/// A record's payload.
pub(super) type Payload = Arc<[u8]>;

/// Everything the queue has said so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Oracle {
    /// The payload accepted last under each number.
    accepted: BTreeMap<u64, Payload>,
    /// Payloads that were handed over under a number and not accepted, or that a crash may have taken.
    maybe: BTreeMap<u64, Vec<Payload>>,
    /// The number the next record gets.
    pub(super) next: u64,
    /// Records before this one are promised to survive power loss.
    pub(super) durable: u64,
    /// Batches, each of which is there as a whole or not at all.
    pub(super) batches: Vec<Range<u64>>,
    pub(super) consumers: BTreeMap<String, Ack>,
    /// Records before this one may be gone: dropped for room.
    pub(super) floor: u64,
    /// As `floor`, if the call in progress is one that drops.
    pub(super) may_drop: u64,
    /// Records that were gone when the queue was opened after a crash.
    lost: Vec<(u64, u64)>,
    pub(super) room: Room,
    /// Whether a call has failed: some promises are weaker then.
    pub(super) failed: bool,
}

/// Whether there was always room on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Room {
    #[default]
    Always,
    NotAlways,
}

/// Where a consumer stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ack {
    /// Acknowledgements up to here returned `Ok`.
    pub(super) said: u64,
    /// These survive power loss.
    pub(super) synced: u64,
    /// Further than this none was asked for.
    pub(super) asked: u64,
}

impl Oracle {
    pub(super) fn new() -> Self {
        Self { next: 1, durable: 1, floor: 1, may_drop: 1, ..Self::default() }
    }

    /// These are about to be appended.
    pub(super) fn offers(&mut self, payloads: &[Payload]) {
        for (number, payload) in (self.next..).zip(payloads) {
            self.maybe.entry(number).or_default().push(Arc::clone(payload));
        }
        // What was refused is no batch any more.
        let next = self.next;
        self.batches.retain(|batch| batch.end <= next);
        // A batch larger than a segment is as many as it takes.
        let bytes: usize = payloads.iter().map(|payload| (24 + payload.len()).next_multiple_of(8)).sum();
        if bytes <= (64 << 10) - 4096 {
            self.batches.push(self.next..self.next + payloads.len() as u64);
        }
    }

    /// The first `count` of them were.
    pub(super) fn took(&mut self, payloads: &[Payload], count: usize) {
        for payload in payloads.iter().take(count) {
            self.accepted.insert(self.next, Arc::clone(payload));
            self.next += 1;
        }
    }

    /// How long the records are of a batch that began with `number`.
    pub(super) fn lengths_at(&self, number: u64) -> Vec<usize> {
        let batch = self.batches.iter().rev().find(|batch| batch.start == number).cloned();
        let last = |number| self.maybe.get(&number).and_then(|list| list.last());
        batch.unwrap_or_default().filter_map(last).map(|payload| payload.len()).collect()
    }

    /// The queue was opened after a crash and goes on with `next`: what was behind may not come back.
    pub(super) fn goes_on(
        &mut self,
        next: u64,
        found: impl Iterator<Item = (u64, Payload)>,
        losses: &[Loss],
    ) {
        self.knows_lost(losses);
        self.maybe.split_off(&next);
        self.goes_on_unharmed(next, found);
    }

    /// These were told to be gone.
    pub(super) fn knows_lost(&mut self, losses: &[Loss]) {
        self.lost.extend(losses.iter().map(|loss| (loss.from.as_u64(), loss.to.as_u64())));
    }

    /// The queue was opened again, with no crash before: what was refused may still be on the disk.
    pub(super) fn goes_on_unharmed(&mut self, next: u64, found: impl Iterator<Item = (u64, Payload)>) {
        self.accepted.split_off(&next);
        self.accepted.extend(found);
        self.batches.retain(|batch| batch.end <= next);
        self.next = next;
    }

    /// Whether the loss was known before, or is of records before `floor`, or from `must` on.
    pub(super) fn excuses(&self, loss: &Loss, floor: u64, must: u64) -> bool {
        (loss.from.as_u64()..=loss.to.as_u64().min(must.saturating_sub(1))).all(|number| {
            number < floor || self.lost.iter().any(|(from, to)| (*from..=*to).contains(&number))
        })
    }

    /// Whether the record may be what is at `number`.
    pub(super) fn allows(&self, number: u64, payload: &[u8]) -> bool {
        let accepted = self.accepted.get(&number);
        if number < self.durable {
            return accepted.is_some_and(|accepted| **accepted == *payload);
        }
        accepted.is_some_and(|accepted| **accepted == *payload)
            || self.maybe.get(&number).is_some_and(|list| list.iter().any(|maybe| **maybe == *payload))
    }

    /// A consumer that was just made, or is being made.
    pub(super) fn consumer(&mut self, name: &str) -> &mut Ack {
        self.consumers.entry(name.to_owned()).or_default()
    }
}
