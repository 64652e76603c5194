//! Putting a file aside: `NAME` becomes `NAME.1`, what was `NAME.1` becomes `NAME.2`, as logrotate has it. What becomes
//! of `NAME.1` then is `compress`'s.
//!
//! A rename never replaces anything. A crash between two of them leaves a gap in the numbers, which the next rotation
//! closes: it moves those before the first gap. A file that is compressed lies beside its compressed self for a moment;
//! that one is complete, so the other can go.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use caps::CapsHashSet;
use rustix::fs::{self, AtFlags, RenameFlags};
use rustix::io::Errno;

use super::calendar::Calendar;
use super::compress::Compressor;
use super::root::Root;
use crate::config::{Compress, Rotate};

/// What a rotated file is called behind its number: as it was, or compressed.
pub(super) const ENDINGS: [&str; 3] = ["", ".gz", ".zst"];

/// Held while files are renamed, so that who compresses finds them where it looks.
pub(super) type Names = Arc<Mutex<()>>;

/// When to put a file aside, and where.
#[derive(Debug)]
pub(super) struct Rotation {
    rotate: Rotate,
    names: Names,
    compressor: Option<Compressor>,
}

impl Rotation {
    /// Takes up what an earlier run left half done. Whoever compresses needs these privileges.
    pub(super) fn new(rotate: Rotate, root: &Root, needs: CapsHashSet) -> io::Result<Self> {
        let names = Names::default();
        let compressor = match rotate.compress {
            None => None,
            Some(how) => Some(Compressor::start(how, root.handle()?, Arc::clone(&names), needs)?),
        };
        Ok(Self { rotate, names, compressor })
    }

    /// Whether a file of `len` bytes, last written to at `wrote_at`, has to go before `more` bytes are written at `now`.
    pub(super) fn is_due(
        &self,
        len: u64,
        more: usize,
        wrote_at: i64,
        now: i64,
        calendar: &mut Calendar,
    ) -> bool {
        let too_large = self.rotate.size.is_some_and(|size| len.saturating_add(more as u64) > size);
        // A clock that goes back does not make a file old.
        let too_old = self.rotate.every.is_some_and(|every| wrote_at < calendar.began(every, now));
        len > 0 && (too_large || too_old)
    }

    /// Puts the file of that path aside. Nobody writes to it any more.
    pub(super) fn rotate(&self, root: &Root, path: &[u8]) -> io::Result<()> {
        let (dir, name) = root.parent(path)?;
        {
            let _held = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            shift(&dir, name, self.rotate.keep)?;
        }
        if let Some(compressor) = &self.compressor {
            compressor.tidy(dir, name);
        }
        Ok(())
    }
}

/// `NAME` to `NAME.1`, after every other one has made room.
fn shift(dir: &OwnedFd, name: &[u8], keep: Option<u32>) -> Result<(), Errno> {
    let occupied =
        (1..u32::MAX).take_while(|&slot| !found_in(dir, name, slot).is_empty()).last().unwrap_or(0);
    for slot in (1..=occupied).rev() {
        let mut there = found_in(dir, name, slot);
        if there.len() > 1 {
            // Compressed, and not yet removed.
            gone(fs::unlinkat(dir, rotated(name, slot, ""), AtFlags::empty()))?;
            there.retain(|ending| !ending.is_empty());
        }
        for ending in there {
            let from = rotated(name, slot, ending);
            if keep.is_some_and(|keep| slot >= keep) {
                gone(fs::unlinkat(dir, &from, AtFlags::empty()))?;
            } else {
                rename_to_nothing(dir, &from, &rotated(name, slot + 1, ending))?;
            }
        }
    }
    rename_to_nothing(dir, name, &rotated(name, 1, ""))
}

/// `NAME.7.gz`.
pub(super) fn rotated(name: &[u8], slot: u32, ending: &str) -> Vec<u8> {
    [name, format!(".{slot}{ending}").as_bytes()].concat()
}

/// The endings under which there is a rotated file of that number.
pub(super) fn found_in(dir: &OwnedFd, name: &[u8], slot: u32) -> Vec<&'static str> {
    let there =
        |ending: &&str| fs::statat(dir, rotated(name, slot, ending), AtFlags::SYMLINK_NOFOLLOW).is_ok();
    ENDINGS.into_iter().filter(there).collect()
}

/// Renames, but not onto something.
pub(super) fn rename_to_nothing(dir: &OwnedFd, from: &[u8], to: &[u8]) -> Result<(), Errno> {
    match fs::renameat_with(dir, from, dir, to, RenameFlags::NOREPLACE) {
        // A filesystem that cannot promise it.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            match fs::statat(dir, to, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => fs::renameat(dir, from, dir, to),
                Ok(_) => Err(Errno::EXIST),
                Err(error) => Err(error),
            }
        }
        renamed => renamed,
    }
}

/// Whether the name of a file in `dir` is that of a rotated one: the file's own name, and whether it is compressed.
pub(super) fn original(name: &[u8]) -> Option<(&[u8], Option<Compress>)> {
    let compressed = [(&b".gz"[..], Compress::Gzip), (b".zst", Compress::Zstd)];
    let found =
        compressed.into_iter().find_map(|(ending, how)| Some((name.strip_suffix(ending)?, Some(how))));
    let (rest, how) = found.unwrap_or((name, None));
    let dot = rest.iter().rposition(|&byte| byte == b'.')?;
    let (own, number) = (rest.get(..dot)?, rest.get(dot + 1..)?);
    let is_number = matches!(number, [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit));
    (is_number && !own.is_empty()).then_some((own, how))
}

/// It is as good as removed if it is not there.
pub(super) fn gone(removed: Result<(), Errno>) -> Result<(), Errno> {
    match removed {
        Err(Errno::NOENT) => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    fn dir(path: &Path) -> OwnedFd {
        std::fs::File::open(path).unwrap().into()
    }

    /// What is in a directory: names and what they hold.
    fn content(path: &Path) -> BTreeMap<String, String> {
        let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
        entries
            .map(|entry| {
                let text = std::fs::read_to_string(entry.path()).unwrap();
                (entry.file_name().into_string().unwrap(), text)
            })
            .collect()
    }

    fn files<const N: usize>(wanted: [(&str, &str); N]) -> BTreeMap<String, String> {
        wanted.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    }

    fn with<const N: usize>(there: [(&str, &str); N], keep: Option<u32>) -> BTreeMap<String, String> {
        let temp = tempfile::tempdir().unwrap();
        for (name, text) in there {
            std::fs::write(temp.path().join(name), text).unwrap();
        }
        shift(&dir(temp.path()), b"log", keep).unwrap();
        content(temp.path())
    }

    #[test]
    fn every_older_file_moves_up_by_one() {
        let before = [("log", "a"), ("log.1", "b"), ("log.2.gz", "c"), ("log.3.zst", "d"), ("log.7", "e")];
        let after = [("log.1", "a"), ("log.2", "b"), ("log.3.gz", "c"), ("log.4.zst", "d"), ("log.7", "e")];
        assert_eq!(with(before, None), files(after));
    }

    #[test]
    fn only_so_many_are_kept_even_if_it_was_more_before() {
        let before = [("log", "a"), ("log.1", "b"), ("log.2.gz", "c"), ("log.3", "d"), ("log.4", "e")];
        assert_eq!(with(before, Some(2)), files([("log.1", "a"), ("log.2", "b")]));
        assert_eq!(with(before, Some(1)), files([("log.1", "a")]));
    }

    #[test]
    fn a_rotation_that_a_crash_cut_short_is_gone_on_with_by_the_next_and_loses_nothing() {
        // Cut after 3 -> 4 and after 2 -> 3.
        let before = [("log", "a"), ("log.1", "b"), ("log.3.gz", "c"), ("log.4", "d")];
        let after = [("log.1", "a"), ("log.2", "b"), ("log.3.gz", "c"), ("log.4", "d")];
        assert_eq!(with(before, None), files(after));
        // Cut before the last step.
        let before = [("log", "a"), ("log.2", "b"), ("log.3.gz", "c")];
        assert_eq!(with(before, None), files([("log.1", "a"), ("log.2", "b"), ("log.3.gz", "c")]));
    }

    #[test]
    fn a_file_beside_its_compressed_self_goes() {
        let before = [("log", "a"), ("log.1", "b"), ("log.1.gz", "B")];
        assert_eq!(with(before, None), files([("log.1", "a"), ("log.2.gz", "B")]));
    }

    #[test]
    fn nothing_is_ever_replaced() {
        let temp = tempfile::tempdir().unwrap();
        for name in ["from", "to"] {
            std::fs::write(temp.path().join(name), name).unwrap();
        }
        assert_eq!(rename_to_nothing(&dir(temp.path()), b"from", b"to"), Err(Errno::EXIST));
        assert_eq!(content(temp.path()), files([("from", "from"), ("to", "to")]));
    }

    #[test]
    fn rotated_names_are_told_from_others() {
        assert_eq!(original(b"a.log.12"), Some((&b"a.log"[..], None)));
        assert_eq!(original(b"a.log.1.gz"), Some((&b"a.log"[..], Some(Compress::Gzip))));
        for name in
            ["a.log", "a.log.gz", ".1", "a.log.01", "a.log.0", "a.log.1.gz.zst", "a.log.", "a.log.1x", ""]
        {
            assert_eq!(original(name.as_bytes()), None, "{name}");
        }
    }
}
