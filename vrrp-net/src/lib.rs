//! Raw VRRP sockets and a tokio driver for one or many VRRP routers.

#![cfg(target_os = "linux")]

mod clock;
#[cfg(feature = "tokio")]
mod driver;
mod engine;
mod interface;
mod links;
mod router;
mod socket;
mod sys;

#[cfg(feature = "tokio")]
pub use driver::{Driver, Gone, Remote, Standings, VirtualRouter};
pub use engine::{Engine, Turn};
pub use interface::{Interface, Link};
pub use router::{AddError, Authentication, Command, Options as RouterOptions, Reach, Report, RouterId};
pub use socket::{
    Datagram, GROUP_V4, GROUP_V6, Inbox, Octets, OpenError, Options as SocketOptions, Packet, Protocol,
    Socket,
};
