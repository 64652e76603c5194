//! What messages are made into.

use crate::collector::path::tests::Track;
use crate::collector::record::Time;

const RAW: &str =
    "<13>Nov 20 10:00:00 db7 su[77]: pay 1234567890123456 and 9999888877776666 to bob@example.org";

/// A field after one step.
fn after(step: &str, field: &str) -> Option<String> {
    Track::new(&format!("[{{ {step} }}]")).makes(RAW, field)
}

fn is(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn fields_are_set_unset_and_renamed() {
    assert_eq!(after("set = 'PROGRAM', to = '${HOST}/$PROGRAM'", "PROGRAM"), is("db7/su"));
    assert_eq!(after("set = '.new', to = '${.none:-x}$$'", ".new"), is("x$"));
    assert_eq!(after("unset = 'PID'", "PID"), None);
    assert_eq!(after("rename = 'PID', to = '.pid'", ".pid"), is("77"));
    assert_eq!(after("rename = 'PID', to = '.pid'", "PID"), None);
    assert_eq!(after("rename = 'PID', to = 'PID'", "PID"), is("77"));
    assert_eq!(after("rename = '.none', to = 'PID'", "PID"), is("77"), "what is not there has no other name");
}

#[test]
fn what_matches_is_replaced_once_or_everywhere() {
    let subst =
        |keys: &str| after(&format!("subst = '\\b[0-9]{{13,16}}\\b', with = '****'{keys}"), "MESSAGE");
    assert_eq!(subst(""), is("pay **** and 9999888877776666 to bob@example.org"));
    assert_eq!(subst(", global = true"), is("pay **** and **** to bob@example.org"));
    assert_eq!(subst(", in = 'PID'").unwrap(), RAW.split(": ").nth(1).unwrap(), "another field");
    assert_eq!(
        after("subst = '(?<user>\\w+)@(\\S+)', with = '$2 at ${user} on $HOST'", "MESSAGE")
            .unwrap()
            .split(" to ")
            .nth(1),
        Some("example.org at bob on db7")
    );
    assert_eq!(after("subst = 'B', with = 'x', in = 'HOST', flags = ['ignore-case']", "HOST"), is("dx7"));
    assert_eq!(after("subst = '.', with = 'x', in = 'HOST', type = 'string'", "HOST"), is("db7"));
    assert_eq!(after("subst = '', with = '-', in = 'HOST', global = true", "HOST"), is("-d-b-7-"));
    assert_eq!(after("subst = 'x*', with = '-', in = 'HOST', global = true", "HOST"), is("-d-b-7-"));
    assert_eq!(after("subst = '$', with = '!', in = 'HOST'", "HOST"), is("db7!"));
    assert_eq!(after("subst = 'b(x)?', with = '[$1]', in = 'HOST'", "HOST"), is("d[]7"));
    assert_eq!(after("subst = 'x', with = 'y', in = '.none'", ".none"), None);
}

#[test]
fn a_step_is_only_for_what_its_condition_holds_of() {
    assert_eq!(after("set = 'PROGRAM', to = 'x', when = 'host(db7)'", "PROGRAM"), is("x"));
    assert_eq!(after("set = 'PROGRAM', to = 'x', when = 'host(db8)'", "PROGRAM"), is("su"));
}

#[test]
fn tags_are_set_and_cleared() {
    let mut track = Track::new("[{ set-tag = 'a' }, { set-tag = 'b' }, { clear-tag = 'a' }]");
    let (a, b) = (track.names.tag("a").unwrap(), track.names.tag("b").unwrap());
    assert!(track.run(b"x", |_, event| !event.has_tag(a) && event.has_tag(b)));
}

#[test]
fn each_part_of_the_priority_is_set_by_name_number_or_field() {
    let priority = |step: &str, raw: &str| {
        Track::new(&format!("[{{ {step} }}]")).run(raw.as_bytes(), |_, event| event.priority())
    };
    let raw = "<13>Nov 20 10:00:00 3 local1[77]: x";
    assert_eq!(priority("set-severity = 'error'", raw), 11);
    assert_eq!(priority("set-severity = '7'", raw), 15);
    assert_eq!(priority("set-severity = '$HOST'", raw), 11);
    assert_eq!(priority("set-severity = '$PROGRAM'", raw), 13, "no such level: as it was");
    assert_eq!(priority("set-facility = 'mail'", raw), 21);
    assert_eq!(priority("set-facility = '$PROGRAM'", raw), 17 << 3 | 5);
    assert_eq!(priority("set-pri = 'local0.err'", raw), 131);
    assert_eq!(priority("set-pri = '${.none:-14}'", raw), 14);
    assert_eq!(priority("set-severity = 'err'", "<999>x"), 11, "what meant nothing was user.notice");
}

/// The time after one step, of a message of 2023-11-14 17:13:20 in a zone five hours west of Greenwich.
fn time(step: &str) -> Time {
    Track::new(&format!("[{{ {step} }}]")).run(b"x", |_, event| event.time())
}

#[test]
fn a_zone_is_fixed_by_moving_the_instant_and_set_by_moving_the_clock() {
    let before = time("set-tag = 'nothing'");
    assert_eq!((before.instant.secs, before.offset), (1_700_000_000, -18_000));
    let fixed = time("fix-time-zone = 'Europe/Budapest'");
    assert_eq!((fixed.instant.secs, fixed.offset), (1_700_000_000 - 18_000 - 3_600, 3_600));
    let set = time("set-time-zone = 'Europe/Budapest'");
    assert_eq!((set.instant.secs, set.offset), (1_700_000_000, 3_600));
    assert_eq!((set.fraction_digits, set.provenance), (before.fraction_digits, before.provenance));
}

#[test]
fn a_zone_is_a_name_a_posix_string_or_an_offset() {
    let offset = |zone: &str| time(&format!("set-time-zone = '{zone}'")).offset;
    assert_eq!(offset("EST5EDT"), -18_000);
    assert_eq!(offset("MET-1METDST,M3.5.0,M10.5.0/3"), 3_600);
    assert_eq!((offset("+05:30"), offset("-0330"), offset("+02")), (19_800, -12_600, 7_200));
    assert_eq!(offset("UTC"), 0);
}
