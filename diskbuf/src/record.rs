//! One record on disk: 24 bytes of header, the payload, zeros up to the next multiple of eight. What stands
//! where is `FORMAT.md`; which records belong to a segment's life is decided by [`Life`].

use std::fmt;

use crate::format::{HEADER_LEN, u32_at, u64_at};
use crate::seq::Seq;

/// What ties records to one life of one segment: the secret salt, and the numbers it may hold.
#[derive(Clone, Copy)]
pub(crate) struct Life {
    pub(crate) salt: u64,
    pub(crate) first_seq: u64,
    /// Which of the header's first eight bytes its checksum covers: all, unless a laboratory wants to see what
    /// happens otherwise.
    pub(crate) covered: u64,
}

/// A header that verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) len: u32,
    pub(crate) seq: u64,
    body_crc: u32,
    place: u8,
}

/// Without the salt, which is a secret.
impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Life").field("first_seq", &self.first_seq).finish_non_exhaustive()
    }
}

impl Life {
    /// The header at the front of `bytes`, if it was written in this life.
    #[inline]
    pub(crate) fn parse(&self, bytes: &[u8]) -> Option<Head> {
        let header = bytes.first_chunk::<HEADER_LEN>()?;
        let (first, seq, body_crc) = (u64_at(header, 0), u64_at(header, 8), u32_at(header, 16));
        if !self.may_start(header) || self.head_crc(first, seq, body_crc) != u32_at(header, 20) {
            return None;
        }
        let in_range = seq >= self.first_seq && seq <= Seq::MAX;
        let [_, _, _, _, _, place, ..] = *header;
        in_range.then(|| Head { len: u32_at(header, 0), seq, body_crc, place })
    }

    /// Whether kind and magic fit: the cheap half of [`Self::parse`].
    #[inline]
    pub(crate) fn may_start(&self, header: &[u8; HEADER_LEN]) -> bool {
        let [_, _, _, _, k0, k1, m0, m1, ..] = *header;
        k0 == KIND_DATA && k1 & !(FIRST | LAST) == 0 && [m0, m1] == self.magic()
    }

    /// Fills in what [`stage`] could not know.
    #[inline]
    pub(crate) fn stamp(&self, header: &mut [u8; HEADER_LEN], seq: u64, place: u8) {
        let (len, body_crc) = (u32_at(header, 0), u32_at(header, 16));
        let [m0, m1] = self.magic();
        let first = u64::from(len) | u64::from(u32::from_le_bytes([KIND_DATA, place, m0, m1])) << 32;
        let crc = self.head_crc(first, seq, body_crc);
        let words = [first, seq, u64::from(body_crc) | u64::from(crc) << 32];
        for (to, word) in header.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *to = word.to_le_bytes();
        }
    }

    #[inline]
    fn magic(&self) -> [u8; 2] {
        let [a, b, ..] = self.salt.to_le_bytes();
        let [c, d] = MAGIC;
        [a ^ c, b ^ d]
    }

    /// CRC-32C of the salt and the header without its last four bytes. Put together from whole words: the header's
    /// bytes may have been written one by one a moment ago, and reading those back in words stalls.
    #[inline]
    fn head_crc(&self, first: u64, seq: u64, body_crc: u32) -> u32 {
        let mut covered = [0; 28];
        let (words, last) = covered.as_chunks_mut::<8>();
        for (to, word) in words.iter_mut().zip([self.salt, first & self.covered, seq]) {
            *to = word.to_le_bytes();
        }
        last.copy_from_slice(&body_crc.to_le_bytes());
        crc_fast::crc32_iscsi(&covered)
    }
}

impl Head {
    /// Header, payload and padding.
    #[inline]
    pub(crate) const fn size(&self) -> u64 {
        size(self.len)
    }

    /// Whether a batch begins with it.
    pub(crate) const fn is_first(&self) -> bool {
        self.place & FIRST != 0
    }

    /// Whether a batch ends with it.
    pub(crate) const fn is_last(&self) -> bool {
        self.place & LAST != 0
    }

    /// Its place in its batch, as in the header.
    pub(crate) const fn place(&self) -> u8 {
        self.place
    }

    /// Whether this is the payload that the header was written for.
    #[inline]
    pub(crate) fn fits(&self, payload: &[u8]) -> bool {
        crc_fast::crc32_iscsi(payload) == self.body_crc
    }
}

/// What a record with a payload of `len` bytes takes.
#[inline]
pub(crate) const fn size(len: u32) -> u64 {
    (HEADER_LEN as u64 + len as u64).next_multiple_of(8)
}

/// Lays a record down behind `out`, all but what only the queue knows.
#[inline]
pub(crate) fn stage(out: &mut Vec<u8>, len: u32, payload: &[u8]) {
    // The checksum first: while it is awaited, the payload is copied.
    let header = header(len, payload);
    out.reserve(HEADER_LEN + payload.len() + 8);
    out.extend_from_slice(&header);
    out.extend_from_slice(payload);
    pad(out);
}

/// The same with a payload in parts, one behind the other.
#[inline]
pub(crate) fn stage_parts(out: &mut Vec<u8>, len: u32, parts: &[&[u8]]) {
    let at = out.len();
    out.extend_from_slice(&[0; HEADER_LEN]);
    for part in parts {
        out.extend_from_slice(part);
    }
    let staged = header(len, out.get(at + HEADER_LEN..).unwrap_or_default());
    if let Some(header) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<HEADER_LEN>) {
        *header = staged;
    }
    pad(out);
}

/// Zeros up to where the next record begins.
#[inline]
fn pad(out: &mut Vec<u8>) {
    let missing = out.len().wrapping_neg() % 8;
    if missing > 0 {
        out.resize(out.len() + missing, 0);
    }
}

/// The header of a record with this payload of `len` bytes, all but what only the queue knows.
#[inline]
pub(crate) fn header(len: u32, payload: &[u8]) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    let [l0, l1, l2, l3, k0, _, _, _, _, _, _, _, _, _, _, _, c0, c1, c2, c3, ..] = &mut header;
    [*l0, *l1, *l2, *l3] = len.to_le_bytes();
    *k0 = KIND_DATA;
    [*c0, *c1, *c2, *c3] = crc_fast::crc32_iscsi(payload).to_le_bytes();
    header
}

/// [`Head::place`] of the first record of a batch.
pub(crate) const FIRST: u8 = 1;
/// [`Head::place`] of the last record of a batch.
pub(crate) const LAST: u8 = 2;
const KIND_DATA: u8 = 1;
const MAGIC: [u8; 2] = 0xD1B5_u16.to_le_bytes();
const _: () = assert!(HEADER_LEN.is_multiple_of(8) && size(0) == 24 && size(1) == 32 && size(8) == 32);
