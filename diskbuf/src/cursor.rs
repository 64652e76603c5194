//! Where one consumer stands, on disk: two slots on pages of their own, of which only the older is written.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::format::{
    Block, CONSUMERS, SECOND_SLOT, TMP_SUFFIX, TWO_SLOTS, VERSION, id_at, sealed, u32_at, u64_at,
};
use crate::segment::read_full;
use crate::seq::Seq;
use crate::status::Busy;
use crate::storage::{Storage, StorageFile};

/// One consumer's cursor, shared by its handle and the queue.
#[derive(Debug)]
pub(crate) struct Cursor {
    pub(crate) name: String,
    uuid: [u8; 16],
    file: Arc<dyn StorageFile>,
    last: Mutex<Slot>,
    next: AtomicU64,
    /// As `next`, but known to survive power loss.
    synced: AtomicU64,
    busy: AtomicBool,
}

/// What a slot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Slot {
    generation: u64,
    /// The first record not acknowledged.
    pub(crate) next: u64,
    /// Where it lies, if known: a hint that is checked before it is used.
    pub(crate) hint_segment: u64,
    pub(crate) hint_at: u64,
    /// Records that were gone before they could be read.
    pub(crate) lost: u64,
}

impl Cursor {
    /// Makes the file of a new consumer that begins with `next`, and makes it survive power loss.
    pub(crate) fn create(storage: &dyn Storage, uuid: [u8; 16], name: &str, next: u64) -> io::Result<Self> {
        let path = file_name(name);
        let tmp = format!("{path}{TMP_SUFFIX}");
        let file = match storage.create(&tmp) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                storage.remove(&tmp)?;
                storage.create(&tmp)?
            }
            file => file?,
        };
        let slot = Slot { next, ..Slot::default() };
        let written = file
            .write_all_at(&vec![0; usize::try_from(TWO_SLOTS).unwrap_or(0)], 0)
            .and_then(|()| file.write_all_at(&slot.block(uuid), slot.at()))
            .and_then(|()| file.sync())
            .and_then(|()| storage.rename(&tmp, &path))
            .and_then(|()| storage.sync_dir(CONSUMERS))
            // The directory itself may be as young.
            .and_then(|()| storage.sync_dir(""));
        if let Err(error) = written {
            // The first error is the one to tell; a file left over is removed at the next open.
            storage.remove(&tmp).ok();
            return Err(error);
        }
        Ok(Self::with(uuid, name, file, slot))
    }

    /// Opens the file of a consumer: `Err(None)` when neither slot verifies.
    pub(crate) fn load(storage: &dyn Storage, uuid: [u8; 16], name: &str) -> Result<Self, Option<io::Error>> {
        let file = storage.open(&file_name(name))?;
        let mut newest = None;
        for at in [0, SECOND_SLOT] {
            let mut block = [0; SLOT_LEN];
            read_full(&*file, &mut block, at)?;
            let slot = Slot::parse(&block, uuid).filter(|slot| slot.at() == at);
            newest = newest.max_by_generation(slot);
        }
        newest.map(|slot| Self::with(uuid, name, file, slot)).ok_or(None)
    }

    fn with(uuid: [u8; 16], name: &str, file: Arc<dyn StorageFile>, slot: Slot) -> Self {
        Self {
            name: name.to_owned(),
            uuid,
            file,
            last: Mutex::new(slot),
            next: AtomicU64::new(slot.next),
            synced: AtomicU64::new(slot.next),
            busy: AtomicBool::new(false),
        }
    }

    /// Writes the older slot.
    pub(crate) fn advance(&self, next: u64, hint: (u64, u64), lost: u64) -> io::Result<()> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = Slot {
            generation: last.generation.wrapping_add(1),
            next,
            hint_segment: hint.0,
            hint_at: hint.1,
            lost: last.lost.saturating_add(lost),
        };
        self.file.write_all_at(&slot.block(self.uuid), slot.at())?;
        *last = slot;
        self.next.store(next, Ordering::SeqCst);
        Ok(())
    }

    /// Makes what was acknowledged so far survive power loss.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let next = self.next();
        if self.synced() < next {
            self.file.sync()?;
            self.synced.fetch_max(next, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Takes the one handle there can be.
    pub(crate) fn occupy(&self) -> Result<(), Busy> {
        if self.busy.swap(true, Ordering::AcqRel) { Err(Busy::Open) } else { Ok(()) }
    }

    /// Gives it back.
    pub(crate) fn vacate(&self) {
        self.busy.store(false, Ordering::Release);
    }

    pub(crate) fn busy(&self) -> Busy {
        if self.busy.load(Ordering::Acquire) { Busy::Open } else { Busy::Idle }
    }

    /// The first record not acknowledged.
    pub(crate) fn next(&self) -> u64 {
        self.next.load(Ordering::SeqCst)
    }

    pub(crate) fn synced(&self) -> u64 {
        self.synced.load(Ordering::SeqCst)
    }

    pub(crate) fn slot(&self) -> Slot {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn parse(block: &[u8; SLOT_LEN], uuid: [u8; 16]) -> Option<Self> {
        let whole = block.starts_with(MAGIC) && sealed(block) && u32_at(block, 64) == VERSION;
        if !whole || id_at(block, 8) != uuid {
            return None;
        }
        let slot = Self {
            generation: u64_at(block, 24),
            next: u64_at(block, 32),
            hint_segment: u64_at(block, 40),
            hint_at: u64_at(block, 48),
            lost: u64_at(block, 56),
        };
        (1..=Seq::MAX).contains(&slot.next).then_some(slot)
    }

    fn block(&self, uuid: [u8; 16]) -> [u8; SLOT_LEN] {
        Block::new()
            .put(MAGIC)
            .put(&uuid)
            .put(&self.generation.to_le_bytes())
            .put(&self.next.to_le_bytes())
            .put(&self.hint_segment.to_le_bytes())
            .put(&self.hint_at.to_le_bytes())
            .put(&self.lost.to_le_bytes())
            .put(&VERSION.to_le_bytes())
            .seal()
    }

    /// Where its generation belongs.
    const fn at(&self) -> u64 {
        if self.generation.is_multiple_of(2) { 0 } else { SECOND_SLOT }
    }
}

trait Newest {
    fn max_by_generation(self, other: Self) -> Self;
}

impl Newest for Option<Slot> {
    fn max_by_generation(self, other: Self) -> Self {
        match (self, other) {
            (Some(a), Some(b)) => Some(if b.generation > a.generation { b } else { a }),
            (a, b) => a.or(b),
        }
    }
}

/// What the cursor of the consumer `name` is called.
pub(crate) fn file_name(name: &str) -> String {
    format!("{CONSUMERS}/{name}{SUFFIX}")
}

/// The consumer's name in a cursor's.
pub(crate) fn name_in(file_name: &str) -> Option<&str> {
    file_name.strip_suffix(SUFFIX).filter(|name| is_name(name))
}

/// Whether a consumer may be called so.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    name.len() <= 64
        && name.bytes().next().is_some_and(plain)
        && name.bytes().all(|b| plain(b) || matches!(b, b'.' | b'_' | b'-'))
}

const SUFFIX: &str = ".cursor";
const MAGIC: &[u8; 8] = b"DISKBUFC";
const SLOT_LEN: usize = 72;
const _: () = assert!(SLOT_LEN == 8 + 16 + 8 + 8 + 8 + 8 + 8 + 4 + 4);
