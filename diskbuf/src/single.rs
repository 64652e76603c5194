//! One record, from the caller's memory to the segment's by stores: no batch, no call. Where that cannot be, who appends makes
//! a batch of one.

use std::sync::atomic::Ordering;

use crate::clock::Moment;
use crate::error::AppendError;
use crate::format::{DATA_START, HEADER_LEN};
use crate::queue::Appended;
use crate::record;
use crate::segment::{Segment, SpaceOrigin};
use crate::seq::Seq;
use crate::state::{Shared, State};
use crate::storage::StorageFile;
use crate::stores::{LARGEST, Place, lay_record};
use crate::writing::{Policy, Writing};

impl Shared {
    /// Stores the record if that is the way to go and there is room for it; `None` when nothing has been done.
    pub(crate) fn store_one(&self, payload: &[u8]) -> Option<Result<Seq, AppendError>> {
        if matches!(self.policy, Policy::Never(_)) || payload.len() > self.max_record_len() {
            return None;
        }
        let len = u32::try_from(payload.len()).ok()?;
        let size = record::size(len);
        if size > LARGEST {
            return None;
        }
        let mut header: [u8; HEADER_LEN] = record::header(len, payload);
        let seq = {
            let mut state = self.state();
            let closing = self.closing();
            self.check_open(closing).ok()?;
            let room = self.active_room(&state);
            if size > room || !self.leaves_reserved(&state, closing, room - size, state.spares.len()) {
                return None;
            }
            let (first, now) = (state.next_seq, self.clock.now());
            let at = {
                let State { segments, active, stores, origin, .. } = &mut *state;
                let (file, segment) = (active.as_deref()?, segments.back()?);
                let region = stores.region(self.policy, self.place(file, segment, *origin, now), size)?;
                segment.life.stamp(&mut header, first, record::FIRST | record::LAST);
                let padding = usize::try_from(size).unwrap_or(0) - HEADER_LEN - payload.len();
                let zeros = [0; 8];
                let parts = [payload, zeros.get(..padding).unwrap_or_default()];
                let at = segment.end();
                lay_record(region, &header, &parts, at).ok()?;
                at
            };
            self.laid_down(&mut state, 1, size, at, now);
            Seq::new(first)
        };
        self.data.notify();
        let done = Appended { records: 1, first: Some(seq), last: Some(seq), dropped: 0 };
        Some(self.promise(done).map(|_| seq))
    }

    /// Where the next record goes.
    #[inline]
    pub(crate) fn place<'a>(
        &self,
        file: &'a dyn StorageFile,
        segment: &'a Segment,
        origin: SpaceOrigin,
        now: Moment,
    ) -> Place<'a> {
        let (segment_bytes, rules) = (self.meta.segment_bytes, self.meta.rules);
        Place { file, segment, segment_bytes, origin, rules, durable: self.watermark.durable(), now }
    }

    /// Which way the next one would go.
    pub(crate) fn writing(&self, state: &State) -> Writing {
        let newest = state.segments.back().map_or(0, |newest| newest.id);
        state.stores.writing(self.policy, newest, self.watermark.durable(), self.clock.now())
    }

    /// `records` records lie in the `bytes` behind what was the end, the last of them at `last_at`: whoever reads may see them.
    #[inline]
    pub(crate) fn laid_down(&self, state: &mut State, records: u64, bytes: u64, last_at: u64, now: Moment) {
        let Some(segment) = state.segments.back() else { return };
        debug_assert!(last_at >= DATA_START, "records begin behind the header");
        segment.set_end(segment.end() + bytes);
        let (id, first) = (segment.id, state.next_seq);
        state.appended(id, last_at);
        state.ages.note(first, now);
        state.stores.came(bytes, self.watermark.durable(), now);
        state.next_seq = first + records;
        state.disk_full = None;
        self.next_seq.store(state.next_seq, Ordering::SeqCst);
    }
}
