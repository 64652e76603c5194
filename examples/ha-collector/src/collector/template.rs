//! Templates: text with `$MACROS`, `${FIELDS:-default}` and `$(functions)`, in syslog-ng's language.
//!
//! A [`Template`] is compiled once and rendered without an allocation a message; a [`Clock`] keeps what a thread needs for
//! that. [`Rendering`] is what a destination does with it, [`PathTemplate`] the name of a file.
//!
//! `$NAME` reaches as far as letters, digits and `_` do, `$$` is a dollar sign, and so is a `$` before anything else. A name
//! that is no macro is a field, which some step sets; without a value it is empty, or what stands behind `:-`.

mod clock;
pub(crate) mod component;
mod date;
mod error;
pub(crate) mod escape;
mod function;
mod macros;
mod pairs;
mod parse;
mod path;
mod rendering;

use std::fmt;

pub(crate) use self::clock::{Clock, Fraction, StampFormat, Surroundings, TimeSetting};
pub(crate) use self::error::TemplateError;
pub(crate) use self::path::PathTemplate;
pub(crate) use self::rendering::{Boundary, Renderer, Rendering, Wording, write_text};

use self::function::Function;
use self::macros::Macro;
use crate::collector::event::{Event, Names};

/// What is true of a message, or not: the condition of `$(if (condition) then else)`.
pub(crate) trait Predicate: fmt::Debug + Send + Sync {
    fn holds(&self, event: &Event<'_>) -> bool;
}

/// Who compiles conditions: filters, from their text. An error is what a person is told.
pub(crate) type Conditions<'c> = dyn Fn(&str, &mut Names) -> Result<Box<dyn Predicate>, String> + 'c;

/// Text to be filled in from a message.
#[derive(Debug)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Literal(Box<[u8]>),
    Macro { what: Macro, default: Box<[u8]> },
    Call(Box<Function>),
}

/// What becomes of control characters in values. The text of the template itself stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    AsTheyAre,
    /// As [`escape::escape_into`] does it: one message, one line.
    Escaped,
}

impl Template {
    /// Reads a template without `$(if)`.
    #[cfg(test)]
    pub(crate) fn compile(text: &str, names: &mut Names) -> Result<Self, TemplateError> {
        let none = |_: &str, _: &mut Names| Err("there are no filters here".to_owned());
        Self::compile_with(text, names, &none)
    }

    /// Reads a template whose conditions are read by `conditions`.
    pub(crate) fn compile_with(
        text: &str,
        names: &mut Names,
        conditions: &Conditions<'_>,
    ) -> Result<Self, TemplateError> {
        parse::Compiler::new(names, conditions).template(text, 0)
    }

    /// Appends the text for a message.
    pub(crate) fn render(&self, event: &Event<'_>, clock: &mut Clock, out: &mut Vec<u8>) {
        self.render_as(Values::AsTheyAre, event, clock, out);
    }

    /// The same, with control characters in values as told.
    pub(crate) fn render_as(&self, values: Values, event: &Event<'_>, clock: &mut Clock, out: &mut Vec<u8>) {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.extend_from_slice(text),
                Piece::Macro { what, default } => {
                    let start = out.len();
                    what.write(event, clock, out);
                    if out.len() == start {
                        out.extend_from_slice(default);
                    } else if values == Values::Escaped {
                        clock.escape_from(start, out);
                    }
                }
                Piece::Call(function) => function.write(values, event, clock, out),
            }
        }
    }

    /// Whether its own text ends the line.
    fn ends_line(&self) -> bool {
        matches!(self.pieces.last(), Some(Piece::Literal(text)) if text.ends_with(b"\n"))
    }
}

#[cfg(test)]
mod tests;
