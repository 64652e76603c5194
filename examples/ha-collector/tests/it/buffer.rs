//! `ha-collector buffer`: the buffer of a collector that was killed, looked into, damaged, and looked into again.

use std::io::Write as _;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Collector, binary};

/// Runs `buffer <what> <dir>`: exit code, output, what was said.
fn buffer(what: &str, dir: &Path) -> (i32, String, String) {
    let output = binary().args(["buffer", what]).arg(dir).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn text(n: u64) -> String {
    format!("<165>1 2003-10-11T22:14:15.003Z host{n} app 77 id - number {n}")
}

/// A collector that has received `messages` by TCP and one odd one by UDP, and was killed. What it delivered is still in its
/// buffer: the newest segment is never freed.
fn killed(data: &Path, messages: u64) -> PathBuf {
    let config = crate::support::config(data, "[buffer]\nsegment-size = \"1MiB\"\nmax-size = \"64MiB\"\n");
    let mut collector = Collector::start_with(&mut binary(), &config);
    let mut tcp = TcpStream::connect(collector.tcp).unwrap();
    for n in 1..=messages {
        writeln!(tcp, "{}", text(n)).unwrap();
    }
    collector.wait_for_ledger(|ledger| ledger.accepted == messages);
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.send_to(b"<13>odd \x1b[31m \xff", collector.udp).unwrap();
    collector.wait_for_ledger(|ledger| ledger.accepted == messages + 1 && ledger.queued == 0);
    let dir = data.join("buffer");
    let (code, out, said) = buffer("ls", &dir);
    assert_eq!((code, &*out), (3, ""), "in use");
    assert!(said.contains("in use") && said.contains("stop the collector"), "{said}");
    collector.kill();
    dir
}

fn json(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_buffer_is_listed_printed_checked_and_exported() {
    let data = tempfile::tempdir().unwrap();
    let dir = killed(data.path(), 100);
    let (code, out, said) = buffer("ls", &dir);
    assert_eq!((code, &*said), (0, ""));
    assert!(out.starts_with("101 messages, 1 to 101;"), "{out}");
    assert!(out.contains("1048576 bytes  messages 1 to 101"), "{out}");
    assert!(out.lines().any(|line| line.starts_with("consumer  files  next ")), "{out}");

    let (code, out, _) = buffer("cat", &dir);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!((code, lines.len()), (0, 101));
    assert!(lines[..100].iter().zip(1..).all(|(line, n)| **line == text(n)), "{out}");
    assert_eq!(lines[100], r"<13>odd \x1b[31m \xff");

    let (code, out, _) = buffer("verify", &dir);
    assert_eq!(code, 0, "{out}");
    assert!(out.starts_with("101 messages of ") && out.ends_with(" are whole, 0 are lost\n"), "{out}");

    let (code, out, _) = buffer("export", &dir);
    let records = json(&out);
    assert_eq!((code, records.len()), (0, 101));
    let third = &records[2];
    assert_eq!(third["raw"], *text(3));
    let fields =
        ["seq", "pri", "format", "host", "app", "procid", "msgid", "time", "cut"].map(|key| &third[key]);
    let expected = serde_json::json!([3, 165, "rfc5424", "host3", "app", "77", "id"]);
    assert!(
        fields.iter().zip(expected.as_array().unwrap()).all(|(field, wanted)| *field == wanted),
        "{third}"
    );
    assert_eq!(
        (fields[7].as_str(), fields[8].as_bool()),
        (Some("2003-10-11T22:14:15.003+00:00"), Some(false))
    );
    assert!(third["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{third}");
    assert!(third["received"].as_str().unwrap().ends_with("+00:00"), "{third}");
    let odd = &records[100];
    assert_eq!((&odd["raw"], odd["raw_base64"].as_str()), (&Value::Null, Some("PDEzPm9kZCAbWzMxbSD/")));
    assert_ne!(odd["source_key"], third["source_key"]);
}

#[test]
fn what_came_with_a_message_stands_beside_it_and_not_in_it() {
    let data = tempfile::tempdir().unwrap();
    let source = "[[source]]\nid = \"local\"\ntype = \"unix-dgram\"\npath = \"log\"\n";
    let mut collector = Collector::start_with(&mut binary(), &crate::support::config(data.path(), source));
    let local = std::os::unix::net::UnixDatagram::unbound().unwrap();
    local.send_to(b"<13>Nov 21 10:00:00 tag: text", data.path().join("log")).unwrap();
    collector.wait_for_ledger(|ledger| ledger.delivered == 1);
    collector.kill();
    let dir = data.path().join("buffer");
    let (code, out, _) = buffer("cat", &dir);
    assert_eq!((code, &*out), (0, "<13>Nov 21 10:00:00 tag: text\n"));
    let record = &json(&buffer("export", &dir).1)[0];
    assert_eq!(record["raw"], "<13>Nov 21 10:00:00 tag: text");
    assert!(
        record["credentials"].as_str().unwrap().contains(&format!("pid={} ", std::process::id())),
        "{record}"
    );
}

#[test]
fn damage_is_told_by_number_and_the_rest_comes_out() {
    let data = tempfile::tempdir().unwrap();
    let dir = killed(data.path(), 50);
    let path = dir.join("0000000000000000.seg");
    let bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(9).position(|window| window == b"number 20").unwrap() as u64;
    let segment = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    segment.write_all_at(b"N", at).unwrap();
    let damaged = std::fs::read(&path).unwrap();

    let (code, out, _) = buffer("verify", &dir);
    assert_eq!(code, 1, "{out}");
    let lost: Vec<&str> = out.lines().filter(|line| line.starts_with("lost: ")).collect();
    assert!(!lost.is_empty(), "{out}");
    let (code, out, _) = buffer("export", &dir);
    assert_eq!(code, 1);
    let records = json(&out);
    let (mut numbers, mut parts) = (Vec::new(), 0);
    for record in &records {
        match record.get("lost") {
            Some(lost) => numbers.extend(lost["from"].as_u64().unwrap()..=lost["to"].as_u64().unwrap()),
            None if record.get("part_of_batch_in").is_none() => numbers.push(record["seq"].as_u64().unwrap()),
            None => parts += 1,
        }
    }
    // Nothing is passed over in silence, and what is whole is there.
    assert!(numbers.iter().copied().eq(1..=51), "{numbers:?}");
    assert!(records.iter().all(|record| record["seq"] != 20));
    let raw = |n| records.iter().filter(|record| record["raw"] == *text(n)).count();
    assert!((1..=50).all(|n| raw(n) == usize::from(n != 20)), "{parts} parts: {out}");
    let (code, out, said) = buffer("cat", &dir);
    assert_eq!((code, out.lines().count()), (1, 50));
    assert!(said.starts_with("lost: messages "), "{said}");
    assert!(std::fs::read(&path).unwrap() == damaged, "the buffer was written to");
}

#[test]
fn what_is_no_buffer_is_refused() {
    let data = tempfile::tempdir().unwrap();
    for what in ["ls", "cat", "verify", "export"] {
        let (code, out, said) = buffer(what, data.path());
        assert_eq!((code, &*out), (3, ""));
        assert!(said.contains("no queue in"), "{said}");
    }
    let (code, _, said) = buffer("ls", &data.path().join("absent"));
    assert_eq!(code, 3);
    assert!(said.contains("absent"), "{said}");
    let dir = killed(data.path(), 1);
    std::fs::write(dir.join("META"), b"nonsense").unwrap();
    let (code, _, said) = buffer("verify", &dir);
    assert_eq!(code, 1);
    assert!(said.contains("META is damaged"), "{said}");
    assert_eq!(binary().args(["buffer", "mend"]).output().unwrap().status.code(), Some(2));
}
