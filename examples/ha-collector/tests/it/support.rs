//! Starting, stopping and reading a collector.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Far longer than anything takes on a busy machine: what is not there by then does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The binary under test.
pub(crate) fn binary() -> Command {
    Command::new(env!("CARGO_BIN_EXE_ha-collector"))
}

/// A running collector with its data in `data`.
#[derive(Debug)]
pub(crate) struct Collector {
    child: Child,
    log: Receiver<String>,
    /// What it has said so far.
    pub(crate) said: String,
    pub(crate) udp: SocketAddr,
    pub(crate) tcp: SocketAddr,
}

/// A configuration with free ports; `extra` goes below it.
pub(crate) fn config(data: &Path, extra: &str) -> PathBuf {
    let path = data.join("collector.toml");
    let text = format!(
        r#"data = {data:?}
[[source]]
id = "udp"
type = "udp"
listen = "127.0.0.1:0"
[[source]]
id = "tcp"
type = "tcp"
listen = "127.0.0.1:0"
[[destination]]
id = "files"
type = "file"
{extra}"#
    );
    std::fs::write(&path, text).unwrap();
    path
}

impl Collector {
    /// Starts with UDP and TCP on free ports, and waits for the ready line.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(&mut binary(), &config(data, ""))
    }

    /// Starts `command` with that configuration.
    pub(crate) fn start_with(command: &mut Command, config: &Path) -> Self {
        command.arg("run").arg("--config").arg(config).env("TZ", "UTC").env_remove("RUST_LOG");
        Self::started(command.stdin(Stdio::null()))
    }

    /// Starts a command that is complete.
    pub(crate) fn started(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (lines, log) = channel();
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|line| lines.send(line))
        });
        let nowhere = "0.0.0.0:0".parse().unwrap();
        let mut this = Self { child, log, said: String::new(), udp: nowhere, tcp: nowhere };
        let ready = this.wait_for("ready: listening on ");
        let address = |transport: &str| {
            // One that listens for neither has none.
            let Some((_, rest)) = ready.split_once(transport) else { return nowhere };
            rest.split([',', ';']).next().unwrap().trim().parse().unwrap()
        };
        (this.udp, this.tcp) = (address("udp "), address("tcp "));
        this
    }

    /// The next line of the log that holds `text`.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.log.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.said += &line;
                    self.said.push('\n');
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("never said {text:?}, only:\n{}", self.said),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("ended without saying {text:?}, only:\n{}", self.said)
                }
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has ended; all it said is in `said` then.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        while let Ok(line) = self.log.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.said += &line;
            self.said.push('\n');
        }
        assert!(Instant::now() < until, "does not end; said:\n{}", self.said);
        self.child.wait().unwrap()
    }

    /// TERM, and everything must be written: exit 0 and a ledger that closes.
    pub(crate) fn stop(mut self) -> Ledger {
        self.signal(Signal::TERM);
        let status = self.wait();
        assert!(status.success(), "{status}:\n{}", self.said);
        let ledger = self.last_ledger();
        assert_eq!(ledger.queued, 0, "{}", self.said);
        ledger
    }

    /// KILL: no word, no chance.
    pub(crate) fn kill(mut self) {
        self.signal(Signal::KILL);
        self.wait();
    }

    /// The ledger that was written last. It must close.
    pub(crate) fn last_ledger(&self) -> Ledger {
        let line = self.said.lines().rev().find_map(|line| line.split_once("ledger {")).expect("no ledger");
        let ledger = Ledger::read(&format!("{{{}", line.1));
        assert!(!self.said.contains("does not close"), "{}", self.said);
        ledger
    }

    /// Asks for the ledger now.
    pub(crate) fn ledger(&mut self) -> Ledger {
        self.signal(Signal::USR1);
        self.wait_for("ledger {");
        self.last_ledger()
    }

    /// Asks until the ledger is as wanted.
    pub(crate) fn wait_for_ledger(&mut self, wanted: impl Fn(&Ledger) -> bool) -> Ledger {
        let until = Instant::now() + PATIENCE;
        loop {
            let ledger = self.ledger();
            if wanted(&ledger) {
                return ledger;
            }
            assert!(Instant::now() < until, "the ledger never came to be as wanted: {ledger:?}");
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // A test that failed leaves nothing running.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The accounts, added up over sources and destinations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    pub(crate) received: u64,
    pub(crate) accepted: u64,
    pub(crate) cut: u64,
    pub(crate) due: u64,
    pub(crate) delivered: u64,
    pub(crate) queued: u64,
    pub(crate) dropped: BTreeMap<String, u64>,
}

impl Ledger {
    fn read(json: &str) -> Self {
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        let sum = |list: &str, key: &str| -> u64 {
            json[list].as_array().unwrap().iter().map(|account| account[key].as_u64().unwrap()).sum()
        };
        let mut dropped = BTreeMap::new();
        for account in ["sources", "destinations"].iter().flat_map(|list| json[list].as_array().unwrap()) {
            for (reason, messages) in account["dropped"].as_object().unwrap() {
                *dropped.entry(reason.clone()).or_default() += messages.as_u64().unwrap();
            }
        }
        Self {
            received: sum("sources", "received"),
            accepted: sum("sources", "accepted"),
            cut: sum("sources", "cut"),
            due: sum("destinations", "due"),
            delivered: sum("destinations", "delivered"),
            queued: sum("destinations", "queued"),
            dropped,
        }
    }
}

/// Every line in every file beneath `dir`, by the path of its file relative to `dir`.
pub(crate) fn lines(dir: &Path) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    for path in files(dir) {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert!(text.is_empty() || text.ends_with('\n'), "{} ends in the middle of a line", path.display());
        let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
        // Not `lines()`: a carriage return is part of a line.
        found.insert(name, text.split_terminator('\n').map(str::to_owned).collect());
    }
    found
}

/// Every file beneath `dir`.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut dirs = vec![dir.to_path_buf()];
    let mut files = Vec::new();
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { dirs.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// Says that a test cannot run here, and why. Not by `eprintln!`, which the test harness keeps to itself when all is well.
pub(crate) fn skipped(reason: &str) {
    std::io::stderr().write_all(format!("\nskipped: {reason}\n").as_bytes()).unwrap();
}

/// Whether a program can be started here.
pub(crate) fn has(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|dir| dir.join(program).is_file())
}
