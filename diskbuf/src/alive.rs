//! What ends when the last handle of a queue is dropped: the thread that syncs and looks again, and the last things to write down.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::durable::Durability;
use crate::state::Shared;

/// Held by all handles.
#[derive(Debug)]
pub(crate) struct Alive {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    bell: Arc<Bell>,
}

/// Between those who want something and the thread that does it.
#[derive(Debug, Default)]
struct Bell {
    wanted: Mutex<Wanted>,
    rings: Condvar,
}

#[derive(Debug, Default)]
struct Wanted {
    want: Want,
    /// When those who wait for room are to look again.
    look_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Want {
    #[default]
    Nothing,
    Sync,
    End,
}

/// What the thread has to do.
enum Duty {
    Sync,
    Look,
    End,
}

impl Alive {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let alive = Self { shared, thread: Mutex::default(), bell: Arc::default() };
        if let Durability::Interval(_) = alive.shared.durability {
            alive.syncs_run();
        }
        alive
    }

    /// Asks for a sync, and does not wait for it.
    pub(crate) fn ask(&self) {
        if let Durability::Interval(_) = self.shared.durability {
            return;
        }
        self.syncs_run();
        self.bell.ask(Want::Sync);
    }

    /// The disk is full, and nobody will tell when another program has made room: for a moment there is no space, and then those
    /// who wait look again.
    pub(crate) fn disk_is_full(&self) {
        self.shared.no_space();
        if self.thread_runs().is_ok() {
            self.bell.look_at(Instant::now() + LOOK_AGAIN);
        } else {
            self.shared.look_again();
        }
    }

    fn syncs_run(&self) {
        if self.thread_runs().is_err() {
            // Nobody else will do it, and those who wait must hear of it.
            self.shared.poison();
        }
    }

    fn thread_runs(&self) -> std::io::Result<()> {
        let mut thread = self.thread();
        if thread.is_none() {
            let (shared, bell) = (Arc::clone(&self.shared), Arc::clone(&self.bell));
            let named = std::thread::Builder::new().name("diskbuf-sync".to_owned());
            *thread = Some(named.spawn(move || run(&shared, &bell))?);
        }
        Ok(())
    }

    fn thread(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.bell.ask(Want::End);
        // A waker called by the thread may own the last handle: nobody waits for himself.
        if let Some(thread) = self.thread().take().filter(|t| t.thread().id() != std::thread::current().id())
        {
            thread.join().ok();
        }
        let behind = self.shared.watermark.durable() < self.shared.next_seq.load(Ordering::SeqCst);
        if behind && self.shared.durability != Durability::Os {
            // Who needed to know has asked; a failure is seen by the next one who opens the queue.
            self.shared.sync().ok();
        }
    }
}

impl Bell {
    fn ask(&self, want: Want) {
        let mut wanted = self.wanted();
        wanted.want = want.max(wanted.want);
        drop(wanted);
        self.rings.notify_one();
    }

    fn look_at(&self, at: Instant) {
        self.wanted().look_at.get_or_insert(at);
        self.rings.notify_one();
    }

    /// Waits for something to do. A sync comes at `sync_at` without being asked for.
    fn next(&self, sync_at: Option<Instant>) -> Duty {
        let mut wanted = self.wanted();
        loop {
            if wanted.want == Want::End {
                return Duty::End;
            }
            let now = Instant::now();
            // Before the syncs, which may be asked for faster than they are done.
            if wanted.look_at.is_some_and(|at| at <= now) {
                wanted.look_at = None;
                return Duty::Look;
            }
            if wanted.want == Want::Sync {
                wanted.want = Want::Nothing;
                return Duty::Sync;
            }
            if sync_at.is_some_and(|at| at <= now) {
                return Duty::Sync;
            }
            let next = wanted.look_at.into_iter().chain(sync_at).min();
            wanted = match next {
                None => self.rings.wait(wanted).unwrap_or_else(PoisonError::into_inner),
                Some(at) => {
                    let waited = self.rings.wait_timeout(wanted, at - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn run(shared: &Shared, bell: &Bell) {
    let interval = interval(shared.durability);
    let next_sync = || interval.and_then(|time| Instant::now().checked_add(time));
    let mut sync_at = next_sync();
    loop {
        match bell.next(sync_at) {
            Duty::End => return,
            Duty::Look => shared.look_again(),
            Duty::Sync => {
                if shared.watermark.durable() < shared.next_seq.load(Ordering::SeqCst) {
                    // Who waits sees that the queue is poisoned.
                    shared.sync().ok();
                }
                sync_at = next_sync();
            }
        }
    }
}

/// After which time a sync comes without being asked for.
fn interval(durability: Durability) -> Option<Duration> {
    match durability {
        Durability::Interval(time) => Some(time.max(SHORTEST)),
        Durability::Os | Durability::Group | Durability::Each => None,
    }
}

/// What is shorter would be a loop that does nothing else.
const SHORTEST: Duration = Duration::from_millis(1);
/// How long a full disk is left alone by those who wait.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_interval_is_so_short_that_the_thread_does_nothing_else() {
        assert_eq!(interval(Durability::Interval(Duration::ZERO)), Some(Duration::from_millis(1)));
        assert_eq!(interval(Durability::Interval(Duration::MAX)), Some(Duration::MAX));
        assert_eq!(interval(Durability::Group), None);
    }

    #[test]
    fn those_who_wait_for_room_look_again_however_many_ask_for_syncs() {
        let bell = Bell::default();
        bell.look_at(Instant::now());
        bell.ask(Want::Sync);
        assert!(matches!(bell.next(None), Duty::Look));
        assert!(matches!(bell.next(None), Duty::Sync), "and the sync is not forgotten");
        bell.look_at(Instant::now());
        bell.ask(Want::End);
        assert!(matches!(bell.next(None), Duty::End));
    }
}
