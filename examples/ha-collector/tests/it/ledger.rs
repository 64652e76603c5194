//! Losses of every kind that can be made to happen, and where `status --json` says that each message went.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use crate::ports::port;
use crate::support::{Collector, PATIENCE, binary, config, lines};

/// All accounts, as `status --json` gives them.
#[derive(Clone, Debug)]
pub(crate) struct Balance(Value);

impl Balance {
    /// Of the collector with its data there.
    pub(crate) fn of(data: &Path) -> Self {
        let output = binary().args(["status", "--json", "--data"]).arg(data).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self(serde_json::from_slice(&output.stdout).unwrap())
    }

    /// Asks until it is as wanted.
    #[track_caller]
    pub(crate) fn when(data: &Path, wanted: impl Fn(&Self) -> bool) -> Self {
        let until = Instant::now() + PATIENCE;
        loop {
            let balance = Self::of(data);
            if wanted(&balance) {
                return balance;
            }
            assert!(Instant::now() < until, "never as wanted: {balance:#?}");
        }
    }

    fn account(&self, list: &str, id: &str) -> &Value {
        let accounts = self.0[list].as_array().unwrap();
        accounts.iter().find(|account| account["id"] == id).unwrap_or_else(|| panic!("no {id}: {self:#?}"))
    }

    pub(crate) fn source(&self, id: &str, key: &str) -> u64 {
        self.account("sources", id)[key].as_u64().unwrap()
    }

    fn path(&self, id: &str, key: &str) -> u64 {
        self.account("paths", id)[key].as_u64().unwrap()
    }

    pub(crate) fn destination(&self, id: &str, key: &str) -> u64 {
        self.account("destinations", id)[key].as_u64().unwrap()
    }

    pub(crate) fn dropped(&self, list: &str, id: &str, reason: &str) -> u64 {
        self.account(list, id)["dropped"][reason].as_u64().unwrap_or_default()
    }

    /// Whether every sum closes, reckoned from the numbers alone: nothing waits at a source, nothing is in flight.
    pub(crate) fn closes(&self) -> bool {
        let accounts = |list: &str| self.0[list].as_array().unwrap().clone();
        let of = |account: &Value, key: &str| account[key].as_u64().unwrap();
        let dropped = |account: &Value| -> u64 {
            account["dropped"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
        };
        let buffered = self.0["buffered"].as_u64().unwrap();
        let sources = accounts("sources");
        buffered == sources.iter().map(|source| of(source, "accepted")).sum::<u64>()
            && sources.iter().all(|source| {
                of(source, "waiting") == 0
                    && of(source, "received") == of(source, "accepted") + dropped(source)
            })
            && accounts("paths")
                .iter()
                .all(|path| of(path, "offered") == of(path, "taken") + of(path, "filtered"))
            && accounts("destinations").iter().all(|to| {
                of(to, "due") == of(to, "delivered") + of(to, "passed_by") + of(to, "queued") + dropped(to)
            })
    }

    pub(crate) fn queued(&self) -> u64 {
        let destinations = self.0["destinations"].as_array().unwrap();
        destinations.iter().map(|to| to["queued"].as_u64().unwrap()).sum()
    }
}

fn start(config: &Path) -> Collector {
    Collector::start_with(&mut binary(), config)
}

/// A small buffer.
const SMALL: &str = "[buffer]\nsegment-size = \"1MiB\"\nmax-size = \"4MiB\"\n";

/// A destination where nobody listens yet, along a path with these flags.
fn to_nobody(data: &Path, address: SocketAddr, flags: &str) -> PathBuf {
    let extra = format!(
        "[[destination]]\nid = \"far\"\ntype = \"tcp\"\nto = \"{address}\"\nframing = \"lf\"\ntime-reopen = \"1s\"\n\
         [[path]]\nid = \"near\"\ndestinations = [\"files\"]\nflags = [{flags}]\n\
         [[path]]\nid = \"far\"\ndestinations = [\"far\"]\nflags = [{flags}]\n{SMALL}"
    );
    config(data, &extra)
}

/// Takes everything there from now on, and counts the lines.
fn listen(address: SocketAddr) -> Arc<AtomicU64> {
    let heard = Arc::new(AtomicU64::new(0));
    let (listener, count) = (TcpListener::bind(address).unwrap(), Arc::clone(&heard));
    // Ends with the test's process.
    std::thread::spawn(move || {
        let mut bytes = vec![0; 1 << 16];
        while let Ok((mut tcp, _)) = listener.accept() {
            while let Ok(n @ 1..) = tcp.read(&mut bytes) {
                let lines = bytes[..n].iter().filter(|byte| **byte == b'\n').count() as u64;
                count.fetch_add(lines, Ordering::Relaxed);
            }
        }
    });
    heard
}

fn message(pri: u8, n: u64, len: usize) -> String {
    format!("<{pri}>1 2025-01-01T00:00:00Z h a - - - {n} {}", "x".repeat(len))
}

#[test]
fn what_the_kernel_had_no_room_for_is_counted_to_the_datagram() {
    const SENT: u64 = 20_000;
    let data = tempfile::tempdir().unwrap();
    let path = config(data.path(), "");
    let text = std::fs::read_to_string(&path).unwrap();
    let small = text.replacen("listen", "receive-buffer = \"64KiB\"\nlisten", 1);
    std::fs::write(&path, small).unwrap();
    let collector = start(&path);
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    collector.signal(Signal::STOP);
    for n in 0..SENT {
        udp.send_to(message(13, n, 100).as_bytes(), collector.udp).unwrap();
    }
    collector.signal(Signal::CONT);
    let balance = Balance::when(data.path(), |balance| {
        balance.source("udp", "received") == SENT && balance.closes() && balance.queued() == 0
    });
    let lost = balance.dropped("sources", "udp", "kernel_receive_buffer");
    assert!(lost > 0, "{balance:#?}");
    assert_eq!(balance.source("udp", "accepted"), SENT - lost);
    assert_eq!(balance.destination("files", "delivered"), SENT - lost);
    collector.stop();
    let written: usize = lines(&data.path().join("logs")).values().map(Vec::len).sum();
    assert_eq!(written as u64, SENT - lost);
}

#[test]
fn what_is_empty_or_unwanted_or_thrown_away_is_counted_where_it_was_received() {
    let data = tempfile::tempdir().unwrap();
    let socket = data.path().join("socket");
    let path = config(
        data.path(),
        &format!(
            r#"
[[source]]
id = "local"
type = "unix-dgram"
path = {socket:?}
[[destination]]
id = "nobody"
type = "usertty"
users = ["nobody.at.all"]
[[path]]
id = "away"
sources = ["udp", "local"]
steps = [{{ filter = "level(debug)" }}]
flags = ["final"]
[[path]]
id = "errors"
sources = ["udp", "tcp"]
steps = [{{ filter = "level(err..emerg)" }}]
destinations = ["files"]
flags = ["flow-control"]
[[path]]
id = "alerts"
sources = ["udp"]
steps = [{{ filter = "level(alert..emerg)" }}]
destinations = ["files", "nobody"]
flags = ["flow-control"]
"#
        ),
    );
    let mut collector = start(&path);
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let local = UnixDatagram::unbound().unwrap();
    let mut tcp = TcpStream::connect(collector.tcp).unwrap();
    // Ten of every level by each way, and between them five times nothing.
    for n in 0..10 {
        for level in 0..8 {
            let text = message(8 + level, n, 10);
            udp.send_to(text.as_bytes(), collector.udp).unwrap();
            local.send_to(text.as_bytes(), &socket).unwrap();
            writeln!(tcp, "{text}").unwrap();
        }
        if n < 5 {
            udp.send_to(b"", collector.udp).unwrap();
            local.send_to(b"", &socket).unwrap();
        }
    }
    let balance = Balance::when(data.path(), |balance| {
        [("udp", 85), ("local", 85), ("tcp", 80)]
            .iter()
            .all(|(id, sent)| balance.source(id, "received") == *sent)
            && balance.closes()
            && balance.queued() == 0
    });
    let dropped =
        |id: &str| ["empty", "discarded", "no_path"].map(|reason| balance.dropped("sources", id, reason));
    // Levels 4 to 6 have no path from UDP and TCP, debug has one that ends; from the socket, nothing has but debug.
    assert_eq!(dropped("udp"), [5, 10, 30]);
    assert_eq!(dropped("local"), [5, 10, 70]);
    assert_eq!(dropped("tcp"), [0, 0, 40]);
    assert_eq!(["udp", "local", "tcp"].map(|id| balance.source(id, "accepted")), [40, 0, 40]);
    let path = |id: &str| ["offered", "taken", "filtered"].map(|key| balance.path(id, key));
    assert_eq!(path("away"), [160, 20, 140]);
    // What was taken away before is not offered.
    assert_eq!(path("errors"), [70 + 80, 80, 70]);
    assert_eq!(path("alerts"), [70, 20, 50]);
    let destination = |id: &str| ["due", "delivered", "passed_by"].map(|key| balance.destination(id, key));
    // A message that comes along two paths is one message that is due, written twice.
    assert_eq!(destination("files"), [80, 80, 0]);
    assert_eq!(destination("nobody"), [80, 0, 60]);
    assert_eq!(balance.dropped("destinations", "nobody", "not_taken"), 20);
    collector.wait_for_ledger(|ledger| ledger.queued == 0);
    collector.stop();
    let written: usize = lines(&data.path().join("logs")).values().map(Vec::len).sum();
    assert_eq!(written, 100);
}

/// Sends large datagrams, each when the one before has been counted: what is lost then, the buffer had no room for.
fn overfill(data: &Path, collector: &Collector, sent: u64) {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    for n in 0..sent {
        udp.send_to(message(13, n, 60_000).as_bytes(), collector.udp).unwrap();
        if n % 50 == 49 {
            Balance::when(data, |balance| balance.source("udp", "received") == n + 1);
        }
    }
}

#[test]
fn datagrams_that_a_full_buffer_did_not_take_are_the_sources_loss() {
    const SENT: u64 = 200;
    let data = tempfile::tempdir().unwrap();
    let address = port();
    let collector = start(&to_nobody(data.path(), address, "\"flow-control\""));
    overfill(data.path(), &collector, SENT);
    let balance = Balance::when(data.path(), Balance::closes);
    let lost = balance.dropped("sources", "udp", "buffer_full");
    let kernel = balance.dropped("sources", "udp", "kernel_receive_buffer");
    assert!(lost > 0, "{balance:#?}");
    assert_eq!(balance.source("udp", "accepted"), SENT - lost - kernel);
    assert_eq!(balance.destination("far", "queued"), SENT - lost - kernel);
    let heard = listen(address);
    let balance = Balance::when(data.path(), |balance| balance.closes() && balance.queued() == 0);
    assert_eq!(balance.destination("far", "delivered"), SENT - lost - kernel);
    collector.stop();
    assert_eq!(heard.load(Ordering::Relaxed), SENT - lost - kernel);
}

#[test]
fn what_a_destination_was_too_far_behind_for_is_its_own_loss_and_nobody_elses() {
    const SENT: u64 = 200;
    let data = tempfile::tempdir().unwrap();
    let address = port();
    let collector = start(&to_nobody(data.path(), address, ""));
    overfill(data.path(), &collector, SENT);
    let heard = listen(address);
    let balance = Balance::when(data.path(), |balance| balance.closes() && balance.queued() == 0);
    let never = balance.source("udp", "received") - balance.source("udp", "accepted");
    let behind = balance.dropped("destinations", "far", "behind");
    assert!(behind > 0, "{balance:#?}");
    assert_eq!(balance.source("udp", "received"), SENT);
    assert_eq!(balance.destination("far", "delivered"), SENT - never - behind);
    let near = balance.dropped("destinations", "files", "behind");
    assert_eq!(balance.destination("files", "delivered"), SENT - never - near);
    collector.stop();
    assert_eq!(heard.load(Ordering::Relaxed), SENT - never - behind);
}

#[test]
fn a_record_that_was_damaged_in_the_buffer_is_the_loss_of_who_waited_for_it() {
    const SENT: u64 = 50;
    let data = tempfile::tempdir().unwrap();
    let address = port();
    let path = to_nobody(data.path(), address, "\"flow-control\"");
    let collector = start(&path);
    let mut tcp = TcpStream::connect(collector.tcp).unwrap();
    for n in 0..SENT {
        writeln!(tcp, "{}", message(13, n, 10)).unwrap();
        // Each a batch of its own: whole batches are lost where one record is not what it was.
        if n % 10 == 9 {
            Balance::when(data.path(), |balance| balance.source("tcp", "accepted") == n + 1);
        }
    }
    Balance::when(data.path(), |balance| balance.destination("files", "delivered") == SENT);
    collector.kill();
    let segment = data.path().join("buffer/0000000000000000.seg");
    let bytes = std::fs::read(&segment).unwrap();
    let at = bytes.windows(16).position(|window| window == b" - - - 20 xxxxxx").unwrap() as u64;
    std::fs::OpenOptions::new().write(true).open(&segment).unwrap().write_all_at(b"y", at + 12).unwrap();
    let heard = listen(address);
    let collector = start(&path);
    let balance = Balance::when(data.path(), |balance| balance.closes() && balance.queued() == 0);
    let damaged = balance.dropped("destinations", "far", "damaged");
    assert!((1..=10).contains(&damaged), "{balance:#?}");
    assert_eq!(balance.destination("far", "due"), SENT);
    assert_eq!(balance.destination("far", "delivered"), SENT - damaged);
    collector.stop();
    assert_eq!(heard.load(Ordering::Relaxed), SENT - damaged);
}

#[test]
fn what_the_collector_says_too_often_is_counted_and_not_said() {
    let data = tempfile::tempdir().unwrap();
    let mut collector = start(&config(data.path(), "[[source]]\nid = \"itself\"\ntype = \"internal\"\n"));
    for _ in 0..100 {
        collector.ledger();
    }
    let balance = Balance::when(data.path(), |balance| balance.closes() && balance.queued() == 0);
    assert!(balance.dropped("sources", "itself", "too_often") > 0, "{balance:#?}");
    assert!(balance.source("itself", "received") >= 100, "{balance:#?}");
    collector.stop();
}
