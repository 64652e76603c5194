//! Lines of TOML, each with the line that it came from.

use std::fmt::Write as _;
use std::time::Duration;

use super::report::printable;
use super::source::{Files, Place};

/// What is written.
#[derive(Debug)]
pub(super) struct Toml<'a> {
    text: String,
    files: &'a Files,
}

impl<'a> Toml<'a> {
    pub(super) fn new(files: &'a Files) -> Self {
        Self { text: String::new(), files }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    pub(super) fn comment(&mut self, comment: &str) {
        // Writing to a String does not fail, here and below.
        writeln!(self.text, "# {}", printable(comment)).ok();
    }

    /// `[header]` or `[[header]]`, after an empty line.
    pub(super) fn table(&mut self, header: &str, place: Option<Place>) {
        self.text.push('\n');
        self.line(header, place, "");
    }

    /// `key = value`, the value as TOML has it.
    pub(super) fn key(&mut self, key: &str, value: &str, place: Option<Place>) {
        self.line(&format!("{key} = {value}"), place, "");
    }

    /// The same, with a reason.
    pub(super) fn because(&mut self, key: &str, value: &str, place: Option<Place>, why: &str) {
        self.line(&format!("{key} = {value}"), place, why);
    }

    fn line(&mut self, line: &str, place: Option<Place>, why: &str) {
        self.text += line;
        let place = place.map(|place| self.files.brief(place)).unwrap_or_default();
        if !place.is_empty() || !why.is_empty() {
            let colon = if place.is_empty() || why.is_empty() { "" } else { ": " };
            write!(self.text, " # {place}{colon}{why}").ok();
        }
        self.text.push('\n');
    }

    /// A list with a line for each of its values.
    pub(super) fn list(&mut self, key: &str, place: Option<Place>, items: &[(String, Option<Place>)]) {
        self.line(&format!("{key} = ["), place, "");
        for (item, place) in items {
            self.line(&format!("    {item},"), *place, "");
        }
        self.text += "]\n";
    }
}

/// A TOML string.
pub(super) fn string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted += "\\n",
            '\t' => quoted += "\\t",
            c if c.is_control() => {
                write!(quoted, "\\u{:04X}", u32::from(c)).ok();
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A TOML list of strings.
pub(super) fn strings(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| string(text)).collect::<Vec<_>>().join(", "))
}

/// A span of time in the largest unit that says it as a whole number.
pub(super) fn span(time: Duration) -> String {
    if time.subsec_nanos() == 0 {
        format!("\"{}s\"", time.as_secs())
    } else if time.subsec_nanos().is_multiple_of(1_000_000) {
        format!("\"{}ms\"", time.as_millis())
    } else {
        format!("\"{}.{:06}s\"", time.as_secs(), time.subsec_micros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_come_back_as_they_were() {
        for text in ["", "a \"b\" \\ c", "tab\t nl\n del\u{7f} nul\0 c1\u{85}", "€ ü"] {
            let table: toml::Table = toml::from_str(&format!("x = {}", string(text))).unwrap();
            assert_eq!(table["x"].as_str(), Some(text));
        }
    }

    #[test]
    fn spans_have_the_unit_that_suits_them() {
        assert_eq!(span(Duration::from_secs(120)), "\"120s\"");
        assert_eq!(span(Duration::from_millis(1_500)), "\"1500ms\"");
        assert_eq!(span(Duration::from_micros(10)), "\"0.000010s\"");
    }
}
