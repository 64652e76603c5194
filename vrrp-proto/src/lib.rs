//! VRRPv2 and VRRPv3: the packets and the election, without clock, socket or allocation.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod accepted;
mod instant;
mod interval;
mod priority;
mod version;
mod vrid;

pub use accepted::{Accepted, Addresses, ChecksumForm};
pub use instant::Instant;
pub use interval::Interval;
pub use priority::Priority;
pub use version::{Family, Version};
pub use vrid::VirtualRouterId;
