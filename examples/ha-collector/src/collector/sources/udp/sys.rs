//! The system calls for datagrams that no safe wrapper offers: `recvmmsg` into buffers that are used again, and the
//! kernel's own count of what it dropped. Only files of this name may hold `unsafe`.

#![allow(unsafe_code, reason = "recvmmsg(2) and SO_MEMINFO; every block says why it is sound")]

use std::fmt;
use std::io;
use std::mem::{self, MaybeUninit};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd};

/// Datagrams taken with one call.
pub(super) const SLOTS: usize = SLOTS_U32 as usize;
const SLOTS_U32: u32 = 64;
/// The largest UDP payload is 65,507 bytes over IPv4 and 65,527 over IPv6 without jumbograms (RFC 768, RFC 8200).
const SLOT_LEN: usize = 65_536;

/// Buffers for [`SLOTS`] datagrams, and what the last call put into them.
///
/// The buffers are reserved, not touched: a page becomes real when a datagram first reaches that far.
pub(super) struct Datagrams {
    bytes: Vec<u8>,
    from: Box<[MaybeUninit<libc::sockaddr_storage>]>,
    taken: Vec<Taken>,
}

#[derive(Clone, Copy)]
struct Taken {
    len: usize,
    peer: Option<SocketAddr>,
}

impl Datagrams {
    pub(super) fn new() -> Self {
        Self {
            // `vec![0; n]` is calloc: zero pages, not resident until written.
            bytes: vec![0; SLOTS * SLOT_LEN],
            from: (0..SLOTS).map(|_| MaybeUninit::uninit()).collect(),
            taken: Vec::with_capacity(SLOTS),
        }
    }

    /// Takes what the socket holds, at most [`SLOTS`] datagrams, and says how many. Does not wait: where there is none, that is
    /// the error [`WouldBlock`](io::ErrorKind::WouldBlock).
    pub(super) fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        self.taken.clear();
        // SAFETY: both are plain C structs of integers and pointers, for which all zeroes is a value.
        let mut iovecs: [libc::iovec; SLOTS] = unsafe { mem::zeroed() };
        // SAFETY: as above.
        let mut headers: [libc::mmsghdr; SLOTS] = unsafe { mem::zeroed() };
        let slots = self.bytes.chunks_exact_mut(SLOT_LEN).zip(self.from.iter_mut());
        for ((header, iovec), (slot, from)) in headers.iter_mut().zip(iovecs.iter_mut()).zip(slots) {
            iovec.iov_base = slot.as_mut_ptr().cast();
            iovec.iov_len = slot.len();
            header.msg_hdr.msg_iov = iovec;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_name = from.as_mut_ptr().cast();
            header.msg_hdr.msg_namelen = NAME_LEN;
        }
        // SAFETY: `headers` holds SLOTS headers, each naming one iovec of `iovecs` over its own SLOT_LEN bytes of
        // `self.bytes` and one `sockaddr_storage` of `self.from` with its true size. All of them outlive the call and
        // are borrowed mutably by nobody else; the timeout may be null.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                SLOTS_U32,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        let Ok(received) = usize::try_from(received) else {
            return Err(io::Error::last_os_error());
        };
        for (header, from) in headers.iter().zip(self.from.iter()).take(received) {
            let peer = address(from, header.msg_hdr.msg_namelen);
            self.taken.push(Taken { len: (header.msg_len as usize).min(SLOT_LEN), peer });
        }
        Ok(received)
    }

    /// What the last call took, in the order of arrival. The sender is absent where the kernel named none.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], Option<SocketAddr>)> {
        let slots = self.bytes.chunks_exact(SLOT_LEN);
        self.taken.iter().zip(slots).map(|(taken, slot)| (slot.get(..taken.len).unwrap_or(slot), taken.peer))
    }
}

impl fmt::Debug for Datagrams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datagrams").field("taken", &self.taken.len()).finish_non_exhaustive()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "128 bytes")]
const NAME_LEN: libc::socklen_t = size_of::<libc::sockaddr_storage>() as libc::socklen_t;

fn address(from: &MaybeUninit<libc::sockaddr_storage>, len: libc::socklen_t) -> Option<SocketAddr> {
    let len = len as usize;
    if len < size_of::<libc::sa_family_t>() {
        return None;
    }
    let at = from.as_ptr();
    // SAFETY: the kernel wrote `len` bytes here, which reach beyond the family, and `sockaddr_storage` is aligned for
    // every address family.
    let family = unsafe { (*at).ss_family };
    match i32::from(family) {
        libc::AF_INET if len >= size_of::<libc::sockaddr_in>() => {
            // SAFETY: the family says what it is, the length that all of it was written.
            let v4 = unsafe { &*at.cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddr::from((ip, u16::from_be(v4.sin_port))))
        }
        libc::AF_INET6 if len >= size_of::<libc::sockaddr_in6>() => {
            // SAFETY: the family says what it is, the length that all of it was written.
            let v6 = unsafe { &*at.cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some(SocketAddr::from((ip, u16::from_be(v6.sin6_port))))
        }
        _ => None,
    }
}

/// How many datagrams the kernel has dropped on this socket since it was made, modulo 2^32: no room in the receive
/// buffer, or a bad checksum (`SK_MEMINFO_DROPS` of `SO_MEMINFO`, the counter that `SO_RXQ_OVFL` reports too).
pub(super) fn kernel_drops(socket: BorrowedFd<'_>) -> io::Result<u32> {
    const SK_MEMINFO_DROPS: usize = 8;
    let mut info = [0_u32; SK_MEMINFO_DROPS + 1];
    #[expect(clippy::cast_possible_truncation, reason = "36 bytes")]
    let mut len = size_of_val(&info) as libc::socklen_t;
    // SAFETY: `info` is writable for `len` bytes, and the kernel writes no more than that.
    let status = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            info.as_mut_ptr().cast(),
            &raw mut len,
        )
    };
    match status {
        0 => Ok(info.last().copied().unwrap_or_default()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn datagrams_arrive_whole_in_order_and_with_their_sender() {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(receiver) = UdpSocket::bind(any) else {
                // Past the test harness, which keeps what `eprintln!` says to itself when all is well.
                io::stderr().write_all(format!("\nskipped: no {any} on this machine\n").as_bytes()).unwrap();
                continue;
            };
            let sender = UdpSocket::bind(any).unwrap();
            let to = receiver.local_addr().unwrap();
            let longest = vec![7; 65_000];
            for message in [b"one".as_slice(), b"", &longest] {
                sender.send_to(message, to).unwrap();
            }
            let mut datagrams = Datagrams::new();
            assert_eq!(datagrams.receive(receiver.as_fd()).unwrap(), 3);
            let got: Vec<_> = datagrams.iter().collect();
            assert_eq!(got[0], (b"one".as_slice(), sender.local_addr().ok()));
            assert_eq!(got[1].0, b"");
            assert_eq!(got[2].0, longest);
            let empty = datagrams.receive(receiver.as_fd()).unwrap_err();
            assert_eq!(empty.kind(), io::ErrorKind::WouldBlock);
            assert_eq!(datagrams.iter().count(), 0);
        }
    }

    #[test]
    fn what_the_kernel_dropped_is_counted_exactly() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = receiver.local_addr().unwrap();
        socket2::SockRef::from(&receiver).set_recv_buffer_size(4_096).unwrap();
        assert_eq!(kernel_drops(receiver.as_fd()).unwrap(), 0);
        for _ in 0..500 {
            sender.send_to(&[0; 200], to).unwrap();
        }
        let mut datagrams = Datagrams::new();
        let mut held = 0;
        while let Ok(n) = datagrams.receive(receiver.as_fd()) {
            held += n;
        }
        let dropped = kernel_drops(receiver.as_fd()).unwrap() as usize;
        assert!(dropped > 0, "4 KiB cannot hold 500 datagrams of 200 bytes");
        assert_eq!(held + dropped, 500);
    }
}
