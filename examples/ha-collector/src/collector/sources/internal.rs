//! What the collector itself has to say, as messages: facility syslog, severity by level, program `ha-collector`.
//!
//! Whoever logs never waits: an event goes into a short queue or is counted as dropped. What the delivery of such a
//! message makes others say cannot go round for ever, because each place in the program is heard ten times and then once
//! a second; and what the thread of this source says itself is not heard here at all.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{PoisonError, RwLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use syslog_parse::{Draft, Facility, IanaZone, Pri, Severity, Style, Timestamp};
use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::thread::{Kept, Reader};
use crate::collector::intake::Envelope;
use crate::collector::ledger::DropReason;
use crate::collector::limit::TokenBucket;

/// Events that wait for a busy source.
const WAITING: usize = 1_000;
/// Of one place in the program: so many at once, so many a second after that.
const BURST: u32 = 10;
const A_SECOND: u32 = 1;
const PROGRAM: &[u8] = b"ha-collector";

/// Where events go while there is a source for them.
static TAP: RwLock<Option<SyncSender<Said>>> = RwLock::new(None);
/// Events that found no place.
static LOST: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static DEAF: Cell<bool> = const { Cell::new(false) };
}

#[derive(Debug)]
struct Said {
    level: Level,
    place: Identifier,
    at: SystemTime,
    text: String,
}

/// The ear in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ear;

impl<S: Subscriber> Layer<S> for Ear {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // The lock is held for writing only while a source begins or ends.
        let Ok(tap) = TAP.try_read() else { return };
        let Some(tap) = tap.as_ref() else { return };
        if DEAF.get() {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let about = event.metadata();
        let Text { mut message, fields } = text;
        message.push_str(&fields);
        let said =
            Said { level: *about.level(), place: about.callsite(), at: SystemTime::now(), text: message };
        if tap.try_send(said).is_err() {
            LOST.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// An event in words, as it stands in the log.
#[derive(Debug, Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        if field.name() == "message" {
            write!(self.message, "{value:?}").unwrap_or_default();
        } else {
            write!(self.fields, " {}={value:?}", field.name()).unwrap_or_default();
        }
    }
}

/// Events on their way to the source.
#[derive(Debug)]
pub(super) struct Heard(Receiver<Said>);

/// Begins to listen. There is one such source.
pub(super) fn listen() -> Heard {
    let (tap, heard) = sync_channel(WAITING);
    *TAP.write().unwrap_or_else(PoisonError::into_inner) = Some(tap);
    Heard(heard)
}

/// Ends it: what was heard is still taken.
pub(super) fn end() {
    *TAP.write().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Takes what is heard until there is nothing more.
pub(super) fn run(Heard(heard): &Heard, mut reader: Reader, host: &str, zone: &IanaZone) {
    DEAF.set(true);
    let mut limits: HashMap<Identifier, TokenBucket> = HashMap::new();
    let mut raw = Vec::new();
    let pid = std::process::id().to_string();
    while let Ok(first) = heard.recv() {
        let Some(room) = reader.wait_for_room() else { break };
        reader.intake.receive();
        let mut next = Some(first);
        while let Some(said) = next {
            let now = Instant::now();
            let limit =
                limits.entry(said.place.clone()).or_insert_with(|| TokenBucket::new(BURST, A_SECOND, now));
            if limit.take(now) {
                raw.clear();
                emit(&said, host, &pid, zone, &mut raw);
                reader.intake.take(&raw, &Envelope::default(), &reader.origin);
            } else {
                dropped(&reader, 1);
            }
            next = if reader.has_room(&room, usize::MAX) { heard.try_recv().ok() } else { None };
        }
        if reader.commit(room) == Kept::No {
            break;
        }
        dropped(&reader, LOST.swap(0, Ordering::Relaxed));
    }
    dropped(&reader, LOST.swap(0, Ordering::Relaxed) + heard.try_iter().count() as u64);
}

fn dropped(reader: &Reader, messages: u64) {
    reader.origin.account.received(messages, 0);
    reader.origin.account.dropped(DropReason::TooOften, messages);
}

fn emit(said: &Said, host: &str, pid: &str, zone: &IanaZone, out: &mut Vec<u8>) {
    let severity = match said.level {
        Level::ERROR => Severity::Err,
        Level::WARN => Severity::Warning,
        Level::INFO => Severity::Info,
        _ => Severity::Debug,
    };
    let since = said.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let at = Timestamp::new(i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_nanos());
    let mut draft = Draft::new(Pri::new(Facility::Syslog, severity));
    draft.time_in(at, zone).host(Some(host.as_bytes())).app(Some(PROGRAM)).procid(Some(pid.as_bytes()));
    draft.message(said.text.as_bytes()).emit_rfc5424(&Style::default(), out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_message_of_facility_syslog() {
        let heard = listen();
        let subscriber = {
            use tracing_subscriber::layer::SubscriberExt as _;
            tracing_subscriber::registry().with(Ear)
        };
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(source = "net", most = 7, "too many\nlines");
            DEAF.set(true);
            tracing::warn!("not heard: the thread of the source itself");
            DEAF.set(false);
            for _ in 0..2 * WAITING {
                tracing::info!("many");
            }
        });
        end();
        assert_eq!(LOST.swap(0, Ordering::Relaxed), 1 + WAITING as u64, "nobody waited");
        let said = heard.0.recv().unwrap();
        let mut raw = Vec::new();
        emit(&said, "here", "7", &IanaZone::utc(), &mut raw);
        let message = syslog_parse::parse(&raw);
        assert_eq!(message.pri().map(Pri::number), Some(5 * 8 + 4));
        assert_eq!((message.host(), message.app()), (Some(&b"here"[..]), Some(&b"ha-collector"[..])));
        assert!(String::from_utf8_lossy(message.message()).contains("source=\"net\" most=7"), "{raw:?}");
        assert_eq!(heard.0.try_iter().count(), WAITING - 1);
    }
}
