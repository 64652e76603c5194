//! Where messages go. Each destination is a named consumer of the buffer with a thread of its own.
//!
//! A kind of destination is a file here and implements [`Deliver`]; the loop around it is [`run`].

pub(crate) mod file;
mod run;

use std::io;
use std::time::Instant;

use super::event::Event;

pub(crate) use self::run::{Orders, Pace, Runner, WallClock};

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

    /// Opens anew what it has open. A batch may wait, even one that was handed over in part.
    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Nothing will come any more.
    fn close(&mut self) {}
}

/// Renders something of a message: its line, or the path of its file.
pub(crate) trait Render: std::fmt::Debug + Send {
    /// Appends it to `out`.
    fn render(&mut self, event: &Event<'_>, out: &mut Vec<u8>);
}
