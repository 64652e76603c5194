//! syslog-ng's meaning of every option, case by case.

use super::*;
use crate::config::Receive;

fn machine() -> Machine {
    Machine { zone: IanaZone::utc(), name: Arc::from("here.example.org"), names: None }
}

fn rules(kind: SourceKind, receive: Receive, senders: Vec<config::Sender>) -> Rules {
    let source =
        config::Source { id: "s".to_owned(), max_message: 1000, receive, senders, tags: Vec::new(), kind };
    Rules::new(&source, &machine())
}

fn network() -> SourceKind {
    let listen = vec!["127.0.0.1:0".parse().unwrap()];
    SourceKind::Udp(config::Udp { listen, there: config::There::Always, receive_buffer: 0 })
}

/// The host that is written beside the message, for one that says `stated`.
fn given(rules: &Rules, stated: Option<&str>, peer: &str) -> String {
    let peer = Some(peer.parse().unwrap());
    let mut out = b"left from before".to_vec();
    rules.host(stated.map(str::as_bytes), peer, rules.sender(peer), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn the_host_is_kept_replaced_or_chained() {
    use Hostname::{Chain, Keep, Replace};
    let table = [
        (Keep, Some("web1"), ""),
        (Keep, None, ""),
        (Replace, Some("web1"), "192.0.2.7"),
        (Replace, None, "192.0.2.7"),
        (Replace, Some("192.0.2.7"), ""),
        (Chain, Some("web1"), "web1/192.0.2.7"),
        (Chain, None, "192.0.2.7"),
    ];
    for (hostname, stated, expected) in table {
        let rules = rules(network(), Receive { hostname, ..Receive::default() }, Vec::new());
        assert_eq!(given(&rules, stated, "::ffff:192.0.2.7"), expected, "{hostname:?} {stated:?}");
    }
}

#[test]
fn a_sender_is_called_what_the_first_line_that_matches_says() {
    let text = "data = \"/d\"\n[[source]]\nid = \"s\"\ntype = \"udp\"\nlisten = \"127.0.0.1:0\"\n\
        [[source.sender]]\nfrom = \"10.1.2.3\"\nhost = \"fw1\"\n\
        [[source.sender]]\nfrom = \"10.1.0.0/16\"\ntime-zone = \"America/New_York\"\nhost = \"lan\"\n\
        [[destination]]\nid = \"f\"\ntype = \"file\"\n";
    let config = config::Config::from_text(std::path::Path::new("c.toml"), text.to_owned()).unwrap();
    let rules = Rules::new(&config.sources[0], &machine());
    assert_eq!(given(&rules, Some("x"), "10.1.2.3"), "fw1");
    assert_eq!(given(&rules, None, "10.1.2.4"), "lan");
    assert_eq!(given(&rules, Some("x"), "10.2.0.0"), "");
    let zone = |peer: &str| rules.sender(Some(peer.parse().unwrap())).map(|sender| sender.zone.is_some());
    assert_eq!((zone("10.1.2.3"), zone("10.1.2.4"), zone("10.2.0.0")), (Some(false), Some(true), None));
}

#[test]
fn what_is_local_has_this_machines_name_when_it_says_none() {
    let rules = rules(SourceKind::Internal, Receive::default(), Vec::new());
    assert_eq!(given(&rules, None, "::1"), "here");
    assert_eq!(given(&rules, Some("other"), "::1"), "");
    let full = Receive { form: NameForm::Full, ..Receive::default() };
    assert_eq!(given(&self::rules(SourceKind::Internal, full, Vec::new()), None, "::1"), "here.example.org");
}

#[test]
fn a_line_of_syslog_3_has_no_host_whatever_its_tag_looks_like() {
    let table = [
        ("<13>Nov 21 10:00:00 tag: msg", None, Some("tag"), None, "msg"),
        ("<13>Nov 21 10:00:00 tag[7]: msg", None, Some("tag"), Some("7"), "msg"),
        ("<13>Nov 21 10:00:00 my tag[7]: msg", None, Some("my tag"), Some("7"), "msg"),
        ("<13>Nov 21 10:00:00 words without a tag", None, None, None, "words without a tag"),
        ("<13>Nov 21 10:00:00 word", None, None, None, "word"),
        ("<13>Nov 21 10:00:00 here tag: msg", Some("here"), Some("tag"), None, "msg"),
        ("<13>Nov 21 10:00:00 HERE.example.org tag: msg", Some("HERE.example.org"), Some("tag"), None, "msg"),
        ("<13>1 2026-11-21T10:00:00Z other tag - - - msg", Some("other"), Some("tag"), None, "msg"),
    ];
    for (line, host, app, procid, text) in table {
        let message = without_host(syslog_parse::parse(line.as_bytes()), "here");
        let read = |field: Option<&'static [u8]>| field.map(|field| std::str::from_utf8(field).unwrap());
        let line: &'static str = line;
        let message = Message::from_parts(line.as_bytes(), *message.header());
        assert_eq!(
            (read(message.host()), read(message.app()), read(message.procid())),
            (host, app, procid),
            "{line}"
        );
        assert_eq!(message.message(), text.as_bytes(), "{line}");
    }
}

#[test]
fn a_name_is_shortened_and_an_address_is_not() {
    assert_eq!(
        ["db7.example.org", "db7", "10.0.0.1", ".x", ""].map(short),
        ["db7", "db7", "10.0.0.1", ".x", ""]
    );
}
