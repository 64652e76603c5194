//! The only road to the disk: a directory as the queue sees it. The real one is [`Disk`], one that is only
//! read [`Overlay`]; a test may give
//! another to [`Options::open_on`](crate::Options::open_on).

mod boot;
mod disk;
#[cfg(target_os = "linux")]
mod map;
mod overlay;

pub use boot::Boot;
pub use disk::Disk;
pub use overlay::Overlay;

use std::fmt::Debug;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// One directory. Names are relative to it and use `/`; files are opened for reading and writing.
pub trait Storage: Debug + Send + Sync {
    /// Where a name lies, for messages to people.
    fn path(&self, name: &str) -> PathBuf;
    /// Takes the exclusive lock `name`, made if absent. `WouldBlock` when another holds it.
    ///
    /// # Errors
    /// What the system says.
    fn lock(&self, name: &str) -> io::Result<Arc<dyn StorageFile>>;
    /// Makes a file that must not exist.
    ///
    /// # Errors
    /// What the system says.
    fn create(&self, name: &str) -> io::Result<Arc<dyn StorageFile>>;
    /// Opens a file that must exist.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, name: &str) -> io::Result<Arc<dyn StorageFile>>;
    /// The plain files in the directory `sub` (`""` is the queue's own) and their sizes, in any order.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self, sub: &str) -> io::Result<Vec<(String, u64)>>;
    /// Gives a file another name, replacing what had it.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes a directory, with its parents, unless it is there.
    ///
    /// # Errors
    /// What the system says.
    fn create_dir(&self, sub: &str) -> io::Result<()>;
    /// Makes names made, changed and removed in `sub` survive power loss.
    ///
    /// # Errors
    /// What the system says.
    fn sync_dir(&self, sub: &str) -> io::Result<()>;
    /// Fills `out` with bytes nobody can guess.
    ///
    /// # Errors
    /// What the system says.
    fn random(&self, out: &mut [u8]) -> io::Result<()>;
    /// What becomes of stores into mappings of the files here. It is asked when the queue is opened.
    fn mapping(&self) -> Mapping {
        Mapping::Unsupported
    }
    /// In which run of the machine this is, `None` if that is not known. Two that differ say: what memory held in the earlier
    /// one is gone, and what is read comes from the device. It is asked when the queue is opened.
    fn boot(&self) -> Option<Boot> {
        None
    }
    /// Seconds since 1970, to be written down as the date of a new queue.
    fn now(&self) -> u64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    }
}

/// One open file.
pub trait StorageFile: Debug + Send + Sync {
    /// Reads at most `buf.len()` bytes from `at` on; 0 means that the file ends there.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize>;
    /// Writes all of `buf` from `at` on.
    ///
    /// # Errors
    /// What the system says; how much was written is then unknown.
    fn write_all_at(&self, buf: &[u8], at: u64) -> io::Result<()>;
    /// Writes zeros from `from` to before `until`, in pieces as large as can be.
    ///
    /// # Errors
    /// What the system says; how much was written is then unknown.
    fn write_zeros(&self, from: u64, until: u64) -> io::Result<()> {
        let zeros = vec![0; usize::try_from(until.saturating_sub(from)).unwrap_or(ZEROS).min(ZEROS)];
        let mut at = from;
        while at < until {
            let part = usize::try_from(until - at).unwrap_or(ZEROS).min(ZEROS);
            self.write_all_at(zeros.get(..part).unwrap_or_default(), at)?;
            at += part as u64;
        }
        Ok(())
    }
    /// As [`Self::write_all_at`], and makes these bytes survive power loss; what else is not synced may stay behind.
    ///
    /// # Errors
    /// What the system says.
    fn write_durably_at(&self, buf: &[u8], at: u64) -> io::Result<()> {
        self.write_all_at(buf, at)?;
        self.sync()
    }
    /// Makes the file `len` bytes long, with room on the device for each of them. New bytes read as zero,
    /// old ones stay.
    ///
    /// # Errors
    /// What the system says.
    fn allocate(&self, len: u64) -> io::Result<()>;
    /// Makes the file's bytes survive power loss.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&self) -> io::Result<()>;
    /// How long the file is.
    ///
    /// # Errors
    /// What the system says.
    fn size(&self) -> io::Result<u64>;
    /// Maps the `len` bytes at `at`, a multiple of 4096, of which nothing is ready to be stored to yet.
    ///
    /// # Errors
    /// What the system says; `Unsupported` where files are not mapped.
    fn map(&self, at: u64, len: usize) -> io::Result<Box<dyn Region>> {
        let _ = (at, len);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A part of a file in memory. What is stored is seen by whoever reads the file from then on, survives the death of the
/// process, and is synced by [`StorageFile::sync`] like what was written.
pub trait Region: Debug + Send {
    /// Brings the bytes from `from` to `until` into memory, ready to be stored to: what could go wrong at a store goes wrong
    /// here, where it is an error.
    ///
    /// # Errors
    /// What the system says, and when that is not all in the region.
    fn prepare(&mut self, from: u64, until: u64) -> io::Result<()>;
    /// Puts `bytes` at `at` of the file, where all has been prepared: elsewhere it may be the end of the process.
    ///
    /// # Errors
    /// When that is not all in the region; nothing is stored then.
    fn store(&mut self, bytes: &[u8], at: u64) -> io::Result<()>;
}

/// What a file system makes of stores into mappings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mapping {
    /// It is local and writes again where it wrote before: what has room keeps it.
    InPlace {
        /// What it is called.
        file_system: &'static str,
    },
    /// It writes elsewhere at each overwrite, or asks a server or another process: a store may find no room, or nobody.
    Elsewhere {
        /// What it is called.
        file_system: &'static str,
    },
    /// Nobody has thought about this one.
    Unknown {
        /// What `statfs` says that it is.
        magic: u64,
    },
    /// Files here are not mapped.
    Unsupported,
}

impl std::fmt::Display for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InPlace { file_system } => write!(f, "{file_system} writes in place"),
            Self::Elsewhere { file_system } => write!(f, "a store may fail on {file_system}"),
            Self::Unknown { magic } => write!(f, "the file system {magic:#x} is not known"),
            Self::Unsupported => f.write_str("files are not mapped here"),
        }
    }
}

/// How many zeros are written at once.
const ZEROS: usize = 1 << 20;
