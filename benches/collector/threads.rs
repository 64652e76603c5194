//! What each thread of the collector uses for a message, and so which of them would be the bound where each had a core.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::measure::{Load, Shape};
use super::ours::Place;
use super::process;
use super::table::thousands;

const MANY: u64 = 3_000_000;
/// Seconds a message; threads that use less are told together.
const NEXT_TO_NOTHING: f64 = 20e-9;

pub(crate) fn run(binary: &Path, share: u64) -> Result<(), String> {
    println!(
        "| load | cores | delivered a second | thread | µs a message | messages a second on a core of its own |"
    );
    println!("|---|---|---|---|---|---|");
    let loads =
        [("TCP, 1 connection", "tcp", 1, 1), ("TCP, 10 connections", "tcp", 10, 1), ("UDP", "udp", 1, 3)];
    for (name, transport, connections, less) in loads {
        for cores in [Cores::Shared, Cores::Apart] {
            let load = Load {
                name: format!("{name} | {}", cores.name()),
                transport,
                messages: MANY / share / less,
                rate: None,
                connections,
                hosts: 1,
                shape: Shape::Rfc3164,
            };
            eprintln!("{name}, {} ...", cores.name());
            row(binary, &load, cores)?;
        }
    }
    Ok(())
}

/// Who runs where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cores {
    /// Collector and generator on all of them.
    Shared,
    /// The collector on the first, the generator on the second.
    Apart,
}

impl Cores {
    const fn name(self) -> &'static str {
        match self {
            Self::Shared => "all, with the generator",
            Self::Apart => "one, the generator has another",
        }
    }
}

fn row(binary: &Path, load: &Load, cores: Cores) -> Result<(), String> {
    let place = Place::new(binary)?;
    place.configure(&format!("{}{}", place.sources(), place.files("files")))?;
    // What is started inherits where this thread may run.
    let all = sched_getaffinity(None).map_err(|error| error.to_string())?;
    let started = on(cores, 0, || place.start())?;
    let running = started?;
    let before = by_name(running.id());
    let figures = on(cores, 1, || place.load(&running, load, &["files"]))??;
    sched_setaffinity(None, &all).map_err(|error| error.to_string())?;
    let mut rest = Duration::ZERO;
    let mut first = format!("{} | {}", load.name, thousands(figures.delivered_per_second()));
    for (thread, used) in by_name(running.id()) {
        let used = used.saturating_sub(before.get(&thread).copied().unwrap_or_default());
        let each = used.as_secs_f64() / figures.delivered.max(1) as f64;
        if each < NEXT_TO_NOTHING {
            rest += used;
            continue;
        }
        println!("| {first} | {thread} | {:.3} | {} |", each * 1e6, thousands(1.0 / each));
        first = " | | ".to_owned();
    }
    let each = rest.as_secs_f64() / figures.delivered.max(1) as f64;
    println!("| {first} | all others | {:.3} | |", each * 1e6);
    Ok(())
}

/// Does this with the calling thread, and so whatever it starts, on its core.
fn on<T>(cores: Cores, core: usize, what: impl FnOnce() -> T) -> Result<T, String> {
    let said = |error: rustix::io::Errno| format!("the cores: {error}");
    let before = sched_getaffinity(None).map_err(said)?;
    if cores == Cores::Apart {
        let mut one = CpuSet::new();
        one.set(core);
        sched_setaffinity(None, &one).map_err(said)?;
    }
    let done = what();
    sched_setaffinity(None, &before).map_err(said)?;
    Ok(done)
}

/// Threads of one name are one: which of them does the work is chance.
fn by_name(pid: u32) -> BTreeMap<String, Duration> {
    let mut all: BTreeMap<String, Duration> = BTreeMap::new();
    for (name, used) in process::threads(pid) {
        *all.entry(name).or_default() += used;
    }
    all
}
