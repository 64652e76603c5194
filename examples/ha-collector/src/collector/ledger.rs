//! The ledger: for every source, path and destination, where each message went.
//!
//! A source's account closes when `received = accepted + dropped`, a path's when `offered = taken + filtered`, a
//! destination's when `due = delivered + passed by + queued + dropped`: due is all that the buffer has numbered since the
//! destination's place in it. And what the buffer has numbered is what the sources say was accepted. Counters are
//! advanced once a batch; they agree to the message whenever nothing is in flight.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// Why a message did not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DropReason {
    /// The kernel had no room for a datagram; we never saw it.
    KernelReceiveBuffer,
    /// There was nothing in it: an empty datagram.
    Empty,
    /// No path wanted it.
    NoPath,
    /// A final path without a destination took it.
    Discarded,
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
    /// Something that the collector says itself, said again and again.
    TooOften,
    /// The buffer needed its room, and this destination was too far behind.
    Behind,
    /// The destination takes what it can take at once, and could not.
    NotTaken,
    /// It waited for a destination that is no longer configured, and was given up on command.
    Forgotten,
}

/// Why a connection was closed by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closing {
    /// It said nothing for too long.
    Idle,
    /// Unfinished messages took more memory than they may.
    Memory,
}

impl Closing {
    const ALL: [Self; 2] = [Self::Idle, Self::Memory];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Memory => "max_held",
        }
    }
}

impl DropReason {
    const ALL: [Self; 14] = [
        Self::KernelReceiveBuffer,
        Self::Empty,
        Self::NoPath,
        Self::Discarded,
        Self::BufferFull,
        Self::DiskFull,
        Self::BufferFailed,
        Self::Stopped,
        Self::Unreadable,
        Self::Damaged,
        Self::TooOften,
        Self::Behind,
        Self::NotTaken,
        Self::Forgotten,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::KernelReceiveBuffer => "kernel_receive_buffer",
            Self::Empty => "empty",
            Self::NoPath => "no_path",
            Self::Discarded => "discarded",
            Self::BufferFull => "buffer_full",
            Self::DiskFull => "disk_full",
            Self::BufferFailed => "buffer_failed",
            Self::Stopped => "stopped",
            Self::Unreadable => "unreadable",
            Self::Damaged => "damaged",
            Self::TooOften => "too_often",
            Self::Behind => "behind",
            Self::NotTaken => "not_taken",
            Self::Forgotten => "forgotten",
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
    /// Connections that we closed, by reason.
    closed: [AtomicU64; Closing::ALL.len()],
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

    pub(crate) fn closed_connection(&self, why: Closing) {
        if let Some(counter) = self.closed.get(why as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn refused_connection(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    fn closed_by_reason(&self) -> BTreeMap<&'static str, u64> {
        let counted = Closing::ALL.iter().zip(&self.closed).map(|(why, counter)| (why.name(), load(counter)));
        counted.filter(|(_, connections)| *connections > 0).collect()
    }
}

/// One path's account: since the start, over all sources.
#[derive(Debug, Default)]
pub(crate) struct PathAccount {
    pub(crate) id: String,
    /// Messages that came to it.
    offered: AtomicU64,
    /// Of these, those that went along to the end.
    taken: AtomicU64,
}

impl PathAccount {
    pub(crate) fn count(&self, offered: u64, taken: u64) {
        self.offered.fetch_add(offered, Ordering::Relaxed);
        self.taken.fetch_add(taken, Ordering::Relaxed);
    }
}

/// The end of a destination that goes on.
const THERE: u64 = u64::MAX;

/// One destination's account.
#[derive(Debug, Default)]
pub(crate) struct DestinationAccount {
    pub(crate) id: String,
    /// The number of the first message that is due to it: its place in the buffer when it was opened.
    first: AtomicU64,
    /// Where it ended, once it is no longer there; [`THERE`] while it is.
    end: AtomicU64,
    /// Not configured, but messages wait for it.
    orphaned: AtomicBool,
    /// Messages that are where the destination promises.
    delivered: AtomicU64,
    /// Messages of the buffer that are for other destinations.
    passed_by: AtomicU64,
    /// Of these, those that were longer than the destination can take.
    cut: AtomicU64,
    dropped: Dropped,
}

impl DestinationAccount {
    /// These were for others.
    pub(crate) fn passed_by(&self, messages: u64) {
        if messages > 0 {
            self.passed_by.fetch_add(messages, Ordering::Relaxed);
        }
    }

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
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    /// The number of the first message that this process accepts.
    first: u64,
    sources: Arc<Mutex<Vec<Arc<SourceAccount>>>>,
    paths: Arc<Mutex<Vec<Arc<PathAccount>>>>,
    destinations: Arc<Mutex<Vec<Arc<DestinationAccount>>>>,
}

impl Ledger {
    /// `next` is the number that the buffer gives the next message.
    pub(crate) fn new(next: u64) -> Self {
        Self { first: next, sources: Arc::default(), paths: Arc::default(), destinations: Arc::default() }
    }

    /// The account of that source: what an earlier one of that id counted is kept.
    pub(crate) fn open_source(&self, id: &str) -> Arc<SourceAccount> {
        open(
            &self.sources,
            |account| account.id == id,
            || SourceAccount { id: id.to_owned(), ..SourceAccount::default() },
        )
    }

    pub(crate) fn open_path(&self, id: &str) -> Arc<PathAccount> {
        open(
            &self.paths,
            |account| account.id == id,
            || PathAccount { id: id.to_owned(), ..PathAccount::default() },
        )
    }

    /// What the buffer numbers from `first` on is due to it.
    pub(crate) fn open_destination(&self, id: &str, first: u64) -> Arc<DestinationAccount> {
        let new = || DestinationAccount {
            id: id.to_owned(),
            first: AtomicU64::new(first),
            end: AtomicU64::new(THERE),
            ..DestinationAccount::default()
        };
        let account = open(&self.destinations, |account| account.id == id, new);
        account.orphaned.store(false, Ordering::Relaxed);
        let end = account.end.swap(THERE, Ordering::Relaxed);
        if end != THERE {
            // What came while it was not there was not due to it.
            account.first.fetch_add(first.saturating_sub(end), Ordering::Relaxed);
        }
        account
    }

    /// The account of a destination that is not configured and has its place in the buffer, at `first`, all the same.
    pub(crate) fn orphan_destination(&self, id: &str, first: u64) -> Arc<DestinationAccount> {
        let account = self.open_destination(id, first);
        account.orphaned.store(true, Ordering::Relaxed);
        account
    }

    /// A destination is no longer there, and has no place in the buffer any more; it had got as far as `end`.
    pub(crate) fn forget_destination(&self, id: &str, end: u64) {
        for account in lock(&self.destinations).iter().filter(|account| account.id == id) {
            account.end.store(end, Ordering::Relaxed);
            account.orphaned.store(false, Ordering::Relaxed);
        }
    }

    /// The accounts as they stand. `next` is the number that the buffer gives the next message, `queued` says how many wait
    /// for a destination of that id.
    pub(crate) fn balance(&self, next: u64, queued: impl Fn(&str) -> u64) -> Balance {
        let sources: Vec<SourceBalance> = lock(&self.sources)
            .iter()
            .map(|account| SourceBalance {
                id: account.id.clone(),
                received: load(&account.received),
                accepted: load(&account.accepted),
                cut: load(&account.cut),
                refused_connections: load(&account.refused),
                closed_connections: account.closed_by_reason(),
                waiting: load(&account.received)
                    .saturating_sub(load(&account.accepted) + account.dropped.total()),
                dropped: account.dropped.by_reason(),
            })
            .collect();
        let paths = lock(&self.paths)
            .iter()
            .map(|account| {
                let (offered, taken) = (load(&account.offered), load(&account.taken));
                PathBalance {
                    id: account.id.clone(),
                    offered,
                    taken,
                    filtered: offered.saturating_sub(taken),
                }
            })
            .collect();
        let destinations = lock(&self.destinations)
            .iter()
            .map(|account| DestinationBalance {
                id: account.id.clone(),
                due: next.min(load(&account.end)).saturating_sub(load(&account.first)),
                delivered: load(&account.delivered),
                passed_by: load(&account.passed_by),
                cut: load(&account.cut),
                queued: queued(&account.id),
                dropped: account.dropped.by_reason(),
                orphaned: account.orphaned.load(Ordering::Relaxed),
            })
            .collect();
        Balance {
            buffered: next.saturating_sub(self.first),
            sources,
            paths,
            destinations,
            not_done: Vec::new(),
        }
    }
}

/// The ledger at one moment, as it is printed: one line of JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Balance {
    /// Messages that the buffer has taken since the start.
    buffered: u64,
    sources: Vec<SourceBalance>,
    paths: Vec<PathBalance>,
    destinations: Vec<DestinationBalance>,
    /// What the last reload could not do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_done: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SourceBalance {
    id: String,
    received: u64,
    accepted: u64,
    cut: u64,
    refused_connections: u64,
    /// Those that we closed, by reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    closed_connections: BTreeMap<&'static str, u64>,
    /// Received, and held until the buffer has room.
    waiting: u64,
    dropped: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize)]
struct PathBalance {
    id: String,
    offered: u64,
    taken: u64,
    filtered: u64,
}

#[derive(Debug, Serialize)]
struct DestinationBalance {
    id: String,
    /// All that the buffer has numbered since its place there at the start.
    due: u64,
    delivered: u64,
    /// Looked at, and for other destinations.
    passed_by: u64,
    #[serde(skip_serializing_if = "is_zero")]
    cut: u64,
    queued: u64,
    dropped: BTreeMap<&'static str, u64>,
    /// Not configured: nobody delivers what is queued.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    orphaned: bool,
}

impl Balance {
    pub(super) fn with_not_done(self, not_done: Vec<String>) -> Self {
        Self { not_done, ..self }
    }

    /// Whether every account closes. True whenever nothing is in flight; if not, a message is unaccounted for.
    pub(crate) fn closes(&self) -> bool {
        let dropped = |dropped: &BTreeMap<_, u64>| dropped.values().sum::<u64>();
        let source = |of: &SourceBalance| of.received == of.accepted + dropped(&of.dropped);
        // What the buffer lost of what waits for one that is not there is told to whoever reads next, or gives it up.
        let destination = |of: &DestinationBalance| {
            of.orphaned || of.due == of.delivered + of.passed_by + of.queued + dropped(&of.dropped)
        };
        self.buffered == self.sources.iter().map(|source| source.accepted).sum::<u64>()
            && self.sources.iter().all(source)
            && self.destinations.iter().all(destination)
    }

    /// Of each destination that is configured: its id, how many messages wait for it, and how many it is done with.
    pub(crate) fn progress(&self) -> impl Iterator<Item = (&str, u64, u64)> {
        self.destinations.iter().filter(|to| !to.orphaned).map(|to| {
            (to.id.as_str(), to.queued, to.delivered + to.passed_by + to.dropped.values().sum::<u64>())
        })
    }

    /// Messages that still wait for a destination that is configured.
    pub(crate) fn queued(&self) -> u64 {
        self.destinations.iter().filter(|to| !to.orphaned).map(|to| to.queued).sum()
    }

    /// Destinations that are not configured, and the records that wait for each.
    pub(crate) fn orphans(&self) -> impl Iterator<Item = (&str, u64)> {
        self.destinations.iter().filter(|to| to.orphaned).map(|to| (to.id.as_str(), to.queued))
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

fn lock<T>(accounts: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    accounts.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open<T>(accounts: &Mutex<Vec<Arc<T>>>, is: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> Arc<T> {
    if let Some(known) = lock(accounts).iter().find(|account| is(account)) {
        return Arc::clone(known);
    }
    let account = Arc::new(new());
    lock(accounts).push(Arc::clone(&account));
    account
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests;
