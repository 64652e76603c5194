//! Two nodes, a client and a switch, in namespaces of our own: a failover that anybody can watch, and what it cost.
//!
//! - [`namespace`]: where it happens; [`host`], [`lab`]: the machines and the cables
//! - [`setup`]: the configurations; [`node`]: the daemons of one node, ours or keepalived's
//! - [`load`]: what the client sends, [`lines`] over TCP; [`count`]: what of it is in the files
//! - [`play`]: what happens in which order; [`view`]: how it looks meanwhile; [`report`]: what is told at the end

mod count;
mod host;
mod lab;
mod lines;
mod load;
mod namespace;
mod node;
mod play;
mod report;
mod setup;
mod view;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;

use self::lab::Lab;
pub(crate) use self::namespace::{Inside, end_with_standard_input, inside_namespaces};
use self::node::System;
pub(crate) use self::report::Report;
use self::view::View;

/// What is to be shown.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) fault: Fault,
    /// Between two advertisements.
    pub(crate) interval: Duration,
    /// Datagrams a second.
    pub(crate) rate: u32,
    /// Sending before the fault.
    pub(crate) warm_up: Duration,
    pub(crate) peer: Peer,
    pub(crate) looks: Looks,
}

/// What happens to the node that holds the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fault {
    /// Its collector is killed
    Service,
    /// Everything on it is killed, and its cable pulled
    Node,
    /// It is told to stop
    Stop,
}

impl Fault {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Node => "node",
            Self::Stop => "stop",
        }
    }
}

/// Whether keepalived is shown beside us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// When it is installed
    Auto,
    /// It must be installed
    Always,
    /// Only this program
    Never,
}

/// How it looks while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looks {
    /// A few lines, drawn again in place.
    Live,
    /// A line an event.
    Plain,
    Silent,
}

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    #[error("this system does not let this user make namespaces: {step}: {source}\n  {cause}\n  {cure}")]
    Forbidden { step: &'static str, source: io::Error, cause: String, cure: String },
    #[error("cannot use {}: {source}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("{} is too long: sockets are beneath it, at most {most} bytes", path.display())]
    LongPath { path: PathBuf, most: usize },
    #[error("the program `{program}` is not installed: {cure}")]
    Missing { program: &'static str, cure: &'static str },
    #[error("cannot start {program}: {source}")]
    Start { program: String, source: io::Error },
    #[error("`{command}` failed: {said}")]
    Network { command: String, said: String },
    #[error("the thread of {host} has ended")]
    HostGone { host: &'static str },
    #[error("not within {patience:?}: {what}\n{said}")]
    Late { what: String, patience: Duration, said: String },
    #[error("cannot read what the nodes wrote: {source}")]
    Read { source: io::Error },
    #[error("interrupted; nothing is left behind")]
    Interrupted,
}

/// Shows it, inside namespaces of its own, with files beneath `dir`.
pub(crate) fn run(settings: &Settings, dir: &Path) -> Result<Report, Error> {
    let keepalived = match settings.peer {
        Peer::Never => None,
        Peer::Auto => lab::program("keepalived"),
        Peer::Always => Some(lab::program("keepalived").ok_or(Error::Missing {
            program: "keepalived",
            cure: "apt install keepalived, or leave --keepalived away",
        })?),
    };
    let lab = Lab::new()?;
    let mut view = View::new(settings);
    let mut report = Report::new(settings);
    report.ours = Some(play::play(&lab, &System::HaCollector, settings, dir, &mut view)?);
    if let Some(program) = keepalived {
        report.keepalived = Some(play::play(&lab, &System::Keepalived(program), settings, dir, &mut view)?);
    }
    view.end();
    Ok(report)
}
