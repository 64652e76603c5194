//! A link with routers on it, simulated: a virtual clock in nanoseconds, and all that goes wrong drawn from one seed.
//!
//! [`World`] has routers, a [`Link`] between any two of them in each direction (loss, delay, duplication; what is
//! delayed differently arrives in another order), and a plan of what happens when ([`Stimulus`]: crashes, restarts,
//! stalls, and every [`Event`](crate::Event)). It drives routers as a driver should: what arrived is told before a
//! deadline that has passed. Who held the addresses from when to when is in its [`history`](World::history). The same
//! seed and the same plan give the same run.
//!
//! ```
//! use std::net::Ipv4Addr;
//! use std::time::Duration;
//! use vrrp_proto::sim::{Stimulus, World};
//! use vrrp_proto::{Config, Event, Priority, State, Versions, VirtualRouterId};
//!
//! let mut world = World::new(42);
//! let vrid = VirtualRouterId::new(51).unwrap();
//! for (last, priority) in [(1, 150), (2, 100)] {
//!     let address = Ipv4Addr::new(10, 9, 0, last).into();
//!     let node = world.add(Config::new(vrid, Versions::V3, address, Priority::new(priority))).unwrap();
//!     world.at(Duration::ZERO, node, Stimulus::Event(Event::Start));
//! }
//! world.at(Duration::from_secs(10), 0, Stimulus::Crash);
//! world.run(Duration::from_secs(9));
//! assert_eq!(world.holders(), [0]);
//! world.run(Duration::from_secs(5));
//! assert_eq!(world.holders(), [1]);
//! ```

pub(crate) mod heard;
mod link;
mod machine;
mod plan;
mod random;
#[cfg(test)]
mod tests;
mod world;

pub use link::Link;
pub use machine::Machine;
pub use plan::{Sleep, Stimulus};
pub use random::Random;
pub use world::{Broken, Change, DrainOrder, World};
