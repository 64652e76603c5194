//! What the checks of all tables share.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use super::diagnostic::{Diagnostic, Text};
use super::entry::Entry;
use super::units::Size;

/// Where mistakes go.
#[derive(Debug)]
pub(super) struct Check<'e> {
    pub(super) errors: &'e mut Vec<Diagnostic>,
}

impl Check<'_> {
    /// The value, or its mistake said.
    pub(super) fn told<T>(&mut self, read: Result<T, Diagnostic>) -> Option<T> {
        read.map_err(|error| self.errors.push(error)).ok()
    }

    /// A size within `range`, or the default; what is outside is said at its place.
    pub(super) fn size(
        &mut self,
        text: &Arc<Text>,
        given: Option<Spanned<Size>>,
        default: Size,
        range: Range<Size>,
    ) -> Size {
        let Some(given) = given else {
            return default.max(range.start);
        };
        let size = *given.get_ref();
        if !range.contains(&size) {
            let bound = if size < range.start {
                format!("at least {}", range.start)
            } else {
                format!("at most {}", Size(range.end.0 - 1))
            };
            self.errors
                .push(Diagnostic::new(format!("{size} is out of range")).at(text, given.span()).help(bound));
        }
        size
    }

    /// Its id is not empty, and nobody else's.
    pub(super) fn unique(&mut self, entry: &Entry<'_>, seen: &mut HashSet<String>) {
        let (text, id) = (&entry.text, &entry.id);
        if id.get_ref().is_empty() {
            self.errors.push(Diagnostic::new("an id cannot be empty").at(text, id.span()));
        }
        if !seen.insert(id.get_ref().clone()) {
            self.errors.push(
                Diagnostic::new(format!("the id `{}` is used twice", id.get_ref())).at(text, id.span()),
            );
        }
    }
}
