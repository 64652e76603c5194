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
pub(crate) mod privileges;
mod reception;
mod record;
mod reload;
mod routing;
mod settled;
mod sources;
mod stop;
mod template;
mod vitals;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use diskbuf::Queue;
use syslog_parse::IanaZone;
use tokio::runtime::Runtime;
use tracing::warn;

pub(crate) use self::backlog::{Backlog, Consent, Meant, orphaned};
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
pub(crate) use self::record::{Extent, Extra, Record};
pub(crate) use self::reload::ReloadError;
use self::routing::{Arrival, Plans};
use self::settled::Settled;
use self::sources::{Bound, Held, Passed, Sources, Surroundings};
pub(crate) use self::sources::{Ear, Whose};
use self::stop::Stop;
use self::vitals::NotDone;
pub(crate) use self::vitals::Vitals;
use crate::config::{self, Config, Naming};

/// Why the collector, or a part of it, did not start.
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

impl StartError {
    fn bind(source: &config::Source, error: io::Error) -> Self {
        Self::Bind { id: source.id.clone(), place: source.place(), source: error }
    }
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
    not_done: NotDone,
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
        for lacking in privileges::lacking(config, privileges::When::AtTheStart) {
            warn!("{lacking}");
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
        let plan = Arc::new(plan);
        let plans = Plans::new(Arc::clone(&plan));
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
        let not_done = NotDone::default();
        let mut this = Self {
            queue,
            ledger,
            runtime,
            sources,
            destinations,
            plans,
            names,
            give_up,
            zone,
            settled,
            not_done,
        };
        let mut started = Ok(());
        for opening in openings {
            let wanted = prepare::wanted(config, opening.to, &around);
            started = prepare::open(opening, &around, descriptors.files, &this.zone)
                .and_then(|deliver| this.destinations.add(wanted, deliver, &plan, Arrival::First));
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
        Vitals {
            queue: self.queue.clone(),
            ledger: self.ledger.clone(),
            drops: self.sources.drops(),
            not_done: self.not_done.clone(),
        }
    }

    /// The ledger at this moment.
    pub(crate) fn balance(&self) -> Balance {
        self.vitals().balance()
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

fn bind(config: &Config, source: &config::Source, passed: &mut Passed) -> Result<Bound, StartError> {
    let virtual_address =
        |listen: std::net::SocketAddr| config.keeper.as_ref().is_some_and(|keeper| keeper.has(listen.ip()));
    Bound::bind(source, virtual_address, passed).map_err(|error| StartError::bind(source, error))
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
