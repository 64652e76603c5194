//! `ha-collector demo`: two nodes and a client in namespaces of their own; one is broken, and it is told what that cost.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::Exit;
use crate::config::Span;
use crate::demo::{self, Fault, Inside, Looks, Peer, Settings};
use crate::log::say;

#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(super) struct DemoArguments {
    /// What is done to the node that holds the address
    #[arg(long, value_enum, default_value_t = Fault::Service)]
    fault: Fault,
    /// Between two advertisements, 10ms to 1s: 1s is VRRP version 2, below it version 3
    #[arg(long, value_name = "SPAN", default_value = "100ms", value_parser = interval)]
    interval: Duration,
    /// Datagrams a second
    #[arg(long, value_name = "NUMBER", default_value_t = 2_000, value_parser = RangedU64ValueParser::<u32>::new().range(10..=20_000))]
    rate: u32,
    /// Sending before the fault, at most 10s
    #[arg(long, value_name = "SPAN", default_value = "2s", value_parser = warm_up)]
    warm_up: Duration,
    /// The same with keepalived beside it
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Peer::Auto, num_args = 0..=1,
          default_missing_value = "always", require_equals = true)]
    keepalived: Peer,
    /// One JSON object instead of the view and the table
    #[arg(long)]
    json: bool,
    /// Keep configurations, logs and what the nodes wrote in this directory, which must not exist yet
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Already inside the namespaces; everything is in this directory
    #[arg(long, value_name = "DIR", hide = true)]
    inside: Option<PathBuf>,
}

const HELP: &str = "\
Two nodes (10.0.0.11, 10.0.0.12), a client (10.0.0.20) and a switch, in namespaces that end with the command. Both nodes
run this program; 10.0.0.10 moves between them. Nothing outside is touched, nothing is left behind, no root is needed.

  service  the collector of the node that holds the address is killed (KILL); its keeper starts it again
  node     keeper and collector are killed and the cable is pulled; the node comes back as after a reboot
  stop     the node is told to stop (TERM), and started again

Takeover is from the fault to the first datagram at the other node. Dark is the longest time in which no datagram arrived
at either node, by the collectors' time of reception; the longest pause that the client itself made from the fault on is
told beside it. A second after the other node serves, the broken one is helped up; where it has a keeper that does so, at
once. Lost and twice are counted in the files that both nodes wrote. A TCP line counts as acknowledged when the kernel of
the node has acknowledged its last byte.";

/// A configuration is in it, and sockets, whose paths are short.
const LONGEST_DIR: usize = 60;

fn interval(text: &str) -> Result<Duration, String> {
    let Span(span) = text.parse()?;
    let tens = span.as_nanos() % 10_000_000 == 0;
    if !tens || span < Duration::from_millis(10) || span > Duration::from_secs(1) {
        return Err(format!("{text} is not 10ms to 1s in steps of 10ms"));
    }
    Ok(span)
}

fn warm_up(text: &str) -> Result<Duration, String> {
    let Span(span) = text.parse()?;
    if span > Duration::from_secs(10) {
        return Err(format!("{text} is longer than 10s"));
    }
    Ok(span)
}

pub(super) fn demo(arguments: &DemoArguments) -> Exit {
    let outcome = match &arguments.inside {
        Some(dir) => inside(arguments, dir),
        None => outside(arguments),
    };
    outcome.unwrap_or_else(|error| {
        say(format_args!("error: {error}"));
        if matches!(error, demo::Error::Interrupted) { Exit::Failed } else { Exit::CannotStart }
    })
}

/// Makes the namespaces and a place for the files, runs this program again inside, and removes what is left.
fn outside(arguments: &DemoArguments) -> Result<Exit, demo::Error> {
    let (dir, _removed_at_the_end) = match &arguments.keep {
        Some(dir) => {
            std::fs::create_dir(dir)
                .map_err(|source| demo::Error::Directory { path: dir.clone(), source })?;
            (std::path::absolute(dir).unwrap_or_else(|_| dir.clone()), None)
        }
        None => {
            let temporary = tempfile::Builder::new().prefix("ha-demo-").tempdir();
            let temporary =
                temporary.map_err(|source| demo::Error::Directory { path: std::env::temp_dir(), source })?;
            (temporary.path().to_owned(), Some(temporary))
        }
    };
    if dir.as_os_str().len() > LONGEST_DIR {
        if arguments.keep.is_some() {
            std::fs::remove_dir(&dir).ok();
        }
        return Err(demo::Error::LongPath { path: dir, most: LONGEST_DIR });
    }
    // As they were given, so that what is inside knows no more than what was asked for.
    let again: Vec<OsString> =
        std::env::args_os().skip(1).chain(["--inside".into(), dir.into_os_string()]).collect();
    let status = demo::inside_namespaces(&again)?;
    Ok(match status.code() {
        Some(0) => Exit::Done,
        Some(3) => Exit::CannotStart,
        _ => Exit::Failed,
    })
}

fn inside(arguments: &DemoArguments, dir: &Path) -> Result<Exit, demo::Error> {
    let looks = if arguments.json {
        Looks::Silent
    } else if io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none()
        && std::env::var_os("TERM").is_some_and(|terminal| terminal != "dumb")
    {
        Looks::Live
    } else {
        Looks::Plain
    };
    let kept = if arguments.keep.is_some() { Inside::Keep } else { Inside::Remove };
    demo::end_with_standard_input(dir, kept);
    let settings = Settings {
        fault: arguments.fault,
        interval: arguments.interval,
        rate: arguments.rate,
        warm_up: arguments.warm_up,
        peer: arguments.keepalived,
        looks,
    };
    let result = demo::run(&settings, dir);
    if kept == Inside::Remove {
        // Whoever started us does so, too, unless it was killed.
        std::fs::remove_dir_all(dir).ok();
    }
    let result = result?;
    let text = if arguments.json { format!("{}\n", result.json()) } else { result.table() };
    // Nobody is left to be told that standard output is closed.
    io::stdout().write_all(text.as_bytes()).ok();
    Ok(if result.as_promised() { Exit::Done } else { Exit::Failed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_intervals_that_both_versions_can_send_are_taken() {
        assert_eq!(interval("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(interval("1s"), Ok(Duration::from_secs(1)));
        for wrong in ["5ms", "15ms", "2s", "100", "0s"] {
            assert!(interval(wrong).is_err(), "{wrong}");
        }
        assert!(warm_up("11s").is_err());
    }
}
