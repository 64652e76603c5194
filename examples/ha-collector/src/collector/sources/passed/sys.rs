//! A descriptor by its number, as sd_listen_fds(3) has it.

#![expect(unsafe_code, reason = "a number becomes an owned descriptor; the block says why that is sound")]

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd};

use rustix::io::FdFlags;

/// The descriptor of that number, which our parent left open for us. Children do not get it.
pub(super) fn passed(number: i32) -> io::Result<OwnedFd> {
    if std::fs::symlink_metadata(format!("/proc/self/fd/{number}")).is_err() {
        return Err(io::Error::from(io::ErrorKind::NotFound));
    }
    // SAFETY: it is open, as just seen; LISTEN_PID says that it is for this process, and `Passed::take`, called once and
    // before anything else is opened here, is its only owner.
    let socket = unsafe { OwnedFd::from_raw_fd(number) };
    rustix::io::fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    Ok(socket)
}
