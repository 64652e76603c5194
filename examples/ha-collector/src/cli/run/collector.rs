//! The collector: alone, or as the process of a keeper that listens to its heart.

use std::io;
use std::sync::{Arc, mpsc as std_mpsc};
use std::thread;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use super::{Exit, Reading, Signals, notify, places};
use crate::collector::{Casualty, Collector, Meant, ReloadError, Vitals, Whose, orphaned, privileges};
use crate::config::Config;
use crate::control::{Answer, Answers, Control, Keeps, Outcome, Request, Work};
use crate::log::{Log, say};
use crate::pulse::{Heard, Line, ToCollector, ToKeeper};

/// How often the keeper hears that all is well.
const BEAT: Duration = Duration::from_millis(100);

pub(super) fn run(config: &Config, reading: &Reading, keeper: Option<Line>) -> Exit {
    // Before any thread is started: capabilities belong to threads.
    let sockets = if keeper.is_some() { Whose::TheKeepers } else { Whose::Ours };
    let bound = match Collector::bind(config, sockets) {
        Ok(bound) => bound,
        Err(error) => {
            say(format_args!("error: {error}"));
            return Exit::CannotStart;
        }
    };
    let kept = privileges::keep_for(config);
    let log = Log::start();
    if let Err(error) = kept {
        warn!("keeps the privileges that it was started with: {error}");
    }
    let started = streams().and_then(|streams| {
        // Signals have a runtime of their own: however busy the streams are, TERM is heard at once.
        let control = Builder::new_current_thread().enable_io().build()?;
        // From here on a signal finds us listening, also while the buffer is being recovered.
        let signals = Signals::new(&control)?;
        Ok((streams, control, signals))
    });
    let (streams, control, mut signals) = match started {
        Ok(started) => started,
        Err(error) => {
            log.say(format_args!("error: cannot start: {error}"));
            return Exit::CannotStart;
        }
    };
    let (mut collector, mut casualty) = match Collector::start(config, bound, streams) {
        Ok(started) => started,
        Err(error) => {
            log.say(format_args!("error: {error}"));
            return Exit::CannotStart;
        }
    };
    let (order, mut orders) = mpsc::unbounded_channel();
    let listening = collector.listening();
    let _socket;
    let stops;
    if let Some(line) = keeper {
        stops = Stops::ByKeeper;
        if let Err(error) = beat(line, collector.vitals(), listening, order) {
            log.say(format_args!("error: cannot speak to the keeper: {error}"));
            return Exit::CannotStart;
        }
    } else {
        stops = Stops::BySignal;
        let answers = Arc::new(Alone { vitals: collector.vitals(), order: order.clone() });
        _socket = match Control::start(&config.control, answers, Keeps::Nothing) {
            Ok(socket) => Some(socket),
            Err(error) => {
                warn!(
                    "no `status`, `reload` for this one: cannot listen at {}: {error}",
                    config.control.display()
                );
                None
            }
        };
        // Both are for whoever waits: people and scripts read the line, systemd the socket.
        log.say(format_args!("ready: listening on {}; writing {}", listening.join(", "), places(config)));
        notify(&[NotifyState::Ready]);
    }
    let reason = loop {
        match control.block_on(attend(&collector, &mut signals, &mut casualty, &mut orders, stops)) {
            Next::Stop(reason) => break reason,
            // Outside of any runtime: what ends is waited for.
            Next::Do(work, asked) => {
                let outcome = work_on(&mut collector, reading, work);
                if let Some(asked) = asked {
                    // Whoever asked may have lost patience.
                    asked.send(outcome).ok();
                }
            }
        }
    };
    if stops == Stops::BySignal {
        notify(&[NotifyState::Stopping]);
    }
    let give_up = collector.give_up();
    // It dies with the process: nobody waits for a second signal that does not come.
    thread::spawn(move || {
        privileges::renounce();
        control.block_on(signals.second());
        give_up();
    });
    finish(&mut collector, reason, &Meant::by(&reading.config, reading.data.as_deref()), &log)
}

/// Who may say that it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stops {
    BySignal,
    /// A TERM for the whole service reaches this process, too, and comes too early: the keeper hands over first.
    ByKeeper,
}

/// Why the collector stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Told,
    Casualty,
}

/// What there is to do.
#[derive(Debug)]
enum Next {
    Stop(Reason),
    Do(Work, Option<std_mpsc::Sender<Outcome>>),
}

/// What somebody else than a signal wants.
#[derive(Debug)]
enum Order {
    Do(Work, std_mpsc::Sender<Outcome>),
    Stop,
}

/// Serves signals and orders until there is more to do than to answer.
async fn attend(
    collector: &Collector,
    signals: &mut Signals,
    casualty: &mut Casualty,
    orders: &mut mpsc::UnboundedReceiver<Order>,
    stops: Stops,
) -> Next {
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => {
                if stops == Stops::ByKeeper {
                    continue;
                }
                info!("told to stop (TERM)");
            }
            _ = signals.interrupt.recv() => {
                if stops == Stops::ByKeeper {
                    continue;
                }
                info!("told to stop (INT)");
            }
            _ = signals.hangup.recv() => {
                return Next::Do(Work::Reload, None);
            }
            _ = signals.user.recv() => {
                info!("ledger {}", collector.balance());
                continue;
            }
            Some(order) = orders.recv() => match order {
                Order::Do(work, asked) => return Next::Do(work, Some(asked)),
                Order::Stop => info!("told to stop by the keeper"),
            },
            dead = casualty.recv() => {
                error!("{} has died; stopping, what was accepted is in the buffer", dead.unwrap_or_default());
                return Next::Stop(Reason::Casualty);
            }
        }
        return Next::Stop(Reason::Told);
    }
}

fn work_on(collector: &mut Collector, reading: &Reading, work: Work) -> Outcome {
    match work {
        Work::Reload => reload(collector, reading),
        Work::Forget { destination, consent } => match collector.forget(&destination, consent) {
            Ok(said) => Outcome::Done(said),
            Err(error) => Outcome::Refused(error.to_string()),
        },
    }
}

/// Does what the configuration says now; when that cannot be, everything stays as it was, or it is said what does not.
fn reload(collector: &mut Collector, reading: &Reading) -> Outcome {
    let config = match reading.read() {
        Ok(config) => config,
        Err(errors) => {
            let why = format!("the configuration cannot be used:\n{errors}");
            error!("reload: nothing has changed: {why}");
            return Outcome::Refused(why);
        }
    };
    match collector.reload(&config) {
        Ok(done) => {
            info!("{done}");
            Outcome::Done(done)
        }
        Err(ReloadError::Refused(why)) => {
            error!("reload: nothing has changed: {why}");
            Outcome::Refused(why.to_string())
        }
        Err(said @ ReloadError::InPart { .. }) => {
            error!("{said}");
            Outcome::InPart(said.to_string())
        }
    }
}

/// Drains, and says how that went.
fn finish(collector: &mut Collector, reason: Reason, meant: &Meant, log: &Log) -> Exit {
    let balance = collector.stop();
    info!("ledger {balance}");
    let queued = balance.queued();
    if !balance.closes() {
        error!("the ledger does not close: this is a bug, please report it with the line above");
    }
    if reason == Reason::Casualty {
        return Exit::Failed;
    }
    let orphans = balance.orphans();
    let orphans = orphans.inspect(|(name, records)| log.say(orphaned(name, *records, meant))).count();
    if queued > 0 {
        log.say(format_args!(
            "stopped: {queued} messages are left in the buffer; the next start delivers them"
        ));
        return Exit::LeftInBuffer;
    }
    if orphans > 0 {
        log.say("stopped: everything is written but for what waits for destinations that are not configured");
        return Exit::LeftInBuffer;
    }
    log.say("stopped: everything that was accepted is written");
    Exit::Done
}

/// Where stream sources run.
fn streams() -> io::Result<Runtime> {
    let threads = thread::available_parallelism().map_or(1, usize::from).clamp(1, 8);
    // A task may read a quarter of a megabyte before it lets others run: look for new events after a few of them.
    let mut builder = Builder::new_multi_thread();
    builder
        .on_thread_start(privileges::renounce)
        .worker_threads(threads)
        .event_interval(8)
        .thread_name("streams")
        .enable_io()
        .enable_time()
        .build()
}

/// Tells the keeper how it goes, from a thread that does nothing else, and hears what it wants.
fn beat(
    line: Line,
    vitals: Vitals,
    listening: Vec<String>,
    order: mpsc::UnboundedSender<Order>,
) -> io::Result<()> {
    line.send(&ToKeeper::Ready { listening })?;
    line.set_patience(BEAT)?;
    thread::Builder::new().name("heart".to_owned()).spawn(move || {
        privileges::renounce();
        let mut pulse = vitals.clone().pulse();
        let mut beat_at = Instant::now();
        let mut works: Vec<(u64, std_mpsc::Receiver<Outcome>)> = Vec::new();
        loop {
            match line.receive() {
                Ok(Heard::Message(ToCollector::Ledger)) => {
                    let ledger = serde_json::to_value(vitals.balance()).unwrap_or_default();
                    line.send(&ToKeeper::Ledger(ledger)).ok();
                }
                Ok(Heard::Message(ToCollector::Do { number, work })) => {
                    let (tell, told) = std_mpsc::channel();
                    drop(order.send(Order::Do(work, tell)));
                    works.push((number, told));
                }
                Ok(Heard::Message(ToCollector::Stop)) => drop(order.send(Order::Stop)),
                Ok(Heard::Silence) => {}
                Ok(Heard::End) => {
                    // Nobody holds the address for us any more.
                    order.send(Order::Stop).ok();
                    return;
                }
                Err(error) => warn!("the keeper says what cannot be understood: {error}"),
            }
            works.retain(|(number, told)| match told.try_recv() {
                Ok(outcome) => {
                    line.send(&ToKeeper::Worked { number: *number, outcome }).ok();
                    false
                }
                Err(why) => why == std_mpsc::TryRecvError::Empty,
            });
            let now = Instant::now();
            if now >= beat_at {
                beat_at = now + BEAT;
                // A keeper that does not read is busy, or gone, which is heard above.
                line.send(&ToKeeper::Beat { problems: pulse.problems(now) }).ok();
            }
        }
    })?;
    Ok(())
}

/// Answers for a collector without a keeper.
#[derive(Debug)]
struct Alone {
    vitals: Vitals,
    order: mpsc::UnboundedSender<Order>,
}

impl Answers for Alone {
    fn answer(&self, request: &Request) -> Answer {
        match request {
            Request::Status => {
                let mut status =
                    serde_json::to_value(self.vitals.balance()).map_err(|error| error.to_string())?;
                if let serde_json::Value::Object(fields) = &mut status {
                    fields.insert("pids".to_owned(), serde_json::json!([std::process::id()]));
                    fields.insert("instances".to_owned(), serde_json::json!([]));
                }
                Ok(status)
            }
            Request::Do(work) => {
                let stopping = || "it is stopping".to_owned();
                let (tell, told) = std_mpsc::channel();
                self.order.send(Order::Do(work.clone(), tell)).map_err(|_| stopping())?;
                told.recv().map_err(|_| stopping())?.into()
            }
            Request::Drain | Request::Promote | Request::Events { .. } => {
                Err("there is no [[vrrp]] in its configuration: it keeps no address".to_owned())
            }
        }
    }

    fn events(&self, _after: u64, _patience: Duration) -> Result<Vec<serde_json::Value>, String> {
        self.answer(&Request::Events { after: 0 }).map(|_| Vec::new())
    }
}
