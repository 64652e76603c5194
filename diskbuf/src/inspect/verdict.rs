//! [`Verdict`]: what is wrong with a queue at rest.

use super::{Entry, Inspection};
use crate::cursor;
use crate::format::STATE;
use crate::seq::{Loss, LossCause, Seq};
use crate::status::Counts;

/// What [`Inspection::verify`] has found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// Records whose checksums are right.
    pub records: u64,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
    /// Records that are gone, in order, by exact number.
    pub losses: Vec<Loss>,
    /// What an unfinished append left behind the last record, in bytes; nobody was told that it succeeded, so this is no loss.
    pub torn_bytes: u64,
    /// Files of which a slot does not verify although another one does, by name: `STATE`, and cursors. See
    /// [`Recovery::torn_slots`](crate::Recovery::torn_slots).
    pub torn_slots: Vec<String>,
    /// Files that are damaged, by the name that they have or would be put away under, and what is wrong with them.
    pub damaged: Vec<(String, String)>,
}

impl Verdict {
    pub(super) fn begun(inspection: &Inspection) -> Self {
        let torn_bytes = inspection.recovery().torn_bytes;
        let mut damaged = Vec::new();
        let mut wrong = |name: &str, what: &str| damaged.push((name.to_owned(), what.to_owned()));
        if inspection.copies() < 2 {
            wrong("META", "one of its two copies does not verify");
        }
        if inspection.recovery().counts == Counts::Lost {
            wrong("STATE", "it is missing, or neither slot verifies");
        }
        let segment_bytes = inspection.status().segment_bytes;
        for segment in inspection.segments() {
            if segment.bytes != segment_bytes {
                wrong(&segment.name, &format!("{} bytes long, not {segment_bytes}", segment.bytes));
            }
            if !inspection.header_verifies(&segment.name) {
                wrong(&segment.name, "its header does not verify");
            }
        }
        for consumer in inspection.consumers().iter().filter(|consumer| consumer.acked.is_none()) {
            wrong(&format!("consumers/{}.cursor", consumer.name), "no slot verifies");
        }
        for file in inspection.quarantined() {
            wrong(&file.name, if file.reason.is_empty() { "put away" } else { &file.reason });
        }
        let state = inspection.recovery().torn_slots.iter().filter(|path| path.ends_with(STATE));
        let torn = inspection.consumers().iter().filter(|consumer| consumer.torn_slots > 0);
        let torn = torn.map(|consumer| cursor::file_name(&consumer.name));
        let torn_slots = state.map(|_| STATE.to_owned()).chain(torn).collect();
        Self { records: 0, payload_bytes: 0, losses: Vec::new(), torn_bytes, torn_slots, damaged }
    }

    pub(super) fn note(&mut self, entry: &Entry<'_>) {
        match entry {
            Entry::Record { payload, .. } => {
                self.records += 1;
                self.payload_bytes += payload.len() as u64;
            }
            Entry::Lost(loss) => self.losses.push(*loss),
        }
    }

    /// What was lost outside of what is there: the opening knows, and the cursors. The opening also knows causes better.
    pub(super) fn add_recovery(&mut self, inspection: &Inspection) {
        let known = &inspection.recovery().losses;
        let missing = inspection.consumers().iter().flat_map(|consumer| &consumer.missing);
        for loss in known.iter().chain(missing) {
            let covered = |other: &Loss| other.from <= loss.from && other.to >= loss.to;
            if !self.losses.iter().any(covered) {
                self.losses.push(*loss);
            }
        }
        self.losses.sort_by_key(|loss| (loss.from, std::cmp::Reverse(loss.to)));
        // Each number once.
        let mut counted = 0;
        self.losses.retain_mut(|loss| {
            loss.from = loss.from.max(Seq::new(counted + 1));
            counted = counted.max(loss.to.as_u64());
            loss.from <= loss.to
        });
    }

    /// Whether nothing is lost but what was dropped to make room, as was asked for, and nothing damaged. What a crash leaves by right
    /// does not count: [`torn_bytes`](Self::torn_bytes) and [`torn_slots`](Self::torn_slots).
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let dropped = |loss: &Loss| loss.cause == LossCause::DroppedForRoom;
        self.losses.iter().all(dropped) && self.damaged.is_empty()
    }
}
