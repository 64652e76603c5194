//! [`Watermark`]: up to where everything survives power loss, those who wait for that, and whose turn it is to raise it.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::primitives::{AtomicBool, AtomicU64, AtomicUsize, Mutex, Ordering};
use crate::wait::{Wait, Waiters};

/// `T` belongs to whoever has the turn.
#[derive(Debug)]
pub(crate) struct Watermark<T> {
    /// Records before this one survive power loss.
    durable: AtomicU64,
    /// It will never rise again.
    failed: AtomicBool,
    taken: AtomicBool,
    turn: Mutex<T>,
    /// How many have come to [`Self::reach`], and how many of them had when the last work began.
    came: AtomicUsize,
    counted: AtomicUsize,
    /// For how many the last work was, and how long it took.
    served: AtomicUsize,
    pace: AtomicU64,
    /// Those who wait for it to rise, or for their turn.
    waiters: Arc<Waiters>,
}

impl<T> Watermark<T> {
    pub(crate) fn new(durable: u64, turn: T) -> Self {
        Self {
            durable: AtomicU64::new(durable),
            failed: AtomicBool::new(false),
            taken: AtomicBool::new(false),
            turn: Mutex::new(turn),
            came: AtomicUsize::new(0),
            counted: AtomicUsize::new(0),
            served: AtomicUsize::new(0),
            pace: AtomicU64::new(0),
            waiters: Arc::default(),
        }
    }

    /// Raises it, in one's turn. Those who wait are told at the end of the turn.
    pub(crate) fn rise(&self, durable: u64) {
        self.durable.fetch_max(durable, Ordering::SeqCst);
    }

    /// Ends the hopes of all who wait.
    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::SeqCst);
        self.waiters.notify();
    }

    /// Does `work` when nobody else is at it.
    pub(crate) fn in_turn<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        while !self.take() {
            self.waiters.wait(None, || (!self.taken.load(Ordering::SeqCst)).then_some(Wait::Ready));
        }
        self.work(work)
    }

    /// Does `work`, which raises the mark, unless it covers `seq` already or another's work makes it. All who wait for one
    /// piece of work are woken by its end together, and one of those it came too early for does the next.
    pub(crate) fn reach<E>(&self, seq: u64, work: impl FnOnce(&mut T) -> Result<(), E>) -> Result<(), E> {
        if self.durable() > seq {
            return Ok(());
        }
        self.came.fetch_add(1, Ordering::SeqCst);
        loop {
            if self.durable() > seq {
                return Ok(());
            }
            if self.take() {
                return if self.durable() > seq { self.work(|_| Ok(())) } else { self.shared_work(work) };
            }
            self.waiters.wait(None, || {
                let over = !self.taken.load(Ordering::SeqCst) || self.durable() > seq;
                over.then_some(Wait::Ready)
            });
        }
    }

    /// Waits until somebody has raised it so far, or it has failed.
    pub(crate) fn wait(&self, seq: u64) {
        self.waiters.wait(None, || self.look(seq));
    }

    /// What there is to tell those who wait for `seq`.
    pub(crate) fn look(&self, seq: u64) -> Option<Wait> {
        if self.durable() > seq {
            Some(Wait::Ready)
        } else if self.has_failed() {
            Some(Wait::Closed)
        } else {
            None
        }
    }

    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::SeqCst)
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    pub(crate) const fn waiters(&self) -> &Arc<Waiters> {
        &self.waiters
    }

    /// As [`Self::work`], for as many as were here the last time: those who were woken by the last work come back in a moment,
    /// and who begins without them makes them wait for a second one.
    fn shared_work<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        self.work(|mine| {
            self.gather();
            let came = self.came.load(Ordering::SeqCst);
            let here = came.wrapping_sub(self.counted.swap(came, Ordering::Relaxed));
            let before = self.served.load(Ordering::Relaxed);
            self.served.store(here.max(before.saturating_sub(1)), Ordering::Relaxed);
            let begin = Instant::now();
            let done = work(mine);
            let nanos = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.pace.store(nanos, Ordering::Relaxed);
            done
        })
    }

    /// Lets others run until as many have come as the last time, for at most half of what the work takes. If fewer come, fewer
    /// are waited for.
    fn gather(&self) {
        let expected = self.served.load(Ordering::Relaxed);
        if expected < 2 || cfg!(loom) {
            return;
        }
        let most = Duration::from_nanos(self.pace.load(Ordering::Relaxed) / 2).min(GATHERING);
        let begin = Instant::now();
        let counted = self.counted.load(Ordering::Relaxed);
        while self.came.load(Ordering::SeqCst).wrapping_sub(counted) < expected && begin.elapsed() < most {
            std::thread::yield_now();
        }
    }

    fn take(&self) -> bool {
        self.taken.compare_exchange(false, true, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    fn work<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        // Also when the work panics.
        let _end = End(self);
        // Never contended.
        work(&mut self.turn.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The end of a turn.
struct End<'a, T>(&'a Watermark<T>);

impl<T> Drop for End<'_, T> {
    fn drop(&mut self) {
        self.0.taken.store(false, Ordering::SeqCst);
        self.0.waiters.notify();
    }
}

/// However slow the device is: no longer is waited for company.
const GATHERING: Duration = Duration::from_millis(1);

#[cfg(all(test, loom))]
mod tests {
    use super::*;
    use crate::wait::Waiting;

    /// Appends a record and has it made durable; `head` is what is appended, `synced` what the disk has.
    fn produce(mark: &Watermark<u64>, head: &AtomicU64) {
        let seq = head.fetch_add(1, Ordering::SeqCst);
        let reached = mark.reach(seq, |synced| {
            *synced = head.load(Ordering::SeqCst);
            mark.rise(*synced);
            Ok::<(), ()>(())
        });
        assert_eq!(reached, Ok(()));
        assert!(mark.durable() > seq, "told too early");
    }

    #[test]
    fn whoever_waits_for_a_sync_is_woken_and_never_too_early() {
        loom::model(|| {
            let (mark, head) = (Arc::new(Watermark::new(1, 1)), Arc::new(AtomicU64::new(1)));
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let (mark, head) = (Arc::clone(&mark), Arc::clone(&head));
                    loom::thread::spawn(move || produce(&mark, &head))
                })
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(mark.in_turn(|synced| *synced), mark.durable());
        });
    }

    #[test]
    fn three_producers_and_a_sync_share_turns_without_losing_one() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(|| {
            let (mark, head) = (Arc::new(Watermark::new(1, 1)), Arc::new(AtomicU64::new(1)));
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let (mark, head) = (Arc::clone(&mark), Arc::clone(&head));
                    loom::thread::spawn(move || produce(&mark, &head))
                })
                .collect();
            mark.in_turn(|synced| *synced = (*synced).max(1));
            produce(&mark, &head);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(mark.durable(), 4);
        });
    }

    #[test]
    fn a_future_is_woken_by_the_end_of_a_turn_or_by_a_failure() {
        for fails in [false, true] {
            loom::model(move || {
                let mark = Arc::new(Watermark::new(1, ()));
                let looks = Arc::clone(&mark);
                let waiting = Waiting::new(Arc::clone(mark.waiters()), move || looks.look(1));
                let thread = loom::thread::spawn(move || {
                    mark.in_turn(|()| if fails { mark.fail() } else { mark.rise(2) });
                });
                let answer = loom::future::block_on(waiting);
                assert_eq!(answer, if fails { Wait::Closed } else { Wait::Ready });
                thread.join().unwrap();
            });
        }
    }

    #[test]
    fn a_thread_that_waits_for_another_to_raise_it_is_woken() {
        loom::model(|| {
            let mark = Arc::new(Watermark::new(1, ()));
            let raises = Arc::clone(&mark);
            let thread = loom::thread::spawn(move || raises.in_turn(|()| raises.rise(2)));
            mark.wait(1);
            assert_eq!(mark.durable(), 2);
            thread.join().unwrap();
        });
    }

    #[test]
    fn a_future_that_is_dropped_leaves_nobody_asleep() {
        loom::model(|| {
            let waiters = Arc::new(Waiters::default());
            let flag = Arc::new(AtomicBool::new(false));
            let look = |flag: &Arc<AtomicBool>| {
                let flag = Arc::clone(flag);
                move || flag.load(Ordering::SeqCst).then_some(Wait::Ready)
            };
            let gone = Waiting::new(Arc::clone(&waiters), look(&flag));
            let stays = Waiting::new(Arc::clone(&waiters), look(&flag));
            let thread = {
                let (waiters, flag) = (Arc::clone(&waiters), Arc::clone(&flag));
                loom::thread::spawn(move || {
                    flag.store(true, Ordering::SeqCst);
                    waiters.notify();
                })
            };
            drop(gone);
            assert_eq!(loom::future::block_on(stays), Wait::Ready);
            thread.join().unwrap();
        });
    }
}
