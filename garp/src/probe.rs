//! Duplicate detection before an address is taken (RFC 5227 §2.1; for IPv6 the same, with RFC 4862 §5.4's messages): when
//! to probe, and what a conflict is. It has no clock and no socket; [`Probe::run`] lends it both.

use crate::{ClaimKind, Delivery, Message, SendError, Sender, Sighting, Unsent, Watch, WatchError};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// One address that is probed for.
///
/// With [`ProbeTiming::rfc5227`] it takes four to seven seconds: something for a start, not for a takeover.
/// [`ProbeTiming::fast`] takes 60 ms; an answer to that proves that somebody has the address, silence proves little.
#[derive(Debug)]
pub struct Probe {
    address: IpAddr,
    timing: ProbeTiming,
    sent: u32,
    /// When to send the next probe, or after the last of them to take silence for an answer.
    until: Instant,
    conflict: Option<Sighting>,
    random: u64,
}

/// How often and how far apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeTiming {
    /// Before the first probe, up to this long (`PROBE_WAIT`).
    pub wait: Duration,
    /// How many probes (`PROBE_NUM`).
    pub times: u32,
    /// Between two probes, at least (`PROBE_MIN`).
    pub least: Duration,
    /// Between two probes, at most (`PROBE_MAX`).
    pub most: Duration,
    /// After the last probe (`ANNOUNCE_WAIT`).
    pub listen: Duration,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a probe that is not sent is counted as sent"]
pub enum ProbeStep {
    /// Send this, and ask again.
    Send(Message),
    /// Nothing before then, unless something is heard.
    Wait(Instant),
    /// Nobody answered.
    Free,
    /// Somebody has the address, or probes for it too.
    Taken(Sighting),
}

/// How a probe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody answered.
    Free,
    /// Somebody has the address, or probes for it too.
    Taken(Sighting),
}

/// Why a probe did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The probe could not be sent.
    #[error("the probe was not sent")]
    Send(#[from] SendError),
    /// The answers could not be heard.
    #[error("answers were not heard")]
    Watch(#[from] WatchError),
}

impl ProbeTiming {
    /// RFC 5227 §1.1: up to 1 s, three probes 1 to 2 s apart, then 2 s.
    pub const fn rfc5227() -> Self {
        Self {
            wait: Duration::from_secs(1),
            times: 3,
            least: Duration::from_secs(1),
            most: Duration::from_secs(2),
            listen: Duration::from_secs(2),
        }
    }

    /// Two probes 20 ms apart, then 40 ms: is the old owner still there?
    pub const fn fast() -> Self {
        let gap = Duration::from_millis(20);
        Self { wait: Duration::ZERO, times: 2, least: gap, most: gap, listen: Duration::from_millis(40) }
    }
}

impl Probe {
    /// A probe that begins at `now`. Take a seed that differs between hosts.
    pub fn new(address: IpAddr, timing: ProbeTiming, seed: u64, now: Instant) -> Self {
        let mut probe = Self { address, timing, sent: 0, until: now, conflict: None, random: seed };
        let wait = probe.between(Duration::ZERO, timing.wait);
        probe.until = now.checked_add(wait).unwrap_or(now);
        probe
    }

    /// What to do at `now`. Ask again at once after a [`ProbeStep::Send`].
    pub fn next(&mut self, now: Instant) -> ProbeStep {
        if let Some(sighting) = self.conflict {
            return ProbeStep::Taken(sighting);
        }
        if now < self.until {
            return ProbeStep::Wait(self.until);
        }
        if self.sent >= self.timing.times {
            return ProbeStep::Free;
        }
        self.sent += 1;
        let pause = if self.sent == self.timing.times {
            self.timing.listen
        } else {
            self.between(self.timing.least, self.timing.most)
        };
        self.until = now.checked_add(pause).unwrap_or(now);
        ProbeStep::Send(Message::Probe { address: self.address })
    }

    /// Something was seen. Any use of the address is a conflict, and so is somebody else's probe (RFC 5227 §2.1.1). What was
    /// only overheard is none: it may be in another VLAN.
    pub fn heard(&mut self, sighting: &Sighting) {
        if sighting.address == self.address && sighting.delivery != Delivery::Overheard {
            let holds = |sighting: &Sighting| sighting.kind != ClaimKind::Probes;
            // Who has it is worth more than who would like to.
            if self.conflict.is_none_or(|known| !holds(&known) && holds(sighting)) {
                self.conflict = Some(*sighting);
            }
        }
    }

    /// Probes to the end, on this thread. `watch` must be watching the address.
    ///
    /// # Errors
    ///
    /// Each of [`ProbeError`].
    pub fn run(mut self, sender: &mut Sender, watch: &mut Watch) -> Result<Verdict, ProbeError> {
        loop {
            match self.next(Instant::now()) {
                ProbeStep::Send(message) => {
                    sender.send(&[message]).map_err(|Unsent { reason, .. }| reason)?;
                }
                ProbeStep::Wait(until) => {
                    if let Some(sighting) = watch.wait(Some(until))? {
                        self.heard(&sighting);
                    }
                }
                ProbeStep::Free => return Ok(Verdict::Free),
                ProbeStep::Taken(sighting) => return Ok(Verdict::Taken(sighting)),
            }
        }
    }

    fn between(&mut self, least: Duration, most: Duration) -> Duration {
        least.saturating_add(crate::random::part(most.saturating_sub(least), &mut self.random))
    }
}

#[cfg(test)]
mod tests;
