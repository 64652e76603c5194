//! The only road to the disk: a directory as the queue sees it. The real one is [`Disk`], one that is only
//! read [`Overlay`]; a test may give
//! another to [`Options::open_on`](crate::Options::open_on).

mod disk;
mod overlay;

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
}
