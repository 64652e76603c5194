//! What an error of a file means for the others of its destination.

use std::io;

use rustix::io::Errno;

/// Why lines are not where they belong.
#[derive(Debug)]
pub(super) enum Trouble {
    /// No file of this destination can be written.
    OfAll(io::Error),
    /// This one cannot, for the moment.
    OfOne(io::Error),
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
