//! How fast an interface is spoken to: the least distance between frames of a family, and a token bucket for both.

use crate::Settings;
use std::net::IpAddr;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Pace {
    arp: Family,
    ndp: Family,
    bucket: Option<Tokens>,
}

#[derive(Debug)]
struct Family {
    interval: Duration,
    from: Option<Instant>,
}

/// A token bucket as the generic cell rate algorithm keeps it: one instant instead of a count and its refilling.
#[derive(Debug)]
struct Tokens {
    each: Duration,
    ahead: Duration,
    /// When the bucket will be full again.
    full_at: Option<Instant>,
}

/// Which families may be spoken to now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    arp: Gate,
    ndp: Gate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gate {
    Open,
    Shut,
}

impl Open {
    pub(super) fn to(self, address: IpAddr) -> bool {
        let gate = if address.is_ipv4() { self.arp } else { self.ndp };
        gate == Gate::Open
    }
}

impl Pace {
    pub(super) fn new(settings: &Settings) -> Self {
        let bucket = settings.bucket.map(|bucket| {
            let each = Duration::from_secs(1) / bucket.per_second.max(1);
            Tokens { each, ahead: each.saturating_mul(bucket.depth.max(1) - 1), full_at: None }
        });
        Self {
            arp: Family { interval: settings.arp_interval, from: None },
            ndp: Family { interval: settings.ndp_interval, from: None },
            bucket,
        }
    }

    /// `None`: the bucket is empty.
    pub(super) fn open(&self, now: Instant) -> Option<Open> {
        if self.bucket.as_ref().and_then(Tokens::next).is_some_and(|at| now < at) {
            return None;
        }
        let gate = |family: &Family| {
            if family.from.is_some_and(|at| now < at) { Gate::Shut } else { Gate::Open }
        };
        Some(Open { arp: gate(&self.arp), ndp: gate(&self.ndp) })
    }

    pub(super) fn sent(&mut self, address: IpAddr, now: Instant) {
        let family = if address.is_ipv4() { &mut self.arp } else { &mut self.ndp };
        family.from = now.checked_add(family.interval);
        if let Some(tokens) = &mut self.bucket {
            let from = tokens.full_at.map_or(now, |full_at| full_at.max(now));
            tokens.full_at = from.checked_add(tokens.each);
        }
    }

    /// When something that is due at `due` may really be said.
    pub(super) fn earliest(&self, address: IpAddr, due: Instant) -> Instant {
        let family = if address.is_ipv4() { &self.arp } else { &self.ndp };
        let bucket = self.bucket.as_ref().and_then(Tokens::next);
        [family.from, bucket].into_iter().flatten().fold(due, Instant::max)
    }
}

impl Tokens {
    /// When the next token is there, if not already.
    fn next(&self) -> Option<Instant> {
        self.full_at.and_then(|full_at| full_at.checked_sub(self.ahead))
    }
}
