//! `ha-collector send`: a load that counts itself.

use std::io::{self, Write as _};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::Exit;
use crate::config::Size;
use crate::log::say;
use crate::send::{self, Content, Framing, Header, Load, Outcome, Target};

/// Without `--size`.
const SIZE: Size = Size(256);

#[derive(Debug, Args)]
pub(super) struct SendArguments {
    /// How messages are sent
    #[arg(value_enum, default_value_t = Transport::Udp)]
    transport: Transport,
    /// Where to: HOST:PORT, or the path of a unix socket
    #[arg(default_value = "127.0.0.1:5514")]
    to: String,
    /// Messages to send
    #[arg(long, short = 'n', default_value_t = 1_000, value_name = "N")]
    count: u64,
    /// Messages a second; without it as fast as they go
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), value_name = "N")]
    rate: Option<u64>,
    /// Sockets that are used in turn
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..), value_name = "N")]
    connections: u16,
    /// Bytes of a message, such as 1KiB
    #[arg(long, default_value_t = SIZE, value_name = "SIZE")]
    size: Size,
    /// The header of a message
    #[arg(long, value_enum, default_value_t = Header::Rfc3164)]
    format: Header,
    /// Different host names in the messages
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=99_999), value_name = "N")]
    hosts: u64,
    /// How messages of a stream are told apart
    #[arg(long, value_enum, default_value_t = Framing::Lf)]
    framing: Framing,
    /// Send the lines of this file, over and over, instead of numbered messages
    #[arg(long, value_name = "FILE", conflicts_with_all = ["size", "format", "hosts"])]
    corpus: Option<PathBuf>,
    /// One JSON object instead of a sentence
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Transport {
    Udp,
    Tcp,
    UnixDgram,
    UnixStream,
}

pub(super) fn send(arguments: &SendArguments) -> Exit {
    let load = match load(arguments) {
        Ok(load) => load,
        Err(message) => {
            say(format_args!("error: {message}"));
            return Exit::BadConfig;
        }
    };
    match send::run(&load) {
        Ok(outcome) => {
            let text = if arguments.json { as_json(&load, &outcome) } else { in_words(&load, &outcome) };
            // Whoever does not read it has the exit code.
            io::stdout().write_all(text.as_bytes()).ok();
            if outcome.refused > 0 { Exit::Failed } else { Exit::Done }
        }
        Err(error) => {
            say(format_args!("error: {error}"));
            Exit::CannotStart
        }
    }
}

fn load(arguments: &SendArguments) -> Result<Load, String> {
    let target = match arguments.transport {
        Transport::Udp => Target::Udp(resolve(&arguments.to)?),
        Transport::Tcp => Target::Tcp(resolve(&arguments.to)?),
        Transport::UnixDgram => Target::UnixDatagram(arguments.to.clone().into()),
        Transport::UnixStream => Target::UnixStream(arguments.to.clone().into()),
    };
    let content = match &arguments.corpus {
        Some(path) => Content::Corpus { path: path.clone() },
        None => {
            let size = arguments.size.to_usize();
            Content::Numbered { header: arguments.format, size, hosts: arguments.hosts }
        }
    };
    Ok(Load {
        target,
        count: arguments.count,
        rate: arguments.rate,
        connections: usize::from(arguments.connections),
        content,
        framing: arguments.framing,
    })
}

fn resolve(to: &str) -> Result<SocketAddr, String> {
    let mut found = to.to_socket_addrs().map_err(|error| format!("`{to}` is no HOST:PORT: {error}"))?;
    found.next().ok_or_else(|| format!("`{to}` has no address"))
}

fn in_words(load: &Load, outcome: &Outcome) -> String {
    let Outcome { sent, refused, took, .. } = outcome;
    let refusals = match refused {
        0 => String::new(),
        refused => format!("; {refused} were refused: nobody listens there"),
    };
    format!(
        "sent {sent} messages to {} in {:.3} s, {:.0} a second{refusals}\n",
        load.target,
        took.as_secs_f64(),
        outcome.rate()
    )
}

fn as_json(load: &Load, outcome: &Outcome) -> String {
    let told = json!({
        "target": load.target.to_string(),
        "sent": outcome.sent,
        "refused": outcome.refused,
        "bytes": outcome.bytes,
        "seconds": outcome.took.as_secs_f64(),
        "per_second": outcome.rate(),
    });
    format!("{told}\n")
}
