//! The budget for unfinished messages: what all connections together may hold.
//!
//! Beyond it the idlest of those that hold their share or more is closed. Whoever finishes its messages holds nothing,
//! and is never looked at.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::collector::stop::Stop;

/// The budget.
#[derive(Debug)]
pub(crate) struct Held {
    most: usize,
    total: AtomicUsize,
    holders: Mutex<Holders>,
    start: Instant,
}

#[derive(Debug, Default)]
struct Holders {
    next: u64,
    by_key: HashMap<u64, Arc<Holder>>,
}

#[derive(Debug, Default)]
struct Holder {
    bytes: AtomicUsize,
    /// Milliseconds since the start when it last changed.
    moved: AtomicU64,
    closed: Stop,
}

/// What one connection holds. Dropped, it holds nothing.
#[derive(Debug)]
pub(crate) struct Hold {
    key: u64,
    holder: Arc<Holder>,
    held: Arc<Held>,
}

impl Held {
    /// A budget of `most` bytes.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, total: AtomicUsize::new(0), holders: Mutex::default(), start: Instant::now() })
    }

    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        let holder = Arc::new(Holder::default());
        let mut holders = self.holders();
        let key = holders.next;
        holders.next += 1;
        holders.by_key.insert(key, Arc::clone(&holder));
        Hold { key, holder, held: Arc::clone(self) }
    }

    fn holders(&self) -> MutexGuard<'_, Holders> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has somebody closed. Its bytes are as good as free: they must not cost another one its connection.
    fn make_room(&self) {
        let mut holders = self.holders();
        while self.total.load(Ordering::Relaxed) > self.most {
            let share = self.total.load(Ordering::Relaxed) / holders.by_key.len().max(1);
            let worst = holders
                .by_key
                .iter()
                .map(|(key, holder)| (holder.bytes.load(Ordering::Relaxed), *key, holder))
                .filter(|(bytes, ..)| *bytes >= share.max(1))
                .min_by_key(|(bytes, _, holder)| (holder.moved.load(Ordering::Relaxed), usize::MAX - bytes))
                .map(|(_, key, _)| key);
            let Some(worst) = worst.and_then(|key| holders.by_key.remove(&key)) else {
                return;
            };
            worst.closed.say();
            self.total.fetch_sub(worst.bytes.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        }
    }
}

impl Hold {
    /// It holds so many bytes now.
    pub(crate) fn set(&self, bytes: usize) {
        if self.holder.closed.said() {
            return;
        }
        let before = self.holder.bytes.swap(bytes, Ordering::Relaxed);
        let now = u64::try_from(self.held.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.holder.moved.store(now, Ordering::Relaxed);
        if bytes > before {
            let total = self.held.total.fetch_add(bytes - before, Ordering::Relaxed) + (bytes - before);
            if total > self.held.most {
                self.held.make_room();
            }
        } else {
            self.held.total.fetch_sub(before - bytes, Ordering::Relaxed);
        }
    }

    /// Returns when it has to go.
    pub(crate) async fn closed(&self) {
        self.holder.closed.heard().await;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut holders = self.held.holders();
        holders.by_key.remove(&self.key);
        self.held.total.fetch_sub(self.holder.bytes.swap(0, Ordering::Relaxed), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_idlest_of_those_that_hold_their_share_has_to_go() {
        let held = Held::new(1_000);
        let holds: Vec<Hold> = (0..4).map(|_| held.hold()).collect();
        let closed = || holds.iter().map(|hold| hold.holder.closed.said()).collect::<Vec<_>>();
        holds[0].set(10);
        holds[1].set(400);
        holds[2].set(500);
        // By the clock of the test.
        for (n, hold) in holds.iter().enumerate() {
            hold.holder.moved.store(n as u64, Ordering::Relaxed);
        }
        holds[3].holder.moved.store(0, Ordering::Relaxed);
        assert_eq!(closed(), [false; 4]);
        holds[3].set(100);
        assert_eq!(closed(), [false, true, false, false], "400 bytes, quiet for longest");
        assert_eq!(held.total.load(Ordering::Relaxed), 610);
        holds[1].set(5_000);
        assert_eq!(held.total.load(Ordering::Relaxed), 610, "it is on its way out");
        drop(holds);
        assert_eq!(held.total.load(Ordering::Relaxed), 0);
        assert!(held.holders().by_key.is_empty());
    }

    #[test]
    fn one_that_is_larger_than_the_budget_goes_itself() {
        let held = Held::new(100);
        let hold = held.hold();
        hold.set(101);
        assert!(hold.holder.closed.said());
        assert_eq!(held.total.load(Ordering::Relaxed), 0);
    }
}
