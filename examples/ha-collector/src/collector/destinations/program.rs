//! A program that reads messages from its standard input. Started when there is a message, started again when it ends.
//!
//! It runs in a process group of its own, with none of the collector's descriptors, capabilities and variables, and as nobody
//! where the collector may still make it so. What it says on standard error is in our log.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use nix::unistd::{User, geteuid};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tracing::{debug, info, warn};

use super::Render;
use super::pipe::{Lines, unread};
use super::{Deliver, sys};
use crate::collector::event::Event;
use crate::config::ProgramDestination;

/// How long one call tries.
const PATIENCE: Duration = Duration::from_secs(1);
/// The first and the longest pause between looks whether everything was read.
const LOOKS: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(10));
/// The first and the longest pause before a program that ended is started again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));
/// One that lived for so long did not fail at its start.
const LIVED_WELL: Duration = Duration::from_secs(10);
/// From the end of its input until it is asked to end, and from then until it is killed.
const GRACE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(1));
/// How often a program is looked after that gets no messages.
const LOOK_AFTER: Duration = Duration::from_secs(1);
/// Of a line on standard error.
const LONGEST_LINE: u64 = 2048;
const NOBODY: &str = "nobody";
/// What it gets of our variables.
const VARIABLES: [&str; 4] = ["PATH", "LANG", "LC_ALL", "TZ"];

/// A destination, ready to run.
#[derive(Debug)]
pub(crate) struct Program {
    id: String,
    command: Vec<String>,
    render: Box<dyn Render>,
    lines: Lines,
    running: Option<Running>,
    pause: Duration,
    not_before: Option<Instant>,
}

/// It, while it runs. Dropped, it is ended.
#[derive(Debug)]
struct Running {
    child: Child,
    group: Pid,
    stdin: Option<ChildStdin>,
    since: Instant,
    /// How it ended. Its process group may be somebody else's from then on.
    reaped: Option<std::process::ExitStatus>,
}

impl Program {
    pub(crate) fn new(id: &str, config: &ProgramDestination, render: Box<dyn Render>) -> Self {
        Self {
            id: id.to_owned(),
            command: config.command.clone(),
            render,
            lines: Lines::default(),
            running: None,
            pause: PAUSES.0,
            not_before: None,
        }
    }

    /// Starts it, if it does not run.
    fn start(&mut self, now: Instant) -> io::Result<()> {
        if self.running.is_some() {
            return Ok(());
        }
        let left = self.not_before.map(|at| at.saturating_duration_since(now));
        if let Some(left) = left.filter(|left| !left.is_zero()) {
            let message = format!("it ended, and is started again in {:.1} s", left.as_secs_f64());
            return Err(io::Error::new(io::ErrorKind::NotConnected, message));
        }
        // Should it fail: not again at once.
        self.put_off(now);
        let mut child = command(&self.command)?.spawn()?;
        let (group, stdin, stderr) = (Pid::from_child(&child), child.stdin.take(), child.stderr.take());
        // From here on it is ended whatever fails.
        let running = Running { child, group, stdin, since: now, reaped: None };
        if let Some(stdin) = &running.stdin {
            rustix::io::ioctl_fionbio(stdin, true)?;
        }
        if let Some(stderr) = stderr {
            let id = self.id.clone();
            // Ends with the last process that has it.
            std::thread::Builder::new().name(format!("stderr-{id}")).spawn(move || listen(stderr, &id))?;
        }
        info!(destination = self.id, pid = group.as_raw_nonzero().get(), "started");
        self.running = Some(running);
        Ok(())
    }

    fn put_off(&mut self, now: Instant) {
        self.not_before = Some(now + self.pause);
        self.pause = (self.pause * 2).min(PAUSES.1);
    }

    /// Looks whether it has ended. What it has not read it gets when it is started again.
    fn look_after(&mut self, now: Instant) {
        let Some(running) = self.running.as_mut().filter(|running| running.has_ended()) else {
            return;
        };
        let lost = running.stdin.as_ref().map_or(0, unread);
        let lived = now.duration_since(running.since);
        let status = running.reap();
        self.running = None;
        self.lines.back(lost);
        if lived >= LIVED_WELL {
            self.pause = PAUSES.0;
        }
        self.put_off(now);
        let said = status.map_or_else(|| "ended".to_owned(), |status| status.to_string());
        warn!(destination = self.id, "the program ended: {said}");
    }

    fn hand_over(&mut self, until: Instant) -> io::Result<()> {
        let Some(stdin) = self.running.as_ref().and_then(|running| running.stdin.as_ref()) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        self.lines.write(stdin, until)?;
        let mut pause = LOOKS.0;
        while unread(stdin) > 0 {
            if self.running.as_ref().is_none_or(Running::has_ended) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            if Instant::now() >= until {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the program does not read"));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LOOKS.1);
        }
        Ok(())
    }
}

impl Deliver for Program {
    fn take(&mut self, event: &Event<'_>) {
        self.lines.take(&mut *self.render, event);
    }

    fn flush(&mut self, now: Instant) -> io::Result<()> {
        self.look_after(now);
        self.start(now)?;
        match self.hand_over(now + PATIENCE) {
            Ok(()) => {
                self.lines.clear();
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                // It has closed its input, and is of no use any more.
                if let Some(running) = &mut self.running {
                    running.wait(PATIENCE);
                    running.signal(Signal::TERM);
                    running.wait(PATIENCE);
                    running.signal(Signal::KILL);
                    running.wait(PATIENCE);
                }
                self.look_after(Instant::now());
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    fn take_back(&mut self) {
        self.lines.clear();
    }

    fn idle(&mut self, now: Instant) {
        self.look_after(now);
    }

    fn due(&self) -> Option<Instant> {
        Some(Instant::now() + LOOK_AFTER)
    }
}

impl Running {
    /// It is a zombie then until [`Self::reap`], and its process group is nobody else's.
    fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(self.group), options), Ok(None))
    }

    fn signal(&self, signal: Signal) {
        // The group may have ended on its own.
        kill_process_group(self.group, signal).ok();
    }

    /// Waits until it has ended, at most so long.
    fn wait(&self, most: Duration) -> bool {
        let until = Instant::now() + most;
        while !self.has_ended() {
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(LOOKS.1);
        }
        true
    }

    /// After it has ended: ends what it has left behind, too.
    fn reap(&mut self) -> Option<std::process::ExitStatus> {
        if self.reaped.is_none() {
            self.signal(Signal::KILL);
            self.reaped = self.child.wait().ok();
        }
        self.reaped
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.reaped.is_some() {
            return;
        }
        self.stdin = None;
        if !self.wait(GRACE.0) {
            self.signal(Signal::TERM);
            if !self.wait(GRACE.1) {
                self.signal(Signal::KILL);
            }
        }
        self.reap();
    }
}

/// The program with nothing of ours.
fn command(arguments: &[String]) -> io::Result<Command> {
    let Some((program, arguments)) = arguments.split_first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "an empty command"));
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.process_group(0).current_dir("/").env_clear();
    for name in VARIABLES {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    if geteuid().is_root() {
        if caps::has_cap(None, caps::CapSet::Effective, caps::Capability::CAP_SETUID).unwrap_or(false) {
            let unknown = || io::Error::new(io::ErrorKind::NotFound, format!("there is no user {NOBODY}"));
            let user = User::from_name(NOBODY).map_err(io::Error::from)?.ok_or_else(unknown)?;
            // The groups of the collector go, too; std sees to that.
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        } else {
            // The collector has given its privileges up, that of becoming somebody else too. Root gets them back when it
            // starts a program, but not so.
            rustix::thread::set_no_new_privs(true)?;
        }
    }
    // Of this thread, which starts nothing else: what systemd gave the collector is not for others.
    if let Err(error) = caps::clear(None, caps::CapSet::Ambient) {
        debug!("cannot clear the ambient capabilities: {error}");
    }
    sys::inherit_nothing(&mut command);
    Ok(command)
}

/// What the program says goes to our log.
fn listen(stderr: ChildStderr, id: &str) {
    let mut reader = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let end = line.iter().rposition(|byte| *byte != b'\n').map_or(0, |last| last + 1);
                let mut text = Vec::new();
                crate::collector::template::escape::escape_into(
                    line.get(..end).unwrap_or_default(),
                    &mut text,
                );
                info!(destination = id, "the program says: {}", String::from_utf8_lossy(&text));
            }
        }
    }
}

#[cfg(test)]
mod tests;
