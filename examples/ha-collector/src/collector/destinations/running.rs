//! All destinations that run: started, kept through a reload, ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, Builder, JoinHandle};
use std::time::{Duration, Instant};

use diskbuf::{Behind, Interrupter, Queue, Start};
use tracing::{info, warn};

use super::Deliver;
use super::run::{Orders, Pace, Runner, WallClock};
use crate::collector::casualty::{Dead, Watch};
use crate::collector::ledger::Ledger;
use crate::collector::routing::{Arrival, Copies, Deliverer, Plan, Plans};
use crate::collector::stop::Stop;
use crate::collector::template::Surroundings;
use crate::collector::{Meant, StartError, chain, orphaned, privileges};
use crate::config::{Dedupe, Destination};

/// What all destinations are given.
#[derive(Debug)]
pub(crate) struct Around {
    pub(crate) queue: Queue,
    pub(crate) ledger: Ledger,
    pub(crate) plans: Plans,
    pub(crate) dead: Dead,
    /// The directory of the buffer, for what goes wrong there.
    pub(crate) buffer: std::path::PathBuf,
    /// The buffer will get nothing more.
    pub(crate) drain: Stop,
}

/// All destinations that run.
#[derive(Debug)]
pub(crate) struct Destinations {
    around: Around,
    running: Vec<Running>,
    /// The ids of those that the configuration has, whether or not they run.
    expected: Vec<String>,
}

/// A destination, what its backlog does to a full buffer, and what its templates know.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) to: Destination,
    pub(crate) behind: Behind,
    /// `None`: it asks for no name.
    pub(crate) around: Option<Arc<Surroundings>>,
}

/// From a new plan until no batch comes that was routed by the one before.
const LAST_BATCHES: Duration = Duration::from_millis(100);
/// How long a destination that is no longer configured may take to deliver what it is due.
const CATCH_UP: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Running {
    wanted: Wanted,
    thread: JoinHandle<()>,
    orders: Orders,
    interrupter: Interrupter,
}

impl Destinations {
    /// None yet.
    pub(crate) const fn new(around: Around) -> Self {
        Self { around, running: Vec::new(), expected: Vec::new() }
    }

    /// Starts one more. One that has no place in the buffer yet begins with the oldest message kept, or, when it came later,
    /// with the next one. `plan` is the one that it comes with.
    pub(crate) fn add(
        &mut self,
        wanted: Wanted,
        mut deliver: Box<dyn Deliver>,
        plan: &Arc<Plan>,
        arrival: Arrival,
    ) -> Result<(), StartError> {
        let Around { queue, ledger, plans, dead, buffer, drain } = &self.around;
        let (id, behind) = (wanted.to.id.clone(), wanted.behind);
        let start = match arrival {
            Arrival::First => Start::Oldest,
            Arrival::Later => Start::Newest,
        };
        let consumer = queue.consumer_that(behind, &id, start);
        let mut consumer =
            consumer.map_err(|error| StartError::Buffer { dir: buffer.clone(), message: chain(&error) })?;
        // From its place, not from the oldest record kept: what is missing in between was due, too, and will be reported
        // as lost.
        let first = consumer.acked().as_u64();
        let backlog = queue.status().next_seq.as_u64().saturating_sub(first);
        if backlog > 0 {
            info!(destination = id, messages = backlog, "delivering what was left in the buffer");
        }
        let account = ledger.open_destination(&id, first);
        let orders = Orders { drain: drain.clone(), give_up: Stop::default(), reopen: Arc::default() };
        let interrupter = consumer.interrupter();
        let watch = Watch::new(format!("destination `{id}`"), dead, drain).or_when(&orders.give_up);
        let pace = Pace::from(&wanted.to.deliver);
        let copies = match wanted.to.deliver.dedupe {
            Dedupe::WritesEach => Copies::EachPath,
            Dedupe::WritesOne => Copies::One,
        };
        let mut deliverer = Deliverer::new(plans, plan, &id, copies, arrival);
        let own = orders.clone();
        let needs = privileges::needs(&wanted.to);
        let thread = Builder::new().name(format!("to-{id}")).spawn(move || {
            let _watch = watch;
            privileges::keep_only(&needs);
            let runner = Runner {
                id: &id,
                consumer: &mut consumer,
                behind,
                account: &account,
                orders: &own,
                pace,
                clock: WallClock,
                deliverer: &mut deliverer,
            };
            runner.run(&mut *deliver);
        });
        let thread = thread.map_err(|source| StartError::Thread { source })?;
        self.running.push(Running { wanted, thread, orders, interrupter });
        Ok(())
    }

    /// From now on these are the ones that the configuration has.
    pub(crate) fn expect(&mut self, these: &[Destination]) {
        self.expected = these.iter().map(|to| to.id.clone()).collect();
    }

    /// Whether the configuration has one of that name.
    pub(crate) fn expects(&self, id: &str) -> bool {
        self.expected.iter().any(|expected| expected == id) || self.runs(id)
    }

    /// Whether one runs that is exactly so.
    pub(crate) fn has(&self, wanted: &Wanted) -> bool {
        self.running.iter().any(|running| running.wanted == *wanted)
    }

    /// Whether one of that name has a place in the buffer, because it runs, however it is set up, or did so once.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.around.queue.consumers().iter().any(|consumer| consumer.name == id)
    }

    fn runs(&self, id: &str) -> bool {
        self.running.iter().any(|running| running.wanted.to.id == id)
    }

    /// Ends those that are to be otherwise, between two batches: what they have not delivered is their successor's. Says
    /// how many that were.
    pub(crate) fn end_changed(&mut self, these: &[Wanted]) -> usize {
        let changed = |running: &Running| {
            let mut same_name = these.iter().filter(|wanted| wanted.to.id == running.wanted.to.id);
            same_name.any(|wanted| *wanted != running.wanted)
        };
        let gone: Vec<Running> = self.running.extract_if(.., |running| changed(running)).collect();
        end(gone).len()
    }

    /// Ends those that are none of these, for which the plan has nothing new any more: when they have delivered what they
    /// are due, or after a few seconds; what is left then stays in the buffer. Says how many that were.
    pub(crate) fn release(&mut self, these: &[Wanted]) -> usize {
        let gone = self.running.extract_if(.., |running| !these.contains(&running.wanted));
        let gone: Vec<Running> = gone.collect();
        if gone.is_empty() {
            return 0;
        }
        let Around { queue, ledger, .. } = &self.around;
        let place = |id: &str| {
            let consumers = queue.consumers();
            consumers.iter().find(|consumer| consumer.name == id).map_or(u64::MAX, |it| it.acked.as_u64())
        };
        // Batches that were routed by the plan before are in the buffer by then.
        thread::sleep(LAST_BATCHES);
        let due = queue.status().next_seq.as_u64();
        let until = Instant::now() + CATCH_UP;
        while Instant::now() < until && gone.iter().any(|running| place(&running.wanted.to.id) < due) {
            thread::sleep(Duration::from_millis(5));
        }
        let ended = end(gone);
        for id in &ended {
            let at = place(id);
            if at >= due && queue.remove_consumer(id).is_ok() {
                ledger.forget_destination(id, at);
                info!(destination = id, "no longer configured, has delivered all that it was due: forgotten");
            }
        }
        ended.len()
    }

    /// Has all open anew what they have open.
    pub(crate) fn reopen(&self) {
        for running in &self.running {
            running.orders.reopen.fetch_add(1, Ordering::Relaxed);
            running.interrupter.interrupt();
        }
    }

    /// What ends all of them at once.
    pub(crate) fn give_up(&self) -> Vec<Stop> {
        self.running.iter().map(|running| running.orders.give_up.clone()).collect()
    }

    /// The buffer gets nothing more: returns when all have delivered what it holds, or given up.
    pub(crate) fn drain(&mut self) {
        self.around.drain.say();
        self.around.queue.close();
        for running in self.running.drain(..) {
            drop(running.thread.join());
        }
    }

    /// A consumer that no destination reads keeps its messages, and with them the space of the buffer.
    pub(crate) fn warn_of_forgotten(&self) {
        let queue = &self.around.queue;
        for consumer in queue.consumers() {
            let id = &consumer.name;
            if self.expects(id) {
                continue;
            }
            if consumer.lag == 0 && queue.remove_consumer(id).is_ok() {
                self.around.ledger.forget_destination(id, consumer.acked.as_u64());
                info!(destination = id, "no longer configured, nothing waits for it: forgotten");
            } else {
                self.around.ledger.orphan_destination(id, consumer.acked.as_u64());
                warn!("{}", orphaned(id, consumer.lag, &Meant::unknown()));
            }
        }
    }
}

/// Ends them, and gives their names.
fn end(these: Vec<Running>) -> Vec<String> {
    for running in &these {
        running.orders.give_up.say();
        running.interrupter.interrupt();
    }
    let end = |running: Running| {
        // One that panicked was reported as a casualty.
        drop(running.thread.join());
        running.wanted.to.id
    };
    these.into_iter().map(end).collect()
}
