//! Who waits is woken: by records, by room, by the end, by an interrupter; a thread or a task of any runtime.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use diskbuf::{AppendError, Limit, Start, Wait, WhenFull};

use crate::support::{append, drain, open, options};

/// Runs a future on this thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        std::thread::park();
    }
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn an_empty_queue_times_out_and_an_append_makes_it_ready() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let soon = Instant::now() + Duration::from_millis(10);
    assert_eq!(consumer.wait(Some(soon)), Wait::TimedOut);
    assert!(Instant::now() >= soon);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| consumer.wait(None));
        append(&queue, 1..2);
        assert_eq!(waiting.join().unwrap(), Wait::Ready);
    });
    assert_eq!(block_on(consumer.ready()), Wait::Ready);
}

#[test]
fn an_interrupter_ends_one_wait_and_only_one() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let interrupter = consumer.interrupter();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| consumer.wait(None));
        interrupter.interrupt();
        assert_eq!(waiting.join().unwrap(), Wait::Interrupted);
    });
    assert_eq!(consumer.wait(Some(Instant::now())), Wait::TimedOut);
    interrupter.interrupt();
    assert_eq!(block_on(consumer.ready()), Wait::Interrupted);
}

#[test]
fn a_closed_queue_wakes_everybody() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let mut a = queue.consumer("a", Start::Oldest).unwrap();
    let mut b = queue.consumer("b", Start::Oldest).unwrap();
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| a.wait(None));
        let task = scope.spawn(|| block_on(b.ready()));
        queue.close();
        assert_eq!((thread.join().unwrap(), task.join().unwrap()), (Wait::Closed, Wait::Closed));
    });
    assert_eq!(queue.wait_space(None), Wait::Closed);
}

#[test]
fn a_task_is_woken_once_registered_and_never_after_it_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    let mut context = Context::from_waker(&waker);
    {
        let mut ready = pin!(consumer.ready());
        assert!(ready.as_mut().poll(&mut context).is_pending());
        assert!(ready.as_mut().poll(&mut context).is_pending());
        append(&queue, 1..2);
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert_eq!(ready.as_mut().poll(&mut context), Poll::Ready(Wait::Ready));
    }
    drain(&mut consumer);
    {
        let mut ready = pin!(consumer.ready());
        assert!(ready.as_mut().poll(&mut context).is_pending());
    }
    append(&queue, 2..3);
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    assert_eq!(Arc::strong_count(&count), 2, "the waker was let go");
}

#[test]
fn space_comes_when_a_consumer_makes_it() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 2).open().unwrap();
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    assert_eq!(block_on(queue.space()), Wait::Ready);
    while queue.append_one(&[7; 1000], WhenFull::Refuse).is_ok() {}
    std::thread::scope(|scope| {
        let task = scope.spawn(|| block_on(queue.space()));
        let thread = scope.spawn(|| queue.wait_space(None));
        while !queue.has_space() {
            consumer.read(Limit { records: 10, ..Limit::default() }).unwrap().ack().unwrap();
        }
        assert_eq!((task.join().unwrap(), thread.join().unwrap()), (Wait::Ready, Wait::Ready));
    });
    assert!(queue.append_one(&[7; 1000], WhenFull::Refuse).is_ok());
}

#[test]
fn what_an_append_drops_is_room_for_those_who_wait() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 2).open().unwrap();
    let _keeps = queue.consumer("a", Start::Oldest).unwrap();
    while queue.append_one(&[7; 1000], WhenFull::Refuse).is_ok() {}
    assert!(matches!(queue.reserve(30_000), Err(AppendError::NoRoom { .. })));
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    let mut context = Context::from_waker(&waker);
    let (mut room, mut space) = (pin!(queue.room()), pin!(queue.space()));
    assert!(room.as_mut().poll(&mut context).is_pending());
    assert!(space.as_mut().poll(&mut context).is_pending());
    queue.append_one(&[7; 1000], WhenFull::DropOldest).unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 2, "both are woken");
    assert_eq!(room.poll(&mut context), Poll::Ready(Wait::Ready));
    assert_eq!(space.poll(&mut context), Poll::Ready(Wait::Ready));
    drop(queue.reserve(30_000).unwrap());
}
