//! One segment: its page 0, and what the running queue knows about it. Who makes and frees segments is `state`.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::format::{Block, DATA_START, PAGE, PAGE_LEN, VERSION, id_at, sealed, u32_at, u64_at};
use crate::meta::Meta;
use crate::record::Life;
use crate::seq::Seq;
use crate::storage::StorageFile;

/// A segment of the queue, shared by the writer and those who read it.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) id: u64,
    pub(crate) life: Life,
    /// Behind the last record; for segments sealed in an earlier run, the length of the file.
    end: AtomicU64,
    /// The first number of the next segment; [`OPEN`] as long as there is none.
    sealed_at: AtomicU64,
    damaged: AtomicBool,
}

impl Segment {
    pub(crate) fn new(meta: &Meta, id: u64, first_seq: u64, end: u64) -> Self {
        Self {
            id,
            life: Life { salt: meta.salt(id), first_seq, covered: meta.rules.covered() },
            end: AtomicU64::new(end),
            sealed_at: AtomicU64::new(OPEN),
            damaged: AtomicBool::new(false),
        }
    }

    pub(crate) fn first_seq(&self) -> u64 {
        self.life.first_seq
    }

    pub(crate) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// Lets readers see the records before `end`.
    pub(crate) fn set_end(&self, end: u64) {
        self.end.store(end, Ordering::Release);
    }

    /// The first number that is not in this segment, or [`OPEN`].
    pub(crate) fn sealed_at(&self) -> u64 {
        self.sealed_at.load(Ordering::Acquire)
    }

    /// Records were found damaged in it.
    pub(crate) fn damaged(&self) {
        self.damaged.store(true, Ordering::Relaxed);
    }

    /// Whether there were.
    pub(crate) fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    /// Nothing more comes: the next segment begins with `seq`.
    pub(crate) fn seal(&self, seq: u64) {
        self.sealed_at.store(seq, Ordering::Release);
    }

    pub(crate) fn file_name(&self) -> String {
        file_name(self.id)
    }
}

/// Page 0 of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) uuid: [u8; 16],
    pub(crate) id: u64,
    pub(crate) first_seq: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) origin: SpaceOrigin,
}

/// What lies behind the last record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum SpaceOrigin {
    /// Zeros, unless an append was torn.
    #[default]
    Fresh,
    /// What the file held in its life before.
    Recycled,
}

impl Header {
    pub(crate) fn parse(page: &[u8]) -> Option<Self> {
        let block = page.get(..SEGMENT_HEADER_LEN)?;
        if !block.starts_with(MAGIC) || !sealed(block) || u32_at(block, 56) != VERSION {
            return None;
        }
        let header = Self {
            uuid: id_at(block, 8),
            id: u64_at(block, 24),
            first_seq: u64_at(block, 32),
            segment_bytes: u64_at(block, 40),
            origin: if u64_at(block, 48) & RECYCLED == 0 {
                SpaceOrigin::Fresh
            } else {
                SpaceOrigin::Recycled
            },
        };
        ((1..=Seq::MAX).contains(&header.first_seq) && header.id <= MAX_ID).then_some(header)
    }

    /// Writes page 0.
    pub(crate) fn store(&self, file: &dyn StorageFile) -> io::Result<()> {
        let flags = match self.origin {
            SpaceOrigin::Fresh => 0,
            SpaceOrigin::Recycled => RECYCLED,
        };
        let block: [u8; SEGMENT_HEADER_LEN] = Block::new()
            .put(MAGIC)
            .put(&self.uuid)
            .put(&self.id.to_le_bytes())
            .put(&self.first_seq.to_le_bytes())
            .put(&self.segment_bytes.to_le_bytes())
            .put(&flags.to_le_bytes())
            .put(&VERSION.to_le_bytes())
            .seal();
        let mut page = [0; PAGE_LEN];
        for (to, from) in page.iter_mut().zip(block) {
            *to = from;
        }
        file.write_all_at(&page, 0)
    }
}

/// What the file of the segment `id` is called.
pub(crate) fn file_name(id: u64) -> String {
    format!("{id:016x}.seg")
}

/// The id in a segment's file name.
pub(crate) fn id_in(name: &str) -> Option<u64> {
    let hex = name.strip_suffix(".seg").filter(|hex| hex.len() == 16)?;
    let id = u64::from_str_radix(hex, 16).ok()?;
    (file_name(id) == name && id <= MAX_ID).then_some(id)
}

/// Whether a segment may be called so, for now or for ever.
pub(crate) fn is_name(name: &str) -> bool {
    let hex = name.strip_suffix(".seg").map(|stem| stem.strip_prefix("moved-").unwrap_or(stem));
    hex.is_some_and(|hex| hex.len() == 16 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

/// What a segment is called while others have its name.
pub(crate) fn moved_name(id: u64) -> String {
    format!("moved-{id:016x}.seg")
}

/// What the spare in place `k` is called.
pub(crate) fn spare_name(k: usize) -> String {
    format!("spare-{k}.seg")
}

/// Fills `buf` from `at` on; what lies behind the end of the file reads as zero.
pub(crate) fn read_full(file: &dyn StorageFile, buf: &mut [u8], at: u64) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at + done as u64)? {
            0 => {
                rest.fill(0);
                break;
            }
            n => done += n,
        }
    }
    Ok(())
}

/// [`Segment::sealed_at`] while records may still come.
pub(crate) const OPEN: u64 = u64::MAX;
/// The largest id accepted.
pub(crate) const MAX_ID: u64 = 1 << 62;
const MAGIC: &[u8; 8] = b"DISKBUFS";
const RECYCLED: u64 = 1;
const SEGMENT_HEADER_LEN: usize = 64;
const _: () = assert!(SEGMENT_HEADER_LEN == 8 + 16 + 8 + 8 + 8 + 8 + 4 + 4);
const _: () = assert!(DATA_START == PAGE && DATA_START.is_multiple_of(8));
