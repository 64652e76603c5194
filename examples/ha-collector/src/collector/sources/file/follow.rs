//! One file that is followed.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diskbuf::Reservation;
use syslog_parse::{Frame, FrameFlags, Framer, Framing, Step};
use tracing::{info, warn};

use super::super::thread::Reader;
use super::positions::{Head, Position};
use crate::collector::intake::Envelope;
use crate::collector::limit::Seldom;
use crate::collector::record::Extent;
use crate::config::From;

/// Read at once.
const READ_BYTES: usize = 128 * 1024;
/// Bytes of its beginning that tell a file from another one.
const HEAD: usize = 256;

/// Device and inode.
pub(super) type Identity = (u64, u64);

pub(super) fn identity(about: &Metadata) -> Identity {
    (about.dev(), about.ino())
}

#[derive(Debug)]
pub(super) struct Followed {
    file: File,
    path: PathBuf,
    identity: Identity,
    /// Where `rest` begins.
    at: u64,
    /// Behind the last line that is in the buffer.
    line: u64,
    rest: Vec<u8>,
    framer: Option<Framer>,
    head: Head,
    /// When it was found first, among those of its source.
    order: u64,
    changed: Instant,
    /// When it was written last, as its file system says.
    modified: Option<(i64, i64)>,
    gone: Option<Instant>,
    complaint: Seldom,
}

/// Whether there is more to read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum More {
    Yes,
    No,
}

impl More {
    pub(super) fn or(self, other: Self) -> Self {
        if self == Self::Yes { self } else { other }
    }
}

impl Followed {
    /// One that was never seen before.
    pub(super) fn open(path: &Path, start: From) -> io::Result<Self> {
        let file = open(path)?;
        let about = file.metadata()?;
        let at = match start {
            From::Beginning => 0,
            From::End => line_start(&file, about.len())?,
        };
        let order = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let order = u64::try_from(order.as_micros()).unwrap_or(u64::MAX);
        Ok(Self::new(file, path, at, Head::default(), order, identity(&about)))
    }

    /// One that was read before, up to a position: unless it is another file with the same inode, or was truncated.
    pub(super) fn resume(path: &Path, position: &Position) -> io::Result<Self> {
        let file = open(path)?;
        let about = file.metadata()?;
        let same = about.len() >= position.offset && position.head.is_of(&file)?;
        let (at, head) = if same { (position.offset, position.head) } else { (0, Head::default()) };
        Ok(Self::new(file, path, at, head, position.order, identity(&about)))
    }

    fn new(file: File, path: &Path, at: u64, head: Head, order: u64, identity: Identity) -> Self {
        Self {
            file,
            path: path.to_path_buf(),
            identity,
            at,
            line: at,
            rest: Vec::new(),
            framer: None,
            head,
            order,
            changed: Instant::now(),
            modified: None,
            gone: None,
            complaint: Seldom::new(Duration::from_secs(60)),
        }
    }

    pub(super) const fn identity(&self) -> Identity {
        self.identity
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn position(&self) -> Position {
        let (dev, ino) = self.identity;
        let path = self.path.to_string_lossy().into_owned();
        Position { dev, ino, path, offset: self.line, head: self.head, order: self.order }
    }

    /// It has that name now.
    pub(super) fn is_at(&mut self, path: &Path) {
        if self.path != path {
            self.path = path.to_path_buf();
        }
        self.gone = None;
    }

    /// It has no name that its source follows.
    pub(super) fn is_gone(&mut self, now: Instant) {
        self.gone.get_or_insert(now);
    }

    /// Whether nothing can come any more.
    pub(super) fn is_done(&self, now: Instant, farewell: Duration) -> bool {
        let Some(gone) = self.gone else { return false };
        let unlinked = self.file.metadata().is_ok_and(|about| about.nlink() == 0);
        // Deleted files can still be written by who has them open.
        let patience = if unlinked { farewell / 60 } else { farewell };
        now.saturating_duration_since(gone.max(self.changed)) >= patience
    }

    pub(super) fn complain(&mut self, id: &str, error: &io::Error) {
        if self.complaint.now(Instant::now()) {
            warn!(source = id, "cannot read {}: {error}", self.path.display());
        }
    }

    /// Reads on, and takes the lines that are whole.
    pub(super) fn read(&mut self, reader: &mut Reader, room: &Reservation) -> io::Result<More> {
        let about = self.file.metadata()?;
        let (len, modified) = (about.len(), (about.mtime(), about.mtime_nsec()));
        let end = self.at + self.rest.len() as u64;
        // Truncated and written anew it may be as long as before, or longer: then its beginning is another.
        let touched = self.modified.replace(modified) != Some(modified);
        if len < end || (touched && !self.head.is_of(&self.file)?) {
            info!(source = reader.origin.account.id, "{} was truncated", self.path.display());
            // What was there of a line will get no end.
            self.finish(reader);
            (self.at, self.line, self.head) = (0, 0, Head::default());
            self.framer = None;
            return Ok(More::Yes);
        }
        let held = self.rest.len();
        self.rest.resize(held + READ_BYTES, 0);
        let read = self.file.read_at(self.rest.get_mut(held..).unwrap_or_default(), end);
        self.rest.truncate(held + *read.as_ref().unwrap_or(&0));
        let read = read?;
        if read > 0 {
            self.changed = Instant::now();
            if self.head.len < HEAD {
                self.head = Head::of(&self.file, HEAD)?;
            }
        }
        reader.intake.receive();
        let full = self.take(reader, room);
        Ok(if read > 0 || full { More::Yes } else { More::No })
    }

    /// Takes the lines that are whole; whether there was no room for all of them.
    fn take(&mut self, reader: &mut Reader, room: &Reservation) -> bool {
        let max_message = reader.origin.max_message;
        let framer = self.framer.get_or_insert_with(|| Framer::new(Framing::Lf, max_message));
        let mut used = 0;
        let full = loop {
            if !reader.has_room(room, self.rest.len() - used) {
                break true;
            }
            let before = used;
            let step = framer.next(self.rest.get(used..).unwrap_or_default());
            let whole = match step {
                Step::Complete { frame, consumed } => {
                    message(&frame, &self.path, reader);
                    used += consumed;
                    true
                }
                Step::Partial { consumed } => {
                    used += consumed;
                    false
                }
            };
            // In the middle of a line that was cut, its beginning is where to go on after a crash.
            if used > before && self.rest.get(used - 1) == Some(&b'\n') {
                self.line = self.at + used as u64;
            }
            if !whole {
                break false;
            }
        };
        self.rest.drain(..used);
        self.at += used as u64;
        if self.rest.is_empty() {
            self.rest = Vec::new();
        }
        full
    }

    /// Takes what is left as a line.
    pub(super) fn finish(&mut self, reader: &mut Reader) {
        let max_message = reader.origin.max_message;
        let framer = self.framer.get_or_insert_with(|| Framer::new(Framing::Lf, max_message));
        reader.intake.receive();
        if let Step::Complete { frame, .. } = framer.finish(&self.rest) {
            message(&frame, &self.path, reader);
        }
        self.rest = Vec::new();
    }
}

/// Takes a line. What a crash has left of a file may be NULs: those before a line are none of it.
fn message(frame: &Frame<'_>, path: &Path, reader: &mut Reader) {
    let start = frame.bytes.iter().position(|byte| *byte != 0).unwrap_or(frame.bytes.len());
    let line = frame.bytes.get(start..).unwrap_or_default();
    if line.is_empty() {
        return;
    }
    let cut = frame.flags.contains(FrameFlags::TRUNCATED);
    let extent = if cut { Extent::Cut } else { Extent::Whole };
    let file = Some(path.as_os_str().as_encoded_bytes());
    let envelope = Envelope { file, extent, ..Envelope::default() };
    reader.intake.take(line, &envelope, &reader.origin);
}

/// Opens what may turn out to be something that would wait for a writer.
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC).open(path)
}

/// Where the line begins that is at the end of a file: lines that are whole now are not read.
fn line_start(file: &File, len: u64) -> io::Result<u64> {
    let mut end = len;
    let mut piece = vec![0; 8 * 1024];
    while end > 0 {
        let from = end.saturating_sub(piece.len() as u64);
        let size = usize::try_from(end - from).unwrap_or(piece.len());
        let part = piece.get_mut(..size).unwrap_or_default();
        file.read_exact_at(part, from)?;
        if let Some(newline) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(from + newline as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}
