//! The command line: which commands there are and what they exit with. One file a command.

mod ask;
mod buffer;
mod check;
mod demo;
mod import;
mod parse;
mod run;
mod send;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::control::{Request, Work};

/// What the process says to whoever started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything asked for was done.
    Done = 0,
    /// What was given is wrong: the configuration, and nothing was started; a message, with `parse --strict`; or a
    /// buffer, of which something is damaged or lost.
    BadConfig = 1,
    /// The arguments are wrong, as clap says it too, or one is missing: `--yes`.
    BadArguments = 2,
    /// The system refuses what the configuration asks for: a port in use, a directory that cannot be written.
    CannotStart = 3,
    /// Stopped, but accepted messages are still in the buffer: the destination did not take them. The next start
    /// delivers them.
    LeftInBuffer = 4,
    /// A part of the collector died, what was accepted is in the buffer; or a reload was done in part, or may
    /// still be done.
    Failed = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A highly available syslog collector.
#[derive(Debug, Parser)]
#[command(name = "ha-collector", version, about, long_about = LONG_ABOUT, args_conflicts_with_subcommands = true, after_help = EXIT_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArguments,
}

const LONG_ABOUT: &str = "\
A highly available syslog collector.

Without a command it does what `run` does. Without a configuration it listens on 127.0.0.1:5514, UDP and TCP,
and writes ha-collector-data/logs/<host>/<YYYY-MM-DD>.log.";

const EXIT_HELP: &str = "\
Signals: TERM, INT  hand addresses over, stop reading, write what is queued, exit (a second one: exit at once, keep the queue)
         HUP        do what the configuration says now, and open the files anew that are written
         USR1       write the ledger to the log: received = delivered + queued + dropped
Exit:    0 done  1 bad configuration, message or buffer  2 bad arguments  3 cannot start  4 messages left in the buffer
         5 failed, or a reload done in part";

#[derive(Debug, Subcommand)]
enum Command {
    /// Collect messages until told to stop
    Run(RunArguments),
    /// Read the configuration, say what is wrong with it, and start nothing
    Check(CheckArguments),
    /// Translate the configuration of another program into ours, and say what could not be
    Import(import::ImportArguments),
    /// Show what a running daemon does: addresses, sources, destinations, and why
    Status(ask::StatusArguments),
    /// Hand the addresses over to whoever takes them, and stay behind all others until `promote`
    Drain(ask::Which),
    /// Contend again, and take the addresses unless somebody better has them
    Promote(ask::Which),
    /// Have a running daemon do what its configuration says now, and open its files anew, as HUP does
    Reload(ask::Which),
    /// Every change of state of a running daemon, one JSON object a line, numbered without a gap
    Events(ask::EventsArguments),
    /// Break one of two nodes in namespaces of its own, no root, and show what senders noticed
    Demo(demo::DemoArguments),
    /// Send numbered messages, and say how many went
    Send(send::SendArguments),
    /// Look into a buffer that no collector has open: list it, print it, check it, write it as JSON. Give up what waits in
    /// it for a destination that is not configured any more, whether or not a collector runs
    Buffer(buffer::BufferArguments),
    /// Show what is understood of messages: standard input in, one JSON object a line out
    Parse(parse::ParseArguments),
}

#[derive(Debug, Args)]
struct RunArguments {
    /// Configuration file, or a directory whose *.toml are read in order; may be repeated
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// Where logs and buffer are kept unless the configuration says otherwise [default: ha-collector-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The collector of a keeper, which speaks to it over standard input
    #[arg(long, hide = true)]
    keeper_on_stdin: bool,
}

#[derive(Debug, Args)]
struct CheckArguments {
    /// Configuration file, or a directory whose *.toml are read in order; may be repeated
    #[arg(long, value_name = "FILE", required = true)]
    config: Vec<PathBuf>,
}

/// Parses the arguments and runs the command.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.command {
        None => run::run(&arguments.run),
        Some(Command::Run(run)) => run::run(&run),
        Some(Command::Check(check)) => check::check(&check),
        Some(Command::Import(import)) => import::import(&import),
        Some(Command::Status(status)) => ask::status(&status),
        Some(Command::Drain(which)) => ask::order(&which, &Request::Drain),
        Some(Command::Promote(which)) => ask::order(&which, &Request::Promote),
        Some(Command::Reload(which)) => ask::order(&which, &Request::Do(Work::Reload)),
        Some(Command::Events(events)) => ask::events(&events),
        Some(Command::Demo(demo)) => demo::demo(&demo),
        Some(Command::Send(load)) => send::send(&load),
        Some(Command::Buffer(buffer)) => buffer::buffer(&buffer),
        Some(Command::Parse(parse)) => parse::parse(&parse),
    }
    .into()
}
