//! What can be told of the keeper: one row a virtual address, with the reason and the evidence for what it is.

use std::time::SystemTime;

use jiff::Timestamp;
use serde::Serialize;
use vrrp_net::Report;
use vrrp_proto::State;

use super::{Keeper, notify};
use crate::config;

/// One virtual address.
#[derive(Debug, Serialize)]
pub(crate) struct Instance {
    pub(crate) vip: String,
    /// Whether this host is to have it now.
    pub(crate) held: bool,
    pub(crate) state: &'static str,
    /// What the file says that it starts as.
    pub(crate) configured_state: &'static str,
    pub(crate) priority: u8,
    pub(crate) effective_priority: u8,
    pub(crate) instance: String,
    pub(crate) interface: String,
    pub(crate) vrid: u8,
    pub(crate) tracking: String,
    /// RFC 3339.
    pub(crate) since: String,
    /// Why it is what it is, on whose evidence.
    pub(crate) reason: String,
    /// What it depends on and speaks against it now.
    pub(crate) against: Vec<String>,
    pub(crate) version: u8,
    pub(crate) source: Option<String>,
    pub(crate) sent: u64,
    pub(crate) heard: u64,
    pub(crate) unsent: u64,
    pub(crate) refused: std::collections::BTreeMap<&'static str, u64>,
    pub(crate) last_refused: Option<String>,
    pub(crate) trouble: Option<String>,
}

impl Keeper {
    /// Every virtual address, in the order of the configuration.
    pub(crate) fn instances(&self) -> Vec<Instance> {
        let mut rows = Vec::new();
        for (place, (config, router)) in self.config.routers.iter().zip(&self.routers).enumerate() {
            // The counters as of now; what it was when it last changed, if the election is too busy to say.
            let report = pollster(router).unwrap_or_else(|| router.standings().borrow().clone());
            let against = self
                .judge
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .against(place, &self.config);
            for address in config.addresses.iter().chain(&config.excluded) {
                rows.push(self.row(config, address, &report, &against));
            }
        }
        rows
    }

    fn row(
        &self,
        config: &config::VirtualRouter,
        address: &config::VirtualAddress,
        report: &Report,
        against: &[String],
    ) -> Instance {
        let standing = report.status.standing;
        let mut reason = super::why(standing.reason);
        if let super::Health::Unwell(problems) = self.health()
            && against.iter().any(|what| what == "collector")
        {
            reason = format!("{reason} (the collector: {})", problems.join("; "));
        }
        Instance {
            vip: address.address.address.to_string(),
            held: standing.holds_addresses(),
            state: word(standing.state),
            configured_state: match config.initial {
                config::Initial::Active => "active",
                config::Initial::Backup => "backup",
            },
            priority: config.priority.value(),
            effective_priority: standing.priority.value(),
            instance: config.id.clone(),
            interface: config.interface.clone(),
            vrid: config.vrid.number(),
            tracking: self.tracking(config),
            since: rfc3339(report.wall(standing.since).max(self.started)),
            reason,
            against: against.to_vec(),
            version: config.version.number(),
            source: report.source.map(|source| source.to_string()),
            sent: report.status.sent,
            heard: report.status.heard,
            unsent: report.unsent,
            refused: report.refused.iter().copied().collect(),
            last_refused: report
                .last_refused
                .map(|(reject, source, at)| format!("{source} at {}: {reject}", rfc3339(at))),
            trouble: report.trouble.clone(),
        }
    }

    fn tracking(&self, router: &config::VirtualRouter) -> String {
        let names = router.tracks.iter().filter_map(|track| match &track.what {
            config::Tracked::Interface(name) => Some(name.clone()),
            config::Tracked::Script(place) => self.config.scripts.get(*place).map(|script| script.id.clone()),
            config::Tracked::Process(place) => {
                self.config.processes.get(*place).map(|process| process.id.clone())
            }
            config::Tracked::File(place) => self.config.files.get(*place).map(|file| file.id.clone()),
        });
        let mut names: Vec<String> = names.collect();
        if self.collector.is_some() && router.health.is_some() {
            names.push("collector".to_owned());
        }
        names.join(",")
    }

    /// The change of state of this entry of the journal, for whoever listens.
    pub(crate) fn event(&self, entry: &super::Entry) -> serde_json::Value {
        let router = self.config.routers.get(entry.what.router);
        serde_json::json!({
            "sequence": entry.number,
            "at": rfc3339(entry.at),
            "instance": router.map(|router| router.id.as_str()),
            "from": word(entry.what.from),
            "to": word(entry.what.to),
            "notify": notify::name(entry.what.to),
            "priority": entry.what.priority,
            "reason": entry.what.reason,
        })
    }
}

/// Asks the router itself, and waits a moment for its answer.
fn pollster(router: &vrrp_net::VirtualRouter) -> Option<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().ok()?;
    runtime.block_on(async {
        let asked = tokio::time::timeout(std::time::Duration::from_secs(1), router.report());
        asked.await.ok().and_then(Result::ok)
    })
}

const fn word(state: State) -> &'static str {
    match state {
        State::Active => "active",
        State::Backup => "backup",
        State::Fault => "fault",
        _ => "initialize",
    }
}

fn rfc3339(at: SystemTime) -> String {
    let at = Timestamp::try_from(at).unwrap_or_default();
    jiff::Zoned::new(at, jiff::tz::TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}
