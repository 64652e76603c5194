//! One connection: what was written to it, what of that has arrived, and how it ends.
//!
//! A peer that is about to stop closes its direction and reads on (the receiver of this program does). Its FIN is looked for
//! before every write. Once it is there, the frame in hand is finished, then one line feed is written, which stands between
//! frames and means nothing there: a process that still reads acknowledges it, a socket that nobody has any more answers
//! with a reset. Acknowledged, everything before it will be read, and nothing of it has to be sent again.
//!
//! In all other cases what was acknowledged lately may lie unread in a kernel, or in the memory of a process that is gone.
//! It can be no more than the widest window that the peer ever offered, and what a process reads at once; so much is kept,
//! until ten seconds have passed in which the peer has read what it has.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, SendFlags};
use socket2::Socket;

use super::SPARE;
use crate::collector::destinations::batch::Batch;
use crate::collector::destinations::sys;

/// What a process may have read and not secured.
const IN_MEMORY: usize = 1 << 20;
/// Kept at most, whatever the peer's window.
const MOST_KEPT: usize = 48 << 20;
/// How long what has arrived is kept.
const KEPT_FOR: Duration = Duration::from_secs(10);
/// A peer that acknowledges nothing for so long, though it was asked several times, is gone.
const SILENCE: Duration = Duration::from_secs(15);
/// The first and the longest pause between looks whether everything has arrived.
const PAUSES: (Duration, Duration) = (Duration::from_micros(20), Duration::from_millis(1));

/// What came of handing over a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Delivered,
    /// The peer stops. It has the batch up to this place, and everything before the batch.
    Left {
        through: usize,
    },
}

/// Why a batch is not delivered.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Not yet; to be asked again.
    Waits(io::Error),
    /// The connection is of no use any more.
    Broken(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl From<rustix::io::Errno> for Trouble {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Broken(error.into())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tcp,
    Unix,
}

/// What the peer has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Nothing,
    /// It will say nothing more: it stops, or has stopped.
    Fin,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Link {
    socket: Socket,
    kind: Kind,
    /// Of the batch in hand.
    written: usize,
    /// The line feed behind the last frame is written.
    asked: Asked,
    /// What was delivered, oldest first.
    kept: VecDeque<(Instant, Batch)>,
    kept_bytes: usize,
    /// The widest window that the peer has offered.
    widest: usize,
    /// When bytes last moved, and how many were outstanding.
    moved: (Instant, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    NotYet,
    WhetherItReads,
}

impl Link {
    pub(super) fn new(socket: Socket, kind: Kind, now: Instant) -> Self {
        Self {
            socket,
            kind,
            written: 0,
            asked: Asked::NotYet,
            kept: VecDeque::new(),
            kept_bytes: 0,
            widest: 0,
            moved: (now, 0),
        }
    }

    /// Writes the batch and waits until it has arrived. To be called again with the same batch after [`Trouble::Waits`].
    pub(super) fn deliver(&mut self, batch: &Batch, until: Instant) -> Result<Outcome, Trouble> {
        loop {
            if self.hear()? == Heard::Fin {
                let through = self.leave(batch, until)?;
                return Ok(Outcome::Left { through });
            }
            if self.written < batch.bytes().len() {
                self.write(batch, batch.bytes().len(), until)?;
            } else {
                match self.arrived(until)? {
                    Arrived::Everything => {
                        self.written = 0;
                        return Ok(Outcome::Delivered);
                    }
                    Arrived::Fin => {}
                }
            }
        }
    }

    /// With nothing to write: `Some` when the peer stops and has everything.
    pub(super) fn look(&mut self, until: Instant) -> Result<Option<Outcome>, Trouble> {
        match self.hear()? {
            Heard::Nothing => Ok(None),
            Heard::Fin => {
                let through = self.leave(&Batch::default(), until)?;
                Ok(Some(Outcome::Left { through }))
            }
        }
    }

    /// Keeps what was delivered for as long as its receiver may not have read it.
    pub(super) fn keep(&mut self, batch: Batch, now: Instant, spare: &mut Vec<Batch>) {
        self.kept_bytes += batch.bytes().len();
        self.kept.push_back((now, batch));
        self.forget(now, spare);
    }

    /// Lets go of what has certainly been read.
    pub(super) fn forget(&mut self, now: Instant, spare: &mut Vec<Batch>) {
        if self.kept.is_empty() {
            return;
        }
        let window = match self.kind {
            Kind::Tcp => sys::tcp_peer(self.socket.as_fd()).map_or(0, |peer| peer.window as usize),
            Kind::Unix => 0,
        };
        self.widest = self.widest.max(window);
        let most = self.widest.saturating_add(IN_MEMORY).min(MOST_KEPT);
        // A window that is open says that the peer reads.
        let reads = window >= self.widest / 2;
        while let Some((since, batch)) = self.kept.front() {
            let len = batch.bytes().len();
            let old = reads && now.duration_since(*since) >= KEPT_FOR;
            if !old && self.kept_bytes - len < most {
                return;
            }
            self.kept_bytes -= len;
            if let Some((_, mut batch)) = self.kept.pop_front()
                && spare.len() < SPARE
            {
                batch.clear();
                spare.push(batch);
            }
        }
    }

    /// Whether it has no part of a batch, and nothing that was written to it is kept any more.
    pub(super) fn is_done(&self) -> bool {
        self.kept.is_empty() && self.written == 0
    }

    /// What its receiver may not have read, oldest first.
    pub(super) fn unread(&mut self) -> Vec<Batch> {
        self.kept_bytes = 0;
        self.kept.drain(..).map(|(_, batch)| batch).collect()
    }

    /// The peer stops: gives it the rest of the frame in hand, and finds out whether it reads to the end.
    fn leave(&mut self, batch: &Batch, until: Instant) -> Result<usize, Trouble> {
        let through = batch.boundary_from(self.written);
        while self.written < through {
            self.write(batch, through, until)?;
        }
        while self.asked == Asked::NotYet {
            match send(&self.socket, b"\n") {
                Ok(_) => self.asked = Asked::WhetherItReads,
                Err(error) if is_full(&error) => self.wait_for_room(until)?,
                Err(error) => return Err(error.into()),
            }
        }
        // Its FIN has been heard, so nothing else ends this than that everything arrives, or a reset.
        self.arrived_all(until)?;
        self.written = 0;
        Ok(through)
    }

    /// Writes of the batch what the kernel takes, or waits until it takes something.
    fn write(&mut self, batch: &Batch, end: usize, until: Instant) -> Result<(), Trouble> {
        let rest = batch.bytes().get(self.written..end).unwrap_or_default();
        match send(&self.socket, rest) {
            Ok(len) => {
                self.written += len;
                self.moved.0 = Instant::now();
                Ok(())
            }
            Err(error) if is_full(&error) => self.wait_for_room(until),
            Err(error) => Err(error.into()),
        }
    }

    fn wait_for_room(&mut self, until: Instant) -> Result<(), Trouble> {
        let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
            self.outstanding()?;
            return Err(Trouble::Waits(io::Error::new(
                io::ErrorKind::TimedOut,
                "the receiver takes nothing",
            )));
        };
        // A FIN wakes, too: the frame in hand may be the last one.
        let wanted =
            if self.asked == Asked::NotYet { PollFlags::OUT | PollFlags::RDHUP } else { PollFlags::OUT };
        wait(&self.socket, wanted, left)?;
        if let Some(error) = self.socket.take_error()? {
            return Err(error.into());
        }
        Ok(())
    }

    /// Waits until everything written has arrived, or the peer says that it stops.
    fn arrived(&mut self, until: Instant) -> Result<Arrived, Trouble> {
        let mut pause = PAUSES.0;
        loop {
            if self.outstanding()? == 0 {
                return Ok(Arrived::Everything);
            }
            if self.hear()? == Heard::Fin {
                return Ok(Arrived::Fin);
            }
            self.pause(&mut pause, until)?;
        }
    }

    /// Waits until everything written has arrived.
    fn arrived_all(&mut self, until: Instant) -> Result<(), Trouble> {
        let mut pause = PAUSES.0;
        while self.outstanding()? > 0 {
            self.pause(&mut pause, until)?;
        }
        Ok(())
    }

    fn pause(&self, pause: &mut Duration, until: Instant) -> Result<(), Trouble> {
        if Instant::now() >= until {
            let message = match self.kind {
                Kind::Tcp => "the receiver acknowledges nothing",
                Kind::Unix => "the receiver reads nothing",
            };
            return Err(Trouble::Waits(io::Error::new(io::ErrorKind::TimedOut, message)));
        }
        std::thread::sleep(*pause);
        *pause = (*pause * 2).min(PAUSES.1);
        Ok(())
    }

    /// Bytes that have not arrived; an error when they never will.
    fn outstanding(&mut self) -> Result<usize, Trouble> {
        let outstanding = sys::outstanding(self.socket.as_fd())?;
        if outstanding == 0 {
            return Ok(0);
        }
        // After a FIN only this tells of a reset.
        if let Some(error) = self.socket.take_error()? {
            return Err(error.into());
        }
        if outstanding != self.moved.1 {
            self.moved = (Instant::now(), outstanding);
        } else if self.kind == Kind::Tcp && self.moved.0.elapsed() >= SILENCE {
            let peer = sys::tcp_peer(self.socket.as_fd())?;
            // One that only has no room answers when it is asked, and has nothing to acknowledge.
            if peer.unacknowledged > 0 && peer.repeated >= 3 && peer.silent >= SILENCE {
                let message = format!("no acknowledgement for {} s", peer.silent.as_secs());
                return Err(io::Error::new(io::ErrorKind::TimedOut, message).into());
            }
        }
        Ok(outstanding)
    }

    /// Whether the peer has closed its direction. What it says besides is of no interest here, and thrown away.
    fn hear(&self) -> Result<Heard, Trouble> {
        let mut bytes = [0_u8; 4096];
        let peeked = rustix::net::recv(&self.socket, &mut bytes[..1], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        let mut heard = peeked.map(|(len, _)| len);
        loop {
            match heard {
                Ok(0) => return Ok(Heard::Fin),
                Err(rustix::io::Errno::AGAIN) => return Ok(Heard::Nothing),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            heard = rustix::net::recv(&self.socket, &mut bytes[..], RecvFlags::DONTWAIT).map(|(len, _)| len);
        }
    }
}

enum Arrived {
    Everything,
    /// It says that it stops.
    Fin,
}

fn send(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match rustix::net::send(socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Err(rustix::io::Errno::INTR) => {}
            sent => return sent.map_err(io::Error::from),
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Waits until the socket is as wanted, at most `left`.
pub(super) fn wait(socket: &Socket, wanted: PollFlags, left: Duration) -> io::Result<()> {
    let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(socket, wanted)], Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
