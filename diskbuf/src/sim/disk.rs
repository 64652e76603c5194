//! [`Disk`]: the simulated disk as a [`Storage`], with calls that can be made to fail.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::crash::{InFlight, Survival};
use super::mapped::Mapped;
use super::rng::Rng;
use super::world::{After, By, Dir, World};
use crate::storage::{Boot, Region, Storage, StorageFile};

/// A simulated disk. Clones are the same disk.
#[derive(Clone)]
pub struct Disk {
    inner: Arc<Mutex<Inner>>,
}

/// A call that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which of the calls that change something, counted from 0: see [`Disk::calls`].
    pub call: u64,
    /// How.
    pub kind: FaultKind,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// `EIO`; a failed sync leaves the bytes in memory and forgets that they are not on the disk, as ext4 and XFS do.
    Io,
    /// `EIO`; a failed sync goes back to the bytes on the disk, as Btrfs does.
    IoReverts,
    /// `ENOSPC`, from this call on, for whatever needs room, until [`Disk::make_room`].
    NoSpace,
}

/// A call about to be made, to whoever watches.
pub(crate) struct Moment<'a> {
    pub(crate) world: &'a World,
    pub(crate) in_flight: Option<InFlight>,
    /// Whether a call has failed before.
    pub(crate) faulty: bool,
}

type Watch = Box<dyn FnMut(&Moment<'_>) + Send>;

struct Inner {
    world: World,
    calls: u64,
    faults: Vec<Fault>,
    full: bool,
    watch: Option<Watch>,
    rng: Rng,
}

impl Disk {
    /// An empty disk; its chance follows from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with(World::new(), Rng::new(seed))
    }

    pub(crate) fn with(world: World, rng: Rng) -> Self {
        let inner = Inner { world, calls: 0, faults: Vec::new(), full: false, watch: None, rng };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// The disk as the queue wants it: see [`Options::open_on`](crate::Options::open_on).
    #[must_use]
    pub fn storage(&self) -> Arc<dyn Storage> {
        Arc::new(self.clone())
    }

    /// Another disk with what is left of this one after a crash now. This one goes on unharmed.
    #[must_use]
    pub fn crash(&self, survival: Survival, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let world = self.inner().world.crash(survival, None, &mut rng);
        Self::with(world, rng)
    }

    /// How many calls have changed something so far, or tried to.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.inner().calls
    }

    /// Makes a later call fail.
    pub fn fail(&self, fault: Fault) {
        self.inner().faults.push(fault);
    }

    /// Ends [`FaultKind::NoSpace`].
    pub fn make_room(&self) {
        self.inner().full = false;
    }

    /// Turns one bit of a file over, on the disk and in memory: whether there was such an octet.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn flip(&self, name: &str, at: u64, bit: u8) -> io::Result<()> {
        let mut inner = self.inner();
        let number = inner.world.find(name)?;
        let inode = inner.world.inode(number)?;
        let mut byte = [0];
        if inode.cached.read(&mut byte, at) == 1 {
            let [old] = byte;
            let new = [old ^ (1 << (bit % 8))];
            inode.cached.write(&new, at);
            inode.durable.write(&new, at);
        }
        Ok(())
    }

    /// The names of all files and their lengths.
    #[must_use]
    pub fn files(&self) -> Vec<(String, u64)> {
        let inner = self.inner();
        let mut files = Vec::new();
        for (path, dir) in &inner.world.dirs {
            for (name, number) in &dir.cached {
                let name = if path.is_empty() { name.to_string() } else { format!("{path}/{name}") };
                let len = inner.world.inodes.get(*number).map_or(0, |inode| inode.cached.len());
                files.push((name, len));
            }
        }
        files
    }

    /// What all files take together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.inner().world.bytes()
    }

    /// Calls `watch` before each call that changes something.
    pub(crate) fn watch(&self, watch: impl FnMut(&Moment<'_>) + Send + 'static) {
        self.inner().watch = Some(Box::new(watch));
    }

    /// Whether a call was made to fail.
    pub(crate) fn faulty(&self) -> bool {
        self.inner().faulty()
    }

    pub(crate) fn unwatch(&self) {
        self.inner().watch = None;
    }

    pub(crate) fn world(&self) -> World {
        self.inner().world.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whoever watches what is about to happen.
    fn tell(&self, in_flight: Option<InFlight>) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner();
        if let Some(mut watch) = inner.watch.take() {
            let faulty = inner.faulty();
            watch(&Moment { world: &inner.world, in_flight, faulty });
            inner.watch = Some(watch);
        }
        inner
    }

    /// A call begins: whoever watches is told, and whether it fails is decided.
    fn call(
        &self,
        needs_room: Room,
        in_flight: Option<InFlight>,
    ) -> (MutexGuard<'_, Inner>, Option<FaultKind>) {
        let mut inner = self.tell(in_flight);
        let call = inner.calls;
        inner.calls += 1;
        let mut fault = inner.faults.iter().find(|fault| fault.call == call).map(|fault| fault.kind);
        if fault == Some(FaultKind::NoSpace) {
            inner.full = true;
            fault = None;
        }
        if inner.full && needs_room == Room::Needed {
            fault = Some(FaultKind::NoSpace);
        }
        (inner, fault)
    }

    fn change<T>(&self, needs_room: Room, work: impl FnOnce(&mut World) -> io::Result<T>) -> io::Result<T> {
        match self.call(needs_room, None) {
            (_, Some(fault)) => Err(fault.error()),
            (mut inner, None) => work(&mut inner.world),
        }
    }

    /// Pages are brought to memory: that can go wrong.
    pub(super) fn prepare(&self, number: usize, until: u64) -> io::Result<()> {
        self.change(Room::NotNeeded, |world| {
            if until > world.inode(number)?.cached.len() {
                return Err(io::Error::from_raw_os_error(14));
            }
            Ok(())
        })
    }

    /// A store begins; that cannot go wrong.
    pub(super) fn store(&self, store: InFlight) -> io::Result<()> {
        let (number, at, bytes) = (store.number, store.at, Arc::clone(&store.bytes));
        let mut inner = self.tell(Some(store));
        inner.world.inode(number)?.write(&bytes, at, By::Store);
        Ok(())
    }

    fn file(&self, number: usize) -> Arc<dyn StorageFile> {
        Arc::new(OpenFile { disk: self.clone(), number, lock: None })
    }
}

impl Inner {
    fn faulty(&self) -> bool {
        self.faults.iter().any(|fault| fault.call < self.calls)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Needed,
    NotNeeded,
}

impl FaultKind {
    fn after(self) -> After {
        if self == Self::IoReverts { After::Reverted } else { After::Kept }
    }

    fn error(self) -> io::Error {
        match self {
            // As the system says it: EIO has no kind of its own.
            Self::Io | Self::IoReverts => io::Error::from_raw_os_error(5),
            Self::NoSpace => io::ErrorKind::StorageFull.into(),
        }
    }
}

impl Storage for Disk {
    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("/sim").join(name)
    }

    fn lock(&self, name: &str) -> io::Result<Arc<dyn StorageFile>> {
        let number = match self.open(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.change(Room::Needed, |world| world.create(name))?
            }
            Err(error) => return Err(error),
            Ok(_) => self.inner().world.find(name)?,
        };
        if !self.inner().world.locked.insert(name.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Arc::new(OpenFile { disk: self.clone(), number, lock: Some(name.to_owned()) }))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn StorageFile>> {
        let number = self.change(Room::Needed, |world| world.create(name))?;
        Ok(self.file(number))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn StorageFile>> {
        let number = self.inner().world.find(name)?;
        Ok(self.file(number))
    }

    fn list(&self, sub: &str) -> io::Result<Vec<(String, u64)>> {
        let inner = self.inner();
        let dir = inner.world.dirs.get(sub).ok_or(io::ErrorKind::NotFound)?;
        let len = |number: &usize| inner.world.inodes.get(*number).map_or(0, |inode| inode.cached.len());
        Ok(dir.cached.iter().map(|(name, number)| (name.to_string(), len(number))).collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change(Room::NotNeeded, |world| world.rename(from, to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.change(Room::NotNeeded, |world| world.remove(name))
    }

    fn create_dir(&self, sub: &str) -> io::Result<()> {
        if self.inner().world.dirs.contains_key(sub) {
            return Ok(());
        }
        self.change(Room::Needed, |world| {
            world.dirs.insert(sub.into(), Dir::new());
            Ok(())
        })
    }

    fn sync_dir(&self, sub: &str) -> io::Result<()> {
        self.change(Room::NotNeeded, |world| world.sync_dir(sub))
    }

    fn random(&self, out: &mut [u8]) -> io::Result<()> {
        self.inner().rng.fill(out);
        Ok(())
    }

    fn boot(&self) -> Option<Boot> {
        Boot::new(u128::from(self.inner().world.boots).to_le_bytes())
    }

    fn now(&self) -> u64 {
        NOW
    }
}

struct OpenFile {
    disk: Disk,
    number: usize,
    lock: Option<String>,
}

impl StorageFile for OpenFile {
    fn read_at(&self, buf: &mut [u8], at: u64) -> io::Result<usize> {
        let inner = self.disk.inner();
        let inode = inner.world.inodes.get(self.number).ok_or(io::ErrorKind::NotFound)?;
        Ok(inode.cached.read(buf, at))
    }

    fn write_all_at(&self, buf: &[u8], at: u64) -> io::Result<()> {
        let in_flight = InFlight { number: self.number, at, bytes: buf.into(), by: By::Call };
        let (mut inner, fault) = self.disk.call(Room::NotNeeded, Some(in_flight));
        let done = match fault {
            None => buf.len(),
            // A part of it may have got there.
            Some(_) => inner.rng.place(buf.len() + 1),
        };
        let inode = inner.world.inode(self.number)?;
        // Room within a file that was allocated is never missing.
        inode.write(buf.get(..done).unwrap_or_default(), at, By::Call);
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn write_durably_at(&self, buf: &[u8], at: u64) -> io::Result<()> {
        self.write_all_at(buf, at)?;
        let (mut inner, fault) = self.disk.call(Room::NotNeeded, None);
        let inode = inner.world.inode(self.number)?;
        match fault {
            None => inode.sync_range(at, at + buf.len() as u64),
            Some(kind) => {
                inode.fail_sync(kind.after());
                return Err(kind.error());
            }
        }
        Ok(())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        let number = self.number;
        let grows = self.size()? < len;
        self.disk.change(if grows { Room::Needed } else { Room::NotNeeded }, |world| {
            if grows {
                world.inode(number)?.set_len(len);
            }
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        let (mut inner, fault) = self.disk.call(Room::NotNeeded, None);
        let inode = inner.world.inode(self.number)?;
        match fault {
            None => inode.sync(),
            Some(kind) => {
                inode.fail_sync(kind.after());
                return Err(kind.error());
            }
        }
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        let inner = self.disk.inner();
        Ok(inner.world.inodes.get(self.number).map_or(0, |inode| inode.cached.len()))
    }

    fn map(&self, at: u64, len: usize) -> io::Result<Box<dyn Region>> {
        let (disk, number) = (self.disk.clone(), self.number);
        Ok(Box::new(Mapped::new(disk, number, at..at + len as u64)))
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        if let Some(name) = self.lock.take() {
            self.disk.inner().world.locked.remove(&name);
        }
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").finish_non_exhaustive()
    }
}

impl fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenFile").field("number", &self.number).finish_non_exhaustive()
    }
}

/// The date in a simulation, so that the same is written again.
const NOW: u64 = 1_000_000_000;
