//! The few rules that a laboratory may break, one at a time, to see that it is noticed. Everybody else keeps them all.

/// A rule not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Rules {
    #[default]
    Kept,
    /// What is durable is read after the sync instead of before.
    HeadAfterSync,
    /// A file keeps its salt when it is used again.
    SaltKept,
    /// A header's checksum does not cover the length.
    LengthNotCovered,
    /// What is mapped stays mapped when another file is the newest segment's.
    MappingKept,
    /// Those who wait are told before it is noted what they are told.
    NotedAfterTold,
    /// That what must not come back is overwritten is not noted.
    CutUnnoted,
}

impl Rules {
    /// What the salt of the segment `id` is made from.
    pub(crate) fn salt_of(self, id: u64) -> u64 {
        if self == Self::SaltKept { 0 } else { id }
    }

    /// Which octets of a record's first eight its header checksum covers.
    pub(crate) fn covered(self) -> u64 {
        if self == Self::LengthNotCovered { !0 << 32 } else { !0 }
    }

    /// Whether a mapping ends with its segment.
    pub(crate) fn forgets_mappings(self) -> bool {
        self != Self::MappingKept
    }

    /// What was synced: `before` was there when the sync began, `after` when it ended.
    pub(crate) fn synced<T>(self, before: T, after: impl FnOnce() -> T) -> T {
        if self == Self::HeadAfterSync { after() } else { before }
    }

    /// What is told is noted before.
    pub(crate) fn noted_and_told<E>(
        self,
        note: impl FnOnce() -> Result<(), E>,
        tell: impl FnOnce(),
    ) -> Result<(), E> {
        if self == Self::NotedAfterTold {
            tell();
            return note().or(Ok(()));
        }
        note()?;
        tell();
        Ok(())
    }

    /// Whether it is noted where something is overwritten that must not come back.
    pub(crate) fn notes_cuts(self) -> bool {
        self != Self::CutUnnoted
    }
}
