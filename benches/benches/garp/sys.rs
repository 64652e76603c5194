//! The least that can be done: one `sendto` of octets that are there already, as a C program would.

use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

pub(crate) struct Bare {
    socket: OwnedFd,
    address: libc::sockaddr_ll,
}

impl Bare {
    pub(crate) fn open(index: u32) -> Self {
        // SAFETY: no pointers; the answer is checked below.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
        assert!(fd >= 0, "{}", std::io::Error::last_os_error());
        // SAFETY: a descriptor just made and owned by nobody else.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: a plain structure of integers, for which zeros are a value.
        let mut address: libc::sockaddr_ll = unsafe { zeroed() };
        address.sll_family = u16::try_from(libc::AF_PACKET).unwrap();
        address.sll_protocol = 0x0806_u16.to_be();
        address.sll_ifindex = index.cast_signed();
        address.sll_halen = 6;
        address.sll_addr = [0xff; 8];
        Self { socket, address }
    }

    pub(crate) fn send(&self, payload: &[u8]) -> usize {
        let to = (&raw const self.address).cast();
        let len = u32::try_from(size_of::<libc::sockaddr_ll>()).unwrap();
        let (bytes, octets) = (payload.as_ptr().cast(), payload.len());
        // SAFETY: the payload and the address live through the call, and the lengths are theirs.
        let sent = unsafe { libc::sendto(self.socket.as_raw_fd(), bytes, octets, 0, to, len) };
        usize::try_from(sent).unwrap()
    }
}
