//! Templates of file names: whatever stands in a message, the path stays beneath its root.

use super::clock::{Clock, Which};
use super::component;
use super::date::Lasts;
use super::macros::Macro;
use super::parse::Compiler;
use super::{Conditions, Piece, Template, TemplateError};
use crate::collector::event::{Event, Names};

/// Directories in directories, at most.
const MOST_COMPONENTS: usize = 15;
/// The longest component: NAME_MAX of Linux.
const LONGEST_COMPONENT: usize = 255;

/// A relative path with values in it.
///
/// A component in which there is any value is encoded as a whole by [`component::encode`], so that it is one harmless name:
/// never empty, never `.` or `..`, without a `/`. A component of literal text stays as it is written.
#[derive(Debug)]
pub(crate) struct PathTemplate {
    components: Vec<Component>,
    /// What the path is made of; `None`: more than can be compared.
    depends: Option<Depends>,
    /// [`Depends::key`] of the last message, and a buffer for the next.
    last: Vec<u8>,
    next: Vec<u8>,
}

#[derive(Debug)]
enum Component {
    Literal(Box<[u8]>),
    Values(Template),
}

/// What a path depends on.
#[derive(Debug, Default)]
struct Depends {
    /// All but the times.
    macros: Vec<Macro>,
    /// Of the sent, the received, and the present time.
    times: [Option<Lasts>; 3],
}

impl PathTemplate {
    /// Reads the path of a file beneath a root, such as `${HOST}/${YEAR}-${MONTH}-${DAY}.log`. Slashes of the text itself
    /// divide it; those in braces and functions do not.
    pub(crate) fn compile(
        text: &str,
        names: &mut Names,
        conditions: &Conditions<'_>,
    ) -> Result<Self, TemplateError> {
        let path = |problem| TemplateError::Path { at: 0, problem };
        if text.starts_with('/') {
            return Err(path("begin with `/`"));
        }
        let whole = Compiler::new(names, conditions).template(text, 0)?;
        let mut components = Vec::new();
        for pieces in divide(whole) {
            components.extend(Component::of(pieces).map_err(path)?);
        }
        if text.ends_with('/') || components.is_empty() {
            return Err(path("be a directory"));
        }
        if components.len() > MOST_COMPONENTS {
            return Err(path("have more than 15 components"));
        }
        let depends = Depends::of(&components);
        Ok(Self { components, depends, last: Vec::new(), next: Vec::new() })
    }

    /// Appends the path for a message.
    pub(crate) fn render(&self, event: &Event<'_>, clock: &mut Clock, out: &mut Vec<u8>) {
        for (n, component) in self.components.iter().enumerate() {
            if n > 0 {
                out.push(b'/');
            }
            match component {
                Component::Literal(text) => out.extend_from_slice(text),
                Component::Values(template) => {
                    let mut name = clock.borrow_buffer();
                    template.render(event, clock, &mut name);
                    component::encode(&name, out);
                    clock.give_back(name);
                }
            }
        }
    }

    /// Whether the path for this message is that for the message which this was asked for last. Cheaper than rendering:
    /// dates are compared by the day where the path has nothing finer.
    pub(crate) fn same_as_last(&mut self, event: &Event<'_>, clock: &mut Clock) -> bool {
        let Some(depends) = &self.depends else {
            return false;
        };
        self.next.clear();
        depends.key(event, clock, &mut self.next);
        let same = self.next == self.last;
        std::mem::swap(&mut self.next, &mut self.last);
        same
    }
}

/// The pieces between the slashes of literal text.
fn divide(whole: Template) -> Vec<Vec<Piece>> {
    let mut components = Vec::new();
    let mut current = Vec::new();
    for piece in whole.pieces {
        let Piece::Literal(text) = piece else {
            current.push(piece);
            continue;
        };
        for (n, part) in text.split(|byte| *byte == b'/').enumerate() {
            if n > 0 {
                components.push(std::mem::take(&mut current));
            }
            current.extend((!part.is_empty()).then(|| Piece::Literal(part.into())));
        }
    }
    components.push(current);
    components
}

impl Component {
    /// `None`: nothing between two slashes, or a `.`.
    fn of(pieces: Vec<Piece>) -> Result<Option<Self>, &'static str> {
        match &pieces[..] {
            [] => Ok(None),
            [Piece::Literal(text)] => match &text[..] {
                b"." => Ok(None),
                b".." => Err("have `..` in it"),
                text if text.iter().any(u8::is_ascii_control) => Err("have control characters in it"),
                text if text.len() > LONGEST_COMPONENT => Err("have a component of more than 255 bytes"),
                text => Ok(Some(Self::Literal(text.into()))),
            },
            _ => Ok(Some(Self::Values(Template { pieces }))),
        }
    }
}

impl Depends {
    fn of(components: &[Component]) -> Option<Self> {
        let mut this = Some(Self::default());
        let mut see = |what: Option<&Macro>| match (&mut this, what) {
            (_, None) => this = None,
            (None, _) => {}
            (Some(depends), Some(what)) => depends.add(what),
        };
        for component in components {
            if let Component::Values(template) = component {
                template.macros(&mut see);
            }
        }
        this
    }

    fn add(&mut self, what: &Macro) {
        let Macro::Time(which, part) = what else {
            if !self.macros.contains(what) {
                self.macros.push(what.clone());
            }
            return;
        };
        let [sent, received, now] = &mut self.times;
        let time = match which {
            Which::Sent => sent,
            Which::Received => received,
            Which::Now => now,
        };
        *time = (*time).max(Some(part.lasts()));
    }

    /// Appends bytes that are the same only where the path is.
    fn key(&self, event: &Event<'_>, clock: &mut Clock, key: &mut Vec<u8>) {
        for what in &self.macros {
            let start = key.len();
            what.write(event, clock, key);
            let len = key.len() - start;
            key.extend_from_slice(&len.to_le_bytes());
        }
        for (which, lasts) in [Which::Sent, Which::Received, Which::Now].into_iter().zip(self.times) {
            let Some(lasts) = lasts else {
                continue;
            };
            let moment = clock.moment(which, event);
            let local = moment.instant.secs.saturating_add(moment.offset.into());
            let count = match lasts {
                Lasts::Day => local.div_euclid(86_400),
                Lasts::Hour => local.div_euclid(3_600),
                Lasts::Minute => local.div_euclid(60),
                Lasts::Instant => {
                    key.extend_from_slice(&moment.offset.to_le_bytes());
                    key.extend_from_slice(&moment.instant.nanos.to_le_bytes());
                    key.push(moment.digits);
                    local
                }
            };
            key.extend_from_slice(&count.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
