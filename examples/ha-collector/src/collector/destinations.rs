//! Where messages go. Each destination is a named consumer of the buffer with a thread of its own.
//!
//! A kind of destination is a file here and implements [`Deliver`]; the loop around it is a [`run::Runner`], and what it writes
//! for a message a [`Render`].

mod batch;
mod console;
mod datagram;
pub(crate) mod file;
mod open;
mod pipe;
mod program;
mod render;
mod run;
pub(crate) mod running;
mod stream;
mod sys;
mod usertty;

use std::io;
use std::time::Instant;

use super::event::Event;

pub(crate) use self::open::{Opening, open};
pub(crate) use self::render::{Bare, Render};

/// What a kind of destination does with messages.
pub(crate) trait Deliver: Send {
    /// Takes one message into the batch in hand.
    fn take(&mut self, event: &Event<'_>);

    /// Hands the batch over; after `Ok` the buffer forgets it. After an error, what was not handed over still waits, and
    /// the next call goes on where this one stopped. Returns within a second or so, for orders are heard in between.
    fn flush(&mut self, now: Instant) -> io::Result<()>;

    /// The batch in hand is given up and will come again, whole: takes back what can be taken back of it.
    fn take_back(&mut self);

    /// There was nothing to do for a while, or [`Self::due`] was reached.
    fn idle(&mut self, _now: Instant) {}

    /// When [`Self::idle`] wants to be called even if there is nothing to do for less than a while.
    fn due(&self) -> Option<Instant> {
        None
    }

    /// What became of messages of the batches handed over, since this was asked last.
    fn tally(&mut self) -> Tally {
        Tally::default()
    }

    /// Opens anew what it has open. A batch may wait, even one that was handed over in part.
    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Nothing will come any more.
    fn close(&mut self) {}
}

/// Messages that were handed over otherwise than whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// There was nowhere to put them, and it is in the nature of the destination not to wait.
    pub(crate) dropped: u64,
    /// Longer than the destination can take: their beginning was delivered.
    pub(crate) cut: u64,
}
