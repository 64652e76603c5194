//! From a configuration to what delivers.

use std::io;
use std::sync::Arc;

use syslog_parse::IanaZone;

use super::console::Console;
use super::datagram::Datagrams;
use super::file::{FileDestination, Templates};
use super::pipe::Pipe;
use super::program::Program;
use super::render::FilePath;
use super::stream::Streams;
use super::usertty::Terminals;
use super::{Bare, Deliver, Render};
use crate::collector::event::Names;
use crate::collector::path::condition;
use crate::collector::template::{
    Boundary, Clock, Fraction, PathTemplate, Rendering, StampFormat, Surroundings, TemplateError,
    TimeSetting, Wording,
};
use crate::config::{self, Destination, DestinationKind, Format, Layout};

/// A destination whose templates have been read.
#[derive(Debug)]
pub(crate) struct Opening<'c> {
    pub(crate) to: &'c Destination,
    time: TimeSetting,
    /// `None`: the usual line of a file, which needs none.
    rendering: Option<Rendering>,
    path: Option<PathTemplate>,
}

impl<'c> Opening<'c> {
    /// Reads the templates of a destination.
    pub(crate) fn compile(to: &'c Destination, names: &mut Names) -> Result<Self, TemplateError> {
        let time = TimeSetting {
            zone: to.deliver.time_zone.clone(),
            fraction: to.deliver.frac_digits.map_or(Fraction::AsReceived, Fraction::Digits),
            stamp: to.deliver.stamp.map(StampFormat::from),
        };
        let (boundary, usual) = match &to.kind {
            DestinationKind::Stream(_) | DestinationKind::Datagram(_) => (Boundary::Frame, Format::Rfc5424),
            _ => (Boundary::Line, Format::Line),
        };
        let (format, template) = match &to.deliver.layout {
            Layout::Usual => (Some(usual), None),
            Layout::Format(format) => (Some(*format), None),
            Layout::Template(template) => (None, Some(template.value.as_str())),
        };
        let is_file = matches!(to.kind, DestinationKind::File(_));
        let usual_times = to.deliver.frac_digits.is_none() && to.deliver.stamp.is_none();
        let rendering = if is_file && format == Some(Format::Line) && usual_times {
            None
        } else {
            let wording =
                Wording { format: format.map(Format::name), template, boundary, time: time.clone() };
            Some(Rendering::compile(&wording, names, &condition)?)
        };
        let path = match &to.kind {
            DestinationKind::File(file) => match &file.path {
                config::FilePath::Template(path) => {
                    Some(PathTemplate::compile(&path.value, names, &condition)?)
                }
                config::FilePath::HostAndDay | config::FilePath::Fixed(_) => None,
            },
            _ => None,
        };
        Ok(Self { to, time, rendering, path })
    }
}

impl From<config::Stamp> for StampFormat {
    fn from(stamp: config::Stamp) -> Self {
        match stamp {
            config::Stamp::Rfc3164 => Self::Rfc3164,
            config::Stamp::Rfc3339 => Self::Rfc3339,
            config::Stamp::Full => Self::Full,
            config::Stamp::Unix => Self::Unix,
        }
    }
}

/// Makes the destination ready to run. Only files are opened already: the others are not always there. A destination of
/// files may have so many open; `local` is the zone of this machine.
pub(crate) fn open(
    opening: Opening<'_>,
    around: &Arc<Surroundings>,
    most_files: usize,
    local: &IanaZone,
) -> io::Result<Box<dyn Deliver>> {
    let Opening { to, time, rendering, path } = opening;
    let renderer = rendering.map(|rendering| rendering.renderer(Arc::clone(around)));
    if let DestinationKind::File(file) = &to.kind {
        let clock = || Clock::new(&time, Arc::clone(around));
        let templates = Templates {
            path: path.map(|path| Box::new(FilePath::new(path, clock())) as Box<dyn Render>),
            layout: renderer.map(|renderer| Box::new(renderer) as Box<dyn Render>),
        };
        return Ok(Box::new(FileDestination::open(file, &to.deliver, templates, most_files, local)?));
    }
    // Only files do without.
    let renderer = renderer.ok_or_else(|| io::Error::other("nothing says what a message looks like"))?;
    let render: Box<dyn Render> = Box::new(Bare(renderer));
    let reopen = to.deliver.time_reopen;
    Ok(match &to.kind {
        DestinationKind::File(_) => return Err(io::Error::other("was opened above")),
        DestinationKind::Stream(stream) => Box::new(Streams::new(&to.id, stream, reopen, render)),
        DestinationKind::Datagram(datagram) => Box::new(Datagrams::new(&to.id, datagram, reopen, render)),
        DestinationKind::Program(program) => Box::new(Program::new(&to.id, program, render)),
        DestinationKind::Pipe(pipe) => Box::new(Pipe::new(pipe, render)),
        DestinationKind::Usertty(tty) => Box::new(Terminals::new(tty, render)),
        DestinationKind::Console(console) => Box::new(Console::new(console, render)),
    })
}
