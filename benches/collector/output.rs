//! What a collector has written.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

pub(crate) fn bytes(dir: &Path) -> u64 {
    files(dir).iter().filter_map(|path| fs::metadata(path).ok()).map(|metadata| metadata.len()).sum()
}

pub(crate) fn lines(dir: &Path) -> u64 {
    let mut buffer = vec![0; 1 << 20];
    files(dir)
        .iter()
        .filter_map(|path| File::open(path).ok())
        .map(|mut file| lines_from(&mut file, &mut buffer))
        .sum()
}

/// The line ends in all that can be read.
fn lines_from(file: &mut File, buffer: &mut [u8]) -> u64 {
    let mut count = 0;
    while let Ok(n) = file.read(buffer) {
        if n == 0 {
            break;
        }
        count += line_ends(buffer.get(..n).unwrap_or_default());
    }
    count
}

pub(crate) fn line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}
