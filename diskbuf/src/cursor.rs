//! Where one consumer stands, on disk: four slots on pages of their own. Never written over are the one written last, the
//! one synced last, the one being synced, and until the first sync the one found; so whatever a crash tears, there is one.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::format::{Block, CONSUMERS, CURSOR_LEN, PAGE, TMP_SUFFIX, VERSION, id_at, sealed, u32_at, u64_at};
use crate::segment::read_full;
use crate::seq::{LossCause, Seq};
use crate::status::Busy;
use crate::storage::{Storage, StorageFile};

/// One consumer's cursor, shared by its handle and the queue.
#[derive(Debug)]
pub(crate) struct Cursor {
    pub(crate) name: String,
    uuid: [u8; 16],
    storage: Arc<dyn Storage>,
    last: Mutex<Last>,
    next: AtomicU64,
    /// As `next`, but known to survive power loss.
    synced: AtomicU64,
    busy: AtomicBool,
    one_sync: Mutex<()>,
    /// Slots that did not verify when the file was opened.
    pub(crate) bad_slots: usize,
}

/// The slot written last, and which slots are which.
#[derive(Debug)]
struct Last {
    slot: Slot,
    file: Arc<dyn StorageFile>,
    /// Its page.
    page: u64,
    /// The page of the one that is surely on the disk.
    safe: u64,
    /// The page of the one that is being synced.
    syncing: Option<u64>,
    origin: Origin,
}

/// Where the file comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// Made in this run.
    Made,
    /// Found, or in doubt since a sync failed. What an earlier run synced and promised is on the disk, but which slot that is nobody knows, and what is
    /// read may be in memory only: so the file is made anew before it is written to.
    Found,
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
    pub(crate) behind: Behind,
}

/// What becomes of records that a consumer has not acknowledged when the queue needs their room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Behind {
    /// They are kept: the queue is full until the consumer has acknowledged them.
    #[default]
    Keeps,
    /// They are dropped, and the consumer is told which: it never holds up the others or the producers.
    Loses,
}

impl Cursor {
    /// Makes the file of a new consumer that begins with `next`, and makes it survive power loss.
    pub(crate) fn create(
        storage: &Arc<dyn Storage>,
        uuid: [u8; 16],
        name: &str,
        next: u64,
        behind: Behind,
    ) -> io::Result<Self> {
        let slot = Slot { next, behind, ..Slot::default() };
        let file = make(&**storage, uuid, name, &slot)?;
        names_synced(&**storage)?;
        let last = Last { slot, file, page: 0, safe: 0, syncing: None, origin: Origin::Made };
        Ok(Self::with(storage, uuid, name, last))
    }

    /// Opens the file of a consumer: `Err(None)` when no slot verifies.
    pub(crate) fn load(
        storage: &Arc<dyn Storage>,
        uuid: [u8; 16],
        name: &str,
    ) -> Result<Self, Option<io::Error>> {
        let file = storage.open(&file_name(name))?;
        let mut slots = Vec::new();
        let mut bad_slots = 0;
        for page in 0..PAGES {
            let mut block = [0; SLOT_LEN];
            read_full(&*file, &mut block, page * PAGE)?;
            let slot = Slot::parse(&block, uuid);
            bad_slots += usize::from(slot.is_none() && block != [0; SLOT_LEN]);
            slots.extend(slot.map(|slot| (slot, page)));
        }
        slots.sort_by_key(|(slot, _)| slot.generation);
        let Some((slot, page)) = slots.pop() else { return Err(None) };
        let safe = slots.pop().map_or(page, |(_, page)| page);
        let last = Last { slot, file, page, safe, syncing: None, origin: Origin::Found };
        // Read is not synced: a process that died may have left it in memory.
        Ok(Self { synced: AtomicU64::new(0), bad_slots, ..Self::with(storage, uuid, name, last) })
    }

    fn with(storage: &Arc<dyn Storage>, uuid: [u8; 16], name: &str, last: Last) -> Self {
        Self {
            name: name.to_owned(),
            uuid,
            storage: Arc::clone(storage),
            next: AtomicU64::new(last.slot.next),
            synced: AtomicU64::new(last.slot.next),
            last: Mutex::new(last),
            busy: AtomicBool::new(false),
            one_sync: Mutex::new(()),
            bad_slots: 0,
        }
    }

    /// What becomes of records it has not acknowledged.
    pub(crate) fn behind(&self) -> Behind {
        self.slot().behind
    }

    /// Writes a slot that is neither the last nor the safe one.
    pub(crate) fn advance(&self, next: u64, hint: (u64, u64), lost: u64) -> io::Result<()> {
        self.write(|last| Slot {
            next,
            hint_segment: hint.0,
            hint_at: hint.1,
            lost: last.lost.saturating_add(lost),
            ..last
        })
    }

    /// From now on it keeps, or loses.
    pub(crate) fn turn(&self, behind: Behind) -> io::Result<()> {
        if self.behind() == behind { Ok(()) } else { self.write(|last| Slot { behind, ..last }) }
    }

    fn write(&self, change: impl FnOnce(Slot) -> Slot) -> io::Result<()> {
        let mut last = self.last();
        let generation = last.slot.generation.wrapping_add(1);
        let slot = Slot { generation, ..change(last.slot) };
        let next = slot.next;
        if last.origin == Origin::Found {
            match make(&*self.storage, self.uuid, &self.name, &slot) {
                Ok(file) => {
                    // It has the name now, whether or not that is safe yet.
                    *last = Last { slot, file, page: 0, safe: 0, syncing: None, origin: Origin::Found };
                    self.next.store(next, Ordering::SeqCst);
                    names_synced(&*self.storage)?;
                    last.origin = Origin::Made;
                    self.synced.fetch_max(next, Ordering::SeqCst);
                    return Ok(());
                }
                // On a full disk an acknowledgement must work, since it makes room: in the file that is there.
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {}
                Err(error) => return Err(error),
            }
        }
        let kept = [Some(last.safe), Some(last.page), last.syncing];
        let page = (0..PAGES).find(|page| !kept.contains(&Some(*page))).unwrap_or_default();
        last.file.write_all_at(&slot.block(self.uuid), page * PAGE)?;
        (last.slot, last.page) = (slot, page);
        self.next.store(next, Ordering::SeqCst);
        Ok(())
    }

    /// Makes what was acknowledged so far survive power loss.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let _one = self.one_sync.lock().unwrap_or_else(PoisonError::into_inner);
        let Slot { next, hint_segment, hint_at, .. } = self.slot();
        if self.last().origin == Origin::Found {
            self.advance(next, (hint_segment, hint_at), 0)?;
        }
        let (slot, page, file) = {
            let mut last = self.last();
            if self.synced() >= last.slot.next {
                return Ok(());
            }
            last.syncing = Some(last.page);
            (last.slot, last.page, Arc::clone(&last.file))
        };
        let synced = file.sync();
        let mut last = self.last();
        last.syncing = None;
        if let Err(error) = synced {
            // Asked again, the kernel would say that all is well.
            last.origin = Origin::Found;
            return Err(error);
        }
        // A file made meanwhile is safe by itself.
        if Arc::ptr_eq(&last.file, &file) {
            last.safe = page;
        }
        self.synced.fetch_max(slot.next, Ordering::SeqCst);
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
        self.last().slot
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Why the records from `next` to before `oldest`, the first one kept, are gone, when `dropped` were dropped for room in all
    /// runs. Those dropped that this consumer was not told of must be as many as are gone, whether it keeps or loses: records leave
    /// at the front only, and what it had not acknowledged never left by being acknowledged.
    pub(crate) const fn gone_before(&self, oldest: u64, dropped: u64) -> LossCause {
        let gone = oldest.saturating_sub(self.next);
        if dropped.saturating_sub(self.lost) >= gone { LossCause::DroppedForRoom } else { LossCause::Missing }
    }

    fn parse(block: &[u8; SLOT_LEN], uuid: [u8; 16]) -> Option<Self> {
        let whole = block.starts_with(MAGIC) && sealed(block) && u32_at(block, 68) == VERSION;
        if !whole || id_at(block, 8) != uuid {
            return None;
        }
        let slot = Self {
            generation: u64_at(block, 24),
            next: u64_at(block, 32),
            hint_segment: u64_at(block, 40),
            hint_at: u64_at(block, 48),
            lost: u64_at(block, 56),
            behind: if u32_at(block, 64) & LOSES == 0 { Behind::Keeps } else { Behind::Loses },
        };
        (1..=Seq::MAX).contains(&slot.next).then_some(slot)
    }

    fn block(&self, uuid: [u8; 16]) -> [u8; SLOT_LEN] {
        let flags = match self.behind {
            Behind::Keeps => 0,
            Behind::Loses => LOSES,
        };
        Block::new()
            .put(MAGIC)
            .put(&uuid)
            .put(&self.generation.to_le_bytes())
            .put(&self.next.to_le_bytes())
            .put(&self.hint_segment.to_le_bytes())
            .put(&self.hint_at.to_le_bytes())
            .put(&self.lost.to_le_bytes())
            .put(&flags.to_le_bytes())
            .put(&VERSION.to_le_bytes())
            .seal()
    }
}

/// Makes the file of the consumer `name`, in the place of an older one.
fn make(storage: &dyn Storage, uuid: [u8; 16], name: &str, slot: &Slot) -> io::Result<Arc<dyn StorageFile>> {
    let path = file_name(name);
    let tmp = format!("{path}{TMP_SUFFIX}");
    let file = match storage.create(&tmp) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            storage.remove(&tmp)?;
            storage.create(&tmp)?
        }
        file => file?,
    };
    let written = file
        .allocate(CURSOR_LEN)
        .and_then(|()| file.write_all_at(&vec![0; usize::try_from(CURSOR_LEN).unwrap_or(0)], 0))
        .and_then(|()| file.write_all_at(&slot.block(uuid), 0))
        .and_then(|()| file.sync())
        .and_then(|()| storage.rename(&tmp, &path));
    if let Err(error) = written {
        // The first error is the one to tell; a file left over is removed at the next open.
        storage.remove(&tmp).ok();
        return Err(error);
    }
    Ok(file)
}

/// Makes the names of cursors survive power loss; their directory may be as young as they.
fn names_synced(storage: &dyn Storage) -> io::Result<()> {
    storage.sync_dir(CONSUMERS)?;
    storage.sync_dir("")
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
const PAGES: u64 = 4;
const _: () = assert!(PAGES * PAGE == CURSOR_LEN);
const LOSES: u32 = 1;
const SLOT_LEN: usize = 76;
const _: () = assert!(SLOT_LEN == 8 + 16 + 5 * 8 + 4 + 4 + 4);
