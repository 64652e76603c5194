//! Putting a batch into the newest segment: numbers, header checksums, one write.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::alive::Alive;
use crate::batch::Batch;
use crate::doubt::{Cause, Doubt};
use crate::durable::Durability;
use crate::error::AppendError;
use crate::format::{DATA_START, HEADER_LEN, u32_at};
use crate::queue::{Appended, WhenFull};
use crate::record::{self, Life};
use crate::seq::Seq;
use crate::state::{NoSegment, SPARES, Shared, State};
use crate::stores::lay;
use crate::wait::Wait;

impl Shared {
    /// See [`Queue::append`](crate::Queue::append).
    pub(crate) fn append(
        &self,
        alive: &Alive,
        batch: &mut Batch,
        when_full: WhenFull,
    ) -> Result<Appended, AppendError> {
        let mut done = Appended::default();
        while !batch.is_empty() {
            let before = done.records;
            let (result, bytes) = self.making_way(|state| {
                let result = self.append_locked(state, batch, when_full, self.closing(), &mut done);
                (result, self.bytes(state))
            });
            if done.records > before {
                self.data.notify();
            }
            let full = AppendError::Full { bytes, max_bytes: self.max_bytes };
            match result {
                Ok(Outcome::All) => break,
                Ok(Outcome::Full) => {}
                // The caller gets no error that would say so.
                Err(AppendError::NoSpace { .. }) if when_full == WhenFull::DropNewest => alive.disk_is_full(),
                Err(error) => return Err(error),
            }
            let deadline = match when_full {
                WhenFull::Refuse | WhenFull::DropOldest => return Err(full),
                WhenFull::DropNewest => {
                    done.dropped = batch.len() as u64;
                    self.count_dropped(done.dropped);
                    batch.clear();
                    break;
                }
                WhenFull::Block => None,
                WhenFull::BlockUntil(deadline) => Some(deadline),
            };
            match self.space.wait(deadline, || self.look_for_space()) {
                Wait::TimedOut => return Err(full),
                Wait::Closed => return Err(AppendError::Closed),
                Wait::Ready | Wait::Interrupted => {}
            }
        }
        self.promise(done)
    }

    /// `records` that came last found no room.
    pub(crate) fn count_dropped(&self, records: u64) {
        // If it cannot be written it is written with the next change.
        let _noted =
            self.mark.write(|known| known.dropped_newest = known.dropped_newest.saturating_add(records));
    }

    /// Appends into room that was reserved.
    pub(crate) fn append_reserved(&self, batch: &mut Batch, reserved: u64) -> Result<Appended, AppendError> {
        let mut done = Appended::default();
        let result = {
            let mut state = self.state();
            state.reserved -= reserved;
            self.append_locked(&mut state, batch, WhenFull::Refuse, Closing::Reserved, &mut done)
        };
        if done.records > 0 {
            self.data.notify();
        }
        // What was not needed.
        self.look_again();
        match result? {
            Outcome::All => self.promise(done),
            Outcome::Full => {
                let bytes = self.bytes(&self.state());
                Err(AppendError::Full { bytes, max_bytes: self.max_bytes })
            }
        }
    }

    /// [`Durability::Each`] keeps its word here.
    #[inline]
    pub(crate) fn promise(&self, done: Appended) -> Result<Appended, AppendError> {
        match (self.durability, done.last) {
            (Durability::Each, Some(last)) => {
                self.sync_through(last.as_u64()).map_err(AppendError::Sync)?;
                Ok(done)
            }
            _ => Ok(done),
        }
    }

    /// Whether a producer should try (again).
    pub(crate) fn look_for_space(&self) -> Option<Wait> {
        self.look_for(&self.has_space)
    }

    pub(crate) fn look_for(&self, condition: &AtomicBool) -> Option<Wait> {
        if self.closed.load(Ordering::SeqCst) {
            Some(Wait::Closed)
        } else if condition.load(Ordering::SeqCst) || self.watermark.has_failed() {
            Some(Wait::Ready)
        } else {
            None
        }
    }

    pub(crate) fn closing(&self) -> Closing {
        if self.closed.load(Ordering::SeqCst) { Closing::Closed } else { Closing::Open }
    }

    pub(crate) fn check_open(&self, closing: Closing) -> Result<(), AppendError> {
        if closing == Closing::Closed {
            return Err(AppendError::Closed);
        }
        if self.watermark.has_failed() { Err(AppendError::Poisoned) } else { Ok(()) }
    }

    fn append_locked(
        &self,
        state: &mut State,
        batch: &mut Batch,
        when_full: WhenFull,
        closing: Closing,
        done: &mut Appended,
    ) -> Result<Outcome, AppendError> {
        let max = self.max_record_len();
        let capacity = self.meta.segment_bytes - DATA_START;
        while !batch.is_empty() {
            self.check_open(closing)?;
            let room = self.active_room(state);
            let oversized = batch.largest() > max;
            let len = u32_at(batch.image(), 0);
            if oversized && len as usize > max {
                let size = usize::try_from(record::size(len)).unwrap_or(usize::MAX);
                batch.consume(1, size);
                return Err(AppendError::TooLarge { len: len as usize, max });
            }
            // A batch that fits into a segment is not spread over two.
            let unit =
                if batch.bytes() as u64 <= capacity { batch.bytes() as u64 } else { record::size(len) };
            if unit <= room && self.leaves_reserved(state, closing, room - unit, state.spares.len()) {
                self.write(state, batch, room, done)?;
                continue;
            }
            let spares = state.spares.len();
            let rolls_with = |spares: usize| {
                unit > room && self.leaves_reserved(state, closing, capacity - unit, spares.saturating_sub(1))
            };
            let may_roll = rolls_with(spares);
            // What is dropped is a spare more: whether that is what is missing.
            let helps =
                if may_roll { spares == 0 } else { spares < SPARES && (unit <= room || rolls_with(SPARES)) };
            let rolled = if may_roll {
                self.roll(state)
            } else if helps {
                match self.add_spare(state) {
                    Ok(true) => Ok(()),
                    Ok(false) => Err(NoSegment::Full),
                    Err(error) => Err(NoSegment::Error(error)),
                }
            } else {
                Err(NoSegment::Full)
            };
            let Err(stuck) = rolled else { continue };
            let no_room = matches!(stuck, NoSegment::Full | NoSegment::Error(AppendError::NoSpace { .. }));
            if no_room && helps {
                if self.make_way(state, when_full).is_some() {
                    continue;
                }
                // The attempt may have poisoned the queue.
                self.check_open(closing)?;
            }
            match stuck {
                NoSegment::Error(error) => return Err(error),
                NoSegment::Full => {
                    self.has_space.store(false, Ordering::SeqCst);
                    return Ok(Outcome::Full);
                }
            }
        }
        Ok(Outcome::All)
    }

    /// Drops what may be dropped for an append.
    fn make_way(&self, state: &mut State, when_full: WhenFull) -> Option<()> {
        match when_full {
            WhenFull::DropOldest => self.drop_oldest(state),
            _ => self.drop_for_slow(state),
        }
    }

    pub(crate) fn leaves_reserved(&self, state: &State, closing: Closing, room: u64, spares: usize) -> bool {
        state.reserved == 0 || closing == Closing::Reserved || state.reserved <= self.reservable(room, spares)
    }

    /// Writes as many records as there is room for, at least one.
    fn write(
        &self,
        state: &mut State,
        batch: &mut Batch,
        room: u64,
        done: &mut Appended,
    ) -> Result<(), AppendError> {
        let (first, now) = (state.next_seq, self.clock.now());
        let State { segments, active, stores, origin, .. } = &mut *state;
        let (Some(file), Some(segment)) = (active.as_deref(), segments.back()) else { return Ok(()) };
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let stamped = stamp(&segment.life, batch.image(), first, room, self.max_record_len());
        let Stamped { records, bytes, last_at } = stamped;
        let image = batch.image().get(..bytes).unwrap_or_default();
        let written = match stores.region(self.policy, self.place(file, segment, *origin, now), bytes as u64)
        {
            Some(region) => lay(region, image, segment.end()),
            None => file.write_all_at(image, segment.end()),
        };
        if let Err(source) = written {
            let path = self.storage.path(&segment.file_name());
            self.abandon_active(state, bytes);
            return Err(AppendError::Io { operation: "write to segment", path, source });
        }
        batch.consume(records, bytes);
        let last_at = segment.end() + last_at as u64;
        self.laid_down(state, records as u64, bytes as u64, last_at, now);
        done.records += records as u64;
        done.first.get_or_insert_with(|| Seq::new(first));
        done.last = Some(Seq::new(state.next_seq - 1));
        Ok(())
    }

    /// After a failed write: nothing more goes into the newest segment, and what may have got there is wiped.
    fn abandon_active(&self, state: &mut State, written: usize) {
        let (Some(file), Some(segment)) = (state.active.take(), state.segments.back()) else { return };
        let (id, at) = (segment.id, segment.end());
        let cut = Doubt { segment: id, at, cause: Cause::Cutting };
        // An opening in this boot would find nothing there, and append over what the disk may still have. If this or the wiping
        // fails, the next segment's first number fences the remains off.
        let noted = if self.meta.rules.notes_cuts() {
            self.mark.write(|known| known.doubt = Some(cut.and(known.doubt)))
        } else {
            Ok(())
        };
        noted.and_then(|()| file.write_all_at(&vec![0; written], at)).ok();
    }

    /// The longest payload a segment can hold.
    pub(crate) fn max_record_len(&self) -> usize {
        usize::try_from(self.meta.segment_bytes - DATA_START).unwrap_or(usize::MAX) - HEADER_LEN
    }
}

enum Outcome {
    All,
    Full,
}

/// Whether appends are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    Open,
    Closed,
    /// This one is: it has room of its own.
    Reserved,
}

/// Records made ready to be written.
struct Stamped {
    records: usize,
    bytes: usize,
    /// Where the last of them begins.
    last_at: usize,
}

/// Numbers the records at the front of `image` from `seq` on, as many as fit into `room` up to the first that
/// is longer than `max`, and makes them one batch.
fn stamp(life: &Life, image: &mut [u8], seq: u64, room: usize, max: usize) -> Stamped {
    let mut done = Stamped { records: 0, bytes: 0, last_at: 0 };
    let mut place = record::FIRST;
    while let Some(header) = image.get_mut(done.bytes..).and_then(<[u8]>::first_chunk_mut::<HEADER_LEN>) {
        let len = u32_at(header, 0);
        let size = usize::try_from(record::size(len)).unwrap_or(usize::MAX);
        if len as usize > max || size > room - done.bytes {
            break;
        }
        done.last_at = done.bytes;
        done.records += 1;
        done.bytes += size;
        let next = image.get(done.bytes..).filter(|rest| rest.len() >= HEADER_LEN);
        let goes_on = next.is_some_and(|next| {
            let len = u32_at(next, 0);
            let size = usize::try_from(record::size(len)).unwrap_or(usize::MAX);
            len as usize <= max && size <= room - done.bytes
        });
        if !goes_on {
            place |= record::LAST;
        }
        let header = image.get_mut(done.last_at..).and_then(<[u8]>::first_chunk_mut::<HEADER_LEN>);
        if let Some(header) = header {
            life.stamp(header, seq + done.records as u64 - 1, place);
        }
        place = 0;
    }
    done
}
