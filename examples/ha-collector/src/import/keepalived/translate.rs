//! From statements to what they mean: each keyword is translated here or named in [`super::keywords`], and reported.

mod address;
mod instance;
mod value;

use super::keywords::{self, Block};
use super::model::{
    At, Garp, GarpGroup, Globals, Group, Instance, Kind, Node, Process, Script, Track, TrackedFile,
};
use super::tree::Statement;
use crate::import::report::{self, Report, Reported as _};

/// Reads the whole tree.
pub(super) fn translate(statements: &[Statement], report: &mut Report) -> Node {
    let mut translator = Translator { report, node: Node::default() };
    for statement in statements {
        translator.top(statement);
    }
    translator.node
}

#[derive(Debug)]
struct Translator<'a> {
    report: &'a mut Report,
    node: Node,
}

impl Translator<'_> {
    fn top(&mut self, statement: &Statement) {
        match statement.keyword() {
            "global_defs" => {
                self.report.translated(statement);
                let mut globals = std::mem::take(&mut self.node.globals);
                for inner in statement.statements() {
                    self.global(inner, &mut globals);
                }
                self.node.globals = globals;
            }
            "vrrp_instance" => {
                let Some(name) = self.name(statement) else { return };
                let mut instance = Instance::new(name);
                for inner in statement.statements() {
                    self.instance(inner, &mut instance);
                }
                self.node.instances.push(instance);
            }
            "vrrp_script" => self.script(statement),
            "vrrp_track_process" | "track_process" => self.process(statement),
            "vrrp_track_file" | "track_file" => self.file(statement),
            "vrrp_sync_group" => self.group(statement),
            "garp_group" => self.garp_group(statement),
            _ => self.other(statement, Block::Top),
        }
    }

    /// The name of a block, which is reported as translated.
    fn name(&mut self, statement: &Statement) -> Option<At<String>> {
        let Some(name) = statement.argument(0) else {
            self.wrong(statement, "this has no name");
            return None;
        };
        self.report.translated(statement);
        Some(At { value: name.to_owned(), place: statement.place() })
    }

    /// What is not translated: known, and why not, or unknown.
    fn other(&mut self, statement: &Statement, block: Block) {
        match keywords::why(block, statement.keyword()) {
            Some(why) => {
                self.inside(statement);
                let mut names: Vec<&str> = Vec::new();
                if keywords::within(statement.keyword()).is_some() {
                    collect(statement, &mut names);
                }
                let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
                self.report.unsupported(statement, format!("{why}{names}"));
            }
            None => self.unknown(statement),
        }
    }

    fn unknown(&mut self, statement: &Statement) {
        self.report.unsupported(statement, "unknown word: neither keepalived nor this knows it here");
    }

    /// Unknown words within a block that is not translated.
    fn inside(&mut self, statement: &Statement) {
        let Some(block) = keywords::within(statement.keyword()) else { return };
        for inner in statement.statements() {
            if keywords::why(block, inner.keyword()).is_none() {
                self.unknown(inner);
            }
            self.inside(inner);
        }
    }

    fn wrong(&mut self, statement: &Statement, why: impl Into<String>) {
        self.report.say(report::Group::Wrong, statement.place(), statement.shown(), why);
    }

    fn global(&mut self, statement: &Statement, globals: &mut Globals) {
        let always = "always so: a path that others may write is refused";
        match statement.keyword() {
            "router_id" => self.text(statement, &mut globals.router_id),
            "script_user" => self.user(statement, &mut globals.script_user),
            "enable_script_security" => self.report.changed(statement, always),
            "vrrp_version" => self.number(statement, &mut globals.version, 2..=3),
            "vrrp_down_timer_adverts" => self.number(statement, &mut globals.down_adverts, 1..=100),
            "vrrp_mcast_group4" => self.address(statement, &mut globals.group_v4),
            "vrrp_mcast_group6" => self.address(statement, &mut globals.group_v6),
            "default_interface" => self.text(statement, &mut globals.default_interface),
            "vrrp_startup_delay" => self.seconds(statement, &mut globals.startup_delay, 0..=3600),
            "vrrp_rt_priority" => self.number(statement, &mut globals.realtime_priority, 1..=99),
            "max_auto_priority" => {
                self.report.changed(
                    statement,
                    "the thread that advertises has SCHED_FIFO 50 from the start, where it may",
                );
            }
            "vrrp_no_swap" => {
                self.report.changed(statement, "the keeper locks its memory from the start, where it may");
            }
            "vrrp_check_unicast_src" => {
                self.report.changed(statement, "always so: only the peers' advertisements are heard");
            }
            "vrrp_min_garp" => match self.flag(statement) {
                Some(true) => globals.garp_once = Some(statement.place()),
                Some(false) => globals.garp_once = None,
                None => {}
            },
            "vrrp_garp_interval" => self.seconds(statement, &mut globals.garp_interval, 0..=3600),
            "vrrp_gna_interval" => self.seconds(statement, &mut globals.gna_interval, 0..=3600),
            keyword => match keyword.strip_prefix("vrrp_") {
                Some(own) if self.garp(own, statement, &mut globals.garp) => {}
                _ => self.other(statement, Block::Global),
            },
        }
    }

    /// `garp_master_delay` and its relatives; whether it is one of them.
    fn garp(&mut self, keyword: &str, statement: &Statement, garp: &mut Garp) -> bool {
        match keyword {
            "garp_master_delay" => self.seconds(statement, &mut garp.delay, 0..=3600),
            "garp_master_repeat" => self.number(statement, &mut garp.repeat, 1..=1000),
            "garp_lower_prio_delay" => self.seconds(statement, &mut garp.lower_delay, 0..=3600),
            "garp_lower_prio_repeat" => self.number(statement, &mut garp.lower_repeat, 0..=1000),
            "garp_master_refresh" => self.seconds(statement, &mut garp.refresh, 0..=86_400),
            "garp_master_refresh_repeat" => self.number(statement, &mut garp.refresh_repeat, 1..=1000),
            _ => return false,
        }
        true
    }

    fn script(&mut self, statement: &Statement) {
        let Some(name) = self.name(statement) else { return };
        let mut script = Script {
            name,
            command: None,
            interval: None,
            timeout: None,
            rise: None,
            fall: None,
            weight: None,
            user: None,
            init_fail: None,
        };
        for inner in statement.statements() {
            match inner.keyword() {
                "script" => self.command(inner, &mut script.command),
                "interval" => self.whole_seconds(inner, &mut script.interval),
                "timeout" => self.whole_seconds(inner, &mut script.timeout),
                "rise" => self.number(inner, &mut script.rise, 1..=1000),
                "fall" => self.number(inner, &mut script.fall, 1..=1000),
                "weight" => self.weight(inner, &mut script.weight, 253),
                "user" => self.user(inner, &mut script.user),
                "init_fail" => {
                    self.report.translated(inner);
                    script.init_fail = Some(inner.place());
                }
                _ => self.other(inner, Block::Script),
            }
        }
        if script.command.is_none() {
            self.wrong(statement, "there is no `script` in it");
        }
        self.node.scripts.push(script);
    }

    fn process(&mut self, statement: &Statement) {
        let Some(name) = self.name(statement) else { return };
        let mut process = Process { name, process: None, quorum: None, weight: None };
        for inner in statement.statements() {
            match inner.keyword() {
                "process" => {
                    self.text(inner, &mut process.process);
                    if inner.arguments.len() > 1 {
                        self.report
                            .changed(inner, "processes are counted by name or executable, not by arguments");
                    }
                }
                "quorum" => self.number(inner, &mut process.quorum, 0..=65_535),
                "weight" => self.weight(inner, &mut process.weight, 254),
                _ => self.other(inner, Block::Process),
            }
        }
        self.node.processes.push(process);
    }

    fn file(&mut self, statement: &Statement) {
        let Some(name) = self.name(statement) else { return };
        let mut file = TrackedFile { name, path: None, weight: None };
        for inner in statement.statements() {
            match inner.keyword() {
                "file" => self.text(inner, &mut file.path),
                "weight" => self.weight(inner, &mut file.weight, 254),
                _ => self.other(inner, Block::File),
            }
        }
        self.node.files.push(file);
    }

    fn group(&mut self, statement: &Statement) {
        let Some(name) = self.name(statement) else { return };
        let mut group = Group { name, members: Vec::new(), tracks: Vec::new(), weights: None };
        for inner in statement.statements() {
            match inner.keyword() {
                "group" => {
                    self.report.translated(inner);
                    let words = inner.statements().iter().flat_map(Statement::words);
                    group
                        .members
                        .extend(words.map(|word| At { value: word.text.clone(), place: word.place }));
                }
                "global_tracking" | "sync_group_tracking_weight" => {
                    self.report.translated(inner);
                    group.weights = Some(inner.place());
                }
                keyword => match track_kind(keyword) {
                    Some(kind) => {
                        self.report.changed(inner, "each member tracks it, which comes to the same");
                        self.tracks(kind, inner, &mut group.tracks);
                    }
                    None => self.other(inner, Block::Group),
                },
            }
        }
        self.node.groups.push(group);
    }

    fn garp_group(&mut self, statement: &Statement) {
        let why =
            "the interval holds for each virtual router of these interfaces, not for all of them together";
        self.report.changed(statement, why);
        let mut group = GarpGroup::default();
        for inner in statement.statements() {
            match inner.keyword() {
                "garp_interval" => self.seconds(inner, &mut group.garp_interval, 0..=3600),
                "gna_interval" => self.seconds(inner, &mut group.gna_interval, 0..=3600),
                "interface" => {
                    self.report.translated(inner);
                    group.interfaces.extend(inner.argument(0).map(str::to_owned));
                }
                "interfaces" => {
                    self.report.translated(inner);
                    let words = inner.statements().iter().flat_map(Statement::words);
                    group.interfaces.extend(words.map(|word| word.text.clone()));
                }
                _ => self.other(inner, Block::GarpGroup),
            }
        }
        self.node.garp_groups.push(group);
    }

    /// The lines of a `track_…` block.
    fn tracks(&mut self, kind: Kind, block: &Statement, tracks: &mut Vec<Track>) {
        self.report.translated(block);
        for statement in block.statements() {
            let name = At { value: statement.keyword().to_owned(), place: statement.place() };
            let mut track = Track { kind, name, weight: None, sense: None };
            if self.track_words(statement, &mut track) {
                self.report.translated(statement);
                tracks.push(track);
            }
        }
    }
}

/// What is tracked by a block of this keyword.
fn track_kind(keyword: &str) -> Option<Kind> {
    Some(match keyword {
        "track_interface" => Kind::Interface,
        "track_script" => Kind::Script,
        "track_process" => Kind::Process,
        "track_file" => Kind::File,
        _ => return None,
    })
}

/// The keywords below a statement, each once.
fn collect<'a>(statement: &'a Statement, names: &mut Vec<&'a str>) {
    for inner in statement.statements() {
        if !names.contains(&inner.keyword()) {
            names.push(inner.keyword());
        }
        collect(inner, names);
    }
}
