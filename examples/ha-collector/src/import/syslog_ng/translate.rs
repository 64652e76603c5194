//! From the tree to what it means: each kind of statement has its file, what they share is here.
//!
//! Every word gets one answer, a [`Said`], and so ends in one list of the report.

use std::collections::HashMap;

use super::blocks::Blocks;
use super::expand::{Expanded, Version};
use super::options::Globals;
use super::statement::{Call, split};
use super::tree::{Node, Slice, word};
use crate::import::filter::Expr;
use crate::import::pipeline::{Pipeline, Step, Unique};
use crate::import::report::{Group, Report, Reported};
use crate::import::source::Place;

/// What became of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Translated,
    /// Its meaning has changed.
    Changed(String),
    No(String),
    Wrong(String),
}

impl Said {
    pub(super) fn changed(why: &str) -> Self {
        Self::Changed(why.to_owned())
    }

    pub(super) fn no(why: &str) -> Self {
        Self::No(why.to_owned())
    }

    pub(super) fn wrong(why: &str) -> Self {
        Self::Wrong(why.to_owned())
    }

    pub(super) fn unknown() -> Self {
        Self::no("unknown word")
    }
}

/// A source by its name: the ids that its drivers have with us, and what is done first to what they read.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    pub(super) ids: Vec<String>,
    /// Whether it listens on TCP, and could wait.
    pub(super) waits: bool,
    pub(super) overrides: Vec<Step>,
}

/// A filter by its name.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// As it is called with us.
    Named(String),
    /// It cannot be said.
    Lost,
}

/// What all parts of the translation share.
#[derive(Debug)]
pub(super) struct Translator<'a> {
    pub(super) report: &'a mut Report,
    pub(super) pipeline: Pipeline,
    pub(super) globals: Globals,
    pub(super) version: Option<Version>,
    pub(super) blocks: Blocks,
    pub(super) sources: HashMap<String, Source>,
    pub(super) destinations: HashMap<String, Vec<String>>,
    pub(super) filters: HashMap<String, Known>,
    /// Rewrites and parsers; `None`: nothing was left of it.
    pub(super) steps: HashMap<(&'static str, String), Option<String>>,
    /// `None`: it is there, and we do not have its like.
    pub(super) templates: HashMap<String, Option<String>>,
    pub(super) source_ids: Unique,
    pub(super) destination_ids: Unique,
    pub(super) path_ids: Unique,
    pub(super) filter_names: Unique,
    pub(super) step_names: Unique,
    pub(super) template_names: Unique,
}

/// The statements of the top, by their kind, so that what is used later is known before.
const ORDER: [&str; 9] = [
    "options",
    "template",
    "template_function",
    "filter",
    "rewrite",
    "parser",
    "source",
    "destination",
    "log",
];

impl<'a> Translator<'a> {
    pub(super) fn new(expanded: &Expanded, report: &'a mut Report) -> Self {
        Self {
            report,
            pipeline: Pipeline::default(),
            globals: Globals::default(),
            version: expanded.version.map(|(version, _)| version),
            blocks: Blocks::new(expanded.definitions.clone()),
            sources: HashMap::new(),
            destinations: HashMap::new(),
            filters: HashMap::new(),
            steps: HashMap::new(),
            templates: HashMap::new(),
            source_ids: Unique::default(),
            destination_ids: Unique::default(),
            path_ids: Unique::default(),
            filter_names: Unique::default(),
            step_names: Unique::default(),
            template_names: Unique::default(),
        }
    }

    /// The whole configuration.
    pub(super) fn top(&mut self, nodes: &[Node], expanded: &Expanded) {
        let statements = split(nodes, self.report);
        let mut kinds: HashMap<String, Vec<&[Node]>> = HashMap::new();
        for statement in &statements {
            let Some(call) = Call::of(statement) else {
                self.report.say(
                    Group::Wrong,
                    Slice(statement).place(),
                    Slice(statement).shown(),
                    "this begins with no word",
                );
                continue;
            };
            match call.word() {
                kind if kind == "block" => self.define_block(statement, &expanded.text),
                kind if ORDER.contains(&kind.as_str()) => kinds.entry(kind).or_default().push(statement),
                kind => {
                    if let Some(body) = self.block("root", &kind, &call) {
                        self.report.translated(&call);
                        self.top(&body, expanded);
                    } else {
                        self.report.unsupported(&Slice(statement), "unknown word");
                    }
                }
            }
        }
        for kind in ORDER {
            let statements = kinds.remove(kind).unwrap_or_default();
            match kind {
                "filter" => self.filter_names_first(&statements),
                "log" => {
                    for statement in &statements {
                        self.log(statement);
                    }
                    continue;
                }
                _ => {}
            }
            for statement in statements {
                match kind {
                    "options" => self.options(statement),
                    "template" => self.template(statement),
                    "template_function" => {
                        let why = "a template cannot be called as a function; write it out where it is used";
                        self.report.unsupported(&Slice(statement), why);
                    }
                    "filter" => self.filter(statement),
                    "rewrite" => self.rewrite(statement),
                    "parser" => self.parser(statement),
                    "source" => self.source(statement),
                    _ => self.destination(statement),
                }
            }
        }
    }

    /// `kind name { … }`: its name and body.
    pub(super) fn named<'t>(&mut self, statement: &'t [Node]) -> Option<(&'t str, &'t [Node])> {
        let name = statement.get(1).and_then(Node::text);
        let body = statement.get(2).and_then(|node| node.brackets(super::lex::Bracket::Curly));
        let (Some(name), Some(body)) = (name, body) else {
            let why = "this needs a name and a block, as in `filter name { … };`";
            self.report.say(Group::Wrong, Slice(statement).place(), Slice(statement).shown(), why);
            return None;
        };
        if let Some(more) = statement.get(3..).filter(|more| !more.is_empty()) {
            self.report.say(
                Group::Wrong,
                Slice(more).place(),
                Slice(more).shown(),
                "this belongs to nothing",
            );
        }
        Some((&name.text, &body.nodes))
    }

    pub(super) fn say(&mut self, call: &Call<'_>, said: Said) {
        self.say_of(call, said);
    }

    pub(super) fn say_of(&mut self, what: &impl Reported, said: Said) {
        match said {
            Said::Translated => self.report.translated(what),
            Said::Changed(why) => self.report.changed(what, why),
            Said::No(why) => self.report.unsupported(what, why),
            Said::Wrong(why) => self.report.say(Group::Wrong, what.place(), what.shown(), why),
        }
    }

    /// What stands where only options can.
    pub(super) fn odd(&mut self, nodes: &[&Node]) {
        for node in nodes {
            let one = std::slice::from_ref(*node);
            self.report.say(Group::Wrong, node.place(), super::tree::shown(one), "unexpected here");
        }
    }

    pub(super) fn advise(&mut self, place: Place, what: impl Into<String>, why: impl Into<String>) {
        self.report.say(Group::Advice, place, what, why);
    }

    /// What a filter is called with us; `None`: it is not known, or cannot be said.
    pub(super) fn filter_called(&self, name: &str) -> Option<Expr> {
        match self.filters.get(&word(name)) {
            Some(Known::Named(name)) => Some(Expr::Named(name.clone())),
            Some(Known::Lost) | None => None,
        }
    }
}
