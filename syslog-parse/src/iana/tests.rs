use super::*;
use crate::Cached;

#[test]
fn an_interval_ends_where_the_answer_does() {
    let zone = IanaZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    // 2026-07-01T00:00:00 on the clock
    let Local::Single { offset, from, until } = zone.at_local(1_782_864_000) else { panic!("summer") };
    assert_eq!(offset, 7200);
    assert!(matches!(zone.at_local(from), Local::Single { offset: 7200, .. }));
    assert!(matches!(zone.at_local(from - 1), Local::Gap { before: 3600, after: 7200 }));
    assert!(matches!(zone.at_local(until - 1), Local::Single { offset: 7200, .. }));
    assert!(matches!(zone.at_local(until), Local::Fold { before: 7200, after: 3600 }));
}

#[test]
fn a_cached_zone_answers_like_the_zone_around_every_change() {
    for name in
        ["Europe/Budapest", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia"]
    {
        let Ok(zone) = IanaZone::named(name) else {
            eprintln!("skipped: no time zone database with {name}");
            continue;
        };
        let cached = Cached::new(&zone);
        let mut instant = 1_262_304_000; // 2010
        while instant < 1_830_297_600 {
            let period = zone.at_instant(instant);
            assert!(period.from <= instant && instant < period.until);
            for local in
                (-26..26).map(|half_hours| period.until + i64::from(period.offset) + half_hours * 1800)
            {
                let plainly = zone.at_local(local);
                let offsets = |local| match local {
                    Local::Single { offset, .. } => (offset, offset, 0),
                    Local::Gap { before, after } => (before, after, 1),
                    Local::Fold { before, after } => (before, after, 2),
                };
                assert_eq!(offsets(cached.at_local(local)), offsets(plainly), "{name} {local}");
            }
            instant = period.until;
        }
    }
}

#[test]
fn a_name_that_nobody_knows_is_told() {
    let error = IanaZone::named_or_posix("Mars/Olympus").unwrap_err();
    assert_eq!(error.to_string(), "unknown time zone \"Mars/Olympus\"");
}

#[test]
fn times_beyond_the_calendar_have_an_answer_too() {
    let zone = IanaZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    for seconds in [i64::MIN, i64::MAX] {
        let (_, _) = (zone.at_local(seconds), zone.at_instant(seconds));
    }
}
