//! `ha-collector demo` shows what the README says that it shows. How long anything takes is told, and not asserted.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{binary, has, skipped};

/// `ha-collector demo` with these arguments and nobody's terminal, its files in `dir`. A third of its usual load: other
/// tests run beside it.
fn demo(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = binary();
    command.args(["demo", "--rate", "600", "--warm-up", "300ms"]).args(arguments);
    command.env("TMPDIR", dir).stdin(Stdio::null()).stderr(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// `None`, and a word about it, where the system forbids namespaces.
fn played(test: &str, arguments: &[&str]) -> Option<Output> {
    let dir = tempfile::tempdir().unwrap();
    let output = demo(dir.path(), arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(3) && (said.contains("namespaces") || said.contains("is not installed")) {
        skipped(&format!("{test}: {said}"));
        return None;
    }
    assert!(output.status.success(), "{} {said}{}", output.status, String::from_utf8_lossy(&output.stdout));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "something was left behind");
    Some(output)
}

/// The object that `--json` prints for us.
fn figures(test: &str, fault: &str) -> Option<Value> {
    let output = played(test, &["--fault", fault, "--json", "--keepalived=never"])?;
    let text = String::from_utf8(output.stdout).unwrap();
    let told: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!((told["fault"].as_str(), told["rate"].as_u64()), (Some(fault), Some(600)), "{told}");
    assert!(told["keepalived"].is_null(), "{told}");
    let ours = told["ha_collector"].clone();
    let number = |key: &str| ours[key].as_u64().unwrap();
    assert!(number("sent") > 100, "{ours}");
    assert_eq!(number("arrived") + number("lost"), number("sent"), "{ours}");
    assert_eq!(
        (ours["successor_served"].as_bool(), ours["came_back"].as_bool()),
        (Some(true), Some(true)),
        "{ours}"
    );
    assert!(ours["dark_ms"].as_f64().is_some() && ours["takeover_ms"].as_f64().is_some(), "{ours}");
    assert!(ours["tcp"]["acknowledged"].as_u64().unwrap() > 10, "{ours}");
    Some(ours)
}

#[test]
fn a_node_that_is_told_to_stop_loses_nothing_and_brings_nothing_twice() {
    let Some(ours) = figures("a_node_that_is_told_to_stop…", "stop") else { return };
    assert_eq!((ours["lost"].as_u64(), ours["twice"].as_u64()), (Some(0), Some(0)), "{ours}");
    assert_eq!(ours["tcp"]["missing"].as_u64(), Some(0), "{ours}");
}

#[test]
fn a_killed_collector_is_followed_by_the_other_one_and_comes_back_by_itself() {
    figures("a_killed_collector…", "service");
}

#[test]
fn a_dead_node_is_followed_by_the_other_one_and_comes_back_when_it_is_mended() {
    figures("a_dead_node…", "node");
}

/// What a table is made of: the words that lead its rows, and how many figures follow.
fn shape(lines: &[&str]) -> Vec<(String, usize)> {
    let rows =
        lines.iter().filter(|line| line.starts_with("  ") && !is_event(line) && !line.contains("VRRP"));
    rows.map(|row| {
        let (title, cells) = row.split_at(TITLE);
        (title.trim().to_owned(), cells.len().div_ceil(CELL))
    })
    .collect()
}

/// The widths of a table.
const TITLE: usize = 30;
const CELL: usize = 18;

/// `  2.47 s  n2 serves`
fn is_event(line: &str) -> bool {
    line.split_once(" s  ").is_some_and(|(seconds, _)| seconds.trim().parse::<f64>().is_ok())
}

#[test]
fn the_recording_in_the_readme_has_the_rows_that_are_printed() {
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let recording = readme.split("```text\n$ ha-collector demo").nth(1).expect("no recording in the README");
    let recording: Vec<&str> = recording.split("```").next().unwrap().lines().collect();
    assert!(recording.len() <= 25, "a picture, not a log");
    let (stop, service): (Vec<&str>, Vec<&str>) = {
        let second = recording.iter().position(|line| line.starts_with("$ ")).expect("two demonstrations");
        (recording[..second].to_vec(), recording[second..].to_vec())
    };
    assert!(stop[0].contains("--fault stop") && service[0].contains("--fault service"));
    // What the README says in words of the first one, in figures; of the other one the tests above say what holds.
    for claim in ["datagrams lost", "acknowledged lines lost"] {
        let row = stop.iter().find(|row| row.trim().starts_with(claim)).unwrap();
        assert!(row[TITLE..TITLE + CELL].trim().starts_with("0 of "), "{row}");
    }
    let test = "the_recording_in_the_readme…";
    let Some(output) = played(test, &["--fault", "stop"]) else { return };
    let text = String::from_utf8(output.stdout).unwrap();
    let printed: Vec<&str> = text.lines().collect();
    assert!(!text.contains('\x1b'), "no terminal, no control characters");
    if !printed.iter().any(|line| line.contains("keepalived")) {
        return skipped(&format!("{test}: keepalived is not installed, there is one column less"));
    }
    let now = shape(&printed);
    assert_eq!(now.len(), 8, "{text}");
    assert_eq!(shape(&stop), now);
    assert_eq!(shape(&service), now);
    // The lines of what happened are those that it still prints.
    for line in
        recording.iter().filter(|line| is_event(line) && line.contains(": TERM") | line.contains("serves"))
    {
        let (_, event) = line.split_once(" s  ").unwrap();
        let known = event.split(" (").next().unwrap();
        assert!(text.contains(known), "{known} is not in:\n{text}");
    }
}

#[test]
fn an_interrupted_demo_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = demo(dir.path(), &["--fault", "stop", "--keepalived=never"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let holds = lines.any(|line| line.contains("n1 is active"));
    if holds {
        kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    }
    let rest: Vec<String> = lines.collect();
    let status = child.wait().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    if status.code() == Some(3) && said.contains("namespaces") {
        return skipped(&format!("an_interrupted_demo…: {said}"));
    }
    assert!(holds && said.contains("interrupted"), "{said}{rest:?}");
    assert_eq!(status.code(), Some(5));
    // Its processes end with their namespace, whose first one has been waited for.
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "something was left behind");
}

#[test]
fn where_namespaces_are_forbidden_the_cause_and_the_cure_are_said() {
    if !has("unshare") {
        return skipped("where_namespaces_are_forbidden…: no unshare here");
    }
    // Limits that hold inside of a namespace of our own alone.
    let limits = "echo 0 > /proc/sys/user/max_user_namespaces && echo 0 > /proc/sys/user/max_net_namespaces || exit 77";
    let output = Command::new("unshare")
        .args(["-Ur", "sh", "-c", &format!("{limits}; exec \"$0\" demo --json")])
        .arg(env!("CARGO_BIN_EXE_ha-collector"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) || said.starts_with("unshare:") {
        return skipped(&format!("where_namespaces_are_forbidden…: {said}"));
    }
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("user.max_user_namespaces is 0")
            && said.contains("sysctl -w user.max_user_namespaces="),
        "{said}"
    );
}
