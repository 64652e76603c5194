//! `type = "file"`: the keys of files beneath a root.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer};
use toml::Spanned;

use super::delivery::Placed;
use crate::config::check::Check;
use crate::config::diagnostic::Diagnostic;
use crate::config::entry::Entry;
use crate::config::rights::{Account, Mode};
use crate::config::units::{Size, Span};

/// The path that is known by heart.
const STANDARD_PATH: &str = "${HOST}/${YEAR}-${MONTH}-${DAY}.log";
const DEFAULT_IDLE_CLOSE: Duration = Duration::from_secs(60);
/// A rotated file holds a little at least.
const SMALLEST_ROTATED: Size = Size::kib(4);
/// What rotated files are called ends so, or in a number.
const ROTATED_ENDINGS: [&str; 2] = ["gz", "zst"];

/// Files beneath a root.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FileDestination {
    pub(crate) root: PathBuf,
    pub(crate) path: FilePath,
    pub(crate) rights: Rights,
    pub(crate) missing_dirs: MissingDirs,
    pub(crate) sync: Sync,
    /// A file that nobody wrote to for so long is closed.
    pub(crate) idle_close: Duration,
    /// Open at the same time; `None`: as many as there are descriptors for.
    pub(crate) max_files: Option<usize>,
    pub(crate) rotate: Option<Rotate>,
}

/// The path of a message's file, beneath the root.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FilePath {
    /// `<host>/<YYYY-MM-DD>.log`.
    HostAndDay,
    /// The same for every message.
    Fixed(String),
    /// A template, not yet compiled.
    Template(Placed),
}

/// Of what is made. `None`: as it comes, mode 0640 and 0750 less the umask.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rights {
    pub(crate) mode: Option<Mode>,
    pub(crate) dir_mode: Option<Mode>,
    pub(crate) owner: Option<Account>,
    pub(crate) group: Option<Account>,
    pub(crate) dir_owner: Option<Account>,
    pub(crate) dir_group: Option<Account>,
}

/// What is done about a directory that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MissingDirs {
    AreMade,
    /// Messages go to the overflow file until somebody makes it.
    AreLeftToOthers,
}

/// When a file is synced to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sync {
    Never,
    /// Before the buffer lets go of a message.
    Batch,
    /// At the latest so long after something was written.
    Within(Duration),
}

/// When a file is put aside and a new one is begun, and what becomes of the old ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rotate {
    /// Bytes that a file does not grow beyond.
    pub(crate) size: Option<u64>,
    pub(crate) every: Option<Every>,
    /// Old files kept of each; `None`: all.
    pub(crate) keep: Option<u32>,
    pub(crate) compress: Option<Compress>,
}

/// A stretch of local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Every {
    Hour,
    Day,
    /// From Monday on.
    Week,
}

/// How old files are made smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Compress {
    Gzip,
    Zstd,
}

impl FileDestination {
    pub(super) const fn standard(root: PathBuf) -> Self {
        Self {
            root,
            path: FilePath::HostAndDay,
            rights: Rights {
                mode: None,
                dir_mode: None,
                owner: None,
                group: None,
                dir_owner: None,
                dir_group: None,
            },
            missing_dirs: MissingDirs::AreMade,
            sync: Sync::Never,
            idle_close: DEFAULT_IDLE_CLOSE,
            max_files: None,
            rotate: None,
        }
    }

    /// Reads the keys that are left in `entry`; what is wrong is said.
    pub(super) fn read(entry: &mut Entry<'_>, data: &Path, check: &mut Check<'_>) -> Option<Self> {
        let keys: Keys = check.told(entry.own())?;
        let root = super::plain(&data.join(keys.root.unwrap_or_else(|| "logs".into())));
        let standard = Self::standard(root);
        let rotate = keys.rotate.and_then(|rotate| rotate.into_inner().check(entry, check));
        let path = keys.path.map_or(FilePath::HostAndDay, |path| {
            let placed = Placed::new(path, &entry.text);
            match file_path(&placed, rotate) {
                Ok(path) => path,
                Err(mistake) => {
                    check.errors.push(mistake);
                    FilePath::HostAndDay
                }
            }
        });
        Some(Self {
            path,
            rights: Rights {
                mode: keys.mode,
                dir_mode: keys.dir_mode,
                owner: keys.owner,
                group: keys.group,
                dir_owner: keys.dir_owner,
                dir_group: keys.dir_group,
            },
            missing_dirs: match keys.create_dirs {
                None | Some(true) => MissingDirs::AreMade,
                Some(false) => MissingDirs::AreLeftToOthers,
            },
            sync: keys.sync.unwrap_or(standard.sync),
            idle_close: keys.idle_close.map_or(standard.idle_close, |span| span.0),
            max_files: keys.max_files.map(|most| most.get() as usize),
            rotate,
            ..standard
        })
    }

    /// What a person is told about where messages go.
    pub(super) fn place(&self) -> String {
        let path = match &self.path {
            FilePath::HostAndDay => "<host>/<YYYY-MM-DD>.log",
            FilePath::Fixed(path) => path,
            FilePath::Template(path) => &path.value,
        };
        self.root.join(path).display().to_string()
    }

    /// What it is worth that the buffer lets a message go.
    pub(super) fn promise(&self) -> String {
        match self.sync {
            Sync::Never => "a message is let go when its line is written".to_owned(),
            Sync::Batch => "a message is let go when its file is synced to the disk".to_owned(),
            Sync::Within(span) => {
                format!(
                    "a message is let go when its line is written, and its file is synced within {span:?}"
                )
            }
        }
    }
}

/// A path beneath the root, told apart by what it takes to find a message's file.
fn file_path(path: &Placed, rotate: Option<Rotate>) -> Result<FilePath, Diagnostic> {
    let text = path.value.as_str();
    if text == STANDARD_PATH {
        return Ok(FilePath::HostAndDay);
    }
    if text.split('/').any(|part| matches!(part, "" | "." | "..")) || text.contains('\0') {
        let message = "this is no path beneath `root`";
        return Err(path.wrong(message).help("such as \"${HOST}/messages.log\": nothing is written outside"));
    }
    if text.starts_with('%') {
        return Err(path.wrong("names with % are the collector's own"));
    }
    if rotate.is_some() && !tells_rotated_files_apart(text) {
        let message = "with `rotate`, a path has to end in a text of its own, such as \".log\"";
        return Err(path.wrong(message).help(
            "rotated files are called NAME.1 and so on: no message may have such a name for its file",
        ));
    }
    if text.contains('$') {
        return Ok(FilePath::Template(path.clone()));
    }
    Ok(FilePath::Fixed(text.to_owned()))
}

/// Whether what no field has any influence on keeps `NAME.1` and `NAME.1.gz` apart from the names of files.
fn tells_rotated_files_apart(path: &str) -> bool {
    let fixed = match path.rfind('$') {
        None => path,
        Some(at) => {
            let behind = path.get(at + 1..).unwrap_or_default();
            let end = match behind.bytes().next() {
                Some(b'{') => behind.rfind('}').map(|at| at + 1),
                Some(b'(') => behind.rfind(')').map(|at| at + 1),
                _ => behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '_'),
            };
            end.and_then(|end| behind.get(end..)).unwrap_or_default()
        }
    };
    let ending = match fixed.rfind(['.', '/']) {
        Some(at) => fixed.get(at + 1..).unwrap_or_default(),
        // All of the path is a name without a dot, or a field decides what is before.
        None if fixed.len() == path.len() => fixed,
        None => return false,
    };
    !ending.is_empty()
        && !ending.bytes().all(|byte| byte.is_ascii_digit())
        && !ROTATED_ENDINGS.contains(&ending)
}

/// Keys of `file`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Keys {
    /// Nothing is written outside of it. Default `logs`, beneath `data`.
    root: Option<PathBuf>,
    /// The file of a message, beneath the root. Default `${HOST}/${YEAR}-${MONTH}-${DAY}.log`.
    path: Option<Spanned<String>>,
    /// Of new files. Default 0640, less the umask; with this key it is exactly that.
    mode: Option<Mode>,
    /// Of new directories. Default 0750, less the umask.
    dir_mode: Option<Mode>,
    /// Who new files belong to. Default: whom the collector runs as.
    owner: Option<Account>,
    group: Option<Account>,
    /// Who new directories belong to.
    dir_owner: Option<Account>,
    dir_group: Option<Account>,
    /// Whether missing directories are made. Default true. Otherwise messages go to `%overflow` until they are there.
    create_dirs: Option<bool>,
    /// When a file is synced to the disk: `never` (the default), `batch`, or a span of time.
    sync: Option<Sync>,
    /// A file that nobody wrote to for so long is closed. Default 60 s.
    idle_close: Option<Span>,
    /// Files open at the same time. Default: as many as there are descriptors for.
    max_files: Option<std::num::NonZeroU32>,
    /// When a file is put aside and a new one is begun. Default: never.
    rotate: Option<Spanned<RotateKeys>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RotateKeys {
    /// Before a file becomes larger than this.
    size: Option<Spanned<Size>>,
    /// With the first line of a new hour, day or week, by the destination's time zone.
    every: Option<Spanned<Every>>,
    /// Old files kept of each. Default: all.
    keep: Option<std::num::NonZeroU32>,
    /// Old files are compressed so. Default: not.
    compress: Option<Compress>,
}

impl RotateKeys {
    fn check(self, entry: &Entry<'_>, check: &mut Check<'_>) -> Option<Rotate> {
        if self.size.is_none() && self.every.is_none() {
            check.errors.push(
                Diagnostic::new("`rotate` does not say when")
                    .at(&entry.text, entry.id.span())
                    .help("rotate = { size = \"100MiB\" }, or every = \"day\", or both"),
            );
            return None;
        }
        let sizes = SMALLEST_ROTATED..Size(u64::MAX);
        let size = self.size.map(|size| check.size(&entry.text, Some(size), SMALLEST_ROTATED, sizes).0);
        Some(Rotate {
            size,
            every: self.every.map(Spanned::into_inner),
            keep: self.keep.map(std::num::NonZeroU32::get),
            compress: self.compress,
        })
    }
}

impl<'de> Deserialize<'de> for Sync {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "never" => Ok(Self::Never),
            "batch" => Ok(Self::Batch),
            span => match span.parse::<Span>() {
                Ok(span) if !span.0.is_zero() => Ok(Self::Within(span.0)),
                _ => Err(de::Error::custom(format!(
                    "`{span}` is neither \"never\" nor \"batch\" nor a span of time, such as \"1s\""
                ))),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tells_rotated_files_apart;

    #[test]
    fn a_field_cannot_name_a_file_as_a_rotated_one_is_named() {
        for good in
            ["${HOST}/${DAY}.log", "$HOST.log", "a", "messages", "${HOST}/messages", "a.1x", "$(f a.1).log"]
        {
            assert!(tells_rotated_files_apart(good), "{good}");
        }
        for bad in [
            "$HOST",
            "a.$HOST",
            "${HOST}1",
            "${HOST}.1",
            "a.7",
            "${HOST}.gz",
            "${HOST}-log",
            "$HOST_log",
            "a.zst",
        ] {
            assert!(!tells_rotated_files_apart(bad), "{bad}");
        }
    }
}
