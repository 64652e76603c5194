//! Where the records of a queue end when it is opened, and that what lies behind them, or between them, never comes back.

use std::io;
use std::sync::Arc;

use crate::error::OpenError;
use crate::format::{DATA_START, HEADER_LEN};
use crate::mark::Known;
use crate::meta::Meta;
use crate::recover::Road;
use crate::segment::{Segment, read_full};
use crate::seq::{Loss, LossCause, Seq};
use crate::state::State;
use crate::storage::StorageFile;
use crate::survey::{HeaderState, One};
use crate::tail::{Begin, Tail};

/// How the newest segment ends, and what is missing before.
pub(crate) struct Ends {
    pub(crate) end: u64,
    pub(crate) next_seq: u64,
    pub(crate) last: (u64, u64),
    pub(crate) active: Option<Arc<dyn StorageFile>>,
    pub(crate) torn_bytes: u64,
    pub(crate) losses: Vec<Loss>,
    /// Behind the last record known to be synced, in its segment.
    pub(crate) synced: u64,
}

impl Road<'_> {
    /// Where the records end, in the newest segment and in those before it that may not have been synced.
    pub(crate) fn ends(
        &self,
        meta: &Meta,
        found: &[One],
        state: &State,
        known: &Known,
    ) -> Result<Ends, OpenError> {
        let mut ends = Ends {
            end: meta.segment_bytes,
            next_seq: 1,
            last: (0, 0),
            active: None,
            torn_bytes: 0,
            losses: Vec::new(),
            synced: DATA_START,
        };
        let count = found.len();
        for (place, (one, segment)) in found.iter().zip(&state.segments).enumerate() {
            let gap_behind = found.get(place + 1).is_some_and(|next| next.id != one.id + 1);
            let newest = place + 1 == count;
            let unsynced = one.id >= known.segment && place + LOOKED_AT >= count;
            if !newest && !gap_behind && !unsynced {
                continue;
            }
            let name = &segment.file_name();
            let begin = self.told("read", name, begin(&one.file, segment, known))?;
            if one.id == known.segment {
                ends.synced = begin.at;
            }
            let scanned = Tail::scan(&*one.file, meta.segment_bytes, segment, one.origin, begin);
            let mut tail = self.told("read", name, scanned)?;
            if let Some(at) = tail.last_at.or_else(|| (begin.at != DATA_START).then_some(known.at)) {
                ends.last = (one.id, at);
            }
            if newest {
                ends.end = tail.end;
                ends.next_seq = tail.next_seq;
                // Halves of batches must not come back, whether or not appending goes on here.
                let mended = one.file.allocate(meta.segment_bytes).and_then(|()| one.mend(meta));
                let cut = mended.and_then(|()| tail.cut(&*one.file));
                match cut {
                    Ok(()) if tail.continues() && one.header == HeaderState::Good => {
                        ends.torn_bytes = tail.torn_bytes();
                        ends.active = Some(Arc::clone(&one.file));
                    }
                    // No room to make the file whole again: it stays as it is, the next append makes another.
                    Err(error)
                        if matches!(
                            error.kind(),
                            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                        ) => {}
                    cut => self.told("cut the tail of", name, cut)?,
                }
            } else {
                if unsynced {
                    self.told("cut the tail of", name, tail.cut_halves(&*one.file))?;
                }
                tail.missing_until(segment.sealed_at().min(Seq::MAX), known.durable);
                if gap_behind {
                    tail.losses.iter_mut().for_each(|loss| loss.cause = LossCause::Missing);
                }
            }
            ends.losses.append(&mut tail.losses);
        }
        Ok(ends)
    }
}

/// Where to begin looking for the end of a segment: behind the last record known to be synced, if that is there.
fn begin(file: &Arc<dyn StorageFile>, segment: &Segment, known: &Known) -> io::Result<Begin> {
    let may = known.segment == segment.id && known.at >= DATA_START && known.at.is_multiple_of(8);
    if may {
        let mut header = [0; HEADER_LEN];
        read_full(&**file, &mut header, known.at)?;
        if let Some(head) = segment.life.parse(&header).filter(|head| head.seq + 1 == known.durable) {
            let at = known.at + head.size();
            return Ok(Begin { at, seq: known.durable, durable: known.durable });
        }
    }
    Ok(Begin::of(segment, known.durable))
}

/// Of how many of the newest segments the ends are looked at, if they may not have been synced.
const LOOKED_AT: usize = 4;
