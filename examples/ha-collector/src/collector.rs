//! The collector: sources, the buffer, destinations, and the order in which they start and stop.
//!
//! A message goes socket → [`intake`] → buffer → destination. A source thread never waits for a destination; they
//! meet only in the buffer, a [`diskbuf::Queue`] of [`record`]s. Every message is accounted for in the [`ledger`].

mod backlog;
mod buffer;
mod casualty;
mod descriptors;
mod destinations;
mod event;
mod intake;
mod ledger;
mod limit;
mod names;
mod path;
mod prepare;
mod reception;
mod record;
mod routing;
mod settled;
mod sources;
mod stop;
mod template;
mod vitals;

use std::io;
use std::path::PathBuf;

use diskbuf::Queue;
use syslog_parse::IanaZone;
use tokio::runtime::Runtime;
use tracing::warn;

pub(crate) use self::backlog::{Backlog, Consent, orphaned};
pub(crate) use self::casualty::Casualty;
use self::descriptors::Descriptors;
use self::destinations::running::{Around, Destinations};
use self::event::Names as FieldNames;
pub(crate) use self::ledger::Balance;
use self::ledger::Ledger;
use self::names::Names;
use self::path::ways::Buffer;
use self::prepare::Prepared;
use self::reception::Machine;
use self::routing::{Arrival, Plans};
use self::settled::Settled;
use self::sources::{Bound, Held, Passed, Sources, Surroundings};
pub(crate) use self::sources::{Ear, Whose};
use self::stop::Stop;
pub(crate) use self::vitals::Vitals;
use crate::config::{Config, Naming};

/// Why the collector did not start, or did not change. Nothing is running then that was not before, and nothing was
/// accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("cannot listen on {place} (source `{id}`): {source}{}", bind_hint(.source))]
    Bind { id: String, place: String, source: io::Error },
    #[error("cannot write logs beneath {} (destination `{id}`): {source}", root.display())]
    Root { id: String, root: PathBuf, source: io::Error },
    #[error("cannot write to {place} (destination `{id}`): {source}")]
    Destination { id: String, place: String, source: io::Error },
    #[error("destination `{id}`: {source}")]
    Template { id: String, source: template::TemplateError },
    #[error("cannot use the paths: {source}")]
    Paths { source: path::CompileError },
    #[error("cannot open the buffer {}: {message}", dir.display())]
    Buffer { dir: PathBuf, message: String },
    #[error("the data cannot be elsewhere while it runs: stop it, move them, and start it again")]
    Moved,
    #[error("cannot start a thread: {source}")]
    Thread { source: io::Error },
}

fn bind_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "\n  another program listens there; `ss -lntup` names it",
        io::ErrorKind::PermissionDenied => {
            "\n  ports below 1024 need CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE)"
        }
        io::ErrorKind::AddrNotAvailable => "\n  no interface of this machine has that address",
        _ => "",
    }
}

/// A running collector.
#[derive(Debug)]
pub(crate) struct Collector {
    queue: Queue,
    ledger: Ledger,
    runtime: Option<Runtime>,
    sources: Sources,
    destinations: Destinations,
    plans: Plans,
    /// All names that any configuration of this process had: what was compiled with them goes on.
    names: FieldNames,
    give_up: Stop,
    zone: IanaZone,
    settled: Settled,
}

impl Collector {
    /// Binds the sockets: the one thing that may need a privilege, and the first, so that whoever finds the port taken
    /// has created no directory. To be called before anything else opens a file: sockets may have been passed.
    pub(crate) fn bind(config: &Config, sockets: Whose) -> Result<BoundSources, StartError> {
        let mut passed = Passed::take(sockets);
        let mut bound = Vec::new();
        for source in &config.sources {
            bound.push(bind(config, source, &mut passed)?);
        }
        Ok(BoundSources { bound, unused: passed.unused() })
    }

    /// Opens and starts everything, or nothing.
    pub(crate) fn start(
        config: &Config,
        BoundSources { bound, unused }: BoundSources,
        runtime: Runtime,
    ) -> Result<(Self, Casualty), StartError> {
        for socket in unused {
            warn!("the service manager passed a socket that no source asks for: {socket}");
        }
        let descriptors = Descriptors::share(config);
        let machine = machine(config);
        let zone = machine.zone.clone();
        let mut names = FieldNames::default();
        // Before the buffer is made: whoever finds a mistake here has created no directory.
        prepare::templates(config, &mut names.clone())?;
        prepare::roots(config)?;
        let queue = buffer::open(config)?;
        let status = queue.status();
        let ledger = Ledger::new(status.next_seq.as_u64());
        let holds = if status.consumers.iter().all(|consumer| consumer.lag == 0) {
            Buffer::Empty
        } else {
            Buffer::HoldsRecords
        };
        let Prepared { plan, openings, around } = Prepared::new(config, &mut names, &ledger, holds)?;
        let plans = Plans::new(plan);
        let (dead, casualty) = tokio::sync::mpsc::unbounded_channel();
        let give_up = Stop::default();
        let sources = Sources::new(Surroundings {
            queue: queue.clone(),
            ledger: ledger.clone(),
            plans: plans.clone(),
            machine,
            runtime: runtime.handle().clone(),
            give_up: give_up.clone(),
            dead: dead.clone(),
            held: Held::new(config.received.max_held),
            positions: config.positions.clone(),
            connections_of_one: descriptors.connections_of_one,
        });
        let destinations = Destinations::new(Around {
            queue: queue.clone(),
            ledger: ledger.clone(),
            plans: plans.clone(),
            dead,
            buffer: config.buffer.dir.clone(),
            drain: Stop::default(),
        });
        let runtime = Some(runtime);
        let settled = Settled::by(config);
        let mut this =
            Self { queue, ledger, runtime, sources, destinations, plans, names, give_up, zone, settled };
        let mut started = Ok(());
        for opening in openings {
            let wanted = prepare::wanted(config, opening.to, &around);
            started = prepare::open(opening, &around, descriptors.files, &this.zone)
                .and_then(|deliver| this.destinations.add(wanted, deliver, Arrival::First));
            if started.is_err() {
                break;
            }
        }
        if started.is_ok() {
            this.destinations.expect(&config.destinations);
            this.destinations.warn_of_forgotten();
            started = bound.into_iter().try_for_each(|bound| this.begin(bound));
        }
        match started {
            Ok(()) => Ok((this, casualty)),
            Err(error) => {
                this.stop();
                Err(error)
            }
        }
    }

    fn begin(&mut self, bound: Bound) -> Result<(), StartError> {
        self.sources.add(bound).map_err(|source| StartError::Thread { source })
    }

    /// What listens, such as `udp 127.0.0.1:5514`.
    pub(crate) fn listening(&self) -> Vec<String> {
        self.sources.listening()
    }

    /// How it is, for others to look at while it runs.
    pub(crate) fn vitals(&self) -> Vitals {
        Vitals { queue: self.queue.clone(), ledger: self.ledger.clone(), drops: self.sources.drops() }
    }

    /// The ledger at this moment.
    pub(crate) fn balance(&self) -> Balance {
        self.vitals().balance()
    }

    /// Does what this configuration says, and opens files anew. Sources and destinations that are as they were go on with
    /// their connections, and no record is lost. When it cannot be done, nothing has changed. What was done comes in words.
    pub(crate) fn reload(&mut self, config: &Config) -> Result<String, StartError> {
        if !self.settled.has_places_of(config) {
            return Err(StartError::Moved);
        }
        let descriptors = Descriptors::share(config);
        let mut names = self.names.clone();
        let prepared = Prepared::new(config, &mut names, &self.ledger, Buffer::HoldsRecords)?;
        let Prepared { plan, openings, around } = prepared;
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
        let bound = self.exchange_sockets(config)?;
        // From here on it is done.
        self.destinations.expect(&config.destinations);
        let changed = self.destinations.end_changed(&all);
        let started = fresh.len();
        for (wanted, deliver, arrival) in fresh {
            self.destinations.add(wanted, deliver, arrival)?;
        }
        // They are heard to the end by the paths that they were in; those that follow know nothing of them.
        let sources_ended = self.sources.keep(&config.sources);
        self.plans.replace(plan);
        self.names = names;
        let sources_started = bound.len();
        for bound in bound {
            self.begin(bound)?;
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
        Ok(format!(
            "reloaded: {} sources ({sources_started} started, {sources_ended} ended), {} paths, {} destinations ({started} started, \
             {ended} ended); files are opened anew{waiting}",
            config.sources.len(),
            config.paths.len(),
            config.destinations.len(),
        ))
    }

    /// Binds what is new. A source that is set up otherwise at the place where it is has to end first; when one cannot be
    /// bound then, all that have ended are started again as they were.
    fn exchange_sockets(&mut self, config: &Config) -> Result<Vec<Bound>, StartError> {
        let mut passed = Passed::none();
        let fresh: Vec<_> = config.sources.iter().filter(|source| !self.sources.has(source)).collect();
        let (changed, new): (Vec<_>, Vec<_>) =
            fresh.into_iter().partition(|source| self.sources.occupies_place_of(source));
        let mut bound = Vec::new();
        for source in new {
            bound.push(bind(config, source, &mut passed)?);
        }
        let mut ended = Vec::new();
        for source in changed {
            ended.extend(self.sources.end_at_place_of(source));
            match bind(config, source, &mut passed) {
                Ok(one) => bound.push(one),
                Err(error) => {
                    // What was bound meanwhile is where they were.
                    drop(bound);
                    for old in ended {
                        let again = bind(config, &old, &mut passed).and_then(|old| self.begin(old));
                        if let Err(again) = again {
                            warn!("could not be started again as it was: {again}");
                        }
                    }
                    return Err(error);
                }
            }
        }
        Ok(bound)
    }

    /// What ends a [`Self::stop`] that takes too long.
    pub(crate) fn give_up(&self) -> impl Fn() + Send + 'static {
        let mut all = self.destinations.give_up();
        all.push(self.give_up.clone());
        move || all.iter().for_each(Stop::say)
    }

    /// Stops reading, writes what is queued, and gives the final balance.
    pub(crate) fn stop(&mut self) -> Balance {
        self.sources.stop();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        self.destinations.drain();
        if let Err(error) = self.queue.sync() {
            warn!("cannot sync the buffer: {error}");
        }
        self.balance()
    }
}

fn bind(config: &Config, source: &crate::config::Source, passed: &mut Passed) -> Result<Bound, StartError> {
    let virtual_address =
        |listen: std::net::SocketAddr| config.keeper.as_ref().is_some_and(|keeper| keeper.has(listen.ip()));
    Bound::bind(source, virtual_address, passed).map_err(|error| StartError::Bind {
        id: source.id.clone(),
        place: source.place(),
        source: error,
    })
}

/// The sources of the configuration, in its order, none of them at work.
#[derive(Debug)]
pub(crate) struct BoundSources {
    bound: Vec<Bound>,
    /// Sockets that were passed and that nobody asked for.
    unused: Vec<String>,
}

/// What a template is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// What is written for a message.
    Text,
    /// The path of the file that it is written to.
    Path,
}

/// What is wrong with a template, if anything is.
pub(crate) fn template_mistake(text: &str, subject: Subject) -> Option<template::TemplateError> {
    let names = &mut FieldNames::default();
    match subject {
        Subject::Text => template::Template::compile_with(text, names, &path::condition).err(),
        Subject::Path => template::PathTemplate::compile(text, names, &path::condition).err(),
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn asks_for_names(config: &Config) -> bool {
    config.sources.iter().any(|source| source.receive.naming != Naming::Addresses)
}

/// What sources know of this machine.
fn machine(config: &Config) -> Machine {
    let names = asks_for_names(config).then(|| Names::start(config.received.dns_cache));
    Machine { zone: local_zone(), name: names::this_machine().into(), names }
}

/// The zone of stamps that have none.
fn local_zone() -> IanaZone {
    IanaZone::system().unwrap_or_else(|error| {
        let tz = std::env::var("TZ").map_or_else(|_| "/etc/localtime".to_owned(), |tz| format!("TZ={tz}"));
        warn!("{error} ({tz}): stamps without a zone are taken as UTC");
        IanaZone::utc()
    })
}
