//! A FIFO: messages are lines. Opened for writing too, so that it does not end when the last writer has.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::time::{Duration, Instant};

use syslog_parse::{FrameFlags, Framer, Framing, Step};
use tracing::error;

use super::bell::Woken;
use super::thread::{Kept, Reader};
use crate::collector::intake::Envelope;
use crate::collector::ledger::DropReason;
use crate::collector::record::Extent;
use crate::config::Pipe;

/// A line becomes at most so many times as much in the buffer: what is read fits into what is reserved.
const GROWTH: usize = 128;
/// How long what is in it is still read after the word to stop.
const DRAIN: Duration = Duration::from_secs(1);

/// Makes it where it is missing.
pub(super) fn open(pipe: &Pipe) -> io::Result<File> {
    let path = &pipe.path;
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir)?;
    }
    match rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, pipe.mode.into(), 0) {
        // The umask has taken bits away that were asked for.
        Ok(()) => std::fs::set_permissions(path, std::fs::Permissions::from_mode(pipe.mode))?,
        Err(rustix::io::Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.file_type().is_fifo() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is something that is no pipe"));
    }
    Ok(file)
}

/// Reads until told to stop and it is empty.
pub(super) fn run(mut pipe: &File, mut reader: Reader) {
    let mut framer = Framer::new(Framing::Lf, reader.origin.max_message);
    let mut bytes = Vec::new();
    let mut drain = None;
    loop {
        if drain.is_none() && reader.wait(pipe.as_fd()) == Woken::Rung {
            drain = Some(Instant::now() + DRAIN);
        }
        let Some(room) = reader.wait_for_room() else {
            break;
        };
        let held = bytes.len();
        bytes.resize(held + reader.room / GROWTH, 0);
        let read = match pipe.read(bytes.get_mut(held..).unwrap_or_default()) {
            Ok(read) => read,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => 0,
            Err(error) => {
                error!(source = reader.origin.account.id, "cannot read: {error}");
                reader.stop.wait(Duration::from_millis(100));
                0
            }
        };
        bytes.truncate(held + read);
        reader.intake.receive();
        let kept = take(&mut framer, &mut bytes, &mut reader, room, Last::No);
        if drain.is_some_and(|until| read == 0 || kept == Kept::No || Instant::now() >= until) {
            // A line without an end is all there will be of it.
            if let Some(room) = (!bytes.is_empty()).then(|| reader.wait_for_room()).flatten() {
                take(&mut framer, &mut bytes, &mut reader, room, Last::Yes);
            }
            break;
        }
    }
    drop_rest(&mut framer, &mut bytes, &reader);
}

/// Whether there is nothing behind these bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    No,
    Yes,
}

/// Takes the lines that are whole.
fn take(
    framer: &mut Framer,
    bytes: &mut Vec<u8>,
    reader: &mut Reader,
    mut room: diskbuf::Reservation,
    last: Last,
) -> Kept {
    let mut at = 0;
    let kept = loop {
        if !reader.has_room(&room, bytes.len() - at) {
            if reader.commit(room) == Kept::No {
                return Kept::No;
            }
            match reader.wait_for_room() {
                Some(more) => room = more,
                None => {
                    // Told to stop while there is no room: what was read is counted.
                    bytes.drain(..at);
                    return drop_rest(framer, bytes, reader);
                }
            }
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let step = if last == Last::Yes { framer.finish(rest) } else { framer.next(rest) };
        match step {
            Step::Complete { frame, consumed } => {
                let cut = frame.flags.contains(FrameFlags::TRUNCATED);
                let extent = if cut { Extent::Cut } else { Extent::Whole };
                reader.intake.take(frame.bytes, &Envelope { extent, ..Envelope::default() }, &reader.origin);
                at += consumed;
            }
            Step::Partial { consumed } => {
                at += consumed;
                break reader.commit(room);
            }
        }
    };
    bytes.drain(..at);
    kept
}

fn drop_rest(framer: &mut Framer, bytes: &mut Vec<u8>, reader: &Reader) -> Kept {
    let mut at = 0;
    let mut messages = 0;
    while let Step::Complete { consumed, .. } = framer.finish(bytes.get(at..).unwrap_or_default()) {
        at += consumed;
        messages += 1;
    }
    bytes.clear();
    reader.origin.account.received(messages, 0);
    reader.origin.account.dropped(DropReason::Stopped, messages);
    Kept::No
}
