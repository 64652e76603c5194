//! Bugs to plant, so that the laboratory shows that it would find them. Most are a road to the disk that does not
//! do what it says.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::format::{CONSUMERS, STATE};
use crate::options::Options;
use crate::rules::Rules;
use crate::storage::{Boot, Region, Storage, StorageFile};

/// A mistake that a disk queue could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Bug {
    /// Names are not synced.
    NoDirectorySync,
    /// A sync says it is done before it has begun.
    WatermarkBeforeSync,
    /// After a failed sync another one is asked, and believed.
    SyncAskedAgain,
    /// A torn tail is left as it is.
    NoCut,
    /// Acknowledgements are written over each other.
    OneCursorSlot,
    /// Records are freed before the acknowledgement is safe.
    FreedBeforeCursor,
    /// What is durable is read after the sync instead of before.
    HeadAfterSync,
    /// A file keeps its salt when it is used again.
    SaltKept,
    /// A header's checksum does not cover the length.
    LengthNotCovered,
    /// What is stored into a mapping reaches the file never: a private one.
    PrivateMapping,
    /// Stores go where nothing was made ready for them.
    NothingPrepared,
    /// What is mapped stays mapped when another file is the newest segment's.
    MappingKept,
    /// The salt is no secret, so a message can look like a record.
    NoSecret,
    /// Each boot of the machine passes for the same one.
    BootNotLookedAt,
    /// It is noted that records are durable after somebody was told.
    NotedAfterTold,
    /// That what must not come back is overwritten is not noted.
    CutUnnoted,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::NoDirectorySync,
        Self::WatermarkBeforeSync,
        Self::SyncAskedAgain,
        Self::NoCut,
        Self::OneCursorSlot,
        Self::FreedBeforeCursor,
        Self::HeadAfterSync,
        Self::SaltKept,
        Self::LengthNotCovered,
        Self::PrivateMapping,
        Self::NothingPrepared,
        Self::MappingKept,
        Self::NoSecret,
        Self::BootNotLookedAt,
        Self::NotedAfterTold,
        Self::CutUnnoted,
    ];

    pub(super) fn wrap(bug: Option<Self>, storage: Arc<dyn Storage>) -> Arc<dyn Storage> {
        Self::wrap_with(bug, storage, Meanwhile::default())
    }

    /// As [`Self::wrap`], and does what it is given when a segment has been synced, before that is said.
    pub(super) fn wrap_with(
        bug: Option<Self>,
        storage: Arc<dyn Storage>,
        meanwhile: Meanwhile,
    ) -> Arc<dyn Storage> {
        Arc::new(Broken { bug, storage, meanwhile })
    }

    pub(super) const fn options(bug: Option<Self>, options: Options) -> Options {
        options.rules(match bug {
            Some(Self::HeadAfterSync) => Rules::HeadAfterSync,
            Some(Self::SaltKept) => Rules::SaltKept,
            Some(Self::LengthNotCovered) => Rules::LengthNotCovered,
            Some(Self::MappingKept) => Rules::MappingKept,
            Some(Self::NotedAfterTold) => Rules::NotedAfterTold,
            Some(Self::CutUnnoted) => Rules::CutUnnoted,
            _ => Rules::Kept,
        })
    }
}

/// Work to be done while a sync goes on.
#[derive(Clone, Default)]
pub(super) struct Meanwhile {
    work: Arc<Mutex<Option<Work>>>,
    hearing: Arc<Mutex<Option<Hearing>>>,
}

type Work = Box<dyn FnOnce() + Send>;
type Hearing = Box<dyn FnMut() + Send>;

impl Meanwhile {
    pub(super) fn set(&self, work: Option<Work>) {
        *self.work.lock().unwrap_or_else(PoisonError::into_inner) = work;
    }

    /// What is done before each write to `STATE`.
    pub(super) fn set_hearing(&self, hearing: Option<Hearing>) {
        *self.hearing.lock().unwrap_or_else(PoisonError::into_inner) = hearing;
    }

    fn hear(&self) {
        if let Some(hearing) = &mut *self.hearing.lock().unwrap_or_else(PoisonError::into_inner) {
            hearing();
        }
    }

    fn run(&self) {
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(work) = work {
            work();
        }
    }
}

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meanwhile").finish_non_exhaustive()
    }
}

/// A road to the disk with a mistake.
#[derive(Debug)]
struct Broken {
    bug: Option<Bug>,
    storage: Arc<dyn Storage>,
    meanwhile: Meanwhile,
}

#[derive(Debug)]
struct BrokenFile {
    bug: Option<Bug>,
    meanwhile: Meanwhile,
    kind: Kind,
    file: Arc<dyn StorageFile>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Segment,
    Cursor,
    State,
    Other,
}

impl Broken {
    fn file(&self, name: &str, file: Arc<dyn StorageFile>) -> Arc<dyn StorageFile> {
        let kind = if name.ends_with(".seg") {
            Kind::Segment
        } else if name.starts_with(CONSUMERS) {
            Kind::Cursor
        } else if name == STATE {
            Kind::State
        } else {
            Kind::Other
        };
        // What is synced under a draft's name is synced under the queue's lock: nobody appends then.
        let meanwhile =
            if name.starts_with("spare-") { Meanwhile::default() } else { self.meanwhile.clone() };
        Arc::new(BrokenFile { bug: self.bug, meanwhile, kind, file })
    }
}

impl Storage for Broken {
    fn path(&self, name: &str) -> PathBuf {
        self.storage.path(name)
    }

    fn lock(&self, name: &str) -> io::Result<Arc<dyn StorageFile>> {
        self.storage.lock(name)
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn StorageFile>> {
        Ok(self.file(name, self.storage.create(name)?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn StorageFile>> {
        Ok(self.file(name, self.storage.open(name)?))
    }

    fn list(&self, sub: &str) -> io::Result<Vec<(String, u64)>> {
        self.storage.list(sub)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.storage.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.storage.remove(name)
    }

    fn create_dir(&self, sub: &str) -> io::Result<()> {
        self.storage.create_dir(sub)
    }

    fn sync_dir(&self, sub: &str) -> io::Result<()> {
        if self.bug == Some(Bug::NoDirectorySync) { Ok(()) } else { self.storage.sync_dir(sub) }
    }

    fn random(&self, out: &mut [u8]) -> io::Result<()> {
        if self.bug == Some(Bug::NoSecret) {
            out.fill(0);
            return Ok(());
        }
        self.storage.random(out)
    }

    fn boot(&self) -> Option<Boot> {
        if self.bug == Some(Bug::BootNotLookedAt) { Boot::new([1; 16]) } else { self.storage.boot() }
    }

    fn now(&self) -> u64 {
        self.storage.now()
    }
}

impl StorageFile for BrokenFile {
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(buf, at)
    }

    fn write_all_at(&self, buf: &[u8], at: u64) -> io::Result<()> {
        let zeros = buf.iter().all(|byte| *byte == 0);
        if self.kind == Kind::State {
            self.meanwhile.hear();
        }
        match (self.bug, self.kind) {
            (Some(Bug::NoCut), Kind::Segment) if zeros => Ok(()),
            (Some(Bug::OneCursorSlot), Kind::Cursor) if buf.len() < 4096 => {
                // Always in the same place.
                let _ = at;
                self.file.write_all_at(buf, 0)
            }
            _ => self.file.write_all_at(buf, at),
        }
    }

    fn write_durably_at(&self, buf: &[u8], at: u64) -> io::Result<()> {
        self.file.write_durably_at(buf, at)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.file.allocate(len)
    }

    fn sync(&self) -> io::Result<()> {
        let synced = match (self.bug, self.kind) {
            (Some(Bug::WatermarkBeforeSync), Kind::Segment)
            | (Some(Bug::FreedBeforeCursor), Kind::Cursor) => Ok(()),
            (Some(Bug::SyncAskedAgain), _) => self.file.sync().or_else(|_| self.file.sync()),
            _ => self.file.sync(),
        };
        if self.kind == Kind::Segment {
            self.meanwhile.run();
        }
        synced
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn map(&self, at: u64, len: usize) -> io::Result<Box<dyn Region>> {
        Ok(Box::new(BrokenRegion { bug: self.bug, region: self.file.map(at, len)? }))
    }
}

#[derive(Debug)]
struct BrokenRegion {
    bug: Option<Bug>,
    region: Box<dyn Region>,
}

impl Region for BrokenRegion {
    fn prepare(&mut self, from: u64, until: u64) -> io::Result<()> {
        if self.bug == Some(Bug::NothingPrepared) { Ok(()) } else { self.region.prepare(from, until) }
    }

    fn store(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        if self.bug == Some(Bug::PrivateMapping) { Ok(()) } else { self.region.store(bytes, at) }
    }
}
