//! Making things survive power loss: one sync at a time, outside the lock under which records are appended. What was
//! there before it began is durable when it has ended, and not before. A sync that failed is not asked again: the
//! records it left in doubt are written to another file, or whoever waits for them is told.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::cursor::Cursor;
use crate::doubt::{Cause, Doubt, write_again};
use crate::error::SyncError;
use crate::format::{CONSUMERS, DATA_START};
use crate::segment::Segment;
use crate::state::{Shared, State};
use crate::storage::StorageFile;
use crate::window::{Wanted, Window};

/// What is not known to be on the disk.
#[derive(Debug, Default)]
pub(crate) struct Unsynced {
    /// The first segment that may have bytes not yet synced.
    pub(crate) from: u64,
    /// An earlier run left a sync unfinished: what is read from here on may be in memory only.
    pub(crate) doubtful: Option<Doubt>,
}

/// Everything that was there when a sync began.
struct Head {
    next: u64,
    last: (u64, u64),
    segments: Vec<Arc<Segment>>,
    active: Option<Arc<dyn StorageFile>>,
    cursors: Vec<Arc<Cursor>>,
}

/// What would not be synced.
enum Failed {
    /// A segment: its records may be saved elsewhere.
    Segment(SyncError),
    /// Something for which there is no elsewhere.
    Other(SyncError),
}

impl Shared {
    /// Syncs everything there is.
    pub(crate) fn sync(&self) -> Result<(), SyncError> {
        self.watermark.in_turn(|unsynced| self.sync_holding(unsynced))
    }

    /// Syncs up to the record `seq`, unless another does it meanwhile.
    pub(crate) fn sync_through(&self, seq: u64) -> Result<(), SyncError> {
        self.watermark.reach(seq, |unsynced| self.sync_holding(unsynced))
    }

    fn sync_holding(&self, unsynced: &mut Unsynced) -> Result<(), SyncError> {
        if self.watermark.has_failed() {
            return Err(SyncError::Poisoned);
        }
        let head = self.head(unsynced);
        let synced = self.sync_segments(unsynced, &head).or_else(|failed| match failed {
            Failed::Segment(error) => self.rescue(unsynced).map_err(|_| error),
            Failed::Other(error) => Err(error),
        });
        let result = synced.and_then(|()| self.sync_rest(&head));
        if result.is_ok() {
            let head = self.meta.rules.synced(head, || self.head(unsynced));
            unsynced.from =
                head.segments.last().map_or(unsynced.from, |segment| segment.id.max(unsynced.from));
            if let Err(error) = self.publish_durable(head.next, head.last) {
                self.poison();
                return Err(error);
            }
        }
        if result.is_err() {
            self.poison();
        }
        result
    }

    fn head(&self, unsynced: &Unsynced) -> Head {
        let state = self.state();
        let segments = state.segments.iter().filter(|segment| segment.id >= unsynced.from);
        Head {
            next: state.next_seq,
            last: state.last,
            segments: segments.cloned().collect(),
            active: state.active.clone(),
            cursors: state.consumers.values().cloned().collect(),
        }
    }

    fn sync_segments(&self, unsynced: &mut Unsynced, head: &Head) -> Result<(), Failed> {
        let names = self.names_changed.load(Ordering::SeqCst);
        if head.next > self.watermark.durable() || unsynced.doubtful.is_some() || names {
            let begun = Doubt { segment: unsynced.from, at: 0, cause: Cause::Syncing };
            let doubt = unsynced.doubtful.unwrap_or(begun);
            self.noted(self.mark.write(|known| known.doubt = Some(doubt.and(known.doubt))))
                .map_err(Failed::Other)?;
            if let Some(doubt) = unsynced.doubtful {
                // To a new file if there is room for one: a write over what is there can go wrong, too.
                if self.rescue(unsynced).is_err() {
                    self.write_doubted(doubt).map_err(Failed::Segment)?;
                    unsynced.doubtful = None;
                }
            }
            for segment in &head.segments {
                self.sync_segment(segment, head).map_err(Failed::Segment)?;
            }
        }
        Ok(())
    }

    /// Names and acknowledgements.
    fn sync_rest(&self, head: &Head) -> Result<(), SyncError> {
        if self.names_changed.swap(false, Ordering::SeqCst) {
            for dir in ["", CONSUMERS] {
                self.storage.sync_dir(dir).map_err(|source| self.unsynced_error(dir, source))?;
            }
        }
        for cursor in &head.cursors {
            let name = crate::cursor::file_name(&cursor.name);
            cursor.sync().map_err(|source| self.unsynced_error(&name, source))?;
        }
        Ok(())
    }

    fn sync_segment(&self, segment: &Segment, head: &Head) -> Result<(), SyncError> {
        let name = segment.file_name();
        let newest = head.segments.last().is_some_and(|newest| newest.id == segment.id);
        let file = match &head.active {
            Some(active) if newest => Ok(Arc::clone(active)),
            _ => self.storage.open(&name),
        };
        match file.and_then(|file| file.sync()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.keeps(segment) => Ok(()),
            result => result.map_err(|source| self.unsynced_error(&name, source)),
        }
    }

    /// After a sync that an earlier run saw fail, or did not see the end of, the kernel may take pages for written that
    /// are not. Written again, they are new to it. What is known to be synced is left alone, since a write can go wrong.
    fn write_doubted(&self, doubt: Doubt) -> Result<(), SyncError> {
        let mut files = Vec::new();
        // Under the lock, so that no file gets another life meanwhile.
        let state = self.state();
        for segment in &state.segments {
            let Some(from) = doubt.within(segment.id) else { continue };
            let name = segment.file_name();
            let file = self.storage.open(&name);
            let written = file.and_then(|file| write_again(&*file, from, segment.end()).map(|()| file));
            files.push((written.map_err(|source| self.unsynced_error(&name, source))?, name));
        }
        drop(state);
        files
            .iter()
            .try_for_each(|(file, name)| file.sync().map_err(|source| self.unsynced_error(name, source)))
    }

    /// Copies what is not durable to a new file, from where it can be read and verified, and syncs that.
    fn rescue(&self, unsynced: &mut Unsynced) -> io::Result<()> {
        let mut state = self.state();
        let durable = self.watermark.durable();
        let doubted: Vec<_> = state.segments.iter().filter(|s| s.sealed_at() > durable).cloned().collect();
        let mut image = Vec::new();
        let mut next = durable.max(state.segments.front().map_or(durable, |oldest| oldest.first_seq()));
        let first_seq = next;
        // Where each record lies in the image, and where in its batch it was.
        let mut places: Vec<(usize, u8)> = Vec::new();
        for segment in &doubted {
            let file = self.storage.open(&segment.file_name())?;
            let mut window = Window::new(1 << 20);
            let end = segment.end();
            let mut wanted = Wanted { life: segment.life, end, min_seq: next, bound: segment.sealed_at() };
            let mut at = DATA_START;
            while let Some((place, head)) = window.find(&*file, &wanted, at)? {
                let whole = window.intact(&*file, place, &head, end)?;
                let len = usize::try_from(head.size()).unwrap_or(usize::MAX);
                let Some(bytes) = window.get(place, len).filter(|_| whole && head.seq == next) else { break };
                places.push((image.len(), head.place()));
                image.extend_from_slice(bytes);
                next = head.seq + 1;
                wanted.min_seq = next;
                at = place + head.size();
            }
        }
        if next != state.next_seq || DATA_START + image.len() as u64 > self.meta.segment_bytes {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let draft = self.draft(&mut state, first_seq)?;
        let segment = draft.segment;
        for (seq, (place, flags)) in (first_seq..).zip(&places) {
            if let Some(header) = image.get_mut(*place..).and_then(<[u8]>::first_chunk_mut) {
                segment.life.stamp(header, seq, *flags);
            }
        }
        // It gets its name only when all is in it: with the name, what it replaces is void.
        let written = draft.file.write_all_at(&image, DATA_START).and_then(|()| draft.file.sync());
        let named = written.and_then(|()| self.storage.rename(&draft.name, &segment.file_name()));
        if let Err(error) = named {
            // A spare that is lost, or a file to be removed at the next open.
            state.spares.retain(|k| crate::segment::spare_name(*k) != draft.name);
            if self.storage.remove(&draft.name).is_err() {
                state.unlinking += 1;
            }
            return Err(error);
        }
        state.spares.retain(|k| crate::segment::spare_name(*k) != draft.name);
        // With the name, what is appended to the segments it replaces would be void.
        self.storage.sync_dir("").inspect_err(|_| self.poison())?;
        let (file, origin) = (draft.file, draft.origin);
        segment.set_end(DATA_START + image.len() as u64);
        let last = places.last().map_or(state.last, |(place, _)| (segment.id, DATA_START + *place as u64));
        unsynced.from = segment.id;
        unsynced.doubtful = None;
        self.replace(&mut state, (segment, file, origin));
        state.last = last;
        let next = state.next_seq;
        drop(state);
        self.publish_durable(next, last).map_err(|_| io::ErrorKind::Other.into())
    }

    /// Says so in `STATE` and then to those who wait: once somebody knows, no later run in this boot may take what is safe for
    /// doubtful, and write over it. So what cannot be noted is not said.
    fn publish_durable(&self, next: u64, last: (u64, u64)) -> Result<(), SyncError> {
        let note = || {
            self.noted(self.mark.write(|known| {
                // If there is nothing new, what is noted is as true, and may be about a segment that has replaced this one.
                if next > known.durable {
                    known.durable = next;
                    (known.segment, known.at) = last;
                }
                // What was wiped after a failed write, perhaps meanwhile, is a matter for the next opening.
                known.doubt = known.doubt.filter(|doubt| doubt.cause == Cause::Cutting);
            }))
        };
        self.meta.rules.noted_and_told(note, || self.watermark.rise(next))
    }

    fn noted(&self, written: io::Result<()>) -> Result<(), SyncError> {
        written.map_err(|source| self.unsynced_error(crate::format::STATE, source))
    }

    fn unsynced_error(&self, name: &str, source: io::Error) -> SyncError {
        SyncError::Io { path: self.path(name), source }
    }

    /// The path of a file, for messages.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.storage.path(name)
    }
}

impl State {
    /// The record before `next_seq` was laid down there.
    pub(crate) const fn appended(&mut self, segment: u64, at: u64) {
        self.last = (segment, at);
    }
}
