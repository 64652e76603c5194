//! Datagrams: one message each (RFC 5426 §3.1), taken many at a time by a thread that does nothing else.

mod sys;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_recv_buffer_size_force;
use socket2::{Domain, Protocol, Socket, Type};
use tracing::{error, warn};

use self::sys::{Datagrams, SLOTS};
use super::bell::Woken;
use super::heritage::{Counted, Left};
use super::thread::Reader;
use crate::collector::intake::Envelope;
use crate::collector::ledger::{DropReason, SourceAccount};
use crate::config::There;

/// How long datagrams that are already in the kernel are still taken after the word to stop.
const DRAIN: Duration = Duration::from_secs(1);
/// How often a busy thread asks the kernel what it dropped.
const ASK_KERNEL: Duration = Duration::from_millis(200);
/// Where datagrams come at shorter intervals than [`STREAM`], they are let gather for so long, and taken together: to be woken for
/// each of them costs more than all that is done with it. The receive buffer holds what comes meanwhile.
const GATHER: Duration = Duration::from_micros(200);
const STREAM: Duration = Duration::from_micros(500);

/// A bound socket.
#[derive(Clone, Debug)]
pub(crate) struct UdpSource {
    socket: Arc<UdpSocket>,
    /// Bytes that the kernel was to hold for us, and those that it will.
    asked: usize,
    granted: usize,
    counted: Counted,
}

impl UdpSource {
    /// Binds, and asks the kernel for a receive buffer of that many bytes.
    pub(crate) fn bind(listen: SocketAddr, there: There, receive_buffer: usize) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(listen), Type::DGRAM, Some(Protocol::UDP))?;
        super::bound::prepare(there, &socket, listen)?;
        let granted = set_room(&socket, receive_buffer)?;
        socket.bind(&listen.into())?;
        Ok(Self::new(socket, receive_buffer, granted, Counted::default()))
    }

    /// Takes one that is bound already. What waits in it stays there: its receive buffer becomes no smaller.
    pub(super) fn adopt(socket: UdpSocket, receive_buffer: usize, counted: Counted) -> io::Result<Self> {
        let socket = Socket::from(socket);
        let granted = enlarge(&socket, receive_buffer)?;
        Ok(Self::new(socket, receive_buffer, granted, counted))
    }

    fn new(socket: Socket, asked: usize, granted: usize, counted: Counted) -> Self {
        Self { socket: Arc::new(socket.into()), asked, granted, counted }
    }

    /// Says what the kernel did not grant.
    pub(crate) fn complain(&self, id: &str) {
        let Self { asked, granted, .. } = self;
        if granted < asked {
            warn!(
                source = id,
                asked,
                granted,
                "the kernel holds less for us than asked; sysctl net.core.rmem_max={asked} lifts that"
            );
        }
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The kernel's count of what it dropped here, on its way into the ledger.
    pub(crate) fn kernel_drops(&self, account: Arc<SourceAccount>) -> KernelDrops {
        KernelDrops { socket: Arc::downgrade(&self.socket), counted: self.counted(), account }
    }

    /// Who counts it next goes on with this.
    pub(super) fn counted(&self) -> Counted {
        Arc::clone(&self.counted)
    }

    /// Receives until told to stop and the kernel has nothing more, or what it has is left to a successor.
    pub(super) fn run(&self, mut reader: Reader, drops: &KernelDrops, left: &Left) {
        let mut datagrams = Datagrams::new();
        let mut asked = Instant::now();
        let mut last = asked;
        while reader.wait(self.socket.as_fd()) != Woken::Rung {
            while !reader.stop.said() {
                match datagrams.receive(self.socket.as_fd()) {
                    Ok(n) => {
                        let now = Instant::now();
                        let before = std::mem::replace(&mut last, now);
                        take(&datagrams, &mut reader);
                        if now - asked >= ASK_KERNEL {
                            asked = now;
                            drops.settle();
                        }
                        if n == SLOTS {
                            continue;
                        }
                        if now - before > STREAM {
                            break;
                        }
                        std::thread::sleep(GATHER);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        // Errors of earlier datagrams (ICMP) do not reach an unconnected socket; what is left is memory.
                        error!(source = reader.origin.account.id, "cannot receive: {error}");
                        reader.stop.wait(Duration::from_millis(100));
                        break;
                    }
                }
            }
        }
        let until = Instant::now() + DRAIN;
        while !left.is_left() && Instant::now() < until {
            match datagrams.receive(self.socket.as_fd()) {
                Ok(0) | Err(_) => break,
                Ok(n) => {
                    take(&datagrams, &mut reader);
                    if n < SLOTS {
                        break;
                    }
                }
            }
        }
        drops.settle();
    }
}

impl AsFd for UdpSource {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Asks the kernel for a receive buffer; says how large it is.
fn set_room(socket: &Socket, receive_buffer: usize) -> io::Result<usize> {
    // With CAP_NET_ADMIN beyond net.core.rmem_max, without it up to that.
    if set_socket_recv_buffer_size_force(socket, receive_buffer).is_err() {
        socket.set_recv_buffer_size(receive_buffer)?;
    }
    room(socket)
}

/// As [`set_room`], for a socket that is read already, perhaps with more than we could ask for today: the privilege for that is
/// given up at the start.
fn enlarge(socket: &Socket, receive_buffer: usize) -> io::Result<usize> {
    let has = room(socket)?;
    if has >= receive_buffer || set_socket_recv_buffer_size_force(socket, receive_buffer).is_ok() {
        return room(socket);
    }
    // Without the privilege the kernel cuts what is asked for, and may take away what there is: another socket tells.
    let other = Socket::new(socket.domain()?, Type::DGRAM, Some(Protocol::UDP))?;
    other.set_recv_buffer_size(receive_buffer)?;
    if room(&other)? > has {
        socket.set_recv_buffer_size(receive_buffer)?;
    }
    room(socket)
}

/// Bytes that the kernel holds for a socket.
fn room(socket: &Socket) -> io::Result<usize> {
    // It answers with twice what it was asked for, to account for its own overhead.
    Ok(socket.recv_buffer_size()? / 2)
}

fn take(datagrams: &Datagrams, reader: &mut Reader) {
    let Reader { intake, origin, .. } = reader;
    intake.receive();
    for (bytes, peer) in datagrams.iter() {
        if bytes.is_empty() {
            origin.account.received(1, 0);
            origin.account.dropped(DropReason::Empty, 1);
            continue;
        }
        intake.take(bytes, &Envelope { peer, ..Envelope::default() }, origin);
    }
    intake.append_or_drop(origin);
}

/// Carries the kernel's drop counter of one socket into the ledger.
#[derive(Clone, Debug)]
pub(crate) struct KernelDrops {
    /// Whoever still counts does not keep it open.
    socket: Weak<UdpSocket>,
    counted: Counted,
    account: Arc<SourceAccount>,
}

impl KernelDrops {
    /// Whether both are of the same socket.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.counted, &other.counted)
    }

    /// Counts what was dropped since the last time.
    pub(crate) fn settle(&self) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(socket) = self.socket.upgrade() else { return };
        if let Ok(now) = sys::kernel_drops(socket.as_fd()) {
            let lost = u64::from(now.wrapping_sub(*counted));
            *counted = now;
            if lost > 0 {
                self.account.received(lost, 0);
                self.account.dropped(DropReason::KernelReceiveBuffer, lost);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receive_buffer_of_a_socket_in_use_becomes_no_smaller() {
        let socket = Socket::from(UdpSocket::bind("127.0.0.1:0").unwrap());
        let large = set_room(&socket, 150_000).unwrap();
        for asked in [4_096, large, large + 4_096, usize::try_from(i32::MAX / 4).unwrap()] {
            let before = room(&socket).unwrap();
            let granted = enlarge(&socket, asked).unwrap();
            assert_eq!(granted, room(&socket).unwrap());
            assert!(granted >= before, "{asked} asked for: {granted} after {before}");
        }
    }

    #[test]
    fn what_was_given_to_root_is_not_taken_away_without_the_privilege() {
        let socket = Socket::from(UdpSocket::bind("127.0.0.1:0").unwrap());
        // More than an ordinary user gets.
        let most = {
            let other = Socket::from(UdpSocket::bind("127.0.0.1:0").unwrap());
            other.set_recv_buffer_size(usize::try_from(i32::MAX / 4).unwrap()).unwrap();
            room(&other).unwrap()
        };
        let asked = most + (1 << 20);
        if set_socket_recv_buffer_size_force(&socket, asked).is_err() {
            let said = "\nskipped: a receive buffer beyond net.core.rmem_max takes CAP_NET_ADMIN\n";
            io::Write::write_all(&mut io::stderr(), said.as_bytes()).unwrap();
            return;
        }
        // Capabilities belong to threads, and this one is the test's own.
        std::thread::spawn(move || {
            crate::collector::privileges::renounce();
            assert_eq!(enlarge(&socket, asked).unwrap(), asked, "as it is");
            assert_eq!(enlarge(&socket, asked + (1 << 20)).unwrap(), asked, "more is not to be had");
            assert_eq!(room(&socket).unwrap(), asked);
        })
        .join()
        .unwrap();
    }
}
