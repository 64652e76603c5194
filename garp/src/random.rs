//! Times moved about, the same way each time for the same seed.

use std::time::Duration;

/// Between nothing and all of `most`, in thousandths. splitmix64: any seed is a good one.
pub(crate) fn part(most: Duration, state: &mut u64) -> Duration {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    let thousandths = u32::try_from(z % 1001).unwrap_or(0);
    (most / 1000).saturating_mul(thousandths)
}
