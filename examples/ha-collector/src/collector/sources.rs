//! Where messages come from. One file a kind; what happens to a message is in [`super::intake`].
//!
//! Whatever its kind, a source is bound before privileges are given up ([`Bound`]), then started, and from then on an
//! object of its own ([`Running`]) that is told to stop and waited for without the others noticing. One that is changed leaves
//! its sockets to its successor ([`heritage`]).

mod bell;
mod bound;
mod datagram;
mod file;
mod heritage;
mod internal;
mod passed;
mod pipe;
mod running;
mod stream;
mod tcp;
mod thread;
mod udp;
mod unix;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use diskbuf::Queue;
use tokio::runtime::Handle;

pub(crate) use self::bound::Bound;
use self::heritage::Legacy;
pub(crate) use self::internal::Ear;
pub(crate) use self::passed::{Passed, Whose};
use self::running::Running;
pub(crate) use self::stream::held::Held;
pub(crate) use self::udp::KernelDrops;
use super::casualty::Dead;
use super::intake::Intake;
use super::ledger::Ledger;
use super::names::Names;
use super::reception::Machine;
use super::routing::Plans;
use super::stop::Stop;
use crate::config::{self, Source};

/// What all sources are given.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) queue: Queue,
    pub(crate) ledger: Ledger,
    pub(crate) plans: Plans,
    pub(crate) machine: Machine,
    pub(crate) runtime: Handle,
    /// Stop at once, whatever that loses.
    pub(crate) give_up: Stop,
    pub(crate) dead: Dead,
    /// The budget for unfinished messages.
    pub(crate) held: Arc<Held>,
    /// The directory where positions are kept.
    pub(crate) positions: PathBuf,
    /// Connections that one source may have, whatever it asks for.
    pub(crate) connections_of_one: usize,
}

impl Surroundings {
    fn intake(&self) -> Intake {
        Intake::new(self.queue.clone(), self.machine.zone.clone(), &self.plans)
    }
}

/// All sources that run.
#[derive(Debug)]
pub(crate) struct Sources {
    surroundings: Surroundings,
    running: Vec<Running>,
    drops: Drops,
}

/// What the kernel dropped, for whoever looks at the ledger. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drops(Arc<Mutex<Vec<KernelDrops>>>);

impl Drops {
    /// Brings the ledger up to date.
    pub(crate) fn settle(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(KernelDrops::settle);
    }
}

impl Sources {
    /// None yet.
    pub(crate) fn new(surroundings: Surroundings) -> Self {
        Self { surroundings, running: Vec::new(), drops: Drops::default() }
    }

    /// Those that are started from now on may ask for the names of senders.
    pub(crate) fn ask_for_names(&mut self, limits: config::DnsCache) {
        self.surroundings.machine.names.get_or_insert_with(|| Names::start(limits));
    }

    /// Starts one more.
    pub(crate) fn add(&mut self, bound: Bound) -> io::Result<()> {
        let running = bound.start(&self.surroundings)?;
        self.drops.0.lock().unwrap_or_else(PoisonError::into_inner).extend(running.drops().iter().cloned());
        self.running.push(running);
        Ok(())
    }

    /// Whether one runs that is exactly so.
    pub(crate) fn has(&self, source: &Source) -> bool {
        self.running.iter().any(|running| running.source() == source)
    }

    /// The sockets of those that are none of these, for a source that may be the successor of one: they listen already.
    pub(crate) fn lend(&self, these: &[Source], to: &Source) -> io::Result<Passed> {
        let mut passed = Passed::none();
        for running in self.running.iter().filter(|running| !these.contains(running.source())) {
            running.estate().lend(running.source(), to, &mut passed)?;
        }
        Ok(passed)
    }

    /// Stops those that are none of these: first those without an heir, last those that have nothing to wait for, because
    /// nobody reads what is left until the heirs are started. What had been received is in the buffer then. Says how many
    /// that were.
    pub(crate) fn keep(&mut self, these: &[Source], heirs: &mut [Bound]) -> usize {
        let gone = self.running.extract_if(.., |running| !these.contains(running.source()));
        let has_heir = |running: &Running| heirs.iter().any(|heir| running.estate().is_for(heir));
        let (left, gone): (Vec<_>, Vec<_>) = gone.partition(|running| has_heir(running));
        let count = left.len() + gone.len();
        drop(self.end(gone));
        left.iter().for_each(|running| running.estate().leave_to(running.source(), heirs));
        let (waited_for, at_once): (Vec<_>, Vec<_>) = left.into_iter().partition(Running::ends_connections);
        for group in [waited_for, at_once] {
            let heir_of = |running: &Running| heirs.iter().position(|heir| running.estate().is_for(heir));
            let whose: Vec<Option<usize>> = group.iter().map(heir_of).collect();
            for (whose, legacy) in whose.into_iter().zip(self.end(group)) {
                if let Some(heir) = whose.and_then(|place| heirs.get_mut(place)) {
                    heir.inherit(legacy);
                }
            }
        }
        count
    }

    /// Whether one that is none of these is in the way of this one.
    pub(crate) fn is_in_the_way(&self, these: &[Source], of: &Source) -> bool {
        self.running.iter().any(|running| is_obstacle(running, these, of))
    }

    /// Stops those that are none of these and in the way of this one, and says how they were set up.
    pub(crate) fn end_in_the_way(&mut self, these: &[Source], of: &Source) -> Vec<Source> {
        let gone: Vec<Running> =
            self.running.extract_if(.., |running| is_obstacle(running, these, of)).collect();
        let those = gone.iter().map(|running| running.source().clone()).collect();
        drop(self.end(gone));
        those
    }

    /// Stops all.
    pub(crate) fn stop(&mut self) {
        let all = std::mem::take(&mut self.running);
        drop(self.end(all));
    }

    fn end(&mut self, mut these: Vec<Running>) -> Vec<Legacy> {
        these.iter_mut().for_each(Running::stop);
        let (mut drops, mut legacies) = (Vec::new(), Vec::new());
        for running in these {
            let (dropped, legacy) = running.join(&self.surroundings.runtime);
            drops.extend(dropped);
            legacies.push(legacy);
        }
        let mut all = self.drops.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|known| !drops.iter().any(|ended| known.is(ended)));
        legacies
    }

    /// What listens, such as `udp 127.0.0.1:5514`.
    pub(crate) fn listening(&self) -> Vec<String> {
        self.running.iter().flat_map(|running| running.listening().cloned()).collect()
    }

    pub(crate) fn drops(&self) -> Drops {
        self.drops.clone()
    }
}

fn is_obstacle(running: &Running, these: &[Source], of: &Source) -> bool {
    !these.contains(running.source()) && running.source().is_in_the_way_of(of)
}

#[cfg(test)]
mod tests;
