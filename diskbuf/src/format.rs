//! The numbers of `FORMAT.md` that several files need, and little-endian access that cannot panic.

/// A page: headers and cursor slots have one each.
pub(crate) const PAGE: u64 = PAGE_LEN as u64;
/// The same, as a length in memory.
pub(crate) const PAGE_LEN: usize = 4096;
/// Version of all files. The golden files of `tests/golden` change with it and never without.
pub(crate) const VERSION: u32 = 3;
/// In front of each payload.
pub(crate) const HEADER_LEN: usize = 24;
/// Where a segment's records begin.
pub(crate) const DATA_START: u64 = PAGE;
/// The least length of a segment.
pub(crate) const MIN_SEGMENT_BYTES: u64 = 64 << 10;
/// The greatest length of a segment.
pub(crate) const MAX_SEGMENT_BYTES: u64 = 1 << 30;
/// Length of `META` and `STATE`: slot, guard page, slot.
pub(crate) const TWO_SLOTS: u64 = 3 * PAGE;
/// Length of a cursor.
pub(crate) const CURSOR_LEN: u64 = 4 * PAGE;
/// Where the second slot begins.
pub(crate) const SECOND_SLOT: u64 = 2 * PAGE;

/// The file that is locked.
pub(crate) const LOCK: &str = "LOCK";
/// The immutable facts of the queue.
pub(crate) const META: &str = "META";
/// Up to where the queue is synced, and what was dropped.
pub(crate) const STATE: &str = "STATE";
/// Where the cursors lie.
pub(crate) const CONSUMERS: &str = "consumers";
/// What a file being made is called until it is complete.
pub(crate) const TMP_SUFFIX: &str = ".tmp";

/// The four bytes from `at` on, or zero where there are none.
#[inline]
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

/// The eight bytes from `at` on, or zero where there are none.
#[inline]
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

/// The sixteen bytes from `at` on, or zero where there are none.
pub(crate) fn id_at(bytes: &[u8], at: usize) -> [u8; 16] {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or([0; 16], |chunk| *chunk)
}

/// A block of `N` bytes put together field by field, its checksum last.
pub(crate) struct Block<const N: usize> {
    bytes: [u8; N],
    at: usize,
}

impl<const N: usize> Block<N> {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; N], at: 0 }
    }

    /// The next field.
    pub(crate) fn put(mut self, field: &[u8]) -> Self {
        if let Some(room) = self.bytes.get_mut(self.at..self.at + field.len()) {
            room.copy_from_slice(field);
        }
        self.at += field.len();
        self
    }

    /// The last four bytes become the CRC-32C of all before them.
    pub(crate) fn seal(mut self) -> [u8; N] {
        debug_assert_eq!(self.at + 4, N, "a field is missing or one too many");
        if let Some((body, crc)) = self.bytes.split_last_chunk_mut::<4>() {
            *crc = crc_fast::crc32_iscsi(body).to_le_bytes();
        }
        self.bytes
    }
}

/// Whether the last four of `bytes` are the CRC-32C of all before them.
pub(crate) fn sealed(bytes: &[u8]) -> bool {
    bytes
        .split_last_chunk::<4>()
        .is_some_and(|(body, crc)| crc_fast::crc32_iscsi(body) == u32::from_le_bytes(*crc))
}
