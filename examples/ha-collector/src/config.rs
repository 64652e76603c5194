//! The configuration: what the collector was asked to do, checked as a whole before anything starts.
//!
//! [`schema`] and [`entry`] are the file as it is written, [`units`] its sizes, [`diagnostic`] how a mistake is shown,
//! [`source`] and [`destination`] the parts of the collector, [`vrrp`] that of the keeper. What stands here is what the rest of the program sees: every default filled in, every path resolved.

mod check;
mod destination;
mod diagnostic;
mod entry;
pub(crate) mod path;
mod rights;
mod schema;
mod source;
mod templates;
mod units;
mod vrrp;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use self::check::Check;
use self::destination::{DeliverKeys, Placed, Places};
pub(crate) use self::diagnostic::{Diagnostic, nearest};
use self::diagnostic::{Errors, Text};
use self::entry::Entry;
use self::path::{Ends, Paths};
use self::vrrp::Findings;

pub(crate) use self::destination::{
    Compress, ConsoleDestination, DatagramDestination, Dedupe, Delivery, Destination, DestinationKind, Every,
    FileDestination, FilePath, Format, Framing, Layout, MissingDirs, PipeDestination, ProgramDestination,
    Rights, Rotate, Stamp, Strategy, StreamDestination, Sync, Target, UserttyDestination,
};
pub(crate) use self::rights::{Account, Mode};
pub(crate) use self::source::{
    DnsCache, Files, From, Hostname, Keepalive, NameForm, Naming, Pipe, Received, Source, SourceKind, Stamps,
    Streams, There, UnixPath,
};
#[cfg(test)]
pub(crate) use self::source::{Receive, Sender, Udp};
pub(crate) use self::units::{Prefixed, Size, Span};
pub(crate) use self::vrrp::{
    Announce, AtStart, Authentication, Checksum, Initial, Keeper, LinkLayer, Notify, Preempt, Process, Reach,
    Scope, Script, Sense, Track, Tracked, TrackedFile, VirtualAddress, VirtualRouter, Weight,
};

const DEFAULT_DATA: &str = "ha-collector-data";
const DEFAULT_BUFFER: Size = Size::gib(2);
const DEFAULT_SEGMENT: Size = Size::mib(64);

const SOURCE: &str = "source";
const DESTINATION: &str = "destination";
/// Tables that are read by their type.
const ENTRIES: [&str; 2] = [SOURCE, DESTINATION];

/// Beneath the data directory.
const CONTROL: &str = "control";
const POSITIONS: &str = "positions";
const WAYS: &str = "ways";

const RECEIVE: &str = "receive";

/// The pages that a segment is made of.
const SEGMENT_UNIT: u64 = 4096;

/// A configuration that makes sense.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) buffer: Buffer,
    pub(crate) sources: Vec<Source>,
    /// What all sources share.
    pub(crate) received: Received,
    /// Where sources keep how far they have read.
    pub(crate) positions: PathBuf,
    /// Which bit of a record in the buffer stands for which path and destination.
    pub(crate) ways: PathBuf,
    pub(crate) destinations: Vec<Destination>,
    /// In their order; none: every source leads to every destination.
    pub(crate) paths: Vec<path::Path>,
    /// The socket that commands speak over.
    pub(crate) control: PathBuf,
    /// `None`: this host keeps no address.
    pub(crate) keeper: Option<Keeper>,
    /// What will hurt.
    pub(crate) warnings: Errors,
}

/// The queue between sources and destinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Buffer {
    pub(crate) dir: PathBuf,
    /// Bytes on the disk, at most.
    pub(crate) max_size: Size,
    /// Bytes of one segment.
    pub(crate) segment_size: Size,
}

impl Config {
    /// What runs without a configuration: UDP and TCP on the loopback, files and buffer beneath `data`.
    pub(crate) fn standard(data: Option<&Path>) -> Self {
        let data = data.unwrap_or_else(|| Path::new(DEFAULT_DATA));
        Self {
            buffer: Buffer {
                dir: data.join("buffer"),
                max_size: DEFAULT_BUFFER,
                segment_size: DEFAULT_SEGMENT,
            },
            sources: Source::standard(),
            received: Received::default(),
            positions: data.join(POSITIONS),
            ways: data.join(WAYS),
            destinations: Destination::standard(data),
            paths: Vec::new(),
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
            write!(f, "{comma}{}", source.place())?;
        }
        f.write_str(" into ")?;
        for (n, destination) in self.destinations.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{}", destination.place())?;
        }
        for (n, path) in self.paths.iter().enumerate() {
            let comma = if n == 0 { " along " } else { ", " };
            write!(f, "{comma}{}", path.id)?;
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
    deliver: Option<(Arc<Text>, DeliverKeys)>,
    templates: BTreeMap<String, Placed>,
    /// Their [`entry`] tables are read when all else is known.
    texts: Vec<Arc<Text>>,
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
        let file = DeTable::parse(&text.text).map_err(|error| Diagnostic::from_toml(&error, &text));
        let file = file.and_then(|file| {
            let span = file.span();
            let mut table = file.into_inner();
            for name in ENTRIES.iter().chain(&path::TABLES) {
                table.remove(*name);
            }
            table.remove(RECEIVE);
            entry::read::<schema::File>(Spanned::new(span, DeValue::Table(table)), &text)
        });
        let file = match file {
            Ok(file) => file,
            Err(error) => {
                self.errors.push(error);
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
        for (name, template) in file.template {
            let span = template.span();
            if self.templates.insert(name.clone(), Placed::new(template, &text)).is_some() {
                let message = format!("the template `{name}` is given in two files");
                self.errors.push(Diagnostic::new(message).at(&text, span));
            }
        }
        if let Some(deliver) = file.deliver {
            if self.deliver.is_some() {
                self.errors
                    .push(Diagnostic::new("[deliver] is given in two files").at(&text, deliver.span()));
            }
            self.deliver = Some((Arc::clone(&text), deliver.into_inner()));
        }
        self.texts.push(Arc::clone(&text));
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
        let received = self.received();
        let sources = self.sources(&received, &data);
        let deliver = self.deliver.take().map_or_else(Delivery::default, |(text, keys)| {
            keys.over(&Delivery::default(), &text, &mut Check { errors: &mut self.errors })
        });
        let mut destinations =
            self.destinations(Places { data: &data, buffer: &buffer.dir, deliver: &deliver });
        self.errors.extend(templates::resolve(&self.templates, &mut destinations));
        let mut findings = Findings::default();
        let keeper = std::mem::take(&mut self.keeper).check(&mut findings);
        self.errors.append(&mut findings.errors);
        let mut paths = self.paths();
        self.errors.append(&mut paths.errors);
        findings.warnings.append(&mut paths.warnings);
        // A keeper alone is a keeper for any service.
        let keeper_alone = keeper.is_some() && sources.is_empty() && destinations.is_empty();
        let nothing_read = nothing_read || keeper_alone;
        if !nothing_read && sources.is_empty() {
            self.errors.push(Source::none());
        }
        if !nothing_read && destinations.is_empty() {
            self.errors.push(Destination::none());
        }
        if self.errors.is_empty() {
            let control = data.join(CONTROL);
            let positions = data.join(POSITIONS);
            let ways = data.join(WAYS);
            let warnings = Errors(findings.warnings);
            let paths = paths.paths;
            Ok(Config {
                buffer,
                sources,
                received,
                positions,
                ways,
                destinations,
                paths,
                control,
                keeper,
                warnings,
            })
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
        let segment_size = Check { errors: &mut self.errors }.size(
            &text,
            buffer.segment_size,
            DEFAULT_SEGMENT,
            Size::kib(64)..Size(Size::gib(1).0 + 1),
        );
        if !segment_size.0.is_multiple_of(SEGMENT_UNIT) {
            let message = format!("{segment_size} is no multiple of {SEGMENT_UNIT} bytes");
            self.errors.push(Diagnostic::new(message).at(&text, segment_span.unwrap_or_default()));
        }
        // The active segment, one that is being read, one that is being made, and the small files beside them.
        let least = Size(segment_size.0.saturating_mul(3).saturating_add(Size::mib(1).0));
        let max_size = Check { errors: &mut self.errors }.size(
            &text,
            buffer.max_size,
            DEFAULT_BUFFER,
            least..Size(u64::MAX),
        );
        Buffer { dir, max_size, segment_size }
    }

    fn received(&mut self) -> Received {
        let mut found = None;
        for text in &self.texts {
            let Some(table) =
                DeTable::parse(&text.text).ok().and_then(|file| file.into_inner().remove(RECEIVE))
            else {
                continue;
            };
            if found.is_some() {
                let again = Diagnostic::new("[receive] is given in two files").at(text, table.span());
                self.errors.push(again);
            }
            found = Received::read(table, text, &mut Check { errors: &mut self.errors }).or(found);
        }
        found.unwrap_or_default()
    }

    fn sources(&mut self, received: &Received, data: &Path) -> Vec<Source> {
        let mut seen = HashSet::new();
        let mut sources = Vec::new();
        for text in std::mem::take(&mut self.texts) {
            for entry in entries(SOURCE, &text, &mut self.errors) {
                sources.extend(Source::read(
                    entry,
                    &mut seen,
                    received,
                    data,
                    &mut Check { errors: &mut self.errors },
                ));
            }
            self.texts.push(text);
        }
        for source in sources.iter().filter(|source| source.kind.streams().is_some()) {
            if source.max_message > received.max_held {
                let message = format!(
                    "`{}` takes messages longer than what all connections together may hold (max-held)",
                    source.id
                );
                self.errors.push(Diagnostic::new(message));
            }
        }
        if sources.iter().filter(|source: &&Source| source.kind == SourceKind::Internal).count() > 1 {
            self.errors
                .push(Diagnostic::new("there are two [[source]] of type `internal`: one hears everything"));
        }
        sources
    }

    fn paths(&self) -> Paths {
        let (sources, _) = ids(SOURCE, "", &self.texts);
        let (destinations, dedupe) = ids(DESTINATION, "dedupe", &self.texts);
        Paths::read(&self.texts, Ends { sources: &sources, destinations: &destinations, dedupe: &dedupe })
    }

    fn destinations(&mut self, places: Places<'_>) -> Vec<Destination> {
        let mut seen = HashSet::new();
        let mut destinations: Vec<Destination> = Vec::new();
        for text in &self.texts {
            for entry in entries(DESTINATION, text, &mut self.errors) {
                let at = entry.id.span();
                let mut check = Check { errors: &mut self.errors };
                let Some(read) = Destination::read(entry, &mut seen, places, &mut check) else {
                    continue;
                };
                let clash = destinations.iter().find_map(|other| read.clash_with(other));
                self.errors.extend(clash.map(|clash| clash.at(text, at)));
                destinations.push(read);
            }
        }
        destinations
    }
}

/// The ids of these entries, and of those that say `key = true`. What is wrong with them is said elsewhere.
fn ids(name: &str, key: &str, texts: &[Arc<Text>]) -> (Vec<String>, Vec<String>) {
    let (mut all, mut keyed) = (Vec::new(), Vec::new());
    for file in texts.iter().filter_map(|text| DeTable::parse(&text.text).ok()) {
        let file = file.into_inner();
        let Some(DeValue::Array(entries)) = file.get(name).map(Spanned::get_ref) else {
            continue;
        };
        for entry in entries {
            let DeValue::Table(table) = entry.get_ref() else {
                continue;
            };
            let Some(DeValue::String(id)) = table.get("id").map(Spanned::get_ref) else {
                continue;
            };
            all.push(id.to_string());
            if let Some(DeValue::Boolean(true)) = table.get(key).map(Spanned::get_ref) {
                keyed.push(id.to_string());
            }
        }
    }
    (all, keyed)
}

/// The entries of that name in a text that could be read before.
fn entries<'t>(name: &'static str, text: &'t Arc<Text>, errors: &mut Vec<Diagnostic>) -> Vec<Entry<'t>> {
    match DeTable::parse(&text.text) {
        Ok(file) => Entry::take_all(name, &mut file.into_inner(), text, errors),
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
