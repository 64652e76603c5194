//! Every zone of the database, every change of its clocks, two hours before and after: the same answers as jiff.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use syslog_parse::{Cached, Civil, FixedOffset, IanaZone, Stamp, Timestamp, Zone, resolve};

/// The changes of rules that never end are followed up to here: 2045-01-01.
const UNTIL: i64 = 2_366_841_600;
const TWO_HOURS: i64 = 2 * 3600;
/// Far from every stamp, so that it decides no repeated hour; the years are in the stamps.
const FAR_AWAY: Timestamp = Timestamp::new(-62_000_000_000, 0);

fn jiff_instant(secs: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(secs).unwrap()
}

fn stamp(local: i64) -> Option<Stamp> {
    let civil = Civil::from_local_seconds(local);
    let mut stamp = syslog_parse::parse(b"<1>1 2000-01-01T00:00:00 h a p m -").stamp()?;
    stamp.year = u16::try_from(civil.year).ok();
    (stamp.month, stamp.day) = (civil.month, civil.day);
    (stamp.hour, stamp.minute, stamp.second) = (civil.hour, civil.minute, civil.second);
    stamp.year.map(|_| stamp)
}

/// Compares the answers for one time on the clocks of a zone.
fn check(local: i64, zone: &impl Zone, oracle: &TimeZone, name: &str) {
    let Some(stamp) = stamp(local) else { return };
    let civil: DateTime = Offset::UTC.to_datetime(jiff_instant(local));
    let asked = oracle.to_ambiguous_timestamp(civil);
    let found = resolve(&stamp, zone, FAR_AWAY).unwrap_or_else(|| panic!("{name}: no answer for {civil}"));
    assert_eq!(found.instant.secs, asked.compatible().unwrap().as_second(), "{name} {civil}");
    assert_eq!(found.offset, oracle.to_offset(jiff_instant(found.instant.secs)).seconds(), "{name} {civil}");
    let (gap, fold) = (found.provenance.gap(), found.provenance.fold());
    match asked.offset() {
        AmbiguousOffset::Unambiguous { .. } => assert!(!gap && !fold, "{name} {civil}"),
        AmbiguousOffset::Gap { .. } => assert!(gap && !fold, "{name} {civil}"),
        AmbiguousOffset::Fold { before, after } => {
            assert!(fold && !gap, "{name} {civil}");
            // Received right then, each reading is found.
            for offset in [before, after] {
                let received = Timestamp::new(local - i64::from(offset.seconds()), 1);
                let found = resolve(&stamp, zone, received).unwrap();
                assert_eq!(found.instant.secs, received.secs, "{name} {civil}");
            }
        }
    }
}

#[test]
fn around_every_change_of_every_zone_the_answers_are_those_of_jiff() {
    let names: Vec<_> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    if names.is_empty() {
        eprintln!("skipped: there is no time zone database");
        return;
    }
    let (mut changes, mut times) = (0_u64, 0_u64);
    for name in &names {
        let (Ok(zone), Ok(oracle)) = (IanaZone::named(name), TimeZone::get(name)) else {
            panic!("{name} is in the list, but not in the database");
        };
        let cached = Cached::new(&zone);
        for change in oracle.following(jiff::Timestamp::MIN) {
            let at = change.timestamp().as_second();
            if at > UNTIL {
                break;
            }
            changes += 1;
            let (before, after) = (
                oracle.to_offset(jiff_instant(at - 1)).seconds(),
                oracle.to_offset(jiff_instant(at)).seconds(),
            );
            for offset in [before, after] {
                let local = at + i64::from(offset);
                let steps = (-TWO_HOURS..=TWO_HOURS).step_by(900);
                for local in steps.map(|step| local + step).chain([local - 1, local + 1]) {
                    times += 1;
                    check(local, &cached, &oracle, name);
                }
            }
            for secs in [at - TWO_HOURS, at - 1, at, at + TWO_HOURS] {
                let offset = oracle.to_offset(jiff_instant(secs)).seconds();
                assert_eq!(cached.at_instant(secs).offset, offset, "{name} {secs}");
            }
        }
    }
    eprintln!("{zones} zones, {changes} changes, {times} times on their clocks", zones = names.len());
    assert_eq!(FixedOffset::UTC.at_instant(0).offset, 0);
}
