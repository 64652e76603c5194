//! Raw VRRP sockets and a tokio driver for one or many VRRP routers.

#![cfg(target_os = "linux")]

mod interface;
mod socket;
mod sys;

pub use interface::{Interface, Link};
pub use socket::{Datagram, GROUP_V4, GROUP_V6, Inbox, Octets, OpenError, Options, Packet, Protocol, Socket};
