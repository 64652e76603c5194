//! Holding the addresses, and handing them over (RFC 9568 §6.4.3).

use core::time::Duration;

use super::{
    Actions, Mode, OnBetter, OnDemotion, OnLosing, Preempt, Reason, Router, Sighting, Willing,
    active_down_interval,
};
use crate::{Instant, Priority};

/// How many advertisements a router sends out of turn, within one interval, to answer others.
const ANSWERS: u8 = 4;

#[derive(Clone, Debug)]
pub(super) struct Active {
    /// When it last advertised its priority.
    advertised_at: Instant,
    /// How many answers are left until the next advertisement in turn.
    answers: u8,
    duty: Duty,
}

/// What the time is for.
#[derive(Clone, Copy, Debug)]
enum Duty {
    /// Adver_Timer.
    Advertise { at: Instant },
    /// Everybody was asked who is better, the router itself among them: it answers after its skew.
    Demoted { asked: Instant, answer_at: Instant },
    /// Everybody was asked to take over: asked again every interval, given up in the end.
    Yield { ask_at: Instant, give_up_at: Instant },
    /// Somebody did.
    HandOver { to: Sighting, let_go_at: Instant },
    /// It was silent for too long and listens whether somebody took over.
    Recheck { until: Instant, silent: Duration },
}

impl Active {
    pub(super) fn deadline(&self) -> Instant {
        match self.duty {
            Duty::Advertise { at } => at,
            Duty::Demoted { answer_at, .. } => answer_at,
            Duty::Yield { ask_at, give_up_at } => ask_at.min(give_up_at),
            Duty::HandOver { let_go_at, .. } => let_go_at,
            Duty::Recheck { until, .. } => until,
        }
    }
}

impl Router {
    pub(super) fn become_active(&mut self, reason: Reason, now: Instant, actions: &mut Actions) {
        self.learned = self.config.interval;
        self.notes.became_active += 1;
        self.announcements = self.announcements.wrapping_add(1);
        self.go_on(reason, now, actions);
    }

    /// Advertises now, and in turn from now on.
    fn go_on(&mut self, reason: Reason, now: Instant, actions: &mut Actions) {
        self.advertise(self.priority(), actions);
        let duty = Duty::Advertise { at: now + self.config.interval.to_duration() };
        let active = Active { advertised_at: now, answers: ANSWERS, duty };
        self.enter(Mode::Active(active), reason, now);
    }

    fn set_duty(&mut self, duty: Duty, reason: Reason) {
        if let Mode::Active(active) = &mut self.mode {
            active.duty = duty;
        }
        self.reason = reason;
    }

    pub(super) fn duty_is_due(&mut self, now: Instant, actions: &mut Actions) {
        let interval = self.config.interval.to_duration();
        let replaced_after = self.replaced_after();
        let Mode::Active(active) = &mut self.mode else { return };
        match active.duty {
            Duty::Advertise { at } => {
                let silent = now.saturating_since(active.advertised_at);
                if replaced_after.is_some_and(|after| silent >= after) {
                    self.notes.stalls += 1;
                    let until = now + interval.saturating_add(self.skew());
                    return self.set_duty(Duty::Recheck { until, silent }, Reason::Rechecking { silent });
                }
                active.advertised_at = now;
                active.answers = ANSWERS;
                // In turn, so that late wake-ups do not add up.
                let next = at + interval;
                let at = if next > now { next } else { now + interval };
                active.duty = Duty::Advertise { at };
                self.advertise(self.priority(), actions);
            }
            Duty::Demoted { .. } => {
                self.go_on(Reason::StillBest { own: self.priority() }, now, actions);
            }
            Duty::Yield { give_up_at, .. } if now >= give_up_at => {
                self.go_on(Reason::NobodyElse, now, actions);
            }
            Duty::Yield { give_up_at, .. } => {
                active.duty = Duty::Yield { ask_at: now + interval, give_up_at };
                self.advertise(Priority::RELEASE, actions);
            }
            Duty::HandOver { to, .. } => {
                self.become_backup(to, Reason::HandedOver { to }, now);
                if self.deadline().is_some_and(|down_at| down_at <= now) {
                    self.become_active(Reason::SuccessorSilent { successor: to }, now, actions);
                }
            }
            Duty::Recheck { silent, .. } => self.go_on(Reason::StillAlone { silent }, now, actions),
        }
    }

    /// After how much silence of this router a Backup may have taken over; `None` where it would be preempted anyway.
    fn replaced_after(&self) -> Option<Duration> {
        let adverts = self.config.down_timer_adverts;
        match self.preempt() {
            Preempt::Always => None,
            Preempt::After(_) | Preempt::Never => {
                // The quickest is the one with the highest priority that is no owner's.
                Some(active_down_interval(Priority::new(254), self.config.interval, adverts))
            }
        }
    }

    pub(super) fn heard_as_active(&mut self, heard: Sighting, actions: &mut Actions) {
        let Mode::Active(active) = &self.mode else { return };
        let (now, duty, advertised_at) = (heard.at, active.duty, active.advertised_at);
        let release = heard.priority == Priority::RELEASE;
        let own_words = heard.source == self.address;
        match duty {
            Duty::Advertise { .. } => {
                let silent = now.saturating_since(advertised_at);
                let replaced = self.replaced_after().is_some_and(|after| silent >= after);
                if replaced && !release && !own_words {
                    self.notes.stalls += 1;
                    self.become_backup(heard, Reason::ReplacedWhileStalled { by: heard, silent }, now);
                } else {
                    self.heard_in_turn(heard, actions);
                }
            }
            // Looped, what it said before it gave way: no successor.
            Duty::HandOver { .. } | Duty::Yield { .. } | Duty::Demoted { .. } | Duty::Recheck { .. }
                if own_words => {}
            Duty::HandOver { to, .. } if release => {
                if heard.source == to.source {
                    self.wait_for_successor(now);
                }
            }
            Duty::HandOver { to, let_go_at } => {
                if heard.source == to.source || heard.priority > to.priority {
                    let duty = Duty::HandOver { to: heard, let_go_at };
                    self.set_duty(duty, Reason::HandingOver { to: heard });
                }
            }
            // Somebody else lets go as well.
            Duty::Yield { .. } | Duty::Demoted { .. } if release => {}
            Duty::Yield { .. } => self.hand_over(heard),
            Duty::Demoted { .. } if self.outranked_by(&heard) => self.hand_over(heard),
            Duty::Demoted { .. } => {
                self.notes.losing += 1;
                self.announcements = self.announcements.wrapping_add(1);
                self.go_on(Reason::StillBest { own: self.priority() }, now, actions);
            }
            Duty::Recheck { silent, .. } if release => {
                self.announcements = self.announcements.wrapping_add(1);
                self.go_on(Reason::StillAlone { silent }, now, actions);
            }
            Duty::Recheck { silent, .. } => {
                self.become_backup(heard, Reason::ReplacedWhileStalled { by: heard, silent }, now);
            }
        }
    }

    /// §6.4.3, as it stands there.
    fn heard_in_turn(&mut self, heard: Sighting, actions: &mut Actions) {
        let now = heard.at;
        let own = self.priority();
        if heard.priority == Priority::RELEASE {
            if self.answer(actions) {
                let at = now + self.config.interval.to_duration();
                self.set_duty(Duty::Advertise { at }, self.reason);
            }
        } else if self.outranked_by(&heard) {
            if self.config.better == OnBetter::AdvertiseOnce {
                self.advertise(own, actions);
            }
            self.become_backup(heard, Reason::Outranked { active: heard, own }, now);
        } else if (heard.priority, heard.source) == (own, self.address) {
            // Its own words, looped: an answer would come back as well.
        } else {
            self.notes.losing += 1;
            match self.config.losing {
                OnLosing::Advertise => _ = self.answer(actions),
                OnLosing::KeepSilent => self.announcements = self.announcements.wrapping_add(1),
            }
        }
    }

    /// Advertises out of turn, unless that was done too often: two that both think that they win must not answer each
    /// other for ever.
    fn answer(&mut self, actions: &mut Actions) -> bool {
        let now = self.now;
        let Mode::Active(active) = &mut self.mode else { return false };
        let Some(left) = active.answers.checked_sub(1) else { return false };
        active.answers = left;
        active.advertised_at = now;
        self.announcements = self.announcements.wrapping_add(1);
        self.advertise(self.priority(), actions);
        true
    }

    pub(super) fn give_way(&mut self, now: Instant, actions: &mut Actions) {
        if self.willing == Willing::LastOfAll {
            return;
        }
        let skew_before = self.skew();
        self.willing = Willing::LastOfAll;
        match &self.mode {
            Mode::Backup(_) => self.shift(skew_before, now),
            Mode::Active(Active { duty: Duty::HandOver { .. }, .. }) => {}
            Mode::Active(_) => {
                self.advertise(Priority::RELEASE, actions);
                self.wait_for_successor(now);
            }
            Mode::Initialize { .. } | Mode::Fault => {}
        }
    }

    /// Who asked to be relieved keeps the addresses and listens.
    fn wait_for_successor(&mut self, now: Instant) {
        match self.willing {
            Willing::LastOfAll => {
                let ask_at = now + self.config.interval.to_duration();
                let give_up_at = now + self.down_interval();
                self.set_duty(Duty::Yield { ask_at, give_up_at }, Reason::Yielding);
            }
            Willing::AsConfigured => {
                let duty = Duty::Demoted { asked: now, answer_at: now + self.skew() };
                self.set_duty(duty, Reason::Demoted { own: self.priority() });
            }
        }
    }

    fn hand_over(&mut self, heard: Sighting) {
        let duty = Duty::HandOver { to: heard, let_go_at: heard.at + self.config.grace };
        self.set_duty(duty, Reason::HandingOver { to: heard });
    }

    pub(super) fn priority_changed_while_active(
        &mut self,
        before: Priority,
        now: Instant,
        actions: &mut Actions,
    ) {
        let own = self.priority();
        let Mode::Active(active) = &self.mode else { return };
        match active.duty {
            Duty::Advertise { .. } if own < before && self.config.demoted == OnDemotion::HandOver => {
                self.advertise(Priority::RELEASE, actions);
                self.wait_for_successor(now);
            }
            Duty::Demoted { asked, .. } if own != before => {
                let answer_at = (asked + self.skew()).max(now);
                self.set_duty(Duty::Demoted { asked, answer_at }, Reason::Demoted { own });
            }
            Duty::Advertise { .. }
            | Duty::Demoted { .. }
            | Duty::Yield { .. }
            | Duty::HandOver { .. }
            | Duty::Recheck { .. } => {}
        }
    }

    /// Advertising in turn at once, where nobody better has taken over.
    pub(super) fn insist(&mut self, now: Instant, actions: &mut Actions) {
        let Mode::Active(active) = &self.mode else { return };
        match active.duty {
            Duty::HandOver { to, .. } if self.outranked_by(&to) => {}
            Duty::Advertise { .. } => {}
            Duty::HandOver { .. } | Duty::Yield { .. } | Duty::Demoted { .. } | Duty::Recheck { .. } => {
                self.go_on(Reason::Promoted, now, actions);
            }
        }
    }

    /// The same where the router was asked to give way.
    pub(super) fn resume(&mut self, now: Instant, actions: &mut Actions) {
        let Mode::Active(active) = &self.mode else { return };
        match active.duty {
            Duty::HandOver { to, .. } if self.outranked_by(&to) => {}
            Duty::HandOver { .. } | Duty::Yield { .. } => self.go_on(Reason::Resumed, now, actions),
            Duty::Advertise { .. } | Duty::Demoted { .. } | Duty::Recheck { .. } => {}
        }
    }

    /// Tells the link from which address this router now speaks.
    pub(super) fn show_address(&mut self, now: Instant, actions: &mut Actions) {
        let Mode::Active(active) = &mut self.mode else { return };
        if let Duty::Advertise { .. } = active.duty {
            active.duty = Duty::Advertise { at: now + self.config.interval.to_duration() };
            active.advertised_at = now;
            self.advertise(self.priority(), actions);
        }
    }
}
