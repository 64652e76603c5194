//! The directory that nothing leaves: files are opened beneath it, by the kernel's own rule.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, Mode, OFlags, ResolveFlags, StatVfsMountFlags};
use rustix::io::Errno;

use super::rights::{Made, Rights};
use crate::config::MissingDirs;

const OPEN_RETRIES: usize = 16;

/// What to do when the file is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IfMissing {
    Create(MissingDirs),
    Fail,
}

/// A file as the filesystem knows it, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) device: u64,
    inode: u64,
}

impl Identity {
    pub(super) const fn of(stat: &fs::Stat) -> Self {
        Self { device: stat.st_dev, inode: stat.st_ino }
    }
}

/// Whether a file was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    There,
    Made,
}

/// An open directory; names are resolved beneath it and cannot climb out, not by `..`, not by an absolute path, not by
/// a symbolic link that somebody put there.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    dir: OwnedFd,
    device: u64,
    rights: Rights,
}

impl Root {
    /// Creates the directory if it is not there, and shows that it can be written.
    pub(super) fn open(path: &Path, rights: Rights) -> io::Result<Self> {
        let (dir, device) = open_root(path)?;
        Ok(Self { path: path.to_path_buf(), dir, device, rights })
    }

    /// Opens the directory of that path anew: it may be another one now.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        (self.dir, self.device) = open_root(&self.path)?;
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A second handle of it.
    pub(super) fn handle(&self) -> io::Result<OwnedFd> {
        self.dir.try_clone()
    }

    /// Opens the file of that path beneath the root for appending. Its components are encoded already.
    pub(super) fn open_append(&self, path: &[u8], if_missing: IfMissing) -> io::Result<(File, Found)> {
        // RDWR: the end of a file that a crash may have cut is read before it is written to. NONBLOCK: a FIFO in the
        // place of a file is an error, not a wait.
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        let there = || regular(self.resolve(path, flags, Mode::empty())?).map(|file| (file, Found::There));
        let IfMissing::Create(dirs) = if_missing else {
            return Ok(there()?);
        };
        let mode = self.rights.mode(Made::File);
        let create = || self.resolve(path, flags | OFlags::CREATE | OFlags::EXCL, mode);
        let created = match create() {
            Err(Errno::NOENT) if dirs == MissingDirs::AreMade => {
                self.make_dirs(path)?;
                create()
            }
            created => created,
        };
        match created {
            Ok(file) => {
                self.rights.give(&file, Made::File)?;
                Ok((regular(file)?, Found::Made))
            }
            Err(Errno::EXIST) => Ok(there()?),
            Err(error) => Err(error.into()),
        }
    }

    /// The directory that the file of that path is in, and its name there.
    pub(super) fn parent<'p>(&self, path: &'p [u8]) -> io::Result<(OwnedFd, &'p [u8])> {
        let (dir, name) = split(path);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok((self.resolve(dir.unwrap_or(b"."), flags, Mode::empty())?, name))
    }

    /// Which file that path names now.
    pub(super) fn look(&self, path: &[u8]) -> Result<fs::Stat, Errno> {
        fs::statat(&self.dir, path, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// The filesystem that the file of that path is or would be on.
    pub(super) fn device_of(&self, path: &[u8]) -> u64 {
        let mut rest = Some(path);
        while let Some(path) = rest {
            if let Ok(stat) = self.look(path) {
                return stat.st_dev;
            }
            rest = split(path).0;
        }
        self.device
    }

    /// Makes the name of a new file survive the loss of power: syncs the directories that lead to it.
    pub(super) fn sync_names(&self, path: &[u8]) -> io::Result<()> {
        let mut rest = path;
        while let (Some(dir), _) = split(rest) {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            fs::fsync(self.resolve(dir, flags, Mode::empty())?)?;
            rest = dir;
        }
        Ok(fs::fsync(&self.dir)?)
    }

    /// Whether an error of a file on `device` says something about all of this root, or the process.
    pub(super) fn concerns_all(&self, error: &io::Error, device: u64) -> bool {
        match Errno::from_io_error(error) {
            Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => true,
            Some(Errno::NOSPC) => device == self.device,
            // By a mount of its own a directory may be read-only although it is on the same device.
            Some(Errno::ROFS) => is_read_only(&self.dir).unwrap_or(true),
            Some(Errno::STALE | Errno::NODEV) => is_read_only(&self.dir).is_err(),
            _ => false,
        }
    }

    /// Makes the directories that lead to a file.
    fn make_dirs(&self, path: &[u8]) -> Result<(), Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        let mut parent: Option<OwnedFd> = None;
        for end in ends {
            let (prefix, _) = path.split_at(end);
            let dir = match self.resolve(prefix, flags, Mode::empty()) {
                Err(Errno::NOENT) => {
                    // Beneath a handle of the parent: a path would follow links that lead out.
                    let (within, name) = (parent.as_ref().unwrap_or(&self.dir), split(prefix).1);
                    match fs::mkdirat(within, name, self.rights.mode(Made::Dir)) {
                        Ok(()) => {
                            let dir = self.resolve(prefix, flags, Mode::empty())?;
                            self.rights.give(&dir, Made::Dir)?;
                            dir
                        }
                        Err(Errno::EXIST) => self.resolve(prefix, flags, Mode::empty())?,
                        Err(error) => return Err(error),
                    }
                }
                opened => opened?,
            };
            parent = Some(dir);
        }
        Ok(())
    }

    fn resolve(&self, path: &[u8], flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        resolve_beneath(self.dir.as_fd(), path, flags, mode)
    }
}

/// Opens `path` beneath `dir`, following no link out of it.
pub(super) fn resolve_beneath(
    dir: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let mut opened = fs::openat2(dir, path, flags, mode, resolve);
    for _ in 0..OPEN_RETRIES {
        match opened {
            // A rename elsewhere in the tree while the kernel looked; openat2(2) says to try again.
            Err(Errno::AGAIN | Errno::INTR) => opened = fs::openat2(dir, path, flags, mode, resolve),
            Err(Errno::NOSYS) => return open_without_links(dir, path, flags, mode),
            _ => break,
        }
    }
    opened
}

/// Before Linux 5.6 there is no `openat2`: each component is opened by itself, and none may be a link.
fn open_without_links(dir: BorrowedFd<'_>, path: &[u8], flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let through = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let (dirs, name) = split(path);
    let mut within: Option<OwnedFd> = None;
    for component in dirs.into_iter().flat_map(|dirs| dirs.split(|&byte| byte == b'/')) {
        if component.is_empty() || component == b".." {
            return Err(Errno::XDEV);
        }
        let here = within.as_ref().map_or(dir, AsFd::as_fd);
        within = Some(fs::openat(here, component, through, Mode::empty())?);
    }
    if name.is_empty() || name == b".." {
        return Err(Errno::XDEV);
    }
    fs::openat(within.as_ref().map_or(dir, AsFd::as_fd), name, flags | OFlags::NOFOLLOW, mode)
}

fn open_root(path: &Path) -> io::Result<(OwnedFd, u64)> {
    std::fs::create_dir_all(path)?;
    let dir = fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    fs::accessat(dir.as_fd(), ".", fs::Access::WRITE_OK | fs::Access::EXEC_OK, AtFlags::EACCESS)?;
    if is_read_only(&dir)? {
        return Err(Errno::ROFS.into());
    }
    let device = fs::fstat(&dir)?.st_dev;
    Ok((dir, device))
}

fn is_read_only(dir: &OwnedFd) -> Result<bool, Errno> {
    Ok(fs::fstatvfs(dir)?.f_flag.contains(StatVfsMountFlags::RDONLY))
}

fn regular(file: OwnedFd) -> Result<File, Errno> {
    match fs::FileType::from_raw_mode(fs::fstat(&file)?.st_mode) {
        fs::FileType::RegularFile => Ok(File::from(file)),
        _ => Err(Errno::NXIO),
    }
}

/// The directory of a path, if it has one, and its last component.
fn split(path: &[u8]) -> (Option<&[u8]>, &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(at) => (path.get(..at), path.get(at + 1..).unwrap_or_default()),
        None => (None, path),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::config;

    const CREATE: IfMissing = IfMissing::Create(MissingDirs::AreMade);

    fn root(path: &Path) -> Root {
        Root::open(path, Rights::default()).unwrap()
    }

    #[test]
    fn a_file_is_created_with_its_directories_and_appended_to() {
        let temp = tempfile::tempdir().unwrap();
        let root = root(&temp.path().join("a/b"));
        for path in ["d.log", "h/d.log", "x/y/z/d.log"] {
            let open = |if_missing| root.open_append(path.as_bytes(), if_missing);
            assert_eq!(open(IfMissing::Fail).unwrap_err().kind(), io::ErrorKind::NotFound);
            open(CREATE).unwrap().0.write_all(b"1\n").unwrap();
            let (mut file, found) = open(IfMissing::Fail).unwrap();
            assert_eq!(found, Found::There);
            file.write_all(b"2\n").unwrap();
            assert_eq!(std::fs::read(root.path().join(path)).unwrap(), b"1\n2\n");
        }
    }

    #[test]
    fn a_directory_that_others_are_to_make_is_not_made() {
        let temp = tempfile::tempdir().unwrap();
        let root = root(temp.path());
        let wait = IfMissing::Create(MissingDirs::AreLeftToOthers);
        assert_eq!(root.open_append(b"h/d.log", wait).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!temp.path().join("h").exists());
        std::fs::create_dir(temp.path().join("h")).unwrap();
        assert_eq!(root.open_append(b"h/d.log", wait).unwrap().1, Found::Made);
    }

    #[test]
    fn what_is_made_has_the_mode_that_was_asked_for_whatever_the_umask() {
        let temp = tempfile::tempdir().unwrap();
        let asked = config::Rights {
            mode: Some(config::Mode(0o666)),
            dir_mode: Some(config::Mode(0o2777)),
            ..config::Rights::default()
        };
        let root = Root::open(temp.path(), Rights::new(&asked).unwrap()).unwrap();
        root.open_append(b"a/b/d.log", CREATE).unwrap();
        let mode = |path| std::fs::metadata(temp.path().join(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("a"), mode("a/b"), mode("a/b/d.log")), (0o2777, 0o2777, 0o666));
    }

    #[test]
    fn a_link_that_leads_out_is_not_followed() {
        let temp = tempfile::tempdir().unwrap();
        let outside = temp.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        let root = root(&temp.path().join("root"));
        symlink(&outside, root.path().join("dirlink")).unwrap();
        std::fs::create_dir(root.path().join("host")).unwrap();
        symlink(outside.join("target"), root.path().join("host/absolute.log")).unwrap();
        symlink("../../outside/target", root.path().join("host/relative.log")).unwrap();
        for path in [
            "dirlink/x.log",
            "dirlink/new/x.log",
            "host/absolute.log",
            "host/relative.log",
            "../x.log",
            "../new/x.log",
            "/tmp/x.log",
            "",
        ] {
            assert!(root.open_append(path.as_bytes(), CREATE).is_err(), "{path}");
            let flags = OFlags::RDWR | OFlags::CREATE;
            let opened = open_without_links(root.dir.as_fd(), path.as_bytes(), flags, Mode::empty());
            assert!(opened.is_err(), "nor without openat2: {path}");
        }
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 2);
    }

    #[test]
    fn what_is_not_a_file_is_refused_without_waiting() {
        let temp = tempfile::tempdir().unwrap();
        let root = root(temp.path());
        std::fs::create_dir_all(temp.path().join("host/2026-01-01.log")).unwrap();
        assert!(root.open_append(b"host/2026-01-01.log", CREATE).is_err());
        fs::mkfifoat(fs::CWD, temp.path().join("host/fifo"), Mode::RUSR).unwrap();
        assert!(root.open_append(b"host/fifo", CREATE).is_err());
    }
}
