//! What a source leaves to its successor at the same place, when a reload changes it: sockets, which never close, so that
//! nothing that is on its way is refused or lost, and the connections, which go on.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::bound::Bound;
use super::passed::{At, Kind, Passed};
use super::stream::Connection;
use super::unix::SocketFile;
use crate::config::{Source, SourceKind};

/// Whether something is left to a successor: what is in it is the successor's to read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Left(Arc<AtomicBool>);

impl Left {
    pub(super) fn leave(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn is_left(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The kernel's count of what it dropped at a socket, as far as it is in the ledger.
pub(super) type Counted = Arc<Mutex<u32>>;

/// Connections whose source has ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Parked(Arc<Mutex<Vec<Connection>>>);

impl Parked {
    pub(super) fn park(&self, connection: Connection) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    fn take(&self) -> Vec<Connection> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One socket of a source that runs.
#[derive(Debug)]
pub(super) struct Inheritable {
    kind: Kind,
    at: At,
    socket: OwnedFd,
    counted: Counted,
    left: Left,
}

/// What a source that runs could leave.
#[derive(Debug, Default)]
pub(super) struct Estate {
    sockets: Vec<Inheritable>,
    /// Whether connections go on.
    pub(super) connections: Left,
    pub(super) parked: Parked,
    file: Option<SocketFile>,
}

impl Estate {
    /// `file` is that of its socket, if it has one.
    pub(super) fn new(file: Option<SocketFile>) -> Self {
        Self { file, ..Self::default() }
    }

    /// One more socket; the answer tells whoever reads it whether it is left.
    pub(super) fn add(
        &mut self,
        kind: Kind,
        at: At,
        socket: &impl AsFd,
        counted: Counted,
    ) -> io::Result<Left> {
        let left = Left::default();
        let socket = socket.as_fd().try_clone_to_owned()?;
        self.sockets.push(Inheritable { kind, at, socket, counted, left: left.clone() });
        Ok(left)
    }

    /// Second descriptors of the sockets, for a source that may be the successor of this one.
    pub(super) fn lend(&self, mine: &Source, to: &Source, passed: &mut Passed) -> io::Result<()> {
        if !is_alike(&mine.kind, &to.kind) {
            return Ok(());
        }
        for one in &self.sockets {
            passed.lend(
                one.socket.try_clone()?,
                &mine.id,
                one.kind,
                one.at.clone(),
                Arc::clone(&one.counted),
            );
        }
        Ok(())
    }

    /// Whether this one has taken some of it.
    pub(super) fn is_for(&self, heir: &Bound) -> bool {
        self.sockets.iter().any(|one| heir.has_taken(one.kind, &one.at))
    }

    /// Settles, before the source ends, what is left to whom. Its connections are left to one who gets all of its sockets: whose
    /// they were to be otherwise, nobody could say.
    pub(super) fn leave_to(&self, mine: &Source, heirs: &[Bound]) {
        let heir_of = |one: &Inheritable| heirs.iter().position(|heir| heir.has_taken(one.kind, &one.at));
        let whose: Vec<Option<usize>> = self.sockets.iter().map(heir_of).collect();
        for (one, whose) in self.sockets.iter().zip(&whose) {
            if whose.is_some() {
                one.left.leave();
            }
        }
        let first = whose.first().copied().flatten();
        let one_for_all = first.filter(|first| whose.iter().all(|whose| *whose == Some(*first)));
        if one_for_all.and_then(|heir| heirs.get(heir)).is_some_and(|heir| continues(mine, heir.source())) {
            self.connections.leave();
        }
    }

    /// Lets go of the descriptors: what is not left is closed when its reader closes it.
    pub(super) fn settle(&mut self) {
        self.sockets.clear();
    }

    /// What is left, once the source has ended.
    pub(super) fn into_legacy(self) -> Legacy {
        Legacy { file: self.file, connections: self.parked.take() }
    }
}

/// What a successor gets, beside the sockets that it has already.
#[derive(Debug, Default)]
pub(super) struct Legacy {
    pub(super) file: Option<SocketFile>,
    pub(super) connections: Vec<Connection>,
}

/// Whether a socket of the one can be a socket of the other.
fn is_alike(one: &SourceKind, other: &SourceKind) -> bool {
    match (one, other) {
        (SourceKind::Udp(_), SourceKind::Udp(_)) | (SourceKind::Tcp(_), SourceKind::Tcp(_)) => true,
        (SourceKind::UnixDgram(one), SourceKind::UnixDgram(other))
        | (SourceKind::UnixStream(one, _), SourceKind::UnixStream(other, _)) => {
            // Another mode can be given to the socket that is there; what another owner takes is given up by now.
            (&one.path, &one.owner, &one.group) == (&other.path, &other.owner, &other.group)
        }
        _ => false,
    }
}

/// Whether what has been read of a message is understood alike.
fn continues(one: &Source, other: &Source) -> bool {
    let framing = |source: &Source| source.kind.streams().map(|streams| streams.framing);
    framing(one) == framing(other) && one.max_message == other.max_message
}
