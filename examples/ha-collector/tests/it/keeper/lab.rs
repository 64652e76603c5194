//! Two nodes and a client on one switch, each a network namespace of its own that an ordinary user may make.

use std::fs::File;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{PATIENCE, binary, skipped};

const INSIDE: &str = "HA_COLLECTOR_TEST_IN_NAMESPACE";

/// Runs the test of this name again inside a user, network and mount namespace of its own. True: this is the inside, go on.
pub(crate) fn inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        ip("link set lo up");
        return true;
    }
    // First a trial, so that a test's failure is never taken for a missing right.
    match Command::new("unshare").args(["-Urn", "ip", "link", "set", "lo", "up"]).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            skipped(&format!("{test}: no namespace here: {}", String::from_utf8_lossy(&output.stderr)));
            return false;
        }
        Err(error) => {
            skipped(&format!("{test}: no unshare here: {error}"));
            return false;
        }
    }
    let output = Command::new("unshare")
        // What is still running when the test ends, ends with it.
        .args(["-Urn", "--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    for line in text.lines().filter(|line| line.starts_with("skipped:")) {
        skipped(line.trim_start_matches("skipped:").trim());
    }
    false
}

type Work = Box<dyn FnOnce() + Send>;

/// A host: a thread in a network namespace of its own. What it starts belongs to it.
#[derive(Debug)]
pub(crate) struct Host {
    work: mpsc::Sender<Work>,
    thread: i32,
}

impl Host {
    fn new() -> Self {
        let (work, todo) = mpsc::channel::<Work>();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            tell.send(nix::unistd::gettid().as_raw()).unwrap();
            for work in todo {
                work();
            }
        });
        let host = Self { work, thread: told.recv().unwrap() };
        host.run(|| ip("link set lo up"));
        host
    }

    /// Runs this on the host and gives back what it gives back.
    pub(crate) fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, told) = mpsc::channel();
        let work: Work = Box::new(move || tell.send(catch_unwind(AssertUnwindSafe(work))).unwrap());
        self.work.send(work).unwrap();
        told.recv().unwrap().unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Whether it has this address now.
    pub(crate) fn holds(&self, address: &str) -> bool {
        let address: IpAddr = address.parse().unwrap();
        let listed = self.run(|| Command::new("ip").args(["-o", "address"]).output().unwrap());
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        listed
            .split_whitespace()
            .any(|word| word.split('/').next().and_then(|word| word.parse().ok()) == Some(address))
    }
}

/// `ip` in the namespace of this thread.
pub(crate) fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Waits for what nothing announces.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// n1 10.0.0.11, n2 10.0.0.12, client 10.0.0.20, on one switch.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) n1: Host,
    pub(crate) n2: Host,
    pub(crate) client: Host,
    pub(crate) dir: tempfile::TempDir,
}

impl Lab {
    pub(crate) fn new() -> Self {
        ip("link add br0 type bridge");
        ip("link set br0 up");
        let host = |name: &str, number: u8| {
            let host = Host::new();
            ip(&format!("link add p-{name} type veth peer name eth0 netns {}", host.thread));
            ip(&format!("link set p-{name} master br0 up"));
            host.run(move || {
                std::fs::write("/proc/sys/net/ipv6/conf/eth0/accept_dad", "0").unwrap();
                ip(&format!("address add 10.0.0.{number}/24 dev eth0"));
                ip("link set eth0 up");
            });
            host
        };
        let (n1, n2, client) = (host("n1", 11), host("n2", 12), host("cl", 20));
        Self { n1, n2, client, dir: tempfile::tempdir().unwrap() }
    }

    /// Pulls a node's cable.
    pub(crate) fn cut(&self, name: &str) {
        ip(&format!("link set p-{name} down"));
    }

    pub(crate) fn mend(&self, name: &str) {
        ip(&format!("link set p-{name} up"));
    }

    /// Starts our daemon on a node with this configuration, and waits for its ready line.
    pub(crate) fn start(&self, host: &Host, name: &str, configuration: &str) -> Node {
        let dir = self.dir.path().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        let config = dir.join("node.toml");
        std::fs::write(&config, configuration).unwrap();
        // A node that is started again writes on into its log.
        let ready = |log: &str| log.lines().filter(|line| line.starts_with("ready: ")).count();
        let before = std::fs::read_to_string(dir.join("log")).map_or(0, |log| ready(&log));
        let node = Node::start(host, &dir, &config);
        until(&format!("{name} is ready"), || {
            assert!(node.running(), "{name} has ended:\n{}", node.log());
            ready(&node.log()) > before
        });
        node
    }
}

/// Our daemon on a node.
#[derive(Debug)]
pub(crate) struct Node {
    child: std::cell::RefCell<Child>,
    pub(crate) dir: PathBuf,
    config: PathBuf,
}

impl Node {
    fn start(host: &Host, dir: &Path, config: &Path) -> Self {
        let log = File::options().append(true).create(true).open(dir.join("log")).unwrap();
        let (to, from, data) = (log, config.to_owned(), dir.join("data"));
        let child = host.run(move || {
            let mut command = binary();
            command
                .arg("run")
                .arg("--config")
                .arg(from)
                .arg("--data")
                .arg(data)
                .env("TZ", "UTC")
                .env_remove("RUST_LOG");
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(to).spawn().unwrap()
        });
        Self { child: child.into(), dir: dir.to_owned(), config: config.to_owned() }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap()
    }

    pub(crate) fn running(&self) -> bool {
        self.child.borrow_mut().try_wait().unwrap().is_none()
    }

    /// The keeper, and its collector if it has one now.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        let pids = self.status()["pids"].as_array().unwrap().clone();
        pids.iter().map(|pid| Pid::from_raw(pid.as_i64().unwrap() as i32)).collect()
    }

    pub(crate) fn keeper(&self) -> Pid {
        Pid::from_raw(self.child.borrow().id() as i32)
    }

    /// `command` of the daemon's own command line, over its control socket; standard output.
    pub(crate) fn ask(&self, arguments: &[&str]) -> String {
        let mut command = binary();
        command.args(arguments).arg("--config").arg(&self.config).arg("--data").arg(self.dir.join("data"));
        let output = command.env("TZ", "UTC").output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.ask(&["status", "--json"])).unwrap()
    }

    /// The first virtual address's row.
    pub(crate) fn instance(&self) -> Value {
        self.status()["instances"][0].clone()
    }

    pub(crate) fn is(&self, state: &str) -> bool {
        self.instance()["state"] == state
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.keeper(), signal).unwrap();
    }

    pub(crate) fn wait(&self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.borrow_mut().try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "did not end:\n{}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// TERM, and the exit status.
    pub(crate) fn stop(&self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait()
    }

    /// Every line of every log file that it wrote.
    pub(crate) fn written(&self) -> Vec<String> {
        let lines = crate::support::lines(&self.dir.join("data/logs"));
        lines.into_values().flatten().collect()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if thread::panicking() {
            // Past the harness: which node said what, when a test fails.
            eprintln!("==== {}\n{}", self.dir.display(), self.log());
        }
        let child = self.child.get_mut();
        child.kill().ok();
        child.wait().ok();
    }
}

/// A node with one virtual router that holds 10.0.0.10, and nothing else.
pub(crate) fn keeper(priority: u8, more: &str) -> String {
    format!(
        "[[vrrp]]\nid = \"VI_1\"\ninterface = \"eth0\"\nvrid = 51\npriority = {priority}\naddresses = [\"10.0.0.10/24\"]\n{more}\n"
    )
}

/// The same, with a collector that listens on port 5514 of every address.
pub(crate) fn collector(priority: u8, more: &str) -> String {
    let sources = ["udp", "tcp"]
        .map(|kind| format!("[[source]]\nid = \"{kind}\"\ntype = \"{kind}\"\nlisten = \"0.0.0.0:5514\"\n"));
    let destination = "[[destination]]\nid = \"files\"\ntype = \"file\"\n";
    format!(
        "{}{destination}[buffer]\nmax-size = \"64MiB\"\nsegment-size = \"4MiB\"\n{}",
        sources.concat(),
        keeper(priority, more)
    )
}
