//! VRRP routers on Linux: raw sockets, one engine for any number of virtual routers, and a tokio driver.
//!
//! What a router says and when is decided by [`vrrp_proto`]; this crate brings it the packets, the time and the state of its
//! interfaces, and carries out what it answers. Put the addresses where the [`Report`] says they belong, and nothing else
//! is left to do.
//!
//! ```no_run
//! use std::net::Ipv4Addr;
//! use vrrp_net::{Command, Driver, RouterOptions};
//! use vrrp_proto::{Config, Priority, Versions, VirtualRouterId};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let (remote, driver) = Driver::new()?;
//! tokio::spawn(driver.run());
//!
//! let vrid = VirtualRouterId::new(51).ok_or("1 to 255")?;
//! let any = Ipv4Addr::UNSPECIFIED.into(); // the interface's own address
//! let election = Config::new(vrid, Versions::V3, any, Priority::new(150));
//! let addresses = vec![Ipv4Addr::new(10, 9, 0, 100).into()];
//! let router = remote.add(RouterOptions::new("eth0", addresses, election)).await?;
//! router.command(Command::Start)?;
//!
//! let mut standings = router.standings();
//! while standings.changed().await.is_ok() {
//!     println!("{}", standings.borrow_and_update().status.standing);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Three layers
//!
//! - [`Driver`]: a tokio task. [`Remote::add`] gives a [`VirtualRouter`], which takes [`Command`]s and publishes a
//!   [`Report`] whenever it stands elsewhere or for another reason.
//! - [`Engine`]: the same without a runtime. Wait until its descriptor is readable, call [`Engine::turn`], act on
//!   [`Engine::changed`].
//! - [`Socket`]: datagrams alone, for who has an election of their own.
//!
//! # What it promises
//!
//! - What had arrived before a deadline is heard before the deadline counts, be the process as late as it may. What was
//!   lost meanwhile it cannot know: then it listens once more, and says that it was stalled.
//! - An advertisement in turn is sent before anything else is looked at. Nothing here waits for a name, a disk or a lock.
//! - An interface that is missing, down, renamed, made again or without an address is a fault with a reason, ends by
//!   itself, and the router then begins anew as a Backup. An Active Router says priority 0 first, where the kernel lets it.
//! - What is refused changes a counter.
//!
//! # What it is not
//!
//! No daemon. It puts no address on an interface, makes no virtual MAC (give it the macvlan as
//! [`transmit_interface`](RouterOptions::transmit_interface)), announces nothing by ARP or neighbour discovery, runs no
//! checks: a tracker sends [`Command::Priority`] or [`Command::Raise`].
//!
//! # Limits
//!
//! - Linux only. An engine lives in the network namespace of the thread that makes it, and is to be turned by a thread of
//!   that one.
//! - An [`Engine`] or [`Driver`] that is dropped with routers in it says nothing; [`Engine::remove`], or the end of the last
//!   [`Remote`] and [`VirtualRouter`] while the driver runs, releases.
//! - What the kernel refuses to send is counted and not sent again; the next advertisement is at most an interval away. A
//!   release can be lost that way, and then the others wait for their down interval.
//! - An advertisement may leave early by 1/256 of the interval, the least skew, together with others.
//! - The receive buffer is 1 MiB where that is allowed, some thousand datagrams, and what the system gives where not
//!   ([`Engine::kernel_drops`]). 16 senders are remembered for each router.
//! - keepalived's HMAC-SHA256 trailer is read and written by `vrrp_proto`, not yet here.
//!
//! # Privileges
//!
//! `CAP_NET_RAW` for the sockets. With `CAP_NET_ADMIN` the receive buffer has its full size, whatever the system's bound, and
//! packets go before other traffic. For advertisements in time on a busy machine, drive it by a thread of its own with
//! `SCHED_FIFO` (`CAP_SYS_NICE`).
//!
//! # Features
//!
//! - `tokio` (default): [`Driver`].

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

#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
