//! Where messages come from. One file a kind; what happens to a message is in [`super::intake`].
//!
//! Whatever its kind, a source is bound before privileges are given up ([`Bound`]), then started, and from then on an
//! object of its own ([`Running`]) that is told to stop and waited for without the others noticing.

mod bell;
mod datagram;
mod file;
mod internal;
mod passed;
mod pipe;
mod stream;
mod tcp;
mod thread;
mod udp;
mod unix;

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use diskbuf::Queue;
use socket2::Socket;
use tokio::runtime::Handle;
use tracing::warn;

use self::bell::Bell;
pub(crate) use self::internal::Ear;
use self::passed::{At, Kind};
pub(crate) use self::passed::{Passed, Whose};
pub(crate) use self::stream::held::Held;
use self::stream::{Acceptor, Context, Listener};
use self::thread::Reader;
pub(crate) use self::udp::KernelDrops;
use self::udp::UdpSource;
use self::unix::SocketFile;
use super::casualty::{Dead, Watch};
use super::intake::{AROUND_A_MESSAGE, Intake, Origin};
use super::ledger::Ledger;
use super::limit::Seldom;
use super::names::Names;
use super::reception::{Machine, Rules, short};
use super::record;
use super::routing::Plans;
use super::stop::Stop;
use crate::config::{self, Source, SourceKind, Streams, There};

/// What all sources are given.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) queue: Queue,
    pub(crate) ledger: Ledger,
    pub(crate) plans: Plans,
    pub(crate) machine: Machine,
    pub(crate) runtime: Handle,
    /// Stop at once, whatever that loses.
    pub(crate) give_up: Stop,
    pub(crate) dead: Dead,
    /// The budget for unfinished messages.
    pub(crate) held: Arc<Held>,
    /// The directory where positions are kept.
    pub(crate) positions: PathBuf,
    /// Connections that one source may have, whatever it asks for.
    pub(crate) connections_of_one: usize,
}

impl Surroundings {
    fn intake(&self) -> Intake {
        Intake::new(self.queue.clone(), self.machine.zone.clone(), &self.plans)
    }
}

/// All sources that run.
#[derive(Debug)]
pub(crate) struct Sources {
    surroundings: Surroundings,
    running: Vec<Running>,
    drops: Drops,
}

/// What the kernel dropped, for whoever looks at the ledger. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drops(Arc<Mutex<Vec<KernelDrops>>>);

impl Drops {
    /// Brings the ledger up to date.
    pub(crate) fn settle(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(KernelDrops::settle);
    }
}

impl Sources {
    /// None yet.
    pub(crate) fn new(surroundings: Surroundings) -> Self {
        Self { surroundings, running: Vec::new(), drops: Drops::default() }
    }

    /// Those that are started from now on may ask for the names of senders.
    pub(crate) fn ask_for_names(&mut self, limits: config::DnsCache) {
        self.surroundings.machine.names.get_or_insert_with(|| Names::start(limits));
    }

    /// Starts one more.
    pub(crate) fn add(&mut self, bound: Bound) -> io::Result<()> {
        let running = bound.start(&self.surroundings)?;
        self.drops.0.lock().unwrap_or_else(PoisonError::into_inner).extend(running.drops.iter().cloned());
        self.running.push(running);
        Ok(())
    }

    /// Whether one runs that is exactly so.
    pub(crate) fn has(&self, source: &Source) -> bool {
        self.running.iter().any(|running| running.source == *source)
    }

    /// Stops those that are none of these; what they had received is in the buffer then, and their addresses are free
    /// for others to be bound. Says how many that were.
    pub(crate) fn keep(&mut self, these: &[Source]) -> usize {
        let gone = self.running.extract_if(.., |running| !these.contains(&running.source));
        let gone: Vec<Running> = gone.collect();
        let count = gone.len();
        self.end(gone);
        count
    }

    /// Whether another one is where this one is to be.
    pub(crate) fn occupies_place_of(&self, source: &Source) -> bool {
        self.running.iter().any(|running| running.source.shares_place_with(source))
    }

    /// Stops those that are where this one is to be, and says how they were set up.
    pub(crate) fn end_at_place_of(&mut self, source: &Source) -> Vec<Source> {
        let gone = self.running.extract_if(.., |running| running.source.shares_place_with(source));
        let gone: Vec<Running> = gone.collect();
        let these = gone.iter().map(|running| running.source.clone()).collect();
        self.end(gone);
        these
    }

    /// Stops all.
    pub(crate) fn stop(&mut self) {
        let all = std::mem::take(&mut self.running);
        self.end(all);
    }

    fn end(&mut self, these: Vec<Running>) {
        these.iter().for_each(Running::stop);
        let mut drops = Vec::new();
        for running in these {
            drops.extend(running.join(&self.surroundings.runtime));
        }
        let mut all = self.drops.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|known| !drops.iter().any(|ended| known.is(ended)));
    }

    /// What listens, such as `udp 127.0.0.1:5514`.
    pub(crate) fn listening(&self) -> Vec<String> {
        self.running.iter().flat_map(|running| running.listening.iter().cloned()).collect()
    }

    pub(crate) fn drops(&self) -> Drops {
        self.drops.clone()
    }
}

/// A source whose socket is there, and who does not read it yet.
#[derive(Debug)]
pub(crate) struct Bound {
    source: Source,
    listening: Vec<String>,
    what: What,
    /// Removed when it has ended.
    file: Option<SocketFile>,
}

#[derive(Debug)]
enum What {
    Udp(Vec<UdpSource>),
    Streams(Vec<Listener>, Streams, usize),
    Datagrams(UnixDatagram),
    Files(config::Files),
    Pipe(std::fs::File),
    Internal,
}

impl Bound {
    /// Binds: the one thing that may need a privilege. A socket that was passed for that address is taken instead.
    pub(crate) fn bind(
        source: &Source,
        virtual_address: impl Fn(SocketAddr) -> bool,
        passed: &mut Passed,
    ) -> io::Result<Self> {
        let name = source.kind.name();
        let mut listening = Vec::new();
        let mut file = None;
        let there = |asked, listen| if virtual_address(listen) { There::Sometimes } else { asked };
        let what = match &source.kind {
            SourceKind::Udp(udp) => {
                let mut sockets = Vec::new();
                for listen in &udp.listen {
                    let socket = match passed.find(Kind::Datagram, &At::Network(*listen)) {
                        Some(socket) => UdpSource::adopt(socket.into(), udp.receive_buffer)?,
                        None => UdpSource::bind(*listen, there(udp.there, *listen), udp.receive_buffer)?,
                    };
                    listening.push(format!("{name} {}", socket.address()?));
                    sockets.push(socket);
                }
                What::Udp(sockets)
            }
            SourceKind::Tcp(tcp) => {
                let mut listeners = Vec::new();
                for listen in &tcp.listen {
                    let listener = match passed.find(Kind::Stream, &At::Network(*listen)) {
                        Some(socket) => {
                            passed::adopt(&socket)?;
                            socket.into()
                        }
                        None => tcp::bind(*listen, there(tcp.there, *listen))?,
                    };
                    listening.push(format!("{name} {}", listener.local_addr()?));
                    listeners.push(Listener::Tcp(listener, tcp.keepalive));
                }
                What::Streams(listeners, tcp.streams, tcp.per_address)
            }
            SourceKind::UnixDgram(at) => {
                let socket = match passed.find(Kind::Datagram, &At::Path(at.path.clone())) {
                    Some(socket) => {
                        let socket = UnixDatagram::from(socket);
                        unix::ready_datagram(&socket)?;
                        socket
                    }
                    None => {
                        let (socket, made) = unix::bind_datagram(at)?;
                        file = Some(made);
                        socket
                    }
                };
                listening.push(source.place());
                What::Datagrams(socket)
            }
            SourceKind::UnixStream(at, streams) => {
                let listener = match passed.find(Kind::Stream, &At::Path(at.path.clone())) {
                    Some(socket) => {
                        passed::adopt(&socket)?;
                        UnixListener::from(socket)
                    }
                    None => {
                        let (listener, made) = unix::bind_stream(at)?;
                        file = Some(made);
                        listener
                    }
                };
                listening.push(source.place());
                What::Streams(vec![Listener::Unix(listener)], *streams, usize::MAX)
            }
            SourceKind::File(files) => {
                listening.push(source.place());
                What::Files(files.clone())
            }
            SourceKind::Pipe(pipe) => {
                listening.push(source.place());
                What::Pipe(pipe::open(pipe)?)
            }
            SourceKind::Internal => {
                listening.push(source.place());
                What::Internal
            }
        };
        Ok(Self { source: source.clone(), listening, what, file })
    }

    fn start(self, around: &Surroundings) -> io::Result<Running> {
        let Self { source, listening, what, file } = self;
        let mut running = Running {
            listening,
            stop: Stop::default(),
            parts: Vec::new(),
            drops: Vec::new(),
            _file: file,
            source,
        };
        let started = running.start(what, around);
        if let Err(error) = started {
            running.stop();
            running.join(&around.runtime);
            return Err(error);
        }
        Ok(running)
    }
}

/// A source at work.
#[derive(Debug)]
pub(crate) struct Running {
    source: Source,
    listening: Vec<String>,
    stop: Stop,
    parts: Vec<Part>,
    drops: Vec<KernelDrops>,
    _file: Option<SocketFile>,
}

/// What works for a source.
#[derive(Debug)]
enum Part {
    Thread(JoinHandle<()>, Wake),
    Task(tokio::task::JoinHandle<io::Result<()>>),
}

/// How a thread that waits learns that it is to look up.
#[derive(Debug)]
enum Wake {
    Socket(UdpSource),
    Bell(Bell),
    Ear,
}

impl Running {
    /// Tells it to stop reading.
    pub(crate) fn stop(&self) {
        self.stop.say();
        for part in &self.parts {
            match part {
                Part::Thread(_, Wake::Socket(socket)) => socket.wake(),
                Part::Thread(_, Wake::Bell(bell)) => bell.ring(),
                Part::Thread(_, Wake::Ear) => internal::end(),
                Part::Task(_) => {}
            }
        }
    }

    /// Returns when it has ended and what it read is in the buffer; its sockets are closed then.
    fn join(mut self, runtime: &Handle) -> Vec<KernelDrops> {
        for part in self.parts.drain(..) {
            // One that panicked was reported as a casualty.
            match part {
                Part::Thread(thread, wake) => {
                    drop(thread.join());
                    // What the kernel dropped until the socket is closed is counted.
                    self.drops.iter().for_each(KernelDrops::settle);
                    drop(wake);
                }
                Part::Task(task) => drop(runtime.block_on(task)),
            }
        }
        std::mem::take(&mut self.drops)
    }

    fn start(&mut self, what: What, around: &Surroundings) -> io::Result<()> {
        let origin = self.origin(around);
        match what {
            What::Udp(sockets) => {
                for udp in sockets {
                    udp.complain(&self.source.id);
                    let drops = udp.kernel_drops(Arc::clone(&origin.account));
                    self.drops.push(drops.clone());
                    let wake = Wake::Socket(udp.clone());
                    let (origin, stop) = (origin.clone(), self.stop.clone());
                    let mut intake = around.intake();
                    self.thread(wake, around, move || udp.run(&mut intake, &origin, &drops, &stop))?;
                }
            }
            What::Streams(listeners, streams, per_address) => {
                let context = Context {
                    room: thread::room(&around.queue, origin.max_message),
                    origin,
                    framing: streams.framing,
                    idle_timeout: streams.idle_timeout,
                    queue: around.queue.clone(),
                    plans: around.plans.clone(),
                    zone: around.machine.zone.clone(),
                    stop: self.stop.clone(),
                    give_up: around.give_up.clone(),
                    held: Arc::clone(&around.held),
                };
                let most = streams.max_connections.min(around.connections_of_one);
                let acceptor = Acceptor::new(context, most, per_address);
                for listener in listeners {
                    let watch = self.watch(around);
                    let acceptor = acceptor.clone();
                    self.parts.push(Part::Task(around.runtime.spawn(async move {
                        let _watch = watch;
                        acceptor.run(listener).await
                    })));
                }
            }
            What::Datagrams(socket) => {
                let (reader, wake) = self.reader(origin, around)?;
                self.thread(wake, around, move || datagram::run(&socket, reader))?;
            }
            What::Files(files) => {
                let (reader, wake) = self.reader(origin, around)?;
                let positions = around.positions.join(positions_of(&self.source.id));
                self.thread(wake, around, move || file::run(&files, &positions, reader))?;
            }
            What::Pipe(pipe) => {
                let (reader, wake) = self.reader(origin, around)?;
                self.thread(wake, around, move || pipe::run(&pipe, reader))?;
            }
            What::Internal => {
                let (reader, _) = self.reader(origin, around)?;
                let machine = around.machine.clone();
                let host = match self.source.receive.form {
                    config::NameForm::Full => machine.name.to_string(),
                    config::NameForm::Short => short(&machine.name).to_owned(),
                };
                let heard = internal::listen();
                self.thread(Wake::Ear, around, move || internal::run(&heard, reader, &host, &machine.zone))?;
            }
        }
        Ok(())
    }

    fn origin(&self, around: &Surroundings) -> Origin {
        let most = around.queue.max_record_len() - AROUND_A_MESSAGE.min(around.queue.max_record_len());
        if self.source.max_message > most {
            warn!(
                source = self.source.id,
                most, "messages are cut earlier than asked: the buffer was made with small segments"
            );
        }
        Origin {
            account: around.ledger.open_source(&self.source.id),
            key: record::source_key(&self.source.id),
            max_message: self.source.max_message.min(most),
            complaint: Arc::new(Mutex::new(Seldom::new(Duration::from_secs(10)))),
            rules: Arc::new(Rules::new(&self.source, &around.machine)),
        }
    }

    fn reader(&self, origin: Origin, around: &Surroundings) -> io::Result<(Reader, Wake)> {
        let bell = Bell::new()?;
        let reader = Reader {
            queue: around.queue.clone(),
            intake: around.intake(),
            room: thread::room(&around.queue, origin.max_message),
            origin,
            stop: self.stop.clone(),
            give_up: around.give_up.clone(),
            bell: bell.clone(),
        };
        Ok((reader, Wake::Bell(bell)))
    }

    fn thread(
        &mut self,
        wake: Wake,
        around: &Surroundings,
        run: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let watch = self.watch(around);
        let thread = Builder::new().name(format!("from-{}", self.source.id)).spawn(move || {
            let _watch = watch;
            run();
        })?;
        self.parts.push(Part::Thread(thread, wake));
        Ok(())
    }

    fn watch(&self, around: &Surroundings) -> Watch {
        Watch::new(format!("source `{}`", self.source.id), &around.dead, &self.stop)
    }
}

/// The name of the file for a source's positions. Ids may be anything, names of files not.
fn positions_of(id: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if (1..=64).contains(&id.len()) && id.chars().all(plain) {
        format!("{id}.json")
    } else {
        format!("{:08x}.source.json", record::source_key(id))
    }
}

/// Lets a socket be bound to an address that is not there.
fn prepare(there: There, socket: &Socket, listen: SocketAddr) -> io::Result<()> {
    match (there, listen) {
        (There::Always, _) => Ok(()),
        (There::Sometimes, SocketAddr::V4(_)) => socket.set_freebind_v4(true),
        (There::Sometimes, SocketAddr::V6(_)) => socket.set_freebind_v6(true),
    }
}

#[cfg(test)]
mod tests;
