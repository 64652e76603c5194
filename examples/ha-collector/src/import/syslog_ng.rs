//! syslog-ng.conf(5): read as syslog-ng reads it, said in our TOML, with a report of what that could not hold.
//!
//! ```text
//! file ─ expand ─> text ─ lex, tree ─> brackets ─ statement ─> calls ─ translate ─> pipeline ─> TOML
//!        includes, definitions                                 options, sources, destinations, filters, steps, logs, blocks
//! ```
//!
//! Nothing is refused without its name: each word of the file is in the report, as translated, as translated with changed
//! meaning, or as not supported, with the reason. What is missing is said where it is missing, and reading goes on.

mod blocks;
mod destinations;
mod expand;
mod filters;
mod lex;
mod logs;
mod options;
mod sources;
mod statement;
mod steps;
mod templates;
mod translate;
mod tree;
mod value;

use std::io;
use std::path::Path;

use self::expand::{Expanded, Expander};
use self::translate::Translator;
use super::pipeline::{Imported, imported};
use super::report::{Group, Report};
use super::source::{Files, Place};

/// Reads and translates one file and what it includes.
///
/// # Errors
///
/// The file cannot be read.
pub(crate) fn import(path: &Path) -> io::Result<Imported> {
    let (mut files, mut report) = (Files::default(), Report::default());
    let expanded = Expander::new(&mut files, &mut report).read(path)?;
    Ok(translated(path, &expanded, &files, report))
}

fn translated(path: &Path, expanded: &Expanded, files: &Files, mut report: Report) -> Imported {
    if expanded.version.is_none() {
        let why = "there is no @version: syslog-ng refuses the file";
        report.say(Group::Wrong, Place::NOWHERE, "", why);
    }
    let nodes = tree::read(&expanded.text, &mut report);
    let mut translator = Translator::new(expanded, &mut report);
    translator.top(&nodes, expanded);
    translator.unused();
    translator.doubled();
    translator.defaults();
    let pipeline = translator.pipeline;
    imported(path, "syslog-ng", &pipeline, files, &mut report)
}

#[cfg(test)]
mod tests;
