//! Sockets that systemd has opened for us (sd_listen_fds(3)): a privileged port without a privilege, and no message lost
//! while we are started anew.

mod sys;

use std::net::SocketAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use socket2::{SockRef, Type};

use super::heritage::Counted;

/// The first of them (SD_LISTEN_FDS_START).
const FIRST: i32 = 3;
/// No service has more; a number beyond it is none.
const MOST: i32 = 1024;

/// Those that nobody has asked for yet.
#[derive(Debug, Default)]
pub(crate) struct Passed(Vec<One>);

#[derive(Debug)]
struct One {
    socket: OwnedFd,
    name: String,
    kind: Kind,
    at: At,
    counted: Counted,
}

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Datagram,
    Stream,
    Other,
}

/// Whose sockets may be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Ours,
    /// Also those of the keeper, our parent, which leaves them to us.
    TheKeepers,
}

/// Where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    Network(SocketAddr),
    Path(PathBuf),
    Unknown,
}

impl Passed {
    /// No sockets.
    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    /// Those of this process. To be called once, before any child is started: they are closed in children.
    pub(crate) fn take(whose: Whose) -> Self {
        let variable = |name| std::env::var(name).ok();
        let pid = variable("LISTEN_PID").and_then(|pid| pid.parse::<u32>().ok());
        let keeper = (whose == Whose::TheKeepers).then(std::os::unix::process::parent_id);
        let ours = pid.is_some() && (pid == Some(std::process::id()) || pid == keeper);
        let count = variable("LISTEN_FDS").and_then(|count| count.parse::<i32>().ok()).unwrap_or(0);
        if !ours || count < 1 {
            return Self::default();
        }
        let names = variable("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let passed = (FIRST..FIRST + count.min(MOST)).filter_map(|number| {
            let name = names.next().unwrap_or("unknown").to_owned();
            One::new(sys::passed(number).ok()?, name).into()
        });
        Self(passed.collect())
    }

    /// One more, of a source that runs.
    pub(super) fn lend(&mut self, socket: OwnedFd, name: &str, kind: Kind, at: At, counted: Counted) {
        self.0.push(One { socket, name: name.to_owned(), kind, at, counted });
    }

    /// The one that listens there, if there is one, and what is counted of it.
    pub(super) fn find(&mut self, kind: Kind, at: &At) -> Option<(OwnedFd, Counted)> {
        let found = self.0.iter().position(|one| one.kind == kind && one.at.is(at))?;
        let one = self.0.remove(found);
        Some((one.socket, one.counted))
    }

    /// What is left, in words.
    pub(crate) fn unused(&self) -> Vec<String> {
        self.0.iter().map(|one| format!("{} ({:?}, {})", one.name, one.kind, one.at)).collect()
    }
}

impl One {
    fn new(socket: OwnedFd, name: String) -> Self {
        let asked = SockRef::from(&socket);
        let kind = match asked.r#type() {
            Ok(Type::DGRAM) => Kind::Datagram,
            Ok(Type::STREAM) if asked.is_listener().unwrap_or(false) => Kind::Stream,
            _ => Kind::Other,
        };
        let at = match asked.local_addr() {
            Ok(address) => match (address.as_socket(), address.as_pathname()) {
                (Some(address), _) => At::Network(address),
                (None, Some(path)) => At::Path(path.to_path_buf()),
                (None, None) => At::Unknown,
            },
            Err(_) => At::Unknown,
        };
        Self { socket, name, kind, at, counted: Counted::default() }
    }
}

impl At {
    /// The same place, however it is written.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Path(a), Self::Path(b)) => a == b || same_file(a, b),
            _ => self == other,
        }
    }
}

/// `/dev/log` is a link to where systemd's socket is.
fn same_file(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Network(address) => address.fmt(f),
            Self::Path(path) => path.display().fmt(f),
            Self::Unknown => f.write_str("no address"),
        }
    }
}

/// Makes it as if it had been opened here.
pub(super) fn adopt(socket: &OwnedFd) -> std::io::Result<()> {
    SockRef::from(&socket.as_fd()).set_nonblocking(true)
}
