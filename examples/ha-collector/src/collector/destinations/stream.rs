//! Messages over a stream to another collector: TCP or a unix socket, one of several targets.
//!
//! A batch is delivered when everything of it was written and the peer's kernel has acknowledged every byte. That is not
//! yet a word of the peer's process; therefore what was delivered of late is kept in memory for a while, and is sent again
//! when the connection breaks other than by a clean close. How that is told apart, and what a [`link`] does when its peer
//! says that it is about to stop, is told there; who is called when, in [`targets`].

mod link;
mod targets;

pub(super) use self::targets::resolve;

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use self::link::{Outcome, Trouble};
use self::targets::Targets;
use super::Deliver;
use super::Render;
use super::batch::Batch;
use crate::collector::event::Event;
use crate::config::{Framing, StreamDestination};

/// How long one call tries, for orders are heard in between.
const PATIENCE: Duration = Duration::from_secs(1);
/// A peer that stops waits for its senders to hear of it, those too that have nothing to say.
const LOOK_AROUND: Duration = Duration::from_millis(200);
/// Empty batches kept for their memory.
const SPARE: usize = 4;

/// A destination, ready to run.
#[derive(Debug)]
pub(crate) struct Streams {
    id: String,
    framing: Framing,
    render: Box<dyn Render>,
    scratch: Vec<u8>,
    hand: Batch,
    /// What is not delivered, in its order: what has to be sent again, then what was handed over.
    waiting: VecDeque<Batch>,
    /// The target that has the first of `waiting`, or a part of it.
    under_way: Option<usize>,
    targets: Targets,
    /// When peers were last listened to that got nothing.
    looked: Instant,
    spare: Vec<Batch>,
}

impl Streams {
    pub(crate) fn new(
        id: &str,
        config: &StreamDestination,
        time_reopen: Duration,
        render: Box<dyn Render>,
    ) -> Self {
        Self {
            id: id.to_owned(),
            framing: config.framing,
            render,
            scratch: Vec::new(),
            hand: Batch::default(),
            waiting: VecDeque::new(),
            under_way: None,
            targets: Targets::new(id, config, time_reopen),
            looked: Instant::now(),
            spare: Vec::new(),
        }
    }

    /// Sends what waits. An error says why something still does.
    fn send(&mut self, now: Instant) -> io::Result<()> {
        let until = now + PATIENCE;
        let mut troubles = 0;
        while let Some(batch) = self.waiting.front_mut() {
            let at = match self.under_way {
                Some(at) => at,
                None => self.targets.pick(until)?,
            };
            let Some(link) = self.targets.link(at) else {
                self.under_way = None;
                continue;
            };
            self.under_way = Some(at);
            let error = match link.deliver(batch, until) {
                Ok(Outcome::Delivered) => {
                    self.under_way = None;
                    if let Some(batch) = self.waiting.pop_front() {
                        link.keep(batch, Instant::now(), &mut self.spare);
                    }
                    continue;
                }
                Ok(Outcome::Left { through }) => {
                    info!(destination = self.id, to = self.targets.name(at), "stops, and has everything");
                    batch.forget_to(through);
                    if batch.is_empty()
                        && let Some(batch) = self.waiting.pop_front()
                    {
                        self.recycle(batch);
                    }
                    self.targets.close(at, Instant::now());
                    self.under_way = None;
                    let message = format!("{} stops", self.targets.name(at));
                    io::Error::new(io::ErrorKind::ConnectionAborted, message)
                }
                Err(Trouble::Waits(error)) => return Err(error),
                Err(Trouble::Broken(error)) => {
                    self.under_way = None;
                    self.broken(at, &error);
                    error
                }
            };
            troubles += 1;
            // Another one may do, at once; the same one not without a pause.
            let enough = troubles >= self.targets.len() || Instant::now() >= until;
            if enough && !self.waiting.is_empty() {
                return Err(error);
            }
        }
        Ok(())
    }

    /// The connection is gone: what its receiver may not have read goes first.
    fn broken(&mut self, at: usize, error: &io::Error) {
        let unread = self.targets.link(at).map(link::Link::unread).unwrap_or_default();
        let again: usize = unread.iter().map(Batch::len).sum();
        warn!(destination = self.id, to = self.targets.name(at), again, "the connection broke: {error}");
        for batch in unread.into_iter().rev() {
            self.waiting.push_front(batch);
        }
        self.targets.close(at, Instant::now());
    }

    /// Hears what peers say while there is nothing to send.
    fn look_around(&mut self, now: Instant) {
        for at in 0..self.targets.len() {
            if self.under_way == Some(at) {
                continue;
            }
            let Some(link) = self.targets.link(at) else {
                continue;
            };
            match link.look(now + PATIENCE) {
                Ok(None) | Err(Trouble::Waits(_)) => link.forget(now, &mut self.spare),
                Ok(Some(_)) => {
                    info!(destination = self.id, to = self.targets.name(at), "stops, and has everything");
                    self.targets.close(at, now);
                }
                Err(Trouble::Broken(error)) => self.broken(at, &error),
            }
        }
        self.targets.attend(now);
        self.looked = now;
    }

    fn recycle(&mut self, mut batch: Batch) {
        if self.spare.len() < SPARE {
            batch.clear();
            self.spare.push(batch);
        }
    }
}

impl Deliver for Streams {
    fn take(&mut self, event: &Event<'_>) {
        self.scratch.clear();
        self.render.render(event, &mut self.scratch);
        let end = self.scratch.iter().rposition(|byte| *byte != b'\n').map_or(0, |last| last + 1);
        let text = self.scratch.get(..end).unwrap_or_default();
        if !text.is_empty() {
            self.hand.push_with(|out| frame(self.framing, text, out));
        }
    }

    fn flush(&mut self, now: Instant) -> io::Result<()> {
        if !self.hand.is_empty() {
            let next = self.spare.pop().unwrap_or_default();
            self.waiting.push_back(std::mem::replace(&mut self.hand, next));
        }
        // Those that get nothing now have something to say, too.
        if now.saturating_duration_since(self.looked) >= LOOK_AROUND {
            self.look_around(now);
        }
        self.send(now)
    }

    fn take_back(&mut self) {
        self.hand.clear();
        self.waiting.clear();
        // A frame that was begun is not continued by another one.
        if let Some(at) = self.under_way.take() {
            self.targets.close(at, Instant::now());
        }
    }

    fn idle(&mut self, now: Instant) {
        self.look_around(now);
        if !self.waiting.is_empty()
            && let Err(error) = self.send(now)
        {
            tracing::debug!(destination = self.id, "still waits: {error}");
        }
    }

    fn due(&self) -> Option<Instant> {
        Some(Instant::now() + LOOK_AROUND)
    }
}

/// Appends a message as it stands in the stream (RFC 6587 §3.4).
fn frame(framing: Framing, text: &[u8], out: &mut Vec<u8>) {
    match framing {
        Framing::OctetCounting => {
            // Writing to a Vec does not fail.
            write!(out, "{} ", text.len()).ok();
            out.extend_from_slice(text);
        }
        Framing::Lf => {
            // All of it is looked at, whatever is found: so many bytes are compared at once.
            if text.iter().fold(false, |found, &byte| found | ends_a_line(byte)) {
                for &byte in text {
                    match byte {
                        b'\n' => out.extend_from_slice(b"#012"),
                        0 => out.extend_from_slice(b"#000"),
                        _ => out.push(byte),
                    }
                }
            } else {
                out.extend_from_slice(text);
            }
            out.push(b'\n');
        }
    }
}

/// For one receiver or another (RFC 6587 §3.4.2).
const fn ends_a_line(byte: u8) -> bool {
    matches!(byte, b'\n' | 0)
}

#[cfg(test)]
mod tests;
