//! `ha-collector buffer`: what is in a buffer that no collector has open, and whether it is whole. Nothing is written to it,
//! save by `forget`.

mod forget;

use std::io::{self, BufWriter, Write};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use diskbuf::inspect::{Entry, Inspection, Place};
use diskbuf::{Behind, Loss, OpenError, ReadError};
use serde_json::{Map, Value, json};
use syslog_parse::{Deviation, Format, Rfc3339};

use super::Exit;
use crate::collector::{Extent, Extra, Record, chain};
use crate::log;

#[derive(Debug, Args)]
pub(super) struct BufferArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List segments, consumers and files that were put away
    Ls(Which),
    /// Print the raw messages, one a line, control characters escaped
    Cat(Which),
    /// Check every checksum, and name what is damaged and which messages are lost; exit 1 if there are such
    Verify(Which),
    /// Write every message as a JSON object a line
    Export(Which),
    /// Give up what waits for a destination that is not configured any more, so that the buffer gets its room back
    Forget(forget::ForgetArguments),
}

#[derive(Debug, Args)]
struct Which {
    /// The buffer's directory, such as ha-collector-data/buffer
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub(super) fn buffer(arguments: &BufferArguments) -> Exit {
    let mut out = BufWriter::new(io::stdout().lock());
    let done = match &arguments.what {
        What::Ls(which) => open(&which.dir, |inspection| ls(inspection, &mut out)),
        What::Cat(which) => open(&which.dir, |inspection| each(inspection, &mut out, cat)),
        What::Verify(which) => open(&which.dir, |inspection| verify(inspection, &mut out)),
        What::Export(which) => open(&which.dir, |inspection| each(inspection, &mut out, export)),
        What::Forget(arguments) => return forget::forget(arguments),
    };
    match done.and_then(|exit| out.flush().map_err(Failed::Write).map(|()| exit)) {
        Ok(exit) => exit,
        // Whoever reads our output has seen enough, as `head` does.
        Err(Failed::Write(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(Failed::Write(error)) => failed(&error),
        Err(Failed::Read(error)) => failed(&error),
    }
}

/// Opens a buffer that nobody has open, and does this with it.
fn open(dir: &Path, then: impl FnOnce(&mut Inspection) -> Result<Exit, Failed>) -> Result<Exit, Failed> {
    match Inspection::open(dir) {
        Ok(mut inspection) => then(&mut inspection),
        Err(error) => {
            let damaged = matches!(error, OpenError::MetaDamaged { .. } | OpenError::MetaMissing { .. });
            let hint = match error {
                OpenError::Locked { .. } => "; stop the collector, or look at a copy of the directory",
                _ => "",
            };
            log::say(format_args!("error: {}{hint}", chain(&error)));
            Ok(if damaged { Exit::BadConfig } else { Exit::CannotStart })
        }
    }
}

fn failed(error: &dyn std::error::Error) -> Exit {
    log::say(format_args!("error: {}", chain(error)));
    Exit::Failed
}

/// What went wrong after the buffer was open.
enum Failed {
    Read(ReadError),
    Write(io::Error),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl From<ReadError> for Failed {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

fn ls(inspection: &Inspection, out: &mut impl Write) -> Result<Exit, Failed> {
    let now = SystemTime::now();
    let status = inspection.status();
    writeln!(
        out,
        "{} messages, {} to {}; {} dropped as newest, {} as oldest",
        status.records,
        status.oldest_seq,
        status.next_seq.as_u64() - 1,
        status.dropped_newest,
        status.dropped_oldest
    )?;
    for segment in inspection.segments() {
        let age = segment.modified.and_then(|modified| now.duration_since(modified).ok());
        let until = segment.first.as_u64() + segment.records;
        let range = match segment.records {
            0 => "empty".to_owned(),
            _ => format!("{} to {}", segment.first, until - 1),
        };
        let age = age.map_or_else(|| "unknown".to_owned(), ago);
        writeln!(
            out,
            "segment   {}  {} bytes  messages {range}  written {age} ago",
            segment.name, segment.bytes
        )?;
    }
    for consumer in inspection.consumers() {
        let acked = consumer.acked.map_or_else(|| "damaged".to_owned(), |acked| format!("next {acked}"));
        let behind = match consumer.behind {
            Behind::Keeps => "keeps",
            Behind::Loses => "loses",
        };
        writeln!(
            out,
            "consumer  {}  {acked}  {} waiting  {} lost  {behind}",
            consumer.name, consumer.lag, consumer.lost
        )?;
    }
    for file in inspection.quarantined() {
        let reason = file.reason.escape_debug();
        writeln!(out, "put away  {}  {} bytes  {reason}", file.name, file.bytes)?;
    }
    Ok(Exit::Done)
}

fn verify(inspection: &mut Inspection, out: &mut impl Write) -> Result<Exit, Failed> {
    let verdict = inspection.verify()?;
    for (name, what) in &verdict.damaged {
        writeln!(out, "damaged: {name}: {}", what.escape_debug())?;
    }
    for name in &verdict.torn_slots {
        writeln!(out, "unfinished or damaged: {name}: a slot does not verify, an older one counts")?;
    }
    for loss in &verdict.losses {
        writeln!(out, "{}", told(loss))?;
    }
    if verdict.torn_bytes > 0 {
        writeln!(
            out,
            "unfinished: {} bytes behind the last message, which nobody was told of",
            verdict.torn_bytes
        )?;
    }
    let lost: u64 = verdict.losses.iter().map(Loss::records).sum();
    writeln!(
        out,
        "{} messages of {} bytes are whole, {lost} are lost",
        verdict.records, verdict.payload_bytes
    )?;
    Ok(if verdict.is_whole() { Exit::Done } else { Exit::BadConfig })
}

fn told(loss: &Loss) -> String {
    format!("lost: messages {} to {} ({:?})", loss.from, loss.to, loss.cause)
}

/// Shows every record and every loss; 1 when there was a loss.
fn each<W: Write>(
    inspection: &mut Inspection,
    out: &mut W,
    show: impl Fn(&Entry<'_>, &mut W) -> io::Result<()>,
) -> Result<Exit, Failed> {
    let mut exit = Exit::Done;
    let shown = inspection.each(|entry| {
        if let Entry::Lost(_) = entry {
            exit = Exit::BadConfig;
        }
        match show(&entry, out) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    })?;
    match shown {
        ControlFlow::Continue(()) => Ok(exit),
        ControlFlow::Break(error) => Err(Failed::Write(error)),
    }
}

/// The message as it was received; what is no record of ours as it is.
fn cat(entry: &Entry<'_>, out: &mut impl Write) -> io::Result<()> {
    match entry {
        Entry::Record { payload, .. } => {
            let raw = Record::read(payload).map_or(*payload, |record| record.raw());
            writeln!(out, "{}", escaped(raw))
        }
        Entry::Lost(loss) => {
            log::say(told(loss));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// One line, whatever it is; a backslash is doubled, so that what was received can be had back.
fn escaped(raw: &[u8]) -> String {
    let mut text = String::with_capacity(raw.len());
    let hex = |text: &mut String, bytes: &[u8]| bytes.iter().for_each(|b| *text += &format!("\\x{b:02x}"));
    for chunk in raw.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '\\' => text += "\\\\",
                '\n' => text += "\\n",
                '\r' => text += "\\r",
                '\t' => text += "\\t",
                _ if char.is_control() => hex(&mut text, char.encode_utf8(&mut [0; 4]).as_bytes()),
                _ => text.push(char),
            }
        }
        hex(&mut text, chunk.invalid());
    }
    text
}

fn export(entry: &Entry<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut object = Map::new();
    match entry {
        Entry::Record { seq, payload, place } => {
            object.insert("seq".to_owned(), seq.as_u64().into());
            match place {
                Place::Part { file } => object.insert("part_of_batch_in".to_owned(), (*file).into()),
                Place::Quarantine { file } => object.insert("put_away_in".to_owned(), (*file).into()),
                _ => None,
            };
            match Record::read(payload) {
                Some(record) => describe(&record, &mut object),
                None => bytes(&mut object, "record", payload),
            }
        }
        Entry::Lost(Loss { from, to, cause, .. }) => {
            let lost = json!({ "from": from.as_u64(), "to": to.as_u64(), "cause": format!("{cause:?}") });
            object.insert("lost".to_owned(), lost);
        }
        _ => return Ok(()),
    }
    serde_json::to_writer(&mut *out, &Value::Object(object))?;
    out.write_all(b"\n")
}

/// As text if it is text, else as `<key>_base64`.
fn bytes(object: &mut Map<String, Value>, key: &str, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => object.insert(key.to_owned(), text.into()),
        Err(_) => object.insert(format!("{key}_base64"), STANDARD.encode(bytes).into()),
    };
}

fn describe(record: &Record<'_>, object: &mut Map<String, Value>) {
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("received", Rfc3339::new(record.received(), 0, 9).to_string().into());
    let time = record.time();
    put("time", Rfc3339::new(time.instant, time.offset, time.fraction_digits).to_string().into());
    put("zone", time.provenance.map_or(Value::Null, |stamp| stamp.zone().as_str().into()));
    let format = match record.format() {
        Format::Rfc3164 => "rfc3164",
        Format::Rfc5424 => "rfc5424",
        _ => "unparsed",
    };
    put("format", format.into());
    put("pri", record.received_priority().map_or(Value::Null, Value::from));
    put("source_key", record.source().into());
    let peer = record.peer().map(|ip| SocketAddr::new(ip, record.peer_port()));
    put("peer", peer.map_or(Value::Null, |peer| peer.to_string().into()));
    put("deviations", record.deviations().iter().map(Deviation::as_str).collect());
    if let Some(sequence) = record.sequence() {
        put("sequence", sequence.into());
    }
    put("cut", (record.extent() == Extent::Cut).into());
    let parts = [
        ("host", record.stated_host()),
        ("app", record.app()),
        ("procid", record.procid()),
        ("msgid", record.msgid()),
        ("host_given", record.extra(Extra::Host)),
        ("credentials", record.extra(Extra::Credentials)),
        ("file", record.extra(Extra::FileName)),
        ("raw", Some(record.raw())),
    ];
    for (key, part) in parts {
        if let Some(part) = part {
            bytes(object, key, part);
        }
    }
}

/// In the largest unit of which there is more than one.
fn ago(age: Duration) -> String {
    let seconds = age.as_secs();
    let (number, unit) = match seconds {
        0..120 => (seconds, "s"),
        120..7200 => (seconds / 60, "min"),
        7200..172_800 => (seconds / 3600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{number} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_a_line_and_nothing_is_ambiguous() {
        assert_eq!(escaped(b"plain \xc3\xa9"), "plain é");
        assert_eq!(escaped(b"a\nb\\n\x1b[0m\xff\x00\xc2\x85"), r"a\nb\\n\x1b[0m\xff\x00\xc2\x85");
    }

    #[test]
    fn any_bytes_can_be_described() {
        for byte in [0, 0x7F, 0x80, 0xFF] {
            let mut payload = [byte; 200];
            payload[0] = 1;
            let mut out = Vec::new();
            let entry = Entry::Record { seq: diskbuf::Seq::FIRST, payload: &payload, place: Place::Queue };
            export(&entry, &mut out).unwrap();
            cat(&entry, &mut out).unwrap();
        }
    }

    #[test]
    fn an_age_is_told_in_one_unit() {
        assert_eq!(
            [59, 125, 7200, 200_000].map(|s| ago(Duration::from_secs(s))),
            ["59 s", "2 min", "2 h", "2 d"]
        );
    }
}
