//! `[[destination]]`: where messages go. What they all share is [`delivery`]; each kind has a file of its own.

mod delivery;
mod file;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::check::Check;
use super::diagnostic::Diagnostic;
use super::entry::Entry;

pub(super) use self::delivery::Keys as DeliverKeys;
pub(crate) use self::delivery::{Delivery, Format, Layout};
pub(crate) use self::file::{Compress, Every, FileDestination, FilePath, MissingDirs, Rights, Rotate, Sync};

/// Where messages go. Each keeps its own place in the buffer, by its id.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    pub(crate) id: String,
    pub(crate) deliver: Delivery,
    pub(crate) kind: DestinationKind,
}

/// What is particular to a kind of destination.
#[derive(Clone, Debug)]
pub(crate) enum DestinationKind {
    File(FileDestination),
}

/// What the entries of a configuration start from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places<'p> {
    pub(super) data: &'p Path,
    /// Directories that destinations must keep out of.
    pub(super) buffer: &'p Path,
    /// `[deliver]`.
    pub(super) deliver: &'p Delivery,
}

impl Destination {
    /// Where messages go without a configuration.
    pub(super) fn standard(data: &Path) -> Vec<Self> {
        let kind = DestinationKind::File(FileDestination::standard(data.join("logs")));
        vec![Self { id: "files".to_owned(), deliver: Delivery::default(), kind }]
    }

    /// What a person is told about where messages go.
    pub(crate) fn place(&self) -> String {
        match &self.kind {
            DestinationKind::File(file) => file.place(),
        }
    }

    /// What it is worth that the buffer lets a message go: when it does so.
    pub(crate) fn promise(&self) -> String {
        match &self.kind {
            DestinationKind::File(file) => file.promise(),
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
        let shared: DeliverKeys = check.told(entry.shared(&DeliverKeys::NAMES))?;
        let deliver = shared.over(places.deliver, &entry.text, check);
        let kind = match entry.kind.get_ref().as_str() {
            "file" => DestinationKind::File(FileDestination::read(&mut entry, places.data, check)?),
            _ => {
                check.errors.push(entry.unknown_type(&["file"]));
                return None;
            }
        };
        let this = Self { id: entry.id.get_ref().clone(), deliver, kind };
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

/// The path without its `.`, as it is written otherwise.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|component| !matches!(component, std::path::Component::CurDir)).collect()
}
