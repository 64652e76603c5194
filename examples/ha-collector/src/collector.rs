//! The collector: sources, the buffer, destinations, and the order in which they start and stop.
//!
//! A message goes socket → [`intake`] → buffer → destination. A source thread never waits for a destination; they
//! meet only in the buffer, a [`diskbuf::Queue`] of [`record`]s. Every message is accounted for in the [`ledger`].

mod destinations;
#[allow(dead_code, reason = "wired when the paths are")]
mod event;
mod intake;
mod ledger;
mod limit;
#[allow(dead_code, reason = "wired when the paths are")]
mod record;
mod sources;
mod stop;
mod vitals;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use diskbuf::{Interrupter, OpenError, Queue, Start};
use rustix::fs::{Access, AtFlags};
use syslog_parse::IanaZone;
use tokio::runtime::Runtime;
use tracing::{info, warn};

use self::destinations::{Deliver, Orders};
use self::intake::{Intake, Origin};
pub(crate) use self::ledger::Balance;
use self::ledger::Ledger;
use self::limit::Seldom;
use self::sources::There;
use self::sources::tcp::{self, TcpSource};
use self::sources::udp::{KernelDrops, UdpSource};
use self::stop::Stop;
pub(crate) use self::vitals::Vitals;
use crate::config::{Config, Source, Transport};

/// Why the collector did not start. Nothing is running then, and nothing was accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("cannot listen on {transport} {listen} (source `{id}`): {source}{}", bind_hint(.source))]
    Bind { id: String, transport: &'static str, listen: SocketAddr, source: io::Error },
    #[error("cannot write logs beneath {place} (destination `{id}`): {source}")]
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
    listening: Vec<String>,
    udp: Vec<UdpSource>,
    drops: Vec<KernelDrops>,
    source_threads: Vec<JoinHandle<()>>,
    streams: Vec<tokio::task::JoinHandle<io::Result<()>>>,
    destination_threads: Vec<JoinHandle<()>>,
    stop: Stop,
    orders: Orders,
    interrupters: Vec<Interrupter>,
}

/// A part of the collector that ended though nobody told it to.
pub(crate) type Casualty = tokio::sync::mpsc::UnboundedReceiver<String>;

impl Collector {
    /// Binds the sockets: the one thing that may need a privilege, and the first, so that whoever finds the port taken
    /// has created no directory.
    pub(crate) fn bind(config: &Config) -> Result<BoundSources, StartError> {
        let mut bound = Vec::new();
        for source in &config.sources {
            let virtual_address = config.keeper.as_ref().is_some_and(|keeper| keeper.has(source.listen.ip()));
            let there = if virtual_address { There::Sometimes } else { There::Always };
            bound.push(bind(source, there).map_err(|error| StartError::Bind {
                id: source.id.clone(),
                transport: source.transport.name(),
                listen: source.listen,
                source: error,
            })?);
        }
        Ok(BoundSources(bound))
    }

    /// Opens and starts everything, or nothing.
    pub(crate) fn start(
        config: &Config,
        BoundSources(bound): BoundSources,
        runtime: Runtime,
    ) -> Result<(Self, Casualty), StartError> {
        let descriptors = Descriptors::share(config);
        let mut destinations = Vec::new();
        for to in &config.destinations {
            let opened = destinations::open(to, descriptors.files)
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
        let mut this = Self {
            queue,
            ledger: Ledger::default(),
            runtime: Some(runtime),
            listening: Vec::new(),
            udp: Vec::new(),
            drops: Vec::new(),
            source_threads: Vec::new(),
            streams: Vec::new(),
            destination_threads: Vec::new(),
            stop: Stop::default(),
            interrupters: Vec::new(),
            orders: Orders { drain: Stop::default(), give_up: Stop::default(), reopen: Arc::default() },
        };
        let started = this.start_threads(config, bound, destinations, &descriptors, &dead);
        match started {
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
        descriptors: &Descriptors,
        dead: &tokio::sync::mpsc::UnboundedSender<String>,
    ) -> Result<(), StartError> {
        for (to, mut destination) in destinations {
            let mut consumer = self.queue.consumer(&to.id, Start::Oldest).map_err(|error| {
                StartError::Buffer { dir: config.buffer.dir.clone(), message: chain(&error) }
            })?;
            self.interrupters.push(consumer.interrupter());
            // From its place, not from the oldest record kept: what is missing in between was due, too, and will be
            // reported as lost.
            let backlog = self.queue.status().next_seq.as_u64().saturating_sub(consumer.acked().as_u64());
            if backlog > 0 {
                info!(destination = to.id, messages = backlog, "delivering what was left in the buffer");
            }
            let account = self.ledger.open_destination(&to.id, backlog);
            let orders = self.orders.clone();
            let watch = Watch::new(format!("destination `{}`", to.id), dead, &self.orders.drain);
            let id = to.id.clone();
            let thread = Builder::new().name(format!("to-{}", to.id)).spawn(move || {
                let _watch = watch;
                destinations::run(&id, &mut *destination, &mut consumer, &account, &orders);
            });
            self.destination_threads.push(thread.map_err(|source| StartError::Thread { source })?);
        }
        self.warn_of_forgotten_destinations(config);
        let zone = local_zone();
        for (source, bound) in config.sources.iter().zip(bound) {
            let account = self.ledger.open_source(&source.id);
            let most = self.queue.max_record_len() - record::HEADER_LEN;
            if source.max_message > most {
                warn!(
                    source = source.id,
                    most, "messages are cut earlier than asked: the buffer was made with small segments"
                );
            }
            let origin = Origin {
                account: Arc::clone(&account),
                key: record::source_key(&source.id),
                max_message: source.max_message.min(most),
                complaint: Arc::new(Mutex::new(Seldom::new(Duration::from_secs(10)))),
            };
            self.listening.push(format!("{} {}", source.transport.name(), bound.address()));
            match (bound, source.transport) {
                (Bound::Udp(udp, _), _) => {
                    udp.complain(&source.id);
                    let drops = udp.kernel_drops(account);
                    self.drops.push(drops.clone());
                    self.udp.push(udp.clone());
                    let mut intake = Intake::new(self.queue.clone(), zone.clone());
                    let stop = self.stop.clone();
                    let watch = Watch::new(format!("source `{}`", source.id), dead, &self.stop);
                    let thread = Builder::new().name(format!("from-{}", source.id)).spawn(move || {
                        let _watch = watch;
                        udp.run(&mut intake, &origin, &drops, &stop);
                    });
                    self.source_threads.push(thread.map_err(|source| StartError::Thread { source })?);
                }
                (Bound::Tcp(tcp, _), Transport::Tcp { framing, max_connections }) => {
                    let context = Arc::new(tcp::Context {
                        origin,
                        framing,
                        queue: self.queue.clone(),
                        zone: zone.clone(),
                        stop: self.stop.clone(),
                        give_up: self.orders.give_up.clone(),
                    });
                    let watch = Watch::new(format!("source `{}`", source.id), dead, &self.stop);
                    let max_connections = max_connections.min(descriptors.connections_of_one);
                    let Some(runtime) = &self.runtime else {
                        continue;
                    };
                    self.streams.push(runtime.spawn(async move {
                        let _watch = watch;
                        tcp.run(context, max_connections).await
                    }));
                }
                // `bind` made one for the other.
                (Bound::Tcp(..), Transport::Udp { .. }) => {}
            }
        }
        Ok(())
    }

    /// What listens, such as `udp 127.0.0.1:5514`.
    pub(crate) fn listening(&self) -> &[String] {
        &self.listening
    }

    /// How it is, for others to look at while it runs.
    pub(crate) fn vitals(&self) -> Vitals {
        Vitals { queue: self.queue.clone(), ledger: self.ledger.clone(), drops: self.drops.clone() }
    }

    /// The ledger at this moment.
    pub(crate) fn balance(&self) -> Balance {
        self.vitals().balance()
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
        self.stop.say();
        for udp in &self.udp {
            udp.wake();
        }
        for thread in self.source_threads.drain(..) {
            // A thread that panicked was reported as a casualty.
            drop(thread.join());
        }
        // Closed, so that senders learn that nobody listens; what the kernel dropped until then is counted.
        self.drops.drain(..).for_each(|drops| drops.settle());
        self.udp.clear();
        if let Some(runtime) = self.runtime.take() {
            for stream in self.streams.drain(..) {
                drop(runtime.block_on(stream));
            }
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

/// The sockets of the configuration's sources, in its order.
#[derive(Debug)]
pub(crate) struct BoundSources(Vec<Bound>);

#[derive(Debug)]
enum Bound {
    Udp(UdpSource, SocketAddr),
    Tcp(TcpSource, SocketAddr),
}

impl Bound {
    const fn address(&self) -> SocketAddr {
        match self {
            Self::Udp(_, address) | Self::Tcp(_, address) => *address,
        }
    }
}

fn bind(source: &Source, there: There) -> io::Result<Bound> {
    Ok(match source.transport {
        Transport::Udp { receive_buffer } => {
            let udp = UdpSource::bind(source.listen, there, receive_buffer)?;
            let address = udp.address()?;
            Bound::Udp(udp, address)
        }
        Transport::Tcp { .. } => {
            let tcp = TcpSource::bind(source.listen, there)?;
            let address = tcp.address()?;
            Bound::Tcp(tcp, address)
        }
    })
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

/// The zone of stamps that have none.
fn local_zone() -> IanaZone {
    IanaZone::system().unwrap_or_else(|error| {
        let tz = std::env::var("TZ").map_or_else(|_| "/etc/localtime".to_owned(), |tz| format!("TZ={tz}"));
        warn!("{error} ({tz}): stamps without a zone are taken as UTC");
        IanaZone::utc()
    })
}

/// How the descriptors that this process may have are shared out, so that strangers who connect cannot take those
/// that files and the buffer need.
#[derive(Debug)]
struct Descriptors {
    /// Log files open at the same time, of one destination.
    files: usize,
    /// Connections of one source.
    connections_of_one: usize,
}

impl Descriptors {
    /// Segments, cursors, sockets, the runtime, a file being opened.
    const RESERVE: usize = 64;

    fn share(config: &Config) -> Self {
        let limit = raised_limit();
        let streams = config.sources.iter().filter_map(|source| match source.transport {
            Transport::Tcp { max_connections, .. } => Some((source, max_connections)),
            Transport::Udp { .. } => None,
        });
        let left = limit.saturating_sub(Self::RESERVE + config.sources.len());
        let files = (left / 4 / config.destinations.len().max(1)).clamp(1, 65_536);
        let connections = left.saturating_sub(files * config.destinations.len());
        let connections_of_one = (connections / streams.clone().count().max(1)).max(1);
        for (source, wanted) in streams {
            if wanted > connections_of_one {
                warn!(
                    source = source.id,
                    wanted,
                    possible = connections_of_one,
                    "fewer connections than max-connections: the limit of open files (ulimit -n) is {limit}"
                );
            }
        }
        Self { files, connections_of_one }
    }
}

/// The limit of open files, as high as it may be. The soft one is for programs that use select(2); this one does not.
fn raised_limit() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let allowed = if raised.is_ok() { limit.maximum } else { limit.current };
    allowed.and_then(|allowed| usize::try_from(allowed).ok()).unwrap_or(usize::MAX)
}

/// Tells that a part has ended before it was told to: by a panic, since none returns on its own.
#[derive(Debug)]
struct Watch {
    name: String,
    dead: tokio::sync::mpsc::UnboundedSender<String>,
    expected: Stop,
}

impl Watch {
    fn new(name: String, dead: &tokio::sync::mpsc::UnboundedSender<String>, expected: &Stop) -> Self {
        Self { name, dead: dead.clone(), expected: expected.clone() }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.expected.said() || std::thread::panicking() {
            // Nobody listens any more when the collector is on its way out.
            drop(self.dead.send(std::mem::take(&mut self.name)));
        }
    }
}
