//! How segments leave a queue: dropped to make room, or acknowledged by everybody. Their files become spares.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::cursor::{Behind, Cursor};
use crate::segment::{Segment, spare_name};
use crate::state::{SPARES, Shared, State};

impl Shared {
    /// Does `work` under the lock, and then wakes those who wait if that has dropped a segment.
    pub(crate) fn making_way<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let before = state.segments.front().map(|segment| segment.id);
        let done = work(&mut state);
        let dropped = before.is_some() && before != state.segments.front().map(|segment| segment.id);
        drop(state);
        if dropped {
            self.space.notify();
        }
        done
    }

    /// Drops the oldest segment; `None` when it is the only one.
    pub(crate) fn drop_oldest(&self, state: &mut State) -> Option<()> {
        if state.segments.len() < 2 {
            return None;
        }
        // Asked again after a failure, the system would say that all is well.
        self.mark.keeps_numbers().inspect_err(|_| self.poison()).ok()?;
        let oldest = state.segments.pop_front()?;
        let records = oldest.sealed_at().saturating_sub(oldest.first_seq());
        // If it cannot be written it is written with the next change.
        let _noted =
            self.mark.write(|known| known.dropped_oldest = known.dropped_oldest.saturating_add(records));
        self.publish_oldest(state);
        // Those who wait are woken by `making_way`, without the lock.
        self.has_space.store(true, Ordering::SeqCst);
        self.has_room.store(true, Ordering::SeqCst);
        let mut surplus = Vec::new();
        if let Some(k) = self.retire(state, &oldest, &mut surplus) {
            state.unsettled.push(k);
        }
        for name in surplus {
            if self.storage.remove(&name).is_ok() {
                state.unlinking -= 1;
            }
        }
        Some(())
    }

    /// Drops the oldest segment if only consumers that may lose it have not acknowledged it; `None` otherwise.
    pub(crate) fn drop_for_slow(&self, state: &mut State) -> Option<()> {
        let until = state.segments.front()?.sealed_at();
        let keeps = |cursor: &Arc<Cursor>| cursor.behind() == Behind::Keeps && cursor.next() < until;
        if state.consumers.is_empty() || state.consumers.values().any(keeps) {
            return None;
        }
        self.drop_oldest(state)
    }

    /// Keeps a freed segment's file as a spare and says in which place, or puts its name on the list of those to remove.
    fn retire(&self, state: &mut State, segment: &Segment, surplus: &mut Vec<String>) -> Option<usize> {
        self.names_changed.store(true, Ordering::SeqCst);
        let (name, size) = (segment.file_name(), self.meta.segment_bytes);
        if segment.is_damaged()
            && state
                .quarantine
                .take(&*self.storage, &name, size, "records in it did not verify")
                .unwrap_or(false)
        {
            return None;
        }
        let fits = self.in_segments(state) + self.meta.segment_bytes <= self.limit(state);
        if fits
            && let Some(k) = (0..SPARES).find(|k| !state.spares.contains(k))
            && self.storage.rename(&segment.file_name(), &spare_name(k)).is_ok()
        {
            state.spares.push(k);
            return Some(k);
        }
        state.unlinking += 1;
        surplus.push(segment.file_name());
        None
    }

    /// Frees the segments that every consumer has acknowledged. To be called without the lock.
    pub(crate) fn reclaim(&self) -> io::Result<()> {
        let mut freed = Freed::Nothing;
        let mut surplus = Vec::new();
        let result = loop {
            let mut behind = Vec::new();
            let mut state = self.state();
            while let Some(oldest) = state.segments.front().cloned().filter(|_| state.segments.len() > 1) {
                let until = oldest.sealed_at();
                if state.consumers.is_empty() || state.consumers.values().any(|c| c.next() < until) {
                    break;
                }
                behind.extend(state.consumers.values().filter(|c| c.synced() < until).cloned());
                if !behind.is_empty() {
                    break;
                }
                state.segments.pop_front();
                self.publish_oldest(&state);
                // Acknowledged, and that is safe: should it come back, nobody wants it.
                self.retire(&mut state, &oldest, &mut surplus);
                freed = Freed::Something;
            }
            drop(state);
            // Acknowledgements must not be lost once their records are: or a power loss would make them a loss.
            if behind.is_empty() {
                break Ok(());
            }
            if let Err(error) = behind.iter().try_for_each(|cursor| cursor.sync()) {
                self.poison();
                break Err(error);
            }
        };
        let removed = surplus.iter().filter(|name| self.storage.remove(name).is_ok()).count();
        if matches!(freed, Freed::Something) {
            let mut state = self.state();
            state.unlinking -= removed;
            let room = !state.spares.is_empty() || self.may_grow(&state);
            drop(state);
            if room {
                self.look_again();
            }
        }
        result
    }

    /// [`Self::reclaim`], if that could free something now that a consumer stands at `next`.
    pub(crate) fn acknowledged(&self, next: u64) {
        if next >= self.free_at.load(Ordering::SeqCst) {
            // A failed sync has poisoned the queue, and the next append says so; the acknowledgement stands.
            self.reclaim().ok();
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Freed {
    Nothing,
    Something,
}
