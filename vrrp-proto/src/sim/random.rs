//! Chance from a seed.

use core::time::Duration;

/// SplitMix64: small, fast, and the same everywhere for the same seed. Not for secrets.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Every seed is as good as another.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`; 0 if that is 0. The bias is beyond what a simulation could notice.
    pub const fn below(&mut self, bound: u64) -> u64 {
        match bound {
            0 => 0,
            _ => self.bits() % bound,
        }
    }

    /// From `from` to `to`, both included.
    pub fn between(&mut self, from: Duration, to: Duration) -> Duration {
        let span = u64::try_from(to.saturating_sub(from).as_nanos()).unwrap_or(u64::MAX - 1);
        from.saturating_add(Duration::from_nanos(self.below(span.saturating_add(1))))
    }

    /// True so many times in a thousand.
    pub const fn happens(&mut self, per_mille: u16) -> bool {
        self.below(1000) < per_mille as u64
    }

    /// One of them; `None` of none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(usize::try_from(self.below(of.len() as u64)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_splitmix64() {
        let mut random = Random::new(1_234_567);
        // The reference implementation's first outputs for this seed.
        assert_eq!(random.bits(), 6_457_827_717_110_365_317);
        assert_eq!(random.bits(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn a_span_is_never_left() {
        let mut random = Random::new(7);
        let (from, to) = (Duration::from_nanos(3), Duration::from_nanos(5));
        let drawn: std::collections::BTreeSet<_> =
            (0..100).map(|_| random.between(from, to).as_nanos()).collect();
        assert!(drawn.into_iter().eq(3..=5));
        assert_eq!(random.between(to, from), to);
        assert_eq!(random.pick::<u8>(&[]), None);
    }
}
