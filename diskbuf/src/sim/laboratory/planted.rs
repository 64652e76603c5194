//! Bugs to plant, so that the laboratory shows that it would find them. Most are a road to the disk that does not
//! do what it says.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::format::{CONSUMERS, SECOND_SLOT};
use crate::options::Options;
use crate::storage::{Storage, StorageFile};

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
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::NoDirectorySync,
        Self::WatermarkBeforeSync,
        Self::SyncAskedAgain,
        Self::NoCut,
        Self::OneCursorSlot,
        Self::FreedBeforeCursor,
    ];

    pub(super) fn wrap(bug: Option<Self>, storage: Arc<dyn Storage>) -> Arc<dyn Storage> {
        match bug {
            Some(bug) => Arc::new(Broken { bug, storage }),
            None => storage,
        }
    }

    pub(super) const fn options(_bug: Option<Self>, options: Options) -> Options {
        options
    }
}

/// A road to the disk with a mistake.
#[derive(Debug)]
struct Broken {
    bug: Bug,
    storage: Arc<dyn Storage>,
}

#[derive(Debug)]
struct BrokenFile {
    bug: Bug,
    kind: Kind,
    file: Arc<dyn StorageFile>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Segment,
    Cursor,
    Other,
}

impl Broken {
    fn file(&self, name: &str, file: Arc<dyn StorageFile>) -> Arc<dyn StorageFile> {
        let kind = if name.ends_with(".seg") {
            Kind::Segment
        } else if name.starts_with(CONSUMERS) {
            Kind::Cursor
        } else {
            Kind::Other
        };
        Arc::new(BrokenFile { bug: self.bug, kind, file })
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
        if self.bug == Bug::NoDirectorySync { Ok(()) } else { self.storage.sync_dir(sub) }
    }

    fn random(&self, out: &mut [u8]) -> io::Result<()> {
        self.storage.random(out)
    }
}

impl StorageFile for BrokenFile {
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(buf, at)
    }

    fn write_all_at(&self, buf: &[u8], at: u64) -> io::Result<()> {
        let zeros = buf.iter().all(|byte| *byte == 0);
        match (self.bug, self.kind) {
            (Bug::NoCut, Kind::Segment) if zeros => Ok(()),
            (Bug::OneCursorSlot, Kind::Cursor) if buf.len() < 4096 => {
                // The slot that counts goes first.
                let other = if at == 0 { SECOND_SLOT } else { 0 };
                self.file.write_all_at(&[0; 128], other)?;
                self.file.write_all_at(buf, at)
            }
            _ => self.file.write_all_at(buf, at),
        }
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.file.allocate(len)
    }

    fn sync(&self) -> io::Result<()> {
        match (self.bug, self.kind) {
            (Bug::WatermarkBeforeSync, Kind::Segment) | (Bug::FreedBeforeCursor, Kind::Cursor) => Ok(()),
            (Bug::SyncAskedAgain, _) => self.file.sync().or_else(|_| self.file.sync()),
            _ => self.file.sync(),
        }
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
}
