//! The ledger: for every source and destination, where each message went.
//!
//! A source's account closes when `received = accepted + dropped`, a destination's when
//! `accepted + backlog at start = delivered + queued + dropped`. Counters are advanced once a batch; they agree to the
//! message whenever nothing is in flight.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

/// Why a message did not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DropReason {
    /// The kernel had no room for a datagram; we never saw it.
    KernelReceiveBuffer,
    /// There was nothing in it: an empty datagram.
    Empty,
    /// The buffer was full, and a datagram's sender cannot be asked to wait.
    BufferFull,
    /// The disk had no room for the buffer to grow.
    DiskFull,
    /// The buffer could not be written.
    BufferFailed,
    /// The collector was told to stop while the buffer had no room.
    Stopped,
    /// A record of the buffer that this version cannot read.
    Unreadable,
    /// Lost on the disk: the buffer found its records damaged.
    Damaged,
    /// The destination takes what it can take at once, and could not.
    NotTaken,
}

impl DropReason {
    const ALL: [Self; 9] = [
        Self::KernelReceiveBuffer,
        Self::Empty,
        Self::BufferFull,
        Self::DiskFull,
        Self::BufferFailed,
        Self::Stopped,
        Self::Unreadable,
        Self::Damaged,
        Self::NotTaken,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::KernelReceiveBuffer => "kernel_receive_buffer",
            Self::Empty => "empty",
            Self::BufferFull => "buffer_full",
            Self::DiskFull => "disk_full",
            Self::BufferFailed => "buffer_failed",
            Self::Stopped => "stopped",
            Self::Unreadable => "unreadable",
            Self::Damaged => "damaged",
            Self::NotTaken => "not_taken",
        }
    }
}

/// Messages dropped, by reason.
#[derive(Debug, Default)]
pub(crate) struct Dropped([AtomicU64; DropReason::ALL.len()]);

impl Dropped {
    pub(crate) fn add(&self, reason: DropReason, messages: u64) {
        if let Some(counter) = self.0.get(reason as usize) {
            counter.fetch_add(messages, Ordering::Relaxed);
        }
    }

    fn total(&self) -> u64 {
        self.0.iter().map(load).sum()
    }

    /// The reasons that occurred.
    fn by_reason(&self) -> BTreeMap<&'static str, u64> {
        let counted =
            DropReason::ALL.iter().zip(&self.0).map(|(reason, counter)| (reason.name(), load(counter)));
        counted.filter(|(_, messages)| *messages > 0).collect()
    }
}

/// One source's account.
#[derive(Debug, Default)]
pub(crate) struct SourceAccount {
    pub(crate) id: String,
    /// Messages that reached the socket, those included that the kernel dropped there.
    received: AtomicU64,
    /// Of these, those that the buffer took.
    accepted: AtomicU64,
    /// Of these, those that were longer than `max-message` and were cut.
    cut: AtomicU64,
    /// Connections refused because there were too many.
    refused: AtomicU64,
    dropped: Dropped,
}

impl SourceAccount {
    pub(crate) fn received(&self, messages: u64, cut: u64) {
        self.received.fetch_add(messages, Ordering::Relaxed);
        if cut > 0 {
            self.cut.fetch_add(cut, Ordering::Relaxed);
        }
    }

    pub(crate) fn accepted(&self, messages: u64) {
        self.accepted.fetch_add(messages, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self, reason: DropReason, messages: u64) {
        if messages > 0 {
            self.dropped.add(reason, messages);
        }
    }

    pub(crate) fn refused_connection(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}

/// One destination's account.
#[derive(Debug, Default)]
pub(crate) struct DestinationAccount {
    pub(crate) id: String,
    /// What was in the buffer for it when the collector started.
    backlog: u64,
    /// Messages that are where the destination promises.
    delivered: AtomicU64,
    /// Of these, those that were longer than the destination can take.
    cut: AtomicU64,
    dropped: Dropped,
}

impl DestinationAccount {
    pub(crate) fn delivered(&self, messages: u64) {
        self.delivered.fetch_add(messages, Ordering::Relaxed);
    }

    pub(crate) fn cut(&self, messages: u64) {
        if messages > 0 {
            self.cut.fetch_add(messages, Ordering::Relaxed);
        }
    }

    pub(crate) fn dropped(&self, reason: DropReason, messages: u64) {
        self.dropped.add(reason, messages);
    }
}

/// All accounts. Clones are the same ledger; the locks are taken to open and to look, never to count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    sources: Arc<Mutex<Vec<Arc<SourceAccount>>>>,
    destinations: Arc<Mutex<Vec<Arc<DestinationAccount>>>>,
}

impl Ledger {
    pub(crate) fn open_source(&self, id: &str) -> Arc<SourceAccount> {
        let account = Arc::new(SourceAccount { id: id.to_owned(), ..SourceAccount::default() });
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&account));
        account
    }

    pub(crate) fn open_destination(&self, id: &str, backlog: u64) -> Arc<DestinationAccount> {
        let account =
            Arc::new(DestinationAccount { id: id.to_owned(), backlog, ..DestinationAccount::default() });
        self.destinations.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&account));
        account
    }

    /// The accounts as they stand; `queued` says how many messages wait for a destination of that id.
    pub(crate) fn balance(&self, queued: impl Fn(&str) -> u64) -> Balance {
        let sources: Vec<SourceBalance> = self
            .sources
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|account| SourceBalance {
                id: account.id.clone(),
                received: load(&account.received),
                accepted: load(&account.accepted),
                cut: load(&account.cut),
                refused_connections: load(&account.refused),
                waiting: load(&account.received)
                    .saturating_sub(load(&account.accepted) + account.dropped.total()),
                dropped: account.dropped.by_reason(),
            })
            .collect();
        let accepted: u64 = sources.iter().map(|source| source.accepted).sum();
        let destinations = self
            .destinations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|account| DestinationBalance {
                id: account.id.clone(),
                due: account.backlog + accepted,
                delivered: load(&account.delivered),
                cut: load(&account.cut),
                queued: queued(&account.id),
                dropped: account.dropped.by_reason(),
            })
            .collect();
        Balance { sources, destinations }
    }
}

/// The ledger at one moment, as it is printed: one line of JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Balance {
    sources: Vec<SourceBalance>,
    destinations: Vec<DestinationBalance>,
}

#[derive(Debug, Serialize)]
struct SourceBalance {
    id: String,
    received: u64,
    accepted: u64,
    cut: u64,
    refused_connections: u64,
    /// Received, and held until the buffer has room.
    waiting: u64,
    dropped: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize)]
struct DestinationBalance {
    id: String,
    /// What it has to deliver: the backlog at the start, and what was accepted since.
    due: u64,
    delivered: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cut: u64,
    queued: u64,
    dropped: BTreeMap<&'static str, u64>,
}

impl Balance {
    /// Whether every account closes. True whenever nothing is in flight; if not, a message is unaccounted for.
    pub(crate) fn closes(&self) -> bool {
        self.sources
            .iter()
            .all(|source| source.received == source.accepted + source.dropped.values().sum::<u64>())
            && self
                .destinations
                .iter()
                .all(|to| to.due == to.delivered + to.queued + to.dropped.values().sum::<u64>())
    }

    /// Of each destination: its id, how many messages wait for it, and how many it is done with.
    pub(crate) fn progress(&self) -> impl Iterator<Item = (&str, u64, u64)> {
        self.destinations
            .iter()
            .map(|to| (to.id.as_str(), to.queued, to.delivered + to.dropped.values().sum::<u64>()))
    }

    /// Messages that still wait for a destination.
    pub(crate) fn queued(&self) -> u64 {
        self.destinations.iter().map(|destination| destination.queued).sum()
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_balance_closes_only_when_every_message_is_accounted_for() {
        let ledger = Ledger::default();
        let source = ledger.open_source("udp");
        let files = ledger.open_destination("files", 5);
        source.received(10, 1);
        source.accepted(7);
        source.dropped(DropReason::BufferFull, 3);
        files.delivered(4);
        assert!(ledger.balance(|_| 8).closes());
        assert!(!ledger.balance(|_| 7).closes(), "one message is nowhere");
        source.received(1, 0);
        assert!(!ledger.balance(|_| 8).closes(), "one message was received and not accepted");
    }

    #[test]
    fn it_is_printed_with_the_reasons_that_occurred() {
        let ledger = Ledger::default();
        ledger.open_source("udp").dropped(DropReason::KernelReceiveBuffer, 2);
        ledger.open_destination("files", 0).delivered(1);
        let line = ledger.balance(|_| 0).to_string();
        assert_eq!(
            line,
            r#"{"sources":[{"id":"udp","received":0,"accepted":0,"cut":0,"refused_connections":0,"waiting":0,"dropped":{"kernel_receive_buffer":2}}],"destinations":[{"id":"files","due":0,"delivered":1,"queued":0,"dropped":{}}]}"#
        );
    }
}
