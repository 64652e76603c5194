//! [`Doubt`]: from where on memory may hold what the disk does not, and will not get. A sync that was asked and not seen to
//! succeed leaves such a place, until the machine starts anew: then nothing is in memory, and what is read comes from the disk.

use std::io;

use crate::storage::StorageFile;

/// A place in the queue, from which on what is read may be in memory only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Doubt {
    pub(crate) segment: u64,
    /// Where in it.
    pub(crate) at: u64,
    pub(crate) cause: Cause,
}

/// What was going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A sync of records.
    Syncing,
    /// What must not come back was overwritten: nothing may be appended over it before that is on the disk.
    Cutting,
}

/// What the pages in memory are that an opening reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// Read from the disk since the machine was started: nobody has had the queue open since.
    Fresh,
    /// Perhaps left by a process that ended.
    Kept,
}

impl Doubt {
    /// This one, and `other`.
    pub(crate) fn and(self, other: Option<Self>) -> Self {
        let Some(other) = other else { return self };
        let earlier = if other.place() < self.place() { other } else { self };
        let cause =
            if [self.cause, other.cause].contains(&Cause::Cutting) { Cause::Cutting } else { Cause::Syncing };
        Self { cause, ..earlier }
    }

    /// What of it lies behind `at` in `segment`: all before that was synced.
    pub(crate) fn behind(self, segment: u64, at: u64) -> Self {
        if self.place() < (segment, at) { Self { segment, at, ..self } } else { self }
    }

    /// Where in the segment `id` it begins, if it does not begin behind that.
    pub(crate) fn within(&self, id: u64) -> Option<u64> {
        match id.cmp(&self.segment) {
            std::cmp::Ordering::Less => None,
            std::cmp::Ordering::Equal => Some(self.at),
            std::cmp::Ordering::Greater => Some(0),
        }
    }

    const fn place(&self) -> (u64, u64) {
        (self.segment, self.at)
    }
}

/// Writes the bytes from `from` to before `until` again, as they are read: then they are new to the kernel, and the next sync
/// of the file is one of them, too.
pub(crate) fn write_again(file: &dyn StorageFile, from: u64, until: u64) -> io::Result<()> {
    let mut buf = vec![0; 1 << 16];
    let mut at = from;
    while at < until {
        let left = usize::try_from(until - at).unwrap_or(usize::MAX).min(buf.len());
        let part = buf.get_mut(..left).unwrap_or_default();
        let n = file.read_at(part, at)?;
        if n == 0 {
            break;
        }
        file.write_all_at(part.get(..n).unwrap_or_default(), at)?;
        at += n as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn doubt(segment: u64, at: u64, cause: Cause) -> Doubt {
        Doubt { segment, at, cause }
    }

    #[test]
    fn two_doubts_begin_where_the_earlier_does() {
        let (syncing, cutting) = (doubt(3, 4096, Cause::Syncing), doubt(3, 8192, Cause::Cutting));
        assert_eq!(syncing.and(None), syncing);
        assert_eq!(syncing.and(Some(cutting)), doubt(3, 4096, Cause::Cutting));
        assert_eq!(cutting.and(Some(syncing)), doubt(3, 4096, Cause::Cutting));
        assert_eq!(syncing.and(Some(doubt(2, 9000, Cause::Syncing))), doubt(2, 9000, Cause::Syncing));
    }

    #[test]
    fn what_was_synced_is_not_in_doubt() {
        let all = doubt(3, 0, Cause::Syncing);
        assert_eq!(all.behind(3, 5000), doubt(3, 5000, Cause::Syncing));
        assert_eq!(all.behind(2, 5000), all);
        assert_eq!(all.behind(4, 5000).within(3), None);
        assert_eq!([3, 4, 5].map(|id| all.behind(4, 5000).within(id)), [None, Some(5000), Some(0)]);
    }
}
