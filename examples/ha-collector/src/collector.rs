//! The collector: sources, the buffer, destinations, and the order in which they start and stop.
//!
//! A message goes socket → [`intake`] → buffer → destination. A source thread never waits for a destination; they
//! meet only in the buffer, a [`diskbuf::Queue`] of [`record`]s. Every message is accounted for in the [`ledger`].

mod casualty;
mod descriptors;
mod destinations;
#[allow(dead_code, reason = "wired when the paths are")]
mod event;
mod intake;
mod ledger;
mod limit;
mod names;
#[allow(dead_code, reason = "wired when the paths are")]
mod path;
mod reception;
#[allow(dead_code, reason = "wired when the paths are")]
mod record;
#[allow(dead_code, reason = "wired when the paths are")]
mod routing;
mod sources;
mod stop;
#[allow(dead_code, unused_imports, reason = "wired when the paths are")]
mod template;
mod vitals;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{Builder, JoinHandle};

use diskbuf::{Behind, Interrupter, OpenError, Queue, Start};
use rustix::fs::{Access, AtFlags};
use syslog_parse::IanaZone;
use tokio::runtime::Runtime;
use tracing::{info, warn};

pub(crate) use self::casualty::Casualty;
use self::casualty::{Dead, Watch};
use self::descriptors::Descriptors;
use self::destinations::{Deliver, Opening, Orders, Pace, Runner, WallClock};
pub(crate) use self::ledger::Balance;
use self::ledger::Ledger;
use self::names::Names;
use self::reception::Machine;
use self::sources::{Bound, Held, Passed, Sources, Surroundings};
pub(crate) use self::sources::{Ear, Whose};
use self::stop::Stop;
pub(crate) use self::vitals::Vitals;
use crate::config::{Config, Naming};

/// Why the collector did not start. Nothing is running then, and nothing was accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("cannot listen on {place} (source `{id}`): {source}{}", bind_hint(.source))]
    Bind { id: String, place: String, source: io::Error },
    #[error("cannot write to {place} (destination `{id}`): {source}")]
    Destination { id: String, place: String, source: io::Error },
    #[error("cannot open the buffer {}: {message}", dir.display())]
    Buffer { dir: PathBuf, message: String },
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
    destination_threads: Vec<JoinHandle<()>>,
    orders: Orders,
    interrupters: Vec<Interrupter>,
}

impl Collector {
    /// Binds the sockets: the one thing that may need a privilege, and the first, so that whoever finds the port taken
    /// has created no directory. To be called before anything else opens a file: sockets may have been passed.
    pub(crate) fn bind(config: &Config, sockets: Whose) -> Result<BoundSources, StartError> {
        let mut passed = Passed::take(sockets);
        let virtual_address = |listen: std::net::SocketAddr| {
            config.keeper.as_ref().is_some_and(|keeper| keeper.has(listen.ip()))
        };
        let mut bound = Vec::new();
        for source in &config.sources {
            bound.push(Bound::bind(source, virtual_address, &mut passed).map_err(|error| {
                StartError::Bind { id: source.id.clone(), place: source.place(), source: error }
            })?);
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
        let zone = local_zone();
        let mut destinations = Vec::new();
        for to in &config.destinations {
            let opening = Opening::compile(to, &mut event::Names::default()).map_err(|error| {
                StartError::Destination {
                    id: to.id.clone(),
                    place: to.place(),
                    source: io::Error::other(error.to_string()),
                }
            })?;
            let around = Arc::new(template::Surroundings::new(
                event::Names::default(),
                config.sources.iter().map(|source| source.id.as_str()),
            ));
            let opened = destinations::open(opening, &around, descriptors.files, &zone)
                .map_err(|source| StartError::Destination { id: to.id.clone(), place: to.place(), source })?;
            destinations.push((to, opened));
        }
        let queue = open_queue(config)?;
        let buffer = &config.buffer.dir;
        let writable = rustix::fs::accessat(
            rustix::fs::CWD,
            buffer,
            Access::WRITE_OK | Access::EXEC_OK,
            AtFlags::EACCESS,
        );
        writable.map_err(|error| StartError::Buffer { dir: buffer.clone(), message: error.to_string() })?;
        let (dead, casualty) = tokio::sync::mpsc::unbounded_channel();
        let next = queue.status().next_seq.as_u64();
        let ledger = Ledger::new(next);
        let orders = Orders { drain: Stop::default(), give_up: Stop::default(), reopen: Arc::default() };
        let sources = Sources::new(Surroundings {
            queue: queue.clone(),
            ledger: ledger.clone(),
            machine: machine(config),
            runtime: runtime.handle().clone(),
            give_up: orders.give_up.clone(),
            dead: dead.clone(),
            held: Held::new(config.received.max_held),
            positions: config.positions.clone(),
            connections_of_one: descriptors.connections_of_one,
        });
        let mut this = Self {
            queue,
            ledger,
            runtime: Some(runtime),
            sources,
            destination_threads: Vec::new(),
            interrupters: Vec::new(),
            orders,
        };
        match this.start_threads(config, bound, destinations, &dead) {
            Ok(()) => Ok((this, casualty)),
            Err(error) => {
                this.stop();
                Err(error)
            }
        }
    }

    fn start_threads(
        &mut self,
        config: &Config,
        bound: Vec<Bound>,
        destinations: Vec<(&crate::config::Destination, Box<dyn Deliver>)>,
        dead: &Dead,
    ) -> Result<(), StartError> {
        for (to, mut destination) in destinations {
            let behind = Behind::Keeps;
            let consumer = self.queue.consumer_that(behind, &to.id, Start::Oldest);
            let mut consumer = consumer.map_err(|error| StartError::Buffer {
                dir: config.buffer.dir.clone(),
                message: chain(&error),
            })?;
            self.interrupters.push(consumer.interrupter());
            // From its place, not from the oldest record kept: what is missing in between was due, too, and will be
            // reported as lost.
            let backlog = self.queue.status().next_seq.as_u64().saturating_sub(consumer.acked().as_u64());
            if backlog > 0 {
                info!(destination = to.id, messages = backlog, "delivering what was left in the buffer");
            }
            let account = self.ledger.open_destination(&to.id, consumer.acked().as_u64());
            let orders = self.orders.clone();
            let watch = Watch::new(format!("destination `{}`", to.id), dead, &self.orders.drain);
            let (id, pace) = (to.id.clone(), Pace::from(&to.deliver));
            let thread = Builder::new().name(format!("to-{}", to.id)).spawn(move || {
                let _watch = watch;
                let (consumer, account, orders, clock) = (&mut consumer, &*account, &orders, WallClock);
                let runner = Runner { id: &id, consumer, behind, account, orders, pace, clock };
                runner.run(&mut *destination);
            });
            self.destination_threads.push(thread.map_err(|source| StartError::Thread { source })?);
        }
        self.warn_of_forgotten_destinations(config);
        for bound in bound {
            self.sources.add(bound).map_err(|source| StartError::Thread { source })?;
        }
        Ok(())
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

    /// Does what this configuration says, without losing a connection, a datagram or a record. When it cannot be done,
    /// nothing has changed. What was done comes in words.
    pub(crate) fn reload(&mut self, _config: &Config) -> Result<String, StartError> {
        self.reopen();
        Ok("files are opened anew".to_owned())
    }

    /// Has the destinations open their files anew.
    pub(crate) fn reopen(&self) {
        self.orders.reopen.fetch_add(1, Ordering::Relaxed);
        self.interrupters.iter().for_each(Interrupter::interrupt);
    }

    /// What ends a [`Self::stop`] that takes too long.
    pub(crate) fn give_up(&self) -> impl Fn() + Send + 'static {
        let orders = self.orders.clone();
        move || orders.give_up.say()
    }

    /// Stops reading, writes what is queued, and gives the final balance.
    pub(crate) fn stop(&mut self) -> Balance {
        self.sources.stop();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        self.orders.drain.say();
        self.queue.close();
        for thread in self.destination_threads.drain(..) {
            drop(thread.join());
        }
        if let Err(error) = self.queue.sync() {
            warn!("cannot sync the buffer: {error}");
        }
        self.balance()
    }

    /// A consumer that no destination reads keeps its messages, and with them the space of the buffer.
    fn warn_of_forgotten_destinations(&self, config: &Config) {
        for consumer in self.queue.consumers() {
            if config.destinations.iter().any(|to| to.id == consumer.name) {
                continue;
            }
            if consumer.lag == 0 && self.queue.remove_consumer(&consumer.name).is_ok() {
                info!(destination = consumer.name, "no longer configured, nothing waits for it: forgotten");
            } else {
                warn!(
                    destination = consumer.name,
                    messages = consumer.lag,
                    "messages wait in the buffer for a destination that is not configured and keep their space; \
                     configure it again, or remove consumers/{}.cursor from the buffer while the collector is stopped",
                    consumer.name
                );
            }
        }
    }
}

/// The sources of the configuration, in its order, none of them at work.
#[derive(Debug)]
pub(crate) struct BoundSources {
    bound: Vec<Bound>,
    /// Sockets that were passed and that nobody asked for.
    unused: Vec<String>,
}

fn open_queue(config: &Config) -> Result<Queue, StartError> {
    let buffer = &config.buffer;
    let queue = diskbuf::Options::new(&buffer.dir)
        .segment_bytes(buffer.segment_size.0)
        .max_bytes(buffer.max_size.0)
        .open()
        .map_err(|error| {
            let message = match error {
                OpenError::MaxBytes { min, .. } => format!(
                    "max-size is {}, but with the segments that this buffer was made with it takes at least {min} bytes",
                    buffer.max_size
                ),
                error => chain(&error),
            };
            StartError::Buffer { dir: buffer.dir.clone(), message }
        })?;
    let found = queue.recovery();
    if found.torn_bytes > 0 {
        info!(bytes = found.torn_bytes, "cut what a crash left unfinished at the end of the buffer");
    }
    for loss in &found.losses {
        warn!("the buffer lost messages {} to {}: {:?}", loss.from, loss.to, loss.cause);
    }
    for name in &found.cursors_reset {
        warn!(destination = name, "its place in the buffer was damaged: everything kept is delivered again");
    }
    for path in &found.unreadable {
        warn!("a file of the buffer cannot be read and is left alone: {}", path.display());
    }
    Ok(queue)
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

/// What sources know of this machine.
fn machine(config: &Config) -> Machine {
    let asked = config.sources.iter().any(|source| source.receive.naming != Naming::Addresses);
    let names = asked.then(|| Names::start(config.received.dns_cache));
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
