//! The loop around a destination: read from the buffer, hand over, acknowledge; wait where there is nothing to do, and
//! try again where that fails, less and less often.
//!
//! Time comes from a [`Clock`], so that a destination that is away for an hour is away for a moment in a test.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diskbuf::{Behind, Consumer, Delivery, Limit, Loss, Seq, Wait};
use tracing::{error, info, warn};

use super::Deliver;
use crate::collector::ledger::{DestinationAccount, DropReason};
use crate::collector::limit::Seldom;
use crate::collector::record::Record;
use crate::collector::routing::{Came, Deliverer};
use crate::collector::stop::Stop;
use crate::collector::{backlog, chain};
use crate::config;

/// Read from the buffer at once, and handed over at once unless `flush-lines` asks for more.
const BATCH: Limit = Limit { records: 4096, bytes: 1 << 20 };
/// An idle destination looks this often for what to close.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// After an error, the first pause.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// How long a destination that fails goes on trying after the word to stop.
const LAST_CHANCE: Duration = Duration::from_secs(3);
/// Trouble that lasts is worth a line this often.
const COMPLAIN: Duration = Duration::from_secs(10);

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

/// How long to wait, and what for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Messages to wait for; 0: none.
    pub(crate) flush_lines: usize,
    pub(crate) flush_timeout: Duration,
    /// The longest pause before trying again.
    pub(crate) longest_pause: Duration,
}

impl From<&config::Delivery> for Pace {
    fn from(delivery: &config::Delivery) -> Self {
        Self {
            flush_lines: delivery.flush_lines as usize,
            flush_timeout: delivery.flush_timeout,
            longest_pause: delivery.time_reopen,
        }
    }
}

/// Where the loop has its time from.
pub(crate) trait Clock: Send {
    fn now(&self) -> Instant;

    /// Waits for messages, not beyond `until`.
    fn wait(&self, consumer: &mut Consumer, until: Instant) -> Wait;

    /// Waits at most `pause`; says whether stopping was said.
    fn pause(&self, stop: &Stop, pause: Duration) -> bool;
}

/// The time of everybody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wait(&self, consumer: &mut Consumer, until: Instant) -> Wait {
        consumer.wait(Some(until))
    }

    fn pause(&self, stop: &Stop, pause: Duration) -> bool {
        stop.wait(pause)
    }
}

/// One destination's loop.
#[derive(Debug)]
pub(crate) struct Runner<'d, C> {
    pub(crate) id: &'d str,
    pub(crate) consumer: &'d mut Consumer,
    /// What the buffer does with its messages when it is full.
    pub(crate) behind: Behind,
    pub(crate) account: &'d DestinationAccount,
    pub(crate) orders: &'d Orders,
    pub(crate) pace: Pace,
    pub(crate) clock: C,
    /// What becomes of a record before it is taken.
    pub(crate) deliverer: &'d mut Deliverer,
}

/// Messages that the destination has taken and the buffer has not yet forgotten.
#[derive(Debug, Default)]
struct Taken {
    records: usize,
    bytes: usize,
    /// Records among them that nobody can read.
    unreadable: u64,
    /// Records among them that are for other destinations.
    passed_by: u64,
    losses: Vec<Loss>,
    /// The last one, or the last one lost.
    last: Option<Seq>,
}

/// How it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Go {
    On,
    /// The buffer is closed, and nothing is left in it.
    Done,
    GiveUp,
}

impl<C: Clock> Runner<'_, C> {
    /// Delivers until the buffer is closed and empty, or until told to give up.
    pub(crate) fn run(mut self, to: &mut dyn Deliver) {
        let mut complaint = Seldom::new(COMPLAIN);
        let mut reopened = self.orders.reopen.load(Ordering::Relaxed);
        let mut taken = Taken::default();
        let mut go = Go::On;
        while go == Go::On && !self.orders.give_up.said() {
            self.reopen(to, &mut reopened);
            go = match self.gather(to, &mut taken) {
                Ok(Wait::Closed) if taken.last.is_none() => Go::Done,
                Ok(_) if taken.last.is_none() => Go::On,
                Ok(_) => self.settle(to, &mut taken, &mut complaint, &mut reopened),
                Err(error) => {
                    if complaint.now(self.clock.now()) {
                        error!(destination = self.id, "cannot read the buffer: {}", chain(&error));
                    }
                    self.consumer.rewind();
                    to.take_back();
                    taken.clear();
                    let give_up = self.clock.pause(&self.orders.give_up, self.pace.longest_pause);
                    if give_up || self.orders.drain.said() { Go::GiveUp } else { Go::On }
                }
            };
        }
        to.close();
    }

    fn reopen(&self, to: &mut dyn Deliver, reopened: &mut u64) {
        let wanted = self.orders.reopen.load(Ordering::Relaxed);
        if wanted != *reopened {
            *reopened = wanted;
            match to.reopen() {
                Ok(()) => info!(destination = self.id, "opened anew"),
                Err(error) => {
                    error!(destination = self.id, "cannot open anew, the old one stays: {error}");
                }
            }
        }
    }

    /// Takes what there is, and waits for more as long as that is wanted. Nothing taken: it has waited for long, or was
    /// called out of the wait.
    fn gather(&mut self, to: &mut dyn Deliver, taken: &mut Taken) -> Result<Wait, diskbuf::ReadError> {
        let mut flush_at = None;
        loop {
            let room = Limit { records: BATCH.records.max(self.pace.flush_lines), bytes: BATCH.bytes };
            let left = Limit {
                records: room.records.min(BATCH.records).min(room.records - taken.records),
                bytes: room.bytes.saturating_sub(taken.bytes).max(1),
            };
            let delivery = self.consumer.read(left)?;
            taken.take(&delivery, to, self.deliverer);
            delivery.defer();
            let enough = taken.records >= self.pace.flush_lines.max(1) || taken.bytes >= room.bytes;
            // Of what is only lost there is nothing to write.
            if taken.last.is_some() && (enough || taken.records == 0 || self.orders.drain.said()) {
                return Ok(Wait::Ready);
            }
            let now = self.clock.now();
            let until = if taken.last.is_some() {
                *flush_at.get_or_insert(now + self.pace.flush_timeout)
            } else {
                to.due().map_or(now + HOUSEKEEPING, |due| due.min(now + HOUSEKEEPING))
            };
            match self.clock.wait(self.consumer, until) {
                Wait::Ready => {}
                Wait::TimedOut if taken.last.is_none() => {
                    to.idle(self.clock.now());
                    return Ok(Wait::TimedOut);
                }
                other => return Ok(other),
            }
        }
    }

    /// Hands over what was taken, and lets the buffer forget it.
    fn settle(
        &mut self,
        to: &mut dyn Deliver,
        taken: &mut Taken,
        complaint: &mut Seldom,
        reopened: &mut u64,
    ) -> Go {
        if !self.insist(complaint, "cannot write, messages wait in the buffer", |this, now| {
            this.reopen(to, reopened);
            to.flush(now).map_err(|error| error.to_string())
        }) {
            to.take_back();
            return Go::GiveUp;
        }
        if let Some(last) = taken.last {
            // It is delivered, but the buffer does not know: were this given up, it would be delivered again.
            let known = self.insist(complaint, "cannot record what was delivered", |this, _| {
                this.consumer.ack_through(last).map_err(|error| chain(&error))
            });
            if !known {
                return Go::GiveUp;
            }
        }
        let tally = to.tally();
        let mine = taken.records as u64 - taken.unreadable - taken.passed_by;
        self.account.delivered(mine.saturating_sub(tally.dropped));
        self.account.passed_by(taken.passed_by);
        self.account.cut(tally.cut);
        self.account.dropped(DropReason::NotTaken, tally.dropped);
        self.account.dropped(DropReason::Unreadable, taken.unreadable);
        for loss in &taken.losses {
            self.lost(loss);
        }
        taken.clear();
        Go::On
    }

    fn lost(&self, loss: &Loss) {
        let reason = backlog::reason(loss, self.behind);
        self.account.dropped(reason, loss.records());
        let (from, to) = (loss.from, loss.to);
        if reason == DropReason::Behind {
            warn!(destination = self.id, "too far behind a full buffer: messages {from} to {to} are dropped");
        } else {
            error!(destination = self.id, "the buffer lost messages {from} to {to}: {:?}", loss.cause);
        }
    }

    /// Does it until it is done, however long that takes. False: given up.
    fn insist(
        &mut self,
        complaint: &mut Seldom,
        trouble: &str,
        mut attempt: impl FnMut(&mut Self, Instant) -> Result<(), String>,
    ) -> bool {
        let mut pause = FIRST_PAUSE;
        let mut failing_since_drain = None;
        loop {
            let now = self.clock.now();
            let Err(error) = attempt(self, now) else {
                return true;
            };
            if complaint.now(now) {
                warn!(destination = self.id, "{trouble}: {error}");
            }
            if self.orders.drain.said() {
                let since = *failing_since_drain.get_or_insert(now);
                if now.saturating_duration_since(since) >= LAST_CHANCE {
                    return false;
                }
                pause = FIRST_PAUSE;
            }
            if self.clock.pause(&self.orders.give_up, pause.min(self.pace.longest_pause)) {
                return false;
            }
            pause = (pause * 2).min(self.pace.longest_pause);
        }
    }
}

impl Taken {
    fn take(&mut self, delivery: &Delivery<'_>, to: &mut dyn Deliver, deliverer: &mut Deliverer) {
        deliverer.begin();
        for record in delivery {
            self.bytes += record.payload().len();
            match Record::read(record.payload()) {
                Some(record) => match deliverer.deliver(record, |event| to.take(event)) {
                    Came::Here => {}
                    Came::PassedBy => self.passed_by += 1,
                },
                None => self.unreadable += 1,
            }
        }
        self.records += delivery.len();
        self.losses.extend_from_slice(delivery.losses());
        let lost = delivery.losses().last().map(|loss| loss.to);
        self.last = self.last.max(delivery.last_seq()).max(lost);
    }

    fn clear(&mut self) {
        (self.records, self.bytes, self.last) = (0, 0, None);
        (self.unreadable, self.passed_by) = (0, 0);
        self.losses.clear();
    }
}

#[cfg(test)]
mod tests;
