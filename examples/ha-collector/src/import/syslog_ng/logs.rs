//! `log { … }`: log paths. What branches to destinations becomes several paths of ours; other branches become `if`.

mod branch;

use super::filters::Lost;
use super::lex::Bracket;
use super::statement::{Call, split};
use super::translate::Translator;
use super::tree::{Node, Slice, Text, word};
use crate::import::pipeline::{Route, Step};
use crate::import::report::{Group, Reported as _};
use crate::import::source::Place;

/// More than this does not fit into the header of a message; and branches in branches.
const MOST_PATHS: usize = 1_000;
const DEEPEST: usize = 24;

/// What has been read of a log statement.
#[derive(Clone, Debug, Default)]
struct Path {
    sources: Vec<String>,
    /// What is done first to what some of the sources read.
    overrides: Vec<Step>,
    steps: Vec<Step>,
    /// Where destinations were reached: the number of steps until then, and their ids.
    reached: Vec<(usize, Vec<String>)>,
    flags: Vec<&'static str>,
    /// Something in it cannot be said, and without it more would pass.
    lost: Option<String>,
    /// A source of it could wait.
    waits: bool,
    depth: usize,
}

impl Translator<'_> {
    pub(super) fn log(&mut self, statement: &[Node]) {
        let slice = Slice(statement);
        let Some(body) = statement.iter().find_map(|node| node.brackets(Bracket::Curly)) else {
            self.report.say(Group::Wrong, slice.place(), slice.shown(), "this needs a block: `log { … };`");
            return;
        };
        let mut path = Path::default();
        let before = self.pipeline.paths.len();
        self.log_body(&body.nodes, &mut path);
        self.finish(path, slice, before);
    }

    /// Puts a path among the others, in front of those of its branches where it was read first.
    fn finish(&mut self, path: Path, slice: Slice<'_>, before: usize) {
        let place = slice.place();
        if let Some(why) = &path.lost {
            self.pipeline.paths.truncate(before);
            self.report
                .unsupported(&slice, format!("left out, for without this it would take too much: {why}"));
            return;
        }
        let branched = self.pipeline.paths.len() > before;
        if path.sources.is_empty() && !path.flags.contains(&"catchall") {
            self.pipeline.paths.truncate(before);
            self.report.say(Group::Wrong, place, slice.shown(), "no source leads into this path: left out");
            return;
        }
        if !path.reached.is_empty() && path.reached.iter().all(|(_, ids)| ids.is_empty()) && !branched {
            self.report.unsupported(&slice, "none of its destinations is left: left out");
            return;
        }
        if path.waits && !path.flags.contains(&"flow-control") {
            let why = "without flow-control, what its destinations have not taken when the buffer is full is lost, the oldest first, and counted; with flags(flow-control), senders over TCP wait";
            self.advise(place, slice.shown(), why);
        }
        let ends = path.flags.contains(&"final");
        let mut routes: Vec<(Vec<Step>, Vec<String>)> = Vec::new();
        for (steps, ids) in &path.reached {
            let steps = path.steps.get(..*steps).unwrap_or_default();
            match routes.last_mut() {
                Some((known, all)) if known.as_slice() == steps => all.extend(ids.iter().cloned()),
                _ => routes.push((steps.to_vec(), ids.clone())),
            }
        }
        // What a path takes is final for all of it, also where it goes several ways or nowhere.
        let several = routes.len() + usize::from(branched) > 1 || branched;
        if routes.is_empty() && !branched || ends && several {
            let outer: Vec<Step> =
                path.steps.iter().filter(|step| matches!(step, Step::Filter(..))).cloned().collect();
            routes.push((outer, Vec::new()));
        }
        let last = routes.len().saturating_sub(1);
        for (n, (steps, mut ids)) in routes.into_iter().enumerate() {
            if self.pipeline.paths.len() >= MOST_PATHS {
                self.report.say(
                    Group::Wrong,
                    place,
                    slice.shown(),
                    "more paths than there can be: the rest is left out",
                );
                return;
            }
            let mut flags = path.flags.clone();
            if n != last {
                flags.retain(|flag| *flag != "final");
            }
            if ids.is_empty() {
                flags.retain(|flag| *flag != "flow-control");
                if !flags.contains(&"final") {
                    self.report.say(Group::Advice, place, slice.shown(), "this path leads nowhere: left out");
                    continue;
                }
            }
            ids.sort();
            ids.dedup();
            let mut all = path.overrides.clone();
            all.extend(steps);
            let id = self.path_ids.id(&format!("log-{}", self.pipeline.paths.len() + 1));
            let sources = if flags.contains(&"catchall") { Vec::new() } else { path.sources.clone() };
            self.pipeline.paths.push(Route { id, sources, steps: all, destinations: ids, flags, place });
        }
        self.report.translated(&slice);
    }

    fn log_body(&mut self, nodes: &[Node], path: &mut Path) {
        if path.depth > DEEPEST {
            path.lost.get_or_insert_with(|| "branches that are too deep".to_owned());
            return;
        }
        for statement in split(nodes, self.report) {
            let Some(call) = Call::of(statement) else {
                self.report.say(
                    Group::Wrong,
                    Slice(statement).place(),
                    Slice(statement).shown(),
                    "this begins with no word",
                );
                continue;
            };
            match call.word().as_str() {
                "source" => self.log_source(&call, path),
                "destination" => self.log_destination(&call, path),
                "filter" => self.log_filter(&call, path),
                kind @ ("rewrite" | "parser") => {
                    let kind = if kind == "parser" { "parser" } else { "rewrite" };
                    self.log_steps(&call, kind, path);
                }
                "flags" => self.log_flags(&call, path),
                "if" => self.log_if(statement, path),
                "log" => self.branch(statement, &call, path),
                "junction" => self.junction(&call, path),
                "channel" => {
                    // Alone, it is a pair of brackets.
                    if let Some(body) = call.curly {
                        self.log_body(&body.nodes, path);
                    }
                }
                "filterx" => {
                    self.report.unsupported(&call, "there is no filterx");
                    path.lost.get_or_insert_with(|| call.shown());
                }
                other => match self.block("log", other, &call) {
                    Some(body) => {
                        self.report.translated(&call);
                        self.deeper(|this| this.log_body(&body, path));
                    }
                    None => {
                        self.report.unsupported(&call, "unknown word");
                        path.lost.get_or_insert_with(|| call.shown());
                    }
                },
            }
        }
    }

    /// The names in `source(a)`: several are wrong, and understood.
    fn names<'t>(&mut self, call: &Call<'t>) -> Vec<&'t Text> {
        let arguments = call.arguments();
        self.odd(&arguments.odd);
        arguments.values
    }

    fn log_source(&mut self, call: &Call<'_>, path: &mut Path) {
        let mut found = Vec::new();
        if let Some(body) = call.curly {
            found.push(self.source_of("inline", &body.nodes));
        }
        for name in self.names(call) {
            match self.sources.get(&word(&name.text)) {
                Some(source) => found.push(source.clone()),
                None => {
                    self.report.say(
                        Group::Wrong,
                        name.place,
                        call.shown(),
                        "there is no source of that name",
                    );
                    continue;
                }
            }
        }
        for source in found {
            path.waits |= source.waits;
            path.overrides.extend(source.overrides);
            path.sources
                .extend(source.ids.into_iter().filter(|id| !path.sources.contains(id)).collect::<Vec<_>>());
        }
    }

    fn log_destination(&mut self, call: &Call<'_>, path: &mut Path) {
        let mut ids = Vec::new();
        if let Some(body) = call.curly {
            ids.extend(self.destination_of("inline", &body.nodes));
        }
        for name in self.names(call) {
            match self.destinations.get(&word(&name.text)) {
                Some(known) => ids.extend(known.clone()),
                None => self.report.say(
                    Group::Wrong,
                    name.place,
                    call.shown(),
                    "there is no destination of that name",
                ),
            }
        }
        path.reached.push((path.steps.len(), ids));
    }

    fn log_filter(&mut self, call: &Call<'_>, path: &mut Path) {
        if let Some(body) = call.curly {
            match self.condition(&body.nodes) {
                Ok(expr) if expr.is_always() => {}
                Ok(expr) => path.steps.push(Step::Filter(expr, call.place())),
                Err(Lost) => drop(path.lost.get_or_insert_with(|| call.shown())),
            }
        }
        for name in self.names(call) {
            match self.filter_called(&name.text) {
                Some(expr) => path.steps.push(Step::Filter(expr, call.place())),
                None => {
                    if !self.filters.contains_key(&word(&name.text)) {
                        self.report.say(
                            Group::Wrong,
                            name.place,
                            call.shown(),
                            "there is no filter of that name",
                        );
                    }
                    path.lost.get_or_insert_with(|| call.shown());
                }
            }
        }
    }

    fn log_steps(&mut self, call: &Call<'_>, kind: &'static str, path: &mut Path) {
        if let Some(body) = call.curly {
            let steps = self.steps_of(&body.nodes, kind);
            path.steps.extend(steps);
        }
        for name in self.names(call) {
            match self.steps.get(&(kind, word(&name.text))) {
                Some(Some(ours)) => path.steps.push(Step::Use(ours.clone(), call.place())),
                Some(None) => self.report.unsupported(call, "nothing is left of it: left out"),
                None => self.report.say(
                    Group::Wrong,
                    name.place,
                    call.shown(),
                    format!("there is no {kind} of that name"),
                ),
            }
        }
    }

    fn log_flags(&mut self, call: &Call<'_>, path: &mut Path) {
        self.report.translated(call);
        for flag in self.names(call) {
            let ours = match flag.word().as_str() {
                "final" => "final",
                "fallback" => "fallback",
                "catchall" | "catch_all" => "catchall",
                "flow_control" => "flow-control",
                "no_flow_control" => {
                    path.flags.retain(|flag| *flag != "flow-control");
                    continue;
                }
                "drop_unmatched" => {
                    let why = "what a filter or parser refuses has left the path, and is offered to those that follow";
                    self.report.say(Group::Unsupported, flag.place, flag.text.clone(), why);
                    continue;
                }
                "threaded" => {
                    self.report.say(
                        Group::Changed,
                        flag.place,
                        flag.text.clone(),
                        "there are threads where they are needed",
                    );
                    continue;
                }
                _ => {
                    self.report.say(Group::Unsupported, flag.place, flag.text.clone(), "unknown flag");
                    continue;
                }
            };
            if !path.flags.contains(&ours) {
                path.flags.push(ours);
            }
        }
    }

    /// What has to be said of a place where two paths meet.
    pub(super) fn doubled(&mut self) {
        use crate::import::overlap::{Certain, twice};
        let found: Vec<(Place, String)> = twice(&self.pipeline)
            .into_iter()
            .map(|twice| {
                let line = twice.first.place.line();
                let may = if twice.certain == Certain::Yes { "is" } else { "may be" };
                let why = format!(
                    "`{}` is also written to by the path of line {line}: a message of {} {may} written twice; `dedupe = true` of the destination makes it once, as do flags(final) in line {line} or one filter with `or`",
                    twice.destination, twice.example
                );
                (twice.second.place, why)
            })
            .collect();
        for (place, why) in found {
            self.advise(place, "log", why);
        }
    }
}

impl Translator<'_> {
    /// Leaves out what no path uses, as syslog-ng does.
    pub(super) fn unused(&mut self) {
        for object in self.pipeline.retain_used() {
            let what = format!("{} {}", object.kind, object.id);
            let why = "no log path uses it: left out, for syslog-ng does not open it either";
            self.report.say(Group::Changed, object.place, what, why);
        }
    }
}
