//! The paths of a configuration as threads see them: the same for all, and a new configuration between two batches.
//!
//! [`Plans`] is where the current [`Plan`] stands. A source's thread has a [`Router`], which says where a message goes; a
//! destination's has a [`Deliverer`], which makes of a record what comes to that destination. Without `[[path]]` both do
//! nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::event::{Changes, Event};
use super::ledger::{DropReason, PathAccount};
use super::path::{Routes, Scratch};
use super::record::{EVERY_WAY, HEADER_LEN, Record};

/// What a configuration means for messages.
#[derive(Debug)]
pub(crate) struct Plan {
    /// `None`: every message goes everywhere, as it was received.
    pub(crate) routes: Option<Routes>,
    /// The keys of sources ([`super::record::source_key`]) and the ids of destinations, in the places that the routes know
    /// them by.
    pub(crate) sources: Vec<u32>,
    pub(crate) destinations: Vec<String>,
    /// The paths' accounts, in their order.
    pub(crate) paths: Vec<Arc<PathAccount>>,
}

/// The plan that holds now. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct Plans(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Raised with each plan: a thread looks at this once a batch, and takes the lock only when it has changed.
    number: AtomicU64,
    plan: Mutex<Arc<Plan>>,
}

impl Plans {
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        Self(Arc::new(Shared { number: AtomicU64::new(0), plan: Mutex::new(plan) }))
    }

    /// From now on this one holds, for every batch that is not begun.
    pub(crate) fn replace(&self, plan: Arc<Plan>) {
        *self.0.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
        self.0.number.fetch_add(1, Ordering::Release);
    }

    fn view(&self) -> View {
        let number = self.0.number.load(Ordering::Acquire);
        View { plans: self.clone(), number, plan: self.current() }
    }

    fn current(&self) -> Arc<Plan> {
        Arc::clone(&self.0.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One thread's look at the plan.
#[derive(Debug)]
struct View {
    plans: Plans,
    number: u64,
    plan: Arc<Plan>,
}

impl View {
    /// Takes the new one, where there is one, and gives the one before.
    fn look(&mut self) -> Option<Arc<Plan>> {
        let number = self.plans.0.number.load(Ordering::Acquire);
        if number == self.number {
            return None;
        }
        self.number = number;
        Some(std::mem::replace(&mut self.plan, self.plans.current()))
    }
}

/// Says of each message where it goes.
#[derive(Debug)]
pub(crate) struct Router {
    view: View,
    /// The source of the last message, and where it stands in the plan; `None`: it is not in it, and nobody wants what it has.
    last: Option<(u32, Option<usize>)>,
    changes: Changes,
    scratch: Scratch,
    /// By path: offered and taken since they were last told.
    counts: Vec<(u64, u64)>,
}

impl Router {
    pub(crate) fn new(plans: &Plans) -> Self {
        let view = plans.view();
        let mut this = Self {
            view,
            last: None,
            changes: Changes::default(),
            scratch: Scratch::default(),
            counts: Vec::new(),
        };
        this.settle_in();
        this
    }

    fn settle_in(&mut self) {
        let plan = &self.view.plan;
        self.last = None;
        self.counts.clear();
        self.counts.resize(plan.paths.len(), (0, 0));
        self.scratch = Scratch::default();
    }

    /// A batch begins: a new configuration holds from here on. Everything taken before has been told.
    pub(crate) fn begin(&mut self) {
        if self.view.look().is_some() {
            self.settle_in();
        }
    }

    /// The ways of a message of that source, for its header; or why it has none.
    #[inline]
    pub(crate) fn ways(
        &mut self,
        source: u32,
        header: &[u8; HEADER_LEN],
        raw: &[u8],
        extras: &[u8],
    ) -> Result<u64, DropReason> {
        let plan = &self.view.plan;
        match plan.routes.as_ref().filter(|routes| routes.have_paths()) {
            None => Ok(EVERY_WAY),
            Some(routes) => {
                let place = match self.last {
                    Some((last, place)) if last == source => place,
                    _ => {
                        let place = plan.sources.iter().position(|key| *key == source);
                        self.last = Some((source, place));
                        place
                    }
                };
                let Some(place) = place else { return Err(DropReason::NoPath) };
                let mut event = Event::new(Record::of(header, raw, extras), &mut self.changes);
                let verdict = routes.route(place, &mut event, &mut self.scratch);
                for (n, (offered, taken)) in self.counts.iter_mut().enumerate() {
                    *offered += verdict.offered >> n & 1;
                    *taken += verdict.taken >> n & 1;
                }
                match (verdict.ways, verdict.taken) {
                    (0, 0) => Err(DropReason::NoPath),
                    (0, _) => Err(DropReason::Discarded),
                    (ways, _) => Ok(ways),
                }
            }
        }
    }

    /// The batch is over: its counts go to the ledger.
    pub(crate) fn tell(&mut self) {
        for ((offered, taken), account) in self.counts.iter_mut().zip(&self.view.plan.paths) {
            if *offered > 0 {
                account.count(std::mem::take(offered), std::mem::take(taken));
            }
        }
    }
}

/// What comes of a record at a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// It was handed over, once or along several paths.
    Here,
    /// It is for others.
    PassedBy,
}

/// Whether a message that comes along several paths comes several times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copies {
    EachPath,
    /// `dedupe = true`: along the first of them.
    One,
}

/// When a destination came to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Before the first message of this process was accepted.
    First,
    /// With a reload. What was accepted before there were paths, for everybody, was not for it.
    Later,
}

/// Makes of each record what comes to one destination.
#[derive(Debug)]
pub(crate) struct Deliverer {
    view: View,
    destination: String,
    /// Where the destination stands in the plan; `None`: it is not in it.
    place: Option<usize>,
    copies: Copies,
    arrival: Arrival,
    changes: Changes,
    scratch: Scratch,
}

impl Deliverer {
    /// `plan` is the one that it comes with, which may not hold yet: by the time that it looks, a later one may hold that has
    /// nothing for it any more.
    pub(crate) fn new(
        plans: &Plans,
        plan: &Arc<Plan>,
        destination: &str,
        copies: Copies,
        arrival: Arrival,
    ) -> Self {
        let mut this = Self {
            view: View { plan: Arc::clone(plan), ..plans.view() },
            destination: destination.to_owned(),
            place: None,
            copies,
            arrival,
            changes: Changes::default(),
            scratch: Scratch::default(),
        };
        this.settle_in();
        this
    }

    fn settle_in(&mut self) {
        self.place = self.view.plan.destinations.iter().position(|id| *id == self.destination);
        self.scratch = Scratch::default();
    }

    /// A batch begins: a new configuration holds from here on. But a destination that is not in it any more goes on by the one
    /// that it was in, until it is ended: what was accepted for it is delivered.
    pub(crate) fn begin(&mut self) {
        let Some(before) = self.view.look() else { return };
        if self.place.is_some() && !self.view.plan.destinations.contains(&self.destination) {
            self.view.plan = before;
        } else {
            self.settle_in();
        }
    }

    /// Hands over what the record is at this destination, a copy for each path that brings it here.
    #[inline]
    pub(crate) fn deliver(&mut self, record: Record<'_>, mut take: impl FnMut(&Event<'_>)) -> Came {
        let Some(place) = self.place else { return Came::PassedBy };
        let mut event = Event::new(record, &mut self.changes);
        let Some(routes) = &self.view.plan.routes else {
            take(&event);
            return Came::Here;
        };
        if self.arrival == Arrival::Later && record.ways() == EVERY_WAY && routes.have_paths() {
            return Came::PassedBy;
        }
        let mut came = Came::PassedBy;
        for delivery in routes.deliveries(place, record.ways()) {
            if came == Came::Here {
                if self.copies == Copies::One {
                    break;
                }
                event.revert();
            }
            routes.tag(&mut event);
            routes.replay(delivery, &mut event, &mut self.scratch);
            take(&event);
            came = Came::Here;
        }
        came
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::record::tests::record_of;

    #[test]
    fn a_destination_that_comes_and_goes_before_it_looked_gets_what_was_accepted_for_it() {
        let plan = |destinations: &[&str]| {
            Arc::new(Plan {
                routes: None,
                sources: Vec::new(),
                destinations: destinations.iter().map(|&id| id.to_owned()).collect(),
                paths: Vec::new(),
            })
        };
        let plans = Plans::new(plan(&["other"]));
        let coming = plan(&["other", "brief"]);
        let mut brief = Deliverer::new(&plans, &coming, "brief", Copies::EachPath, Arrival::Later);
        plans.replace(coming);
        plans.replace(plan(&["other"]));
        brief.begin();
        let bytes = record_of(b"<13>1 - h a - - - x");
        assert_eq!(brief.deliver(Record::read(&bytes).unwrap(), |_| {}), Came::Here);
    }
}
