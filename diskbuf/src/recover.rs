//! From the bytes of a directory to a queue: what belongs to it, where it ends, what is gone. Total on any
//! bytes; doing it twice gives the same queue.

use std::io;
use std::sync::Arc;

use crate::cursor::{self, Cursor};
use crate::error::OpenError;
use crate::format::{CONSUMERS, DATA_START, LOCK, META, PAGE_LEN, TMP_SUFFIX};
use crate::meta::{Found, Meta};
use crate::options::Options;
use crate::record::Life;
use crate::segment::{self, Header, MAX_ID, OPEN, Segment, SpaceOrigin, read_full};
use crate::seq::{Loss, LossCause, Seq};
use crate::state::{SPARES, Shared, State, small_files};
use crate::status::{Origin, Recovery};
use crate::storage::{Storage, StorageFile};
use crate::tail::Tail;
use crate::window::{Wanted, Window};

/// Opens the queue in `storage`, or makes it.
pub(crate) fn open(options: &Options, storage: Arc<dyn Storage>) -> Result<Shared, OpenError> {
    let disk = Road(&*storage);
    disk.told("make directory", "", storage.create_dir(""))?;
    let lock = disk.lock()?;
    let names = disk.told("list", "", storage.list(""))?;
    let (meta, origin) = disk.meta(options, &names)?;
    disk.told("make directory", CONSUMERS, storage.create_dir(CONSUMERS))?;

    let mut state = State { spares: disk.spares(&meta, &names)?, ..State::default() };
    let mut unreadable = Vec::new();
    let found = disk.segments(&meta, &names, &mut state.next_id, &mut unreadable)?;
    let cursors = disk.cursors(&meta)?;
    let min = small_files(cursors.len()) + 2 * meta.segment_bytes;
    if options.max_bytes < min {
        return Err(OpenError::MaxBytes { given: options.max_bytes, min });
    }

    let mut losses = disk.gaps(&meta, &found)?;
    let acked = || cursors.iter().filter_map(|(_, cursor)| cursor.as_ref()).map(Cursor::next);
    if let Some(behind) = acked().min() {
        losses.retain(|loss| loss.to.as_u64() >= behind);
    }
    for (place, one) in found.iter().enumerate() {
        let last = found.get(place + 1);
        let segment = Segment::new(&meta, one.id, one.first_seq, meta.segment_bytes);
        segment.seal(last.map_or(OPEN, |next| next.first_seq));
        state.segments.push_back(Arc::new(segment));
    }
    state.next_seq = 1;
    let mut torn_bytes = 0;
    if let (Some(last), Some(segment)) = (found.last(), state.segments.back()) {
        let tail =
            disk.told("read", &segment.file_name(), Tail::scan(&*last.file, &meta, segment, last.origin))?;
        segment.set_end(tail.end);
        state.next_seq = tail.next_seq;
        if tail.continues() && last.header == HeaderState::Good {
            let cut = last.file.allocate(meta.segment_bytes).and_then(|()| tail.cut(&*last.file));
            torn_bytes = tail.torn_bytes();
            match cut {
                Ok(()) => state.active = Some(Arc::clone(&last.file)),
                // No room to make the file whole again: it stays as it is, the next append makes another.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {}
                cut => disk.told("cut the tail of", &segment.file_name(), cut)?,
            }
        }
        losses.extend(tail.losses);
    }
    // A consumer has acknowledged more than there is: its numbers must not be given again.
    if let Some(ahead) = acked().max().filter(|ahead| *ahead > state.next_seq) {
        let (from, to) = (Seq::new(state.next_seq), Seq::new(ahead - 1));
        if !state.segments.is_empty() {
            losses.push(Loss { from, to, cause: LossCause::Missing });
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
            let made = Cursor::create(&*storage, meta.uuid, &name, oldest);
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
        unreadable: unreadable.iter().map(|name| storage.path(name)).collect(),
    };
    Ok(Shared::new(storage, meta, options.max_bytes, lock, recovery, state))
}

/// A segment found.
struct One {
    id: u64,
    first_seq: u64,
    origin: SpaceOrigin,
    header: HeaderState,
    file: Arc<dyn StorageFile>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum HeaderState {
    Good,
    /// Page 0 does not verify; its records tell what it is.
    Damaged,
}

/// The storage, and how to tell of its failures.
struct Road<'a>(&'a dyn Storage);

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
                Found::Good(meta) => Ok((meta, Origin::Reopened)),
                Found::Newer(found) => {
                    Err(OpenError::Version { path: path(), found, supported: crate::format::VERSION })
                }
                Found::Damaged => Err(OpenError::MetaDamaged { path: path() }),
            };
        }
        if names.iter().any(|(name, _)| segment::id_in(name).is_some()) {
            return Err(OpenError::MetaMissing { path: self.0.path(META) });
        }
        let made =
            Meta::generate(self.0, options.segment_bytes).and_then(|meta| meta.store(self.0).map(|()| meta));
        Ok((self.told("make", META, made)?, Origin::Created))
    }

    /// The places of spare files; what a crash left half made is removed.
    fn spares(&self, meta: &Meta, names: &[(String, u64)]) -> Result<Vec<usize>, OpenError> {
        let mut spares = Vec::new();
        for (name, size) in names {
            let half_made = *name == format!("new{TMP_SUFFIX}") || *name == format!("{META}{TMP_SUFFIX}");
            match (0..SPARES).find(|k| segment::spare_name(*k) == *name) {
                Some(k) if *size == meta.segment_bytes => spares.push(k),
                Some(_) => self.told("remove", name, self.remove(name))?,
                None if half_made => self.told("remove", name, self.remove(name))?,
                None => {}
            }
        }
        Ok(spares)
    }

    /// The queue's segments by id, the first numbers never falling.
    fn segments(
        &self,
        meta: &Meta,
        names: &[(String, u64)],
        next_id: &mut u64,
        unreadable: &mut Vec<String>,
    ) -> Result<Vec<One>, OpenError> {
        let mut found: Vec<One> = Vec::new();
        let is_spare = |name: &str| (0..SPARES).any(|k| segment::spare_name(k) == name);
        let mut candidates: Vec<_> = names
            .iter()
            .map(|(name, _)| name)
            .filter(|name| name.ends_with(".seg") && !is_spare(name))
            .collect();
        candidates.sort();
        for name in candidates {
            let named = segment::id_in(name);
            *next_id = (*next_id).max(named.map_or(0, |id| id + 1));
            let file = self.told("open", name, self.0.open(name))?;
            match self.told("read", name, identify(&file, meta, named))? {
                Some(one) => {
                    *next_id = (*next_id).max(one.id + 1);
                    // The header is the truth, the name a hint; but two files cannot be the same segment.
                    let right = segment::file_name(one.id);
                    let taken = *name != right && names.iter().any(|(other, _)| *other == right);
                    if taken || found.iter().any(|other| other.id == one.id) || *next_id > MAX_ID {
                        unreadable.push(name.clone());
                        continue;
                    }
                    if *name != right {
                        self.told("rename", name, self.0.rename(name, &right))?;
                    }
                    found.push(one);
                }
                None => unreadable.push(name.clone()),
            }
        }
        found.sort_by_key(|one| one.id);
        let mut floor = 0;
        found.retain(|one| {
            let in_order = one.first_seq >= floor;
            if in_order {
                floor = one.first_seq;
            } else {
                unreadable.push(segment::file_name(one.id));
            }
            in_order
        });
        Ok(found)
    }

    /// Records that were in segments which are missing between two others.
    fn gaps(&self, meta: &Meta, found: &[One]) -> Result<Vec<Loss>, OpenError> {
        let mut losses = Vec::new();
        for pair in found.windows(2) {
            let [one, next] = pair else { continue };
            if one.id + 1 == next.id {
                continue;
            }
            let segment = Segment::new(meta, one.id, one.first_seq, meta.segment_bytes);
            segment.seal(next.first_seq);
            let name = segment.file_name();
            let tail = self.told("read", &name, Tail::scan(&*one.file, meta, &segment, one.origin))?;
            if tail.next_seq < next.first_seq {
                let (from, to) = (Seq::new(tail.next_seq), Seq::new(next.first_seq - 1));
                losses.push(Loss { from, to, cause: LossCause::Missing });
            }
        }
        Ok(losses)
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

/// Which segment of this queue a file is, if any: by its header, or else by its name and its first record.
fn identify(file: &Arc<dyn StorageFile>, meta: &Meta, named: Option<u64>) -> io::Result<Option<One>> {
    let mut page = [0; PAGE_LEN];
    read_full(&**file, &mut page, 0)?;
    if let Some(Header { uuid, id, first_seq, segment_bytes, origin }) = Header::parse(&page) {
        let ours = uuid == meta.uuid && segment_bytes == meta.segment_bytes;
        let one = One { id, first_seq, origin, header: HeaderState::Good, file: Arc::clone(file) };
        return Ok(ours.then_some(one));
    }
    let Some(id) = named else { return Ok(None) };
    let wanted = Wanted {
        life: Life { salt: meta.salt(id), first_seq: 1 },
        end: meta.segment_bytes,
        min_seq: 1,
        bound: Seq::MAX,
    };
    let first = Window::new(1 << 20).find(&**file, &wanted, DATA_START)?;
    Ok(first.map(|(_, head)| One {
        id,
        first_seq: head.seq,
        origin: SpaceOrigin::Recycled,
        header: HeaderState::Damaged,
        file: Arc::clone(file),
    }))
}
