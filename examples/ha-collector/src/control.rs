//! The socket that commands speak over to a running daemon: one JSON object a line, one question a connection.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::warn;

use crate::collector::{Consent, privileges};

/// What can be asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Request {
    /// Everything that can be told.
    Status,
    /// Hand the addresses over, and stay behind.
    Drain,
    /// Contend again.
    Promote,
    /// To be done by the collector.
    Do(Work),
    /// Every change of state after the one with this number, and all that follow.
    Events { after: u64 },
}

/// What a collector can be told to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Work {
    /// Read the configuration again and do as it says; open the files anew.
    Reload,
    /// Give up what waits for a destination that is not configured, or say what that is.
    Forget { destination: String, consent: Consent },
}

/// What became of it, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Done(String),
    /// Some of it is done and some could not be.
    InPart(String),
    /// Nothing has changed.
    Refused(String),
    /// There is no collector that could do it: nobody has its buffer open.
    NoCollector,
}

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done(said) => Ok(said.into()),
            Outcome::InPart(said) => Ok(serde_json::json!({ "in_part": said })),
            Outcome::Refused(why) => Err(why),
            Outcome::NoCollector => Ok(serde_json::json!({ NO_COLLECTOR: true })),
        }
    }
}

/// What an answer has when there is no collector.
const NO_COLLECTOR: &str = "no_collector";

/// Whether the one who answers has no collector for what was asked.
pub(crate) fn has_no_collector(answer: &Value) -> bool {
    answer.get(NO_COLLECTOR).is_some()
}

/// The answer: what was asked for, or why not.
pub(crate) type Answer = Result<Value, String>;

/// Who answers.
pub(crate) trait Answers: Send + Sync {
    /// The one answer to a question.
    fn answer(&self, request: &Request) -> Answer;

    /// What has happened after this number, waiting for it no longer than the patience. `Err`: this daemon has no events.
    fn events(&self, after: u64, patience: Duration) -> Result<Vec<Value>, String>;
}

/// Connections at one time; further ones are closed at once.
const MOST: usize = 32;
/// A question is short and comes at once.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long what is to be done may take until it is answered: longer than a keeper waits for its collector.
const PATIENCE_FOR_WORK: Duration = Duration::from_secs(60);

/// What whoever answers keeps of the privileges of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// All, such as it may take to read the configuration.
    Privileges,
    Nothing,
}

/// The listening end. Dropped, its file is gone.
#[derive(Debug)]
pub(crate) struct Control {
    path: PathBuf,
}

impl Control {
    /// Listens at this path, for the user whom this process runs as.
    pub(crate) fn start(path: &Path, answers: Arc<dyn Answers>, keeps: Keeps) -> io::Result<Self> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        // Left behind by a life that was killed. Two daemons on one directory are told apart by its buffer.
        if UnixStream::connect(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another ha-collector answers there"));
        }
        std::fs::remove_file(path).ok();
        let listener = UnixListener::bind(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        thread::Builder::new().name("control".to_owned()).spawn(move || {
            // What it starts has what it has.
            if keeps == Keeps::Nothing {
                privileges::renounce();
            }
            listen(&listener, &answers);
        })?;
        Ok(Self { path: path.to_owned() })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // The thread ends with the process.
        std::fs::remove_file(&self.path).ok();
    }
}

fn listen(listener: &UnixListener, answers: &Arc<dyn Answers>) {
    let open = Arc::new(AtomicUsize::new(0));
    for stream in listener.incoming() {
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                warn!("control: {error}");
                thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        if open.fetch_add(1, Ordering::Relaxed) >= MOST {
            open.fetch_sub(1, Ordering::Relaxed);
            continue;
        }
        let (answers, mine) = (Arc::clone(answers), Arc::clone(&open));
        let served = thread::Builder::new().name("control-client".to_owned()).spawn(move || {
            // A client that goes away is nobody's loss.
            serve(&stream, &*answers).ok();
            mine.fetch_sub(1, Ordering::Relaxed);
        });
        if served.is_err() {
            open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn serve(stream: &UnixStream, answers: &dyn Answers) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = String::new();
    BufReader::new(io::Read::take(stream, 4096)).read_line(&mut line)?;
    match serde_json::from_str(&line) {
        Ok(Request::Events { after }) => stream_events(stream, answers, after),
        Ok(request) => say(stream, &answers.answer(&request)),
        Err(error) => say(stream, &Err(format!("cannot understand the question: {error}"))),
    }
}

fn stream_events(stream: &UnixStream, answers: &dyn Answers, mut after: u64) -> io::Result<()> {
    loop {
        let events = match answers.events(after, Duration::from_secs(1)) {
            Ok(events) => events,
            Err(why) => return say(stream, &Err(why)),
        };
        for event in events {
            after = event.get("sequence").and_then(Value::as_u64).unwrap_or(after);
            say(stream, &Ok(event))?;
        }
        // Has the client gone?
        let mut nothing = [0];
        stream.set_nonblocking(true)?;
        let gone = matches!(io::Read::read(&mut &*stream, &mut nothing), Ok(0));
        stream.set_nonblocking(false)?;
        if gone {
            return Ok(());
        }
    }
}

fn say(mut stream: &UnixStream, answer: &Answer) -> io::Result<()> {
    let value = match answer {
        Ok(value) => serde_json::json!({ "ok": value }),
        Err(why) => serde_json::json!({ "error": why }),
    };
    stream.write_all(format!("{value}\n").as_bytes())
}

/// Why a command got no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error("no ha-collector answers at {}: {source}", path.display())]
    Nobody { path: PathBuf, source: io::Error },
    /// There may be one.
    #[error("cannot ask at {}: {source}{}", path.display(), cure(source))]
    Unreachable { path: PathBuf, source: io::Error },
    #[error("the daemon did not answer: {0}")]
    Silence(io::Error),
    /// It has been told what to do.
    #[error("no answer for {} s: it may still be done, or is done; see the daemon's log", .0.as_secs())]
    Late(Duration),
    #[error("{0}")]
    Refused(String),
}

fn cure(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "; only root and the user that it runs as may ask",
        _ => "",
    }
}

/// Asks a daemon; each answer is handed on, until there is none or it is not wanted any more.
pub(crate) fn ask(path: &Path, request: &Request, each: impl FnMut(Value) -> Wanted) -> Result<(), AskError> {
    let patience = match request {
        Request::Status | Request::Drain | Request::Promote => Some(PATIENCE * 2),
        Request::Do(_) => Some(PATIENCE_FOR_WORK),
        Request::Events { .. } => None,
    };
    ask_within(path, request, patience, each)
}

/// The same, with another patience.
fn ask_within(
    path: &Path,
    request: &Request,
    patience: Option<Duration>,
    mut each: impl FnMut(Value) -> Wanted,
) -> Result<(), AskError> {
    let mut stream = UnixStream::connect(path).map_err(|source| {
        let path = path.to_owned();
        match source.kind() {
            // At a path that is too long nobody can listen.
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::InvalidInput => {
                AskError::Nobody { path, source }
            }
            _ => AskError::Unreachable { path, source },
        }
    })?;
    let question = serde_json::to_string(request).map_err(|error| AskError::Silence(error.into()))?;
    stream.write_all(format!("{question}\n").as_bytes()).map_err(AskError::Silence)?;
    stream.set_read_timeout(patience).map_err(AskError::Silence)?;
    for line in BufReader::new(&stream).lines() {
        let line = line.map_err(|error| match (request, error.kind(), patience) {
            (Request::Do(_), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut, Some(patience)) => {
                AskError::Late(patience)
            }
            _ => AskError::Silence(error),
        })?;
        let mut answer: Value =
            serde_json::from_str(&line).map_err(|error| AskError::Silence(error.into()))?;
        if let Some(why) = answer.get("error").and_then(Value::as_str) {
            return Err(AskError::Refused(why.to_owned()));
        }
        if each(answer.get_mut("ok").map(Value::take).unwrap_or_default()) == Wanted::Enough {
            break;
        }
    }
    Ok(())
}

/// Whether more answers are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    More,
    Enough,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_to_do_something_and_does_not_answer_may_still_do_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control");
        let _listens = UnixListener::bind(&path).unwrap();
        let ask = |request| {
            let patience = Some(Duration::from_millis(10));
            ask_within(&path, &request, patience, |_| Wanted::Enough).unwrap_err()
        };
        assert!(matches!(ask(Request::Do(Work::Reload)), AskError::Late(_)));
        assert!(matches!(ask(Request::Status), AskError::Silence(_)));
    }

    #[test]
    fn only_who_is_not_there_is_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let asked = |path: &Path| ask(path, &Request::Status, |_| Wanted::Enough).unwrap_err();
        let (missing, left) = (dir.path().join("missing"), dir.path().join("left"));
        // As a killed one leaves it.
        drop(UnixListener::bind(&left).unwrap());
        let long = dir.path().join("x".repeat(200));
        for path in [&missing, &left, &long] {
            assert!(matches!(asked(path), AskError::Nobody { .. }), "{}", path.display());
        }
        assert!(matches!(asked(&left.join("below a file")), AskError::Unreachable { .. }));
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = AskError::Unreachable { path: left, source: denied }.to_string();
        assert!(error.ends_with("only root and the user that it runs as may ask"), "{error}");
    }
}
