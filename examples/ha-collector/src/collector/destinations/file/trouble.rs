//! What an error of a file means for the others of its destination.

use std::io;
use std::time::{Duration, Instant};

use rustix::io::Errno;

/// Why lines are not where they belong.
#[derive(Debug)]
pub(super) enum Trouble {
    /// No file of this destination can be written.
    OfAll(io::Error),
    /// This one cannot, for the moment.
    OfOne(io::Error),
}

/// What kept files from being written, by filesystem and error: for the next one that meets it nobody waits, or a thousand
/// hosts on one full disk would hold the others up one after the other.
#[derive(Debug, Default)]
pub(super) struct Ailments(Vec<(u64, Option<i32>, Instant)>);

impl Ailments {
    /// How long it is remembered after it was last met.
    const REMEMBERED: Duration = Duration::from_secs(180);

    /// Whether somebody has waited for this in vain.
    pub(super) fn know(&self, device: u64, error: &io::Error, now: Instant) -> bool {
        let this = (device, error.raw_os_error());
        let fresh = |at: Instant| now.saturating_duration_since(at) < Self::REMEMBERED;
        self.0.iter().any(|&(device, error, at)| (device, error) == this && fresh(at))
    }

    /// Somebody has.
    pub(super) fn remember(&mut self, device: u64, error: &io::Error, now: Instant) {
        let this = (device, error.raw_os_error());
        self.0.retain(|&(device, error, at)| {
            (device, error) != this && now.saturating_duration_since(at) < Self::REMEMBERED
        });
        self.0.push((this.0, this.1, now));
    }
}

pub(super) fn is_missing(opened: &io::Result<()>) -> bool {
    opened.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

pub(super) fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

/// Whether waiting for a moment would not help.
pub(super) fn is_for_good(error: &io::Error) -> bool {
    let errors = [
        Errno::ACCESS,
        Errno::EXIST,
        Errno::INVAL,
        Errno::ISDIR,
        Errno::LOOP,
        Errno::NAMETOOLONG,
        Errno::NOENT,
        Errno::NOTDIR,
        Errno::NXIO,
        Errno::PERM,
        Errno::XDEV,
    ];
    Errno::from_io_error(error).is_some_and(|errno| errors.contains(&errno))
}
