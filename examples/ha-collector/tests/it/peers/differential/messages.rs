//! What is sent: both shapes, odd ones, and the lines of the parser's corpus that both read.

use std::path::Path;

use serde_json::Value;

use super::{Message, To};

pub(super) fn messages() -> Vec<Message> {
    // Stamps without a year are of the last day, so that nobody has to guess.
    let now = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC);
    let stamp = |hours: i64| (&now - jiff::Span::new().hours(hours)).strftime("%b %e %H:%M:%S").to_string();
    let (recent, soon) = (stamp(1), stamp(-24 * 20));
    let mut all = Vec::new();
    let mut add = |kind, to, text: &str| {
        let text = text.replace("{recent}", &recent).replace("{soon}", &soon);
        all.push(Message { kind, to, text });
    };
    // Every facility and level, in the shape of RFC 3164: with a pid, without, and with odd tags.
    for pri in 0..192_usize {
        let (hours, tag) =
            (pri as i64 % 24, ["su[12]", "cron", "postfix/smtpd[2345]", "my-app.1", "a_b"][pri % 5]);
        let stamp = stamp(hours);
        add("rfc3164", To::Old, &format!("<{pri}>{stamp} db7.example.org {tag}: number {pri}, 100% of it"));
    }
    // RFC 5424: every level of some facilities, zones and fractions.
    let zones = ["Z", "+02:00", "-03:30", ".123456Z", ".5+01:00"];
    let data = [
        "-",
        "[origin ip=\"192.0.2.1\"]",
        "[meta sequenceId=\"7\"][origin ip=\"192.0.2.1\"]",
        "[exampleSDID@32473 iut=\"3\" eventSource=\"Application\" eventID=\"1011\"]",
    ];
    for n in 0..60 {
        let (pri, zone, data) = (n * 191 / 60, zones[n % 5], data[n % 4]);
        let kind = if zone.starts_with('.') { "fraction" } else { "rfc5424" };
        add(
            kind,
            To::New,
            &format!(
                "<{pri}>1 2026-{:02}-{:02}T23:59:{n:02}{zone} h{n} app {n} ID{n} {data} number {n}",
                n % 12 + 1,
                n % 28 + 1
            ),
        );
    }
    for text in [
        "<165>1 2026-11-20T10:00:00Z - - - - - nothing said",
        "<165>1 2026-11-20T10:00:00Z h app - - -",
        "<165>1 2026-11-20T10:00:00Z h app - - - \u{feff}with a mark",
        "<165>1 2026-11-20T10:00:00Z h app - - [a@1 x=\"q\\\"b\\\\c\\]d\"] escaped",
    ] {
        add("rfc5424 corner", To::New, text);
    }
    add("rfc5424 without time", To::New, "<165>1 - h app 1 - - text");
    for text in [
        "<13>1 2026-11-20T10:00:00Z h app 1 ID - to the old port",
        "<14>1 2026-11-20T10:00:00.5Z h app - - - again",
    ] {
        add("rfc5424 to the old port", To::Old, text);
    }
    for text in ["HELLO SYSLOG", "<13>bare line here", "<13>app[7]: no time"] {
        add("without time", To::Old, text);
    }
    for text in ["<999>{recent} host app: m", "<192>{recent} host app: m"] {
        add("pri beyond 191", To::Old, text);
    }
    add("empty pri", To::Old, "<>{recent} host app: m");
    add("no number as pri", To::Old, "<abc>{recent} host app: m");
    add("corpus", To::Old, "{recent} host app: m");
    add("pri with zeros", To::Old, "<0034>{recent} host app: m");
    for text in ["<13>{recent} host app: a\tb", "<13>{recent} host app: \u{1b}[31mred\u{7f}"] {
        add("control characters", To::Old, text);
    }
    add("no such day", To::Old, "<13>Feb 30 10:00:00 host app: m");
    // In January, both see the next year in December's messages.
    if now.month() != 12 {
        add("a stamp to come", To::Old, "<13>{soon} host app: m");
    }
    add("fraction", To::Old, "<13>2026-11-20T10:00:00.25+02:00 host app[1]: m");
    add("spaces", To::Old, "<13>{recent} host app:   m  ");
    for file in ["real-world", "devices"] {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../syslog-parse/tests/data/{file}.jsonl"));
        for case in std::fs::read_to_string(path).unwrap().lines() {
            let case: Value = serde_json::from_str(case).unwrap();
            let text = case["text"].as_str().unwrap_or_default();
            match understood(text) {
                Some(To::New) => add(kind(text), To::New, text),
                Some(To::Old) => {
                    let (pri, rest) = text.split_once('>').unwrap();
                    add(kind(text), To::Old, &format!("{pri}>{{recent}}{}", &rest[15..]));
                }
                None => {}
            }
        }
    }
    all
}

/// A line of the corpus that keeps to its RFC so far that both read it, and where it goes.
fn understood(text: &str) -> Option<To> {
    let (pri, rest) = text.strip_prefix('<')?.split_once('>')?;
    if pri.parse::<u16>().ok()? > 191
        || text.contains(|c: char| c.is_control() || !c.is_ascii())
        || text.contains("\\x")
    {
        return None;
    }
    if rest.starts_with("1 20") {
        return Some(To::New);
    }
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let stamp = rest.get(..15)?;
    let tag = rest.get(16..)?.split(' ').nth(1)?;
    (months.contains(stamp.get(..3)?)
        && stamp.get(4..6)?.trim().parse::<u8>().is_ok()
        && stamp.get(7..)?.split(':').count() == 3
        && rest.get(15..16) == Some(" ")
        && tag.ends_with(':'))
    .then_some(To::Old)
}

/// Lines of the corpus that are read otherwise, by what is in them.
const KINDS: [(&str, &str); 12] = [
    ("app web.1 - State", "rfc5424 that syslog-ng refuses"),
    ("- [Originator@6876 sub=Vimsvc.TaskManager", "rfc5424 that syslog-ng refuses"),
    ("x=\"1]2\"", "rfc5424 that syslog-ng refuses"),
    ("t00:00:00z", "rfc5424 that syslog-ng refuses"),
    ("[action:", "rfc5424 that syslog-ng refuses"),
    ("[a@1 x=\"1\"][a@1 x=\"2\"]", "element twice"),
    ("[origin ip=\"1.1.1.1\" ip=\"2.2.2.2\"]", "parameter twice"),
    ("\\]d\\ne\"]", "needless backslash"),
    ("23:59:60Z", "leap second"),
    ("2026-13-45", "no such time"),
    ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "long program"),
    ("monit[2340:0]", "pid with a colon"),
];

fn kind(text: &str) -> &'static str {
    let fraction = || {
        text.get(..40).unwrap_or(text).split_once("T").is_some_and(|(_, time)| {
            let time = time.as_bytes();
            text.contains(">1 ") && time.get(8) == Some(&b'.')
        })
    };
    match KINDS.iter().find(|(part, _)| text.contains(part)) {
        Some((_, kind)) => kind,
        None if text.contains(" cl1-01: cl1-01: ") => "host with a colon",
        None if fraction() => "fraction",
        None => "corpus",
    }
}
