//! Parsers: fields out of a field. Total on any bytes, in time linear in their number.
//!
//! What a parser finds is collected first and becomes part of the event when all of it could be read: a message that
//! cannot be read is not changed.

mod csv;
mod json;
mod key_value;

use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use regex::bytes::Regex;

use super::Scratch;
use super::filter::Filter;
use super::step::Outcome;
use crate::collector::event::{Event, Field, Names, TooMany};
use crate::config::path::{Csv, KeyValue, OnFailure, Parse as Configured, Parser as ConfiguredParser};

/// In bytes. What has a longer name is passed over, as is what comes after [`MOST`] pairs: so what a message can make of
/// itself is bounded, and nobody can keep a message from a path by making it strange.
const LONGEST_NAME: usize = 255;
/// Pairs that one parser finds in one message.
const MOST: usize = 4096;

/// The fields that a configuration names, by their name: what else a parser finds is only kept.
#[derive(Debug)]
pub(super) struct KnownNames(HashMap<Box<[u8]>, Field, FixedState>);

impl KnownNames {
    pub(super) fn of(names: &Names) -> Self {
        let own = (0..=u16::MAX).map_while(|n| Some((names.field_name(n)?, Field::Named(n))));
        let fixed = [
            ("HOST", Field::Host),
            ("PROGRAM", Field::Program),
            ("PID", Field::Pid),
            ("MSGID", Field::Msgid),
            ("MESSAGE", Field::Message),
            ("MSG", Field::Message),
        ];
        Self(own.chain(fixed).map(|(name, field)| (name.as_bytes().into(), field)).collect())
    }
}

/// One parser of a path.
#[derive(Debug)]
pub(super) struct Parse {
    parser: Parser,
    from: Field,
    prefix: Box<[u8]>,
    on_failure: OnFailure,
    when: Option<Filter>,
    known: Option<Arc<KnownNames>>,
}

#[derive(Debug)]
enum Parser {
    Csv { csv: Csv, columns: Vec<Field> },
    KeyValue(KeyValue),
    Json { marker: Option<Box<[u8]>> },
    Regexp(Vec<Pattern>),
}

/// A regular expression whose named groups are fields.
#[derive(Debug)]
struct Pattern {
    regex: Regex,
    groups: Vec<(usize, Field)>,
    /// Its place in [`Scratch`].
    number: usize,
}

/// The message is not what the parser reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unreadable;

impl Parse {
    pub(super) fn compile(
        configured: &Configured,
        names: &mut Names,
        patterns: &mut usize,
    ) -> Result<Self, TooMany> {
        let prefix = &configured.prefix;
        let mut field = |name: &str| names.field(&format!("{prefix}{name}"));
        let parser = match &configured.parser {
            ConfiguredParser::Csv(csv) => {
                let columns = csv.columns.iter().map(|name| field(name)).collect::<Result<_, _>>()?;
                Parser::Csv { csv: csv.clone(), columns }
            }
            ConfiguredParser::KeyValue(kv) => Parser::KeyValue(kv.clone()),
            ConfiguredParser::Json { marker } => {
                Parser::Json { marker: marker.as_ref().map(|marker| marker.as_bytes().into()) }
            }
            ConfiguredParser::Regexp(all) => {
                let mut compiled = Vec::new();
                for regex in all {
                    let mut groups = Vec::new();
                    for (group, name) in regex.capture_names().enumerate() {
                        if let Some(name) = name {
                            groups.push((group, field(name)?));
                        }
                    }
                    compiled.push(Pattern { regex: regex.clone(), groups, number: *patterns });
                    *patterns += 1;
                }
                Parser::Regexp(compiled)
            }
        };
        let from = names.field(&configured.from)?;
        let when = configured.when.as_ref().map(|when| Filter::compile(when, names)).transpose()?;
        let prefix = configured.prefix.as_bytes().into();
        Ok(Self { parser, from, prefix, on_failure: configured.on_failure, when, known: None })
    }

    pub(super) fn know(&mut self, names: &Arc<KnownNames>) {
        self.known = Some(Arc::clone(names));
    }

    /// What becomes of an event that it cannot read.
    pub(super) const fn on_failure(&self) -> OnFailure {
        self.on_failure
    }

    pub(super) fn run(&self, event: &mut Event<'_>, scratch: &mut Scratch) -> Outcome {
        if self.when.as_ref().is_some_and(|when| !when.accepts(event, scratch)) {
            return Outcome::ReachedTheEnd;
        }
        let input = event.get(self.from).unwrap_or_default();
        let findings = &mut scratch.findings;
        findings.clear();
        let read = match &self.parser {
            Parser::Csv { csv, columns } => csv::read(input, csv, columns, findings),
            Parser::KeyValue(kv) => {
                key_value::read(input, kv, &self.prefix, findings);
                Ok(())
            }
            Parser::Json { marker } => json::read(input, marker.as_deref(), &self.prefix, findings),
            Parser::Regexp(patterns) => regexp(input, patterns, &mut scratch.groups, findings),
        };
        match read {
            Ok(()) => {
                findings.give_to(event, self.known.as_deref());
                Outcome::ReachedTheEnd
            }
            Err(Unreadable) => self.on_failure.into(),
        }
    }
}

fn regexp(
    input: &[u8],
    patterns: &[Pattern],
    groups: &mut Vec<Option<regex::bytes::CaptureLocations>>,
    findings: &mut Findings,
) -> Result<(), Unreadable> {
    for pattern in patterns {
        if groups.len() <= pattern.number {
            groups.resize(pattern.number + 1, None);
        }
        let Some(slot) = groups.get_mut(pattern.number) else {
            continue;
        };
        let found = slot.get_or_insert_with(|| pattern.regex.capture_locations());
        if pattern.regex.captures_read(found, input).is_none() {
            continue;
        }
        for &(group, field) in &pattern.groups {
            if let Some(value) = found.get(group).and_then(|(start, end)| input.get(start..end)) {
                findings.field(field, value);
            }
        }
        return Ok(());
    }
    Err(Unreadable)
}

/// What a parser has found so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Names and values, one behind the other.
    bytes: Vec<u8>,
    found: Vec<(Key, Range<usize>)>,
    /// Of what is being read: the prefix, and the names on the way to it.
    path: Vec<u8>,
}

#[derive(Debug)]
enum Key {
    Field(Field),
    Name(Range<usize>),
}

impl Findings {
    fn clear(&mut self) {
        self.bytes.clear();
        self.found.clear();
        self.path.clear();
    }

    fn field(&mut self, field: Field, value: &[u8]) {
        self.value(Key::Field(field), |out| out.extend_from_slice(value));
    }

    /// A value whose name is the path.
    fn named(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.path.is_empty() || self.path.len() > LONGEST_NAME || self.found.len() == MOST {
            return;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&self.path);
        self.value(Key::Name(start..self.bytes.len()), write);
    }

    fn value(&mut self, key: Key, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.found.push((key, start..self.bytes.len()));
    }

    fn give_to(&self, event: &mut Event<'_>, known: Option<&KnownNames>) {
        let bytes = |range: &Range<usize>| self.bytes.get(range.clone()).unwrap_or_default();
        for (key, value) in &self.found {
            let value = bytes(value);
            match key {
                Key::Field(field) => event.set(*field, value),
                Key::Name(name) => {
                    let name = bytes(name);
                    match known.and_then(|known| known.0.get(name)) {
                        Some(field) => event.set(*field, value),
                        None => event.found(name, value),
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
