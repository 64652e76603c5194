//! What can be asked of a queue: [`Status`] now, [`Recovery`] about how it was found.

use std::path::PathBuf;
use std::time::Duration;

use crate::cursor::Behind;
use crate::durable::Durable;
use crate::seq::{Loss, Seq};
use crate::writing::Writing;

/// A queue at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The number the next record gets.
    pub next_seq: Seq,
    /// The oldest record kept; equal to `next_seq` when there is none.
    pub oldest_seq: Seq,
    /// Records kept.
    pub records: u64,
    /// Bytes that the queue's files take in the directory.
    pub bytes: u64,
    /// What they may take.
    pub max_bytes: u64,
    /// The length of a segment.
    pub segment_bytes: u64,
    /// Segments in use.
    pub segments: usize,
    /// Segments kept for reuse.
    pub spares: usize,
    /// Whether an append may work; see [`Queue::has_space`](crate::Queue::has_space).
    pub has_space: bool,
    /// How long ago an append or a reservation last found the disk full; `None` if none did, or if records came or room was reserved
    /// since. `has_space` is true again a fifth of a second later, since somebody has to try: this stays until one succeeds.
    /// When nobody tries, it tells nothing of the disk as it is now.
    pub disk_full: Option<Duration>,
    /// The newest record that survives power loss.
    pub durable: Option<Durable<Seq>>,
    /// Which way single records and small batches go to the newest segment now, and why.
    pub writing: Writing,
    /// Bytes promised to batches that are not there yet: see [`Queue::reserve`](crate::Queue::reserve).
    pub reserved: u64,
    /// Bytes of damaged files that are kept to be looked at; part of `bytes`.
    pub quarantined: u64,
    /// Records dropped by [`WhenFull::DropNewest`](crate::WhenFull::DropNewest) since the queue was made.
    pub dropped_newest: u64,
    /// Records dropped by [`WhenFull::DropOldest`](crate::WhenFull::DropOldest) or [`Behind::Loses`] since the queue
    /// was made, whether or not somebody had read them.
    pub dropped_oldest: u64,
    /// The consumers, by name.
    pub consumers: Vec<ConsumerStatus>,
}

/// A consumer at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumerStatus {
    /// Its name.
    pub name: String,
    /// All records before this one are acknowledged.
    pub acked: Seq,
    /// Records kept that it has not acknowledged.
    pub lag: u64,
    /// What they take in the segments, nearly: where the segment of an earlier run ends is not looked up.
    pub lag_bytes: u64,
    /// How long the oldest of them has been there; of those of an earlier run, since the queue was opened.
    pub lag_age: Duration,
    /// What becomes of records it has not acknowledged when the queue is full.
    pub behind: Behind,
    /// Records that were gone before it could read them, since it was made; persisted.
    pub lost: u64,
    /// Whether a handle for it is alive.
    pub busy: Busy,
}

/// Whether somebody has the consumer open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Busy {
    /// A handle is alive.
    Open,
    /// Nobody reads.
    Idle,
}

/// What opening the queue found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// Whether the queue was there before.
    pub origin: Origin,
    /// The oldest record found; equal to `next_seq` when there is none.
    pub oldest_seq: Seq,
    /// The number the next record gets.
    pub next_seq: Seq,
    /// Segments in use.
    pub segments: usize,
    /// Segments ready for reuse.
    pub spares: usize,
    /// Bytes of an append that was never finished, removed behind the last record.
    pub torn_bytes: u64,
    /// Records that are known to be gone. Damage inside older segments shows when it is read.
    pub losses: Vec<Loss>,
    /// Consumers whose cursor did not verify: they begin again at the oldest record.
    pub cursors_reset: Vec<String>,
    /// Files of which a slot did not verify although another one did: `STATE`, and consumers' cursors. A write that power loss cut
    /// short leaves that, and so does damage: what counts is then one write older, and records come again. The next write mends it.
    pub torn_slots: Vec<PathBuf>,
    /// Files with the name of a segment that are none of this queue's, or hold nothing that verifies. They were put
    /// away as `<n>.bad`, with the reason in `<n>.why`, if the quarantine has room, and count as bytes in use.
    pub unreadable: Vec<PathBuf>,
    /// Whether the counts of earlier runs were found.
    pub counts: Counts,
}

/// Whether `STATE` was there: what was synced, and how much was dropped in earlier runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counts {
    /// They go on.
    Kept,
    /// The file was gone or did not verify: they begin anew.
    Lost,
}

/// Whether a queue was made or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// There was none.
    Created,
    /// There was one.
    Reopened,
}
