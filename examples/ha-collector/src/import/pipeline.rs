//! Our sources, paths and destinations, as an importer has put them together, and as they are written.

use std::collections::HashSet;

use super::filter::Expr;
use super::report::{Group, Report, Usable};
use super::source::{Files, Place};
use super::toml::{Toml, string, strings};

/// A configuration that was translated.
#[derive(Debug)]
pub(crate) struct Imported {
    /// Our configuration.
    pub(crate) toml: String,
    /// Every word of theirs.
    pub(crate) report: String,
    pub(crate) usable: Usable,
}

/// Pairs of a path and a destination: a message has a bit for each.
const MOST_WAYS: usize = 64;

/// Writes what was translated, and the report.
pub(super) fn imported(
    path: &std::path::Path,
    program: &str,
    pipeline: &Pipeline,
    files: &Files,
    report: &mut Report,
) -> Imported {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let head = format!(
        "Translated from {name} by `ha-collector import {program}`; beside each key, its line there."
    );
    let toml = pipeline.emit(&head, files);
    let ways = pipeline.paths.iter().map(|path| path.destinations.len()).sum::<usize>();
    if let Some(path) = pipeline.paths.first().filter(|_| ways > MOST_WAYS) {
        let why = format!(
            "{ways} ways from a path to a destination; there can be {MOST_WAYS}: join paths with `or`"
        );
        report.say(Group::Advice, path.place, "", why);
    }
    let whole = !report.has_wrong() && !pipeline.paths.is_empty() && ways <= MOST_WAYS;
    let mut shown = report.show(files);
    if pipeline.paths.is_empty() {
        shown += "no log path came out of it\n";
    }
    Imported { toml, report: shown, usable: if whole { Usable::Yes } else { Usable::No } }
}

/// A key of a table, its value as TOML has it, and where both came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) key: &'static str,
    pub(super) value: String,
    pub(super) place: Option<Place>,
    pub(super) why: &'static str,
}

/// The keys of a table, each at most once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys(Vec<Key>);

impl Keys {
    /// What is said last holds.
    pub(super) fn set(&mut self, key: &'static str, value: impl Into<String>, place: Place) {
        self.put(Key { key, value: value.into(), place: Some(place), why: "" });
    }

    /// The same, where nothing was said: what the other program does then.
    pub(super) fn otherwise(&mut self, key: &'static str, value: impl Into<String>, why: &'static str) {
        if !self.has(key) {
            self.put(Key { key, value: value.into(), place: None, why });
        }
    }

    /// In front of all others.
    pub(super) fn put_first(&mut self, key: &'static str, value: impl Into<String>, place: Place) {
        self.0.retain(|known| known.key != key);
        self.0.insert(0, Key { key, value: value.into(), place: Some(place), why: "" });
    }

    pub(super) fn put(&mut self, key: Key) {
        match self.0.iter_mut().find(|known| known.key == key.key) {
            Some(known) => *known = key,
            None => self.0.push(key),
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|known| known.key == key)
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = Key> {
        self.0.into_iter()
    }

    fn write(&self, toml: &mut Toml<'_>) {
        for Key { key, value, place, why } in &self.0 {
            toml.because(key, value, *place, why);
        }
    }
}

/// `[[source]]` or `[[destination]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) keys: Keys,
    pub(super) place: Place,
}

/// A filter with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) name: String,
    pub(super) expr: Expr,
    pub(super) place: Place,
}

/// One thing that is done to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Filter(Expr, Place),
    /// Steps with a name.
    Use(String, Place),
    /// The inside of an inline table.
    Inline(String, Place),
    If {
        branches: Vec<(Expr, Vec<Self>)>,
        otherwise: Vec<Self>,
        place: Place,
    },
}

/// `[[path]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) id: String,
    /// None: all.
    pub(super) sources: Vec<String>,
    pub(super) steps: Vec<Step>,
    pub(super) destinations: Vec<String>,
    pub(super) flags: Vec<&'static str>,
    pub(super) place: Place,
}

/// A whole configuration of ours.
#[derive(Clone, Debug, Default)]
pub(super) struct Pipeline {
    pub(super) buffer: Keys,
    pub(super) receive: Keys,
    pub(super) deliver: Keys,
    pub(super) filters: Vec<Filter>,
    pub(super) steps: Vec<(String, Vec<Step>, Place)>,
    pub(super) templates: Vec<(String, String, Option<Place>)>,
    pub(super) sources: Vec<Object>,
    pub(super) paths: Vec<Route>,
    pub(super) destinations: Vec<Object>,
}

impl Pipeline {
    /// Leaves out what no path leads from or to, and says what that is.
    pub(super) fn retain_used(&mut self) -> Vec<Object> {
        let all = self.paths.iter().any(|path| path.sources.is_empty() || path.flags.contains(&"catchall"));
        let from: HashSet<&String> = self.paths.iter().flat_map(|path| &path.sources).collect();
        let to: HashSet<&String> = self.paths.iter().flat_map(|path| &path.destinations).collect();
        let (sources, mut unused): (Vec<_>, Vec<_>) = std::mem::take(&mut self.sources)
            .into_iter()
            .partition(|source| all || from.contains(&source.id));
        let (destinations, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.destinations)
            .into_iter()
            .partition(|destination| to.contains(&destination.id));
        unused.extend(others);
        (self.sources, self.destinations) = (sources, destinations);
        unused
    }

    /// As it is written.
    pub(super) fn emit(&self, head: &str, files: &Files) -> String {
        let mut toml = Toml::new(files);
        toml.comment(head);
        for (name, keys) in
            [("[buffer]", &self.buffer), ("[receive]", &self.receive), ("[deliver]", &self.deliver)]
        {
            if *keys != Keys::default() {
                toml.table(name, None);
                keys.write(&mut toml);
            }
        }
        if !self.filters.is_empty() {
            toml.table("[filter]", None);
            for filter in &self.filters {
                toml.key(&bare(&filter.name), &text(&filter.expr.to_string()), Some(filter.place));
            }
        }
        if !self.steps.is_empty() {
            toml.table("[steps]", None);
            for (name, steps, place) in &self.steps {
                let items: Vec<_> = steps.iter().map(|step| (step.inline(), Some(step.place()))).collect();
                toml.list(&bare(name), Some(*place), &items);
            }
        }
        if !self.templates.is_empty() {
            toml.table("[template]", None);
            for (name, template, place) in &self.templates {
                toml.key(&bare(name), &string(template), *place);
            }
        }
        for source in &self.sources {
            source.emit("[[source]]", &mut toml);
        }
        for path in &self.paths {
            path.emit(&mut toml);
        }
        for destination in &self.destinations {
            destination.emit("[[destination]]", &mut toml);
        }
        toml.finish()
    }
}

impl Object {
    fn emit(&self, header: &str, toml: &mut Toml<'_>) {
        toml.table(header, Some(self.place));
        toml.key("id", &string(&self.id), None);
        toml.key("type", &string(self.kind), None);
        self.keys.write(toml);
    }
}

impl Route {
    fn emit(&self, toml: &mut Toml<'_>) {
        toml.table("[[path]]", Some(self.place));
        toml.key("id", &string(&self.id), None);
        if !self.sources.is_empty() {
            toml.key("sources", &strings(&self.sources), None);
        }
        if !self.steps.is_empty() {
            let items: Vec<_> = self.steps.iter().map(|step| (step.inline(), Some(step.place()))).collect();
            toml.list("steps", None, &items);
        }
        toml.key("destinations", &strings(&self.destinations), None);
        if !self.flags.is_empty() {
            let flags: Vec<String> = self.flags.iter().map(|flag| (*flag).to_owned()).collect();
            toml.key("flags", &strings(&flags), None);
        }
    }
}

impl Step {
    fn place(&self) -> Place {
        match self {
            Self::Filter(_, place)
            | Self::Use(_, place)
            | Self::Inline(_, place)
            | Self::If { place, .. } => *place,
        }
    }

    /// As an inline table; all in one line, for nothing else is TOML 1.0.
    fn inline(&self) -> String {
        match self {
            Self::Filter(expr, _) => format!("{{ filter = {} }}", text(&expr.to_string())),
            Self::Use(name, _) => format!("{{ use = {} }}", string(name)),
            Self::Inline(inside, _) => format!("{{ {inside} }}"),
            Self::If { branches, otherwise, .. } => {
                let list = |steps: &[Self]| steps.iter().map(Self::inline).collect::<Vec<_>>().join(", ");
                let branches: Vec<String> = branches
                    .iter()
                    .map(|(when, steps)| {
                        format!("{{ when = {}, steps = [{}] }}", text(&when.to_string()), list(steps))
                    })
                    .collect();
                let branches = branches.join(", ");
                if otherwise.is_empty() {
                    format!("{{ if = [{branches}] }}")
                } else {
                    format!("{{ if = [{branches}], else = [{}] }}", list(otherwise))
                }
            }
        }
    }
}

/// A TOML string with as few escapes as can be.
pub(super) fn text(text: &str) -> String {
    if text.contains(['"', '\\']) && !text.contains(|c: char| c == '\'' || c.is_control()) {
        format!("'{text}'")
    } else {
        string(text)
    }
}

/// A TOML key, in quotes only where it must be.
fn bare(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !key.is_empty() && key.chars().all(plain) { key.to_owned() } else { string(key) }
}

/// Names that are told apart, each made of what a name of ours may have in it.
#[derive(Debug, Default)]
pub(super) struct Unique(HashSet<String>);

/// The longest id of a destination.
const LONGEST: usize = 48;

impl Unique {
    /// Lower case letters, digits, `.`, `_`, `-`, the first a letter or digit.
    pub(super) fn id(&mut self, wanted: &str) -> String {
        self.take(&wanted.to_ascii_lowercase(), "x")
    }

    /// The same in upper case, too; never a word that has a meaning in an expression.
    pub(super) fn name(&mut self, wanted: &str) -> String {
        let reserved = ["and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "true", "false"];
        let prefix = if reserved.contains(&wanted) { "x-" } else { "" };
        self.take(&format!("{prefix}{wanted}"), "x")
    }

    fn take(&mut self, wanted: &str, otherwise: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
        let wanted: String = wanted.chars().map(plain).take(LONGEST).collect();
        let wanted = wanted.trim_start_matches(['.', '_', '-']);
        let wanted = if wanted.is_empty() { otherwise } else { wanted };
        let mut name = wanted.to_owned();
        let mut n = 1;
        while !self.0.insert(name.clone()) {
            n += 1;
            name = format!("{wanted}-{n}");
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain_and_told_apart() {
        let mut ids = Unique::default();
        assert_eq!(ids.id("d_Local"), "d_local");
        assert_eq!(ids.id("d_local"), "d_local-2");
        assert_eq!(ids.id("_é/"), "x");
        assert_eq!(ids.name("and"), "x-and");
        assert!(ids.id(&"a".repeat(500)).len() <= 64);
    }

    #[test]
    fn expressions_keep_their_backslashes() {
        assert_eq!(text(r"match('\d')"), r"'match('\d')'".replace("'match('\\d')'", r#""match('\\d')""#));
        assert_eq!(text(r#""a""#), r#"'"a"'"#);
    }
}
