//! Sockets that a load goes over.

use std::fmt;
use std::io::{self, IoSlice, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, sendmmsg};
use socket2::SockRef;

use super::message::BatchOf;

const CONNECT: Duration = Duration::from_secs(5);
/// Bytes that the kernel may hold of what is sent.
const SEND_BUFFER: usize = 4 << 20;

/// Where a load goes.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    Udp(SocketAddr),
    Tcp(SocketAddr),
    UnixDatagram(PathBuf),
    UnixStream(PathBuf),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(address) => write!(f, "udp {address}"),
            Self::Tcp(address) => write!(f, "tcp {address}"),
            Self::UnixDatagram(path) => write!(f, "unix-dgram {}", path.display()),
            Self::UnixStream(path) => write!(f, "unix-stream {}", path.display()),
        }
    }
}

/// What the kernel took of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Went {
    pub(super) messages: u64,
    pub(super) bytes: u64,
}

/// One socket.
#[derive(Debug)]
pub(super) enum Wire {
    Udp(UdpSocket),
    UnixDatagram(UnixDatagram),
    Tcp(TcpStream),
    UnixStream(UnixStream),
}

impl Wire {
    pub(super) fn connect(target: &Target) -> io::Result<Self> {
        Ok(match target {
            Target::Udp(address) => {
                let any = match address {
                    SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
                    SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
                };
                let socket = UdpSocket::bind(any)?;
                socket.connect(address)?;
                SockRef::from(&socket).set_send_buffer_size(SEND_BUFFER)?;
                Self::Udp(socket)
            }
            Target::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, CONNECT)?;
                stream.set_nodelay(true)?;
                SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER)?;
                Self::Tcp(stream)
            }
            Target::UnixDatagram(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                Self::UnixDatagram(socket)
            }
            Target::UnixStream(path) => Self::UnixStream(UnixStream::connect(path)?),
        })
    }

    pub(super) fn send(&mut self, batch: &BatchOf<'_>) -> io::Result<Went> {
        let all = Went { messages: batch.len(), bytes: batch.stream.len() as u64 };
        match self {
            Self::Tcp(stream) => stream.write_all(batch.stream).map(|()| all),
            Self::UnixStream(stream) => stream.write_all(batch.stream).map(|()| all),
            Self::Udp(socket) => datagrams(socket.as_raw_fd(), batch),
            Self::UnixDatagram(socket) => datagrams(socket.as_raw_fd(), batch),
        }
    }

    /// Tells the receiver of a stream that this was all.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::UnixStream(stream) => stream.shutdown(Shutdown::Write),
            Self::Udp(_) | Self::UnixDatagram(_) => Ok(()),
        }
    }
}

/// Sends each message as a datagram. One that the receiver's host refuses is not sent, and no error.
fn datagrams(socket: std::os::fd::RawFd, batch: &BatchOf<'_>) -> io::Result<Went> {
    let slices: Vec<[IoSlice<'_>; 1]> = batch
        .messages
        .iter()
        .map(|place| [IoSlice::new(batch.stream.get(place.clone()).unwrap_or_default())])
        .collect();
    let mut rest = slices.as_slice();
    let mut went = Went { messages: 0, bytes: 0 };
    while !rest.is_empty() {
        let mut headers = MultiHeaders::<()>::preallocate(rest.len(), None);
        let nowhere = vec![None; rest.len()];
        let sent = sendmmsg(socket, &mut headers, rest.iter(), &nowhere, [], MsgFlags::empty());
        let done = match sent {
            Ok(results) => {
                let mut done = 0;
                for result in results {
                    done += 1;
                    went.bytes += result.bytes as u64;
                }
                went.messages += done as u64;
                done
            }
            // What one datagram met is told to the next: nobody listened to that one, and this one was not sent.
            Err(Errno::ECONNREFUSED) => 1,
            Err(Errno::EINTR | Errno::ENOBUFS | Errno::EAGAIN) => 0,
            Err(error) => return Err(error.into()),
        };
        rest = rest.get(done..).unwrap_or_default();
    }
    Ok(went)
}
