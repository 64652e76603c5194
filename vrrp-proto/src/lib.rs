//! VRRPv2 and VRRPv3: the packets and the election, without clock, socket or allocation.
//!
//! VRRP lets several routers stand behind one address: one of them is Active and says so, the others take over when it
//! falls silent (RFC 9568; RFC 3768 for VRRPv2). This crate is for whoever brings the socket and the clock.
//!
//! # Packets
//!
//! [`Datagram`] is what arrived and what the IP layer knows of it. [`Packet`] is the advertisement in it, parsed and
//! emitted to the octet. A [`Ladder`] says what one virtual router expects; what comes up it is [`Accepted`], anything
//! else is a [`Reject`] with a reason and a label for a counter. Only the ladder makes an `Accepted`.
//!
//! ```
//! use core::net::Ipv4Addr;
//! use vrrp_proto::{
//!     Carrier, ChecksumChoice, Datagram, Family, Interval, Ipv4Header, Ladder, Packet, PeerMemory, Priority, VirtualRouterId,
//! };
//!
//! let vrid = VirtualRouterId::new(51).unwrap();
//! let ladder = Ladder::new(vrid, Family::V4);
//! let mut memory = PeerMemory::new(); // of one sender
//!
//! // What keepalived sends at 10.0.0.1, without the IP header.
//! let message = [0x31, 51, 150, 1, 0x00, 0x64, 0x43, 0x73, 10, 0, 0, 100];
//! let carrier = Carrier::multicast([10, 0, 0, 1].into());
//! let accepted = ladder.check(&Datagram::new(&message, carrier, 255), &mut memory)?;
//! assert_eq!(accepted.addresses().next(), Some([10, 0, 0, 100].into()));
//!
//! // And what we would send, with the checksum that it understands.
//! let addresses = [Ipv4Addr::new(10, 0, 0, 100)];
//! let form = ChecksumChoice::default().form(memory.checksum());
//! let packet = Packet::v3(vrid, Priority::new(200), Interval::ONE_SECOND, (&addresses).into(), form)?;
//! let mut out = [0; 64];
//! let len = packet.emit_ipv4(&Ipv4Header::new(Ipv4Addr::new(10, 0, 0, 2), Carrier::GROUP_V4), &mut out)?;
//! assert_eq!(len, 32);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # The election
//!
//! A [`Router`] is told what happens and says what to do: which advertisement to send, when to wake it, and where it
//! [stands](Standing), with a reason that can be read. Packets, addresses and timers are the driver's.
//!
//! ```
//! use vrrp_proto::{Config, Event, Instant, Priority, Router, State, Versions, VirtualRouterId};
//!
//! let vrid = VirtualRouterId::new(51).unwrap();
//! let mut router = Router::new(Config::new(vrid, Versions::V3, [10, 0, 0, 2].into(), Priority::OWNER))?;
//! for action in router.handle(Event::Start, Instant::from_nanoseconds(0)) {
//!     // send it, or publish where the router stands
//! }
//! assert_eq!(router.standing().to_string(), "Active since 0.000 s: owns the addresses");
//! # Ok::<(), vrrp_proto::ConfigError>(())
//! ```
//!
//! # What it is not
//!
//! No daemon and no driver: it has no socket, thread, clock, log or global, and holds no address. A
//! gratuitous ARP or a neighbour advertisement is somebody else's packet.
//!
//! # Limits
//!
//! Nothing is allocated, and no octets from a network make it panic. An IPv4 header's own checksum is not looked at: the
//! kernel has. IPv6 messages behind a routing header or in fragments are refused. The password of VRRPv2 can be read
//! by everybody on the link, and HMAC-MD5-96 is of its time.
//!
//! # Features
//!
//! Without any the crate depends on nothing, and is `no_std` with all of them.
//!
//! - `auth-ah` (default): VRRPv2's IP authentication header with HMAC-MD5-96, as keepalived does it.
//! - `hmac-sha256`: the trailer of keepalived 2.4's `auth_hmac`, for both generations (`hmac`).
//! - `sim`: a link with routers on it, simulated from a seed, for the tests of drivers and keepers. Needs `std`.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "sim"))]
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
mod router;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
mod version;
mod vrid;

pub use accepted::Accepted;
pub use addresses::Addresses;
#[cfg(feature = "auth-ah")]
pub use auth::AhSequence;
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
pub use router::{
    AcceptMode, Action, Actions, Advertisement, Config, ConfigError, Event, Fault, Faults, FirstWait,
    OnBetter, OnDemotion, OnLosing, Ownership, Preempt, Reason, Router, Sighting, Standing, State, Status,
    active_down_interval, skew_time,
};
pub use version::{Family, Version};
pub use vrid::VirtualRouterId;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
