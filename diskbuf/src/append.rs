//! Putting a batch into the newest segment: numbers, header checksums, one write.

use std::sync::atomic::Ordering;

use crate::batch::Batch;
use crate::error::AppendError;
use crate::format::{DATA_START, HEADER_LEN, u32_at};
use crate::queue::{Appended, WhenFull};
use crate::record::{self, Life};
use crate::seq::Seq;
use crate::state::{NoSegment, Shared, State};
use crate::wait::Wait;

impl Shared {
    /// See [`Queue::append`](crate::Queue::append).
    pub(crate) fn append(&self, batch: &mut Batch, when_full: WhenFull) -> Result<Appended, AppendError> {
        let mut done = Appended::default();
        while !batch.is_empty() {
            let before = done.records;
            let (result, bytes) = {
                let mut state = self.state();
                (self.append_locked(&mut state, batch, when_full, &mut done), self.bytes(&state))
            };
            if done.records > before {
                self.data.notify();
            }
            match result {
                Ok(Outcome::All) => break,
                Ok(Outcome::Full) => {}
                Err(error) => return Err(error),
            }
            let full = AppendError::Full { bytes, max_bytes: self.max_bytes };
            let deadline = match when_full {
                WhenFull::Refuse | WhenFull::DropOldest => return Err(full),
                WhenFull::DropNewest => {
                    let dropped = batch.len() as u64;
                    self.dropped_newest.fetch_add(dropped, Ordering::Relaxed);
                    done.dropped = dropped;
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
        Ok(done)
    }

    /// Whether a producer should try (again).
    pub(crate) fn look_for_space(&self) -> Option<Wait> {
        if self.closed.load(Ordering::SeqCst) {
            Some(Wait::Closed)
        } else if self.has_space.load(Ordering::SeqCst) || self.poisoned.load(Ordering::SeqCst) {
            Some(Wait::Ready)
        } else {
            None
        }
    }

    fn append_locked(
        &self,
        state: &mut State,
        batch: &mut Batch,
        when_full: WhenFull,
        done: &mut Appended,
    ) -> Result<Outcome, AppendError> {
        let max = self.max_record_len();
        while !batch.is_empty() {
            if self.closed.load(Ordering::SeqCst) {
                return Err(AppendError::Closed);
            }
            if self.poisoned.load(Ordering::SeqCst) {
                return Err(AppendError::Poisoned);
            }
            let room = match (&state.active, state.segments.back()) {
                (Some(_), Some(segment)) => self.meta.segment_bytes.saturating_sub(segment.end()),
                _ => 0,
            };
            let oversized = batch.largest() > max;
            let len = u32_at(batch.image(), 0);
            if oversized && len as usize > max {
                let size = usize::try_from(record::size(len)).unwrap_or(usize::MAX);
                batch.consume(1, size);
                return Err(AppendError::TooLarge { len: len as usize, max });
            }
            if record::size(len) > room {
                match self.roll(state) {
                    Ok(()) => {}
                    Err(NoSegment::Error(error)) => return Err(error),
                    Err(NoSegment::Full) => {
                        let dropped =
                            matches!(when_full, WhenFull::DropOldest).then(|| self.drop_oldest(state));
                        if dropped.flatten().is_none() {
                            self.has_space.store(false, Ordering::SeqCst);
                            return Ok(Outcome::Full);
                        }
                    }
                }
                continue;
            }
            self.write(state, batch, room, done)?;
        }
        Ok(Outcome::All)
    }

    /// Writes as many records as there is room for, at least one.
    fn write(
        &self,
        state: &mut State,
        batch: &mut Batch,
        room: u64,
        done: &mut Appended,
    ) -> Result<(), AppendError> {
        let (Some(file), Some(segment)) = (&state.active, state.segments.back()) else { return Ok(()) };
        let first = state.next_seq;
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let (records, bytes) = stamp(&segment.life, batch.image(), first, room, self.max_record_len());
        let written = file.write_all_at(batch.image().get(..bytes).unwrap_or_default(), segment.end());
        if let Err(source) = written {
            let path = self.storage.path(&segment.file_name());
            self.abandon_active(state, bytes);
            return Err(AppendError::Io { operation: "write to segment", path, source });
        }
        batch.consume(records, bytes);
        segment.set_end(segment.end() + bytes as u64);
        state.next_seq = first + records as u64;
        self.next_seq.store(state.next_seq, Ordering::SeqCst);
        done.records += records as u64;
        done.first.get_or_insert_with(|| Seq::new(first));
        done.last = Some(Seq::new(state.next_seq - 1));
        Ok(())
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

/// Numbers the records at the front of `image` from `seq` on, as many as fit into `room` up to the first that
/// is longer than `max`: how many these are, and how many bytes.
fn stamp(life: &Life, image: &mut [u8], seq: u64, room: usize, max: usize) -> (usize, usize) {
    let (mut records, mut at) = (0, 0);
    while let Some(header) = image.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<HEADER_LEN>) {
        let len = u32_at(header, 0);
        let size = usize::try_from(record::size(len)).unwrap_or(usize::MAX);
        if len as usize > max || size > room - at {
            break;
        }
        life.stamp(header, seq + records as u64);
        records += 1;
        at += size;
    }
    (records, at)
}
