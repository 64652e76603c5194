//! What is particular to a type of `[[source]]`.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use toml::Spanned;

use crate::config::check::Check;
use crate::config::diagnostic::Diagnostic;
use crate::config::entry::Entry;
use crate::config::units::{Mode, Size, Span};

const DEFAULT_RECEIVE_BUFFER: Size = Size::mib(16);
const DEFAULT_MAX_CONNECTIONS: u32 = 10_000;
const DEFAULT_PER_ADDRESS: u32 = 1_000;
/// As that of syslogd's socket: everybody may log.
const DEFAULT_SOCKET_MODE: Mode = Mode(0o666);
const DEFAULT_PIPE_MODE: Mode = Mode(0o600);

/// What is particular to a type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SourceKind {
    Udp(Udp),
    Tcp(Tcp),
    UnixDgram(UnixPath),
    UnixStream(UnixPath, Streams),
    File(Files),
    Pipe(Pipe),
    Internal,
}

/// Datagrams from the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Udp {
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) there: There,
    /// Bytes asked of the kernel (SO_RCVBUF).
    pub(crate) receive_buffer: usize,
}

/// Streams from the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tcp {
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) there: There,
    pub(crate) streams: Streams,
    /// Connections of one address.
    pub(crate) per_address: usize,
    pub(crate) keepalive: Option<Keepalive>,
}

/// Whether an address that is listened on is this host's at all times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum There {
    Always,
    /// It comes and goes: it can be bound before it is there.
    Sometimes,
}

/// What streams of all kinds have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Streams {
    pub(crate) framing: syslog_parse::Framing,
    /// Open at the same time.
    pub(crate) max_connections: usize,
    /// A connection that said nothing for so long is closed.
    pub(crate) idle_timeout: Option<Duration>,
}

/// When a peer that vanished without a word is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keepalive {
    /// Silence before the first probe.
    pub(crate) time: Duration,
    /// Between probes.
    pub(crate) interval: Duration,
    pub(crate) probes: u32,
}

/// A socket with a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnixPath {
    pub(crate) path: PathBuf,
    pub(crate) mode: u32,
    pub(crate) owner: Option<String>,
    pub(crate) group: Option<String>,
}

/// Files that are followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Files {
    /// The last component may be a pattern.
    pub(crate) path: PathBuf,
    /// Of a file never seen before.
    pub(crate) start: From,
}

/// Where a file never seen before is read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum From {
    #[default]
    Beginning,
    End,
}

/// A FIFO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pipe {
    pub(crate) path: PathBuf,
    /// Of one that is made.
    pub(crate) mode: u32,
}

impl Udp {
    pub(super) fn standard(listen: Vec<SocketAddr>) -> Self {
        Self { listen, there: There::Always, receive_buffer: DEFAULT_RECEIVE_BUFFER.to_usize() }
    }
}

impl Tcp {
    pub(super) fn standard(listen: Vec<SocketAddr>) -> Self {
        let streams = StreamKeys::default().read();
        let per_address = DEFAULT_PER_ADDRESS as usize;
        let keepalive = Some(Keepalive::default());
        Self { listen, there: There::Always, streams, per_address, keepalive }
    }
}

impl Default for Keepalive {
    fn default() -> Self {
        Self { time: Duration::from_secs(60), interval: Duration::from_secs(10), probes: 6 }
    }
}

impl SourceKind {
    const NAMES: [&str; 7] = ["udp", "tcp", "unix-dgram", "unix-stream", "file", "pipe", "internal"];

    /// Its name in the configuration, the ready line and the ledger.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Udp(_) => "udp",
            Self::Tcp(_) => "tcp",
            Self::UnixDgram(_) => "unix-dgram",
            Self::UnixStream(..) => "unix-stream",
            Self::File(_) => "file",
            Self::Pipe(_) => "pipe",
            Self::Internal => "internal",
        }
    }

    /// What connects to it; `None`: nothing does.
    pub(crate) const fn streams(&self) -> Option<&Streams> {
        match self {
            Self::Tcp(Tcp { streams, .. }) | Self::UnixStream(_, streams) => Some(streams),
            Self::Udp(_) | Self::UnixDgram(_) | Self::File(_) | Self::Pipe(_) | Self::Internal => None,
        }
    }

    pub(super) fn read(entry: &mut Entry<'_>, data: &Path, check: &mut Check<'_>) -> Option<Self> {
        let text = &entry.text.clone();
        let streams = |entry: &mut Entry<'_>, check: &mut Check<'_>| {
            check.told(entry.shared::<StreamKeys>(&STREAM_KEYS)).map(|keys| keys.read())
        };
        Some(match entry.kind.get_ref().as_str() {
            "udp" => {
                let keys: UdpKeys = check.told(entry.own())?;
                let sizes = Size::kib(4)..Size::gib(2);
                let asked = check.size(text, keys.receive_buffer, DEFAULT_RECEIVE_BUFFER, sizes);
                let there = keys.freebind.there();
                Self::Udp(Udp { listen: keys.listen.0, there, receive_buffer: asked.to_usize() })
            }
            "tcp" => {
                let streams = streams(entry, check)?;
                let keys: TcpKeys = check.told(entry.own())?;
                Self::Tcp(Tcp {
                    listen: keys.listen.0,
                    there: keys.freebind.there(),
                    streams,
                    per_address: keys.max_connections_per_address.unwrap_or(DEFAULT_PER_ADDRESS) as usize,
                    keepalive: keys.keepalive.map_or_else(|| Some(Keepalive::default()), |given| given.0),
                })
            }
            "unix-dgram" => {
                let keys: UnixKeys = check.told(entry.own())?;
                Self::UnixDgram(keys.read(entry, data, check))
            }
            "unix-stream" => {
                let streams = streams(entry, check)?;
                let keys: UnixKeys = check.told(entry.own())?;
                Self::UnixStream(keys.read(entry, data, check), streams)
            }
            "file" => {
                let keys: FileKeys = check.told(entry.own())?;
                let path = keys.path.get_ref();
                let pattern = |part: &Path| part.to_string_lossy().contains(['*', '?', '[']);
                let wrong = if path.parent().is_some_and(pattern) {
                    Some("only the last component of a path may be a pattern".to_owned())
                } else {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    glob::Pattern::new(&name)
                        .err()
                        .map(|error| format!("this pattern has a mistake: {error}"))
                };
                if let Some(wrong) = wrong {
                    check.errors.push(Diagnostic::new(wrong).at(text, keys.path.span()));
                }
                Self::File(Files { path: data.join(path), start: keys.start })
            }
            "pipe" => {
                let keys: PipeKeys = check.told(entry.own())?;
                let mode = keys.mode.unwrap_or(DEFAULT_PIPE_MODE).0;
                Self::Pipe(Pipe { path: data.join(keys.path), mode })
            }
            "internal" => {
                let _: Nothing = check.told(entry.own())?;
                Self::Internal
            }
            _ => {
                check.errors.push(entry.unknown_type(&Self::NAMES));
                return None;
            }
        })
    }
}

/// `freebind`
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(transparent)]
struct Freebind(bool);

impl Freebind {
    const fn there(self) -> There {
        if self.0 { There::Sometimes } else { There::Always }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct UdpKeys {
    /// Address and port, such as `"0.0.0.0:514"` or `"[::]:514"`, or several. Port 0: a free one, told in the ready line.
    listen: Listen,
    /// What the kernel may hold for us while we are busy. Default 16 MiB.
    receive_buffer: Option<Spanned<Size>>,
    /// Listen on an address that is not there yet. Default false.
    #[serde(default)]
    freebind: Freebind,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TcpKeys {
    /// As that of `udp`.
    listen: Listen,
    /// Default 1000.
    max_connections_per_address: Option<u32>,
    keepalive: Option<KeepaliveKeys>,
    /// Listen on an address that is not there yet. Default false.
    #[serde(default)]
    freebind: Freebind,
}

const STREAM_KEYS: [&str; 3] = ["framing", "max-connections", "idle-timeout"];

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct StreamKeys {
    /// How messages are told apart. Default `auto`.
    framing: Option<Framing>,
    /// Connections beyond this many are closed at once. Default 10,000.
    max_connections: Option<u32>,
    /// 0s: never, the default.
    idle_timeout: Option<Span>,
}

impl StreamKeys {
    fn read(&self) -> Streams {
        Streams {
            framing: self.framing.unwrap_or(Framing::Auto).into(),
            max_connections: self.max_connections.unwrap_or(DEFAULT_MAX_CONNECTIONS) as usize,
            idle_timeout: self.idle_timeout.map(|span| span.0).filter(|span| !span.is_zero()),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct UnixKeys {
    /// Made, and removed at the stop.
    path: Spanned<PathBuf>,
    /// Default 0666.
    mode: Option<Mode>,
    owner: Option<String>,
    group: Option<String>,
}

/// A path longer than this does not fit into a `sockaddr_un` (unix(7)).
const LONGEST_SOCKET_PATH: usize = 107;

impl UnixKeys {
    fn read(self, entry: &Entry<'_>, data: &Path, check: &mut Check<'_>) -> UnixPath {
        let path = data.join(self.path.get_ref());
        if path.as_os_str().len() > LONGEST_SOCKET_PATH {
            let message = format!("the path of a socket has at most {LONGEST_SOCKET_PATH} bytes");
            check.errors.push(
                Diagnostic::new(message).at(&entry.text, self.path.span()).help(path.display().to_string()),
            );
        }
        let mode = self.mode.unwrap_or(DEFAULT_SOCKET_MODE).0;
        UnixPath { path, mode, owner: self.owner, group: self.group }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FileKeys {
    /// The file, or a pattern in its last component.
    path: Spanned<PathBuf>,
    #[serde(default)]
    start: From,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PipeKeys {
    path: PathBuf,
    /// Of a FIFO that is made. Default 0600.
    mode: Option<Mode>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Framing {
    /// Octet counting where a whole `LEN SP <PRI>` stands, a line otherwise; decided message by message.
    Auto,
    /// A message ends at its line feed (RFC 6587 §3.4.2).
    Lf,
    /// Each message is preceded by its length (RFC 6587 §3.4.1).
    OctetCounting,
}

impl std::convert::From<Framing> for syslog_parse::Framing {
    fn from(framing: Framing) -> Self {
        match framing {
            Framing::Auto => Self::Auto,
            Framing::Lf => Self::Lf,
            Framing::OctetCounting => Self::OctetCounting,
        }
    }
}

/// One address or a list of them.
#[derive(Debug)]
struct Listen(Vec<SocketAddr>);

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListenVisitor;
        impl<'de> Visitor<'de> for ListenVisitor {
            type Value = Listen;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address and a port, such as \"0.0.0.0:514\", or a list of them")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Listen, E> {
                let wrong =
                    || format!("`{text}` is no address and port, such as \"0.0.0.0:514\" or \"[::]:514\"");
                text.parse().map(|address| Listen(vec![address])).map_err(|_| E::custom(wrong()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Listen, A::Error> {
                let mut all = Vec::new();
                while let Some(Listen(one)) = items.next_element()? {
                    all.extend(one);
                }
                if all.is_empty() {
                    Err(de::Error::custom("a list of no addresses"))
                } else {
                    Ok(Listen(all))
                }
            }
        }
        deserializer.deserialize_any(ListenVisitor)
    }
}

/// A table, or `false`.
#[derive(Debug)]
struct KeepaliveKeys(Option<Keepalive>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct KeepaliveTable {
    time: Option<Span>,
    interval: Option<Span>,
    probes: Option<u32>,
}

impl<'de> Deserialize<'de> for KeepaliveKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeepaliveVisitor;
        impl<'de> Visitor<'de> for KeepaliveVisitor {
            type Value = KeepaliveKeys;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("{ time = \"60s\", interval = \"10s\", probes = 6 }, or false")
            }
            fn visit_bool<E: de::Error>(self, on: bool) -> Result<KeepaliveKeys, E> {
                Ok(KeepaliveKeys(on.then(Keepalive::default)))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeepaliveKeys, A::Error> {
                let given = KeepaliveTable::deserialize(MapAccessDeserializer::new(map))?;
                let standard = Keepalive::default();
                // The kernel counts both in whole seconds, from 1 to 32767, and the probes up to 127 (tcp(7)).
                let seconds = |span: Option<Span>, standard| match span {
                    Some(Span(span)) if (1..=32_767).contains(&span.as_secs()) => Ok(span),
                    Some(_) => Err(de::Error::custom("the kernel takes 1s to 32767s")),
                    None => Ok(standard),
                };
                let probes = given.probes.unwrap_or(standard.probes);
                if !(1..=127).contains(&probes) {
                    return Err(de::Error::custom("the kernel takes 1 to 127 probes"));
                }
                let time = seconds(given.time, standard.time)?;
                let interval = seconds(given.interval, standard.interval)?;
                Ok(KeepaliveKeys(Some(Keepalive { time, interval, probes })))
            }
        }
        deserializer.deserialize_any(KeepaliveVisitor)
    }
}
