//! Where in a file a mistake within one of its texts is.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;

use crate::config::diagnostic::{Diagnostic, Text};

/// What is wrong with a text, and where in it, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) at: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Mistake {
    pub(in crate::config) fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Shows it in the file that the text stands in.
    pub(in crate::config) fn within(self, value: &Spanned<String>, file: &Arc<Text>) -> Diagnostic {
        let span = value.span();
        let raw = file.text.get(span.clone()).unwrap_or_default();
        let place = |at| offset_in_source(raw, value.get_ref(), at).map(|at| span.start + at);
        let place = match (place(self.at.start), place(self.at.end)) {
            (Some(start), Some(end)) => start..end,
            _ => span,
        };
        let diagnostic = Diagnostic::new(self.message).at(file, place);
        match self.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

/// Where byte `at` of a TOML string's value stands in its source, quotes and escapes included. `None`: not to be told.
fn offset_in_source(raw: &str, value: &str, at: usize) -> Option<usize> {
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| raw.starts_with(quote))?;
    let mut source = quote.len();
    if quote.len() == 3 && raw.get(source..)?.starts_with('\n') {
        source += 1;
    }
    let escapes = quote.starts_with('"');
    let mut place = 0;
    while place < at {
        let rest = raw.get(source..)?;
        let c = value.get(place..)?.chars().next()?;
        source += match rest.strip_prefix('\\') {
            Some(escape) if escapes => escaped_len(escape)?,
            _ if rest.starts_with(c) => c.len_utf8(),
            _ => return None,
        };
        place += c.len_utf8();
    }
    Some(source)
}

/// Of an escape, with its backslash.
fn escaped_len(behind: &str) -> Option<usize> {
    Some(match behind.chars().next()? {
        'x' => 4,
        'u' => 6,
        'U' => 10,
        c if c.is_whitespace() => return None,
        c => 1 + c.len_utf8(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_a_text_is_found_in_its_source() {
        assert_eq!(offset_in_source("'abc'", "abc", 2), Some(3));
        assert_eq!(offset_in_source("\"a\\\"é\\u00e9c\"", "a\"ééc", 6), Some(12));
        assert_eq!(offset_in_source("'''\nab'''", "ab", 1), Some(5));
        assert_eq!(offset_in_source("\"a\\\n  b\"", "ab", 2), None, "a line that goes on");
        assert_eq!(offset_in_source("", "ab", 1), None);
        assert_eq!(offset_in_source("'a'", "a", 9), None);
    }
}
