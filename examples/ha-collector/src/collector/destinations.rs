//! Where messages go. Each destination is a named consumer of the buffer with a thread of its own.
//!
//! A kind of destination is a file here and implements [`Deliver`]; the loop around it is [`run`].

mod batch;
mod console;
mod datagram;
pub(crate) mod file;
mod open;
mod pipe;
mod program;
mod render;
mod stream;
mod sys;
mod usertty;

pub(crate) use self::open::open;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diskbuf::{Consumer, Limit, Wait};
use tracing::{error, info, warn};

use super::chain;
use super::event::{Changes, Event};
use super::ledger::{DestinationAccount, DropReason};
use super::limit::Seldom;
use super::record::Record;
use super::stop::Stop;

/// Read from the buffer at once.
const BATCH: Limit = Limit { records: 4096, bytes: 1 << 20 };
/// An idle destination looks this often for what to close.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// After an error, the first pause and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How long a destination that fails goes on trying after the word to stop.
const LAST_CHANCE: Duration = Duration::from_secs(3);

/// What a kind of destination does with messages.
pub(crate) trait Deliver: Send {
    /// Takes one message into the batch in hand.
    fn take(&mut self, event: &Event<'_>);

    /// Hands the batch over; after `Ok` the buffer forgets it. After an error, what was not handed over still waits, and
    /// the next call goes on where this one stopped. Returns within a second or so, for orders are heard in between.
    fn flush(&mut self, now: Instant) -> io::Result<()>;

    /// The batch in hand is given up and will come again, whole: takes back what can be taken back of it.
    fn take_back(&mut self);

    /// There was nothing to do for a while.
    fn idle(&mut self, _now: Instant) {}

    /// How often [`Self::idle`] is called while there is nothing to do.
    fn idle_every(&self) -> Duration {
        HOUSEKEEPING
    }

    /// What became of messages of the batches handed over, since this was asked last.
    fn tally(&mut self) -> Tally {
        Tally::default()
    }

    /// Opens anew what it has open. Nothing waits.
    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Messages that were handed over otherwise than whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// There was nowhere to put them, and it is in the nature of the destination not to wait.
    pub(crate) dropped: u64,
    /// Longer than the destination can take: their beginning was delivered.
    pub(crate) cut: u64,
}

/// What a running destination hears from outside.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    /// The buffer will get nothing more: write what it holds, and return.
    pub(crate) drain: Stop,
    /// Return now.
    pub(crate) give_up: Stop,
    /// Raised by one for every time the files are to be opened anew.
    pub(crate) reopen: Arc<AtomicU64>,
}

/// Delivers until the buffer is closed and empty, or until told to give up.
pub(crate) fn run(
    id: &str,
    to: &mut dyn Deliver,
    consumer: &mut Consumer,
    account: &DestinationAccount,
    orders: &Orders,
) {
    let mut changes = Changes::default();
    let mut complaint = Seldom::new(Duration::from_secs(10));
    let mut reopened = orders.reopen.load(Ordering::Relaxed);
    while !orders.give_up.said() {
        let wanted = orders.reopen.load(Ordering::Relaxed);
        if wanted != reopened {
            reopened = wanted;
            match to.reopen() {
                Ok(()) => info!(destination = id, "opened anew"),
                Err(error) => error!(destination = id, "cannot open anew, the old one stays: {error}"),
            }
        }
        let delivery = match consumer.read(BATCH) {
            Ok(delivery) => delivery,
            Err(error) => {
                if complaint.now(Instant::now()) {
                    error!(destination = id, "cannot read the buffer: {}", chain(&error));
                }
                if orders.give_up.wait(PAUSES.1) || orders.drain.said() {
                    return;
                }
                continue;
            }
        };
        if delivery.is_empty() && delivery.losses().is_empty() {
            drop(delivery);
            match consumer.wait(Some(Instant::now() + to.idle_every())) {
                Wait::Closed => return,
                Wait::TimedOut => to.idle(Instant::now()),
                _ => {}
            }
            continue;
        }
        let mut unreadable = 0;
        for record in &delivery {
            match Record::read(record.payload()) {
                Some(record) => to.take(&Event::new(record, &mut changes)),
                None => unreadable += 1,
            }
        }
        if !flush(id, to, orders, &mut complaint) {
            to.take_back();
            return;
        }
        let (records, lost) = (delivery.len() as u64, delivery.losses().to_vec());
        if let Err(error) = delivery.ack() {
            // Delivered, but the buffer does not know: it will be delivered again.
            error!(destination = id, "cannot record what was delivered: {}", chain(&error));
            if orders.give_up.wait(PAUSES.1) || orders.drain.said() {
                return;
            }
            continue;
        }
        let tally = to.tally();
        account.delivered((records - unreadable).saturating_sub(tally.dropped));
        account.cut(tally.cut);
        account.dropped(DropReason::NotTaken, tally.dropped);
        account.dropped(DropReason::Unreadable, unreadable);
        for loss in lost {
            error!(
                destination = id,
                "the buffer lost messages {} to {}: {:?}", loss.from, loss.to, loss.cause
            );
            account.dropped(DropReason::Damaged, loss.records());
        }
    }
}

/// Hands the batch over, however long that makes it wait. False: given up, the batch stays in the buffer.
fn flush(id: &str, to: &mut dyn Deliver, orders: &Orders, complaint: &mut Seldom) -> bool {
    let mut pause = PAUSES.0;
    let mut failing_since_drain = None;
    loop {
        let now = Instant::now();
        let Err(error) = to.flush(now) else {
            return true;
        };
        if complaint.now(now) {
            warn!(destination = id, "cannot write, messages wait in the buffer: {error}");
        }
        if orders.drain.said() {
            let since = *failing_since_drain.get_or_insert(now);
            if now.duration_since(since) >= LAST_CHANCE {
                return false;
            }
        }
        if orders.give_up.wait(pause) {
            return false;
        }
        pause = (pause * 2).min(PAUSES.1);
        if orders.drain.said() {
            pause = PAUSES.0;
        }
    }
}
