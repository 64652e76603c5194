//! Where the records of a queue end when it is opened, and that what lies behind them, or between them, never comes back:
//! also when the opening is cut short, or one of its syncs fails.

use std::io;
use std::sync::Arc;

use crate::doubt::{Cause, Doubt, Memory, write_again};
use crate::error::OpenError;
use crate::format::{DATA_START, HEADER_LEN, STATE};
use crate::mark::{Known, Mark};
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
    /// From where on what was read may be in memory only.
    pub(crate) doubt: Option<Doubt>,
}

/// What an opening notes before it overwrites something.
struct Cuts<'a> {
    mark: &'a Mark,
    meta: &'a Meta,
    /// What a sync of a segment may have to write besides what is overwritten: what a process that ended has left. `None` if
    /// there is no such.
    left: Option<Doubt>,
}

impl Road<'_> {
    /// Where the records end, in the newest segment and in those before it that may not have been synced.
    pub(crate) fn ends(
        &self,
        meta: &Meta,
        found: &[One],
        state: &State,
        mark: &Mark,
    ) -> Result<Ends, OpenError> {
        let known = mark.known();
        let mut ends = Ends {
            end: meta.segment_bytes,
            next_seq: 1,
            last: (0, 0),
            active: None,
            torn_bytes: 0,
            losses: Vec::new(),
            doubt: None,
        };
        let synced = self.synced(found, state, &known)?;
        let doubt = known.doubt.map(|doubt| doubt.behind(known.segment, synced));
        let mut memory = mark.memory();
        if let Some(cut_short) = doubt.filter(|doubt| doubt.cause == Cause::Cutting) {
            // More is asked to be synced than is written again. If that fails, all of it is to be written again the next time.
            let asked = Doubt { segment: known.segment, at: synced, cause: Cause::Cutting };
            self.told("write", STATE, mark.write(|known| known.doubt = Some(asked)))?;
            self.finish(meta, found, cut_short)?;
            memory = Memory::Fresh;
        } else {
            ends.doubt = doubt;
        }
        let left = Doubt { segment: known.segment, at: synced, cause: Cause::Cutting };
        let cuts = Cuts { mark, meta, left: (memory == Memory::Kept).then_some(left) };
        let mut room = Room::Enough;
        let count = found.len();
        for (place, (one, segment)) in found.iter().zip(&state.segments).enumerate() {
            let gap_behind = found.get(place + 1).is_some_and(|next| next.id != one.id + 1);
            let newest = place + 1 == count;
            let unsynced = one.id >= known.segment && place + LOOKED_AT >= count;
            if !newest && !gap_behind && !unsynced {
                continue;
            }
            let name = &segment.file_name();
            let begin = self.told("read", name, begin(&one.file, segment, &known))?;
            let scanned = Tail::scan(&*one.file, meta.segment_bytes, segment, one.origin, begin);
            let mut tail = self.told("read", name, scanned)?;
            if let Some(at) = tail.last_at.or_else(|| (begin.at != DATA_START).then_some(known.at)) {
                ends.last = (one.id, at);
            }
            if newest {
                ends.end = tail.end;
                ends.next_seq = tail.next_seq;
                let damaged = (one.header == HeaderState::Damaged).then_some(tail.end);
                let doubt = self.note(&cuts, one, tail.first_cut().or(damaged))?;
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
                        ) =>
                    {
                        room = Room::Lacking;
                        if let Some(doubt) = doubt {
                            ends.doubt = Some(Doubt { cause: Cause::Syncing, ..doubt.and(ends.doubt) });
                        }
                    }
                    cut => self.told("cut the tail of", name, cut)?,
                }
            } else {
                if unsynced {
                    self.note(&cuts, one, tail.first_half())?;
                    self.told("cut the tail of", name, tail.cut_halves(&*one.file))?;
                }
                tail.missing_until(segment.sealed_at().min(Seq::MAX), known.durable);
                if gap_behind {
                    tail.losses.iter_mut().for_each(|loss| loss.cause = LossCause::Missing);
                }
            }
            ends.losses.append(&mut tail.losses);
        }
        if memory == Memory::Fresh && room == Room::Enough && ends.last.1 >= DATA_START {
            self.settle(found, mark, &known, &ends)?;
        } else {
            self.told("write", STATE, mark.write(|known| known.doubt = ends.doubt))?;
        }
        Ok(ends)
    }

    /// Behind the last record known to be synced, in its segment.
    fn synced(&self, found: &[One], state: &State, known: &Known) -> Result<u64, OpenError> {
        let mut segments = found.iter().zip(&state.segments);
        let Some((one, segment)) = segments.find(|(one, _)| one.id == known.segment) else {
            return Ok(DATA_START);
        };
        Ok(self.told("read", &one.name, begin(&one.file, segment, known))?.at)
    }

    /// Notes that something from `at` on will be overwritten in `one`: an opening after this one in the same boot would not
    /// find it, and must not believe that it is on the disk.
    fn note(&self, cuts: &Cuts<'_>, one: &One, at: Option<u64>) -> Result<Option<Doubt>, OpenError> {
        let Some(at) = at.filter(|_| cuts.meta.rules.notes_cuts()) else { return Ok(None) };
        let here = Doubt { segment: one.id, at, cause: Cause::Cutting };
        let doubt = here.and(cuts.left);
        let noted = cuts.mark.write(|known| known.doubt = Some(doubt.and(known.doubt)));
        self.told("write", STATE, noted)?;
        Ok(Some(doubt))
    }

    /// An opening that was cut short in this boot has overwritten something from there on, and what it has overwritten lies in
    /// memory, perhaps not on the disk. All of it is written once more, and what else it would have synced.
    fn finish(&self, meta: &Meta, found: &[One], doubt: Doubt) -> Result<(), OpenError> {
        for one in found {
            let Some(from) = doubt.within(one.id) else { continue };
            let written = write_again(&*one.file, from, meta.segment_bytes);
            self.told("write again", &one.name, written.and_then(|()| one.file.sync()))?;
        }
        Ok(())
    }

    /// All that was found comes from the disk, or has just been written and synced. So it is safe, and said to be: or else a
    /// later opening in this boot would take it for what nobody was promised.
    fn settle(&self, found: &[One], mark: &Mark, known: &Known, ends: &Ends) -> Result<(), OpenError> {
        let more = ends.next_seq > known.durable;
        if more {
            // What the device has in a cache of its own survives a start of the machine, and no power loss.
            for one in found.iter().filter(|one| one.id >= known.segment) {
                self.told("sync", &one.name, one.file.sync())?;
            }
            self.told("sync", "", self.0.sync_dir(""))?;
        }
        let noted = mark.write(|known| {
            if more {
                known.durable = ends.next_seq;
                (known.segment, known.at) = ends.last;
            }
            known.doubt = None;
        });
        self.told("write", STATE, noted)
    }
}

/// Whether the newest segment could be made whole again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Enough,
    Lacking,
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
