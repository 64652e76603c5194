//! Another configuration while messages come: everything that can fail comes first, while everything is still as it was.
//! What fails all the same, later, leaves the rest done, and is told until a reload does it.

use std::sync::Arc;

use tracing::warn;

use super::descriptors::Descriptors;
use super::path::ways::Buffer;
use super::prepare::{self, Prepared};
use super::routing::Arrival;
use super::sources::{Bound, Passed};
use super::{Collector, StartError, asks_for_names, bind, privileges};
use crate::config::Config;

/// Why a reload is not done, or not all of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReloadError {
    /// Everything is as it was.
    #[error(transparent)]
    Refused(#[from] StartError),
    #[error("{done}; not done: {}; the next reload tries it again", failed.join("; "))]
    InPart { done: String, failed: Vec<String> },
}

impl Collector {
    /// Does what this configuration says, and opens files anew. Sources and destinations that are as they were go on with
    /// their connections, sources that are changed keep sockets and connections, and no record is lost. What was done comes
    /// in words.
    pub(crate) fn reload(&mut self, config: &Config) -> Result<String, ReloadError> {
        let result = self.exchange(config);
        match &result {
            Ok(_) => self.not_done.set(Vec::new()),
            Err(ReloadError::InPart { failed, .. }) => self.not_done.set(failed.clone()),
            Err(ReloadError::Refused(_)) => {}
        }
        result
    }

    fn exchange(&mut self, config: &Config) -> Result<String, ReloadError> {
        if !self.settled.has_places_of(config) {
            return Err(StartError::Moved.into());
        }
        let descriptors = Descriptors::share(config);
        let mut names = self.names.clone();
        let prepared = Prepared::new(config, &mut names, &self.ledger, Buffer::HoldsRecords)?;
        let Prepared { plan, openings, around } = prepared;
        let plan = Arc::new(plan);
        let all: Vec<_> = config.destinations.iter().map(|to| prepare::wanted(config, to, &around)).collect();
        let mut fresh = Vec::new();
        for opening in openings {
            let wanted = prepare::wanted(config, opening.to, &around);
            if !self.destinations.has(&wanted) {
                // One that is changed was there when the messages that wait for it were accepted; what came before a new
                // one was there is none of its business.
                let arrival =
                    if self.destinations.knows(&wanted.to.id) { Arrival::First } else { Arrival::Later };
                fresh.push((
                    wanted,
                    prepare::open(opening, &around, descriptors.files, &self.zone)?,
                    arrival,
                ));
            }
        }
        if asks_for_names(config) {
            self.sources.ask_for_names(config.received.dns_cache);
        }
        let (mut bound, in_the_way) = self.exchange_sockets(config)?;
        // From here on it is done.
        let mut failed = Vec::new();
        self.destinations.expect(&config.destinations);
        let changed = self.destinations.end_changed(&all);
        let mut started = 0;
        for (wanted, deliver, arrival) in fresh {
            let id = wanted.to.id.clone();
            match self.destinations.add(wanted, deliver, &plan, arrival) {
                Ok(()) => started += 1,
                Err(error) => failed.push(format!("destination `{id}` does not run: {error}")),
            }
        }
        // They are heard to the end by the paths that they were in; those that follow know nothing of them.
        let sources_ended = in_the_way + self.sources.keep(&config.sources, &mut bound);
        self.plans.replace(plan);
        self.names = names;
        let mut sources_started = 0;
        for bound in bound {
            let id = bound.id().to_owned();
            match self.begin(bound) {
                Ok(()) => sources_started += 1,
                Err(error) => failed.push(format!("source `{id}` is not read: {error}")),
            }
        }
        for lacking in privileges::lacking(config, privileges::When::Later) {
            warn!("{lacking}");
        }
        let ended = changed + self.destinations.release(&all);
        self.destinations.warn_of_forgotten();
        self.destinations.reopen();
        let waiting = self.settled.waiting(config);
        let waiting = if waiting.is_empty() {
            String::new()
        } else {
            format!("; what is new in {} holds from the next start on", waiting.join(", and in "))
        };
        let how = if failed.is_empty() { "reloaded" } else { "reloaded in part" };
        let done = format!(
            "{how}: {} sources ({sources_started} started, {sources_ended} ended), {} paths, {} destinations ({started} started, \
             {ended} ended); files are opened anew{waiting}",
            config.sources.len(),
            config.paths.len(),
            config.destinations.len(),
        );
        if failed.is_empty() { Ok(done) } else { Err(ReloadError::InPart { done, failed }) }
    }

    /// Binds what is new, or takes the sockets of those that will end. Where one of these is in the way it has to end first;
    /// when the new one cannot be bound then, all that have ended are started again as they were. Says how many have ended.
    fn exchange_sockets(&mut self, config: &Config) -> Result<(Vec<Bound>, usize), ReloadError> {
        let fresh = config.sources.iter().filter(|source| !self.sources.has(source));
        let (mut bound, mut hindered) = (Vec::new(), Vec::new());
        for source in fresh {
            let lent = self.sources.lend(&config.sources, source);
            let mut lent = lent.map_err(|error| StartError::bind(source, error))?;
            match bind(config, source, &mut lent) {
                Ok(one) => bound.push(one),
                Err(StartError::Bind { source: error, .. })
                    if error.kind() == std::io::ErrorKind::AddrInUse
                        && self.sources.is_in_the_way(&config.sources, source) =>
                {
                    hindered.push(source);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let mut ended = Vec::new();
        for source in hindered {
            ended.extend(self.sources.end_in_the_way(&config.sources, source));
            match bind(config, source, &mut Passed::none()) {
                Ok(one) => bound.push(one),
                Err(error) => {
                    // What was bound meanwhile is where they were.
                    drop(bound);
                    let mut failed = Vec::new();
                    for old in ended {
                        let again = bind(config, &old, &mut Passed::none()).and_then(|old| self.begin(old));
                        if let Err(again) = again {
                            warn!("could not be started again as it was: {again}");
                            failed.push(format!(
                                "source `{}`, as it was, is not read any more: {again}",
                                old.id
                            ));
                        }
                    }
                    if failed.is_empty() {
                        return Err(error.into());
                    }
                    let done = format!("nothing of the new configuration holds: {error}");
                    return Err(ReloadError::InPart { done, failed });
                }
            }
        }
        Ok((bound, ended.len()))
    }
}
