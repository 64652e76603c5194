//! A part of a simulated file in memory. A store changes the file at once and cannot fail; where nothing was made ready for it,
//! it ends the program.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::ops::Range;

use super::crash::InFlight;
use super::disk::Disk;
use super::world::By;
use crate::format::PAGE;
use crate::storage::Region;

pub(super) struct Mapped {
    disk: Disk,
    number: usize,
    range: Range<u64>,
    /// Pages of the file that are ready.
    ready: BTreeSet<u64>,
}

impl Mapped {
    pub(super) const fn new(disk: Disk, number: usize, range: Range<u64>) -> Self {
        Self { disk, number, range, ready: BTreeSet::new() }
    }

    /// The pages of `from..until`, if all of that is mapped.
    fn pages(&self, from: u64, until: u64) -> io::Result<Range<u64>> {
        let inside = from >= self.range.start && until <= self.range.end && from <= until;
        if inside { Ok(from / PAGE..until.div_ceil(PAGE)) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }
}

impl Region for Mapped {
    fn prepare(&mut self, from: u64, until: u64) -> io::Result<()> {
        let pages = self.pages(from, until)?;
        self.disk.prepare(self.number, until)?;
        self.ready.extend(pages);
        Ok(())
    }

    fn store(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut pages = self.pages(at, at + bytes.len() as u64)?;
        assert!(
            pages.all(|page| self.ready.contains(&page)),
            "SIGBUS: a store at {at} where nothing was made ready"
        );
        let in_flight = InFlight { number: self.number, at, bytes: bytes.into(), by: By::Store };
        self.disk.store(in_flight)
    }
}

impl fmt::Debug for Mapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapped")
            .field("number", &self.number)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}
