//! The end of a file that a crash may have left in the middle of a line.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;

use tracing::info;

/// How far back the beginning of a torn line is looked for: no line is longer.
const LONGEST_LINE: u64 = 65 << 20;

/// Makes sure that the file ends with a whole line before `lines` are appended.
///
/// A crash may have cut a line in the middle. What was being written is in the buffer still and is written again: if
/// one of `lines` begins with the cut one, that is the one, and the piece is taken away. Anything else is not ours to
/// remove: it gets its line end.
pub(super) fn mend(file: &mut File, lines: &[u8]) -> io::Result<()> {
    let len = file.metadata()?.len();
    match torn_line(file, len)? {
        None => Ok(()),
        Some(tail) if comes_again(&tail, lines) => cut(file, len, &tail),
        Some(_) => file.write_all(b"\n"),
    }
}

/// As [`mend`], for a file that nothing need be appended to: a piece whose line is in none of `batches` stays.
pub(super) fn mend_if_it_comes_again<'l>(
    file: &File,
    batches: impl IntoIterator<Item = &'l [u8]>,
) -> io::Result<()> {
    let len = file.metadata()?.len();
    match torn_line(file, len)? {
        Some(tail) if batches.into_iter().any(|lines| comes_again(&tail, lines)) => cut(file, len, &tail),
        _ => Ok(()),
    }
}

fn comes_again(tail: &[u8], lines: &[u8]) -> bool {
    lines.split(|&byte| byte == b'\n').any(|line| line.starts_with(tail))
}

fn cut(file: &File, len: u64, tail: &[u8]) -> io::Result<()> {
    info!(
        bytes = tail.len(),
        "removed the beginning of a line that a crash had cut; it is written whole now"
    );
    file.set_len(len - tail.len() as u64)
}

/// The bytes behind the last line end; `None` if there are none.
fn torn_line(file: &File, len: u64) -> io::Result<Option<Vec<u8>>> {
    let mut chunk = 1;
    loop {
        let from = len.saturating_sub(chunk);
        let mut bytes = vec![0; usize::try_from(len - from).unwrap_or_default()];
        file.read_exact_at(&mut bytes, from)?;
        match bytes.iter().rposition(|&byte| byte == b'\n') {
            Some(at) if at + 1 == bytes.len() => return Ok(None),
            Some(at) => return Ok(Some(bytes.split_off(at + 1))),
            None if bytes.is_empty() => return Ok(None),
            None if from == 0 || chunk > LONGEST_LINE => return Ok(Some(bytes)),
            None => chunk = (chunk * 64).max(4096),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that holds `before`, open as log files are.
    fn file(before: &[u8]) -> (tempfile::TempDir, File) {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("log");
        std::fs::write(&path, before).unwrap();
        let file = std::fs::OpenOptions::new().read(true).append(true).open(path).unwrap();
        (temp, file)
    }

    /// What a file holds after `before` was found in it and `lines` were written.
    fn mended(before: &[u8], lines: &[u8]) -> Vec<u8> {
        let (temp, mut file) = file(before);
        mend(&mut file, lines).unwrap();
        file.write_all(lines).unwrap();
        std::fs::read(temp.path().join("log")).unwrap()
    }

    #[test]
    fn a_line_cut_by_a_crash_is_written_whole_and_once() {
        for cut in 1..5 {
            let before = [b"done\n", &b"torn"[..cut]].concat();
            assert_eq!(mended(&before, b"other\ntorn line\n"), b"done\nother\ntorn line\n");
        }
        assert_eq!(mended(b"to", b"torn\n"), b"torn\n");
    }

    #[test]
    fn somebody_elses_unfinished_line_is_kept() {
        assert_eq!(mended(b"done\nnote by hand", b"torn\n"), b"done\nnote by hand\ntorn\n");
    }

    #[test]
    fn a_whole_or_empty_file_is_left_alone() {
        assert_eq!(mended(b"", b"a\n"), b"a\n");
        assert_eq!(mended(b"a\n", b"a\n"), b"a\na\n");
    }

    #[test]
    fn a_long_torn_line_is_found() {
        let long = vec![b'x'; 300_000];
        let line = [&long[..], b" end\n"].concat();
        assert_eq!(mended(&[b"done\n", &long[..]].concat(), &line), [b"done\n", &line[..]].concat());
    }

    #[test]
    fn a_piece_in_a_file_that_its_line_no_longer_goes_to_is_removed_if_the_line_comes() {
        for (lines, left) in [(&b"torn line\n"[..], &b"done\n"[..]), (b"other\n", b"done\ntorn")] {
            let (temp, file) = file(b"done\ntorn");
            mend_if_it_comes_again(&file, [&b"first\n"[..], lines]).unwrap();
            assert_eq!(std::fs::read(temp.path().join("log")).unwrap(), left);
        }
    }
}
