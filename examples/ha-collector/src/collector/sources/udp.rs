//! Datagrams: one message each (RFC 5426 §3.1), taken many at a time by a thread that does nothing else.

mod sys;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};

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
        let granted = enlarge(&socket, receive_buffer)?;
        socket.bind(&listen.into())?;
        Ok(Self::new(socket, receive_buffer, granted, Counted::default()))
    }

    /// Takes one that is bound already.
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
fn enlarge(socket: &Socket, receive_buffer: usize) -> io::Result<usize> {
    // With CAP_NET_ADMIN beyond net.core.rmem_max, without it up to that.
    if rustix::net::sockopt::set_socket_recv_buffer_size_force(socket, receive_buffer).is_err() {
        socket.set_recv_buffer_size(receive_buffer)?;
    }
    // The kernel answers with twice what it was asked for, to account for its own overhead.
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
