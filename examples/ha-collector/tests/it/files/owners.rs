//! Files that belong to others: what that takes is kept, and nothing else, where it is needed and nowhere else.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use rustix::process::{Signal, geteuid};

use super::send;
use crate::support::{Collector, binary, config, has, skipped};

const OWNED: &str =
    "owner = 65534\ngroup = 65533\ndir-owner = 65532\npath = \"sub/all.log\"\nroot = \"logs\"\n";
const CHOWN: u64 = 1;
const DAC_OVERRIDE: u64 = 1 << 1;

/// By the names of its threads, what each is permitted.
fn permitted(pid: u32) -> Vec<(String, u64)> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let tasks = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("status")).unwrap());
    let field = |status: &str, key: &str| {
        status.lines().find_map(|line| line.strip_prefix(key)).unwrap().trim().to_owned()
    };
    tasks
        .map(|status| (field(&status, "Name:"), u64::from_str_radix(&field(&status, "CapPrm:"), 16).unwrap()))
        .collect()
}

fn owners(path: &Path) -> (u32, u32) {
    let about = std::fs::metadata(path).unwrap();
    (about.uid(), about.gid())
}

#[test]
fn files_of_others_are_made_and_opened_again_and_only_their_thread_may_do_so() {
    if !geteuid().is_root() {
        return skipped("files_of_others_are_made...: not root");
    }
    let data = tempfile::tempdir().unwrap();
    // Others that need nothing of that, or not all.
    let plain = "[[destination]]\nid = \"plain\"\ntype = \"file\"\nroot = \"plain\"\n\
                 rotate = { size = \"1MiB\", compress = \"gzip\" }\n";
    let group = "[[destination]]\nid = \"group\"\ntype = \"file\"\nroot = \"group\"\ngroup = 65533\n";
    let path = config(data.path(), &format!("{OWNED}{plain}{group}"));
    let mut collector = Collector::start_with(&mut binary(), &path);
    let all: u64 = permitted(collector.id()).iter().fold(0, |all, (_, permitted)| all | permitted);
    let main = permitted(collector.id())[0].1;
    if main & CHOWN == 0 {
        return skipped("files_of_others_are_made...: this root may not change owners");
    }
    assert_eq!(all, CHOWN | DAC_OVERRIDE, "nothing else is kept");
    send(&collector, "h", ["x"]);
    collector.wait_for_ledger(|ledger| ledger.delivered == 3);
    let file = data.path().join("logs/sub/all.log");
    assert_eq!(owners(&file), (65534, 65533));
    assert_eq!(owners(&data.path().join("logs/sub")).0, 65532);
    // It is another's now, and is opened again all the same.
    collector.signal(Signal::HUP);
    collector.wait_for("reloaded: ");
    send(&collector, "h", ["y"]);
    collector.wait_for_ledger(|ledger| ledger.delivered == 6);
    let mut seen = std::collections::BTreeSet::new();
    for (thread, permitted) in permitted(collector.id()) {
        let without = ["from-", "streams", "control", "compress", "to-plain"];
        if let Some(which) = without.into_iter().find(|name| thread.starts_with(name)) {
            assert_eq!(permitted, 0, "{thread}");
            seen.insert(which);
        }
        assert!(thread != "to-group" || permitted == CHOWN, "{thread} has {permitted:x}");
        assert!(thread != "to-files" || permitted == CHOWN | DAC_OVERRIDE, "{thread} has {permitted:x}");
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
    assert!(!collector.said.contains("owner"), "{}", collector.said);
    collector.stop();
    assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 2);

    // Who does not ask for it has nothing, and gets nothing by a reload.
    let mut collector = Collector::start_with(&mut binary(), &config(data.path(), ""));
    assert!(permitted(collector.id()).iter().all(|(_, permitted)| *permitted == 0));
    config(data.path(), group);
    collector.signal(Signal::HUP);
    let said = collector.wait_for("destination `group`: new files do not get the owner");
    assert!(said.contains("restart it as root"), "{said}");
    collector.wait_for("reloaded: ");
    collector.stop();
}

#[test]
fn an_owner_that_cannot_be_given_is_said_by_check_and_at_the_start_with_the_cure() {
    if !geteuid().is_root() || !has("setpriv") {
        return skipped("an_owner_that_cannot_be_given...: not root, or no setpriv here");
    }
    let data = tempfile::tempdir().unwrap();
    let path = config(data.path(), OWNED);
    let without = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command.arg("--bounding-set=-chown").arg(binary().get_program()).args(arguments);
        command
    };
    let output = without(&["check", "--config"]).arg(&path).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("warning: destination `files`: new files do not get the owner"), "{said}");
    assert!(said.contains("AmbientCapabilities=CAP_CHOWN"), "{said}");
    let mut collector = Collector::start_with(&mut without(&[]), &path);
    assert!(collector.said.contains("AmbientCapabilities=CAP_CHOWN"), "{}", collector.said);
    // The lines are written all the same.
    send(&collector, "h", ["x"]);
    collector.wait_for_ledger(|ledger| ledger.delivered == 1);
    collector.stop();
}
