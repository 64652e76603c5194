//! `ha-collector run`: does what the configuration asks for until told to stop. With virtual addresses it is the keeper
//! and starts the collector as a process of its own; without, it is the collector.

mod collector;
mod keeper;

use std::io;
use std::path::PathBuf;

use sd_notify::NotifyState;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::error;

use super::{Exit, RunArguments};
use crate::config::{self, Config};
use crate::log::say;
use crate::pulse::Line;

pub(super) fn run(arguments: &RunArguments) -> Exit {
    let reading = Reading { config: arguments.config.clone(), data: arguments.data.clone() };
    let config = match reading.read() {
        Ok(config) => config,
        Err(errors) => {
            say(errors);
            return Exit::BadConfig;
        }
    };
    if arguments.keeper_on_stdin {
        return match Line::from_stdin() {
            Ok(line) => collector::run(&config, &reading, Some(line)),
            Err(error) => {
                say(format_args!("error: --keeper-on-stdin is for the keeper alone: {error}"));
                Exit::CannotStart
            }
        };
    }
    match &config.keeper {
        Some(keeper) => keeper::run(&config, keeper, arguments),
        None => collector::run(&config, &reading, None),
    }
}

/// Where the configuration is read from, again at a reload.
#[derive(Clone, Debug)]
struct Reading {
    config: Vec<PathBuf>,
    data: Option<PathBuf>,
}

impl Reading {
    fn read(&self) -> Result<Config, String> {
        if self.config.is_empty() {
            return Ok(Config::standard(self.data.as_deref()));
        }
        Config::load(&self.config, self.data.as_deref()).map_err(|errors| errors.to_string())
    }
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

/// Tells systemd, where it listens.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        error!("cannot notify the service manager: {error}");
    }
}

/// Where the messages can be found, for a person.
fn places(config: &Config) -> String {
    let places = config.destinations.iter().map(config::Destination::place);
    places.collect::<Vec<_>>().join(", ")
}
