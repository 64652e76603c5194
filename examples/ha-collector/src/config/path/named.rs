//! What `[filter]` and `[steps]` give names to. It is read when it is first needed, from wherever that is, and once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use super::filter::NoFilter;
use crate::config::diagnostic::{Diagnostic, Text, suggestion};

/// Names that lead to one another.
const LONGEST_WAY: usize = 16;

/// What the names are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Filter,
    Steps,
}

impl What {
    const fn none(self) -> &'static str {
        match self {
            Self::Filter => "there is no filter",
            Self::Steps => "there are no steps",
        }
    }

    /// "the filter `f` is", "the steps `s` are"
    fn is(self, name: &str) -> String {
        match self {
            Self::Filter => format!("the filter `{name}` is"),
            Self::Steps => format!("the steps `{name}` are"),
        }
    }

    fn needs_itself(self, name: &str) -> String {
        match self {
            Self::Filter => format!("the filter `{name}` needs itself"),
            Self::Steps => format!("the steps `{name}` use themselves"),
        }
    }
}

/// Everything of one kind that has a name: `G` as it was given, `T` as it was read.
#[derive(Debug)]
pub(super) struct Names<G, T> {
    what: What,
    definitions: BTreeMap<String, Definition<G, T>>,
}

#[derive(Debug)]
struct Definition<G, T> {
    text: Arc<Text>,
    /// Where its name stands.
    place: Range<usize>,
    state: State<G, T>,
    used: Used,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Used {
    Never,
    Somewhere,
}

#[derive(Debug)]
enum State<G, T> {
    Given(G),
    /// It is being read, because of what is read in the meantime.
    BeingRead,
    Read(T),
}

/// What a name stands for.
#[derive(Debug)]
pub(super) enum Taken<G, T> {
    Read(T),
    /// To be read now, and [settled](Names::settle).
    Given(G, Arc<Text>),
}

impl<G, T: Clone> Names<G, T> {
    pub(super) const fn new(what: What) -> Self {
        Self { what, definitions: BTreeMap::new() }
    }

    /// One more; the second of a name is a mistake.
    pub(super) fn give(
        &mut self,
        name: Spanned<Cow<'_, str>>,
        given: G,
        text: &Arc<Text>,
    ) -> Result<(), Diagnostic> {
        let (place, name) = (name.span(), name.into_inner().into_owned());
        if self.definitions.contains_key(&name) {
            let twice = format!("{} given twice", self.what.is(&name));
            return Err(Diagnostic::new(twice).at(text, place));
        }
        let state = State::Given(given);
        let definition = Definition { text: Arc::clone(text), place, state, used: Used::Never };
        self.definitions.insert(name, definition);
        Ok(())
    }

    /// What has that name; `way` are the names that lead to it.
    pub(super) fn take(&mut self, name: &str, way: &[String]) -> Result<Taken<G, T>, NoFilter> {
        let Some(definition) = self.definitions.get_mut(name) else {
            let known: Vec<&str> = self.definitions.keys().map(String::as_str).collect();
            return Err(NoFilter {
                message: format!("{} `{name}`", self.what.none()),
                help: Some(suggestion(name, &known)),
            });
        };
        definition.used = Used::Somewhere;
        match std::mem::replace(&mut definition.state, State::BeingRead) {
            State::Read(read) => {
                definition.state = State::Read(read.clone());
                Ok(Taken::Read(read))
            }
            State::BeingRead => Err(NoFilter {
                message: format!("{}: {}", self.what.needs_itself(name), circle(name, way)),
                help: None,
            }),
            State::Given(given) if way.len() == LONGEST_WAY => {
                definition.state = State::Given(given);
                Err(NoFilter {
                    message: format!(
                        "`{name}` is the end of more than {LONGEST_WAY} names that need each other"
                    ),
                    help: None,
                })
            }
            State::Given(given) => Ok(Taken::Given(given, Arc::clone(&definition.text))),
        }
    }

    /// It was read.
    pub(super) fn settle(&mut self, name: &str, read: T) -> T {
        if let Some(definition) = self.definitions.get_mut(name) {
            definition.state = State::Read(read.clone());
        }
        read
    }

    /// One that nobody has needed, and what is said of that.
    pub(super) fn unused(&self) -> Option<(String, Diagnostic)> {
        let mut definitions = self.definitions.iter();
        let (name, unused) = definitions.find(|(_, definition)| definition.used == Used::Never)?;
        let said = Diagnostic::warning(format!("{} never used", self.what.is(name)));
        Some((name.clone(), said.at(&unused.text, unused.place.clone())))
    }
}

/// `a → b → a`
fn circle(name: &str, way: &[String]) -> String {
    let start = way.iter().position(|known| known == name).unwrap_or(0);
    let way = way.iter().skip(start).map(String::as_str).chain([name]);
    way.collect::<Vec<_>>().join(" → ")
}
