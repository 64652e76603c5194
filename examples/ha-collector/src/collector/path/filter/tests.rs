//! Every function of filters, asked.

use super::*;
use crate::collector::path::step::Outcome;
use crate::collector::path::tests::Track;

/// Whether a filter says yes to a message from 192.0.2.7.
fn yes(filter: &str, raw: &str) -> bool {
    let track = Track::new(&format!("[{{ filter = '''{filter}''' }}]"));
    track.run(raw.as_bytes(), |outcome, _| outcome == Outcome::ReachedTheEnd)
}

/// A message of this priority.
fn of(priority: u16) -> String {
    format!("<{priority}>Nov 20 10:00:00 db7 su[77]: it failed")
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

/// Which of the numbers a filter says yes to, with the other half of the priority at its extremes.
fn numbers(filter: &str, most: u16, priorities: impl Fn(u16) -> [u16; 2]) -> Vec<u16> {
    let track = Track::new(&format!("[{{ filter = '{filter}' }}]"));
    let yes = |number: &u16| {
        let both = priorities(*number).map(|priority| {
            track.run(of(priority).as_bytes(), |outcome, _| outcome == Outcome::ReachedTheEnd)
        });
        assert_eq!(both[0], both[1], "{filter} {number}");
        both[0]
    };
    (0..=most).filter(yes).collect()
}

fn facilities(filter: &str) -> Vec<u16> {
    numbers(filter, 23, |facility| [facility << 3, facility << 3 | 7])
}

fn levels(filter: &str) -> Vec<u16> {
    numbers(filter, 7, |level| [level, 23 << 3 | level])
}

#[test]
fn every_facility_has_its_name_and_number() {
    for (number, name) in FACILITIES.into_iter().zip(0..).map(|(name, number)| (number, name)) {
        assert_eq!(facilities(&format!("facility({name})")), [number], "{name}");
        assert_eq!(facilities(&format!("facility({number})")), [number], "{number}");
        assert_eq!(facilities(&format!("facility(\"{name}\")")), [number], "{name}");
    }
}

#[test]
fn facilities_are_listed_and_come_in_ranges() {
    let rows: &[(&str, &[u16])] = &[
        ("facility(local0..local5)", &[16, 17, 18, 19, 20, 21]),
        ("facility(local5..local0)", &[16, 17, 18, 19, 20, 21]),
        ("facility(mail, auth)", &[2, 4]),
        ("facility(mail auth 23)", &[2, 4, 23]),
        ("facility(kern..user, 22..local7)", &[0, 1, 22, 23]),
        ("not facility(0..22)", &[23]),
    ];
    for (filter, expected) in rows {
        assert_eq!(facilities(filter), *expected, "{filter}");
    }
}

#[test]
fn every_level_has_its_name_number_and_aliases_under_three_names() {
    let aliases = [("panic", 0), ("error", 3), ("warn", 4)];
    let names = LEVELS.into_iter().zip(0..).chain(aliases);
    for (name, number) in names {
        for function in ["level", "priority", "severity"] {
            assert_eq!(levels(&format!("{function}({name})")), [number], "{name}: that level alone");
            assert_eq!(levels(&format!("{function}({number})")), [number]);
        }
    }
}

#[test]
fn levels_are_listed_and_come_in_ranges_in_either_order() {
    for from in 0..8 {
        for to in 0..8 {
            let expected: Vec<u16> = (from.min(to)..=from.max(to)).collect();
            let (first, last) = (LEVELS[usize::from(from)], LEVELS[usize::from(to)]);
            assert_eq!(levels(&format!("level({first}..{last})")), expected);
            assert_eq!(levels(&format!("level({from}..{to})")), expected);
        }
    }
    assert_eq!(levels("level(err, debug)"), [3, 7]);
    assert_eq!(levels("level(err..crit warn)"), [2, 3, 4]);
}

#[test]
fn a_priority_that_means_nothing_has_no_facility_and_no_level() {
    for filter in ["facility(0..23)", "level(0..7)"] {
        assert!(!yes(filter, &of(192)) && !yes(filter, &of(999)), "{filter}");
    }
    assert!(yes("facility(user) and level(notice)", "no header at all"), "the default is user.notice");
}

#[test]
fn fields_are_matched_by_expression_text_or_glob() {
    let rows = [
        ("host(db7)", true),
        ("host('^b7')", false),
        ("host(\"^db[0-9]+$\")", true),
        ("host('db*' type(glob))", true),
        ("host('b*' type(glob))", false),
        ("host('DB7' type(string))", false),
        ("host('DB7' type(string) flags(ignore-case))", true),
        ("host('DB7' type(string), flags(ignore_case))", true),
        ("host('db' type(string) flags(prefix))", true),
        ("host('b7' type('string') flags(\"substring\"))", true),
        ("program(su)", true),
        ("program('SU' flags(ignore-case))", true),
        ("message(\"it (failed|worked)\")", true),
        ("message('su')", false),
        ("match('^77$' value(\"PID\"))", true),
        ("match('^77$' value(\"$PID\"))", true),
        ("match('^77$' value(MSGID))", false),
        ("match('^$' value('.no.such'))", true),
        ("match('7' value('PID') type(string) flags(prefix))", true),
    ];
    for (filter, expected) in rows {
        assert_eq!(yes(filter, &of(13)), expected, "{filter}");
    }
}

#[test]
fn who_does_not_say_its_name_is_called_by_its_address() {
    assert!(yes("host('192.0.2.7' type(string))", "no header"));
    assert!(yes("\"$HOST\" == \"192.0.2.7\" and \"${HOST:-none}\" eq \"none\"", "no header"));
}

#[test]
fn netmasks_are_of_the_sender() {
    let rows = [
        ("netmask(192.0.2.0/24)", true),
        ("netmask('192.0.2.7')", true),
        ("netmask(192.0.2.8)", false),
        ("netmask(192.0.2.99/255.255.255.0)", true),
        ("netmask(0.0.0.0/0)", true),
        ("netmask(10.0.0.0/8)", false),
        ("netmask(10.0.0.0/8 192.0.0.0/8)", true),
        ("netmask(::/0)", false),
        ("netmask6(2001:db8::/32)", false),
    ];
    for (filter, expected) in rows {
        assert_eq!(yes(filter, &of(13)), expected, "{filter}");
    }
    let v6 = |address: &str| Some(address.parse().unwrap());
    let network = |address: &str, bits: u32| Network::V6 {
        base: address.parse().unwrap(),
        mask: if bits == 0 { 0 } else { u128::MAX << (128 - bits) },
    };
    assert!(contains(network("2001:db8::", 32), v6("2001:db8:1::7")));
    assert!(!contains(network("2001:db8::", 32), v6("2001:db9::7")));
    assert!(contains(network("::1", 128), None), "who has no address is this machine");
    let local = Network::V4 { base: Ipv4Addr::new(127, 0, 0, 0), mask: 0xFF00_0000 };
    assert!(contains(local, None) && !contains(local, v6("192.0.2.1")));
}

#[test]
fn sources_tags_and_lists() {
    assert!(
        yes("source(net)", &of(13)) && !yes("source(local)", &of(13)) && yes("source(local net)", &of(13))
    );
    assert!(!yes("tags(a)", &of(13)));
    let tagged = Track::new("[{ set-tag = 'b' }, { filter = 'tags(\"a\" \"b\") and not tags(a)' }]");
    assert!(tagged.run(b"x", |outcome, _| outcome == Outcome::ReachedTheEnd));
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("hosts.list");
    std::fs::write(&list, "db6\r\ndb7\n\nlast").unwrap();
    let filter = |field| format!("in-list(\"{}\" value(\"{field}\"))", list.display());
    assert!(yes(&filter("HOST"), &of(13)) && !yes(&filter("PROGRAM"), &of(13)));
    assert!(yes(&filter("HOST").replace('-', "_"), &of(13)), "`-` and `_` are the same");
    assert!(!yes(&filter(".empty"), &of(13)), "an empty line is no entry");
}

#[test]
fn comparisons_are_of_numbers_where_both_sides_are() {
    let rows = [
        ("\"$PID\" == \"77\"", true),
        ("\"$PID\" == \"77.0\"", true),
        ("\"$PID\" eq \"77.0\"", false),
        ("\"$PID\" > \"9\"", true),
        ("\"$PID\" gt \"9\"", false),
        ("$PID >= 77 and $PID <= 77 and not $PID < 77", true),
        ("${PID} != 77", false),
        ("\"$HOST\" == \"db7\"", true),
        ("\"$HOST\" == 'db7'", true),
        ("\"$HOST\" != \"db7\"", false),
        ("\"$HOST\" lt \"db8\" and \"$HOST\" le \"db7\" and \"$HOST\" ge \"db7\"", true),
        ("\"$HOST\" ne \"x\"", true),
        ("\"${.app.level}\" eq 'debug'", false),
        ("\"${.app.level:-debug}\" eq 'debug'", true),
        ("\"$HOST/$PROGRAM\" == \"db7/su\"", true),
        (
            "\"$FACILITY.$LEVEL\" == \"user.notice\" and $LEVEL_NUM == 5 and $FACILITY_NUM == 1 and $PRI == 13",
            true,
        ),
        ("\"$SOURCEIP\" == \"192.0.2.7\"", true),
        ("\"inf\" == \"infinity\"", false),
        ("\"-0\" == \"0\"", true),
        ("\"\" == \"0\"", false),
    ];
    for (filter, expected) in rows {
        assert_eq!(yes(filter, &of(13)), expected, "{filter}");
    }
}

#[test]
fn not_binds_tighter_than_and_and_that_tighter_than_or() {
    let (t, f) = ("host(db7)", "host(nobody)");
    let rows = [
        (format!("{t} or {f} and {f}"), true),
        (format!("({t} or {f}) and {f}"), false),
        (format!("{f} and {f} or {t}"), true),
        (format!("not {f} and {t}"), true),
        (format!("not {t} or {t}"), true),
        (format!("not ({t} or {t})"), false),
        (format!("not not {t}"), true),
        (format!(" ( ( {t} ) ) "), true),
        (format!("{t}and\n{t}"), true),
    ];
    for (filter, expected) in rows {
        assert_eq!(yes(&filter, &of(13)), expected, "{filter}");
    }
}
