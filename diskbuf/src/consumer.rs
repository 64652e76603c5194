//! [`Consumer`]: one named reader of the queue, its place and its acknowledgements. How records are found is
//! `reader`; what one read gives is `delivery`.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::alive::Alive;
use crate::cursor::Cursor;
use crate::delivery::Delivery;
use crate::error::{AckError, ReadError};
use crate::reader::{Position, Reader};
use crate::seq::Seq;
use crate::state::Shared;
use crate::wait::{Wait, Waiters, Waiting};

/// The one handle of a named consumer.
pub struct Consumer {
    pub(crate) reader: Reader,
    cursor: Arc<Cursor>,
    /// Where the next read begins.
    pub(crate) position: Position,
    /// Where the first record not acknowledged lies.
    acked: Position,
    /// What was deferred, oldest first.
    deferred: VecDeque<Deferred>,
    interrupted: Arc<AtomicBool>,
    _alive: Arc<Alive>,
}

/// How much one read takes at most: by default [`Self::BUFFER`], a mebibyte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Records.
    pub records: usize,
    /// Bytes of payload; a single record is delivered even if it is longer.
    pub bytes: usize,
}

/// A delivery that was read past without acknowledging it.
#[derive(Debug)]
struct Deferred {
    until: Position,
    lost: u64,
}

/// Wakes one consumer out of its wait, from anywhere.
#[derive(Clone)]
pub struct Interrupter {
    flag: Arc<AtomicBool>,
    waiters: Arc<Waiters>,
}

impl Consumer {
    pub(crate) fn new(shared: Arc<Shared>, alive: Arc<Alive>, cursor: Arc<Cursor>) -> Self {
        let slot = cursor.slot();
        let position = Position::at(slot);
        Self {
            reader: Reader::new(shared, &slot),
            cursor,
            acked: position.clone(),
            position,
            deferred: VecDeque::new(),
            interrupted: Arc::default(),
            _alive: alive,
        }
    }

    /// Whether a consumer may be called so: 1 to 64 of `a-z 0-9 . _ -`, the first a letter or digit.
    #[must_use]
    pub fn is_name(name: &str) -> bool {
        crate::cursor::is_name(name)
    }

    /// The records that come next, at most as many as `limit` says; none if there are none, without waiting. It stops at the
    /// end of a segment and at damage: fewer than the limit does not mean that there are no more, none does.
    ///
    /// # Errors
    /// When the system refuses to read; the position is unchanged. Damage on disk is no error: what could not
    /// be given is in [`Delivery::losses`].
    pub fn read(&mut self, limit: Limit) -> Result<Delivery<'_>, ReadError> {
        let until = self.reader.fill(&self.position, limit)?;
        Ok(Delivery::new(self, until))
    }

    /// Parks the thread until there is something to read, the queue is closed and everything has been read,
    /// the deadline is there, or somebody interrupts.
    pub fn wait(&mut self, deadline: Option<Instant>) -> Wait {
        let shared = Arc::clone(self.reader.shared());
        let look = look(&shared, &self.interrupted, self.position.seq);
        shared.data.wait(deadline, look)
    }

    /// [`Self::wait`] without a deadline, as a future for any runtime. Dropping it is safe at any time.
    pub fn ready(&mut self) -> impl Future<Output = Wait> + Send + Sync + Unpin + '_ {
        let waiters = Arc::clone(&self.reader.shared().data);
        Waiting::new(waiters, look(self.reader.shared(), &self.interrupted, self.position.seq))
    }

    /// A handle that wakes this consumer.
    #[must_use]
    pub fn interrupter(&self) -> Interrupter {
        Interrupter { flag: Arc::clone(&self.interrupted), waiters: Arc::clone(&self.reader.shared().data) }
    }

    /// Acknowledges all records up to `seq` that were delivered and deferred. See [`Delivery::defer`].
    ///
    /// # Errors
    /// When the record was not delivered, or the cursor cannot be written: nothing is acknowledged then.
    pub fn ack_through(&mut self, seq: Seq) -> Result<(), AckError> {
        let (first, end) = (self.acked.seq, self.position.seq);
        if !(first..end).contains(&seq.as_u64()) {
            return Err(AckError::NotDelivered { seq: seq.as_u64(), first, last: end - 1 });
        }
        let next = seq.as_u64() + 1;
        let whole = self.deferred.partition_point(|deferred| deferred.until.seq <= next);
        let lost = self.deferred.iter().take(whole).map(|deferred| deferred.lost).sum();
        let mark = self.deferred.get(whole.wrapping_sub(1)).map(|deferred| &deferred.until);
        let until = mark.filter(|mark| mark.seq == next).cloned().unwrap_or_else(|| Position::unknown(next));
        self.commit(&until, lost)?;
        self.deferred.drain(..whole);
        Ok(())
    }

    /// Goes back to the first record not acknowledged: what was deferred is delivered again.
    pub fn rewind(&mut self) {
        self.deferred.clear();
        self.position = self.acked.clone();
    }

    /// Records kept that are not acknowledged.
    #[must_use]
    pub fn lag(&self) -> u64 {
        let shared = self.reader.shared();
        let oldest = shared.oldest_seq.load(Ordering::SeqCst);
        shared.next_seq.load(Ordering::SeqCst).saturating_sub(self.cursor.next().max(oldest))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.cursor.name
    }

    /// All records before this one are acknowledged.
    #[must_use]
    pub fn acked(&self) -> Seq {
        Seq::new(self.cursor.next())
    }

    /// Records that were gone before this consumer could read them, since it was made.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.cursor.slot().lost
    }

    /// Acknowledges everything before `until`, deferred or not, and reads on there.
    pub(crate) fn settle(&mut self, until: Position, lost: u64) -> Result<(), AckError> {
        let deferred = self.deferred.iter().map(|deferred| deferred.lost).sum::<u64>();
        self.commit(&until, lost + deferred)?;
        self.deferred.clear();
        self.position = until;
        Ok(())
    }

    /// Reads on at `until` without acknowledging.
    pub(crate) fn defer(&mut self, until: Position, lost: u64) {
        if until.seq > self.position.seq {
            self.deferred.push_back(Deferred { until: until.clone(), lost });
        }
        self.position = until;
    }

    fn commit(&mut self, until: &Position, lost: u64) -> Result<(), AckError> {
        if until.seq > self.cursor.next() {
            self.cursor.advance(until.seq, until.hint(), lost).map_err(|source| AckError::Io {
                path: self.reader.shared().storage.path(&crate::cursor::file_name(&self.cursor.name)),
                source,
            })?;
            self.reader.shared().acknowledged(until.seq);
        }
        self.acked = until.clone();
        Ok(())
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("name", &self.cursor.name)
            .field("acked", &self.acked.seq)
            .field("next", &self.position.seq)
            .field("deferred", &self.deferred.len())
            .field("queue", self.reader.shared())
            .finish()
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.cursor.vacate();
    }
}

impl Limit {
    /// As much as fits into the buffer: a mebibyte, however many records that is.
    pub const BUFFER: Self = Self { records: usize::MAX, bytes: 1 << 20 };
}

impl Default for Limit {
    fn default() -> Self {
        Self::BUFFER
    }
}

impl Interrupter {
    /// Ends the consumer's present wait with [`Wait::Interrupted`], or its next one if it does not wait.
    pub fn interrupt(&self) {
        self.flag.store(true, Ordering::SeqCst);
        self.waiters.notify();
    }
}

impl fmt::Debug for Interrupter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupter").finish_non_exhaustive()
    }
}

/// What a consumer that stands at `seq` waits for.
fn look<'a>(
    shared: &'a Shared,
    interrupted: &'a AtomicBool,
    seq: u64,
) -> impl Fn() -> Option<Wait> + Unpin + 'a {
    move || {
        if interrupted.load(Ordering::SeqCst) && interrupted.swap(false, Ordering::SeqCst) {
            Some(Wait::Interrupted)
        } else if shared.next_seq.load(Ordering::SeqCst) > seq {
            Some(Wait::Ready)
        } else if shared.closed.load(Ordering::SeqCst) {
            Some(Wait::Closed)
        } else {
            None
        }
    }
}
