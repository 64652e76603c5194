//! `[[source]]`: where messages come from.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};

use serde::Deserialize;
use toml::Spanned;

use super::check::Check;
use super::diagnostic::Diagnostic;
use super::entry::Entry;
use super::units::Size;

/// The port that needs no privilege; 514 is the one of RFC 5426.
const DEFAULT_PORT: u16 = 5514;
const DEFAULT_MAX_MESSAGE: Size = Size::kib(64);
const DEFAULT_RECEIVE_BUFFER: Size = Size::mib(16);
const DEFAULT_MAX_CONNECTIONS: u32 = 10_000;

/// RFC 5424 §6.1: a receiver must be able to accept 480 octets.
const SMALLEST_MAX_MESSAGE: Size = Size(480);
/// A message has to fit into a buffer segment with room to spare.
const LARGEST_MAX_MESSAGE: Size = Size::mib(16);

/// Where messages come from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) id: String,
    pub(crate) listen: SocketAddr,
    /// In bytes; longer messages are cut.
    pub(crate) max_message: usize,
    pub(crate) transport: Transport,
}

/// What is particular to a transport.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Transport {
    Udp {
        /// Bytes asked of the kernel (SO_RCVBUF).
        receive_buffer: usize,
    },
    Tcp {
        framing: syslog_parse::Framing,
        /// Open at the same time.
        max_connections: usize,
    },
}

impl Transport {
    /// Its name in the configuration, the ready line and the ledger.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Udp { .. } => "udp",
            Self::Tcp { .. } => "tcp",
        }
    }
}

impl Source {
    /// What is listened on without a configuration.
    pub(super) fn standard() -> Vec<Self> {
        let source = |id: &str, transport| Self {
            id: id.to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)),
            max_message: DEFAULT_MAX_MESSAGE.to_usize(),
            transport,
        };
        let udp = Transport::Udp { receive_buffer: DEFAULT_RECEIVE_BUFFER.to_usize() };
        let tcp = Transport::Tcp {
            framing: syslog_parse::Framing::Auto,
            max_connections: DEFAULT_MAX_CONNECTIONS as usize,
        };
        vec![source("udp", udp), source("tcp", tcp)]
    }

    /// Reads one; what is wrong is said.
    pub(super) fn read(
        mut entry: Entry<'_>,
        seen: &mut HashSet<String>,
        check: &mut Check<'_>,
    ) -> Option<Self> {
        check.unique(&entry, seen);
        let shared: Shared = check.told(entry.shared(&["max-message"]))?;
        let text = &entry.text.clone();
        let sizes = SMALLEST_MAX_MESSAGE..Size(LARGEST_MAX_MESSAGE.0 + 1);
        let max_message = check.size(text, shared.max_message, DEFAULT_MAX_MESSAGE, sizes).to_usize();
        let (listen, transport) = match entry.kind.get_ref().as_str() {
            "udp" => {
                let keys: Udp = check.told(entry.own())?;
                let sizes = Size::kib(4)..Size::gib(2);
                let asked = check.size(text, keys.receive_buffer, DEFAULT_RECEIVE_BUFFER, sizes);
                (keys.listen, Transport::Udp { receive_buffer: asked.to_usize() })
            }
            "tcp" => {
                let keys: Tcp = check.told(entry.own())?;
                let max_connections = keys.max_connections.unwrap_or(DEFAULT_MAX_CONNECTIONS) as usize;
                let framing = keys.framing.unwrap_or(Framing::Auto).into();
                (keys.listen, Transport::Tcp { framing, max_connections })
            }
            _ => {
                check.errors.push(entry.unknown_type(&["udp", "tcp"]));
                return None;
            }
        };
        Some(Self { id: entry.id.into_inner(), listen: listen.into_inner(), max_message, transport })
    }

    /// Nothing would be received.
    pub(super) fn none() -> Diagnostic {
        Diagnostic::new("there is no [[source]]: nothing would be received")
            .help("without --config the collector listens on 127.0.0.1:5514, UDP and TCP")
    }
}

/// Keys of all sources.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Shared {
    /// Longer messages are cut here, and counted. Default 64 KiB.
    max_message: Option<Spanned<Size>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Udp {
    /// Address and port, such as `"0.0.0.0:514"` or `"[::]:514"`. Port 0: a free one, told in the ready line.
    listen: Spanned<SocketAddr>,
    /// What the kernel may hold for us while we are busy. Default 16 MiB.
    receive_buffer: Option<Spanned<Size>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Tcp {
    /// As that of `udp`.
    listen: Spanned<SocketAddr>,
    /// How messages are told apart. Default `auto`.
    framing: Option<Framing>,
    /// Connections beyond this many are closed at once. Default 10,000.
    max_connections: Option<u32>,
}

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

impl From<Framing> for syslog_parse::Framing {
    fn from(framing: Framing) -> Self {
        match framing {
            Framing::Auto => Self::Auto,
            Framing::Lf => Self::Lf,
            Framing::OctetCounting => Self::OctetCounting,
        }
    }
}
