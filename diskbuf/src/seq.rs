//! The number of a record: [`Seq`], and ranges of them that are gone: [`Loss`].

use std::fmt;

/// The number of a record in its queue: strictly rising by one, starting at 1. It is used twice only when power was
/// lost before the record was synced or acknowledged by a consumer: see [`Durable`](crate::Durable).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(u64);

impl Seq {
    /// The first record of every queue.
    pub const FIRST: Self = Self(1);

    /// The largest number that the format accepts.
    pub(crate) const MAX: u64 = 1 << 62;

    /// The number `n`; zero becomes [`Seq::FIRST`], since no record has the number 0.
    #[must_use]
    pub const fn new(n: u64) -> Self {
        if n == 0 { Self::FIRST } else { Self(n) }
    }

    /// The bare number.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Seq> for u64 {
    fn from(seq: Seq) -> Self {
        seq.0
    }
}

/// Records that the queue held and can no longer give: both ends belong to the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The first record that is gone.
    pub from: Seq,
    /// The last record that is gone.
    pub to: Seq,
    /// Why.
    pub cause: LossCause,
}

impl Loss {
    /// How many records the range holds.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.to.0.saturating_sub(self.from.0).saturating_add(1)
    }

    /// Appends to a list in order; joins a neighbour of the same cause.
    pub(crate) fn push_onto(self, list: &mut Vec<Self>) {
        match list.last_mut() {
            Some(last) if last.cause == self.cause && last.to.next() == self.from => last.to = self.to,
            _ => list.push(self),
        }
    }
}

/// Why records are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LossCause {
    /// The bytes on disk do not verify.
    Corrupt,
    /// Accepted, but not yet synced when the power was lost: nobody was told that they would survive.
    Unsynced,
    /// They had been synced, and the device has lost them: it does not keep what it says.
    DeviceLost,
    /// Dropped to make room, by [`WhenFull::DropOldest`](crate::WhenFull::DropOldest) or since the consumer
    /// [loses](crate::Behind::Loses). If that was in an earlier run, this is a conclusion: as many were dropped as are
    /// gone.
    DroppedForRoom,
    /// The segment that held them is not there, and was not dropped for room as far as the counts in `STATE` tell: removed by
    /// hand or by the file system. Those counts may be too low after a power loss.
    Missing,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, cause } = self;
        if from == to {
            write!(f, "record {from} is gone: {cause}")
        } else {
            write!(f, "records {from} to {to} are gone: {cause}")
        }
    }
}

impl fmt::Display for LossCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Corrupt => "the bytes on disk do not verify",
            Self::Unsynced => "power was lost before a sync",
            Self::DeviceLost => "the device has lost what it had synced",
            Self::DroppedForRoom => "dropped to make room",
            Self::Missing => "the segment is not there",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_a_sentence() {
        let loss = |from, to, cause| Loss { from: Seq::new(from), to: Seq::new(to), cause }.to_string();
        let dropped = loss(7, 7, LossCause::DroppedForRoom);
        assert_eq!(dropped, "record 7 is gone: dropped to make room");
        let corrupt = loss(7, 9, LossCause::Corrupt);
        assert_eq!(corrupt, "records 7 to 9 are gone: the bytes on disk do not verify");
    }
}
