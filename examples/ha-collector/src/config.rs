//! The configuration: what the collector was asked to do, checked as a whole before anything starts.
//!
//! [`schema`] is the file as it is written, [`units`] its sizes, [`diagnostic`] how a mistake is shown, [`vrrp`] the part
//! of the keeper. What stands here is what the rest of the program sees: every default filled in, every path resolved.

mod diagnostic;
mod schema;
mod units;
mod vrrp;

use std::collections::HashMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;

use self::diagnostic::{Diagnostic, Errors, Text};
use self::units::Size;
use self::vrrp::Findings;

pub(crate) use self::units::Span;
pub(crate) use self::vrrp::{
    Announce, AtStart, Authentication, Checksum, Initial, Keeper, LinkLayer, Notify, Preempt, Process, Reach,
    Scope, Script, Sense, Track, Tracked, TrackedFile, VirtualAddress, VirtualRouter, Weight,
};

/// The port that needs no privilege; 514 is the one of RFC 5426.
const DEFAULT_PORT: u16 = 5514;
const DEFAULT_DATA: &str = "ha-collector-data";
const DEFAULT_MAX_MESSAGE: Size = Size::kib(64);
const DEFAULT_RECEIVE_BUFFER: Size = Size::mib(16);
const DEFAULT_MAX_CONNECTIONS: u32 = 10_000;
const DEFAULT_BUFFER: Size = Size::gib(2);
const DEFAULT_SEGMENT: Size = Size::mib(64);

/// Beneath the data directory.
const CONTROL: &str = "control";

/// The pages that a segment is made of.
const SEGMENT_UNIT: u64 = 4096;

/// RFC 5424 §6.1: a receiver must be able to accept 480 octets.
const SMALLEST_MAX_MESSAGE: Size = Size(480);
/// A message has to fit into a buffer segment with room to spare.
const LARGEST_MAX_MESSAGE: Size = Size::mib(16);

/// A configuration that makes sense.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) buffer: Buffer,
    pub(crate) sources: Vec<Source>,
    pub(crate) destinations: Vec<FileDestination>,
    /// The socket that commands speak over.
    pub(crate) control: PathBuf,
    /// `None`: this host keeps no address.
    pub(crate) keeper: Option<Keeper>,
    /// What will hurt.
    pub(crate) warnings: Errors,
}

/// The queue between sources and destinations.
#[derive(Debug)]
pub(crate) struct Buffer {
    pub(crate) dir: PathBuf,
    /// Bytes on the disk, at most.
    pub(crate) max_size: Size,
    /// Bytes of one segment.
    pub(crate) segment_size: Size,
}

/// A socket that messages come from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) id: String,
    pub(crate) listen: SocketAddr,
    /// In bytes; longer messages are cut.
    pub(crate) max_message: usize,
    pub(crate) transport: Transport,
}

/// What is particular to a transport.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Transport {
    Udp {
        /// Bytes asked of the kernel (SO_RCVBUF).
        receive_buffer: usize,
    },
    Tcp {
        framing: syslog_parse::Framing,
        /// Open at the same time.
        max_connections: usize,
    },
}

impl Transport {
    /// Its name in the configuration, the ready line and the ledger.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Udp { .. } => "udp",
            Self::Tcp { .. } => "tcp",
        }
    }
}

/// Files beneath a root, one a host and day.
#[derive(Clone, Debug)]
pub(crate) struct FileDestination {
    pub(crate) id: String,
    pub(crate) root: PathBuf,
}

impl Config {
    /// What runs without a configuration: UDP and TCP on the loopback, files and buffer beneath `data`.
    pub(crate) fn standard(data: Option<&Path>) -> Self {
        let data = data.unwrap_or_else(|| Path::new(DEFAULT_DATA));
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT));
        let source = |id: &str, transport| Source {
            id: id.to_owned(),
            listen,
            max_message: to_usize(DEFAULT_MAX_MESSAGE),
            transport,
        };
        Self {
            buffer: Buffer {
                dir: data.join("buffer"),
                max_size: DEFAULT_BUFFER,
                segment_size: DEFAULT_SEGMENT,
            },
            sources: vec![
                source("udp", Transport::Udp { receive_buffer: to_usize(DEFAULT_RECEIVE_BUFFER) }),
                source(
                    "tcp",
                    Transport::Tcp {
                        framing: syslog_parse::Framing::Auto,
                        max_connections: DEFAULT_MAX_CONNECTIONS as usize,
                    },
                ),
            ],
            destinations: vec![FileDestination { id: "files".to_owned(), root: data.join("logs") }],
            control: data.join(CONTROL),
            keeper: None,
            warnings: Errors(Vec::new()),
        }
    }

    /// Checks a text as if it were a file.
    pub(crate) fn from_text(path: &Path, text: String) -> Result<Self, Errors> {
        let mut builder = Builder::default();
        builder.text(Text { path: path.to_path_buf(), text });
        builder.finish(None)
    }

    /// Reads the files and checks the whole. `data`, from the command line, wins over the key of that name.
    pub(crate) fn load(paths: &[PathBuf], data: Option<&Path>) -> Result<Self, Errors> {
        let mut builder = Builder::default();
        for path in expand(paths, &mut builder.errors) {
            builder.read(path);
        }
        builder.finish(data)
    }
}

/// One line for a person: what this configuration would do.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(keeper) = &self.keeper {
            for (n, router) in keeper.routers.iter().enumerate() {
                let comma = if n == 0 { "keeps " } else { ", " };
                let addresses = router.addresses.iter().map(|address| address.address.to_string());
                write!(f, "{comma}{} on {}", addresses.collect::<Vec<_>>().join(" and "), router.interface)?;
            }
            if self.sources.is_empty() {
                return Ok(());
            }
            f.write_str("; ")?;
        }
        for (n, source) in self.sources.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{} {}", source.transport.name(), source.listen)?;
        }
        f.write_str(" into ")?;
        for (n, destination) in self.destinations.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{}", destination.root.join("<host>/<YYYY-MM-DD>.log").display())?;
        }
        write!(f, ", buffer {} of at most {}", self.buffer.dir.display(), self.buffer.max_size)
    }
}

/// A directory stands for its `*.toml`, in the order of their names.
fn expand(paths: &[PathBuf], errors: &mut Vec<Diagnostic>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let listed = std::fs::read_dir(path).and_then(|entries| {
            let mut found = Vec::new();
            for entry in entries {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "toml") {
                    found.push(path);
                }
            }
            found.sort();
            Ok(found)
        });
        match listed {
            Ok(found) if found.is_empty() => {
                errors.push(Diagnostic::new(format!("no *.toml in the directory {}", path.display())));
            }
            Ok(found) => files.extend(found),
            Err(error) => {
                errors
                    .push(Diagnostic::new(format!("cannot list the directory {}: {error}", path.display())));
            }
        }
    }
    files
}

/// What was read so far, and what is wrong with it.
#[derive(Debug, Default)]
struct Builder {
    errors: Vec<Diagnostic>,
    data: Option<PathBuf>,
    buffer: Option<(Arc<Text>, schema::Buffer)>,
    sources: Vec<(Arc<Text>, Spanned<schema::Source>)>,
    destinations: Vec<(Arc<Text>, Spanned<schema::Destination>)>,
    keeper: vrrp::Given,
}

impl Builder {
    fn read(&mut self, path: PathBuf) {
        match std::fs::read_to_string(&path) {
            Ok(text) => self.text(Text { path, text }),
            Err(error) => {
                self.errors.push(Diagnostic::new(format!("cannot read {}: {error}", path.display())));
            }
        }
    }

    fn text(&mut self, text: Text) {
        let text = Arc::new(text);
        let file: schema::File = match toml::from_str(&text.text) {
            Ok(file) => file,
            Err(error) => {
                self.errors.push(Diagnostic::from_toml(&error, &text));
                return;
            }
        };
        if let Some(data) = file.data {
            if self.data.is_some() {
                self.errors.push(Diagnostic::new("`data` is set twice").at(&text, data.span()));
            }
            self.data = Some(data.into_inner());
        }
        if let Some(buffer) = file.buffer {
            if self.buffer.is_some() {
                self.errors.push(Diagnostic::new("[buffer] is given in two files").at(&text, buffer.span()));
            }
            self.buffer = Some((Arc::clone(&text), buffer.into_inner()));
        }
        self.sources.extend(file.source.into_iter().map(|source| (Arc::clone(&text), source)));
        self.destinations
            .extend(file.destination.into_iter().map(|destination| (Arc::clone(&text), destination)));
        if let Some(keeper) = file.keeper {
            if self.keeper.keeper.is_some() {
                self.errors
                    .push(Diagnostic::new(format!("[keeper] is given again in {}", text.path.display())));
            }
            self.keeper.keeper = Some((Arc::clone(&text), keeper));
        }
        self.keeper.routers.extend(file.vrrp.into_iter().map(|vrrp| (Arc::clone(&text), vrrp)));
        self.keeper.scripts.extend(file.track_script.into_iter().map(|script| (Arc::clone(&text), script)));
        self.keeper
            .processes
            .extend(file.track_process.into_iter().map(|process| (Arc::clone(&text), process)));
        self.keeper.files.extend(file.track_file.into_iter().map(|file| (Arc::clone(&text), file)));
        self.keeper.groups.extend(file.sync_group.into_iter().map(|group| (Arc::clone(&text), group)));
    }

    fn finish(mut self, data: Option<&Path>) -> Result<Config, Errors> {
        let data =
            data.map(Path::to_path_buf).or_else(|| self.data.take()).unwrap_or_else(|| DEFAULT_DATA.into());
        let nothing_read = !self.errors.is_empty();
        let buffer = self.buffer(&data);
        let sources = self.sources();
        let destinations = self.destinations(&data, &buffer.dir);
        let mut findings = Findings::default();
        let keeper = std::mem::take(&mut self.keeper).check(&mut findings);
        self.errors.append(&mut findings.errors);
        // A keeper alone is a keeper for any service.
        let keeper_alone = keeper.is_some() && sources.is_empty() && destinations.is_empty();
        let nothing_read = nothing_read || keeper_alone;
        if !nothing_read && sources.is_empty() {
            self.errors.push(
                Diagnostic::new("there is no [[source]]: nothing would be received")
                    .help("without --config the collector listens on 127.0.0.1:5514, UDP and TCP"),
            );
        }
        if !nothing_read && destinations.is_empty() {
            self.errors.push(
                Diagnostic::new("there is no [[destination]]: nothing would be written")
                    .help("[[destination]] with id = \"files\" and type = \"file\" writes <data>/logs/<host>/<date>.log"),
            );
        }
        if self.errors.is_empty() {
            let control = data.join(CONTROL);
            Ok(Config { buffer, sources, destinations, control, keeper, warnings: Errors(findings.warnings) })
        } else {
            Err(Errors(self.errors))
        }
    }

    fn buffer(&mut self, data: &Path) -> Buffer {
        let Some((text, buffer)) = self.buffer.take() else {
            return Buffer {
                dir: data.join("buffer"),
                max_size: DEFAULT_BUFFER,
                segment_size: DEFAULT_SEGMENT,
            };
        };
        let dir = data.join(buffer.dir.unwrap_or_else(|| "buffer".into()));
        let segment_span = buffer.segment_size.as_ref().map(Spanned::span);
        let segment_size =
            self.size(&text, buffer.segment_size, DEFAULT_SEGMENT, Size::kib(64)..Size(Size::gib(1).0 + 1));
        if !segment_size.0.is_multiple_of(SEGMENT_UNIT) {
            let message = format!("{segment_size} is no multiple of {SEGMENT_UNIT} bytes");
            self.errors.push(Diagnostic::new(message).at(&text, segment_span.unwrap_or_default()));
        }
        // The active segment, one that is being read, one that is being made, and the small files beside them.
        let least = Size(segment_size.0.saturating_mul(3).saturating_add(Size::mib(1).0));
        let max_size = self.size(&text, buffer.max_size, DEFAULT_BUFFER, least..Size(u64::MAX));
        Buffer { dir, max_size, segment_size }
    }

    fn sources(&mut self) -> Vec<Source> {
        let mut ids = HashMap::new();
        let mut sources = Vec::new();
        for (text, source) in std::mem::take(&mut self.sources) {
            let source = source.into_inner();
            self.unique(&text, &source.id, &mut ids);
            let max_message = self.size(
                &text,
                source.max_message,
                DEFAULT_MAX_MESSAGE,
                SMALLEST_MAX_MESSAGE..Size(LARGEST_MAX_MESSAGE.0 + 1),
            );
            let transport = match source.kind.into_inner() {
                schema::SourceKind::Udp => {
                    self.not_for("udp", "framing", &text, source.framing.as_ref().map(Spanned::span));
                    self.not_for(
                        "udp",
                        "max-connections",
                        &text,
                        source.max_connections.as_ref().map(Spanned::span),
                    );
                    let asked = self.size(
                        &text,
                        source.receive_buffer,
                        DEFAULT_RECEIVE_BUFFER,
                        Size::kib(4)..Size::gib(2),
                    );
                    Transport::Udp { receive_buffer: to_usize(asked) }
                }
                schema::SourceKind::Tcp => {
                    self.not_for(
                        "tcp",
                        "receive-buffer",
                        &text,
                        source.receive_buffer.as_ref().map(Spanned::span),
                    );
                    let framing = match source.framing.map_or(schema::Framing::Auto, Spanned::into_inner) {
                        schema::Framing::Auto => syslog_parse::Framing::Auto,
                        schema::Framing::Lf => syslog_parse::Framing::Lf,
                        schema::Framing::OctetCounting => syslog_parse::Framing::OctetCounting,
                    };
                    let max_connections =
                        source.max_connections.map_or(DEFAULT_MAX_CONNECTIONS, Spanned::into_inner) as usize;
                    Transport::Tcp { framing, max_connections }
                }
            };
            sources.push(Source {
                id: source.id.into_inner(),
                listen: source.listen.into_inner(),
                max_message: to_usize(max_message),
                transport,
            });
        }
        sources
    }

    fn destinations(&mut self, data: &Path, buffer: &Path) -> Vec<FileDestination> {
        let mut ids = HashMap::new();
        let mut destinations: Vec<FileDestination> = Vec::new();
        for (text, destination) in std::mem::take(&mut self.destinations) {
            let destination = destination.into_inner();
            self.unique(&text, &destination.id, &mut ids);
            if !diskbuf::Consumer::is_name(destination.id.get_ref()) {
                self.errors.push(
                    Diagnostic::new("this id names a place in the buffer, and cannot do so")
                        .at(&text, destination.id.span())
                        .help("1 to 64 of a-z 0-9 . _ - with a letter or digit first"),
                );
            }
            let schema::DestinationKind::File = destination.kind.into_inner();
            let root = plain(&data.join(destination.root.unwrap_or_else(|| "logs".into())));
            // A host may be called as any directory is.
            let within = |other: &Path| root.starts_with(other) || other.starts_with(&root);
            let clash = if within(&plain(buffer)) {
                Some(format!("{} and the buffer {} lie one in the other", root.display(), buffer.display()))
            } else {
                let other = destinations.iter().find(|other| within(&other.root));
                other.map(|other| {
                    format!("{} and the root of `{}` lie one in the other", root.display(), other.id)
                })
            };
            if let Some(clash) = clash {
                self.errors.push(
                    Diagnostic::new(clash)
                        .at(&text, destination.id.span())
                        .help("give each its own directory"),
                );
            }
            destinations.push(FileDestination { id: destination.id.into_inner(), root });
        }
        destinations
    }

    /// A size within `range`, or the default; what is outside is said at its place.
    fn size(
        &mut self,
        text: &Arc<Text>,
        given: Option<Spanned<Size>>,
        default: Size,
        range: Range<Size>,
    ) -> Size {
        let Some(given) = given else {
            return default.max(range.start);
        };
        let size = *given.get_ref();
        if !range.contains(&size) {
            let bound = if size < range.start {
                format!("at least {}", range.start)
            } else {
                format!("at most {}", Size(range.end.0 - 1))
            };
            self.errors
                .push(Diagnostic::new(format!("{size} is out of range")).at(text, given.span()).help(bound));
        }
        size
    }

    fn unique(&mut self, text: &Arc<Text>, id: &Spanned<String>, seen: &mut HashMap<String, ()>) {
        if id.get_ref().is_empty() {
            self.errors.push(Diagnostic::new("an id cannot be empty").at(text, id.span()));
        }
        if seen.insert(id.get_ref().clone(), ()).is_some() {
            self.errors.push(
                Diagnostic::new(format!("the id `{}` is used twice", id.get_ref())).at(text, id.span()),
            );
        }
    }

    fn not_for(&mut self, kind: &str, key: &str, text: &Arc<Text>, span: Option<Range<usize>>) {
        if let Some(span) = span {
            self.errors.push(Diagnostic::new(format!("a {kind} source has no `{key}`")).at(text, span));
        }
    }
}

/// The path without its `.`, as it is written otherwise.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|component| !matches!(component, std::path::Component::CurDir)).collect()
}

/// Sizes are checked against bounds far below 4 GiB before they get here.
fn to_usize(size: Size) -> usize {
    usize::try_from(size.0).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
