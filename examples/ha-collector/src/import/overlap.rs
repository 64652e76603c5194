//! Which messages go along a path, as far as facility and level say: where two paths may take the same message to the
//! same place.

use std::collections::HashMap;

use super::filter::Expr;
use super::pipeline::{Pipeline, Route, Step};
use super::priority::Priorities;

/// What a condition may hold for, at most.
#[derive(Clone, Copy, Debug)]
struct Reach {
    most: Priorities,
    exactly: Exactly,
}

/// Whether it holds for all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exactly {
    Yes,
    No,
}

/// Two paths that write the same message to the same destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Twice<'p> {
    pub(super) first: &'p Route,
    pub(super) second: &'p Route,
    pub(super) destination: &'p str,
    /// A message that goes along both, such as `auth.err`.
    pub(super) example: String,
    pub(super) certain: Certain,
}

/// Whether the example certainly goes along both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certain {
    Yes,
    /// There are conditions that are about more than facility and level.
    No,
}

/// Conditions looked at for one path, and how deep they are looked into: names that go around in a circle, or double at
/// each step, end here.
const MOST_LOOKED_AT: usize = 10_000;
const DEEPEST: usize = 100;

/// What may still be looked at.
#[derive(Clone, Copy, Debug)]
struct Left {
    looks: usize,
    depth: usize,
}

/// Every pair, once a destination.
pub(super) fn twice(pipeline: &Pipeline) -> Vec<Twice<'_>> {
    let named: HashMap<&str, &Expr> =
        pipeline.filters.iter().map(|filter| (filter.name.as_str(), &filter.expr)).collect();
    let reaches: Vec<Reach> = pipeline.paths.iter().map(|path| along(path, &named)).collect();
    let mut found = Vec::new();
    for (n, (first, reach)) in pipeline.paths.iter().zip(&reaches).enumerate() {
        if first.flags.contains(&"final") || first.flags.contains(&"fallback") {
            continue;
        }
        for (second, other) in pipeline.paths.iter().zip(&reaches).skip(n + 1) {
            if second.flags.contains(&"fallback") || !share(first, second) {
                continue;
            }
            let Some(example) = reach.most.and(other.most).example() else { continue };
            let exactly = reach.exactly == Exactly::Yes && other.exactly == Exactly::Yes;
            let certain = if exactly { Certain::Yes } else { Certain::No };
            for destination in &first.destinations {
                if second.destinations.contains(destination) {
                    found.push(Twice { first, second, destination, example: example.clone(), certain });
                }
            }
            if found.len() > MOST {
                return found;
            }
        }
    }
    found
}

/// Whoever has more has understood.
const MOST: usize = 1_000;

fn share(first: &Route, second: &Route) -> bool {
    let all = |route: &Route| route.sources.is_empty() || route.flags.contains(&"catchall");
    all(first) || all(second) || first.sources.iter().any(|source| second.sources.contains(source))
}

/// What gets to the end of a path.
fn along(path: &Route, named: &HashMap<&str, &Expr>) -> Reach {
    let mut left = Left { looks: MOST_LOOKED_AT, depth: DEEPEST };
    let mut reach = Reach { most: Priorities::ALL, exactly: Exactly::Yes };
    for step in &path.steps {
        let next = match step {
            Step::Filter(expr, _) => of(expr, named, &mut left),
            // A rewrite may change what the next filter sees, an `if` may lose messages.
            Step::Use(..) | Step::Inline(..) | Step::If { .. } => {
                Reach { most: Priorities::ALL, exactly: Exactly::No }
            }
        };
        reach = both(reach, next);
    }
    reach
}

fn both(a: Reach, b: Reach) -> Reach {
    let exactly =
        if a.exactly == Exactly::Yes && b.exactly == Exactly::Yes { Exactly::Yes } else { Exactly::No };
    Reach { most: a.most.and(b.most), exactly }
}

fn of(expr: &Expr, named: &HashMap<&str, &Expr>, left: &mut Left) -> Reach {
    let unknown = Reach { most: Priorities::ALL, exactly: Exactly::No };
    let (Some(looks), Some(depth)) = (left.looks.checked_sub(1), left.depth.checked_sub(1)) else {
        return unknown;
    };
    *left = Left { looks, depth };
    let reach = within(expr, named, left);
    left.depth += 1;
    reach
}

fn within(expr: &Expr, named: &HashMap<&str, &Expr>, left: &mut Left) -> Reach {
    let exactly = |most| Reach { most, exactly: Exactly::Yes };
    let unknown = Reach { most: Priorities::ALL, exactly: Exactly::No };
    let mut of = |expr: &Expr| of(expr, named, left);
    match expr {
        Expr::And(terms) => terms.iter().map(&mut of).fold(exactly(Priorities::ALL), both),
        Expr::Or(terms) => terms.iter().map(&mut of).fold(exactly(Priorities::NONE), |a, b| {
            let both = both(a, b);
            Reach { most: a.most.or(b.most), ..both }
        }),
        Expr::Not(inner) => match of(inner) {
            Reach { most, exactly: Exactly::Yes } => exactly(most.not()),
            Reach { .. } => unknown,
        },
        Expr::Facility(spans) => {
            exactly(Priorities::of_facilities(|n| spans.iter().any(|(from, to)| (*from..=*to).contains(&n))))
        }
        Expr::Level(spans) => {
            exactly(Priorities::of_levels(|n| spans.iter().any(|(from, to)| (*from..=*to).contains(&n))))
        }
        Expr::Named(name) => named.get(name.as_str()).map_or(unknown, |expr| of(expr)),
        Expr::Text(_) => unknown,
    }
}
