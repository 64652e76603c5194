//! What has happened, in order and numbered, for whoever listens: nothing is dropped in silence.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio::sync::watch;
use vrrp_proto::State;

/// One change of a virtual router.
#[derive(Clone, Debug)]
pub(crate) struct Transition {
    /// By its place in the configuration.
    pub(crate) router: usize,
    pub(crate) from: State,
    pub(crate) to: State,
    pub(crate) priority: u8,
    pub(crate) reason: String,
}

/// One entry, as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// From 1, without a gap.
    pub(crate) number: u64,
    pub(crate) at: SystemTime,
    pub(crate) what: Transition,
}

/// So many are kept for those who are behind.
const KEPT: usize = 1024;

#[derive(Debug)]
struct Inner {
    entries: Mutex<VecDeque<Entry>>,
    newest: watch::Sender<u64>,
}

/// Where they are kept. Clones are the same journal.
#[derive(Clone, Debug)]
pub(crate) struct Journal(Arc<Inner>);

impl Journal {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner { entries: Mutex::default(), newest: watch::channel(0).0 }))
    }

    pub(super) fn record(&self, what: Transition) {
        let mut entries = self.0.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let number = *self.0.newest.borrow() + 1;
        if entries.len() == KEPT {
            entries.pop_front();
        }
        entries.push_back(Entry { number, at: SystemTime::now(), what });
        self.0.newest.send_replace(number);
    }

    /// What came after this number, and how many of those were kept no longer.
    pub(crate) fn after(&self, number: u64) -> (Vec<Entry>, u64) {
        let entries = self.0.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let found: Vec<Entry> = entries.iter().filter(|entry| entry.number > number).cloned().collect();
        let lost = found.first().map_or(0, |first| first.number - number - 1);
        (found, lost)
    }

    /// Changes whenever something is recorded.
    pub(crate) fn newest(&self) -> watch::Receiver<u64> {
        self.0.newest.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_too_far_behind_is_told_how_much_is_missing() {
        let journal = Journal::new();
        for _ in 0..KEPT + 5 {
            let (from, to) = (State::Backup, State::Active);
            journal.record(Transition { router: 0, from, to, priority: 100, reason: String::new() });
        }
        let (all, lost) = journal.after(0);
        assert_eq!((all.len(), lost), (KEPT, 5));
        assert_eq!(all.first().map(|entry| entry.number), Some(6));
        let (few, lost) = journal.after(KEPT as u64 + 3);
        assert_eq!((few.len(), lost), (2, 0));
        assert_eq!(*journal.newest().borrow(), KEPT as u64 + 5);
    }
}
