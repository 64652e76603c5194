//! How the collector is: its ledger, and what is wrong with it, seen from outside while it runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diskbuf::Queue;

use super::ledger::{Balance, Ledger};
use super::sources::Drops;

/// A destination that has something to do and does nothing for so long is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(10);

/// A buffer without room for so long is not just being emptied.
const NO_ROOM_AFTER: Duration = Duration::from_secs(1);

/// A full disk that nobody has met for so long is believed to have room again: a node that gave its address away because of
/// it may have no senders left that would find out.
const DISK_FULL_FOR: Duration = Duration::from_secs(60);

/// What the last reload could not do; nothing, when all is done. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub(crate) struct NotDone(Arc<Mutex<Vec<String>>>);

impl NotDone {
    pub(super) fn set(&self, these: Vec<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = these;
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A look into a running collector.
#[derive(Clone, Debug)]
pub(crate) struct Vitals {
    pub(super) queue: Queue,
    pub(super) ledger: Ledger,
    pub(super) drops: Drops,
    pub(super) not_done: NotDone,
}

impl Vitals {
    /// The ledger at this moment.
    pub(crate) fn balance(&self) -> Balance {
        self.drops.settle();
        let status = self.queue.status();
        let balance = self.ledger.balance(status.next_seq.as_u64(), |id| {
            status.consumers.iter().find(|consumer| consumer.name == id).map_or(0, |consumer| consumer.lag)
        });
        balance.with_not_done(self.not_done.all())
    }

    /// Begins to look for what is wrong.
    pub(crate) fn pulse(self) -> Pulse {
        Pulse { vitals: self, moved: HashMap::new(), no_room_since: None }
    }
}

/// What was seen before, to see what does not move.
#[derive(Debug)]
pub(crate) struct Pulse {
    vitals: Vitals,
    /// How much a destination had done when it last did something, and when that was.
    moved: HashMap<String, (u64, Instant)>,
    /// Since when the buffer has had no room although nothing waits in it.
    no_room_since: Option<Instant>,
}

impl Pulse {
    /// What is wrong now, in words; nothing when all is well.
    pub(crate) fn problems(&mut self, now: Instant) -> Vec<String> {
        let mut problems = self.vitals.not_done.all();
        let balance = self.vitals.balance();
        // A buffer that is full while its destinations work is a busy collector, and senders wait: no node would do better.
        // One without room although nothing waits in it cannot grow: the disk is full, or broken.
        let queue = &self.vitals.queue;
        // A full disk opens the door a fifth of a second later, for somebody to try: that is no room.
        let disk_full = queue.status().disk_full.is_some_and(|ago| ago < DISK_FULL_FOR);
        if (queue.has_space() && queue.has_room() && !disk_full) || balance.queued() > 0 {
            self.no_room_since = None;
        } else if now.saturating_duration_since(*self.no_room_since.get_or_insert(now)) >= NO_ROOM_AFTER {
            problems.push("the buffer has no room, and nothing is in it: is the disk full?".to_owned());
        }
        for (id, queued, done) in balance.progress() {
            let (before, since) = self.moved.entry(id.to_owned()).or_insert((done, now));
            if *before != done || queued == 0 {
                (*before, *since) = (done, now);
            }
            let still = now.saturating_duration_since(*since);
            if still >= STUCK_AFTER {
                problems.push(format!(
                    "destination {id} has delivered nothing for {} s, {queued} messages wait",
                    still.as_secs()
                ));
            }
        }
        problems
    }
}
