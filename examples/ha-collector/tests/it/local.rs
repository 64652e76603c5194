//! Destinations on this machine that are no files: a program, a pipe, a socket, standard output.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixDatagram;

use rustix::fs::OFlags;

use crate::ports::port;
use crate::relay::config;
use crate::support::{Collector, PATIENCE, binary};

const MESSAGES: u64 = 500;

#[test]
fn each_kind_gets_every_message_in_order_and_a_program_ends_with_the_collector() {
    let data = tempfile::tempdir().unwrap();
    let places = tempfile::tempdir().unwrap();
    let at = |name: &str| places.path().join(name);
    let socket = UnixDatagram::bind(at("socket")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let script = "grep CapPrm /proc/self/status >&2; cat > $1; echo end >> $1";
    let destinations = format!(
        r#"[[destination]]
id = "program"
type = "program"
command = ["/bin/sh", "-c", {script:?}, "sh", {:?}]
[[destination]]
id = "pipe"
type = "pipe"
path = {:?}
[[destination]]
id = "socket"
type = "unix-dgram"
to = {:?}
format = "rfc3164"
[[destination]]
id = "console"
type = "console"
"#,
        at("program"),
        at("pipe"),
        at("socket")
    );
    let mut collector = Collector::start_with(&mut binary(), &config(data.path(), port(), &destinations));
    let mut tcp = TcpStream::connect(collector.tcp).unwrap();
    for n in 0..MESSAGES {
        writeln!(tcp, "<34>1 2025-11-20T12:00:00Z h app - - - {n}").unwrap();
    }
    drop(tcp);
    let mut bytes = [0; 1024];
    for n in 0..MESSAGES {
        let len = socket.recv(&mut bytes).unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes[..len]), format!("<34>Nov 20 12:00:00 h app: {n}"));
    }
    // Nobody reads the pipe yet: for it everything is in the buffer, for the three others nothing.
    collector.wait_for_ledger(|ledger| ledger.queued == MESSAGES && ledger.delivered == 3 * MESSAGES);
    assert!(collector.said.contains("the program says: CapPrm:\\t0000000000000000"), "{}", collector.said);
    let flags = OFlags::NONBLOCK.bits() as i32;
    let pipe = std::fs::File::options().read(true).custom_flags(flags).open(at("pipe")).unwrap();
    rustix::io::ioctl_fionbio(&pipe, false).unwrap();
    collector.wait_for_ledger(|ledger| ledger.delivered == 4 * MESSAGES);
    collector.stop();
    let is_message = |line: &str, n: u64| line == format!("2025-11-20T12:00:00+00:00 h app: {n}");
    let lines: Vec<String> = BufReader::new(pipe).lines().map(Result::unwrap).collect();
    assert_eq!(lines.len() as u64, MESSAGES);
    assert!(lines.iter().zip(0..).all(|(line, n)| is_message(line, n)), "{lines:?}");
    let program = std::fs::read_to_string(at("program")).unwrap();
    let (messages, end) = program.rsplit_once("end\n").unwrap();
    assert_eq!((messages.lines().count() as u64, end), (MESSAGES, ""));
    assert!(messages.lines().zip(0..).all(|(line, n)| is_message(line, n)), "{messages}");
}
