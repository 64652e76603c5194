//! Limits by rate: how often something may happen, and how often it is worth a line in the log.

use std::time::{Duration, Instant};

/// So many at once, so many a second after that.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    burst: u32,
    per_second: u32,
    left: f64,
    filled: Instant,
}

impl TokenBucket {
    pub(crate) fn new(burst: u32, per_second: u32, now: Instant) -> Self {
        Self { burst, per_second, left: f64::from(burst), filled: now }
    }

    /// Takes one if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.left = (self.left + passed * f64::from(self.per_second)).min(f64::from(self.burst));
        self.filled = now;
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }
}

/// Lets the first through and then one an interval, so that trouble that lasts does not flood the log.
#[derive(Debug)]
pub(crate) struct Seldom {
    interval: Duration,
    last: Option<Instant>,
}

impl Seldom {
    pub(crate) const fn new(interval: Duration) -> Self {
        Self { interval, last: None }
    }

    pub(crate) fn now(&mut self, now: Instant) -> bool {
        let due = self.last.is_none_or(|last| now.saturating_duration_since(last) >= self.interval);
        if due {
            self.last = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let t0 = Instant::now();
        let mut bucket = TokenBucket::new(3, 2, t0);
        assert_eq!((0..9).filter(|_| bucket.take(t0)).count(), 3);
        let later = t0 + Duration::from_secs(1);
        assert_eq!((0..9).filter(|_| bucket.take(later)).count(), 2);
        let much_later = t0 + Duration::from_secs(1_000);
        assert_eq!((0..9).filter(|_| bucket.take(much_later)).count(), 3, "never more than the burst");
        assert!(!bucket.take(t0), "a clock reading from before does no harm");
    }

    #[test]
    fn trouble_is_told_at_once_and_then_seldom() {
        let t0 = Instant::now();
        let mut seldom = Seldom::new(Duration::from_secs(10));
        let told: Vec<bool> = [0, 1, 9, 10, 11].map(|s| seldom.now(t0 + Duration::from_secs(s))).into();
        assert_eq!(told, [true, false, false, true, false]);
    }
}
