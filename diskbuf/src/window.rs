//! A part of a segment in memory, and the search for the next record in it. Reading on, skipping damage and
//! finding the end after a crash are all made of these.

use std::fmt;
use std::io;

use crate::format::HEADER_LEN;
use crate::record::{Head, Life};
use crate::segment::read_full;
use crate::storage::StorageFile;

/// Bytes of one file, from `at` on.
pub(crate) struct Window {
    buf: Vec<u8>,
    at: u64,
    filled: usize,
    capacity: usize,
}

/// Which records are looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) life: Life,
    /// No record reaches behind this.
    pub(crate) end: u64,
    pub(crate) min_seq: u64,
    /// The first number too high.
    pub(crate) bound: u64,
}

impl Wanted {
    /// The header in `bytes`, which lie at `at`, if such a record can begin there.
    #[inline]
    pub(crate) fn parse(&self, bytes: &[u8], at: u64) -> Option<Head> {
        let head = self.life.parse(bytes)?;
        let fits = at.checked_add(head.size()).is_some_and(|end| end <= self.end);
        (fits && head.seq < self.bound).then_some(head)
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Window").field("at", &self.at).field("filled", &self.filled).finish_non_exhaustive()
    }
}

impl Window {
    pub(crate) const fn new(capacity: usize) -> Self {
        Self { buf: Vec::new(), at: 0, filled: 0, capacity }
    }

    /// Forgets what it holds: the file is another.
    pub(crate) const fn clear(&mut self) {
        self.filled = 0;
    }

    /// The `len` bytes at `at`, if they are here.
    #[inline]
    pub(crate) fn get(&self, at: u64, len: usize) -> Option<&[u8]> {
        let from = self.index(at)?;
        self.buf.get(..self.filled)?.get(from..from.checked_add(len)?)
    }

    /// Where in the memory the byte `at` would be.
    #[inline]
    pub(crate) fn index(&self, at: u64) -> Option<usize> {
        usize::try_from(at.checked_sub(self.at)?).ok()
    }

    /// Where in the file the byte in place `index` lies.
    pub(crate) const fn offset(&self, index: usize) -> u64 {
        self.at + index as u64
    }

    /// The `len` bytes from the place `index` on.
    #[inline]
    pub(crate) fn slice(&self, index: usize, len: usize) -> &[u8] {
        self.buf.get(index..).and_then(|rest| rest.get(..len)).unwrap_or_default()
    }

    /// Reads so that the `len` bytes at `at` are here, and as much behind them as there is room for before `end`.
    pub(crate) fn load(&mut self, file: &dyn StorageFile, at: u64, len: usize, end: u64) -> io::Result<()> {
        let ahead = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX).min(self.capacity);
        let want = len.max(ahead);
        self.filled = 0;
        if self.buf.len() < want {
            // Zeroed by the system, page by page when they are used.
            self.buf = vec![0; want.max(self.capacity)];
        }
        if let Some(room) = self.buf.get_mut(..want) {
            read_full(file, room, at)?;
        }
        self.at = at;
        self.filled = want;
        Ok(())
    }

    /// The first record at or behind `from`, in steps of eight bytes, that is wanted. Its payload may be damaged.
    pub(crate) fn find(
        &mut self,
        file: &dyn StorageFile,
        wanted: &Wanted,
        from: u64,
    ) -> io::Result<Option<(u64, Head)>> {
        let mut at = from;
        while at + HEADER_LEN as u64 <= wanted.end {
            let Some(here) = self.get(at, HEADER_LEN).and_then(|_| self.index(at)) else {
                self.load(file, at, HEADER_LEN, wanted.end)?;
                continue;
            };
            let bytes = self.buf.get(here..self.filled).unwrap_or_default();
            for (step, header) in bytes.windows(HEADER_LEN).step_by(8).enumerate() {
                let place = at + 8 * step as u64;
                if place + HEADER_LEN as u64 > wanted.end {
                    break;
                }
                let starts = header.first_chunk().is_some_and(|header| wanted.life.may_start(header));
                if starts && let Some(head) = wanted.parse(header, place).filter(|h| h.seq >= wanted.min_seq)
                {
                    return Ok(Some((place, head)));
                }
            }
            at += ((bytes.len() - HEADER_LEN) / 8 + 1) as u64 * 8;
        }
        Ok(None)
    }

    /// Whether the payload of the record at `at` is the one its header promises.
    pub(crate) fn intact(
        &mut self,
        file: &dyn StorageFile,
        at: u64,
        head: &Head,
        end: u64,
    ) -> io::Result<bool> {
        let len = usize::try_from(head.size()).unwrap_or(usize::MAX);
        if self.get(at, len).is_none() {
            self.load(file, at, len, end)?;
        }
        let payload = self.get(at + HEADER_LEN as u64, head.len as usize);
        Ok(payload.is_some_and(|payload| head.fits(payload)))
    }
}
