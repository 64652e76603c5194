//! What somebody is told who asks for help, mistypes, or asks for what cannot be.

use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Output, Stdio};

use crate::support::{Collector, binary, config, skipped};

fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        binary().args(arguments).stdin(Stdio::null()).env_remove("RUST_LOG").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn run_config(path: &Path) -> (i32, String) {
    let (code, _, said) = run(&["run", "--config", path.to_str().unwrap()]);
    (code, said)
}

#[test]
fn help_tells_the_commands_the_defaults_the_signals_and_the_exit_codes() {
    let (code, out, _) = run(&["--help"]);
    assert_eq!(code, 0);
    for text in [
        "run",
        "check",
        "demo",
        "--config",
        "--data",
        "127.0.0.1:5514",
        "HUP",
        "4 messages left in the buffer",
    ] {
        assert!(out.contains(text), "{text} is not in:\n{out}");
    }
}

#[test]
fn a_mistyped_command_is_answered_with_the_right_one() {
    let (code, _, said) = run(&["chekc"]);
    assert_eq!(code, 2);
    assert!(said.contains("check"), "{said}");
}

#[test]
fn check_shows_a_mistake_at_its_place_and_starts_nothing() {
    let data = tempfile::tempdir().unwrap();
    let path = config(data.path(), "rot = \"logs\"\n");
    let (code, _, said) = run(&["check", "--config", path.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(said.contains("collector.toml:13:1") && said.contains("did you mean `root`?"), "{said}");
    assert_eq!(run_config(&path).0, 1, "run says the same");
    std::fs::write(&path, std::fs::read_to_string(&path).unwrap().replace("rot =", "root =")).unwrap();
    let (code, _, said) = run(&["check", "--config", path.to_str().unwrap()]);
    assert_eq!((code, std::fs::read_dir(data.path()).unwrap().count()), (0, 1), "{said}");
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_created() {
    let data = tempfile::tempdir().unwrap();
    let path = config(data.path(), "");
    let text = std::fs::read_to_string(&path).unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    for (kind, taken) in [("udp", udp.local_addr().unwrap()), ("tcp", tcp.local_addr().unwrap())] {
        let sources = text.replace(
            &format!("type = \"{kind}\"\nlisten = \"127.0.0.1:0\""),
            &format!("type = \"{kind}\"\nlisten = \"{taken}\""),
        );
        std::fs::write(&path, sources).unwrap();
        let (code, said) = run_config(&path);
        assert_eq!(code, 3, "{said}");
        assert!(said.contains(&format!("cannot listen on {kind} {taken}")), "{said}");
        assert!(said.contains("another program listens there"), "{said}");
        assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 1, "only the configuration");
    }
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("file"), "").unwrap();
    let path = config(data.path(), "root = \"file/logs\"\n");
    let (code, said) = run_config(&path);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("cannot write logs beneath") && said.contains("file/logs"), "{said}");
    let path = config(data.path(), "[buffer]\ndir = \"file/buffer\"\n");
    let (code, said) = run_config(&path);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("cannot open the buffer") && said.contains("file/buffer"), "{said}");
}

#[test]
fn a_directory_of_somebody_else_is_refused_to_an_ordinary_user() {
    if rustix::process::geteuid().is_root() && !crate::support::has("setpriv") {
        skipped("root may write anywhere, and setpriv (util-linux) is not installed");
        return;
    }
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir(data.path().join("logs")).unwrap();
    let path = config(data.path(), "");
    let readable = |path: &Path, mode| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    readable(data.path(), 0o755);
    readable(&path, 0o644);
    readable(&data.path().join("logs"), 0o555);
    let output = if rustix::process::geteuid().is_root() {
        // A copy, for the directory of the binary may be closed to others.
        let copy = data.path().join("ha-collector");
        std::fs::copy(env!("CARGO_BIN_EXE_ha-collector"), &copy).unwrap();
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(copy);
        command.arg("run").arg("--config").arg(&path).output().unwrap()
    } else {
        binary().arg("run").arg("--config").arg(&path).output().unwrap()
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("Permission denied") && said.contains("logs"), "{said}");
}

#[test]
fn a_second_collector_on_the_same_buffer_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let first = Collector::start(data.path());
    let (code, said) = run_config(&data.path().join("collector.toml"));
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("queue is in use"), "{said}");
    first.stop();
}
