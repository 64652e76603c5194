//! The collector's process: started, listened to, started again when it dies.

use std::collections::HashMap;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;
use tracing::{error, info, warn};

use super::StartError;
use super::judge::Verdict;
use crate::control::{Outcome, Work};
use crate::pulse::{Heard, Line, ToCollector, ToKeeper};

/// What the keeper knows of its collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// It has started, and does not listen yet.
    Starting,
    Well,
    /// Why not.
    Unwell(Vec<String>),
}

impl Health {
    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Well => Verdict::Up,
            Self::Starting | Self::Unwell(_) => Verdict::Down,
        }
    }
}

/// How long a collector is to have lived for the next one to be started at once.
const LIVED_WELL: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a ledger may take.
const PATIENCE_FOR_A_LEDGER: Duration = Duration::from_secs(2);
/// How long work may take, such as a new configuration: destinations that end finish their batch.
const PATIENCE_FOR_WORK: Duration = Duration::from_secs(30);

/// The collector's process and the thread that looks after it.
#[derive(Debug)]
pub(crate) struct Collector {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Option<ExitStatus>>>,
}

#[derive(Debug, Default)]
struct Shared {
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    line: Option<Line>,
    pid: Option<u32>,
    wanted: Wanted,
    ledger: Option<mpsc::Sender<serde_json::Value>>,
    /// Who waits for work of which number.
    works: HashMap<u64, mpsc::Sender<Outcome>>,
    next_work: u64,
    listening: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wanted {
    #[default]
    Running,
    Ended,
}

impl Collector {
    /// Starts it with these arguments of the command line, and says of its health whenever that changes.
    pub(super) fn start(
        arguments: Vec<std::ffi::OsString>,
        heartbeat_timeout: Duration,
        say: UnboundedSender<Health>,
    ) -> Result<Self, StartError> {
        let failed = |source| StartError::Thread { source };
        // Where the file was replaced by a newer one meanwhile, by what it is.
        let program = std::env::current_exe().ok().filter(|path| path.exists());
        let program = program.unwrap_or_else(|| PathBuf::from("/proc/self/exe"));
        let shared = Arc::new(Shared::default());
        let nurse = Nurse { program, arguments, heartbeat_timeout, say, shared: Arc::clone(&shared) };
        let thread =
            thread::Builder::new().name("collector".to_owned()).spawn(move || nurse.run()).map_err(failed)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Its process, while there is one.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.shared.now().pid
    }

    /// What it listens on, once it does.
    pub(crate) fn listening(&self) -> Vec<String> {
        self.shared.now().listening.clone()
    }

    /// Its ledger; `None` when it does not answer.
    pub(crate) fn ledger(&self) -> Option<serde_json::Value> {
        let (tell, told) = mpsc::channel();
        {
            let mut now = self.shared.now();
            now.ledger = Some(tell);
            now.line.as_ref()?.send(&ToCollector::Ledger).ok()?;
        }
        told.recv_timeout(PATIENCE_FOR_A_LEDGER).ok()
    }

    /// What has it do this, and waits until it has, without the keeper.
    pub(crate) fn worker(&self, work: Work) -> impl FnOnce() -> Outcome + Send + use<> {
        let shared = Arc::clone(&self.shared);
        move || {
            let (tell, told) = mpsc::channel();
            let number = {
                let mut now = shared.now();
                let number = now.next_work;
                now.next_work += 1;
                let Some(line) = now.line.as_ref() else {
                    return Outcome::Refused("the collector is not running".to_owned());
                };
                if let Err(error) = line.send(&ToCollector::Do { number, work }) {
                    return Outcome::Refused(format!("cannot tell the collector: {error}"));
                }
                now.works.insert(number, tell);
                number
            };
            let outcome = told.recv_timeout(PATIENCE_FOR_WORK);
            shared.now().works.remove(&number);
            // It may still come to it.
            outcome.unwrap_or_else(|_| {
                Outcome::InPart(
                    "the collector has not answered, and may still do it, or has done it; see its log"
                        .to_owned(),
                )
            })
        }
    }

    /// Tells it to drain and end, and waits until it has; gives how it ended.
    pub(crate) fn stop(&mut self) -> Option<ExitStatus> {
        {
            let mut now = self.shared.now();
            now.wanted = Wanted::Ended;
            if let Some(line) = &now.line {
                line.send(&ToCollector::Stop).ok();
            }
        }
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
        self.thread.take().and_then(|thread| thread.join().ok()).flatten()
    }
}

impl Shared {
    fn now(&self) -> std::sync::MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks after one collector after the other.
#[derive(Debug)]
struct Nurse {
    program: PathBuf,
    arguments: Vec<std::ffi::OsString>,
    heartbeat_timeout: Duration,
    say: UnboundedSender<Health>,
    shared: Arc<Shared>,
}

impl Nurse {
    fn run(self) -> Option<ExitStatus> {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = Instant::now();
            let status = match self.spawn() {
                Ok(None) => return None,
                Ok(Some((mut child, line))) => {
                    self.listen(&line);
                    // Its line has ended, and so has it, or it will: without one it drains and ends.
                    let status = child.wait().ok();
                    self.shared.now().pid = None;
                    status
                }
                Err(error) => {
                    error!("cannot start the collector: {error}");
                    None
                }
            };
            let ended = {
                let mut now = self.shared.now();
                now.line = None;
                // Whoever waits for it need not wait any longer.
                now.works.clear();
                now.listening.clear();
                now.wanted == Wanted::Ended
            };
            if ended {
                return status;
            }
            let how = status.map_or_else(|| "did not start".to_owned(), |status| format!("ended: {status}"));
            error!("the collector {how}");
            self.say(Health::Unwell(vec![format!("the collector {how}")]));
            if begun.elapsed() > LIVED_WELL {
                pause = FIRST_PAUSE;
            }
            // Woken when it is no longer wanted.
            thread::park_timeout(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// `None`: it is no longer wanted.
    fn spawn(&self) -> io::Result<Option<(Child, Line)>> {
        let (ours, theirs) = Line::pair()?;
        ours.set_patience(self.heartbeat_timeout)?;
        let mut now = self.shared.now();
        if now.wanted == Wanted::Ended {
            return Ok(None);
        }
        let child = Command::new(&self.program)
            .arg("run")
            .arg("--keeper-on-stdin")
            .args(&self.arguments)
            .stdin(Stdio::from(theirs.into_fd()))
            // The keeper speaks to the service manager, and hears the terminal's signals first.
            .env_remove("NOTIFY_SOCKET")
            .process_group(0)
            .spawn()?;
        now.pid = Some(child.id());
        now.line = Some(ours.try_clone()?);
        drop(now);
        self.say(Health::Starting);
        Ok(Some((child, ours)))
    }

    /// Until the line ends.
    fn listen(&self, line: &Line) {
        let mut known = Health::Starting;
        loop {
            let health = match line.receive() {
                Ok(Heard::Message(ToKeeper::Ready { listening })) => {
                    self.shared.now().listening = listening;
                    Health::Well
                }
                Ok(Heard::Message(ToKeeper::Beat { problems })) if problems.is_empty() => Health::Well,
                Ok(Heard::Message(ToKeeper::Beat { problems })) => Health::Unwell(problems),
                Ok(Heard::Message(ToKeeper::Ledger(ledger))) => {
                    if let Some(asked) = self.shared.now().ledger.take() {
                        asked.send(ledger).ok();
                    }
                    continue;
                }
                Ok(Heard::Message(ToKeeper::Worked { number, outcome })) => {
                    if let Some(asked) = self.shared.now().works.remove(&number) {
                        asked.send(outcome).ok();
                    }
                    continue;
                }
                // The buffer may take its time to be recovered: it is not well before it says so, but it is no death.
                Ok(Heard::Silence) if known == Health::Starting => continue,
                Ok(Heard::Silence) => {
                    Health::Unwell(vec![format!("not heard for {:?}", self.heartbeat_timeout)])
                }
                Ok(Heard::End) => return,
                Err(error) => {
                    warn!("the collector says what cannot be understood: {error}");
                    continue;
                }
            };
            if health != known {
                match &health {
                    Health::Well => info!("the collector is well"),
                    Health::Unwell(problems) => warn!("the collector is not well: {}", problems.join("; ")),
                    Health::Starting => {}
                }
                known = health.clone();
                self.say(health);
            }
        }
    }

    fn say(&self, health: Health) {
        // Whoever listens has ended, and the process is about to.
        self.say.send(health).ok();
    }
}
