//! [`Overlay`]: a real directory that is only read. What is written to it stays in memory, so the queue can be opened on it
//! as it would be, and nothing happens to the files.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Storage, StorageFile};
use crate::format::{CONSUMERS, PAGE, PAGE_LEN};

/// A directory of the operating system under glass. It is locked as the queue would lock it, so that nobody writes
/// meanwhile; the lock leaves no trace.
pub struct Overlay {
    dir: PathBuf,
    files: Mutex<BTreeMap<String, Arc<Layer>>>,
}

/// One file, whatever it is called by now.
#[derive(Debug)]
struct Layer {
    /// What lies below.
    base: Option<PathBuf>,
    over: Mutex<Over>,
}

/// What was written.
struct Over {
    len: u64,
    /// By number.
    pages: BTreeMap<u64, Box<[u8; PAGE_LEN]>>,
}

impl Overlay {
    /// The directory `dir` and the one of its consumers, as they are now.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(dir: impl AsRef<Path>) -> io::Result<Self> {
        let dir = super::disk::absolute(dir.as_ref());
        let real = super::Disk::new(&dir);
        let mut files = BTreeMap::new();
        for sub in ["", CONSUMERS] {
            let names = match real.list(sub) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && !sub.is_empty() => continue,
                names => names?,
            };
            for (name, len) in names {
                let name = if sub.is_empty() { name } else { format!("{sub}/{name}") };
                let over = Mutex::new(Over { len, pages: BTreeMap::new() });
                files.insert(name.clone(), Arc::new(Layer { base: Some(dir.join(name)), over }));
            }
        }
        Ok(Self { dir, files: Mutex::new(files) })
    }

    /// Where the file that is called `name` by now lies; `None` if it is only in memory.
    pub(crate) fn real_path(&self, name: &str) -> Option<PathBuf> {
        self.files().get(name)?.base.clone()
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Layer>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overlay").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// Without the bytes: they may be the queue's secret.
impl fmt::Debug for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Over").field("len", &self.len).field("pages", &self.pages.len()).finish()
    }
}

impl Storage for Overlay {
    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.dir.clone() } else { self.dir.join(name) }
    }

    fn lock(&self, name: &str) -> io::Result<Arc<dyn StorageFile>> {
        let mut held = Vec::new();
        for path in [self.dir.clone(), self.path(name)] {
            match File::open(path) {
                Ok(file) => held.push(file),
                // The directory is locked as well.
                Err(error) if error.kind() == io::ErrorKind::NotFound && !held.is_empty() => {}
                Err(error) => return Err(error),
            }
        }
        for file in &held {
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        let file = match self.create(name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.open(name)?,
            file => file?,
        };
        Ok(Arc::new(Held { file, locks: held }))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn StorageFile>> {
        let mut files = self.files();
        if files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let over = Mutex::new(Over { len: 0, pages: BTreeMap::new() });
        let layer = Arc::new(Layer { base: None, over });
        files.insert(name.to_owned(), Arc::clone(&layer));
        Ok(Arc::new(OverlayFile { layer, base: None }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn StorageFile>> {
        let layer = self.files().get(name).cloned().ok_or(io::ErrorKind::NotFound)?;
        let base = layer.base.as_ref().map(File::open).transpose()?;
        Ok(Arc::new(OverlayFile { layer, base }))
    }

    fn list(&self, sub: &str) -> io::Result<Vec<(String, u64)>> {
        let files = self.files();
        let here = files.iter().filter_map(|(name, layer)| {
            let (dir, last) = name.rsplit_once('/').unwrap_or(("", name));
            (dir == sub).then(|| (last.to_owned(), layer.over().len))
        });
        Ok(here.collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.files();
        let layer = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), layer);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.files().remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn create_dir(&self, _sub: &str) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _sub: &str) -> io::Result<()> {
        Ok(())
    }

    fn random(&self, out: &mut [u8]) -> io::Result<()> {
        super::Disk::new(&self.dir).random(out)
    }

    fn boot(&self) -> Option<super::Boot> {
        super::Disk::new(&self.dir).boot()
    }
}

impl Layer {
    fn over(&self) -> MutexGuard<'_, Over> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct OverlayFile {
    layer: Arc<Layer>,
    base: Option<File>,
}

impl OverlayFile {
    /// What lies below; zeros behind its end.
    fn below(&self, buf: &mut [u8], at: u64) -> io::Result<()> {
        let mut done = 0;
        while let (Some(file), Some(rest)) = (&self.base, buf.get_mut(done..).filter(|rest| !rest.is_empty()))
        {
            match file.read_at(rest, at + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        buf.get_mut(done..).unwrap_or_default().fill(0);
        Ok(())
    }
}

impl StorageFile for OverlayFile {
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let over = self.layer.over();
        let there = usize::try_from(over.len.saturating_sub(at)).unwrap_or(usize::MAX).min(buf.len());
        let buf = buf.get_mut(..there).unwrap_or_default();
        self.below(buf, at)?;
        let end = at + there as u64;
        for (number, page) in over.pages.range(at / PAGE..end.div_ceil(PAGE)) {
            let (from, until) = ((number * PAGE).max(at), ((number + 1) * PAGE).min(end));
            let [to, from_page] = [at, number * PAGE].map(|begin| {
                let [a, b] = [from, until].map(|place| usize::try_from(place - begin).unwrap_or(usize::MAX));
                a..b
            });
            if let (Some(to), Some(page)) = (buf.get_mut(to), page.get(from_page)) {
                to.copy_from_slice(page);
            }
        }
        Ok(there)
    }

    fn write_all_at(&self, buf: &[u8], at: u64) -> io::Result<()> {
        let mut over = self.layer.over();
        let mut done = 0;
        while let Some(rest) = buf.get(done..).filter(|rest| !rest.is_empty()) {
            let place = at + done as u64;
            let within = usize::try_from(place % PAGE).unwrap_or(0);
            let part = rest.get(..rest.len().min(PAGE_LEN - within)).unwrap_or(rest);
            let page = match over.pages.entry(place / PAGE) {
                Entry::Occupied(page) => page.into_mut(),
                Entry::Vacant(place) => {
                    let mut page = Box::new([0; PAGE_LEN]);
                    self.below(&mut *page, place.key() * PAGE)?;
                    place.insert(page)
                }
            };
            if let Some(to) = page.get_mut(within..within + part.len()) {
                to.copy_from_slice(part);
            }
            done += part.len();
        }
        over.len = over.len.max(at + buf.len() as u64);
        Ok(())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let mut over = self.layer.over();
        over.len = over.len.max(len);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.layer.over().len)
    }
}

/// Locked until it is dropped.
#[derive(Debug)]
struct Held {
    file: Arc<dyn StorageFile>,
    locks: Vec<File>,
}

impl StorageFile for Held {
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

impl Drop for Held {
    fn drop(&mut self) {
        // Closing does the same, unless a child of this process has the file too.
        for file in &self.locks {
            file.unlock().ok();
        }
    }
}
