//! [`Queue`]: the handle of those who append, and of those who look after the queue. Reading is `consumer`.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::alive::Alive;
use crate::batch::Batch;
use crate::consumer::Consumer;
use crate::cursor::{self, Behind, Cursor, Slot};
use crate::durable::{Durability, Durable};
use crate::error::{AppendError, ConsumerError, OpenError, SyncError};
use crate::format::DATA_START;
use crate::meta::{Hex, Meta};
use crate::options::Options;
use crate::recover;
use crate::reserve::Reservation;
use crate::seq::Seq;
use crate::state::{Shared, State, small_files};
use crate::status::{ConsumerStatus, Recovery, Status};
use crate::storage::Storage;
use crate::wait::{Wait, Waiting};

/// An open queue. Clones are the same queue; it is given up when all of them, all its consumers and all reservations are
/// dropped. What is then synced, [`Durability`] says.
///
/// It holds four files open (`LOCK`, the directory, `STATE`, the newest segment), two more for each consumer that is read (one
/// if it is not), and has a thread with [`Durability::Interval`], or once [`Self::durable`] was used or the disk was full.
#[derive(Clone)]
pub struct Queue {
    shared: Arc<Shared>,
    alive: Arc<Alive>,
}

/// What an append does when the queue has reached its limit, or the disk is full before it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenFull {
    /// Gives [`AppendError::Full`] or [`AppendError::NoSpace`]; what was not accepted stays in the batch.
    Refuse,
    /// Waits until there is room, or the queue is closed. A queue without consumers is full for ever. A full disk is not waited
    /// for: that is [`AppendError::NoSpace`], since nobody tells when another program makes room.
    Block,
    /// Waits as `Block` does, but gives [`AppendError::Full`] at this moment.
    BlockUntil(Instant),
    /// Drops what finds no room, be it in the queue or on the disk, and counts it.
    DropNewest,
    /// Drops the oldest segment, whoever has not read it, and counts it; consumers behind it get the exact
    /// [`Loss`](crate::Loss). On a full disk its file is used again. The newest segment is never dropped: where it alone is
    /// left, this is `Refuse`.
    DropOldest,
}

/// What an append did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Appended {
    /// Records accepted.
    pub records: u64,
    /// The number of the first of them. They need not be in one run if others append at the same time and this
    /// append had to wait.
    pub first: Option<Seq>,
    /// The number of the last.
    pub last: Option<Seq>,
    /// Records dropped instead: see [`WhenFull::DropNewest`].
    pub dropped: u64,
}

/// Where a new consumer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Start {
    /// At the oldest record kept.
    Oldest,
    /// Behind the newest.
    Newest,
}

impl Queue {
    pub(crate) fn open(options: &Options, storage: Arc<dyn Storage>) -> Result<Self, OpenError> {
        let shared = Arc::new(recover::open(options, storage)?);
        shared.acknowledged(u64::MAX);
        shared.reserve_first()?;
        let alive = Arc::new(Alive::new(Arc::clone(&shared)));
        Ok(Self { shared, alive })
    }

    /// Appends all records of the batch, in order. `Ok` means that each of them is in the queue and will
    /// survive the death of this process, or was dropped and counted in [`Appended::dropped`]; the batch is
    /// then empty, its memory kept.
    ///
    /// A batch that fits into a segment is one unit: after a crash all of it is there or nothing. A larger one is as many
    /// units as it takes.
    ///
    /// # Errors
    /// The records accepted before it went wrong have been taken out of the batch (compare its length with
    /// before); what is left in it was **not** accepted and may be appended again.
    pub fn append(&self, batch: &mut Batch, when_full: WhenFull) -> Result<Appended, AppendError> {
        let appended = self.shared.append(&self.alive, batch, when_full);
        self.looked_at(appended)
    }

    /// Appends one record. Where [stores](crate::WritePath) are the way to go that costs next to nothing; otherwise it costs
    /// an allocation and a system call, and where there are many records a [`Batch`] is better.
    ///
    /// With [`WhenFull::DropNewest`] a full queue, or disk, is an error here, since there would be no number to give; the record is
    /// counted as dropped.
    ///
    /// # Errors
    /// The record was not accepted.
    pub fn append_one(&self, payload: &[u8], when_full: WhenFull) -> Result<Seq, AppendError> {
        if let Some(stored) = self.shared.store_one(payload) {
            return stored;
        }
        let max = self.max_record_len();
        let mut batch = Batch::new().max_record_len(max);
        batch.push(payload).map_err(|error| AppendError::TooLarge { len: error.len, max })?;
        // There is no number for what is dropped: it is refused, and counted.
        let newest = when_full == WhenFull::DropNewest;
        let appended = self.append(&mut batch, if newest { WhenFull::Refuse } else { when_full });
        if newest && matches!(appended, Err(AppendError::Full { .. } | AppendError::NoSpace { .. })) {
            self.shared.count_dropped(1);
        }
        appended?.last.ok_or(AppendError::Closed)
    }

    /// Keeps room for a batch of [`Batch::bytes`] `bytes` that is not there yet, such as what is about to be read from
    /// a connection. A record takes 24 bytes and its length, rounded up to a multiple of eight. All that is reserved together is at
    /// most a segment less 4096 bytes, however empty the queue is.
    ///
    /// # Errors
    /// [`AppendError::NoRoom`] when there is no such room now ([`Self::room`] tells when to try again; for appends there may
    /// be, see [`Self::has_space`]), [`AppendError::Unreservable`] when it is more than a segment holds, and when the disk is
    /// full, the queue closed or poisoned.
    pub fn reserve(&self, bytes: usize) -> Result<Reservation, AppendError> {
        let reserved = self.shared.reserve(&self.alive, bytes as u64);
        self.looked_at(reserved)
    }

    /// Nobody tells when a full disk has room again.
    fn looked_at<T>(&self, result: Result<T, AppendError>) -> Result<T, AppendError> {
        if let Err(AppendError::NoSpace { .. }) = result {
            self.alive.disk_is_full();
        }
        result
    }

    /// The consumer `name`, made if there is none; only then `start` matters. While its handle is alive there
    /// is no second one. From now on the queue keeps what it has not acknowledged.
    ///
    /// # Errors
    /// As [`Self::consumer_that`].
    pub fn consumer(&self, name: &str, start: Start) -> Result<Consumer, ConsumerError> {
        self.consumer_that(Behind::Keeps, name, start)
    }

    /// As [`Self::consumer`], but from now on it keeps what it has not acknowledged, or loses it when the queue is full,
    /// whatever it did before.
    ///
    /// # Errors
    /// When the name is no name, when a handle is alive, or when the cursor cannot be made or written.
    pub fn consumer_that(&self, behind: Behind, name: &str, start: Start) -> Result<Consumer, ConsumerError> {
        if !cursor::is_name(name) {
            return Err(ConsumerError::Name { name: name.to_owned() });
        }
        let cursor = {
            let mut state = self.shared.state();
            if let Some(cursor) = state.consumers.get(name) {
                Arc::clone(cursor)
            } else {
                let max_bytes = self.shared.max_bytes;
                let count = state.consumers.len();
                let grown = small_files(count + 1) - small_files(count);
                let bytes = self.shared.bytes(&state);
                let least = small_files(count + 1) + 2 * self.shared.meta.segment_bytes;
                if grown > 0 && (bytes + grown > max_bytes || least > max_bytes) {
                    return Err(ConsumerError::Full { bytes, max_bytes });
                }
                let next = match start {
                    Start::Oldest => self.shared.oldest_seq.load(Ordering::SeqCst),
                    Start::Newest => state.next_seq,
                };
                let made = Cursor::create(&self.shared.storage, self.shared.meta.uuid, name, next, behind);
                let cursor = Arc::new(made.map_err(|source| self.cursor_error("make cursor", name, source))?);
                state.consumers.insert(name.to_owned(), Arc::clone(&cursor));
                cursor
            }
        };
        cursor.occupy().map_err(|_| ConsumerError::Busy { name: name.to_owned() })?;
        if let Err(source) = cursor.turn(behind) {
            cursor.vacate();
            return Err(self.cursor_error("write cursor", name, source));
        }
        if behind == Behind::Loses {
            // It makes room for those who wait, if it did not before.
            self.shared.look_again();
        }
        self.shared.acknowledged(cursor.next());
        Ok(Consumer::new(Arc::clone(&self.shared), Arc::clone(&self.alive), cursor))
    }

    /// Forgets the consumer `name`; what only it had not acknowledged can be freed.
    ///
    /// # Errors
    /// When there is none, when its handle is alive, or when the system refuses.
    pub fn remove_consumer(&self, name: &str) -> Result<(), ConsumerError> {
        let mut state = self.shared.state();
        let cursor =
            state.consumers.get(name).ok_or_else(|| ConsumerError::Unknown { name: name.to_owned() })?;
        cursor.occupy().map_err(|_| ConsumerError::Busy { name: name.to_owned() })?;
        if let Err(source) = self.shared.storage.remove(&cursor::file_name(name)) {
            cursor.vacate();
            return Err(self.cursor_error("remove cursor", name, source));
        }
        state.consumers.remove(name);
        drop(state);
        self.shared.acknowledged(u64::MAX);
        Ok(())
    }

    /// The consumers, by name.
    #[must_use]
    pub fn consumers(&self) -> Vec<ConsumerStatus> {
        self.status().consumers
    }

    /// The queue at this moment.
    #[must_use]
    pub fn status(&self) -> Status {
        let state = self.shared.state();
        let next = state.next_seq;
        let oldest = self.shared.oldest_seq.load(Ordering::SeqCst);
        let now = self.shared.clock.now();
        let consumers = state.consumers.values().map(|cursor| {
            let acked = cursor.next();
            let unread = next > acked.max(oldest);
            ConsumerStatus {
                lag_bytes: if unread { lag_bytes(&state, &cursor.slot()) } else { 0 },
                lag_age: if unread { state.ages.of(acked.max(oldest), now) } else { Duration::ZERO },
                behind: cursor.behind(),
                name: cursor.name.clone(),
                acked: Seq::new(acked),
                lag: next.saturating_sub(acked.max(oldest)),
                lost: cursor.slot().lost,
                busy: cursor.busy(),
            }
        });
        Status {
            next_seq: Seq::new(next),
            oldest_seq: Seq::new(oldest),
            records: next.saturating_sub(oldest),
            bytes: self.shared.bytes(&state),
            max_bytes: self.shared.max_bytes,
            segment_bytes: self.shared.meta.segment_bytes,
            segments: state.segments.len(),
            spares: state.spares.len(),
            has_space: self.has_space(),
            disk_full: state.disk_full.map(|found| now.since(found)),
            durable: self.durable_seq(),
            writing: self.shared.writing(&state),
            reserved: state.reserved,
            quarantined: state.quarantine.bytes(),
            dropped_newest: self.shared.mark.known().dropped_newest,
            dropped_oldest: self.shared.mark.known().dropped_oldest,
            consumers: consumers.collect(),
        }
    }

    /// Whether an append is worth trying: false from the moment one found the queue full until room has been
    /// made, and for a fifth of a second after one found the disk full, since nobody tells when another program makes room there.
    /// One atomic load.
    #[must_use]
    pub fn has_space(&self) -> bool {
        self.shared.has_space.load(Ordering::SeqCst)
    }

    /// Parks the thread until [`Self::has_space`], the queue is closed, or the deadline is there.
    pub fn wait_space(&self, deadline: Option<Instant>) -> Wait {
        self.shared.space.wait(deadline, || self.shared.look_for_space())
    }

    /// Completes when [`Self::has_space`] (`Ready`) or when the queue is closed (`Closed`). Runs on any
    /// runtime; dropping it is safe at any time.
    pub fn space(&self) -> impl Future<Output = Wait> + Send + Sync + Unpin + use<> {
        let shared = Arc::clone(&self.shared);
        Waiting::new(Arc::clone(&self.shared.space), move || shared.look_for_space())
    }

    /// Whether a reservation is worth trying: false from the moment one found no room until one is used or given back, or room
    /// has been made, and for a fifth of a second after a full disk was found. It says nothing about appends. One atomic load.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.shared.has_room.load(Ordering::SeqCst)
    }

    /// Parks the thread until [`Self::has_room`], the queue is closed, or the deadline is there.
    pub fn wait_room(&self, deadline: Option<Instant>) -> Wait {
        self.shared.space.wait(deadline, || self.shared.look_for_room())
    }

    /// Completes when [`Self::has_room`] (`Ready`) or when the queue is closed (`Closed`). Runs on any
    /// runtime; dropping it is safe at any time.
    pub fn room(&self) -> impl Future<Output = Wait> + Send + Sync + Unpin + use<> {
        let shared = Arc::clone(&self.shared);
        Waiting::new(Arc::clone(&self.shared.space), move || shared.look_for_room())
    }

    /// Makes everything appended before survive power loss, and the acknowledgements too.
    ///
    /// # Errors
    /// When the system refuses and the records could not be saved to another file. What is on disk is then unknown, and
    /// the kernel may say otherwise if asked again: the queue takes no more records until it is opened anew.
    pub fn sync(&self) -> Result<(), SyncError> {
        self.shared.sync()
    }

    /// The newest record that is known to survive power loss; `None` before the first.
    #[must_use]
    pub fn durable_seq(&self) -> Option<Durable<Seq>> {
        let next = self.shared.watermark.durable();
        (next > 1).then(|| Durable::new(Seq::new(next - 1)))
    }

    /// Waits until the record survives power loss, and syncs if nobody else does; with [`Durability::Interval`] it waits for the
    /// thread that does. Those who wait at the same time share a sync.
    ///
    /// # Errors
    /// When there is no such record yet, and as [`Self::sync`].
    pub fn wait_durable(&self, seq: Seq) -> Result<Durable<Seq>, SyncError> {
        self.exists(seq)?;
        if let Durability::Interval(_) = self.shared.durability {
            self.shared.watermark.wait(seq.as_u64());
        } else {
            self.shared.sync_through(seq.as_u64())?;
        }
        self.shared.durable_or_poisoned(seq)
    }

    /// As [`Self::wait_durable`], for any runtime: a thread of the queue syncs. Dropping the future is safe at any time.
    pub fn durable(
        &self,
        seq: Seq,
    ) -> impl Future<Output = Result<Durable<Seq>, SyncError>> + Send + Unpin + use<> {
        let (shared, alive) = (Arc::clone(&self.shared), Arc::clone(&self.alive));
        let looker = Arc::clone(&self.shared);
        let mut missing = self.exists(seq).err();
        let look = move || looker.watermark.look(seq.as_u64());
        let mut waiting = Waiting::new(Arc::clone(self.shared.watermark.waiters()), look);
        std::future::poll_fn(move |context| {
            if let Some(error) = missing.take() {
                return Poll::Ready(Err(error));
            }
            if shared.watermark.look(seq.as_u64()).is_none() {
                alive.ask();
            }
            Pin::new(&mut waiting).poll(context).map(|_| shared.durable_or_poisoned(seq))
        })
    }

    /// Ends the appending: appends fail with [`AppendError::Closed`], whoever is parked wakes up. What is in
    /// the queue can still be read and acknowledged. The files are given up when the last handle is dropped.
    pub fn close(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.shared.space.notify();
        self.shared.data.notify();
    }

    /// What was found when the queue was opened.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.shared.recovery
    }

    /// The queue's own name, made at random when the queue was made.
    #[must_use]
    pub fn uuid(&self) -> [u8; 16] {
        self.shared.meta.uuid
    }

    /// When the queue was made, in seconds since 1970.
    #[must_use]
    pub fn created(&self) -> u64 {
        self.shared.meta.created
    }

    /// The longest record that fits into a segment.
    #[must_use]
    pub fn max_record_len(&self) -> usize {
        self.shared.max_record_len()
    }

    pub(crate) fn meta(&self) -> Meta {
        self.shared.meta
    }

    /// Id, first number and the first number that is not in it, of each segment.
    pub(crate) fn segment_ranges(&self) -> Vec<(u64, u64, u64)> {
        let state = self.shared.state();
        state.segments.iter().map(|s| (s.id, s.first_seq(), s.sealed_at())).collect()
    }

    fn exists(&self, seq: Seq) -> Result<(), SyncError> {
        let next = self.shared.next_seq.load(Ordering::SeqCst);
        let seq = seq.as_u64();
        if seq < next { Ok(()) } else { Err(SyncError::NotAppended { seq, next }) }
    }

    fn cursor_error(&self, operation: &'static str, name: &str, source: io::Error) -> ConsumerError {
        ConsumerError::Io { operation, path: self.shared.storage.path(&cursor::file_name(name)), source }
    }
}

/// Takes no lock: whoever formats may hold it.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("dir", &self.path(""))
            .field("uuid", &Hex(&self.meta.uuid))
            .field("oldest_seq", &self.oldest_seq)
            .field("next_seq", &self.next_seq)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Queue").field(&self.shared).finish()
    }
}

impl Shared {
    fn durable_or_poisoned(&self, seq: Seq) -> Result<Durable<Seq>, SyncError> {
        if self.watermark.durable() > seq.as_u64() { Ok(Durable::new(seq)) } else { Err(SyncError::Poisoned) }
    }
}

/// What lies from a consumer's place to the end.
fn lag_bytes(state: &State, slot: &Slot) -> u64 {
    let behind = state.segments.partition_point(|segment| segment.first_seq() <= slot.next).saturating_sub(1);
    let rest = state.segments.iter().skip(behind);
    rest.map(|segment| {
        let known = segment.id == slot.hint_segment && slot.hint_at >= DATA_START;
        segment.end().saturating_sub(if known { slot.hint_at } else { DATA_START })
    })
    .sum()
}

// The handles go where their users go.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    const fn sent<T: Send>() {}
    shared::<Queue>();
    sent::<Consumer>();
};
