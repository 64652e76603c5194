//! Sources that are changed under load: sockets and connections go on, and a reload that is done in part says so.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustix::process::Signal;

use crate::ledger::Balance;
use crate::ports::port;
use crate::support::{Collector, binary, lines};

/// A sender that goes on until it is told to stop, and gives what it sent.
struct Sender {
    end: Arc<AtomicBool>,
    thread: JoinHandle<Vec<String>>,
}

impl Sender {
    fn start(name: &'static str, mut send: impl FnMut(&str) + Send + 'static) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&end);
        let thread = std::thread::spawn(move || {
            let mut sent = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                let text = format!("{name} {:08}", sent.len());
                send(&format!("<13>1 2025-01-01T00:00:00Z h a - - - {text}"));
                sent.push(text);
            }
            sent
        });
        Self { end, thread }
    }

    fn stop(self) -> Vec<String> {
        self.end.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// Sources of three kinds at fixed places, that are changed by `round`: their limits, tags, ids.
fn configured(data: &Path, at: SocketAddr, round: usize) -> PathBuf {
    let path = data.join("collector.toml");
    let id = if round % 4 < 2 { "one" } else { "two" };
    let text = format!(
        "data = {data:?}\n\
         [[source]]\nid = \"udp-{id}\"\ntype = \"udp\"\nlisten = \"{at}\"\ntags = [\"t{round}\"]\nreceive-buffer = \"2MiB\"\n\
         [[source]]\nid = \"tcp-{id}\"\ntype = \"tcp\"\nlisten = \"{at}\"\nmax-connections = {}\n\
         [[source]]\nid = \"unix-{id}\"\ntype = \"unix-dgram\"\npath = \"log\"\ntags = [\"t{round}\"]\n\
         [[destination]]\nid = \"files\"\ntype = \"file\"\nroot = \"logs\"\npath = \"all.log\"\ntemplate = \"$MESSAGE\\n\"\n\
         [[path]]\nid = \"all\"\ndestinations = [\"files\"]\nflags = [\"flow-control\"]\n",
        500 + round
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn sources_that_are_changed_under_load_refuse_no_connection_and_lose_and_repeat_no_message() {
    let data = tempfile::tempdir().unwrap();
    let at = port();
    let path = configured(data.path(), at, 0);
    let mut collector = Collector::start_with(&mut binary(), &path);
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut many = 0;
    let mut long = TcpStream::connect(at).unwrap();
    let log = data.path().join("log");
    let local = UnixDatagram::unbound().unwrap();
    local.connect(&log).unwrap();
    let senders = [
        Sender::start("udp", move |line| {
            udp.send_to(line.as_bytes(), at).unwrap();
            many += 1;
            // As fast as may be, would be more than a small receive buffer holds while the disk of a busy machine is waited for.
            if many % 20 == 0 {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }),
        Sender::start("long", move |line| long.write_all(format!("{line}\n").as_bytes()).unwrap()),
        Sender::start("each", move |line| {
            // Refused, this would fail.
            let mut tcp = TcpStream::connect(at).unwrap();
            tcp.write_all(format!("{line}\n").as_bytes()).unwrap();
            // Not faster than they are served.
            tcp.shutdown(std::net::Shutdown::Write).unwrap();
            assert_eq!(std::io::Read::read(&mut tcp, &mut [0]).unwrap(), 0);
        }),
        Sender::start("unix", move |line| assert_eq!(local.send(line.as_bytes()).unwrap(), line.len())),
    ];
    for round in 1..=10 {
        collector.wait_for_ledger(|ledger| ledger.accepted > round * 1_000);
        configured(data.path(), at, usize::try_from(round).unwrap());
        collector.signal(Signal::HUP);
        let said = collector.wait_for("reload");
        assert!(said.contains("reloaded: 3 sources (3 started, 3 ended)"), "{said}");
    }
    let sent: Vec<Vec<String>> = senders.into_iter().map(Sender::stop).collect();
    let count: u64 = sent.iter().map(|sent| sent.len() as u64).sum();
    let counts: Vec<usize> = sent.iter().map(Vec::len).collect();
    collector.wait_for_ledger(|ledger| {
        assert!(ledger.dropped.is_empty(), "{counts:?}: {ledger:?}");
        ledger.accepted == count && ledger.queued == 0
    });
    assert!(log.exists(), "the socket's file is its successor's");
    let ledger = collector.stop();
    assert!(ledger.dropped.is_empty(), "{ledger:?}");
    assert!(!log.exists());
    let found = &lines(&data.path().join("logs"))["all.log"];
    for sent in sent {
        let name = sent[0].split(' ').next().unwrap();
        let mut mine: Vec<&String> = found.iter().filter(|line| line.starts_with(name)).collect();
        if name == "each" {
            // Connections are served beside each other.
            mine.sort();
        }
        assert!(mine.into_iter().eq(&sent), "{name}: each once, in order");
    }
}

#[test]
fn a_connection_whose_framing_is_changed_is_told_that_it_is_over() {
    let data = tempfile::tempdir().unwrap();
    let at = port();
    let path = data.path().join("collector.toml");
    let configured = |framing: &str| {
        let text = format!(
            "data = {:?}\n[[source]]\nid = \"tcp\"\ntype = \"tcp\"\nlisten = \"{at}\"\nframing = \"{framing}\"\n\
             [[destination]]\nid = \"files\"\ntype = \"file\"\n",
            data.path()
        );
        std::fs::write(&path, text).unwrap();
    };
    configured("lf");
    let mut collector = Collector::start_with(&mut binary(), &path);
    let mut tcp = TcpStream::connect(at).unwrap();
    writeln!(tcp, "<13>1 2025-01-01T00:00:00Z h a - - - before").unwrap();
    collector.wait_for_ledger(|ledger| ledger.delivered == 1);
    configured("octet-counting");
    collector.signal(Signal::HUP);
    assert_eq!(std::io::Read::read(&mut tcp, &mut [0]).unwrap(), 0, "a FIN");
    collector.wait_for("reloaded: ");
    let mut tcp = TcpStream::connect(at).unwrap();
    let line = "<13>1 2025-01-01T00:00:00Z h a - - - after";
    write!(tcp, "{} {line}", line.len()).unwrap();
    collector.wait_for_ledger(|ledger| ledger.delivered == 2);
    collector.stop();
}

#[test]
fn a_source_that_narrows_its_address_goes_on_there() {
    let data = tempfile::tempdir().unwrap();
    let at = port();
    let path = data.path().join("collector.toml");
    let configured = |ip: &str| {
        let listen = format!("{ip}:{}", at.port());
        let text = format!(
            "data = {:?}\n[[source]]\nid = \"udp\"\ntype = \"udp\"\nlisten = \"{listen}\"\n\
             [[source]]\nid = \"tcp\"\ntype = \"tcp\"\nlisten = \"{listen}\"\n\
             [[destination]]\nid = \"files\"\ntype = \"file\"\n",
            data.path()
        );
        std::fs::write(&path, text).unwrap();
    };
    configured("0.0.0.0");
    let mut collector = Collector::start_with(&mut binary(), &path);
    configured("127.0.0.1");
    collector.signal(Signal::HUP);
    collector.wait_for("reloaded: 2 sources (2 started, 2 ended)");
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.send_to(b"<13>1 2025-01-01T00:00:00Z h a - - - one", at).unwrap();
    writeln!(TcpStream::connect(at).unwrap(), "<13>1 2025-01-01T00:00:00Z h a - - - two").unwrap();
    collector.wait_for_ledger(|ledger| ledger.delivered == 2);
    collector.stop();
}

#[test]
fn a_reload_that_can_only_be_done_in_part_says_what_is_not_done_until_it_is() {
    let data = tempfile::tempdir().unwrap();
    let path = crate::support::config(data.path(), "");
    let mut collector = Collector::start_with(&mut binary(), &path);
    let consumers = data.path().join("buffer/consumers");
    let aside = data.path().join("aside");
    let more = "[[destination]]\nid = \"more\"\ntype = \"file\"\nroot = \"more\"\npath = \"all.log\"\n";
    crate::support::config(data.path(), more);
    let reload = || {
        let output = binary().args(["reload", "--config"]).arg(&path).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    // The new one gets no place in the buffer, which is the last thing that can fail.
    std::fs::rename(&consumers, &aside).unwrap();
    let (code, said) = reload();
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("reloaded in part: ") && said.contains("destination `more` does not run"),
        "{said}"
    );
    assert!(!said.contains("nothing has changed"), "{said}");
    collector.wait_for("destination `more` does not run");
    let status = || {
        String::from_utf8(binary().args(["status", "--config"]).arg(&path).output().unwrap().stdout).unwrap()
    };
    assert!(
        status().contains("not done at the last reload: destination `more` does not run"),
        "{}",
        status()
    );
    // The others go on.
    let mut tcp = TcpStream::connect(collector.tcp).unwrap();
    writeln!(tcp, "<13>1 2025-01-01T00:00:00Z h a - - - one").unwrap();
    collector.wait_for_ledger(|ledger| ledger.delivered == 1);
    std::fs::rename(&aside, &consumers).unwrap();
    let (code, said) = reload();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("2 destinations (1 started, 0 ended)"), "{said}");
    assert!(!status().contains("not done"), "{}", status());
    writeln!(tcp, "<13>1 2025-01-01T00:00:00Z h a - - - two").unwrap();
    Balance::when(data.path(), |balance| balance.destination("more", "delivered") == 1);
    collector.stop();
}

#[test]
fn a_changed_source_that_cannot_be_bound_at_the_second_step_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let (mine, other) = (port(), port());
    let taken = UdpSocket::bind(other).unwrap();
    let path = data.path().join("collector.toml");
    let configured = |listen: &str| {
        let text = format!(
            "data = {:?}\n[[source]]\nid = \"udp\"\ntype = \"udp\"\nlisten = [{listen}]\n\
             [[destination]]\nid = \"files\"\ntype = \"file\"\n",
            data.path()
        );
        std::fs::write(&path, text).unwrap();
    };
    // All addresses of the port: it is in the way of the narrower one, and has to end first.
    configured(&format!("\"0.0.0.0:{}\"", mine.port()));
    let mut collector = Collector::start_with(&mut binary(), &path);
    configured(&format!("\"127.0.0.1:{}\", \"{other}\"", mine.port()));
    collector.signal(Signal::HUP);
    collector.wait_for("nothing has changed");
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.send_to(b"<13>1 2025-01-01T00:00:00Z h a - - - still here", mine).unwrap();
    collector.wait_for_ledger(|ledger| ledger.delivered == 1);
    drop(taken);
    collector.signal(Signal::HUP);
    collector.wait_for("reloaded: ");
    for to in [mine, other] {
        udp.send_to(b"<13>1 2025-01-01T00:00:00Z h a - - - here", to).unwrap();
    }
    collector.wait_for_ledger(|ledger| ledger.delivered == 3);
    collector.stop();
}
