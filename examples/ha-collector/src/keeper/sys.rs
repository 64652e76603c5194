//! What the advertising thread asks of the scheduler, which no safe wrapper offers. One of the files of this program that
//! may hold `unsafe`.

#![expect(unsafe_code, reason = "sched_setscheduler(2); every block says why it is sound")]

use std::io;

/// Runs the calling thread before all ordinary ones (SCHED_FIFO). What it starts is ordinary again.
pub(super) fn real_time(priority: u8) -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: i32::from(priority) };
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: the parameters outlive the call, which only reads them; 0 is the calling thread.
    let status = unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Keeps what this process touches in memory: a page that was swapped out would make an advertisement late.
pub(super) fn lock_memory() -> io::Result<()> {
    // SAFETY: it has no pointers.
    let status = unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
