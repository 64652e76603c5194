//! How old records are: now and then the number and the moment are noted.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Moment;

/// Numbers and when they were the next.
#[derive(Debug, Default)]
pub(crate) struct Ages {
    notes: VecDeque<(u64, Moment)>,
}

impl Ages {
    /// The record `seq` is appended now.
    pub(crate) fn note(&mut self, seq: u64, now: Moment) {
        if self.notes.back().is_some_and(|(_, last)| now.since(*last) < STEP) {
            return;
        }
        if self.notes.len() == NOTES {
            // Every second one will do for what is long ago.
            let mut keep = false;
            self.notes.retain(|_| {
                keep = !keep;
                keep
            });
        }
        self.notes.push_back((seq, now));
    }

    /// How long the record `seq` has been there, at least, and hardly longer; of those of an earlier run, since
    /// the queue was opened.
    pub(crate) fn of(&self, seq: u64, now: Moment) -> Duration {
        let later = self.notes.partition_point(|(noted, _)| *noted < seq);
        let note = self.notes.get(later).or_else(|| self.notes.back());
        note.map_or(Duration::ZERO, |(_, then)| now.since(*then))
    }
}

const STEP: Duration = Duration::from_millis(100);
const NOTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_off_by_a_step_and_notes_are_bounded() {
        let mut ages = Ages::default();
        for n in 0..100_000 {
            ages.note(n, Moment(n));
        }
        let now = Moment(100_000);
        assert!(ages.notes.len() <= NOTES);
        let age = ages.of(99_000, now);
        assert!(age <= Duration::from_secs(1) && age >= Duration::from_millis(800), "{age:?}");
    }
}
