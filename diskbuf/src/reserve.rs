//! [`Reservation`]: room that is kept for a batch before it is there.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::alive::Alive;
use crate::batch::Batch;
use crate::error::AppendError;
use crate::format::DATA_START;
use crate::queue::Appended;
use crate::segment::spare_name;
use crate::state::{NoSegment, SPARES, Shared, State};
use crate::wait::Wait;

/// Room in a queue, on the disk already: a batch that fits into it is neither refused nor met by a full disk,
/// even if the queue becomes full meanwhile, or is closed. Dropped unused, the room is given back.
#[must_use = "the room is given back when this is dropped"]
pub struct Reservation {
    shared: Arc<Shared>,
    _alive: Arc<Alive>,
    bytes: u64,
}

impl Reservation {
    /// How many bytes of [`Batch::bytes`] are reserved.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends the batch into the room reserved, as one unit; what it does not need is given back.
    ///
    /// # Errors
    /// [`AppendError::Reserved`] when the batch is larger than what was reserved, and when the system refuses to write. Never
    /// [`AppendError::Full`], [`AppendError::NoSpace`] or [`AppendError::Closed`].
    pub fn commit(mut self, batch: &mut Batch) -> Result<Appended, AppendError> {
        let bytes = batch.bytes() as u64;
        if bytes > self.bytes {
            return Err(AppendError::Reserved { bytes, reserved: self.bytes });
        }
        let shared = Arc::clone(&self.shared);
        shared.append_reserved(batch, std::mem::take(&mut self.bytes))
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.shared.state().reserved -= self.bytes;
            self.shared.look_again();
        }
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").field("bytes", &self.bytes).field("queue", &self.shared).finish()
    }
}

impl Shared {
    /// See [`Queue::reserve`](crate::Queue::reserve).
    pub(crate) fn reserve(
        self: &Arc<Self>,
        alive: &Arc<Alive>,
        bytes: u64,
    ) -> Result<Reservation, AppendError> {
        let capacity = self.meta.segment_bytes - DATA_START;
        if bytes > capacity {
            return Err(AppendError::Unreservable { bytes, max: capacity });
        }
        self.making_way(|state| self.reserve_locked(state, bytes))?;
        Ok(Reservation { shared: Arc::clone(self), _alive: Arc::clone(alive), bytes })
    }

    fn reserve_locked(&self, state: &mut State, bytes: u64) -> Result<(), AppendError> {
        self.check_open(self.closing())?;
        let capacity = self.meta.segment_bytes - DATA_START;
        let wanted = state.reserved + bytes;
        loop {
            let most = self.reservable(self.active_room(state), state.spares.len());
            if wanted <= most {
                state.reserved = wanted;
                state.disk_full = None;
                return Ok(());
            }
            // Nothing that is dropped would make room beyond all spares there can be, nor for more than they are good for.
            let helps = state.spares.len() < SPARES && wanted <= capacity;
            let added = self.add_spare(state);
            let more = matches!(added, Ok(true)) || (helps && self.drop_for_slow(state).is_some());
            if !more {
                // The attempt may have poisoned the queue.
                self.check_open(self.closing())?;
                added?;
                self.has_room.store(false, Ordering::SeqCst);
                return Err(AppendError::NoRoom { bytes, left: most.saturating_sub(state.reserved) });
            }
        }
    }

    /// Whether a reservation should be tried (again).
    pub(crate) fn look_for_room(&self) -> Option<Wait> {
        self.look_for(&self.has_room)
    }

    /// How much may be promised to batches, none larger than a segment, so that they surely fit. Laid down one after the other, any
    /// two neighbouring segments are more than half full: hence the two.
    pub(crate) fn reservable(&self, active_room: u64, spares: usize) -> u64 {
        let capacity = self.meta.segment_bytes - DATA_START;
        active_room.max(capacity * spares as u64 / 2)
    }

    /// What the newest segment has left.
    pub(crate) fn active_room(&self, state: &State) -> u64 {
        match (&state.active, state.segments.back()) {
            (Some(_), Some(segment)) => self.meta.segment_bytes.saturating_sub(segment.end()),
            _ => 0,
        }
    }

    /// Makes one more spare, if there may be one: whether it did.
    pub(crate) fn add_spare(&self, state: &mut State) -> Result<bool, AppendError> {
        let Some(k) = (0..SPARES).find(|k| !state.spares.contains(k)).filter(|_| self.may_grow(state)) else {
            return Ok(false);
        };
        let name = spare_name(k);
        match self.allocate(&name) {
            Ok(_) => {
                state.spares.push(k);
                Ok(true)
            }
            Err(source) => {
                self.storage.remove(&name).ok();
                match self.no_segment(state, &name, source) {
                    NoSegment::Error(error) => Err(error),
                    NoSegment::Full => Ok(false),
                }
            }
        }
    }
}
