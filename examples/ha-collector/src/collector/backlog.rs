//! What waits in the buffer for one destination: looked at before it is given up. A destination that is no longer
//! configured, and has not delivered all that it was due, keeps its place and its messages until somebody decides.

use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diskbuf::inspect::{Entry, Inspection, Place};
use diskbuf::{Behind, Consumer, Limit, Loss, LossCause, ReadError, Seq, Start};
use serde::{Deserialize, Serialize};
use syslog_parse::{Rfc3339, Timestamp};
use tracing::{info, warn};

use super::ledger::DropReason;
use super::path::ways::{Book, BookError, Buffer};
use super::record::{EVERY_WAY, Record};
use super::{Collector, chain};

/// How long a running collector looks at what it is asked to give up.
const LOOK: Duration = Duration::from_secs(3);
/// Looked at between two looks at the clock.
const BATCH: Limit = Limit { records: 4096, bytes: 1 << 20 };

/// Whether what waits may be given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Consent {
    /// Only say what would be lost.
    Withheld,
    /// `--yes`.
    Given,
}

/// Why nothing was given up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForgetError {
    #[error(
        "destination `{name}` is configured: take it out of the configuration and reload before it can be forgotten"
    )]
    Configured { name: String },
    #[error("nothing in the buffer waits for a destination `{name}`{}", others(.known))]
    Unknown { name: String, known: Vec<String> },
    #[error(transparent)]
    Book(#[from] BookError),
    #[error("cannot read the buffer: {}", chain(.0))]
    Read(#[from] ReadError),
    #[error("{}", chain(.0))]
    Consumer(#[from] diskbuf::ConsumerError),
}

fn others(known: &[String]) -> String {
    match known {
        [] => String::new(),
        known => format!("; not configured and in the buffer: {}", known.join(", ")),
    }
}

/// The arguments by which a command finds the collector that is meant, each behind a blank.
#[derive(Debug)]
pub(crate) struct Meant(String);

impl Meant {
    /// Of one that was started with these, or is to be found by them. Written so that they hold in any directory.
    pub(crate) fn by(config: &[PathBuf], data: Option<&Path>) -> Self {
        let config = config.iter().map(|file| ("--config", file.as_path()));
        let all = config.chain(data.map(|dir| ("--data", dir)));
        let text = |(flag, path): (&str, &Path)| {
            let whole = std::path::absolute(path);
            format!(" {flag} {}", whole.as_deref().unwrap_or(path).display())
        };
        Self(all.map(text).collect())
    }

    /// Of one that does not know them: whoever reads that does.
    pub(crate) fn unknown() -> Self {
        Self(" --config FILE".to_owned())
    }
}

/// What a person is told of a destination that is not configured and for which messages wait.
pub(crate) fn orphaned(name: &str, records: u64, Meant(meant): &Meant) -> String {
    format!(
        "destination `{name}` is not configured, and {records} records of the buffer, which keep their space, wait for it: \
         configure it again, or give them up with `ha-collector buffer forget {name}{meant}`"
    )
}

/// What waits for a destination.
#[derive(Debug)]
pub(crate) struct Backlog {
    name: String,
    /// The bits of records that are for it.
    ways: u64,
    /// Messages for it, and the bytes that were received of them.
    messages: u64,
    bytes: u64,
    /// When the first and the last of them was received.
    received: Option<(Timestamp, Timestamp)>,
    /// Records that are for others.
    others: u64,
    unreadable: u64,
    losses: Vec<Loss>,
    /// Records that were not looked at, for want of time.
    unseen: u64,
}

impl Backlog {
    /// Nothing yet. `book` is the file that says which bits are whose.
    fn new(name: &str, book: &Path) -> Result<Self, BookError> {
        let book = Book::open(book, Buffer::HoldsRecords)?;
        let its = book.ways().filter(|(_, pair)| pair.destination == name);
        Ok(Self {
            name: name.to_owned(),
            ways: its.fold(0, |ways, (way, _)| ways | way.bit()),
            messages: 0,
            bytes: 0,
            received: None,
            others: 0,
            unreadable: 0,
            losses: Vec::new(),
            unseen: 0,
        })
    }

    /// Looks into a buffer that no collector has open, all the way.
    pub(crate) fn inspect(
        inspection: &mut Inspection,
        name: &str,
        book: &Path,
        configured: impl Fn(&str) -> bool,
    ) -> Result<Self, ForgetError> {
        if configured(name) {
            return Err(ForgetError::Configured { name: name.to_owned() });
        }
        let waiting = inspection.consumers();
        let Some(waiting) = waiting.iter().find(|waiting| waiting.name == name) else {
            let known = waiting.iter().map(|waiting| waiting.name.clone()).filter(|name| !configured(name));
            return Err(ForgetError::Unknown { name: name.to_owned(), known: known.collect() });
        };
        let from = waiting.acked.unwrap_or(Seq::FIRST);
        let mut this = Self::new(name, book)?;
        let seen = inspection.each(|entry| {
            match entry {
                Entry::Record { seq, payload, place: Place::Queue } if seq >= from => this.note(payload),
                Entry::Lost(loss) if loss.to >= from => this.losses.push(loss),
                _ => {}
            }
            ControlFlow::<()>::Continue(())
        })?;
        debug_assert_eq!(seen, ControlFlow::Continue(()), "nothing ended it");
        Ok(this)
    }

    /// Reads what a consumer has not acknowledged, and acknowledges nothing. Gives the number behind the last record seen.
    fn read(&mut self, consumer: &mut Consumer, until: Instant) -> Result<u64, ReadError> {
        let mut next = consumer.acked().as_u64();
        loop {
            let delivery = consumer.read(BATCH)?;
            for record in &delivery {
                self.note(record.payload());
            }
            self.losses.extend_from_slice(delivery.losses());
            let last = delivery.last_seq().max(delivery.losses().last().map(|loss| loss.to));
            let Some(last) = last else { return Ok(next) };
            next = last.as_u64() + 1;
            delivery.defer();
            if Instant::now() >= until {
                return Ok(next);
            }
        }
    }

    fn note(&mut self, payload: &[u8]) {
        let Some(record) = Record::read(payload) else {
            self.unreadable += 1;
            return;
        };
        if record.ways() != EVERY_WAY && record.ways() & self.ways == 0 {
            self.others += 1;
            return;
        }
        self.messages += 1;
        self.bytes += record.raw().len() as u64;
        let at = record.received();
        let (first, last) = self.received.unwrap_or((at, at));
        self.received = Some((first.min(at), last.max(at)));
    }
}

impl fmt::Display for Backlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, messages, bytes, .. } = self;
        write!(f, "destination `{name}`: {messages} messages of {bytes} bytes wait for it")?;
        if let Some((first, last)) = self.received {
            let [first, last] = [first, last].map(|at| Rfc3339::new(at, 0, 3).to_string());
            write!(f, ", received from {first} to {last}")?;
        }
        if self.unseen > 0 {
            write!(f, "; {} more records were not looked at, for want of time", self.unseen)?;
        }
        let gone = self.unreadable + self.losses.iter().map(Loss::records).sum::<u64>();
        if gone > 0 {
            write!(f, "; {gone} more are damaged or gone already")?;
        }
        Ok(())
    }
}

/// Why a destination did not get these records.
pub(super) const fn reason(loss: &Loss, behind: Behind) -> DropReason {
    match (loss.cause, behind) {
        (LossCause::DroppedForRoom, _) | (LossCause::Missing, Behind::Loses) => DropReason::Behind,
        _ => DropReason::Damaged,
    }
}

impl Collector {
    /// Says what waits for a destination that is not configured; with consent it is given up, and counted as lost.
    pub(crate) fn forget(&mut self, name: &str, consent: Consent) -> Result<String, ForgetError> {
        if self.destinations.expects(name) {
            return Err(ForgetError::Configured { name: name.to_owned() });
        }
        let waiting = self.queue.consumers();
        let Some(behind) = waiting.iter().find(|waiting| waiting.name == name).map(|waiting| waiting.behind)
        else {
            let known = waiting.into_iter().map(|waiting| waiting.name);
            let known = known.filter(|name| !self.destinations.expects(name)).collect();
            return Err(ForgetError::Unknown { name: name.to_owned(), known });
        };
        let mut backlog = Backlog::new(name, self.settled.book())?;
        let mut consumer = self.queue.consumer_that(behind, name, Start::Oldest)?;
        let account = self.ledger.orphan_destination(name, consumer.acked().as_u64());
        let seen = backlog.read(&mut consumer, Instant::now() + LOOK)?;
        drop(consumer);
        let end = self.queue.status().next_seq.as_u64();
        backlog.unseen = end.saturating_sub(seen);
        if consent == Consent::Withheld {
            return Ok(backlog.to_string());
        }
        self.queue.remove_consumer(name)?;
        account.passed_by(backlog.others);
        account.dropped(DropReason::Unreadable, backlog.unreadable);
        account.dropped(DropReason::Forgotten, backlog.messages + backlog.unseen);
        for loss in &backlog.losses {
            account.dropped(reason(loss, behind), loss.records());
        }
        self.ledger.forget_destination(name, end);
        let said = format!("{backlog}: forgotten");
        if backlog.messages + backlog.unseen > 0 {
            warn!("{said}, as it was asked for");
        } else {
            info!("{said}, as it was asked for");
        }
        Ok(said)
    }
}
