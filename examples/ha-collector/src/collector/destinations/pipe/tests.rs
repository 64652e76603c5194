use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::collector::destinations::render::plain;
use crate::collector::event::Changes;
use crate::collector::record::Record;
use crate::collector::record::tests::record_of;
use crate::collector::template::Boundary;

fn pipe(path: &std::path::Path) -> Pipe {
    Pipe::new(&PipeDestination { path: path.to_path_buf(), mode: 0o640 }, plain("line", Boundary::Line))
}

fn take(pipe: &mut Pipe, text: &str) {
    let bytes = record_of(format!("<34>1 2003-10-11T22:14:15Z h su - - - {text}").as_bytes());
    let mut changes = Changes::default();
    pipe.take(&Event::new(Record::read(&bytes).unwrap(), &mut changes));
}

/// Opened without waiting for somebody who writes.
fn reader(path: &std::path::Path) -> BufReader<File> {
    BufReader::new(File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path).unwrap())
}

fn next(reader: &mut BufReader<File>) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line.rsplit(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn messages_wait_while_nobody_reads_and_are_there_for_the_next_one_who_does() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    let mut pipe = pipe(&path);
    take(&mut pipe, "one");
    let said = pipe.flush(Instant::now()).unwrap_err().to_string();
    assert!(said.starts_with("nobody reads "), "{said}");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);

    let mut first = reader(&path);
    take(&mut pipe, "two");
    pipe.flush(Instant::now()).unwrap();
    let mut whole = String::new();
    first.read_line(&mut whole).unwrap();
    assert!(whole.ends_with(" h su: one\n"), "{whole}");
    // `two` is in the reader's memory or in the pipe; the reader goes, and takes what it has.
    assert_eq!(next(&mut first), "two\n");
    drop(first);
    take(&mut pipe, "three");
    assert!(pipe.flush(Instant::now()).is_err());
    let mut second = reader(&path);
    pipe.flush(Instant::now()).unwrap();
    assert_eq!(next(&mut second), "three\n");
}

#[test]
fn one_who_does_not_read_blocks_nothing_and_gets_the_rest_later() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    let mut pipe = pipe(&path);
    assert!(pipe.open().is_err());
    let mut slow = reader(&path);
    for n in 0..4_000 {
        take(&mut pipe, &n.to_string());
    }
    // As if the second that it tries were over.
    let soon = Instant::now().checked_sub(PATIENCE).unwrap();
    assert_eq!(pipe.flush(soon).unwrap_err().kind(), io::ErrorKind::TimedOut);
    let mut read = 0;
    let mut done = false;
    while read < 4_000 {
        if next(&mut slow) == format!("{read}\n") {
            read += 1;
        }
        if !done && read % 500 == 0 {
            done = pipe.flush(soon).is_ok();
        }
    }
    assert!(done || pipe.flush(soon).is_ok());
}

#[test]
fn what_is_no_pipe_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, "untouched").unwrap();
    let mut pipe = pipe(&path);
    take(&mut pipe, "one");
    assert!(pipe.flush(Instant::now()).unwrap_err().to_string().ends_with("is no named pipe"));
    assert_eq!(std::fs::read(&path).unwrap(), b"untouched");
}
