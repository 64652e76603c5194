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
use std::time::Instant;

use syslog_parse::Rfc3339;

pub(super) use self::line::escape_into;
use self::root::Root;
use self::sink::Sink;
use super::Deliver;
use crate::collector::event::{Event, Field};
use crate::collector::record::Time;

/// A destination, ready to run.
#[derive(Debug)]
pub(crate) struct FileDestination {
    sink: Sink,
    clock: StampText,
}

impl FileDestination {
    /// Opens the root, creating it where it is missing.
    pub(crate) fn open(root: &Path, most_files: usize) -> io::Result<Self> {
        let sink = Sink::new(Root::open(root)?, most_files, Instant::now());
        Ok(Self { sink, clock: StampText::default() })
    }
}

impl Deliver for FileDestination {
    fn take(&mut self, event: &Event<'_>) {
        render(event, &mut self.sink, &mut self.clock);
    }

    fn flush(&mut self, now: Instant) -> io::Result<()> {
        self.sink.flush(now)
    }

    fn take_back(&mut self) {
        self.sink.take_back();
    }

    fn idle(&mut self, now: Instant) {
        self.sink.close_idle(now);
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.sink.close_all()
    }
}

/// One line: time, host, tag, message. Without a host in the message, the sender's address stands for it.
fn render(event: &Event<'_>, sink: &mut Sink, clock: &mut StampText) {
    let time = event.time();
    let local = time.instant.secs.saturating_add(i64::from(time.offset));
    let day = local.div_euclid(86_400);
    let mut peer = Address::EMPTY;
    let host = match (event.get(Field::Host), event.peer()) {
        (Some(host), _) => host,
        (None, Some(ip)) => peer.write(ip),
        (None, None) => b"unknown",
    };
    let out = sink.lines(host, day);
    out.extend_from_slice(clock.text(time));
    out.push(b' ');
    escape_into(host, out);
    out.push(b' ');
    if let Some(app) = event.get(Field::Program) {
        escape_into(app, out);
        if let Some(procid) = event.get(Field::Pid) {
            out.push(b'[');
            escape_into(procid, out);
            out.push(b']');
        }
        out.extend_from_slice(b": ");
    }
    escape_into(event.get(Field::Message).unwrap_or_default(), out);
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
