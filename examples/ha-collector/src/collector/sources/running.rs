//! A source at work: its threads and tasks, told to stop and waited for.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tokio::runtime::Handle;
use tracing::warn;

use super::bell::Bell;
use super::bound::What;
use super::heritage::{Estate, Legacy};
use super::passed::{At, Kind};
use super::stream::{Acceptor, Connection, Context};
use super::thread::{self, Reader};
use super::udp::KernelDrops;
use super::{Surroundings, datagram, file, internal, pipe};
use crate::collector::casualty::Watch;
use crate::collector::intake::{AROUND_A_MESSAGE, Origin};
use crate::collector::limit::Seldom;
use crate::collector::privileges;
use crate::collector::reception::{Rules, short};
use crate::collector::record;
use crate::collector::stop::Stop;
use crate::config::{self, Source, SourceKind};

/// A source at work.
#[derive(Debug)]
pub(crate) struct Running {
    source: Source,
    listening: Vec<String>,
    stop: Stop,
    parts: Vec<Part>,
    drops: Vec<KernelDrops>,
    estate: Estate,
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
    Bell(Bell),
    Ear,
}

impl Running {
    pub(super) fn start(
        source: Source,
        listening: Vec<String>,
        what: What,
        Legacy { file, connections }: Legacy,
        around: &Surroundings,
    ) -> io::Result<Self> {
        let mut this = Self {
            listening,
            stop: Stop::default(),
            parts: Vec::new(),
            drops: Vec::new(),
            estate: Estate::new(file),
            source,
        };
        if let Err(error) = this.read(what, connections, around) {
            this.stop();
            this.join(&around.runtime);
            return Err(error);
        }
        Ok(this)
    }

    pub(super) const fn source(&self) -> &Source {
        &self.source
    }

    pub(super) fn listening(&self) -> impl Iterator<Item = &String> {
        self.listening.iter()
    }

    pub(super) fn drops(&self) -> &[KernelDrops] {
        &self.drops
    }

    pub(super) const fn estate(&self) -> &Estate {
        &self.estate
    }

    /// Whether it has connections that do not go on with a successor: they are waited for.
    pub(super) fn ends_connections(&self) -> bool {
        self.source.kind.streams().is_some() && !self.estate.connections.is_left()
    }

    /// Tells it to stop reading; what is left to a successor is the successor's to read.
    pub(super) fn stop(&mut self) {
        self.estate.settle();
        self.stop.say();
        for part in &self.parts {
            match part {
                Part::Thread(_, Wake::Bell(bell)) => bell.ring(),
                Part::Thread(_, Wake::Ear) => internal::end(),
                Part::Task(_) => {}
            }
        }
    }

    /// Returns when it has ended and what it read is in the buffer; the sockets that it does not leave are closed then.
    pub(super) fn join(mut self, runtime: &Handle) -> (Vec<KernelDrops>, Legacy) {
        for part in self.parts.drain(..) {
            // One that panicked was reported as a casualty.
            match part {
                Part::Thread(thread, wake) => {
                    drop(thread.join());
                    drop(wake);
                }
                Part::Task(task) => drop(runtime.block_on(task)),
            }
        }
        (self.drops, self.estate.into_legacy())
    }

    fn read(&mut self, what: What, connections: Vec<Connection>, around: &Surroundings) -> io::Result<()> {
        let origin = self.origin(around);
        match what {
            What::Udp(sockets) => {
                for (udp, at) in sockets.into_iter().zip(self.places()) {
                    udp.complain(&self.source.id);
                    let drops = udp.kernel_drops(Arc::clone(&origin.account));
                    self.drops.push(drops.clone());
                    let left = self.estate.add(Kind::Datagram, at, &udp, udp.counted())?;
                    let (reader, wake) = self.reader(origin.clone(), around)?;
                    self.thread(wake, around, move || udp.run(reader, &drops, &left))?;
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
                    left: self.estate.connections.clone(),
                    parked: self.estate.parked.clone(),
                };
                let most = streams.max_connections.min(around.connections_of_one);
                let acceptor = Acceptor::new(context, most, per_address);
                let mut connections = Some(connections);
                for (listener, at) in listeners.into_iter().zip(self.places()) {
                    let watch = self.watch(around);
                    let left = self.estate.add(Kind::Stream, at, &listener, Arc::default())?;
                    let acceptor = acceptor.clone();
                    let adopted = connections.take().unwrap_or_default();
                    self.parts.push(Part::Task(around.runtime.spawn(async move {
                        let _watch = watch;
                        acceptor.adopt(adopted);
                        acceptor.run(listener, &left).await
                    })));
                }
            }
            What::Datagrams(socket) => {
                let (reader, wake) = self.reader(origin, around)?;
                let at = self.places().into_iter().next().unwrap_or(At::Unknown);
                let left = self.estate.add(Kind::Datagram, at, &socket, Arc::default())?;
                self.thread(wake, around, move || datagram::run(&socket, reader, &left))?;
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

    /// Where its sockets are, in their order, as the configuration says it.
    fn places(&self) -> Vec<At> {
        match &self.source.kind {
            SourceKind::Udp(udp) => udp.listen.iter().copied().map(At::Network).collect(),
            SourceKind::Tcp(tcp) => tcp.listen.iter().copied().map(At::Network).collect(),
            SourceKind::UnixDgram(at) | SourceKind::UnixStream(at, _) => vec![At::Path(at.path.clone())],
            SourceKind::File(_) | SourceKind::Pipe(_) | SourceKind::Internal => Vec::new(),
        }
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
            privileges::renounce();
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
