//! `STATE`: up to where the queue is known to be synced, what is in doubt, and what was dropped. Two slots on pages of their
//! own, as in a cursor. A help and never needed: without it more is looked at when the queue is opened, and counts begin anew.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::doubt::{Cause, Doubt, Memory};
use crate::format::{
    Block, MAX_SEGMENT_BYTES, SECOND_SLOT, STATE, TMP_SUFFIX, TWO_SLOTS, VERSION, id_at, sealed, u32_at,
    u64_at,
};
use crate::segment::{MAX_ID, read_full};
use crate::seq::Seq;
use crate::storage::{Boot, Storage, StorageFile};

/// The file, and what it said last.
#[derive(Debug)]
pub(crate) struct Mark {
    uuid: [u8; 16],
    file: Arc<dyn StorageFile>,
    /// The present one.
    boot: Option<Boot>,
    last: Mutex<Known>,
    /// What survives power loss of [`Known::durable`].
    safe: AtomicU64,
    /// And of [`Known::ids`].
    safe_ids: AtomicU64,
    /// Slots that did not verify when the file was opened.
    pub(crate) bad_slots: usize,
}

/// What a slot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    generation: u64,
    /// All records before this one were synced.
    pub(crate) durable: u64,
    /// The segment of the last of them, and where in it that begins; 0 and 0 if there is none.
    pub(crate) segment: u64,
    pub(crate) at: u64,
    /// From where on what is read may be in memory only, in the boot in which this was written.
    pub(crate) doubt: Option<Doubt>,
    /// No segment ever had this id or a higher one.
    pub(crate) ids: u64,
    /// Records dropped because there was no room for them, and those dropped to make room.
    pub(crate) dropped_newest: u64,
    pub(crate) dropped_oldest: u64,
    /// The one in which this was written.
    boot: Option<Boot>,
}

/// What was found of the file.
pub(crate) enum Found {
    Good(Mark),
    /// It is not there, or neither slot verifies.
    Lost,
}

impl Mark {
    /// Makes the file and makes it survive power loss.
    pub(crate) fn create(storage: &dyn Storage, uuid: [u8; 16], known: Known) -> io::Result<Self> {
        let tmp = format!("{STATE}{TMP_SUFFIX}");
        let file = match storage.create(&tmp) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                storage.remove(&tmp)?;
                storage.create(&tmp)?
            }
            file => file?,
        };
        file.allocate(TWO_SLOTS)?;
        file.write_all_at(&known.block(uuid), known.place())?;
        file.sync()?;
        storage.rename(&tmp, STATE)?;
        storage.sync_dir("")?;
        Ok(Self {
            uuid,
            file,
            boot: known.boot,
            last: Mutex::new(known),
            safe: AtomicU64::new(0),
            safe_ids: AtomicU64::new(known.ids),
            bad_slots: 0,
        })
    }

    pub(crate) fn load(storage: &dyn Storage, uuid: [u8; 16], boot: Option<Boot>) -> io::Result<Found> {
        let file = match storage.open(STATE) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Lost),
            file => file?,
        };
        let mut newest: Option<Known> = None;
        let mut bad_slots = 0;
        for at in [0, SECOND_SLOT] {
            let mut block = [0; SLOT_LEN];
            read_full(&*file, &mut block, at)?;
            let known = Known::parse(&block, uuid).filter(|known| known.place() == at);
            // The second is zeros until something has happened.
            bad_slots += usize::from(known.is_none() && block != [0; SLOT_LEN]);
            newest = newest.max_by_key_of(known);
        }
        let Some(known) = newest else { return Ok(Found::Lost) };
        let (last, safe, safe_ids) = (Mutex::new(known), AtomicU64::new(0), AtomicU64::new(known.ids));
        Ok(Found::Good(Self { uuid, file, boot, last, safe, safe_ids, bad_slots }))
    }

    /// Whether the file is as [`Self::create`] makes it for a new queue, whichever that was to be, or was cut short in that.
    pub(crate) fn says_nothing(storage: &dyn Storage) -> io::Result<bool> {
        let file = storage.open(STATE)?;
        let [mut first, mut second] = [[0; SLOT_LEN]; 2];
        read_full(&*file, &mut first, 0)?;
        read_full(&*file, &mut second, SECOND_SLOT)?;
        let new = Known::parse(&first, id_at(&first, 8))
            .is_some_and(|known| known == Known { boot: known.boot, ..Known::new(None) });
        let nothing = [0; SLOT_LEN];
        Ok((new || first == nothing) && second == nothing && file.size()? <= TWO_SLOTS)
    }

    /// Writes the older slot; not synced, since an older state is as true. If that fails nothing has changed but the counts.
    pub(crate) fn write(&self, change: impl FnOnce(&mut Known)) -> io::Result<()> {
        let mut last = self.last();
        let mut known = last.in_boot(self.boot);
        change(&mut known);
        if known == *last {
            return Ok(());
        }
        known.generation = last.generation.wrapping_add(1);
        let written = self.file.write_all_at(&known.block(self.uuid), known.place());
        if written.is_ok() {
            *last = known;
        } else {
            // What was dropped is gone, written or not.
            (last.dropped_newest, last.dropped_oldest) = (known.dropped_newest, known.dropped_oldest);
        }
        written
    }

    /// The id `id` is about to be used: it must not be used again, even if nothing else of it survives.
    pub(crate) fn uses(&self, id: u64) -> io::Result<()> {
        if id < self.safe_ids.load(Ordering::Relaxed) {
            return Ok(());
        }
        // A number that was never written, so that after a sync that failed this one is about something.
        self.write(|known| known.ids = known.ids.max(id) + IDS)?;
        self.file.sync()?;
        self.safe_ids.store(self.known().ids, Ordering::Relaxed);
        Ok(())
    }

    /// Records that were synced are about to go: their numbers must not be given again, even if nothing else of them survives.
    pub(crate) fn keeps_numbers(&self) -> io::Result<()> {
        let durable = self.known().durable;
        if durable > self.safe.load(Ordering::Relaxed) {
            self.file.sync()?;
            self.safe.fetch_max(durable, Ordering::Relaxed);
        }
        Ok(())
    }

    /// What was noted, as far as it is true in this boot.
    pub(crate) fn known(&self) -> Known {
        self.last().in_boot(self.boot)
    }

    /// What the pages in memory are, as far as one can tell from what was noted last.
    pub(crate) fn memory(&self) -> Memory {
        self.last().memory(self.boot)
    }

    fn last(&self) -> MutexGuard<'_, Known> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Nothing.
    pub(crate) const fn new(boot: Option<Boot>) -> Self {
        Self::with_ids(boot, 0)
    }

    /// Nothing, but that ids below that number may have been used.
    pub(crate) const fn with_ids(boot: Option<Boot>, ids: u64) -> Self {
        Self {
            generation: 0,
            durable: 1,
            segment: 0,
            at: 0,
            doubt: None,
            ids,
            dropped_newest: 0,
            dropped_oldest: 0,
            boot,
        }
    }

    fn memory(&self, now: Option<Boot>) -> Memory {
        match (self.boot, now) {
            (Some(then), Some(now)) if then != now => Memory::Fresh,
            _ => Memory::Kept,
        }
    }

    /// What of this is true in the boot `now`: nothing that memory held in another one is in doubt any more.
    fn in_boot(&self, now: Option<Boot>) -> Self {
        let doubt = self.doubt.filter(|_| self.memory(now) == Memory::Kept);
        Self { doubt, boot: now, ..*self }
    }

    fn parse(block: &[u8; SLOT_LEN], uuid: [u8; 16]) -> Option<Self> {
        let whole = block.starts_with(MAGIC) && sealed(block) && u32_at(block, 116) == VERSION;
        if !whole || id_at(block, 8) != uuid {
            return None;
        }
        let cause = if u32_at(block, 112) & CUTTING == 0 { Cause::Syncing } else { Cause::Cutting };
        let doubtful = u64_at(block, 56).checked_sub(1);
        let known = Self {
            generation: u64_at(block, 24),
            durable: u64_at(block, 32),
            segment: u64_at(block, 40),
            at: u64_at(block, 48),
            doubt: doubtful.map(|segment| Doubt { segment, at: u64_at(block, 64), cause }),
            ids: u64_at(block, 72),
            dropped_newest: u64_at(block, 80),
            dropped_oldest: u64_at(block, 88),
            boot: Boot::new(id_at(block, 96)),
        };
        let place = |segment: u64, at: u64| segment < MAX_ID && at <= MAX_SEGMENT_BYTES;
        let possible = (1..=Seq::MAX).contains(&known.durable)
            && place(known.segment, known.at)
            && known.doubt.is_none_or(|doubt| place(doubt.segment, doubt.at))
            && known.ids <= MAX_ID;
        possible.then_some(known)
    }

    fn block(&self, uuid: [u8; 16]) -> [u8; SLOT_LEN] {
        let doubt = self.doubt.as_ref();
        let (doubtful, doubtful_at) = doubt.map_or((0, 0), |doubt| (doubt.segment + 1, doubt.at));
        let flags = doubt.map_or(0, |doubt| if doubt.cause == Cause::Cutting { CUTTING } else { 0 });
        Block::new()
            .put(MAGIC)
            .put(&uuid)
            .put(&self.generation.to_le_bytes())
            .put(&self.durable.to_le_bytes())
            .put(&self.segment.to_le_bytes())
            .put(&self.at.to_le_bytes())
            .put(&doubtful.to_le_bytes())
            .put(&doubtful_at.to_le_bytes())
            .put(&self.ids.to_le_bytes())
            .put(&self.dropped_newest.to_le_bytes())
            .put(&self.dropped_oldest.to_le_bytes())
            .put(&self.boot.map_or([0; 16], Boot::id))
            .put(&flags.to_le_bytes())
            .put(&VERSION.to_le_bytes())
            .seal()
    }

    /// Where its generation belongs.
    const fn place(&self) -> u64 {
        if self.generation.is_multiple_of(2) { 0 } else { SECOND_SLOT }
    }
}

trait Newest {
    fn max_by_key_of(self, other: Self) -> Self;
}

impl Newest for Option<Known> {
    fn max_by_key_of(self, other: Self) -> Self {
        match (self, other) {
            (Some(a), Some(b)) => Some(if b.generation > a.generation { b } else { a }),
            (a, b) => a.or(b),
        }
    }
}

const MAGIC: &[u8; 8] = b"DISKBUFT";
/// How many ids are taken at once, so that the file is not synced for each.
const IDS: u64 = 1024;
const CUTTING: u32 = 1;
const SLOT_LEN: usize = 124;
const _: () = assert!(SLOT_LEN == 8 + 16 + 9 * 8 + 16 + 4 + 4 + 4);
