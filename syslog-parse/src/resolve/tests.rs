use super::*;
use crate::{Period, UtcOffset, Weekday};
use proptest::prelude::*;

const REFERENCE: Timestamp = Timestamp::new(1_795_262_400, 0); // 2026-11-21T12:00:00Z

const STAMP: Stamp = Stamp {
    year: None,
    month: 11,
    day: 21,
    hour: 11,
    minute: 59,
    second: 58,
    fraction_digits: 3,
    weekday: None,
    nanos: 5_000_000,
    offset: None,
};

fn found(stamp: Stamp) -> Resolved {
    resolve(&stamp, &FixedOffset::UTC, REFERENCE).unwrap()
}

#[test]
fn a_stamp_of_now_is_of_this_year() {
    let found = found(STAMP);
    assert_eq!(found.instant, Timestamp::new(REFERENCE.secs - 2, 5_000_000));
    assert!(found.provenance.year_inferred());
    assert_eq!(found.provenance.zone(), ZoneSource::Configured);
}

#[test]
fn seven_days_ahead_is_this_year_and_a_nanosecond_more_is_last_year() {
    let limit = Stamp { day: 28, hour: 12, minute: 0, second: 0, nanos: 0, ..STAMP };
    assert_eq!(found(limit).instant.secs, REFERENCE.secs + SLACK_SECONDS);
    let beyond = Stamp { nanos: 1, ..limit };
    assert_eq!(found(beyond).instant.secs, REFERENCE.secs + SLACK_SECONDS - 365 * SECONDS_PER_DAY);
}

#[test]
fn the_own_offset_beats_the_zone() {
    let own = Stamp { offset: UtcOffset::from_seconds(3600), ..STAMP };
    let found = found(own);
    assert_eq!((found.offset, found.provenance.zone()), (3600, ZoneSource::Stamp));
    assert_eq!(found.instant.secs, REFERENCE.secs - 2 - 3600);
}

#[test]
fn a_day_of_the_week_that_does_not_fit_is_told() {
    // 2026-11-21 is a Saturday.
    let on = |weekday| found(Stamp { weekday: Some(weekday), ..STAMP }).provenance.weekday_differs();
    assert!(!on(Weekday::Saturday));
    assert!(on(Weekday::Sunday));
}

#[test]
fn the_29th_of_february_goes_back_over_a_century_without_one() {
    let leap_day = Stamp { month: 2, day: 29, ..STAMP };
    let reference = |year| Timestamp::new(civil::days_from_date(year, 3, 1) * SECONDS_PER_DAY, 0);
    let year = |at| {
        resolve(&leap_day, &FixedOffset::UTC, reference(at)).map(|found| Civil::at(found.instant, 0).year)
    };
    assert_eq!((year(2027), year(2028), year(1903)), (Some(2024), Some(2028), Some(1896)));
}

#[test]
fn provenance_is_one_octet_there_and_back() {
    let provenance = found(Stamp { second: 60, ..STAMP }).provenance;
    assert!(provenance.leap_second());
    assert_eq!(Provenance::from_bits(provenance.bits()), provenance);
    assert_eq!(Provenance::from_bits(provenance.bits() | 1 << 7), provenance, "a bit without a meaning");
}

#[test]
fn the_ends_of_time_are_no_instant_and_no_panic() {
    for secs in [i64::MIN, i64::MIN / 2, i64::MAX / 2, i64::MAX] {
        assert_eq!(resolve(&STAMP, &FixedOffset::UTC, Timestamp::new(secs, 0)), None);
    }
    let last =
        Stamp { year: Some(9999), month: 12, day: 31, hour: 24, minute: 0, second: 0, nanos: 0, ..STAMP };
    assert_eq!(resolve(&last, &FixedOffset::UTC, REFERENCE), None);
}

/// Puts its clocks back by an hour at the epoch: the hour before it on the clock is shown twice.
struct Back;

impl Zone for Back {
    fn at_local(&self, local: i64) -> Local {
        match local {
            ..0 => Local::Single { offset: 3600, from: i64::MIN, until: 0 },
            0..3600 => Local::Fold { before: 3600, after: 0 },
            _ => Local::Single { offset: 0, from: 3600, until: i64::MAX },
        }
    }

    fn at_instant(&self, _: i64) -> Period {
        Period { offset: 0, from: 0, until: 0 }
    }
}

#[test]
fn of_a_repeated_time_the_reading_near_the_reference_is_meant() {
    let twice =
        Stamp { year: Some(1970), month: 1, day: 1, hour: 0, minute: 30, second: 0, nanos: 0, ..STAMP };
    let read = |reference| resolve(&twice, &Back, Timestamp::new(reference, 0)).unwrap();
    assert_eq!(read(1_000_000).instant.secs, -1800, "far away: the earlier");
    assert_eq!(read(-1795).instant.secs, -1800);
    assert_eq!(read(1805).instant.secs, 1800);
    assert_eq!(read(1800 + 7200).instant.secs, 1800, "within two hours");
    assert_eq!(read(1800 + 7201).instant.secs, -1800);
    assert!(read(0).provenance.fold());
}

#[test]
fn the_year_that_is_taken_at_once_is_the_one_that_is_found_by_trying() {
    let zone = FixedOffset::from_seconds(-12 * 3600).unwrap();
    for day in (0..30_000).filter(|day| day % 7 == 0 || day % 365 > 355 || day % 365 < 15) {
        let reference = Timestamp::new(i64::from(day) * SECONDS_PER_DAY + 61, 0);
        for (month, day) in [(1, 1), (1, 8), (2, 28), (6, 15), (12, 20), (12, 31)] {
            let stamp = Stamp { month, day, hour: 0, nanos: 0, ..STAMP };
            let local = find_year(stamp, &zone, reference, reference.secs + SLACK_SECONDS).unwrap();
            let found = resolve(&stamp, &zone, reference).unwrap();
            assert_eq!(Civil::at(found.instant, found.offset), Civil::from_local_seconds(local));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn what_is_found_at_a_glance_is_what_is_found_with_all_care(
        year in prop::option::of(prop_oneof![2020_u16..2030, any::<u16>()]),
        (month, day) in (0_u8..14, prop_oneof![0_u8..33, any::<u8>()]),
        (hour, minute, second) in (prop_oneof![1_u8..4, 0_u8..26], prop_oneof![0_u8..62, any::<u8>()], 0_u8..62),
        offset in prop::option::of(prop_oneof![-90_000_i32..90_000, Just(i32::MAX)]),
        reference in prop_oneof![1_790_000_000_i64..1_800_000_000, any::<i64>()],
    ) {
        let offset = offset.map(|offset| UtcOffset::from_seconds(offset).unwrap_or(UtcOffset::IMPOSSIBLE));
        let stamp = Stamp { year, month, day, hour, minute, second, offset, ..STAMP };
        let reference = Timestamp::new(reference, 0);
        if let Some(found) = find_usual(&stamp, &Back, ZoneSource::Configured, reference) {
            prop_assert_eq!(find_any(stamp, &Back, ZoneSource::Configured, reference), Some(found));
        }
    }
}
