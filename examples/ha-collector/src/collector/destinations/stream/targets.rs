//! The targets of a destination: which of them are connected, which are called, and which one gets the next batch.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, SockAddr, Socket, TcpKeepalive, Type};
use tracing::{debug, info};

use super::link::{Kind, Link, wait};
use crate::config::{Keepalive, Strategy, StreamDestination, Target};

/// A call that is not answered for so long is given up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// When the first target has not answered for so long, the next is called as well.
const STAGGER: Duration = Duration::from_millis(250);

/// All of them.
#[derive(Debug)]
pub(super) struct Targets {
    id: String,
    all: Vec<Slot>,
    strategy: Strategy,
    keepalive: Option<Keepalive>,
    time_reopen: Duration,
    /// Whose turn it is.
    turn: usize,
}

#[derive(Debug)]
struct Slot {
    target: Target,
    state: State,
    /// Of its names' addresses, the next to be tried.
    attempts: usize,
}

#[derive(Debug)]
enum State {
    /// Called again at that time at the earliest, as long as another one does.
    Down {
        retry: Instant,
    },
    Called {
        socket: Socket,
        kind: Kind,
        since: Instant,
    },
    Up(Box<Link>),
}

impl Targets {
    pub(super) fn new(id: &str, config: &StreamDestination, time_reopen: Duration) -> Self {
        let now = Instant::now();
        let slot =
            |target: &Target| Slot { target: target.clone(), state: State::Down { retry: now }, attempts: 0 };
        Self {
            id: id.to_owned(),
            all: config.to.iter().map(slot).collect(),
            strategy: config.strategy,
            keepalive: config.keepalive,
            time_reopen,
            turn: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn name(&self, at: usize) -> String {
        self.all.get(at).map(|slot| slot.target.to_string()).unwrap_or_default()
    }

    /// Its connection, if there is one.
    pub(super) fn link(&mut self, at: usize) -> Option<&mut Link> {
        match self.all.get_mut(at).map(|slot| &mut slot.state) {
            Some(State::Up(link)) => Some(link),
            _ => None,
        }
    }

    /// Gives its connection up.
    pub(super) fn close(&mut self, at: usize, now: Instant) {
        if let Some(slot) = self.all.get_mut(at) {
            slot.state = State::Down { retry: now + self.time_reopen };
        }
    }

    /// The target for the next batch. With none connected, all are called in their order, and the first that answers is it.
    pub(super) fn pick(&mut self, until: Instant) -> io::Result<usize> {
        let mut called = 0;
        let mut error = None;
        loop {
            self.hear_answers(Instant::now(), &mut error);
            if let Some(at) = self.choose() {
                return Ok(at);
            }
            // One that is called already has its time, too, before the next is called.
            let mut wait_for = None;
            while called < self.all.len() && wait_for.is_none() {
                wait_for = self.call(called, Instant::now(), &mut error);
                called += 1;
            }
            let wait_for = wait_for
                .or_else(|| self.all.iter().position(|slot| matches!(slot.state, State::Called { .. })));
            let Some(at) = wait_for else {
                if self.choose().is_some() {
                    continue;
                }
                return Err(error.unwrap_or_else(|| io::ErrorKind::NotConnected.into()));
            };
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
            else {
                let message = format!("{} does not answer", self.name(at));
                return Err(error.unwrap_or_else(|| io::Error::new(io::ErrorKind::TimedOut, message)));
            };
            let left = left.min(STAGGER);
            if let Some(State::Called { socket, .. }) = self.all.get(at).map(|slot| &slot.state) {
                wait(socket, PollFlags::OUT, left)?;
            }
        }
    }

    /// Goes on with calls, and calls those that were away for `time-reopen`, while another one does.
    pub(super) fn attend(&mut self, now: Instant) {
        let Some(first_up) = self.all.iter().position(|slot| matches!(slot.state, State::Up(_))) else {
            return;
        };
        let mut error = None;
        let candidates = match self.strategy {
            Strategy::Failover => first_up,
            Strategy::RoundRobin => self.all.len(),
        };
        for at in 0..candidates {
            if matches!(self.all.get(at).map(|slot| &slot.state), Some(State::Down { retry }) if now >= *retry)
            {
                self.call(at, now, &mut error);
            }
        }
        self.hear_answers(now, &mut error);
        if let Some(error) = error {
            debug!(destination = self.id, "still away: {error}");
        }
        if self.strategy == Strategy::Failover {
            self.close_behind(now);
        }
    }

    /// Closes those that were stood in for, once their receivers have read what they got.
    fn close_behind(&mut self, now: Instant) {
        let mut better = false;
        for slot in &mut self.all {
            match &slot.state {
                State::Up(link) if better && link.is_done() => {
                    slot.state = State::Down { retry: now + self.time_reopen };
                }
                State::Up(_) => better = true,
                State::Down { .. } | State::Called { .. } => {}
            }
        }
    }

    fn choose(&mut self) -> Option<usize> {
        let up = |slot: &Slot| matches!(slot.state, State::Up(_));
        match self.strategy {
            Strategy::Failover => self.all.iter().position(up),
            Strategy::RoundRobin => {
                let len = self.all.len();
                let at = (0..len).map(|n| (self.turn + n) % len).find(|at| self.all.get(*at).is_some_and(up));
                self.turn = at.map_or(self.turn, |at| (at + 1) % len);
                at
            }
        }
    }

    /// Calls one that is not connected. `Some`: its answer is to be waited for.
    fn call(&mut self, at: usize, now: Instant, failed: &mut Option<io::Error>) -> Option<usize> {
        let slot = self.all.get_mut(at)?;
        if !matches!(slot.state, State::Down { .. }) {
            return matches!(slot.state, State::Called { .. }).then_some(at);
        }
        match connect(&slot.target, slot.attempts, self.keepalive) {
            Ok((socket, kind)) => {
                slot.state = State::Called { socket, kind, since: now };
                Some(at)
            }
            Err(error) => {
                slot.attempts += 1;
                slot.state = State::Down { retry: now + self.time_reopen };
                *failed = Some(named(&slot.target, &error));
                None
            }
        }
    }

    /// Looks which of those that were called have answered.
    fn hear_answers(&mut self, now: Instant, failed: &mut Option<io::Error>) {
        for slot in &mut self.all {
            let State::Called { socket, since, .. } = &slot.state else {
                continue;
            };
            let answer = match answer(socket) {
                Ok(Answer::NotYet) if now.duration_since(*since) < CONNECT_TIMEOUT => continue,
                Ok(Answer::NotYet) => Err(io::ErrorKind::TimedOut.into()),
                Ok(Answer::Connected) => Ok(()),
                Err(error) => Err(error),
            };
            let before = std::mem::replace(&mut slot.state, State::Down { retry: now + self.time_reopen });
            match (answer, before) {
                (Ok(()), State::Called { socket, kind, .. }) => {
                    info!(destination = self.id, to = %slot.target, "connected");
                    slot.state = State::Up(Box::new(Link::new(socket, kind, now)));
                }
                (Ok(()), _) => {}
                (Err(error), _) => {
                    slot.attempts += 1;
                    *failed = Some(named(&slot.target, &error));
                }
            }
        }
    }
}

#[derive(Debug)]
pub(super) enum Answer {
    NotYet,
    Connected,
}

pub(super) fn answer(socket: &Socket) -> io::Result<Answer> {
    let mut fds = [PollFd::new(socket, PollFlags::OUT)];
    let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
    if poll(&mut fds, Some(&zero))? == 0 {
        return Ok(Answer::NotYet);
    }
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    // A port of this machine that nobody listens on, taken for the caller's own end: TCP connects to itself then.
    let (here, there) = (socket.local_addr()?, socket.peer_addr()?);
    if here.as_socket().is_some() && here.as_socket() == there.as_socket() {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(Answer::Connected)
}

fn connect(target: &Target, attempts: usize, keepalive: Option<Keepalive>) -> io::Result<(Socket, Kind)> {
    let (address, kind) = match target {
        Target::Path(path) => (SockAddr::unix(path)?, Kind::Unix),
        Target::Address(address) => (SockAddr::from(*address), Kind::Tcp),
        Target::Name(name) => (SockAddr::from(resolve(name, attempts)?), Kind::Tcp),
    };
    let domain = Domain::from(i32::from(address.family()));
    let socket = Socket::new(domain, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    if kind == Kind::Tcp {
        // Whole batches are written: there is nothing to be collected.
        socket.set_tcp_nodelay(true)?;
        if let Some(keepalive) = keepalive {
            let keepalive = TcpKeepalive::new()
                .with_time(keepalive.time)
                .with_interval(keepalive.interval)
                .with_retries(keepalive.probes);
            socket.set_tcp_keepalive(&keepalive)?;
        }
    }
    match socket.connect(&address) {
        Ok(()) => Ok((socket, kind)),
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok((socket, kind)),
        Err(error) => Err(error),
    }
}

/// One of the addresses of a name, another one at each attempt.
pub(in crate::collector::destinations) fn resolve(name: &str, attempts: usize) -> io::Result<SocketAddr> {
    let addresses: Vec<SocketAddr> = name.to_socket_addrs()?.collect();
    let at = attempts.checked_rem(addresses.len()).unwrap_or_default();
    addresses.get(at).copied().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "has no address"))
}

fn named(target: &Target, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{target}: {error}"))
}
