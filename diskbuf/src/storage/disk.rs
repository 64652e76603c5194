//! [`Storage`] on a real directory of the operating system.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::FallocateFlags;

#[cfg(target_os = "linux")]
use super::{Boot, Mapping, Region, map};
use super::{Storage, StorageFile};

/// Records are somebody's data: files and directories that are made here are for their owner alone.
const FILE_MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;

/// A directory of the operating system.
#[derive(Debug)]
pub struct Disk {
    dir: PathBuf,
}

impl Disk {
    /// The directory `dir`, which need not exist yet. A relative one is meant from where the process is now, wherever it
    /// goes later.
    #[must_use]
    pub fn new(dir: impl AsRef<Path>) -> Self {
        Self { dir: absolute(dir.as_ref()) }
    }
}

/// The same place for a process that changes its directory later; an odd path stays as it is.
pub(super) fn absolute(dir: &Path) -> PathBuf {
    std::path::absolute(dir).unwrap_or_else(|_| dir.to_path_buf())
}

impl Storage for Disk {
    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.dir.clone() } else { self.dir.join(name) }
    }

    fn lock(&self, name: &str) -> io::Result<Arc<dyn StorageFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(self.path(name))?;
        // The directory itself as well: a file can be removed, and then another be locked under its name.
        let dir = File::open(self.path(""))?;
        if let Err(TryLockError::WouldBlock) = dir.try_lock() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        match file.try_lock() {
            Ok(()) => Ok(Arc::new(LockFile { file: DiskFile(file), dir })),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn StorageFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(self.path(name))?;
        Ok(Arc::new(DiskFile(file)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn StorageFile>> {
        let file = OpenOptions::new().read(true).write(true).open(self.path(name))?;
        Ok(Arc::new(DiskFile(file)))
    }

    fn list(&self, sub: &str) -> io::Result<Vec<(String, u64)>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(self.path(sub))? {
            let entry = entry?;
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            // A name that is not UTF-8 cannot be one of ours.
            if let (true, Ok(name)) = (metadata.is_file(), entry.file_name().into_string()) {
                found.push((name, metadata.len()));
            }
        }
        Ok(found)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path(name))
    }

    fn create_dir(&self, sub: &str) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(DIR_MODE).create(self.path(sub))
    }

    fn sync_dir(&self, sub: &str) -> io::Result<()> {
        File::open(self.path(sub))?.sync_all()
    }

    #[cfg(target_os = "linux")]
    fn mapping(&self) -> Mapping {
        map::mapping(&self.dir)
    }

    #[cfg(target_os = "linux")]
    fn boot(&self) -> Option<Boot> {
        // What another machine, or another process, keeps in its memory outlives a boot of this one.
        if map::is_ours(&self.dir) { Boot::present() } else { None }
    }

    fn random(&self, out: &mut [u8]) -> io::Result<()> {
        File::open("/dev/urandom")?.read_exact(out)
    }
}

#[derive(Debug)]
struct DiskFile(File);

impl StorageFile for DiskFile {
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        loop {
            match self.0.read_at(buf, at) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn write_all_at(&self, buf: &[u8], at: u64) -> io::Result<()> {
        self.0.write_all_at(buf, at)
    }

    #[cfg(target_os = "linux")]
    fn write_zeros(&self, from: u64, until: u64) -> io::Result<()> {
        // One buffer many times over, in one call: the system makes pieces as large as the call.
        let zeros = [0; 1 << 14];
        let mut at = from;
        while at < until {
            let left = usize::try_from(until - at).unwrap_or(usize::MAX);
            let slices: Vec<_> = (0..64)
                .map(|n| zeros.len().min(left.saturating_sub(n * zeros.len())))
                .map_while(|len| zeros.get(..len).filter(|part| !part.is_empty()).map(io::IoSlice::new))
                .collect();
            match rustix::io::pwritev(&self.0, &slices, at) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => at += n as u64,
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    fn write_durably_at(&self, buf: &[u8], at: u64) -> io::Result<()> {
        let mut done = 0;
        while let Some(rest) = buf.get(done..).filter(|rest| !rest.is_empty()) {
            match write_through(&self.0, rest, at + done as u64) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => done += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::Unsupported) => {
                    self.write_all_at(buf, at)?;
                    return self.sync();
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        match rustix::fs::fallocate(&self.0, FallocateFlags::empty(), 0, len) {
            Ok(()) => Ok(()),
            Err(rustix::io::Errno::OPNOTSUPP) => self.write_zeros(self.size()?, len),
            Err(errno) => Err(errno.into()),
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    #[cfg(target_os = "linux")]
    fn map(&self, at: u64, len: usize) -> io::Result<Box<dyn Region>> {
        Ok(Box::new(map::View::new(&self.0, at, len)?))
    }
}

/// Unlocks by itself: closing is not enough while a child of this process, between fork and exec, has the file too.
#[derive(Debug)]
struct LockFile {
    file: DiskFile,
    dir: File,
}

impl StorageFile for LockFile {
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(buf, at)
    }

    fn write_all_at(&self, buf: &[u8], at: u64) -> io::Result<()> {
        self.file.write_all_at(buf, at)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.file.allocate(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // If this fails, closing the file does the same a moment later.
        self.file.0.unlock().ok();
        self.dir.unlock().ok();
    }
}

/// One write that syncs what it writes, and no more of the file.
#[cfg(target_os = "linux")]
fn write_through(file: &File, buf: &[u8], at: u64) -> io::Result<usize> {
    let flags = rustix::io::ReadWriteFlags::DSYNC;
    Ok(rustix::io::pwritev2(file, &[io::IoSlice::new(buf)], at, flags)?)
}

#[cfg(not(target_os = "linux"))]
fn write_through(_: &File, _: &[u8], _: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
