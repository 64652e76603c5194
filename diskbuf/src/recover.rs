//! From the bytes of a directory to a queue: what belongs to it, where it ends, what is gone. Total on any
//! bytes; doing it twice gives the same queue.

use std::io;
use std::sync::Arc;

use crate::cursor::{self, Behind, Cursor};
use crate::error::OpenError;
use crate::format::{CONSUMERS, DATA_START, HEADER_LEN, LOCK, META, PAGE_LEN, STATE, TMP_SUFFIX};
use crate::mark::{self, Known, Mark};
use crate::meta::{self, Meta};
use crate::options::Options;
use crate::quarantine::{self, Quarantine};
use crate::record::Life;
use crate::segment::{self, Header, MAX_ID, OPEN, Segment, SpaceOrigin, read_full};
use crate::seq::{Loss, LossCause, Seq};
use crate::state::{SPARES, Shared, State, small_files};
use crate::status::{Counts, Origin, Recovery};
use crate::storage::{Storage, StorageFile};
use crate::sync::{Doubt, Unsynced};
use crate::tail::{Begin, Tail};
use crate::window::{Wanted, Window};

/// Opens the queue in `storage`, or makes it.
pub(crate) fn open(options: &Options, storage: Arc<dyn Storage>) -> Result<Shared, OpenError> {
    let disk = Road(&storage);
    disk.told("make directory", "", storage.create_dir(""))?;
    let lock = disk.lock()?;
    let names = disk.told("list", "", storage.list(""))?;
    let (meta, origin) = disk.meta(options, &names)?;
    disk.told("make directory", CONSUMERS, storage.create_dir(CONSUMERS))?;
    let (mark, mark_found) = disk.mark(&meta)?;
    let known = mark.known();
    if origin == Origin::Reopened && known.durable <= 1 {
        // Nobody may have synced its names yet; segments without META would be of no use.
        disk.told("sync", "", storage.sync_dir(""))?;
    }

    let mut state = State { spares: disk.spares(&meta, &names)?, ..State::default() };
    state.unsettled.clone_from(&state.spares);
    state.quarantine = Quarantine::found(&names, options.quarantine_limit(meta.segment_bytes));
    let (found, unreadable) = disk.segments(&meta, &names, &mut state.next_id)?;
    // A segment of which nothing is left may have had a higher one. Without STATE, far away is far enough.
    let unused = if mark_found == Counts::Kept { known.ids } else { state.next_id + (1 << 32) };
    state.next_id = state.next_id.max(unused);
    let cursors = disk.cursors(&meta)?;
    let min = small_files(cursors.len()) + 2 * meta.segment_bytes;
    if options.max_bytes < min {
        return Err(OpenError::MaxBytes { given: options.max_bytes, min });
    }
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
    let ends = disk.ends(&meta, &found, &state, &known)?;
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
        unreadable: put_away,
        counts: mark_found,
    };
    // Bytes of an earlier run are in question from the segment of the last record known to be synced.
    let doubtful = known.doubtful.checked_sub(1).map(|segment| segment.max(known.segment));
    let doubtful =
        doubtful.map(|segment| Doubt { segment, at: if segment == known.segment { ends.synced } else { 0 } });
    let from = known.segment;
    let found = Found { meta, recovery, mark, unsynced: Unsynced { from, doubtful }, state };
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

/// A segment found.
struct One {
    id: u64,
    first_seq: u64,
    origin: SpaceOrigin,
    header: HeaderState,
    file: Arc<dyn StorageFile>,
    name: String,
    size: u64,
}

impl One {
    /// Writes page 0 if it was damaged: when the records that told what it is are cut off, nothing else would.
    fn mend(&self, meta: &Meta) -> io::Result<()> {
        if self.header == HeaderState::Good {
            return Ok(());
        }
        let (id, first_seq, segment_bytes) = (self.id, self.first_seq, meta.segment_bytes);
        Header { uuid: meta.uuid, id, first_seq, segment_bytes, origin: self.origin }.store(&*self.file)?;
        self.file.sync()
    }
}

/// A file with a segment's name that is none of ours.
struct Stranger {
    name: String,
    size: u64,
    reason: &'static str,
}

/// How the newest segment ends, and what is missing before.
struct Ends {
    end: u64,
    next_seq: u64,
    last: (u64, u64),
    active: Option<Arc<dyn StorageFile>>,
    torn_bytes: u64,
    losses: Vec<Loss>,
    /// Behind the last record known to be synced, in its segment.
    synced: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum HeaderState {
    Good,
    /// Page 0 does not verify; its records tell what it is.
    Damaged,
}

/// The storage, and how to tell of its failures.
struct Road<'a>(&'a Arc<dyn Storage>);

impl Road<'_> {
    fn told<T>(&self, operation: &'static str, name: &str, result: io::Result<T>) -> Result<T, OpenError> {
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

    fn meta(&self, options: &Options, names: &[(String, u64)]) -> Result<(Meta, Origin), OpenError> {
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
        if names.iter().any(|(name, _)| segment::id_in(name).is_some()) {
            return Err(OpenError::MetaMissing { path: self.0.path(META) });
        }
        // META comes last: with it the queue exists, and the rest is there.
        let made = Meta::generate(&**self.0, options.segment_bytes).and_then(|meta| {
            Mark::create(&**self.0, meta.uuid, Known::NEW)?;
            meta.store(&**self.0)?;
            Ok(meta)
        });
        let meta = self.told("make", META, made)?;
        Ok((Meta { rules: options.rules, ..meta }, Origin::Created))
    }

    /// What is known of earlier syncs.
    fn mark(&self, meta: &Meta) -> Result<(Mark, Counts), OpenError> {
        match self.told("read", STATE, Mark::load(&**self.0, meta.uuid))? {
            mark::Found::Good(mark) => Ok((mark, Counts::Kept)),
            mark::Found::Lost => {
                let made = self.told("make", STATE, Mark::create(&**self.0, meta.uuid, Known::NEW))?;
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

    /// The queue's segments by id, the first numbers never falling, and the files that are none.
    fn segments(
        &self,
        meta: &Meta,
        names: &[(String, u64)],
        next_id: &mut u64,
    ) -> Result<(Vec<One>, Vec<Stranger>), OpenError> {
        let (mut found, mut strangers): (Vec<One>, Vec<Stranger>) = (Vec::new(), Vec::new());
        let mut stranger =
            |name: &str, size: u64, reason| strangers.push(Stranger { name: name.to_owned(), size, reason });
        let is_spare = |name: &str| (0..SPARES).any(|k| segment::spare_name(k) == name);
        let mut candidates: Vec<_> =
            names.iter().filter(|(name, _)| name.ends_with(".seg") && !is_spare(name)).collect();
        // A file that has the name of what it is comes before one that only says so inside.
        candidates.sort();
        for (name, size) in candidates {
            let named = segment::id_in(name);
            *next_id = (*next_id).max(named.map_or(0, |id| id + 1));
            let file = self.told("open", name, self.0.open(name))?;
            match self.told("read", name, identify(&file, meta, named, name, *size))? {
                Some(one) if one.id < MAX_ID => found.push(one),
                _ => stranger(name, *size, "neither its header nor a record is one of this queue's"),
            }
        }
        // The header is the truth, the name a hint; but two files cannot be the same segment.
        let rightly = |one: &One| one.name == segment::file_name(one.id);
        found.sort_by_key(|one| (one.id, !rightly(one)));
        found.dedup_by(|second, first| {
            let same = first.id == second.id;
            if same {
                stranger(&second.name, second.size, "another file is the same segment");
            }
            same
        });
        // A segment that begins before an older one replaces it: see `sync`.
        let mut ceiling = u64::MAX;
        let mut void = Vec::new();
        for one in found.iter().rev() {
            if one.first_seq > ceiling {
                void.push(one.id);
            }
            ceiling = ceiling.min(one.first_seq);
        }
        for one in found.extract_if(.., |one| void.contains(&one.id)) {
            stranger(&one.name, one.size, "a later segment has taken its place");
        }
        *next_id = found.iter().map(|one| one.id + 1).fold(*next_id, u64::max);
        self.right_names(&mut found, names)?;
        Ok((found, strangers))
    }

    /// Gives each segment the name that its header says, by way of names that nothing else has.
    fn right_names(&self, found: &mut [One], names: &[(String, u64)]) -> Result<(), OpenError> {
        let wrong = || found.iter().enumerate().filter(|(_, one)| one.name != segment::file_name(one.id));
        let wrong: Vec<usize> = wrong().map(|(place, _)| place).collect();
        for step in [segment::moved_name, segment::file_name] {
            for one in wrong.iter().filter_map(|place| found.get(*place)) {
                let from = if step(0) == segment::moved_name(0) {
                    one.name.clone()
                } else {
                    segment::moved_name(one.id)
                };
                let to = step(one.id);
                let taken = names.iter().any(|(name, _)| *name == to)
                    && !wrong.iter().filter_map(|place| found.get(*place)).any(|other| other.name == to);
                if from != to && !taken {
                    self.told("rename", &from, self.0.rename(&from, &to))?;
                }
            }
        }
        Ok(())
    }

    /// Where the records end, in the newest segment and in those before it that may not have been synced.
    fn ends(&self, meta: &Meta, found: &[One], state: &State, known: &Known) -> Result<Ends, OpenError> {
        let mut ends = Ends {
            end: meta.segment_bytes,
            next_seq: 1,
            last: (0, 0),
            active: None,
            torn_bytes: 0,
            losses: Vec::new(),
            synced: DATA_START,
        };
        let count = found.len();
        for (place, (one, segment)) in found.iter().zip(&state.segments).enumerate() {
            let gap_behind = found.get(place + 1).is_some_and(|next| next.id != one.id + 1);
            let newest = place + 1 == count;
            let unsynced = one.id >= known.segment && place + LOOKED_AT >= count;
            if !newest && !gap_behind && !unsynced {
                continue;
            }
            let name = &segment.file_name();
            let begin = self.told("read", name, begin(&one.file, segment, known))?;
            if one.id == known.segment {
                ends.synced = begin.at;
            }
            let scanned = Tail::scan(&*one.file, meta.segment_bytes, segment, one.origin, begin);
            let mut tail = self.told("read", name, scanned)?;
            if let Some(at) = tail.last_at.or_else(|| (begin.at != DATA_START).then_some(known.at)) {
                ends.last = (one.id, at);
            }
            if newest {
                ends.end = tail.end;
                ends.next_seq = tail.next_seq;
                // Halves of batches must not come back, whether or not appending goes on here.
                let mended = one.file.allocate(meta.segment_bytes).and_then(|()| one.mend(meta));
                let cut = mended.and_then(|()| tail.cut(&*one.file));
                match cut {
                    Ok(()) if tail.continues() && one.header == HeaderState::Good => {
                        ends.torn_bytes = tail.torn_bytes();
                        ends.active = Some(Arc::clone(&one.file));
                    }
                    // No room to make the file whole again: it stays as it is, the next append makes another.
                    Err(error)
                        if matches!(
                            error.kind(),
                            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                        ) => {}
                    cut => self.told("cut the tail of", name, cut)?,
                }
            } else {
                if unsynced {
                    self.told("cut the tail of", name, tail.cut_halves(&*one.file))?;
                }
                tail.missing_until(segment.sealed_at().min(Seq::MAX), known.durable);
                if gap_behind {
                    tail.losses.iter_mut().for_each(|loss| loss.cause = LossCause::Missing);
                }
            }
            ends.losses.append(&mut tail.losses);
        }
        Ok(ends)
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

/// Where to begin looking for the end of a segment: behind the last record known to be synced, if that is there.
fn begin(file: &Arc<dyn StorageFile>, segment: &Segment, known: &Known) -> io::Result<Begin> {
    let may = known.segment == segment.id && known.at >= DATA_START && known.at.is_multiple_of(8);
    if may {
        let mut header = [0; HEADER_LEN];
        read_full(&**file, &mut header, known.at)?;
        if let Some(head) = segment.life.parse(&header).filter(|head| head.seq + 1 == known.durable) {
            let at = known.at + head.size();
            return Ok(Begin { at, seq: known.durable, durable: known.durable });
        }
    }
    Ok(Begin::of(segment, known.durable))
}

/// Which segment of this queue a file is, if any: by its header, or else by its name and its first record.
fn identify(
    file: &Arc<dyn StorageFile>,
    meta: &Meta,
    named: Option<u64>,
    name: &str,
    size: u64,
) -> io::Result<Option<One>> {
    let mut page = [0; PAGE_LEN];
    read_full(&**file, &mut page, 0)?;
    let one = |id, first_seq, origin, header| One {
        id,
        first_seq,
        origin,
        header,
        file: Arc::clone(file),
        name: name.to_owned(),
        size,
    };
    if let Some(Header { uuid, id, first_seq, segment_bytes, origin }) = Header::parse(&page) {
        let ours = uuid == meta.uuid && segment_bytes == meta.segment_bytes;
        return Ok(ours.then(|| one(id, first_seq, origin, HeaderState::Good)));
    }
    let Some(id) = named else { return Ok(None) };
    let wanted = Wanted {
        life: Life { salt: meta.salt(id), first_seq: 1, covered: meta.rules.covered() },
        end: meta.segment_bytes,
        min_seq: 1,
        bound: Seq::MAX,
    };
    let first = Window::new(1 << 20).find(&**file, &wanted, DATA_START)?;
    Ok(first.map(|(_, head)| one(id, head.seq, SpaceOrigin::Recycled, HeaderState::Damaged)))
}

/// Of how many of the newest segments the ends are looked at, if they may not have been synced.
const LOOKED_AT: usize = 4;
