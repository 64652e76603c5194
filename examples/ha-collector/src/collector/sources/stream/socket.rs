//! What a stream is made of: TCP or a Unix socket, which differ in nothing else.

use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tracing::debug;

use crate::collector::intake::Envelope;
use crate::config::Keepalive;

/// A socket that is connected to, before a runtime knows of it.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(std::net::TcpListener, Option<Keepalive>),
    Unix(std::os::unix::net::UnixListener),
}

/// The same, known to a runtime.
#[derive(Debug)]
pub(super) enum Accepting {
    Tcp(TcpListener, Option<Keepalive>),
    Unix(UnixListener),
}

#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Who is at the other end.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) address: Option<SocketAddr>,
    credentials: Option<Box<[u8]>>,
}

/// Who is asked whether there are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// The runtime, which knows without a system call when there are none, once it has looked.
    Runtime,
    /// The kernel: it knows of bytes that the runtime has not heard of.
    Kernel,
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener, _) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        }
    }
}

impl Listener {
    /// To be called within a runtime.
    pub(super) fn accepting(self) -> io::Result<Accepting> {
        Ok(match self {
            Self::Tcp(listener, keepalive) => Accepting::Tcp(TcpListener::from_std(listener)?, keepalive),
            Self::Unix(listener) => Accepting::Unix(UnixListener::from_std(listener)?),
        })
    }

    /// One that the kernel has accepted for us already.
    pub(super) fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener, keepalive) => {
                let (stream, peer) = listener.accept()?;
                stream.set_nonblocking(true)?;
                Ok(tcp(TcpStream::from_std(stream)?, peer, *keepalive))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                Ok(unix(UnixStream::from_std(stream)?))
            }
        }
    }
}

impl Accepting {
    pub(super) async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener, keepalive) => {
                let (stream, peer) = listener.accept().await?;
                Ok(tcp(stream, peer, *keepalive))
            }
            Self::Unix(listener) => Ok(unix(listener.accept().await?.0)),
        }
    }

    pub(super) fn into_std(self) -> io::Result<Listener> {
        Ok(match self {
            Self::Tcp(listener, keepalive) => Listener::Tcp(listener.into_std()?, keepalive),
            Self::Unix(listener) => Listener::Unix(listener.into_std()?),
        })
    }
}

fn tcp(stream: TcpStream, peer: SocketAddr, keepalive: Option<Keepalive>) -> (Stream, Peer) {
    if let Some(Keepalive { time, interval, probes }) = keepalive {
        let keepalive = TcpKeepalive::new().with_time(time).with_interval(interval).with_retries(probes);
        if let Err(error) = SockRef::from(&stream).set_tcp_keepalive(&keepalive) {
            debug!(%peer, "no keepalive: {error}");
        }
    }
    (Stream::Tcp(stream), Peer { address: Some(peer), credentials: None })
}

fn unix(stream: UnixStream) -> (Stream, Peer) {
    let known = rustix::net::sockopt::socket_peercred(&stream).ok();
    let credentials =
        known.map(|known| super::super::unix::credentials(known).into_bytes().into_boxed_slice());
    (Stream::Unix(stream), Peer { address: None, credentials })
}

impl Stream {
    /// Tells the peer that nothing more is read after what it is sending now.
    pub(super) fn finish(&self) {
        // One that is gone hears nothing, and its last bytes are here.
        match self {
            Self::Tcp(stream) => SockRef::from(stream).shutdown(Shutdown::Write).ok(),
            Self::Unix(stream) => SockRef::from(stream).shutdown(Shutdown::Write).ok(),
        };
    }

    pub(super) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            Self::Unix(stream) => stream.readable().await,
        }
    }

    pub(super) fn read(&self, room: &mut [u8], ask: Ask) -> io::Result<usize> {
        match (ask, self) {
            (Ask::Kernel, _) => rustix::io::read(self, room).map_err(io::Error::from),
            (Ask::Runtime, Self::Tcp(stream)) => stream.try_read(room),
            (Ask::Runtime, Self::Unix(stream)) => stream.try_read(room),
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }
}

impl Peer {
    pub(super) fn envelope(&self) -> Envelope<'_> {
        Envelope { peer: self.address, credentials: self.credentials.as_deref(), ..Envelope::default() }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.address, &self.credentials) {
            (Some(address), _) => address.fmt(f),
            (None, Some(credentials)) => f.write_str(&String::from_utf8_lossy(credentials)),
            (None, None) => f.write_str("somebody here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_connection_is_probed_as_asked_or_not_at_all() {
        let asked = Keepalive { time: Duration::from_secs(7), interval: Duration::from_secs(3), probes: 4 };
        for keepalive in [Some(asked), None] {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let _sender = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (stream, peer) = Listener::Tcp(listener, keepalive).accept().unwrap();
            assert!(peer.address.is_some());
            let socket = SockRef::from(&stream);
            assert_eq!(socket.keepalive().unwrap(), keepalive.is_some());
            if keepalive.is_some() {
                let has = (
                    socket.tcp_keepalive_time(),
                    socket.tcp_keepalive_interval(),
                    socket.tcp_keepalive_retries(),
                );
                assert_eq!(
                    (has.0.unwrap(), has.1.unwrap(), has.2.unwrap()),
                    (asked.time, asked.interval, asked.probes)
                );
            }
        }
    }
}
