//! `ha-collector run`: collects until told to stop.

use std::io;
use std::thread;

use sd_notify::NotifyState;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info};
use tracing_subscriber::EnvFilter;

use super::{Exit, RunArguments};
use crate::collector::{Casualty, Collector};
use crate::config::Config;

pub(super) fn run(arguments: &RunArguments) -> Exit {
    start_log();
    let config = if arguments.config.is_empty() {
        Config::standard(arguments.data.as_deref())
    } else {
        match Config::load(&arguments.config, arguments.data.as_deref()) {
            Ok(config) => config,
            Err(errors) => {
                eprint!("{errors}");
                return Exit::BadConfig;
            }
        }
    };
    let started = runtime().and_then(|runtime| {
        // From here on a signal finds us listening, also while the buffer is being recovered.
        let signals = Signals::new(&runtime)?;
        Ok((runtime, signals))
    });
    let (runtime, signals) = match started {
        Ok(started) => started,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return Exit::CannotStart;
        }
    };
    let (mut collector, casualty) = match Collector::start(&config, runtime) {
        Ok(started) => started,
        Err(error) => {
            eprintln!("error: {error}");
            return Exit::CannotStart;
        }
    };
    // Both are for whoever waits: people and scripts read the line, systemd the socket.
    eprintln!("ready: listening on {}; writing {}", collector.listening().join(", "), places(&config));
    notify(&[NotifyState::Ready]);
    let (reason, signals) =
        collector.block_on(attend(&collector, signals, casualty)).unwrap_or((Reason::Told, None));
    notify(&[NotifyState::Stopping]);
    finish(&mut collector, reason, signals)
}

/// Why the collector stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Told,
    Casualty,
}

/// Serves signals until one says to stop.
async fn attend(
    collector: &Collector,
    mut signals: Signals,
    mut casualty: Casualty,
) -> (Reason, Option<Signals>) {
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
                return (Reason::Casualty, Some(signals));
            }
        }
        return (Reason::Told, Some(signals));
    }
}

/// Drains, and says how that went.
fn finish(collector: &mut Collector, reason: Reason, signals: Option<Signals>) -> Exit {
    if let Some(signals) = signals {
        let give_up = collector.give_up();
        // It dies with the process: nobody waits for a second signal that does not come.
        thread::spawn(move || {
            if let Ok(runtime) = Builder::new_current_thread().enable_io().build() {
                runtime.block_on(signals.second());
                give_up();
            }
        });
    }
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
        eprintln!("stopped: {queued} messages are left in the buffer; the next start delivers them");
        return Exit::LeftInBuffer;
    }
    eprintln!("stopped: everything that was accepted is written");
    Exit::Done
}

/// The signals that mean something to us.
#[derive(Debug)]
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    user: Signal,
}

impl Signals {
    fn new(runtime: &Runtime) -> io::Result<Self> {
        let _inside = runtime.enter();
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            user: signal(SignalKind::user_defined1())?,
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

fn runtime() -> io::Result<Runtime> {
    let threads = thread::available_parallelism().map_or(1, usize::from).clamp(1, 8);
    Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("streams")
        .enable_io()
        .enable_time()
        .build()
}

fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_writer(io::stderr);
    let log =
        log.with_ansi(io::IsTerminal::is_terminal(&io::stderr()) && std::env::var_os("NO_COLOR").is_none());
    // Only one subscriber is ever set.
    drop(log.try_init());
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
