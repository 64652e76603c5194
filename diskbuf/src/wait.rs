//! Parking and waking, for threads and for tasks of any runtime. One [`Waiters`] a condition; who changes the
//! condition pays one atomic load as long as nobody is parked.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::primitives::{AtomicUsize, Condvar, Mutex, MutexGuard, Ordering, fence};

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wait {
    /// What was waited for is there.
    Ready,
    /// The moment given came first.
    TimedOut,
    /// The queue was closed, and what was waited for is not there.
    Closed,
    /// An [`Interrupter`](crate::Interrupter) was used.
    Interrupted,
}

/// Those who wait for one condition.
#[derive(Default)]
pub(crate) struct Waiters {
    /// Threads and tasks in or about to be in the list. Raised before the condition is looked at, so that
    /// either the waiter sees the change or the one who changed it sees the waiter.
    parked: AtomicUsize,
    list: Mutex<List>,
    bell: Condvar,
}

#[derive(Default)]
struct List {
    next_key: u64,
    wakers: Vec<(u64, Waker)>,
}

impl Waiters {
    /// Wakes everybody; to be called after the condition has changed, with no lock held.
    pub(crate) fn notify(&self) {
        fence(Ordering::SeqCst);
        if self.parked.load(Ordering::SeqCst) == 0 {
            return;
        }
        let wakers = {
            let mut list = self.list();
            let wakers = std::mem::take(&mut list.wakers);
            self.parked.fetch_sub(wakers.len(), Ordering::SeqCst);
            wakers
        };
        // Whoever looked before the change sleeps by now, since it held the lock from there on; and those who wake find it free.
        self.bell.notify_all();
        for (_, waker) in wakers {
            waker.wake();
        }
    }

    /// Parks the thread until `look` has an answer or the deadline is there.
    pub(crate) fn wait(&self, deadline: Option<Instant>, look: impl Fn() -> Option<Wait>) -> Wait {
        if let Some(answer) = look() {
            return answer;
        }
        let mut list = self.list();
        self.parked.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let answer = loop {
            if let Some(answer) = look() {
                break answer;
            }
            list = match deadline {
                None => self.bell.wait(list).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break Wait::TimedOut;
                    }
                    self.bell.wait_timeout(list, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        };
        self.parked.fetch_sub(1, Ordering::SeqCst);
        drop(list);
        answer
    }

    /// Registers the task unless `look` has an answer. `key` belongs to the task's future.
    fn poll(&self, key: &mut Option<u64>, waker: &Waker, look: impl Fn() -> Option<Wait>) -> Poll<Wait> {
        let mut list = self.list();
        let place = key.and_then(|key| list.wakers.iter_mut().find(|(k, _)| *k == key));
        if let Some((_, old)) = place {
            old.clone_from(waker);
        } else {
            let fresh = list.next_key;
            list.next_key += 1;
            list.wakers.push((fresh, waker.clone()));
            *key = Some(fresh);
            self.parked.fetch_add(1, Ordering::SeqCst);
        }
        fence(Ordering::SeqCst);
        let Some(answer) = look() else { return Poll::Pending };
        self.forget_in(&mut list, key);
        Poll::Ready(answer)
    }

    fn forget_in(&self, list: &mut List, key: &mut Option<u64>) {
        if let Some(key) = key.take()
            && let Some(place) = list.wakers.iter().position(|(k, _)| *k == key)
        {
            list.wakers.swap_remove(place);
            self.parked.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Waiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiters").field("parked", &self.parked).finish_non_exhaustive()
    }
}

/// A wait as a future. Dropping it leaves the list.
pub(crate) struct Waiting<L: Fn() -> Option<Wait>> {
    on: Arc<Waiters>,
    key: Option<u64>,
    look: L,
}

impl<L: Fn() -> Option<Wait>> Waiting<L> {
    pub(crate) const fn new(on: Arc<Waiters>, look: L) -> Self {
        Self { on, key: None, look }
    }
}

impl<L: Fn() -> Option<Wait> + Unpin> Future for Waiting<L> {
    type Output = Wait;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Wait> {
        let Self { on, key, look } = self.get_mut();
        if key.is_none()
            && let Some(answer) = look()
        {
            return Poll::Ready(answer);
        }
        on.poll(key, context.waker(), &*look)
    }
}

impl<L: Fn() -> Option<Wait>> Drop for Waiting<L> {
    fn drop(&mut self) {
        if self.key.is_some() {
            self.on.forget_in(&mut self.on.list(), &mut self.key);
        }
    }
}
