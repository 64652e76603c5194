//! Messages as lines of text in files, one a host and day unless told otherwise: `<root>/<host>/<YYYY-MM-DD>.log`.
//!
//! The day is that of the time in the line. A message counts as delivered when the write of its line has returned, or
//! with `sync = "batch"`, when its file is synced; otherwise it survives the death of this program, not yet the loss of
//! power. After a crash the last batch may come twice.

mod calendar;
mod compress;
mod log_file;
mod naming;
mod open;
mod rights;
mod root;
mod rotate;
mod sink;
mod trouble;

use std::fmt::Write as _;
use std::io;
use std::time::Instant;

use syslog_parse::{Cached, IanaZone, Rfc3339, Zone as _};

use self::calendar::Calendar;
use self::naming::{HostAndDay, Naming};
use self::rights::Rights;
use self::root::Root;
use self::rotate::Rotation;
use self::sink::{Policy, Sink};
use super::{Deliver, Render};
use crate::collector::event::{Event, Field};
use crate::collector::privileges;
use crate::collector::record::Time;
use crate::collector::template::{escape, write_text};
use crate::config::{self, Delivery, FilePath};

/// A destination, ready to run.
#[derive(Debug)]
pub(crate) struct FileDestination {
    sink: Sink,
    naming: Naming,
    layout: Option<Box<dyn Render>>,
    /// Times are written in this zone.
    zone: Option<Cached<IanaZone>>,
    clock: StampText,
}

/// What a configuration's templates were compiled to.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    /// Of `path`.
    pub(crate) path: Option<Box<dyn Render>>,
    /// Of a template, a format or a form of times; `None`: the usual line.
    pub(crate) layout: Option<Box<dyn Render>>,
}

/// Makes the root where it is missing, or says why it cannot be written beneath.
pub(crate) fn prepare_root(asked: &config::FileDestination) -> io::Result<()> {
    Root::open(&asked.root, Rights::new(&asked.rights)?).map(drop)
}

impl FileDestination {
    /// Opens the root, creating it where it is missing. At most about `descriptors` files will be open at the same time.
    /// `local` is the zone of this machine.
    pub(crate) fn open(
        asked: &config::FileDestination,
        deliver: &Delivery,
        templates: Templates,
        descriptors: usize,
        local: &IanaZone,
    ) -> io::Result<Self> {
        let naming = match (&asked.path, templates.path) {
            (FilePath::HostAndDay, _) => Naming::HostAndDay(HostAndDay::default()),
            (FilePath::Fixed(path), _) => Naming::Fixed(path.as_bytes().into()),
            (FilePath::Template(_), Some(template)) => Naming::Template { template, path: Vec::new() },
            (FilePath::Template(_), None) => return Err(io::Error::other("its path was not compiled")),
        };
        let root = Root::open(&asked.root, Rights::new(&asked.rights)?)?;
        let needs = privileges::needs_of(&asked.rights);
        let policy = Policy {
            missing_dirs: asked.missing_dirs,
            sync: asked.sync,
            idle_close: asked.idle_close,
            most: asked.max_files.unwrap_or(descriptors).min(descriptors),
            rotation: asked.rotate.map(|rotate| Rotation::new(rotate, &root, needs)).transpose()?,
        };
        let calendar = Calendar::new(deliver.time_zone.as_ref().unwrap_or(local).clone());
        Ok(Self {
            sink: Sink::new(root, policy, calendar, Instant::now()),
            naming,
            layout: templates.layout,
            zone: deliver.time_zone.clone().map(Cached::new),
            clock: StampText::default(),
        })
    }
}

impl Deliver for FileDestination {
    fn take(&mut self, event: &Event<'_>) {
        let mut time = event.time();
        if let Some(zone) = &self.zone {
            time.offset = zone.at_instant(time.instant.secs).offset;
        }
        let day = time.instant.secs.saturating_add(i64::from(time.offset)).div_euclid(86_400);
        let mut peer = Address::EMPTY;
        let host = match (event.get(Field::Host), event.peer()) {
            (Some(host), _) => host,
            (None, Some(ip)) => peer.write(ip),
            (None, None) => b"unknown",
        };
        let out = self.sink.lines(self.naming.path(event, host, day));
        match &mut self.layout {
            None => render(event, time, host, &mut self.clock, out),
            Some(layout) => {
                let start = out.len();
                layout.render(event, out);
                // What is looked for after a crash, and moved when a file fails, are lines.
                if out.len() > start && !out.ends_with(b"\n") {
                    out.push(b'\n');
                }
            }
        }
    }

    fn flush(&mut self, now: Instant) -> io::Result<()> {
        self.sink.flush(now)
    }

    fn take_back(&mut self) {
        self.sink.take_back();
    }

    fn idle(&mut self, now: Instant) {
        self.sink.idle(now);
    }

    fn due(&self) -> Option<Instant> {
        self.sink.due()
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.sink.reopen()
    }

    fn close(&mut self) {
        self.sink.close();
    }
}

/// One line: time, host, tag, message. Without a host in the message, the sender's address stands for it.
fn render(event: &Event<'_>, time: Time, host: &[u8], clock: &mut StampText, out: &mut Vec<u8>) {
    out.extend_from_slice(clock.text(time));
    out.push(b' ');
    escape::escape_into(host, out);
    out.push(b' ');
    write_text(event, out);
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
