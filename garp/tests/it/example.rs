//! The program at the beginning of the README, run as a stranger would.

use crate::lan::{LONG, Lan, MAC, V4, V6, ip, skip};
use garp::{ClaimKind, Watch};
use std::process::{Command, Stdio};
use std::time::Instant;

#[test]
fn the_readme_s_program_announces_both_families_and_ends() {
    let Some(lan) = Lan::enter() else { return };
    let mut watch = Watch::open(lan.interface("v1"), &[ip(V4), ip(V6)]).unwrap();
    // Built with the tests: beside the directory that the test is in.
    let test = std::env::current_exe().unwrap();
    let program = test.parent().unwrap().parent().unwrap().join("examples/announce");
    if !program.exists() {
        skip("examples/announce is not built; `cargo test -p garp` builds it");
        return;
    }
    let child = Command::new(program)
        .args(["v0", V4, V6])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut announced = [0, 0];
    for _ in 0..11 {
        let seen = watch.wait(Some(Instant::now() + LONG)).unwrap().expect("nothing was seen");
        assert_eq!((seen.mac, seen.kind), (MAC, ClaimKind::Announces));
        announced[usize::from(seen.address.is_ipv6())] += 1;
    }
    assert_eq!(announced, [7, 4]);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn the_readme_shows_the_example_as_it_is() {
    let readme = include_str!("../../README.md");
    let example = include_str!("../../examples/announce.rs");
    let program = example.split_once("\n\n").unwrap().1;
    assert!(readme.contains(program), "README.md and examples/announce.rs differ");
    assert!(example.lines().count() < 25);
}
