//! What becomes of a packet on its way from one router to another.

use core::time::Duration;
use std::vec::Vec;

use super::Random;

/// One direction between two routers. Delays that differ from packet to packet change their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The shortest time that a packet takes.
    pub fastest: Duration,
    /// The longest.
    pub slowest: Duration,
    /// How many packets of a thousand are lost. 1000: the link is cut.
    pub lost: u16,
    /// How many of a thousand come twice.
    pub doubled: u16,
}

impl Link {
    /// Loses nothing, and takes 50 to 100 µs.
    pub const GOOD: Self =
        Self { fastest: Duration::from_micros(50), slowest: Duration::from_micros(100), lost: 0, doubled: 0 };

    /// Loses everything.
    pub const CUT: Self = Self { lost: 1000, ..Self::GOOD };

    /// After how long the copies of a packet arrive.
    pub(super) fn carry(&self, random: &mut Random) -> Vec<Duration> {
        if random.happens(self.lost) {
            return Vec::new();
        }
        let copies = if random.happens(self.doubled) { 2 } else { 1 };
        (0..copies).map(|_| random.between(self.fastest, self.slowest)).collect()
    }
}
