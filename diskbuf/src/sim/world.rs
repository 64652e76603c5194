//! Files and directories, what is seen of them and what is safe. Which part of the rest survives is `crash`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use super::crash::SECTOR;
use super::pages::Pages;

/// A disk at one moment. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) inodes: Vec<Arc<Inode>>,
    pub(crate) dirs: BTreeMap<Arc<str>, Dir>,
    pub(crate) locked: BTreeSet<String>,
    /// How often the machine has been started.
    pub(crate) boots: u64,
}

/// A file, whatever it is called.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inode {
    pub(crate) cached: Pages,
    pub(crate) durable: Pages,
    /// What was done since the last sync, in order.
    pub(crate) pending: Vec<Change>,
    /// A sync failed: memory holds what the disk does not, and no later sync will write it.
    pub(crate) diverged: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Bytes { at: u64, bytes: Arc<[u8]>, by: By },
    Len(u64),
}

/// How bytes got into a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Call,
    /// Into a mapping.
    Store,
}

#[derive(Clone, Debug)]
pub(crate) struct Dir {
    pub(crate) cached: BTreeMap<Arc<str>, usize>,
    pub(crate) durable: BTreeMap<Arc<str>, usize>,
    pub(crate) pending: Vec<Naming>,
    /// Whether its own name is safe.
    pub(crate) rooted: bool,
}

/// A change to a directory.
#[derive(Clone, Debug)]
pub(crate) enum Naming {
    Link(Arc<str>, usize),
    Unlink(Arc<str>),
    Rename(Arc<str>, Arc<str>),
}

impl World {
    pub(crate) fn new() -> Self {
        let root = Dir { rooted: true, ..Dir::new() };
        let dirs = BTreeMap::from([(Arc::from(""), root)]);
        Self { inodes: Vec::new(), dirs, locked: BTreeSet::new(), boots: 1 }
    }

    pub(crate) fn find(&self, name: &str) -> io::Result<usize> {
        let (dir, base) = split(name);
        let dir = self.dirs.get(dir).ok_or(io::ErrorKind::NotFound)?;
        dir.cached.get(base).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(crate) fn inode(&mut self, number: usize) -> io::Result<&mut Inode> {
        self.inodes.get_mut(number).map(Arc::make_mut).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(crate) fn create(&mut self, name: &str) -> io::Result<usize> {
        let (dir, base) = split(name);
        let number = self.inodes.len();
        let dir = self.dirs.get_mut(dir).ok_or(io::ErrorKind::NotFound)?;
        if dir.cached.contains_key(base) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        dir.change(Naming::Link(base.into(), number));
        self.inodes.push(Arc::default());
        Ok(number)
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let ((dir, from), (same, to)) = (split(from), split(to));
        if dir != same {
            return Err(io::ErrorKind::CrossesDevices.into());
        }
        let dir = self.dirs.get_mut(dir).ok_or(io::ErrorKind::NotFound)?;
        if !dir.cached.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        dir.change(Naming::Rename(from.into(), to.into()));
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &str) -> io::Result<()> {
        let (dir, base) = split(name);
        let dir = self.dirs.get_mut(dir).ok_or(io::ErrorKind::NotFound)?;
        if !dir.cached.contains_key(base) {
            return Err(io::ErrorKind::NotFound.into());
        }
        dir.change(Naming::Unlink(base.into()));
        Ok(())
    }

    pub(crate) fn sync_dir(&mut self, name: &str) -> io::Result<()> {
        let dir = self.dirs.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        dir.durable = dir.cached.clone();
        dir.pending.clear();
        if name.is_empty() {
            self.dirs.values_mut().for_each(|dir| dir.rooted = true);
        }
        Ok(())
    }

    /// What a file is called, for messages.
    pub(crate) fn name_of(&self, number: usize) -> String {
        let dirs = self.dirs.values().flat_map(|dir| &dir.cached);
        dirs.filter(|(_, n)| **n == number).map(|(name, _)| name.to_string()).collect()
    }

    /// What all files that have a name take.
    pub(crate) fn bytes(&self) -> u64 {
        let numbers = self.dirs.values().flat_map(|dir| dir.cached.values());
        numbers.filter_map(|number| self.inodes.get(*number)).map(|inode| inode.cached.len()).sum()
    }
}

impl Inode {
    pub(crate) fn write(&mut self, bytes: &[u8], at: u64, by: By) {
        self.cached.write(bytes, at);
        self.pending.push(Change::Bytes { at, bytes: bytes.into(), by });
    }

    pub(crate) fn set_len(&mut self, len: u64) {
        self.cached.set_len(len);
        self.pending.push(Change::Len(len));
    }

    pub(crate) fn sync(&mut self) {
        if self.diverged {
            self.durable.set_len(self.cached.len());
            for change in std::mem::take(&mut self.pending) {
                if let Change::Bytes { at, bytes, .. } = change {
                    let from = at / SECTOR * SECTOR;
                    let until = (at + bytes.len() as u64).next_multiple_of(SECTOR);
                    self.durable.copy_from(&self.cached, from, usize::try_from(until - from).unwrap_or(0));
                }
            }
        } else {
            self.durable = self.cached.clone();
            self.pending.clear();
        }
    }

    /// As [`Self::sync`], for the bytes from `from` to `until`, which were written a moment ago.
    pub(crate) fn sync_range(&mut self, from: u64, until: u64) {
        self.durable.copy_from(&self.cached, from, usize::try_from(until - from).unwrap_or(0));
        let pending = std::mem::take(&mut self.pending);
        self.pending = pending.into_iter().flat_map(|change| change.outside(from, until)).flatten().collect();
    }

    /// A sync failed: what was not on the disk is forgotten, or memory goes back to what the disk has.
    pub(crate) fn fail_sync(&mut self, then: After) {
        self.pending.clear();
        self.diverged = then == After::Kept;
        if then == After::Reverted {
            self.cached = self.durable.clone();
        }
    }
}

/// What memory holds after a sync has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// What was written.
    Kept,
    /// What the disk holds.
    Reverted,
}

impl Change {
    /// The parts of it that lie before `from` and from `until` on.
    fn outside(self, from: u64, until: u64) -> [Option<Self>; 2] {
        let Self::Bytes { at, bytes, by } = self else { return [Some(self), None] };
        let end = at + bytes.len() as u64;
        let part = |begin: u64, end: u64| {
            let [a, b] = [begin, end].map(|place| usize::try_from(place.saturating_sub(at)).unwrap_or(0));
            let bytes = bytes.get(a..b).filter(|bytes| !bytes.is_empty())?;
            Some(Self::Bytes { at: begin, bytes: bytes.into(), by })
        };
        [part(at, end.min(from).max(at)), part(at.max(until).min(end), end)]
    }
}

impl Dir {
    pub(crate) const fn new() -> Self {
        Self { cached: BTreeMap::new(), durable: BTreeMap::new(), pending: Vec::new(), rooted: false }
    }

    fn change(&mut self, naming: Naming) {
        naming.apply(&mut self.cached);
        self.pending.push(naming);
    }
}

impl Naming {
    pub(crate) fn apply(&self, names: &mut BTreeMap<Arc<str>, usize>) {
        match self {
            Self::Link(name, number) => {
                names.insert(Arc::clone(name), *number);
            }
            Self::Unlink(name) => {
                names.remove(name);
            }
            Self::Rename(from, to) => {
                if let Some(number) = names.remove(from) {
                    names.insert(Arc::clone(to), number);
                }
            }
        }
    }

    /// Whether it must wait for `earlier`, since both are about one name.
    pub(crate) fn follows(&self, earlier: &Self) -> bool {
        self.names()
            .into_iter()
            .flatten()
            .any(|name| earlier.names().into_iter().flatten().any(|n| n == name))
    }

    fn names(&self) -> [Option<&Arc<str>>; 2] {
        match self {
            Self::Link(name, _) | Self::Unlink(name) => [Some(name), None],
            Self::Rename(from, to) => [Some(from), Some(to)],
        }
    }
}

/// Directory and last part of a name.
pub(crate) fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('/').unwrap_or(("", name))
}
