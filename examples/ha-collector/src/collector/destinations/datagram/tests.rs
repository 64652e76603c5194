use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;

use super::*;
use crate::collector::destinations::render::plain;
use crate::collector::event::Changes;
use crate::collector::record::Record;
use crate::collector::record::tests::record_of;
use crate::collector::template::Boundary;

fn datagrams(to: Vec<Target>) -> Datagrams {
    let config = DatagramDestination { to, strategy: Strategy::Failover };
    Datagrams::new("test", &config, Duration::from_secs(10), plain("rfc5424", Boundary::Frame))
}

fn take(datagrams: &mut Datagrams, text: &str) {
    let bytes = record_of(format!("<34>1 2003-10-11T22:14:15Z h su - - - {text}").as_bytes());
    let mut changes = Changes::default();
    datagrams.take(&Event::new(Record::read(&bytes).unwrap(), &mut changes));
}

fn text(datagram: &[u8]) -> String {
    String::from_utf8_lossy(datagram).rsplit(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn while_nobody_listens_messages_wait_and_not_one_is_lost_of_a_burst() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = receiver.local_addr().unwrap();
    drop(receiver);
    let mut datagrams = datagrams(vec![Target::Address(address)]);
    for n in 0..60 {
        take(&mut datagrams, &n.to_string());
    }
    for _ in 0..5 {
        let refused = datagrams.flush(Instant::now()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }
    let Ok(receiver) = UdpSocket::bind(address) else {
        // Somebody else has the port now.
        return;
    };
    receiver.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    datagrams.flush(Instant::now()).unwrap();
    let mut bytes = [0; 2048];
    for n in 0..60 {
        let len = receiver.recv(&mut bytes).unwrap();
        assert_eq!(text(&bytes[..len]), n.to_string());
    }
}

#[test]
fn the_second_target_stands_in_for_the_first() {
    let gone = UdpSocket::bind("127.0.0.1:0").unwrap();
    let first = gone.local_addr().unwrap();
    drop(gone);
    let second = UdpSocket::bind("127.0.0.1:0").unwrap();
    second.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let to = vec![Target::Address(first), Target::Address(second.local_addr().unwrap())];
    let mut datagrams = datagrams(to);
    for n in 0..3 {
        take(&mut datagrams, &n.to_string());
    }
    datagrams.flush(Instant::now()).unwrap();
    let mut bytes = [0; 2048];
    for n in 0..3 {
        let len = second.recv(&mut bytes).unwrap();
        assert_eq!(text(&bytes[..len]), n.to_string());
    }
}

#[test]
fn what_is_too_long_is_cut_between_characters_and_counted() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    receiver.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut datagrams = datagrams(vec![Target::Address(receiver.local_addr().unwrap())]);
    take(&mut datagrams, &"ü".repeat(40_000));
    take(&mut datagrams, "short");
    datagrams.flush(Instant::now()).unwrap();
    assert_eq!(datagrams.tally(), Tally { dropped: 0, cut: 1 });
    let mut bytes = vec![0; 70_000];
    let len = receiver.recv(&mut bytes).unwrap();
    assert!(len <= LONGEST && len > LONGEST - 2, "{len}");
    assert!(std::str::from_utf8(&bytes[..len]).is_ok());
    let len = receiver.recv(&mut bytes).unwrap();
    assert_eq!(text(&bytes[..len]), "short");
}

#[test]
fn a_unix_socket_that_is_full_or_gone_makes_messages_wait() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let mut datagrams = datagrams(vec![Target::Path(path.clone())]);
    for n in 0..2_000 {
        take(&mut datagrams, &n.to_string());
    }
    assert!(datagrams.flush(Instant::now()).is_err());
    let receiver = UnixDatagram::bind(&path).unwrap();
    receiver.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // As if the second that it tries were over: it does not wait for a full socket.
    let over = Instant::now().checked_sub(PATIENCE).unwrap();
    let mut done = datagrams.flush(over);
    assert_eq!(done.as_ref().unwrap_err().kind(), io::ErrorKind::TimedOut);
    let mut bytes = [0; 2048];
    for n in 0..2_000 {
        let len = receiver.recv(&mut bytes).unwrap();
        assert_eq!(text(&bytes[..len]), n.to_string());
        if done.is_err() {
            done = datagrams.flush(over);
        }
    }
    assert!(done.is_ok());
}
