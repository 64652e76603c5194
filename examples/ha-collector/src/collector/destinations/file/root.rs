//! The directory that nothing leaves: files are opened beneath it, by the kernel's own rule.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// New files and directories, less the umask: the group may read, others may not.
const FILE_MODE: Mode = Mode::from_raw_mode(0o640);
const DIR_MODE: Mode = Mode::from_raw_mode(0o750);

const OPEN_RETRIES: usize = 16;

/// What to do when the file is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IfMissing {
    Create,
    Fail,
}

/// An open directory; names are resolved beneath it and cannot climb out, not by `..`, not by an absolute path, not by
/// a symbolic link that somebody put there.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    dir: OwnedFd,
}

impl Root {
    /// Creates the directory if it is not there, and shows that it can be written.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        let dir = fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        fs::accessat(dir.as_fd(), ".", fs::Access::WRITE_OK | fs::Access::EXEC_OK, AtFlags::EACCESS)?;
        if fs::fstatvfs(&dir)?.f_flag.contains(fs::StatVfsMountFlags::RDONLY) {
            return Err(Errno::ROFS.into());
        }
        Ok(Self { path: path.to_path_buf(), dir })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens `dir/name` beneath the root for appending. Both are single components, already encoded.
    pub(super) fn open_append(&self, dir: &str, name: &str, if_missing: IfMissing) -> io::Result<File> {
        let path = format!("{dir}/{name}");
        match self.open_beneath(&path, if_missing) {
            Err(Errno::NOENT) if if_missing == IfMissing::Create => {
                match fs::mkdirat(&self.dir, dir, DIR_MODE) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error.into()),
                }
                Ok(self.open_beneath(&path, if_missing)?)
            }
            opened => Ok(opened?),
        }
    }

    fn open_beneath(&self, path: &str, if_missing: IfMissing) -> Result<File, Errno> {
        // RDWR: the end of a file that a crash may have cut is read before it is written to. NONBLOCK: a FIFO in the
        // place of a file is an error, not a wait.
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        let (flags, mode) = match if_missing {
            IfMissing::Create => (flags | OFlags::CREATE, FILE_MODE),
            IfMissing::Fail => (flags, Mode::empty()),
        };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let mut opened = fs::openat2(&self.dir, path, flags, mode, resolve);
        for _ in 0..OPEN_RETRIES {
            match opened {
                // A rename elsewhere in the tree while the kernel looked; openat2(2) says to try again.
                Err(Errno::AGAIN | Errno::INTR) => {
                    opened = fs::openat2(&self.dir, path, flags, mode, resolve)
                }
                Err(Errno::NOSYS) => opened = self.open_without_links(path, flags, mode),
                _ => break,
            }
        }
        let file = opened?;
        match fs::FileType::from_raw_mode(fs::fstat(&file)?.st_mode) {
            fs::FileType::RegularFile => Ok(File::from(file)),
            _ => Err(Errno::NXIO),
        }
    }

    /// Before Linux 5.6 there is no `openat2`: each component is opened by itself, and none may be a link.
    fn open_without_links(&self, path: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        let (dir, name) = path.split_once('/').ok_or(Errno::INVAL)?;
        let through = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = fs::openat(&self.dir, dir, through, Mode::empty())?;
        fs::openat(&dir, name, flags | OFlags::NOFOLLOW, mode)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_created_with_its_directory_and_appended_to() {
        let temp = tempfile::tempdir().unwrap();
        let root = Root::open(&temp.path().join("a/b")).unwrap();
        assert_eq!(
            root.open_append("h", "d.log", IfMissing::Fail).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        root.open_append("h", "d.log", IfMissing::Create).unwrap().write_all(b"1\n").unwrap();
        root.open_append("h", "d.log", IfMissing::Fail).unwrap().write_all(b"2\n").unwrap();
        assert_eq!(std::fs::read(root.path().join("h/d.log")).unwrap(), b"1\n2\n");
    }

    #[test]
    fn a_link_that_leads_out_is_not_followed() {
        let temp = tempfile::tempdir().unwrap();
        let outside = temp.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        let root = Root::open(&temp.path().join("root")).unwrap();
        symlink(&outside, root.path().join("dirlink")).unwrap();
        std::fs::create_dir(root.path().join("host")).unwrap();
        symlink(outside.join("target"), root.path().join("host/absolute.log")).unwrap();
        symlink("../../outside/target", root.path().join("host/relative.log")).unwrap();
        for (dir, name) in [
            ("dirlink", "x.log"),
            ("host", "absolute.log"),
            ("host", "relative.log"),
            ("..", "x.log"),
            ("", "tmp"),
        ] {
            assert!(root.open_append(dir, name, IfMissing::Create).is_err(), "{dir}/{name}");
        }
        let path = "dirlink/x.log";
        let flags = OFlags::RDWR | OFlags::CREATE;
        assert!(root.open_without_links(path, flags, FILE_MODE).is_err(), "nor without openat2");
        assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    }

    #[test]
    fn what_is_not_a_file_is_refused_without_waiting() {
        let temp = tempfile::tempdir().unwrap();
        let root = Root::open(temp.path()).unwrap();
        std::fs::create_dir_all(temp.path().join("host/2026-01-01.log")).unwrap();
        assert!(root.open_append("host", "2026-01-01.log", IfMissing::Create).is_err());
        fs::mkfifoat(fs::CWD, temp.path().join("host/fifo"), FILE_MODE).unwrap();
        assert!(root.open_append("host", "fifo", IfMissing::Create).is_err());
    }
}
