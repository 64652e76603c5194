//! Where messages come from. One file a transport; what happens to a message is in [`super::intake`].

pub(crate) mod tcp;
pub(crate) mod udp;

use std::io;
use std::net::SocketAddr;

use socket2::Socket;

/// Whether the address that is listened on is this host's at all times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum There {
    Always,
    /// A virtual address, which comes and goes: it can be bound before it is there.
    Sometimes,
}

impl There {
    fn prepare(self, socket: &Socket, listen: SocketAddr) -> io::Result<()> {
        match (self, listen) {
            (Self::Always, _) => Ok(()),
            (Self::Sometimes, SocketAddr::V4(_)) => socket.set_freebind_v4(true),
            (Self::Sometimes, SocketAddr::V6(_)) => socket.set_freebind_v6(true),
        }
    }
}
