//! VRRPv2 and VRRPv3: the packets and the election, without clock, socket or allocation.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "sim"))]
extern crate std;

mod accepted;
mod instant;
mod interval;
mod priority;
mod router;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
mod version;
mod vrid;

pub use accepted::{Accepted, Addresses, ChecksumForm};
pub use instant::Instant;
pub use interval::Interval;
pub use priority::Priority;
pub use router::{
    AcceptMode, Action, Actions, Advertisement, Config, ConfigError, Event, Fault, Faults, FirstWait,
    OnBetter, OnDemotion, OnLosing, Ownership, Preempt, Reason, Router, Sighting, Standing, State, Status,
    Versions, active_down_interval, skew_time,
};
pub use version::{Family, Version};
pub use vrid::VirtualRouterId;
