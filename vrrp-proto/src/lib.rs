//! VRRPv2 and VRRPv3: the packets and the election, without clock, socket or allocation.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod accepted;
mod addresses;
mod auth;
mod carrier;
mod checksum;
mod datagram;
mod envelope;
mod instant;
mod interval;
mod ladder;
mod notes;
mod packet;
mod peer;
mod priority;
mod reject;
mod version;
mod vrid;

pub use accepted::Accepted;
pub use addresses::Addresses;
#[cfg(feature = "hmac-sha256")]
pub use auth::hmac;
pub use auth::{AuthType, Authenticated, Authentication, Password};
pub use carrier::Carrier;
pub use checksum::{ChecksumChoice, ChecksumForm};
pub use datagram::Datagram;
pub use envelope::{Ipv4Header, Ipv6Header};
pub use instant::Instant;
pub use interval::Interval;
pub use ladder::{Ladder, Reach, Versions};
pub use notes::{Note, Notes};
pub use packet::{BuildError, EmitError, Packet};
pub use peer::{Peer, PeerMemory};
pub use priority::Priority;
pub use reject::Reject;
pub use version::{Family, Version};
pub use vrid::VirtualRouterId;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
