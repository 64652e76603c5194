//! Gratuitous ARP and unsolicited neighbour advertisements: frames, schedule, sender, conflict watch.

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
pub use listener::{Heard, Listener, Purpose};
pub use message::{ArpForm, Audience, Message, Role};
pub use octets::Octets;
pub use probe::{Probe, ProbeError, ProbeStep, ProbeTiming, Verdict};
pub use schedule::{Defence, Held, Released, Schedule};
pub use sender::Sender;
pub use settings::{Bucket, Keepalived, MinGarp, Pattern, Percent, Refresh, Settings, Step};
pub use watch::{Sighting, Watch};
