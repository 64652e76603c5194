//! Messages as they go out, one behind the other, with the place where each ends.

/// A batch.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Appends one message, as `write` writes it.
    pub(super) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    /// The messages.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|n| self.message(n))
    }

    /// The message of that number; empty behind the last.
    pub(super) fn message(&self, n: usize) -> &[u8] {
        let start = if n == 0 { 0 } else { self.ends.get(n - 1).copied().unwrap_or(self.bytes.len()) };
        let end = self.ends.get(n).copied().unwrap_or(self.bytes.len());
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The first end of a message that is not before `at`; `at` itself when it stands between two.
    pub(super) fn boundary_from(&self, at: usize) -> usize {
        if at == 0 {
            return 0;
        }
        let n = self.ends.partition_point(|end| *end < at);
        self.ends.get(n).copied().unwrap_or(self.bytes.len())
    }

    /// The last end of a message that is not behind `at`.
    pub(super) fn boundary_to(&self, at: usize) -> usize {
        let n = self.ends.partition_point(|end| *end <= at);
        if n == 0 { 0 } else { self.ends.get(n - 1).copied().unwrap_or_default() }
    }

    /// Forgets what stands before `at`, which is the end of a message.
    pub(super) fn forget_to(&mut self, at: usize) {
        let n = self.ends.partition_point(|end| *end <= at);
        self.bytes.drain(..at.min(self.bytes.len()));
        self.ends.drain(..n);
        self.ends.iter_mut().for_each(|end| *end -= at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(messages: &[&str]) -> Batch {
        let mut batch = Batch::default();
        for message in messages {
            batch.push_with(|out| out.extend_from_slice(message.as_bytes()));
        }
        batch
    }

    #[test]
    fn every_place_in_a_batch_has_a_message_before_and_behind_it() {
        let batch = batch(&["abc", "de", "f"]);
        let around: Vec<(usize, usize)> =
            (0..=6).map(|at| (batch.boundary_to(at), batch.boundary_from(at))).collect();
        assert_eq!(around, [(0, 0), (0, 3), (0, 3), (3, 3), (3, 5), (5, 5), (6, 6)]);
        assert_eq!(batch.iter().collect::<Vec<_>>(), [&b"abc"[..], b"de", b"f"]);
    }

    #[test]
    fn what_is_forgotten_is_gone_and_the_rest_is_whole() {
        let mut batch = batch(&["abc", "de", "f"]);
        batch.forget_to(3);
        assert_eq!(batch.iter().collect::<Vec<_>>(), [&b"de"[..], b"f"]);
        batch.forget_to(3);
        assert!(batch.is_empty() && batch.bytes().is_empty());
    }
}
