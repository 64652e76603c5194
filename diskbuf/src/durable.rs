//! What a queue promises to survive, and [`Durable`], the only thing that says that it will.

use std::fmt;
use std::time::Duration;

use crate::seq::Seq;

/// When records are made to survive power loss. The death of the process alone they always survive.
///
/// Whatever is chosen, [`Queue::sync`](crate::Queue::sync) and [`Queue::wait_durable`](crate::Queue::wait_durable)
/// work; this says what happens without them, and which way of writing is best.
///
/// When the last handle of a queue is dropped, what is not durable is synced, but not with [`Durability::Os`]; whether that
/// worked nobody is told: who needs to know calls [`Queue::sync`](crate::Queue::sync) before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Durability {
    /// When the system likes, or somebody asks.
    #[default]
    Os,
    /// A thread syncs whenever this time has passed and there is something to sync. Whoever waits, waits for that, however long:
    /// only [`Queue::sync`](crate::Queue::sync) does it at once. Less than a millisecond is one.
    Interval(Duration),
    /// When somebody waits for it; those who wait at the same time share one sync.
    Group,
    /// Before an append returns. Producers that append at the same time share one sync.
    Each,
}

/// Something that survives power loss: the sync that covers it has returned without an error. Only a queue makes one,
/// so an acknowledgement that takes a `Durable<Seq>` cannot be sent too early.
///
/// ```
/// # use diskbuf::{Durable, Options, Seq, WhenFull};
/// fn acknowledge(upstream: &mut Vec<u64>, up_to: Durable<Seq>) {
///     upstream.push(up_to.as_ref().as_u64());
/// }
/// # let dir = tempfile::tempdir()?;
/// # let queue = Options::new(dir.path()).open()?;
/// let seq = queue.append_one(b"order 66", WhenFull::Refuse)?;
/// let mut upstream = Vec::new();
/// acknowledge(&mut upstream, queue.wait_durable(seq)?);
/// # assert_eq!(upstream, [1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A number alone is no such promise:
///
/// ```compile_fail,E0308
/// # fn acknowledge(up_to: diskbuf::Durable<diskbuf::Seq>) {}
/// acknowledge(diskbuf::Seq::new(7));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[must_use = "somebody waits for this acknowledgement"]
pub struct Durable<T>(T);

impl<T> Durable<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }

    /// The thing itself.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl Durable<Seq> {
    /// The same promise for an earlier record: records become durable in order. `None` for a later one.
    #[must_use]
    pub fn covers(self, seq: Seq) -> Option<Self> {
        (seq <= self.0).then_some(Self(seq))
    }
}

impl<T> AsRef<T> for Durable<T> {
    fn as_ref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Durable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Durable").field(&self.0).finish()
    }
}
