//! What a thread that renders templates keeps from message to message: the times of the last one taken apart, buffers to
//! be used again, a counter.
//!
//! How a part of a time is written is in [`super::date`].

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use syslog_parse::{Cached, Civil, IanaZone, Rfc3339, Timestamp, Zone as _};

use super::escape;
use super::pairs::PairSpace;
use crate::collector::event::{Event, Names};
use crate::collector::record::source_key;

/// What a destination sets about the times that it writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct TimeSetting {
    /// All times are converted to this zone. `None`: a message's own time has the offset that it came with, reception and
    /// now have this machine's.
    pub(crate) zone: Option<IanaZone>,
    pub(crate) fraction: Fraction,
    /// What `STAMP` and the line of `format = "line"` look like. `None`: `STAMP` as in RFC 3164, the line in RFC 3339.
    pub(crate) stamp: Option<StampFormat>,
}

/// How many digits of a second's fraction are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fraction {
    /// `ISODATE` has as many as the stamp came with, six for reception and now; the other forms have none.
    #[default]
    AsReceived,
    /// So many, at most nine, in all forms.
    Digits(u8),
}

/// syslog-ng's `ts-format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StampFormat {
    /// `Feb 11 10:34:56`
    Rfc3164,
    /// `2006-02-11T10:34:56+01:00`
    Rfc3339,
    /// `2006 Feb 11 10:34:56`
    Full,
    /// `1139650496`
    Unix,
}

/// What all messages have around them: the names of the configuration once it is read, its sources, this machine.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Surroundings {
    pub(super) names: Names,
    sources: HashMap<u32, Box<str>>,
    pub(super) host: Box<[u8]>,
}

impl Surroundings {
    /// All names, and the ids of all sources. What this machine is called is asked of the system.
    pub(crate) fn new<'s>(names: Names, sources: impl IntoIterator<Item = &'s str>) -> Self {
        let host = rustix::system::uname().nodename().to_bytes().into();
        let sources = sources.into_iter().map(|id| (source_key(id), id.into())).collect();
        Self { names, sources, host }
    }

    /// A machine called `collector`, with one source, `net`, that unit tests' records come from.
    #[cfg(test)]
    pub(crate) fn fake(names: Names) -> Self {
        Self { names, sources: [(7, "net".into())].into(), host: (*b"collector").into() }
    }

    /// The id of a source; empty for one that is no longer configured.
    pub(super) fn source(&self, key: u32) -> &str {
        self.sources.get(&key).map_or("", |id| id)
    }
}

/// One a thread and setting.
#[derive(Debug)]
pub(crate) struct Clock {
    pub(super) around: Arc<Surroundings>,
    zone: Option<Cached<IanaZone>>,
    local: Cached<IanaZone>,
    pub(super) style: Style,
    moments: [Moment; 3],
    now: Now,
    buffers: Vec<Vec<u8>>,
    pairs: Vec<PairSpace>,
    /// Messages rendered so far.
    pub(super) count: u64,
}

/// The part of a [`TimeSetting`] that says how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) fraction: Fraction,
    pub(super) stamp: Option<StampFormat>,
}

/// Which time: the prefix of a macro.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// `S_`, and no prefix: of the message.
    Sent,
    /// `R_`
    Received,
    /// `C_`: now.
    Now,
}

/// Who says what time it is.
#[derive(Clone, Copy, Debug)]
enum Now {
    System,
    #[cfg(test)]
    Fixed(Timestamp),
}

/// A time, taken apart once a second.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) instant: Timestamp,
    pub(super) offset: i32,
    /// Digits of the fraction it came with.
    pub(super) digits: u8,
    pub(super) civil: Civil,
    iso: Option<(u8, Rfc3339)>,
}

impl Moment {
    fn new() -> Self {
        let instant = Timestamp::UNIX_EPOCH;
        Self { instant, offset: 0, digits: 0, civil: Civil::at(instant, 0), iso: None }
    }

    fn set(&mut self, instant: Timestamp, offset: i32, digits: u8) {
        if self.instant != instant || self.offset != offset {
            if self.instant.secs != instant.secs || self.offset != offset {
                self.civil = Civil::at(instant, offset);
            }
            self.instant = instant;
            self.offset = offset;
            self.iso = None;
        }
        self.digits = digits;
    }

    /// RFC 3339 with so many digits of the fraction.
    pub(super) fn iso(&mut self, digits: u8) -> &[u8] {
        if self.iso.as_ref().is_some_and(|(with, _)| *with != digits) {
            self.iso = None;
        }
        let (instant, offset) = (self.instant, self.offset);
        self.iso.get_or_insert_with(|| (digits, Rfc3339::new(instant, offset, digits))).1.as_bytes()
    }
}

impl Clock {
    /// For one destination, or whoever else renders.
    pub(crate) fn new(setting: &TimeSetting, around: Arc<Surroundings>) -> Self {
        let local = IanaZone::system().unwrap_or_else(|_| IanaZone::utc());
        Self {
            around,
            zone: setting.zone.clone().map(Cached::new),
            local: Cached::new(local),
            style: Style { fraction: setting.fraction, stamp: setting.stamp },
            moments: std::array::from_fn(|_| Moment::new()),
            now: Now::System,
            buffers: Vec::new(),
            pairs: Vec::new(),
            count: 0,
        }
    }

    /// A clock that stands still, in a machine whose zone is UTC.
    #[cfg(test)]
    pub(crate) fn stopped(setting: &TimeSetting, around: Arc<Surroundings>, now: Timestamp) -> Self {
        Self { now: Now::Fixed(now), local: Cached::new(IanaZone::utc()), ..Self::new(setting, around) }
    }

    /// The next message: what `SEQNUM` counts.
    pub(crate) fn next_message(&mut self) {
        self.count += 1;
    }

    /// Whether the destination converts times to a zone of its own.
    pub(super) const fn converts(&self) -> bool {
        self.zone.is_some()
    }

    /// One of the times of a message, in the zone that it is written in.
    pub(super) fn moment(&mut self, which: Which, event: &Event<'_>) -> &mut Moment {
        let (instant, own, digits) = match which {
            Which::Sent => {
                let time = event.time();
                (time.instant, Some(time.offset), time.fraction_digits)
            }
            Which::Received => (event.record().received(), None, MICROSECONDS),
            Which::Now => (self.now(), None, MICROSECONDS),
        };
        let offset = match (&self.zone, own) {
            (Some(zone), _) => zone.at_instant(instant.secs).offset,
            (None, Some(offset)) => offset,
            (None, None) => self.local.at_instant(instant.secs).offset,
        };
        let [sent, received, now] = &mut self.moments;
        let moment = match which {
            Which::Sent => sent,
            Which::Received => received,
            Which::Now => now,
        };
        moment.set(instant, offset, digits);
        moment
    }

    fn now(&self) -> Timestamp {
        match self.now {
            Now::System => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::new(i64::try_from(now.as_secs()).unwrap_or(i64::MAX), now.subsec_nanos())
            }
            #[cfg(test)]
            Now::Fixed(now) => now,
        }
    }

    /// An empty buffer; to be given back.
    pub(super) fn borrow_buffer(&mut self) -> Vec<u8> {
        self.buffers.pop().unwrap_or_default()
    }

    pub(super) fn give_back(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        if buffer.capacity() <= KEEP_BUFFER {
            self.buffers.push(buffer);
        }
    }

    /// Room for the pairs of one `format-json`; to be given back.
    pub(super) fn borrow_pairs(&mut self) -> PairSpace {
        self.pairs.pop().unwrap_or_default()
    }

    pub(super) fn give_pairs_back(&mut self, mut pairs: PairSpace) {
        if pairs.clear() <= KEEP_BUFFER {
            self.pairs.push(pairs);
        }
    }

    /// Escapes what stands behind `start`.
    pub(super) fn escape_from(&mut self, start: usize, out: &mut Vec<u8>) {
        let written = out.get(start..).unwrap_or_default();
        if escape::is_clean(written) {
            return;
        }
        let mut raw = self.borrow_buffer();
        raw.extend_from_slice(written);
        out.truncate(start);
        escape::escape_into(&raw, out);
        self.give_back(raw);
    }
}

/// Digits of the times that this machine takes.
const MICROSECONDS: u8 = 6;
/// A buffer larger than this is not kept: one huge message should not hold its memory for ever.
const KEEP_BUFFER: usize = 1 << 20;
