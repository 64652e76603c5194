//! Compressing rotated files, in a thread that has time.
//!
//! `NAME.1` is read, written compressed under a temporary name, synced, renamed to `NAME.1.gz`, and only then removed:
//! whenever it is killed, one of the two is whole. A rotation may rename it meanwhile: a file is known by its inode. What
//! an earlier run left half done is looked for at the start.

use std::collections::HashSet;
use std::fs::{File, FileTimes};
use std::io::{self, Read as _, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, PoisonError};
use std::thread::Builder;

use caps::CapsHashSet;
use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use tracing::{info, warn};

use super::root::{Identity, resolve_beneath};
use super::rotate::{Names, found_in, gone, original, rename_to_nothing, rotated};
use crate::collector::privileges;
use crate::config::Compress;

/// What a file is called while it is written; its inode follows. No field of a message is ever encoded to this.
const UNFINISHED: &str = "%unfinished-";
const CHUNK: usize = 64 * 1024;
/// Of zstd: its default.
const ZSTD_LEVEL: i32 = 3;
/// The niceness of who has time (setpriority(2)).
const NICEST: i32 = 19;

/// The thread that compresses the rotated files of one destination. Dropped, it stops at the next opportunity; the next
/// start goes on.
#[derive(Debug)]
pub(super) struct Compressor {
    jobs: Sender<Job>,
    stop: Arc<AtomicBool>,
}

/// The rotated files of one name.
#[derive(Debug)]
struct Job {
    dir: OwnedFd,
    name: Vec<u8>,
}

impl Compressor {
    /// Compresses what there is beneath `root` already, and then what it is told of, with these privileges.
    pub(super) fn start(how: Compress, root: OwnedFd, names: Names, needs: CapsHashSet) -> io::Result<Self> {
        let (jobs, work) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let worker = Worker { how, names, stop: Arc::clone(&stop) };
        Builder::new().name("compress".to_owned()).spawn(move || {
            privileges::keep_only(&needs);
            worker.run(root, &work);
        })?;
        Ok(Self { jobs, stop })
    }

    /// There is a rotated file of that name in `dir`.
    pub(super) fn tidy(&self, dir: OwnedFd, name: &[u8]) {
        // If the thread is gone, the next start finds the file.
        drop(self.jobs.send(Job { dir, name: name.to_vec() }));
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Worker {
    how: Compress,
    names: Names,
    stop: Arc<AtomicBool>,
}

impl Worker {
    fn run(&self, root: OwnedFd, work: &Receiver<Job>) {
        // Linux has a niceness for each thread (setpriority(2), "bugs").
        if let Err(error) = rustix::process::setpriority_process(None, NICEST) {
            info!("rotated files are compressed at ordinary priority: {error}");
        }
        if let Err(error) = self.sweep(&root) {
            warn!("cannot look for rotated files that an earlier run did not compress: {error}");
        }
        drop(root);
        while let Ok(job) = work.recv() {
            self.tidy_and_tell(&job.dir, &job.name);
        }
    }

    /// Removes what was not finished, and compresses what was not begun.
    fn sweep(&self, root: &OwnedFd) -> io::Result<()> {
        let mut dirs = vec![b".".to_vec()];
        while let Some(path) = dirs.pop() {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            let dir = match resolve_beneath(root.as_fd(), &path, flags, Mode::empty()) {
                Ok(dir) => dir,
                // Somebody else's, or gone by now.
                Err(Errno::ACCESS | Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
                Err(error) => return Err(error.into()),
            };
            let mut names = HashSet::new();
            for entry in Dir::read_from(&dir)? {
                self.unless_stopped()?;
                let entry = entry?;
                let name = entry.file_name().to_bytes();
                let kind = match entry.file_type() {
                    FileType::Unknown => {
                        let stat = fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW);
                        stat.map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode))
                    }
                    known => known,
                };
                if kind == FileType::Directory && !matches!(name, b"." | b"..") {
                    dirs.push([&path, &b"/"[..], name].concat());
                } else if kind == FileType::RegularFile && name.starts_with(UNFINISHED.as_bytes()) {
                    gone(fs::unlinkat(&dir, name, AtFlags::empty()))?;
                } else if kind == FileType::RegularFile
                    && let Some((own, None)) = original(name)
                {
                    names.insert(own.to_vec());
                }
            }
            for name in names {
                self.tidy_and_tell(&dir, &name);
            }
        }
        Ok(())
    }

    fn tidy_and_tell(&self, dir: &OwnedFd, name: &[u8]) {
        if let Err(error) = self.tidy(dir, name)
            && !self.stop.load(Ordering::Relaxed)
        {
            warn!(file = %name.escape_ascii(), "cannot compress what was rotated; it stays as it is: {error}");
        }
    }

    /// Compresses every rotated file of that name that is not.
    fn tidy(&self, dir: &OwnedFd, name: &[u8]) -> io::Result<()> {
        // Rotation renames while this goes on: by inode, and again until there is nothing new.
        let mut seen = HashSet::new();
        while let Some((file, inode)) = self.next(dir, name, &mut seen)? {
            self.compress(dir, name, file, inode)?;
        }
        Ok(())
    }

    /// The oldest rotated file that is not compressed.
    fn next(&self, dir: &OwnedFd, name: &[u8], seen: &mut HashSet<u64>) -> io::Result<Option<(File, u64)>> {
        self.unless_stopped()?;
        let _held = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        for slot in self.slots(dir, name)?.into_iter().rev() {
            let there = found_in(dir, name, slot);
            let path = rotated(name, slot, "");
            if there.len() > 1 {
                // The compressed one got its name when it was complete.
                gone(fs::unlinkat(dir, path, AtFlags::empty()))?;
                continue;
            }
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = match fs::openat(dir, path, flags, Mode::empty()) {
                Ok(file) => file,
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            };
            let stat = fs::fstat(&file)?;
            if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && seen.insert(stat.st_ino) {
                return Ok(Some((file.into(), stat.st_ino)));
            }
        }
        Ok(None)
    }

    /// The numbers for which there is a file that is not compressed, in order, gaps or not.
    fn slots(&self, dir: &OwnedFd, name: &[u8]) -> io::Result<Vec<u32>> {
        let mut slots = Vec::new();
        for entry in Dir::read_from(dir)? {
            let entry = entry?;
            let file = entry.file_name().to_bytes();
            if let Some((own, None)) = original(file)
                && own == name
                && let Some(slot) =
                    file.get(own.len() + 1..).and_then(|slot| str::from_utf8(slot).ok()?.parse().ok())
            {
                slots.push(slot);
            }
        }
        slots.sort_unstable();
        Ok(slots)
    }

    fn compress(&self, dir: &OwnedFd, name: &[u8], mut from: File, inode: u64) -> io::Result<()> {
        let unfinished = format!("{UNFINISHED}{inode:x}");
        let written = self.write(dir, &unfinished, &mut from);
        let identity = Identity::of(&fs::fstat(&from)?);
        let result = written.and_then(|()| self.publish(dir, name, &unfinished, identity));
        if result.is_err() {
            gone(fs::unlinkat(dir, unfinished, AtFlags::empty())).ok();
        }
        result
    }

    /// Writes it compressed under a temporary name, whole and synced, with the rights and times that it had.
    fn write(&self, dir: &OwnedFd, unfinished: &str, from: &mut File) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let to = File::from(fs::openat(dir, unfinished, flags, Mode::RUSR | Mode::WUSR)?);
        let to = match self.how {
            Compress::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(to, flate2::Compression::default());
                self.copy(from, &mut encoder)?;
                encoder.finish()?
            }
            Compress::Zstd => {
                let mut encoder = zstd::Encoder::new(to, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                self.copy(from, &mut encoder)?;
                encoder.finish()?
            }
        };
        let stat = fs::fstat(&*from)?;
        fs::fchmod(&to, Mode::from_raw_mode(stat.st_mode))?;
        let (owner, group) = (fs::Uid::from_raw(stat.st_uid), fs::Gid::from_raw(stat.st_gid));
        for (owner, group) in [(None, Some(group)), (Some(owner), None)] {
            // As far as that is ours to do.
            fs::fchown(&to, owner, group).ok();
        }
        to.set_times(FileTimes::new().set_modified(from.metadata()?.modified()?))?;
        to.sync_all()
    }

    fn copy(&self, from: &mut File, to: &mut impl Write) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        loop {
            self.unless_stopped()?;
            match from.read(&mut chunk) {
                Ok(0) => return Ok(()),
                Ok(n) => to.write_all(chunk.get(..n).unwrap_or_default())?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives it the name of what it was made from, which is removed then.
    fn publish(&self, dir: &OwnedFd, name: &[u8], unfinished: &str, from: Identity) -> io::Result<()> {
        let ending = match self.how {
            Compress::Gzip => ".gz",
            Compress::Zstd => ".zst",
        };
        {
            let _held = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(slot) = self.find(dir, name, from)? else {
                // Rotated out of existence meanwhile.
                return Ok(gone(fs::unlinkat(dir, unfinished, AtFlags::empty()))?);
            };
            rename_to_nothing(dir, unfinished.as_bytes(), &rotated(name, slot, ending))?;
        }
        // Its name has to be there for good before the other goes.
        fs::fsync(dir)?;
        let _held = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        match self.find(dir, name, from)? {
            Some(slot) => Ok(gone(fs::unlinkat(dir, rotated(name, slot, ""), AtFlags::empty()))?),
            None => Ok(()),
        }
    }

    /// Under which number a file is now.
    fn find(&self, dir: &OwnedFd, name: &[u8], wanted: Identity) -> io::Result<Option<u32>> {
        let is_it = |slot: &u32| {
            let stat = fs::statat(dir, rotated(name, *slot, ""), AtFlags::SYMLINK_NOFOLLOW);
            stat.is_ok_and(|stat| Identity::of(&stat) == wanted)
        };
        Ok(self.slots(dir, name)?.into_iter().find(is_it))
    }

    fn unless_stopped(&self) -> io::Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("told to stop"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    fn worker(how: Compress) -> Worker {
        Worker { how, names: Names::default(), stop: Arc::default() }
    }

    fn dir(path: &Path) -> OwnedFd {
        File::open(path).unwrap().into()
    }

    /// What is in a directory, decompressed.
    fn content(path: &Path) -> BTreeMap<String, String> {
        let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
        let read = |entry: std::fs::DirEntry| {
            let name = entry.file_name().into_string().unwrap();
            let file = File::open(entry.path()).unwrap();
            let text = if name.ends_with(".gz") {
                io::read_to_string(flate2::read::GzDecoder::new(file))
            } else if name.ends_with(".zst") {
                io::read_to_string(zstd::Decoder::new(file).unwrap())
            } else {
                io::read_to_string(file)
            };
            (name, text.unwrap())
        };
        entries.filter(|entry| entry.path().is_file()).map(read).collect()
    }

    fn files<const N: usize>(wanted: [(&str, &str); N]) -> BTreeMap<String, String> {
        wanted.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    }

    #[test]
    fn rotated_files_are_compressed_and_keep_their_mode_and_time() {
        use std::os::unix::fs::PermissionsExt;
        for (how, ending) in [(Compress::Gzip, "gz"), (Compress::Zstd, "zst")] {
            let temp = tempfile::tempdir().unwrap();
            let text = "line\n".repeat(50_000);
            for name in ["log", "log.1", "log.3", "other.1"] {
                std::fs::write(temp.path().join(name), &text).unwrap();
            }
            let old = File::open(temp.path().join("log.1")).unwrap();
            old.set_permissions(PermissionsExt::from_mode(0o604)).unwrap();
            old.set_modified(std::time::UNIX_EPOCH).unwrap();
            worker(how).tidy(&dir(temp.path()), b"log").unwrap();
            let (one, three) = (format!("log.1.{ending}"), format!("log.3.{ending}"));
            let after = [("log", &*text), (&one, &text), (&three, &text), ("other.1", &text)];
            assert_eq!(content(temp.path()), files(after));
            let stat = std::fs::metadata(temp.path().join(one)).unwrap();
            assert!(stat.len() < text.len() as u64 / 10);
            assert_eq!(stat.permissions().mode() & 0o777, 0o604);
            assert_eq!(stat.modified().unwrap(), std::time::UNIX_EPOCH);
        }
    }

    #[test]
    fn what_a_crash_left_is_taken_up_at_the_next_start_everywhere() {
        let temp = tempfile::tempdir().unwrap();
        let deep = temp.path().join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        std::os::unix::fs::symlink("..", deep.join("loop")).unwrap();
        for (name, text) in [("log", "1"), ("log.1", "2"), ("%unfinished-7f", "torn"), ("log.2", "3")] {
            std::fs::write(deep.join(name), text).unwrap();
        }
        let mut whole = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        whole.write_all(b"3").unwrap();
        std::fs::write(deep.join("log.2.gz"), whole.finish().unwrap()).unwrap();
        worker(Compress::Gzip).sweep(&dir(temp.path())).unwrap();
        assert_eq!(content(&deep), files([("log", "1"), ("log.1.gz", "2"), ("log.2.gz", "3")]));
    }

    #[test]
    fn a_file_that_is_renamed_or_removed_meanwhile_is_known_by_its_inode() {
        let temp = tempfile::tempdir().unwrap();
        let (worker, dir) = (worker(Compress::Zstd), dir(temp.path()));
        for (name, text) in [("log.1", "a"), ("log.2", "b")] {
            std::fs::write(temp.path().join(name), text).unwrap();
        }
        let mut seen = HashSet::new();
        let (b, inode_of_b) = worker.next(&dir, b"log", &mut seen).unwrap().unwrap();
        let (a, inode_of_a) = worker.next(&dir, b"log", &mut seen).unwrap().unwrap();
        std::fs::remove_file(temp.path().join("log.2")).unwrap();
        std::fs::rename(temp.path().join("log.1"), temp.path().join("log.2")).unwrap();
        std::fs::write(temp.path().join("log.1"), "new").unwrap();
        worker.compress(&dir, b"log", a, inode_of_a).unwrap();
        worker.compress(&dir, b"log", b, inode_of_b).unwrap();
        assert_eq!(content(temp.path()), files([("log.1", "new"), ("log.2.zst", "a")]));
    }
}
