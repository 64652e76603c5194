//! Which messages can come along a path at all, as far as that can be told without one: to warn of paths that never see a
//! message, and of messages that come to a destination twice.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use super::filter::Expression;
use super::read::Ends;
use super::{Afterwards, Offered, OnFailure, Path, Step};
use crate::config::diagnostic::{Diagnostic, Text};

/// Warns of what will surprise. `places` is where the ids of the paths stand.
pub(super) fn warnings(
    paths: &[Path],
    places: &[(Arc<Text>, Range<usize>)],
    ends: Ends<'_>,
) -> Vec<Diagnostic> {
    let lanes: Vec<Lane<'_>> =
        paths.iter().map(|path| Lane { path, reach: Reach::of(&path.steps) }).collect();
    let mut warnings = Vec::new();
    // One is enough for each: of many paths all pairs would be more than anybody reads.
    let mut warned = HashSet::new();
    for ((n, lane), (text, place)) in lanes.iter().enumerate().zip(places) {
        let (before, after) = (lanes.get(..n).unwrap_or_default(), lanes.get(n + 1..).unwrap_or_default());
        // What a message is offered to earlier; fallbacks come last.
        let same = before.iter().filter(|other| other.path.offered == lane.path.offered);
        let every = before
            .iter()
            .chain(after)
            .filter(|other| lane.path.offered == Offered::Untaken && other.path.offered == Offered::Every);
        let earlier: Vec<&Lane<'_>> = every.chain(same).collect();
        if let Some(first) = lane.hidden_behind(&earlier) {
            let never = Diagnostic::warning(format!("no message comes to the path `{}`", lane.path.id));
            let help = format!("`{}` takes all of them first", first.path.id);
            warnings.push(never.at(text, place.clone()).help(help));
            continue;
        }
        for other in earlier {
            if let Some(to) = lane.repeats(other, ends)
                && warned.insert(to)
            {
                let (first, second) = (&other.path.id, &lane.path.id);
                let twice = format!("a message can come to `{to}` twice, along `{first}` and `{second}`");
                let help = format!("`dedupe = true` on `{to}`, or `final` on `{first}`");
                warnings.push(Diagnostic::warning(twice).at(text, place.clone()).help(help));
            }
        }
    }
    warnings
}

/// A path and what comes along it.
#[derive(Debug)]
struct Lane<'p> {
    path: &'p Path,
    reach: Reach,
}

impl Lane<'_> {
    /// The first of these that leave nothing to this one.
    fn hidden_behind<'l>(&self, earlier: &[&'l Self]) -> Option<&'l Self> {
        let hides = |source: &usize| {
            let mut others = earlier.iter();
            others.find(|other| {
                other.path.sources.contains(source) && other.reach.takes_all() && other.keeps_from(self)
            })
        };
        let hidden: Option<Vec<_>> = self.path.sources.iter().map(hides).collect();
        hidden?.first().map(|first| **first)
    }

    /// The destination that a message may come to along both of these.
    fn repeats<'e>(&self, earlier: &Self, ends: Ends<'e>) -> Option<&'e str> {
        let (this, that) = (self.path, earlier.path);
        let together = this.sources.iter().any(|source| that.sources.contains(source));
        if earlier.keeps_from(self) || !together || !self.reach.can_meet(&earlier.reach) {
            return None;
        }
        let mut shared = this.destinations.iter().filter(|to| that.destinations.contains(to));
        let twice = shared.find_map(|to| ends.destinations.get(*to).filter(|to| !ends.dedupe.contains(to)));
        twice.map(String::as_str)
    }

    /// Whether what this has taken never comes to `later`.
    fn keeps_from(&self, later: &Self) -> bool {
        let fallback = later.path.offered == Offered::Untaken && self.path.offered == Offered::Every;
        fallback || self.path.afterwards == Afterwards::NoOther
    }
}

/// The messages that reach the end of a path.
#[derive(Debug)]
struct Reach {
    priorities: Priorities,
    /// Filters with a name that they must pass, by where they lie; and that they must not.
    passed: HashSet<*const Expression>,
    refused: HashSet<*const Expression>,
}

impl Reach {
    fn of(steps: &[Step]) -> Self {
        let mut reach = Self { priorities: Priorities::ALL, passed: HashSet::new(), refused: HashSet::new() };
        reach.go(steps);
        reach
    }

    fn go(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Filter(filter) => {
                    self.priorities = self.priorities.and(Priorities::of(filter));
                    self.names(filter);
                }
                Step::Use(steps) => self.go(steps),
                Step::Parse(parse) if parse.on_failure == OnFailure::GoOn => {}
                // Whatever the branches do to a message, or with it.
                Step::Parse(_) | Step::Junction { .. } => self.priorities.surely = NONE,
                Step::Rewrite(_) => {}
            }
        }
    }

    /// The named filters that must say yes, or no.
    fn names(&mut self, filter: &Expression) {
        match filter {
            Expression::Named(named) => {
                self.passed.insert(Arc::as_ptr(named));
                self.names(named);
            }
            Expression::Not(inner) => {
                if let Expression::Named(named) = &**inner {
                    self.refused.insert(Arc::as_ptr(named));
                }
            }
            Expression::All(all) => all.iter().for_each(|filter| self.names(filter)),
            _ => {}
        }
    }

    /// Whether every message reaches the end.
    fn takes_all(&self) -> bool {
        self.priorities.surely == EVERY
    }

    /// Whether, as far as is known here, a message can reach the end of both.
    fn can_meet(&self, other: &Self) -> bool {
        let both = intersection(self.priorities.perhaps, other.priorities.perhaps);
        both != NONE && self.passed.is_disjoint(&other.refused) && self.refused.is_disjoint(&other.passed)
    }
}

/// A bit for each severity of each facility (RFC 5424 §6.2.1), and one for all that is neither.
type Set = [u64; 4];

const NONE: Set = [0; 4];
const EVERY: Set = [u64::MAX, u64::MAX, u64::MAX, 1];

/// What a filter says yes to, by priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Priorities {
    /// Yes is possible.
    perhaps: Set,
    /// No is not.
    surely: Set,
}

impl Priorities {
    const ALL: Self = Self { perhaps: EVERY, surely: EVERY };
    const UNKNOWN: Self = Self { perhaps: EVERY, surely: NONE };

    fn of(filter: &Expression) -> Self {
        match filter {
            Expression::Facility(bits) => Self::exactly(|priority| bits & (1 << (priority >> 3)) != 0),
            Expression::Level(bits) => Self::exactly(|priority| bits & (1 << (priority & 7)) != 0),
            Expression::Named(inner) => Self::of(inner),
            Expression::Not(inner) => {
                let inner = Self::of(inner);
                Self { perhaps: difference(inner.surely), surely: difference(inner.perhaps) }
            }
            Expression::All(all) => all.iter().map(Self::of).fold(Self::ALL, Self::and),
            Expression::Any(any) => {
                // Not any is all not.
                let not = |filter: &Expression| {
                    let of = Self::of(filter);
                    Self { perhaps: difference(of.surely), surely: difference(of.perhaps) }
                };
                let none = any.iter().map(not).fold(Self::ALL, Self::and);
                Self { perhaps: difference(none.surely), surely: difference(none.perhaps) }
            }
            _ => Self::UNKNOWN,
        }
    }

    fn exactly(accepts: impl Fn(u32) -> bool) -> Self {
        let mut set = NONE;
        for priority in (0..192_u32).filter(|priority| accepts(*priority)) {
            if let Some(word) = set.get_mut(priority as usize / 64) {
                *word |= 1 << (priority % 64);
            }
        }
        Self { perhaps: set, surely: set }
    }

    fn and(self, other: Self) -> Self {
        Self {
            perhaps: intersection(self.perhaps, other.perhaps),
            surely: intersection(self.surely, other.surely),
        }
    }
}

fn intersection(a: Set, b: Set) -> Set {
    let mut both = a;
    both.iter_mut().zip(b).for_each(|(a, b)| *a &= b);
    both
}

/// Everything else.
fn difference(a: Set) -> Set {
    let mut others = EVERY;
    others.iter_mut().zip(a).for_each(|(other, a)| *other &= !a);
    others
}
