//! `[[path]]`, `[filter]`, `[steps]`: which messages go where, and what is done to them on the way.
//!
//! What stands here is what a path is when everything about it has been checked: expressions are trees, names of
//! filters and steps are what they stand for, patterns are compiled. [`read`] makes it from the tables, [`filter`] has
//! the language of filters, [`text`] that of values, [`pattern`] what is looked for in them.

pub(crate) mod filter;
mod named;
pub(crate) mod pattern;
mod place;
pub(crate) mod priority;
mod reach;
mod read;
mod step;
pub(crate) mod text;
mod verbs;

use std::sync::Arc;

use regex::bytes::Regex;
use syslog_parse::IanaZone;

use self::filter::Expression;
pub(super) use self::place::Mistake;
pub(super) use self::read::{Ends, Paths, TABLES};
use self::text::Text;

/// The most pairs of a path and one of its destinations: a record has a bit for each, and all bits together mean something else.
pub(crate) const MOST_WAYS: usize = 63;

/// A log path: from some sources, by some steps, to some destinations.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) id: String,
    /// By their place in `Config::sources`.
    pub(crate) sources: Vec<usize>,
    pub(crate) steps: Vec<Step>,
    /// By their place in `Config::destinations`; at least one.
    pub(crate) destinations: Vec<usize>,
    pub(crate) offered: Offered,
    pub(crate) afterwards: Afterwards,
    pub(crate) when_full: WhenFull,
}

/// Which messages a path is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    Every,
    /// The flag `fallback`: those that no other path has taken.
    Untaken,
}

/// What becomes of a message that a path has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Afterwards {
    NextPath,
    /// The flag `final`: nobody else gets it.
    NoOther,
}

/// What happens when the buffer is full of what the destinations of a path have not taken yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenFull {
    /// The flag `flow-control`: senders wait.
    SendersWait,
    DropOldest,
}

/// One step of a path.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// What it says no to leaves the path.
    Filter(Expression),
    Parse(Parse),
    Rewrite(Rewrite),
    /// Steps that have a name.
    Use(Arc<[Self]>),
    /// The first branch whose condition holds, or the last resort.
    Junction {
        branches: Vec<(Expression, Vec<Self>)>,
        otherwise: Vec<Self>,
    },
}

/// Fields out of a field.
#[derive(Clone, Debug)]
pub(crate) struct Parse {
    pub(crate) parser: Parser,
    /// The field that is read.
    pub(crate) from: String,
    /// What stands before the name of everything found.
    pub(crate) prefix: String,
    pub(crate) on_failure: OnFailure,
    /// Only where this holds.
    pub(crate) when: Option<Expression>,
}

/// What becomes of a message that a parser cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnFailure {
    LeavePath,
    /// `optional = true`
    GoOn,
}

/// How a field is read.
#[derive(Clone, Debug)]
pub(crate) enum Parser {
    Csv(Csv),
    KeyValue(KeyValue),
    Json {
        /// What must stand before it; `None`: `@cee:` may.
        marker: Option<String>,
    },
    /// The first that matches; its named groups are fields.
    Regexp(Vec<Regex>),
}

/// Values in columns.
#[derive(Clone, Debug)]
pub(crate) struct Csv {
    pub(crate) columns: Vec<String>,
    /// Any of these bytes is between two columns.
    pub(crate) delimiters: Vec<u8>,
    /// Any of these bytes begins a quoted value, and the same ends it.
    pub(crate) quotes: Vec<u8>,
    pub(crate) escape: Escape,
    pub(crate) whitespace: Whitespace,
    pub(crate) rest: Rest,
}

/// How a quote stands within quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Escape {
    Never,
    Backslash,
    Doubled,
}

/// What becomes of white space around a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whitespace {
    Kept,
    Stripped,
}

/// What becomes of more values than there are columns, or fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    Ignored,
    /// `greedy`: the last column is all that is left.
    IntoLast,
    /// `drop-invalid`: that is no such message.
    Refused,
}

/// `a=1, b="two"`
#[derive(Clone, Debug)]
pub(crate) struct KeyValue {
    pub(crate) value_separator: u8,
    pub(crate) pair_separator: String,
    /// Any of these bytes begins a quoted value, and the same ends it.
    pub(crate) quotes: Vec<u8>,
}

/// A change.
#[derive(Clone, Debug)]
pub(crate) struct Rewrite {
    pub(crate) change: Change,
    /// Only where this holds.
    pub(crate) when: Option<Expression>,
}

/// What is changed.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Set {
        field: String,
        to: Text,
    },
    Unset {
        field: String,
    },
    Subst {
        pattern: Regex,
        with: Text,
        field: String,
        extent: Occurrences,
    },
    Rename {
        from: String,
        to: String,
    },
    SetTag(String),
    ClearTag(String),
    /// To a name or a number; to nothing else.
    SetPriority(PriorityPart, Text),
    /// The same clock face in another zone: another instant.
    FixTimeZone(IanaZone),
    /// The same instant on another clock.
    SetTimeZone(IanaZone),
}

/// How many of the matches are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occurrences {
    First,
    All,
}

/// A part of the PRI (RFC 5424 §6.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PriorityPart {
    Severity,
    Facility,
    /// `local0.err`, or 131.
    Whole,
}
