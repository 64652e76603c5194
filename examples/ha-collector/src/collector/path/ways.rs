//! The book of ways: which bit of a record stands for which path and destination.
//!
//! Records outlive the configuration that they were accepted under. So a pair keeps its bit for as long as the book knows
//! it, and the book, a small file of text beside the buffer, forgets a pair that is no longer configured only when the
//! buffer is empty:
//!
//! ```text
//! ha-collector ways 1
//! 0<TAB>errors<TAB>files
//! 1<TAB>errors<TAB>relay
//! ```

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The most ways. Not 64: a record with all bits is one that goes everywhere ([`crate::collector::record::EVERY_WAY`]).
pub(crate) const MOST: usize = crate::config::path::MOST_WAYS;

const FIRST_LINE: &str = "ha-collector ways 1";

/// A path and one of its destinations, by their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) path: String,
    pub(crate) destination: String,
}

/// The number of a way, below [`MOST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way(u8);

impl Way {
    fn new(number: usize) -> Option<Self> {
        u8::try_from(number).ok().filter(|_| number < MOST).map(Self)
    }

    /// Its bit in a record.
    pub(crate) const fn bit(self) -> u64 {
        1 << self.0
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }

    /// The ways of these bits, in the order of their numbers.
    pub(super) fn all(mut bits: u64) -> impl Iterator<Item = Self> {
        std::iter::from_fn(move || {
            let way = Self::new(bits.trailing_zeros() as usize)?;
            bits &= !way.bit();
            Some(way)
        })
    }
}

/// Whether records may be in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buffer {
    /// What is no longer configured can be forgotten.
    Empty,
    /// Their bits must mean what they meant.
    HoldsRecords,
}

/// What is wrong with the book.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum BookError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{}, line {line}: this is no way; without it, nobody knows where the messages in the buffer go", path.display())]
    Damaged { path: PathBuf, line: usize },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(
        "{wanted} pairs of a path and a destination are configured, and {kept} that no longer are may have messages \
         in the buffer: more than {MOST} at the same time cannot be told apart; a start with an empty buffer forgets them"
    )]
    Full { wanted: usize, kept: usize },
}

/// The book.
#[derive(Debug)]
pub(crate) struct Book {
    path: PathBuf,
    /// By the number of the way.
    pairs: Vec<Option<Pair>>,
    buffer: Buffer,
}

impl Book {
    /// Reads the book, an empty one where there is none.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is none.
    pub(crate) fn open(path: &Path, buffer: Buffer) -> Result<Self, BookError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => format!("{FIRST_LINE}\n"),
            Err(source) => return Err(BookError::Read { path: path.to_owned(), source }),
        };
        let damaged = |line| BookError::Damaged { path: path.to_owned(), line };
        let mut pairs = vec![None; MOST];
        let mut lines = text.lines().zip(1..);
        if lines.next().is_none_or(|(first, _)| first != FIRST_LINE) {
            return Err(damaged(1));
        }
        for (line, number) in lines {
            let (way, pair) = entry(line).ok_or_else(|| damaged(number))?;
            let slot = pairs.get_mut(way.index()).filter(|slot| slot.is_none());
            *slot.ok_or_else(|| damaged(number))? = Some(pair);
        }
        Ok(Self { path: path.to_owned(), pairs, buffer })
    }

    /// Gives every pair a way: the one it has, or a free one. The file is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// There are too many, or the file cannot be written. The book is as it was then.
    pub(super) fn enter(&mut self, wanted: &[Pair]) -> Result<(), BookError> {
        let mut pairs = self.pairs.clone();
        if self.buffer == Buffer::Empty {
            for slot in &mut pairs {
                slot.take_if(|pair| !wanted.contains(pair));
            }
        }
        for pair in wanted {
            if pairs.iter().flatten().any(|known| known == pair) {
                continue;
            }
            let Some(free) = pairs.iter_mut().find(|slot| slot.is_none()) else {
                let kept = pairs.iter().flatten().filter(|known| !wanted.contains(known)).count();
                return Err(BookError::Full { wanted: wanted.len(), kept });
            };
            *free = Some(pair.clone());
        }
        if pairs != self.pairs {
            write(&self.path, &pairs)
                .map_err(|source| BookError::Write { path: self.path.clone(), source })?;
            self.pairs = pairs;
        }
        Ok(())
    }

    pub(super) fn way(&self, path: &str, destination: &str) -> Option<Way> {
        self.ways().find(|(_, pair)| pair.path == path && pair.destination == destination).map(|(way, _)| way)
    }

    pub(crate) fn ways(&self) -> impl Iterator<Item = (Way, &Pair)> {
        let numbered = self.pairs.iter().enumerate();
        numbered.filter_map(|(number, pair)| Some((Way::new(number)?, pair.as_ref()?)))
    }
}

fn entry(line: &str) -> Option<(Way, Pair)> {
    let mut columns = line.split('\t');
    let way = Way::new(columns.next()?.parse().ok()?)?;
    let (path, destination) = (columns.next()?.to_owned(), columns.next()?.to_owned());
    columns.next().is_none().then_some((way, Pair { path, destination }))
}

/// The whole file or nothing of it, whatever happens meanwhile.
fn write(path: &Path, pairs: &[Option<Pair>]) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    // The buffer, which is there by now, may have its place elsewhere.
    std::fs::create_dir_all(dir)?;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    writeln!(file, "{FIRST_LINE}")?;
    for (number, pair) in pairs.iter().enumerate() {
        if let Some(Pair { path, destination }) = pair {
            writeln!(file, "{number}\t{path}\t{destination}")?;
        }
    }
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(path: &str, destination: &str) -> Pair {
        Pair { path: path.to_owned(), destination: destination.to_owned() }
    }

    fn numbers(book: &Book) -> Vec<(usize, &str)> {
        book.ways().map(|(way, pair)| (way.index(), pair.path.as_str())).collect()
    }

    #[test]
    fn a_pair_keeps_its_way_when_the_order_changes_and_others_come_and_go() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ways");
        let mut book = Book::open(&path, Buffer::Empty).unwrap();
        book.enter(&[pair("a", "x"), pair("b", "x")]).unwrap();
        let mut book = Book::open(&path, Buffer::HoldsRecords).unwrap();
        book.enter(&[pair("c", "x"), pair("b", "x")]).unwrap();
        assert_eq!(numbers(&book), [(0, "a"), (1, "b"), (2, "c")], "a's records may still be there");
        let mut book = Book::open(&path, Buffer::Empty).unwrap();
        book.enter(&[pair("d", "x"), pair("c", "x")]).unwrap();
        assert_eq!(numbers(&book), [(0, "d"), (2, "c")]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "ha-collector ways 1\n0\td\tx\n2\tc\tx\n");
    }

    #[test]
    fn when_all_ways_are_taken_that_is_said_and_nothing_is_changed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ways");
        let mut book = Book::open(&path, Buffer::Empty).unwrap();
        let most: Vec<Pair> = (0..MOST).map(|n| pair(&n.to_string(), "x")).collect();
        book.enter(&most).unwrap();
        let before = std::fs::read(&path).unwrap();
        let mut book = Book::open(&path, Buffer::HoldsRecords).unwrap();
        let said = book.enter(&[pair("0", "x"), pair("more", "x")]).unwrap_err().to_string();
        assert!(said.starts_with("2 pairs") && said.contains("and 62 that no longer are"), "{said}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
        let all = book.ways().fold(0, |all, (way, _)| all | way.bit());
        assert_ne!(all, crate::collector::record::EVERY_WAY, "going everywhere is something else");
    }

    #[test]
    fn a_damaged_book_is_refused_by_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ways");
        let said = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Book::open(&path, Buffer::HoldsRecords).unwrap_err().to_string()
        };
        assert!(said("").contains("line 1"));
        for bad in ["63\ta\tb", "x\ta\tb", "0\ta", "0\ta\tb\tc", "0\tfirst\ttwice"] {
            let said = said(&format!("{FIRST_LINE}\n0\ta\tb\n{bad}\n"));
            assert!(said.contains("line 3"), "{bad}: {said}");
        }
    }

    #[test]
    fn bits_are_ways_in_order() {
        let numbers = |bits| Way::all(bits).map(Way::index).collect::<Vec<_>>();
        assert_eq!(numbers(0b1011), [0, 1, 3]);
        assert_eq!(numbers(0), [0; 0]);
        assert_eq!(numbers(1 << 62), [62]);
    }
}
