//! syslog.conf(5) of BSD, sysklogd and rsyslog: selectors and where their messages go, said in our TOML, with a report of
//! what that could not hold.
//!
//! ```text
//! file ─ lines ─> selector, action ─> pipeline ─> TOML
//!        blocks of FreeBSD, directives of rsyslog
//! ```
//!
//! A selector line becomes one path: however many of its terms a message meets, it is written once.

mod action;
mod line;
mod selector;

use std::io;
use std::path::Path;

use self::line::Reader;
use super::pipeline::{Imported, imported};
use super::report::{Group, Report};
use super::source::{Files, Place, read_text};

/// Reads and translates one file.
///
/// # Errors
///
/// The file cannot be read.
pub(crate) fn import(path: &Path) -> io::Result<Imported> {
    Ok(translated(path, &read_text(path)?))
}

fn translated(path: &Path, (text, is_utf8): &(String, bool)) -> Imported {
    let (mut files, mut report) = (Files::default(), Report::default());
    let file = files.add(path);
    if !is_utf8 {
        report.say(Group::Wrong, Place { file, line: 1, column: 1 }, "", "this file is not UTF-8 text");
    }
    let mut reader = Reader::new(file, &mut report);
    reader.text(text);
    let pipeline = reader.finish();
    imported(path, "syslog-conf", &pipeline, &files, &mut report)
}

#[cfg(test)]
mod tests;
