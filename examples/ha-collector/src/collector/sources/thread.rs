//! What sources that read with a thread of their own have in common: they wait for room before they read, so that what
//! was read has its place.

use std::time::{Duration, Instant};

use diskbuf::{Queue, Reservation};

use super::bell::{Bell, Woken};
use crate::collector::intake::{self, AROUND_A_MESSAGE, Intake, Origin, Refused};
use crate::collector::ledger::DropReason;
use crate::collector::stop::Stop;

/// Reserved for a read, where the buffer's segments are of a usual size.
const ROOM: usize = 1 << 20;
/// Beside the longest message.
const BESIDE: usize = 16 << 10;
/// How long a thread waits for room before it looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(100);
/// How long after the word to stop what was read may wait for room.
const LAST_CHANCE: Duration = Duration::from_secs(3);

/// Bytes to reserve for a read: several messages' worth, one at least.
pub(super) fn room(queue: &Queue, max_message: usize) -> usize {
    let most = queue.max_record_len();
    ROOM.min(most / 8).max(max_message + AROUND_A_MESSAGE + BESIDE).min(most)
}

/// A source's own thread.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) queue: Queue,
    pub(super) intake: Intake,
    pub(super) origin: Origin,
    pub(super) stop: Stop,
    pub(super) give_up: Stop,
    pub(super) bell: Bell,
    /// Bytes to reserve.
    pub(super) room: usize,
}

impl Reader {
    /// Room for a read, however long that takes; `None`: told to stop meanwhile.
    pub(super) fn wait_for_room(&self) -> Option<Reservation> {
        loop {
            match self.queue.reserve(self.room) {
                Ok(room) => return Some(room),
                Err(error) => {
                    if self.stop.said() {
                        return None;
                    }
                    match intake::refused(&error, &self.origin) {
                        Refused::Full => drop(self.queue.wait_room(Some(Instant::now() + LOOK))),
                        // Nobody tells when the disk has room again.
                        Refused::Trouble(_) => drop(self.bell.wait(None, Some(LOOK))),
                    }
                    // Others may have reserved what room there is.
                    self.bell.wait(None, Some(Duration::from_millis(5)));
                }
            }
        }
    }

    /// Whether the longest message that so many bytes can hold still fits beside those taken.
    pub(super) fn has_room(&self, room: &Reservation, bytes: usize) -> bool {
        let longest = self.origin.max_message.min(bytes) + AROUND_A_MESSAGE;
        let reserved = usize::try_from(room.bytes()).unwrap_or(usize::MAX);
        self.intake.bytes() == 0 || self.intake.bytes() + longest <= reserved
    }

    /// Appends what was taken. An error of the disk is waited for to pass, until told to stop.
    pub(super) fn commit(&mut self, room: Reservation) -> Kept {
        let Err(mut why) = self.intake.commit(room, &self.origin) else {
            return Kept::Yes;
        };
        loop {
            let over = self.stop.said_at().is_some_and(|said| said.elapsed() >= LAST_CHANCE);
            if over || self.give_up.said() {
                let batch = self.intake.give_up_batch();
                self.origin.account.dropped(DropReason::Stopped, batch.len() as u64);
                return Kept::No;
            }
            match why {
                Refused::Full => drop(self.queue.wait_space(Some(Instant::now() + LOOK))),
                Refused::Trouble(_) => std::thread::sleep(LOOK),
            }
            match self.intake.append(&self.origin) {
                Ok(()) => return Kept::Yes,
                Err(again) => why = again,
            }
        }
    }

    /// Waits for `fd` to have something, or for the word to stop.
    pub(super) fn wait(&self, fd: std::os::fd::BorrowedFd<'_>) -> Woken {
        self.bell.wait(Some(fd), None)
    }
}

/// Whether what was read is in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Yes,
    No,
}
