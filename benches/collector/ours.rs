//! Our collector, with a configuration of the caller's: started as often as wanted on the same directory, loaded, and
//! timed by its own ledger, which is compared with the files.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::measure::{Figures, Load, sender};
use super::output;
use super::process::{self, Running};

/// How often the ledger is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// When the ledger has not changed for so long, nothing more comes.
const QUIET: Duration = Duration::from_secs(2);
/// However it goes, a load is over then.
const LONGEST: Duration = Duration::from_secs(240);

/// Where a collector lives: its configuration, its queue, its files.
#[derive(Debug)]
pub(crate) struct Place {
    dir: TempDir,
    binary: PathBuf,
    /// UDP and TCP.
    pub(crate) port: u16,
}

impl Place {
    pub(crate) fn new(binary: &Path) -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|error| format!("a directory: {error}"))?;
        let port = process::free_port().map_err(|error| format!("a port: {error}"))?;
        Ok(Self { dir, binary: binary.to_owned(), port })
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    /// Beneath the place.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The part of a configuration that is always the same: where the queue is, and sources `udp` and `tcp`.
    pub(crate) fn sources(&self) -> String {
        let (work, port) = (self.work(), self.port);
        format!(
            "data = \"{}\"\n\
             [[source]]\nid = \"udp\"\ntype = \"udp\"\nlisten = \"127.0.0.1:{port}\"\n\
             [[source]]\nid = \"tcp\"\ntype = \"tcp\"\nlisten = \"127.0.0.1:{port}\"\n\
             max-connections = 12000\nmax-connections-per-address = 12000\n",
            work.display()
        )
    }

    /// A destination that writes one file a host and day.
    pub(crate) fn files(&self, id: &str) -> String {
        let root = self.out().join(id);
        format!("[[destination]]\nid = \"{id}\"\ntype = \"file\"\nroot = \"{}\"\n", root.display())
    }

    pub(crate) fn configure(&self, text: &str) -> Result<(), String> {
        std::fs::write(self.path("config"), text).map_err(|error| format!("its configuration: {error}"))
    }

    /// Starts it, and waits for nothing.
    pub(crate) fn spawn(&self) -> Result<Running, String> {
        let said = File::options().append(true).create(true).open(self.path("said"));
        let said = said.map_err(|error| format!("its log: {error}"))?;
        let mut command = Command::new(&self.binary);
        command.arg("run").arg("--config").arg(self.path("config")).env("TZ", "UTC");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
        Running::start(&mut command).map_err(|error| format!("starting it: {error}"))
    }

    /// Starts it, and waits until it listens and answers.
    pub(crate) fn start(&self) -> Result<Running, String> {
        let mut running = self.spawn()?;
        running.listens(self.port).map_err(|error| {
            let said = std::fs::read_to_string(self.path("said")).unwrap_or_default();
            format!("it never listened: {error}\n{said}")
        })?;
        // It listens for messages before it answers questions.
        let begun = Instant::now();
        while let Err(error) = self.ledger() {
            if begun.elapsed() > QUIET {
                return Err(error);
            }
            thread::sleep(LOOK);
        }
        Ok(running)
    }

    /// What it knows of itself.
    pub(crate) fn ledger(&self) -> Result<Ledger, String> {
        let said = |error: std::io::Error| format!("its ledger: {error}");
        let mut stream = UnixStream::connect(self.work().join("control")).map_err(said)?;
        stream.write_all(b"\"status\"\n").map_err(said)?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).map_err(said)?;
        let answer: Value = serde_json::from_str(&line).map_err(|error| format!("its ledger: {error}"))?;
        Ok(Ledger(answer.get("ok").cloned().unwrap_or_default()))
    }

    /// Loads it, and waits until all of it is at the destinations of these names, or lost. What is told as delivered is what
    /// the slowest of them has, and as CPU time all that the collector used meanwhile.
    pub(crate) fn load(&self, running: &Running, load: &Load, to: &[&str]) -> Result<Figures, String> {
        let before = self.ledger()?;
        let lines_before = output::lines(&self.out());
        let used = process::cpu(running.id());
        let mut command = sender(load, self.port, self.dir.path(), &self.binary)
            .map_err(|error| format!("{}: {error}", load.name))?;
        let mut sender = Running::start(&mut command).map_err(|error| format!("the load: {error}"))?;
        let (mut begun, started) = (None, Instant::now());
        let (mut last, mut changed, mut looked) = (before.clone(), started, started);
        loop {
            let (ended, ledger, now) =
                (sender.ended().map_err(|error| error.to_string())?, self.ledger()?, Instant::now());
            if begun.is_none() && ledger.received() > before.received() {
                begun = Some(looked);
            }
            looked = now;
            if ledger.0 != last.0 {
                (last, changed) = (ledger, now);
            }
            if ended == Some(false) && load.transport == "tcp" {
                return Err(format!("{}: the load ended badly", load.name));
            }
            let all = last.received() - before.received() >= load.messages && last.queued(to) == 0;
            // A stream brings everything, however long it takes; of datagrams nobody knows how many are still to come.
            let no_more = load.transport == "udp" && now - changed > QUIET;
            if ended.is_some() && (all || no_more) {
                break;
            }
            if now - started > LONGEST {
                return Err(format!("{}: not over after {LONGEST:?}", load.name));
            }
            thread::sleep(LOOK);
        }
        let cpu = process::cpu(running.id()).saturating_sub(used);
        let came = |to: &&str| last.delivered(to) - before.delivered(to);
        // The word of the ledger is not taken for it.
        let (told, found) = (to.iter().map(came).sum::<u64>(), output::lines(&self.out()) - lines_before);
        if told != found {
            return Err(format!("{}: {told} lines in the ledger, {found} in the files", load.name));
        }
        Ok(Figures {
            sent: load.messages,
            delivered: to.iter().map(came).min().unwrap_or_default(),
            took: changed.duration_since(begun.unwrap_or(started)),
            cpu,
            memory_kib: process::memory(running.id()),
            delay_99: None,
        })
    }
}

/// What `ha-collector status` tells.
#[derive(Clone, Debug)]
pub(crate) struct Ledger(Value);

impl Ledger {
    /// Messages that have reached a socket, those that the kernel had no room for included.
    pub(crate) fn received(&self) -> u64 {
        self.sum("sources", "received", |_| true)
    }

    /// Messages that are in the queue or have been.
    pub(crate) fn accepted(&self) -> u64 {
        self.sum("sources", "accepted", |_| true)
    }

    pub(crate) fn delivered(&self, to: &str) -> u64 {
        self.sum("destinations", "delivered", |id| id == to)
    }

    /// Messages that wait for these destinations.
    pub(crate) fn queued(&self, to: &[&str]) -> u64 {
        self.sum("destinations", "queued", |id| to.contains(&id))
    }

    fn sum(&self, list: &str, key: &str, wanted: impl Fn(&str) -> bool) -> u64 {
        let rows = self.0.get(list).and_then(Value::as_array).into_iter().flatten();
        rows.filter(|row| row.get("id").and_then(Value::as_str).is_some_and(&wanted))
            .filter_map(|row| row.get(key).and_then(Value::as_u64))
            .sum()
    }
}
