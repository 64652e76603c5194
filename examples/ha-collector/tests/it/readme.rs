//! The README and the configuration beside it say what is true. Its commands are typed by `.ci/readme.sh`.

use std::path::Path;
use std::process::Command;

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_rust_example_of_the_readme_is_a_tested_one_of_a_crate() {
    let tested = read("syslog-parse/README.md") + &read("diskbuf/README.md");
    let readme = read("README.md");
    let mut examples = 0;
    for example in readme.split("```rust\n").skip(1) {
        let (example, _) = example.split_once("```").unwrap();
        for line in example.lines().filter(|line| !line.is_empty()) {
            assert!(tested.contains(line), "not in the README of a crate, whose examples are run: {line}");
        }
        examples += 1;
    }
    assert_eq!(examples, 2, "one example a crate");
}

#[test]
fn every_file_that_the_readme_points_to_is_there() {
    for text in [read("README.md"), read("CONTRIBUTING.md")] {
        for link in text.split("](").skip(1) {
            let (target, _) = link.split_once(')').unwrap();
            if !target.starts_with('#') {
                read(target);
            }
        }
    }
}

#[test]
fn the_configuration_with_every_key_is_what_runs_without_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("collector.toml");
    let output = crate::support::binary().arg("check").arg("--config").arg(path).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!(
        said,
        "good: udp 127.0.0.1:5514, tcp 127.0.0.1:5514 into ha-collector-data/logs/<host>/<YYYY-MM-DD>.log, \
         buffer ha-collector-data/buffer of at most 2 GiB\n\
         files: a message is let go when its line is written\n"
    );
    // Each key of the schema stands in it.
    let toml = read("examples/ha-collector/collector.toml");
    for key in [
        "data",
        "dir",
        "max-size",
        "segment-size",
        "id",
        "type",
        "listen",
        "max-message",
        "receive-buffer",
        "framing",
        "max-connections",
        "root",
    ] {
        assert!(toml.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key}");
    }
}

#[test]
fn the_keeper_with_every_key_is_a_good_configuration() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("keeper.toml");
    let output = crate::support::binary().arg("check").arg("--config").arg(path).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!(said, "good: keeps 10.0.0.10/24 on eth0, fe80::10/64 and fd00::10/64 on eth0\n");
    // Each key of the schema stands in it, those that cannot stand beside others as a comment.
    let toml = read("examples/ha-collector/keeper.toml");
    let schema = read("examples/ha-collector/src/config/vrrp/schema.rs");
    let fields = schema
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub")?.split_once(") ")?.1.split_once(": "));
    let mut seen = 0;
    for (field, _) in fields {
        let key = if field == "kind" { "type".to_owned() } else { field.replace('_', "-") };
        let stands = |line: &str| line.contains(&format!("{key} = ")) || line.contains(&format!(".{key}]"));
        assert!(toml.lines().any(stands), "{key}");
        seen += 1;
    }
    assert!(seen > 60, "{seen}");
}

#[test]
fn the_version_is_told() {
    let output: std::process::Output =
        Command::new(env!("CARGO_BIN_EXE_ha-collector")).arg("--version").output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        concat!("ha-collector ", env!("CARGO_PKG_VERSION"), "\n")
    );
}
