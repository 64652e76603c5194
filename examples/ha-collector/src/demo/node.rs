//! The daemons of one node: ours, or keepalived and a collector that knows nothing of it.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::host::Host;
use super::lab::VIP;
use super::{Error, setup};
use crate::control::{Request, Wanted, ask};

/// Whose failover it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum System {
    HaCollector,
    /// By its program.
    Keepalived(PathBuf),
}

impl System {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::HaCollector => "ha-collector",
            Self::Keepalived(_) => "keepalived",
        }
    }
}

/// A node and what runs on it.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) host: &'a Host,
    system: &'a System,
    dir: PathBuf,
    /// Ours: keeper and collector in one. keepalived: only that.
    keeper: Option<Daemon>,
    /// Only beside keepalived; ours has its own.
    collector: Option<Daemon>,
    /// Only beside keepalived: tells it whether the collector is alive.
    check: Option<Daemon>,
    /// Where in the log the present life begins.
    life: Option<usize>,
}

/// A process, and since when it knows that it is to end.
#[derive(Debug)]
struct Daemon {
    child: Child,
    told: Option<Instant>,
}

impl From<Child> for Daemon {
    fn from(child: Child) -> Self {
        Self { child, told: None }
    }
}

impl Daemon {
    fn kill(mut self) {
        self.child.kill().ok();
        // A zombie would still be alive to the check of keepalived.
        self.child.wait().ok();
    }

    /// TERM, once; KILL when that has no effect.
    fn stop(&mut self) -> Progress {
        if !self.child.try_wait().is_ok_and(|status| status.is_none()) {
            return Progress::Ended;
        }
        match self.told {
            None => {
                kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM).ok();
                self.told = Some(Instant::now());
            }
            Some(told) if told.elapsed() > PATIENCE => drop(self.child.kill()),
            Some(_) => {}
        }
        Progress::Ending
    }
}

/// How far stopping has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Ending,
    Ended,
}

/// A daemon that is told to stop has this long.
const PATIENCE: Duration = Duration::from_secs(10);

impl<'a> Node<'a> {
    /// Writes its configuration; nothing runs yet.
    pub(super) fn new(
        host: &'a Host,
        system: &'a System,
        place: usize,
        interval: Duration,
        dir: &Path,
    ) -> Result<Self, Error> {
        let dir = dir.join(system.name()).join(host.name);
        let written = || -> io::Result<()> {
            fs::create_dir_all(&dir)?;
            match system {
                System::HaCollector => {
                    let priority = setup::PRIORITIES.get(place).copied().unwrap_or(1);
                    fs::write(dir.join("collector.toml"), setup::ours(priority, interval))
                }
                System::Keepalived(_) => {
                    let verdict = dir.join("verdict");
                    let check = setup::check(interval, &dir.join("collector.pid"), &verdict);
                    fs::write(dir.join("collector.toml"), setup::collector())?;
                    fs::write(dir.join("check.sh"), check)?;
                    fs::write(dir.join("keepalived.conf"), setup::keepalived(place, interval, &verdict))
                }
            }
        };
        written().map_err(|source| Error::Directory { path: dir.clone(), source })?;
        Ok(Self { host, system, dir, keeper: None, collector: None, check: None, life: None })
    }

    /// Starts everything, and waits until it is ready.
    pub(super) fn start(&mut self) -> Result<(), Error> {
        self.life = Some(self.log().len());
        match self.system {
            System::HaCollector => {
                self.keeper = Some(self.start_ours()?.into());
                Ok(())
            }
            System::Keepalived(program) => {
                // What a reboot removes.
                for file in ["keepalived.pid", "vrrp.pid"] {
                    fs::remove_file(self.dir.join(file)).ok();
                }
                self.start_service()?;
                let mut check = Command::new("sh");
                check.arg(self.dir.join("check.sh"));
                self.check = Some(self.spawn(check, "sh")?.into());
                let mut command = Command::new(program);
                command.args(["-P", "-n", "-l", "-D", "-f"]).arg(self.dir.join("keepalived.conf"));
                command.arg("-p").arg(self.dir.join("keepalived.pid"));
                command.arg("-r").arg(self.dir.join("vrrp.pid"));
                self.keeper = Some(self.spawn(command, "keepalived")?.into());
                Ok(())
            }
        }
    }

    /// The collector beside keepalived, as its service manager would start it again.
    pub(super) fn start_service(&mut self) -> Result<(), Error> {
        if *self.system == System::HaCollector {
            // Its keeper does.
            return Ok(());
        }
        let child = self.start_ours()?;
        let file = self.dir.join("collector.pid");
        fs::write(&file, child.id().to_string()).map_err(|source| Error::Directory { path: file, source })?;
        self.collector = Some(child.into());
        Ok(())
    }

    fn start_ours(&self) -> Result<Child, Error> {
        let before = self.ready_lines();
        let mut command = Command::new("/proc/self/exe");
        command.arg("run").arg("--config").arg(self.dir.join("collector.toml"));
        command.arg("--data").arg(self.dir.join("data"));
        let mut child = self.spawn(command, "ha-collector")?;
        let begun = Instant::now();
        while self.ready_lines() == before {
            let ended = child.try_wait().is_ok_and(|status| status.is_some());
            if ended || begun.elapsed() > PATIENCE {
                let said = self.log();
                return Err(Error::Late {
                    what: format!("{} is ready", self.host.name),
                    patience: PATIENCE,
                    said,
                });
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(child)
    }

    fn ready_lines(&self) -> usize {
        self.log().lines().filter(|line| line.starts_with("ready: ")).count()
    }

    fn spawn(&self, mut command: Command, program: &str) -> Result<Child, Error> {
        let cannot = |source| Error::Start { program: program.to_owned(), source };
        let log = File::options().append(true).create(true).open(self.dir.join("log")).map_err(cannot)?;
        let again = log.try_clone().map_err(cannot)?;
        command.stdin(Stdio::null()).stdout(again).stderr(log);
        // Times in one zone, a log in one form; and the terminal's Ctrl-C is for us to hear, not for them.
        command.env("TZ", "UTC").env_remove("RUST_LOG").env_remove("NOTIFY_SOCKET").process_group(0);
        self.host.run(move || command.spawn())?.map_err(cannot)
    }

    /// KILL for the collector alone.
    pub(super) fn kill_service(&mut self, pids: &[Pid]) {
        if let Some(collector) = self.collector.take() {
            collector.kill();
        } else if let Some(collector) = pids.get(1) {
            kill(*collector, Signal::SIGKILL).ok();
        }
    }

    /// KILL for everything.
    pub(super) fn kill_all(&mut self, pids: &[Pid]) {
        for pid in pids {
            kill(*pid, Signal::SIGKILL).ok();
        }
        for child in [&mut self.keeper, &mut self.collector, &mut self.check] {
            if let Some(child) = child.take() {
                child.kill();
            }
        }
    }

    /// TERM for everything, to be called until it has ended. keepalived goes first, so that its collector serves as long as
    /// it holds the address.
    pub(super) fn stop(&mut self) -> Progress {
        for daemon in [&mut self.keeper, &mut self.collector, &mut self.check] {
            if let Some(running) = daemon {
                if running.stop() == Progress::Ending {
                    return Progress::Ending;
                }
                *daemon = None;
            }
        }
        Progress::Ended
    }

    /// Who holds the address, first, and who else is to be killed one by one.
    pub(super) fn pids(&self) -> Vec<Pid> {
        let from_file = |name: &str| fs::read_to_string(self.dir.join(name)).ok()?.trim().parse::<i32>().ok();
        let mut found = Vec::new();
        if *self.system == System::HaCollector {
            let asked = ask(&self.dir.join("data/control"), &Request::Status, |status| {
                let pids =
                    status.get("pids").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                found.extend(pids.iter().filter_map(Value::as_i64).filter_map(|pid| i32::try_from(pid).ok()));
                Wanted::Enough
            });
            if asked.is_err() {
                found.clear();
            }
        } else {
            found.extend([from_file("vrrp.pid"), from_file("keepalived.pid")].into_iter().flatten());
        }
        found.into_iter().map(Pid::from_raw).collect()
    }

    /// Whether it has the address.
    pub(super) fn holds(&self) -> Result<bool, Error> {
        self.host.holds(VIP)
    }

    /// All that its daemons have said.
    pub(super) fn log(&self) -> String {
        fs::read(self.dir.join("log"))
            .map_or_else(|_not_yet| String::new(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What its log says that it is, and why.
    pub(super) fn state(&self) -> State {
        let Some(life) = self.life else { return State::default() };
        if self.keeper.is_none() {
            return State { word: "off".to_owned(), why: String::new() };
        }
        self.log().get(life..).unwrap_or_default().lines().rev().find_map(State::read).unwrap_or_default()
    }

    /// Where its collector writes what it has received.
    pub(super) fn files(&self) -> PathBuf {
        self.dir.join("data/logs")
    }

    /// Bytes in its files.
    pub(super) fn stored(&self) -> u64 {
        let directories = fs::read_dir(self.files()).into_iter().flatten().flatten();
        let files = directories.filter_map(|dir| fs::read_dir(dir.path()).ok()).flatten().flatten();
        files.filter_map(|file| file.metadata().ok()).map(|metadata| metadata.len()).sum()
    }
}

impl Drop for Node<'_> {
    fn drop(&mut self) {
        // Asked no more: what is left ends with the namespace.
        self.kill_all(&[]);
    }
}

/// What a node is in the election.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) word: String,
    pub(super) why: String,
}

impl State {
    /// Out of a line of either one's log, if it tells.
    fn read(line: &str) -> Option<Self> {
        if let Some((_, state)) = line.split_once("(VI_1) Entering ") {
            let word = match state.split(' ').next()? {
                "MASTER" => "active",
                other => &other.to_lowercase(),
            };
            return Some(Self { word: word.to_owned(), why: String::new() });
        }
        let (_, told) = line.split_once(" VI_1: ")?;
        // `Backup -> Active after 1.2s, priority 150: why; addresses moved in …`, or without a change `Backup, priority …`.
        let (state, why) = told.split_once(", priority ")?;
        let (_, why) = why.split_once(": ")?;
        let state = state.split_once(" -> ").map_or(state, |(_, to)| to);
        let word = state.split(' ').next()?.to_lowercase();
        Some(Self { word, why: why.split("; addresses moved").next()?.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_read_out_of_either_log() {
        let read = |line| State::read(line).map(|state| (state.word, state.why));
        let told = |word: &str, why: &str| Some((word.to_owned(), why.to_owned()));
        assert_eq!(
            read(
                "2026-11-21T06:08:25.7Z  INFO VI_1: Backup -> Active after 350.1ms, priority 150: nobody was heard; addresses moved in 0.3ms"
            ),
            told("active", "nobody was heard")
        );
        assert_eq!(
            read("2026-11-21T06:08:25.7Z  INFO VI_1: Backup, priority 100: 10.0.0.11 advertises 150 > 100"),
            told("backup", "10.0.0.11 advertises 150 > 100")
        );
        assert_eq!(read("Sat Nov 21 06:07:20 2026: (VI_1) Entering MASTER STATE"), told("active", ""));
        assert_eq!(read("Sat Nov 21 06:07:19 2026: (VI_1) Entering BACKUP STATE (init)"), told("backup", ""));
        assert_eq!(read("ready: listening on udp 0.0.0.0:5514"), None);
    }
}
