//! The tables `[[path]]`, `[filter]` and `[steps]` of all files, read as one. Names may be used before and in other files than
//! where they are given.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::filter::{Context, Expression, NoFilter};
use super::named::{Names, Taken, What};
use super::reach;
use super::{Afterwards, MOST_WAYS, Offered, Path, Step, WhenFull};
use crate::config::diagnostic::{Diagnostic, Text, suggestion};
use crate::config::entry;

const PATH: &str = "path";
const FILTER: &str = "filter";
const STEPS: &str = "steps";
/// The tables that are read here.
pub(in crate::config) const TABLES: [&str; 3] = [PATH, FILTER, STEPS];

const FLAGS: [&str; 4] = ["final", "fallback", "catchall", "flow-control"];
/// In bytes, of a path: it stands in a small file.
const LONGEST_ID: usize = 128;

/// What paths lead from and to, in the order of the configuration.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Ends<'k> {
    pub(in crate::config) sources: &'k [String],
    pub(in crate::config) destinations: &'k [String],
    /// The destinations that take a message once however often it comes.
    pub(in crate::config) dedupe: &'k [String],
}

/// All paths of these files, and what is wrong with them.
#[derive(Debug, Default)]
pub(in crate::config) struct Paths {
    pub(in crate::config) paths: Vec<Path>,
    pub(in crate::config) errors: Vec<Diagnostic>,
    pub(in crate::config) warnings: Vec<Diagnostic>,
}

impl Paths {
    /// Reads them. Files that are no TOML were refused before.
    pub(in crate::config) fn read(texts: &[Arc<Text>], ends: Ends<'_>) -> Self {
        let mut reader = Reader::new(ends);
        let mut tables = Vec::new();
        for text in texts {
            let Ok(file) = DeTable::parse(&text.text) else {
                continue;
            };
            let mut file = file.into_inner();
            for name in TABLES {
                if let Some(value) = file.remove(name) {
                    reader.table(name, value, text, &mut tables);
                }
            }
        }
        let mut seen = HashSet::new();
        for (text, table) in tables {
            reader.path(table, &text, &mut seen);
        }
        reader.rest();
        let ways: usize = reader.found.paths.iter().map(|path| path.destinations.len()).sum();
        if ways > MOST_WAYS
            && let Some((text, place)) = reader.places.last()
        {
            let many = format!("{ways} pairs of a path and a destination are more than there can be");
            let help = format!("at most {MOST_WAYS}: paths with the same destinations can be one, with `if`");
            let many = Diagnostic::new(many).at(text, place.clone()).help(help);
            reader.found.errors.push(many);
        }
        let warnings = reach::warnings(&reader.found.paths, &reader.places, ends);
        reader.found.warnings.extend(warnings);
        reader.found
    }
}

/// What has been read so far.
#[derive(Debug)]
pub(super) struct Reader<'t, 'k> {
    ends: Ends<'k>,
    filters: Names<Spanned<String>, Arc<Expression>>,
    steps: Names<Spanned<DeValue<'t>>, Arc<[Step]>>,
    /// The names that lead to what is being read.
    way: Vec<String>,
    found: Paths,
    /// Where the ids of the paths stand.
    places: Vec<(Arc<Text>, Range<usize>)>,
}

impl<'t, 'k> Reader<'t, 'k> {
    fn new(ends: Ends<'k>) -> Self {
        Self {
            ends,
            filters: Names::new(What::Filter),
            steps: Names::new(What::Steps),
            way: Vec::new(),
            found: Paths::default(),
            places: Vec::new(),
        }
    }

    /// Says what is wrong.
    pub(super) fn told<T>(&mut self, read: Result<T, Diagnostic>) -> Option<T> {
        read.map_err(|error| self.found.errors.push(error)).ok()
    }

    pub(super) fn wrong(&mut self, diagnostic: Diagnostic) {
        self.found.errors.push(diagnostic);
    }

    /// Takes one of the tables of a file; paths are put into `paths`, for later.
    fn table(
        &mut self,
        name: &str,
        value: Spanned<DeValue<'t>>,
        text: &Arc<Text>,
        paths: &mut Vec<(Arc<Text>, Spanned<DeTable<'t>>)>,
    ) {
        let span = value.span();
        match (name, value.into_inner()) {
            (PATH, DeValue::Array(items)) => {
                for item in items {
                    let span = item.span();
                    match item.into_inner() {
                        DeValue::Table(table) => paths.push((Arc::clone(text), Spanned::new(span, table))),
                        _ => self.wrong(Diagnostic::new("a path is a table: write [[path]]").at(text, span)),
                    }
                }
            }
            (FILTER, DeValue::Table(table)) => {
                for (name, value) in table {
                    if let Some(given) = self.told(entry::read::<Spanned<String>>(value, text)) {
                        let added = self.filters.give(name, given, text);
                        self.told(added);
                    }
                }
            }
            (STEPS, DeValue::Table(table)) => {
                for (name, value) in table {
                    let added = self.steps.give(name, value, text);
                    self.told(added);
                }
            }
            (name, _) => {
                let help = if name == PATH { "write [[path]]".to_owned() } else { format!("write [{name}]") };
                self.wrong(Diagnostic::new(format!("`{name}` is not written so")).at(text, span).help(help));
            }
        }
    }

    /// What was not needed is read, too: its mistakes are mistakes. What only that needs counts as needed.
    fn rest(&mut self) {
        while let Some((name, unused)) = self.filters.unused() {
            self.found.warnings.push(unused);
            drop(self.filter(&name));
        }
        while let Some((name, unused)) = self.steps.unused() {
            self.found.warnings.push(unused);
            drop(self.named_steps(&name));
        }
    }

    /// Reads a filter expression; what is wrong is said.
    pub(super) fn expression(&mut self, given: &Spanned<String>, text: &Arc<Text>) -> Option<Expression> {
        let sources = self.ends.sources;
        let mut filter = |name: &str| self.filter(name);
        let mut context = Context { sources, filter: &mut filter };
        let read = Expression::parse(given.get_ref(), &mut context);
        self.told(read.map_err(|mistake| mistake.within(given, text)))
    }

    /// The filter of that name. One that is wrong was said to be so, and says yes.
    fn filter(&mut self, name: &str) -> Result<Arc<Expression>, NoFilter> {
        match self.filters.take(name, &self.way)? {
            Taken::Read(filter) => Ok(filter),
            Taken::Given(given, text) => {
                self.way.push(name.to_owned());
                let read = self.expression(&given, &text).unwrap_or_else(|| Expression::All(Vec::new()));
                self.way.pop();
                Ok(self.filters.settle(name, Arc::new(read)))
            }
        }
    }

    /// The steps of that name; the same.
    pub(super) fn named_steps(&mut self, name: &str) -> Result<Arc<[Step]>, NoFilter> {
        match self.steps.take(name, &self.way)? {
            Taken::Read(steps) => Ok(steps),
            Taken::Given(given, text) => {
                self.way.push(name.to_owned());
                let read = self.steps(given, &text, 0);
                self.way.pop();
                Ok(self.steps.settle(name, read.into()))
            }
        }
    }

    fn path(&mut self, table: Spanned<DeTable<'t>>, text: &Arc<Text>, seen: &mut HashSet<String>) {
        let span = table.span();
        let mut table = table.into_inner();
        let steps = remove(&mut table, STEPS);
        let given = entry::read::<Table>(Spanned::new(span.clone(), DeValue::Table(table)), text);
        let Some(given) = self.told(given.map_err(|error| error.with_owner("a path"))) else {
            return;
        };
        let id = given.id.get_ref().clone();
        if id.is_empty() || id.len() > LONGEST_ID || id.chars().any(char::is_control) {
            let message = "this cannot be the id of a path";
            self.wrong(
                Diagnostic::new(message).at(text, given.id.span()).help("1 to 128 bytes of text in a line"),
            );
        }
        if !seen.insert(id.clone()) {
            let twice = Diagnostic::new(format!("the id `{id}` is used twice")).at(text, given.id.span());
            self.wrong(twice);
        }
        let flags = self.flags(&given.flags, text);
        let all = (0..self.ends.sources.len()).collect();
        let sources = match &given.sources {
            Some(ids) if flags.catchall == Catchall::Yes => {
                let place = ids.first().map_or_else(|| span.clone(), Spanned::span);
                let idle = Diagnostic::warning("with the flag `catchall`, `sources` is not looked at");
                self.found.warnings.push(idle.at(text, place));
                all
            }
            Some(ids) if ids.is_empty() => {
                let nothing = Diagnostic::new("this path begins nowhere").at(text, given.id.span());
                self.wrong(nothing.help("leave `sources` out for all of them"));
                all
            }
            Some(ids) => self.places_of(ids, "source", self.ends.sources, text),
            None => all,
        };
        let destinations = self.places_of(&given.destinations, "destination", self.ends.destinations, text);
        if given.destinations.is_empty() && flags.afterwards != Afterwards::NoOther {
            let nowhere = Diagnostic::new("this path leads nowhere").at(text, given.id.span());
            self.wrong(
                nowhere.help("destinations = [\"...\"]; or flags = [\"final\"], so that nobody gets them"),
            );
        }
        let steps = steps.map_or_else(Vec::new, |steps| self.steps(steps, text, 0));
        self.places.push((Arc::clone(text), given.id.span()));
        let Flags { offered, afterwards, when_full, .. } = flags;
        self.found.paths.push(Path { id, sources, steps, destinations, offered, afterwards, when_full });
    }

    /// The places of these ids among the known ones.
    fn places_of(
        &mut self,
        ids: &[Spanned<String>],
        what: &str,
        known: &[String],
        text: &Arc<Text>,
    ) -> Vec<usize> {
        let mut places = Vec::new();
        for id in ids {
            match known.iter().position(|known| known == id.get_ref()) {
                Some(place) if places.contains(&place) => {
                    let message = format!("the {what} `{}` is named twice", id.get_ref());
                    self.wrong(Diagnostic::new(message).at(text, id.span()));
                }
                Some(place) => places.push(place),
                None => {
                    let message = format!("there is no {what} `{}`", id.get_ref());
                    let known: Vec<&str> = known.iter().map(String::as_str).collect();
                    let help = suggestion(id.get_ref(), &known);
                    self.wrong(Diagnostic::new(message).at(text, id.span()).help(help));
                }
            }
        }
        places
    }

    fn flags(&mut self, given: &[Spanned<String>], text: &Arc<Text>) -> Flags {
        let mut flags = Flags {
            offered: Offered::Every,
            afterwards: Afterwards::NextPath,
            when_full: WhenFull::DropOldest,
            catchall: Catchall::No,
        };
        for flag in given {
            match flag.get_ref().replace('_', "-").as_str() {
                "final" => flags.afterwards = Afterwards::NoOther,
                "fallback" => flags.offered = Offered::Untaken,
                "catchall" => flags.catchall = Catchall::Yes,
                "flow-control" => flags.when_full = WhenFull::SendersWait,
                name => {
                    let unknown = Diagnostic::new(format!("a path has no flag `{name}`"));
                    self.wrong(unknown.at(text, flag.span()).help(suggestion(name, &FLAGS)));
                }
            }
        }
        flags
    }
}

#[derive(Clone, Copy, Debug)]
struct Flags {
    offered: Offered,
    afterwards: Afterwards,
    when_full: WhenFull,
    catchall: Catchall,
}

/// Whether `sources` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Catchall {
    Yes,
    No,
}

/// `[[path]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    /// Its name in the ledger.
    id: Spanned<String>,
    /// Ids. Default: all.
    sources: Option<Vec<Spanned<String>>>,
    /// Ids.
    #[serde(default)]
    destinations: Vec<Spanned<String>>,
    #[serde(default)]
    flags: Vec<Spanned<String>>,
    /// Read before the others; here to be known.
    #[serde(rename = "steps")]
    _steps: Option<IgnoredAny>,
}

pub(super) fn remove<'t>(table: &mut DeTable<'t>, key: &str) -> Option<Spanned<DeValue<'t>>> {
    table.remove(key)
}

#[cfg(test)]
mod tests;
