//! A part of a real file in memory, and on which file systems that is safe. The only unsafe code of this crate.
//!
//! No reference to the mapped bytes is ever made: others may change them at any time. They are only written to, from one
//! place at a time.

#![expect(unsafe_code, reason = "bytes are copied to where the system has mapped a file")]

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::{Advice, MmapOptions, MmapRaw};

use super::{Mapping, Region};
use crate::format::PAGE;

/// Some pages of a file.
#[derive(Debug)]
pub(super) struct View {
    memory: MmapRaw,
    /// Where in the file it begins.
    at: u64,
}

impl View {
    /// Maps the `len` bytes at `at`, none of which may lie behind the end of the file.
    pub(super) fn new(file: &File, at: u64, len: usize) -> io::Result<Self> {
        let inside =
            at.checked_add(len as u64).is_some_and(|end| at.is_multiple_of(PAGE) && len > 0 && end <= MAX);
        if !inside || file.metadata()?.len() < at + len as u64 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Self { memory: MmapOptions::new().offset(at).len(len).map_raw(file)?, at })
    }

    /// Where in the memory the `len` bytes at `at` of the file lie, if all of them do.
    fn index(&self, at: u64, len: usize) -> io::Result<usize> {
        let index = at.checked_sub(self.at).and_then(|index| usize::try_from(index).ok());
        let inside = |index: &usize| index.checked_add(len).is_some_and(|end| end <= self.memory.len());
        index.filter(inside).ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }
}

impl Region for View {
    fn prepare(&mut self, from: u64, until: u64) -> io::Result<()> {
        let len = usize::try_from(until.saturating_sub(from)).map_err(|_| io::ErrorKind::InvalidInput)?;
        let index = self.index(from, len)?;
        // Whole pages; the memory begins with one.
        let page = index / PAGE_LEN * PAGE_LEN;
        // As a store to each page would, but with an error where that had a signal.
        self.memory.advise_range(Advice::PopulateWrite, page, index - page + len)
    }

    fn store(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        let index = self.index(at, bytes.len())?;
        // SAFETY: `index` was found to lie, with `bytes.len()` bytes behind it, within the one allocation that the mapping is,
        // which `self` owns; so the pointer does not leave it.
        let to = unsafe { self.memory.as_mut_ptr().add(index) };
        // SAFETY: the source is a slice. The target is `bytes.len()` bytes of a mapping made for writing, alive as long as
        // `self`, and aligned for bytes. They cannot overlap: no reference to mapped bytes is ever made, so `bytes` lies
        // elsewhere. No other thread stores there through this mapping, since `self` is borrowed uniquely, and nobody reads
        // there: all others read and write the file by system calls. A page that cannot be had is a signal and no
        // undefined behaviour; it had been prepared, and the file is locked and never made shorter by us.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
        Ok(())
    }
}

/// What the file system of the directory `dir` makes of stores.
pub(super) fn mapping(dir: &Path) -> Mapping {
    let Some(magic) = magic(dir) else { return Mapping::Unsupported };
    if let Some(file_system) = named(&IN_PLACE, magic) {
        Mapping::InPlace { file_system }
    } else if let Some(file_system) = named(&COPYING, magic).or_else(|| named(&ASKING, magic)) {
        Mapping::Elsewhere { file_system }
    } else {
        Mapping::Unknown { magic: magic.into() }
    }
}

/// Whether what memory holds of the files in `dir` is in the memory of this system alone.
pub(super) fn is_ours(dir: &Path) -> bool {
    magic(dir).is_some_and(|magic| named(&IN_PLACE, magic).or_else(|| named(&COPYING, magic)).is_some())
}

fn magic(dir: &Path) -> Option<u32> {
    let statfs = rustix::fs::statfs(dir).ok()?;
    // As wide and signed as the architecture likes; the numbers have 32 bits.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the upper half, where there is one, repeats the sign"
    )]
    Some(statfs.f_type as u32)
}

fn named(list: &[(u32, &'static str)], magic: u32) -> Option<&'static str> {
    list.iter().find(|(number, _)| *number == magic).map(|(_, name)| *name)
}

/// From `statfs(2)` and `linux/magic.h`.
const IN_PLACE: [(u32, &str); 3] = [(0xef53, "ext4"), (0x5846_5342, "xfs"), (0x0102_1994, "tmpfs")];
/// They write elsewhere at each overwrite.
const COPYING: [(u32, &str); 4] =
    [(0x9123_683e, "btrfs"), (0x2fc1_2fc1, "zfs"), (0xca45_1a4e, "bcachefs"), (0xf2f5_2010, "f2fs")];
/// They ask a server, another process or another file system.
const ASKING: [(u32, &str); 7] = [
    (0x6969, "nfs"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb"),
    (0x00c3_6400, "ceph"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "fuse"),
    (0x794c_7630, "overlayfs"),
];
const PAGE_LEN: usize = crate::format::PAGE_LEN;
/// The longest file that a system can have.
const MAX: u64 = i64::MAX.unsigned_abs();

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    fn file(len: u64) -> File {
        let file = tempfile::tempfile().unwrap();
        file.set_len(len).unwrap();
        file
    }

    #[test]
    fn what_is_stored_is_read_from_the_file() {
        let file = file(5 * PAGE);
        let mut view = View::new(&file, PAGE, 3 * PAGE_LEN).unwrap();
        view.prepare(PAGE + 17, 4 * PAGE).unwrap();
        view.store(b"across pages", 2 * PAGE - 5).unwrap();
        view.store(b"last", 4 * PAGE - 4).unwrap();
        let mut found = [0; 12];
        file.read_exact_at(&mut found, 2 * PAGE - 5).unwrap();
        assert_eq!(&found, b"across pages");
        file.read_exact_at(&mut found[..4], 4 * PAGE - 4).unwrap();
        assert_eq!(&found[..4], b"last");
        file.write_all_at(b"pages across", 2 * PAGE - 5).unwrap();
        view.store(b"PAGES", 2 * PAGE - 5).unwrap();
        file.read_exact_at(&mut found, 2 * PAGE - 5).unwrap();
        assert_eq!(&found, b"PAGES across");
    }

    #[test]
    fn nothing_is_stored_or_prepared_outside() {
        let file = file(5 * PAGE);
        let mut view = View::new(&file, PAGE, 2 * PAGE_LEN).unwrap();
        for at in [0, PAGE - 1, 3 * PAGE - 2, 3 * PAGE, u64::MAX] {
            assert!(view.store(b"abc", at).is_err(), "{at}");
            assert!(view.prepare(at, at.saturating_add(3)).is_err() || at == u64::MAX, "{at}");
        }
        view.store(b"abc", 3 * PAGE - 3).unwrap();
        assert!(view.prepare(2 * PAGE, PAGE).is_ok(), "nothing is prepared");
        let mut found = vec![0; 5 * PAGE_LEN];
        file.read_exact_at(&mut found, 0).unwrap();
        assert_eq!(found.iter().filter(|byte| **byte != 0).count(), 3);
    }

    #[test]
    fn what_lies_behind_the_end_of_the_file_is_not_mapped() {
        let file = file(2 * PAGE);
        for (at, len) in [(0, 3 * PAGE_LEN), (2 * PAGE, 1), (1, 1), (0, 0), (u64::MAX - 4095, PAGE_LEN)] {
            assert!(View::new(&file, at, len).is_err(), "{at} {len}");
        }
    }

    #[test]
    fn a_file_that_shrank_is_an_error_when_it_is_prepared() {
        let file = file(2 * PAGE);
        let mut view = View::new(&file, 0, 2 * PAGE_LEN).unwrap();
        file.set_len(PAGE).unwrap();
        view.prepare(0, PAGE).unwrap();
        assert!(view.prepare(PAGE, 2 * PAGE).is_err());
    }
}
