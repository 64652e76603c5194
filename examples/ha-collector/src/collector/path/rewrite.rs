//! Rewrites: what is changed about a message.

use regex::bytes::Regex;
use syslog_parse::{IanaZone, Local, Pri, Zone as _};

use super::Scratch;
use super::filter::Filter;
use super::value::Value;
use crate::collector::event::{Event, Field, Names, Tag, TooMany};
use crate::config::path::text::{Macro, Piece, Text};
use crate::config::path::{
    Change as ConfiguredChange, Occurrences, PriorityPart, Rewrite as Configured, priority,
};

/// What a substitution makes longer than this ends here.
const LONGEST_VALUE: usize = 16 << 20;

/// One change of a path.
#[derive(Debug)]
pub(super) struct Rewrite {
    change: Change,
    when: Option<Filter>,
}

#[derive(Debug)]
enum Change {
    Set { field: Field, to: Value },
    Unset(Field),
    Subst(Subst),
    Rename { from: Field, to: Field },
    SetTag(Tag),
    ClearTag(Tag),
    SetPriority(PriorityPart, Value),
    FixTimeZone(IanaZone),
    SetTimeZone(IanaZone),
}

#[derive(Debug)]
struct Subst {
    regex: Regex,
    with: Vec<Part>,
    field: Field,
    extent: Occurrences,
    /// Its place in [`Scratch`].
    number: usize,
}

/// A part of what is put in.
#[derive(Debug)]
enum Part {
    Group(usize),
    Value(Value),
}

impl Rewrite {
    pub(super) fn compile(
        configured: &Configured,
        names: &mut Names,
        patterns: &mut usize,
    ) -> Result<Self, TooMany> {
        let change = match &configured.change {
            ConfiguredChange::Set { field, to } => {
                Change::Set { field: names.field(field)?, to: Value::compile(to, names)? }
            }
            ConfiguredChange::Unset { field } => Change::Unset(names.field(field)?),
            ConfiguredChange::Subst { pattern, with, field, extent } => {
                *patterns += 1;
                Change::Subst(Subst {
                    regex: pattern.clone(),
                    with: replacement(with, pattern, names)?,
                    field: names.field(field)?,
                    extent: *extent,
                    number: *patterns - 1,
                })
            }
            ConfiguredChange::Rename { from, to } => {
                Change::Rename { from: names.field(from)?, to: names.field(to)? }
            }
            ConfiguredChange::SetTag(tag) => Change::SetTag(names.tag(tag)?),
            ConfiguredChange::ClearTag(tag) => Change::ClearTag(names.tag(tag)?),
            ConfiguredChange::SetPriority(part, to) => Change::SetPriority(*part, Value::compile(to, names)?),
            ConfiguredChange::FixTimeZone(zone) => Change::FixTimeZone(zone.clone()),
            ConfiguredChange::SetTimeZone(zone) => Change::SetTimeZone(zone.clone()),
        };
        let when = configured.when.as_ref().map(|when| Filter::compile(when, names)).transpose()?;
        Ok(Self { change, when })
    }

    pub(super) fn run(&self, event: &mut Event<'_>, scratch: &mut Scratch) {
        if self.when.as_ref().is_some_and(|when| !when.accepts(event, scratch)) {
            return;
        }
        match &self.change {
            Change::Set { field, to } => {
                scratch.left.clear();
                to.write(event, &mut scratch.left);
                event.set(*field, &scratch.left);
            }
            Change::Unset(field) => event.unset(*field),
            Change::Subst(subst) => subst.run(event, scratch),
            Change::Rename { from, to } if from == to => {}
            Change::Rename { from, to } => {
                let Some(value) = event.get(*from) else {
                    return;
                };
                scratch.left.clear();
                scratch.left.extend_from_slice(value);
                event.set(*to, &scratch.left);
                event.unset(*from);
            }
            Change::SetTag(tag) => event.set_tag(*tag),
            Change::ClearTag(tag) => event.clear_tag(*tag),
            Change::SetPriority(part, value) => {
                let value = value.read(event, &mut scratch.left);
                let number =
                    std::str::from_utf8(value).ok().and_then(|value| priority::number(*part, value.trim()));
                if let Some(number) = number {
                    event.set_priority(with_part(event.priority(), *part, number));
                }
            }
            Change::FixTimeZone(zone) => {
                let mut time = event.time();
                let clock = time.instant.secs.saturating_add(i64::from(time.offset));
                // A time that was skipped or shown twice is taken for one before the clocks were changed.
                let (Local::Single { offset, .. }
                | Local::Gap { before: offset, .. }
                | Local::Fold { before: offset, .. }) = zone.at_local(clock);
                time.instant.secs = clock.saturating_sub(i64::from(offset));
                time.offset = offset;
                event.set_time(time);
            }
            Change::SetTimeZone(zone) => {
                let mut time = event.time();
                time.offset = zone.at_instant(time.instant.secs).offset;
                event.set_time(time);
            }
        }
    }
}

/// The PRI with one of its parts another one.
fn with_part(priority: u16, part: PriorityPart, number: u16) -> u16 {
    let known = Pri::from_number(priority).facility().is_some();
    let (facility, severity) = if known { (priority & !7, priority & 7) } else { (1 << 3, 5) };
    match part {
        PriorityPart::Severity => facility | number,
        PriorityPart::Facility => number << 3 | severity,
        PriorityPart::Whole => number,
    }
}

impl Subst {
    fn run(&self, event: &mut Event<'_>, scratch: &mut Scratch) {
        let Some(input) = event.get(self.field) else {
            return;
        };
        if scratch.groups.len() <= self.number {
            scratch.groups.resize(self.number + 1, None);
        }
        let Some(slot) = scratch.groups.get_mut(self.number) else {
            return;
        };
        let found = slot.get_or_insert_with(|| self.regex.capture_locations());
        let out = &mut scratch.left;
        out.clear();
        let (mut copied, mut from, mut any) = (0, 0, false);
        while from <= input.len() && out.len() < LONGEST_VALUE {
            let Some(whole) = self.regex.captures_read_at(found, input, from) else {
                break;
            };
            any = true;
            out.extend_from_slice(input.get(copied..whole.start()).unwrap_or_default());
            for part in &self.with {
                match part {
                    Part::Group(group) => {
                        let group = found.get(*group).and_then(|(start, end)| input.get(start..end));
                        out.extend_from_slice(group.unwrap_or_default());
                    }
                    Part::Value(value) => value.write(event, out),
                }
            }
            copied = whole.end();
            from = if whole.is_empty() { whole.end() + 1 } else { whole.end() };
            if self.extent == Occurrences::First {
                break;
            }
        }
        if any {
            out.extend_from_slice(input.get(copied..).unwrap_or_default());
            out.truncate(LONGEST_VALUE.max(input.len()));
            event.set(self.field, out);
        }
    }
}

/// `$1` and `${name}` are groups of the pattern, everything else is as in any value.
fn replacement(with: &Text, pattern: &Regex, names: &mut Names) -> Result<Vec<Part>, TooMany> {
    let group = |piece: &Piece| match piece {
        Piece::Macro { what: Macro::Field(name), .. } => {
            let named = pattern.capture_names().position(|group| group == Some(name));
            named.or_else(|| name.parse().ok())
        }
        _ => None,
    };
    let part = |piece: &Piece| match group(piece) {
        Some(group) => Ok(Part::Group(group)),
        None => Value::compile(&Text(vec![piece.clone()]), names).map(Part::Value),
    };
    with.0.iter().map(part).collect()
}

#[cfg(test)]
mod tests;
