//! The real rsyslog and syslog-ng: they send to us and we to them, and the fields agree.

mod differential;
mod ear;
mod rsyslog;
mod syslog_ng;

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use self::ear::Ear;
use crate::relay::config;
use crate::support::{Collector, PATIENCE, binary};

/// The shape of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Rfc3164,
    Rfc5424,
}

/// How it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Udp,
    Lf,
    OctetCounting,
}

/// Both shapes, all ways.
const EVERY: [(Shape, Way); 6] = [
    (Shape::Rfc3164, Way::Udp),
    (Shape::Rfc3164, Way::Lf),
    (Shape::Rfc3164, Way::OctetCounting),
    (Shape::Rfc5424, Way::Udp),
    (Shape::Rfc5424, Way::Lf),
    (Shape::Rfc5424, Way::OctetCounting),
];

/// What has to agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fields {
    pri: String,
    /// To the second, in UTC.
    time: String,
    host: String,
    program: String,
    pid: String,
    msgid: String,
    data: String,
    text: String,
}

impl Fields {
    /// Sent now: a stamp without a year is of this one.
    fn now() -> Self {
        let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let field = str::to_owned;
        Self {
            pri: field("165"),
            time,
            host: field("db7.example.org"),
            program: field("evntslog"),
            pid: field("8710"),
            msgid: field("ID47"),
            data: field("[exampleSDID@32473 iut=\"3\" eventSource=\"App\"]"),
            text: field("an application event: 100% of it"),
        }
    }

    fn rfc5424(&self) -> String {
        let Self { pri, time, host, program, pid, msgid, data, text } = self;
        format!("<{pri}>1 {time}Z {host} {program} {pid} {msgid} {data} {text}")
    }

    /// What is left of it in that shape.
    fn in_shape(&self, shape: Shape) -> Self {
        match shape {
            Shape::Rfc5424 => self.clone(),
            Shape::Rfc3164 => Self { msgid: "-".to_owned(), data: "-".to_owned(), ..self.clone() },
        }
    }

    /// Of `pri|time|host|program|pid|msgid|data|text`, as both daemons are told to write it.
    fn from_bars(line: &str) -> Self {
        let mut parts = line.splitn(8, '|').map(|part| part.trim().to_owned());
        let mut next = || parts.next().unwrap_or_default();
        let dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
        Self {
            pri: next(),
            time: next().chars().take(19).collect(),
            host: next(),
            program: next(),
            pid: next(),
            msgid: dash(next()),
            data: dash(next()),
            text: next(),
        }
    }

    fn from_rfc5424(line: &str) -> Self {
        let message = syslog_parse::parse(line.as_bytes());
        let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or(b"-")).into_owned();
        let data = message.structured_data().raw();
        Self {
            pri: message.pri().unwrap().number().to_string(),
            time: line.split(' ').nth(1).unwrap().chars().take(19).collect(),
            host: text(message.host()),
            program: text(message.app()),
            pid: text(message.procid()),
            msgid: text(message.msgid()),
            data: text((!data.is_empty()).then_some(data)),
            text: text(Some(message.message())),
        }
    }
}

/// A daemon under our control, with everything that it writes in a directory of ours.
struct Daemon(Child);

impl Daemon {
    /// Starts it and waits until it listens on `tcp`.
    fn start(command: &mut Command, tcp: SocketAddr) -> Self {
        let child = command
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut this = Self(child);
        let until = Instant::now() + PATIENCE;
        // It tells nobody when it is ready.
        while TcpStream::connect(tcp).is_err() {
            assert!(this.0.try_wait().unwrap().is_none(), "{command:?} ended");
            assert!(Instant::now() < until, "{command:?} does not listen on {tcp}");
            std::thread::sleep(Duration::from_millis(10));
        }
        this
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        kill_process(Pid::from_child(&self.0), Signal::KILL).ok();
        drop(self.0.wait());
    }
}

/// A collector that passes on what it hears to the ear, as RFC 5424 in lines.
fn collector_before(ear: &Ear, data: &Path, tcp: SocketAddr) -> Collector {
    let relay = format!(
        "[[destination]]\nid = \"ear\"\ntype = \"tcp\"\nto = \"{}\"\nframing = \"lf\"\n",
        ear.address()
    );
    Collector::start_with(&mut binary(), &config(data, tcp, &relay))
}

/// A collector that sends what it hears in that shape and way.
fn collector_to(to: SocketAddr, shape: Shape, way: Way, data: &Path, tcp: SocketAddr) -> Collector {
    let format = match shape {
        Shape::Rfc3164 => "rfc3164",
        Shape::Rfc5424 => "rfc5424",
    };
    let kind = match way {
        Way::Udp => "type = \"udp\"",
        Way::Lf => "type = \"tcp\"\nframing = \"lf\"",
        Way::OctetCounting => "type = \"tcp\"\nframing = \"octet-counting\"",
    };
    let relay = format!("[[destination]]\nid = \"peer\"\n{kind}\nto = \"{to}\"\nformat = \"{format}\"\n");
    Collector::start_with(&mut binary(), &config(data, tcp, &relay))
}

/// Says a message to whoever listens there.
fn say(to: SocketAddr, message: &str) {
    let mut tcp = TcpStream::connect(to).unwrap();
    writeln!(tcp, "{message}").unwrap();
}
