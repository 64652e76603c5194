//! What ends when the last handle of a queue is dropped: the thread that syncs, and the last things to write down.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::durable::Durability;
use crate::state::Shared;

/// Held by all handles.
#[derive(Debug)]
pub(crate) struct Alive {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    bell: Arc<Bell>,
}

/// Between those who want a sync and the thread that does it.
#[derive(Debug, Default)]
struct Bell {
    want: Mutex<Want>,
    rings: Condvar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Want {
    #[default]
    Nothing,
    Sync,
    End,
}

impl Alive {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let alive = Self { shared, thread: Mutex::default(), bell: Arc::default() };
        if let Durability::Interval(_) = alive.shared.durability {
            alive.thread_runs();
        }
        alive
    }

    /// Asks for a sync, and does not wait for it.
    pub(crate) fn ask(&self) {
        if let Durability::Interval(_) = self.shared.durability {
            return;
        }
        self.thread_runs();
        self.bell.ask(Want::Sync);
    }

    fn thread_runs(&self) {
        let mut thread = self.thread();
        if thread.is_none() {
            let (shared, bell) = (Arc::clone(&self.shared), Arc::clone(&self.bell));
            let spawned = std::thread::Builder::new()
                .name("diskbuf-sync".to_owned())
                .spawn(move || run(&shared, &bell));
            match spawned {
                Ok(handle) => *thread = Some(handle),
                // Nobody else will do it, and those who wait must hear of it.
                Err(_) => self.shared.poison(),
            }
        }
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
        let mut wanted = self.want.lock().unwrap_or_else(PoisonError::into_inner);
        *wanted = want.max(*wanted);
        drop(wanted);
        self.rings.notify_one();
    }
}

fn run(shared: &Shared, bell: &Bell) {
    loop {
        let mut want = bell.want.lock().unwrap_or_else(PoisonError::into_inner);
        while *want == Want::Nothing {
            want = match shared.durability {
                Durability::Interval(time) => {
                    let (guard, timeout) =
                        bell.rings.wait_timeout(want, time).unwrap_or_else(PoisonError::into_inner);
                    want = guard;
                    if timeout.timed_out() {
                        break;
                    }
                    want
                }
                _ => bell.rings.wait(want).unwrap_or_else(PoisonError::into_inner),
            };
        }
        if *want == Want::End {
            return;
        }
        *want = Want::Nothing;
        drop(want);
        if shared.watermark.durable() < shared.next_seq.load(Ordering::SeqCst) {
            // Who waits sees that the queue is poisoned.
            shared.sync().ok();
        }
    }
}
