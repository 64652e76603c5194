//! Messages as datagrams, one each: UDP (RFC 5426) or a unix socket.
//!
//! A datagram is sent, and no more is known of it, save one thing: the receiver's machine may say that nobody listens there.
//! That is heard of after the datagram that it is about. So many as were refused are sent again, and messages wait then.

use std::io;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use nix::sys::socket::{setsockopt, sockopt};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::RecvFlags;
use socket2::{Domain, SockAddr, Socket, Type};
use tracing::{info, warn};

use super::Render;
use super::batch::Batch;
use super::stream::resolve;
use super::{Deliver, Tally, sys};
use crate::collector::event::Event;
use crate::collector::limit::Seldom;
use crate::config::{DatagramDestination, Strategy, Target};

/// How long one call tries.
const PATIENCE: Duration = Duration::from_secs(1);
/// The largest payload of UDP over IPv4 (RFC 768): 65,535 less the headers.
const LONGEST: usize = 65_507;
/// What every receiver takes (RFC 5424 §6.1); a message is not cut shorter than this.
const SHORTEST_CUT: usize = 480;

/// A destination, ready to run.
#[derive(Debug)]
pub(crate) struct Datagrams {
    id: String,
    render: Box<dyn Render>,
    scratch: Vec<u8>,
    hand: Batch,
    /// Of these, so many are sent.
    sent: usize,
    targets: Vec<(Target, Instant)>,
    strategy: Strategy,
    time_reopen: Duration,
    turn: usize,
    attempts: usize,
    open: Option<(usize, Socket)>,
    /// Longer messages are cut here.
    longest: usize,
    tally: Tally,
    complaint: Seldom,
}

impl Datagrams {
    pub(crate) fn new(
        id: &str,
        config: &DatagramDestination,
        time_reopen: Duration,
        render: Box<dyn Render>,
    ) -> Self {
        let now = Instant::now();
        Self {
            id: id.to_owned(),
            render,
            scratch: Vec::new(),
            hand: Batch::default(),
            sent: 0,
            targets: config.to.iter().map(|target| (target.clone(), now)).collect(),
            strategy: config.strategy,
            time_reopen,
            turn: 0,
            attempts: 0,
            open: None,
            longest: LONGEST,
            tally: Tally::default(),
            complaint: Seldom::new(Duration::from_secs(10)),
        }
    }

    /// Opens a socket to the target that is next, or keeps the one there is.
    fn aim(&mut self, now: Instant) -> io::Result<()> {
        let ready = |(_, retry): &(Target, Instant)| now >= *retry;
        let len = self.targets.len().max(1);
        let first = match self.strategy {
            Strategy::Failover => 0,
            Strategy::RoundRobin => self.turn,
        };
        let mut order = (0..len).map(|n| (first + n) % len);
        // All refused: the first of them again.
        let at = order.find(|at| self.targets.get(*at).is_some_and(ready)).unwrap_or(first % len);
        if self.open.as_ref().is_some_and(|(open, _)| *open == at) {
            return Ok(());
        }
        let Some((target, _)) = self.targets.get(at) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        self.longest = LONGEST;
        match connect(target, self.attempts) {
            Ok(socket) => {
                info!(destination = self.id, to = %target, "sends");
                self.open = Some((at, socket));
                Ok(())
            }
            Err(error) => {
                let error = io::Error::new(error.kind(), format!("{target}: {error}"));
                self.away(at, now);
                Err(error)
            }
        }
    }

    fn away(&mut self, at: usize, now: Instant) {
        self.attempts += 1;
        self.open = None;
        if let Some((_, retry)) = self.targets.get_mut(at) {
            *retry = now + self.time_reopen;
        }
    }

    /// Sends what the kernel takes.
    fn send(&mut self, until: Instant) -> io::Result<()> {
        let Some((_, socket)) = &self.open else {
            return Ok(());
        };
        let longest = self.longest;
        let messages = (self.sent..self.hand.len()).map(|n| cut(self.hand.message(n), longest));
        let sent = sys::send(socket.as_fd(), messages);
        let refused = refusals(socket);
        if let Ok(count) = sent {
            let cut =
                (self.sent..self.sent + count).filter(|n| self.hand.message(*n).len() > longest).count();
            self.tally.cut += cut as u64;
            self.sent += count;
        }
        if refused > 0 {
            self.sent = self.sent.saturating_sub(refused);
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        match sent {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "the receiver takes nothing"));
                }
                let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
                match poll(&mut [PollFd::new(socket, PollFlags::OUT)], Some(&timeout)) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
                    Err(error) => Err(error.into()),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => {
                let len = cut(self.hand.message(self.sent), longest).len();
                if len <= SHORTEST_CUT {
                    self.tally.dropped += 1;
                    self.sent += 1;
                } else {
                    self.longest = (len / 2).max(SHORTEST_CUT);
                    if self.complaint.now(Instant::now()) {
                        warn!(
                            destination = self.id,
                            "datagrams of {len} bytes are too long: cut, and counted"
                        );
                    }
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

impl Deliver for Datagrams {
    fn take(&mut self, event: &Event<'_>) {
        self.scratch.clear();
        self.render.render(event, &mut self.scratch);
        let end = self.scratch.iter().rposition(|byte| *byte != b'\n').map_or(0, |last| last + 1);
        let text = self.scratch.get(..end).unwrap_or_default();
        // An empty datagram is no message.
        if !text.is_empty() {
            self.hand.push_with(|out| out.extend_from_slice(text));
        }
    }

    fn flush(&mut self, now: Instant) -> io::Result<()> {
        let until = now + PATIENCE;
        let mut troubles = 0;
        while self.sent < self.hand.len() {
            let tried = self.aim(Instant::now()).and_then(|()| self.send(until));
            let Err(error) = tried else {
                continue;
            };
            if error.kind() == io::ErrorKind::TimedOut {
                return Err(error);
            }
            if let Some((at, _)) = &self.open {
                let at = *at;
                self.away(at, Instant::now());
            }
            troubles += 1;
            if troubles >= self.targets.len() || Instant::now() >= until {
                return Err(error);
            }
        }
        self.turn = self.turn.wrapping_add(1);
        self.hand.clear();
        self.sent = 0;
        Ok(())
    }

    fn take_back(&mut self) {
        self.hand.clear();
        self.sent = 0;
    }

    fn tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }
}

/// The beginning of a message, between characters.
fn cut(message: &[u8], longest: usize) -> &[u8] {
    if message.len() <= longest {
        return message;
    }
    let mut end = longest;
    // A character of UTF-8 has at most three bytes behind its first.
    while end > longest.saturating_sub(3) && message.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
        end -= 1;
    }
    message.get(..end).unwrap_or(message)
}

/// How many datagrams were refused, as far as was heard.
fn refusals(socket: &Socket) -> usize {
    // Each entry is a datagram that came back; its bytes are of no interest.
    let mut byte = [0_u8; 1];
    let mut count = 0;
    while rustix::net::recv(socket, &mut byte[..], RecvFlags::ERRQUEUE | RecvFlags::DONTWAIT).is_ok() {
        count += 1;
    }
    count
}

fn connect(target: &Target, attempts: usize) -> io::Result<Socket> {
    let address = match target {
        Target::Path(path) => SockAddr::unix(path)?,
        Target::Address(address) => SockAddr::from(*address),
        Target::Name(name) => SockAddr::from(resolve(name, attempts)?),
    };
    let socket = Socket::new(Domain::from(i32::from(address.family())), Type::DGRAM, None)?;
    socket.set_nonblocking(true)?;
    // So that a refusal is kept for us, and not forgotten by a call that sent something before it.
    if address.is_ipv4() {
        setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?;
    } else if address.is_ipv6() {
        setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?;
    }
    // A burst has room, and a long message on a unix socket.
    socket.set_send_buffer_size(1 << 20)?;
    socket.connect(&address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests;
