//! What is wrong with a configuration, shown at its place: file, line, column, the line itself and a caret.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// A configuration file as it was read.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// One thing that is wrong or will hurt, and where.
#[derive(Debug)]
pub(crate) struct Diagnostic {
    level: Level,
    message: String,
    help: Option<String>,
    place: Option<(Arc<Text>, Range<usize>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Error,
    Warning,
}

const UNKNOWN: &str = "unknown name ";

impl Diagnostic {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { level: Level::Error, message: message.into(), help: None, place: None }
    }

    /// What can be done and will hurt.
    pub(crate) fn warning(message: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::new(message) }
    }

    pub(crate) fn at(mut self, text: &Arc<Text>, span: Range<usize>) -> Self {
        self.place = Some((Arc::clone(text), span));
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A name that is none of the known ones.
    pub(crate) fn unknown(wrong: &str, known: &[&str]) -> Self {
        Self::new(format!("{UNKNOWN}`{wrong}`")).help(suggestion(wrong, known))
    }

    /// An unknown name is one that this has not, such as "a tcp source".
    pub(crate) fn with_owner(mut self, owner: &str) -> Self {
        if let Some(name) = self.message.strip_prefix(UNKNOWN) {
            self.message = format!("{owner} has no {name}");
        }
        self
    }

    /// What the TOML reader says, with a suggestion where a name is nearly right.
    pub(crate) fn from_toml(error: &toml::de::Error, text: &Arc<Text>) -> Self {
        let message = error.message().trim_end().to_owned();
        let mut diagnostic = Self::new(message.replace('\n', "; "));
        if let Some((wrong, known)) = unknown_name(&message) {
            diagnostic = Self::unknown(wrong, &known);
        }
        match error.span() {
            Some(span) => diagnostic.at(text, span),
            None => diagnostic,
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        writeln!(f, "{level}: {}", self.message)?;
        let Some((text, span)) = &self.place else {
            return match &self.help {
                Some(help) => writeln!(f, "  = {help}"),
                None => Ok(()),
            };
        };
        let start = span.start.min(text.text.len());
        let before = text.text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let number = before.matches('\n').count() + 1;
        let line = text.text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
        let column = text.text.get(line_start..start).unwrap_or_default().chars().count() + 1;
        let marked = text.text.get(start..span.end).unwrap_or_default().lines().next().unwrap_or_default();
        let gutter = number.to_string().len();
        writeln!(f, "{:gutter$}--> {}:{number}:{column}", "", text.path.display())?;
        writeln!(f, "{:gutter$} |", "")?;
        writeln!(f, "{number} | {line}")?;
        write!(
            f,
            "{:gutter$} | {:indent$}{}",
            "",
            "",
            "^".repeat(marked.chars().count().max(1)),
            indent = column - 1
        )?;
        match &self.help {
            Some(help) => writeln!(f, " {help}"),
            None => writeln!(f),
        }
    }
}

/// Everything that is wrong, in the order of the file.
#[derive(Debug)]
pub(crate) struct Errors(pub(crate) Vec<Diagnostic>);

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, diagnostic) in self.0.iter().enumerate() {
            let between = if n == 0 { "" } else { "\n" };
            write!(f, "{between}{}", diagnostic.to_string().trim_end())?;
        }
        Ok(())
    }
}

/// serde says "unknown field `x`, expected one of `a`, `b`" (or "unknown variant"); the names stand in backticks.
fn unknown_name(message: &str) -> Option<(&str, Vec<&str>)> {
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?;
    Some((wrong, quoted.collect()))
}

/// What may have been meant by a name that is none of the known ones.
pub(crate) fn suggestion(wrong: &str, known: &[&str]) -> String {
    match nearest(wrong, known) {
        Some(right) => format!("did you mean `{right}`?"),
        None if known.is_empty() => "there is none".to_owned(),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// The known name that is a slip of the finger away, if there is one.
pub(crate) fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let (distance, name) = known.iter().map(|name| (distance(wrong, name), *name)).min()?;
    (distance <= 2 && distance < wrong.len()).then_some(name)
}

/// Levenshtein's distance; a transposition counts as two.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let above = *cell;
            left = (left + 1).min(above + 1).min(diagonal + usize::from(x != y));
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_single_letter_edits() {
        assert_eq!(distance("listen", "listen"), 0);
        assert_eq!(distance("lisen", "listen"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("lsiten", "listen"), 2);
    }

    #[test]
    fn a_diagnostic_points_at_the_name_in_its_line() {
        let text = Arc::new(Text { path: "c.toml".into(), text: "a = 1\nlisen = 2\n".into() });
        let shown = Diagnostic::new("unknown name `lisen`")
            .at(&text, 6..11)
            .help("did you mean `listen`?")
            .to_string();
        assert_eq!(
            shown,
            "error: unknown name `lisen`\n --> c.toml:2:1\n  |\n2 | lisen = 2\n  | ^^^^^ did you mean `listen`?\n"
        );
    }

    #[test]
    fn a_span_outside_the_text_does_no_harm() {
        let text = Arc::new(Text { path: "c.toml".into(), text: "é".into() });
        let shown = Diagnostic::new("x").at(&text, 1..99).to_string();
        assert!(shown.contains("c.toml:1:"), "{shown}");
    }
}
