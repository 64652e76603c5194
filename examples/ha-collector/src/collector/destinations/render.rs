//! What a destination writes for a message.

use std::fmt;

use crate::collector::event::Event;
use crate::collector::template::{Clock, PathTemplate, Renderer};

/// Renders something of a message: its text, or the path of its file.
pub(crate) trait Render: fmt::Debug + Send {
    /// Appends it to `out`.
    fn render(&mut self, event: &Event<'_>, out: &mut Vec<u8>);
}

impl Render for Renderer {
    fn render(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        Self::render(self, event, out);
    }
}

/// A message without the line end, for those who end lines themselves.
#[derive(Debug)]
pub(crate) struct Bare(pub(crate) Renderer);

impl Render for Bare {
    fn render(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        self.0.render(event, out);
        if out.len() > start && out.last() == Some(&b'\n') {
            out.pop();
        }
    }
}

/// The path of a message's file, by a template.
#[derive(Debug)]
pub(crate) struct FilePath {
    template: PathTemplate,
    clock: Clock,
    /// Of the message before.
    last: Vec<u8>,
}

impl FilePath {
    pub(crate) const fn new(template: PathTemplate, clock: Clock) -> Self {
        Self { template, clock, last: Vec::new() }
    }
}

impl Render for FilePath {
    fn render(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        self.clock.next_message();
        if !self.template.same_as_last(event, &mut self.clock) || self.last.is_empty() {
            self.last.clear();
            self.template.render(event, &mut self.clock, &mut self.last);
        }
        out.extend_from_slice(&self.last);
    }
}

/// What a message looks like in unit tests: `rfc5424`, `rfc3164` or `line`.
#[cfg(test)]
pub(crate) fn plain(format: &str, boundary: crate::collector::template::Boundary) -> Box<dyn Render> {
    use std::sync::Arc;

    use crate::collector::event::Names;
    use crate::collector::template::{Rendering, Surroundings, TimeSetting, Wording};

    let wording = Wording { format: Some(format), template: None, boundary, time: TimeSetting::default() };
    let none = |_: &str, _: &mut Names| Err("there are no filters here".to_owned());
    let rendering = Rendering::compile(&wording, &mut Names::default(), &none).unwrap();
    Box::new(Bare(rendering.renderer(Arc::new(Surroundings::fake(Names::default())))))
}
