//! One address of a schedule: where it stands in its burst, and when it speaks next.

use crate::random::part;
use crate::settings::{Pattern, Settings, Step};
use crate::{Message, Percent};
use std::net::IpAddr;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) address: IpAddr,
    pub(super) burst: Burst,
    /// The next message of the burst; `None` when it is over and there is no refresh.
    pub(super) due: Option<Instant>,
    /// An answer to a conflict that is owed, beside the burst.
    pub(super) defence: Option<Instant>,
    pub(super) defended: Option<Instant>,
    /// When the burst began.
    pub(super) began: Option<Instant>,
    place: Place,
    /// How the last message left things behind it, for when it did not go out.
    undo: Option<Undo>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Burst {
    Takeover,
    LowerPriority,
    Refresh,
}

/// Which message of the burst comes next, and how many have been sent: what orders addresses before repeats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    step: usize,
    time: u32,
    sent: u32,
}

#[derive(Clone, Copy, Debug)]
enum Undo {
    Burst(Burst, Place),
    Defence,
}

impl Entry {
    pub(super) fn new(address: IpAddr) -> Self {
        let (burst, place) = (Burst::Takeover, Place::default());
        Self { address, burst, due: None, defence: None, defended: None, began: None, place, undo: None }
    }

    /// From the first step of `burst`, as if `sent` messages had been sent.
    pub(super) fn begin(&mut self, burst: Burst, sent: u32, settings: &Settings, now: Instant) {
        self.undo = None;
        self.began = Some(now);
        match self.first_step(burst, 0, settings) {
            Some((step, after)) => {
                (self.burst, self.place) = (burst, Place { step, time: 0, sent });
                self.due = now.checked_add(after);
                // The burst's first message is an answer, too.
                self.defence = None;
            }
            // Nothing to send in such a burst: what is under way goes on, what is not begins with the refresh.
            None if self.due.is_none() => self.rest(settings, now, &mut 0),
            None => {}
        }
    }

    /// Owes one message to who claims the address, unless the first of a burst is about to go out anyway.
    pub(super) fn challenge(&mut self, now: Instant) {
        self.defended = Some(now);
        if self.place.sent > 0 || self.due.is_none_or(|due| due > now) {
            self.defence = Some(now);
        }
    }

    pub(super) fn wakes(&self) -> Option<Instant> {
        [self.due, self.defence].into_iter().flatten().min()
    }

    /// Messages since the burst began.
    pub(super) fn sent(&self) -> u32 {
        self.place.sent
    }

    /// Who speaks first of those that are due: the least repeated, then the longest waiting.
    pub(super) fn rank(&self, now: Instant) -> (u32, Option<Instant>) {
        match self.defence {
            Some(at) if at <= now => (self.place.sent.min(1), Some(at)),
            _ => (self.place.sent, self.due),
        }
    }

    /// The message that is due, and on to the next.
    pub(super) fn advance(&mut self, settings: &Settings, now: Instant, random: &mut u64) -> Option<Message> {
        if self.defence.is_some_and(|at| at <= now) {
            self.defence = None;
            self.undo = Some(Undo::Defence);
            return self.message(&settings.defence, 0, settings);
        }
        self.undo = Some(Undo::Burst(self.burst, self.place));
        let pattern = pattern(self.burst, settings)?;
        let message = self.message(pattern, self.place.step, settings);
        let times = self.times(pattern, self.place.step);
        let Place { step, time, sent } = self.place;
        let sent = sent.saturating_add(1);
        if time + 1 < times {
            self.place = Place { step, time: time + 1, sent };
            self.due = Some(now);
        } else if let Some((step, after)) = self.first_step(self.burst, step + 1, settings) {
            self.place = Place { step, time: 0, sent };
            self.due = now.checked_add(later(after, settings.jitter, random));
        } else {
            self.rest(settings, now, random);
        }
        message
    }

    /// The last message did not go out; asked again, neither did the one before.
    pub(super) fn put_back(&mut self, settings: &Settings, at: Instant) {
        match self.undo.take() {
            Some(Undo::Burst(burst, place)) => {
                (self.burst, self.place, self.due) = (burst, place, Some(at));
            }
            Some(Undo::Defence) => self.defence = Some(at),
            None => {
                if let Some(place) = self.before(settings) {
                    (self.place, self.due) = (place, Some(at));
                }
            }
        }
    }

    /// The place before this one in the burst.
    fn before(&self, settings: &Settings) -> Option<Place> {
        let Place { step, time, sent } = self.place;
        // A refresh is ranked behind everything, however often it is sent.
        let sent = if sent == u32::MAX { sent } else { sent.saturating_sub(1) };
        if time > 0 {
            return Some(Place { step, time: time - 1, sent });
        }
        let pattern = pattern(self.burst, settings)?;
        let step = (0..step).rev().find(|&step| self.times(pattern, step) > 0)?;
        Some(Place { step, time: self.times(pattern, step) - 1, sent })
    }

    /// The burst is over: the next refresh, if there is one.
    fn rest(&mut self, settings: &Settings, now: Instant, random: &mut u64) {
        self.due = settings.refresh.as_ref().and_then(|refresh| {
            let (step, after) = self.first_step(Burst::Refresh, 0, settings)?;
            (self.burst, self.place) = (Burst::Refresh, Place { step, time: 0, sent: u32::MAX });
            // Never twice in one instant, or whoever asks until nothing is due would ask for ever.
            let every = refresh.every.max(Duration::from_millis(1));
            now.checked_add(around(every, settings.jitter, random))?.checked_add(after)
        });
    }

    /// The first step from `from` on that sends anything, and how long after the message before.
    fn first_step(&self, burst: Burst, from: usize, settings: &Settings) -> Option<(usize, Duration)> {
        fn first<F>(steps: &[Step<F>], from: usize) -> Option<(usize, Duration)> {
            let mut after = Duration::ZERO;
            steps.iter().enumerate().skip(from).find_map(|(place, step)| {
                after = after.saturating_add(step.after);
                (step.times > 0).then_some((place, after))
            })
        }
        let pattern = pattern(burst, settings)?;
        match self.address {
            IpAddr::V4(_) => first(&pattern.arp, from),
            IpAddr::V6(_) => first(&pattern.ndp, from),
        }
    }

    fn times(&self, pattern: &Pattern, step: usize) -> u32 {
        match self.address {
            IpAddr::V4(_) => pattern.arp.get(step).map_or(0, |step| step.times),
            IpAddr::V6(_) => pattern.ndp.get(step).map_or(0, |step| step.times),
        }
    }

    fn message(&self, pattern: &Pattern, step: usize, settings: &Settings) -> Option<Message> {
        Some(match self.address {
            IpAddr::V4(address) => Message::Announcement { address, form: pattern.arp.get(step)?.form },
            IpAddr::V6(address) => {
                let audience = pattern.ndp.get(step)?.form;
                Message::Advertisement { address, audience, role: settings.role }
            }
        })
    }
}

fn pattern(burst: Burst, settings: &Settings) -> Option<&Pattern> {
    match burst {
        Burst::Takeover => Some(&settings.takeover),
        Burst::LowerPriority => Some(&settings.lower_priority),
        Burst::Refresh => settings.refresh.as_ref().map(|refresh| &refresh.pattern),
    }
}

/// Never early: a repeat at 1.1 s is there for receivers that are deaf for one.
fn later(after: Duration, jitter: Percent, random: &mut u64) -> Duration {
    after.saturating_add(part(jitter.of(after), random))
}

fn around(every: Duration, jitter: Percent, random: &mut u64) -> Duration {
    let most = jitter.of(every);
    (every - most).saturating_add(part(most.saturating_mul(2), random))
}
