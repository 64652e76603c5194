//! `ha-collector parse`: messages on standard input, one JSON object a line on standard output.

use std::io::{self, BufWriter, Read, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};
use syslog_parse::{Cached, Framer, Framing, IanaZone, Step, Timestamp, ZoneSource};

use super::Exit;
use crate::json::{self, Facts};
use crate::log;
use crate::when::{self, ZoneNames};

/// Longer messages are cut, as a source would do.
const MAX_MESSAGE: usize = 16 << 20;
const READ_BYTES: usize = 64 << 10;

#[derive(Debug, Args)]
pub(super) struct ParseArguments {
    /// Zone of stamps that have none: a name such as Europe/Budapest, or a POSIX TZ string [default: this machine's]
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// What a zone name in a stamp means, such as CDT=-05:00, also for UTC and GMT; may be repeated
    #[arg(long = "zone-name", value_name = "NAME=±hh:mm")]
    zone_names: Vec<String>,
    /// The moment of reception, RFC 3339, from which a missing year is inferred [default: now]
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// How messages are told apart
    #[arg(long, value_enum, default_value_t = FramingArgument::Auto)]
    framing: FramingArgument,
    /// Refuse, with offset and field, what breaks the RFC; exit 1 if anything was refused
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FramingArgument {
    /// All of the input is one message
    None,
    /// A message ends with its line
    Lf,
    /// Each message has its length before it
    Octet,
    /// Octet counting where a whole count stands before a PRI, a line otherwise
    Auto,
}

pub(super) fn parse(arguments: &ParseArguments) -> Exit {
    let mut context = match Context::new(arguments) {
        Ok(context) => context,
        Err(message) => {
            log::say(format_args!("error: {message}"));
            return Exit::BadConfig;
        }
    };
    let framing = match arguments.framing {
        FramingArgument::None => None,
        FramingArgument::Lf => Some(Framing::Lf),
        FramingArgument::Octet => Some(Framing::OctetCounting),
        FramingArgument::Auto => Some(Framing::Auto),
    };
    let mut out = BufWriter::new(io::stdout().lock());
    let done = match framing {
        None => whole(&mut context, &mut out),
        Some(framing) => framed(framing, &mut context, &mut out),
    };
    match done.and_then(|()| out.flush()) {
        Ok(()) if context.refused > 0 => Exit::BadConfig,
        Ok(()) => Exit::Done,
        // Whoever reads our output has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => {
            log::say(format_args!("error: {error}"));
            Exit::Failed
        }
    }
}

/// What all messages share.
struct Context {
    zone: Cached<IanaZone>,
    source: ZoneSource,
    names: ZoneNames,
    now: Timestamp,
    check: Check,
    /// Messages seen so far, and those of them that were refused.
    seen: u64,
    refused: u64,
    /// The object to be written.
    line: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// Show what is understood of anything.
    Nothing,
    /// Refuse what breaks the RFC.
    Rfc,
}

impl Context {
    fn new(arguments: &ParseArguments) -> Result<Self, String> {
        let mut names = ZoneNames::default();
        for name in &arguments.zone_names {
            names.add(name).map_err(|error| format!("--zone-name: {error}"))?;
        }
        let (zone, source) = match &arguments.zone {
            Some(zone) => {
                let zone = IanaZone::named_or_posix(zone).map_err(|error| format!("--zone: {error}"))?;
                (zone, ZoneSource::Configured)
            }
            None => (IanaZone::system().unwrap_or_else(|_| IanaZone::utc()), ZoneSource::Assumed),
        };
        let now = match &arguments.now {
            Some(text) => {
                let now: jiff::Timestamp = text.parse().map_err(|error| format!("--now: {error}"))?;
                // Before 1970 the fraction counts backwards from the second.
                let nanos = now.as_nanosecond();
                let secs = i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or_default();
                Timestamp::new(secs, u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default())
            }
            None => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::new(i64::try_from(now.as_secs()).unwrap_or(i64::MAX), now.subsec_nanos())
            }
        };
        let check = if arguments.strict { Check::Rfc } else { Check::Nothing };
        Ok(Self { zone: Cached::new(zone), source, names, now, check, seen: 0, refused: 0, line: Vec::new() })
    }

    fn show(&mut self, raw: &[u8], out: &mut impl Write) -> io::Result<()> {
        let message = syslog_parse::parse(raw);
        self.seen += 1;
        if self.check == Check::Rfc
            && let Err(error) = message.strict()
        {
            self.refused += 1;
            log::say(format_args!("error: message {}: {error}", self.seen));
            return Ok(());
        }
        let sent = when::sent(&message, &self.names, &self.zone, self.source, self.now);
        self.line.clear();
        json::push_message(&Facts::of(&message, sent), &mut self.line);
        self.line.push(b'\n');
        out.write_all(&self.line)
    }
}

fn whole(context: &mut Context, out: &mut impl Write) -> io::Result<()> {
    let mut raw = Vec::new();
    io::stdin().lock().read_to_end(&mut raw)?;
    context.show(&raw, out)
}

fn framed(framing: Framing, context: &mut Context, out: &mut impl Write) -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut framer = Framer::new(framing, MAX_MESSAGE);
    let mut buffer = Vec::new();
    loop {
        let held = buffer.len();
        buffer.resize(held + READ_BYTES, 0);
        let read = match input.read(buffer.get_mut(held..).unwrap_or_default()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Ok(0) => {
                buffer.truncate(held);
                return frames(|rest| framer.finish(rest), &buffer, context, out).map(drop);
            }
            read => read?,
        };
        buffer.truncate(held + read);
        let used = frames(|rest| framer.next(rest), &buffer, context, out)?;
        buffer.drain(..used);
        // Somebody may be typing.
        out.flush()?;
    }
}

/// Shows all messages that are whole, and says how many bytes are done with.
fn frames<'b>(
    mut step: impl FnMut(&'b [u8]) -> Step<'b>,
    buffer: &'b [u8],
    context: &mut Context,
    out: &mut impl Write,
) -> io::Result<usize> {
    let mut at = 0;
    loop {
        match step(buffer.get(at..).unwrap_or_default()) {
            Step::Complete { frame, consumed } => {
                context.show(frame.bytes, out)?;
                at += consumed;
            }
            Step::Partial { consumed } => return Ok(at + consumed),
        }
    }
}
