//! One collector under one load: what arrived in its files, what it cost, how long it took.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::output;
use super::process::{self, Running};
use super::setup::Setup;

/// When nothing has been written for so long, nothing more comes.
const QUIET: Duration = Duration::from_millis(2_500);
/// However it goes, a load is over then.
const LONGEST: Duration = Duration::from_secs(180);

/// What is sent.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) name: String,
    pub(crate) transport: &'static str,
    pub(crate) messages: u64,
    /// A second; `None`: as fast as they go.
    pub(crate) rate: Option<u64>,
    pub(crate) connections: u16,
    /// Different hosts in the messages; lines of devices have their own.
    pub(crate) hosts: u64,
    pub(crate) shape: Shape,
}

/// What messages look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// 256 bytes.
    Rfc3164,
    /// 256 bytes, each preceded by its length.
    Rfc5424Counted,
    /// Lines as devices send them.
    Devices,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    /// From the first message to the last line.
    pub(crate) took: Duration,
    pub(crate) cpu: Duration,
    pub(crate) memory_kib: u64,
    /// 99 of 100 lines were in their file so long after they were sent; only measured at a rate.
    pub(crate) delay_99: Option<Duration>,
}

impl Figures {
    pub(crate) fn delivered_per_second(&self) -> f64 {
        self.delivered as f64 / self.took.as_secs_f64().max(1e-9)
    }

    pub(crate) fn cpu_microseconds(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / (self.delivered.max(1)) as f64
    }

    /// The share of what was sent that is in no file.
    pub(crate) fn lost(&self) -> f64 {
        self.sent.saturating_sub(self.delivered) as f64 / (self.sent.max(1)) as f64
    }
}

pub(crate) fn run(setup: Setup, load: &Load, binary: &Path) -> Result<Figures, String> {
    let said =
        |what: &str, error: std::io::Error| format!("{}, {}: {what}: {error}", setup.name(), load.name);
    let dir = tempfile::tempdir().map_err(|error| said("a directory", error))?;
    let port = process::free_port().map_err(|error| said("a port", error))?;
    let mut command = setup.command(dir.path(), port, binary).map_err(|error| said("its files", error))?;
    let mut running = Running::start(&mut command).map_err(|error| said("starting it", error))?;
    running.listens(port).map_err(|error| said("it never listened", error))?;
    let out = dir.path().join("out");
    let before = process::cpu(running.id());
    let stop = Arc::new(AtomicBool::new(false));
    let watcher = load.rate.filter(|_| load.transport == "tcp").map(|_| {
        let (out, stop) = (out.clone(), Arc::clone(&stop));
        thread::spawn(move || delays(&out, &stop))
    });
    let mut sender = sender(load, port, dir.path(), binary).map_err(|error| said("the load", error))?;
    let begun = Instant::now();
    let sent = sender.status().map_err(|error| said("the load", error))?;
    if !sent.success() && load.transport == "tcp" {
        return Err(format!("{}, {}: the load ended with {sent}", setup.name(), load.name));
    }
    let (mut size, mut grown) = (0, Instant::now());
    while grown.elapsed() < QUIET && begun.elapsed() < LONGEST {
        let now = output::bytes(&out);
        if now != size {
            (size, grown) = (now, Instant::now());
        }
        thread::sleep(Duration::from_millis(5));
    }
    stop.store(true, Ordering::Relaxed);
    let after = process::cpu(running.id());
    let mut waits = watcher.and_then(|watcher| watcher.join().ok()).unwrap_or_default();
    waits.sort_unstable();
    Ok(Figures {
        sent: load.messages,
        delivered: output::lines(&out),
        took: grown - begun,
        cpu: after.saturating_sub(before),
        memory_kib: process::memory(running.id()),
        delay_99: waits.get(waits.len() * 99 / 100).copied(),
    })
}

/// The command that makes the load.
pub(crate) fn sender(load: &Load, port: u16, dir: &Path, binary: &Path) -> std::io::Result<Command> {
    let mut command = Command::new(binary);
    command.args(["send", load.transport, &format!("127.0.0.1:{port}")]);
    command.args(["--count", &load.messages.to_string(), "--connections", &load.connections.to_string()]);
    if let Some(rate) = load.rate {
        command.args(["--rate", &rate.to_string()]);
    }
    match load.shape {
        Shape::Rfc3164 => {
            command.args(["--hosts", &load.hosts.to_string()]);
        }
        Shape::Rfc5424Counted => {
            command.args(["--format", "rfc5424", "--framing", "octet-counting"]);
        }
        Shape::Devices => {
            let corpus = dir.join("devices");
            fs::write(&corpus, devices()?)?;
            command.arg("--corpus").arg(corpus);
        }
    }
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    Ok(command)
}

/// The lines of the parser's own test data that have a PRI and are one line, as they stand on the wire.
fn devices() -> std::io::Result<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../syslog-parse/tests/data/real-world.jsonl");
    let mut all = Vec::new();
    for line in fs::read_to_string(path)?.lines() {
        let case: serde_json::Value = serde_json::from_str(line)?;
        let Some(text) = case.get("text").and_then(serde_json::Value::as_str) else { continue };
        if text.starts_with('<') && !text.contains(['\n', '\0']) {
            all.extend_from_slice(text.as_bytes());
            all.push(b'\n');
        }
    }
    Ok(all)
}

/// Follows the file that lines come to, a thousand times a second, and notes how old the oldest and the newest of each
/// look are by their `at=`.
fn delays(out: &Path, stop: &AtomicBool) -> Vec<Duration> {
    let mut waits = Vec::new();
    let mut file = None;
    let mut text = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(1));
        if file.is_none() {
            file = output::files(out).first().and_then(|path| File::open(path).ok());
        }
        let Some(file) = &mut file else { continue };
        let Ok(at) = file.stream_position() else { continue };
        text.clear();
        if file.read_to_end(&mut text).is_err() {
            continue;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        file.seek(SeekFrom::Start(at + whole as u64)).ok();
        let mut lines = text.get(..whole).unwrap_or_default().split_inclusive(|&byte| byte == b'\n');
        for line in [lines.next(), lines.next_back()].into_iter().flatten() {
            let stamp = String::from_utf8_lossy(line);
            let stamp =
                stamp.split(" at=").nth(1).and_then(|rest| rest.get(..16)).and_then(|at| at.parse().ok());
            waits.extend(stamp.map(|at| now.saturating_sub(Duration::from_micros(at))));
        }
    }
    waits
}
