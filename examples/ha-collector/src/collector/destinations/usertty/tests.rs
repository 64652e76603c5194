use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::*;
use crate::collector::destinations::render::plain;
use crate::collector::event::Changes;
use crate::collector::record::Record;
use crate::collector::record::tests::record_of;
use crate::collector::template::Boundary;

/// An entry as a login writes it.
#[expect(clippy::host_endian_bytes, reason = "a file of this machine")]
fn entry(kind: i16, user: &str, line: &str) -> Vec<u8> {
    let mut entry = vec![0; size_of::<libc::utmpx>()];
    entry[offset_of!(libc::utmpx, ut_type)..][..2].copy_from_slice(&kind.to_ne_bytes());
    entry[offset_of!(libc::utmpx, ut_user)..][..user.len()].copy_from_slice(user.as_bytes());
    entry[offset_of!(libc::utmpx, ut_line)..][..line.len()].copy_from_slice(line.as_bytes());
    entry
}

fn terminals(dir: &Path, users: &[&str], utmp: &[u8]) -> Terminals {
    let path = dir.join("utmp");
    std::fs::write(&path, utmp).unwrap();
    let users = users.iter().map(ToString::to_string).collect();
    let mut terminals = Terminals::new(&UserttyDestination { users }, plain("line", Boundary::Line));
    terminals.utmp = path;
    terminals
}

fn show(terminals: &mut Terminals, text: &str) -> Tally {
    let raw = format!("<34>1 2003-10-11T22:14:15Z h su - - - {text}");
    let bytes = record_of(raw.as_bytes());
    let mut changes = Changes::default();
    terminals.take(&Event::new(Record::read(&bytes).unwrap(), &mut changes));
    terminals.flush(Instant::now()).unwrap();
    terminals.tally()
}

/// A terminal, and its name beneath the directory of devices.
fn terminal() -> Option<(OwnedFd, String)> {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).ok()?;
    grantpt(&controller).ok()?;
    unlockpt(&controller).ok()?;
    let name = ptsname(&controller, Vec::new()).ok()?.into_string().ok()?;
    let name = name.strip_prefix("/dev/")?.to_owned();
    // Where the devices are hidden from us, it has a name that cannot be opened.
    open(&Path::new(DEVICES).join(&name)).ok()?;
    Some((controller, name))
}

fn skipped() {
    use std::io::Write as _;
    io::stderr().write_all(b"\nskipped: no pseudo-terminals here\n").unwrap();
}

#[test]
fn a_message_is_on_the_terminals_of_its_users_and_obeyed_by_none() {
    let (Some((alice, alices)), Some((bob, bobs))) = (terminal(), terminal()) else {
        skipped();
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let utmp = [
        entry(libc::USER_PROCESS, "alice", &alices),
        entry(libc::DEAD_PROCESS, "carol", &bobs),
        entry(libc::USER_PROCESS, "bob", &bobs),
    ];
    let mut only_alice = terminals(dir.path(), &["alice", "carol"], &utmp.concat());
    assert_eq!(show(&mut only_alice, "one\x1b[2J\r"), Tally::default());
    let mut all = terminals(dir.path(), &["*"], &utmp.concat());
    assert_eq!(show(&mut all, "two"), Tally::default());
    // What was written arrives at the other end by a thread of the kernel.
    let heard = |terminal: &OwnedFd| {
        let mut text = String::new();
        while !text.contains("two\r") {
            let timeout = rustix::event::Timespec { tv_sec: 30, tv_nsec: 0 };
            let mut fds = [rustix::event::PollFd::new(terminal, rustix::event::PollFlags::IN)];
            assert_eq!(rustix::event::poll(&mut fds, Some(&timeout)), Ok(1), "only {text:?}");
            let mut bytes = [0; 1024];
            let len = rustix::io::read(terminal, &mut bytes[..]).unwrap();
            text += std::str::from_utf8(&bytes[..len]).unwrap();
        }
        text
    };
    let (alice, bob) = (heard(&alice), heard(&bob));
    assert!(alice.contains("h su: one\\x1b[2J\\r\r") && alice.contains("h su: two\r"), "{alice:?}");
    assert!(!bob.contains("one") && bob.contains("h su: two\r"), "{bob:?}");
}

#[test]
fn a_terminal_that_is_stopped_makes_nobody_wait() {
    let Some((_controller, name)) = terminal() else {
        skipped();
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut stopped = terminals(dir.path(), &["*"], &entry(libc::USER_PROCESS, "alice", &name));
    // Nobody reads it: it is full at some time.
    let dropped = (0..200).map(|_| show(&mut stopped, &"x".repeat(1_000)).dropped).sum::<u64>();
    assert!(dropped > 0 && dropped < 200, "{dropped}");
}

#[test]
fn what_nobody_sees_is_counted_and_what_is_no_terminal_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "untouched").unwrap();
    let lines = ["file", "../file", "/etc/passwd", "", "no/such"];
    let utmp: Vec<Vec<u8>> = lines.iter().map(|line| entry(libc::USER_PROCESS, "alice", line)).collect();
    let mut nowhere = terminals(dir.path(), &["*"], &utmp.concat());
    nowhere.devices = dir.path().to_path_buf();
    assert_eq!(show(&mut nowhere, "secret"), Tally { dropped: 1, cut: 0 });
    assert_eq!(std::fs::read(dir.path().join("file")).unwrap(), b"untouched");
    let mut cut_off = terminals(dir.path(), &["*"], &utmp.concat()[..300]);
    assert_eq!(show(&mut cut_off, "secret").dropped, 1);
    cut_off.utmp = dir.path().join("missing");
    assert_eq!(show(&mut cut_off, "secret").dropped, 1);
}
