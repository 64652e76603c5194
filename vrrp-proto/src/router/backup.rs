//! Watching the Active Router (RFC 9568 §6.4.2).

use core::time::Duration;

use super::{Actions, Mode, Preempt, Reason, Router, Sighting};
use crate::{Instant, Priority, Versions};

#[derive(Clone, Debug)]
pub(super) struct Backup {
    /// Active_Down_Timer.
    pub(super) down_at: Instant,
    /// The last advertisement that was obeyed.
    pub(super) last: Option<Sighting>,
    /// The last that was not, since then.
    lower: Option<Sighting>,
    /// The first release since then.
    released: Option<Sighting>,
    /// Since when only lower ones were heard: the beginning of the preempt delay.
    lower_since: Option<Instant>,
    /// Whether the timer was prolonged once because of a late wake-up.
    patience: Patience,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    Left,
    Used,
}

impl Backup {
    pub(super) const fn new(down_at: Instant) -> Self {
        Self { down_at, last: None, lower: None, released: None, lower_since: None, patience: Patience::Left }
    }
}

impl Router {
    /// Follows the sender of what was heard from now on.
    pub(super) fn become_backup(&mut self, active: Sighting, reason: Reason, now: Instant) {
        self.learn(&active);
        let mut backup = Backup::new(active.at + self.down_interval());
        backup.last = Some(active);
        self.enter(Mode::Backup(backup), reason, now);
    }

    /// VRRPv2 waits by its own interval (RFC 3768 §6.1), everybody else by the Active Router's.
    fn learn(&mut self, active: &Sighting) {
        self.learned = match self.config.versions {
            Versions::V2 => self.config.interval,
            Versions::V3 | Versions::Both => active.interval,
        };
    }

    pub(super) fn heard_as_backup(&mut self, heard: Sighting) {
        let own = self.priority();
        let preempt = self.preempt();
        let skew = self.skew();
        let Mode::Backup(backup) = &mut self.mode else { return };
        if heard.priority == Priority::RELEASE {
            let at = heard.at + skew;
            // Said again, it does not put off who waits already.
            backup.down_at = if backup.released.is_some() { backup.down_at.min(at) } else { at };
            let by = *backup.released.get_or_insert(heard);
            backup.lower_since = None;
            self.reason = Reason::Released { by };
            return;
        }
        let reason = if heard.priority >= own {
            backup.lower_since = None;
            Reason::Outranked { active: heard, own }
        } else {
            match preempt {
                Preempt::Never => Reason::NotPreempting { active: heard, own },
                Preempt::After(delay) => {
                    let from = *backup.lower_since.get_or_insert(heard.at) + delay;
                    if heard.at < from {
                        Reason::PreemptsLater { active: heard, own, from }
                    } else {
                        Reason::Preempting { active: heard, own }
                    }
                }
                Preempt::Always => Reason::Preempting { active: heard, own },
            }
        };
        self.reason = reason;
        if let Reason::Preempting { .. } = reason {
            // Discarded: no timer moves and nothing is learned (§6.4.2).
            backup.lower = Some(heard);
            return;
        }
        backup.last = Some(heard);
        backup.lower = None;
        backup.released = None;
        backup.patience = Patience::Left;
        self.learn(&heard);
        let down_at = heard.at + self.down_interval();
        if let Mode::Backup(backup) = &mut self.mode {
            backup.down_at = down_at;
        }
    }

    pub(super) fn down_timer_expired(&mut self, now: Instant, actions: &mut Actions) {
        let own = self.priority();
        let one_more = self.learned.to_duration().saturating_add(self.skew());
        let interval = self.learned.to_duration();
        let Mode::Backup(backup) = &mut self.mode else { return };
        let late = now.saturating_since(backup.down_at);
        if late > interval && backup.patience == Patience::Left {
            backup.patience = Patience::Used;
            backup.down_at = now + one_more;
            self.notes.stalls += 1;
            self.reason = Reason::Stalled { late };
            return;
        }
        let reason = match (backup.lower, backup.released, backup.last) {
            (Some(active), _, _) => Reason::Preempted { active, own },
            (None, Some(from), _) => Reason::TookOver { from },
            (None, None, last) => {
                Reason::Silence { last, after: now.saturating_since(last.map_or(self.since, |last| last.at)) }
            }
        };
        self.become_active(reason, now, actions);
    }

    /// The down interval changed by as much as the skew: so does what is left of it.
    pub(super) fn shift(&mut self, skew_before: Duration, now: Instant) {
        let skew = self.skew();
        let Mode::Backup(backup) = &mut self.mode else { return };
        let down_at = if skew >= skew_before {
            backup.down_at + (skew - skew_before)
        } else {
            let earlier = u64::try_from((skew_before - skew).as_nanos()).unwrap_or(u64::MAX);
            Instant::from_nanoseconds(backup.down_at.nanoseconds().saturating_sub(earlier))
        };
        // One that is overdue stays so: how late it is must not be forgotten.
        if backup.down_at > now {
            backup.down_at = down_at.max(now);
        }
    }

    pub(super) fn promote(&mut self, now: Instant, actions: &mut Actions) {
        match &self.mode {
            Mode::Backup(backup) => {
                let better = backup.last.filter(|last| self.outranked_by(last));
                if better.is_none() || backup.released.is_some() {
                    self.become_active(Reason::Promoted, now, actions);
                }
            }
            Mode::Active(_) => self.insist(now, actions),
            Mode::Initialize { .. } | Mode::Fault => {}
        }
    }
}
