//! Messages as lines of text in files, one a host and day: `<root>/<host>/<YYYY-MM-DD>.log`.
//!
//! The day is that of the time in the line. A message counts as delivered when the write of its line has returned:
//! it survives the death of this program, not yet the loss of power. After a crash the last batch may come twice.

mod component;
mod line;
mod open;
mod root;
mod sink;

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diskbuf::{Consumer, Limit, Wait};
use syslog_parse::Rfc3339;
use tracing::{error, info, warn};

use self::root::Root;
use self::sink::Sink;
use crate::collector::ledger::{DestinationAccount, DropReason};
use crate::collector::limit::Seldom;
use crate::collector::record::{Record, Time};
use crate::collector::stop::Stop;

/// Read from the buffer at once.
const BATCH: Limit = Limit { records: 4096, bytes: 1 << 20 };
/// An idle destination looks this often for files to close.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// After an error, the first pause and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How long a destination that fails goes on trying after the word to stop.
const LAST_CHANCE: Duration = Duration::from_secs(3);

/// A destination, ready to run.
#[derive(Debug)]
pub(crate) struct FileDestination {
    id: String,
    sink: Sink,
}

/// What a running destination hears from outside.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    /// The buffer will get nothing more: write what it holds, and return.
    pub(crate) drain: Stop,
    /// Return now.
    pub(crate) give_up: Stop,
    /// Raised by one for every time the files are to be opened anew.
    pub(crate) reopen: Arc<AtomicU64>,
}

impl FileDestination {
    /// Opens the root, creating it where it is missing.
    pub(crate) fn open(id: &str, root: &Path, most_files: usize) -> io::Result<Self> {
        let sink = Sink::new(Root::open(root)?, most_files, Instant::now());
        Ok(Self { id: id.to_owned(), sink })
    }

    /// Delivers until the buffer is closed and empty, or until told to give up.
    pub(crate) fn run(mut self, consumer: &mut Consumer, account: &DestinationAccount, orders: &Orders) {
        let mut clock = StampText::default();
        let mut complaint = Seldom::new(Duration::from_secs(10));
        let mut reopened = orders.reopen.load(Ordering::Relaxed);
        while !orders.give_up.said() {
            let wanted = orders.reopen.load(Ordering::Relaxed);
            if wanted != reopened {
                reopened = wanted;
                self.sink.close_all();
                info!(destination = self.id, "files are opened anew");
            }
            let delivery = match consumer.read(BATCH) {
                Ok(delivery) => delivery,
                Err(error) => {
                    if complaint.now(Instant::now()) {
                        error!(destination = self.id, "cannot read the buffer: {error}");
                    }
                    if orders.give_up.wait(PAUSES.1) || orders.drain.said() {
                        return;
                    }
                    continue;
                }
            };
            if delivery.is_empty() && delivery.losses().is_empty() {
                drop(delivery);
                match consumer.wait(Some(Instant::now() + HOUSEKEEPING)) {
                    Wait::Closed => return,
                    Wait::TimedOut => self.sink.close_idle(Instant::now()),
                    _ => {}
                }
                continue;
            }
            let mut unreadable = 0;
            for record in &delivery {
                match Record::read(record.payload()) {
                    Some(record) => render(&record, &mut self.sink, &mut clock),
                    None => unreadable += 1,
                }
            }
            if !self.flush(orders, &mut complaint) {
                return;
            }
            let (records, lost) = (delivery.len() as u64, delivery.losses().to_vec());
            if let Err(error) = delivery.ack() {
                // Delivered, but the buffer does not know: it will be delivered again.
                error!(destination = self.id, "cannot record what was delivered: {error}");
                if orders.give_up.wait(PAUSES.1) || orders.drain.said() {
                    return;
                }
                continue;
            }
            account.delivered(records - unreadable);
            account.dropped(DropReason::Unreadable, unreadable);
            for loss in lost {
                error!(
                    destination = self.id,
                    "the buffer lost messages {} to {}: {:?}", loss.from, loss.to, loss.cause
                );
                account.dropped(DropReason::Damaged, loss.records());
            }
        }
    }

    /// Writes the batch, however long the disk makes it wait. False: given up, the batch stays in the buffer.
    fn flush(&mut self, orders: &Orders, complaint: &mut Seldom) -> bool {
        let mut pause = PAUSES.0;
        let mut failing_since_drain = None;
        loop {
            let now = Instant::now();
            let Err(error) = self.sink.flush(now) else {
                return true;
            };
            if complaint.now(now) {
                warn!(destination = self.id, "cannot write, messages wait in the buffer: {error}");
            }
            if orders.drain.said() {
                let since = *failing_since_drain.get_or_insert(now);
                if now.duration_since(since) >= LAST_CHANCE {
                    return false;
                }
            }
            if orders.give_up.wait(pause) {
                return false;
            }
            pause = (pause * 2).min(PAUSES.1);
            if orders.drain.said() {
                pause = PAUSES.0;
            }
        }
    }
}

/// One line: time, host, tag, message. Without a host in the message, the sender's address stands for it.
fn render(record: &Record<'_>, sink: &mut Sink, clock: &mut StampText) {
    let time = record.time();
    let local = time.instant.secs.saturating_add(i64::from(time.offset));
    let day = local.div_euclid(86_400);
    let mut peer = Address::EMPTY;
    let host = match (record.host(), record.peer()) {
        (Some(host), _) => host,
        (None, Some(ip)) => peer.write(ip),
        (None, None) => b"unknown",
    };
    let out = sink.lines(host, day);
    out.extend_from_slice(clock.text(time));
    out.push(b' ');
    line::escape_into(host, out);
    out.push(b' ');
    if let Some(app) = record.app() {
        line::escape_into(app, out);
        if let Some(procid) = record.procid() {
            out.push(b'[');
            line::escape_into(procid, out);
            out.push(b']');
        }
        out.extend_from_slice(b": ");
    }
    line::escape_into(record.message(), out);
    out.push(b'\n');
}

/// The text of a time; messages of one second share it.
#[derive(Debug, Default)]
struct StampText {
    last: Option<(Time, Rfc3339)>,
}

impl StampText {
    fn text(&mut self, time: Time) -> &[u8] {
        let fresh = match &self.last {
            Some((last, _)) => {
                last.instant != time.instant
                    || last.offset != time.offset
                    || last.fraction_digits != time.fraction_digits
            }
            None => true,
        };
        if fresh {
            self.last = None;
        }
        let (_, text) = self
            .last
            .get_or_insert_with(|| (time, Rfc3339::new(time.instant, time.offset, time.fraction_digits)));
        text.as_bytes()
    }
}

/// An IP address as text, without an allocation.
#[derive(Debug)]
struct Address {
    text: [u8; LONGEST_ADDRESS],
    len: usize,
}

/// `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`
const LONGEST_ADDRESS: usize = 45;

impl Address {
    const EMPTY: Self = Self { text: [0; LONGEST_ADDRESS], len: 0 };

    fn write(&mut self, ip: std::net::IpAddr) -> &[u8] {
        if write!(self, "{ip}").is_err() {
            self.len = 0;
        }
        self.text.get(..self.len).unwrap_or_default()
    }
}

impl std::fmt::Write for Address {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.len + text.len();
        self.text.get_mut(self.len..end).ok_or(std::fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}
