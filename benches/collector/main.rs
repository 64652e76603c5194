//! The whole path, socket to file, on the loopback: ours beside rsyslog and syslog-ng, and ours alone where it grows.
//!
//! ```text
//! cargo run --release -p benches --example collector -- help
//! ```
//!
//! The load comes from `ha-collector send`, one thread; what is delivered is counted in the files, line by line. CPU time
//! is that of all threads of the collector, from the kernel, and includes what the kernel did for it.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

mod backlog;
mod chart;
mod compare;
mod durable;
mod failover;
mod growth;
mod measure;
mod ours;
mod output;
mod process;
mod setup;
mod sustained;
mod table;
mod threads;

use std::path::PathBuf;
use std::process::Command;

const HELP: &str = "\
cargo run --release -p benches --example collector -- [COMMAND] [quick]

  compare    the default: ours beside rsyslog and syslog-ng; `only NAME`, `svg FILE`
  growth     ours with more connections, hosts, filters, destinations; `only connections`
  backlog    ours while 0, 1, 10 GB wait for a destination that is away, and when it is back; starts with that
  sustained  UDP at 200,000 a second for a minute, and in bursts
  idle       ours when nothing comes
  threads    what each thread of ours uses for a message, with and without a core of its own
  durable    256-byte messages that survive the loss of power, beside the device's own fdatasync
  failover   two of ours beside two keepalived, one of each broken; `rounds N`
  help       this

With `quick`, a tenth of the messages. Backlog needs 20 GB beneath the directory for temporary files, the others 8 GB.
";

fn main() -> Result<(), String> {
    let wanted = Wanted::read()?;
    if wanted.command == What::Help {
        print!("{HELP}");
        return Ok(());
    }
    let binary = build()?;
    let share = wanted.share;
    match wanted.command {
        What::Help => Ok(()),
        What::Compare => compare::run(&binary, share.into(), &wanted.compare),
        What::Growth => growth::run(&binary, share.into(), wanted.compare.only.as_deref()),
        What::Backlog => backlog::run(&binary, share.into()),
        What::Sustained => sustained::run(&binary, share.into()),
        What::Idle => sustained::idle(&binary, share),
        What::Threads => threads::run(&binary, share.into()),
        What::Durable => durable::run(share),
        What::Failover => failover::run(&binary, wanted.rounds),
    }
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Compare,
    Growth,
    Backlog,
    Sustained,
    Idle,
    Threads,
    Durable,
    Failover,
    Help,
}

/// What was asked for.
#[derive(Debug)]
struct Wanted {
    command: What,
    /// All loads are divided by it.
    share: u32,
    rounds: usize,
    compare: compare::Wanted,
}

impl Wanted {
    fn read() -> Result<Self, String> {
        let mut this =
            Self { command: What::Compare, share: 1, rounds: 1, compare: compare::Wanted::default() };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` is followed by nothing"));
            match word.as_str() {
                "compare" => this.command = What::Compare,
                "growth" => this.command = What::Growth,
                "backlog" => this.command = What::Backlog,
                "sustained" => this.command = What::Sustained,
                "idle" => this.command = What::Idle,
                "threads" => this.command = What::Threads,
                "durable" => this.command = What::Durable,
                "failover" => this.command = What::Failover,
                "help" | "--help" | "-h" => this.command = What::Help,
                "quick" => this.share = 10,
                "rounds" => {
                    let rounds = value()?.parse().map_err(|error| format!("rounds: {error}"))?;
                    this.rounds = std::cmp::max(1, rounds);
                }
                "only" => this.compare.only = Some(value()?),
                "svg" => this.compare.svg = Some(value()?.into()),
                _ => return Err(format!("`{word}` is nothing to measure\n\n{HELP}")),
            }
        }
        Ok(this)
    }
}

/// The collector, built as it is shipped.
fn build() -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "-p", "ha-collector", "--quiet"])
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !built.success() {
        return Err("ha-collector could not be built".to_owned());
    }
    // This program stands in `<target>/release/examples/`.
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let release = here.parent().and_then(|examples| examples.parent()).ok_or("where is this program?")?;
    Ok(release.join("ha-collector"))
}
