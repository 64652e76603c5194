//! `ha-collector run`: collects until told to stop.

use std::io;
use std::thread;

use sd_notify::NotifyState;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info};

use super::{Exit, RunArguments};
use crate::collector::{Casualty, Collector};
use crate::config::Config;
use crate::log::Log;

pub(super) fn run(arguments: &RunArguments) -> Exit {
    let log = Log::start();
    let config = if arguments.config.is_empty() {
        Config::standard(arguments.data.as_deref())
    } else {
        match Config::load(&arguments.config, arguments.data.as_deref()) {
            Ok(config) => config,
            Err(errors) => {
                log.say(errors);
                return Exit::BadConfig;
            }
        }
    };
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
    let (mut collector, casualty) = match Collector::start(&config, streams) {
        Ok(started) => started,
        Err(error) => {
            log.say(format_args!("error: {error}"));
            return Exit::CannotStart;
        }
    };
    // Both are for whoever waits: people and scripts read the line, systemd the socket.
    let listening = collector.listening().join(", ");
    log.say(format_args!("ready: listening on {listening}; writing {}", places(&config)));
    notify(&[NotifyState::Ready]);
    let reason = control.block_on(attend(&collector, &mut signals, casualty));
    notify(&[NotifyState::Stopping]);
    let give_up = collector.give_up();
    // It dies with the process: nobody waits for a second signal that does not come.
    thread::spawn(move || {
        control.block_on(signals.second());
        give_up();
    });
    finish(&mut collector, reason, &log)
}

/// Why the collector stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Told,
    Casualty,
}

/// Serves signals until one says to stop.
async fn attend(collector: &Collector, signals: &mut Signals, mut casualty: Casualty) -> Reason {
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => info!("told to stop (TERM)"),
            _ = signals.interrupt.recv() => info!("told to stop (INT)"),
            _ = signals.hangup.recv() => {
                collector.reopen();
                continue;
            }
            _ = signals.user.recv() => {
                info!("ledger {}", collector.balance());
                continue;
            }
            dead = casualty.recv() => {
                error!("{} has died; stopping, what was accepted is in the buffer", dead.unwrap_or_default());
                return Reason::Casualty;
            }
        }
        return Reason::Told;
    }
}

/// Drains, and says how that went.
fn finish(collector: &mut Collector, reason: Reason, log: &Log) -> Exit {
    let balance = collector.stop();
    info!("ledger {balance}");
    let queued = balance.queued();
    if !balance.closes() {
        error!("the ledger does not close: this is a bug, please report it with the line above");
    }
    if reason == Reason::Casualty {
        return Exit::Failed;
    }
    if queued > 0 {
        log.say(format_args!(
            "stopped: {queued} messages are left in the buffer; the next start delivers them"
        ));
        return Exit::LeftInBuffer;
    }
    log.say("stopped: everything that was accepted is written");
    Exit::Done
}

/// The signals that mean something to us.
#[derive(Debug)]
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    user: Signal,
    /// A file beyond `ulimit -f` is an error of its write, not our death.
    _file_too_large: Signal,
}

impl Signals {
    fn new(runtime: &Runtime) -> io::Result<Self> {
        let _inside = runtime.enter();
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            user: signal(SignalKind::user_defined1())?,
            _file_too_large: signal(SignalKind::from_raw(libc::SIGXFSZ))?,
        })
    }

    /// Another one of those that say to stop.
    async fn second(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Where stream sources run.
fn streams() -> io::Result<Runtime> {
    let threads = thread::available_parallelism().map_or(1, usize::from).clamp(1, 8);
    // A task may read a quarter of a megabyte before it lets others run: look for new events after a few of them.
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(threads).event_interval(8).thread_name("streams").enable_io().enable_time().build()
}

/// Tells systemd, where it listens.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        error!("cannot notify the service manager: {error}");
    }
}

/// Where the messages can be found, for a person.
fn places(config: &Config) -> String {
    let places =
        config.destinations.iter().map(|to| to.root.join("<host>/<YYYY-MM-DD>.log").display().to_string());
    places.collect::<Vec<_>>().join(", ")
}
