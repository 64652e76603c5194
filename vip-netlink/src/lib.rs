//! Hold an address on a Linux interface, let it go, both safely twice; watch links and addresses.
//!
//! ```no_run
//! use vip_netlink::{Address, Ensured, Handle, Lease};
//!
//! let mut handle = Handle::open()?;
//! let index = handle.link_named("eth0")?.index;
//! let address = Address::new(index, "192.0.2.100".parse()?).with_lease(Lease::SIX_SECONDS);
//! for result in handle.ensure(&[address]) {
//!     match result? {
//!         Ensured::Added => println!("it is here now: tell the neighbours"),
//!         Ensured::Renewed => println!("it stays for another six seconds"),
//!         other => println!("{other:?}"),
//!     }
//! }
//! for result in handle.remove(&[address]) {
//!     println!("{:?}", result?);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The tour
//!
//! - A [`Handle`] asks: [`ensure`](Handle::ensure) and [`remove`](Handle::remove) any number of [`Address`]es,
//!   [`list`](Handle::list), [`sweep`](Handle::sweep) our own leftovers, look up a [`Link`]. Each call is carried out
//!   when it returns; there is no runtime behind it, so it works in a `Drop`, at a signal, in a panic hook.
//! - A [`Hold`] is a handle with addresses that go when it is dropped.
//! - A [`Monitor`] tells [`Event`]s, and [`By`] whom they were. Poll its descriptor, [`wait`](Monitor::wait), or, with
//!   the feature `tokio`, await an `AsyncMonitor`.
//! - A [`Macvlan`] is an interface with a virtual MAC; [`preflight()`] says what will bite on this host;
//!   [`destroy_tcp`] resets connections before their address goes.
//!
//! # What survives what
//!
//! | | without a lease | with a [`Lease`] |
//! |---|---|---|
//! | return, panic | removed by [`Hold`] | removed by [`Hold`] |
//! | `SIGKILL`, out of memory, crash | stays until the next start [sweeps](Handle::sweep) | gone with the lease, at most 0.7 s late |
//! | the process hangs or is stopped | stays | gone with the lease |
//! | somebody else removes it | the [`Monitor`] tells; `ensure` again | the same |
//! | the interface is set down | IPv4 stays, IPv6 goes | the same, whatever `keep_addr_on_down` says |
//!
//! An acknowledged renewal is no proof that the address stays: a renewal that comes at the very end of a lease may be
//! too late. Renew at a third of it, watch, and `ensure` again when the address went.
//!
//! # What it is not
//!
//! - An election: it does what it is told, and does not know who else holds the address.
//! - An announcement: neither the kernel nor this crate tells the neighbours that an address was added.
//! - A general netlink library: no routes, no rules, no neighbours.
//!
//! # Limits
//!
//! - Linux 4.20 for lists that the kernel filters (before, they are filtered here); 5.18 for tags: before, the kernel
//!   forgets them, nothing is swept, and an address that is there already counts as somebody else's.
//! - CAP_NET_ADMIN at every request that changes something.
//! - A handle and a monitor belong to the network namespace of the thread that opened them; settings under
//!   `/proc/sys` are those of the calling thread's.
//! - For IPv6 the kernel does not say who asked for a change: our own are known, others are [`By::Unknown`].
//! - IPv6 is usable when the monitor says so, some microseconds after `ensure` returned.
//! - A carrier that went is told by the kernel up to a second late where a network card flaps.
//!
//! # Features
//!
//! - `tokio`: `AsyncMonitor`.

#![deny(unsafe_code)]

#[cfg(not(target_os = "linux"))]
compile_error!("vip-netlink speaks rtnetlink, which only Linux has");

mod address;
mod assigned;
mod channel;
mod error;
mod handle;
mod hold;
mod journal;
mod link;
mod macvlan;
mod monitor;
mod preflight;
#[expect(unsafe_code, reason = "netlink sockets; every block says why it is sound")]
mod sys;
mod sysctl;
mod tcp;
pub mod wire;

pub use address::{Address, AsSource, Detection, Fault, IfForeign, Label, Lease, PrefixRoute, Scope, Tag};
pub use assigned::{AddressFlags, Assigned};
pub use error::{Error, Operation};
pub use handle::{Ensured, Filter, Handle, Removed, Swept};
pub use hold::Hold;
pub use link::{Carrier, Link, LinkFlags, Mac, OperState};
pub use macvlan::{Macvlan, MacvlanMode, MacvlanOptions, Settings};
#[cfg(feature = "tokio")]
pub use monitor::AsyncMonitor;
pub use monitor::{By, Event, Monitor, Watch};
pub use preflight::{Concern, Finding, Severity, preflight};
pub use tcp::destroy_tcp;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
