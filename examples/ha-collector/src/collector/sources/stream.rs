//! Streams: messages told apart by RFC 6587 framing, many connections on a few threads.
//!
//! A connection that has nothing to say owns next to nothing: bytes are read into the buffer of the thread that
//! happens to serve it, and only what is left of an unfinished message moves into the connection's own. Nothing is read
//! that has no place in the buffer yet: room is reserved first, so that what was taken from a sender is kept.

mod accept;
mod frames;
pub(crate) mod held;
mod socket;

use std::cell::RefCell;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use diskbuf::{Batch, Queue};
use syslog_parse::{Framer, Framing, IanaZone, Step};
use tokio::time::Instant;
use tracing::{debug, warn};

pub(crate) use self::accept::{Acceptor, BACKLOG};
use self::frames::Frames;
use self::held::{Held, Hold};
pub(crate) use self::socket::Listener;
use self::socket::{Ask, Peer, Stream};
use super::heritage::{Left, Parked};
use crate::collector::intake::{self, Intake, Origin, Refused};
use crate::collector::ledger::{Closing, DropReason};
use crate::collector::routing::Plans;
use crate::collector::stop::Stop;

/// Read at once: large enough that a fast sender costs few calls, small enough to stay in the second-level cache.
const READ_BYTES: usize = 256 * 1024;
/// A read becomes at most so many times as much in the buffer: messages of one byte.
const MOST_GROWTH: usize = 96;
/// What is reckoned with at the least, however long a connection's messages have been.
const LEAST_GROWTH: usize = 4;
/// The beginning of a message up to this length moves into the thread's buffer at the next read; a longer one is not
/// moved back and forth, but grows where it is.
const SMALL_REST: usize = 4 * 1024;
/// How long a connection is still read after the word to stop, as long as bytes of it come; and how long if they are read
/// more slowly than they come, so that what the kernel has taken from a fast sender is not thrown away.
const DRAIN: Duration = Duration::from_secs(2);
const DRAIN_BEHIND: Duration = Duration::from_secs(10);
/// How long a sender may take, when it has heard that we stop, to send what it had begun, or to close. One that does not
/// listen for that, as most devices, holds the stop up for no longer.
const ANSWER: Duration = Duration::from_millis(300);
/// As [`ANSWER`], for one that was heard in the last [`LATELY`]: it may be busy, and a relay whose answer comes too late takes us
/// for killed and sends again what it cannot know to be safe.
const ANSWER_OF_ACTIVE: Duration = Duration::from_secs(1);
const LATELY: Duration = Duration::from_secs(2);
/// How long after the word to stop a connection may wait for room in the buffer, all in all.
const LAST_CHANCE: Duration = Duration::from_secs(3);
/// The pause after an error that passes by itself: no descriptors, no memory, a full disk.
const PAUSE: Duration = Duration::from_millis(200);
/// Why what was read of a connection is dropped, for a person.
const NO_ROOM: &str = "no room for what was read before the stop";
/// The pause when others have reserved what room there is.
const SHORT_PAUSE: Duration = Duration::from_millis(10);

/// What all connections of a source share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) origin: Origin,
    pub(crate) framing: Framing,
    /// A connection that said nothing for so long is closed.
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) queue: Queue,
    pub(crate) plans: Plans,
    pub(crate) zone: IanaZone,
    pub(crate) stop: Stop,
    /// Stop at once, whatever that loses.
    pub(crate) give_up: Stop,
    /// The unfinished messages of all connections, of other sources too.
    pub(crate) held: Arc<Held>,
    /// Bytes reserved for a read.
    pub(crate) room: usize,
    /// Whether connections go on with a successor, and where they wait for it.
    pub(super) left: Left,
    pub(super) parked: Parked,
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
    /// The buffer has no room, so nothing more was read.
    NoRoom(Refused),
}

/// A look, and the batch that could not be written into the room that was kept for it.
type Look = (Progress, Option<(Batch, Refused)>);

/// Whether what is at hand may hold whole messages, for which there was no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Unfinished,
    Whole,
}

/// Whether the stream can have more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    Reached,
    /// We end it, in the middle of a message.
    CutOff,
}

/// A connection, whoever serves it.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    peer: Peer,
    framer: Framer,
    /// The beginning of a message whose end has not come yet.
    rest: Vec<u8>,
    state: Rest,
    end: End,
    /// Known to the budget as soon as it holds something.
    hold: Option<Hold>,
    /// Bytes read since others had their turn.
    in_a_row: usize,
    /// How much more its bytes are in the buffer: what is read fits into what is reserved.
    growth: usize,
    heard_at: Instant,
}

impl Connection {
    fn new(stream: Stream, peer: Peer, context: &Context) -> Self {
        let framer = Framer::new(context.framing, context.origin.max_message);
        Self {
            stream,
            peer,
            framer,
            rest: Vec::new(),
            state: Rest::Unfinished,
            end: End::Open,
            hold: None,
            in_a_row: 0,
            growth: MOST_GROWTH,
            heard_at: Instant::now(),
        }
    }

    /// Reads until it ends, or until its source is told to stop.
    async fn run(mut self, context: &Context) {
        debug!(peer = %self.peer, "connected");
        let mut heard = pin!(context.stop.heard());
        loop {
            // A full buffer: do not read, so that the sender comes to feel it.
            if !context.queue.has_room() {
                tokio::select! {
                    biased;
                    () = &mut heard => break,
                    () = closed(self.hold.as_ref()) => return self.close(Closing::Memory, context).await,
                    _ = context.queue.room() => {}
                }
            }
            if self.state == Rest::Unfinished {
                tokio::select! {
                    biased;
                    () = &mut heard => break,
                    () = closed(self.hold.as_ref()) => return self.close(Closing::Memory, context).await,
                    readable = self.stream.readable() => if readable.is_err() { break },
                    () = idle(self.heard_at, context.idle_timeout) => {
                        return self.close(Closing::Idle, context).await;
                    }
                }
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
                Progress::NoRoom(why) => {
                    let pause = if why == Refused::Full { SHORT_PAUSE } else { PAUSE };
                    tokio::select! {
                        biased;
                        () = &mut heard => break,
                        () = tokio::time::sleep(pause) => {}
                    }
                }
            }
        }
        if context.left.is_left() {
            context.parked.park(self);
        } else {
            self.drain(context).await;
        }
    }

    /// After the word to stop: the sender is told by a FIN, finishes its message, and closes; until then everything is read
    /// and kept, so that between two collectors nothing is lost and nothing comes twice. But not when the buffer takes
    /// nothing: unread bytes are still the sender's, who learns from the reset that they are.
    async fn drain(mut self, context: &Context) {
        let said = context.stop.said_at().map_or_else(Instant::now, Instant::from_std);
        let until = Instant::now() + DRAIN;
        let behind_until = Instant::now() + DRAIN_BEHIND;
        let answer = if self.heard_at.elapsed() < LATELY { ANSWER_OF_ACTIVE } else { ANSWER };
        let mut quiet_until = Instant::now() + answer;
        self.stream.finish();
        let mut ask = Ask::Kernel;
        while !context.give_up.said() {
            if self.state == Rest::Unfinished && Instant::now() >= behind_until {
                return self.drop_rest("cut off by the stop, since it goes on and on", context);
            }
            let (progress, refused) = self.look(context, ask);
            if let Some((batch, why)) = refused {
                self.wait_for_room(batch, why, context).await;
                break;
            }
            match progress {
                Progress::Read => {
                    quiet_until = Instant::now() + answer;
                    tokio::task::yield_now().await;
                }
                Progress::Ended => return,
                // What has been read waits for the destinations to make room.
                Progress::NoRoom(_) if self.state == Rest::Whole && said.elapsed() < LAST_CHANCE => {
                    tokio::time::sleep(SHORT_PAUSE).await;
                }
                Progress::NoRoom(_) => break,
                Progress::Nothing => {
                    let mut given_up = pin!(context.give_up.heard());
                    let readable = tokio::select! {
                        readable = tokio::time::timeout_at(quiet_until.min(until), self.stream.readable()) => readable.is_ok(),
                        () = &mut given_up => continue,
                    };
                    if !readable {
                        // Some devices never send a line end, and keep the connection.
                        self.finish(End::Reached, context);
                        return;
                    }
                    // The runtime may have woken us for bytes that the kernel gave us before; asked itself, it forgets them.
                    ask = Ask::Runtime;
                }
            }
        }
        let why = if context.give_up.said() { "told to stop at once" } else { NO_ROOM };
        self.drop_rest(why, context);
    }

    /// Ends it before its peer does. The beginning of a message is all there will be of it, and is kept.
    async fn close(mut self, why: Closing, context: &Context) {
        debug!(peer = %self.peer, "closed: {}", why.name());
        context.origin.account.closed_connection(why);
        if !self.rest.is_empty() {
            let end = if why == Closing::Memory { End::CutOff } else { End::Reached };
            self.finish(end, context);
        }
    }

    /// Reads once and appends what came, if there is room for it.
    fn look(&mut self, context: &Context, ask: Ask) -> Look {
        let room = match context.queue.reserve(context.room) {
            Ok(room) => room,
            Err(error) => return (Progress::NoRoom(intake::refused(&error, &context.origin)), None),
        };
        WORKER.with_borrow_mut(|worker| {
            let Worker { intake, buffer } = worker.get_or_insert_with(|| Worker::new(context));
            intake.receive();
            let mut frames = Frames { intake, context, room: Some(room), used: 0, laid: 0, refused: None };
            if self.state == Rest::Whole {
                let mut rest = std::mem::take(&mut self.rest);
                let (used, state) = frames.take(&mut self.framer, &rest, &self.peer, self.end);
                rest.drain(..used);
                (self.rest, self.state) = (rest, state);
                let refused = frames.finish();
                return (self.settle(Progress::Read, context), refused);
            }
            let small = self.rest.len() < SMALL_REST;
            let held = if small { self.rest.len() } else { 0 };
            let most = READ_BYTES.min(context.room / self.growth);
            if buffer.len() < held + most {
                buffer.resize(held + most, 0);
            }
            let (before, room) = buffer.split_at_mut(held);
            let room = room.get_mut(..most).unwrap_or_default();
            let (progress, read) = read(&self.stream, room, &self.peer, ask);
            if read > 0 {
                self.heard_at = Instant::now();
            }
            self.in_a_row += read;
            if matches!(progress, Progress::Ended) {
                self.end = End::Reached;
            }
            if small {
                before.copy_from_slice(&self.rest);
                let bytes = buffer.get(..held + read).unwrap_or_default();
                let (used, state) = frames.take(&mut self.framer, bytes, &self.peer, self.end);
                self.state = state;
                self.rest.clear();
                let left = bytes.get(used..).unwrap_or_default();
                if left.is_empty() {
                    // Most connections are idle most of the time: they keep nothing.
                    self.rest = Vec::new();
                } else {
                    self.rest.extend_from_slice(left);
                }
            } else {
                self.rest.extend_from_slice(room.get(..read).unwrap_or_default());
                let (used, state) = frames.take(&mut self.framer, &self.rest, &self.peer, self.end);
                self.state = state;
                self.rest.drain(..used);
            }
            frames.commit();
            if let Some(growth) = (2 * frames.laid).checked_div(frames.used) {
                self.growth = growth.clamp(LEAST_GROWTH, MOST_GROWTH);
            }
            let refused = frames.finish();
            (self.settle(progress, context), refused)
        })
    }

    /// What a look came to, when it is known what is left.
    fn settle(&mut self, progress: Progress, context: &Context) -> Progress {
        if self.rest.len() < SMALL_REST && self.rest.capacity() > 2 * SMALL_REST {
            self.rest.shrink_to(self.rest.len());
        }
        if self.rest.capacity() > 0 || self.hold.is_some() {
            self.hold.get_or_insert_with(|| context.held.hold()).set(self.rest.capacity());
        }
        match (self.state, self.end) {
            (Rest::Whole, _) => Progress::NoRoom(Refused::Full),
            (Rest::Unfinished, End::Reached | End::CutOff) => Progress::Ended,
            (Rest::Unfinished, End::Open) => progress,
        }
    }

    /// The stream is at its end for us: an unfinished message is a message too.
    fn finish(&mut self, end: End, context: &Context) {
        self.end = end;
        self.state = Rest::Whole;
        let (_, refused) = self.look(context, Ask::Runtime);
        if let Some((batch, _)) = refused {
            context.origin.account.dropped(DropReason::Stopped, batch.len() as u64);
        }
        self.drop_rest(NO_ROOM, context);
    }

    /// Counts what is given up at a stop, and says why.
    fn drop_rest(&mut self, why: &'static str, context: &Context) {
        let mut messages = 0;
        let rest = std::mem::take(&mut self.rest);
        let mut left = rest.as_slice();
        while let Step::Complete { consumed, .. } = self.framer.finish(left) {
            messages += 1;
            left = left.get(consumed..).unwrap_or_default();
        }
        if messages > 0 {
            context.origin.account.received(messages, 0);
            context.origin.account.dropped(DropReason::Stopped, messages);
            if context.origin.complains() {
                warn!(source = context.origin.account.id, peer = %self.peer, messages, "{why}: dropped");
            }
        }
    }

    /// Keeps a refused batch until the buffer takes it: the disk had an error where room had been kept. After the word to
    /// stop it waits a little longer, and counts what even then is not taken.
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
        Self {
            intake: Intake::new(context.queue.clone(), context.zone.clone(), &context.plans),
            buffer: Vec::new(),
        }
    }
}

/// Returns when the budget has no more room for what the connection holds.
async fn closed(hold: Option<&Hold>) {
    match hold {
        Some(hold) => hold.closed().await,
        None => std::future::pending().await,
    }
}

/// Returns when nothing was heard for that long.
async fn idle(since: Instant, timeout: Option<Duration>) {
    match timeout {
        Some(timeout) => tokio::time::sleep_until(since + timeout).await,
        None => std::future::pending().await,
    }
}

fn read(stream: &Stream, room: &mut [u8], peer: &Peer, ask: Ask) -> (Progress, usize) {
    match stream.read(room, ask) {
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
