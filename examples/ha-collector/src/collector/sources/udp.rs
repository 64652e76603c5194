//! Datagrams: one message each (RFC 5426 §3.1), taken many at a time by a thread that does nothing else.

mod sys;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tracing::{error, warn};

use self::sys::{Datagrams, SLOTS, WhenEmpty};
use crate::collector::intake::{Envelope, Intake, Origin};
use crate::collector::ledger::{DropReason, SourceAccount};
use crate::collector::stop::Stop;
use crate::config::There;

/// How long datagrams that are already in the kernel are still taken after the word to stop.
const DRAIN: Duration = Duration::from_secs(1);
/// How often a busy thread asks the kernel what it dropped.
const ASK_KERNEL: Duration = Duration::from_millis(200);

/// A bound socket.
#[derive(Clone, Debug)]
pub(crate) struct UdpSource {
    socket: Arc<UdpSocket>,
    /// Bytes that the kernel was to hold for us, and those that it will.
    asked: usize,
    granted: usize,
}

impl UdpSource {
    /// Binds, and asks the kernel for a receive buffer of that many bytes.
    pub(crate) fn bind(listen: SocketAddr, there: There, receive_buffer: usize) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(listen), Type::DGRAM, Some(Protocol::UDP))?;
        super::prepare(there, &socket, listen)?;
        let granted = enlarge(&socket, receive_buffer)?;
        socket.bind(&listen.into())?;
        Ok(Self { socket: Arc::new(socket.into()), asked: receive_buffer, granted })
    }

    /// Takes one that is bound already.
    pub(crate) fn adopt(socket: UdpSocket, receive_buffer: usize) -> io::Result<Self> {
        let socket = Socket::from(socket);
        socket.set_nonblocking(false)?;
        let granted = enlarge(&socket, receive_buffer)?;
        Ok(Self { socket: Arc::new(socket.into()), asked: receive_buffer, granted })
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
        KernelDrops { socket: Arc::downgrade(&self.socket), counted: Arc::default(), account }
    }

    /// Ends a `receive` that waits. Datagrams that are already here can still be taken.
    pub(crate) fn wake(&self) {
        // An unconnected socket answers ENOTCONN and is shut down all the same.
        if let Err(error) = SockRef::from(&*self.socket).shutdown(std::net::Shutdown::Read)
            && error.kind() != io::ErrorKind::NotConnected
        {
            error!("cannot shut the udp socket down: {error}");
        }
    }

    /// Receives until told to stop and the kernel has nothing more.
    pub(crate) fn run(&self, intake: &mut Intake, origin: &Origin, drops: &KernelDrops, stop: &Stop) {
        let mut datagrams = Datagrams::new();
        let mut asked = Instant::now();
        while !stop.said() {
            match datagrams.receive(self.socket.as_fd(), WhenEmpty::Wait) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    // Errors of earlier datagrams (ICMP) do not reach an unconnected socket; what is left is memory.
                    error!(source = origin.account.id, "cannot receive: {error}");
                    if stop.wait(Duration::from_millis(100)) {
                        break;
                    }
                    continue;
                }
            }
            take(&datagrams, intake, origin);
            if asked.elapsed() >= ASK_KERNEL {
                asked = Instant::now();
                drops.settle();
            }
        }
        let until = Instant::now() + DRAIN;
        while Instant::now() < until {
            match datagrams.receive(self.socket.as_fd(), WhenEmpty::Return) {
                Ok(0) | Err(_) => break,
                Ok(n) => {
                    take(&datagrams, intake, origin);
                    if n < SLOTS {
                        break;
                    }
                }
            }
        }
        drops.settle();
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

fn take(datagrams: &Datagrams, intake: &mut Intake, origin: &Origin) {
    intake.receive();
    for (bytes, peer) in datagrams.iter() {
        // Shutting down looks like an empty datagram without a sender.
        if bytes.is_empty() {
            if peer.is_some() {
                origin.account.received(1, 0);
                origin.account.dropped(DropReason::Empty, 1);
            }
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
    counted: Arc<Mutex<u32>>,
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
