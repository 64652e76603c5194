//! What destinations ask of the kernel and no safe wrapper offers: how much of a stream has not arrived, what TCP knows of
//! its peer, many datagrams with one call, and a child that inherits nothing.

#![expect(unsafe_code, reason = "ioctl, getsockopt, sendmmsg, close_range; every block says why it is sound")]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

/// Datagrams given with one call.
pub(super) const MOST_AT_ONCE: usize = 64;

/// Bytes written to a socket that have not arrived: over TCP those that the peer's kernel has not acknowledged, on a unix
/// socket those that the peer has not read, with what the kernel needs to keep them (`SIOCOUTQ`).
pub(super) fn outstanding(socket: BorrowedFd<'_>) -> io::Result<usize> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: `TIOCOUTQ`, of which `SIOCOUTQ` is another name, writes one int, and `bytes` is one.
    let status = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if status == 0 { Ok(usize::try_from(bytes).unwrap_or_default()) } else { Err(io::Error::last_os_error()) }
}

/// What TCP knows of its peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    /// Since it last acknowledged anything.
    pub(super) silent: Duration,
    /// Segments that were sent and not acknowledged, and how often the first of them was repeated.
    pub(super) unacknowledged: u32,
    pub(super) repeated: u8,
    /// Bytes that it would take; 0 where the kernel does not say.
    pub(super) window: u32,
}

/// Asks for [`Peer`] (`TCP_INFO`, tcp(7)).
pub(super) fn tcp_peer(socket: BorrowedFd<'_>) -> io::Result<Peer> {
    // `struct tcp_info` of linux/tcp.h only ever grows at its end. An older kernel writes less of it.
    const REPEATED: usize = 2;
    const UNACKNOWLEDGED: usize = 24;
    const SILENT_MS: usize = 56;
    const WINDOW: usize = 228;
    let mut info = [0_u8; 232];
    #[expect(clippy::cast_possible_truncation, reason = "232 bytes")]
    let mut len = size_of_val(&info) as libc::socklen_t;
    // SAFETY: `info` is writable for `len` bytes, and the kernel writes no more than that.
    let status = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut len,
        )
    };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    #[expect(clippy::host_endian_bytes, reason = "the kernel's own numbers")]
    let number = |at: usize| {
        info.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_ne_bytes(*bytes))
    };
    Ok(Peer {
        silent: Duration::from_millis(u64::from(number(SILENT_MS))),
        unacknowledged: number(UNACKNOWLEDGED),
        repeated: info.get(REPEATED).copied().unwrap_or_default(),
        window: number(WINDOW),
    })
}

/// Sends datagrams to whom the socket is connected to, without waiting, at most [`MOST_AT_ONCE`] of them. Says how many
/// went; an error is that of the first.
pub(super) fn send<'m>(
    socket: BorrowedFd<'_>,
    messages: impl Iterator<Item = &'m [u8]>,
) -> io::Result<usize> {
    // SAFETY: both are plain C structs of integers and pointers, for which all zeroes is a value.
    let mut iovecs: [libc::iovec; MOST_AT_ONCE] = unsafe { mem::zeroed() };
    // SAFETY: as above.
    let mut headers: [libc::mmsghdr; MOST_AT_ONCE] = unsafe { mem::zeroed() };
    let mut count: libc::c_uint = 0;
    for ((header, iovec), message) in headers.iter_mut().zip(iovecs.iter_mut()).zip(messages) {
        iovec.iov_base = message.as_ptr().cast_mut().cast();
        iovec.iov_len = message.len();
        header.msg_hdr.msg_iov = iovec;
        header.msg_hdr.msg_iovlen = 1;
        count += 1;
    }
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the first `count` headers each name one iovec over bytes that outlive the call and are only read; no
    // addresses and no control data are named.
    let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count, flags as _) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// The child keeps no descriptor but its standard ones, whoever forgot to say so of them.
pub(super) fn inherit_nothing(command: &mut Command) {
    let close = || {
        // SAFETY: it has no pointers; descriptors are only marked, and are closed by the exec that follows.
        let status =
            unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
        // A kernel before 5.11 does not know it; what std opens is closed there all the same.
        if status == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::EBADF) {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    };
    // SAFETY: between fork and exec the closure makes one system call and allocates nothing.
    unsafe { command.pre_exec(close) };
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn what_a_unix_peer_has_not_read_is_outstanding() {
        let (mut here, mut there) = UnixStream::pair().unwrap();
        assert_eq!(outstanding(here.as_fd()).unwrap(), 0);
        here.write_all(b"abc").unwrap();
        assert!(outstanding(here.as_fd()).unwrap() > 0);
        io::Read::read_exact(&mut there, &mut [0; 3]).unwrap();
        assert_eq!(outstanding(here.as_fd()).unwrap(), 0);
    }

    #[test]
    fn tcp_tells_of_its_peer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let peer = tcp_peer(here.as_fd()).unwrap();
        assert!(peer.window > 1_000, "{peer:?}");
        assert_eq!((peer.unacknowledged, peer.repeated), (0, 0));
        assert!(peer.silent < Duration::from_secs(3_600), "{peer:?}");
    }

    #[test]
    fn many_datagrams_go_with_one_call() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(receiver.local_addr().unwrap()).unwrap();
        let messages = [&b"one"[..], b"", b"three"];
        assert_eq!(send(sender.as_fd(), messages.into_iter()).unwrap(), 3);
        let mut bytes = [0; 16];
        for message in messages {
            let len = receiver.recv(&mut bytes).unwrap();
            assert_eq!(&bytes[..len], message);
        }
    }
}
