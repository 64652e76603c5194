//! From a configuration to what runs, as far as that goes without starting anything: templates and paths are compiled, roots
//! are opened. What is wrong comes out here, while everything is still as it was.

use std::sync::Arc;

use diskbuf::Behind;
use syslog_parse::IanaZone;

use super::StartError;
use super::destinations::running::Wanted;
use super::destinations::{self, Deliver, Opening};
use super::event::Names;
use super::ledger::Ledger;
use super::path::ways::{Book, Buffer};
use super::path::{Origin, Routes};
use super::routing::Plan;
use super::template::Surroundings;
use crate::config::path::WhenFull;
use crate::config::{Config, Destination, DestinationKind, FilePath, Format, Layout};

/// A configuration, compiled.
#[derive(Debug)]
pub(super) struct Prepared<'c> {
    pub(super) plan: Plan,
    /// Of every destination, in its order.
    pub(super) openings: Vec<Opening<'c>>,
    pub(super) around: Arc<Surroundings>,
}

impl<'c> Prepared<'c> {
    /// Compiles it. `names` grows by what is new in it.
    pub(super) fn new(
        config: &'c Config,
        names: &mut Names,
        ledger: &Ledger,
        holds: Buffer,
    ) -> Result<Self, StartError> {
        let openings = templates(config, names)?;
        let sources: Vec<Origin<'_>> =
            config.sources.iter().map(|source| Origin { id: &source.id, tags: &source.tags }).collect();
        let destinations: Vec<&str> = config.destinations.iter().map(|to| to.id.as_str()).collect();
        let failed = |source| StartError::Paths { source };
        let mut book = Book::open(&config.ways, holds).map_err(|error| failed(error.into()))?;
        let routes =
            Routes::compile(&config.paths, &sources, &destinations, &mut book, names).map_err(failed)?;
        let ids = config.sources.iter().map(|source| source.id.as_str());
        let around = Arc::new(Surroundings::new(names.clone(), ids.clone()));
        let plan = Plan {
            routes,
            sources: ids.map(super::record::source_key).collect(),
            destinations: destinations.into_iter().map(str::to_owned).collect(),
            paths: config.paths.iter().map(|path| ledger.open_path(&path.id)).collect(),
        };
        Ok(Self { plan, openings, around })
    }
}

/// Compiles the templates of all destinations.
pub(super) fn templates<'c>(config: &'c Config, names: &mut Names) -> Result<Vec<Opening<'c>>, StartError> {
    let compile = |to: &'c Destination| {
        let opening = Opening::compile(to, names);
        opening.map_err(|source| StartError::Template { id: to.id.clone(), source })
    };
    config.destinations.iter().map(compile).collect()
}

/// Makes the directories that files are written beneath, so that what cannot be is said before anything else is made.
pub(super) fn roots(config: &Config) -> Result<(), StartError> {
    for to in &config.destinations {
        if let DestinationKind::File(file) = &to.kind {
            destinations::file::prepare_root(file).map_err(|source| StartError::Root {
                id: to.id.clone(),
                root: file.root.clone(),
                source,
            })?;
        }
    }
    Ok(())
}

/// Makes a destination ready.
pub(super) fn open(
    opening: Opening<'_>,
    around: &Arc<Surroundings>,
    files: usize,
    zone: &IanaZone,
) -> Result<Box<dyn Deliver>, StartError> {
    let (id, place) = (opening.to.id.clone(), opening.to.place());
    destinations::open(opening, around, files, zone).map_err(|source| StartError::Destination {
        id,
        place,
        source,
    })
}

/// A destination, and what its backlog does to a full buffer: senders wait for it where a path says so, and where there are
/// no paths. Templates that write names of sources, tags and fields are other ones where those are others.
pub(super) fn wanted(config: &Config, to: &Destination, around: &Arc<Surroundings>) -> Wanted {
    let leads_here = |destinations: &[usize]| {
        destinations.iter().filter_map(|&at| config.destinations.get(at)).any(|other| other.id == to.id)
    };
    let mut paths = config.paths.iter().filter(|path| leads_here(&path.destinations)).peekable();
    let waits = paths.peek().is_none() || paths.any(|path| path.when_full == WhenFull::SendersWait);
    let behind = if waits { Behind::Keeps } else { Behind::Loses };
    let writes_names = matches!(to.deliver.layout, Layout::Template(_) | Layout::Format(Format::Json))
        || matches!(&to.kind, DestinationKind::File(file) if matches!(file.path, FilePath::Template(_)));
    Wanted { to: to.clone(), behind, around: writes_names.then(|| Arc::clone(around)) }
}
