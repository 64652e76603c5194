//! Streams: messages told apart by RFC 6587 framing, many connections on a few threads.
//!
//! A connection that has nothing to say owns next to nothing: bytes are read into the buffer of the thread that
//! happens to serve it, and only what is left of an unfinished message moves into the connection's own.

use std::cell::RefCell;
use std::io;
use std::net::{Shutdown, SocketAddr};
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
use crate::collector::sources::There;
use crate::collector::stop::Stop;

/// Read at once: large enough that a fast sender costs few calls, small enough to stay in the second-level cache.
const READ_BYTES: usize = 256 * 1024;
/// The beginning of a message up to this length moves into the thread's buffer at the next read; a longer one is not
/// moved back and forth, but grows where it is.
const SMALL_REST: usize = 4 * 1024;
/// Connections that the kernel holds for us until we accept them.
const BACKLOG: i32 = 1024;
/// A peer that vanished without a word is noticed after this and ten probes.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// How long a connection is still read after the word to stop. A sender that heard it closes before.
const DRAIN: Duration = Duration::from_secs(2);
/// How long after the word to stop a connection may wait for room in the buffer, all in all.
const LAST_CHANCE: Duration = Duration::from_secs(3);
/// The pause after an error that passes by itself: no descriptors, no memory, a full disk.
const PAUSE: Duration = Duration::from_millis(200);

/// A listening socket.
#[derive(Debug)]
pub(crate) struct TcpSource {
    listener: std::net::TcpListener,
}

impl TcpSource {
    pub(crate) fn bind(listen: SocketAddr, there: There) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(listen), Type::STREAM, Some(Protocol::TCP))?;
        there.prepare(&socket, listen)?;
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
            serve(stream, peer, &context, &places, max_connections, &mut complaint);
        }
        // Those that the kernel has accepted for us have sent already, and may even have closed. Asked is the kernel, not
        // the runtime, which may not have heard of them yet.
        let listener = listener.into_std()?;
        for _ in 0..BACKLOG {
            let Ok((stream, peer)) = listener.accept() else {
                break;
            };
            let stream = stream.set_nonblocking(true).and_then(|()| TcpStream::from_std(stream));
            match stream {
                Ok(stream) => serve(stream, peer, &context, &places, max_connections, &mut complaint),
                Err(error) => warn!(source = context.origin.account.id, %peer, "lost a connection: {error}"),
            }
        }
        drop(listener);
        // Every connection holds a place until it is done.
        let all = u32::try_from(max_connections).unwrap_or(u32::MAX);
        drop(places.acquire_many(all).await);
        Ok(())
    }
}

/// Gives the connection a task of its own, if there is a place for it.
fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    context: &Arc<Context>,
    places: &Arc<Semaphore>,
    max_connections: usize,
    complaint: &mut Seldom,
) {
    let Ok(place) = Arc::clone(places).try_acquire_owned() else {
        context.origin.account.refused_connection();
        if complaint.now(std::time::Instant::now()) {
            warn!(source = context.origin.account.id, %peer, max_connections, "too many connections: refused");
        }
        return;
    };
    let context = Arc::clone(context);
    tokio::spawn(async move {
        Connection::new(stream, peer, &context).run(&context).await;
        drop(place);
    });
}

/// What all connections of a source share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) origin: Origin,
    pub(crate) framing: Framing,
    pub(crate) queue: Queue,
    pub(crate) zone: IanaZone,
    pub(crate) stop: Stop,
    /// Stop at once, whatever that loses.
    pub(crate) give_up: Stop,
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

/// Who is asked whether there are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    /// The runtime, which knows without a system call when there are none, once it has looked.
    Runtime,
    /// The kernel: it knows of bytes that the runtime has not heard of.
    Kernel,
}

/// A look, and the batch that found no room.
type Look = (Progress, Option<(Batch, Refused)>);

struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    framer: Framer,
    /// The beginning of a message whose end has not come yet.
    rest: Vec<u8>,
    /// Bytes read since others had their turn.
    in_a_row: usize,
}

impl Connection {
    fn new(stream: TcpStream, peer: SocketAddr, context: &Context) -> Self {
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
        if let Err(error) = SockRef::from(&stream).set_tcp_keepalive(&keepalive) {
            debug!(%peer, "no keepalive: {error}");
        }
        let framer = Framer::new(context.framing, context.origin.max_message);
        Self { stream, peer, framer, rest: Vec::new(), in_a_row: 0 }
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
            let (progress, refused) = self.look(context, Ask::Runtime);
            if let Some((batch, why)) = refused {
                self.wait_for_room(batch, why, context).await;
            }
            match progress {
                Progress::Ended => return,
                // Its turn is over: others have bytes waiting, too.
                Progress::Read if self.in_a_row >= READ_BYTES => {
                    self.in_a_row = 0;
                    tokio::task::yield_now().await;
                }
                Progress::Read | Progress::Nothing => {}
            }
        }
        self.drain(context).await;
    }

    /// After the word to stop: the sender is told by a FIN, finishes its message, and closes; until then everything is read
    /// and kept. One that does not listen is read for as long as [`DRAIN`]. But not when the buffer takes nothing: unread
    /// bytes are still the sender's, who learns from the reset that they are.
    async fn drain(mut self, context: &Context) {
        let until = Instant::now() + DRAIN;
        // One that is gone hears nothing, and its last bytes are here.
        SockRef::from(&self.stream).shutdown(Shutdown::Write).ok();
        let mut ask = Ask::Kernel;
        while !context.give_up.said() {
            let (progress, refused) = self.look(context, ask);
            if let Some((batch, why)) = refused {
                self.wait_for_room(batch, why, context).await;
                break;
            }
            match progress {
                Progress::Read if Instant::now() < until => tokio::task::yield_now().await,
                Progress::Ended => return,
                Progress::Read => break,
                Progress::Nothing => {
                    let mut given_up = pin!(context.give_up.heard());
                    let readable = tokio::select! {
                        readable = tokio::time::timeout_at(until, self.stream.readable()) => readable.is_ok(),
                        () = &mut given_up => continue,
                    };
                    if !readable {
                        // Some devices never send a line end, and keep the connection.
                        if let Some((batch, why)) = self.finish(context) {
                            self.wait_for_room(batch, why, context).await;
                        }
                        return;
                    }
                    // The runtime may have woken us for bytes that the kernel gave us before; asked itself, it forgets
                    // them.
                    ask = Ask::Runtime;
                }
            }
        }
        if !self.rest.is_empty() {
            // Half a message is none; it is not written as if it were whole.
            context.origin.account.received(1, 0);
            context.origin.account.dropped(DropReason::Stopped, 1);
        }
    }

    /// Reads once and appends what came.
    fn look(&mut self, context: &Context, ask: Ask) -> Look {
        WORKER.with_borrow_mut(|worker| {
            let Worker { intake, buffer } = worker.get_or_insert_with(|| Worker::new(context));
            intake.receive();
            let small = self.rest.len() < SMALL_REST;
            let held = if small { self.rest.len() } else { 0 };
            if buffer.len() < held + READ_BYTES {
                buffer.resize(held + READ_BYTES, 0);
            }
            let (before, room) = buffer.split_at_mut(held);
            let (progress, read) = read(&self.stream, room, self.peer, ask);
            self.in_a_row += read;
            if small {
                before.copy_from_slice(&self.rest);
                let bytes = buffer.get(..held + read).unwrap_or_default();
                let used = frames(&mut self.framer, bytes, self.peer, intake, context, &progress);
                self.rest.clear();
                self.rest.extend_from_slice(bytes.get(used..).unwrap_or_default());
            } else {
                self.rest.extend_from_slice(room.get(..read).unwrap_or_default());
                let used = frames(&mut self.framer, &self.rest, self.peer, intake, context, &progress);
                self.rest.drain(..used);
            }
            if self.rest.len() < SMALL_REST && self.rest.capacity() > 2 * SMALL_REST {
                self.rest.shrink_to(SMALL_REST);
            }
            (progress, append(intake, context))
        })
    }

    /// The stream is at its end for us: an unfinished message is a message too.
    fn finish(&mut self, context: &Context) -> Option<(Batch, Refused)> {
        WORKER.with_borrow_mut(|worker| {
            let Worker { intake, .. } = worker.get_or_insert_with(|| Worker::new(context));
            intake.receive();
            frames(&mut self.framer, &self.rest, self.peer, intake, context, &Progress::Ended);
            self.rest.clear();
            append(intake, context)
        })
    }

    /// Keeps a refused batch until the buffer takes it. After the word to stop it waits a little longer, in which the
    /// destinations make room, and counts what even then is not taken.
    async fn wait_for_room(&self, mut batch: Batch, mut why: Refused, context: &Context) {
        let mut heard = pin!(context.stop.heard());
        let mut given_up = pin!(context.give_up.heard());
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
                () = &mut given_up => last_chance = Some(Instant::now()),
                () = &mut heard, if last_chance.is_none() => {
                    let said = context.stop.said_at().map_or_else(Instant::now, Instant::from_std);
                    last_chance = Some(said + LAST_CHANCE);
                }
            }
            match intake::append(&context.queue, &mut batch, &context.origin) {
                Ok(()) => return,
                Err(again) => why = again,
            }
            if last_chance.is_some_and(|end| Instant::now() >= end) {
                let left = batch.len() as u64;
                if context.origin.complains() {
                    warn!(source = context.origin.account.id, peer = %self.peer, messages = left, "stopped while the buffer takes nothing: dropped");
                }
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

/// Appends what was taken; gives back the batch that found no room.
fn append(intake: &mut Intake, context: &Context) -> Option<(Batch, Refused)> {
    intake.append(&context.origin).err().map(|why| (intake.give_up_batch(), why))
}

fn read(stream: &TcpStream, room: &mut [u8], peer: SocketAddr, ask: Ask) -> (Progress, usize) {
    let read = match ask {
        Ask::Runtime => stream.try_read(room),
        Ask::Kernel => rustix::io::read(stream, room).map_err(io::Error::from),
    };
    match read {
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
