//! Where the records of a segment end, as its bytes tell: the question asked of the newest one after a crash.

use std::io;

use crate::format::DATA_START;
use crate::meta::Meta;
use crate::segment::{Segment, SpaceOrigin};
use crate::seq::{Loss, LossCause, Seq};
use crate::storage::StorageFile;
use crate::window::{Wanted, Window};

/// The end of a segment.
#[derive(Debug)]
pub(crate) struct Tail {
    /// Behind the last good record.
    pub(crate) end: u64,
    /// The number behind the last good record's.
    pub(crate) next_seq: u64,
    /// Records missing before others that are good.
    pub(crate) losses: Vec<Loss>,
    hole: Hole,
    /// Up to here there may be bytes of an append that was not finished.
    torn_end: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hole {
    None,
    /// Good records lie behind bytes that are none.
    Before(u64),
}

impl Tail {
    /// Reads the whole segment.
    pub(crate) fn scan(
        file: &dyn StorageFile,
        meta: &Meta,
        segment: &Segment,
        origin: SpaceOrigin,
    ) -> io::Result<Self> {
        let first_seq = segment.first_seq();
        let mut tail =
            Self { end: DATA_START, next_seq: first_seq, losses: Vec::new(), hole: Hole::None, torn_end: 0 };
        let end = meta.segment_bytes;
        let mut window = Window::new(1 << 20);
        let mut wanted =
            Wanted { life: segment.life, end, min_seq: first_seq, bound: segment.sealed_at().min(Seq::MAX) };
        let mut at = DATA_START;
        while let Some((place, head)) = window.find(file, &wanted, at)? {
            at = place + head.size();
            if !window.intact(file, place, &head, end)? {
                tail.torn_end = at;
                continue;
            }
            if place != tail.end {
                tail.hole = Hole::Before(place);
            }
            if head.seq > tail.next_seq {
                let (from, to) = (Seq::new(tail.next_seq), Seq::new(head.seq - 1));
                Loss { from, to, cause: LossCause::Corrupt }.push_onto(&mut tail.losses);
                tail.hole = Hole::Before(place);
            }
            tail.end = at;
            tail.next_seq = head.seq + 1;
            wanted.min_seq = tail.next_seq;
        }
        if origin == SpaceOrigin::Fresh {
            tail.torn_end = tail.torn_end.max(last_written(&mut window, file, tail.end, end)?);
        }
        Ok(tail)
    }

    /// Whether appending may go on behind the last record.
    pub(crate) fn continues(&self) -> bool {
        self.hole == Hole::None
    }

    /// How much an unfinished append left behind the last record.
    pub(crate) const fn torn_bytes(&self) -> u64 {
        self.torn_end.saturating_sub(self.end)
    }

    /// Overwrites that with zeros, so that it can never be taken for a record.
    pub(crate) fn cut(&self, file: &dyn StorageFile) -> io::Result<()> {
        if self.torn_bytes() == 0 {
            return Ok(());
        }
        let zeros = vec![0; 1 << 16];
        let mut at = self.end;
        while at < self.torn_end {
            let part = usize::try_from(self.torn_end - at).unwrap_or(zeros.len()).min(zeros.len());
            file.write_all_at(zeros.get(..part).unwrap_or(&zeros), at)?;
            at += part as u64;
        }
        file.sync()
    }
}

/// Behind the last byte from `from` on that is not zero, or `from`.
fn last_written(window: &mut Window, file: &dyn StorageFile, from: u64, end: u64) -> io::Result<u64> {
    let zeros = vec![0; CHUNK];
    let mut last = from;
    let mut at = from;
    while at < end {
        let len = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
        if window.get(at, len).is_none() {
            window.load(file, at, len, end)?;
        }
        let bytes = window.get(at, len).unwrap_or_default();
        if zeros.get(..bytes.len()) != Some(bytes)
            && let Some(place) = bytes.iter().rposition(|byte| *byte != 0)
        {
            last = at + place as u64 + 1;
        }
        at += len as u64;
    }
    Ok(last)
}

/// What is looked through at once.
const CHUNK: usize = 1 << 16;
