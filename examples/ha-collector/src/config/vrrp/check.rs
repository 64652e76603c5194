//! From the file as it is written to what the keeper does; every mistake at its place, and what will hurt as a warning.

mod checker;
mod router;

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use self::checker::{Checker, INTERVALS};
use super::schema;
use super::{AtStart, Keeper, Process, Script, SyncGroup, TrackedFile, VirtualRouter};
use crate::config::diagnostic::{Diagnostic, Text};

/// All that the files say of the keeper.
#[derive(Debug, Default)]
pub(in crate::config) struct Given {
    pub(in crate::config) keeper: Option<(Arc<Text>, schema::Keeper)>,
    pub(in crate::config) routers: Vec<(Arc<Text>, Spanned<schema::Vrrp>)>,
    pub(in crate::config) scripts: Vec<(Arc<Text>, schema::TrackScript)>,
    pub(in crate::config) processes: Vec<(Arc<Text>, schema::TrackProcess)>,
    pub(in crate::config) files: Vec<(Arc<Text>, schema::TrackFile)>,
    pub(in crate::config) groups: Vec<(Arc<Text>, schema::SyncGroup)>,
}

/// What is wrong, and what will hurt.
#[derive(Debug, Default)]
pub(in crate::config) struct Findings {
    pub(in crate::config) errors: Vec<Diagnostic>,
    pub(in crate::config) warnings: Vec<Diagnostic>,
}

/// The names that `track` may use, each with its place and its own weight.
#[derive(Debug, Default)]
struct Names {
    scripts: HashMap<String, (usize, Option<i16>)>,
    processes: HashMap<String, (usize, Option<i16>)>,
    files: HashMap<String, (usize, Option<i16>)>,
}

impl Given {
    /// `None`: nothing was asked of a keeper.
    pub(in crate::config) fn check(self, findings: &mut Findings) -> Option<Keeper> {
        let Some((first, _)) = self.routers.first() else {
            if let Some((text, _)) = &self.keeper {
                let message = "[keeper] without a [[vrrp]]: there is nothing to keep";
                findings.warnings.push(Diagnostic::warning(message).at(text, 0..0));
            }
            return None;
        };
        let (text, given) = self.keeper.unwrap_or_else(|| (Arc::clone(first), schema::Keeper::default()));
        let mut common = Checker { findings, text: &text };
        let lease = common.span(
            given.lease,
            Duration::from_secs(3),
            Duration::from_secs(1)..=Duration::from_secs(3600),
        );
        let startup_delay =
            common.span(given.startup_delay, Duration::ZERO, Duration::ZERO..=Duration::from_secs(3600));
        let heartbeat_timeout = common.span(
            given.heartbeat_timeout,
            Duration::from_secs(1),
            Duration::from_millis(100)..=Duration::from_secs(600),
        );
        let realtime_priority = common.number(given.realtime_priority, 50, 0..=99);
        if lease.subsec_nanos() != 0 {
            findings.errors.push(Diagnostic::new("`lease` is in whole seconds: the kernel counts no finer"));
        }
        let router_id = given.router_id.unwrap_or_else(host_name);
        let script_user = given.script_user;
        let mut names = Names::default();
        let mut scripts = Vec::new();
        for (text, script) in self.scripts {
            let mut checker = Checker { findings, text: &text };
            checker.name(&script.id, &mut names.scripts, scripts.len(), script.weight);
            let mut script = checker.script(script);
            script.user = script.user.or_else(|| script_user.clone());
            scripts.push(script);
        }
        let mut processes = Vec::new();
        for (text, process) in self.processes {
            let mut checker = Checker { findings, text: &text };
            checker.name(&process.id, &mut names.processes, processes.len(), process.weight);
            let interval = checker.span(process.interval, Duration::from_millis(500), INTERVALS);
            let quorum = process.quorum.unwrap_or(1).max(1);
            let (id, name) = (process.id.into_inner(), process.process.into_inner());
            processes.push(Process { id, name, quorum, interval });
        }
        let mut files = Vec::new();
        for (text, file) in self.files {
            let mut checker = Checker { findings, text: &text };
            checker.name(&file.id, &mut names.files, files.len(), file.weight);
            let interval = checker.span(file.interval, Duration::from_millis(500), INTERVALS);
            files.push(TrackedFile { id: file.id.into_inner(), path: file.path.into_inner(), interval });
        }
        let mut routers: Vec<VirtualRouter> = Vec::new();
        for (text, vrrp) in self.routers {
            let span = vrrp.span();
            let mut checker = Checker { findings, text: &text };
            let router = checker.router(vrrp.into_inner(), &names);
            if let Some(router) = router {
                checker.alone(&router, &routers, span);
                routers.push(router);
            }
        }
        let mut groups = Vec::new();
        let mut ids = std::collections::HashSet::new();
        for (text, group) in self.groups {
            let mut checker = Checker { findings, text: &text };
            if !ids.insert(group.id.get_ref().clone()) {
                checker.wrong(group.id.span(), format!("the id `{}` is used twice", group.id.get_ref()), "");
            }
            let members = checker.members(&group, &routers);
            groups.push(SyncGroup { members });
        }
        Some(Keeper {
            router_id,
            lease,
            startup_delay,
            heartbeat_timeout,
            realtime_priority,
            script_user,
            routers,
            scripts,
            processes,
            files,
            groups,
        })
    }
}

impl Checker<'_> {
    fn script(&mut self, script: schema::TrackScript) -> Script {
        let span = script.command.span();
        let command = script.command.into_inner();
        match command.first() {
            None => self.wrong(span, "a command cannot be empty", "a list: the program, then its arguments"),
            Some(program) if !Path::new(program).is_absolute() => {
                self.wrong(
                    span,
                    format!("`{program}` is no absolute path"),
                    "no shell and no search path is used",
                );
            }
            Some(program)
                if program.ends_with("systemctl")
                    && command.get(1).is_some_and(|verb| verb == "is-active") =>
            {
                let help =
                    "the collector's own health (`health`) knows whether messages are received and written";
                self.warn(span, "a service that is active need not work", help);
            }
            Some(program) => self.safe(program, &span),
        }
        let interval = self.span(script.interval, Duration::from_secs(1), INTERVALS);
        Script {
            id: script.id.into_inner(),
            command,
            interval,
            timeout: self.span(script.timeout, interval, INTERVALS),
            rise: self.number(script.rise, 1, 1..=1000),
            fall: self.number(script.fall, 1, 1..=1000),
            at_start: if script.init_fail { AtStart::Failed } else { AtStart::Working },
            user: script.user,
        }
    }

    /// Nothing that two virtual routers cannot both have.
    fn alone(&mut self, router: &VirtualRouter, others: &[VirtualRouter], span: Range<usize>) {
        for other in others {
            if other.id == router.id {
                self.wrong(span.clone(), format!("the id `{}` is used twice", router.id), "");
            }
            let same = (&other.interface, other.vrid, other.family)
                == (&router.interface, router.vrid, router.family);
            if same {
                let message = format!("`{}` has this vrid on {} already", other.id, other.interface);
                self.wrong(span.clone(), message, "a vrid is used once on a link and in a family");
            }
            for address in router.addresses.iter().chain(&router.excluded) {
                if other
                    .addresses
                    .iter()
                    .chain(&other.excluded)
                    .any(|theirs| theirs.address.address == address.address.address)
                {
                    let message = format!("{} is an address of `{}` too", address.address.address, other.id);
                    self.wrong(span.clone(), message, "an address belongs to one virtual router");
                }
            }
        }
    }

    fn members(&mut self, group: &schema::SyncGroup, routers: &[VirtualRouter]) -> Vec<usize> {
        let mut members = Vec::new();
        for name in group.members.get_ref() {
            match routers.iter().position(|router| router.id == *name) {
                Some(place) if !members.contains(&place) => members.push(place),
                Some(_) => self.wrong(group.members.span(), format!("`{name}` stands here twice"), ""),
                None => {
                    self.wrong(group.members.span(), format!("there is no [[vrrp]] with the id `{name}`"), "")
                }
            }
        }
        if members.len() < 2 {
            self.warn(group.members.span(), "a group of fewer than two does nothing", "");
        }
        members
    }
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
