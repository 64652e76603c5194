//! From bytes of a connection to messages in the buffer, into room that was kept for them.

use diskbuf::{Batch, Reservation};
use syslog_parse::{FrameFlags, Framer, Step};

use super::socket::Peer;
use super::{Context, End, Rest};
use crate::collector::intake::{AROUND_A_FRAME, Intake, Refused};
use crate::collector::record::Extent;

/// Messages on their way into room that was kept for them.
pub(super) struct Frames<'i> {
    pub(super) intake: &'i mut Intake,
    pub(super) context: &'i Context,
    pub(super) room: Option<Reservation>,
    /// Bytes of messages taken, and what they are in the buffer.
    pub(super) used: usize,
    pub(super) laid: usize,
    pub(super) refused: Option<Refused>,
}

impl Frames<'_> {
    /// Takes all messages that are whole, and at the end of the stream what is left too. Says how many bytes are done
    /// with, and whether there was room for all.
    pub(super) fn take(&mut self, framer: &mut Framer, bytes: &[u8], peer: &Peer, end: End) -> (usize, Rest) {
        let mut at = 0;
        let envelope = peer.envelope();
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            if !self.room_for_one(rest.len()) {
                return (at, Rest::Whole);
            }
            let step = match end {
                End::Reached | End::CutOff => framer.finish(rest),
                End::Open => framer.next(rest),
            };
            match step {
                Step::Complete { frame, consumed } => {
                    let cut = end == End::CutOff || frame.flags.contains(FrameFlags::TRUNCATED);
                    let extent = if cut { Extent::Cut } else { Extent::Whole };
                    self.intake.take(frame.bytes, &envelope.with(extent), &self.context.origin);
                    at += consumed;
                    self.used += consumed;
                }
                Step::Partial { consumed } => return (at + consumed, Rest::Unfinished),
            }
        }
    }

    /// Whether the longest message that these bytes can hold has a place; full room is used and more asked for.
    fn room_for_one(&mut self, bytes: usize) -> bool {
        let reserved =
            self.room.as_ref().map_or(0, |room| usize::try_from(room.bytes()).unwrap_or(usize::MAX));
        let longest = self.context.origin.max_message.min(bytes) + AROUND_A_FRAME;
        if self.intake.bytes() == 0 || self.intake.bytes() + longest <= reserved {
            return self.room.is_some();
        }
        self.commit();
        if self.refused.is_some() {
            return false;
        }
        self.room = self.context.queue.reserve(self.context.room).ok();
        self.room.is_some()
    }

    pub(super) fn commit(&mut self) {
        if let Some(room) = self.room.take() {
            self.laid += self.intake.bytes();
            self.refused = self.intake.commit(room, &self.context.origin).err();
        }
    }

    /// Uses the room; gives back the batch that could not be written.
    pub(super) fn finish(mut self) -> Option<(Batch, Refused)> {
        self.commit();
        self.refused.map(|why| (self.intake.give_up_batch(), why))
    }
}
