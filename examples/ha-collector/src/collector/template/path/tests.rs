use super::*;
use crate::collector::event::{Changes, Field};
use crate::collector::record::tests::record_of;
use crate::collector::record::{Record, Time};
use crate::collector::template::clock::{Surroundings, TimeSetting};
use syslog_parse::{IanaZone, Timestamp};

fn none(_: &str, _: &mut Names) -> Result<Box<dyn super::super::Predicate>, String> {
    Err("no filters".to_owned())
}

fn path(text: &str) -> PathTemplate {
    PathTemplate::compile(text, &mut Names::default(), &none)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// 2011-01-01T00:30:00+01:00
const NEW_YEAR: Time =
    Time { instant: Timestamp::new(1_293_838_200, 0), offset: 3600, fraction_digits: 0, provenance: None };

/// The path for a message from `host` at `time`, and whether it was said to be that of the message before.
struct Asker {
    path: PathTemplate,
    clock: Clock,
}

impl Asker {
    fn new(text: &str, zone: Option<&str>) -> Self {
        let zone = zone.map(|zone| IanaZone::named(zone).unwrap());
        let setting = TimeSetting { zone, ..TimeSetting::default() };
        let around = Surroundings::fake(Names::default()).into();
        Self { path: path(text), clock: Clock::stopped(&setting, around, Timestamp::new(0, 0)) }
    }

    fn ask(&mut self, host: &[u8], time: Time) -> (bool, String) {
        let record = record_of(b"<13>1 2003-10-11T22:14:15Z h app 1 - - m");
        let mut changes = Changes::default();
        let mut event = Event::new(Record::read(&record).unwrap(), &mut changes);
        event.set(Field::Host, host);
        event.set_time(time);
        let same = self.path.same_as_last(&event, &mut self.clock);
        let mut out = Vec::new();
        self.path.render(&event, &mut self.clock, &mut out);
        (same, String::from_utf8(out).unwrap())
    }
}

fn rendered(text: &str, host: &[u8]) -> String {
    Asker::new(text, None).ask(host, NEW_YEAR).1
}

#[test]
fn a_path_is_as_people_know_it() {
    for (text, expected) in [
        ("${HOST}/${YEAR}-${MONTH}-${DAY}.log", "db7.example.org/2011-01-01.log"),
        ("all.log", "all.log"),
        ("./by host//$HOST", "by host/db7.example.org"),
        ("$PROGRAM/$FACILITY.$LEVEL", "app/user.notice"),
        ("${NOPE:-a/b}/$(echo x/y)", "a%2Fb/x%2Fy"),
        ("logs/$R_YEAR/$C_YEAR", "logs/2023/1970"),
    ] {
        assert_eq!(rendered(text, b"db7.example.org"), expected, "{text}");
    }
}

#[test]
fn the_day_of_a_file_is_that_of_the_destinations_zone_or_else_of_the_stamp() {
    for (zone, expected) in
        [(None, "2011-01-01"), (Some("UTC"), "2010-12-31"), (Some("Europe/Budapest"), "2011-01-01")]
    {
        assert_eq!(Asker::new("$YEAR-$MONTH-$DAY", zone).ask(b"h", NEW_YEAR).1, expected);
    }
}

#[test]
fn no_value_leaves_its_component() {
    let long = vec![b'/'; 64 << 10];
    let hosts: [&[u8]; 12] = [
        b"..",
        b".",
        b"../../etc/passwd",
        b"/etc/cron.d/x",
        b"a\0b",
        b"a\nb",
        b"\xff\xfe",
        b"-rf",
        b"~root",
        b"$(reboot)",
        &long,
        b"%2e%2e",
    ];
    for host in hosts {
        for text in ["$HOST", "logs/$HOST", "$HOST/x", "a-$HOST.log", ".$HOST", "$HOST$HOST", "..$HOST"] {
            let path = rendered(text, host);
            assert!(path.is_ascii() && !path.starts_with('/'), "{path}");
            assert_eq!(path.matches('/').count(), text.matches('/').count());
            for component in path.split('/') {
                assert!(!component.is_empty() && component.len() <= 255, "{path}");
                assert!(!component.starts_with('.'), "{path}");
                assert!(!component.bytes().any(|byte| byte.is_ascii_control() || byte == b' '), "{path}");
            }
        }
    }
    // Empty, though there is a value: the macro has none, and nothing stands beside it.
    assert_eq!(rendered("$MSGID/x", b"h"), "%_/x");
    assert_eq!(rendered("a-$HOST", b"../x"), "a-..%2Fx");
}

#[test]
fn what_leads_out_of_the_root_or_names_no_file_is_refused() {
    for (text, message) in [
        ("/var/log/x", "begin with `/`"),
        ("a/../b", "have `..` in it"),
        ("a/", "be a directory"),
        ("$HOST/", "be a directory"),
        ("", "be a directory"),
        (".", "be a directory"),
        ("a\nb", "have control characters in it"),
        ("a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a", "have more than 15 components"),
    ] {
        let error = PathTemplate::compile(text, &mut Names::default(), &none).unwrap_err();
        let expected = format!("the path of a file is beneath its root: it cannot {message}");
        assert_eq!(error.to_string(), expected, "{text}");
    }
    let error = PathTemplate::compile("x/$HOTS", &mut Names::default(), &none).unwrap_err();
    assert_eq!(error.at(), 3);
}

#[test]
fn a_path_is_the_same_until_something_in_it_changes() {
    let later = |seconds: i64| Time { instant: Timestamp::new(1_293_838_200 + seconds, 7), ..NEW_YEAR };
    let mut day = Asker::new("$HOST/$YEAR-$MONTH-$DAY.log", None);
    let asked: Vec<bool> = [
        (&b"a"[..], later(0)),
        (b"a", later(1)),
        (b"a", later(80_000)),
        // The next day, and back.
        (b"a", later(84_600)),
        (b"a", later(0)),
        (b"b", later(0)),
        (b"b", later(0)),
        // The same day elsewhere.
        (b"b", Time { offset: 7200, ..later(0) }),
        // Elsewhere it is another one.
        (b"b", Time { offset: 0, ..later(0) }),
    ]
    .into_iter()
    .map(|(host, time)| day.ask(host, time).0)
    .collect();
    assert_eq!(asked, [false, true, true, false, false, false, true, true, false]);

    for (text, seconds, same) in [
        ("$HOUR", 1_700, true),
        ("$HOUR", 1_800, false),
        ("$MIN", 59, true),
        ("$MIN", 60, false),
        ("$SEC", 1, false),
        ("$R_YEAR/$C_DAY", 1, true),
        ("x", 1, true),
        ("$(lowercase $HOST)", 1, true),
        // What a function chooses cannot be told without asking it.
        ("$(format-json --key HOST)", 0, false),
    ] {
        let mut asker = Asker::new(text, None);
        asker.ask(b"a", later(0));
        assert_eq!(asker.ask(b"a", later(seconds)).0, same, "{text}");
    }
}

#[test]
fn whenever_it_is_said_to_be_the_same_it_is() {
    let mut asker = Asker::new("$HOST$PROGRAM/$YEAR-$WEEK/$HOUR.log", Some("Europe/Budapest"));
    let mut last = String::new();
    for n in 0..5_000_i64 {
        let host: &[u8] = if n % 7 == 0 { b"a" } else { b"ab" };
        let time = Time { instant: Timestamp::new(1_301_180_000 + n * 37, 0), offset: 0, ..NEW_YEAR };
        let (same, path) = asker.ask(host, time);
        assert!(!same || path == last, "{last} {path}");
        last = path;
    }
}
