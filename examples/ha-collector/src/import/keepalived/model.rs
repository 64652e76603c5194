//! What a configuration of keepalived says, with the place of each word; only what keepalived would take.

use std::net::IpAddr;
use std::time::Duration;

use crate::import::command::Command;
use crate::import::source::Place;

/// A value and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// One host.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) globals: Globals,
    pub(super) scripts: Vec<Script>,
    pub(super) processes: Vec<Process>,
    pub(super) files: Vec<TrackedFile>,
    pub(super) instances: Vec<Instance>,
    pub(super) groups: Vec<Group>,
    pub(super) garp_groups: Vec<GarpGroup>,
}

#[derive(Debug, Default)]
pub(super) struct Globals {
    pub(super) router_id: Option<At<String>>,
    pub(super) startup_delay: Option<At<Duration>>,
    pub(super) realtime_priority: Option<At<u8>>,
    pub(super) script_user: Option<At<String>>,
    pub(super) version: Option<At<u8>>,
    pub(super) down_adverts: Option<At<u8>>,
    pub(super) group_v4: Option<At<IpAddr>>,
    pub(super) group_v6: Option<At<IpAddr>>,
    pub(super) default_interface: Option<At<String>>,
    pub(super) garp: Garp,
    /// One announcement and no second burst.
    pub(super) garp_once: Option<Place>,
    pub(super) garp_interval: Option<At<Duration>>,
    pub(super) gna_interval: Option<At<Duration>>,
}

/// `garp_*`, of an instance or for all of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Garp {
    pub(super) repeat: Option<At<u16>>,
    pub(super) delay: Option<At<Duration>>,
    pub(super) lower_repeat: Option<At<u16>>,
    pub(super) lower_delay: Option<At<Duration>>,
    pub(super) refresh: Option<At<Duration>>,
    pub(super) refresh_repeat: Option<At<u16>>,
}

#[derive(Debug, Default)]
pub(super) struct GarpGroup {
    pub(super) interfaces: Vec<String>,
    pub(super) garp_interval: Option<At<Duration>>,
    pub(super) gna_interval: Option<At<Duration>>,
}

#[derive(Debug)]
pub(super) struct Script {
    pub(super) name: At<String>,
    pub(super) command: Option<At<Command>>,
    pub(super) interval: Option<At<Duration>>,
    pub(super) timeout: Option<At<Duration>>,
    pub(super) rise: Option<At<u16>>,
    pub(super) fall: Option<At<u16>>,
    pub(super) weight: Option<At<Weight>>,
    pub(super) user: Option<At<String>>,
    pub(super) init_fail: Option<Place>,
}

/// A weight, and whether what is down counts as up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) number: i16,
    pub(super) sense: Sense,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sense {
    Straight,
    Reverse,
}

#[derive(Debug)]
pub(super) struct Process {
    pub(super) name: At<String>,
    pub(super) process: Option<At<String>>,
    pub(super) quorum: Option<At<u32>>,
    pub(super) weight: Option<At<Weight>>,
}

#[derive(Debug)]
pub(super) struct TrackedFile {
    pub(super) name: At<String>,
    pub(super) path: Option<At<String>>,
    pub(super) weight: Option<At<Weight>>,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: At<String>,
    pub(super) members: Vec<At<String>>,
    pub(super) tracks: Vec<Track>,
    /// Members keep their weights.
    pub(super) weights: Option<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Interface,
    Script,
    Process,
    File,
}

impl Kind {
    /// Its key in `track`.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Interface => "interface",
            Self::Script => "script",
            Self::Process => "process",
            Self::File => "file",
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Track {
    pub(super) kind: Kind,
    pub(super) name: At<String>,
    pub(super) weight: Option<i16>,
    /// `None`: as the tracker itself says.
    pub(super) sense: Option<Sense>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Master,
    Backup,
}

#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) address: IpAddr,
    pub(super) prefix: u8,
    pub(super) device: Option<String>,
    pub(super) label: Option<String>,
    pub(super) scope: Option<&'static str>,
    pub(super) place: Place,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub(super) address: IpAddr,
    pub(super) min_ttl: Option<u8>,
    pub(super) place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AuthenticationKind {
    Pass,
    Ah,
}

#[derive(Debug, Default)]
pub(super) struct Notify {
    pub(super) active: Option<At<Command>>,
    pub(super) backup: Option<At<Command>>,
    pub(super) fault: Option<At<Command>>,
    pub(super) stop: Option<At<Command>>,
    pub(super) any: Option<At<Command>>,
}

#[derive(Debug)]
pub(super) struct Instance {
    pub(super) name: At<String>,
    pub(super) state: Option<At<State>>,
    pub(super) interface: Option<At<String>>,
    pub(super) vrid: Option<At<u8>>,
    pub(super) priority: Option<At<u8>>,
    pub(super) version: Option<At<u8>>,
    pub(super) interval: Option<At<Duration>>,
    pub(super) down_adverts: Option<At<u8>>,
    pub(super) no_preempt: Option<Place>,
    pub(super) preempt_delay: Option<At<Duration>>,
    pub(super) source: Option<At<IpAddr>>,
    pub(super) group: Option<At<IpAddr>>,
    pub(super) peers: Vec<Peer>,
    pub(super) authentication: Option<At<AuthenticationKind>>,
    pub(super) secret: Option<At<String>>,
    pub(super) virtual_mac: Option<Place>,
    pub(super) addresses: Vec<Address>,
    pub(super) excluded: Vec<Address>,
    pub(super) tracks: Vec<Track>,
    pub(super) garp: Garp,
    pub(super) notify: Notify,
}

impl Instance {
    pub(super) fn new(name: At<String>) -> Self {
        Self {
            name,
            state: None,
            interface: None,
            vrid: None,
            priority: None,
            version: None,
            interval: None,
            down_adverts: None,
            no_preempt: None,
            preempt_delay: None,
            source: None,
            group: None,
            peers: Vec::new(),
            authentication: None,
            secret: None,
            virtual_mac: None,
            addresses: Vec::new(),
            excluded: Vec::new(),
            tracks: Vec::new(),
            garp: Garp::default(),
            notify: Notify::default(),
        }
    }

    /// keepalived's default is 100, and 255 where the state is MASTER.
    pub(super) fn effective_priority(&self) -> u8 {
        let default = match self.starts() {
            State::Master => 255,
            State::Backup => 100,
        };
        self.priority.map_or(default, |priority| priority.value)
    }

    /// keepalived starts as BACKUP.
    pub(super) fn starts(&self) -> State {
        self.state.map_or(State::Backup, |state| state.value)
    }

    pub(super) fn is_v6(&self) -> bool {
        self.addresses.first().is_some_and(|address| address.address.is_ipv6())
    }
}
