//! A netlink socket that asks, with the buffers it asks and listens in: requests that are carried out together, lists,
//! single questions. It is a member of no group, so all that comes is an answer.

use std::io;
use std::time::Duration;

use crate::sys::{Protocol, Socket, WhenEmpty};
use crate::wire::{self, Answer, Message, Messages};

/// How many requests go out together. Their answers, should all be refused, fit into the smallest receive buffer that
/// systems are set up with.
pub(crate) const BATCH: usize = 64;

#[derive(Debug)]
pub(crate) struct Channel {
    socket: Socket,
    request: Vec<u8>,
    /// Where in `request` each message begins.
    starts: Vec<usize>,
    answer: Box<[u8]>,
    next_seq: u32,
}

/// The kernel's no to one of the requests that were sent together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal<'a> {
    /// Which one, counted from 0.
    pub(crate) nth: usize,
    pub(crate) answer: Answer<'a>,
    /// The kind of the attribute that it points at.
    pub(crate) attribute: Option<u16>,
}

/// Whether what was listed held still meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    Yes,
    No,
}

impl Channel {
    pub(crate) fn open(protocol: Protocol) -> io::Result<Self> {
        let socket = Socket::open(protocol)?;
        // Kernels before 4.20 do not know all of these; what they leave out is left out, and filters are ours anyway.
        for option in [libc::NETLINK_EXT_ACK, libc::NETLINK_CAP_ACK, libc::NETLINK_GET_STRICT_CHK] {
            socket.set(option, 1).or_else(ignore_unknown)?;
        }
        socket.set_receive_buffer(RECEIVE_BUFFER)?;
        socket.set_patience(PATIENCE)?;
        Ok(Self {
            socket,
            request: Vec::with_capacity(BATCH * REQUEST_MAX),
            starts: Vec::with_capacity(BATCH),
            answer: vec![0; ANSWER_MAX].into(),
            next_seq: 1,
        })
    }

    pub(crate) const fn port(&self) -> u32 {
        self.socket.port()
    }

    /// Forgets what was staged.
    pub(crate) fn begin(&mut self) {
        self.request.clear();
        self.starts.clear();
    }

    /// Adds a request to those that go out together.
    pub(crate) fn stage(&mut self, write: impl FnOnce(&mut Vec<u8>, u32)) {
        self.starts.push(self.request.len());
        write(&mut self.request, self.next_seq);
        self.next_seq = self.next_seq.wrapping_add(1);
    }

    /// Sends all that was staged with one system call; the kernel has dealt with all of it when this returns.
    ///
    /// Only the last is to be acknowledged: the kernel tells of refusals in any case, and keeps the order.
    pub(crate) fn send(&mut self) -> io::Result<()> {
        let Some(last) = self.starts.last() else { return Ok(()) };
        wire::add_flags(&mut self.request, *last, wire::ACK);
        self.socket.send(&self.request)
    }

    /// Takes the answers to what was sent. Those that `refused` is not called with were done.
    pub(crate) fn answers(&mut self, mut refused: impl FnMut(&Refusal<'_>)) -> io::Result<()> {
        let count = self.starts.len();
        if count == 0 {
            return Ok(());
        }
        let first = self.next_seq.wrapping_sub(u32::try_from(count).unwrap_or(u32::MAX));
        loop {
            let datagram = receive(&self.socket, &mut self.answer)?;
            for message in Messages::new(datagram).filter(|message| message.port == self.socket.port()) {
                let nth = message.seq.wrapping_sub(first) as usize;
                if message.kind != wire::ERROR || nth >= count {
                    continue;
                }
                let answer = Answer::parse(&message).ok_or_else(unreadable)?;
                if answer.errno != 0 {
                    let start = self.starts.get(nth).copied();
                    let attribute = answer.offset.zip(start).and_then(|(offset, start)| {
                        let at = start.checked_add(usize::try_from(offset).ok()?)?;
                        wire::u16_at(&self.request, at.checked_add(2)?)
                    });
                    refused(&Refusal { nth, answer, attribute });
                }
                if nth + 1 == count {
                    return Ok(());
                }
            }
        }
    }

    /// Asks for a list, again when it changed on the way; what `read` makes nothing of is left out.
    pub(crate) fn list<T>(
        &mut self,
        write: impl Fn(&mut Vec<u8>, u32),
        read: impl Fn(&Message<'_>) -> Option<T>,
    ) -> Result<(Vec<T>, Settled), Failure> {
        let mut found = Vec::new();
        for _ in 0..LIST_TRIES {
            found.clear();
            if self.list_once(&write, |message| found.extend(read(message)))? == Settled::Yes {
                return Ok((found, Settled::Yes));
            }
        }
        Ok((found, Settled::No))
    }

    fn list_once(
        &mut self,
        write: impl Fn(&mut Vec<u8>, u32),
        mut found: impl FnMut(&Message<'_>),
    ) -> Result<Settled, Failure> {
        let mut listing = Listing { seq: self.ask(write)?, port: self.socket.port(), settled: Settled::Yes };
        loop {
            let datagram = receive(&self.socket, &mut self.answer)?;
            if let Some(settled) = listing.read(datagram, &mut found)? {
                return Ok(settled);
            }
        }
    }

    /// Asks one question with one answer.
    pub(crate) fn query<T>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>, u32),
        read: impl FnOnce(&Message<'_>) -> Option<T>,
    ) -> Result<T, Failure> {
        let seq = self.ask(write)?;
        loop {
            let datagram = receive(&self.socket, &mut self.answer)?;
            for message in Messages::new(datagram) {
                if message.seq != seq || message.port != self.socket.port() {
                    continue;
                }
                return match message.kind {
                    wire::ERROR => Err(Failure::of(&message)),
                    _ => read(&message).ok_or_else(|| unreadable().into()),
                };
            }
        }
    }

    fn ask(&mut self, write: impl FnOnce(&mut Vec<u8>, u32)) -> io::Result<u32> {
        let seq = self.next_seq;
        self.begin();
        self.stage(write);
        self.socket.send(&self.request)?;
        Ok(seq)
    }
}

/// The parts of a list, as they come.
struct Listing {
    seq: u32,
    port: u32,
    settled: Settled,
}

impl Listing {
    /// `None` while there is more to come.
    fn read(
        &mut self,
        datagram: &[u8],
        mut found: impl FnMut(&Message<'_>),
    ) -> Result<Option<Settled>, Failure> {
        for message in Messages::new(datagram) {
            if message.seq != self.seq || message.port != self.port {
                continue;
            }
            // The last part may carry it, too.
            if message.flags & wire::DUMP_INTERRUPTED != 0 {
                self.settled = Settled::No;
            }
            match message.kind {
                wire::DONE => match wire::i32_at(message.payload, 0) {
                    Some(errno) if errno < 0 => return Err(Failure::Refused(errno.saturating_neg(), None)),
                    _ => return Ok(Some(self.settled)),
                },
                wire::ERROR => return Err(Failure::of(&message)),
                _ => found(&message),
            }
        }
        Ok(None)
    }
}

/// Why a question has no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    Socket(io::Error),
    Refused(i32, Option<Box<str>>),
}

impl Failure {
    fn of(message: &Message<'_>) -> Self {
        match Answer::parse(message) {
            Some(answer) => Self::Refused(answer.errno, answer.sentence.map(Into::into)),
            None => unreadable().into(),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Socket(error)
    }
}

/// The next datagram from the kernel; other processes may send to us, too, and are not listened to.
fn receive<'a>(socket: &Socket, buffer: &'a mut [u8]) -> io::Result<&'a [u8]> {
    loop {
        let received = socket.receive(buffer, WhenEmpty::Wait)?;
        if received.from == 0 {
            return buffer.get(..received.len).ok_or_else(unreadable);
        }
    }
}

fn unreadable() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

fn ignore_unknown(error: io::Error) -> io::Result<()> {
    if error.raw_os_error() == Some(libc::ENOPROTOOPT) { Ok(()) } else { Err(error) }
}

/// What the longest request needs: an IPv6 address has 124 bytes.
const REQUEST_MAX: usize = 128;
/// The kernel fills up to 32 KiB with parts of a list (`Documentation/userspace-api/netlink/intro.rst`).
const ANSWER_MAX: usize = 64 * 1024;
const RECEIVE_BUFFER: u32 = 1024 * 1024;
const LIST_TRIES: u32 = 10;
/// The kernel answers within the call; this is for what cannot happen.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Encoder;

    const SEQ: u32 = 7;

    fn part(out: &mut Vec<u8>, kind: u16, flags: u16, seq: u32, payload: &[u8]) {
        Encoder::request(out, kind, flags, seq, payload).finish();
    }

    fn read(datagram: &[u8]) -> (Result<Option<Settled>, i32>, usize) {
        let mut listing = Listing { seq: SEQ, port: 0, settled: Settled::Yes };
        let mut parts = 0;
        let result = listing.read(datagram, |_| parts += 1).map_err(|failure| match failure {
            Failure::Refused(errno, _) => errno,
            Failure::Socket(error) => error.raw_os_error().unwrap_or(-1),
        });
        (result, parts)
    }

    #[test]
    fn a_list_that_was_interrupted_says_so_at_any_part_and_at_its_end() {
        for interrupted in 0..3 {
            let flags = |place| if place == interrupted { wire::DUMP_INTERRUPTED } else { 0 };
            let mut datagram = Vec::new();
            part(&mut datagram, 20, flags(0), SEQ, &[0; 8]);
            part(&mut datagram, 20, flags(1), SEQ, &[0; 8]);
            part(&mut datagram, wire::DONE, flags(2), SEQ, &[0; 4]);
            assert_eq!(read(&datagram), (Ok(Some(Settled::No)), 2));
        }
    }

    #[test]
    fn a_list_that_ends_with_an_error_is_none() {
        let mut datagram = Vec::new();
        part(&mut datagram, 20, 0, SEQ, &[0; 8]);
        part(&mut datagram, wire::DONE, 0, SEQ, &(-libc::ENODEV).to_le_bytes());
        if cfg!(target_endian = "little") {
            assert_eq!(read(&datagram), (Err(libc::ENODEV), 1));
        }
    }

    #[test]
    fn the_answers_to_other_questions_are_not_listened_to() {
        let mut datagram = Vec::new();
        part(&mut datagram, wire::DONE, wire::DUMP_INTERRUPTED, SEQ - 1, &[0; 4]);
        part(&mut datagram, 20, wire::DUMP_INTERRUPTED, SEQ + 1, &[0; 8]);
        part(&mut datagram, 20, 0, SEQ, &[0; 8]);
        assert_eq!(read(&datagram), (Ok(None), 1));
        part(&mut datagram, wire::DONE, 0, SEQ, &[0; 4]);
        assert_eq!(read(&datagram), (Ok(Some(Settled::Yes)), 1));
    }
}
