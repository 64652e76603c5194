//! A bell for threads that wait in `poll`: rung to stop, heard beside whatever else they wait for.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// Clones are the same bell. Once rung, it rings for good.
#[derive(Clone, Debug)]
pub(crate) struct Bell(Arc<OwnedFd>);

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// There is something to read.
    Ready,
    TimedOut,
    Rung,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)))
    }

    pub(crate) fn ring(&self) {
        // Any number but zero will do. Only a counter at its end refuses, and then it rings.
        rustix::io::write(&*self.0, &[1; 8]).ok();
    }

    /// Waits until `fd` can be read, the bell rings, or the time is over; `None` is as long as it takes.
    pub(crate) fn wait(&self, fd: Option<BorrowedFd<'_>>, timeout: Option<Duration>) -> Woken {
        let until = timeout.map(|timeout| Instant::now() + timeout);
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            let mut waited = [
                PollFd::from_borrowed_fd(self.0.as_fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(fd.unwrap_or_else(|| self.0.as_fd()), PollFlags::IN),
            ];
            match poll(&mut waited, left.as_ref()) {
                Err(rustix::io::Errno::INTR) => continue,
                Ok(0) => return Woken::TimedOut,
                // A poll that fails cannot be waited in: whoever calls reads, and learns what is wrong.
                Err(_) => {
                    std::thread::sleep(Duration::from_millis(100));
                    return Woken::Ready;
                }
                Ok(_) => {}
            }
            let [bell, _] = &waited;
            return if bell.revents().is_empty() { Woken::Ready } else { Woken::Rung };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn it_is_heard_before_anything_else_and_for_good() {
        let bell = Bell::new().unwrap();
        let (reader, mut writer) = io::pipe().unwrap();
        let wait = |timeout| bell.wait(Some(reader.as_fd()), Some(timeout));
        assert_eq!(wait(Duration::ZERO), Woken::TimedOut);
        writer.write_all(b"x").unwrap();
        assert_eq!(wait(Duration::from_secs(60)), Woken::Ready);
        let waiter = std::thread::spawn({
            let bell = bell.clone();
            move || bell.wait(None, None)
        });
        bell.ring();
        assert_eq!(waiter.join().unwrap(), Woken::Rung);
        assert_eq!(wait(Duration::from_secs(60)), Woken::Rung);
    }
}
