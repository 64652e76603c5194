//! The collector's standard output, or what stands for a console.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::Deliver;
use super::Render;
use super::batch::Batch;
use crate::collector::event::Event;
use crate::config::ConsoleDestination;

/// How long one call tries.
const PATIENCE: Duration = Duration::from_secs(1);
/// Written at once. What poll(2) calls writable takes so much of a pipe without blocking (PIPE_BUF, pipe(7)): standard
/// output is shared with others, and is not ours to be made non-blocking.
const PIECE: usize = 4096;

/// A destination, ready to run.
#[derive(Debug)]
pub(crate) struct Console {
    path: Option<PathBuf>,
    render: Box<dyn Render>,
    batch: Batch,
    written: usize,
    open: Option<File>,
}

impl Console {
    pub(crate) fn new(config: &ConsoleDestination, render: Box<dyn Render>) -> Self {
        Self { path: config.path.clone(), render, batch: Batch::default(), written: 0, open: None }
    }

    fn write(&mut self, until: Instant) -> io::Result<()> {
        if let (Some(path), None) = (&self.path, &self.open) {
            let flags = libc::O_NOCTTY | libc::O_NONBLOCK;
            self.open = Some(File::options().append(true).custom_flags(flags).open(path)?);
        }
        let stdout = io::stdout();
        let fd: BorrowedFd<'_> = self.open.as_ref().map_or_else(|| stdout.as_fd(), |file| file.as_fd());
        while let Some(rest) = self.batch.bytes().get(self.written..).filter(|rest| !rest.is_empty()) {
            let left = until.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
            match poll(&mut [PollFd::new(&fd, PollFlags::OUT)], Some(&timeout)) {
                Ok(0) => return Err(io::Error::new(io::ErrorKind::TimedOut, "it takes nothing")),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            match rustix::io::write(fd, rest.get(..PIECE).unwrap_or(rest)) {
                Ok(len) => self.written += len,
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {
                    if left.is_zero() {
                        return Err(io::Error::new(io::ErrorKind::TimedOut, "it takes nothing"));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl Deliver for Console {
    fn take(&mut self, event: &Event<'_>) {
        let render = &mut self.render;
        self.batch.push_with(|out| {
            render.render(event, out);
            if out.last() != Some(&b'\n') {
                out.push(b'\n');
            }
        });
    }

    fn flush(&mut self, now: Instant) -> io::Result<()> {
        if let Err(error) = self.write(now + PATIENCE) {
            if error.kind() != io::ErrorKind::TimedOut {
                // Opened anew, a line that was begun is begun anew.
                self.open = None;
                self.written = self.batch.boundary_to(self.written);
            }
            return Err(error);
        }
        self.take_back();
        Ok(())
    }

    fn take_back(&mut self) {
        self.batch.clear();
        self.written = 0;
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.open = None;
        Ok(())
    }
}
