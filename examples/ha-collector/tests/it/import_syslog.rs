//! `ha-collector import syslog-ng` and `import syslog-conf` on real configurations.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::{binary, has, skipped};

/// By the program that they are of.
const CONFIGURATIONS: [(&str, &str); 7] = [
    ("syslog-ng", "failover"),
    ("syslog-ng", "hack-client"),
    ("syslog-ng", "hack-server"),
    ("syslog-ng", "words"),
    ("syslog-conf", "freebsd"),
    ("syslog-conf", "sysklogd"),
    ("syslog-conf", "rsyslog"),
];

fn data(program: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(program)
}

/// Exit code, standard output, standard error; in the directory of the fixtures.
fn import(program: &str, arguments: &[&str]) -> (i32, String, String) {
    let mut command = binary();
    command.args(["import", program]).args(arguments);
    let output = command.current_dir(data(program)).stdin(Stdio::null()).output().unwrap();
    let Output { status, stdout, stderr } = output;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// With WRITE_GOLDEN=1 in the environment the files are written, for a look at `git diff`.
fn golden(program: &str, name: &str, found: &str) {
    let path = data(program).join(name);
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{name} (WRITE_GOLDEN=1 writes it)");
}

#[test]
fn each_configuration_of_a_syslog_daemon_comes_out_as_it_did() {
    for (program, name) in CONFIGURATIONS {
        let (code, toml, report) = import(program, &[&format!("{name}.conf")]);
        golden(program, &format!("{name}.toml"), &toml);
        golden(program, &format!("{name}.report"), &report);
        let wrong = report.contains("\nwrong (");
        assert_eq!(code, i32::from(wrong), "{name}: {report}");
    }
}

#[test]
fn the_mistakes_of_published_configurations_are_said_where_they_are() {
    let (code, toml, report) = import("syslog-ng", &["hack-client.conf"]);
    assert_eq!(code, 1);
    assert!(report.contains("hack-client.conf:2:50: internal(): `;` is missing after this"), "{report}");
    // What follows is read all the same.
    assert_eq!(toml.matches("[[path]]").count(), 16);
    assert!(report.contains("a message of auth.emerg is written twice"), "{report}");
    let (_, _, report) = import("syslog-ng", &["failover.conf"]);
    for line in [
        "failover.conf:10:3: stats(…): stats() is known from 4.1 on",
        "failover.conf:29:10: reliable(yes): a disk buffer in front of a file",
        "failover.conf:35:1: log {…}: without flow-control",
    ] {
        assert!(report.contains(line), "{line}: {report}");
    }
}

/// Every key of a table and of those within it.
fn keys(value: &toml::Value, found: &mut Vec<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                found.push(key.clone());
                keys(value, found);
            }
        }
        toml::Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

/// The keys that a documented configuration shows, also in its comments.
fn documented(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

#[test]
fn no_key_is_written_that_the_documented_configuration_does_not_have() {
    let text = documented("pipeline.toml") + &documented("collector.toml");
    // Of steps, which the documentation shows some of.
    let steps = [
        "when",
        "from",
        "columns",
        "delimiters",
        "quotes",
        "pattern",
        "type",
        "rename",
        "clear-tag",
        "to",
        "flags",
    ];
    let steps = [
        &steps[..],
        &[
            "marker",
            "value-separator",
            "pair-separator",
            "set-severity",
            "set-facility",
            "set-pri",
            "fix-time-zone",
            "set-time-zone",
        ],
    ]
    .concat();
    for (program, name) in CONFIGURATIONS {
        let table: toml::Table =
            std::fs::read_to_string(data(program).join(format!("{name}.toml"))).unwrap().parse().unwrap();
        for (section, value) in &table {
            assert!(text.contains(&format!("[{section}]")), "{name}: [{section}]");
            let mut found = Vec::new();
            match section.as_str() {
                // Their keys are names.
                "filter" | "template" => continue,
                "steps" => value.as_table().unwrap().values().for_each(|steps| keys(steps, &mut found)),
                _ => keys(value, &mut found),
            }
            for key in found {
                let mut shown = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                let known = shown.any(|word| word == key) || steps.contains(&key.as_str());
                assert!(known, "{name}: [{section}] {key}");
            }
        }
    }
}

/// Whether the schema knows log paths yet.
fn knows_paths() -> bool {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.toml");
    let text = "[[source]]\nid = \"s\"\ntype = \"internal\"\n[[destination]]\nid = \"d\"\ntype = \"usertty\"\nusers = [\"root\"]\n[[path]]\nid = \"p\"\ndestinations = [\"d\"]\n";
    std::fs::write(&path, text).unwrap();
    binary().args(["check", "--config"]).arg(&path).output().unwrap().status.success()
}

#[test]
fn our_own_check_takes_what_came_out() {
    if !knows_paths() {
        skipped("`check` does not know [[path]] and all kinds of sources and destinations yet");
        return;
    }
    for (program, name) in CONFIGURATIONS {
        let path = data(program).join(format!("{name}.toml"));
        let output = binary().args(["check", "--config"]).arg(&path).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Words of options in a text, with their lines: what stands before a parenthesis.
fn words(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let code = line.split('#').next().unwrap_or_default();
        let Some((word, _)) = code.trim().split_once('(') else { continue };
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !word.is_empty() && word.chars().all(plain) {
            found.push((n + 1, word.to_owned()));
        }
    }
    found
}

#[test]
fn every_word_ends_in_exactly_one_list_and_none_is_unknown() {
    let (_, _, report) = import("syslog-ng", &["words.conf"]);
    assert!(!report.contains("unknown"), "{report}");
    let text = std::fs::read_to_string(data("syslog-ng").join("words.conf")).unwrap();
    let lists = report.split("worth a look").next().unwrap();
    // Conditions are said with their filter, and what a path refers to with the path.
    let within = ["facility", "source", "filter", "rewrite", "parser", "destination"];
    for (line, word) in words(&text).into_iter().filter(|(_, word)| !within.contains(&word.as_str())) {
        let place = format!("words.conf:{line}:");
        let said = lists
            .lines()
            .filter(|said| said.contains(&place) && said.contains(&format!(": {word}(")))
            .count();
        assert_eq!(said, 1, "{line}: {word}: {report}");
    }
}

#[test]
fn several_files_come_under_their_names_and_into_files_of_their_own() {
    let (code, toml, _) = import("syslog-conf", &["freebsd.conf", "sysklogd.conf"]);
    assert_eq!(code, 0);
    assert!(toml.starts_with("# ---- freebsd.conf\n") && toml.contains("\n# ---- sysklogd.conf\n"), "{toml}");
    let dir = tempfile::tempdir().unwrap();
    let (code, toml, report) =
        import("syslog-conf", &["--output", dir.path().to_str().unwrap(), "freebsd.conf"]);
    assert_eq!((code, toml.as_str()), (0, ""), "{report}");
    let written = std::fs::read(dir.path().join("freebsd.toml")).unwrap();
    assert_eq!(written, std::fs::read(data("syslog-conf").join("freebsd.toml")).unwrap());
    let (code, _, report) = import("syslog-ng", &["no-such-file.conf"]);
    assert_eq!(code, 1);
    assert!(report.contains("cannot read no-such-file.conf"), "{report}");
}

#[test]
fn included_files_are_read_with_their_own_places() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("conf.d")).unwrap();
    let main = "@version: 3.38\n@include \"conf.d/*.conf\"\n@include \"main.conf\"\nlog { source(s); destination(d); };\n";
    std::fs::write(dir.path().join("main.conf"), main).unwrap();
    std::fs::write(dir.path().join("conf.d/a.conf"), "source s { udp(); };\n").unwrap();
    std::fs::write(dir.path().join("conf.d/b.conf"), "destination d { file(\"/var/log/x/y\" frob(1)); };\n")
        .unwrap();
    let path = dir.path().join("main.conf");
    let (_, toml, report) = import("syslog-ng", &[path.to_str().unwrap()]);
    assert!(toml.contains("listen = \"0.0.0.0:514\" # a.conf:1"), "{toml}");
    assert!(report.contains("conf.d/b.conf:1:37: frob(1): unknown word"), "{report}");
    assert!(report.contains("main.conf:3:1") && report.contains("includes itself"), "{report}");
}

#[test]
fn syslog_ng_itself_takes_the_configurations_that_we_call_right_and_refuses_where_we_do() {
    if !has("syslog-ng") {
        skipped("syslog-ng is needed to ask syslog-ng itself");
        return;
    }
    for (name, good) in [("hack-client", false), ("words", true)] {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).into_os_string();
        let mut command = Command::new("timeout");
        command
            .args(["-s", "KILL", "60", "syslog-ng", "-s", "-f"])
            .arg(data("syslog-ng").join(format!("{name}.conf")));
        command
            .arg("--persist-file")
            .arg(at("persist"))
            .arg("--control")
            .arg(at("control"))
            .arg("--pidfile")
            .arg(at("pid"));
        let output = command.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.success(), good, "{name}: {said}");
        if !good {
            // Behind the space in front of the brace, where we point to the end of what lacks its semicolon.
            assert!(said.contains("expecting ';'") && said.contains(":2:51"), "{name}: {said}");
        }
    }
}
