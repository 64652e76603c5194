//! What the published guides tell their readers to do, done with ours: their configurations imported, their commands typed.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::ledger::Balance;
use crate::support::{Collector, binary, has, lines, skipped};

/// A configuration of the guides.
fn published(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/syslog-ng").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// Imports `text` as a user does, and changes what a test must: every pair is there, and is replaced.
fn imported(dir: &Path, text: &str, exit: i32, changes: &[(&str, &str)]) -> PathBuf {
    let conf = dir.join("syslog-ng.conf");
    std::fs::write(&conf, text).unwrap();
    let output = binary().args(["import", "syslog-ng"]).arg(&conf).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(exit), "{}", String::from_utf8_lossy(&output.stderr));
    let mut toml = format!("data = {:?}\n", dir.join("data")) + &String::from_utf8(output.stdout).unwrap();
    for (from, to) in changes {
        assert!(toml.contains(from), "{from} is not in {toml}");
        toml = toml.replace(from, to);
    }
    let path = dir.join("collector.toml");
    std::fs::write(&path, toml).unwrap();
    path
}

fn start(config: &Path) -> Collector {
    Collector::start_with(&mut binary(), config)
}

fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

#[test]
fn hello_syslog_by_nc_is_found_in_the_file_of_its_sender_and_day() {
    if !has("nc") {
        skipped("nc (netcat-openbsd) is not installed");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let config = imported(
        dir.path(),
        &published("failover.conf"),
        0,
        &[
            ("0.0.0.0:514", "0.0.0.0:0"),
            ("/var/log/remote", &at("remote")),
            ("/var/log/syslog-ng/buffers", &at("buffers")),
        ],
    );
    let mut collector = start(&config);
    let before = today();
    // The configuration is syslog-ng's, whose times have no fraction.
    let started = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).unwrap();
    for (flags, to) in [(&["-u", "-q", "0"][..], collector.udp), (&["-N"][..], collector.tcp)] {
        // The address of every interface: the guide's reader types the virtual one.
        let port = to.port().to_string();
        let mut nc =
            Command::new("nc").args(flags).args(["127.0.0.1", &port]).stdin(Stdio::piped()).spawn().unwrap();
        nc.stdin.take().unwrap().write_all(b"HELLO SYSLOG\n").unwrap();
        assert!(nc.wait().unwrap().success());
    }
    collector.wait_for_ledger(|ledger| ledger.delivered == 2);
    let ledger = collector.stop();
    assert!(ledger.dropped.is_empty(), "{ledger:?}");
    let found = lines(&dir.path().join("remote"));
    // Midnight may have come between.
    let days = [before, today()].map(|day| format!("127.0.0.1/{day}.log"));
    assert!(found.keys().all(|name| days.contains(name)), "{found:?}");
    let all: Vec<&String> = found.values().flatten().collect();
    assert_eq!(all.len(), 2, "{found:?}");
    for line in all {
        let (time, rest) = line.split_once(' ').unwrap();
        // syslog-ng takes the first word for a program and writes the same line.
        assert_eq!(rest, "127.0.0.1 HELLO SYSLOG");
        let time: jiff::Timestamp = time.parse().unwrap();
        assert!((started..=jiff::Timestamp::now()).contains(&time), "{line}");
    }
}

const FACILITIES: [&str; 24] = [
    "kern",
    "user",
    "mail",
    "daemon",
    "auth",
    "syslog",
    "lpr",
    "news",
    "uucp",
    "cron",
    "authpriv",
    "ftp",
    "ntp",
    "security",
    "console",
    "solaris-cron",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
];
const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// A line of syslog.conf, which the published configuration has as a comment above what it becomes.
struct Row {
    /// Each `facility.level`.
    terms: Vec<(String, String)>,
    file: String,
}

/// The table that the guide translates.
fn table(conf: &str) -> Vec<Row> {
    let row = |line: &str| {
        let (selectors, file) = line.strip_prefix("# ")?.split_once("  ")?;
        let term = |term: &str| {
            let (facility, level) = term.split_once('.').unwrap();
            (facility.to_owned(), level.to_owned())
        };
        let file = file.trim().rsplit('/').next()?.to_owned();
        Some(Row { terms: selectors.split(';').map(term).collect(), file })
    };
    conf.lines().filter_map(row).collect()
}

impl Row {
    /// How many of its terms want this message.
    fn wants(&self, facility: &str, level: usize) -> usize {
        let wants = |(of, least): &&(String, String)| {
            (of == "*" || of == facility)
                && (least == "*" || LEVELS.iter().position(|name| name == least).unwrap() >= level)
        };
        self.terms.iter().filter(wants).count()
    }
}

/// One message of every facility and level, by logger(1) as far as it knows the facility.
fn log_everything(socket: &Path) {
    for (facility, name) in FACILITIES.into_iter().enumerate() {
        for (level, of) in LEVELS.into_iter().enumerate() {
            let text = format!("message of {name}.{of}");
            // It makes kern into user, and takes `security` for an old name of auth.
            if matches!(facility, 0 | 12..=15) {
                let mut stream = UnixStream::connect(socket).unwrap();
                let stamp = jiff::Timestamp::now().strftime("%b %e %H:%M:%S");
                writeln!(stream, "<{}>{stamp} table: {text}", facility * 8 + level).unwrap();
            } else {
                let mut logger = Command::new("logger");
                logger.arg("-u").arg(socket).args(["-t", "table", "-p", &format!("{name}.{of}"), &text]);
                assert!(logger.env("TZ", "UTC").status().unwrap().success(), "{name}.{of}");
            }
        }
    }
}

const MESSAGES: u64 = 24 * 8;

/// How often each message is in each file.
fn counted(dir: &Path) -> BTreeMap<(String, String), usize> {
    let mut counted = BTreeMap::new();
    for (file, lines) in lines(dir) {
        for line in lines {
            // What the collector says itself is there, too.
            let Some((_, message)) = line.split_once(" table: message of ") else { continue };
            *counted.entry((file.clone(), message.to_owned())).or_default() += 1;
        }
    }
    counted
}

/// What is changed so that the client's configuration touches nothing of this machine.
fn at_home(dir: &Path) -> Vec<(&'static str, String)> {
    let logs = dir.join("logs");
    std::fs::create_dir_all(&logs).unwrap();
    // A terminal is there before us.
    std::fs::write(logs.join("console"), "").unwrap();
    vec![
        ("/dev/log", dir.join("log").display().to_string()),
        ("/dev/console", logs.join("console").display().to_string()),
        ("\"/var/log\"", format!("{logs:?}")),
        // Nobody is called so: nobody's terminal is written to, and what would have been is counted.
        ("users = [\"*\"]", "users = [\"nobody.at.all\"]".to_owned()),
    ]
}

fn as_strs<'s>(changes: &'s [(&'static str, String)]) -> Vec<(&'static str, &'s str)> {
    changes.iter().map(|(from, to)| (*from, to.as_str())).collect()
}

#[test]
fn every_facility_and_level_lands_in_the_files_of_the_table_as_often_as_syslog_ng_writes_it() {
    if !has("logger") {
        skipped("logger (bsdutils) is not installed");
        return;
    }
    let table = table(&published("hack-client.conf"));
    assert_eq!(table.len(), 8);
    // As it is published, and as the report of the import advises.
    for dedupe in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut changes = at_home(dir.path());
        if dedupe {
            for kind in ["file", "console"] {
                let type_ = format!("type = {kind:?}\n");
                let key: &str = if kind == "file" { "type = \"file\"\n" } else { "type = \"console\"\n" };
                changes.push((key, format!("{type_}dedupe = true\n")));
            }
        }
        // Exit 1: the semicolon that is missing is said, and read as if it were there.
        let config = imported(dir.path(), &published("hack-client.conf"), 1, &as_strs(&changes));
        let collector = start(&config);
        log_everything(&dir.path().join("log"));
        let data = dir.path().join("data");
        Balance::when(&data, |balance| {
            balance.source("src-unix-stream", "received") == MESSAGES
                && balance.closes()
                && balance.queued() == 0
        });
        let ledger = collector.stop();
        let mut expected = BTreeMap::new();
        for row in table.iter().filter(|row| row.file != "*") {
            for facility in FACILITIES {
                for (level, of) in LEVELS.into_iter().enumerate() {
                    let times = row.wants(facility, level);
                    if times > 0 {
                        let key = (row.file.clone(), format!("{facility}.{of}"));
                        expected.insert(key, if dedupe { 1 } else { times });
                    }
                }
            }
        }
        let found = counted(&dir.path().join("logs"));
        assert_eq!(found, expected, "dedupe: {dedupe}");
        // `*.emerg *`: one of every facility, for terminals of nobody.
        assert_eq!(ledger.dropped.get("not_taken"), Some(&24), "{ledger:?}");
    }
}

/// The file that the server keeps of this machine, whatever its name for it.
fn remote(dir: &Path) -> Vec<String> {
    let found = lines(dir);
    let known = ["127.0.0.1", "localhost"];
    assert!(found.keys().all(|name| known.contains(&name.as_str())), "{found:?}");
    found.into_values().flatten().collect()
}

fn server(dir: &Path) -> Collector {
    // Exit 1: the page has lost the address of the log host.
    let logs = format!("{:?}", dir.join("logs"));
    start(&imported(
        dir,
        &published("hack-server.conf"),
        1,
        &[("0.0.0.0:5140", "0.0.0.0:0"), ("\"/var/log\"", &logs)],
    ))
}

#[test]
fn what_a_client_with_the_mended_configuration_hears_is_in_the_servers_file_of_it_once() {
    if !has("logger") {
        skipped("logger (bsdutils) is not installed");
        return;
    }
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let mut server = server(dirs[0].path());
    let local: SocketAddr = ([127, 0, 0, 1], server.tcp.port()).into();
    let mended = published("hack-client.conf").replace("internal( ) }", "internal( ); }")
        + &format!(
            "destination loghost {{ tcp(\"{}\" port({})); }};\nlog {{ source(src); destination(loghost); }};\n",
            local.ip(),
            local.port()
        );
    let client = imported(dirs[1].path(), &mended, 0, &as_strs(&at_home(dirs[1].path())));
    let client = start(&client);
    log_everything(&dirs[1].path().join("log"));
    // And one that speaks to the server itself.
    let port = local.port().to_string();
    let mut direct = Command::new("logger");
    direct.args([
        "-T",
        "-n",
        "127.0.0.1",
        "-P",
        &port,
        "--rfc3164",
        "-p",
        "mail.err",
        "-t",
        "direct",
        "by TCP",
    ]);
    assert!(direct.status().unwrap().success());
    server.wait_for_ledger(|ledger| ledger.delivered > MESSAGES);
    client.stop();
    server.stop();
    let lines = remote(&dirs[0].path().join("logs"));
    for name in FACILITIES {
        for of in LEVELS {
            let mine = lines.iter().filter(|line| line.ends_with(&format!(" table: message of {name}.{of}")));
            assert_eq!(mine.count(), 1, "{name}.{of}: {lines:?}");
        }
    }
    assert_eq!(lines.iter().filter(|line| line.ends_with(" direct: by TCP")).count(), 1, "{lines:?}");
}
