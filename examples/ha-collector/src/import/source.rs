//! Where a text came from: files, places in them, and texts that remember the place of each of their parts through
//! every replacement.

use std::fs::File;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What is larger is no configuration.
const LARGEST_FILE: u64 = 16 << 20;

/// A line and a column of a file, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(super) file: usize,
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    /// Of what has none.
    pub(super) const NOWHERE: Self = Self { file: 0, line: 1, column: 1 };

    pub(super) const fn line(self) -> usize {
        self.line
    }
}

/// The files that were read, in the order in which they were.
#[derive(Debug, Default)]
pub(crate) struct Files(Vec<PathBuf>);

impl Files {
    pub(super) fn add(&mut self, path: &Path) -> usize {
        self.0.push(path.to_path_buf());
        self.0.len() - 1
    }

    /// `dir/file:line:column`, for a report.
    pub(super) fn show(&self, place: Place) -> String {
        let path = self.0.get(place.file).map(PathBuf::as_path).unwrap_or_else(|| Path::new("?"));
        format!("{}:{}:{}", path.display(), place.line, place.column)
    }

    /// `file:line`, for a comment beside what came of it.
    pub(super) fn brief(&self, place: Place) -> String {
        let name = self.0.get(place.file).and_then(|path| path.file_name()).unwrap_or_default();
        format!("{}:{}", super::report::printable(&name.to_string_lossy()), place.line)
    }
}

/// A text of which each part knows its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Traced {
    pub(super) text: String,
    /// In the order of `at`, which are offsets in bytes.
    marks: Vec<Mark>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    at: usize,
    place: Place,
    columns: Columns,
}

/// How places go on after a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Columns {
    /// As written: a column a character.
    Advance,
    /// Put in place of something: all of it stands where that stood.
    Stay,
}

impl Traced {
    /// As it stands in its file from `place` on.
    pub(super) fn new(text: &str, place: Place) -> Self {
        Self { text: text.to_owned(), marks: vec![Mark { at: 0, place, columns: Columns::Advance }] }
    }

    /// All of it stands at `place`, for it was put there.
    pub(super) fn put(text: &str, place: Place) -> Self {
        Self { text: text.to_owned(), marks: vec![Mark { at: 0, place, columns: Columns::Stay }] }
    }

    pub(super) fn push(&mut self, other: &Self) {
        let shift = self.text.len();
        self.marks.extend(other.marks.iter().map(|mark| Mark { at: mark.at + shift, ..*mark }));
        self.text += &other.text;
    }

    /// The part between two offsets; nothing where they are none of this text.
    pub(super) fn slice(&self, range: Range<usize>) -> Self {
        let Some(text) = self.text.get(range.clone()) else { return Self::default() };
        let mut cursor = Cursor::new(self);
        let place = cursor.place(range.start);
        let columns = cursor.mark().map_or(Columns::Stay, |mark| mark.columns);
        let mut marks = vec![Mark { at: 0, place, columns }];
        let within = self.marks.iter().filter(|mark| mark.at > range.start && mark.at < range.end);
        marks.extend(within.map(|mark| Mark { at: mark.at - range.start, ..*mark }));
        Self { text: text.to_owned(), marks }
    }

    /// With `range` replaced.
    pub(super) fn replace(&self, range: Range<usize>, with: &Self) -> Self {
        let mut whole = self.slice(0..range.start);
        whole.push(with);
        whole.push(&self.slice(range.end..self.text.len()));
        whole
    }

    pub(super) fn place(&self, at: usize) -> Place {
        Cursor::new(self).place(at)
    }

    /// Without white space at both ends.
    pub(super) fn trim(&self) -> Self {
        let start = self.text.len() - self.text.trim_start().len();
        self.slice(start..start + self.text.trim().len())
    }
}

/// Finds places from left to right, each in the time since the last.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    text: &'a Traced,
    /// The mark that holds, and the place of `at`.
    mark: usize,
    at: usize,
    column: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a Traced) -> Self {
        let column = text.marks.first().map_or(1, |mark| mark.place.column);
        Self { text, mark: 0, at: 0, column }
    }

    fn mark(&self) -> Option<Mark> {
        self.text.marks.get(self.mark).copied()
    }

    /// The place of an offset that is not before the last one asked for.
    pub(super) fn place(&mut self, at: usize) -> Place {
        while let Some(next) = self.text.marks.get(self.mark + 1).filter(|next| next.at <= at) {
            (self.mark, self.at, self.column) = (self.mark + 1, next.at, next.place.column);
        }
        let Some(mark) = self.mark() else { return Place::NOWHERE };
        if mark.columns == Columns::Advance {
            self.column += self.text.text.get(self.at..at).map_or(0, |passed| passed.chars().count());
        }
        self.at = at;
        Place { column: self.column, ..mark.place }
    }
}

/// The text of a file, and whether it is UTF-8.
pub(super) fn read_text(path: &Path) -> std::io::Result<(String, bool)> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(std::io::Error::other("more than 16 MiB"));
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => (text, true),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place = Place { file: 0, line: 7, column: 3 };

    #[test]
    fn a_part_stands_where_it_was_written_and_what_was_put_stands_where_it_was_put() {
        let line = Traced::new("é $X b", HERE);
        let value = Traced::put("long value", line.place("é ".len()));
        let line = line.replace(3..5, &value);
        assert_eq!(line.text, "é long value b");
        let column = |text: &str| line.place(line.text.find(text).unwrap()).column;
        assert_eq!((column("long"), column("value"), column(" b")), (5, 5, 7));
        let part = line.slice(line.text.find("value").unwrap()..line.text.len());
        assert_eq!((part.text.as_str(), part.place(0).column), ("value b", 5));
        assert_eq!(part.place(part.text.find('b').unwrap()).column, 8);
    }

    #[test]
    fn offsets_that_are_none_do_no_harm() {
        let line = Traced::new("é", HERE);
        assert_eq!(line.slice(1..9).text, "");
        assert_eq!(Traced::default().place(3).line, 1);
        assert_eq!(Traced::new("  x ", HERE).trim().place(0).column, 5);
    }
}
