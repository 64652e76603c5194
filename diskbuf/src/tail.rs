//! Where the records of a segment end, as its bytes tell: the question asked of the newest ones after a crash.

use std::io;

use crate::format::{DATA_START, HEADER_LEN};
use crate::record::Head;
use crate::segment::{Segment, SpaceOrigin};
use crate::seq::{Loss, LossCause, Seq};
use crate::storage::StorageFile;
use crate::window::{Wanted, Window};

/// The end of a segment.
#[derive(Debug)]
pub(crate) struct Tail {
    /// Behind the last batch that is whole.
    pub(crate) end: u64,
    /// Where the last record of it begins, if there is one.
    pub(crate) last_at: Option<u64>,
    /// The number behind that record's.
    pub(crate) next_seq: u64,
    /// Records missing before others that are good.
    pub(crate) losses: Vec<Loss>,
    hole: Hole,
    /// Good records of batches of which a part is missing: they must not come back.
    halves: Vec<u64>,
    /// As `halves`, at the end.
    unfinished: Vec<u64>,
    /// Up to here there may be bytes of an append that was not finished.
    torn_end: u64,
}

/// Where to begin, and what is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begin {
    /// Where a batch begins.
    pub(crate) at: u64,
    /// Its first number.
    pub(crate) seq: u64,
    /// Records from this number on were never said to be synced.
    pub(crate) durable: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hole {
    None,
    /// A whole batch lies behind bytes that are none.
    Found,
}

/// Records of a batch whose end has not come yet.
#[derive(Default)]
struct Open {
    places: Vec<u64>,
    first: u64,
    /// The number and the place behind the last of them.
    next: u64,
    end: u64,
}

impl Tail {
    /// Reads the segment from `begin` to its end.
    pub(crate) fn scan(
        file: &dyn StorageFile,
        segment_bytes: u64,
        segment: &Segment,
        origin: SpaceOrigin,
        begin: Begin,
    ) -> io::Result<Self> {
        let mut tail = Self {
            end: begin.at,
            last_at: None,
            next_seq: begin.seq,
            losses: Vec::new(),
            hole: Hole::None,
            halves: Vec::new(),
            unfinished: Vec::new(),
            torn_end: 0,
        };
        let mut window = Window::new(WINDOW);
        let bound = segment.sealed_at().min(Seq::MAX);
        let mut wanted = Wanted { life: segment.life, end: segment_bytes, min_seq: begin.seq, bound };
        let mut open = Open::default();
        let mut at = begin.at;
        while let Some((place, head)) = window.find(file, &wanted, at)? {
            at = place + head.size();
            if !window.intact(file, place, &head, segment_bytes)? {
                // Good ones may lie in what its length, written for bytes that are not there, leaps over.
                tail.torn_end = tail.torn_end.max(at);
                at = place + 8;
                continue;
            }
            tail.take(&mut open, place, head, begin.durable);
            // Not behind this one: it may be of a batch that was overwritten, in a sector that was not.
            wanted.min_seq = tail.next_seq;
        }
        // What the last batch has of records is as torn as if there were none.
        tail.torn_end = tail.torn_end.max(open.end);
        tail.unfinished = open.places;
        if origin == SpaceOrigin::Fresh && segment_bytes > tail.end {
            tail.torn_end = tail.torn_end.max(last_written(&mut window, file, tail.end, segment_bytes)?);
        }
        Ok(tail)
    }

    /// A good record.
    fn take(&mut self, open: &mut Open, place: u64, head: Head, durable: u64) {
        if head.seq < durable {
            // What was synced was synced with all of its batch: what is missing now was damaged later, alone.
            self.halves.append(&mut open.places);
            self.good(place, place + head.size(), head.seq, head.seq + 1, place, durable);
            return;
        }
        let follows =
            !open.places.is_empty() && head.seq == open.next && place == open.end && !head.is_first();
        if !follows {
            self.halves.append(&mut open.places);
            if !head.is_first() {
                // The front of its batch is missing. No hole by itself: a process that died in the middle of its stores leaves
                // this, since the first header is stored last. If a whole batch follows, that is one.
                self.halves.push(place);
                self.torn_end = self.torn_end.max(place + head.size());
                return;
            }
            open.first = head.seq;
        }
        open.places.push(place);
        open.next = head.seq + 1;
        open.end = place + head.size();
        if !head.is_last() {
            return;
        }
        let begin = open.places.first().copied().unwrap_or(place);
        let (end, first, next) = (open.end, open.first, open.next);
        open.places.clear();
        self.good(begin, end, first, next, place, durable);
    }

    /// The records `first..next` lie from `begin` to `end`, the last of them at `last`.
    fn good(&mut self, begin: u64, end: u64, first: u64, next: u64, last: u64, durable: u64) {
        if begin != self.end || first > self.next_seq {
            self.hole = Hole::Found;
            lost(&mut self.losses, self.next_seq, first, durable);
        }
        self.end = end;
        self.last_at = Some(last);
        self.next_seq = next;
    }

    /// Whether appending may go on behind the last record.
    pub(crate) fn continues(&self) -> bool {
        self.hole == Hole::None
    }

    /// How much an unfinished append left behind the last record.
    pub(crate) const fn torn_bytes(&self) -> u64 {
        self.torn_end.saturating_sub(self.end)
    }

    /// Where [`Self::cut`] would begin to overwrite, if at all.
    pub(crate) fn first_cut(&self) -> Option<u64> {
        let torn = (self.torn_bytes() > 0).then_some(self.end);
        self.halves.iter().copied().chain(torn).min()
    }

    /// As [`Self::first_cut`], of [`Self::cut_halves`].
    pub(crate) fn first_half(&self) -> Option<u64> {
        self.halves.iter().chain(&self.unfinished).copied().min()
    }

    /// Overwrites that with zeros, and halves of batches too, so that they can never be taken for records.
    pub(crate) fn cut(&self, file: &dyn StorageFile) -> io::Result<()> {
        if self.first_cut().is_none() {
            return Ok(());
        }
        Self::wipe(file, &self.halves)?;
        let zeros = vec![0; CHUNK];
        let mut at = self.end;
        while at < self.torn_end {
            let part = usize::try_from(self.torn_end - at).unwrap_or(CHUNK).min(CHUNK);
            file.write_all_at(zeros.get(..part).unwrap_or(&zeros), at)?;
            at += part as u64;
        }
        file.sync()
    }

    /// The batches end before `bound`, where the next segment begins: what is missing in between.
    pub(crate) fn missing_until(&mut self, bound: u64, durable: u64) {
        lost(&mut self.losses, self.next_seq, bound, durable);
    }
}

impl Tail {
    /// As [`Self::cut`], in a segment that is not the newest: what lies behind its records may be the only safe copy
    /// of what the next one holds, whose name may not be safe yet.
    pub(crate) fn cut_halves(&self, file: &dyn StorageFile) -> io::Result<()> {
        if self.first_half().is_none() {
            return Ok(());
        }
        Self::wipe(file, &self.unfinished)?;
        Self::wipe(file, &self.halves)?;
        file.sync()
    }

    /// From the back: a batch that was dropped must not look whole after another crash.
    fn wipe(file: &dyn StorageFile, places: &[u64]) -> io::Result<()> {
        places.iter().rev().try_for_each(|place| file.write_all_at(&[0; HEADER_LEN], *place))
    }
}

impl Begin {
    /// At the front of a segment.
    pub(crate) const fn of(segment: &Segment, durable: u64) -> Self {
        Self { at: DATA_START, seq: segment.life.first_seq, durable }
    }
}

/// The records `from..until` are gone; those from `durable` on had never been promised.
pub(crate) fn lost(losses: &mut Vec<Loss>, from: u64, until: u64, durable: u64) {
    let middle = durable.clamp(from.min(until), until);
    for (from, until, cause) in [(from, middle, LossCause::Corrupt), (middle, until, LossCause::Unsynced)] {
        if from < until {
            Loss { from: Seq::new(from), to: Seq::new(until - 1), cause }.push_onto(losses);
        }
    }
}

/// Behind the last byte from `from` on that is not zero, or `from`.
fn last_written(window: &mut Window, file: &dyn StorageFile, from: u64, end: u64) -> io::Result<u64> {
    let zeros = [0; 4096];
    let mut last = from;
    let mut at = from;
    while at < end {
        let len = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
        if window.get(at, len).is_none() {
            window.load(file, at, len, end)?;
        }
        let bytes = window.get(at, len).unwrap_or_default();
        for (number, part) in bytes.chunks(zeros.len()).enumerate() {
            if zeros.get(..part.len()) != Some(part)
                && let Some(place) = part.iter().rposition(|byte| *byte != 0)
            {
                last = at + (number * zeros.len() + place) as u64 + 1;
            }
        }
        at += len as u64;
    }
    Ok(last)
}

/// What is looked through at once.
const CHUNK: usize = 1 << 16;
const WINDOW: usize = 1 << 20;
