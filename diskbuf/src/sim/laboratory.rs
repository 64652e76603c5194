//! [`Laboratory`]: random histories of a queue, a crash at every call, several pictures of each crash, and what must
//! hold in all of them. What a history does is `history`, what is known of it `oracle`, what is checked `check`, and what is done
//! between two crashes `life`.

mod check;
mod history;
mod life;
mod oracle;
mod planted;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use planted::Bug;

use super::rng::Rng;

/// Crashes queues. The same seed does the same again.
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing happens until `run`"]
pub struct Laboratory {
    seed: u64,
    points: u64,
    bug: Option<Bug>,
}

/// What a laboratory has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Report {
    /// Histories begun.
    pub histories: u64,
    /// Calls before which there was a crash.
    pub calls: u64,
    /// Crash points: disks opened after a crash and checked.
    pub points: u64,
    /// Those of them that had crashed before: once or more often, while being opened or soon after.
    pub again: u64,
}

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Of the history: see [`Laboratory::replay`].
    pub history: u64,
    /// What is wrong, and after which crash.
    pub what: String,
    /// Crash points before this one.
    pub points: u64,
}

impl Laboratory {
    /// A laboratory that stops after `points` crash points.
    pub const fn new(seed: u64, points: u64) -> Self {
        Self { seed, points, bug: None }
    }

    /// Breaks the queue first, to see that it is noticed.
    pub const fn plant(mut self, bug: Bug) -> Self {
        self.bug = Some(bug);
        self
    }

    /// Runs histories until there were enough crash points.
    ///
    /// # Errors
    /// The first promise that was broken.
    pub fn run(self) -> Result<Report, Finding> {
        let mut seeds = Rng::new(self.seed);
        let mut report = Report::default();
        while report.points < self.points {
            self.one(seeds.word(), &mut report)?;
        }
        Ok(report)
    }

    /// Runs one history, in full.
    ///
    /// # Errors
    /// The first promise that was broken.
    pub fn replay(self, history: u64) -> Result<Report, Finding> {
        let mut report = Report::default();
        self.one(history, &mut report)?;
        Ok(report)
    }

    fn one(self, history: u64, report: &mut Report) -> Result<(), Finding> {
        let before = report.points;
        report.histories += 1;
        let done = catch_unwind(AssertUnwindSafe(|| history::run(history, self.bug, report)));
        let what = match done {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(what)) => what,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                format!("a panic: {}", text.unwrap_or_default())
            }
        };
        Err(Finding { history, what, points: report.points.max(before) })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { history, what, points } = self;
        write!(f, "history {history:#x}, after {points} crash points: {what}")
    }
}

impl std::error::Error for Finding {}
