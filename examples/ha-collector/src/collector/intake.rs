//! From bytes to the buffer: parse, find the time, lay the record down; then append the whole batch at once.
//!
//! One intake belongs to one thread. No allocation, no lock and no system call a message: those come once a batch,
//! in [`Intake::append`].

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use diskbuf::{AppendError, Batch, Queue, WhenFull};
use syslog_parse::{Cached, IanaZone, Message, Period, Timestamp, Zone, ZoneSource};
use tracing::{error, warn};

use super::ledger::{DropReason, SourceAccount};
use super::limit::Seldom;
use super::record::{self, Circumstances, Extent, Time};
use crate::when::{self, ZoneNames};

/// Bytes that a batch has room for from the start: a read of the largest size, with headers.
const BATCH_BYTES: usize = 512 * 1024;

/// A source as an intake needs to know it.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) account: Arc<SourceAccount>,
    pub(crate) key: u32,
    /// Longer messages are cut here.
    pub(crate) max_message: usize,
    /// One for all threads and connections of the source; only trouble takes the lock.
    pub(crate) complaint: Arc<Mutex<Seldom>>,
}

impl Origin {
    /// Whether trouble is worth a line in the log now.
    pub(crate) fn complains(&self) -> bool {
        self.complaint.lock().unwrap_or_else(PoisonError::into_inner).now(Instant::now())
    }
}

/// Why a batch, or the rest of it, is not in the buffer. Nothing of it is lost yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The buffer has reached its limit; [`Queue::space`] tells when that changes.
    Full,
    /// The disk is full, or the buffer cannot be written. Nobody tells when that changes.
    Trouble(DropReason),
}

/// Where one thread's messages become records.
#[derive(Debug)]
pub(crate) struct Intake {
    queue: Queue,
    batch: Batch,
    /// Messages taken since the last append, and those of them that were cut.
    taken: u64,
    cut: u64,
    zone: Cached<IanaZone>,
    names: ZoneNames,
    received: Timestamp,
    /// The local zone's offset at `received`, for messages without a stamp.
    local: Option<Period>,
}

impl Intake {
    pub(crate) fn new(queue: Queue, zone: IanaZone) -> Self {
        let batch = Batch::with_capacity(BATCH_BYTES);
        Self {
            queue,
            batch,
            taken: 0,
            cut: 0,
            zone: Cached::new(zone),
            names: ZoneNames::default(),
            received: Timestamp::new(0, 0),
            local: None,
        }
    }

    /// Messages taken from now on were received now. Called once a read.
    pub(crate) fn receive(&mut self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.received = Timestamp::new(i64::try_from(now.as_secs()).unwrap_or(i64::MAX), now.subsec_nanos());
        self.local = None;
    }

    /// Takes one message into the batch.
    pub(crate) fn take(&mut self, raw: &[u8], peer: Option<SocketAddr>, origin: &Origin, mut extent: Extent) {
        let raw = match raw.get(..origin.max_message) {
            Some(cut) if raw.len() > origin.max_message => {
                extent = Extent::Cut;
                cut
            }
            _ => raw,
        };
        self.taken += 1;
        self.cut += u64::from(extent == Extent::Cut);
        let message = syslog_parse::parse(raw);
        let about = Circumstances {
            received: self.received,
            time: self.time(&message),
            peer,
            source: origin.key,
            extent,
            default_priority: record::DEFAULT_PRIORITY,
            extras_len: 0,
        };
        // `max_message` leaves room for the header; see `Collector::start`.
        if self.batch.push_parts(&[&record::header(&message, &about), raw]).is_err() {
            origin.account.dropped(DropReason::BufferFailed, 1);
        }
    }

    /// Appends the batch. What was accepted is counted and gone from it; what is left was not.
    pub(crate) fn append(&mut self, origin: &Origin) -> Result<(), Refused> {
        origin.account.received(std::mem::take(&mut self.taken), std::mem::take(&mut self.cut));
        append(&self.queue, &mut self.batch, origin)
    }

    /// Appends the batch; what finds no room is dropped and counted. For senders that cannot be asked to wait.
    pub(crate) fn append_or_drop(&mut self, origin: &Origin) {
        let reason = match self.append(origin) {
            Ok(()) => return,
            Err(Refused::Full) => {
                if origin.complains() {
                    warn!(
                        source = origin.account.id,
                        "the buffer is full: datagrams are dropped and counted"
                    );
                }
                DropReason::BufferFull
            }
            Err(Refused::Trouble(reason)) => reason,
        };
        origin.account.dropped(reason, self.batch.len() as u64);
        self.batch.clear();
    }

    /// The batch that was refused, for whoever waits for room. The intake goes on with an empty one.
    pub(crate) fn give_up_batch(&mut self) -> Batch {
        std::mem::replace(&mut self.batch, Batch::with_capacity(BATCH_BYTES))
    }

    /// The stamp's time if it has a possible one, else that of reception in the local zone.
    fn time(&mut self, message: &Message<'_>) -> Time {
        let sent = when::sent(message, &self.names, &self.zone, ZoneSource::Assumed, self.received);
        let stamped = sent.map(|sent| Time {
            instant: sent.instant,
            offset: sent.offset,
            fraction_digits: message.stamp().map_or(0, |stamp| stamp.fraction_digits),
            provenance: Some(sent.provenance),
        });
        stamped.unwrap_or_else(|| {
            let zone = &self.zone;
            let local = self.local.get_or_insert_with(|| zone.at_instant(self.received.secs));
            Time { instant: self.received, offset: local.offset, fraction_digits: 6, provenance: None }
        })
    }
}

/// Appends `batch` for `origin`, and counts what was accepted.
pub(crate) fn append(queue: &Queue, batch: &mut Batch, origin: &Origin) -> Result<(), Refused> {
    if batch.is_empty() {
        return Ok(());
    }
    let before = batch.len();
    let result = queue.append(batch, WhenFull::Refuse);
    origin.account.accepted((before - batch.len()) as u64);
    let error = match result {
        Ok(_) => return Ok(()),
        Err(AppendError::Full { .. }) => return Err(Refused::Full),
        Err(error) => error,
    };
    if origin.complains() {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        error!(source = origin.account.id, cause, "the buffer takes nothing: {error}");
    }
    let reason = match error {
        AppendError::NoSpace { .. } => DropReason::DiskFull,
        _ => DropReason::BufferFailed,
    };
    Err(Refused::Trouble(reason))
}
