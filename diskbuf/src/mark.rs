//! `STATE`: up to where the queue is known to be synced, and what was dropped. Two slots on pages of their own, as
//! in a cursor. A help and never needed: without it more is looked at when the queue is opened, and counts begin anew.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::format::{
    Block, SECOND_SLOT, STATE, TMP_SUFFIX, TWO_SLOTS, VERSION, id_at, sealed, u32_at, u64_at,
};
use crate::segment::read_full;
use crate::seq::Seq;
use crate::storage::{Storage, StorageFile};

/// The file, and what it said last.
#[derive(Debug)]
pub(crate) struct Mark {
    uuid: [u8; 16],
    file: Arc<dyn StorageFile>,
    last: Mutex<Known>,
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
    /// From this segment on, a sync was asked and has not succeeded: what is read there may be in memory only.
    /// 0 if there is no such.
    pub(crate) doubtful: u64,
    /// No segment ever had this id or a higher one.
    pub(crate) ids: u64,
    /// Records dropped because there was no room for them, and those dropped to make room.
    pub(crate) dropped_newest: u64,
    pub(crate) dropped_oldest: u64,
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
        Ok(Self { uuid, file, last: Mutex::new(known) })
    }

    pub(crate) fn load(storage: &dyn Storage, uuid: [u8; 16]) -> io::Result<Found> {
        let file = match storage.open(STATE) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Lost),
            file => file?,
        };
        let mut newest: Option<Known> = None;
        for at in [0, SECOND_SLOT] {
            let mut block = [0; SLOT_LEN];
            read_full(&*file, &mut block, at)?;
            let known = Known::parse(&block, uuid).filter(|known| known.place() == at);
            newest = newest.max_by_key_of(known);
        }
        Ok(newest.map_or(Found::Lost, |known| Found::Good(Self { uuid, file, last: Mutex::new(known) })))
    }

    /// Writes the older slot; not synced, since an older state is as true.
    pub(crate) fn write(&self, change: impl FnOnce(&mut Known)) -> io::Result<()> {
        let mut last = self.last();
        let mut known = *last;
        change(&mut known);
        if known == *last {
            return Ok(());
        }
        known.generation = last.generation.wrapping_add(1);
        self.file.write_all_at(&known.block(self.uuid), known.place())?;
        *last = known;
        Ok(())
    }

    /// The id `id` is about to be used: it must not be used again, even if nothing else of it survives.
    pub(crate) fn uses(&self, id: u64) -> io::Result<()> {
        if id < self.known().ids {
            return Ok(());
        }
        self.write(|known| known.ids = id + IDS)?;
        self.file.sync()
    }

    pub(crate) fn known(&self) -> Known {
        *self.last()
    }

    fn last(&self) -> MutexGuard<'_, Known> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Nothing.
    pub(crate) const NEW: Self = Self {
        generation: 0,
        durable: 1,
        segment: 0,
        at: 0,
        doubtful: 0,
        ids: 0,
        dropped_newest: 0,
        dropped_oldest: 0,
    };

    fn parse(block: &[u8; SLOT_LEN], uuid: [u8; 16]) -> Option<Self> {
        let whole = block.starts_with(MAGIC) && sealed(block) && u32_at(block, 88) == VERSION;
        if !whole || id_at(block, 8) != uuid {
            return None;
        }
        let known = Self {
            generation: u64_at(block, 24),
            durable: u64_at(block, 32),
            segment: u64_at(block, 40),
            at: u64_at(block, 48),
            doubtful: u64_at(block, 56),
            ids: u64_at(block, 64),
            dropped_newest: u64_at(block, 72),
            dropped_oldest: u64_at(block, 80),
        };
        (1..=Seq::MAX).contains(&known.durable).then_some(known)
    }

    fn block(&self, uuid: [u8; 16]) -> [u8; SLOT_LEN] {
        Block::new()
            .put(MAGIC)
            .put(&uuid)
            .put(&self.generation.to_le_bytes())
            .put(&self.durable.to_le_bytes())
            .put(&self.segment.to_le_bytes())
            .put(&self.at.to_le_bytes())
            .put(&self.doubtful.to_le_bytes())
            .put(&self.ids.to_le_bytes())
            .put(&self.dropped_newest.to_le_bytes())
            .put(&self.dropped_oldest.to_le_bytes())
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
const SLOT_LEN: usize = 96;
const _: () = assert!(SLOT_LEN == 8 + 16 + 8 * 8 + 4 + 4);
