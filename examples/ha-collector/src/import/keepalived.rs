//! keepalived.conf(5): read as keepalived reads it, said in our TOML, with a report of what that could not hold.
//!
//! ```text
//! file ─ expand ─> lines ─ tree ─> statements ─ translate ─> model ─ emit ─> TOML
//!        lex: the grammar of a line        keywords: why not      advice: what will hurt
//! ```
//!
//! Nothing is refused without its name: each word of the file is in the report, as translated, as translated with changed
//! meaning, or as not supported, with the reason.

mod advice;
mod emit;
mod expand;
mod keywords;
mod lex;
mod model;
mod sequence;
mod translate;
mod tree;

use std::io;
use std::path::Path;

pub(crate) use self::emit::Health;
use self::expand::Expander;
use self::model::Node;
use self::tree::Builder;
use super::report::{Report, Usable};
use super::source::{Files, Traced};
use super::toml::Toml;
use crate::config::Config;

/// How to translate.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// What `@name` lines are compared with; keepalived's `--config-id`.
    pub(crate) config_id: String,
    pub(crate) health: Health,
}

/// A configuration that was translated.
#[derive(Debug)]
pub(crate) struct Imported {
    /// Our configuration.
    pub(crate) toml: String,
    /// Every word of theirs.
    pub(crate) report: String,
    pub(crate) usable: Usable,
    node: Node,
    files: Files,
}

/// Reads and translates one file and what it includes.
///
/// # Errors
///
/// The file cannot be read.
pub(crate) fn import(path: &Path, options: &Options) -> io::Result<Imported> {
    let (mut files, mut report) = (Files::default(), Report::default());
    let lines = Expander::new(&mut files, &mut report, &options.config_id).read(path)?;
    Ok(translated(path, options, &lines, files, report))
}

fn translated(
    path: &Path,
    options: &Options,
    lines: &[Traced],
    files: Files,
    mut report: Report,
) -> Imported {
    let mut builder = Builder::new(&mut report);
    for line in lines {
        if builder.line(line).is_break() {
            break;
        }
    }
    let statements = builder.finish();
    let whole = !report.has_wrong();
    let node = translate::translate(&statements, &mut report);
    let (body, routers) = emit::emit(&node, options.health, &files, &mut report);
    advice::alone(&node, &mut report);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut toml = Toml::new(&files);
    toml.comment(&format!(
        "Translated from {name} by `ha-collector import keepalived`; beside each key, its line there."
    ));
    let toml = toml.finish() + &body;
    let mut report = report.show(&files);
    let mut usable = if whole && routers > 0 { Usable::Yes } else { Usable::No };
    if routers == 0 {
        report += "no virtual router came out of it\n";
    } else if let Err(errors) = Config::from_text(Path::new("the translation"), toml.clone()) {
        report += &format!("our own check refuses the translation:\n{errors}\n");
        usable = Usable::No;
    }
    Imported { toml, report, usable, node, files }
}

/// What two configurations show together that one does not, a line each.
pub(crate) fn compare(first: &Imported, second: &Imported) -> Vec<String> {
    fn side(imported: &Imported) -> advice::Side<'_> {
        advice::Side { node: &imported.node, files: &imported.files }
    }
    advice::pair(side(first), side(second))
}

#[cfg(test)]
mod tests;
