//! `program`, `pipe`, `usertty`, `console`: destinations on this machine that are no files.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::super::check::Check;
use super::super::diagnostic::Diagnostic;
use super::super::entry::Entry;

/// A program that reads messages from its standard input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ProgramDestination {
    /// The program, by its absolute path, and its arguments. No shell reads it.
    pub(crate) command: Vec<String>,
}

/// A named pipe.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PipeDestination {
    pub(crate) path: PathBuf,
    /// Of a pipe that is made.
    pub(crate) mode: u32,
}

/// The terminals of users who are logged in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct UserttyDestination {
    pub(crate) users: Vec<String>,
}

/// The collector's standard output, or what stands for a console.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ConsoleDestination {
    /// `None`: standard output.
    pub(crate) path: Option<PathBuf>,
}

impl ProgramDestination {
    pub(super) fn read(entry: &mut Entry<'_>, check: &mut Check<'_>) -> Option<Self> {
        let text = entry.text.clone();
        let keys: Program = check.told(entry.own())?;
        let absolute = keys.command.get_ref().first().is_some_and(|program| program.starts_with('/'));
        let clean = keys.command.get_ref().iter().all(|word| !word.contains('\0'));
        if !absolute || !clean {
            let diagnostic = Diagnostic::new("`command` begins with the absolute path of a program")
                .at(&text, keys.command.span())
                .help("such as [\"/usr/local/bin/alert\", \"--stdin\"]; no shell reads it");
            check.errors.push(diagnostic);
        }
        Some(Self { command: keys.command.into_inner() })
    }

    /// What an acknowledgement is worth.
    pub(crate) fn promise(&self) -> String {
        "a message is delivered when the program has read it from its standard input; what it does with it is its own. When \
         it ends it is started again, and gets what it has not read"
            .to_owned()
    }
}

impl PipeDestination {
    pub(super) fn read(entry: &mut Entry<'_>, check: &mut Check<'_>) -> Option<Self> {
        let text = entry.text.clone();
        let keys: Pipe = check.told(entry.own())?;
        let mode = keys.mode.map_or(Some(0o600), |mode| {
            let parsed = u32::from_str_radix(mode.get_ref(), 8).ok().filter(|mode| *mode <= 0o777);
            if parsed.is_none() {
                let diagnostic = Diagnostic::new(format!("`{}` is no mode", mode.get_ref()))
                    .at(&text, mode.span())
                    .help("three octal digits, such as \"0600\"");
                check.errors.push(diagnostic);
            }
            parsed
        })?;
        Some(Self { path: keys.path, mode })
    }

    /// What an acknowledgement is worth.
    pub(crate) fn promise(&self) -> String {
        "a message is delivered when it is in the pipe; while nobody has the pipe open for reading, messages wait. What is in \
         it waits for the next reader while the collector runs, and is lost when it ends and nobody reads"
            .to_owned()
    }
}

impl UserttyDestination {
    pub(super) fn read(entry: &mut Entry<'_>, check: &mut Check<'_>) -> Option<Self> {
        let text = entry.text.clone();
        let keys: Usertty = check.told(entry.own())?;
        if keys.users.get_ref().is_empty() {
            let diagnostic = Diagnostic::new("`users` is empty: messages would go nowhere")
                .at(&text, keys.users.span())
                .help("[\"*\"] is everybody who is logged in");
            check.errors.push(diagnostic);
        }
        Some(Self { users: keys.users.into_inner() })
    }

    /// What an acknowledgement is worth.
    pub(crate) fn promise(&self) -> String {
        "a message is shown on the terminals that take it at that moment; where nobody is logged in, or a terminal is \
         stopped, it is dropped, and counted"
            .to_owned()
    }
}

impl ConsoleDestination {
    pub(super) fn read(entry: &mut Entry<'_>, check: &mut Check<'_>) -> Option<Self> {
        let keys: Console = check.told(entry.own())?;
        Some(Self { path: keys.path })
    }

    /// What an acknowledgement is worth.
    pub(crate) fn promise(&self) -> String {
        "a message is delivered when it was written there; while that takes nothing, messages wait".to_owned()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Program {
    command: Spanned<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Pipe {
    path: PathBuf,
    /// Of a pipe that is made. Default `0600`.
    mode: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Usertty {
    /// Names, or `*`.
    users: Spanned<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Console {
    /// Default: standard output.
    path: Option<PathBuf>,
}
