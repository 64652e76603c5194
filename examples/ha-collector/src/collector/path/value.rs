//! Values that are made of fields, compiled. See [`crate::config::path::text`] for who replaces this.

use std::io::Write as _;

use crate::collector::event::{Event, Field, Names, TooMany};
use crate::config::path::PriorityPart;
use crate::config::path::text::{Macro, Piece, Text};
use syslog_parse::Pri;

/// What a value is made of.
#[derive(Debug)]
pub(super) struct Value(Vec<Part>);

#[derive(Debug)]
enum Part {
    Literal(Box<[u8]>),
    Field { field: Field, default: Box<[u8]> },
    PriorityName(PriorityPart),
    PriorityNumber(PriorityPart),
    SourceIp { default: Box<[u8]> },
}

impl Value {
    pub(super) fn compile(text: &Text, names: &mut Names) -> Result<Self, TooMany> {
        let part = |piece: &Piece| {
            Ok(match piece {
                Piece::Literal(text) => Part::Literal(text.as_bytes().into()),
                Piece::Macro { what, default } => match what {
                    Macro::Field(name) => {
                        Part::Field { field: names.field(name)?, default: default.as_bytes().into() }
                    }
                    Macro::PriorityName(part) => Part::PriorityName(*part),
                    Macro::PriorityNumber(part) => Part::PriorityNumber(*part),
                    Macro::SourceIp => Part::SourceIp { default: default.as_bytes().into() },
                },
            })
        };
        text.0.iter().map(part).collect::<Result<_, _>>().map(Self)
    }

    /// The value for this event. `buffer` holds it where it is not there already.
    pub(super) fn read<'v>(&'v self, event: &'v Event<'_>, buffer: &'v mut Vec<u8>) -> &'v [u8] {
        match self.0.as_slice() {
            [] => b"",
            [Part::Literal(text)] => text,
            [Part::Field { field, default }] => match event.get(*field) {
                Some(value) if !value.is_empty() => value,
                _ if *field == Field::Host && default.is_empty() => {
                    buffer.clear();
                    self.write(event, buffer);
                    buffer
                }
                _ => default,
            },
            _ => {
                buffer.clear();
                self.write(event, buffer);
                buffer
            }
        }
    }

    /// Appends the value.
    pub(super) fn write(&self, event: &Event<'_>, out: &mut Vec<u8>) {
        for part in &self.0 {
            match part {
                Part::Literal(text) => out.extend_from_slice(text),
                Part::Field { field, default } => match event.get(*field) {
                    Some(value) if !value.is_empty() => out.extend_from_slice(value),
                    // Who does not say what it is called is called by its address.
                    _ if *field == Field::Host && default.is_empty() => address(event, default, out),
                    _ => out.extend_from_slice(default),
                },
                Part::PriorityName(part) => name(*part, event.priority(), out),
                Part::PriorityNumber(part) => {
                    let priority = event.priority();
                    let number = match part {
                        PriorityPart::Severity => priority & 7,
                        PriorityPart::Facility => priority >> 3,
                        PriorityPart::Whole => priority,
                    };
                    digits(number, out);
                }
                Part::SourceIp { default } => address(event, default, out),
            }
        }
    }
}

fn address(event: &Event<'_>, default: &[u8], out: &mut Vec<u8>) {
    match event.peer() {
        // Writing to a vector cannot fail.
        Some(ip) => drop(write!(out, "{ip}")),
        None => out.extend_from_slice(default),
    }
}

fn digits(number: u16, out: &mut Vec<u8>) {
    drop(write!(out, "{number}"));
}

/// The name of a facility or a severity, or its number where there is none.
fn name(part: PriorityPart, priority: u16, out: &mut Vec<u8>) {
    let pri = Pri::from_number(priority);
    if part != PriorityPart::Severity {
        match pri.facility() {
            Some(facility) => out.extend_from_slice(facility.as_str().as_bytes()),
            None => digits(priority >> 3, out),
        }
    }
    if part == PriorityPart::Whole {
        out.push(b'.');
    }
    if part != PriorityPart::Facility {
        match pri.severity() {
            Some(severity) => out.extend_from_slice(severity.as_str().as_bytes()),
            None => digits(priority & 7, out),
        }
    }
}
