use std::io::Read as _;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;

use socket2::SockRef;

use super::*;
use crate::collector::destinations::render::plain;
use crate::collector::event::Changes;
use crate::collector::record::Record;
use crate::collector::record::tests::record_of;
use crate::collector::template::Boundary;
use crate::config::{Strategy, Target};

/// Far longer than anything takes.
const LONG: Duration = Duration::from_secs(30);

fn streams(to: Vec<Target>) -> Streams {
    let config =
        StreamDestination { to, strategy: Strategy::Failover, framing: Framing::Lf, keepalive: None };
    Streams::new("test", &config, Duration::from_secs(1), plain("rfc5424", Boundary::Frame))
}

fn listener() -> (TcpListener, Target) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target::Address(listener.local_addr().unwrap());
    (listener, target)
}

fn take(streams: &mut Streams, text: &str) {
    let bytes = record_of(format!("<34>1 2003-10-11T22:14:15Z h su - - - {text}").as_bytes());
    let mut changes = Changes::default();
    streams.take(&Event::new(Record::read(&bytes).unwrap(), &mut changes));
}

/// The last word of each line.
fn words(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text:?} ends in the middle of a line");
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect()
}

/// Everything until the sender closes.
fn rest(mut peer: impl io::Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    peer.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Goes on with what waits, until that is as wanted.
fn until(streams: &mut Streams, wanted: impl Fn(&Streams) -> bool) {
    let end = Instant::now() + LONG;
    while !wanted(streams) {
        assert!(Instant::now() < end, "{streams:?}");
        streams.idle(Instant::now());
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn reset(peer: TcpStream) {
    SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
    drop(peer);
}

#[test]
fn a_frame_can_not_be_taken_for_two() {
    let framed = |framing, text: &[u8]| {
        let mut out = Vec::new();
        frame(framing, text, &mut out);
        out
    };
    assert_eq!(framed(Framing::OctetCounting, b"<13>a\nb"), b"7 <13>a\nb");
    assert_eq!(framed(Framing::Lf, b"<13>a\nb\0c"), b"<13>a#012b#000c\n");
    assert_eq!(framed(Framing::Lf, b"<13>a"), b"<13>a\n");
}

#[test]
fn a_receiver_that_says_that_it_stops_gets_everything_and_nothing_comes_again() {
    let (listener, target) = listener();
    let mut streams = streams(vec![target]);
    take(&mut streams, "one");
    streams.flush(Instant::now()).unwrap();
    let (peer, _) = listener.accept().unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    let reader = std::thread::spawn(move || rest(peer));
    until(&mut streams, |streams| streams.targets.name(0).is_empty() || reader.is_finished());
    assert_eq!(words(&reader.join().unwrap()), ["one"]);
    take(&mut streams, "two");
    streams.flush(Instant::now()).unwrap();
    let (peer, _) = listener.accept().unwrap();
    drop(streams);
    assert_eq!(words(&rest(peer)), ["two"]);
}

#[test]
fn a_receiver_that_stops_in_the_middle_of_a_batch_gets_its_frame_whole_and_the_next_one_the_rest() {
    let (listener, target) = listener();
    // Small, so that a batch does not fit into the kernel.
    SockRef::from(&listener).set_recv_buffer_size(4096).unwrap();
    let mut streams = streams(vec![target]);
    let filling = "x".repeat(500);
    for n in 0..20_000 {
        take(&mut streams, &format!("{filling} {n}"));
    }
    let first = std::thread::spawn({
        let listener = listener.try_clone().unwrap();
        move || {
            let (mut peer, _) = listener.accept().unwrap();
            let mut bytes = vec![0; 1_000_000];
            peer.read_exact(&mut bytes).unwrap();
            peer.shutdown(Shutdown::Write).unwrap();
            bytes.extend(rest(peer));
            // The one who comes next.
            (bytes, listener.accept().unwrap().0)
        }
    });
    let receiver = std::thread::spawn(move || {
        let (bytes, peer) = first.join().unwrap();
        (words(&bytes), words(&rest(peer)))
    });
    while streams.flush(Instant::now()).is_err() {}
    assert!(streams.waiting.is_empty());
    drop(streams);
    let (mut numbers, second) = receiver.join().unwrap();
    assert!(!second.is_empty(), "all of it came before the receiver stopped");
    numbers.extend(second);
    assert!(numbers.iter().enumerate().all(|(n, word)| *word == n.to_string()));
    assert_eq!(numbers.len(), 20_000);
}

#[test]
fn what_a_receiver_that_died_may_not_have_read_comes_again() {
    let (listener, target) = listener();
    let mut streams = streams(vec![target]);
    for text in ["one", "two"] {
        take(&mut streams, text);
        streams.flush(Instant::now()).unwrap();
    }
    // Acknowledged by the kernel, and read by nobody.
    let (peer, _) = listener.accept().unwrap();
    reset(peer);
    take(&mut streams, "three");
    while streams.flush(Instant::now()).is_err() {}
    let (peer, _) = listener.accept().unwrap();
    drop(streams);
    assert_eq!(words(&rest(peer)), ["one", "two", "three"]);
}

#[test]
fn a_process_that_closed_without_a_word_may_have_lost_what_it_read() {
    let (listener, target) = listener();
    let mut streams = streams(vec![target]);
    take(&mut streams, "one");
    streams.flush(Instant::now()).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    let mut bytes = [0; 1024];
    assert!(peer.read(&mut bytes).unwrap() > 0);
    // All read: a FIN, no reset, but nobody who reads on.
    drop(peer);
    until(&mut streams, |streams| {
        streams.waiting.is_empty() && streams.under_way.is_none() && {
            listener.set_nonblocking(true).unwrap();
            listener.accept().is_ok_and(|(peer, _)| {
                peer.set_nonblocking(false).unwrap();
                let mut bytes = [0; 1024];
                let len = (&peer).read(&mut bytes).unwrap();
                words(&bytes[..len]) == ["one"]
            })
        }
    });
}

#[test]
fn what_was_read_long_ago_does_not_come_again() {
    let (listener, target) = listener();
    let mut streams = streams(vec![target]);
    take(&mut streams, "one");
    streams.flush(Instant::now()).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    let mut bytes = [0; 1024];
    assert!(peer.read(&mut bytes).unwrap() > 0);
    // By a clock of our own, eleven seconds later.
    streams.idle(Instant::now() + Duration::from_secs(11));
    reset(peer);
    take(&mut streams, "two");
    while streams.flush(Instant::now()).is_err() {}
    let (peer, _) = listener.accept().unwrap();
    drop(streams);
    assert_eq!(words(&rest(peer)), ["two"]);
}

#[test]
fn a_unix_receiver_has_read_what_counts_as_delivered() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let mut streams = streams(vec![Target::Path(path.clone())]);
    take(&mut streams, "one");
    assert_eq!(streams.flush(Instant::now()).unwrap_err().kind(), io::ErrorKind::NotFound);
    let listener = UnixListener::bind(&path).unwrap();
    let said = streams.flush(Instant::now()).unwrap_err().to_string();
    assert!(said.contains("reads nothing"), "{said}");
    let (mut peer, _) = listener.accept().unwrap();
    let mut bytes = [0; 1024];
    let len = peer.read(&mut bytes).unwrap();
    streams.flush(Instant::now()).unwrap();
    assert_eq!(words(&bytes[..len]), ["one"]);
}

#[test]
fn a_port_that_answers_itself_is_nobody() {
    // Of 30,000 calls to a free port of the loopback, one meets itself; here it is made to.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    let itself = socket.local_addr().unwrap();
    socket.connect(&itself).unwrap();
    assert_eq!(
        targets::answer(&socket).err().map(|error| error.kind()),
        Some(io::ErrorKind::ConnectionRefused)
    );
}
