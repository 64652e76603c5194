//! What the README begins with is run.

use std::io::{BufRead, BufReader};
use std::process::{Command as Program, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::net::{cable, inside, ip};
use crate::witness::Witness;

#[test]
fn the_readme_begins_with_the_example() {
    let (_, example) = include_str!("../../examples/router.rs").split_once("\n\n").unwrap();
    assert!(include_str!("../../README.md").contains(&format!("```rust,no_run\n{example}```\n")));
}

#[test]
fn the_first_example_becomes_active_and_releases_when_it_is_interrupted() {
    if !inside("examples::the_first_example_becomes_active_and_releases_when_it_is_interrupted") {
        return;
    }
    let other = cable();
    let mut witness = other.run(|| Witness::at("v1"));
    for change in ["down", "name eth0", "address 02:00:00:00:00:01"] {
        ip(&format!("link set v0 {change}").replace("v0 address", "eth0 address"));
    }
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("examples/router");
    let mut child = Program::new(program).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut said = |what: &str| lines.find(|line| line.contains(what)).unwrap();
    said("Fault since");
    ip("link set eth0 up");
    said("nobody heard yet (holds the addresses: false)");
    said("nobody was heard for 3.");
    assert_eq!(witness.next().priority, 150);
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    witness.until(|heard| heard.priority == 0);
    assert!(child.wait().unwrap().success());
}
