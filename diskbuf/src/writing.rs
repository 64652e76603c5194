//! [`WritePath`]: which way single records and small batches go to the disk, and [`Writing`]: which way they go now, and why.

use std::fmt;
use std::io;

use crate::durable::Durability;
use crate::storage::{Mapping, Storage};

/// Which way single records and small batches go to the newest segment. The bytes and what survives which crash are the same.
/// Records and batches of more than 16 KiB are always written by calls, which is as fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum WritePath {
    /// Stores into a mapping where that is better: with [`Durability::Os`] and [`Durability::Interval`], on local file systems
    /// that write in place (ext4, XFS, tmpfs), as long as there are some 2500 appends a second and megabytes of records lie
    /// between two syncs. Calls otherwise.
    #[default]
    Choose,
    /// Stores wherever the system maps files. Where a store finds no room (a file system that writes elsewhere at each
    /// overwrite), the process dies of the signal `SIGBUS`. After each sync the segment is mapped anew, and the next sync writes
    /// what was made ready since, stored to or not: up to 256 KiB; with [`Durability::Group`] and [`Durability::Each`] the pages
    /// that were stored to, or as much as the system keeps together with them. After a pause of a fifth of a second it is made
    /// ready again, too: what lies idle may be given up by the system.
    Mapped,
    /// A system call each.
    Called,
}

/// Which way they go now: see [`Status::writing`](crate::Status::writing).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Writing {
    /// Stores into a mapping.
    Mapped,
    /// A system call each.
    Called(CallReason),
}

/// Why there are no stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallReason {
    /// [`WritePath::Called`] was asked for.
    Asked,
    /// Each sync is waited for, and one of stores writes more than what is new.
    Durability,
    /// What the storage says.
    Storage(Mapping),
    /// Too few appends come for it to be worth while, however many records each of them has.
    FewAppends,
    /// So few come between two syncs that it is better to write only what is new.
    OftenSynced,
    /// Mapping the newest segment was refused.
    Refused {
        /// As what.
        kind: io::ErrorKind,
        /// With which number of the system (`errno`), if it was the system.
        code: Option<i32>,
    },
}

impl CallReason {
    pub(crate) fn refused(error: &io::Error) -> Self {
        Self::Refused { kind: error.kind(), code: error.raw_os_error() }
    }
}

/// What [`WritePath`] comes to on a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Never(CallReason),
    InStreams,
    Always,
    /// And no more is made ready than is stored to: each sync is waited for.
    Sparingly,
}

impl Policy {
    pub(crate) fn new(path: WritePath, durability: Durability, storage: &dyn Storage) -> Self {
        match (path, durability) {
            (WritePath::Called, _) => Self::Never(CallReason::Asked),
            (WritePath::Mapped, Durability::Group | Durability::Each) => Self::Sparingly,
            (WritePath::Mapped, Durability::Os | Durability::Interval(_)) => Self::Always,
            (WritePath::Choose, Durability::Group | Durability::Each) => Self::Never(CallReason::Durability),
            (WritePath::Choose, Durability::Os | Durability::Interval(_)) => match storage.mapping() {
                Mapping::InPlace { .. } => Self::InStreams,
                other => Self::Never(CallReason::Storage(other)),
            },
        }
    }
}

impl fmt::Display for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mapped => f.write_str("stores into a mapping"),
            Self::Called(why) => write!(f, "a system call each: {why}"),
        }
    }
}

impl fmt::Display for CallReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("it was asked for"),
            Self::Durability => f.write_str("each sync is waited for"),
            Self::Storage(mapping) => mapping.fmt(f),
            Self::FewAppends => f.write_str("few appends come"),
            Self::OftenSynced => f.write_str("syncs come often"),
            Self::Refused { code: Some(code), .. } => {
                write!(f, "mapping was refused: {}", io::Error::from_raw_os_error(*code))
            }
            Self::Refused { kind, code: None } => write!(f, "mapping was refused: {kind}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_the_system_said() {
        let error = io::Error::from_raw_os_error(22);
        assert_eq!(
            Writing::Called(CallReason::refused(&error)).to_string(),
            format!("a system call each: mapping was refused: {error}")
        );
        let other = CallReason::refused(&io::ErrorKind::Unsupported.into());
        assert_eq!(other.to_string(), "mapping was refused: unsupported");
    }
}
