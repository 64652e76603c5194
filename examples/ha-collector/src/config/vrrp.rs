//! What the keeper was asked to do: virtual routers, what they depend on, whom they tell. Every default filled in.

mod check;
pub(super) mod schema;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use vrrp_proto::{Family, Interval, Priority, Version, VirtualRouterId};

use super::units::Prefixed;

pub(super) use self::check::{Findings, Given};

/// Everything that the keeper does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Keeper {
    /// What this host is called in `status`.
    pub(crate) router_id: String,
    /// How long the kernel keeps an address without hearing from the keeper; whole seconds.
    pub(crate) lease: Duration,
    /// From the start until it takes part.
    pub(crate) startup_delay: Duration,
    /// A collector not heard for this long is unhealthy.
    pub(crate) heartbeat_timeout: Duration,
    /// SCHED_FIFO priority of the thread that advertises; 0: an ordinary thread.
    pub(crate) realtime_priority: u8,
    /// Whom programs run as that do not say.
    pub(crate) script_user: Option<String>,
    pub(crate) routers: Vec<VirtualRouter>,
    pub(crate) scripts: Vec<Script>,
    pub(crate) processes: Vec<Process>,
    pub(crate) files: Vec<TrackedFile>,
    /// Members by their place in `routers`.
    pub(crate) groups: Vec<SyncGroup>,
}

impl Keeper {
    /// Whether this is an address that comes and goes.
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        let all = self.routers.iter().flat_map(|router| router.addresses.iter().chain(&router.excluded));
        all.into_iter().any(|held| held.address.address == address)
    }
}

/// One virtual router on one interface.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VirtualRouter {
    pub(crate) id: String,
    pub(crate) interface: String,
    pub(crate) vrid: VirtualRouterId,
    pub(crate) version: Version,
    pub(crate) family: Family,
    pub(crate) priority: Priority,
    pub(crate) interval: Interval,
    pub(crate) down_adverts: u8,
    pub(crate) initial: Initial,
    pub(crate) preempt: Preempt,
    pub(crate) reach: Reach,
    pub(crate) authentication: Authentication,
    pub(crate) checksum: Checksum,
    pub(crate) link_layer: LinkLayer,
    /// As they stand in the advertisement.
    pub(crate) addresses: Vec<VirtualAddress>,
    /// Held with the others, not advertised.
    pub(crate) excluded: Vec<VirtualAddress>,
    pub(crate) tracks: Vec<Track>,
    /// What an unhealthy collector does; `None`: nothing.
    pub(crate) health: Option<Weight>,
    /// `None`: as `garp` thinks best.
    pub(crate) announce: Option<Announce>,
    pub(crate) notify: Notify,
}

/// What the router wants to be when it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Initial {
    Active,
    Backup,
}

/// Whether a better router takes over from one that is Active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preempt {
    Never,
    /// After hearing a worse one for this long.
    After(Duration),
}

/// How advertisements travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Multicast { group: IpAddr, source: Option<IpAddr> },
    Unicast { source: Option<IpAddr>, peers: Vec<IpAddr>, min_ttl: u8 },
}

/// VRRPv2's authentication (RFC 2338 §5.3.6); none in version 3.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Authentication {
    None,
    Pass([u8; 8]),
    Ah([u8; 8]),
}

impl std::fmt::Debug for Authentication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Pass(_) => "Pass(secret)",
            Self::Ah(_) => "Ah(secret)",
        })
    }
}

/// What the checksum of version 3 over IPv4 covers when we send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checksum {
    PseudoHeader,
    MessageOnly,
    FollowPeer,
}

/// Whose Ethernet address the virtual addresses have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkLayer {
    /// That of the interface.
    Interface,
    /// 00-00-5E-00-01-VRID or 00-00-5E-00-02-VRID on a macvlan (RFC 9568 §7.3).
    Virtual,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VirtualAddress {
    pub(crate) address: Prefixed,
    /// The interface that holds it.
    pub(crate) device: String,
    pub(crate) label: Option<String>,
    pub(crate) scope: Scope,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Global,
    Site,
    Link,
    Host,
}

/// What a tracker that says "down" does to a virtual router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    Fault,
    /// Added to the priority: a negative one while it is down, a positive one while it is up.
    Priority(i16),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Track {
    pub(crate) what: Tracked,
    pub(crate) weight: Weight,
    pub(crate) sense: Sense,
}

/// Whether up is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sense {
    Straight,
    Reverse,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tracked {
    Interface(String),
    /// By its place in [`Keeper::scripts`].
    Script(usize),
    /// By its place in [`Keeper::processes`].
    Process(usize),
    /// By its place in [`Keeper::files`].
    File(usize),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Script {
    pub(crate) id: String,
    /// Never empty; the first is an absolute path.
    pub(crate) command: Vec<String>,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) rise: u16,
    pub(crate) fall: u16,
    pub(crate) at_start: AtStart,
    pub(crate) user: Option<String>,
}

/// What is believed of a script before it has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtStart {
    Working,
    Failed,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Process {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) quorum: u32,
    pub(crate) interval: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TrackedFile {
    pub(crate) id: String,
    pub(crate) path: PathBuf,
    pub(crate) interval: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SyncGroup {
    pub(crate) members: Vec<usize>,
}

/// When the neighbours are told; keepalived's `garp_*`, with its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Announce {
    pub(crate) repeat: u16,
    /// To the second burst; zero: there is none.
    pub(crate) delay: Duration,
    /// Between refreshes; zero: there are none.
    pub(crate) refresh: Duration,
    pub(crate) refresh_repeat: u16,
    pub(crate) lower_priority_repeat: u16,
    pub(crate) lower_priority_delay: Duration,
    /// Between two frames on one interface.
    pub(crate) interval: Duration,
}

/// Programs run on a change of state, each a list of arguments.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Notify {
    pub(crate) active: Option<Vec<String>>,
    pub(crate) backup: Option<Vec<String>>,
    pub(crate) fault: Option<Vec<String>>,
    pub(crate) stop: Option<Vec<String>>,
    pub(crate) any: Option<Vec<String>>,
}

#[cfg(test)]
mod tests;
