//! The keeper, and the collector as a process of its own.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use serde_json::{Value, json};
use tokio::runtime::Builder;
use tracing::{error, info, warn};

use super::{Exit, Reading, RunArguments, Signals, notify, places};
use crate::config::{self, Config};
use crate::control::{Answer, Answers, Control, Keeps, Outcome, Request, Work};
use crate::keeper::{Keeper, Service};
use crate::log::Log;

/// How often it is looked whether the collector listens.
const LOOK: Duration = Duration::from_millis(20);

pub(super) fn run(config: &Config, wanted: &config::Keeper, arguments: &RunArguments) -> Exit {
    let log = Log::start();
    for warning in &config.warnings.0 {
        log.say(warning);
    }
    let started = Builder::new_current_thread().enable_io().enable_time().build().and_then(|runtime| {
        let signals = Signals::new(&runtime)?;
        Ok((runtime, signals))
    });
    let (runtime, mut signals) = match started {
        Ok(started) => started,
        Err(error) => {
            log.say(format_args!("error: cannot start: {error}"));
            return Exit::CannotStart;
        }
    };
    let service =
        if config.sources.is_empty() { Service::Other } else { Service::Collector(again(arguments)) };
    let keeper = match Keeper::start(wanted, service) {
        Ok(keeper) => Arc::new(Mutex::new(keeper)),
        Err(error) => {
            log.say(format_args!("error: {error}"));
            return Exit::CannotStart;
        }
    };
    let reading = Reading { config: arguments.config.clone(), data: arguments.data.clone() };
    let answers = Arc::new(Answering { keeper: Arc::clone(&keeper), reading: reading.clone() });
    let socket = Control::start(&config.control, answers, Keeps::Privileges)
        .inspect_err(|error| {
            warn!("no `status` for this one: cannot listen at {}: {error}", config.control.display())
        })
        .ok();
    runtime.block_on(async {
        let mut look = tokio::time::interval(LOOK);
        let mut ready = Ready::NotYet;
        loop {
            tokio::select! {
                _ = look.tick(), if ready == Ready::NotYet => {
                    if let Some(line) = ready_line(&locked(&keeper), config) {
                        log.say(line);
                        notify(&[NotifyState::Ready]);
                        ready = Ready::Told;
                    }
                }
                _ = signals.terminate.recv() => break info!("told to stop (TERM)"),
                _ = signals.interrupt.recv() => break info!("told to stop (INT)"),
                _ = signals.hangup.recv() => {
                    let reload = work(&keeper, &reading, Work::Reload);
                    // The collector may take its time; the keeper goes on.
                    thread::spawn(move || match reload() {
                        Outcome::Done(done) => info!("{done}"),
                        Outcome::InPart(said) => error!("{said}"),
                        Outcome::Refused(why) => error!("the configuration stays as it was: {why}"),
                        Outcome::NoCollector => {}
                    });
                }
                _ = signals.user.recv() => {
                    let ledger = locked(&keeper).collector().and_then(crate::keeper::Collector::ledger);
                    info!("ledger {}", ledger.unwrap_or_default());
                }
            }
        }
    });
    notify(&[NotifyState::Stopping]);
    thread::spawn(move || {
        runtime.block_on(signals.second());
        // The kernel removes the addresses when their lease runs out; the collector drains without us.
        std::process::exit(Exit::Failed as i32);
    });
    drop(socket);
    let ended = locked(&keeper).stop();
    log.say("stopped: no address is held any more");
    match ended.map(|status| status.code()) {
        None | Some(Some(0)) => Exit::Done,
        Some(Some(4)) => Exit::LeftInBuffer,
        Some(_) => Exit::Failed,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ready {
    NotYet,
    Told,
}

/// The arguments that the collector is to get.
fn again(arguments: &RunArguments) -> Vec<OsString> {
    let mut again = Vec::new();
    for config in &arguments.config {
        again.push("--config".into());
        again.push(config.clone().into_os_string());
    }
    if let Some(data) = &arguments.data {
        again.push("--data".into());
        again.push(data.clone().into_os_string());
    }
    again
}

fn locked(keeper: &Mutex<Keeper>) -> std::sync::MutexGuard<'_, Keeper> {
    keeper.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `None`: not yet.
fn ready_line(keeper: &Keeper, config: &Config) -> Option<String> {
    let keeps = keeper.describe();
    match keeper.collector() {
        None => Some(format!("ready: keeping {keeps}")),
        Some(collector) => {
            let listening = collector.listening();
            if listening.is_empty() {
                return None;
            }
            Some(format!(
                "ready: keeping {keeps}; listening on {}; writing {}",
                listening.join(", "),
                places(config)
            ))
        }
    }
}

/// What the collector is to do is done by it, now; what a new configuration says of the keeper is not, for the election
/// of a running router is not exchanged under its feet.
fn work(
    keeper: &Arc<Mutex<Keeper>>,
    reading: &Reading,
    work: Work,
) -> impl FnOnce() -> Outcome + Send + use<> {
    let (keeper, reading) = (Arc::clone(keeper), reading.clone());
    move || {
        let same = if work == Work::Reload {
            match reading.read() {
                Ok(config) => locked(&keeper).is_as(config.keeper.as_ref()),
                Err(why) => return Outcome::Refused(why),
            }
        } else {
            true
        };
        let without = match &work {
            Work::Reload => Outcome::Done("there is no collector".to_owned()),
            Work::Forget { .. } => Outcome::NoCollector,
        };
        let collector = locked(&keeper).collector().map(|collector| collector.worker(work));
        let outcome = collector.map_or(without, |work| work());
        let waits = "what is new in [keeper] and [[vrrp]] holds from the next start on (stop it: the other node takes over)";
        match outcome {
            Outcome::Done(said) if !same => Outcome::Done(format!("{said}; {waits}")),
            Outcome::InPart(said) if !same => Outcome::InPart(format!("{said}; {waits}")),
            outcome => outcome,
        }
    }
}

/// Answers for the keeper and its collector.
#[derive(Debug)]
struct Answering {
    keeper: Arc<Mutex<Keeper>>,
    reading: Reading,
}

impl Answers for Answering {
    fn answer(&self, request: &Request) -> Answer {
        if let Request::Do(asked) = request {
            // Without the lock: the collector takes its time.
            return work(&self.keeper, &self.reading, asked.clone())().into();
        }
        let keeper = locked(&self.keeper);
        match request {
            Request::Status => {
                let mut status = keeper
                    .collector()
                    .and_then(crate::keeper::Collector::ledger)
                    .unwrap_or_else(|| json!({ "sources": [], "destinations": [] }));
                let child = keeper.collector().and_then(crate::keeper::Collector::pid);
                let pids: Vec<u32> = std::iter::once(std::process::id()).chain(child).collect();
                if let Value::Object(fields) = &mut status {
                    fields.insert("pids".to_owned(), json!(pids));
                    fields.insert("router_id".to_owned(), json!(keeper.router_id()));
                    fields.insert("instances".to_owned(), json!(keeper.instances()));
                }
                Ok(status)
            }
            Request::Drain => {
                keeper.drain();
                Ok("hands over, and stays behind all others until `promote`".into())
            }
            Request::Promote => {
                keeper.promote();
                Ok("contends; takes over unless somebody better is there".into())
            }
            Request::Do(_) => Err("is answered above".to_owned()),
            Request::Events { .. } => Err("events are a stream".to_owned()),
        }
    }

    fn events(&self, after: u64, patience: Duration) -> Result<Vec<Value>, String> {
        let journal = locked(&self.keeper).journal();
        let until = Instant::now() + patience;
        loop {
            let (entries, lost) = journal.after(after);
            if !entries.is_empty() || Instant::now() >= until {
                let keeper = locked(&self.keeper);
                let told = entries.iter().map(|entry| keeper.event(entry));
                let missing = (lost > 0).then(|| json!({ "lost": lost, "sequence": after + lost }));
                return Ok(missing.into_iter().chain(told).collect());
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}
