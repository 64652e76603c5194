//! Finding the next records of a consumer: from segment to segment, past damage, into one reused buffer.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::consumer::Limit;
use crate::cursor::Slot;
use crate::error::ReadError;
use crate::format::{DATA_START, HEADER_LEN};
use crate::record::Head;
use crate::segment::{OPEN, Segment};
use crate::seq::{Loss, LossCause, Seq};
use crate::state::Shared;
use crate::storage::StorageFile;
use crate::window::{Wanted, Window};

/// A place in the queue: before the record `seq`.
#[derive(Clone, Debug)]
pub(crate) struct Position {
    pub(crate) seq: u64,
    /// Where that record begins or will begin. An earlier place of the same segment does as well.
    at: Option<(Arc<Segment>, u64)>,
    /// As `at`, remembered on disk and to be checked before it is used.
    hint: (u64, u64),
}

/// A record in the buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    /// Where in the buffer its payload begins.
    index: usize,
    len: u32,
}

/// The buffer and what was found in it.
#[derive(Debug)]
pub(crate) struct Reader {
    shared: Arc<Shared>,
    window: Window,
    /// Whose bytes are in the window.
    open: Option<(u64, Arc<dyn StorageFile>)>,
    entries: Vec<Entry>,
    losses: Vec<Loss>,
    /// Why records are gone that were older than the oldest when the queue was opened.
    front: LossCause,
}

impl Position {
    /// Where the cursor says.
    pub(crate) const fn at(slot: Slot) -> Self {
        Self { seq: slot.next, at: None, hint: (slot.hint_segment, slot.hint_at) }
    }

    /// Before `seq`, wherever that is.
    pub(crate) const fn unknown(seq: u64) -> Self {
        Self { seq, at: None, hint: (0, 0) }
    }

    /// What to remember on disk.
    pub(crate) fn hint(&self) -> (u64, u64) {
        self.at.as_ref().map_or((0, 0), |(segment, at)| (segment.id, *at))
    }
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>, slot: &Slot) -> Self {
        let front = slot.gone_before(shared.recovery.oldest_seq.as_u64(), shared.dropped_before);
        let (entries, losses) = (Vec::new(), Vec::new());
        Self { shared, window: Window::new(BUFFER), open: None, entries, losses, front }
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn losses(&self) -> &[Loss] {
        &self.losses
    }

    /// Number and payload of the record in place `place`.
    #[inline]
    pub(crate) fn record(&self, place: usize) -> Option<(u64, &[u8])> {
        let entry = self.entries.get(place)?;
        Some((entry.seq, self.window.slice(entry.index, entry.len as usize)))
    }

    /// The position behind that record, in a delivery that ends at `until`.
    pub(crate) fn position_behind(&self, place: usize, until: &Position) -> Position {
        let seq = self.entries.get(place).map_or(0, |entry| entry.seq) + 1;
        let next = self.entries.get(place + 1).filter(|next| next.seq == seq);
        let start = next.and_then(|next| next.index.checked_sub(HEADER_LEN));
        let at = until.at.as_ref().zip(start);
        let at = at.map(|((segment, _), start)| (Arc::clone(segment), self.window.offset(start)));
        Position { seq, at, hint: (0, 0) }
    }

    /// Collects the records from `from` on: where they end.
    pub(crate) fn fill(&mut self, from: &Position, limit: Limit) -> Result<Position, ReadError> {
        self.entries.clear();
        self.losses.clear();
        let mut here = from.clone();
        loop {
            let oldest = self.shared.oldest_seq.load(Ordering::SeqCst);
            if here.seq < oldest {
                self.skip_dropped(&mut here, oldest);
            }
            let flow = match here.at.take() {
                Some((segment, at)) => self.go_on(&segment, at, &mut here, limit)?,
                None => self.enter(&mut here)?,
            };
            if flow == Flow::Stop {
                return Ok(here);
            }
        }
    }

    /// Takes the records at `at`, or overcomes what lies there instead.
    fn go_on(
        &mut self,
        segment: &Arc<Segment>,
        mut at: u64,
        here: &mut Position,
        limit: Limit,
    ) -> Result<Flow, ReadError> {
        // The seal before the end: once sealed, the end is final.
        let sealed = segment.sealed_at();
        let end = segment.end();
        if here.seq >= sealed {
            return Ok(Flow::On);
        }
        let wanted = Wanted { life: segment.life, end, min_seq: here.seq, bound: sealed };
        let obstacle = match &self.open {
            Some((id, _)) if *id == segment.id => self.take(&wanted, &mut at, &mut here.seq, limit),
            _ => Obstacle::Unread(HEADER_LEN),
        };
        here.at = Some((Arc::clone(segment), at));
        if !self.entries.is_empty() {
            return Ok(Flow::Stop);
        }
        match obstacle {
            Obstacle::End => return Ok(self.at_end(segment, at, here)),
            Obstacle::Unread(len) => self.load(segment, at, len, end, here)?,
            Obstacle::NoRecord => self.resync(segment, at, here, &wanted)?,
            Obstacle::Gap(seq) => {
                segment.damaged();
                self.lose(here, seq, LossCause::Corrupt);
            }
            Obstacle::Damaged(head) if self.shared.keeps(segment) => {
                self.lose(here, head.seq + 1, LossCause::Corrupt);
                segment.damaged();
                here.at = Some((Arc::clone(segment), at + head.size()));
            }
            Obstacle::Damaged(_) => here.at = None,
        }
        Ok(Flow::On)
    }

    /// The hot loop: whole, good records that follow each other in the window.
    fn take(&mut self, wanted: &Wanted, at: &mut u64, seq: &mut u64, limit: Limit) -> Obstacle {
        let mut bytes = 0_usize;
        loop {
            if *at + HEADER_LEN as u64 > wanted.end {
                return Obstacle::End;
            }
            let Some(header) = self.window.get(*at, HEADER_LEN) else { return Obstacle::Unread(HEADER_LEN) };
            let Some(head) = wanted.parse(header, *at) else { return Obstacle::NoRecord };
            if head.seq < *seq {
                *at += head.size();
                continue;
            }
            let len = head.len as usize;
            let Some(payload) = self.window.get(*at + HEADER_LEN as u64, len) else {
                return Obstacle::Unread(HEADER_LEN + len);
            };
            bytes = bytes.saturating_add(len);
            let enough = self.entries.len() >= limit.records || bytes > limit.bytes;
            if enough && !self.entries.is_empty() {
                return Obstacle::End;
            }
            if !head.fits(payload) {
                return Obstacle::Damaged(head);
            }
            if head.seq > *seq {
                return Obstacle::Gap(head.seq);
            }
            let index = self.window.index(*at).unwrap_or_default() + HEADER_LEN;
            self.entries.push(Entry { seq: head.seq, index, len: head.len });
            *seq = head.seq + 1;
            *at += head.size();
        }
    }

    /// Behind the last record of a segment, with nothing found yet.
    fn at_end(&mut self, segment: &Arc<Segment>, at: u64, here: &mut Position) -> Flow {
        let missing_until = if segment.sealed_at() == OPEN {
            if here.seq >= self.shared.next_seq.load(Ordering::SeqCst) {
                return Flow::Stop;
            }
            // Records have come since we looked, or they are gone: the lock tells.
            let state = self.shared.state();
            let newest = state.segments.back().is_some_and(|newest| newest.id == segment.id);
            if !newest || at + HEADER_LEN as u64 <= segment.end() {
                return Flow::On;
            }
            state.next_seq
        } else if !self.shared.keeps(segment) {
            here.at = None;
            return Flow::On;
        } else if at + HEADER_LEN as u64 <= segment.end() {
            return Flow::On;
        } else {
            segment.sealed_at()
        };
        self.lose(here, missing_until, LossCause::Corrupt);
        Flow::On
    }

    /// Over bytes that are no record, to the next that are.
    fn resync(
        &mut self,
        segment: &Arc<Segment>,
        at: u64,
        here: &mut Position,
        wanted: &Wanted,
    ) -> Result<(), ReadError> {
        let Some((_, file)) = &self.open else { return Ok(()) };
        let found = self.window.find(&**file, wanted, at + 8);
        let found = found.map_err(|source| self.failed("read", segment, at, source))?;
        // The next round sees the gap in the numbers, or the end. A segment dropped meanwhile holds what it likes.
        let place = found.map_or(wanted.end, |(place, _)| place);
        here.at = self.shared.keeps(segment).then(|| (Arc::clone(segment), place));
        Ok(())
    }

    /// Finds the segment of `here.seq`, with nothing found yet.
    fn enter(&mut self, here: &mut Position) -> Result<Flow, ReadError> {
        let Some(segment) = self.shared.segment_of(here.seq) else {
            let next = self.shared.next_seq.load(Ordering::SeqCst);
            if here.seq < next {
                self.lose(here, next, LossCause::Missing);
            }
            return Ok(Flow::Stop);
        };
        if here.seq < segment.first_seq() {
            // It has become the oldest since we looked.
            self.skip_dropped(here, segment.first_seq());
        }
        if here.seq >= segment.sealed_at() {
            // It was sealed since we looked.
            return Ok(Flow::On);
        }
        self.window.clear();
        let name = segment.file_name();
        match self.shared.storage.open(&name) {
            Ok(file) => self.open = Some((segment.id, file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.shared.keeps(&segment) => {
                return Ok(Flow::On);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && segment.sealed_at() != OPEN => {
                self.lose(here, segment.sealed_at(), LossCause::Missing);
                return Ok(Flow::On);
            }
            Err(source) => return Err(self.failed("open", &segment, 0, source)),
        }
        let at = self.place_of(&segment, here)?;
        here.at = Some((segment, at));
        Ok(Flow::On)
    }

    /// The place to begin at: the one remembered if the right record is there, or else the segment's start.
    fn place_of(&mut self, segment: &Arc<Segment>, here: &Position) -> Result<u64, ReadError> {
        let (id, at) = here.hint;
        let end = segment.end();
        let may = id == segment.id && at >= DATA_START && at.is_multiple_of(8) && at <= end;
        if !may {
            return Ok(DATA_START);
        }
        if at == end && segment.sealed_at() == OPEN && here.seq == self.shared.next_seq.load(Ordering::SeqCst)
        {
            return Ok(at);
        }
        let mut header = [0; HEADER_LEN];
        if let Some((_, file)) = &self.open {
            let read = crate::segment::read_full(&**file, &mut header, at);
            read.map_err(|source| self.failed("read", segment, at, source))?;
        }
        let right = segment.life.parse(&header).is_some_and(|head| head.seq == here.seq);
        Ok(if right { at } else { DATA_START })
    }

    /// Reads on, with nothing found yet that this would overwrite.
    fn load(
        &mut self,
        segment: &Segment,
        at: u64,
        len: usize,
        end: u64,
        here: &mut Position,
    ) -> Result<(), ReadError> {
        let Some((_, file)) = self.open.as_ref().filter(|(id, _)| *id == segment.id) else {
            here.hint = here.hint();
            here.at = None;
            return Ok(());
        };
        let loaded = self.window.load(&**file, at, len, end);
        loaded.map_err(|source| self.failed("read", segment, at, source))
    }

    fn skip_dropped(&mut self, here: &mut Position, oldest: u64) {
        // Older than what was there when the queue was opened: not dropped by us.
        let opened_at = self.shared.recovery.oldest_seq.as_u64();
        if here.seq < opened_at {
            self.lose(here, opened_at.min(oldest), self.front);
        }
        self.lose(here, oldest, LossCause::DroppedForRoom);
        here.at = None;
    }

    /// The records from `here` to before `until` are gone. What the opening knows of causes, it knows better.
    fn lose(&mut self, here: &mut Position, until: u64, cause: LossCause) {
        let shared = Arc::clone(&self.shared);
        let guessed = matches!(cause, LossCause::Corrupt | LossCause::Missing);
        let known = if guessed { &*shared.recovery.losses } else { &[] };
        while until > here.seq {
            let at = Seq::new(here.seq);
            // The first that reaches as far as here, or the front of the next one.
            let next = known.iter().filter(|loss| loss.to >= at).min_by_key(|loss| loss.from);
            let (cause, to) = match next {
                Some(loss) if loss.from <= at => (loss.cause, loss.to.as_u64()),
                Some(loss) => (cause, loss.from.as_u64() - 1),
                None => (cause, u64::MAX),
            };
            let to = to.min(until - 1);
            Loss { from: at, to: Seq::new(to), cause }.push_onto(&mut self.losses);
            here.seq = to + 1;
        }
    }

    fn failed(
        &self,
        operation: &'static str,
        segment: &Segment,
        offset: u64,
        source: io::Error,
    ) -> ReadError {
        ReadError::Io { operation, path: self.shared.storage.path(&segment.file_name()), offset, source }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Look again.
    On,
    /// What was found is to be delivered, or there is nothing more.
    Stop,
}

/// Why the hot loop ended.
enum Obstacle {
    /// The records end here, or there are enough.
    End,
    /// So many bytes are needed in the window.
    Unread(usize),
    /// These bytes are no header of this segment's life.
    NoRecord,
    /// A good record, but with this number, too high.
    Gap(u64),
    /// A record whose payload is not the one that was written.
    Damaged(Head),
}

/// How much is read at once.
const BUFFER: usize = 1 << 20;
