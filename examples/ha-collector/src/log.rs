//! What the program says on standard error, said so that it can harm nobody.
//!
//! Whoever reads it may have gone away, or may have stopped reading: neither a closed nor a full pipe may stop a
//! collector. While it runs, everything goes through a thread of its own, which drops lines rather than wait.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// Lines that wait for a slow reader; more are dropped.
const WAITING_LINES: usize = 10_000;

/// Says something before anything runs, or when nothing does any more.
pub(crate) fn say(text: impl Display) {
    // Nobody is left to be told of an error.
    io::stderr().write_all(format!("{text}\n").as_bytes()).ok();
}

/// The log of a running collector. Dropped, it writes what is left, if somebody reads it within a second.
#[derive(Debug)]
pub(crate) struct Log {
    writer: NonBlocking,
    _thread: WorkerGuard,
}

impl Log {
    /// Starts it; `tracing` goes here from now on, filtered by `RUST_LOG`.
    pub(crate) fn start() -> Self {
        let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING_LINES);
        let (writer, thread) = builder.thread_name("log").finish(io::stderr());
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
        let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let log = tracing_subscriber::fmt::layer().with_target(false).with_ansi(colours);
        let log = log.with_writer(writer.clone()).log_internal_errors(false).with_filter(filter);
        // What an `internal` source hears does not depend on what is written here.
        let ear = crate::collector::Ear.with_filter(LevelFilter::INFO);
        // Only one is ever set.
        tracing_subscriber::registry().with(log).with(ear).try_init().ok();
        Self { writer, _thread: thread }
    }

    /// Says something that is no log entry: for people and scripts that wait for it.
    pub(crate) fn say(&self, text: impl Display) {
        self.writer.clone().write_all(format!("{text}\n").as_bytes()).ok();
    }
}
