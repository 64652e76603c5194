//! A file system in memory that loses what was not synced, and a laboratory that runs the real queue on it.
//!
//! [`Disk`] is a [`Storage`](crate::storage::Storage): what is written is seen at once, and survives
//! [`Disk::crash`] only as far as POSIX promises. Between two syncs any 512-octet sector may be lost, old, or torn,
//! in any order, and of what was stored into a mapping any line of 64 octets; a name made, changed or removed counts only after
//! its directory was synced. Calls can be made to fail; a store cannot, but where nothing was made ready for it, it panics as the
//! signal would end the program. Everything follows from one seed, so what went wrong once goes wrong again.
//!
//! ```
//! use diskbuf::sim::{Disk, Survival};
//! use diskbuf::{Options, WhenFull};
//!
//! let disk = Disk::new(7);
//! let queue = Options::new("").segment_bytes(64 << 10).open_on(disk.storage())?;
//! queue.append_one(b"kept", WhenFull::Refuse)?;
//! queue.sync()?;
//! queue.append_one(b"lost", WhenFull::Refuse)?;
//!
//! let after = disk.crash(Survival::Synced, 1);
//! let queue = Options::new("").segment_bytes(64 << 10).open_on(after.storage())?;
//! assert_eq!(queue.recovery().next_seq.as_u64(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Laboratory`] crashes a queue at every call of many random histories and checks what is promised.

mod crash;
mod disk;
mod laboratory;
mod mapped;
mod pages;
mod rng;
mod world;

pub use crash::Survival;
pub use disk::{Disk, Fault, FaultKind};
pub use laboratory::{Bug, Finding, Laboratory, Report};
