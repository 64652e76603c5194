//! The configuration file as TOML, key by key, but for the tables that are read by their type (see [`super::entry`]).
//! What a key means stands here; whether the whole makes sense is decided in [`super`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::destination::DeliverKeys;
use super::units::Size;
use super::vrrp::schema::{Keeper, SyncGroup, TrackFile, TrackProcess, TrackScript, Vrrp};

/// One configuration file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    /// The directory that relative paths of this configuration start from. Default `ha-collector-data`.
    pub(super) data: Option<Spanned<PathBuf>>,
    pub(super) buffer: Option<Spanned<Buffer>>,
    /// Defaults of every `[[destination]]`.
    pub(super) deliver: Option<Spanned<DeliverKeys>>,
    /// Templates with a name.
    #[serde(default)]
    pub(super) template: BTreeMap<String, Spanned<String>>,
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
