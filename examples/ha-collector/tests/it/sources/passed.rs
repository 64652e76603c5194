//! Sockets that a service manager has opened before.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use crate::support::{Collector, binary, lines};

/// The collector as a service manager starts it, with one socket as descriptor 3.
fn with_socket(socket: OwnedFd, config: &std::path::Path) -> Command {
    let mut command = Command::new("sh");
    let script = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=syslog.socket exec \"$@\"";
    command.args(["-c", script, "sh"]).arg(binary().get_program()).args(["run", "--config"]).arg(config);
    command.stdin(Stdio::from(socket)).env("TZ", "UTC").env_remove("RUST_LOG");
    command
}

#[test]
fn a_socket_that_was_passed_is_used_and_what_was_sent_before_the_start_is_received() {
    let data = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let mut tcp = TcpStream::connect(to).unwrap();
    writeln!(tcp, "<13>1 - h a - - - sent before").unwrap();
    let path = data.path().join("c.toml");
    let text = format!(
        "data = {:?}\n[[source]]\nid = \"tcp\"\ntype = \"tcp\"\nlisten = \"{to}\"\n\
         [[source]]\nid = \"udp\"\ntype = \"udp\"\nlisten = \"127.0.0.1:0\"\n\
         [[destination]]\nid = \"files\"\ntype = \"file\"\n",
        data.path()
    );
    std::fs::write(&path, text).unwrap();
    // The listener of the test stays open: a second bind of that address would fail.
    let mut collector = Collector::started(&mut with_socket(listener.try_clone().unwrap().into(), &path));
    assert_eq!(collector.tcp, to);
    collector.wait_for_ledger(|ledger| ledger.delivered == 1);
    collector.stop();
    let found = lines(&data.path().join("logs/h"));
    assert!(found.values().flatten().any(|line| line.ends_with("sent before")), "{found:?}");
}

#[test]
fn a_socket_that_no_source_asks_for_is_said() {
    let data = tempfile::tempdir().unwrap();
    let path = crate::support::config(data.path(), "");
    let other = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let collector = Collector::started(&mut with_socket(other.into(), &path));
    assert!(collector.said.contains("passed a socket that no source asks for"), "{}", collector.said);
    assert!(collector.said.contains("syslog.socket") && collector.said.contains(&address.to_string()));
    collector.stop();
}
