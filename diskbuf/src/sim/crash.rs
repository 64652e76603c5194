//! What is left of a disk after a crash: one of the many pictures that the syncs before it allow.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::rng::Rng;
use super::world::{By, Change, Dir, Inode, Naming, World};

/// Which kind of picture a crash leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Survival {
    /// The process died, the system did not: all that was written is there, what was being written in part.
    Process,
    /// Power loss: only what was synced.
    Synced,
    /// Power loss: everything, synced or not.
    Everything,
    /// Power loss: for each file, what was written up to some moment, the last of it torn.
    Prefix,
    /// Power loss: for each file, only what was written last.
    Suffix,
    /// Power loss: each sector of 512 octets as it was at some moment since the last sync; what was stored into a mapping,
    /// each line of 64.
    Sectors,
    /// Power loss: each page of 4096 octets old or new.
    Pages,
}

impl Survival {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Process,
        Self::Synced,
        Self::Everything,
        Self::Prefix,
        Self::Suffix,
        Self::Sectors,
        Self::Pages,
    ];
}

/// A write that the crash cut short.
#[derive(Clone, Debug)]
pub(crate) struct InFlight {
    pub(crate) number: usize,
    pub(crate) at: u64,
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) by: By,
}

impl World {
    /// This disk after a crash.
    pub(crate) fn crash(&self, survival: Survival, in_flight: Option<&InFlight>, rng: &mut Rng) -> Self {
        let mut after = self.clone();
        after.locked.clear();
        if let Some(InFlight { number, at, bytes, by }) = in_flight
            && let Some(inode) = after.inodes.get_mut(*number).map(Arc::make_mut)
            && *by == By::Store
            && matches!(survival, Survival::Everything | Survival::Process)
        {
            // Copied in any order.
            for (at, part) in lines(*at, bytes) {
                if rng.once_in(2) {
                    inode.write(part, at, By::Store);
                }
            }
        } else if let Some(InFlight { number, at, bytes, by }) = in_flight
            && let Some(inode) = after.inodes.get_mut(*number).map(Arc::make_mut)
        {
            let cut = if survival == Survival::Everything || survival == Survival::Process {
                rng.place(bytes.len() + 1)
            } else {
                bytes.len()
            };
            inode.write(bytes.get(..cut).unwrap_or_default(), *at, *by);
        }
        if survival == Survival::Process {
            return after;
        }
        after.boots += 1;
        for inode in &mut after.inodes {
            if inode.pending.is_empty() {
                continue;
            }
            let inode = Arc::make_mut(inode);
            inode.survive(survival, rng);
            inode.pending.clear();
        }
        if let Some(InFlight { number, at, bytes, .. }) = in_flight
            && let Some(inode) = after.inodes.get_mut(*number).map(Arc::make_mut)
            && matches!(survival, Survival::Sectors | Survival::Prefix)
            && rng.once_in(4)
        {
            inode.spoil(*at, bytes.len() as u64, rng);
        }
        for inode in &mut after.inodes {
            let inode = Arc::make_mut(inode);
            inode.cached = inode.durable.clone();
            inode.diverged = false;
        }
        after.dirs.retain(|_, dir| dir.rooted || (survival != Survival::Synced && rng.once_in(2)));
        for dir in after.dirs.values_mut() {
            dir.survive(survival, rng);
        }
        after
    }
}

impl Inode {
    fn survive(&mut self, survival: Survival, rng: &mut Rng) {
        match survival {
            Survival::Process | Survival::Synced => {}
            Survival::Everything => {
                for change in &self.pending {
                    apply(&mut self.durable, change);
                }
            }
            Survival::Prefix => {
                let keep = rng.place(self.pending.len() + 1);
                for change in self.pending.iter().take(keep) {
                    apply(&mut self.durable, change);
                }
                if let Some(Change::Bytes { at, bytes, .. }) = self.pending.get(keep) {
                    let cut = cut_at_sector(*at, bytes.len(), rng);
                    self.durable.write(bytes.get(..cut).unwrap_or_default(), *at);
                }
            }
            Survival::Suffix => {
                let lose = rng.place(self.pending.len() + 1);
                for change in self.pending.iter().skip(lose) {
                    apply(&mut self.durable, change);
                }
            }
            Survival::Sectors => self.mix(SECTOR, rng),
            Survival::Pages => self.mix(PAGE, rng),
        }
    }

    /// Each block of `unit` octets becomes what it was at some moment since the last sync.
    fn mix(&mut self, unit: u64, rng: &mut Rng) {
        let mut versions: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        let old_len = self.durable.len();
        let mut len = old_len;
        for (index, change) in self.pending.iter().enumerate() {
            match change {
                Change::Len(new) => len = *new,
                Change::Bytes { at, bytes, .. } => {
                    len = len.max(at + bytes.len() as u64);
                    for block in at / unit..(at + bytes.len() as u64).div_ceil(unit) {
                        versions.entry(block).or_default().push(index);
                    }
                }
            }
        }
        // How often a block of this picture stays old: pictures differ in that, too.
        let reluctance = 1 + rng.below(4);
        for (block, changes) in versions {
            let (from, until) = (block * unit, (block + 1) * unit);
            // A sector that is stored to while the device reads it from memory may get each line from another moment.
            let stored =
                |index: &usize| matches!(self.pending.get(*index), Some(Change::Bytes { by: By::Store, .. }));
            let step =
                if unit == SECTOR && changes.iter().any(stored) && rng.once_in(3) { LINE } else { unit };
            for from in (from..until).step_by(usize::try_from(step).unwrap_or(1)) {
                let count =
                    if rng.once_in(reluctance + 1) { rng.place(changes.len() + 1) } else { changes.len() };
                for index in changes.iter().take(count) {
                    if let Some(Change::Bytes { at, bytes, .. }) = self.pending.get(*index) {
                        apply_within(&mut self.durable, from..from + step, *at, bytes);
                    }
                }
            }
        }
        let len = if rng.once_in(2) { len } else { self.durable.len() };
        self.durable.set_len(len);
    }

    /// A sector that was being written holds nonsense.
    fn spoil(&mut self, at: u64, len: u64, rng: &mut Rng) {
        let sectors = at / SECTOR..(at + len).div_ceil(SECTOR);
        let sector = sectors.start + rng.below(sectors.end.saturating_sub(sectors.start));
        // Octets outside what was written are unharmed.
        let (begin, end) = ((sector * SECTOR).max(at), ((sector + 1) * SECTOR).min(at + len));
        let mut bytes = vec![0; usize::try_from(end.saturating_sub(begin)).unwrap_or(0)];
        if rng.once_in(2) {
            rng.fill(&mut bytes);
        }
        if begin < self.durable.len() {
            self.durable.write(&bytes, begin);
        }
    }
}

impl Dir {
    fn survive(&mut self, survival: Survival, rng: &mut Rng) {
        let count = self.pending.len();
        let keep = match survival {
            Survival::Synced => 0,
            Survival::Process | Survival::Everything => count,
            Survival::Prefix => rng.place(count + 1),
            Survival::Suffix | Survival::Sectors | Survival::Pages if rng.once_in(2) => rng.place(count + 1),
            Survival::Suffix | Survival::Sectors | Survival::Pages => {
                self.keep_some(rng);
                return;
            }
        };
        for naming in self.pending.iter().take(keep) {
            naming.apply(&mut self.durable);
        }
        self.settle();
    }

    /// Any of the changes, each only with those before it that are about the same names.
    fn keep_some(&mut self, rng: &mut Rng) {
        let mut lost: Vec<&Naming> = Vec::new();
        for naming in &self.pending {
            if lost.iter().any(|earlier| naming.follows(earlier)) || rng.once_in(2) {
                lost.push(naming);
            } else {
                naming.apply(&mut self.durable);
            }
        }
        self.settle();
    }

    fn settle(&mut self) {
        self.pending.clear();
        self.cached = self.durable.clone();
        self.rooted = true;
    }
}

fn apply(pages: &mut super::pages::Pages, change: &Change) {
    match change {
        Change::Bytes { at, bytes, .. } => pages.write(bytes, *at),
        Change::Len(len) => pages.set_len(*len),
    }
}

/// What of `bytes` at `at` lies in `range`.
fn apply_within(pages: &mut super::pages::Pages, range: Range<u64>, at: u64, bytes: &[u8]) {
    let (begin, end) = (range.start.max(at), range.end.min(at + bytes.len() as u64));
    if begin < end {
        let [begin_in, end_in] = [begin, end].map(|place| usize::try_from(place - at).unwrap_or(0));
        pages.write(bytes.get(begin_in..end_in).unwrap_or_default(), begin);
    }
}

/// `bytes` at `at`, line by line.
fn lines(at: u64, bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut rest = (at, bytes);
    std::iter::from_fn(move || {
        let (at, bytes) = rest;
        let len = usize::try_from(LINE - at % LINE).unwrap_or(1).min(bytes.len());
        let (line, behind) = bytes.split_at_checked(len)?;
        rest = (at + len as u64, behind);
        (!line.is_empty()).then_some((at, line))
    })
}

/// Somewhere in a write, at the border of a sector.
fn cut_at_sector(at: u64, len: usize, rng: &mut Rng) -> usize {
    let cut = rng.place(len + 1) as u64;
    let border = (at + cut) / SECTOR * SECTOR;
    usize::try_from(border.saturating_sub(at)).unwrap_or(0)
}

/// What a device writes as a whole at best.
pub(crate) const SECTOR: u64 = 512;
const PAGE: u64 = 4096;
/// What a processor brings to memory as a whole.
const LINE: u64 = 64;
