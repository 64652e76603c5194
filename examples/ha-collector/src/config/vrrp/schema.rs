//! `[keeper]`, `[[vrrp]]` and what they track, as they are written. What they mean together is decided in [`super`].

use std::net::IpAddr;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use crate::config::units::{Prefixed, Span};

/// `[keeper]`: what all virtual routers of this host share.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct Keeper {
    /// What this host is called in `status`. Default: its host name.
    pub(super) router_id: Option<String>,
    /// How long the kernel keeps an address without hearing from the keeper. Default 3 s, whole seconds.
    pub(super) lease: Option<Spanned<Span>>,
    /// Wait this long before taking part. Default none.
    pub(super) startup_delay: Option<Spanned<Span>>,
    /// The collector is unhealthy when it has not been heard for this long. Default 1 s.
    pub(super) heartbeat_timeout: Option<Spanned<Span>>,
    /// Whom scripts and notified programs run as, unless they say. Default: `keepalived_script`, or else `nobody`.
    pub(super) script_user: Option<String>,
    /// Real-time priority (SCHED_FIFO, 1 to 99) of the thread that advertises; 0 for none. Default 50.
    pub(super) realtime_priority: Option<Spanned<u8>>,
}

/// `[[vrrp]]`: one virtual router on one interface.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct Vrrp {
    pub(in crate::config) id: Spanned<String>,
    pub(super) interface: Spanned<String>,
    pub(super) vrid: Spanned<u8>,
    /// 2 or 3. Default 3.
    pub(super) version: Option<Spanned<u8>>,
    /// 1 to 255. Default 100.
    pub(super) priority: Option<Spanned<u8>>,
    /// Default 1 s. Version 2: whole seconds; version 3: 10 ms to 40.95 s in steps of 10 ms.
    pub(super) advert_interval: Option<Spanned<Span>>,
    /// Intervals of silence before a takeover. Default 3.
    pub(super) down_adverts: Option<Spanned<u8>>,
    pub(super) state: Option<State>,
    pub(super) preempt: Option<Spanned<bool>>,
    pub(super) preempt_delay: Option<Spanned<Span>>,
    pub(super) unicast_source: Option<Spanned<IpAddr>>,
    #[serde(default)]
    pub(super) unicast_peers: Vec<Spanned<IpAddr>>,
    /// Advertisements of unicast peers with a lower TTL are refused. Default 255: from this link only.
    pub(super) unicast_min_ttl: Option<Spanned<u8>>,
    pub(super) group: Option<Spanned<IpAddr>>,
    pub(super) authentication: Option<Spanned<Authentication>>,
    pub(super) checksum: Option<Spanned<Checksum>>,
    #[serde(default)]
    pub(super) virtual_mac: bool,
    pub(super) addresses: Spanned<Vec<Spanned<Address>>>,
    #[serde(default)]
    pub(super) excluded_addresses: Vec<Spanned<Address>>,
    #[serde(default)]
    pub(super) track: Vec<Spanned<Track>>,
    /// What the collector's health does. Default: unhealthy is a fault, when there is a collector.
    pub(super) health: Option<Spanned<Health>>,
    pub(super) announce: Option<Announce>,
    pub(super) notify: Option<Notify>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    #[serde(alias = "MASTER", alias = "master")]
    Active,
    #[serde(alias = "BACKUP")]
    Backup,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Authentication {
    #[serde(rename = "type")]
    pub(super) kind: AuthenticationKind,
    pub(super) secret: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum AuthenticationKind {
    Pass,
    Ah,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Checksum {
    PseudoHeader,
    MessageOnly,
    FollowPeer,
}

/// `"10.0.0.10/24"`, or a table where more is to be said.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "an address with its prefix, such as \"10.0.0.10/24\", or a table { address, device, label, scope }"
)]
pub(super) enum Address {
    Plain(Prefixed),
    Detailed(DetailedAddress),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct DetailedAddress {
    pub(super) address: Prefixed,
    pub(super) device: Option<String>,
    pub(super) label: Option<String>,
    pub(super) scope: Option<Scope>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Scope {
    Global,
    Site,
    Link,
    Host,
}

/// One thing that a virtual router depends on: exactly one of the first four.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Track {
    pub(super) interface: Option<String>,
    pub(super) script: Option<String>,
    pub(super) process: Option<String>,
    pub(super) file: Option<String>,
    /// Added to the priority: negative while it is down, positive while it is up. 0 or none: down is a fault.
    pub(super) weight: Option<i16>,
    #[serde(default)]
    pub(super) reverse: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "\"fault\", \"ignore\" or a weight, such as -80")]
pub(super) enum Health {
    Word(HealthWord),
    Weight(i16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum HealthWord {
    Fault,
    Ignore,
}

/// When the neighbours are told; keepalived's `garp_*`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Announce {
    pub(super) repeat: Option<u16>,
    pub(super) delay: Option<Span>,
    pub(super) refresh: Option<Span>,
    pub(super) refresh_repeat: Option<u16>,
    pub(super) lower_priority_repeat: Option<u16>,
    pub(super) lower_priority_delay: Option<Span>,
    pub(super) interval: Option<Span>,
}

/// Programs that are run when the state changes, each a list of arguments, no shell.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Notify {
    pub(super) active: Option<Vec<String>>,
    pub(super) backup: Option<Vec<String>>,
    pub(super) fault: Option<Vec<String>>,
    pub(super) stop: Option<Vec<String>>,
    pub(super) any: Option<Vec<String>>,
}

/// `[[track-script]]`: a program whose exit status says whether something works.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct TrackScript {
    pub(in crate::config) id: Spanned<String>,
    /// The program, by its absolute path, and its arguments. No shell.
    pub(super) command: Spanned<Vec<String>>,
    pub(super) interval: Option<Spanned<Span>>,
    pub(super) timeout: Option<Spanned<Span>>,
    pub(super) rise: Option<Spanned<u16>>,
    pub(super) fall: Option<Spanned<u16>>,
    pub(super) weight: Option<i16>,
    #[serde(default)]
    pub(super) init_fail: bool,
    /// Whom to run it as. Default: the keeper's `script-user`.
    pub(super) user: Option<String>,
}

/// `[[track-process]]`: a process that must be there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct TrackProcess {
    pub(in crate::config) id: Spanned<String>,
    /// Its name (`comm`), or the path of its executable.
    pub(super) process: Spanned<String>,
    /// At least this many. Default 1.
    pub(super) quorum: Option<u32>,
    pub(super) interval: Option<Spanned<Span>>,
    pub(super) weight: Option<i16>,
}

/// `[[track-file]]`: a file with a number in it, times the weight; keepalived's `track_file`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct TrackFile {
    pub(in crate::config) id: Spanned<String>,
    pub(super) path: Spanned<PathBuf>,
    pub(super) interval: Option<Spanned<Span>>,
    pub(super) weight: Option<i16>,
}

/// `[[sync-group]]`: virtual routers that are Active together or not at all.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(in crate::config) struct SyncGroup {
    pub(in crate::config) id: Spanned<String>,
    pub(super) members: Spanned<Vec<String>>,
}
