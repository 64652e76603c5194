//! Which names and values `format-json` and `format-welf` write, in syslog-ng's terms: scopes, keys, pairs.
//!
//! How they are written is in [`mod@write`].

mod glob;
mod write;

use std::ops::Range;

use self::glob::Glob;
use super::clock::Clock;
use super::macros::Macro;
use super::parse::{Argument, Compiler};
use super::{Template, TemplateError};
use crate::collector::event::Event;

/// What is chosen.
#[derive(Debug)]
pub(super) struct Pairs {
    scopes: Scopes,
    keys: Vec<Glob>,
    /// Macros that a scope or a key without wildcards names.
    macros: Vec<(Box<str>, Macro)>,
    exclude: Vec<Glob>,
    given: Vec<Given>,
    empty: Empty,
    initial_dot: InitialDot,
}

/// A pair of the template's own.
#[derive(Debug)]
struct Given {
    name: Box<str>,
    value: Template,
    kind: Kind,
}

/// How a value is written in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    String,
    /// The others: as it is, where it is JSON of that kind, and else as a string.
    Number,
    Boolean,
    Json,
}

/// What becomes of pairs without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Empty {
    Written,
    Omitted,
}

/// What becomes of the dot that a name begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InitialDot {
    Underscore,
    Kept,
}

/// Which kinds of names are chosen as a whole.
#[derive(Clone, Copy, Debug, Default)]
struct Scopes(u8);

const FIELDS: Scopes = Scopes(1);
const DOT_FIELDS: Scopes = Scopes(2);
const PARAMETERS: Scopes = Scopes(4);

impl Scopes {
    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

const RFC3164: &[&str] = &["DATE", "FACILITY", "HOST", "MESSAGE", "PID", "PRIORITY", "PROGRAM"];
const RFC5424: &[&str] = &["MSGID"];
const SELECTED: &[&str] = &["SEQNUM", "SOURCEIP", "TAGS"];
const STORED: &[&str] = &["FILE_NAME", "HOST", "HOST_FROM", "MESSAGE", "MSGID", "PID", "PROGRAM", "SOURCE"];
const SCOPES: &str = "scopes are rfc3164, rfc5424, core, selected-macros, nv-pairs, dot-nv-pairs, all-nv-pairs, \
                      sdata, everything and none";

impl Pairs {
    /// Reads the arguments of the function.
    pub(super) fn read(
        function: &'static str,
        at: usize,
        arguments: Vec<Argument>,
        compiler: &mut Compiler<'_>,
    ) -> Result<Self, TemplateError> {
        let mut this = Self {
            scopes: Scopes::default(),
            keys: Vec::new(),
            macros: Vec::new(),
            exclude: Vec::new(),
            given: Vec::new(),
            empty: Empty::Written,
            initial_dot: InitialDot::Underscore,
        };
        let wrong = |at, problem: String| TemplateError::Arguments { at, function, problem };
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            let Some(option) = argument.text.strip_prefix('-') else {
                this.pair(&argument, compiler).map_err(|error| error.of(function))?;
                continue;
            };
            let (option, inline) = match option.split_once('=') {
                Some((option, value)) => {
                    let at = argument.at + argument.text.len() - value.len();
                    (option, Some(Argument { text: value.to_owned(), at }))
                }
                None => (option, None),
            };
            match option {
                "-omit-empty-values" => {
                    this.empty = Empty::Omitted;
                    continue;
                }
                "-leave-initial-dot" => {
                    this.initial_dot = InitialDot::Kept;
                    continue;
                }
                _ => {}
            }
            let lacks = || wrong(argument.at, format!("`{}` needs a value", argument.text));
            let value = match inline {
                Some(value) => value,
                None => rest.next().ok_or_else(lacks)?,
            };
            let words = value.text.split([',', ' ']).filter(|word| !word.is_empty());
            match option {
                "-scope" | "s" => {
                    for scope in words {
                        this.scope(scope)
                            .ok_or_else(|| wrong(value.at, format!("no scope is `{scope}`; {SCOPES}")))?;
                    }
                }
                "-key" | "k" => {
                    for key in words {
                        this.key(key, value.at, compiler)?;
                    }
                }
                "-exclude" | "x" => this.exclude.extend(words.map(Glob::new)),
                "-pair" | "p" => this.pair(&value, compiler).map_err(|error| error.of(function))?,
                _ => {
                    let known =
                        "--scope, --key, --pair, --exclude, --omit-empty-values and --leave-initial-dot";
                    return Err(wrong(argument.at, format!("takes {known}, not `{}`", argument.text)));
                }
            }
        }
        if this.scopes.0 == 0 && this.keys.is_empty() && this.macros.is_empty() && this.given.is_empty() {
            return Err(wrong(at, format!("chooses nothing: say --scope, --key or name=value; {SCOPES}")));
        }
        Ok(this)
    }

    fn scope(&mut self, scope: &str) -> Option<()> {
        let (macros, fields): (&[&[&str]], &[Scopes]) = match scope {
            "rfc3164" | "core" | "base" => (&[RFC3164], &[]),
            "rfc5424" | "syslog-proto" => (&[RFC3164, RFC5424], &[PARAMETERS]),
            "selected-macros" => (&[RFC3164, SELECTED], &[]),
            "nv-pairs" => (&[STORED], &[FIELDS]),
            "dot-nv-pairs" => (&[], &[DOT_FIELDS, PARAMETERS]),
            "all-nv-pairs" => (&[STORED], &[FIELDS, DOT_FIELDS, PARAMETERS]),
            "sdata" => (&[], &[PARAMETERS]),
            "everything" => {
                self.everything();
                (&[], &[FIELDS, DOT_FIELDS, PARAMETERS])
            }
            "none" => (&[], &[]),
            _ => return None,
        };
        macros.iter().copied().flatten().for_each(|name| self.named(name));
        fields.iter().for_each(|scope| self.scopes.add(*scope));
        // "none" chooses nothing, and that is a choice.
        self.scopes.add(Scopes(128));
        Some(())
    }

    fn everything(&mut self) {
        let times = ["", "S_", "R_", "C_"];
        let parts = super::date::Part::names().flat_map(|part| times.map(|prefix| format!("{prefix}{part}")));
        let all = Macro::names().map(ToOwned::to_owned).chain(parts);
        // The whole message once more is of no use beside its parts.
        all.filter(|name| name != "RAWMSG").for_each(|name| self.named(&name));
    }

    fn named(&mut self, name: &str) {
        if let Some(known) = Macro::known(name)
            && self.macros.iter().all(|(there, _)| &**there != name)
        {
            self.macros.push((name.into(), known));
        }
    }

    fn key(&mut self, key: &str, at: usize, compiler: &mut Compiler<'_>) -> Result<(), TemplateError> {
        let glob = Glob::new(key);
        if glob.is_one_name() {
            let what = Macro::find(key, at, compiler.names)?;
            self.macros.push((key.into(), what));
        } else {
            for list in [RFC3164, RFC5424, SELECTED, STORED] {
                list.iter().filter(|name| glob.matches(name.as_bytes())).for_each(|name| self.named(name));
            }
            self.keys.push(glob);
        }
        Ok(())
    }

    fn pair(&mut self, argument: &Argument, compiler: &mut Compiler<'_>) -> Result<(), PairError> {
        let Some((name, value)) = argument.text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(PairError::NoPair { at: argument.at, text: argument.text.clone() });
        };
        let value_at = argument.at + name.len() + 1;
        let (kind, text, skipped) = typed(value);
        let value = Argument { text: text.to_owned(), at: value_at + skipped };
        let value = compiler.argument(&value).map_err(PairError::Value)?;
        self.given.push(Given { name: name.into(), value, kind });
        Ok(())
    }

    /// Gathers names and values of a message.
    fn gather(&self, event: &Event<'_>, clock: &mut Clock, space: &mut PairSpace) {
        let wanted = |name: &[u8]| !self.exclude.iter().any(|glob| glob.matches(name));
        for (name, what) in self.macros.iter().filter(|(name, _)| wanted(name.as_bytes())) {
            space.push(name.as_bytes(), Kind::String, Empty::Omitted, |out| what.write(event, clock, out));
        }
        let chosen = |name: &[u8], scope: Scopes| {
            wanted(name) && (self.scopes.has(scope) || self.keys.iter().any(|glob| glob.matches(name)))
        };
        let scope_of = |name: &[u8]| if name.starts_with(b".") { DOT_FIELDS } else { FIELDS };
        if self.scopes.has(PARAMETERS) || !self.keys.is_empty() {
            for element in event.record().parsed().structured_data() {
                for (parameter, value) in element.params() {
                    let name = space.name(&[b".SDATA.", element.id(), b".", parameter]);
                    if chosen(space.bytes(&name), PARAMETERS) {
                        space.push_value(name, Kind::String, Empty::Written, |out| value.unescape_into(out));
                    }
                }
            }
        }
        if self.scopes.has(FIELDS) || self.scopes.has(DOT_FIELDS) || !self.keys.is_empty() {
            for (name, value) in event.all_found() {
                if chosen(name, scope_of(name)) {
                    space.push(name, Kind::String, Empty::Written, |out| out.extend_from_slice(value));
                }
            }
            for (number, value) in event.all_named() {
                let name = clock.around.names.field_name(number).unwrap_or_default().as_bytes();
                if chosen(name, scope_of(name)) {
                    space.push(name, Kind::String, Empty::Written, |out| out.extend_from_slice(value));
                }
            }
        }
        for given in &self.given {
            let value = |out: &mut Vec<u8>| given.value.render(event, clock, out);
            space.push(given.name.as_bytes(), given.kind, self.empty, value);
        }
    }
}

/// `int($PID)`: the kind, what stands in the parentheses, and where that begins.
fn typed(value: &str) -> (Kind, &str, usize) {
    let split = value.strip_suffix(')').and_then(|value| value.split_once('('));
    let Some((word, inner)) = split else {
        return (Kind::String, value, 0);
    };
    let kind = match word {
        "string" | "datetime" => Kind::String,
        "int" | "int32" | "int64" | "integer" | "float" | "double" => Kind::Number,
        "bool" | "boolean" => Kind::Boolean,
        "literal" | "json" => Kind::Json,
        _ => return (Kind::String, value, 0),
    };
    (kind, inner, word.len() + 1)
}

/// Why a pair cannot be read.
enum PairError {
    NoPair { at: usize, text: String },
    Value(TemplateError),
}

impl PairError {
    fn of(self, function: &'static str) -> TemplateError {
        match self {
            Self::NoPair { at, text } => {
                TemplateError::Arguments { at, function, problem: format!("`{text}` is no name=value") }
            }
            Self::Value(error) => error,
        }
    }
}

/// The names and values of one message; kept for the next.
#[derive(Debug, Default)]
pub(super) struct PairSpace {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    name: Range<usize>,
    value: Range<usize>,
    kind: Kind,
}

impl PairSpace {
    /// Empties it; answers how many bytes it holds on to.
    pub(super) fn clear(&mut self) -> usize {
        self.bytes.clear();
        self.entries.clear();
        self.bytes.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    fn bytes(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }

    fn name(&mut self, parts: &[&[u8]]) -> Range<usize> {
        let start = self.bytes.len();
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        start..self.bytes.len()
    }

    fn push(&mut self, name: &[u8], kind: Kind, empty: Empty, write: impl FnOnce(&mut Vec<u8>)) {
        let name = self.name(&[name]);
        self.push_value(name, kind, empty, write);
    }

    fn push_value(&mut self, name: Range<usize>, kind: Kind, empty: Empty, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let value = start..self.bytes.len();
        if !value.is_empty() || empty == Empty::Written {
            self.entries.push(Entry { name, value, kind });
        }
    }

    /// The dot that a name begins with becomes an underscore.
    fn underscore(&mut self) {
        for entry in &self.entries {
            if let Some(first) = self.bytes.get_mut(entry.name.start).filter(|first| **first == b'.') {
                *first = b'_';
            }
        }
    }

    /// By name, a name before those that it is the beginning of; the same name as it was pushed.
    fn sort(&mut self) {
        let Self { bytes, entries } = self;
        let key = |entry: &Entry| {
            let name = bytes.get(entry.name.clone()).unwrap_or_default();
            name.iter().map(|byte| if *byte == b'.' { 0 } else { u16::from(*byte) + 1 })
        };
        entries.sort_unstable_by(|a, b| key(a).cmp(key(b)).then(a.name.start.cmp(&b.name.start)));
    }

    /// In order; of the same name the one that was pushed last.
    fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8], Kind)> {
        self.entries.iter().enumerate().filter_map(|(n, entry)| {
            let name = self.bytes(&entry.name);
            let again = self.entries.get(n + 1).is_some_and(|next| self.bytes(&next.name) == name);
            (!again).then(|| (name, self.bytes(&entry.value), entry.kind))
        })
    }
}
