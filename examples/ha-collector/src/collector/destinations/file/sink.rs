//! The files that are being written: which are open, what waits for each, and how it gets to the disk whole.
//!
//! Lines are gathered per file while a batch is read, and written with one call a file when it ends. How a file is
//! opened, and mended where a crash cut it in the middle of a line, is in [`super::open`].

use std::fs::File;
use std::hash::BuildHasher as _;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use tracing::{info, warn};

use super::open::{self, Day, OVERFLOW};
use super::root::{IfMissing, Root};
use crate::collector::limit::{Seldom, TokenBucket};

/// New files: this many at once, and this many a second after that. A stranger who makes up host names fills one
/// overflow file a day, not the directory.
const NEW_FILES_BURST: u32 = 10_000;
const NEW_FILES_PER_SECOND: u32 = 100;
/// A file that nobody wrote to for so long is closed.
const IDLE: Duration = Duration::from_secs(60);
/// How often a busy destination looks for files to close.
const SWEEP: Duration = Duration::from_secs(10);
/// How long a host goes without a file of its own before one is tried again.
const RETRY_OVERFLOW: Duration = Duration::from_secs(10);
/// How often it is looked whether somebody removed a file under our hands.
const LOOK_FOR_REMOVED: Duration = Duration::from_secs(1);
/// A buffer larger than this is given back once it is written.
const KEEP_BUFFER: usize = 64 * 1024;
const KEEP_BUFFERS: usize = 256;

/// All files of one destination.
#[derive(Debug)]
pub(super) struct Sink {
    root: Root,
    /// Where in `files` the file of a (host, day) is.
    index: HashTable<usize>,
    hasher: RandomState,
    files: Vec<Entry>,
    /// Those with lines to write, in the order in which they got their first.
    pending: Vec<usize>,
    /// How many of `pending` are done.
    done: usize,
    /// The file of the message before: devices send in bursts.
    last: Option<usize>,
    /// Empty buffers, to be used again.
    buffers: Vec<Vec<u8>>,
    new_files: TokenBucket,
    /// Files open at the same time, at most.
    most: usize,
    looked: Instant,
    swept: Instant,
    complaint: Seldom,
}

#[derive(Debug)]
struct Entry {
    /// `None`: the overflow file.
    host: Option<Box<[u8]>>,
    day: Day,
    state: State,
    lines: Vec<u8>,
    /// Bytes of `lines` that are in the file already: a write may stop half way.
    written: usize,
    /// Bytes that this batch has put into the file.
    this_batch: u64,
    used: Instant,
}

#[derive(Debug)]
enum State {
    Closed,
    Open(File),
    /// Has no file of its own: its lines go to the overflow file of the day, until it is tried again.
    Overflow {
        since: Instant,
    },
}

impl Sink {
    /// Writes beneath `root`, with at most about `most` files open at the same time.
    pub(super) fn new(root: Root, most: usize, now: Instant) -> Self {
        Self {
            root,
            index: HashTable::new(),
            hasher: RandomState::default(),
            files: Vec::new(),
            pending: Vec::new(),
            done: 0,
            last: None,
            buffers: Vec::new(),
            new_files: TokenBucket::new(NEW_FILES_BURST, NEW_FILES_PER_SECOND, now),
            most: most.max(16),
            looked: now,
            swept: now,
            complaint: Seldom::new(Duration::from_secs(10)),
        }
    }

    /// The buffer that whole lines for this host and day are appended to.
    pub(super) fn lines(&mut self, host: &[u8], day: Day) -> &mut Vec<u8> {
        self.lines_of(Some(host), day)
    }

    fn lines_of(&mut self, host: Option<&[u8]>, day: Day) -> &mut Vec<u8> {
        let at = match self.last {
            Some(at) if self.is_for(at, host, day) => at,
            _ => self.find_or_insert(host, day),
        };
        self.last = Some(at);
        #[expect(clippy::indexing_slicing, reason = "an index of `files`: just compared, found or inserted")]
        let entry = &mut self.files[at];
        if entry.lines.is_empty() {
            self.pending.push(at);
            if entry.lines.capacity() == 0 {
                entry.lines = self.buffers.pop().unwrap_or_default();
            }
        }
        &mut entry.lines
    }

    /// Writes everything that waits. After an error, what is not written still waits, and a second call goes on where
    /// this one stopped.
    pub(super) fn flush(&mut self, now: Instant) -> io::Result<()> {
        let look = now.saturating_duration_since(self.looked) >= LOOK_FOR_REMOVED;
        if look {
            self.looked = now;
        }
        while let Some(&at) = self.pending.get(self.done) {
            if look {
                self.close_if_removed(at);
            }
            self.settle(at, now)?;
            self.done += 1;
        }
        for at in self.pending.drain(..) {
            if let Some(entry) = self.files.get_mut(at) {
                entry.this_batch = 0;
            }
        }
        self.done = 0;
        if self.files.len() > self.most {
            self.close_older_half();
        } else if now.saturating_duration_since(self.swept) >= SWEEP {
            self.close_idle(now);
        }
        Ok(())
    }

    /// The batch that could not be written as a whole is given up: takes back what was written of it, for it will come
    /// again, whole.
    pub(super) fn take_back(&mut self) {
        for &at in &self.pending {
            if let Some(entry) = self.files.get_mut(at)
                && let State::Open(file) = &entry.state
                && entry.this_batch > 0
            {
                let shortened =
                    file.metadata().and_then(|now| file.set_len(now.len().saturating_sub(entry.this_batch)));
                if let Err(error) = shortened {
                    warn!(host = name(entry), "cannot take back lines that will be written again: {error}");
                }
                entry.this_batch = 0;
            }
        }
    }

    /// Closes what nobody wrote to for a while. Nothing may wait.
    pub(super) fn close_idle(&mut self, now: Instant) {
        self.swept = now;
        self.keep(|entry| now.saturating_duration_since(entry.used) < IDLE);
    }

    /// Closes everything: the next line opens its file anew, beneath whatever directory the root's path names now.
    /// Nothing may wait.
    pub(super) fn close_all(&mut self) -> io::Result<()> {
        self.keep(|_| false);
        self.root.reopen()
    }

    fn is_for(&self, at: usize, host: Option<&[u8]>, day: Day) -> bool {
        self.files.get(at).is_some_and(|entry| entry.day == day && entry.host.as_deref() == host)
    }

    fn find_or_insert(&mut self, host: Option<&[u8]>, day: Day) -> usize {
        let hash = self.hasher.hash_one((host, day));
        if let Some(&at) = self.index.find(hash, |&at| self.is_for(at, host, day)) {
            return at;
        }
        self.files.push(Entry {
            host: host.map(Into::into),
            day,
            state: State::Closed,
            lines: Vec::new(),
            written: 0,
            this_batch: 0,
            used: self.looked,
        });
        let at = self.files.len() - 1;
        self.enter(at);
        at
    }

    /// Enters `files[at]` into the index.
    fn enter(&mut self, at: usize) {
        let (files, hasher) = (&self.files, &self.hasher);
        let hash_of = |&at: &usize| {
            files.get(at).map_or(0, |entry| hasher.hash_one((entry.host.as_deref(), entry.day)))
        };
        self.index.insert_unique(hash_of(&at), at, hash_of);
    }

    /// Gets the lines of one file to where they belong.
    fn settle(&mut self, at: usize, now: Instant) -> io::Result<()> {
        let Some(entry) = self.files.get_mut(at) else {
            return Ok(());
        };
        entry.used = now;
        let try_again = |since| now.saturating_duration_since(since) >= RETRY_OVERFLOW;
        if matches!(entry.state, State::Closed)
            || matches!(entry.state, State::Overflow { since } if try_again(since))
        {
            self.open(at, now)?;
        }
        let Some(entry) = self.files.get_mut(at) else {
            return Ok(());
        };
        match &mut entry.state {
            State::Open(file) => {
                while let Some(rest) = entry.lines.get(entry.written..).filter(|rest| !rest.is_empty()) {
                    match file.write(rest) {
                        Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                        Ok(n) => {
                            entry.written += n;
                            entry.this_batch += n as u64;
                        }
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                entry.written = 0;
                let mut lines = std::mem::take(&mut entry.lines);
                self.recycle(&mut lines);
            }
            State::Overflow { .. } => {
                let day = entry.day;
                let mut lines = std::mem::take(&mut entry.lines);
                // `pending` grows, and the loop in `flush` comes to the overflow file too.
                self.lines_of(None, day).extend_from_slice(&lines);
                self.recycle(&mut lines);
            }
            // `open` left it open or in overflow.
            State::Closed => {}
        }
        Ok(())
    }

    /// Opens the file of an entry, or decides that it goes without one.
    fn open(&mut self, at: usize, now: Instant) -> io::Result<()> {
        let Some(entry) = self.files.get_mut(at) else {
            return Ok(());
        };
        let mut opened = open::append(&self.root, entry.host.as_deref(), entry.day, IfMissing::Fail);
        if opened.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            if entry.host.is_some() && !self.new_files.take(now) {
                if self.complaint.now(now) {
                    warn!(
                        "too many new files: messages of new hosts go to {}",
                        self.root.path().join(OVERFLOW).display()
                    );
                }
                entry.state = State::Overflow { since: now };
                return Ok(());
            }
            opened = open::append(&self.root, entry.host.as_deref(), entry.day, IfMissing::Create);
            if opened.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                // Nothing can be made in a directory that was removed.
                self.root.reopen()?;
                opened = open::append(&self.root, entry.host.as_deref(), entry.day, IfMissing::Create);
            }
        }
        match opened {
            Ok(mut file) => {
                open::mend(&mut file, &entry.lines)?;
                entry.state = State::Open(file);
                Ok(())
            }
            Err(error) if entry.host.is_none() || open::concerns_all_files(&error) => {
                if open::is_out_of_descriptors(&error) {
                    self.close_unused();
                }
                Err(error)
            }
            Err(error) => {
                warn!(
                    host = name(entry),
                    "cannot open its file, its messages go to {}: {error}",
                    self.root.path().join(OVERFLOW).display()
                );
                entry.state = State::Overflow { since: now };
                Ok(())
            }
        }
    }

    /// A file that somebody removed is not written to any longer: its bytes would be gone when we close it.
    fn close_if_removed(&mut self, at: usize) {
        if let Some(entry) = self.files.get_mut(at)
            && let State::Open(file) = &entry.state
            && entry.written == 0
            && file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
        {
            info!(host = name(entry), "its file was removed; a new one is begun");
            entry.state = State::Closed;
        }
    }

    fn recycle(&mut self, lines: &mut Vec<u8>) {
        if lines.capacity() <= KEEP_BUFFER && self.buffers.len() < KEEP_BUFFERS {
            lines.clear();
            self.buffers.push(std::mem::take(lines));
        }
    }

    fn close_older_half(&mut self) {
        let mut used: Vec<Instant> = self.files.iter().map(|entry| entry.used).collect();
        let middle = used.len() / 2;
        let (_, &mut median, _) = used.select_nth_unstable(middle);
        let mut to_close = middle;
        self.keep(|entry| {
            let close = to_close > 0 && entry.used <= median;
            to_close -= usize::from(close);
            !close
        });
    }

    /// Gives descriptors back in the middle of a flush: entries stay where they are, files that do not wait close.
    fn close_unused(&mut self) {
        for entry in self.files.iter_mut().filter(|entry| entry.lines.is_empty()) {
            entry.state = State::Closed;
        }
    }

    /// Forgets all entries but those; only called when nothing waits, for `pending` names entries by position.
    fn keep(&mut self, keep: impl FnMut(&Entry) -> bool) {
        debug_assert!(self.pending.is_empty());
        self.files.retain(keep);
        self.last = None;
        self.index.clear();
        for at in 0..self.files.len() {
            self.enter(at);
        }
    }
}

/// The host, for a person.
fn name(entry: &Entry) -> String {
    entry.host.as_deref().map_or_else(|| OVERFLOW.to_owned(), |host| host.escape_ascii().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(most: usize) -> (tempfile::TempDir, Sink, Instant) {
        let temp = tempfile::tempdir().unwrap();
        let now = Instant::now();
        let sink = Sink::new(Root::open(temp.path()).unwrap(), most, now);
        (temp, sink, now)
    }

    fn read(temp: &tempfile::TempDir, path: &str) -> String {
        std::fs::read_to_string(temp.path().join(path)).unwrap_or_default()
    }

    #[test]
    fn each_host_and_day_has_its_file() {
        let (temp, mut sink, now) = sink(100);
        sink.lines(b"a", 0).extend_from_slice(b"1\n");
        sink.lines(b"b", 0).extend_from_slice(b"2\n");
        sink.lines(b"a", 0).extend_from_slice(b"3\n");
        sink.lines(b"a", 20_000).extend_from_slice(b"4\n");
        sink.flush(now).unwrap();
        assert_eq!(read(&temp, "a/1970-01-01.log"), "1\n3\n");
        assert_eq!(read(&temp, "b/1970-01-01.log"), "2\n");
        assert_eq!(read(&temp, "a/2024-10-04.log"), "4\n");
    }

    #[test]
    fn more_hosts_than_open_files_lose_nothing() {
        let (temp, mut sink, now) = sink(16);
        for round in 0..3 {
            for host in 0..200 {
                sink.lines(format!("h{host}").as_bytes(), 0)
                    .extend_from_slice(format!("{round}\n").as_bytes());
            }
            sink.flush(now + Duration::from_secs(round)).unwrap();
            assert!(sink.files.len() <= 200);
        }
        for host in 0..200 {
            assert_eq!(read(&temp, &format!("h{host}/1970-01-01.log")), "0\n1\n2\n");
        }
        sink.close_idle(now + Duration::from_secs(3_600));
        assert_eq!(sink.files.len(), 0);
    }

    #[test]
    fn hosts_beyond_the_rate_of_new_files_share_the_overflow_file() {
        let (temp, mut sink, now) = sink(100);
        sink.new_files = TokenBucket::new(2, 1, now);
        for host in ["a", "b", "c", "d"] {
            sink.lines(host.as_bytes(), 0).extend_from_slice(format!("{host}\n").as_bytes());
        }
        sink.flush(now).unwrap();
        assert_eq!(read(&temp, "a/1970-01-01.log"), "a\n");
        assert_eq!(read(&temp, "%overflow/1970-01-01.log"), "c\nd\n");
        assert!(!temp.path().join("c").exists());
    }

    #[test]
    fn a_host_whose_file_cannot_be_opened_goes_to_the_overflow_file() {
        let (temp, mut sink, now) = sink(100);
        std::fs::write(temp.path().join("a"), "a file where the directory should be").unwrap();
        sink.lines(b"a", 0).extend_from_slice(b"1\n");
        sink.lines(b"b", 0).extend_from_slice(b"2\n");
        sink.flush(now).unwrap();
        assert_eq!(read(&temp, "%overflow/1970-01-01.log"), "1\n");
        assert_eq!(read(&temp, "b/1970-01-01.log"), "2\n");
    }

    #[test]
    fn a_host_gets_its_own_file_when_that_is_possible_again() {
        let (temp, mut sink, now) = sink(100);
        sink.new_files = TokenBucket::new(0, 1, now);
        sink.lines(b"a", 0).extend_from_slice(b"1\n");
        sink.flush(now).unwrap();
        sink.lines(b"a", 0).extend_from_slice(b"2\n");
        sink.new_files = TokenBucket::new(9, 1, now);
        sink.flush(now + RETRY_OVERFLOW).unwrap();
        assert_eq!(read(&temp, "%overflow/1970-01-01.log"), "1\n");
        assert_eq!(read(&temp, "a/1970-01-01.log"), "2\n");
    }

    #[test]
    fn a_batch_that_is_given_up_leaves_nothing_behind() {
        let (temp, mut sink, now) = sink(100);
        sink.lines(b"a", 0).extend_from_slice(b"before\n");
        sink.flush(now).unwrap();
        sink.lines(b"a", 0).extend_from_slice(b"again\n");
        sink.lines(b"b", 0).extend_from_slice(b"again\n");
        let a = sink.pending[0];
        sink.settle(a, now).unwrap();
        assert_eq!(read(&temp, "a/1970-01-01.log"), "before\nagain\n");
        sink.take_back();
        assert_eq!(read(&temp, "a/1970-01-01.log"), "before\n");
    }

    #[test]
    fn a_root_that_was_removed_is_made_again() {
        let (temp, mut sink, now) = sink(100);
        let root = temp.path().join("root");
        sink.root = Root::open(&root).unwrap();
        std::fs::remove_dir(&root).unwrap();
        sink.lines(b"a", 0).extend_from_slice(b"1\n");
        sink.flush(now).unwrap();
        assert_eq!(read(&temp, "root/a/1970-01-01.log"), "1\n");
        std::fs::rename(&root, temp.path().join("old")).unwrap();
        sink.close_all().unwrap();
        sink.lines(b"a", 0).extend_from_slice(b"2\n");
        sink.flush(now).unwrap();
        assert_eq!(read(&temp, "root/a/1970-01-01.log"), "2\n");
    }

    #[test]
    fn a_file_that_was_removed_is_begun_anew_within_a_second() {
        let (temp, mut sink, now) = sink(100);
        sink.lines(b"a", 0).extend_from_slice(b"1\n");
        sink.flush(now).unwrap();
        std::fs::remove_file(temp.path().join("a/1970-01-01.log")).unwrap();
        sink.lines(b"a", 0).extend_from_slice(b"2\n");
        sink.flush(now + LOOK_FOR_REMOVED).unwrap();
        assert_eq!(read(&temp, "a/1970-01-01.log"), "2\n");
    }
}
