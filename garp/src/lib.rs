//! Tells the neighbours that an address has moved: gratuitous ARP and unsolicited neighbour advertisements for Linux.
//!
//! A [`Schedule`] says which [`Message`] is due when, and a [`Sender`] sends it with the MAC that the device has at that
//! moment. A [`Watch`] sees who else claims the address. [`Probe`] asks before it is taken, [`Confirm`] asks afterwards
//! whether the neighbours have learned. All but [`Sender`], [`Watch`] and [`Listener`] are without clock and socket.
//!
//! ```no_run
//! use garp::{Interface, Schedule, Sender, Settings};
//! use std::time::Instant;
//!
//! let mut sender = Sender::open(Interface::by_name("eth0")?)?;
//! let mut schedule = Schedule::new(Settings::default(), 1);
//! schedule.hold("192.0.2.100".parse()?, Instant::now()); // it is ours from now on
//! while let Some(wait) = schedule.wait(Instant::now()) {
//!     std::thread::sleep(wait);
//!     sender.send_due(&mut schedule, Instant::now())?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What receivers do
//!
//! Linux 6.18, whose table has the address with the old MAC; what `tests/it/receivers.rs` sees on the kernel it runs on.
//! "Just updated": less than a second ago. "None": no entry, and `arp_accept` 0 or 1.
//!
//! | form | old entry | just updated | none, 0 | none, 1 |
//! |---|---|---|---|---|
//! | [`ArpForm::Request`] (RFC 5227) | updated | updated | ignored | made |
//! | [`ArpForm::RequestToBroadcast`] (keepalived) | updated | updated | ignored | made |
//! | [`ArpForm::Reply`] (RFC 5944) | updated | updated | ignored | made |
//! | reply whose target MAC is ff:… or 00:… (not sent here) | updated | ignored | ignored | made |
//! | [`Message::Probe`] | ignored | ignored | ignored | ignored |
//!
//! | advertisement to all nodes | stale | reachable | none | waits for an answer |
//! |---|---|---|---|---|
//! | [`Audience::AllNodes`] (O, link-layer address) | updated | updated | ignored | resolved |
//! | without O | ignored | doubted | ignored | resolved |
//! | without the link-layer address; with S; hop limit not 255 | ignored | ignored | ignored | ignored |
//!
//! A router with `accept_untracked_na` makes an entry from [`Audience::AllRouters`] (RFC 9131). Junos EX ignores gratuitous
//! replies by default and takes requests. No frame helps where ARP is inspected or suppressed, or in a cloud's network.
//!
//! # What it is not
//!
//! It adds no address to an interface, watches no link (feed [`Link`] what your netlink monitor says), decides about nobody's
//! address, and answers no ARP request: the kernel does, for addresses it has.
//!
//! # Limits
//!
//! Ethernet and what looks like it (VLAN, bond, macvlan, veth); other hardware is refused when opened. Neighbour messages
//! behind IPv6 extension headers are not read. A [`Watch`] sees what the switch lets come here: announcements and probes,
//! but not what others say to each other; probes for IPv6 addresses only, where switches snoop on MLD, if the address is also on the interface.
//! Where two hosts share a virtual MAC, they cannot be told apart by it. Physical devices may report the loss of the
//! carrier up to a second late; frames of that second are lost, and repeated when the carrier is back.
//!
//! # Privilege
//!
//! Opening a [`Sender`], [`Watch`] or [`Listener`] needs CAP_NET_RAW; using it does not, so the capability may be dropped in
//! between. Each belongs to the network namespace of the thread that opened it.
//!
//! # Features
//!
//! - `tokio`: `AsyncWatch`, the watch as a future.

pub mod arp;
#[cfg(feature = "tokio")]
mod async_watch;
mod claim;
mod confirm;
mod error;
mod filter;
mod frame;
mod interface;
mod link;
mod listener;
mod message;
pub mod ndp;
mod octets;
mod probe;
mod random;
mod schedule;
mod sender;
mod settings;
#[expect(unsafe_code, reason = "the system calls")]
mod sys;
mod watch;

#[cfg(feature = "tokio")]
pub use async_watch::AsyncWatch;
pub use claim::{Claim, ClaimKind};
pub use confirm::{Answer, Confirm, ConfirmError, ConfirmStep, ConfirmTiming, Neighbor, neighbors};
pub use error::{OpenError, ParseError, SendError, Unsent, WatchError};
pub use frame::{Body, Frame, VlanId};
pub use interface::Interface;
pub use link::{Carrier, Link, LinkAdvice, LinkEvent};
pub use listener::{Delivery, Heard, Listener, Purpose};
pub use message::{ArpForm, Audience, Message, Role};
pub use octets::Octets;
pub use probe::{Probe, ProbeError, ProbeStep, ProbeTiming, Verdict};
pub use schedule::{Defence, Held, Released, Schedule};
pub use sender::Sender;
pub use settings::{Bucket, Keepalived, MinGarp, Pattern, Percent, Refresh, Settings, Step};
pub use watch::{Sighting, Watch};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
