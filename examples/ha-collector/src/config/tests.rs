//! Mistakes that people make in a configuration, and what they are told.

use std::time::Duration;

use super::*;

fn load(text: &str) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.toml");
    std::fs::write(&path, text).unwrap();
    Config::load(&[path], None).map_err(|errors| errors.to_string())
}

const GOOD: &str = r#"
data = "/srv/logs"
[[source]]
id = "net"
type = "udp"
listen = "[::]:514"
receive-buffer = "32MiB"
[[source]]
id = "stream"
type = "tcp"
listen = "0.0.0.0:514"
framing = "octet-counting"
[[destination]]
id = "files"
type = "file"
"#;

#[test]
fn a_good_file_is_read_with_its_defaults_filled_in() {
    let config = load(GOOD).unwrap();
    assert_eq!(config.sources.len(), 2);
    assert_eq!(config.sources[0].max_message, 65_536);
    assert!(matches!(&config.sources[0].kind, SourceKind::Udp(udp) if udp.receive_buffer == 33_554_432));
    let streams = config.sources[1].kind.streams().unwrap();
    assert_eq!(streams.framing, syslog_parse::Framing::OctetCounting);
    assert_eq!((streams.max_connections, streams.idle_timeout), (10_000, None));
    let DestinationKind::File(file) = &config.destinations[0].kind else { panic!("no file") };
    assert_eq!(file.root, Path::new("/srv/logs/logs"));
    assert_eq!(config.buffer.dir, Path::new("/srv/logs/buffer"));
}

#[test]
fn a_slip_of_the_finger_is_shown_with_what_was_meant() {
    let said = load(&GOOD.replace("listen = \"0", "lisen = \"0")).unwrap_err();
    assert!(said.contains("c.toml:11:1"), "{said}");
    assert!(said.contains("did you mean `listen`?"), "{said}");
    let said = load(&GOOD.replace("\"tcp\"", "\"tpc\"")).unwrap_err();
    assert!(said.contains("c.toml:10:8") && said.contains("did you mean `tcp`?"), "{said}");
}

#[test]
fn an_unknown_name_like_no_other_lists_the_known_ones() {
    let said = load(&GOOD.replace("receive-buffer", "so_rcvbuf_force")).unwrap_err();
    assert!(said.contains("known here: listen, receive-buffer"), "{said}");
}

#[test]
fn what_belongs_to_another_transport_is_refused() {
    let said = load(&GOOD.replace("framing = \"octet-counting\"", "receive-buffer = \"1MiB\"")).unwrap_err();
    assert!(said.contains("a tcp source has no `receive-buffer`"), "{said}");
}

#[test]
fn every_mistake_of_a_file_is_told_at_once() {
    let text = GOOD
        .replace("32MiB", "3")
        .replace("id = \"stream\"", "id = \"net\"")
        .replace("\"files\"", "\"My Files\"");
    let said = load(&text).unwrap_err();
    assert!(
        said.contains("out of range") && said.contains("used twice") && said.contains("c.toml:14:"),
        "{said}"
    );
}

#[test]
fn a_buffer_smaller_than_three_segments_is_refused() {
    let said = load(&format!("{GOOD}\n[buffer]\nmax-size = \"100MiB\"\n")).unwrap_err();
    assert!(said.contains("at least 193 MiB"), "{said}");
    assert!(load(&format!("{GOOD}\n[buffer]\nmax-size = \"100MiB\"\nsegment-size = \"1MiB\"\n")).is_ok());
}

#[test]
fn directories_that_lie_one_in_the_other_are_refused() {
    let said = load(&format!("{GOOD}root = \"buffer/x\"\n")).unwrap_err();
    assert!(said.contains("one in the other"), "{said}");
    assert!(load(&format!("{GOOD}root = \".\"\n")).is_err());
    let twice = format!("{GOOD}[[destination]]\nid = \"again\"\ntype = \"file\"\nroot = \"./logs/\"\n");
    assert!(load(&twice).unwrap_err().contains("the root of `files`"));
    assert!(load(&twice.replace("./logs/", "logs2")).is_ok());
}

#[test]
fn a_segment_size_that_the_buffer_cannot_have_is_refused_here_already() {
    let said = load(&format!("{GOOD}\n[buffer]\nsegment-size = \"100000B\"\n")).unwrap_err();
    assert!(said.contains("no multiple of 4096 bytes"), "{said}");
}

#[test]
fn a_file_that_asks_for_nothing_is_refused() {
    let said = load("").unwrap_err();
    assert!(said.contains("no [[source]]") && said.contains("no [[destination]]"), "{said}");
}

#[test]
fn a_directory_means_its_toml_files_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (sources, destination) = GOOD.split_once("[[destination]]").unwrap();
    std::fs::write(dir.path().join("20-to.toml"), format!("[[destination]]{destination}")).unwrap();
    std::fs::write(dir.path().join("10-from.toml"), sources).unwrap();
    std::fs::write(dir.path().join("notes.txt"), "not ours").unwrap();
    let config = Config::load(&[dir.path().to_path_buf()], Some(Path::new("/d"))).unwrap();
    assert_eq!((config.sources.len(), config.destinations.len()), (2, 1));
    assert_eq!(config.buffer.dir, Path::new("/d/buffer"), "the command line wins over `data`");
}

#[test]
fn a_missing_file_is_an_error_with_its_name() {
    let said = Config::load(&["/nowhere/at/all.toml".into()], None).unwrap_err().to_string();
    assert!(said.contains("/nowhere/at/all.toml"), "{said}");
}

const ROUTER: &str = "[[vrrp]]\nid = \"v\"\ninterface = \"eth0\"\nvrid = 1\naddresses = [\"10.0.0.10/24\"]\n";

fn warnings(text: String) -> String {
    Config::from_text(Path::new("v.toml"), text).unwrap().warnings.to_string()
}

#[test]
fn a_secret_in_clear_text_is_warned_of() {
    assert_eq!(warnings(ROUTER.to_owned()), "");
    let with =
        |kind| format!("{ROUTER}version = 2\nauthentication = {{ type = \"{kind}\", secret = \"x\" }}\n");
    let said = warnings(with("pass"));
    assert!(said.contains("this secret travels in clear text") && said.contains("v.toml:7:18"), "{said}");
    assert_eq!(warnings(with("ah")), "");
}

#[test]
fn a_program_that_others_may_write_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("check");
    std::fs::write(&program, "#!/bin/sh\n").unwrap();
    let said = |mode, notify: &str| {
        std::fs::set_permissions(&program, PermissionsExt::from_mode(mode)).unwrap();
        let script = format!("[[track-script]]\nid = \"s\"\ncommand = [{program:?}]\n");
        warnings(format!("{ROUTER}{notify}{script}"))
    };
    assert_eq!(said(0o755, ""), "");
    let open = said(0o777, "");
    assert!(
        open.contains("will not be run") && open.contains("may be written by others (mode 777)"),
        "{open}"
    );
    let notify = format!("[vrrp.notify]\nany = [{program:?}]\n");
    assert_eq!(said(0o777, &notify).matches("will not be run").count(), 2);
    let relative = format!("{ROUTER}[vrrp.notify]\nany = [\"logger\"]\n");
    let refused = Config::from_text(Path::new("v.toml"), relative).unwrap_err().to_string();
    assert!(refused.contains("`logger` is no absolute path"), "{refused}");
}

/// The part of the file with every key that is about receiving.
#[test]
fn what_the_surface_says_about_receiving_is_read_and_its_defaults_are_ours() {
    let surface = include_str!("../../pipeline.toml");
    let (receiving, _) = surface.split_once("# Filters with a name").unwrap();
    let destination = "[[destination]]\nid = \"f\"\ntype = \"file\"\n";
    let config = load(&format!("data = \"/d\"\n{receiving}{destination}")).unwrap();
    let kinds: Vec<&str> = config.sources.iter().map(|source| source.kind.name()).collect();
    assert_eq!(kinds, ["tcp", "unix-dgram", "file", "pipe", "internal"]);
    let standard = Received::default();
    assert_eq!(
        (config.received.max_held, config.received.dns_cache),
        (standard.max_held, standard.dns_cache)
    );
    assert_eq!(config.sources[0].receive, standard.receive);
    assert_eq!(config.sources[0].tags, ["network"]);
    assert_eq!(config.sources[0].senders[0].zone.as_deref(), Some("America/New_York"));
    assert_eq!(config.sources[2].receive.default_priority, 16 * 8 + 6);
    let said = config.to_string();
    for place in
        ["tcp 0.0.0.0:514", "unix-dgram /run/ha-collector/log", "file /var/log/app/*.log", "internal"]
    {
        assert!(said.contains(place), "{said}");
    }
    // What stands there as a default is the default.
    let bare = "[[source]]\nid = \"net\"\ntype = \"tcp\"\nlisten = \"0.0.0.0:514\"\ntags = [\"network\"]\n";
    let bare = load(&format!("{bare}{destination}")).unwrap();
    assert_eq!(bare.sources[0].kind, config.sources[0].kind);
}

#[test]
fn mistakes_about_receiving_are_shown_at_their_place() {
    let destination = "[[destination]]\nid = \"f\"\ntype = \"file\"\n";
    let tcp = "[[source]]\nid = \"t\"\ntype = \"tcp\"\nlisten = \"127.0.0.1:0\"\n";
    let table = [
        ("[receive]\nkeep-hostnam = true\n", "", "c.toml:2:1", "did you mean `keep-hostname`?"),
        ("[receive]\nuse-dns = \"maybe\"\n", "", "c.toml:2:11", "maybe"),
        ("[receive]\nchain-hostnames = true\n", "", "c.toml:2:19", "keep-hostname = false"),
        ("[receive]\nmax-held = \"1KiB\"\n", "", "c.toml:2:12", "at least 1 MiB"),
        ("receive = 7\n", "", "c.toml:1:11", "write [receive]"),
        ("", "time-zone = \"Europe/Budapset\"\n", "c.toml:5:13", "Europe/Budapset"),
        ("", "zone-names = { CDT = \"5\" }\n", "c.toml:5:22", "is not an offset"),
        ("", "zone-names = { Z = \"+01:00\" }\n", "c.toml:5:20", "is no name but an offset"),
        ("", "default-priority = \"local9.info\"\n", "c.toml:5:20", "such as \"local0.info\""),
        ("", "keepalive = { probes = 900 }\n", "c.toml:5:13", "1 to 127 probes"),
        ("", "keepalive = 7\n", "c.toml:5:13", "or false"),
        ("", "max-held = \"1MiB\"\n", "c.toml:5:1", "a tcp source has no `max-held`"),
        ("", "[[source.sender]]\nfrom = \"10.0.0.0/99\"\n", "c.toml:6:8", "at most 32"),
        ("", "[[source.sender]]\nfrom = \"::/0\"\nhost = \"\"\n", "c.toml:7:8", "1 to 255 bytes"),
    ];
    for (before, behind, place, words) in table {
        let said = load(&format!("{before}{tcp}{behind}{destination}")).unwrap_err();
        assert!(said.contains(place) && said.contains(words), "{before}{behind}{said}");
    }
    let of = |kind: &str, keys: &str| {
        load(&format!("[[source]]\nid = \"s\"\ntype = \"{kind}\"\n{keys}{destination}")).unwrap_err()
    };
    for (kind, keys, place, words) in [
        ("file", "path = \"/var/*/x.log\"\n", "c.toml:4:8", "only the last component"),
        ("file", "path = \"/var/log/[a.log\"\n", "c.toml:4:8", "pattern has a mistake"),
        ("file", "path = \"a\"\nstart = \"middle\"\n", "c.toml:5:9", "beginning"),
        ("unix-dgram", "path = \"l\"\nmode = \"0999\"\n", "c.toml:5:8", "is no mode"),
        ("unix-dgram", "path = \"l\"\nmax-connections = 3\n", "c.toml:5:1", "a unix-dgram source has no"),
        ("pipe", "mode = \"0600\"\n", "c.toml:1:1", "path"),
        ("internal", "path = \"x\"\n", "c.toml:4:1", "an internal source has no"),
        ("udp", "listen = []\n", "c.toml:4:10", "no addresses"),
        ("udp", "listen = \"localhost:514\"\n", "c.toml:4:10", "is no address and port"),
    ] {
        let said = of(kind, keys);
        assert!(said.contains(place) && said.contains(words), "{kind} {keys}{said}");
    }
    let path = format!("path = \"/{}\"\n", "x".repeat(200));
    assert!(of("unix-stream", &path).contains("at most 107 bytes"));
    let large = format!("[receive]\nmax-held = \"1MiB\"\nmax-message = \"2MiB\"\n{tcp}{destination}");
    assert!(load(&large).unwrap_err().contains("all connections together"));
    let twice = "[[source]]\nid = \"a\"\ntype = \"internal\"\n[[source]]\nid = \"b\"\ntype = \"internal\"\n";
    assert!(load(&format!("{twice}{destination}")).unwrap_err().contains("one hears everything"));
}

/// Every kind of destination but files, each with all of its keys.
const DESTINATIONS: &str = r#"
[[destination]]
id = "relay"
type = "tcp"
to = ["10.0.0.20:514", "[2001:db8::1]:514", "loghost.example.org:514"]
strategy = "round-robin"
format = "rfc3164"
framing = "lf"
keepalive = { time = "30s", probes = 3 }
time-reopen = "3s"
[[destination]]
id = "here"
type = "unix-stream"
to = "/run/other/log"
keepalive = false
[[destination]]
id = "sent"
type = "udp"
to = "10.0.0.20:514"
[[destination]]
id = "local"
type = "unix-dgram"
to = ["/dev/log"]
[[destination]]
id = "alert"
type = "program"
command = ["/usr/local/bin/alert", "--stdin"]
format = "rfc5424"
[[destination]]
id = "xconsole"
type = "pipe"
path = "/dev/xconsole"
mode = "0640"
[[destination]]
id = "operators"
type = "usertty"
users = ["root"]
[[destination]]
id = "console"
type = "console"
"#;

#[test]
fn every_kind_of_destination_is_read() {
    let config = load(&format!("{GOOD}{DESTINATIONS}")).unwrap();
    let [_, relay, here, sent, local, alert, xconsole, operators, console] = &config.destinations[..] else {
        panic!("{:?}", config.destinations);
    };
    let DestinationKind::Stream(stream) = &relay.kind else { panic!("{relay:?}") };
    assert_eq!((stream.strategy, stream.framing), (Strategy::RoundRobin, Framing::Lf));
    assert_eq!(relay.deliver.time_reopen, Duration::from_secs(3));
    let keepalive = stream.keepalive.unwrap();
    let spans = [30, 10].map(Duration::from_secs);
    assert_eq!(([keepalive.time, keepalive.interval], keepalive.probes), (spans, 3));
    let DestinationKind::Stream(stream) = &here.kind else { panic!("{here:?}") };
    assert_eq!((stream.keepalive, stream.strategy), (None, Strategy::Failover));
    let DestinationKind::Pipe(pipe) = &xconsole.kind else { panic!("{xconsole:?}") };
    assert_eq!(pipe.mode, 0o640);
    assert!(
        matches!(sent.kind, DestinationKind::Datagram(_))
            && matches!(local.kind, DestinationKind::Datagram(_))
    );
    let places = [relay, alert, operators, console].map(Destination::place);
    let relay = "10.0.0.20:514 or [2001:db8::1]:514 or loghost.example.org:514";
    assert_eq!(places, [relay, "/usr/local/bin/alert --stdin", "the terminals of root", "standard output"]);
}

#[test]
fn a_destination_that_cannot_be_meant_is_shown_at_its_place() {
    let wrong =
        |from: &str, to: &str| load(&format!("{GOOD}{}", DESTINATIONS.replace(from, to))).unwrap_err();
    for (from, to, said) in [
        ("\"10.0.0.20:514\", ", "\"10.0.0.20\", ", "`10.0.0.20` is no address and port"),
        ("\"/run/other/log\"", "[]", "`to` is empty: messages would go nowhere"),
        ("\"/run/other/log\"", "\"run/log\"", "is no absolute path"),
        ("\"/usr/local/bin/alert\"", "\"alert\"", "begins with the absolute path of a program"),
        ("\"0640\"", "\"rw-r\"", "`rw-r` is no mode"),
        ("probes = 3", "probes = 300", "the kernel sends 1 to 127 probes"),
        ("time = \"30s\"", "time = \"30ms\"", "the kernel takes whole seconds"),
        ("[\"root\"]", "[]", "`users` is empty"),
        ("framing = \"lf\"", "framing = \"lff\"", "did you mean `lf`?"),
        ("command = ", "comand = ", "a program destination has no `comand`"),
        ("\"usertty\"", "\"usertt\"", "did you mean `usertty`?"),
    ] {
        let found = wrong(from, to);
        assert!(found.contains(said) && found.contains("c.toml:"), "{said}: {found}");
    }
}

#[test]
fn the_name_of_a_template_that_is_not_there_is_no_text() {
    let with = |template: &str| {
        let file = "[[destination]]\nid = \"t\"\ntype = \"file\"\nroot = \"t\"\n";
        format!("{GOOD}\n{file}template = \"{template}\"\n[template]\nclassic = \"$MESSAGE\\n\"\n")
    };
    let said = load(&with("clasic")).unwrap_err();
    assert!(said.contains("no template `clasic`") && said.contains("did you mean `classic`?"), "{said}");
    for good in ["classic", "$MESSAGE", "said: ", ""] {
        load(&with(good)).unwrap();
    }
}
