//! Any octets as a frame: what a broken or hostile neighbour would send.

use garp::Interface;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

pub(crate) struct Raw(OwnedFd, Interface);

impl Raw {
    pub(crate) fn open(interface: Interface) -> Self {
        // SAFETY: no pointers; the answer is checked below.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        assert!(fd >= 0, "{}", std::io::Error::last_os_error());
        // SAFETY: a descriptor just made and owned by nobody else.
        Self(unsafe { OwnedFd::from_raw_fd(fd) }, interface)
    }

    pub(crate) fn send(&self, frame: &[u8]) {
        // SAFETY: a plain structure of integers, for which zeros are a value.
        let mut address: libc::sockaddr_ll = unsafe { zeroed() };
        address.sll_family = u16::try_from(libc::AF_PACKET).unwrap();
        address.sll_ifindex = self.1.index().cast_signed();
        let len = u32::try_from(size_of::<libc::sockaddr_ll>()).unwrap();
        let (to, bytes) = (&raw const address, frame.as_ptr());
        // SAFETY: the frame and the address live through the call, and the lengths are theirs.
        let sent = unsafe { libc::sendto(self.0.as_raw_fd(), bytes.cast(), frame.len(), 0, to.cast(), len) };
        assert_eq!(usize::try_from(sent).ok(), Some(frame.len()), "{}", std::io::Error::last_os_error());
    }
}
