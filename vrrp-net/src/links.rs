//! A bell that rings when something about links or addresses has changed. What has changed, whoever hears it looks up.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};

const RTMGRP_LINK: u32 = 1;
const RTMGRP_IPV4_IFADDR: u32 = 0x10;
const RTMGRP_IPV6_IFADDR: u32 = 0x100;

#[derive(Debug)]
pub(crate) struct LinkBell(OwnedFd);

impl LinkBell {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        // No protocol is protocol 0, NETLINK_ROUTE.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR))?;
        Ok(Self(socket))
    }

    /// Whether it rang since the last call. One that rang too often to keep up (ENOBUFS) rang.
    pub(crate) fn rang(&self) -> bool {
        let mut rang = false;
        // What does not fit is cut off: nobody reads it.
        let mut message = [0_u8; 64];
        loop {
            match recv(&self.0, &mut message, RecvFlags::DONTWAIT) {
                Ok(_) | Err(Errno::NOBUFS) => rang = true,
                Err(Errno::INTR) => {}
                Err(_nothing_left) => return rang,
            }
        }
    }
}

impl AsFd for LinkBell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
