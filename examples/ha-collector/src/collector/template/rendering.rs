//! What a destination writes for a message: one of four formats, or a template.

mod arrival;
mod line;
mod relay;

use std::sync::Arc;

use syslog_parse::Format;

pub(crate) use self::line::write_text;
use super::clock::{Clock, Surroundings, TimeSetting};
use super::{Conditions, Template, TemplateError, Values};
use crate::collector::event::{Event, Names};
use crate::config::nearest;

/// How one message is told from the next where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Boundary {
    /// Each is a line: control characters in values are escaped, and a newline ends it.
    Line,
    /// By a datagram or a count: values are as they are, and nothing is appended.
    Frame,
}

/// What a destination says about what it writes.
#[derive(Clone, Debug)]
pub(crate) struct Wording<'t> {
    /// `line`, `json`, `rfc3164` or `rfc5424`; `line` where there is no template either.
    pub(crate) format: Option<&'t str>,
    /// The text of a template.
    pub(crate) template: Option<&'t str>,
    pub(crate) boundary: Boundary,
    pub(crate) time: TimeSetting,
}

/// The same, read.
#[derive(Debug)]
pub(crate) struct Rendering {
    kind: Kind,
    boundary: Boundary,
    time: TimeSetting,
}

#[derive(Debug)]
enum Kind {
    Line,
    Json,
    /// To another collector.
    Relay(Format),
    Template(Template),
}

const FORMATS: [&str; 4] = ["line", "json", "rfc3164", "rfc5424"];

impl Rendering {
    /// Reads it.
    pub(crate) fn compile(
        wording: &Wording<'_>,
        names: &mut Names,
        conditions: &Conditions<'_>,
    ) -> Result<Self, TemplateError> {
        let kind = match (wording.format, wording.template) {
            (Some(_), Some(_)) => return Err(TemplateError::FormatAndTemplate),
            (None, Some(text)) => Kind::Template(Template::compile_with(text, names, conditions)?),
            (None | Some("line"), None) => Kind::Line,
            (Some("json"), None) => Kind::Json,
            (Some("rfc3164"), None) => Kind::Relay(Format::Rfc3164),
            (Some("rfc5424"), None) => Kind::Relay(Format::Rfc5424),
            (Some(name), None) => {
                let nearest = nearest(name, &FORMATS);
                return Err(TemplateError::UnknownFormat { name: name.to_owned(), nearest });
            }
        };
        Ok(Self { kind, boundary: wording.boundary, time: wording.time.clone() })
    }

    /// Makes it ready for a thread, when all names and sources of the configuration are known.
    pub(crate) fn renderer(self, around: Arc<Surroundings>) -> Renderer {
        let clock = Clock::new(&self.time, around);
        Renderer { rendering: self, clock }
    }
}

/// What a destination's thread writes messages with.
#[derive(Debug)]
pub(crate) struct Renderer {
    rendering: Rendering,
    clock: Clock,
}

impl Renderer {
    /// Appends one message. Allocates nothing once its buffers have grown, save `out`.
    pub(crate) fn render(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let Self { rendering, clock } = self;
        clock.next_message();
        let start = out.len();
        match &rendering.kind {
            Kind::Line => line::write(event, clock, out),
            Kind::Json => arrival::write_json(event, clock, out),
            Kind::Relay(format) => relay::write(*format, rendering.boundary, event, clock, out),
            Kind::Template(template) => {
                let values = match rendering.boundary {
                    Boundary::Line => Values::Escaped,
                    Boundary::Frame => Values::AsTheyAre,
                };
                template.render_as(values, event, clock, out);
                if template.ends_line() {
                    return;
                }
            }
        }
        if rendering.boundary == Boundary::Line && (out.len() == start || out.last() != Some(&b'\n')) {
            out.push(b'\n');
        }
    }

    #[cfg(test)]
    pub(crate) fn stopped(
        rendering: Rendering,
        around: Arc<Surroundings>,
        now: syslog_parse::Timestamp,
    ) -> Self {
        let clock = Clock::stopped(&rendering.time, around, now);
        Self { rendering, clock }
    }
}

#[cfg(test)]
mod tests;
