//! The three configurations that are shipped: a client sends to a relay, which sends to a server, which writes files.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Collector, binary, has, lines, skipped};

/// One of the shipped configurations, made to run here: places and addresses are replaced, everything else stays.
fn shipped(name: &str, dir: &Path, replace: &[(&str, String)]) -> PathBuf {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").join(name);
    let mut text = std::fs::read_to_string(&shipped).unwrap();
    let data = format!("data = {:?}", dir.join("data"));
    for (from, to) in std::iter::once(&("data = \"/var/lib/ha-collector\"", data)).chain(replace) {
        assert!(text.contains(from), "{name} has no {from}");
        text = text.replace(from, to);
    }
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn what_a_client_says_goes_over_a_relay_into_the_servers_files_once_and_in_order() {
    if !has("logger") {
        skipped("logger (bsdutils) is not installed");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    };
    let any = || ("\"0.0.0.0:514\"", "\"127.0.0.1:0\"".to_owned());
    let server = shipped(
        "server.toml",
        &at("server"),
        &[
            any(),
            ("/var/log/remote", at("remote").display().to_string()),
            ("/var/log/errors", at("errors").display().to_string()),
        ],
    );
    let mut server = Collector::start_with(&mut binary(), &server);
    let relay = shipped(
        "relay.toml",
        &at("relay"),
        &[any(), ("\"10.0.0.10:514\", \"10.0.1.10:514\"", format!("\"{}\"", server.tcp))],
    );
    let mut relay = Collector::start_with(&mut binary(), &relay);
    let socket = at("client").join("log");
    let client = shipped(
        "client.toml",
        &at("client"),
        &[
            ("/run/ha-collector/log", socket.display().to_string()),
            ("/var/log/nginx", at("nginx").display().to_string()),
            ("10.0.0.10:514", relay.tcp.to_string()),
        ],
    );
    let client = Collector::start_with(&mut binary(), &client);
    for n in 0..50 {
        let level = if n % 10 == 0 { "user.err" } else { "user.info" };
        let text = format!("HELLO SYSLOG {n:02}");
        let logged =
            Command::new("logger").arg("-u").arg(&socket).args(["-p", level, "-t", "role", &text]).status();
        assert!(logged.unwrap().success());
    }
    std::fs::write(dir.path().join("nginx/access.log"), "GET / 200\nGET /favicon.ico 404\n").unwrap();
    relay.wait_for_ledger(|ledger| ledger.delivered >= 52);
    server.wait_for_ledger(|ledger| ledger.queued == 0 && ledger.accepted >= 52);
    client.stop();
    relay.stop();
    server.stop();
    let remote = lines(&dir.path().join("remote"));
    let all: Vec<&String> = remote.values().flatten().collect();
    let said: Vec<&str> =
        all.iter().filter_map(|line| line.split_once("role: ").map(|(_, text)| text)).collect();
    let expected: Vec<String> = (0..50).map(|n| format!("HELLO SYSLOG {n:02}")).collect();
    assert_eq!(said, expected);
    assert_eq!(all.iter().filter(|line| line.contains("GET /")).count(), 2, "{all:?}");
    let errors = lines(&dir.path().join("errors"));
    let errors: Vec<serde_json::Value> =
        errors.values().flatten().map(|line| serde_json::from_str(line).unwrap()).collect();
    let errors = errors.iter().filter(|message| message["app"] == "role");
    let texts: Vec<&str> = errors.map(|message| message["message"].as_str().unwrap()).collect();
    assert_eq!(
        texts,
        ["HELLO SYSLOG 00", "HELLO SYSLOG 10", "HELLO SYSLOG 20", "HELLO SYSLOG 30", "HELLO SYSLOG 40"]
    );
}
