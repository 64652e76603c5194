//! [`Stores`]: the part of the newest segment that is in memory, so that records can be stored there instead of being written by
//! a call each, and when that is worth while. Where nothing is mapped, who appends writes.

use std::io;
use std::ops::Range;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

use crate::clock::Moment;
use crate::format::{HEADER_LEN, PAGE};
use crate::rules::Rules;
use crate::segment::{Segment, SpaceOrigin};
use crate::storage::{Region, StorageFile};
use crate::writing::{CallReason, Policy, Writing};

/// What is mapped of the newest segment, if anything.
#[derive(Debug, Default)]
pub(crate) struct Stores {
    window: Option<Window>,
    /// A segment of which nothing could be mapped, and why.
    refused: Option<(u64, CallReason)>,
    stream: Stream,
    syncs: Syncs,
}

/// Some of a segment in memory.
#[derive(Debug)]
struct Window {
    segment: u64,
    range: Range<u64>,
    /// What lies before is ready to be stored to, as far as nothing has been stored there yet.
    ready: u64,
    /// What was durable when it was made: a sync takes from its pages that they are ready.
    durable: u64,
    region: Box<dyn Region>,
}

/// Where the next bytes go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) file: &'a dyn StorageFile,
    pub(crate) segment: &'a Segment,
    pub(crate) segment_bytes: u64,
    pub(crate) origin: SpaceOrigin,
    pub(crate) rules: Rules,
    pub(crate) durable: u64,
    pub(crate) now: Moment,
}

impl Stores {
    /// The memory of the `len` bytes behind the last record, if that is the way to go.
    #[inline]
    pub(crate) fn region(
        &mut self,
        policy: Policy,
        place: Place<'_>,
        len: u64,
    ) -> Option<&mut (dyn Region + 'static)> {
        match policy {
            Policy::Never(_) => return None,
            Policy::InStreams if !self.stream.flows(place.now) || !self.syncs.are_rare(place.durable) => {
                // What lies idle for long is written back and given up by the system, and each sync writes all that was made
                // ready.
                self.window = None;
                return None;
            }
            // As above; a page is made ready once more, and not much more.
            Policy::Always | Policy::Sparingly if self.stream.is_idle(place.now) => self.window = None,
            Policy::InStreams | Policy::Always | Policy::Sparingly => {}
        }
        if len > LARGEST {
            return None;
        }
        let (from, until) = (place.segment.end(), place.segment.end() + len);
        let here = self.window.as_ref().is_some_and(|window| window.holds(&place, from, until));
        if !here && !self.turn(policy, &place, from, until) {
            return None;
        }
        self.window.as_mut().map(|window| &mut *window.region)
    }

    /// `bytes` were appended.
    #[inline]
    pub(crate) fn came(&mut self, bytes: u64, durable: u64, now: Moment) {
        self.stream.came(now);
        self.syncs.came(bytes, durable);
    }

    /// Gives up what is mapped: another file is the newest segment's.
    pub(crate) fn forget(&mut self) {
        self.window = None;
    }

    /// Which way the next record would go, now that the records before `durable` are.
    pub(crate) fn writing(&self, policy: Policy, newest: u64, durable: u64, now: Moment) -> Writing {
        match (policy, self.refused) {
            (Policy::Never(why), _) => Writing::Called(why),
            (_, Some((segment, why))) if segment == newest => Writing::Called(why),
            (Policy::InStreams, _) if !self.stream.flows(now) => Writing::Called(CallReason::FewAppends),
            (Policy::InStreams, _) if !self.syncs.are_rare(durable) => {
                Writing::Called(CallReason::OftenSynced)
            }
            (Policy::InStreams | Policy::Always | Policy::Sparingly, _) => Writing::Mapped,
        }
    }

    /// Moves to where the bytes `from..until` are ready: whether it could.
    #[cold]
    fn turn(&mut self, policy: Policy, place: &Place<'_>, from: u64, until: u64) -> bool {
        let id = place.segment.id;
        if self.refused.is_some_and(|(segment, _)| segment == id) {
            return false;
        }
        // What is ready is dirty, and is written by the next sync: more than needed only where much comes and nobody waits.
        let sparing = policy == Policy::Sparingly || self.stream.is_idle(place.now);
        let ahead = if sparing { PAGE } else { AHEAD };
        let moved = match self.window.take().filter(|window| window.covers(place, from, until)) {
            Some(window) => Ok(window),
            None => Window::new(place, from),
        };
        match moved.and_then(|window| window.ready_until(place, from, until.next_multiple_of(ahead))) {
            Ok(window) => {
                self.window = Some(window);
                true
            }
            Err(error) => {
                // Whatever it is, a call meets it as an error with a name and a place.
                self.refused = Some((id, CallReason::refused(&error)));
                false
            }
        }
    }
}

impl Window {
    fn new(place: &Place<'_>, from: u64) -> io::Result<Self> {
        let begin = from / PAGE * PAGE;
        // So large, and so placed, that the system can map what it keeps together in one step.
        let end = (from + LARGEST).next_multiple_of(SPAN).min(place.segment_bytes);
        let len = usize::try_from(end - begin).unwrap_or(0);
        let region = place.file.map(begin, len)?;
        let (segment, durable) = (place.segment.id, place.durable);
        Ok(Self { segment, range: begin..end, ready: from, durable, region })
    }

    fn holds(&self, place: &Place<'_>, from: u64, until: u64) -> bool {
        until <= self.ready && self.covers(place, from, until)
    }

    fn covers(&self, place: &Place<'_>, from: u64, until: u64) -> bool {
        (self.segment == place.segment.id || !place.rules.forgets_mappings())
            && self.durable == place.durable
            && from >= self.range.start
            && until <= self.range.end
    }

    /// Makes what lies before `until` ready, as far as it is mapped.
    fn ready_until(mut self, place: &Place<'_>, from: u64, until: u64) -> io::Result<Self> {
        let begin = self.ready.max(from);
        let end = until.min(self.range.end);
        if place.origin == SpaceOrigin::Fresh {
            // Written, and in large pieces, it is kept in large pieces, and has not only a reservation but its room.
            place.file.write_zeros(begin, end)?;
        }
        self.region.prepare(begin, end)?;
        self.ready = end;
        Ok(self)
    }
}

/// Lays down `bytes`, which begin with a record's header, at `at`. The header comes last: before it is there, there is no record.
#[inline]
pub(crate) fn lay(region: &mut dyn Region, bytes: &[u8], at: u64) -> io::Result<()> {
    let (header, rest) = bytes.split_at_checked(HEADER_LEN).ok_or(io::ErrorKind::InvalidInput)?;
    lay_record(region, header, &[rest], at)
}

/// As [`lay`], of the header and of what follows it.
#[inline]
pub(crate) fn lay_record(region: &mut dyn Region, header: &[u8], parts: &[&[u8]], at: u64) -> io::Result<()> {
    let mut place = at + HEADER_LEN as u64;
    for part in parts.iter().filter(|part| !part.is_empty()) {
        region.store(part, place)?;
        place += part.len() as u64;
    }
    fence(Ordering::Release);
    region.store(header, at)
}

/// Whether records come in such numbers that a mapping is worth while.
#[derive(Debug, Default)]
struct Stream {
    since: Option<Moment>,
    count: u32,
    flow: Flow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Flow {
    #[default]
    Drips,
    Flows,
}

impl Stream {
    /// One more append.
    #[inline]
    fn came(&mut self, now: Moment) {
        let past = self.past(now);
        if past >= STEP {
            let goes_on = self.count >= ENOUGH && past < 2 * STEP;
            self.flow = if goes_on { Flow::Flows } else { Flow::Drips };
            (self.since, self.count) = (Some(now), 0);
        }
        self.count = self.count.saturating_add(1);
        if self.count >= ENOUGH {
            self.flow = Flow::Flows;
        }
    }

    #[inline]
    fn flows(&self, now: Moment) -> bool {
        self.flow == Flow::Flows && !self.is_idle(now)
    }

    /// Whether nothing has come for a while: [`STEP`] at least, surely when it is twice that.
    #[inline]
    fn is_idle(&self, now: Moment) -> bool {
        self.past(now) >= 2 * STEP
    }

    fn past(&self, now: Moment) -> Duration {
        self.since.map_or(Duration::MAX, |since| now.since(since))
    }
}

/// Whether much is appended between two syncs.
#[derive(Debug, Default)]
struct Syncs {
    /// What the last one has made durable.
    durable: Option<u64>,
    /// Appended since then.
    bytes: u64,
    last: Gap,
}

/// How much there was between the last two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Gap {
    #[default]
    Wide,
    Narrow,
}

impl Syncs {
    #[inline]
    fn came(&mut self, bytes: u64, durable: u64) {
        if self.durable != Some(durable) {
            let wide = self.durable.is_none() || self.bytes >= ENOUGH_BYTES;
            self.last = if wide { Gap::Wide } else { Gap::Narrow };
            (self.durable, self.bytes) = (Some(durable), 0);
        }
        self.bytes = self.bytes.saturating_add(bytes);
    }

    #[inline]
    fn are_rare(&self, durable: u64) -> bool {
        let same = self.durable.is_none_or(|last| last == durable);
        self.bytes >= ENOUGH_BYTES || (same && self.last == Gap::Wide)
    }
}

/// So many appends in so short a time are a stream: 2560 a second.
const ENOUGH: u32 = 256;
const STEP: Duration = Duration::from_millis(100);
/// What should be appended between two syncs: so much more than [`AHEAD`] that it does not matter.
const ENOUGH_BYTES: u64 = 8 << 20;
/// What is longer is written by a call: for a batch of this length that is as fast.
pub(crate) const LARGEST: u64 = 16 << 10;
/// What is mapped at once. The system keeps large pieces of a file together, and maps such a piece in one step where the
/// mapping has all of it, at an address as even as its place in the file: it takes two megabytes and more to be given such an address.
const SPAN: u64 = 4 << 20;
/// What is made ready at once of a stream.
const AHEAD: u64 = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::DATA_START;
    use crate::meta::Meta;
    use crate::sim::Disk;

    #[test]
    fn a_stream_begins_after_some_hundreds_and_ends_when_few_come() {
        let mut stream = Stream::default();
        let mut next = |n| {
            let flows = stream.flows(Moment(n));
            stream.came(Moment(n));
            flows
        };
        assert_eq!((0..1000).position(|n| next(n / 20)), Some(256));
        for n in 50..2000 {
            assert!((0..3).all(|_| next(n)), "{n}");
        }
        assert!(!next(4000), "after a pause it has to begin anew");
        assert_eq!((2001..4000).filter(|n| next(n * 2)).count(), 0);
    }

    #[test]
    fn what_is_said_follows_from_what_comes_and_not_from_what_is_mapped() {
        let mut stores = Stores::default();
        let said = |stores: &Stores, durable, now| stores.writing(Policy::InStreams, 3, durable, Moment(now));
        let (few, often) =
            (Writing::Called(CallReason::FewAppends), Writing::Called(CallReason::OftenSynced));
        assert_eq!(said(&stores, 7, 0), few);
        for _ in 0..ENOUGH {
            stores.came(64, 7, Moment(0));
        }
        assert_eq!(said(&stores, 7, 0), Writing::Mapped, "as after a roll, when nothing is mapped yet");
        assert_eq!(said(&stores, 8, 0), often);
        assert_eq!(said(&stores, 7, 1000), few, "the stream has ended");
    }

    #[test]
    fn what_was_mapped_before_a_pause_is_mapped_anew_and_made_ready_sparingly() {
        let file = Disk::new(1).storage().create("a").unwrap();
        file.allocate(1 << 20).unwrap();
        let meta =
            Meta { uuid: [0; 16], secret: [0; 16], segment_bytes: 1 << 20, created: 0, rules: Rules::Kept };
        let segment = Segment::new(&meta, 0, 1, DATA_START);
        let mut stores = Stores::default();
        let mut ready = |now| {
            let (file, segment, segment_bytes, now) = (&*file, &segment, 1 << 20, Moment(now));
            let (origin, rules, durable) = (SpaceOrigin::Fresh, Rules::Kept, 1);
            let place = Place { file, segment, segment_bytes, origin, rules, durable, now };
            assert!(stores.region(Policy::Always, place, 64).is_some());
            stores.came(64, 1, now);
            segment.set_end(segment.end() + 64);
            stores.window.as_ref().map(|window| (window.ready, window.range.start))
        };
        let page = Some((DATA_START + PAGE, DATA_START));
        assert_eq!(ready(0), page);
        assert!((0..63).all(|n| ready(n) == page));
        let much = Some((AHEAD, DATA_START));
        assert!((0..64).all(|_| ready(100) == much), "more comes");
        assert_eq!(ready(299), much);
        // Two pages are full by now.
        assert_eq!(ready(3_600_000), Some((DATA_START + 3 * PAGE, DATA_START + 2 * PAGE)));
    }

    #[test]
    fn syncs_are_rare_until_one_comes_too_soon_and_again_when_much_was_appended_without() {
        let mut syncs = Syncs::default();
        assert!(syncs.are_rare(7));
        syncs.came(ENOUGH_BYTES - 1, 7);
        assert!(syncs.are_rare(7));
        assert!(!syncs.are_rare(8), "one has come too soon");
        syncs.came(ENOUGH_BYTES - 1, 8);
        assert!(!syncs.are_rare(8));
        syncs.came(1, 8);
        assert!(syncs.are_rare(8) && syncs.are_rare(9));
        syncs.came(1, 9);
        assert!(syncs.are_rare(9), "that one came after enough");
        assert!(!syncs.are_rare(10));
    }
}
