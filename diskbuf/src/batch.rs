//! [`Batch`]: records staged by a producer in the very bytes that will lie on disk. Numbers, salt and position
//! are filled in by the queue (`segment`); the payload's checksum is computed here, outside any lock.

use std::fmt;

use crate::error::TooLarge;
use crate::format::{HEADER_LEN, MAX_SEGMENT_BYTES, PAGE_LEN};
use crate::record;

/// Records on their way into a queue. Reuse it: an append empties it and keeps its memory.
#[derive(Clone)]
pub struct Batch {
    /// Records as on disk, their `seq`, `magic` and `head_crc` still zero.
    bytes: Vec<u8>,
    /// Where the records not yet taken begin.
    start: usize,
    records: usize,
    largest: usize,
    max_record_len: usize,
}

impl Batch {
    /// An empty batch that takes records of any length that some queue could hold.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), start: 0, records: 0, largest: 0, max_record_len: LARGEST }
    }

    /// An empty batch with room for `bytes` bytes of records and their headers.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), ..Self::new() }
    }

    /// Refuses records longer than `max` when they are pushed, not only when they are appended. See
    /// [`Queue::max_record_len`](crate::Queue::max_record_len).
    #[must_use]
    pub const fn max_record_len(mut self, max: usize) -> Self {
        self.max_record_len = if max < LARGEST { max } else { LARGEST };
        self
    }

    /// Adds a record.
    ///
    /// # Errors
    /// When it is longer than any queue, or the limit set, can hold; the batch is then unchanged.
    #[inline]
    pub fn push(&mut self, payload: &[u8]) -> Result<(), TooLarge> {
        let wire_len = self.check(payload.len())?;
        record::stage(&mut self.bytes, wire_len, payload);
        self.count(payload.len());
        Ok(())
    }

    /// Adds one record whose payload is `parts`, one behind the other.
    ///
    /// # Errors
    /// As [`Self::push`].
    #[inline]
    pub fn push_parts(&mut self, parts: &[&[u8]]) -> Result<(), TooLarge> {
        let len = parts.iter().map(|part| part.len()).sum::<usize>();
        let wire_len = self.check(len)?;
        record::stage_parts(&mut self.bytes, wire_len, parts);
        self.count(len);
        Ok(())
    }

    #[inline]
    fn check(&self, len: usize) -> Result<u32, TooLarge> {
        let max = self.max_record_len;
        u32::try_from(len).ok().filter(|_| len <= max).ok_or(TooLarge { len, max })
    }

    #[inline]
    const fn count(&mut self, len: usize) {
        self.records += 1;
        if self.largest < len {
            self.largest = len;
        }
    }

    /// Forgets all records; the memory is kept.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.start = 0;
        self.records = 0;
        self.largest = 0;
    }

    /// How many records it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.records
    }

    /// Whether it holds none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// How many bytes they will take on disk.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// The longest payload pushed since the last [`Self::clear`].
    pub(crate) const fn largest(&self) -> usize {
        self.largest
    }

    /// The records not yet taken.
    pub(crate) fn image(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.start..).unwrap_or_default()
    }

    /// Takes `records` records of together `bytes` bytes off the front.
    pub(crate) fn consume(&mut self, records: usize, bytes: usize) {
        self.records -= records;
        self.start += bytes;
        if self.records == 0 {
            self.clear();
        }
    }
}

/// Without the payloads: they may be long, and are somebody's data.
impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("records", &self.records)
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

/// The longest payload of the largest segment.
const LARGEST: usize = (1 << 30) - PAGE_LEN - HEADER_LEN;
const _: () = assert!(MAX_SEGMENT_BYTES == 1 << 30);
