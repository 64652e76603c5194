//! The system calls for netlink sockets that no safe wrapper offers: `AF_NETLINK` addresses and options. The one file
//! of this crate that may hold `unsafe`.

use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// A netlink socket, bound to a port that the kernel chose.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: OwnedFd,
    port: u32,
}

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Links and addresses.
    Route,
    /// Sockets of the Internet protocols.
    SockDiag,
}

/// Whether a call with nothing to take waits for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenEmpty {
    Wait,
    Return,
}

/// A datagram that was received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    /// How long it was; longer than the buffer when it was cut.
    pub(crate) len: usize,
    /// The port of the sender; 0 is the kernel.
    pub(crate) from: u32,
}

impl Socket {
    pub(crate) fn open(protocol: Protocol) -> io::Result<Self> {
        let protocol = match protocol {
            Protocol::Route => libc::NETLINK_ROUTE,
            Protocol::SockDiag => libc::NETLINK_SOCK_DIAG,
        };
        // SAFETY: takes no pointers.
        let fd = unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, protocol) };
        checked(fd)?;
        // SAFETY: `fd` was returned by `socket` just now and nobody else knows it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let mut address = kernel();
        // SAFETY: `address` is a `sockaddr_nl` that lives through the call, and the length is its own.
        let bound = unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), ADDRESS_LEN) };
        checked(bound)?;
        let mut len = ADDRESS_LEN;
        // SAFETY: `address` and `len` live through the call, and `len` says how much room there is.
        let named = unsafe { libc::getsockname(fd.as_raw_fd(), (&raw mut address).cast(), &raw mut len) };
        checked(named)?;
        Ok(Self { fd, port: address.nl_pid })
    }

    /// Sets one of the options of `SOL_NETLINK`, or tells that this kernel does not know it.
    pub(crate) fn set(&self, option: libc::c_int, value: u32) -> io::Result<()> {
        self.set_option(libc::SOL_NETLINK, option, &value)
    }

    /// Makes room for `bytes` of what waits to be received; as much as the limits of the system allow.
    pub(crate) fn set_receive_buffer(&self, bytes: u32) -> io::Result<()> {
        self.set_option(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &bytes)
            .or_else(|_| self.set_option(libc::SOL_SOCKET, libc::SO_RCVBUF, &bytes))
    }

    /// How long a receive that waits, waits; in whole seconds.
    pub(crate) fn set_patience(&self, patience: Duration) -> io::Result<()> {
        let time = libc::timeval { tv_sec: patience.as_secs().try_into().unwrap_or(1), tv_usec: 0 };
        self.set_option(libc::SOL_SOCKET, libc::SO_RCVTIMEO, &time)
    }

    /// `T` is one of the plain C types that the option is documented with.
    fn set_option<T>(&self, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
        let len = libc::socklen_t::try_from(size_of::<T>()).map_err(|_| io::ErrorKind::InvalidInput)?;
        // SAFETY: `value` lives through the call and is `len` long.
        let set =
            unsafe { libc::setsockopt(self.fd.as_raw_fd(), level, option, (&raw const *value).cast(), len) };
        checked(set)
    }

    /// Sends to the kernel, which has carried it out, or refused to, when this returns.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let address = kernel();
        loop {
            // SAFETY: `bytes` and `address` live through the call, and the lengths are theirs.
            let sent = unsafe {
                libc::sendto(
                    self.fd.as_raw_fd(),
                    bytes.as_ptr().cast(),
                    bytes.len(),
                    0,
                    (&raw const address).cast(),
                    ADDRESS_LEN,
                )
            };
            match checked_len(sent) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return sent.map(|_| ()),
            }
        }
    }

    pub(crate) fn receive(&self, buffer: &mut [u8], when_empty: WhenEmpty) -> io::Result<Received> {
        let wait = match when_empty {
            WhenEmpty::Wait => 0,
            WhenEmpty::Return => libc::MSG_DONTWAIT,
        };
        loop {
            let mut address = kernel();
            let mut len = ADDRESS_LEN;
            // SAFETY: `buffer`, `address` and `len` live through the call; the lengths given are theirs.
            let received = unsafe {
                libc::recvfrom(
                    self.fd.as_raw_fd(),
                    buffer.as_mut_ptr().cast(),
                    buffer.len(),
                    wait | libc::MSG_TRUNC,
                    (&raw mut address).cast(),
                    &raw mut len,
                )
            };
            match checked_len(received) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(len) => return Ok(Received { len, from: address.nl_pid }),
            }
        }
    }

    /// Waits until there is something to receive, at most for `patience` (`None`: for ever).
    pub(crate) fn wait(&self, patience: Option<Duration>) -> io::Result<()> {
        let mut polled = libc::pollfd { fd: self.fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let timeout = patience.map_or(-1, |patience| {
            // Rounded up: a wait of a tenth of a millisecond must not become a busy loop.
            patience.as_micros().div_ceil(1000).try_into().unwrap_or(libc::c_int::MAX)
        });
        // SAFETY: `polled` is one `pollfd` that lives through the call.
        checked(unsafe { libc::poll(&raw mut polled, 1, timeout) })
    }

    /// What the kernel calls this socket in the messages about the changes that it asked for.
    pub(crate) const fn port(&self) -> u32 {
        self.port
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Puts a monitor into tokio's event loop.
#[cfg(feature = "tokio")]
pub(crate) fn watched(
    interest: tokio::io::Interest,
    monitor: crate::Monitor,
) -> io::Result<tokio::io::unix::AsyncFd<crate::Monitor>> {
    // SAFETY: a `Monitor` owns its descriptor, and neither closes nor exchanges it as long as it lives; nobody outside
    // of this crate gets a `&mut Monitor` out of the `AsyncFd`.
    Ok(unsafe { tokio::io::unix::AsyncFd::register_with_interest(monitor, interest) }?)
}

/// The address of the kernel: port 0, no groups.
fn kernel() -> libc::sockaddr_nl {
    // SAFETY: a plain C struct of integers, for which all zeroes is a value.
    let mut address: libc::sockaddr_nl = unsafe { mem::zeroed() };
    address.nl_family = FAMILY;
    address
}

fn checked(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn checked_len(result: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

#[expect(clippy::cast_possible_truncation, reason = "16, and 12")]
const FAMILY: libc::sa_family_t = libc::AF_NETLINK as libc::sa_family_t;
#[expect(clippy::cast_possible_truncation, reason = "16, and 12")]
const ADDRESS_LEN: libc::socklen_t = size_of::<libc::sockaddr_nl>() as libc::socklen_t;
