//! Hold an address on a Linux interface, let it go, both safely twice; watch links and addresses.

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
