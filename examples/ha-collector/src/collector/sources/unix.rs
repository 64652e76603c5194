//! Sockets with a path, such as `/dev/log`: made where nobody answers, removed at the stop.

use std::fs;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};

use nix::unistd::{Group, User};
use rustix::net::UCred;
use socket2::{Domain, SockAddr, Socket, Type};
use tracing::warn;

use super::stream::BACKLOG;
use crate::config::UnixPath;

/// The file of a socket. Dropped, it is removed, if it is still the one that was made.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    made: (u64, u64),
}

impl SocketFile {
    fn made(path: &Path) -> io::Result<Self> {
        let about = fs::symlink_metadata(path)?;
        Ok(Self { path: path.to_path_buf(), made: (about.dev(), about.ino()) })
    }

    /// Whether it is still the one that was made, and not another's with that path.
    fn is_ours(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok_and(|now| (now.dev(), now.ino()) == self.made)
    }

    /// Gives it another mode, if it has not that one already; if that cannot be, that is said.
    pub(super) fn set_mode(&self, mode: u32) {
        let has = |about: fs::Metadata| about.permissions().mode() & 0o7777 == mode;
        if !self.is_ours() || fs::symlink_metadata(&self.path).is_ok_and(has) {
            return;
        }
        if let Err(error) = fs::set_permissions(&self.path, fs::Permissions::from_mode(mode)) {
            warn!("the socket {} keeps the mode that it had: {error}", self.path.display());
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.is_ours()
            && let Err(error) = fs::remove_file(&self.path)
        {
            warn!("cannot remove the socket {}: {error}", self.path.display());
        }
    }
}

pub(super) fn bind_datagram(at: &UnixPath) -> io::Result<(UnixDatagram, SocketFile)> {
    let (socket, file) = bind(at, Type::DGRAM)?;
    let socket = UnixDatagram::from(socket);
    ready_datagram(&socket)?;
    Ok((socket, file))
}

/// What a datagram socket needs wherever it comes from: the kernel says who sent each one.
pub(super) fn ready_datagram(socket: &UnixDatagram) -> io::Result<()> {
    rustix::net::sockopt::set_socket_passcred(socket.as_fd(), true)?;
    socket.set_nonblocking(true)
}

pub(super) fn bind_stream(at: &UnixPath) -> io::Result<(UnixListener, SocketFile)> {
    let (socket, file) = bind(at, Type::STREAM)?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok((socket.into(), file))
}

fn bind(at: &UnixPath, kind: Type) -> io::Result<(Socket, SocketFile)> {
    let address = SockAddr::unix(&at.path)?;
    remove_stale(&at.path, &address)?;
    if let Some(dir) = at.path.parent() {
        fs::create_dir_all(dir)?;
    }
    let socket = Socket::new(Domain::UNIX, kind, None)?;
    socket.bind(&address)?;
    let file = SocketFile::made(&at.path)?;
    let user = at.owner.as_deref().map(user).transpose()?;
    let group = at.group.as_deref().map(group).transpose()?;
    if user.is_some() || group.is_some() {
        std::os::unix::fs::lchown(&at.path, user, group)?;
    }
    fs::set_permissions(&at.path, fs::Permissions::from_mode(at.mode))?;
    Ok((socket, file))
}

/// Removes what a predecessor that was killed has left: a socket at which nobody answers, and nothing else.
fn remove_stale(path: &Path, address: &SockAddr) -> io::Result<()> {
    let about = match fs::symlink_metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !about.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is something that is no socket"));
    }
    for kind in [Type::STREAM, Type::DGRAM] {
        let socket = Socket::new(Domain::UNIX, kind, None)?;
        socket.set_nonblocking(true)?;
        let answer = socket.connect(address).map_err(|error| error.raw_os_error());
        // Neither refused nor of the other type: somebody is there, perhaps too busy to answer now.
        if !matches!(answer, Err(Some(libc::ECONNREFUSED | libc::EPROTOTYPE | libc::ENOENT))) {
            return Err(io::Error::from(io::ErrorKind::AddrInUse));
        }
    }
    fs::remove_file(path)
}

fn user(name: &str) -> io::Result<u32> {
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    let found = User::from_name(name)?.map(|user| user.uid.as_raw());
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("there is no user `{name}`")))
}

fn group(name: &str) -> io::Result<u32> {
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    let found = Group::from_name(name)?.map(|group| group.gid.as_raw());
    found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("there is no group `{name}`")))
}

/// As they stand in a record: `pid=7 uid=0 gid=0`.
pub(super) fn credentials(known: UCred) -> String {
    let UCred { pid, uid, gid } = known;
    format!("pid={} uid={} gid={}", pid.as_raw_nonzero(), uid.as_raw(), gid.as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(dir: &tempfile::TempDir) -> UnixPath {
        UnixPath { path: dir.path().join("sub/log"), mode: 0o620, owner: None, group: None }
    }

    #[test]
    fn a_socket_that_was_left_behind_is_replaced_and_a_living_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let at = at(&dir);
        let (socket, file) = bind_datagram(&at).unwrap();
        assert_eq!(fs::metadata(&at.path).unwrap().permissions().mode() & 0o777, 0o620);
        assert_eq!(bind_datagram(&at).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(bind_stream(&at).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        // As if killed: the descriptor is closed, the file stays.
        drop(socket);
        std::mem::forget(file);
        let (_listener, file) = bind_stream(&at).unwrap();
        drop(file);
        assert!(!at.path.exists());
    }

    #[test]
    fn what_is_no_socket_is_left_alone_and_what_took_our_place_too() {
        let dir = tempfile::tempdir().unwrap();
        let at = at(&dir);
        fs::create_dir_all(at.path.parent().unwrap()).unwrap();
        fs::write(&at.path, "mine").unwrap();
        assert_eq!(bind_datagram(&at).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        fs::remove_file(&at.path).unwrap();
        let (_socket, file) = bind_datagram(&at).unwrap();
        fs::remove_file(&at.path).unwrap();
        fs::write(&at.path, "another's").unwrap();
        drop(file);
        assert!(at.path.exists());
    }

    #[test]
    fn who_does_not_exist_cannot_own_a_socket() {
        let dir = tempfile::tempdir().unwrap();
        let nobody = UnixPath { owner: Some("no such user".to_owned()), ..at(&dir) };
        assert!(bind_datagram(&nobody).unwrap_err().to_string().contains("no user `no such user`"));
        assert!(!nobody.path.exists(), "what was made for nothing is removed");
    }
}
