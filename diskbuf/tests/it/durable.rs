//! What is said to be durable, to whom, and when.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use diskbuf::{Durability, Seq, SyncError, WhenFull};

use crate::support::{append, options, payload, seq};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn with_no_interval_at_all_records_are_synced_by_and_by() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 4).durability(Durability::Interval(Duration::ZERO)).open().unwrap();
    append(&queue, 1..11);
    assert_eq!(queue.wait_durable(seq(10)).unwrap().into_inner(), seq(10));
}

#[test]
fn nothing_is_durable_before_somebody_asks() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 4).open().unwrap();
    append(&queue, 1..11);
    assert_eq!(queue.durable_seq(), None);
    let five = queue.wait_durable(seq(5)).unwrap();
    assert_eq!(five.into_inner(), seq(5));
    let watermark = queue.durable_seq().unwrap();
    assert_eq!(*watermark.as_ref(), seq(10), "a sync takes all there is");
    assert!(watermark.covers(seq(10)).is_some() && watermark.covers(seq(11)).is_none());
    let error = queue.wait_durable(seq(11)).unwrap_err();
    assert!(matches!(error, SyncError::NotAppended { seq: 11, next: 11 }), "{error}");
}

#[test]
fn each_is_durable_when_the_append_returns() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 4).durability(Durability::Each).open().unwrap();
    let last = queue.append_one(&payload(1), WhenFull::Refuse).unwrap();
    assert_eq!(queue.durable_seq().map(diskbuf::Durable::into_inner), Some(last));
    drop(queue);
    let queue = options(dir.path(), 4).open().unwrap();
    assert_eq!(
        queue.durable_seq().map(diskbuf::Durable::into_inner),
        Some(Seq::FIRST),
        "and it is remembered"
    );
}

#[test]
fn interval_is_durable_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let queue =
        options(dir.path(), 4).durability(Durability::Interval(Duration::from_millis(5))).open().unwrap();
    append(&queue, 1..11);
    assert!(queue.wait_durable(seq(10)).is_ok());
    append(&queue, 11..21);
    assert!(block_on(queue.durable(seq(20))).is_ok());
}

#[test]
fn a_task_waits_on_any_runtime() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 4).durability(Durability::Group).open().unwrap();
    append(&queue, 1..11);
    assert_eq!(block_on(queue.durable(seq(7))).unwrap().into_inner(), seq(7));
    assert!(matches!(block_on(queue.durable(seq(70))), Err(SyncError::NotAppended { .. })));
}
