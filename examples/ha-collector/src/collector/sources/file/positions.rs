//! How far the files of a source have been read, on disk: one small file of JSON, replaced as a whole.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::warn;

use super::follow::Identity;

/// How far a file has been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) dev: u64,
    pub(super) ino: u64,
    /// For people.
    pub(super) path: String,
    pub(super) offset: u64,
    pub(super) head: Head,
    /// When it was found first, in microseconds since 1970.
    pub(super) order: u64,
}

/// The beginning of a file, as a number: an inode is used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) len: usize,
    sum: u64,
}

impl Head {
    /// Of as many bytes as there are, at most `most`.
    pub(super) fn of(file: &File, most: usize) -> io::Result<Self> {
        let mut bytes = vec![0; most];
        let mut len = 0;
        loop {
            match file.read_at(bytes.get_mut(len..).unwrap_or_default(), len as u64) {
                Ok(0) => break,
                Ok(read) => len += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // FNV-1a, 64 bits.
        let sum = bytes.iter().take(len).fold(0xCBF2_9CE4_8422_2325_u64, |sum, byte| {
            (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3)
        });
        Ok(Self { len, sum })
    }

    /// Whether the file still begins so.
    pub(super) fn is_of(&self, file: &File) -> io::Result<bool> {
        Ok(self.len == 0 || Self::of(file, self.len)? == *self)
    }
}

/// Those of one source.
#[derive(Debug)]
pub(super) struct Positions {
    path: PathBuf,
    known: Vec<Position>,
    changed: bool,
}

impl Positions {
    /// Reads them. A file that cannot be understood is moved aside, and everything is read anew.
    pub(super) fn load(path: &Path, id: &str) -> Self {
        let empty = Self { path: path.to_path_buf(), known: Vec::new(), changed: false };
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return empty,
            Err(error) => {
                warn!(source = id, "cannot read {}: {error}; files are read anew", path.display());
                return empty;
            }
        };
        match serde_json::from_slice(&text) {
            Ok(known) => Self { known, ..empty },
            Err(error) => {
                warn!(source = id, "{} is damaged: {error}; files are read anew", path.display());
                fs::rename(path, path.with_extension("damaged")).ok();
                empty
            }
        }
    }

    /// That of a file.
    pub(super) fn of(&self, (dev, ino): Identity) -> Option<&Position> {
        self.known.iter().find(|known| (known.dev, known.ino) == (dev, ino))
    }

    /// Whether nothing was ever read.
    pub(super) const fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Has one written down with the next [`Self::write`].
    pub(super) fn note(&mut self, position: Position) {
        match self.known.iter_mut().find(|known| (known.dev, known.ino) == (position.dev, position.ino)) {
            Some(known) if *known == position => return,
            Some(known) => *known = position,
            None => self.known.push(position),
        }
        self.changed = true;
    }

    /// It is not needed any more.
    pub(super) fn forget(&mut self, (dev, ino): Identity) {
        self.known.retain(|known| (known.dev, known.ino) != (dev, ino));
        self.changed = true;
    }

    /// Writes down what has changed.
    pub(super) fn write(&mut self) -> io::Result<()> {
        if !self.changed {
            return Ok(());
        }
        if let Some(dir) = self.path.parent() {
            fs::create_dir_all(dir)?;
        }
        let new = self.path.with_extension("new");
        fs::write(&new, serde_json::to_vec(&self.known)?)?;
        fs::rename(&new, &self.path)?;
        self.changed = false;
        Ok(())
    }
}
