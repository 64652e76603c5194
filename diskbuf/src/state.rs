//! The segments of a running queue: which there are, which one grows, how one is made and reused. All
//! under one mutex; what readers need without it is in the atomics of [`Shared`]. How one is freed is in `freeing`.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::age::Ages;
use crate::clock::{Clock, Moment};
use crate::cursor::Cursor;
use crate::durable::Durability;
use crate::error::{AppendError, OpenError};
use crate::format::{CURSOR_LEN, DATA_START, PAGE, PAGE_LEN, TMP_SUFFIX, TWO_SLOTS};
use crate::mark::Mark;
use crate::meta::Meta;
use crate::options::Options;
use crate::quarantine::Quarantine;
use crate::recover::Found;
use crate::segment::{Header, OPEN, Segment, SpaceOrigin, spare_name};
use crate::status::Recovery;
use crate::storage::{Storage, StorageFile};
use crate::stores::Stores;
use crate::sync::Unsynced;
use crate::wait::Waiters;
use crate::watermark::Watermark;
use crate::writing::Policy;

/// What all handles of a queue share.
pub(crate) struct Shared {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) meta: Meta,
    pub(crate) max_bytes: u64,
    pub(crate) recovery: Recovery,
    state: Mutex<State>,
    pub(crate) durability: Durability,
    /// Which way records go to the newest segment.
    pub(crate) policy: Policy,
    pub(crate) clock: Clock,
    /// Records before it survive power loss; one sync at a time.
    pub(crate) watermark: Watermark<Unsynced>,
    /// Files were made, named or removed since directories were synced.
    pub(crate) names_changed: AtomicBool,
    pub(crate) mark: Mark,
    /// Records dropped to make room in earlier runs.
    pub(crate) dropped_before: u64,
    /// The number the next record gets.
    pub(crate) next_seq: AtomicU64,
    /// The first number of the oldest segment.
    pub(crate) oldest_seq: AtomicU64,
    /// When all consumers have come this far, a segment can be freed.
    pub(crate) free_at: AtomicU64,
    pub(crate) has_space: AtomicBool,
    /// As `has_space`, for reservations: they ask for more than an append.
    pub(crate) has_room: AtomicBool,
    pub(crate) closed: AtomicBool,
    /// Those who wait for records.
    pub(crate) data: Arc<Waiters>,
    /// Those who wait for room, to append or to reserve.
    pub(crate) space: Arc<Waiters>,
    /// Held as long as the queue is open.
    _lock: Arc<dyn StorageFile>,
}

/// What changes.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// From the oldest to the newest. The newest is never freed: it knows the next number.
    pub(crate) segments: VecDeque<Arc<Segment>>,
    /// The file of the newest segment, if that takes appends.
    pub(crate) active: Option<Arc<dyn StorageFile>>,
    /// What the bytes behind its records are.
    pub(crate) origin: SpaceOrigin,
    pub(crate) stores: Stores,
    pub(crate) next_seq: u64,
    pub(crate) next_id: u64,
    /// The places `k` of spare files.
    pub(crate) spares: Vec<usize>,
    /// Those of them that were found, or whose records were dropped and not acknowledged: a crash may bring back the old
    /// name, and the header may be of a life that nobody remembers or wants.
    pub(crate) unsettled: Vec<usize>,
    /// Files that are being removed, and those whose removal failed.
    pub(crate) unlinking: usize,
    pub(crate) consumers: BTreeMap<String, Arc<Cursor>>,
    /// Segment and place of the record before `next_seq`; zeros if there is none.
    pub(crate) last: (u64, u64),
    /// Bytes promised to batches that are not there yet.
    pub(crate) reserved: u64,
    pub(crate) quarantine: Quarantine,
    /// Bytes of files that are neither ours nor could be put away.
    pub(crate) foreign: u64,
    pub(crate) ages: Ages,
    /// When somebody found the disk full, if nobody found room since.
    pub(crate) disk_full: Option<Moment>,
}

/// A new segment, its file, and what lies in that.
pub(crate) type Made = (Segment, Arc<dyn StorageFile>, SpaceOrigin);

/// A segment that is not yet one.
pub(crate) struct Draft {
    pub(crate) segment: Segment,
    pub(crate) file: Arc<dyn StorageFile>,
    /// What its file is called until it is.
    pub(crate) name: String,
    pub(crate) origin: SpaceOrigin,
}

/// Why there is no new segment.
pub(crate) enum NoSegment {
    Full,
    Error(AppendError),
}

impl Shared {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        options: &Options,
        lock: Arc<dyn StorageFile>,
        found: Found,
    ) -> Self {
        let Found { meta, recovery, mark, unsynced, state } = found;
        let policy = Policy::new(options.write_path, options.durability, &*storage);
        let shared = Self {
            storage,
            policy,
            clock: options.clock,
            meta,
            max_bytes: options.max_bytes,
            recovery,
            durability: options.durability,
            names_changed: AtomicBool::new(true),
            watermark: Watermark::new(mark.known().durable.min(state.next_seq), unsynced),
            dropped_before: mark.known().dropped_oldest,
            mark,
            next_seq: AtomicU64::new(state.next_seq),
            oldest_seq: AtomicU64::new(0),
            free_at: AtomicU64::new(OPEN),
            has_space: AtomicBool::new(true),
            has_room: AtomicBool::new(true),
            closed: AtomicBool::new(false),
            data: Arc::default(),
            space: Arc::default(),
            _lock: lock,
            state: Mutex::new(state),
        };
        let state = shared.state();
        shared.publish_oldest(&state);
        let room_in_active = state.active.is_some()
            && state.segments.back().is_some_and(|segment| segment.end() < shared.meta.segment_bytes);
        let room = room_in_active || !state.spares.is_empty() || shared.may_grow(&state);
        shared.has_space.store(room, Ordering::SeqCst);
        drop(state);
        shared
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells readers and acknowledgers what the oldest segment is.
    pub(crate) fn publish_oldest(&self, state: &State) {
        let oldest = state.segments.front().map_or(state.next_seq, |segment| segment.first_seq());
        let free_at = state.segments.front().map_or(OPEN, |segment| segment.sealed_at());
        self.oldest_seq.store(oldest, Ordering::SeqCst);
        self.free_at.store(free_at, Ordering::SeqCst);
    }

    /// Makes a new segment the newest one.
    pub(crate) fn roll(&self, state: &mut State) -> Result<(), NoSegment> {
        let first_seq = state.next_seq;
        let made = self.next_segment(state, first_seq)?;
        if let Some(last) = state.segments.back() {
            last.seal(first_seq);
        }
        self.install(state, made);
        Ok(())
    }

    /// Makes the file of the next segment, which is not yet one of the queue's.
    pub(crate) fn next_segment(&self, state: &mut State, first_seq: u64) -> Result<Made, NoSegment> {
        let id = state.next_id;
        let name = crate::segment::file_name(id);
        self.mark.uses(id).map_err(|source| self.no_segment(state, &name, source))?;
        let (origin, made) = if let Some(k) = state.spares.pop() {
            let spare = self.spare(state, k);
            let made = self.make(id, first_seq, SpaceOrigin::Recycled, &spare_name(k), || spare);
            (SpaceOrigin::Recycled, made.inspect_err(|_| state.spares.push(k)))
        } else if self.may_grow(state) {
            let tmp = format!("new{TMP_SUFFIX}");
            let made = self.make(id, first_seq, SpaceOrigin::Fresh, &tmp, || self.allocate(&tmp));
            if made.is_err() {
                // What fails here is removed at the next attempt or the next open.
                self.storage.remove(&tmp).ok();
            }
            (SpaceOrigin::Fresh, made)
        } else {
            return Err(NoSegment::Full);
        };
        let file = made.map_err(|source| self.no_segment(state, &name, source))?;
        // An id is never used twice, not even when what it was for has failed.
        state.next_id += 1;
        self.names_changed.store(true, Ordering::SeqCst);
        Ok((Segment::new(&self.meta, id, first_seq, DATA_START), file, origin))
    }

    /// As [`Self::next_segment`], but without the name: what is under it does not count yet.
    pub(crate) fn draft(&self, state: &mut State, first_seq: u64) -> io::Result<Draft> {
        let id = state.next_id;
        self.mark.uses(id)?;
        let (name, origin, file) = if let Some(k) = state.spares.last() {
            let k = *k;
            let name = spare_name(k);
            let file = self.spare(state, k)?;
            (name, SpaceOrigin::Recycled, file)
        } else if self.may_grow(state) {
            let name = format!("new{TMP_SUFFIX}");
            let file = self.allocate(&name)?;
            (name, SpaceOrigin::Fresh, file)
        } else {
            return Err(io::ErrorKind::StorageFull.into());
        };
        let segment_bytes = self.meta.segment_bytes;
        Header { uuid: self.meta.uuid, id, first_seq, segment_bytes, origin }.store(&*file)?;
        state.next_id += 1;
        Ok(Draft { segment: Segment::new(&self.meta, id, first_seq, DATA_START), file, name, origin })
    }

    /// Opens a spare. Neither by its old name nor by its old header may it come back as the segment it was, when new
    /// records lie over a part of the old ones.
    fn spare(&self, state: &mut State, k: usize) -> io::Result<Arc<dyn StorageFile>> {
        let file = self.storage.open(&spare_name(k))?;
        if state.unsettled.contains(&k) {
            // Asked again after a failure, the system would say that all is well.
            self.storage.sync_dir("").inspect_err(|_| self.poison())?;
            file.write_durably_at(&[0; PAGE_LEN], 0).inspect_err(|_| self.poison())?;
            state.unsettled.retain(|other| *other != k);
        }
        Ok(file)
    }

    pub(crate) fn no_segment(&self, state: &mut State, name: &str, source: io::Error) -> NoSegment {
        let path = self.storage.path(name);
        NoSegment::Error(match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                state.disk_full = Some(self.clock.now());
                AppendError::NoSpace { path, source }
            }
            _ => AppendError::Io { operation: "make segment", path, source },
        })
    }

    fn install(&self, state: &mut State, (segment, file, origin): Made) {
        state.segments.push_back(Arc::new(segment));
        (state.active, state.origin) = (Some(file), origin);
        if self.meta.rules.forgets_mappings() {
            state.stores.forget();
        }
        self.publish_oldest(state);
    }

    /// Puts a segment in the place of all records from its first number on.
    pub(crate) fn replace(&self, state: &mut State, made: Made) {
        let first_seq = made.0.first_seq();
        while state.segments.back().is_some_and(|last| last.first_seq() >= first_seq) {
            let Some(last) = state.segments.pop_back() else { break };
            last.seal(first_seq);
            // The device has trouble with this file: it is not used again.
            if self.storage.remove(&last.file_name()).is_err() {
                state.unlinking += 1;
            }
        }
        if let Some(last) = state.segments.back() {
            last.seal(first_seq);
        }
        self.install(state, made);
    }

    /// A queue without a segment makes one, so that a disk without room for it is met when the queue is opened.
    pub(crate) fn reserve_first(&self) -> Result<(), OpenError> {
        let mut state = self.state();
        if !state.segments.is_empty() {
            return Ok(());
        }
        match self.roll(&mut state) {
            Err(NoSegment::Error(
                AppendError::NoSpace { path, source } | AppendError::Io { path, source, .. },
            )) => Err(OpenError::Io { operation: "reserve space for", path, source }),
            Ok(()) | Err(NoSegment::Full | NoSegment::Error(_)) => Ok(()),
        }
    }

    /// Gives the file `from` a header and the name of the segment `id`.
    fn make(
        &self,
        id: u64,
        first_seq: u64,
        origin: SpaceOrigin,
        from: &str,
        file: impl FnOnce() -> io::Result<Arc<dyn StorageFile>>,
    ) -> io::Result<Arc<dyn StorageFile>> {
        let file = file()?;
        let segment_bytes = self.meta.segment_bytes;
        Header { uuid: self.meta.uuid, id, first_seq, segment_bytes, origin }.store(&*file)?;
        self.storage.rename(from, &crate::segment::file_name(id))?;
        Ok(file)
    }

    pub(crate) fn allocate(&self, name: &str) -> io::Result<Arc<dyn StorageFile>> {
        let file = match self.storage.create(name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.storage.remove(name)?;
                self.storage.create(name)?
            }
            file => file?,
        };
        file.allocate(self.meta.segment_bytes)?;
        Ok(file)
    }

    /// There is none, until somebody looks again.
    pub(crate) fn no_space(&self) {
        self.has_space.store(false, Ordering::SeqCst);
        self.has_room.store(false, Ordering::SeqCst);
    }

    /// There may be room that there was not.
    pub(crate) fn look_again(&self) {
        self.has_space.store(true, Ordering::SeqCst);
        self.has_room.store(true, Ordering::SeqCst);
        self.space.notify();
    }

    /// Ends the appending after a failed sync, also for those who wait for room.
    pub(crate) fn poison(&self) {
        self.watermark.fail();
        self.space.notify();
    }

    /// The segment that holds, or will hold, `seq`.
    pub(crate) fn segment_of(&self, seq: u64) -> Option<Arc<Segment>> {
        let state = self.state();
        let behind = state.segments.partition_point(|segment| segment.first_seq() <= seq);
        state.segments.get(behind.saturating_sub(1)).cloned()
    }

    /// Whether the segment is still the queue's.
    pub(crate) fn keeps(&self, segment: &Segment) -> bool {
        self.state().segments.iter().any(|kept| kept.id == segment.id)
    }

    /// Whether one more segment stays within the limit.
    pub(crate) fn may_grow(&self, state: &State) -> bool {
        self.in_segments(state) + self.meta.segment_bytes <= self.limit(state)
    }

    pub(crate) fn in_segments(&self, state: &State) -> u64 {
        (state.segments.len() + state.spares.len() + state.unlinking) as u64 * self.meta.segment_bytes
            + state.quarantine.bytes()
            + state.foreign
    }

    /// What segments and spares may take together.
    pub(crate) fn limit(&self, state: &State) -> u64 {
        self.max_bytes.saturating_sub(small_files(state.consumers.len()))
    }

    /// What the files take.
    pub(crate) fn bytes(&self, state: &State) -> u64 {
        FIXED + state.consumers.len() as u64 * CURSOR_LEN + self.in_segments(state)
    }
}

/// What is set aside for the files that are no segments, with `consumers` consumers. Room for a few cursors is
/// kept from the start, so that a consumer can be made when the queue is full.
pub(crate) fn small_files(consumers: usize) -> u64 {
    FIXED + consumers.max(CURSORS_SET_ASIDE) as u64 * CURSOR_LEN
}

/// Segments kept for reuse.
pub(crate) const SPARES: usize = 2;
const CURSORS_SET_ASIDE: usize = 16;
/// `META`, `STATE` and `LOCK`.
const FIXED: u64 = 2 * TWO_SLOTS + PAGE;
