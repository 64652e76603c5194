//! Looking into a queue that no process has open: what it holds, what is damaged, every record. Nothing is written, unless a
//! consumer is [removed](Inspection::remove_consumer): the queue is opened, by the same code as always, on an [`Overlay`].
//!
//! ```
//! use std::ops::ControlFlow;
//! use diskbuf::inspect::{Entry, Inspection};
//!
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path();
//! # diskbuf::Options::new(path).segment_bytes(1 << 20).open()?.append_one(b"hello", diskbuf::WhenFull::Refuse)?;
//! let mut inspection = Inspection::open(path)?;
//! for segment in inspection.segments() {
//!     println!("{} from {}, {} records", segment.name, segment.first, segment.records);
//! }
//! inspection.each(|entry| {
//!     if let Entry::Record { seq, payload, .. } = entry {
//!         println!("{seq} {payload:?}");
//!     }
//!     ControlFlow::<()>::Continue(())
//! })?;
//! assert!(inspection.verify()?.is_whole());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod verdict;

use std::fmt;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

pub use verdict::Verdict;

use crate::consumer::Limit;
use crate::cursor::{self, Behind, Cursor};
use crate::error::{ConsumerError, OpenError, ReadError};
use crate::format::{CONSUMERS, DATA_START, HEADER_LEN, META, PAGE_LEN};
use crate::meta::{self, Meta};
use crate::options::Options;
use crate::quarantine;
use crate::queue::{Queue, Start};
use crate::record::Life;
use crate::segment::{self, Header, read_full};
use crate::seq::{Loss, LossCause, Seq};
use crate::status::{Recovery, Status};
use crate::storage::{Disk, Overlay, Storage, StorageFile};
use crate::window::{Wanted, Window};

/// A queue at rest. While it exists nobody can open the queue.
pub struct Inspection {
    queue: Queue,
    overlay: Arc<Overlay>,
    meta: Meta,
    copies: usize,
    consumers: Vec<Waiting>,
}

/// One of the queue's segments.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentInfo {
    /// Its file's name.
    pub name: String,
    /// Its id.
    pub id: u64,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// The number of its first record.
    pub first: Seq,
    /// How many numbers it holds; of those, some may be [lost](Verdict::losses).
    pub records: u64,
    /// When the file was last written, if the system says.
    pub modified: Option<SystemTime>,
}

/// One of the queue's consumers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waiting {
    /// Its name.
    pub name: String,
    /// All records before this one are acknowledged; `None` when no slot of its cursor verifies.
    pub acked: Option<Seq>,
    /// What becomes of what it has not acknowledged when the queue is full.
    pub behind: Behind,
    /// Records kept that it has not acknowledged.
    pub lag: u64,
    /// Records that were gone before it could read them, as far as it has been told.
    pub lost: u64,
    /// Slots of its cursor that do not verify, although another one does: see
    /// [`Recovery::torn_slots`](crate::Recovery::torn_slots).
    pub torn_slots: usize,
    /// Records it has not acknowledged and will not get, since no segment has them: at the front and at the end.
    pub missing: Vec<Loss>,
}

/// A file that was put away because of damage, or would be if the queue were opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quarantined {
    /// Its name, or the one it would get.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The line that says which file it was and why it was put away; empty if that is lost.
    pub reason: String,
}

/// What [`Inspection::each`] comes across.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Entry<'a> {
    /// A record whose checksums are right.
    Record {
        /// Its number.
        seq: Seq,
        /// Its bytes, as they were appended.
        payload: &'a [u8],
        /// Where it was found.
        place: Place<'a>,
    },
    /// Records that should be here and are not.
    Lost(Loss),
}

/// Where a record was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place<'a> {
    /// In the queue: consumers get it.
    Queue,
    /// In the queue, as part of a batch of which another part is missing, or behind the last whole batch: consumers do not
    /// get it. Its number is among the losses, or higher than all others.
    Part {
        /// The file's name.
        file: &'a str,
    },
    /// In a file that was put away. Nobody gets it, and it may be one that is in the queue as well.
    Quarantine {
        /// The file's name.
        file: &'a str,
    },
}

impl Inspection {
    /// Looks into the queue in the directory `dir`.
    ///
    /// # Errors
    /// When there is no queue, when it is in use, when `META` is lost or damaged or of another version, or when the system
    /// refuses to read. Any other damage is no error.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, OpenError> {
        let dir = dir.as_ref();
        let failed = |operation, name: &str| {
            let path = dir.join(name);
            move |source| OpenError::Io { operation, path, source }
        };
        let overlay = Overlay::new(dir).map_err(failed("list", ""))?;
        let overlay = Arc::new(overlay);
        let storage: Arc<dyn Storage> = Arc::<Overlay>::clone(&overlay);
        let names = storage.list("").map_err(failed("list", ""))?;
        let ours = |name: &String| name == META || segment::id_in(name).is_some();
        if !names.iter().any(|(name, _)| ours(name)) {
            return Err(OpenError::NoQueue { path: dir.to_path_buf() });
        }
        let found = match storage.open(META) {
            Ok(file) => Meta::load(&*file).map_err(failed("read", META))?,
            // The opening says it better.
            Err(_) => meta::Found::Damaged,
        };
        let (cursors, copies) = match found {
            meta::Found::Good(meta) => (take_cursors(&storage, &meta)?, copies(&*storage)),
            _ => (Vec::new(), 0),
        };
        // Without consumers nothing is freed, and with no limit nothing gives way.
        let options = Options::new(dir).max_bytes(u64::MAX / 4).quarantine_bytes(u64::MAX / 8);
        let queue = options.open_on(storage)?;
        let meta = queue.meta();
        let mut inspection = Self { queue, overlay, meta, copies, consumers: Vec::new() };
        inspection.consumers =
            cursors.into_iter().map(|(name, cursor)| inspection.waiting(name, cursor)).collect();
        // What one consumer still wants was not dropped for another.
        let mut missing = inspection.consumers.iter().flat_map(|consumer| &consumer.missing);
        if let Some(from) = missing.find(|loss| loss.cause == LossCause::Missing).map(|loss| loss.from) {
            let fronts = inspection.consumers.iter_mut().flat_map(|consumer| &mut consumer.missing);
            let dropped = fronts.filter(|loss| loss.cause == LossCause::DroppedForRoom && loss.to >= from);
            dropped.for_each(|loss| loss.cause = LossCause::Missing);
        }
        Ok(inspection)
    }

    /// Calls `each` for every record and every loss, in order; then for whole records of incomplete batches, and for those of
    /// files that were put away.
    ///
    /// # Errors
    /// When the system refuses to read.
    pub fn each<B>(
        &mut self,
        mut each: impl FnMut(Entry<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, ReadError> {
        let mut losses = Vec::new();
        let queued = self.each_queued(&mut |entry| {
            if let Entry::Lost(loss) = entry {
                losses.push(loss);
            }
            each(entry)
        })?;
        if let ControlFlow::Break(value) = queued {
            return Ok(ControlFlow::Break(value));
        }
        let failed = |name: &str, source| {
            let path = self.overlay.path(name);
            ReadError::Io { operation: "read", path, offset: 0, source }
        };
        // As the files lie on the disk: the opening has taken parts of batches out of the overlay.
        let untouched = Overlay::new(self.overlay.path("")).map_err(|source| failed("", source))?;
        let next = self.queue.recovery().next_seq;
        let missing = |seq: Seq| seq >= next || losses.iter().any(|loss| loss.from <= seq && seq <= loss.to);
        let segments =
            if losses.is_empty() && self.recovery().torn_bytes == 0 { Vec::new() } else { self.segments() };
        for SegmentInfo { id, name, first, .. } in segments {
            let life = Life { salt: self.meta.salt(id), first_seq: first.as_u64(), covered: !0 };
            let read = untouched.open(&name).and_then(|file| {
                each_record(&*file, life, |seq, payload| {
                    let place = Place::Part { file: &name };
                    if missing(seq) {
                        each(Entry::Record { seq, payload, place })
                    } else {
                        ControlFlow::Continue(())
                    }
                })
            });
            if let ControlFlow::Break(value) = read.map_err(|source| failed(&name, source))? {
                return Ok(ControlFlow::Break(value));
            }
        }
        for Quarantined { name, reason, .. } in self.quarantined() {
            let file = self.overlay.open(&name).map_err(|source| failed(&name, source))?;
            let Some(life) = self.life_of(&*file, &reason).map_err(|source| failed(&name, source))? else {
                continue;
            };
            let read = each_record(&*file, life, |seq, payload| {
                each(Entry::Record { seq, payload, place: Place::Quarantine { file: &name } })
            });
            if let ControlFlow::Break(value) = read.map_err(|source| failed(&name, source))? {
                return Ok(ControlFlow::Break(value));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Reads everything and says what is wrong with it.
    ///
    /// # Errors
    /// When the system refuses to read.
    pub fn verify(&mut self) -> Result<Verdict, ReadError> {
        let mut verdict = Verdict::begun(self);
        let done = self.each_queued(&mut |entry| {
            verdict.note(&entry);
            ControlFlow::<()>::Continue(())
        })?;
        debug_assert_eq!(done, ControlFlow::Continue(()), "nothing ended it");
        verdict.add_recovery(self);
        Ok(verdict)
    }

    /// Forgets a consumer: nobody gets what it had not acknowledged, and its room is free when the queue is opened. The one
    /// thing that an inspection writes.
    ///
    /// # Errors
    /// When there is none, or when the system refuses.
    pub fn remove_consumer(&mut self, name: &str) -> Result<(), ConsumerError> {
        let place = self.consumers.iter().position(|consumer| consumer.name == name);
        let place = place.ok_or_else(|| ConsumerError::Unknown { name: name.to_owned() })?;
        let real = Disk::new(self.overlay.path(""));
        let file = cursor::file_name(name);
        let path = real.path(&file);
        real.remove(&file).and_then(|()| real.sync_dir(CONSUMERS)).map_err(|source| ConsumerError::Io {
            operation: "remove cursor",
            path,
            source,
        })?;
        self.consumers.remove(place);
        Ok(())
    }

    /// The segments, oldest first.
    #[must_use]
    pub fn segments(&self) -> Vec<SegmentInfo> {
        let next = self.queue.recovery().next_seq.as_u64();
        let info = |(id, first, sealed): (u64, u64, u64)| {
            // One that is not there is what the opening has made, in memory.
            let path = self.overlay.real_path(&segment::file_name(id))?;
            let metadata = std::fs::metadata(&path).ok();
            Some(SegmentInfo {
                bytes: metadata.as_ref().map_or(0, std::fs::Metadata::len),
                modified: metadata.and_then(|metadata| metadata.modified().ok()),
                first: Seq::new(first),
                records: sealed.min(next).saturating_sub(first),
                name: path.file_name()?.to_str()?.to_owned(),
                id,
            })
        };
        self.queue.segment_ranges().into_iter().filter_map(info).collect()
    }

    /// The consumers, by name.
    #[must_use]
    pub fn consumers(&self) -> &[Waiting] {
        &self.consumers
    }

    /// Files that were put away, oldest first.
    #[must_use]
    pub fn quarantined(&self) -> Vec<Quarantined> {
        let mut names = self.overlay.list("").unwrap_or_default();
        names.sort();
        let bad = names.into_iter().filter(|(name, _)| quarantine::why_of(name).is_some());
        bad.map(|(name, bytes)| {
            let mut line = vec![0; 512];
            let why = quarantine::why_of(&name).unwrap_or_default();
            let read = self.overlay.open(&why).and_then(|file| file.read_at(&mut line, 0)).unwrap_or(0);
            line.truncate(read);
            Quarantined { name, bytes, reason: String::from_utf8_lossy(&line).trim_end().to_owned() }
        })
        .collect()
    }

    /// What opening the queue would find, if it had no consumers.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        self.queue.recovery()
    }

    /// The queue as it would be after opening, but for its consumers and its limit.
    #[must_use]
    pub fn status(&self) -> Status {
        self.queue.status()
    }

    /// The queue's own name, made at random when the queue was made.
    #[must_use]
    pub const fn uuid(&self) -> [u8; 16] {
        self.meta.uuid
    }

    /// When the queue was made, in seconds since 1970.
    #[must_use]
    pub const fn created(&self) -> u64 {
        self.meta.created
    }

    /// How many of the two copies of `META` verify.
    pub(crate) const fn copies(&self) -> usize {
        self.copies
    }

    /// Whether page 0 of the file, as it lies on the disk, is a header of this queue.
    pub(crate) fn header_verifies(&self, name: &str) -> bool {
        let mut page = [0; PAGE_LEN];
        let file = std::fs::File::open(self.overlay.path(name));
        let read = file.and_then(|file| file.read_exact_at(&mut page, 0));
        read.is_ok() && Header::parse(&page).is_some_and(|header| header.uuid == self.meta.uuid)
    }

    fn waiting(&self, name: String, cursor: Option<Cursor>) -> Waiting {
        let recovery = self.queue.recovery();
        let (oldest, next) = (recovery.oldest_seq.as_u64(), recovery.next_seq.as_u64());
        let torn_slots = cursor.as_ref().map_or(0, |cursor| cursor.bad_slots);
        let Some(slot) = cursor.map(|cursor| cursor.slot()) else {
            let (behind, missing) = (Behind::Keeps, Vec::new());
            return Waiting { name, acked: None, behind, lag: next - oldest, lost: 0, torn_slots, missing };
        };
        let mut missing = Vec::new();
        let front = slot.gone_before(oldest, self.queue.status().dropped_oldest);
        let gone = [(slot.next, oldest, front), (next, slot.next, LossCause::Unsynced)];
        for (from, until, cause) in gone {
            if from < until {
                missing.push(Loss { from: Seq::new(from), to: Seq::new(until - 1), cause });
            }
        }
        Waiting {
            name,
            acked: Some(Seq::new(slot.next)),
            behind: slot.behind,
            lag: next.saturating_sub(slot.next.max(oldest)),
            lost: slot.lost,
            torn_slots,
            missing,
        }
    }

    fn each_queued<B>(
        &mut self,
        each: &mut impl FnMut(Entry<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, ReadError> {
        let consumer = self.queue.consumer("inspection", Start::Oldest);
        // In memory, on a queue of our own: nothing can be in the way.
        let Ok(mut consumer) = consumer else { return Ok(ControlFlow::Continue(())) };
        loop {
            let delivery = consumer.read(Limit::default())?;
            if delivery.is_empty() && delivery.losses().is_empty() {
                return Ok(ControlFlow::Continue(()));
            }
            let mut losses = delivery.losses().iter().peekable();
            let mut entries = Vec::new();
            for record in &delivery {
                while let Some(loss) = losses.next_if(|loss| loss.from < record.seq()) {
                    entries.push(Entry::Lost(*loss));
                }
                entries.push(Entry::Record {
                    seq: record.seq(),
                    payload: record.payload(),
                    place: Place::Queue,
                });
            }
            entries.extend(losses.map(|loss| Entry::Lost(*loss)));
            for entry in entries {
                if let ControlFlow::Break(value) = each(entry) {
                    return Ok(ControlFlow::Break(value));
                }
            }
            delivery.defer();
        }
    }

    /// Of a file that was put away: under the id that its header says, or else the name it had.
    fn life_of(&self, file: &dyn StorageFile, reason: &str) -> std::io::Result<Option<Life>> {
        let mut page = [0; PAGE_LEN];
        read_full(file, &mut page, 0)?;
        let header = Header::parse(&page).filter(|header| header.uuid == self.meta.uuid);
        let named = reason.split_once(':').and_then(|(name, _)| segment::id_in(name));
        let id = header.map(|header| header.id).or(named);
        Ok(id.map(|id| Life { salt: self.meta.salt(id), first_seq: 1, covered: !0 }))
    }
}

impl fmt::Debug for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inspection")
            .field("queue", &self.queue)
            .field("consumers", &self.consumers.len())
            .finish_non_exhaustive()
    }
}

/// Every whole record of a file, in batches or not.
fn each_record<B>(
    file: &dyn StorageFile,
    life: Life,
    mut each: impl FnMut(Seq, &[u8]) -> ControlFlow<B>,
) -> std::io::Result<ControlFlow<B>> {
    let end = file.size()?;
    let mut wanted = Wanted { life, end, min_seq: 1, bound: Seq::MAX };
    let mut window = Window::new(1 << 20);
    let mut at = DATA_START;
    while let Some((place, head)) = window.find(file, &wanted, at)? {
        at = place + 8;
        if window.intact(file, place, &head, end)? {
            at = place + head.size();
            wanted.min_seq = head.seq + 1;
            let payload = window.get(place + HEADER_LEN as u64, head.len as usize).unwrap_or_default();
            if let ControlFlow::Break(value) = each(Seq::new(head.seq), payload) {
                return Ok(ControlFlow::Break(value));
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// A consumer's name, and its cursor if that verifies.
type Found = (String, Option<Cursor>);

/// Reads the cursors, and takes them out of the overlay.
fn take_cursors(storage: &Arc<dyn Storage>, meta: &Meta) -> Result<Vec<Found>, OpenError> {
    let failed = |operation, name: &str| {
        let path = storage.path(name);
        move |source| OpenError::Io { operation, path, source }
    };
    let mut cursors = Vec::new();
    for (file_name, _) in storage.list(CONSUMERS).map_err(failed("list", CONSUMERS))? {
        let Some(name) = cursor::name_in(&file_name) else { continue };
        let path = cursor::file_name(name);
        let cursor = match Cursor::load(storage, meta.uuid, name) {
            Ok(cursor) => Some(cursor),
            Err(None) => None,
            Err(Some(error)) => return Err(failed("read", &path)(error)),
        };
        storage.remove(&path).map_err(failed("remove", &path))?;
        cursors.push((name.to_owned(), cursor));
    }
    Ok(cursors)
}

fn copies(storage: &dyn Storage) -> usize {
    storage.open(META).and_then(|file| Meta::copies(&*file)).unwrap_or(0)
}
