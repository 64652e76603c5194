//! The files that are being written: which are open, what waits for each, and where lines go whose file fails.
//!
//! Lines are gathered per file while a batch is read, and written with one call a file when it ends. A single file is
//! [`super::log_file`]'s; how a file is put aside when it is full or old is [`super::rotate`]'s.

use std::hash::BuildHasher as _;
use std::io;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use tracing::{info, warn};

use super::calendar::Calendar;
use super::log_file::{Known, LogFile, Role};
use super::naming::date;
use super::open;
use super::root::{IfMissing, Root};
use super::rotate::Rotation;
use super::trouble::{Ailments, Trouble, is_for_good, is_missing, is_out_of_descriptors};
use crate::collector::limit::{Seldom, TokenBucket};
use crate::config::{MissingDirs, Sync};

/// New files: this many at once, and this many a second after that. A stranger who makes up host names fills one
/// overflow file a day, not the directory.
const NEW_FILES_BURST: u32 = 10_000;
const NEW_FILES_PER_SECOND: u32 = 100;
/// How often a busy destination looks for files to close.
const SWEEP: Duration = Duration::from_secs(10);
/// How long a file that cannot be opened, or is one too many, is not tried again.
const RETRY_UNOPENED: Duration = Duration::from_secs(10);
/// How long a file that cannot be written holds the others up.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it is not tried again then.
const RETRY_FAILED: Duration = Duration::from_secs(60);
/// How long rotation is not tried again where it failed.
const RETRY_ROTATION: Duration = Duration::from_secs(60);
/// A buffer larger than this is given back once it is written.
const KEEP_BUFFER: usize = 64 * 1024;
const KEEP_BUFFERS: usize = 256;
/// The directory of lines that have no file of their own. No field is ever encoded to this name.
pub(super) const OVERFLOW: &str = "%overflow";

/// What is asked of all files of a destination.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) missing_dirs: MissingDirs,
    pub(super) sync: Sync,
    /// A file that nobody wrote to for so long is closed.
    pub(super) idle_close: Duration,
    /// Files open at the same time, at most about.
    pub(super) most: usize,
    pub(super) rotation: Option<Rotation>,
}

/// All files of one destination.
#[derive(Debug)]
pub(super) struct Sink {
    root: Root,
    policy: Policy,
    calendar: Calendar,
    /// Where in `files` the file of a path is.
    index: HashTable<usize>,
    hasher: RandomState,
    files: Vec<LogFile>,
    /// Those with lines to write, in the order in which they got their first.
    pending: Vec<usize>,
    /// The file of the message before: devices send in bursts.
    last: Option<usize>,
    /// Empty buffers, to be used again.
    buffers: Vec<Vec<u8>>,
    new_files: TokenBucket,
    /// What the last life may have left in the overflow file has been looked at.
    mended: Option<Mended>,
    ailments: Ailments,
    sync_at: Option<Instant>,
    rotate_again_at: Option<Instant>,
    swept: Instant,
    complaint: Seldom,
}

#[derive(Clone, Copy, Debug)]
struct Mended;

impl Sink {
    /// Writes beneath `root`.
    pub(super) fn new(root: Root, policy: Policy, calendar: Calendar, now: Instant) -> Self {
        Self {
            root,
            policy: Policy { most: policy.most.max(16), ..policy },
            calendar,
            index: HashTable::new(),
            hasher: RandomState::default(),
            files: Vec::new(),
            pending: Vec::new(),
            last: None,
            buffers: Vec::new(),
            new_files: TokenBucket::new(NEW_FILES_BURST, NEW_FILES_PER_SECOND, now),
            mended: None,
            ailments: Ailments::default(),
            sync_at: None,
            rotate_again_at: None,
            swept: now,
            complaint: Seldom::new(Duration::from_secs(10)),
        }
    }

    /// The buffer that whole lines for the file of that path are appended to.
    #[inline]
    pub(super) fn lines(&mut self, path: &[u8]) -> &mut Vec<u8> {
        let at = match self.last {
            Some(at) if self.is_for(at, path) => at,
            _ => self.find_or_insert(path, Role::Own),
        };
        self.last = Some(at);
        #[expect(clippy::indexing_slicing, reason = "an index of `files`: just compared, found or inserted")]
        let file = &mut self.files[at];
        if file.lines.is_empty() {
            self.pending.push(at);
            if file.lines.capacity() == 0 {
                file.lines = self.buffers.pop().unwrap_or_default();
            }
        }
        &mut file.lines
    }

    /// Writes everything that waits. After an error, what is not written still waits, and a second call goes on where
    /// this one stopped. A file that fails keeps no other one from being written.
    pub(super) fn flush(&mut self, now: Instant) -> io::Result<()> {
        if self.pending.is_empty() {
            self.keep_house(now);
            return Ok(());
        }
        if self.mended.is_none() {
            self.mend_overflow();
            self.mended = Some(Mended);
        }
        loop {
            let written = self.write_pending(now)?;
            match self.policy.sync {
                Sync::Batch => written.and(self.sync_pending(now)?)?,
                Sync::Within(span) => {
                    self.sync_at.get_or_insert(now + span);
                    written?;
                }
                Sync::Never => written?,
            }
            // Syncing may have found a file that fails: then its lines are in the overflow file's batch now.
            if self.pending.iter().all(|&at| self.files.get(at).is_none_or(LogFile::is_written)) {
                break;
            }
        }
        for at in std::mem::take(&mut self.pending) {
            let Some(file) = self.files.get_mut(at) else { continue };
            if self.policy.sync == Sync::Never {
                file.forget_sync();
            }
            let mut lines = file.done();
            if lines.capacity() <= KEEP_BUFFER && self.buffers.len() < KEEP_BUFFERS {
                lines.clear();
                self.buffers.push(lines);
            }
        }
        self.keep_house(now);
        Ok(())
    }

    /// The batch that could not be written as a whole is given up: takes back what was written of it, for it will come
    /// again, whole.
    pub(super) fn take_back(&mut self) {
        for at in std::mem::take(&mut self.pending) {
            if let Some(file) = self.files.get_mut(at) {
                file.take_back();
                file.done();
            }
        }
    }

    /// Closes what nobody wrote to for a while, and syncs what is due. Nothing may wait.
    pub(super) fn idle(&mut self, now: Instant) {
        self.sync_if_due(now);
        self.close_idle(now);
    }

    /// When something has to be synced.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.sync_at
    }

    /// Closes everything: the next line opens its file anew, beneath whatever directory the root's path names now. A file
    /// that a batch is half way into stays until that is written.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            self.keep(|_| false);
        }
        for file in self.files.iter_mut().filter(|file| !file.is_begun()) {
            file.close();
            file.failing = None;
        }
        self.root.reopen()
    }

    /// Closes everything, for good.
    pub(super) fn close(&mut self) {
        self.files.iter_mut().for_each(LogFile::close);
    }

    fn is_for(&self, at: usize, path: &[u8]) -> bool {
        self.files.get(at).is_some_and(|file| *file.path == *path)
    }

    fn find_or_insert(&mut self, path: &[u8], role: Role) -> usize {
        let hash = self.hasher.hash_one(path);
        if let Some(&at) = self.index.find(hash, |&at| self.is_for(at, path)) {
            return at;
        }
        self.files.push(LogFile::new(path, role, self.swept));
        let at = self.files.len() - 1;
        self.enter(at);
        at
    }

    /// Enters `files[at]` into the index.
    fn enter(&mut self, at: usize) {
        let (files, hasher) = (&self.files, &self.hasher);
        let hash_of = |&at: &usize| files.get(at).map_or(0, |file| hasher.hash_one(&*file.path));
        self.index.insert_unique(hash_of(&at), at, hash_of);
    }

    /// Gets all lines to where they belong. The inner error: all but those of a file that may yet be written.
    fn write_pending(&mut self, now: Instant) -> io::Result<io::Result<()>> {
        let mut waiting = Ok(());
        let wall = self.calendar.now();
        let mut next = 0;
        // It grows: lines that go to the overflow file append that.
        while let Some(&at) = self.pending.get(next) {
            next += 1;
            match self.settle(at, now, wall) {
                Ok(()) => {}
                Err(Trouble::OfOne(error)) => waiting = waiting.and(Err(error)),
                Err(Trouble::OfAll(error)) => return Err(error),
            }
        }
        Ok(waiting)
    }

    /// Syncs what this batch was written to. What cannot be synced is written again.
    fn sync_pending(&mut self, now: Instant) -> io::Result<io::Result<()>> {
        let mut waiting = Ok(());
        for next in 0..self.pending.len() {
            let Some(&at) = self.pending.get(next) else { break };
            let Some(file) = self.files.get_mut(at) else { continue };
            if let Err(error) = file.sync(&self.root) {
                file.take_back();
                match self.overcome(at, error, now) {
                    Ok(()) => {}
                    Err(Trouble::OfOne(error)) => waiting = waiting.and(Err(error)),
                    Err(Trouble::OfAll(error)) => return Err(error),
                }
            }
        }
        Ok(waiting)
    }

    /// Gets the lines of one file to where they belong.
    fn settle(&mut self, at: usize, now: Instant, wall: i64) -> Result<(), Trouble> {
        let Some(file) = self.files.get_mut(at).filter(|file| !file.is_written()) else {
            return Ok(());
        };
        file.used = now;
        file.look(&self.root, now);
        if file.is_aside(now) {
            self.divert(at, RETRY_UNOPENED, now);
            return Ok(());
        }
        if !file.is_open() {
            match self.open(at, now) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => return self.overcome(at, error, now),
            }
        }
        if self.rotate_if_due(at, now, wall) {
            match self.open(at, now) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => return self.overcome(at, error, now),
            }
        }
        let Some(file) = self.files.get_mut(at) else { return Ok(()) };
        match file.write(now, wall) {
            Ok(()) => {
                if file.failing.take().is_some() {
                    info!(file = file.name(), "can be written again");
                }
                Ok(())
            }
            Err(error) => self.overcome(at, error, now),
        }
    }

    /// Opens a file. False: it is one too many, and goes without.
    fn open(&mut self, at: usize, now: Instant) -> io::Result<bool> {
        let Some(file) = self.files.get_mut(at) else {
            return Ok(false);
        };
        let create = IfMissing::Create(match file.role {
            Role::Own => self.policy.missing_dirs,
            Role::Overflow => MissingDirs::AreMade,
        });
        let mut opened = file.open(&self.root, IfMissing::Fail, now);
        if is_missing(&opened) {
            if file.role == Role::Own && file.known() == Known::Not && !self.new_files.take(now) {
                if self.complaint.now(now) {
                    warn!("too many new files: messages of new ones go to {}", self.overflow_place());
                }
                self.divert(at, RETRY_UNOPENED, now);
                return Ok(false);
            }
            opened = file.open(&self.root, create, now);
            if is_missing(&opened) && self.root.reopen().is_ok() {
                // Nothing can be made in a directory that was removed.
                opened = file.open(&self.root, create, now);
            }
        }
        opened.map(|()| true)
    }

    /// Decides what a failure of one file means: all wait, this one is waited for, or its lines go elsewhere.
    fn overcome(&mut self, at: usize, error: io::Error, now: Instant) -> Result<(), Trouble> {
        let Some(file) = self.files.get_mut(at) else {
            return Ok(());
        };
        let device = file.device().unwrap_or_else(|| self.root.device_of(&file.path));
        if file.role == Role::Overflow || self.root.concerns_all(&error, device) {
            if is_out_of_descriptors(&error) {
                self.close_unused();
            }
            return Err(Trouble::OfAll(error));
        }
        let since = file.failing.get_or_insert(now);
        let failing_for = now.saturating_duration_since(*since);
        let retry = if is_for_good(&error) {
            RETRY_UNOPENED
        } else if failing_for < PATIENCE && !self.ailments.know(device, &error, now) {
            return Err(Trouble::OfOne(error));
        } else {
            self.ailments.remember(device, &error, now);
            RETRY_FAILED
        };
        if self.complaint.now(now) || failing_for.is_zero() {
            let place = self.overflow_place();
            let name = self.files.get(at).map(LogFile::name);
            warn!(file = name, "cannot be written, its lines go to {place}: {error}");
        }
        self.divert(at, retry, now);
        Ok(())
    }

    /// Sends the lines of a file to the overflow file, now and for a while.
    fn divert(&mut self, at: usize, retry: Duration, now: Instant) {
        let path = overflow_path(self.calendar.today());
        let overflow = self.find_or_insert(&path, Role::Overflow);
        let Some(file) = self.files.get_mut(at) else { return };
        let until = file.aside_until().filter(|until| now < *until).unwrap_or(now + retry);
        let lines = file.set_aside(until);
        if let Some(overflow) = self.files.get_mut(overflow) {
            overflow.lines.extend_from_slice(&lines);
        }
        // Perhaps again: what is written already is not written twice.
        self.pending.push(overflow);
    }

    /// Puts a file aside before a batch is begun in it. True: it has to be opened anew.
    fn rotate_if_due(&mut self, at: usize, now: Instant, wall: i64) -> bool {
        let (Some(rotation), Some(file)) = (&self.policy.rotation, self.files.get_mut(at)) else {
            return false;
        };
        let (len, wrote_at) = file.age();
        // What a batch has begun stays where it can be taken back.
        if file.is_begun()
            || self.rotate_again_at.is_some_and(|again| now < again)
            || !rotation.is_due(len, file.lines.len(), wrote_at, wall, &mut self.calendar)
        {
            return false;
        }
        self.rotate_again_at = None;
        file.close();
        if let Err(error) = rotation.rotate(&self.root, &file.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            warn!(file = file.name(), "cannot be rotated, it grows on: {error}");
            self.rotate_again_at = Some(now + RETRY_ROTATION);
        }
        true
    }

    /// A line that was cut in the overflow file when the last life ended may have a file of its own now: then nobody
    /// opens the overflow file to mend it.
    fn mend_overflow(&self) {
        let today = self.calendar.today();
        for day in [today - 1, today] {
            if let Ok((file, _)) = self.root.open_append(&overflow_path(day), IfMissing::Fail) {
                let batches = self.files.iter().map(|file| &*file.lines);
                if let Err(error) = open::mend_if_it_comes_again(&file, batches) {
                    warn!("cannot look for a torn line in {}: {error}", self.overflow_place());
                }
            }
        }
    }

    fn overflow_place(&self) -> String {
        self.root.path().join(OVERFLOW).display().to_string()
    }

    /// Between batches.
    fn keep_house(&mut self, now: Instant) {
        self.sync_if_due(now);
        if self.files.len() > self.policy.most {
            self.close_older_half();
        } else if now.saturating_duration_since(self.swept) >= SWEEP {
            self.close_idle(now);
        }
    }

    fn sync_if_due(&mut self, now: Instant) {
        if self.sync_at.is_none_or(|at| now < at) {
            return;
        }
        self.sync_at = None;
        for file in self.files.iter_mut().filter(|file| file.is_unsynced()) {
            if let Err(error) = file.sync(&self.root) {
                file.complain_of_sync(&error);
            }
        }
    }

    fn close_idle(&mut self, now: Instant) {
        self.swept = now;
        let idle = self.policy.idle_close;
        self.keep(|file| now.saturating_duration_since(file.used) < idle || file.is_aside(now));
    }

    fn close_older_half(&mut self) {
        let mut used: Vec<Instant> = self.files.iter().map(|file| file.used).collect();
        let middle = used.len() / 2;
        let (_, &mut median, _) = used.select_nth_unstable(middle);
        let mut to_close = middle;
        self.keep(|file| {
            let close = to_close > 0 && file.used <= median;
            to_close -= usize::from(close);
            !close
        });
    }

    /// Gives descriptors back in the middle of a flush: entries stay where they are, files that do not wait close.
    fn close_unused(&mut self) {
        self.files.iter_mut().filter(|file| file.lines.is_empty()).for_each(LogFile::close);
    }

    /// Forgets all files but those; only called when nothing waits, for `pending` names files by position.
    fn keep(&mut self, mut keep: impl FnMut(&LogFile) -> bool) {
        debug_assert!(self.pending.is_empty());
        self.files.retain_mut(|file| {
            let keep = keep(file);
            if !keep {
                file.close();
            }
            keep
        });
        self.last = None;
        self.index.clear();
        for at in 0..self.files.len() {
            self.enter(at);
        }
    }
}

fn overflow_path(day: i64) -> Vec<u8> {
    format!("{OVERFLOW}/{}.log", date(day)).into_bytes()
}

#[cfg(test)]
mod tests;
