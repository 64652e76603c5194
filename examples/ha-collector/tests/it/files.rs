//! The files of a destination: moved, forbidden, full, of a zone and with rights of their own.

mod owners;
mod rotation;

use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::support::{Collector, binary, config, has, lines, skipped};

/// Sends messages of `host`, the texts in order.
fn send(collector: &Collector, host: &str, texts: impl IntoIterator<Item = impl std::fmt::Display>) {
    let mut tcp = TcpStream::connect(collector.tcp).unwrap();
    for text in texts {
        writeln!(tcp, "<13>1 2025-01-01T00:00:00Z {host} a - - - {text}").unwrap();
    }
}

/// The texts of the lines in a file.
fn texts(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    assert!(text.is_empty() || text.ends_with('\n'), "{} ends in the middle of a line", path.display());
    text.lines().map(|line| line.split_once(" a: ").unwrap().1.to_owned()).collect()
}

/// The texts in all files of the overflow directory.
fn overflown(logs: &Path) -> Vec<String> {
    crate::support::files(&logs.join("%overflow")).iter().flat_map(|path| texts(path)).collect()
}

#[test]
fn a_file_that_is_renamed_without_a_word_is_followed_by_a_new_one() {
    let data = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(data.path());
    let log = data.path().join("logs/h/2025-01-01.log");
    send(&collector, "h", ["before"]);
    collector.wait_for_ledger(|ledger| ledger.delivered == 1);
    std::fs::rename(&log, log.with_extension("1")).unwrap();
    // It is looked once a second: until then lines go to the file under its new name, and that is where they are found.
    let mut sent = 1;
    while !log.exists() {
        send(&collector, "h", [sent]);
        sent += 1;
        collector.wait_for_ledger(|ledger| ledger.delivered == sent);
    }
    collector.stop();
    let found: Vec<String> = [texts(&log.with_extension("1")), texts(&log)].concat();
    let expected = std::iter::once("before".to_owned()).chain((1..sent).map(|n| n.to_string()));
    assert!(found.iter().cloned().eq(expected), "{found:?}");
}

#[test]
fn logrotate_with_hup_loses_nothing() {
    if !has("logrotate") {
        skipped("logrotate is not installed");
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let mut collector = Collector::start(data.path());
    let log = data.path().join("logs/h/2025-01-01.log");
    let rules = data.path().join("logrotate.conf");
    let text = format!(
        "{log:?} {{\n rotate 20\n nocreate\n postrotate\n kill -HUP {}\n endscript\n}}\n",
        collector.id()
    );
    std::fs::write(&rules, text).unwrap();
    std::fs::set_permissions(&rules, PermissionsExt::from_mode(0o644)).unwrap();
    // It does not rotate where others may write.
    std::fs::set_permissions(data.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let mut sent = 0;
    for _ in 0..5 {
        send(&collector, "h", sent..sent + 1_000);
        sent += 1_000;
        collector.wait_for_ledger(|ledger| ledger.delivered == sent);
        let mut logrotate = Command::new("logrotate");
        logrotate.args(["--force", "--state"]).arg(data.path().join("state")).arg(&rules);
        let output = logrotate.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        collector.wait_for("opened anew");
    }
    collector.stop();
    for (n, first) in (1..=5_u64).rev().zip((0..).step_by(1_000)) {
        let found = texts(&log.with_file_name(format!("2025-01-01.log.{n}")));
        assert!(found.iter().cloned().eq((first..first + 1_000).map(|n| n.to_string())), "{n}");
    }
}

#[test]
fn a_directory_that_cannot_be_written_sends_its_lines_to_the_overflow_file_and_harms_no_other() {
    let data = tempfile::tempdir().unwrap();
    let logs = data.path().join("logs");
    let forbidden = logs.join("forbidden");
    std::fs::create_dir_all(&forbidden).unwrap();
    std::fs::set_permissions(&forbidden, PermissionsExt::from_mode(0o555)).unwrap();
    let mut collector = Collector::start(data.path());
    for host in ["forbidden", "other"] {
        send(&collector, host, 0..100);
    }
    collector.wait_for("cannot be written, its lines go to");
    let ledger = collector.wait_for_ledger(|ledger| ledger.delivered == 200);
    assert!(ledger.dropped.is_empty(), "{ledger:?}");
    collector.stop();
    let expected: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    assert_eq!(texts(&logs.join("other/2025-01-01.log")), expected);
    assert_eq!(overflown(&logs), expected);
}

#[test]
fn a_file_on_a_full_or_read_only_disk_of_its_own_holds_the_others_up_for_a_moment_and_then_not_at_all() {
    let tried = Command::new("unshare").args(["-Urm", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    if !tried.is_ok_and(|output| output.status.success()) {
        skipped("this machine does not let a test mount a tmpfs (unshare -Urm)");
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let logs = data.path().join("logs");
    for host in ["full", "ro"] {
        std::fs::create_dir_all(logs.join(host)).unwrap();
    }
    let (full, ro) = (logs.join("full"), logs.join("ro"));
    // Read-only, and of the same device as the root: only the mount differs.
    let script = format!(
        "mount -t tmpfs -o size=4k none '{}' && mount --bind '{1}' '{1}' && mount -o remount,bind,ro '{1}' && exec \"$@\"",
        full.display(),
        ro.display()
    );
    let mut command = Command::new("unshare");
    command.args(["-Urm", "sh", "-c", &script, "sh", binary().get_program().to_str().unwrap()]);
    let mut collector = Collector::start_with(&mut command, &config(data.path(), "time-reopen = \"1s\"\n"));
    let long = "x".repeat(300);
    let expected: Vec<String> = (0..100).map(|n| format!("{n} {long}")).collect();
    for host in ["full", "other", "ro"] {
        send(&collector, host, &expected);
    }
    collector.wait_for("cannot write, messages wait in the buffer: ");
    collector.wait_for("cannot be written, its lines go to");
    collector.wait_for_ledger(|ledger| ledger.delivered == 300);
    // Nobody waits for it now.
    for host in ["full", "other"] {
        send(&collector, host, &expected);
    }
    let ledger = collector.wait_for_ledger(|ledger| ledger.delivered == 500);
    assert!(ledger.dropped.is_empty(), "{ledger:?}");
    // Only the collector sees what is on the disk that it has to itself.
    let full = format!("/proc/{}/root{}", collector.id(), logs.join("full/2025-01-01.log").display());
    let written = texts(Path::new(&full));
    collector.stop();
    let twice: Vec<String> = expected.iter().chain(&expected).cloned().collect();
    assert_eq!(texts(&logs.join("other/2025-01-01.log")), twice);
    assert!(written.len() > 3, "it took what it had room for");
    let mut expected: Vec<String> = twice.iter().chain(&twice[..100]).cloned().collect();
    let mut found = [written, overflown(&logs)].concat();
    expected.sort();
    found.sort();
    assert_eq!(found, expected, "each once, none torn");
}

#[test]
fn files_and_directories_get_the_mode_that_was_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let keys = "mode = \"0604\"\ndir-mode = \"0705\"\nsync = \"batch\"\n";
    let mut collector = Collector::start_with(&mut binary(), &config(data.path(), keys));
    send(&collector, "h", ["x"]);
    collector.wait_for_ledger(|ledger| ledger.delivered == 1);
    collector.stop();
    let mode = |path: &str| {
        let path = data.path().join("logs").join(path);
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    };
    assert_eq!((mode("h"), mode("h/2025-01-01.log")), (0o705, 0o604));
}

#[test]
fn an_owner_that_is_not_there_is_a_clear_error_at_the_start() {
    let data = tempfile::tempdir().unwrap();
    let path = config(data.path(), "group = \"nobody-is-called-so\"\n");
    let output = binary().arg("run").arg("--config").arg(path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("(destination `files`): there is no group `nobody-is-called-so`"), "{said}");
}

#[test]
fn each_destination_has_the_time_zone_it_was_given_winter_and_summer() {
    let data = tempfile::tempdir().unwrap();
    let keys = "root = \"logs/as-received\"\n\
         [[destination]]\nid = \"budapest\"\ntype = \"file\"\nroot = \"logs/budapest\"\n\
         time-zone = \"Europe/Budapest\"\nflush-lines = 100\nflush-timeout = \"20ms\"\n\
         [[destination]]\nid = \"one\"\ntype = \"file\"\nroot = \"logs/one\"\npath = \"sub/all.log\"\n\
         [deliver]\ntime-zone = \"America/New_York\"\n";
    let path = config(data.path(), &keys.replace("as-received\"\n", "as-received\"\ntime-zone = \"UTC\"\n"));
    let mut collector = Collector::start_with(&mut binary(), &path);
    let mut tcp = TcpStream::connect(collector.tcp).unwrap();
    for stamp in ["2010-12-31T23:30:00Z", "2011-07-01T12:00:00Z"] {
        writeln!(tcp, "<13>1 {stamp} h a - - - x").unwrap();
    }
    collector.wait_for_ledger(|ledger| ledger.delivered == 6);
    collector.stop();
    let found = lines(&data.path().join("logs"));
    assert_eq!(found["as-received/h/2010-12-31.log"], ["2010-12-31T23:30:00+00:00 h a: x"]);
    assert_eq!(found["budapest/h/2011-01-01.log"], ["2011-01-01T00:30:00+01:00 h a: x"]);
    assert_eq!(found["budapest/h/2011-07-01.log"], ["2011-07-01T14:00:00+02:00 h a: x"]);
    let all = ["2010-12-31T18:30:00-05:00 h a: x", "2011-07-01T08:00:00-04:00 h a: x"];
    assert_eq!(found["one/sub/all.log"], all);
}

#[test]
fn check_says_what_the_acknowledgement_of_each_destination_is_worth_and_what_is_wrong_with_its_keys() {
    let data = tempfile::tempdir().unwrap();
    let check = |keys: &str| {
        let path = config(data.path(), keys);
        let output = binary().arg("check").arg("--config").arg(path).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(check("").ends_with("files: a message is let go when its line is written\n"));
    assert!(check("sync = \"batch\"").ends_with("let go when its file is synced to the disk\n"));
    assert!(check("sync = \"1s\"").ends_with("its line is written, and its file is synced within 1s\n"));
    for (keys, complaint) in [
        ("path = \"${HOST}\"\nrotate = { size = \"1MiB\" }", "a path has to end in a text of its own"),
        ("path = \"../${HOST}/x.log\"", "this is no path beneath `root`"),
        ("path = \"/var/log/x.log\"", "this is no path beneath `root`"),
        ("rotate = { keep = 7 }", "`rotate` does not say when"),
        ("rotate = { size = \"1MiB\", kep = 7 }", "did you mean `keep`?"),
        ("mode = 640", "a mode is written in quotes"),
        ("time-zone = \"Europe/Buda\"", "Europe/Buda"),
        ("sync = \"often\"", "neither \"never\" nor \"batch\""),
        ("format = \"line\"\ntemplate = \"x\"", "a format or a template, not both"),
        ("flush-timeout = \"0s\"", "longer than nothing"),
    ] {
        let said = check(keys);
        assert!(said.contains(complaint) && said.contains("error: "), "{keys}: {said}");
    }
}
