//! `[[destination]]`: where messages go. What they all share is [`delivery`]; each kind has a file of its own.

mod delivery;
mod file;
mod local;
mod network;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::check::Check;
use super::diagnostic::Diagnostic;
use super::entry::Entry;

pub(super) use self::delivery::Keys as DeliverKeys;
pub(super) use self::delivery::Placed;
pub(crate) use self::delivery::{Dedupe, Delivery, Format, Layout, Stamp};
pub(crate) use self::file::{Compress, Every, FileDestination, FilePath, MissingDirs, Rights, Rotate, Sync};
pub(crate) use self::local::{ConsoleDestination, PipeDestination, ProgramDestination, UserttyDestination};
use self::network::Family;
pub(crate) use self::network::{DatagramDestination, Framing, Strategy, StreamDestination, Target};

const TYPES: [&str; 9] =
    ["file", "tcp", "udp", "unix-stream", "unix-dgram", "program", "pipe", "usertty", "console"];

/// Where messages go. Each keeps its own place in the buffer, by its id.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Destination {
    pub(crate) id: String,
    pub(crate) deliver: Delivery,
    pub(crate) kind: DestinationKind,
}

/// What is particular to a kind of destination.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum DestinationKind {
    File(FileDestination),
    Stream(StreamDestination),
    Datagram(DatagramDestination),
    Program(ProgramDestination),
    Pipe(PipeDestination),
    Usertty(UserttyDestination),
    Console(ConsoleDestination),
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
            DestinationKind::Stream(StreamDestination { to, .. })
            | DestinationKind::Datagram(DatagramDestination { to, .. }) => {
                to.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
            }
            DestinationKind::Program(program) => program.command.join(" "),
            DestinationKind::Pipe(pipe) => pipe.path.display().to_string(),
            DestinationKind::Usertty(tty) => format!("the terminals of {}", tty.users.join(", ")),
            DestinationKind::Console(ConsoleDestination { path: Some(path), .. }) => {
                path.display().to_string()
            }
            DestinationKind::Console(_) => "standard output".to_owned(),
        }
    }

    /// What it is worth that the buffer lets a message go: when it does so.
    pub(crate) fn promise(&self) -> String {
        match &self.kind {
            DestinationKind::File(file) => file.promise(),
            DestinationKind::Stream(stream) => stream.promise(),
            DestinationKind::Datagram(datagram) => datagram.promise(),
            DestinationKind::Program(program) => program.promise(),
            DestinationKind::Pipe(pipe) => pipe.promise(),
            DestinationKind::Usertty(tty) => tty.promise(),
            DestinationKind::Console(console) => console.promise(),
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
            "tcp" => DestinationKind::Stream(StreamDestination::read(&mut entry, Family::Internet, check)?),
            "unix-stream" => {
                DestinationKind::Stream(StreamDestination::read(&mut entry, Family::Unix, check)?)
            }
            "udp" => {
                DestinationKind::Datagram(DatagramDestination::read(&mut entry, Family::Internet, check)?)
            }
            "unix-dgram" => {
                DestinationKind::Datagram(DatagramDestination::read(&mut entry, Family::Unix, check)?)
            }
            "program" => DestinationKind::Program(ProgramDestination::read(&mut entry, check)?),
            "pipe" => DestinationKind::Pipe(PipeDestination::read(&mut entry, check)?),
            "usertty" => DestinationKind::Usertty(UserttyDestination::read(&mut entry, check)?),
            "console" => DestinationKind::Console(ConsoleDestination::read(&mut entry, check)?),
            _ => {
                check.errors.push(entry.unknown_type(&TYPES));
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
        let DestinationKind::File(file) = &self.kind else {
            return None;
        };
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
        let (DestinationKind::File(this), DestinationKind::File(that)) = (&self.kind, &other.kind) else {
            return None;
        };
        if let (FilePath::Fixed(one), FilePath::Fixed(two)) = (&this.path, &that.path) {
            let file = this.root.join(one);
            let same = file == that.root.join(two);
            return same.then(|| {
                let message = format!("`{}` writes {} as well", other.id, file.display());
                Diagnostic::new(message).help("one destination can be that of several paths")
            });
        }
        if matches!(this.path, FilePath::Fixed(_)) || matches!(that.path, FilePath::Fixed(_)) {
            // A host of that name has its file elsewhere: it cannot be made.
            return None;
        }
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
