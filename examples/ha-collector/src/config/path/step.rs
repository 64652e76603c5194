//! Steps as tables: `{ filter = "..." }`, `{ set = "HOST", to = "x" }`, `{ if = [...], else = [...] }`. What a step does is the
//! key that names its verb; the others are read by it, as [`super::verbs`] has them.

use std::ops::Range;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::filter::Expression;
use super::pattern::{Flag, Type, regex, replaceable};
use super::read::{Reader, remove};
use super::verbs;
use super::{
    Change, Csv, Escape, KeyValue, Occurrences, OnFailure, Parse, Parser, PriorityPart, Rest, Rewrite,
};
use super::{Step, Whitespace, priority, text};
use crate::config::diagnostic::{Diagnostic, Text, suggestion};
use crate::config::entry;
use syslog_parse::IanaZone;

/// Branches, one in the other.
const DEEPEST: usize = 16;
const VERBS: [&str; 15] = [
    "filter",
    "parse",
    "set",
    "unset",
    "subst",
    "rename",
    "set-tag",
    "clear-tag",
    "set-severity",
    "set-facility",
    "set-pri",
    "fix-time-zone",
    "set-time-zone",
    "use",
    "if",
];
const PARSERS: [&str; 4] = ["csv", "json", "kv", "regexp"];
const CSV_FLAGS: [&str; 5] =
    ["greedy", "strip-whitespace", "drop-invalid", "escape-backslash", "escape-double-char"];

/// Where a step stands.
struct Place<'p> {
    text: &'p Arc<Text>,
    span: Range<usize>,
}

impl Reader<'_, '_> {
    /// Reads a list of steps; what is wrong is said and left out.
    pub(super) fn steps(&mut self, given: Spanned<DeValue<'_>>, text: &Arc<Text>, depth: usize) -> Vec<Step> {
        let span = given.span();
        if depth > DEEPEST {
            let deep = format!("more than {DEEPEST} branches, one in the other");
            self.wrong(Diagnostic::new(deep).at(text, span).help("steps can be given a name, in [steps]"));
            return Vec::new();
        }
        let DeValue::Array(items) = given.into_inner() else {
            self.wrong(Diagnostic::new("steps are a list: [{ ... }, { ... }]").at(text, span));
            return Vec::new();
        };
        let mut steps = Vec::new();
        for item in items {
            let place = Place { text, span: item.span() };
            match item.into_inner() {
                DeValue::Table(table) => steps.extend(self.step(table, &place, depth)),
                _ => self.wrong(Diagnostic::new("a step is a table: { ... }").at(text, place.span)),
            }
        }
        steps
    }

    fn step(&mut self, mut table: DeTable<'_>, place: &Place<'_>, depth: usize) -> Option<Step> {
        let Place { text, span } = place;
        let mut verbs = VERBS.into_iter().filter(|verb| table.contains_key(*verb));
        let Some(verb) = verbs.next() else {
            let first = table.keys().next().map(|key| (key.span(), key.get_ref().to_string()));
            let (at, help) = match first {
                Some((at, key)) => (at, suggestion(&key, &VERBS)),
                None => (span.clone(), format!("known here: {}", VERBS.join(", "))),
            };
            self.wrong(Diagnostic::new("this step says nothing that is to be done").at(text, at).help(help));
            return None;
        };
        if let Some(other) = verbs.next() {
            let both = format!("`{verb}` and `{other}` are two steps");
            self.wrong(Diagnostic::new(both).at(text, span.clone()).help("write two"));
            return None;
        }
        match verb {
            "filter" => {
                let keys: verbs::Filter = self.keys(verb, table, place)?;
                self.expression(&keys.filter, text).map(Step::Filter)
            }
            "use" => {
                let keys: verbs::Use = self.keys(verb, table, place)?;
                let steps = self.named_steps(keys.name.get_ref()).map_err(|error| {
                    let wrong = Diagnostic::new(error.message).at(text, keys.name.span());
                    match error.help {
                        Some(help) => wrong.help(help),
                        None => wrong,
                    }
                });
                self.told(steps).map(Step::Use)
            }
            "if" => {
                let branches = remove(&mut table, "if")?;
                let otherwise = remove(&mut table, "else");
                let _: verbs::Nothing = self.keys(verb, table, place)?;
                let branches = self.branches(branches, text, depth);
                let otherwise = otherwise.map_or_else(Vec::new, |steps| self.steps(steps, text, depth + 1));
                Some(Step::Junction { branches, otherwise })
            }
            "parse" => self.parse(table, place).map(Step::Parse),
            verb => self.rewrite(verb, table, place).map(Step::Rewrite),
        }
    }

    fn branches(
        &mut self,
        given: Spanned<DeValue<'_>>,
        text: &Arc<Text>,
        depth: usize,
    ) -> Vec<(Expression, Vec<Step>)> {
        let span = given.span();
        let DeValue::Array(items) = given.into_inner() else {
            let message = "branches are a list: [{ when = \"...\", steps = [...] }]";
            self.wrong(Diagnostic::new(message).at(text, span));
            return Vec::new();
        };
        let mut branches = Vec::new();
        for item in items {
            let place = Place { text, span: item.span() };
            let DeValue::Table(mut table) = item.into_inner() else {
                let message = "a branch is a table: { when = \"...\", steps = [...] }";
                self.wrong(Diagnostic::new(message).at(text, place.span));
                continue;
            };
            let steps = remove(&mut table, "steps");
            let Some(keys) = self.keys::<verbs::Branch>("if", table, &place) else {
                continue;
            };
            let when = self.expression(&keys.when, text);
            let steps = steps.map_or_else(Vec::new, |steps| self.steps(steps, text, depth + 1));
            branches.extend(when.map(|when| (when, steps)));
        }
        branches
    }

    /// Reads the keys of a step.
    fn keys<T: DeserializeOwned>(&mut self, verb: &str, table: DeTable<'_>, place: &Place<'_>) -> Option<T> {
        let table = Spanned::new(place.span.clone(), DeValue::Table(table));
        let read = entry::read(table, place.text);
        self.told(read.map_err(|error| error.with_owner(&format!("a step `{verb}`"))))
    }

    fn condition(&mut self, when: Option<Spanned<String>>, text: &Arc<Text>) -> Option<Option<Expression>> {
        match when {
            Some(when) => self.expression(&when, text).map(Some),
            None => Some(None),
        }
    }

    fn parse(&mut self, mut table: DeTable<'_>, place: &Place<'_>) -> Option<Parse> {
        let text = place.text;
        let mut shared = DeTable::new();
        for key in ["parse", "from", "prefix", "optional", "when"] {
            if let Some((key, value)) = table.remove_entry(key) {
                shared.insert(key, value);
            }
        }
        let shared: verbs::Parse = self.keys("parse", shared, place)?;
        let whose = format!("parse = \"{}\"", shared.parse.get_ref());
        let parser = match shared.parse.get_ref().as_str() {
            "csv" => Parser::Csv(self.csv(&whose, table, place)?),
            "kv" => {
                let keys: verbs::KeyValue = self.keys(&whose, table, place)?;
                let value_separator = self.one_byte(keys.value_separator, b'=', text)?;
                let pair_separator = keys.pair_separator.unwrap_or_else(|| ", ".to_owned());
                let quotes = keys.quotes.unwrap_or_else(|| "\"'".to_owned()).into_bytes();
                Parser::KeyValue(KeyValue { value_separator, pair_separator, quotes })
            }
            "json" => {
                let keys: verbs::Json = self.keys(&whose, table, place)?;
                Parser::Json { marker: keys.marker }
            }
            "regexp" => {
                let Some(pattern) = remove(&mut table, "pattern") else {
                    let missing = Diagnostic::new(format!("{whose} has no `pattern`"));
                    self.wrong(missing.at(text, place.span.clone()));
                    return None;
                };
                let given = match pattern.get_ref() {
                    DeValue::Array(_) => entry::read::<Vec<Spanned<String>>>(pattern, text),
                    _ => entry::read(pattern, text).map(|pattern| vec![pattern]),
                };
                let given = self.told(given)?;
                let keys: verbs::Regexp = self.keys(&whose, table, place)?;
                let flags = self.pattern_flags(&keys.flags, text)?;
                let mut patterns = Vec::new();
                for pattern in given {
                    let compiled = regex(pattern.get_ref(), &flags);
                    let compiled = compiled.map_err(|error| Diagnostic::new(error).at(text, pattern.span()));
                    patterns.push(self.told(compiled)?);
                }
                Parser::Regexp(patterns)
            }
            name => {
                let unknown = Diagnostic::new(format!("there is no parser `{name}`"));
                self.wrong(unknown.at(text, shared.parse.span()).help(suggestion(name, &PARSERS)));
                return None;
            }
        };
        let from = match &shared.from {
            Some(from) => self.field(from, text)?,
            None => "MESSAGE".to_owned(),
        };
        let when = self.condition(shared.when, text)?;
        Some(Parse { parser, from, prefix: shared.prefix, on_failure: shared.optional.into(), when })
    }

    fn csv(&mut self, whose: &str, table: DeTable<'_>, place: &Place<'_>) -> Option<Csv> {
        let text = place.text;
        let keys: verbs::Csv = self.keys(whose, table, place)?;
        let mut csv = Csv {
            columns: Vec::new(),
            delimiters: keys.delimiters.unwrap_or_else(|| ",".to_owned()).into_bytes(),
            quotes: keys.quotes.unwrap_or_else(|| "\"'".to_owned()).into_bytes(),
            escape: Escape::Never,
            whitespace: if keys.flags.is_none() { Whitespace::Stripped } else { Whitespace::Kept },
            rest: Rest::Ignored,
        };
        for column in &keys.columns {
            csv.columns.push(self.field(column, text)?);
        }
        for flag in keys.flags.iter().flatten() {
            match flag.get_ref().replace('_', "-").as_str() {
                "greedy" => csv.rest = Rest::IntoLast,
                "drop-invalid" => csv.rest = Rest::Refused,
                "strip-whitespace" => csv.whitespace = Whitespace::Stripped,
                "escape-backslash" => csv.escape = Escape::Backslash,
                "escape-double-char" => csv.escape = Escape::Doubled,
                name => {
                    let unknown = Diagnostic::new(format!("{whose} has no flag `{name}`"));
                    self.wrong(unknown.at(text, flag.span()).help(suggestion(name, &CSV_FLAGS)));
                }
            }
        }
        if csv.columns.is_empty() {
            self.wrong(Diagnostic::new("there are no columns").at(text, place.span.clone()));
        }
        Some(csv)
    }

    fn one_byte(&mut self, given: Option<Spanned<String>>, default: u8, text: &Arc<Text>) -> Option<u8> {
        let Some(given) = given else {
            return Some(default);
        };
        match given.get_ref().as_bytes() {
            &[byte] => Some(byte),
            _ => {
                self.wrong(Diagnostic::new("this is one ASCII character").at(text, given.span()));
                None
            }
        }
    }

    fn pattern_flags(&mut self, given: &[Spanned<String>], text: &Arc<Text>) -> Option<Vec<Flag>> {
        let flags = given.iter().map(|flag| {
            let name = flag.get_ref();
            Flag::of(name).ok_or_else(|| {
                let unknown = Diagnostic::new(format!("there is no flag `{name}`")).at(text, flag.span());
                unknown.help(suggestion(name, &Flag::NAMES))
            })
        });
        let flags = flags.collect();
        self.told(flags)
    }

    fn rewrite(&mut self, verb: &str, table: DeTable<'_>, place: &Place<'_>) -> Option<Rewrite> {
        let text = place.text;
        let (change, when) = match verb {
            "set" => {
                let keys: verbs::Set = self.keys(verb, table, place)?;
                let change =
                    Change::Set { field: self.field(&keys.set, text)?, to: self.text(&keys.to, text)? };
                (change, keys.when)
            }
            "unset" => {
                let keys: verbs::Unset = self.keys(verb, table, place)?;
                (Change::Unset { field: self.field(&keys.unset, text)? }, keys.when)
            }
            "subst" => {
                let keys: verbs::Subst = self.keys(verb, table, place)?;
                let when = keys.when.clone();
                (self.subst(keys, text)?, when)
            }
            "rename" => {
                let keys: verbs::Rename = self.keys(verb, table, place)?;
                let (from, to) = (self.field(&keys.rename, text)?, self.field(&keys.to, text)?);
                (Change::Rename { from, to }, keys.when)
            }
            verb => {
                let value = remove(&mut { table.clone() }, verb)?;
                let mut table = table;
                table.remove(verb);
                let given: Spanned<String> = self.told(entry::read(value, text))?;
                let keys: verbs::OnlyWhen = self.keys(verb, table, place)?;
                (self.single(verb, &given, text)?, keys.when)
            }
        };
        Some(Rewrite { change, when: self.condition(when, text)? })
    }

    fn subst(&mut self, keys: verbs::Subst, text: &Arc<Text>) -> Option<Change> {
        let flags = self.pattern_flags(&keys.flags, text)?;
        let is = match &keys.kind {
            Some(kind) => {
                let is = Type::of(kind.get_ref()).ok_or_else(|| {
                    let unknown = Diagnostic::new(format!("there is no type `{}`", kind.get_ref()));
                    unknown.at(text, kind.span()).help(suggestion(kind.get_ref(), &Type::NAMES))
                });
                self.told(is)?
            }
            None => Type::default(),
        };
        let pattern = replaceable(keys.subst.get_ref(), is, &flags);
        let pattern =
            self.told(pattern.map_err(|error| Diagnostic::new(error).at(text, keys.subst.span())))?;
        let field = match &keys.field {
            Some(field) => self.field(field, text)?,
            None => "MESSAGE".to_owned(),
        };
        let with = self.text(&keys.with, text)?;
        Some(Change::Subst { pattern, with, field, extent: keys.global.into() })
    }

    /// The verbs that are said by one value.
    fn single(&mut self, verb: &str, given: &Spanned<String>, text: &Arc<Text>) -> Option<Change> {
        let part = match verb {
            "set-tag" | "clear-tag" => {
                let tag = given.get_ref().clone();
                if tag.is_empty() {
                    self.wrong(Diagnostic::new("a tag has a name").at(text, given.span()));
                    return None;
                }
                return Some(if verb == "set-tag" { Change::SetTag(tag) } else { Change::ClearTag(tag) });
            }
            "fix-time-zone" => return self.zone(given, text).map(Change::FixTimeZone),
            "set-time-zone" => return self.zone(given, text).map(Change::SetTimeZone),
            "set-severity" => PriorityPart::Severity,
            "set-facility" => PriorityPart::Facility,
            _ => PriorityPart::Whole,
        };
        let to = self.text(given, text)?;
        let wrong = to.constant().filter(|name| priority::number(part, name).is_none());
        if let Some(name) = wrong {
            let help = match part {
                PriorityPart::Severity => "such as \"err\", or 0 to 7",
                PriorityPart::Facility => "such as \"local0\", or 0 to 23",
                PriorityPart::Whole => "such as \"local0.err\", or 0 to 191",
            };
            let message = format!("`{verb}` does not know `{name}`");
            self.wrong(Diagnostic::new(message).at(text, given.span()).help(help));
            return None;
        }
        Some(Change::SetPriority(part, to))
    }

    /// A zone by its name, as a POSIX string, or as an offset.
    fn zone(&mut self, given: &Spanned<String>, text: &Arc<Text>) -> Option<IanaZone> {
        let name = given.get_ref();
        let posix = posix_of_offset(name);
        let zone = IanaZone::named_or_posix(posix.as_deref().unwrap_or(name)).map_err(|_| {
            Diagnostic::new(format!("there is no time zone `{name}`"))
                .at(text, given.span())
                .help("such as \"Europe/Budapest\" or \"+01:00\"")
        });
        self.told(zone)
    }

    /// The name of a field that can be changed.
    fn field(&mut self, given: &Spanned<String>, text: &Arc<Text>) -> Option<String> {
        let name = given.get_ref();
        let help = match name.as_str() {
            "" => "a field has a name",
            "FACILITY" | "FACILITY_NUM" => "`set-facility` changes it",
            "LEVEL" | "LEVEL_NUM" | "PRIORITY" | "SEVERITY" => "`set-severity` changes it",
            "PRI" => "`set-pri` changes it",
            "SOURCEIP" => "who sent a message cannot be changed",
            name if name.contains(['$', '{', '}']) => "the name alone, without `$`",
            name if name.chars().any(char::is_control) => "a name is text in a line",
            _ => return Some(name.clone()),
        };
        self.wrong(Diagnostic::new(format!("`{name}` is not a field")).at(text, given.span()).help(help));
        None
    }

    fn text(&mut self, given: &Spanned<String>, text: &Arc<Text>) -> Option<text::Text> {
        let read = text::Text::parse(given.get_ref());
        self.told(read.map_err(|mistake| mistake.within(given, text)))
    }
}

/// `+01:00`, `+0100` and `+01` are `<+0100>-01:00`: POSIX counts westward.
fn posix_of_offset(text: &str) -> Option<String> {
    let (sign, west) = match text.get(..1)? {
        "+" => ('+', '-'),
        "-" => ('-', '+'),
        _ => return None,
    };
    let digits = text.get(1..)?.replacen(':', "", 1);
    let (hours, minutes) = match digits.len() {
        2 => (digits.as_str(), "00"),
        4 => digits.split_at_checked(2)?,
        _ => return None,
    };
    let digits = digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.then(|| format!("<{sign}{hours}{minutes}>{west}{hours}:{minutes}"))
}

impl From<verbs::Optional> for OnFailure {
    fn from(verbs::Optional(optional): verbs::Optional) -> Self {
        if optional { Self::GoOn } else { Self::LeavePath }
    }
}

impl From<verbs::Global> for Occurrences {
    fn from(verbs::Global(global): verbs::Global) -> Self {
        if global { Self::All } else { Self::First }
    }
}
