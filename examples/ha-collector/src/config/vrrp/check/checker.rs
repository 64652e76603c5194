//! What the checks share: how a mistake is said, and the values that occur everywhere.

use std::collections::HashMap;
use std::ops::{Range, RangeInclusive};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use super::Findings;
use crate::config::diagnostic::{Diagnostic, Text};
use crate::config::units::Span;
use crate::config::vrrp::schema;

/// Between two looks at something.
pub(super) const INTERVALS: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(3600);

/// Checks what one file says.
#[derive(Debug)]
pub(super) struct Checker<'a> {
    pub(super) findings: &'a mut Findings,
    pub(super) text: &'a Arc<Text>,
}

impl Checker<'_> {
    pub(super) fn wrong(&mut self, span: Range<usize>, message: impl Into<String>, help: &str) {
        let diagnostic = Diagnostic::new(message).at(self.text, span);
        self.findings.errors.push(if help.is_empty() { diagnostic } else { diagnostic.help(help) });
    }

    pub(super) fn warn(&mut self, span: Range<usize>, message: impl Into<String>, help: &str) {
        self.findings.warnings.push(Diagnostic::warning(message).at(self.text, span).help(help));
    }

    pub(super) fn span(
        &mut self,
        given: Option<Spanned<Span>>,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        let Some(given) = given else { return default };
        let Span(value) = *given.get_ref();
        if !range.contains(&value) {
            let bounds = format!("from {:?} to {:?}", range.start(), range.end());
            self.wrong(given.span(), format!("{value:?} is out of range"), &bounds);
        }
        value
    }

    pub(super) fn number<N: Copy + PartialOrd + std::fmt::Display>(
        &mut self,
        given: Option<Spanned<N>>,
        default: N,
        range: RangeInclusive<N>,
    ) -> N {
        let Some(given) = given else { return default };
        if !range.contains(given.get_ref()) {
            let bounds = format!("from {} to {}", range.start(), range.end());
            self.wrong(given.span(), format!("{} is out of range", given.get_ref()), &bounds);
        }
        *given.get_ref()
    }

    pub(super) fn name(
        &mut self,
        id: &Spanned<String>,
        names: &mut HashMap<String, (usize, Option<i16>)>,
        place: usize,
        weight: Option<i16>,
    ) {
        if id.get_ref().is_empty() {
            self.wrong(id.span(), "an id cannot be empty", "");
        }
        if names.insert(id.get_ref().clone(), (place, weight)).is_some() {
            self.wrong(id.span(), format!("the id `{}` is used twice", id.get_ref()), "");
        }
    }

    /// Warns of a program that the keeper will not run. One that is not here may come with the host that this is for.
    pub(super) fn safe(&mut self, program: &str, span: &Range<usize>) {
        let path = Path::new(program);
        if path.exists()
            && let Err(error) = crate::keeper::refuse_unsafe(path)
        {
            self.warn(span.clone(), format!("`{program}` will not be run"), &error.to_string());
        }
    }

    pub(super) fn told(&mut self, notify: Option<&schema::Notify>, span: &Range<usize>) {
        let Some(schema::Notify { active, backup, fault, stop, any }) = notify else { return };
        for command in [active, backup, fault, stop, any].into_iter().flatten() {
            match command.first() {
                Some(program) if Path::new(program).is_absolute() => self.safe(program, span),
                program => {
                    let program = program.map_or("", String::as_str);
                    let message = format!("[vrrp.notify]: `{program}` is no absolute path");
                    self.wrong(span.clone(), message, "no shell and no search path is used");
                }
            }
        }
    }
}
