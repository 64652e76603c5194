//! From bytes to the buffer: parse, find the time, lay the record down; then append the whole batch at once.
//!
//! One intake belongs to one thread. No allocation, no lock and no system call a message: those come once a batch,
//! in [`Intake::append`].

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use diskbuf::{AppendError, Batch, Queue, Reservation, WhenFull};
use syslog_parse::{Cached, IanaZone, Message, Period, Timestamp, Zone as _};
use tracing::{error, warn};

use super::ledger::{DropReason, SourceAccount};
use super::limit::Seldom;
use super::reception::{Rules, StampZone};
use super::record::{self, Circumstances, Extent, Extra, Time};
use super::routing::{Plans, Router};
use crate::config::Stamps;
use crate::when;

/// Bytes that a batch has room for from the start: a read of the largest size, with headers.
const BATCH_BYTES: usize = 512 * 1024;
/// Bytes of a record besides the message: header, extras, what the buffer adds.
pub(crate) const AROUND_A_MESSAGE: usize = AROUND_A_FRAME + LONGEST_FILE_NAME;
/// The same where no file's name is among them.
pub(crate) const AROUND_A_FRAME: usize = record::HEADER_LEN + 1024 + 64;
/// PATH_MAX.
const LONGEST_FILE_NAME: usize = 4096;
/// Zones that a thread knows before it begins anew.
const MOST_ZONES: usize = 64;

/// A source as an intake needs to know it.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) account: Arc<SourceAccount>,
    pub(crate) key: u32,
    /// Longer messages are cut here.
    pub(crate) max_message: usize,
    /// One for all threads and connections of the source; only trouble takes the lock.
    pub(crate) complaint: Arc<Mutex<Seldom>>,
    /// What the configuration says about receiving.
    pub(crate) rules: Arc<Rules>,
}

/// What is known of a message besides its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Envelope<'e> {
    pub(crate) peer: Option<SocketAddr>,
    /// Of a local sender: `pid=7 uid=0 gid=0`.
    pub(crate) credentials: Option<&'e [u8]>,
    /// The file that it was read from.
    pub(crate) file: Option<&'e [u8]>,
    pub(crate) extent: Extent,
}

impl Envelope<'_> {
    /// The same, with another extent.
    pub(crate) const fn with(self, extent: Extent) -> Self {
        Self { extent, ..self }
    }
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
    /// The buffer has reached its limit, or others have reserved what room there is; [`Queue::space`], or [`Queue::room`], tells
    /// when that changes.
    Full,
    /// The disk is full, or the buffer cannot be written. Nobody tells when that changes.
    Trouble(DropReason),
}

/// Messages that go nowhere because the paths say so.
#[derive(Debug, Default)]
struct Unwanted {
    no_path: u64,
    discarded: u64,
}

impl Unwanted {
    fn add(&mut self, reason: DropReason, messages: u64) {
        match reason {
            DropReason::Discarded => self.discarded += messages,
            _ => self.no_path += messages,
        }
    }
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
    /// The zones of stamps, by their keys; the one used last is the first.
    zones: Vec<(u64, Cached<IanaZone>)>,
    host: Vec<u8>,
    extras: Vec<u8>,
    router: Router,
    /// Messages since the last append that go nowhere.
    unwanted: Unwanted,
    received: Timestamp,
    /// The local zone's offset at `received`, for messages without a stamp.
    local: Option<Period>,
}

impl Intake {
    pub(crate) fn new(queue: Queue, zone: IanaZone, plans: &Plans) -> Self {
        let batch = Batch::with_capacity(BATCH_BYTES);
        Self {
            queue,
            batch,
            taken: 0,
            cut: 0,
            zone: Cached::new(zone),
            zones: Vec::new(),
            host: Vec::new(),
            extras: Vec::new(),
            router: Router::new(plans),
            unwanted: Unwanted::default(),
            received: Timestamp::new(0, 0),
            local: None,
        }
    }

    /// Messages taken from now on were received now. Called once a read.
    pub(crate) fn receive(&mut self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.received = Timestamp::new(i64::try_from(now.as_secs()).unwrap_or(i64::MAX), now.subsec_nanos());
        self.local = None;
        self.router.begin();
    }

    /// Takes one message into the batch.
    pub(crate) fn take(&mut self, raw: &[u8], envelope: &Envelope<'_>, origin: &Origin) {
        let mut extent = envelope.extent;
        let raw = match raw.get(..origin.max_message) {
            Some(cut) if raw.len() > origin.max_message => {
                extent = Extent::Cut;
                cut
            }
            _ => raw,
        };
        self.taken += 1;
        self.cut += u64::from(extent == Extent::Cut);
        let rules = &*origin.rules;
        let message = rules.understood(syslog_parse::parse(raw));
        let ip = envelope.peer.map(|peer| peer.ip());
        let sender = rules.sender(ip);
        let zone = sender.and_then(|sender| sender.zone.as_ref()).unwrap_or(&rules.zone);
        rules.host(message.host(), ip, sender, &mut self.host);
        self.extras.clear();
        for (extra, value) in [
            (Extra::Host, Some(self.host.as_slice()).filter(|host| !host.is_empty())),
            (Extra::Credentials, envelope.credentials),
            (Extra::FileName, envelope.file.map(|name| name.get(..LONGEST_FILE_NAME).unwrap_or(name))),
        ] {
            if let Some(value) = value {
                extra.push(value, &mut self.extras);
            }
        }
        let about = Circumstances {
            received: self.received,
            time: self.time(&message, rules.stamps, zone),
            peer: envelope.peer,
            source: origin.key,
            extent,
            default_priority: rules.default_priority,
            extras_len: u32::try_from(self.extras.len()).unwrap_or_default(),
        };
        // `max_message` leaves room for the header and the extras; see `Origin`.
        let mut header = record::header(&message, &about);
        match self.router.ways(origin.key, &header, raw, &self.extras) {
            Ok(ways) => record::set_ways(&mut header, ways),
            Err(reason) => {
                self.unwanted.add(reason, 1);
                return;
            }
        }
        if self.batch.push_parts(&[&header, raw, &self.extras]).is_err() {
            origin.account.dropped(DropReason::BufferFailed, 1);
        }
    }

    /// Bytes in the batch.
    pub(crate) fn bytes(&self) -> usize {
        self.batch.bytes()
    }

    /// Appends the batch into room that was kept for it.
    pub(crate) fn commit(&mut self, room: Reservation, origin: &Origin) -> Result<(), Refused> {
        self.tell(origin);
        if self.batch.is_empty() {
            return Ok(());
        }
        let before = self.batch.len();
        let result = room.commit(&mut self.batch);
        origin.account.accepted((before - self.batch.len()) as u64);
        result.map(drop).map_err(|error| refused(&error, origin))
    }

    /// Appends the batch. What was accepted is counted and gone from it; what is left was not.
    pub(crate) fn append(&mut self, origin: &Origin) -> Result<(), Refused> {
        self.tell(origin);
        append(&self.queue, &mut self.batch, origin)
    }

    /// Enters what was taken since the last time into the ledger.
    fn tell(&mut self, origin: &Origin) {
        origin.account.received(std::mem::take(&mut self.taken), std::mem::take(&mut self.cut));
        let Unwanted { no_path, discarded } = std::mem::take(&mut self.unwanted);
        origin.account.dropped(DropReason::NoPath, no_path);
        origin.account.dropped(DropReason::Discarded, discarded);
        self.router.tell();
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
    fn time(&mut self, message: &Message<'_>, stamps: Stamps, zone: &StampZone) -> Time {
        if stamps == Stamps::Keep && message.stamp().is_some() {
            let received = self.received;
            let sent = when::sent(message, &zone.names, self.cached(zone), zone.source, received);
            if let Some(sent) = sent {
                return Time {
                    instant: sent.instant,
                    offset: sent.offset,
                    fraction_digits: message.stamp().map_or(0, |stamp| stamp.fraction_digits),
                    provenance: Some(sent.provenance),
                };
            }
        }
        let zone = &self.zone;
        let local = self.local.get_or_insert_with(|| zone.at_instant(self.received.secs));
        Time { instant: self.received, offset: local.offset, fraction_digits: 6, provenance: None }
    }

    fn cached(&mut self, zone: &StampZone) -> &Cached<IanaZone> {
        let at = match self.zones.iter().position(|(key, _)| *key == zone.key) {
            Some(at) => at,
            None => {
                if self.zones.len() >= MOST_ZONES {
                    self.zones.clear();
                }
                self.zones.push((zone.key, Cached::new(zone.zone.clone())));
                self.zones.len() - 1
            }
        };
        self.zones.swap(0, at);
        #[expect(clippy::indexing_slicing, reason = "just put there")]
        &self.zones[0].1
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
    match result {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(&error, origin)),
    }
}

/// Why, and a word of it in the log where it is worth one.
pub(crate) fn refused(error: &AppendError, origin: &Origin) -> Refused {
    if matches!(error, AppendError::Full { .. } | AppendError::NoRoom { .. }) {
        return Refused::Full;
    }
    if origin.complains() {
        let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        error!(source = origin.account.id, cause, "the buffer takes nothing: {error}");
    }
    Refused::Trouble(match error {
        AppendError::NoSpace { .. } => DropReason::DiskFull,
        _ => DropReason::BufferFailed,
    })
}
