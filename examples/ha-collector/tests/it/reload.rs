//! A changed configuration while messages come: nothing is lost, what stays goes on, what is wrong changes nothing.

use std::io::Write as _;
use std::net::{TcpStream, UdpSocket};
use std::path::Path;

use rustix::process::Signal;

use crate::ports::port;
use crate::support::{Collector, binary, lines};

/// Two sources on fixed ports, so that the same text means the same sockets; `rest` is what changes.
fn config(data: &Path, ports: (u16, u16), rest: &str) -> std::path::PathBuf {
    let path = data.join("collector.toml");
    let (udp, tcp) = ports;
    let text = format!(
        "data = {data:?}\n\
         [[source]]\nid = \"udp\"\ntype = \"udp\"\nlisten = \"127.0.0.1:{udp}\"\n\
         [[source]]\nid = \"tcp\"\ntype = \"tcp\"\nlisten = \"127.0.0.1:{tcp}\"\n\
         [[destination]]\nid = \"files\"\ntype = \"file\"\n{rest}"
    );
    std::fs::write(&path, text).unwrap();
    path
}

fn free_ports() -> (u16, u16) {
    (port().port(), port().port())
}

const ERRORS_APART: &str = r#"
[[destination]]
id = "errors"
type = "file"
root = "errors"
path = "all.log"
[[path]]
id = "all"
destinations = ["files"]
flags = ["flow-control"]
[[path]]
id = "errors"
steps = [{ filter = "level(err..emerg)" }]
destinations = ["errors"]
flags = ["flow-control"]
"#;

#[test]
fn a_path_is_added_and_removed_while_connections_stay_and_no_message_is_lost() {
    let data = tempfile::tempdir().unwrap();
    let ports = free_ports();
    let path = config(data.path(), ports, "");
    let mut collector = Collector::start_with(&mut binary(), &path);
    let mut tcp = TcpStream::connect(collector.tcp).unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut sent = 0;
    for round in 0..6 {
        for n in 0..200 {
            // Every tenth is an error.
            let pri = if n % 10 == 0 { 11 } else { 14 };
            writeln!(tcp, "<{pri}>1 2025-01-01T00:00:00Z h a - - - tcp {round} {n:03}").unwrap();
            let text = format!("<{pri}>1 2025-01-01T00:00:00Z h a - - - udp {round} {n:03}");
            udp.send_to(text.as_bytes(), collector.udp).unwrap();
            sent += 2;
        }
        if round % 2 == 1 {
            // What is accepted while the path is there goes along it; what comes after it is gone does not.
            collector.wait_for_ledger(|ledger| ledger.accepted == sent);
        }
        // In the middle of it, where the path comes.
        if round < 5 {
            config(data.path(), ports, if round % 2 == 0 { ERRORS_APART } else { "" });
            collector.signal(Signal::HUP);
            let said = collector.wait_for("reloaded: ");
            assert!(said.contains("2 sources (0 started, 0 ended)"), "{said}");
        }
        collector.wait_for_ledger(|ledger| ledger.accepted == sent);
    }
    collector.wait_for_ledger(|ledger| ledger.queued == 0);
    let ledger = collector.stop();
    assert!(ledger.dropped.is_empty(), "{ledger:?}");
    let found = lines(&data.path().join("logs"));
    for way in ["tcp", "udp"] {
        let mine = found["h/2025-01-01.log"].iter().filter(|line| line.contains(&format!("a: {way} ")));
        let expected = (0..6).flat_map(|round| (0..200).map(move |n| (round, n)));
        let expected =
            expected.map(|(round, n)| format!("2025-01-01T00:00:00+00:00 h a: {way} {round} {n:03}"));
        assert!(mine.cloned().eq(expected), "each once, in order");
    }
    // Rounds 1, 3 and 5 began with the path there; of the others some came before the word was heard and some after.
    let errors = &lines(&data.path().join("errors"))["all.log"];
    for round in [1, 3, 5] {
        assert_eq!(
            errors.iter().filter(|line| line.contains(&format!(" {round} "))).count(),
            40,
            "{errors:?}"
        );
    }
    assert!(errors.iter().all(|line| line.ends_with('0')), "errors only");
}

#[test]
fn a_configuration_that_cannot_be_used_changes_nothing_and_says_where() {
    let data = tempfile::tempdir().unwrap();
    let ports = free_ports();
    let path = config(data.path(), ports, "");
    let mut collector = Collector::start_with(&mut binary(), &path);
    let mut tcp = TcpStream::connect(collector.tcp).unwrap();
    let reload = || {
        let output = binary().args(["reload", "--config"]).arg(&path).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    // The daemon's place is known by the first line of the file, whatever else is wrong with it.
    let port = ports.1;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let other = taken.local_addr().unwrap();
    for (rest, said) in [
        ("[[path]]\nid = \"p\"\ndestinations = [\"fils\"]\n".to_owned(), "did you mean `files`?"),
        (
            format!("[[source]]\nid = \"more\"\ntype = \"tcp\"\nlisten = \"{other}\"\n"),
            "another program listens there",
        ),
    ] {
        config(data.path(), ports, &rest);
        collector.signal(Signal::HUP);
        collector.wait_for("nothing has changed");
        if !said.starts_with("did") {
            let (code, answer) = reload();
            assert_eq!(code, Some(3), "{answer}");
            assert!(answer.contains(said), "{answer}");
        }
    }
    assert!(collector.said.contains("did you mean `files`?"), "{}", collector.said);
    writeln!(tcp, "<13>1 2025-01-01T00:00:00Z h a - - - still here").unwrap();
    collector.wait_for_ledger(|ledger| ledger.delivered == 1);
    // The same place, set up otherwise: it is ended and begun anew, and says so.
    let text = std::fs::read_to_string(config(data.path(), ports, "")).unwrap();
    let listen = format!("listen = \"127.0.0.1:{port}\"\n");
    std::fs::write(&path, text.replacen(&listen, &format!("{listen}max-connections = 7\n"), 2)).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches("max-connections").count(), 1, "{text}");
    let (code, answer) = reload();
    assert_eq!(code, Some(0), "{answer}");
    assert!(answer.contains("2 sources (1 started, "), "{answer}");
    let mut tcp = TcpStream::connect(collector.tcp).unwrap();
    writeln!(tcp, "<13>1 2025-01-01T00:00:00Z h a - - - and here").unwrap();
    collector.wait_for_ledger(|ledger| ledger.delivered == 2);
    collector.stop();
}

#[test]
fn what_waits_for_a_destination_comes_to_it_when_it_is_changed_and_paths_come() {
    let data = tempfile::tempdir().unwrap();
    let ports = free_ports();
    let (nowhere, _) = free_ports();
    let away = format!("[[destination]]\nid = \"away\"\ntype = \"tcp\"\nto = [\"127.0.0.1:{nowhere}\"]\n");
    let path = config(data.path(), ports, &away);
    let mut collector = Collector::start_with(&mut binary(), &path);
    let mut tcp = TcpStream::connect(collector.tcp).unwrap();
    for n in 0..50 {
        writeln!(tcp, "<13>1 2025-01-01T00:00:00Z h a - - - {n:02}").unwrap();
    }
    collector.wait_for_ledger(|ledger| ledger.delivered == 50);
    let here = "[[destination]]\nid = \"away\"\ntype = \"file\"\nroot = \"here\"\npath = \"all.log\"\n\
                [[path]]\nid = \"all\"\ndestinations = [\"files\", \"away\"]\nflags = [\"flow-control\"]\n";
    config(data.path(), ports, here);
    collector.signal(Signal::HUP);
    collector.wait_for("reloaded: ");
    collector.wait_for_ledger(|ledger| ledger.queued == 0);
    collector.stop();
    assert_eq!(lines(&data.path().join("here"))["all.log"].len(), 50);
}

#[test]
fn when_one_of_two_changed_sources_cannot_be_bound_both_are_as_they_were() {
    let data = tempfile::tempdir().unwrap();
    let ports = free_ports();
    let (_, third) = free_ports();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let more = |listen: &str| format!("[[source]]\nid = \"more\"\ntype = \"tcp\"\nlisten = [{listen}]\n");
    let path = config(data.path(), ports, &more(&format!("\"127.0.0.1:{third}\"")));
    let mut collector = Collector::start_with(&mut binary(), &path);
    let both = format!("\"127.0.0.1:{third}\", \"{}\"", taken.local_addr().unwrap());
    let text = std::fs::read_to_string(config(data.path(), ports, &more(&both))).unwrap();
    let changed = text.replace("type = \"tcp\"\n", "type = \"tcp\"\nmax-connections = 7\n");
    std::fs::write(&path, changed).unwrap();
    collector.signal(Signal::HUP);
    collector.wait_for("nothing has changed");
    for port in [ports.1, third] {
        let mut tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
        writeln!(tcp, "<13>1 2025-01-01T00:00:00Z h a - - - still here").unwrap();
    }
    collector.wait_for_ledger(|ledger| ledger.delivered == 2);
    collector.stop();
}

#[test]
fn what_a_source_that_is_taken_away_has_received_goes_along_the_paths_that_it_was_in() {
    let data = tempfile::tempdir().unwrap();
    let ports = free_ports();
    let (_, third) = free_ports();
    let going = format!("[[source]]\nid = \"going\"\ntype = \"tcp\"\nlisten = \"127.0.0.1:{third}\"\n");
    let all = "[[path]]\nid = \"all\"\ndestinations = [\"files\"]\nflags = [\"flow-control\"]\n";
    let path = config(data.path(), ports, &format!("{going}{all}"));
    let mut collector = Collector::start_with(&mut binary(), &path);
    let tcp = TcpStream::connect(("127.0.0.1", third)).unwrap();
    let sender = std::thread::spawn(move || {
        let mut sent = 0;
        // Until the other side says that it ends.
        loop {
            let mut some = Vec::new();
            for _ in 0..200 {
                writeln!(some, "<13>1 2025-01-01T00:00:00Z h a - - - {sent}").unwrap();
                sent += 1;
            }
            (&tcp).write_all(&some).unwrap();
            tcp.set_nonblocking(true).unwrap();
            if matches!(tcp.peek(&mut [0]), Ok(0)) {
                return sent;
            }
            tcp.set_nonblocking(false).unwrap();
            // No more than a busy machine reads in the two seconds that it has for that: the kernel would hold megabytes.
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    });
    collector.wait_for_ledger(|ledger| ledger.accepted > 1000);
    config(data.path(), ports, all);
    collector.signal(Signal::HUP);
    collector.wait_for("reloaded: ");
    let sent: u64 = sender.join().unwrap();
    let ledger = collector.stop();
    assert!(ledger.dropped.is_empty(), "{ledger:?}");
    assert_eq!(ledger.accepted, sent);
}

#[test]
fn flow_control_that_is_added_holds_for_a_destination_that_was_there() {
    let data = tempfile::tempdir().unwrap();
    let ports = free_ports();
    let paths =
        |flags: &str| format!("[[path]]\nid = \"all\"\ndestinations = [\"files\"]\nflags = [{flags}]\n");
    let path = config(data.path(), ports, &paths(""));
    let mut collector = Collector::start_with(&mut binary(), &path);
    config(data.path(), ports, &paths("\"flow-control\""));
    collector.signal(Signal::HUP);
    collector.wait_for("reloaded: ");
    collector.stop();
    let listed = binary().args(["buffer", "ls"]).arg(data.path().join("buffer")).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("files") && !listed.contains("loses"), "{listed}");
}

#[test]
fn templates_know_the_sources_tags_and_fields_that_come_with_a_reload() {
    let data = tempfile::tempdir().unwrap();
    let ports = free_ports();
    let (_, third) = free_ports();
    let rest = |steps: &str| {
        format!(
            "root = \"logs\"\npath = \"all.log\"\ntemplate = \"$SOURCE $TAGS ${{.new}} $MESSAGE\\n\"\n\
             [[path]]\nid = \"all\"\nsteps = [{steps}]\ndestinations = [\"files\"]\nflags = [\"flow-control\"]\n"
        )
    };
    let path = config(data.path(), ports, &rest(""));
    let mut collector = Collector::start_with(&mut binary(), &path);
    let source = format!("[[source]]\nid = \"more\"\ntype = \"tcp\"\nlisten = \"127.0.0.1:{third}\"\n");
    config(
        data.path(),
        ports,
        &(rest("{ set = \".new\", to = \"field\" }, { set-tag = \"late\" }") + &source),
    );
    collector.signal(Signal::HUP);
    collector.wait_for("reloaded: ");
    let mut tcp = TcpStream::connect(("127.0.0.1", third)).unwrap();
    writeln!(tcp, "<13>1 2025-01-01T00:00:00Z h a - - - hello").unwrap();
    collector.wait_for_ledger(|ledger| ledger.delivered == 1);
    collector.stop();
    let line = &lines(&data.path().join("logs"))["all.log"][0];
    assert!(line.starts_with("more ") && line.ends_with(" field hello"), "{line}");
    assert!(line.contains(".source.more") && line.contains("late"), "{line}");
}

#[test]
fn what_cannot_change_while_it_runs_is_refused_or_named() {
    let data = tempfile::tempdir().unwrap();
    let ports = free_ports();
    let path = config(data.path(), ports, "");
    let mut collector = Collector::start_with(&mut binary(), &path);
    config(data.path(), ports, "[buffer]\nmax-size = \"3GiB\"\n");
    collector.signal(Signal::HUP);
    let said = collector.wait_for("reloaded: ");
    assert!(said.contains("what is new in [buffer] holds from the next start on"), "{said}");
    let router =
        "[[vrrp]]\nid = \"V\"\ninterface = \"lo\"\nvrid = 5\npriority = 100\naddresses = [\"10.9.9.9/32\"]\n";
    config(data.path(), ports, router);
    collector.signal(Signal::HUP);
    let said = collector.wait_for("reloaded: ");
    assert!(said.contains("what is new in [[vrrp]] holds"), "{said}");
    config(data.path(), ports, "[buffer]\ndir = \"elsewhere\"\n");
    collector.signal(Signal::HUP);
    let said = collector.wait_for("nothing has changed");
    assert!(said.contains("the data cannot be elsewhere while it runs"), "{said}");
    collector.stop();
    assert!(!data.path().join("elsewhere").exists());
}

#[test]
fn a_destination_that_is_removed_under_load_delivers_what_it_is_due_and_is_forgotten() {
    let data = tempfile::tempdir().unwrap();
    let ports = free_ports();
    let path = config(data.path(), ports, ERRORS_APART);
    let mut collector = Collector::start_with(&mut binary(), &path);
    let to = collector.tcp;
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let sender = std::thread::spawn(move || {
        let mut tcp = TcpStream::connect(to).unwrap();
        let mut n = 0_u64;
        while matches!(ended.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty)) {
            let line = |n: u64| format!("<11>1 2025-01-01T00:00:00Z h a - - - {n:08}\n");
            let lines: String = (n..n + 100).map(line).collect();
            tcp.write_all(lines.as_bytes()).unwrap();
            n += 100;
        }
        n
    });
    collector.wait_for_ledger(|ledger| ledger.delivered > 5_000);
    config(data.path(), ports, "");
    collector.signal(Signal::HUP);
    collector.wait_for("has delivered all that it was due: forgotten");
    collector.wait_for("reloaded: ");
    end.send(()).unwrap();
    let sent = sender.join().unwrap();
    collector.wait_for_ledger(|ledger| ledger.accepted == sent && ledger.queued == 0);
    let ledger = collector.stop();
    assert!(ledger.dropped.is_empty(), "{ledger:?}");
    let numbers = |dir: &str, file: &str| -> Vec<u64> {
        let found = lines(&data.path().join(dir));
        found[file].iter().map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect()
    };
    assert!(numbers("logs", "h/2025-01-01.log").into_iter().eq(0..sent), "each once, in order");
    // All up to the moment when it was removed, and none after it.
    let errors = numbers("errors", "all.log");
    assert!(errors.len() > 2_500 && (errors.len() as u64) < sent, "{} of {sent}", errors.len());
    assert!(errors.iter().copied().eq(0..errors.len() as u64), "each once, in order, without a gap");
}
