//! Listening for TCP connections; what they say is read in [`super::stream`].

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use super::stream::BACKLOG;
use crate::config::There;

/// A socket that listens.
pub(super) fn bind(listen: SocketAddr, there: There) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(listen), Type::STREAM, Some(Protocol::TCP))?;
    super::bound::prepare(there, &socket, listen)?;
    // A restart must not wait for connections of its predecessor to be forgotten.
    socket.set_reuse_address(true)?;
    socket.bind(&listen.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
