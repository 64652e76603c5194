//! One file: the lines that wait for it, how far they are written, and whether its name still means it.

use std::fs::File;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use tracing::{error, info, warn};

use super::open;
use super::root::{Found, Identity, IfMissing, Root};

/// How often it is looked whether somebody moved a file away or removed it.
const LOOK: Duration = Duration::from_secs(1);

/// Whose lines a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Those of the messages that belong there.
    Own,
    /// Those that can go nowhere else.
    Overflow,
}

/// A file of a destination.
#[derive(Debug)]
pub(super) struct LogFile {
    /// Beneath the root.
    pub(super) path: Box<[u8]>,
    pub(super) role: Role,
    state: State,
    /// What this batch has for it.
    pub(super) lines: Vec<u8>,
    /// Bytes of `lines` that are in the file already: a write may stop half way.
    written: usize,
    /// Bytes that this batch has put into the file.
    this_batch: u64,
    /// Bytes in the file, as far as we know.
    len: u64,
    /// When it was last written to, seconds since 1970.
    wrote_at: i64,
    /// Since when something of it may be on no disk.
    unsynced: Option<Instant>,
    /// Whether its name is on the disk.
    name: Name,
    known: Known,
    pub(super) used: Instant,
    looked: Instant,
    /// Since when it cannot be written.
    pub(super) failing: Option<Instant>,
}

#[derive(Debug)]
enum State {
    Closed,
    Open(File, Identity),
    /// Its lines go to the overflow file until then.
    Aside(Instant),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Safe,
    New,
}

/// Whether it has been there: its name is not one that a stranger makes up now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    FromBefore,
    Not,
}

impl LogFile {
    pub(super) fn new(path: &[u8], role: Role, now: Instant) -> Self {
        Self {
            path: path.into(),
            role,
            state: State::Closed,
            lines: Vec::new(),
            written: 0,
            this_batch: 0,
            len: 0,
            wrote_at: 0,
            unsynced: None,
            name: Name::Safe,
            known: Known::Not,
            used: now,
            looked: now,
            failing: None,
        }
    }

    /// Opens it for writing, and sees to it that it ends with a whole line.
    pub(super) fn open(&mut self, root: &Root, if_missing: IfMissing, now: Instant) -> io::Result<()> {
        let (mut file, found) = root.open_append(&self.path, if_missing)?;
        open::mend(&mut file, &self.lines)?;
        let stat = rustix::fs::fstat(&file)?;
        (self.len, self.wrote_at) = (u64::try_from(stat.st_size).unwrap_or_default(), stat.st_mtime);
        self.name = if found == Found::Made { Name::New } else { Name::Safe };
        self.known = Known::FromBefore;
        self.looked = now;
        self.state = State::Open(file, Identity::of(&stat));
        Ok(())
    }

    /// Writes what this batch has for it, or what is left of that.
    pub(super) fn write(&mut self, now: Instant, wall: i64) -> io::Result<()> {
        let State::Open(file, _) = &mut self.state else {
            return Ok(());
        };
        while let Some(rest) = self.lines.get(self.written..).filter(|rest| !rest.is_empty()) {
            match file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.written += n;
                    self.this_batch += n as u64;
                    self.len += n as u64;
                    self.unsynced.get_or_insert(now);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.wrote_at = wall;
        Ok(())
    }

    /// Syncs what was written. After an error nobody knows what of that is on the disk.
    pub(super) fn sync(&mut self, root: &Root) -> io::Result<()> {
        let State::Open(file, _) = &self.state else {
            return Ok(());
        };
        if self.unsynced.take().is_some() {
            file.sync_data()?;
        }
        if self.name == Name::New {
            root.sync_names(&self.path)?;
            self.name = Name::Safe;
        }
        Ok(())
    }

    /// Takes what this batch has written out of the file again: it will be written anew.
    pub(super) fn take_back(&mut self) {
        self.written = 0;
        let bytes = std::mem::take(&mut self.this_batch);
        let State::Open(file, _) = &self.state else {
            return;
        };
        if bytes == 0 {
            return;
        }
        match file.metadata().and_then(|now| file.set_len(now.len().saturating_sub(bytes))) {
            Ok(()) => self.len = self.len.saturating_sub(bytes),
            Err(error) => {
                warn!(file = self.name(), "cannot take back lines that will be written again: {error}");
            }
        }
    }

    /// The batch is done: its lines, for their buffer.
    pub(super) fn done(&mut self) -> Vec<u8> {
        (self.written, self.this_batch) = (0, 0);
        std::mem::take(&mut self.lines)
    }

    /// Goes without a file until `until`: the lines that are not in it, none of them torn.
    pub(super) fn set_aside(&mut self, until: Instant) -> Vec<u8> {
        let mut lines = std::mem::take(&mut self.lines);
        let written = lines.get(..self.written).unwrap_or_default();
        let whole = written.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        if self.written > whole {
            self.this_batch = (self.written - whole) as u64;
            self.take_back();
        }
        self.close();
        self.state = State::Aside(until);
        (self.written, self.this_batch) = (0, 0);
        lines.drain(..whole);
        lines
    }

    /// Until when its lines go elsewhere.
    pub(super) const fn aside_until(&self) -> Option<Instant> {
        match self.state {
            State::Aside(until) => Some(until),
            State::Closed | State::Open(..) => None,
        }
    }

    /// Whether its lines go elsewhere now.
    pub(super) fn is_aside(&self, now: Instant) -> bool {
        matches!(self.state, State::Aside(until) if now < until)
    }

    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, State::Open(..))
    }

    /// Whether it is in the middle of a batch.
    pub(super) const fn is_begun(&self) -> bool {
        self.this_batch > 0 || self.written > 0
    }

    /// Whether this batch has nothing more for it.
    pub(super) const fn is_written(&self) -> bool {
        self.written >= self.lines.len()
    }

    pub(super) fn is_unsynced(&self) -> bool {
        self.unsynced.is_some() && self.is_open()
    }

    pub(super) const fn known(&self) -> Known {
        self.known
    }

    /// Bytes in it, and when it was last written to.
    pub(super) const fn age(&self) -> (u64, i64) {
        (self.len, self.wrote_at)
    }

    /// The filesystem it is on, if it is open.
    pub(super) const fn device(&self) -> Option<u64> {
        match &self.state {
            State::Open(_, identity) => Some(identity.device),
            State::Closed | State::Aside(_) => None,
        }
    }

    /// Closes it if its name means another file now, or none: somebody moved it away, or removed it.
    pub(super) fn look(&mut self, root: &Root, now: Instant) {
        let State::Open(_, identity) = &self.state else {
            return;
        };
        if self.is_begun() || now.saturating_duration_since(self.looked) < LOOK {
            return;
        }
        self.looked = now;
        match root.look(&self.path) {
            Ok(stat) if Identity::of(&stat) == *identity => {
                self.len = u64::try_from(stat.st_size).unwrap_or_default();
            }
            Ok(_) | Err(Errno::NOENT) => {
                info!(file = self.name(), "was moved away or removed; a new one is begun");
                self.close();
            }
            Err(_) => {}
        }
    }

    /// Lets the file go. What was written to it and is not synced, although that was asked for, is synced by then.
    pub(super) fn close(&mut self) {
        if let State::Open(file, _) = &self.state
            && self.unsynced.is_some()
            && let Err(error) = file.sync_data()
        {
            self.complain_of_sync(&error);
        }
        self.unsynced = None;
        self.state = State::Closed;
    }

    /// Nobody asked for this file to be synced.
    pub(super) const fn forget_sync(&mut self) {
        self.unsynced = None;
        self.name = Name::Safe;
    }

    pub(super) fn complain_of_sync(&self, error: &io::Error) {
        error!(file = self.name(), "cannot be synced, its last lines may not be on the disk: {error}");
    }

    /// For a person.
    pub(super) fn name(&self) -> String {
        self.path.escape_ascii().to_string()
    }

    /// Stands for a file that misbehaves.
    #[cfg(test)]
    pub(super) fn open_as(&mut self, file: File) {
        let stat = rustix::fs::fstat(&file).expect("an open file has a state");
        // Its name means something else, and nobody is to notice.
        self.looked += Duration::from_secs(86_400);
        self.state = State::Open(file, Identity::of(&stat));
    }
}
