//! What can be asked of a queue: [`Status`] now, [`Recovery`] about how it was found.

use std::path::PathBuf;

use crate::seq::{Loss, Seq};

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
    /// Records dropped by [`WhenFull::DropNewest`](crate::WhenFull::DropNewest) since the queue was opened.
    pub dropped_newest: u64,
    /// Records dropped by [`WhenFull::DropOldest`](crate::WhenFull::DropOldest) since the queue was opened,
    /// whether or not somebody had read them.
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
    /// Files with the name of a segment that are none of this queue's, or hold nothing that verifies. They
    /// were not touched and do not count as bytes in use.
    pub unreadable: Vec<PathBuf>,
}

/// Whether a queue was made or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// There was none.
    Created,
    /// There was one.
    Reopened,
}
