//! [`Options`]: where a queue lies and how large it may become.

use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Clock;
use crate::durable::Durability;
use crate::error::OpenError;
use crate::format::{MAX_SEGMENT_BYTES, MIN_SEGMENT_BYTES, PAGE};
use crate::queue::Queue;
use crate::rules::Rules;
use crate::state::small_files;
use crate::storage::{Disk, Storage};
use crate::writing::WritePath;

/// How to open a queue.
#[derive(Clone, Debug)]
#[must_use = "nothing happens until `open`"]
pub struct Options {
    dir: PathBuf,
    pub(crate) segment_bytes: u64,
    pub(crate) max_bytes: u64,
    pub(crate) durability: Durability,
    pub(crate) write_path: WritePath,
    pub(crate) quarantine_bytes: Option<u64>,
    pub(crate) rules: Rules,
    pub(crate) clock: Clock,
}

impl Options {
    /// A queue in the directory `dir`, made if absent: segments of 64 MiB, at most 1 GiB in all. A relative path is meant from
    /// where the process is when it opens the queue.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            segment_bytes: 64 << 20,
            max_bytes: 1 << 30,
            durability: Durability::Os,
            write_path: WritePath::Choose,
            quarantine_bytes: None,
            rules: Rules::Kept,
            clock: Clock::new(),
        }
    }

    /// The length of a segment file: a multiple of 4096 between 64 KiB and 1 GiB. Only used when the queue is
    /// made; later it keeps the one it has.
    pub const fn segment_bytes(mut self, bytes: u64) -> Self {
        self.segment_bytes = bytes;
        self
    }

    /// What all files of the directory together may take.
    ///
    /// Of this, 290 816 bytes are set aside for small files, and 16 384 more for each consumer above the sixteenth. The rest is
    /// for whole segments: two are the least, so 2 × [`segment_bytes`](Self::segment_bytes) + 290 816. A segment holds 4096 bytes
    /// less of records than it is long, and a record takes 24 bytes and its length, rounded up to a multiple of eight. A batch is
    /// not spread over two segments if one holds it, so up to a batch stays empty at the end of each. So with 256 MiB and segments
    /// of 64 MiB there are three segments of records, three quarters; shorter segments waste less, some sixteen are a good
    /// measure. What the [quarantine](Self::quarantine_bytes) holds goes off it too.
    ///
    /// A queue without consumers keeps everything, and is full when it has reached this.
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// When records are made to survive power loss: [`Durability::Os`] unless said.
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Which way single records and small batches go to the disk: [`WritePath::Choose`] unless said.
    pub const fn write_path(mut self, path: WritePath) -> Self {
        self.write_path = path;
        self
    }

    /// What damaged files that are kept to be looked at may take of `max_bytes`; with 0 none are kept. An eighth, or
    /// one segment if that is more, unless said.
    pub const fn quarantine_bytes(mut self, bytes: u64) -> Self {
        self.quarantine_bytes = Some(bytes);
        self
    }

    /// A laboratory's, to see that it is noticed.
    pub(crate) const fn rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// A laboratory's, too.
    pub(crate) const fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Two segments are the least, and the small files.
    pub(crate) fn check_limit(&self, segment_bytes: u64, consumers: usize) -> Result<(), OpenError> {
        let (given, min) = (self.max_bytes, small_files(consumers) + 2 * segment_bytes);
        if given < min { Err(OpenError::MaxBytes { given, min, segment_bytes }) } else { Ok(()) }
    }

    pub(crate) fn quarantine_limit(&self, segment_bytes: u64) -> u64 {
        self.quarantine_bytes.unwrap_or_else(|| (self.max_bytes / 8).max(segment_bytes + PAGE))
    }

    /// Opens the queue, or makes it.
    ///
    /// # Errors
    /// When another has it open, when `META` is lost or damaged, when the limits make no sense, or when the
    /// system refuses. Damaged records and cursors are no error: see [`Recovery`](crate::Recovery).
    pub fn open(self) -> Result<Queue, OpenError> {
        if self.dir.as_os_str().is_empty() {
            return Err(OpenError::NoDirectory);
        }
        let disk = Arc::new(Disk::new(&self.dir));
        self.open_on(disk)
    }

    /// As [`Self::open`], on another kind of storage; `dir` is then not used.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_on(self, storage: Arc<dyn Storage>) -> Result<Queue, OpenError> {
        if !(MIN_SEGMENT_BYTES..=MAX_SEGMENT_BYTES).contains(&self.segment_bytes)
            || !self.segment_bytes.is_multiple_of(PAGE)
        {
            return Err(OpenError::SegmentBytes {
                given: self.segment_bytes,
                min: MIN_SEGMENT_BYTES,
                max: MAX_SEGMENT_BYTES,
            });
        }
        Queue::open(&self, storage)
    }
}
