//! Sources as the collector runs them, and what stands in the buffer afterwards.

use std::io::Write as _;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use diskbuf::{Consumer, Limit, Start, Wait};
use syslog_parse::IanaZone;
use tokio::runtime::Runtime;

use super::*;
use crate::collector::reception::short;
use crate::collector::record::{Extent, Extra, Record};
use crate::collector::routing::Plan;
use crate::config::{Config, DnsCache};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sources with a buffer of their own.
struct Bench {
    dir: tempfile::TempDir,
    _runtime: Runtime,
    sources: Sources,
    consumer: Consumer,
}

/// A record, as far as these tests look.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    host: Option<String>,
    app: Option<String>,
    text: String,
    priority: u16,
    credentials: Option<String>,
    file: Option<String>,
    extent: Extent,
    offset: i32,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let queue = diskbuf::Options::new(dir.path().join("buffer"))
            .segment_bytes(1 << 20)
            .max_bytes(16 << 20)
            .open()
            .unwrap();
        let consumer = queue.consumer("test", Start::Oldest).unwrap();
        let (dead, _) = tokio::sync::mpsc::unbounded_channel();
        let sources = Sources::new(Surroundings {
            queue,
            ledger: Ledger::new(0),
            plans: Plans::new(Arc::new(Plan {
                routes: None,
                sources: vec![],
                destinations: vec![],
                paths: vec![],
            })),
            machine: Machine {
                zone: IanaZone::utc(),
                name: "here.example.org".into(),
                names: Some(Names::start(DnsCache::default())),
            },
            runtime: runtime.handle().clone(),
            give_up: Stop::default(),
            dead,
            held: Held::new(1 << 20),
            positions: dir.path().join("positions"),
            connections_of_one: 100,
        });
        Self { dir, _runtime: runtime, sources, consumer }
    }

    /// The sources of that text; `DIR` is the bench's own directory.
    fn config(&self, text: &str) -> Vec<Source> {
        let dir = self.dir.path().to_str().unwrap();
        let text = format!("data = \"{dir}\"\n{text}\n[[destination]]\nid = \"f\"\ntype = \"file\"\n");
        Config::from_text(Path::new("c.toml"), text.replace("DIR", dir)).unwrap().sources
    }

    fn start(&mut self, text: &str) -> Vec<String> {
        for source in self.config(text) {
            self.sources.add(Bound::bind(&source, |_| false, &mut Passed::default()).unwrap()).unwrap();
        }
        self.sources.listening()
    }

    /// A reload: successors take what there is of those that are not in that text.
    fn change(&mut self, text: &str) {
        let these = self.config(text);
        let heir = |source: &Source| {
            let mut lent = self.sources.lend(&these, source).unwrap();
            Bound::bind(source, |_| false, &mut lent).unwrap()
        };
        let mut heirs: Vec<Bound> = these.iter().map(heir).collect();
        self.sources.keep(&these, &mut heirs);
        heirs.into_iter().for_each(|heir| self.sources.add(heir).unwrap());
    }

    /// The next `count` records.
    fn records(&mut self, count: usize) -> Vec<Seen> {
        let until = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        while seen.len() < count {
            let delivery = self.consumer.read(Limit { records: count - seen.len(), bytes: 1 << 20 }).unwrap();
            if delivery.is_empty() {
                drop(delivery);
                assert_ne!(self.consumer.wait(Some(until)), Wait::TimedOut, "only {seen:?}");
                continue;
            }
            for record in &delivery {
                let record = Record::read(record.payload()).unwrap();
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                seen.push(Seen {
                    host: record.host().map(text),
                    app: record.app().map(text),
                    text: text(record.message()),
                    priority: record.priority(),
                    credentials: record.extra(Extra::Credentials).map(text),
                    file: record.extra(Extra::FileName).map(text),
                    extent: record.extent(),
                    offset: record.time().offset,
                });
            }
            delivery.ack().unwrap();
        }
        seen
    }
}

#[test]
fn unix_sockets_say_who_wrote_and_the_host_is_this_one() {
    let mut bench = Bench::new();
    bench.start(
        "[[source]]\nid = \"d\"\ntype = \"unix-dgram\"\npath = \"DIR/d\"\n\
         [[source]]\nid = \"s\"\ntype = \"unix-stream\"\npath = \"DIR/s\"\nuse-fqdn = true\nmode = \"0600\"\n",
    );
    let socket = UnixDatagram::unbound().unwrap();
    socket.send_to(b"<13>Nov 21 10:00:00 my tag[7]: one\0", bench.dir.path().join("d")).unwrap();
    let me =
        format!("pid={} uid={} gid={}", std::process::id(), nix::unistd::getuid(), nix::unistd::getgid());
    let seen = &bench.records(1)[0];
    assert_eq!(
        (seen.host.as_deref(), seen.app.as_deref(), seen.text.as_str()),
        (Some("here"), Some("my tag"), "one")
    );
    assert_eq!(seen.credentials, Some(me.clone()));
    let mut stream = UnixStream::connect(bench.dir.path().join("s")).unwrap();
    stream.write_all(b"<13>Nov 21 10:00:00 tag: two\n<13>1 - web1 app - - - three\n").unwrap();
    let seen = bench.records(2);
    assert_eq!((seen[0].host.as_deref(), seen[0].text.as_str()), (Some("here.example.org"), "two"));
    assert_eq!((seen[1].host.as_deref(), &seen[1].credentials), (Some("web1"), &Some(me)));
    bench.sources.stop();
    assert!(!bench.dir.path().join("d").exists() && !bench.dir.path().join("s").exists());
}

#[test]
fn a_reload_keeps_what_is_unchanged_with_its_connections_and_stops_what_is_gone() {
    let mut bench = Bench::new();
    let kept = "[[source]]\nid = \"kept\"\ntype = \"tcp\"\nlisten = \"127.0.0.1:0\"\n";
    let gone = "[[source]]\nid = \"gone\"\ntype = \"udp\"\nlisten = \"127.0.0.1:0\"\n";
    let listening = bench.start(&format!("{kept}{gone}"));
    let mut connection = TcpStream::connect(listening[0].strip_prefix("tcp ").unwrap()).unwrap();
    writeln!(connection, "<13>1 - h a - - - before").unwrap();
    assert_eq!(bench.records(1)[0].text, "before");
    let changed = bench.config(&format!("{kept}{}", gone.replace("udp", "tcp")));
    assert_eq!(changed.iter().map(|source| bench.sources.has(source)).collect::<Vec<_>>(), [true, false]);
    bench.sources.keep(&changed, &mut []);
    assert_eq!(bench.sources.listening(), listening[..1]);
    UdpSocket::bind(listening[1].strip_prefix("udp ").unwrap()).expect("the address is free again");
    bench.sources.add(Bound::bind(&changed[1], |_| false, &mut Passed::default()).unwrap()).unwrap();
    writeln!(connection, "<13>1 - h a - - - after").unwrap();
    assert_eq!(bench.records(1)[0].text, "after");
    bench.sources.stop();
}

#[test]
fn what_the_configuration_says_about_receiving_is_done() {
    let mut bench = Bench::new();
    let listening = bench.start(
        "[receive]\nkeep-hostname = false\ntime-zone = \"Europe/Budapest\"\ndefault-priority = \"local0.info\"\n\
         [[source]]\nid = \"a\"\ntype = \"udp\"\nlisten = \"127.0.0.1:0\"\n\
         [[source]]\nid = \"b\"\ntype = \"tcp\"\nlisten = [\"127.0.0.1:0\", \"127.0.0.1:0\"]\nkeep-hostname = true\nuse-dns = \"hosts-file\"\n\
         keep-timestamp = false\nmax-message = 480\n\
         [[source]]\nid = \"c\"\ntype = \"udp\"\nlisten = \"127.0.0.1:0\"\nchain-hostnames = true\n\
         [[source.sender]]\nfrom = \"127.0.0.0/8\"\ntime-zone = \"America/New_York\"\n",
    );
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let send = |text: &str, to: &str| udp.send_to(text.as_bytes(), to.strip_prefix("udp ").unwrap()).unwrap();
    send("Jan  1 10:00:00 web1 app: winter", &listening[0]);
    let seen = &bench.records(1)[0];
    assert_eq!((seen.host.as_deref(), seen.priority, seen.offset), (Some("127.0.0.1"), 16 * 8 + 6, 3600));
    assert_eq!(listening.len(), 4, "{listening:?}");
    for to in &listening[1..3] {
        let mut tcp = TcpStream::connect(to.strip_prefix("tcp ").unwrap()).unwrap();
        write!(tcp, "<13>Jan  1 10:00:00 web1 app: kept\nno header\n{}\n", "x".repeat(600)).unwrap();
        let seen = bench.records(3);
        assert_eq!((seen[0].host.as_deref(), seen[0].offset), (Some("web1"), 0), "the time of reception");
        let names = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
        let first = names.lines().find_map(|line| line.strip_prefix("127.0.0.1")?.split_whitespace().next());
        let expected = first.map_or("127.0.0.1", short);
        assert_eq!(seen[1].host.as_deref(), Some(expected), "{names}");
        assert_eq!((seen[2].extent, seen[2].text.len()), (Extent::Cut, 480));
    }
    send("<13>Jan  1 10:00:00 web1 app: chained", &listening[3]);
    let seen = &bench.records(1)[0];
    assert_eq!((seen.host.as_deref(), seen.offset), (Some("web1/127.0.0.1"), -5 * 3600));
    bench.sources.stop();
}

#[test]
fn the_smallest_messages_fill_the_buffer_and_none_is_lost_when_there_is_room_again() {
    const MESSAGES: usize = 150_000;
    let mut bench = Bench::new();
    let listening = bench.start("[[source]]\nid = \"t\"\ntype = \"tcp\"\nlisten = \"127.0.0.1:0\"\n");
    let mut tcp = TcpStream::connect(listening[0].strip_prefix("tcp ").unwrap()).unwrap();
    // A read of these becomes forty times as much in the buffer, and more than the buffer holds in all.
    tcp.write_all(&b"ab\n".repeat(MESSAGES)).unwrap();
    let queue = bench.sources.surroundings.queue.clone();
    let until = Instant::now() + PATIENCE;
    while queue.has_room() {
        assert!(Instant::now() < until);
        std::thread::yield_now();
    }
    for _ in 0..MESSAGES / 1_000 {
        assert!(
            bench.records(1_000).iter().all(|seen| seen.text == "ab" || seen.app.as_deref() == Some("ab"))
        );
    }
    bench.sources.stop();
    assert!(bench.sources.surroundings.ledger.balance(0, |_| 0).to_string().contains("\"dropped\":{}"));
}

#[test]
fn what_waits_at_two_listeners_when_their_source_stops_is_read_at_both() {
    use std::sync::mpsc::channel;
    let mut bench = Bench::new();
    let listen = "listen = [\"127.0.0.1:0\", \"127.0.0.1:0\"]";
    let listening = bench.start(&format!("[[source]]\nid = \"t\"\ntype = \"tcp\"\n{listen}\n"));
    // While both threads are busy, the kernel accepts for us.
    let (busy, is_busy) = channel();
    let mut held = Vec::new();
    for _ in 0..2 {
        let ((go, wait), busy) = (channel::<()>(), busy.clone());
        bench.sources.surroundings.runtime.spawn(async move {
            busy.send(()).unwrap();
            wait.recv().ok();
        });
        is_busy.recv().unwrap();
        held.push(go);
    }
    for to in &listening {
        for n in 0..10 {
            let mut tcp = TcpStream::connect(to.strip_prefix("tcp ").unwrap()).unwrap();
            writeln!(tcp, "<13>1 - h a - - - {n}").unwrap();
        }
    }
    bench.sources.running.iter_mut().for_each(Running::stop);
    // With one thread, one listener is done before the other begins.
    held.pop();
    bench.sources.stop();
    assert_eq!(bench.records(20).len(), 20);
}

#[test]
fn the_connections_of_a_source_that_is_split_are_told_that_it_is_over_and_those_of_a_changed_one_go_on() {
    let mut bench = Bench::new();
    let source = |id: &str, listen: &str, more: &str| {
        format!("[[source]]\nid = \"{id}\"\ntype = \"tcp\"\nlisten = [{listen}]\n{more}\n")
    };
    let (one, two) = ("\"127.0.0.1:0\"", "\"127.0.0.2:0\"");
    let both = format!("{one}, {two}");
    let listening = bench.start(&source("a", &both, ""));
    let connect = |to: &String| TcpStream::connect(to.strip_prefix("tcp ").unwrap()).unwrap();
    let mut connections: Vec<TcpStream> = listening.iter().map(connect).collect();
    for tcp in &mut connections {
        writeln!(tcp, "<13>1 - h a - - - before").unwrap();
        assert_eq!(bench.records(1)[0].text, "before");
    }
    bench.change(&source("a", &both, "max-connections = 7"));
    for tcp in &mut connections {
        writeln!(tcp, "<13>1 - h a - - - after").unwrap();
        assert_eq!(bench.records(1)[0].text, "after", "nobody was cut off");
    }
    bench.change(&(source("a", one, "") + &source("b", two, "")));
    for tcp in &mut connections {
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(io::Read::read(tcp, &mut [0]).unwrap(), 0, "a FIN");
    }
    assert_eq!(bench.sources.listening(), listening);
    for to in &listening {
        writeln!(connect(to), "<13>1 - h a - - - anew").unwrap();
        assert_eq!(bench.records(1)[0].text, "anew");
    }
    bench.sources.stop();
}

#[test]
fn a_unix_socket_gets_another_mode_and_whoever_speaks_to_it_goes_on() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut bench = Bench::new();
    let source = |kind: &str, mode: &str| {
        format!("[[source]]\nid = \"{kind}\"\ntype = \"{kind}\"\npath = \"DIR/{kind}\"\nmode = \"{mode}\"\n")
    };
    let both = |mode: &str| source("unix-dgram", mode) + &source("unix-stream", mode);
    bench.start(&both("0600"));
    let [datagrams, stream] = ["unix-dgram", "unix-stream"].map(|kind| bench.dir.path().join(kind));
    let local = UnixDatagram::unbound().unwrap();
    local.connect(&datagrams).unwrap();
    let mut connection = UnixStream::connect(&stream).unwrap();
    bench.change(&both("0622"));
    local.send(b"<13>1 - h a - - - one").unwrap();
    assert_eq!(bench.records(1)[0].text, "one");
    writeln!(connection, "<13>1 - h a - - - two").unwrap();
    assert_eq!(bench.records(1)[0].text, "two");
    for path in [datagrams, stream] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o622);
    }
    bench.sources.stop();
}

#[test]
fn an_address_that_is_not_there_is_listened_on_when_that_is_asked_for() {
    let bench = Bench::new();
    for kind in ["udp", "tcp"] {
        let text = format!("[[source]]\nid = \"s\"\ntype = \"{kind}\"\nlisten = \"203.0.113.7:0\"\n");
        let bind = |text: &str, ours: bool| {
            Bound::bind(&bench.config(text)[0], |_| ours, &mut Passed::default())
                .map_err(|error| error.kind())
        };
        assert_eq!(bind(&text, false).unwrap_err(), io::ErrorKind::AddrNotAvailable);
        bind(&format!("{text}freebind = true\n"), false).unwrap();
        bind(&text, true).unwrap();
    }
}

#[test]
fn positions_that_are_damaged_mean_that_files_are_read_anew() {
    let mut bench = Bench::new();
    std::fs::write(bench.dir.path().join("a.log"), "one\n").unwrap();
    let text = "[[source]]\nid = \"f\"\ntype = \"file\"\npath = \"DIR/a.log\"\nstart = \"beginning\"\n";
    let position = bench.dir.path().join("positions/f.json");
    for damage in [None, Some(&b"{"[..]), Some(&b"[]"[..])] {
        if let Some(damage) = damage {
            std::fs::write(&position, damage).unwrap();
        }
        bench.start(text);
        assert_eq!(bench.records(1)[0].text, "one");
        bench.sources.stop();
    }
    // Undamaged they mean the opposite.
    bench.start(text);
    std::fs::write(bench.dir.path().join("b.log"), "").unwrap();
    let mut file = std::fs::OpenOptions::new().append(true).open(bench.dir.path().join("a.log")).unwrap();
    writeln!(file, "two").unwrap();
    assert_eq!(bench.records(1)[0].text, "two");
    bench.sources.stop();
}

#[test]
fn a_pipe_is_made_and_outlives_its_writers() {
    let mut bench = Bench::new();
    bench.start(
        "[[source]]\nid = \"p\"\ntype = \"pipe\"\npath = \"DIR/p\"\ndefault-priority = \"cron.err\"\n",
    );
    for n in 0..3 {
        let mut pipe = std::fs::OpenOptions::new().write(true).open(bench.dir.path().join("p")).unwrap();
        writeln!(pipe, "line {n}").unwrap();
    }
    let seen = bench.records(3);
    assert_eq!(
        seen.iter().map(|seen| seen.text.as_str()).collect::<Vec<_>>(),
        ["line 0", "line 1", "line 2"]
    );
    assert_eq!((seen[0].host.as_deref(), seen[0].priority), (Some("here"), 9 * 8 + 3));
    let mut pipe = std::fs::OpenOptions::new().write(true).open(bench.dir.path().join("p")).unwrap();
    pipe.write_all(b"no end").unwrap();
    bench.sources.stop();
    assert_eq!(bench.records(1)[0].text, "no end");
}

#[test]
fn a_file_is_followed_and_its_lines_say_where_they_are_from() {
    let mut bench = Bench::new();
    let path = bench.dir.path().join("app.log");
    std::fs::write(&path, format!("one\n\0\0\0two\n{}\nno end", "x".repeat(2_000))).unwrap();
    let text = "[[source]]\nid = \"f\"\ntype = \"file\"\npath = \"DIR/*.log\"\nmax-message = 480\ndefault-priority = \"local0.info\"\n";
    bench.start(text);
    let seen = bench.records(3);
    assert_eq!((seen[0].text.as_str(), seen[0].priority), ("one", 16 * 8 + 6));
    assert_eq!((seen[1].text.as_str(), seen[1].file.as_deref()), ("two", path.to_str()), "NULs are no text");
    assert_eq!((seen[2].extent, seen[2].text.len()), (Extent::Cut, 480));
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    writeln!(file, " until now").unwrap();
    assert_eq!(bench.records(1)[0].text, "no end until now");
    bench.sources.stop();
    // Moved away and made anew while nobody looks.
    writeln!(file, "before the move").unwrap();
    std::fs::rename(&path, bench.dir.path().join("app.log.1")).unwrap();
    std::fs::write(&path, "in the new one\n").unwrap();
    bench.start(text);
    let seen = bench.records(2);
    assert_eq!((seen[0].text.as_str(), seen[1].text.as_str()), ("before the move", "in the new one"));
    bench.sources.stop();
}

#[test]
fn a_file_that_is_copied_and_truncated_is_read_from_its_beginning() {
    let mut bench = Bench::new();
    let path = bench.dir.path().join("app.log");
    std::fs::write(&path, "old\n").unwrap();
    bench.start("[[source]]\nid = \"f\"\ntype = \"file\"\npath = \"DIR/app.log\"\nstart = \"end\"\n");
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    // It may not have looked yet: what is there at the first look is old.
    let until = Instant::now() + PATIENCE;
    let queue = bench.sources.surroundings.queue.clone();
    while queue.status().records == 0 {
        writeln!(file, "one").unwrap();
        std::thread::sleep(Duration::from_millis(20));
        assert!(Instant::now() < until);
    }
    assert_eq!(bench.records(1)[0].text, "one", "and not `old`");
    for round in 0..3 {
        std::fs::copy(&path, bench.dir.path().join("copy")).unwrap();
        file.set_len(0).unwrap();
        writeln!(file, "round {round}").unwrap();
        while bench.records(1)[0].text != format!("round {round}") {}
    }
    bench.sources.stop();
}
