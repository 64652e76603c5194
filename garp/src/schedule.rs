//! Which message is due when, for all addresses of one interface. It has no clock and no socket: `now` is an argument,
//! messages are handed out. How often and how fast is in [`Settings`].

mod entry;
mod pace;

use crate::{LinkAdvice, Message, Settings};
use entry::{Burst, Entry};
use pace::Pace;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// The announcements of one interface's addresses.
///
/// Addresses first, repeats second: no message is repeated while an address that is held has not been announced once.
/// What was not sent in time is not made up for at once: each repeat keeps its distance from the message before.
///
/// ```
/// use garp::{ArpForm, Message, Schedule, Settings};
/// use std::time::{Duration, Instant};
///
/// let t0 = Instant::now();
/// let mut schedule = Schedule::new(Settings::default(), 1);
/// schedule.hold("192.0.2.100".parse().unwrap(), t0);
/// let first = Message::Announcement { address: "192.0.2.100".parse().unwrap(), form: ArpForm::Request };
/// assert_eq!(schedule.next(t0), Some(first));
/// assert_eq!(schedule.next(t0), None);
/// assert!(schedule.deadline().unwrap() >= t0 + Duration::from_millis(100));
/// schedule.release("192.0.2.100".parse().unwrap());
/// assert_eq!(schedule.deadline(), None);
/// ```
///
/// Looking for what is due costs about a nanosecond an address held, each time; it is meant for thousands, not for millions.
#[derive(Debug)]
pub struct Schedule {
    settings: Settings,
    entries: Vec<Entry>,
    pace: Pace,
    voice: Voice,
    random: u64,
}

/// Whether an address was held before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It was not: the burst begins.
    New,
    /// It was: nothing has changed.
    Already,
}

/// Whether there was something to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Released {
    /// Nothing more is said about the address.
    Cancelled,
    /// It was not held.
    NotHeld,
}

/// What came of a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defence {
    /// One announcement is due.
    Announcing,
    /// The address was defended less than the interval ago: by RFC 5227 §2.4 (c) nothing is sent, or the address is given up.
    TooSoon,
    /// The address is not held.
    NotHeld,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    Speaking,
    Muted,
}

impl Schedule {
    /// Nothing held. Equal seeds move times about equally; take what differs between hosts.
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self::with_capacity(settings, seed, 0)
    }

    /// With room for so many addresses, so that nothing is allocated when they are taken.
    pub fn with_capacity(settings: Settings, seed: u64, addresses: usize) -> Self {
        let entries = Vec::with_capacity(addresses);
        Self { pace: Pace::new(&settings), settings, entries, voice: Voice::Speaking, random: seed }
    }

    /// The address is ours from now on: it is announced. Held already, nothing changes, so that a caller who compares
    /// what is with what should be can say so as often as it likes.
    pub fn hold(&mut self, address: IpAddr, now: Instant) -> Held {
        if self.entries.iter().any(|entry| entry.address == address) {
            return Held::Already;
        }
        let mut entry = Entry::new(address);
        entry.begin(Burst::Takeover, 0, &self.settings, now);
        self.entries.push(entry);
        Held::New
    }

    /// The address is lost: not one more message about it.
    pub fn release(&mut self, address: IpAddr) -> Released {
        match self.entries.iter().position(|entry| entry.address == address) {
            Some(place) => {
                self.entries.remove(place);
                Released::Cancelled
            }
            None => Released::NotHeld,
        }
    }

    /// All addresses are lost.
    pub fn release_all(&mut self) {
        self.entries.clear();
    }

    /// The takeover's burst again for one address: it was taken away by somebody on this host and added again.
    pub fn rearm(&mut self, address: IpAddr, now: Instant) -> Held {
        match self.entries.iter_mut().find(|entry| entry.address == address) {
            Some(entry) => {
                entry.begin(Burst::Takeover, 0, &self.settings, now);
                Held::Already
            }
            None => self.hold(address, now),
        }
    }

    /// The takeover's burst again for all addresses: the carrier is back, the MAC or the port has changed.
    pub fn rearm_all(&mut self, now: Instant) {
        for entry in &mut self.entries {
            entry.begin(Burst::Takeover, 0, &self.settings, now);
        }
    }

    /// Says nothing until [`unmute`](Self::unmute): there is no carrier.
    pub fn mute(&mut self) {
        self.voice = Voice::Muted;
    }

    /// Speaks again, from the beginning: who listens now may have heard nothing of what was said before.
    pub fn unmute(&mut self, now: Instant) {
        self.voice = Voice::Speaking;
        self.rearm_all(now);
    }

    /// Does what [`Link`](crate::Link) advises.
    pub fn follow(&mut self, advice: LinkAdvice, now: Instant) {
        match advice {
            LinkAdvice::Nothing => {}
            LinkAdvice::Mute => self.mute(),
            LinkAdvice::Announce => self.unmute(now),
        }
    }

    /// Somebody who is to lose against us has claimed the address (an advertisement of lower priority): it may have told
    /// the neighbours last. A takeover's burst that is still going on begins again; otherwise the burst of
    /// [`Settings::lower_priority`].
    pub fn lower_priority_heard(&mut self, address: IpAddr, now: Instant) -> Held {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.address == address) else {
            return Held::New;
        };
        let gap = self.settings.lower_priority_gap;
        if entry.began.is_none_or(|began| now.saturating_duration_since(began) >= gap) {
            let burst = if entry.burst == Burst::Takeover && entry.due.is_some() {
                Burst::Takeover
            } else {
                Burst::LowerPriority
            };
            // Behind those that have not been announced at all.
            entry.begin(burst, entry.sent().min(1), &self.settings, now);
        }
        Held::Already
    }

    /// Somebody else was seen with the address ([`Watch`](crate::Watch)): it is defended once, and not again before
    /// [`Settings::defend_interval`] has passed (RFC 5227 §2.4).
    pub fn challenged(&mut self, address: IpAddr, now: Instant) -> Defence {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.address == address) else {
            return Defence::NotHeld;
        };
        let interval = self.settings.defend_interval;
        if entry.defended.is_some_and(|at| now.saturating_duration_since(at) < interval) {
            return Defence::TooSoon;
        }
        entry.challenge(now);
        Defence::Announcing
    }

    /// The next message that is due, and it counts as sent. Ask until there is none.
    pub fn next(&mut self, now: Instant) -> Option<Message> {
        if self.voice == Voice::Muted {
            return None;
        }
        let open = self.pace.open(now)?;
        let entry = self
            .entries
            .iter_mut()
            .filter(|entry| open.to(entry.address) && entry.wakes().is_some_and(|due| due <= now))
            .min_by_key(|entry| entry.rank(now))?;
        let message = entry.advance(&self.settings, now, &mut self.random);
        if message.is_some() {
            self.pace.sent(entry.address, now);
        }
        message
    }

    /// The message was not sent after all; it is due again at `at`. Of several, give back the last first. If the address
    /// has been released, or begun again since, nothing happens.
    pub fn unsent(&mut self, message: &Message, at: Instant) {
        let address = message.address();
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.address == address) {
            entry.put_back(&self.settings, at);
        }
    }

    /// When to ask again, if ever. In the past, if something is due.
    pub fn deadline(&self) -> Option<Instant> {
        if self.voice == Voice::Muted {
            return None;
        }
        self.entries
            .iter()
            .filter_map(|entry| entry.wakes().map(|due| self.pace.earliest(entry.address, due)))
            .min()
    }

    /// How long from `now` to the deadline; zero if it has passed.
    pub fn wait(&self, now: Instant) -> Option<Duration> {
        self.deadline().map(|deadline| deadline.saturating_duration_since(now))
    }

    /// The addresses held, in the order in which they came.
    pub fn held(&self) -> impl ExactSizeIterator<Item = IpAddr> + '_ {
        self.entries.iter().map(|entry| entry.address)
    }

    /// What it was made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

#[cfg(test)]
mod tests;
