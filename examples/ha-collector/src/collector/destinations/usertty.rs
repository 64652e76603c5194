//! The terminals of users who are logged in, as utmp(5) names them.
//!
//! A terminal takes what it takes at that moment: one that its user has stopped, or that is gone, never makes anybody wait.
//! Control characters are escaped, whatever the message is rendered as: nobody sends orders to a terminal through a log.

use std::io;
use std::mem::{offset_of, size_of};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::time::Instant;

use rustix::fs::{Mode, OFlags};

use super::Render;
use super::batch::Batch;
use super::{Deliver, Tally};
use crate::collector::event::Event;
use crate::collector::template::escape::escape_into;
use crate::config::UserttyDestination;

const UTMP: &str = "/run/utmp";
const DEVICES: &str = "/dev";
/// Written to at most; a file that says otherwise is damaged.
const MOST_TERMINALS: usize = 1024;
/// No line on a terminal is longer.
const LONGEST: usize = 2048;

/// A destination, ready to run.
#[derive(Debug)]
pub(crate) struct Terminals {
    users: Vec<String>,
    render: Box<dyn Render>,
    scratch: Vec<u8>,
    batch: Batch,
    tally: Tally,
    utmp: PathBuf,
    devices: PathBuf,
}

impl Terminals {
    pub(crate) fn new(config: &UserttyDestination, render: Box<dyn Render>) -> Self {
        Self {
            users: config.users.clone(),
            render,
            scratch: Vec::new(),
            batch: Batch::default(),
            tally: Tally::default(),
            utmp: UTMP.into(),
            devices: DEVICES.into(),
        }
    }

    /// The terminals that are there now, open.
    fn open(&self) -> Vec<OwnedFd> {
        // Without the file nobody is logged in.
        let utmp = std::fs::read(&self.utmp).unwrap_or_default();
        let mut lines: Vec<PathBuf> = sessions(&utmp)
            .filter(|session| self.users.iter().any(|user| user == "*" || user.as_bytes() == session.user))
            .filter_map(|session| std::str::from_utf8(session.line).ok().map(PathBuf::from))
            .filter(|line| is_beneath(line))
            .take(MOST_TERMINALS)
            .collect();
        lines.sort();
        lines.dedup();
        lines.iter().filter_map(|line| open(&self.devices.join(line)).ok()).collect()
    }
}

impl Deliver for Terminals {
    fn take(&mut self, event: &Event<'_>) {
        self.scratch.clear();
        self.render.render(event, &mut self.scratch);
        let end = self.scratch.iter().rposition(|byte| *byte != b'\n').map_or(0, |last| last + 1);
        let text = self.scratch.get(..end.min(LONGEST)).unwrap_or_default();
        self.tally.cut += u64::from(end > LONGEST);
        self.batch.push_with(|out| {
            escape_into(text, out);
            out.extend_from_slice(b"\r\n");
        });
    }

    fn flush(&mut self, _now: Instant) -> io::Result<()> {
        let mut terminals = self.open();
        for message in self.batch.iter() {
            let mut shown: u64 = 0;
            terminals.retain(|terminal| match rustix::io::write(terminal, message) {
                Ok(len) if len == message.len() => {
                    shown += 1;
                    true
                }
                // Stopped, or slow: it misses this one, and the end of one that it took in part.
                Ok(_) | Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => true,
                Err(_) => false,
            });
            self.tally.dropped += u64::from(shown == 0);
        }
        self.batch.clear();
        Ok(())
    }

    fn take_back(&mut self) {
        self.batch.clear();
    }

    fn tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }
}

fn open(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::empty())?;
    if rustix::termios::isatty(&fd) { Ok(fd) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

/// Only names of devices: nothing that leads elsewhere.
fn is_beneath(line: &Path) -> bool {
    !line.as_os_str().is_empty() && line.components().all(|part| matches!(part, Component::Normal(_)))
}

/// Somebody who is logged in.
#[derive(Debug, PartialEq, Eq)]
struct Session<'u> {
    user: &'u [u8],
    line: &'u [u8],
}

/// The sessions of users in the bytes of a utmp file.
fn sessions(utmp: &[u8]) -> impl Iterator<Item = Session<'_>> {
    utmp.chunks_exact(size_of::<libc::utmpx>()).filter_map(|entry| {
        let kind = entry.get(offset_of!(libc::utmpx, ut_type)..)?.first_chunk()?;
        #[expect(clippy::host_endian_bytes, reason = "a file of this machine, as its programs write it")]
        let kind = i16::from_ne_bytes(*kind);
        let text = |at: usize, len: usize| {
            let field = entry.get(at..at + len)?;
            field.split(|byte| *byte == 0).next()
        };
        let session = Session {
            user: text(offset_of!(libc::utmpx, ut_user), libc::__UT_NAMESIZE)?,
            line: text(offset_of!(libc::utmpx, ut_line), libc::__UT_LINESIZE)?,
        };
        (kind == libc::USER_PROCESS && !session.user.is_empty()).then_some(session)
    })
}

#[cfg(test)]
mod tests;
