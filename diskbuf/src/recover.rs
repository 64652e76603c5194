//! From the bytes of a directory to a queue: what belongs to it, where it ends, what is gone. Total on any
//! bytes; doing it twice gives the same queue.

use std::io;
use std::sync::Arc;

use crate::cursor::{self, Behind, Cursor};
use crate::error::OpenError;
use crate::format::{CONSUMERS, LOCK, META, STATE, TMP_SUFFIX};
use crate::mark::{self, Known, Mark};
use crate::meta::{self, Meta};
use crate::options::Options;
use crate::quarantine::{self, Quarantine};
use crate::segment::{self, OPEN, Segment, SpaceOrigin, read_full};
use crate::seq::{Loss, LossCause, Seq};
use crate::state::{SPARES, Shared, State};
use crate::status::{Counts, Origin, Recovery};
use crate::storage::{Boot, Storage, StorageFile};
use crate::survey::Stranger;
use crate::sync::Unsynced;

/// Opens the queue in `storage`, or makes it.
pub(crate) fn open(options: &Options, storage: Arc<dyn Storage>) -> Result<Shared, OpenError> {
    let disk = Road(&storage);
    if disk.is_new() {
        // Segments cannot be made shorter later: what is refused leaves nothing behind.
        options.check_limit(options.segment_bytes, 0)?;
    }
    disk.told("make directory", "", storage.create_dir(""))?;
    let lock = disk.lock()?;
    let boot = storage.boot();
    let names = disk.told("list", "", storage.list(""))?;
    let (meta, origin) = disk.meta(options, &names, boot)?;
    disk.told("make directory", CONSUMERS, storage.create_dir(CONSUMERS))?;
    let (mark, mark_found) = disk.mark(&meta, &names, boot)?;
    let known = mark.known();
    if origin == Origin::Reopened && known.durable <= 1 {
        // Nobody may have synced its names yet; segments without META would be of no use.
        disk.told("sync", "", storage.sync_dir(""))?;
    }

    let mut state = State { spares: disk.spares(&meta, &names)?, ..State::default() };
    state.unsettled.clone_from(&state.spares);
    state.quarantine = Quarantine::found(&names, options.quarantine_limit(meta.segment_bytes));
    let (found, unreadable) = disk.segments(&meta, &names, &mut state.next_id)?;
    state.next_id = state.next_id.max(known.ids);
    let cursors = disk.cursors(&meta)?;
    options.check_limit(meta.segment_bytes, cursors.len())?;
    let mut put_away = Vec::new();
    for stranger in &unreadable {
        let Stranger { name, size, reason } = stranger;
        let taken = disk.told("put away", name, state.quarantine.take(&*storage, name, *size, reason))?;
        if !taken {
            state.foreign += size;
        }
        put_away.push(storage.path(name));
    }

    let acked = || cursors.iter().filter_map(|(_, cursor)| cursor.as_ref()).map(Cursor::next);
    for (place, one) in found.iter().enumerate() {
        let last = found.get(place + 1);
        let segment = Segment::new(&meta, one.id, one.first_seq, meta.segment_bytes);
        segment.seal(last.map_or(OPEN, |next| next.first_seq));
        state.segments.push_back(Arc::new(segment));
    }
    state.next_seq = 1;
    let ends = disk.ends(&meta, &found, &state, &mark)?;
    let mut losses = ends.losses;
    let torn_bytes = ends.torn_bytes;
    if let Some(segment) = state.segments.back() {
        segment.set_end(ends.end);
        state.next_seq = ends.next_seq;
        state.last = ends.last;
        state.active = ends.active;
        state.origin = found.last().map_or(SpaceOrigin::Fresh, |one| one.origin);
    }
    if let Some(behind) = acked().min() {
        losses.retain(|loss| loss.to.as_u64() >= behind);
    }
    // What was synced is not there, or a consumer has acknowledged more than there is: these numbers must not be
    // given again.
    if known.durable > state.next_seq {
        if acked().min().is_none_or(|behind| behind < known.durable) && !state.segments.is_empty() {
            let (from, to) = (Seq::new(state.next_seq), Seq::new(known.durable - 1));
            losses.push(Loss { from, to, cause: LossCause::DeviceLost });
        }
        state.next_seq = known.durable;
        state.active = None;
    }
    if let Some(ahead) = acked().max().filter(|ahead| *ahead > state.next_seq) {
        let (from, to) = (Seq::new(state.next_seq), Seq::new(ahead - 1));
        if !state.segments.is_empty() {
            losses.push(Loss { from, to, cause: LossCause::Unsynced });
        }
        state.next_seq = ahead;
        state.active = None;
    }
    let oldest = state.segments.front().map_or(state.next_seq, |segment| segment.first_seq());

    let torn = cursors.iter().filter(|(_, cursor)| cursor.as_ref().is_some_and(|c| c.bad_slots > 0));
    let torn_cursors = torn.map(|(name, _)| storage.path(&cursor::file_name(name)));
    let torn_state = (mark.bad_slots > 0).then(|| storage.path(STATE));
    let torn_slots = torn_state.into_iter().chain(torn_cursors).collect();
    let mut cursors_reset = Vec::new();
    for (name, cursor) in cursors {
        let cursor = if let Some(cursor) = cursor {
            cursor
        } else {
            let made = Cursor::create(&storage, meta.uuid, &name, oldest, Behind::Keeps);
            cursors_reset.push(name.clone());
            disk.told("reset cursor", &cursor::file_name(&name), made)?
        };
        state.consumers.insert(name, Arc::new(cursor));
    }
    let recovery = Recovery {
        origin,
        oldest_seq: Seq::new(oldest),
        next_seq: Seq::new(state.next_seq),
        segments: state.segments.len(),
        spares: state.spares.len(),
        torn_bytes,
        losses,
        cursors_reset,
        torn_slots,
        unreadable: put_away,
        counts: mark_found,
    };
    let unsynced = Unsynced { from: mark.known().segment, doubtful: ends.doubt };
    let found = Found { meta, recovery, mark, unsynced, state };
    Ok(Shared::new(storage, options, lock, found))
}

/// What opening a queue has found.
pub(crate) struct Found {
    pub(crate) meta: Meta,
    pub(crate) recovery: Recovery,
    pub(crate) mark: Mark,
    pub(crate) unsynced: Unsynced,
    pub(crate) state: State,
}

/// How many ids are passed over when nobody knows which have been used.
const FAR: u64 = 1 << 32;

/// The storage, and how to tell of its failures.
pub(crate) struct Road<'a>(pub(crate) &'a Arc<dyn Storage>);

impl Road<'_> {
    pub(crate) fn told<T>(
        &self,
        operation: &'static str,
        name: &str,
        result: io::Result<T>,
    ) -> Result<T, OpenError> {
        result.map_err(|source| OpenError::Io { operation, path: self.0.path(name), source })
    }

    fn lock(&self) -> Result<Arc<dyn StorageFile>, OpenError> {
        match self.0.lock(LOCK) {
            Ok(lock) => {
                let text = format!("pid {:<27}\n", std::process::id());
                self.told("write", LOCK, lock.write_all_at(text.as_bytes(), 0))?;
                Ok(lock)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let mut text = [0; 32];
                let read = self.0.open(LOCK).and_then(|file| read_full(&*file, &mut text, 0));
                let plain =
                    text.iter().filter(|b| b.is_ascii_graphic() || **b == b' ').map(|b| char::from(*b));
                let holder = read.map_or_else(|_| String::new(), |()| plain.collect());
                Err(OpenError::Locked { path: self.0.path(LOCK), holder: holder.trim().to_owned() })
            }
            Err(error) => self.told("lock", LOCK, Err(error)),
        }
    }

    /// Removes what need not be there any more.
    fn remove(&self, name: &str) -> io::Result<()> {
        match self.0.remove(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    fn meta(
        &self,
        options: &Options,
        names: &[(String, u64)],
        boot: Option<Boot>,
    ) -> Result<(Meta, Origin), OpenError> {
        if names.iter().any(|(name, _)| name == META) {
            let file = self.told("open", META, self.0.open(META))?;
            let path = || self.0.path(META);
            return match self.told("read", META, Meta::load(&*file))? {
                meta::Found::Good(meta) => Ok((Meta { rules: options.rules, ..meta }, Origin::Reopened)),
                meta::Found::Foreign(found) => {
                    Err(OpenError::Version { path: path(), found, supported: crate::format::VERSION })
                }
                meta::Found::Damaged => Err(OpenError::MetaDamaged { path: path() }),
            };
        }
        if let Some(found) = self.remains(names)? {
            return Err(OpenError::MetaMissing { path: self.0.path(META), found });
        }
        // META comes last: with it the queue exists, and the rest is there.
        let made = Meta::generate(&**self.0, options.segment_bytes).and_then(|meta| {
            Mark::create(&**self.0, meta.uuid, Known::new(boot))?;
            meta.store(&**self.0)?;
            Ok(meta)
        });
        let meta = self.told("make", META, made)?;
        Ok((Meta { rules: options.rules, ..meta }, Origin::Created))
    }

    /// What is known of earlier syncs.
    fn mark(
        &self,
        meta: &Meta,
        names: &[(String, u64)],
        boot: Option<Boot>,
    ) -> Result<(Mark, Counts), OpenError> {
        match self.told("read", STATE, Mark::load(&**self.0, meta.uuid, boot))? {
            mark::Found::Good(mark) => Ok((mark, Counts::Kept)),
            mark::Found::Lost => {
                // A segment of which nothing is left may have had a higher id than those that are there. Far away is far enough, and it
                // stands in the new file, since the next opening will not know that there was another.
                let highest = names.iter().filter_map(|(name, _)| segment::id_in(name)).max();
                let known = Known::with_ids(boot, highest.map_or(0, |id| id + 1).saturating_add(FAR));
                let made = self.told("make", STATE, Mark::create(&**self.0, meta.uuid, known))?;
                Ok((made, Counts::Lost))
            }
        }
    }

    /// The places of spare files; what a crash left half made is removed.
    fn spares(&self, meta: &Meta, names: &[(String, u64)]) -> Result<Vec<usize>, OpenError> {
        let mut spares = Vec::new();
        for (name, size) in names {
            let half_made = ["new", META, STATE].iter().any(|what| *name == format!("{what}{TMP_SUFFIX}"));
            match (0..SPARES).find(|k| segment::spare_name(*k) == *name) {
                Some(k) if *size == meta.segment_bytes => spares.push(k),
                Some(_) => self.told("remove", name, self.remove(name))?,
                None if half_made => self.told("remove", name, self.remove(name))?,
                None => {}
            }
        }
        for name in quarantine::stray(names) {
            self.told("remove", name, self.remove(name))?;
        }
        Ok(spares)
    }

    /// The consumers; without a cursor where neither slot verifies.
    fn cursors(&self, meta: &Meta) -> Result<Vec<(String, Option<Cursor>)>, OpenError> {
        let mut cursors = Vec::new();
        let mut names = self.told("list", CONSUMERS, self.0.list(CONSUMERS))?;
        names.sort();
        for (file_name, _) in names {
            if file_name.strip_suffix(TMP_SUFFIX).is_some_and(|name| cursor::name_in(name).is_some()) {
                let path = format!("{CONSUMERS}/{file_name}");
                self.told("remove", &path, self.0.remove(&path))?;
            }
            let Some(name) = cursor::name_in(&file_name) else { continue };
            let cursor = match Cursor::load(self.0, meta.uuid, name) {
                Ok(cursor) => Some(cursor),
                Err(None) => None,
                Err(Some(error)) => self.told("read", &cursor::file_name(name), Err(error))?,
            };
            cursors.push((name.to_owned(), cursor));
        }
        Ok(cursors)
    }
}
