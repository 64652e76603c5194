//! What the tests of the router share: one router under test, and words to tell it something.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use std::vec::Vec;

use super::*;
use crate::sim::heard::accepted;
use crate::{Versions, VirtualRouterId};

mod handing_over;
mod rules;
mod stalls;
mod strings;
mod table;
mod two_versions;
mod words;

/// The router under test is 10.0.0.5 with priority 100.
const OWN: u8 = 5;

fn vrid() -> VirtualRouterId {
    VirtualRouterId::new(51).unwrap()
}

fn host(last: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, last).into()
}

fn config() -> Config {
    Config::new(vrid(), Versions::V3, host(OWN), Priority::DEFAULT)
}

/// A reading of the clock so many nanoseconds after the start.
fn at(nanoseconds: u64) -> Instant {
    Instant::from_nanoseconds(T0 + nanoseconds)
}

const T0: u64 = 1_000_000_000_000;
const SECOND: u64 = 1_000_000_000;
const SKEW: u64 = 609_375_000;
const DOWN: u64 = 3 * SECOND + SKEW;

/// A router and what it wanted last.
struct Bench {
    router: Router,
    said: Vec<u8>,
    told: usize,
}

impl Bench {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config();
        change(&mut config);
        Self { router: Router::new(config).unwrap(), said: Vec::new(), told: 0 }
    }

    fn started(change: impl FnOnce(&mut Config)) -> Self {
        let mut bench = Self::new(change);
        bench.tell(Event::Start, 0);
        bench
    }

    /// Active since `at(DOWN)`, its next advertisement due a second later.
    fn active(change: impl FnOnce(&mut Config)) -> Self {
        let mut bench = Self::started(change);
        bench.tell(Event::DeadlinePassed, DOWN);
        assert_eq!((bench.router.state(), &bench.said[..]), (State::Active, &[100][..]));
        bench
    }

    fn tell(&mut self, event: Event<'_>, nanoseconds: u64) -> &mut Self {
        (self.said, self.told) = (Vec::new(), 0);
        for action in self.router.handle(event, at(nanoseconds)) {
            match action {
                Action::Advertise(advertisement) => self.said.push(advertisement.priority.value()),
                Action::StandingChanged => self.told += 1,
            }
        }
        self
    }

    fn hear(&mut self, last: u8, priority: u8, nanoseconds: u64) -> &mut Self {
        self.hear_at(last, priority, Interval::ONE_SECOND, nanoseconds)
    }

    fn hear_at(&mut self, last: u8, priority: u8, interval: Interval, nanoseconds: u64) -> &mut Self {
        let heard = accepted(Version::V3, vrid(), Priority::new(priority), interval, host(last));
        self.tell(Event::Heard(&heard), nanoseconds)
    }

    /// Lets the deadline pass to the nanosecond.
    fn wait(&mut self) -> u64 {
        let deadline = self.router.deadline().unwrap().nanoseconds() - T0;
        self.tell(Event::DeadlinePassed, deadline);
        deadline
    }

    /// Nanoseconds from the start to the deadline.
    fn due(&self) -> Option<u64> {
        self.router.deadline().map(|deadline| deadline.nanoseconds() - T0)
    }

    fn state(&self) -> State {
        self.router.state()
    }

    fn reason(&self) -> Reason {
        self.router.standing().reason
    }
}
