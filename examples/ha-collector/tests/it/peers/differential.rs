//! The same messages through syslog-ng and through us, with its configuration imported: every macro of every line agrees, or
//! the difference is in a table with its reason, which `docs/syslog-ng.md` repeats.

mod messages;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use self::messages::messages;
use super::Daemon;
use crate::ports::port;
use crate::support::{Collector, PATIENCE, binary, has, skipped};

/// Every macro that both have, by its name in a template.
const MACROS: &str = "PRI FACILITY FACILITY_NUM LEVEL LEVEL_NUM TAG TAGS HOST FULLHOST HOST_FROM FULLHOST_FROM SOURCEIP \
    PROGRAM PID MSGHDR MSGID SDATA MESSAGE MSG MSGONLY SOURCE LOGHOST FILE_NAME .SDATA.origin.ip .SDATA.meta.sequenceId \
    ISODATE S_ISODATE DATE FULLDATE STAMP UNIXTIME YEAR MONTH MONTH_ABBREV MONTH_NAME MONTH_WEEK DAY YEAR_DAY WEEK ISOWEEK \
    WEEK_DAY WEEK_DAY_ABBREV WEEK_DAY_NAME HOUR HOUR12 AMPM MIN SEC MSEC USEC TZ TZOFFSET R_UNIXTIME";

/// The first of those that tell the time.
const FIRST_TIME: &str = "ISODATE";

/// Stands in no message.
const BETWEEN: &str = "<|>";

/// Which port it is sent to: the one for RFC 3164, or the one with `flags(syslog-protocol)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum To {
    Old,
    New,
}

#[derive(Debug)]
struct Message {
    kind: &'static str,
    to: To,
    text: String,
}

/// (kind of message, macros, why they differ). `*` is every kind.
const DIFFERENT: &[(&str, &str, &str)] = &[
    (
        "a stamp to come",
        "UNIXTIME",
        "a stamp without a year is of the last twelve months: syslog-ng takes this year, and may be months ahead",
    ),
    (
        "control characters",
        "MESSAGE MSG MSGONLY",
        "escaped, so that nobody writes to the reader's terminal or forges a line",
    ),
    ("element twice", "SDATA", "kept as sent: syslog-ng keeps the last of two elements with one name"),
    (
        "empty pri",
        "FACILITY FACILITY_NUM LEVEL LEVEL_NUM PRI TAG",
        "`<>` says nothing, so the default holds, user.notice: syslog-ng reads kern.emerg",
    ),
    (
        "host with a colon",
        "FULLHOST HOST MESSAGE MSG MSGONLY",
        "`host: host: text` of a storage system: syslog-ng takes the host for the program",
    ),
    (
        "leap second",
        "AMPM DATE FULLDATE HOUR HOUR12 ISODATE STAMP S_ISODATE UNIXTIME",
        "the second after 23:59:59: syslog-ng is 23 hours off",
    ),
    ("long program", "MSGHDR PROGRAM", "kept as sent: syslog-ng cuts APP-NAME to 48 octets"),
    (
        "needless backslash",
        "SDATA",
        "a backslash before another letter is itself (RFC 5424 6.3.3) and is kept as sent: syslog-ng writes two",
    ),
    (
        "no number as pri",
        "FACILITY FACILITY_NUM LEVEL LEVEL_NUM MESSAGE MSG MSGHDR MSGONLY PID PRI PROGRAM SDATA TAG",
        "kept as text: syslog-ng writes a complaint of its own with the message in it",
    ),
    (
        "no such day",
        "UNIXTIME",
        "February 30 is no time, so that of reception holds: syslog-ng reads March 2",
    ),
    (
        "no such time",
        "UNIXTIME",
        "month 13 is no time, so that of reception holds: syslog-ng reckons on into the next year",
    ),
    (
        "parameter twice",
        ".SDATA.origin.ip SDATA",
        "kept as sent, and the macro is the first: syslog-ng keeps the last",
    ),
    (
        "pid with a colon",
        "MESSAGE MSG MSGHDR MSGONLY PID",
        "`monit[2340:0]:` is one tag: syslog-ng ends it at the first colon",
    ),
    (
        "pri beyond 191",
        "FACILITY",
        "a facility without a name is a number, decimal like FACILITY_NUM: syslog-ng writes it in hexadecimal",
    ),
    (
        "rfc5424 that syslog-ng refuses",
        "FACILITY FACILITY_NUM FULLHOST HOST LEVEL LEVEL_NUM MESSAGE MSG MSGHDR MSGONLY PID PRI PROGRAM SDATA TAG UNIXTIME",
        "what is whole is read and the rest is text: syslog-ng writes a complaint of its own with the message in it",
    ),
    (
        "rfc5424 to the old port",
        "FULLHOST HOST MESSAGE MSG MSGHDR MSGID MSGONLY PID PROGRAM UNIXTIME",
        "the shape is known message by message: without flags(syslog-protocol), syslog-ng takes the version for the program",
    ),
    (
        "without time",
        "MESSAGE MSG MSGHDR MSGONLY PROGRAM",
        "a first word without a colon is text: syslog-ng takes it for the program; $MSGHDR$MSG is the same",
    ),
];

fn configuration(dir: &Path, ports: [SocketAddr; 2]) -> String {
    let fields: Vec<String> =
        MACROS.split(' ').filter(|name| !name.is_empty()).map(|name| format!("${{{name}}}")).collect();
    let template = fields.join(BETWEEN);
    let [old, new] = ports.map(|address| address.port());
    format!(
        r#"@version: 3.35
options {{ keep-hostname(yes); use-dns(no); stats-freq(0); time-reopen(1); }};
source old {{ network(ip("127.0.0.1") port({old}) transport("tcp")); }};
source new {{ network(ip("127.0.0.1") port({new}) transport("tcp") flags(syslog-protocol)); }};
template every {{ template("{template}\n"); }};
destination old {{ file("{dir}/old" template(every)); }};
destination new {{ file("{dir}/new" template(every)); }};
log {{ source(old); destination(old); }};
log {{ source(new); destination(new); }};
"#,
        dir = dir.display()
    )
}

/// Sends each to its port, in order, and waits for as many lines.
fn through(dir: &Path, ports: [SocketAddr; 2], messages: &[Message]) -> [Vec<String>; 2] {
    let mut found = [Vec::new(), Vec::new()];
    for (n, to) in [To::Old, To::New].into_iter().enumerate() {
        let mine: Vec<&Message> = messages.iter().filter(|message| message.to == to).collect();
        let mut tcp = TcpStream::connect(ports[n]).unwrap();
        for message in &mine {
            writeln!(tcp, "{}", message.text).unwrap();
        }
        drop(tcp);
        let file = dir.join(["old", "new"][n]);
        let until = Instant::now() + PATIENCE;
        loop {
            let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap_or_default()).into_owned();
            found[n] = text.split_terminator('\n').map(str::to_owned).collect();
            if found[n].len() >= mine.len() && text.ends_with('\n') {
                break;
            }
            assert!(
                Instant::now() < until,
                "{} of {} lines in {}",
                found[n].len(),
                mine.len(),
                file.display()
            );
            // Nothing tells when another program has written.
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(found[n].len(), mine.len(), "a line became two: {}", file.display());
    }
    found
}

/// The configuration of syslog-ng, imported; only the directory is changed.
fn imported(conf: &Path, theirs: &Path, ours: &Path) -> PathBuf {
    let output = binary().args(["import", "syslog-ng"]).arg(conf).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let toml = String::from_utf8(output.stdout).unwrap();
    let (theirs, there) = (theirs.to_str().unwrap(), ours.to_str().unwrap());
    assert_eq!(toml.matches(theirs).count(), 2, "{toml}");
    let home = ours.parent().unwrap();
    let path = home.join("collector.toml");
    std::fs::write(&path, format!("data = {:?}\n{}", home.join("data"), toml.replace(theirs, there)))
        .unwrap();
    path
}

fn fields(line: &str) -> BTreeMap<&'static str, String> {
    let names: Vec<&str> = MACROS.split(' ').filter(|name| !name.is_empty()).collect();
    let values: Vec<&str> = line.split(BETWEEN).collect();
    assert_eq!(values.len(), names.len(), "{line}");
    names.into_iter().zip(values).map(|(name, value)| (name, value.to_owned())).collect()
}

/// Of a message without a stamp, when it was received: that is not the same moment. To be compared is that it is one.
fn by_the_clock(kind: &str, name: &str) -> bool {
    let names: Vec<&str> = MACROS.split(' ').filter(|name| !name.is_empty()).collect();
    let at = |name: &str| names.iter().position(|known| *known == name).unwrap();
    match name {
        "R_UNIXTIME" => true,
        // Not the same moment by far, whenever this runs.
        "UNIXTIME" if GUESSED.contains(&kind) => false,
        _ => (STAMPLESS.contains(&kind) || GUESSED.contains(&kind)) && at(name) >= at(FIRST_TIME),
    }
}

/// Kinds whose time is that of their reception.
const STAMPLESS: [&str; 3] = ["without time", "rfc5424 without time", "no number as pri"];

/// Kinds of which one takes the time from the stamp, or a guess at it, and the other that of reception or another guess: which
/// of hour, day and so on differ depends on when this runs.
const GUESSED: [&str; 5] = [
    "rfc5424 that syslog-ng refuses",
    "rfc5424 to the old port",
    "no such day",
    "no such time",
    "a stamp to come",
];

/// What a stranger reads.
#[test]
fn the_document_has_every_row_of_the_table_and_no_other() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/syslog-ng.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<String> =
        text.lines().filter(|line| line.starts_with("| ")).skip(1).map(str::to_owned).collect();
    let macros = |names: &str| names.split(' ').map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ");
    let expected: Vec<String> = DIFFERENT
        .iter()
        .map(|(kind, names, why)| format!("| {kind} | {} | {why} |", macros(names)))
        .collect();
    assert_eq!(rows, expected);
}

#[test]
fn every_macro_of_every_message_is_as_syslog_ng_writes_it_but_for_the_table() {
    if !has("syslog-ng") {
        skipped("syslog-ng (syslog-ng-core) is not installed");
        return;
    }
    let messages = messages();
    assert!(messages.len() >= 300, "{}", messages.len());
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [theirs, ours] = [0, 1].map(|n| dirs[n].path().join("out"));
    for dir in [&theirs, &ours] {
        std::fs::create_dir(dir).unwrap();
    }
    let ports = [port(), port()];
    let conf = dirs[0].path().join("syslog-ng.conf");
    std::fs::write(&conf, configuration(&theirs, ports)).unwrap();
    let mut command = Command::new("syslog-ng");
    command.args(["-F", "--no-caps"]).arg("-f").arg(&conf);
    for (option, file) in [("--persist-file", "persist"), ("--pidfile", "pid"), ("--control", "ctl")] {
        command.arg(option).arg(dirs[0].path().join(file));
    }
    let daemon = Daemon::start(&mut command, ports[1]);
    let said = through(&theirs, ports, &messages);
    drop(daemon);
    for port in ports {
        // The addresses are free again: what is imported listens there.
        drop(TcpListener::bind(port).unwrap());
    }
    let collector = Collector::start_with(&mut binary(), &imported(&conf, &theirs, &ours));
    let found = through(&ours, ports, &messages);
    collector.stop();

    let mut differ: BTreeMap<(&str, &str), String> = BTreeMap::new();
    for (n, to) in [To::Old, To::New].into_iter().enumerate() {
        let mine = messages.iter().filter(|message| message.to == to);
        for ((message, theirs), ours) in mine.zip(&said[n]).zip(&found[n]) {
            let (theirs, ours) = (fields(theirs), fields(ours));
            for (name, value) in &theirs {
                if by_the_clock(message.kind, name) {
                    if name.ends_with("UNIXTIME") && value.parse::<u64>().is_ok() {
                        let [a, b] = [value, &ours[name]].map(|time| time.parse::<f64>().unwrap());
                        assert!((a - b).abs() < 300.0, "{message:?}: {name}: {a} {b}");
                    }
                } else if *value != ours[name] {
                    let text = &message.text;
                    differ
                        .entry((message.kind, name))
                        .or_insert_with(|| format!("{text:?}: syslog-ng {value:?}, we {:?}", ours[name]));
                }
            }
        }
    }
    let kinds: BTreeSet<&str> = messages.iter().map(|message| message.kind).collect();
    let mut documented = BTreeSet::new();
    for (kind, macros, _) in DIFFERENT {
        for name in macros.split(' ') {
            for one in kinds.iter().filter(|one| *kind == "*" || kind == *one) {
                documented.insert((*one, name));
            }
        }
    }
    let unknown: Vec<_> = differ.iter().filter(|(key, _)| !documented.contains(key)).collect();
    assert!(unknown.is_empty(), "not documented: {unknown:#?}");
    let gone: Vec<_> = documented.iter().filter(|key| !differ.contains_key(*key)).collect();
    assert!(gone.is_empty(), "documented, and no longer so: {gone:#?}");
}
