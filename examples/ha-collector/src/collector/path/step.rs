//! The steps of a path, compiled, and how an event goes through them.

use std::sync::Arc;

use super::Scratch;
use super::filter::Filter;
use super::parse::{KnownNames, Parse};
use super::rewrite::Rewrite;
use crate::collector::event::{Event, Names, TooMany};
use crate::config::path::{OnFailure, Step as Configured};

/// What an event goes through them for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// To learn whether it reaches the end.
    Route,
    /// To be changed; that it reaches the end is known.
    Replay,
}

/// How an event came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    ReachedTheEnd,
    Left,
}

/// Steps, in the order that they are done in.
#[derive(Debug)]
pub(super) struct Steps {
    all: Vec<Step>,
    /// So many of them say whether an event reaches the end: behind the last one that it can leave at, it is only changed.
    deciding: usize,
}

#[derive(Debug)]
enum Step {
    Filter(Filter),
    Parse(Parse),
    Rewrite(Rewrite),
    Junction { branches: Vec<(Filter, Steps)>, otherwise: Steps },
}

impl Steps {
    /// `patterns` counts those that need room in a [`Scratch`].
    pub(super) fn compile(
        steps: &[Configured],
        names: &mut Names,
        patterns: &mut usize,
    ) -> Result<Self, TooMany> {
        let mut compiled = Vec::new();
        for step in steps {
            compiled.push(match step {
                Configured::Filter(filter) => Step::Filter(Filter::compile(filter, names)?),
                Configured::Parse(parse) => Step::Parse(Parse::compile(parse, names, patterns)?),
                Configured::Rewrite(rewrite) => Step::Rewrite(Rewrite::compile(rewrite, names, patterns)?),
                Configured::Use(steps) => {
                    compiled.append(&mut Self::compile(steps, names, patterns)?.all);
                    continue;
                }
                Configured::Junction { branches, otherwise } => {
                    let branches = branches.iter().map(|(when, steps)| {
                        Ok((Filter::compile(when, names)?, Self::compile(steps, names, patterns)?))
                    });
                    let branches = branches.collect::<Result<_, TooMany>>()?;
                    Step::Junction { branches, otherwise: Self::compile(otherwise, names, patterns)? }
                }
            });
        }
        let deciding = compiled.iter().rposition(Step::can_be_left_at).map_or(0, |last| last + 1);
        Ok(Self { all: compiled, deciding })
    }

    /// Tells parsers which names are fields.
    pub(super) fn know(&mut self, names: &Arc<KnownNames>) {
        for step in &mut self.all {
            match step {
                Step::Parse(parse) => parse.know(names),
                Step::Junction { branches, otherwise } => {
                    branches.iter_mut().for_each(|(_, steps)| steps.know(names));
                    otherwise.know(names);
                }
                Step::Filter(_) | Step::Rewrite(_) => {}
            }
        }
    }

    /// Whether an event may be another one behind them.
    pub(super) fn change_something(&self) -> bool {
        self.all.iter().any(|step| match step {
            Step::Filter(_) => false,
            Step::Parse(_) | Step::Rewrite(_) => true,
            Step::Junction { branches, otherwise } => {
                branches.iter().any(|(_, steps)| steps.change_something()) || otherwise.change_something()
            }
        })
    }

    /// Whether an event reaches the end. What comes of it there is not always known then.
    pub(super) fn decide(&self, event: &mut Event<'_>, scratch: &mut Scratch) -> Outcome {
        do_steps(self.all.get(..self.deciding).unwrap_or_default(), event, scratch, Pass::Route)
    }

    pub(super) fn run(&self, event: &mut Event<'_>, scratch: &mut Scratch, pass: Pass) -> Outcome {
        do_steps(&self.all, event, scratch, pass)
    }
}

impl Step {
    /// Whether there are events that do not come to the next step.
    fn can_be_left_at(&self) -> bool {
        match self {
            Self::Filter(_) => true,
            Self::Parse(parse) => parse.on_failure() == OnFailure::LeavePath,
            Self::Rewrite(_) => false,
            Self::Junction { branches, otherwise } => {
                branches.iter().any(|(_, steps)| steps.deciding > 0) || otherwise.deciding > 0
            }
        }
    }
}

fn do_steps(steps: &[Step], event: &mut Event<'_>, scratch: &mut Scratch, pass: Pass) -> Outcome {
    for step in steps {
        let outcome = match step {
            Step::Filter(_) if pass == Pass::Replay => Outcome::ReachedTheEnd,
            Step::Filter(filter) if filter.accepts(event, scratch) => Outcome::ReachedTheEnd,
            Step::Filter(_) => Outcome::Left,
            Step::Parse(parse) => parse.run(event, scratch),
            Step::Rewrite(rewrite) => {
                rewrite.run(event, scratch);
                Outcome::ReachedTheEnd
            }
            Step::Junction { branches, otherwise } => {
                let branch = branches.iter().find(|(when, _)| when.accepts(event, scratch));
                branch.map_or(otherwise, |(_, steps)| steps).run(event, scratch, pass)
            }
        };
        if outcome == Outcome::Left && pass == Pass::Route {
            return Outcome::Left;
        }
    }
    Outcome::ReachedTheEnd
}

impl From<OnFailure> for Outcome {
    fn from(on_failure: OnFailure) -> Self {
        match on_failure {
            OnFailure::LeavePath => Self::Left,
            OnFailure::GoOn => Self::ReachedTheEnd,
        }
    }
}
