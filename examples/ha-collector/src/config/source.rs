//! `[[source]]`: where messages come from. What is particular to a type is in [`kinds`], how messages are received in
//! [`receive`].

mod kinds;
mod receive;

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use super::check::Check;
use super::diagnostic::Diagnostic;
use super::entry::Entry;
use super::units::Size;

pub(crate) use self::kinds::{Files, From, Keepalive, Pipe, SourceKind, Streams, Tcp, There, Udp, UnixPath};
pub(crate) use self::receive::{DnsCache, Hostname, NameForm, Naming, Receive, Received, Sender, Stamps};

/// The port that needs no privilege; 514 is the one of RFC 5426.
const DEFAULT_PORT: u16 = 5514;

/// Where messages come from. Two that are equal receive alike: a reload leaves such a source alone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Source {
    pub(crate) id: String,
    /// In bytes; longer messages are cut.
    pub(crate) max_message: usize,
    pub(crate) receive: Receive,
    /// What is particular to some senders; the first that matches counts.
    pub(crate) senders: Vec<Sender>,
    /// For `tags()` in filters.
    pub(crate) tags: Vec<String>,
    pub(crate) kind: SourceKind,
}

impl Source {
    /// What is listened on without a configuration.
    pub(super) fn standard() -> Vec<Self> {
        let listen = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT))];
        let source = |id: &str, kind| Self {
            id: id.to_owned(),
            max_message: receive::DEFAULT_MAX_MESSAGE.to_usize(),
            receive: Receive::default(),
            senders: Vec::new(),
            tags: Vec::new(),
            kind,
        };
        vec![
            source("udp", SourceKind::Udp(Udp::standard(listen.clone()))),
            source("tcp", SourceKind::Tcp(Tcp::standard(listen))),
        ]
    }

    /// Reads one; what is wrong is said. Relative paths begin at `data`.
    pub(super) fn read(
        mut entry: Entry<'_>,
        seen: &mut HashSet<String>,
        defaults: &Received,
        data: &Path,
        check: &mut Check<'_>,
    ) -> Option<Self> {
        check.unique(&entry, seen);
        let text = entry.text.clone();
        let shared: receive::Keys = check.told(entry.shared(&receive::KEYS))?;
        let about: receive::SourceKeys = check.told(entry.shared(&receive::SOURCE_KEYS))?;
        let (receive, max_message) = shared.over(defaults, &text, check);
        let senders = about.sender.into_iter().filter_map(|sender| sender.read(&text, check)).collect();
        let tags = about.tags;
        let kind = SourceKind::read(&mut entry, data, check)?;
        Some(Self { id: entry.id.into_inner(), max_message, receive, senders, tags, kind })
    }

    /// What a person is told about it, such as `udp 127.0.0.1:5514`.
    pub(crate) fn place(&self) -> String {
        let named = |place: String| format!("{} {place}", self.kind.name());
        match &self.kind {
            SourceKind::Udp(Udp { listen, .. }) | SourceKind::Tcp(Tcp { listen, .. }) => {
                listen.iter().map(|address| named(address.to_string())).collect::<Vec<_>>().join(", ")
            }
            SourceKind::UnixDgram(at) | SourceKind::UnixStream(at, _) => named(at.path.display().to_string()),
            SourceKind::File(files) => named(files.path.display().to_string()),
            SourceKind::Pipe(pipe) => named(pipe.path.display().to_string()),
            SourceKind::Internal => self.kind.name().to_owned(),
        }
    }

    /// Whether the other one cannot be bound while this one is.
    pub(crate) fn is_in_the_way_of(&self, other: &Self) -> bool {
        let overlap = |this: &SocketAddr, that: &SocketAddr| {
            let everywhere = this.ip().is_unspecified() || that.ip().is_unspecified();
            this.port() == that.port() && (everywhere || this.ip() == that.ip())
        };
        let addresses = |these: &[SocketAddr], those: &[SocketAddr]| {
            these.iter().any(|this| those.iter().any(|that| overlap(this, that)))
        };
        match (&self.kind, &other.kind) {
            (SourceKind::Udp(this), SourceKind::Udp(that)) => addresses(&this.listen, &that.listen),
            (SourceKind::Tcp(this), SourceKind::Tcp(that)) => addresses(&this.listen, &that.listen),
            (
                SourceKind::UnixDgram(this) | SourceKind::UnixStream(this, _),
                SourceKind::UnixDgram(that) | SourceKind::UnixStream(that, _),
            ) => this.path == that.path,
            _ => false,
        }
    }

    /// Nothing would be received.
    pub(super) fn none() -> Diagnostic {
        Diagnostic::new("there is no [[source]]: nothing would be received")
            .help("without --config the collector listens on 127.0.0.1:5514, UDP and TCP")
    }
}

/// RFC 5424 §6.1: a receiver must be able to accept 480 octets.
const SMALLEST_MAX_MESSAGE: Size = Size(480);
/// A message has to fit into a buffer segment with room to spare.
const LARGEST_MAX_MESSAGE: Size = Size::mib(16);
