//! A collector as a process: started, waited for, asked what it used, ended.

use std::fs;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

/// How long a collector may take to listen, or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process that is ended when it is no longer needed.
#[derive(Debug)]
pub(crate) struct Running(Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> std::io::Result<Self> {
        command.spawn().map(Self)
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits until it listens on this port.
    pub(crate) fn listens(&mut self, port: u16) -> std::io::Result<TcpStream> {
        let until = Instant::now() + PATIENCE;
        loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => return Ok(stream),
                Err(error) if Instant::now() >= until => return Err(error),
                Err(_) => {}
            }
            if let Some(status) = self.0.try_wait()? {
                return Err(std::io::Error::other(format!("it ended: {status}")));
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Without a word of warning.
    pub(crate) fn kill(mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }

    /// Whether it has ended, and well.
    pub(crate) fn ended(&mut self) -> std::io::Result<Option<bool>> {
        Ok(self.0.try_wait()?.map(|status| status.success()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        if matches!(self.0.try_wait(), Ok(Some(_)) | Err(_)) {
            return;
        }
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if matches!(self.0.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A port that is free now, for both transports.
pub(crate) fn free_port() -> std::io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    UdpSocket::bind(("127.0.0.1", port)).map(|_| port)
}

/// User and system time so far, of all threads, those that have ended included, and of the processes that it started. To
/// a hundredth of a second.
pub(crate) fn cpu(pid: u32) -> Duration {
    let of_one = |pid: &u32| in_ticks(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?);
    family(pid).iter().filter_map(of_one).sum()
}

/// The threads that live, by name, and the time that each has used: exactly, where the kernel says so.
pub(crate) fn threads(pid: u32) -> Vec<(String, Duration)> {
    let mut all = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let read = |name: &str| fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let exact = read("schedstat").split_whitespace().next().and_then(|nanos| nanos.parse().ok());
        let used = match exact {
            Some(nanos) => Duration::from_nanos(nanos),
            None => in_ticks(&read("stat")).unwrap_or_default(),
        };
        all.push((read("comm").trim().to_owned(), used));
    }
    all
}

/// What `/proc/PID/stat` tells in USER_HZ, which is 100 on every Linux.
fn in_ticks(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Duration::from_millis((user + system) * 10))
}

/// The most that was resident, in KiB.
pub(crate) fn memory(pid: u32) -> u64 {
    let peak = |pid: &u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    family(pid).iter().filter_map(peak).sum()
}

/// The process and those that it started.
fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    all.extend(children.split_whitespace().filter_map(|child| child.parse().ok()).flat_map(family));
    all
}
