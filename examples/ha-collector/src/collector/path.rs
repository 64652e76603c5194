//! Log paths: which destinations a message goes to, and what is done to it on the way there.
//!
//! The intake asks [`Routes::route`] once a message and writes the answer into the record: a bit for every way, which is
//! a path and one of its destinations. A destination that finds a bit of its own has [`Routes::replay`] do the steps of that
//! path again on the record it read, this time without asking filters. What is changed is never stored.
//!
//! Without `[[path]]` there are no [`Routes`], nothing is asked, and every record goes everywhere; but as long as the buffer
//! may hold records from when there were paths, there are routes without paths, which only know where those go.
//!
//! ```text
//! let routes = Routes::compile(&config.paths, &origins, &destinations, &mut book, &mut names)?;   // None: no [[path]]
//! let verdict = routes.route(source, &mut event, &mut scratch);          // in the intake
//! record::set_ways(&mut header, verdict.ways);
//! for way in routes.deliveries(destination, record.ways()) {             // in a destination
//!     routes.replay(way, &mut event, &mut scratch);
//!     deliver.take(&event);
//!     event.revert();
//! }
//! ```

mod condition;
mod filter;
mod parse;
mod rewrite;
mod step;
mod value;
pub(crate) mod ways;

use std::sync::Arc;

use regex::bytes::CaptureLocations;

pub(crate) use self::condition::condition;
use self::parse::{Findings, KnownNames};
use self::step::{Outcome, Pass, Steps};
use self::ways::{Book, BookError, Pair, Way};
use super::event::{Event, Names, Tag, TooMany};
use super::record::{EVERY_WAY, source_key};
use crate::config::path::{Afterwards, Offered, Path};

/// What a thread keeps from message to message, so that none of them costs an allocation. For one [`Routes`] only.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// Two values that are compared, or one that is made.
    left: Vec<u8>,
    right: Vec<u8>,
    findings: Findings,
    /// Where groups matched, by the number of the pattern.
    groups: Vec<Option<CaptureLocations>>,
}

/// A source, as paths need to know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'c> {
    pub(crate) id: &'c str,
    /// Its `tags`.
    pub(crate) tags: &'c [String],
}

/// Where a message goes, and what its paths made of it. A bit a path stands for its place in the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// For [`super::record::set_ways`]. 0: nobody wants it.
    pub(crate) ways: u64,
    /// The paths that it was offered to.
    pub(crate) offered: u64,
    /// Those of them that it went along to the end. The others filtered it out.
    pub(crate) taken: u64,
}

/// Why the paths cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CompileError {
    #[error(transparent)]
    TooMany(#[from] TooMany),
    #[error(transparent)]
    Book(#[from] BookError),
}

/// The log paths of a configuration, ready for messages. Shared by all threads.
#[derive(Clone, Debug)]
pub(crate) struct Routes(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    paths: Vec<Road>,
    /// Per source, the paths that begin there, in order: those for every message, then those with `fallback`.
    from: Vec<Departures>,
    /// By [`source_key`], the tags that every message of the source has.
    tags: Vec<(u32, Vec<Tag>)>,
    /// By the way's number, the path whose steps it takes; `None`: that path is gone.
    ways: Vec<Option<usize>>,
    /// By the place of the destination.
    to: Vec<u64>,
}

#[derive(Debug, Default)]
struct Departures {
    every: Vec<usize>,
    fallback: Vec<usize>,
}

impl Departures {
    fn of(source: usize, paths: &[Path]) -> Self {
        let offered = |offered| {
            let begins = |path: &Path| path.sources.contains(&source) && path.offered == offered;
            (0..).zip(paths).filter(|(_, path)| begins(path)).map(|(n, _)| n).collect()
        };
        Self { every: offered(Offered::Every), fallback: offered(Offered::Untaken) }
    }
}

/// A path, compiled.
#[derive(Debug)]
struct Road {
    /// In a [`Verdict`].
    bit: u64,
    steps: Steps,
    ways: u64,
    afterwards: Afterwards,
}

impl Routes {
    /// Compiles the paths of a configuration. `None`: it has none, and no record asks for one.
    ///
    /// Comes after everything else that is compiled with `names`: what parsers find becomes a field where its name is
    /// known by then.
    ///
    /// # Errors
    ///
    /// There are more names, tags or ways than there can be, or the book of ways cannot be written.
    pub(crate) fn compile(
        paths: &[Path],
        sources: &[Origin<'_>],
        destinations: &[&str],
        book: &mut Book,
        names: &mut Names,
    ) -> Result<Option<Self>, CompileError> {
        let ends = |path: &Path| -> Vec<&str> {
            path.destinations.iter().filter_map(|&to| destinations.get(to).copied()).collect()
        };
        let pair = |path: &Path, to: &str| Pair { path: path.id.clone(), destination: to.to_owned() };
        let pairs = paths.iter().flat_map(|path| ends(path).into_iter().map(move |to| pair(path, to)));
        book.enter(&pairs.collect::<Vec<_>>())?;
        if book.ways().next().is_none() {
            return Ok(None);
        }
        let mut patterns = 0;
        let mut roads = Vec::new();
        for (n, path) in (0..u64::BITS).zip(paths) {
            let steps = Steps::compile(&path.steps, names, &mut patterns)?;
            let ways = ends(path).into_iter().filter_map(|to| book.way(&path.id, to));
            let ways = ways.fold(0, |ways, way| ways | way.bit());
            roads.push(Road { bit: 1 << n, steps, ways, afterwards: path.afterwards });
        }
        let mut tags = Vec::new();
        for source in sources {
            let mut own = vec![names.tag(&format!(".source.{}", source.id))?];
            for tag in source.tags {
                own.push(names.tag(tag)?);
            }
            tags.push((source_key(source.id), own));
        }
        let known = Arc::new(KnownNames::of(names));
        roads.iter_mut().for_each(|road| road.steps.know(&known));
        let from = (0..sources.len()).map(|source| Departures::of(source, paths)).collect();
        let mut ways = vec![None; ways::MOST];
        for (way, pair) in book.ways() {
            if let Some(slot) = ways.get_mut(way.index()) {
                *slot = paths.iter().position(|path| path.id == pair.path);
            }
        }
        let leads_to = |id: &&str| {
            let own = book.ways().filter(|(_, pair)| pair.destination == **id);
            own.fold(0, |ways, (way, _)| ways | way.bit())
        };
        let to = destinations.iter().map(leads_to).collect();
        Ok(Some(Self(Arc::new(Compiled { paths: roads, from, tags, ways, to }))))
    }

    /// Whether new messages are to be routed. If not, they go everywhere, and [`Self::route`] need not be asked.
    pub(crate) fn have_paths(&self) -> bool {
        !self.0.paths.is_empty()
    }

    /// Where a message of the source at this place of the configuration goes. Leaves changes in the event.
    ///
    /// Paths see it one after the other, in their order, each as it was received. One that it went along to the end has
    /// taken it; if that one is final, nobody else sees it. Only when none of them has taken it, those with `fallback` see
    /// it, in the same way.
    pub(crate) fn route(&self, source: usize, event: &mut Event<'_>, scratch: &mut Scratch) -> Verdict {
        let mut verdict = Verdict::default();
        if !self.have_paths() {
            return Verdict { ways: EVERY_WAY, ..verdict };
        }
        let (Some(departures), Some((_, tags))) = (self.0.from.get(source), self.0.tags.get(source)) else {
            return verdict;
        };
        tags.iter().for_each(|&tag| event.set_tag(tag));
        let mut changed = false;
        for paths in [&departures.every, &departures.fallback] {
            for &n in paths {
                let Some(path) = self.0.paths.get(n) else {
                    continue;
                };
                if std::mem::replace(&mut changed, path.steps.change_something()) {
                    event.revert();
                    tags.iter().for_each(|&tag| event.set_tag(tag));
                }
                verdict.offered |= path.bit;
                if path.steps.decide(event, scratch) == Outcome::Left {
                    continue;
                }
                verdict.taken |= path.bit;
                verdict.ways |= path.ways;
                if path.afterwards == Afterwards::NoOther {
                    return verdict;
                }
            }
            if verdict.taken != 0 {
                break;
            }
        }
        verdict
    }

    /// All ways that lead to the destination at this place of the configuration, those included whose path is gone.
    pub(crate) fn ways_of(&self, destination: usize) -> u64 {
        self.0.to.get(destination).copied().unwrap_or_default()
    }

    /// The ways on which a record with these bits comes to a destination, in their order. A record from before there were
    /// paths comes once, as it was received.
    pub(crate) fn deliveries(&self, destination: usize, ways: u64) -> impl Iterator<Item = Delivery> {
        let as_received = (ways == EVERY_WAY).then_some(Delivery::AsReceived);
        let mine = if ways == EVERY_WAY { 0 } else { ways & self.ways_of(destination) };
        as_received.into_iter().chain(Way::all(mine).map(Delivery::Along))
    }

    /// Does the steps of a way's path on an event as it was received. A filter that says no now said yes when the message was
    /// routed, or was not there: it is not asked. The way of a path that is gone has no steps.
    pub(crate) fn replay(&self, delivery: Delivery, event: &mut Event<'_>, scratch: &mut Scratch) {
        let Delivery::Along(way) = delivery else {
            return;
        };
        let path = self.0.ways.get(way.index()).copied().flatten().and_then(|n| self.0.paths.get(n));
        let Some(path) = path.filter(|path| path.steps.change_something()) else {
            return;
        };
        self.tag(event);
        let _: Outcome = path.steps.run(event, scratch, Pass::Replay);
    }

    /// Gives a message the tags of its source. [`Self::replay`] does it where steps may ask for them; templates that write
    /// tags need it everywhere.
    pub(crate) fn tag(&self, event: &mut Event<'_>) {
        let source = event.record().source();
        let tags = self.0.tags.iter().find(|(key, _)| *key == source);
        tags.into_iter().flat_map(|(_, tags)| tags).for_each(|&tag| event.set_tag(tag));
    }
}

/// How a record comes to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// It was accepted when there were no paths.
    AsReceived,
    Along(Way),
}

#[cfg(test)]
mod tests;
