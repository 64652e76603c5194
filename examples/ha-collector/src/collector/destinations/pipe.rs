//! A named pipe. Made where it is missing; while nobody has it open for reading, messages wait.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode};

use super::Deliver;
use super::Render;
use super::batch::Batch;
use crate::collector::event::Event;
use crate::config::PipeDestination;

/// How long one call tries.
const PATIENCE: Duration = Duration::from_secs(1);

/// A destination, ready to run.
#[derive(Debug)]
pub(crate) struct Pipe {
    path: PathBuf,
    mode: u32,
    render: Box<dyn Render>,
    lines: Lines,
    /// Kept open when its reader goes: what is in it is there for the next reader.
    open: Option<File>,
}

impl Pipe {
    pub(crate) fn new(config: &PipeDestination, render: Box<dyn Render>) -> Self {
        Self { path: config.path.clone(), mode: config.mode, render, lines: Lines::default(), open: None }
    }

    fn open(&self) -> io::Result<File> {
        let options = || {
            let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
            File::options().write(true).custom_flags(flags).open(&self.path)
        };
        let file = match options() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                rustix::fs::mknodat(
                    rustix::fs::CWD,
                    &self.path,
                    FileType::Fifo,
                    Mode::from_raw_mode(self.mode),
                    0,
                )?;
                // The mode as asked for, whatever the mask of this process.
                rustix::fs::chmod(&self.path, Mode::from_raw_mode(self.mode))?;
                options()
            }
            opened => opened,
        };
        let file = file.map_err(|error| match error.raw_os_error() {
            Some(libc::ENXIO) => {
                io::Error::new(error.kind(), format!("nobody reads {}", self.path.display()))
            }
            _ => error,
        })?;
        if !file.metadata()?.file_type().is_fifo() {
            let message = format!("{} is no named pipe", self.path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(file)
    }

    /// Whether another pipe has taken its place.
    fn is_replaced(&self, file: &File) -> bool {
        match (file.metadata(), self.path.metadata()) {
            (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) != (there.dev(), there.ino()),
            _ => true,
        }
    }
}

impl Deliver for Pipe {
    fn take(&mut self, event: &Event<'_>) {
        self.lines.take(&mut *self.render, event);
    }

    fn flush(&mut self, now: Instant) -> io::Result<()> {
        if self.lines.is_written() {
            self.lines.clear();
            return Ok(());
        }
        let file = match self.open.take() {
            Some(file) => file,
            None => self.open()?,
        };
        let written = self.lines.write(&file, now + PATIENCE);
        if let Err(error) = &written
            && error.kind() != io::ErrorKind::TimedOut
            && self.is_replaced(&file)
        {
            // What is unread in the old one is gone with it.
            let unread = unread(&file);
            self.lines.back(unread);
        } else {
            self.open = Some(file);
        }
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => {
                io::Error::new(error.kind(), format!("nobody reads {}", self.path.display()))
            }
            _ => error,
        })?;
        self.lines.clear();
        Ok(())
    }

    fn take_back(&mut self) {
        self.lines.clear();
    }

    fn reopen(&mut self) -> io::Result<()> {
        if self.open.as_ref().is_some_and(|file| self.is_replaced(file)) {
            self.open = None;
        }
        Ok(())
    }
}

/// A batch of lines on its way into a pipe.
#[derive(Debug, Default)]
pub(super) struct Lines {
    batch: Batch,
    written: usize,
}

impl Lines {
    pub(super) fn take(&mut self, render: &mut dyn Render, event: &Event<'_>) {
        self.batch.push_with(|out| {
            render.render(event, out);
            if out.last() != Some(&b'\n') {
                out.push(b'\n');
            }
        });
    }

    pub(super) fn is_written(&self) -> bool {
        self.written >= self.batch.bytes().len()
    }

    pub(super) fn clear(&mut self) {
        self.batch.clear();
        self.written = 0;
    }

    /// So many bytes were written and are lost: begins again with the first line that was not read whole.
    pub(super) fn back(&mut self, lost: usize) {
        self.written = self.batch.boundary_to(self.written.saturating_sub(lost));
    }

    /// Writes on, without ever blocking, until everything is written.
    pub(super) fn write(&mut self, pipe: impl std::os::fd::AsFd, until: Instant) -> io::Result<()> {
        while let Some(rest) = self.batch.bytes().get(self.written..).filter(|rest| !rest.is_empty()) {
            match rustix::io::write(&pipe, rest) {
                Ok(len) => self.written += len,
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(io::Error::new(io::ErrorKind::TimedOut, "its reader does not read"));
                    }
                    let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
                    match poll(&mut [PollFd::new(&pipe, PollFlags::OUT)], Some(&timeout)) {
                        Ok(_) | Err(rustix::io::Errno::INTR) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Bytes in a pipe that nobody has read.
pub(super) fn unread(pipe: impl std::os::fd::AsFd) -> usize {
    rustix::io::ioctl_fionread(pipe).ok().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
