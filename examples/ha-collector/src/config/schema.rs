//! The configuration file as TOML, key by key. What a key means stands here; whether the whole makes sense is
//! decided in [`super`].

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::units::Size;
use super::vrrp::schema::{Keeper, SyncGroup, TrackFile, TrackProcess, TrackScript, Vrrp};

/// One configuration file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    /// The directory that relative paths of this configuration start from. Default `ha-collector-data`.
    pub(super) data: Option<Spanned<PathBuf>>,
    pub(super) buffer: Option<Spanned<Buffer>>,
    #[serde(default)]
    pub(super) source: Vec<Spanned<Source>>,
    #[serde(default)]
    pub(super) destination: Vec<Spanned<Destination>>,
    pub(super) keeper: Option<Keeper>,
    #[serde(default)]
    pub(super) vrrp: Vec<Spanned<Vrrp>>,
    #[serde(default)]
    pub(super) track_script: Vec<TrackScript>,
    #[serde(default)]
    pub(super) track_process: Vec<TrackProcess>,
    #[serde(default)]
    pub(super) track_file: Vec<TrackFile>,
    #[serde(default)]
    pub(super) sync_group: Vec<SyncGroup>,
}

/// `[buffer]`: the queue on disk between the sources and the destinations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Buffer {
    /// Its directory. Default `buffer`, beneath `data`.
    pub(super) dir: Option<PathBuf>,
    /// The most it may take on the disk, everything counted. Default 2 GiB.
    pub(super) max_size: Option<Spanned<Size>>,
    /// Size of one of its files; space is taken and given back in this unit. Default 64 MiB.
    pub(super) segment_size: Option<Spanned<Size>>,
}

/// `[[source]]`: a socket that messages come from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Source {
    /// Its name in the log and the ledger.
    pub(super) id: Spanned<String>,
    #[serde(rename = "type")]
    pub(super) kind: Spanned<SourceKind>,
    /// Address and port, such as `"0.0.0.0:514"` or `"[::]:514"`. Port 0: a free one, told in the ready line.
    pub(super) listen: Spanned<SocketAddr>,
    /// Longer messages are cut here, and counted. Default 64 KiB.
    pub(super) max_message: Option<Spanned<Size>>,
    /// `udp`: what the kernel may hold for us while we are busy. Default 16 MiB.
    pub(super) receive_buffer: Option<Spanned<Size>>,
    /// `tcp`: how messages are told apart. Default `auto`.
    pub(super) framing: Option<Spanned<Framing>>,
    /// `tcp`: connections beyond this many are closed at once. Default 10,000.
    pub(super) max_connections: Option<Spanned<u32>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SourceKind {
    Udp,
    Tcp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Framing {
    /// Octet counting where a whole `LEN SP <PRI>` stands, a line otherwise; decided message by message.
    Auto,
    /// A message ends at its line feed (RFC 6587 §3.4.2).
    Lf,
    /// Each message is preceded by its length (RFC 6587 §3.4.1).
    OctetCounting,
}

/// `[[destination]]`: where messages go. Each keeps its own place in the buffer, by its id.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Destination {
    /// Its name in the log and the ledger, and that of its place in the buffer: lower-case letters, digits, `.`,
    /// `_`, `-`.
    pub(super) id: Spanned<String>,
    #[serde(rename = "type")]
    pub(super) kind: Spanned<DestinationKind>,
    /// `file`: messages go to `<root>/<host>/<YYYY-MM-DD>.log`. Default `logs`, beneath `data`.
    pub(super) root: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DestinationKind {
    File,
}
