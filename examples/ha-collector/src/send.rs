//! A load that counts itself: numbered messages over UDP, TCP or a unix socket, at a rate or as fast as they go.
//!
//! One thread sends; a batch of messages is one system call. Every message made here carries `seq=NNNNNNNNN`, so that
//! whoever receives can say which are missing and which came twice, and `at=`, the microseconds since 1970 when its batch
//! was made, so that it can be said how long it took.

mod message;
mod wire;

use std::io;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use self::message::Messages;
pub(crate) use self::message::{Content, Framing, Header};
pub(crate) use self::wire::Target;
use self::wire::Wire;

/// Messages of a batch, at most.
const BATCH: u64 = 64;
/// Shorter pauses are not slept: the kernel would make them longer.
const SHORTEST_PAUSE: Duration = Duration::from_micros(50);

/// What to send.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) target: Target,
    /// Messages in all.
    pub(crate) count: u64,
    /// Messages a second; `None`: as fast as they go.
    pub(crate) rate: Option<u64>,
    /// Sockets that the batches go over in turn.
    pub(crate) connections: usize,
    pub(crate) content: Content,
    pub(crate) framing: Framing,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// Messages that the kernel took.
    pub(crate) sent: u64,
    /// Datagrams that it refused: nobody listened.
    pub(crate) refused: u64,
    pub(crate) bytes: u64,
    pub(crate) took: Duration,
}

impl Outcome {
    /// Messages a second.
    pub(crate) fn rate(&self) -> f64 {
        let seconds = self.took.as_secs_f64();
        if seconds > 0.0 { self.sent as f64 / seconds } else { 0.0 }
    }
}

/// Why the load ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("cannot connect to {target}: {source}")]
    Connect { target: String, source: io::Error },
    #[error("cannot read {}: {source}", path.display())]
    Corpus { path: PathBuf, source: io::Error },
    #[error("{} holds no line", path.display())]
    EmptyCorpus { path: PathBuf },
    #[error("after {sent} messages: {source}")]
    Write { sent: u64, source: io::Error },
}

/// Sends it all.
pub(crate) fn run(load: &Load) -> Result<Outcome, SendError> {
    let mut messages = Messages::new(&load.content, load.framing)?;
    let connect = |_| {
        Wire::connect(&load.target)
            .map_err(|source| SendError::Connect { target: load.target.to_string(), source })
    };
    let mut wires = (0..load.connections.max(1)).map(connect).collect::<Result<Vec<_>, _>>()?;
    let begun = Instant::now();
    // A slow rate is not sent in bursts.
    let most = load.rate.map_or(BATCH, |rate| (rate / 1000).clamp(1, BATCH));
    let (mut sent, mut refused, mut bytes) = (0, 0, 0);
    let mut turn = 0;
    while sent + refused < load.count {
        if let Some(rate) = load.rate {
            wait_until(begun + Duration::from_secs_f64((sent + refused) as f64 / rate as f64));
        }
        let batch = messages.next(most.min(load.count - sent - refused));
        let Some(wire) = wires.get_mut(turn) else { break };
        let went = wire.send(&batch).map_err(|source| SendError::Write { sent, source })?;
        sent += went.messages;
        refused += batch.len() - went.messages;
        bytes += went.bytes;
        turn = (turn + 1) % load.connections.max(1);
    }
    let took = begun.elapsed();
    for wire in wires {
        wire.finish().map_err(|source| SendError::Write { sent, source })?;
    }
    Ok(Outcome { sent, refused, bytes, took })
}

fn wait_until(due: Instant) {
    let pause = due.saturating_duration_since(Instant::now());
    if pause > SHORTEST_PAUSE {
        thread::sleep(pause);
    }
}
