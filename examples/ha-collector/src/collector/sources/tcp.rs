//! Streams: messages told apart by RFC 6587 framing, many connections on a few threads.
//!
//! A connection that has nothing to say owns next to nothing: bytes are read into the buffer of the thread that
//! happens to serve it, and only what is left of an unfinished message moves into the connection's own.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use diskbuf::{Batch, Queue};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use syslog_parse::{FrameFlags, Framer, Framing, IanaZone, Step};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::collector::intake::{self, Intake, Origin, Refused};
use crate::collector::ledger::DropReason;
use crate::collector::limit::Seldom;
use crate::collector::record::Extent;
use crate::collector::stop::Stop;

/// Read at once: large enough that a fast sender costs few calls, small enough to stay in the second-level cache.
const READ_BYTES: usize = 256 * 1024;
/// An unfinished message beyond this is read on in the connection's own buffer, not moved into the thread's each time.
const SMALL_REST: usize = 4 * 1024;
/// Connections that the kernel holds for us until we accept them.
const BACKLOG: i32 = 1024;
/// A peer that vanished without a word is noticed after this and ten probes.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// How long a connection is still read after the word to stop, as long as the kernel has bytes of it.
const DRAIN: Duration = Duration::from_secs(1);
/// How long a batch waits for room in the buffer after the word to stop.
const LAST_CHANCE: Duration = Duration::from_secs(5);
/// The pause after an error that passes by itself: no descriptors, no memory, a full disk.
const PAUSE: Duration = Duration::from_millis(200);

/// A listening socket.
#[derive(Debug)]
pub(crate) struct TcpSource {
    listener: std::net::TcpListener,
}

impl TcpSource {
    pub(crate) fn bind(listen: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(listen), Type::STREAM, Some(Protocol::TCP))?;
        // A restart must not wait for connections of its predecessor to be forgotten.
        socket.set_reuse_address(true)?;
        socket.bind(&listen.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(Self { listener: socket.into() })
    }

    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Accepts until told to stop, then returns when the last connection has ended.
    pub(crate) async fn run(self, context: Arc<Context>, max_connections: usize) -> io::Result<()> {
        let listener = TcpListener::from_std(self.listener)?;
        let places = Arc::new(Semaphore::new(max_connections));
        let mut complaint = Seldom::new(Duration::from_secs(10));
        let mut heard = pin!(context.stop.heard());
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut heard => break,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    if complaint.now(std::time::Instant::now()) {
                        warn!(source = context.origin.account.id, "cannot accept a connection: {error}");
                    }
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                context.origin.account.refused_connection();
                if complaint.now(std::time::Instant::now()) {
                    warn!(source = context.origin.account.id, %peer, max_connections, "too many connections: refused");
                }
                continue;
            };
            let context = Arc::clone(&context);
            tokio::spawn(async move {
                Connection::new(stream, peer, &context).run(&context).await;
                drop(place);
            });
        }
        drop(listener);
        // Every connection holds a place until it is done.
        let all = u32::try_from(max_connections).unwrap_or(u32::MAX);
        drop(places.acquire_many(all).await);
        Ok(())
    }
}

/// What all connections of a source share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) origin: Origin,
    pub(crate) framing: Framing,
    pub(crate) queue: Queue,
    pub(crate) zone: IanaZone,
    pub(crate) stop: Stop,
}

/// What a thread lends to the connection that it serves at the moment.
struct Worker {
    intake: Intake,
    buffer: Vec<u8>,
}

thread_local! {
    static WORKER: RefCell<Option<Worker>> = const { RefCell::new(None) };
}

/// What one look at a connection came to.
enum Progress {
    /// Bytes were read and are in the buffer; there may be more.
    Read,
    /// The kernel has nothing.
    Nothing,
    /// The peer has said its last, or the connection broke.
    Ended,
}

/// A look, and the batch that found no room.
type Look = (Progress, Option<(Batch, Refused)>);

struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    framer: Framer,
    /// The beginning of a message whose end has not come yet.
    rest: Vec<u8>,
}

impl Connection {
    fn new(stream: TcpStream, peer: SocketAddr, context: &Context) -> Self {
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
        if let Err(error) = SockRef::from(&stream).set_tcp_keepalive(&keepalive) {
            debug!(%peer, "no keepalive: {error}");
        }
        let framer = Framer::new(context.framing, context.origin.max_message);
        Self { stream, peer, framer, rest: Vec::new() }
    }

    async fn run(mut self, context: &Context) {
        debug!(peer = %self.peer, "connected");
        let mut heard = pin!(context.stop.heard());
        loop {
            // A full buffer: do not read, so that the sender comes to feel it.
            if !context.queue.has_space() {
                tokio::select! {
                    biased;
                    () = &mut heard => break,
                    _ = context.queue.space() => {}
                }
            }
            tokio::select! {
                biased;
                () = &mut heard => break,
                readable = self.stream.readable() => if readable.is_err() { break },
            }
            let (progress, refused) = self.look(context);
            if let Some((batch, why)) = refused {
                self.wait_for_room(batch, why, context).await;
            }
            if matches!(progress, Progress::Ended) {
                return;
            }
        }
        self.drain(context).await;
    }

    /// After the word to stop: what the kernel holds was accepted from the sender, so it is read and kept.
    async fn drain(mut self, context: &Context) {
        let until = Instant::now() + DRAIN;
        loop {
            let (progress, refused) = self.look(context);
            if let Some((batch, why)) = refused {
                self.wait_for_room(batch, why, context).await;
            }
            match progress {
                Progress::Read if Instant::now() < until => tokio::task::yield_now().await,
                Progress::Ended => return,
                _ => break,
            }
        }
        let (_, refused) = self.finish(context);
        if let Some((batch, why)) = refused {
            self.wait_for_room(batch, why, context).await;
        }
    }

    /// Reads once and appends what came.
    fn look(&mut self, context: &Context) -> Look {
        WORKER.with_borrow_mut(|worker| {
            let Worker { intake, buffer } = worker.get_or_insert_with(|| Worker::new(context));
            intake.receive();
            let (progress, used) = if self.rest.len() < SMALL_REST {
                let room = self.rest.len() + READ_BYTES;
                if buffer.len() < room {
                    buffer.resize(room, 0);
                }
                let (before, after) = buffer.split_at_mut(self.rest.len());
                before.copy_from_slice(&self.rest);
                let (progress, read) = read(&self.stream, after, self.peer);
                let bytes = buffer.get(..self.rest.len() + read).unwrap_or_default();
                let used = frames(&mut self.framer, bytes, self.peer, intake, context, &progress);
                let unfinished = bytes.get(used..).unwrap_or_default();
                self.rest.clear();
                self.rest.extend_from_slice(unfinished);
                (progress, 0)
            } else {
                let held = self.rest.len();
                self.rest.resize(held + READ_BYTES.min(self.framer.buffer_len()), 0);
                let (progress, read) =
                    read(&self.stream, self.rest.get_mut(held..).unwrap_or_default(), self.peer);
                self.rest.truncate(held + read);
                let used = frames(&mut self.framer, &self.rest, self.peer, intake, context, &progress);
                (progress, used)
            };
            self.rest.drain(..used);
            if self.rest.is_empty() && self.rest.capacity() > SMALL_REST {
                self.rest = Vec::new();
            }
            let refused = intake.append(&context.origin).err().map(|why| (intake.give_up_batch(), why));
            (progress, refused)
        })
    }

    /// The stream is at its end for us: an unfinished message is a message too.
    fn finish(&mut self, context: &Context) -> Look {
        WORKER.with_borrow_mut(|worker| {
            let Worker { intake, .. } = worker.get_or_insert_with(|| Worker::new(context));
            intake.receive();
            frames(&mut self.framer, &self.rest, self.peer, intake, context, &Progress::Ended);
            self.rest.clear();
            let refused = intake.append(&context.origin).err().map(|why| (intake.give_up_batch(), why));
            (Progress::Ended, refused)
        })
    }

    /// Keeps a refused batch until the buffer takes it. After the word to stop it waits a little longer, in which the
    /// destinations make room, and counts what even then is not taken.
    async fn wait_for_room(&self, mut batch: Batch, mut why: Refused, context: &Context) {
        let mut complaint = Seldom::new(Duration::from_secs(10));
        let mut heard = pin!(context.stop.heard());
        let mut last_chance = None;
        loop {
            let until = last_chance.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
            let pause = match why {
                Refused::Full => until,
                Refused::Trouble(_) => until.min(Instant::now() + PAUSE),
            };
            tokio::select! {
                biased;
                _ = context.queue.space(), if why == Refused::Full => {}
                () = tokio::time::sleep_until(pause) => {}
                () = &mut heard, if last_chance.is_none() => last_chance = Some(Instant::now() + LAST_CHANCE),
            }
            match intake::append(&context.queue, &mut batch, &context.origin, &mut complaint) {
                Ok(()) => return,
                Err(again) => why = again,
            }
            if last_chance.is_some_and(|end| Instant::now() >= end) {
                let left = batch.len() as u64;
                warn!(source = context.origin.account.id, peer = %self.peer, messages = left, "stopped while the buffer takes nothing: dropped");
                context.origin.account.dropped(DropReason::Stopped, left);
                return;
            }
        }
    }
}

impl Worker {
    fn new(context: &Context) -> Self {
        Self { intake: Intake::new(context.queue.clone(), context.zone.clone()), buffer: vec![0; READ_BYTES] }
    }
}

fn read(stream: &TcpStream, room: &mut [u8], peer: SocketAddr) -> (Progress, usize) {
    match stream.try_read(room) {
        Ok(0) => (Progress::Ended, 0),
        Ok(n) => (Progress::Read, n),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
            (Progress::Nothing, 0)
        }
        Err(error) => {
            debug!(%peer, "connection broke: {error}");
            (Progress::Ended, 0)
        }
    }
}

/// Takes all messages that are whole, and at the end of the stream what is left too. Says how many bytes are done with.
fn frames(
    framer: &mut Framer,
    bytes: &[u8],
    peer: SocketAddr,
    intake: &mut Intake,
    context: &Context,
    progress: &Progress,
) -> usize {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let step = match progress {
            Progress::Ended => framer.finish(rest),
            _ => framer.next(rest),
        };
        match step {
            Step::Complete { frame, consumed } => {
                let extent =
                    if frame.flags.contains(FrameFlags::TRUNCATED) { Extent::Cut } else { Extent::Whole };
                intake.take(frame.bytes, Some(peer), &context.origin, extent);
                at += consumed;
            }
            Step::Partial { consumed } => return at + consumed,
        }
    }
}
