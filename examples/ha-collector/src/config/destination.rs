//! `[[destination]]`: where messages go.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::check::Check;
use super::diagnostic::Diagnostic;
use super::entry::Entry;

/// Where messages go. Each keeps its own place in the buffer, by its id.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    pub(crate) id: String,
    pub(crate) kind: DestinationKind,
}

/// What is particular to a kind of destination.
#[derive(Clone, Debug)]
pub(crate) enum DestinationKind {
    File(FileDestination),
}

/// Files beneath a root, one a host and day.
#[derive(Clone, Debug)]
pub(crate) struct FileDestination {
    pub(crate) root: PathBuf,
}

/// Directories that destinations must keep out of, and start from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places<'p> {
    pub(super) data: &'p Path,
    pub(super) buffer: &'p Path,
}

impl Destination {
    /// Where messages go without a configuration.
    pub(super) fn standard(data: &Path) -> Vec<Self> {
        let kind = DestinationKind::File(FileDestination { root: data.join("logs") });
        vec![Self { id: "files".to_owned(), kind }]
    }

    /// What a person is told about where messages go.
    pub(crate) fn place(&self) -> String {
        match &self.kind {
            DestinationKind::File(file) => file.root.join("<host>/<YYYY-MM-DD>.log").display().to_string(),
        }
    }

    /// Reads one; what is wrong is said.
    pub(super) fn read(
        mut entry: Entry<'_>,
        seen: &mut HashSet<String>,
        places: Places<'_>,
        check: &mut Check<'_>,
    ) -> Option<Self> {
        check.unique(&entry, seen);
        if !diskbuf::Consumer::is_name(entry.id.get_ref()) {
            check.errors.push(
                Diagnostic::new("this id names a place in the buffer, and cannot do so")
                    .at(&entry.text, entry.id.span())
                    .help("1 to 64 of a-z 0-9 . _ - with a letter or digit first"),
            );
        }
        let kind = match entry.kind.get_ref().as_str() {
            "file" => {
                let keys: File = check.told(entry.own())?;
                let root = plain(&places.data.join(keys.root.unwrap_or_else(|| "logs".into())));
                DestinationKind::File(FileDestination { root })
            }
            _ => {
                check.errors.push(entry.unknown_type(&["file"]));
                return None;
            }
        };
        let this = Self { id: entry.id.get_ref().clone(), kind };
        if let Some(clash) = this.clash_with_buffer(places.buffer) {
            check.errors.push(clash.at(&entry.text, entry.id.span()));
        }
        Some(this)
    }

    fn clash_with_buffer(&self, buffer: &Path) -> Option<Diagnostic> {
        let DestinationKind::File(file) = &self.kind;
        let (root, buffer) = (&file.root, plain(buffer));
        let within = root.starts_with(&buffer) || buffer.starts_with(root);
        within.then(|| {
            let message =
                format!("{} and the buffer {} lie one in the other", root.display(), buffer.display());
            Diagnostic::new(message).help("give each its own directory")
        })
    }

    /// What it has in common with another one that both cannot have: a host may be called as any directory is.
    pub(super) fn clash_with(&self, other: &Self) -> Option<Diagnostic> {
        let (DestinationKind::File(this), DestinationKind::File(that)) = (&self.kind, &other.kind);
        let within = this.root.starts_with(&that.root) || that.root.starts_with(&this.root);
        within.then(|| {
            let message =
                format!("{} and the root of `{}` lie one in the other", this.root.display(), other.id);
            Diagnostic::new(message).help("give each its own directory")
        })
    }

    /// Nothing would be written.
    pub(super) fn none() -> Diagnostic {
        Diagnostic::new("there is no [[destination]]: nothing would be written").help(
            "[[destination]] with id = \"files\" and type = \"file\" writes <data>/logs/<host>/<date>.log",
        )
    }
}

/// Keys of `file`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    /// Messages go to `<root>/<host>/<YYYY-MM-DD>.log`. Default `logs`, beneath `data`.
    root: Option<PathBuf>,
}

/// The path without its `.`, as it is written otherwise.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|component| !matches!(component, std::path::Component::CurDir)).collect()
}
