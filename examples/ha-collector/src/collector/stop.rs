//! The word to stop, heard by blocking threads and by tasks alike.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Said once, never taken back. Clones hear the same word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    said: AtomicBool,
    threads: (Mutex<()>, Condvar),
    tasks: Notify,
}

impl Stop {
    /// Stop now: wakes whoever waits.
    pub(crate) fn say(&self) {
        // Under the lock, so that no thread can look, be overtaken here, and then sleep.
        let guard = self.0.threads.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.said.store(true, Ordering::Release);
        drop(guard);
        self.0.threads.1.notify_all();
        self.0.tasks.notify_waiters();
    }

    pub(crate) fn said(&self) -> bool {
        self.0.said.load(Ordering::Acquire)
    }

    /// Returns when stopping was said, at once if it was before.
    pub(crate) async fn heard(&self) {
        // `notified()` counts from its creation, so a word between the two lines is not missed.
        let notified = self.0.tasks.notified();
        if !self.said() {
            notified.await;
        }
    }

    /// Waits at most `pause`; says whether stopping was said.
    pub(crate) fn wait(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut guard = self.0.threads.0.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.said() {
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                return false;
            };
            let (woken, _) =
                self.0.threads.1.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner);
            guard = woken;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_thread_hears_it_at_once() {
        let stop = Stop::default();
        assert!(!stop.wait(Duration::ZERO));
        let waiter = std::thread::spawn({
            let stop = stop.clone();
            move || stop.wait(Duration::from_secs(60))
        });
        stop.say();
        assert!(waiter.join().unwrap());
        assert!(stop.said());
    }

    #[test]
    fn a_task_hears_a_word_said_before_it_listened() {
        let stop = Stop::default();
        stop.say();
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(stop.heard());
    }
}
