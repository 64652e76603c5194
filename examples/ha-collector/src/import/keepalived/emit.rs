//! From what keepalived was told to our TOML. What keepalived means without saying it is written out.

mod instance;
mod reach;

pub(super) use self::instance::rounded;

use std::collections::HashSet;

use super::model::{Kind, Node, Sense, Track, Weight};
use crate::import::report::{Group, Report};
use crate::import::source::{Files, Place};
use crate::import::toml::{Toml, span, string, strings};

/// What becomes of the scripts that watch the collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// They are run as keepalived ran them, and the collector's own health counts for nothing.
    Scripts,
    /// The collector's own health does what they did.
    Native,
}

/// The TOML, and how many virtual routers are in it.
pub(super) fn emit(node: &Node, health: Health, files: &Files, report: &mut Report) -> (String, usize) {
    let mut emitter = Emitter { node, health, report, toml: Toml::new(files), tracked: HashSet::new() };
    let emitted = emitter.all();
    (emitter.toml.finish(), emitted)
}

#[derive(Debug)]
struct Emitter<'a> {
    node: &'a Node,
    health: Health,
    report: &'a mut Report,
    toml: Toml<'a>,
    /// The trackers that something depends on, by kind and name.
    tracked: HashSet<(&'static str, String)>,
}

/// What a virtual router depends on, as it is written.
#[derive(Clone, Debug)]
struct Dependency {
    track: Track,
    /// The weight that has to be said; `None`: that of the tracker holds.
    written: Option<i16>,
    /// What it comes to.
    effective: Weight,
}

impl Emitter<'_> {
    fn all(&mut self) -> usize {
        self.keeper();
        let mut names = HashSet::new();
        let mut emitted = Vec::new();
        for instance in &self.node.instances {
            if !names.insert(instance.name.value.as_str()) {
                self.say(
                    Group::Wrong,
                    instance.name.place,
                    &instance.name.value,
                    "there are two of this name",
                );
                continue;
            }
            if self.instance(instance) {
                emitted.push(instance.name.value.as_str());
            }
        }
        self.groups(&emitted);
        self.scripts();
        self.processes();
        self.files();
        emitted.len()
    }

    fn say(&mut self, group: Group, place: Place, what: &str, why: &str) {
        self.report.say(group, place, what, why);
    }

    fn keeper(&mut self) {
        let globals = &self.node.globals;
        if globals.router_id.is_none()
            && globals.startup_delay.is_none()
            && globals.realtime_priority.is_none()
        {
            return;
        }
        self.toml.table("[keeper]", None);
        if let Some(id) = &globals.router_id {
            self.toml.key("router-id", &string(&id.value), Some(id.place));
        }
        if let Some(delay) = &globals.startup_delay {
            self.toml.key("startup-delay", &span(delay.value), Some(delay.place));
        }
        if let Some(priority) = &globals.realtime_priority {
            self.toml.key("realtime-priority", &priority.value.to_string(), Some(priority.place));
        }
    }

    fn groups(&mut self, emitted: &[&str]) {
        for group in &self.node.groups {
            let mut members: Vec<String> = Vec::new();
            for member in &group.members {
                if emitted.contains(&member.value.as_str()) && !members.contains(&member.value) {
                    members.push(member.value.clone());
                } else {
                    self.say(
                        Group::Wrong,
                        member.place,
                        &member.value,
                        "is no virtual router that this group can have",
                    );
                }
            }
            if members.len() < 2 {
                let why = "a group of fewer than two does nothing, and is left out";
                self.say(
                    Group::Changed,
                    group.name.place,
                    &format!("vrrp_sync_group {}", group.name.value),
                    why,
                );
                continue;
            }
            self.toml.table("[[sync-group]]", Some(group.name.place));
            self.toml.key("id", &string(&group.name.value), None);
            self.toml.key("members", &strings(&members), None);
        }
    }

    fn scripts(&mut self) {
        for script in &self.node.scripts {
            let Some(command) = &script.command else { continue };
            let what = format!("vrrp_script {}", script.name.value);
            if !self.tracked.remove(&(Kind::Script.key(), script.name.value.clone())) {
                let why = "nothing tracks it: left out, for keepalived does not run it either";
                self.say(Group::Changed, script.name.place, &what, why);
                continue;
            }
            self.toml.table("[[track-script]]", Some(script.name.place));
            self.toml.key("id", &string(&script.name.value), None);
            self.toml.key("command", &strings(&command.value.arguments), Some(command.place));
            let interval =
                script.interval.map_or(std::time::Duration::from_secs(1), |interval| interval.value);
            self.toml.key("interval", &span(interval), script.interval.map(|interval| interval.place));
            if let Some(timeout) = &script.timeout {
                self.toml.key("timeout", &span(timeout.value), Some(timeout.place));
            }
            if let Some(rise) = &script.rise {
                self.toml.key("rise", &rise.value.to_string(), Some(rise.place));
            }
            if let Some(fall) = &script.fall {
                self.toml.key("fall", &fall.value.to_string(), Some(fall.place));
            }
            if let Some(weight) = script.weight.filter(|weight| weight.value.number != 0) {
                self.toml.key("weight", &weight.value.number.to_string(), Some(weight.place));
            }
            if let Some(place) = script.init_fail {
                self.toml.key("init-fail", "true", Some(place));
            }
            match script.user.as_ref().or(self.node.globals.script_user.as_ref()) {
                Some(user) => self.toml.key("user", &string(&user.value), Some(user.place)),
                None => {
                    let why = "runs as keepalived_script or nobody; keepalived runs it as root where there is no keepalived_script";
                    self.say(Group::Changed, script.name.place, &what, why);
                }
            }
        }
    }

    fn processes(&mut self) {
        for process in &self.node.processes {
            let Some(name) = &process.process else { continue };
            if !self.tracked.remove(&(Kind::Process.key(), process.name.value.clone())) {
                self.left_out(&process.name.value, process.name.place);
                continue;
            }
            self.toml.table("[[track-process]]", Some(process.name.place));
            self.toml.key("id", &string(&process.name.value), None);
            self.toml.key("process", &string(&name.value), Some(name.place));
            if let Some(quorum) = &process.quorum {
                self.toml.key("quorum", &quorum.value.to_string(), Some(quorum.place));
            }
            // The manual says that it is 1 where nothing is said; 2.2.7 makes it 0, a fault, as ours is.
            if let Some(weight) = process.weight.filter(|weight| weight.value.number != 0) {
                self.toml.key("weight", &weight.value.number.to_string(), Some(weight.place));
            }
        }
    }

    fn files(&mut self) {
        for file in &self.node.files {
            let Some(path) = &file.path else { continue };
            if !self.tracked.remove(&(Kind::File.key(), file.name.value.clone())) {
                self.left_out(&file.name.value, file.name.place);
                continue;
            }
            self.toml.table("[[track-file]]", Some(file.name.place));
            self.toml.key("id", &string(&file.name.value), None);
            self.toml.key("path", &string(&path.value), Some(path.place));
            match file.weight {
                Some(weight) => self.toml.key("weight", &weight.value.number.to_string(), Some(weight.place)),
                None => self.toml.because("weight", "1", None, "keepalived's default"),
            }
            if file.weight.is_some_and(|weight| weight.value.number == 0) {
                let why = "any number is a fault for keepalived; here it is added to the priority, and -254 or less is a fault";
                self.say(Group::Changed, file.name.place, &format!("{} weight 0", file.name.value), why);
            }
        }
    }

    fn left_out(&mut self, name: &str, place: Place) {
        self.say(Group::Changed, place, name, "nothing tracks it: left out");
    }

    /// What `name` weighs by itself; `None`: there is no such tracker.
    fn weight_of(&self, kind: Kind, name: &str) -> Option<Weight> {
        let or = |weight: Option<Weight>, number| weight.unwrap_or(Weight { number, sense: Sense::Straight });
        let none = |weight| or(weight, 0);
        let node = self.node;
        match kind {
            Kind::Interface => Some(none(None)),
            Kind::Script => {
                let script = node.scripts.iter().find(|script| script.name.value == name)?;
                script.command.as_ref().map(|_| none(script.weight.map(|weight| weight.value)))
            }
            Kind::Process => {
                let process = node.processes.iter().find(|process| process.name.value == name)?;
                process.process.as_ref().map(|_| none(process.weight.map(|weight| weight.value)))
            }
            Kind::File => {
                let file = node.files.iter().find(|file| file.name.value == name)?;
                file.path.as_ref().map(|_| or(file.weight.map(|weight| weight.value), 1))
            }
        }
    }
}
