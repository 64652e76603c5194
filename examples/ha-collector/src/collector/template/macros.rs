//! Macros: what a name in a template stands for, and its value for a message.

use std::io::Write as _;
use std::net::IpAddr;

use syslog_parse::{Pri, Severity};

use super::clock::{Clock, Which};
use super::date::Part;
use super::error::TemplateError;
use crate::collector::event::{Event, Field, Names};
use crate::collector::record::Extra;
use crate::config::nearest;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Macro {
    /// Who sent it: what the message says, or else the sender's address, or else this machine.
    Host,
    Field(Field),
    /// The sender as the socket saw it.
    HostFrom,
    SourceIp,
    PeerPort,
    IpProtocol,
    Source,
    /// `PROGRAM[PID]: `
    MessageHeader,
    StructuredData,
    /// A parameter, by `id.name`, unless a step has set a field of that name.
    Parameter {
        own: Field,
        path: Box<[u8]>,
    },
    /// What is known of the sender on this machine: `pid`, `uid`, `gid`, unless a step has set it.
    Credential {
        own: Field,
        key: &'static str,
    },
    Pri,
    Level,
    LevelNumber,
    Facility,
    FacilityNumber,
    /// Facility and severity in hexadecimal.
    Tag,
    Tags,
    Sequence,
    Raw,
    FileName,
    LogHost,
    Time(Which, Part),
}

/// Those without a prefix, as they are offered where a name is nearly right; in the order of syslog-ng's manual.
const PLAIN: &[(&str, Macro)] = &[
    ("FACILITY", Macro::Facility),
    ("FACILITY_NUM", Macro::FacilityNumber),
    ("FILE_NAME", Macro::FileName),
    ("FULLHOST", Macro::Host),
    ("FULLHOST_FROM", Macro::HostFrom),
    ("HOST", Macro::Host),
    ("HOST_FROM", Macro::HostFrom),
    ("IP_PROTO", Macro::IpProtocol),
    ("LEVEL", Macro::Level),
    ("LEVEL_NUM", Macro::LevelNumber),
    ("LOGHOST", Macro::LogHost),
    ("MESSAGE", Macro::Field(Field::Message)),
    ("MSG", Macro::Field(Field::Message)),
    ("MSGHDR", Macro::MessageHeader),
    ("MSGID", Macro::Field(Field::Msgid)),
    ("MSGONLY", Macro::Field(Field::Message)),
    ("PEERIP", Macro::SourceIp),
    ("PEERPORT", Macro::PeerPort),
    ("PID", Macro::Field(Field::Pid)),
    ("PRI", Macro::Pri),
    ("PRIORITY", Macro::Level),
    ("PRIORITY_NUM", Macro::LevelNumber),
    ("PROGRAM", Macro::Field(Field::Program)),
    ("RAWMSG", Macro::Raw),
    ("SDATA", Macro::StructuredData),
    ("SEQNUM", Macro::Sequence),
    ("SEVERITY", Macro::Level),
    ("SEVERITY_NUM", Macro::LevelNumber),
    ("SOURCE", Macro::Source),
    ("SOURCEIP", Macro::SourceIp),
    ("SOURCEPORT", Macro::PeerPort),
    ("STRUCTURED_DATA", Macro::StructuredData),
    ("TAG", Macro::Tag),
    ("TAGS", Macro::Tags),
];

/// Macros of syslog-ng for which a message has nothing here.
const NOT_KEPT: &[&str] = &[
    "BSDTAG",
    "CONTEXT_ID",
    "DESTIP",
    "DESTPORT",
    "HOSTID",
    "LEGACY_MSGHDR",
    "PROTO",
    "RCPTID",
    "RUNID",
    "SESSIONID",
    "SYSUPTIME",
    "TRANSPORT",
    "UNIQID",
];

/// `P_`, the time of processing, is now: a destination processes a message when it writes it.
const PREFIXES: &[(&str, Which)] =
    &[("S_", Which::Sent), ("R_", Which::Received), ("C_", Which::Now), ("P_", Which::Now)];

impl Macro {
    /// What a name stands for. A name that nothing in the configuration knows and that is nearly a macro's is a mistake;
    /// every other is a field.
    pub(super) fn find(name: &str, at: usize, names: &mut Names) -> Result<Self, TemplateError> {
        if let Some(known) = Self::known(name) {
            return Ok(known);
        }
        if NOT_KEPT.contains(&name) {
            return Err(TemplateError::NotKept { at, name: name.to_owned() });
        }
        if !names.has_field(name)
            && let Some(nearest) = slip(name)
        {
            return Err(TemplateError::UnknownMacro { at, name: name.to_owned(), nearest });
        }
        let own = names.field(name).map_err(|source| TemplateError::TooMany { at, source })?;
        Ok(match name.strip_prefix(".SDATA.") {
            Some(path) => Self::Parameter { own, path: path.as_bytes().into() },
            None => match name {
                ".unix.pid" => Self::Credential { own, key: "pid" },
                ".unix.uid" => Self::Credential { own, key: "uid" },
                ".unix.gid" => Self::Credential { own, key: "gid" },
                _ => Self::Field(own),
            },
        })
    }

    /// The macro of that very name.
    pub(super) fn known(name: &str) -> Option<Self> {
        if let Some((_, known)) = PLAIN.iter().find(|(known, _)| *known == name) {
            return Some(known.clone());
        }
        let (which, part) = PREFIXES
            .iter()
            .find_map(|(prefix, which)| name.strip_prefix(prefix).map(|part| (*which, part)))
            .unwrap_or((Which::Sent, name));
        Part::from_name(part).map(|part| Self::Time(which, part))
    }

    /// All names that a message has a value for in `format-json --scope everything`.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        PLAIN.iter().map(|(name, _)| *name)
    }

    /// Appends the value; nothing where there is none.
    pub(super) fn write(&self, event: &Event<'_>, clock: &mut Clock, out: &mut Vec<u8>) {
        match self {
            Self::Host => host(event, clock, out),
            Self::Field(field) => out.extend_from_slice(event.get(*field).unwrap_or_default()),
            Self::HostFrom => match event.peer() {
                Some(ip) => address(ip, out),
                None => out.extend_from_slice(&clock.around.host),
            },
            Self::SourceIp => match event.peer() {
                Some(ip) => address(ip, out),
                None => out.extend_from_slice(b"127.0.0.1"),
            },
            Self::PeerPort => {
                if event.peer().is_some() {
                    number(event.record().peer_port().into(), out);
                }
            }
            Self::IpProtocol => match event.peer() {
                Some(IpAddr::V4(_)) => out.push(b'4'),
                Some(IpAddr::V6(_)) => out.push(b'6'),
                None => {}
            },
            Self::Source => out.extend_from_slice(clock.around.source(event.record().source()).as_bytes()),
            Self::MessageHeader => message_header(event, out),
            Self::StructuredData => {
                out.extend_from_slice(event.record().structured_data().unwrap_or_default());
            }
            Self::Parameter { own, path } => match event.get(*own) {
                Some(value) => out.extend_from_slice(value),
                None => parameter(event, path, out),
            },
            Self::Credential { own, key } => {
                let value = event.get(*own).or_else(|| credential(event, key));
                out.extend_from_slice(value.unwrap_or_default());
            }
            Self::Pri => number(event.priority().into(), out),
            Self::Level => out.extend_from_slice(level(event).as_str().as_bytes()),
            Self::LevelNumber => number(u64::from(event.priority() & 7), out),
            Self::Facility => match Pri::from_number(event.priority()).facility() {
                Some(facility) => out.extend_from_slice(facility.as_str().as_bytes()),
                None => number(u64::from(event.priority() >> 3), out),
            },
            Self::FacilityNumber => number(u64::from(event.priority() >> 3), out),
            // Writing to a vector does not fail.
            Self::Tag => drop(write!(out, "{:02x}", event.priority())),
            Self::Tags => {
                for (n, tag) in event.tags().enumerate() {
                    if n > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(clock.around.names.tag_name(tag).as_bytes());
                }
            }
            Self::Sequence => sequence(event, clock, out),
            Self::Raw => out.extend_from_slice(event.record().raw()),
            Self::FileName => {
                out.extend_from_slice(event.record().extra(Extra::FileName).unwrap_or_default())
            }
            Self::LogHost => out.extend_from_slice(&clock.around.host),
            Self::Time(which, part) => {
                let style = clock.style;
                part.write(clock.moment(*which, event), style, out);
            }
        }
    }
}

/// Who sent it; never nothing.
pub(super) fn host(event: &Event<'_>, clock: &Clock, out: &mut Vec<u8>) {
    match (event.get(Field::Host).filter(|host| !host.is_empty()), event.peer()) {
        (Some(host), _) => out.extend_from_slice(host),
        (None, Some(ip)) => address(ip, out),
        (None, None) if clock.around.host.is_empty() => out.extend_from_slice(b"unknown"),
        (None, None) => out.extend_from_slice(&clock.around.host),
    }
}

pub(super) fn address(ip: IpAddr, out: &mut Vec<u8>) {
    // Writing to a vector does not fail.
    drop(write!(out, "{ip}"));
}

pub(super) fn number(number: u64, out: &mut Vec<u8>) {
    drop(write!(out, "{number}"));
}

/// The severity; beyond 191 there is none, and the lowest bits stand for it as they do for the number.
fn level(event: &Event<'_>) -> Severity {
    Severity::ALL.get(usize::from(event.priority() & 7)).copied().unwrap_or(Severity::Debug)
}

fn message_header(event: &Event<'_>, out: &mut Vec<u8>) {
    let Some(program) = event.get(Field::Program).filter(|program| !program.is_empty()) else {
        return;
    };
    out.extend_from_slice(program);
    if let Some(pid) = event.get(Field::Pid).filter(|pid| !pid.is_empty()) {
        out.push(b'[');
        out.extend_from_slice(pid);
        out.push(b']');
    }
    out.extend_from_slice(b": ");
}

/// The value of `id.name`. Both may have dots: whichever element and parameter make the whole is meant.
fn parameter(event: &Event<'_>, path: &[u8], out: &mut Vec<u8>) {
    for element in event.record().parsed().structured_data() {
        let Some(name) = path.strip_prefix(element.id()).and_then(|rest| rest.strip_prefix(b".")) else {
            continue;
        };
        if let Some((_, value)) = element.params().find(|(known, _)| *known == name) {
            return value.unescape_into(out);
        }
    }
}

/// `pid=7 uid=0 gid=0`
fn credential<'e>(event: &'e Event<'_>, key: &str) -> Option<&'e [u8]> {
    let all = event.record().extra(Extra::Credentials)?;
    all.split(|byte| *byte == b' ')
        .find_map(|pair| pair.strip_prefix(key.as_bytes()).and_then(|rest| rest.strip_prefix(b"=")))
}

/// The sender's own count (RFC 5424 §7.3.1, or a device's), or else ours.
fn sequence(event: &Event<'_>, clock: &Clock, out: &mut Vec<u8>) {
    let start = out.len();
    parameter(event, b"meta.sequenceId", out);
    if out.len() == start {
        number(event.record().sequence().map_or(clock.count, u64::from), out);
    }
}

/// The macro that a name was meant to be. Short names are taken for a slip only when their letters are another's in
/// another order: `USER` is not `USEC`.
fn slip(name: &str) -> Option<String> {
    if !name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_') {
        return None;
    }
    let (prefix, name) = PREFIXES
        .iter()
        .find_map(|(prefix, _)| name.strip_prefix(prefix).map(|rest| (*prefix, rest)))
        .unwrap_or(("", name));
    let sorted = |text: &str| {
        let mut bytes = text.as_bytes().to_vec();
        bytes.sort_unstable();
        bytes
    };
    let mut known: Vec<&str> = Part::names().collect();
    if prefix.is_empty() {
        known.extend(Macro::names());
    }
    let swapped = known.iter().copied().find(|known| sorted(known) == sorted(name));
    let near = || (name.len() >= 5).then(|| nearest(name, &known)).flatten();
    swapped.or_else(near).map(|found| format!("{prefix}{found}"))
}
