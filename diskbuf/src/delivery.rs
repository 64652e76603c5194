//! [`Delivery`]: what one read gave, and what becomes of it.

use std::fmt;

use crate::consumer::Consumer;
use crate::error::AckError;
use crate::reader::Position;
use crate::seq::{Loss, Seq};

/// Records read and not yet acknowledged. Dropped without a word, they are delivered again.
#[must_use = "what is not acknowledged is delivered again"]
pub struct Delivery<'a> {
    consumer: &'a mut Consumer,
    until: Position,
}

/// One record of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    seq: Seq,
    payload: &'a [u8],
}

impl<'a> Delivery<'a> {
    pub(crate) const fn new(consumer: &'a mut Consumer, until: Position) -> Self {
        Self { consumer, until }
    }

    /// The records, in order. Their checksums have been verified.
    #[must_use]
    pub fn iter(&self) -> Records<'_> {
        Records { delivery: self, places: 0..self.len() }
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.consumer.reader.entries().len()
    }

    /// Whether there are none. There may still be [`losses`](Self::losses) to acknowledge.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of the first record.
    #[must_use]
    pub fn first_seq(&self) -> Option<Seq> {
        self.consumer.reader.entries().first().map(|entry| Seq::new(entry.seq))
    }

    /// The number of the last record.
    #[must_use]
    pub fn last_seq(&self) -> Option<Seq> {
        self.consumer.reader.entries().last().map(|entry| Seq::new(entry.seq))
    }

    /// Records between the last acknowledged one and the end of this delivery that are gone, in order. They
    /// are reported again until they are acknowledged with the rest.
    #[must_use]
    pub fn losses(&self) -> &[Loss] {
        self.consumer.reader.losses()
    }

    /// Acknowledges all of it, losses too, and what was deferred before it.
    ///
    /// # Errors
    /// When the cursor cannot be written: nothing is acknowledged then.
    pub fn ack(self) -> Result<(), AckError> {
        let lost = self.lost_before(u64::MAX);
        self.consumer.settle(self.until, lost)
    }

    /// Acknowledges up to and with `seq`; the rest is delivered again.
    ///
    /// # Errors
    /// When the record is not in this delivery, or the cursor cannot be written: nothing is acknowledged then.
    pub fn ack_through(self, seq: Seq) -> Result<(), AckError> {
        let seq = seq.as_u64();
        let entries = self.consumer.reader.entries();
        let Ok(place) = entries.binary_search_by_key(&seq, |entry| entry.seq) else {
            let first = self.first_seq().map_or(0, Seq::as_u64);
            let last = self.last_seq().map_or(0, Seq::as_u64);
            return Err(AckError::NotDelivered { seq, first, last });
        };
        if place + 1 == entries.len() && self.losses().last().is_none_or(|loss| loss.to.as_u64() < seq) {
            return self.ack();
        }
        let until = self.consumer.reader.position_behind(place, &self.until);
        let lost = self.lost_before(seq);
        self.consumer.settle(until, lost)
    }

    /// Reads on without acknowledging, for work that is confirmed later: see [`Consumer::ack_through`] and
    /// [`Consumer::rewind`].
    pub fn defer(self) {
        let lost = self.lost_before(u64::MAX);
        self.consumer.defer(self.until, lost);
    }

    fn lost_before(&self, seq: u64) -> u64 {
        self.losses().iter().filter(|loss| loss.from.as_u64() < seq).map(Loss::records).sum()
    }
}

/// Without the payloads: they may be long, and are somebody's data.
impl fmt::Debug for Delivery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("records", &self.len())
            .field("first", &self.first_seq())
            .field("last", &self.last_seq())
            .field("losses", &self.losses().len())
            .field("consumer", &self.consumer.name())
            .finish()
    }
}

impl<'a> IntoIterator for &'a Delivery<'_> {
    type Item = Record<'a>;
    type IntoIter = Records<'a>;

    fn into_iter(self) -> Records<'a> {
        self.iter()
    }
}

/// The records of a delivery.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    delivery: &'a Delivery<'a>,
    places: std::ops::Range<usize>,
}

impl<'a> Records<'a> {
    fn record(&self, place: usize) -> Option<Record<'a>> {
        let (seq, payload) = self.delivery.consumer.reader.record(place)?;
        Some(Record { seq: Seq::new(seq), payload })
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Record<'a>> {
        let place = self.places.next()?;
        self.record(place)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl ExactSizeIterator for Records<'_> {}

impl<'a> DoubleEndedIterator for Records<'a> {
    fn next_back(&mut self) -> Option<Record<'a>> {
        let place = self.places.next_back()?;
        self.record(place)
    }
}

impl<'a> Record<'a> {
    /// Its number.
    #[must_use]
    pub const fn seq(&self) -> Seq {
        self.seq
    }

    /// Its bytes, as they were appended.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }
}
