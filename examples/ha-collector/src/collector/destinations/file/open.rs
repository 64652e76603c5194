//! Opening a log file: its name, and the end that a crash may have left in the middle of a line.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;

use rustix::io::Errno;
use syslog_parse::Civil;
use tracing::info;

use super::root::{IfMissing, Root};
use crate::collector::template::component;

/// Days since 1970-01-01.
pub(super) type Day = i64;

/// The directory of messages that have no file of their own. No field is ever encoded to this name.
pub(super) const OVERFLOW: &str = "%overflow";

/// How far back the beginning of a torn line is looked for: no line is longer.
const LONGEST_LINE: u64 = 65 << 20;

/// Opens `<host>/<YYYY-MM-DD>.log` beneath the root; without a host, the overflow file of the day.
pub(super) fn append(root: &Root, host: Option<&[u8]>, day: Day, if_missing: IfMissing) -> io::Result<File> {
    let mut dir = Vec::new();
    match host {
        Some(host) => component::encode(host, &mut dir),
        None => dir.extend_from_slice(OVERFLOW.as_bytes()),
    }
    // Encoded names are ASCII.
    let dir = String::from_utf8_lossy(&dir);
    let date = Civil::from_local_seconds(day.saturating_mul(86_400));
    let name = format!("{:04}-{:02}-{:02}.log", date.year, date.month, date.day);
    root.open_append(&dir, &name, if_missing)
}

/// Makes sure that the file ends with a whole line before `lines` are appended.
///
/// A crash may have cut a line in the middle. What was being written is in the buffer still and is written again: if
/// one of `lines` begins with the cut one, that is the one, and the piece is taken away. Anything else is not ours to
/// remove: it gets its line end.
pub(super) fn mend(file: &mut File, lines: &[u8]) -> io::Result<()> {
    let len = file.metadata()?.len();
    let Some(tail) = torn_line(file, len)? else {
        return Ok(());
    };
    let ours = lines.split(|&byte| byte == b'\n').any(|line| line.starts_with(&tail));
    if ours {
        info!(
            bytes = tail.len(),
            "removed the beginning of a line that a crash had cut; it is written whole now"
        );
        file.set_len(len - tail.len() as u64)
    } else {
        file.write_all(b"\n")
    }
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

/// Whether an error says something about the disk or the process, and not about this one file.
pub(super) fn concerns_all_files(error: &io::Error) -> bool {
    let all = [Errno::NOSPC, Errno::DQUOT, Errno::ROFS, Errno::IO, Errno::NOMEM, Errno::STALE, Errno::NODEV];
    is_out_of_descriptors(error) || Errno::from_io_error(error).is_some_and(|errno| all.contains(&errno))
}

pub(super) fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a file holds after `before` was found in it and `lines` were written.
    fn mended(before: &[u8], lines: &[u8]) -> Vec<u8> {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir(temp.path().join("h")).unwrap();
        std::fs::write(temp.path().join("h/1970-01-01.log"), before).unwrap();
        let root = Root::open(temp.path()).unwrap();
        let mut file = append(&root, Some(b"h"), 0, IfMissing::Fail).unwrap();
        mend(&mut file, lines).unwrap();
        file.write_all(lines).unwrap();
        std::fs::read(temp.path().join("h/1970-01-01.log")).unwrap()
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
}
