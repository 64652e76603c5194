//! Times: every part, and the zones of destinations.

use super::*;
use crate::when::{self, ZoneNames};
use syslog_parse::{Civil, IanaZone, ZoneSource};

fn zoned(zone: &str) -> TimeSetting {
    let zone = (!zone.is_empty()).then(|| IanaZone::named(zone).unwrap());
    TimeSetting { zone, ..TimeSetting::default() }
}

fn at(template: &str, time: Time, setting: &TimeSetting) -> String {
    text_of(template, &record_of(MESSAGE), setting, Values::AsTheyAre, |event, _| event.set_time(time))
}

#[test]
fn every_part_of_a_time_has_its_value() {
    for (template, expected) in [
        ("$DATE|$FULLDATE|$STAMP", "Feb 11 10:34:56|2006 Feb 11 10:34:56|Feb 11 10:34:56"),
        ("$ISODATE|$UNIXTIME", "2006-02-11T10:34:56.123456+01:00|1139650496"),
        ("$YEAR|$MONTH|$MONTH_ABBREV|$MONTH_NAME|$MONTH_WEEK|$DAY", "2006|02|Feb|February|1|11"),
        ("$YEAR_DAY|$WEEK|$ISOWEEK", "042|06|06"),
        ("$WEEKDAY|$WEEK_DAY|$WEEK_DAY_ABBREV|$WEEK_DAY_NAME", "Sat|7|Sat|Saturday"),
        ("$HOUR|$HOUR12|$AMPM|$MIN|$SEC|$MSEC|$USEC", "10|10|AM|34|56|123|123456"),
        ("$TZ|$TZOFFSET", "+01:00|+01:00"),
        ("$S_DATE|$S_YEAR|$S_UNIXTIME", "Feb 11 10:34:56|2006|1139650496"),
        // Received at the record's 1,700,000,000.000000005, in UTC.
        ("$R_ISODATE|$R_DATE|$R_HOUR12|$R_AMPM", "2023-11-14T22:13:20.000000+00:00|Nov 14 22:13:20|10|PM"),
        ("$C_DATE|$C_YEAR_DAY|$C_WEEK|$C_MONTH_WEEK|$C_ISOWEEK", "Nov 21 08:12:50|325|46|3|47"),
        ("$C_UNIXTIME|$C_MSEC|$C_USEC|$C_HOUR12|$P_YEAR", "1795248770|429|429497|08|2026"),
    ] {
        assert_eq!(text(template), expected, "{template}");
    }
}

#[test]
fn digits_and_stamp_format_are_settings() {
    for (fraction, stamp, expected) in [
        (Fraction::AsReceived, None, "Feb 11 10:34:56|2006-02-11T10:34:56.123456+01:00|1139650496"),
        (Fraction::Digits(0), None, "Feb 11 10:34:56|2006-02-11T10:34:56+01:00|1139650496"),
        (Fraction::Digits(3), None, "Feb 11 10:34:56.123|2006-02-11T10:34:56.123+01:00|1139650496.123"),
        (
            Fraction::Digits(3),
            Some(StampFormat::Rfc3339),
            "2006-02-11T10:34:56.123+01:00|2006-02-11T10:34:56.123+01:00|1139650496.123",
        ),
        (
            Fraction::AsReceived,
            Some(StampFormat::Full),
            "2006 Feb 11 10:34:56|2006-02-11T10:34:56.123456+01:00|1139650496",
        ),
        (
            Fraction::Digits(9),
            Some(StampFormat::Unix),
            "1139650496.123456000|2006-02-11T10:34:56.123456000+01:00|1139650496.123456000",
        ),
    ] {
        let setting = TimeSetting { zone: None, fraction, stamp };
        assert_eq!(at("$STAMP|$ISODATE|$UNIXTIME", TIME, &setting), expected);
    }
}

/// `date -d … '+%j %W %V %a'` of GNU coreutils, and the number of the day with Sunday as 1.
#[test]
fn weeks_and_days_are_those_of_the_calendar() {
    for (year, month, day, expected) in [
        (2024, 12, 30, "365 53 01 2 Mon"),
        (2023, 1, 1, "001 00 52 1 Sun"),
        (2020, 12, 31, "366 52 53 5 Thu"),
        (2021, 1, 3, "003 00 53 1 Sun"),
        (2021, 1, 4, "004 01 01 2 Mon"),
        (2000, 2, 29, "060 09 09 3 Tue"),
        (1970, 1, 1, "001 00 01 5 Thu"),
        (1969, 12, 31, "365 52 01 4 Wed"),
    ] {
        let civil = Civil { year, month, day, hour: 23, minute: 59, second: 59 };
        let time = Time { instant: Timestamp::new(civil.local_seconds(), 0), offset: 0, ..TIME };
        let text = at("$YEAR_DAY $WEEK $ISOWEEK $WEEK_DAY $WEEKDAY", time, &TimeSetting::default());
        assert_eq!(text, expected, "{civil:?}");
    }
}

#[test]
fn twelve_hours_begin_with_twelve() {
    let hours = ["12AM", "01AM", "11AM", "12PM", "01PM", "11PM"];
    for (hour, expected) in [0, 1, 11, 12, 13, 23].into_iter().zip(hours) {
        let time = Time { instant: Timestamp::new(hour * 3600, 0), offset: 0, ..TIME };
        assert_eq!(at("$HOUR12$AMPM", time, &TimeSetting::default()), expected);
    }
}

#[test]
fn the_ends_of_time_are_written_too() {
    for secs in [i64::MIN, -1, i64::MAX] {
        for offset in [i32::MIN, i32::MAX, -30] {
            let time = Time {
                instant: Timestamp::new(secs, u32::MAX),
                offset,
                fraction_digits: 255,
                provenance: None,
            };
            for setting in [zoned(""), zoned("Europe/Budapest")] {
                let text =
                    at("$ISODATE $DATE $YEAR_DAY $WEEK $ISOWEEK $MONTH_WEEK $TZ $USEC", time, &setting);
                assert!(text.is_ascii() && text.len() < 120, "{text}");
            }
        }
    }
}

/// "How syslog-ng PE assigns timezone to the message", rules 1 to 5, with Budapest in winter and in summer.
#[test]
fn budapest_in_winter_and_in_summer() {
    let budapest = IanaZone::named("Europe/Budapest").unwrap();
    // "the current time is 2011-03-11 (March 11, 2011)": the reference of stamps without a year.
    let march = Timestamp::new(
        Civil { year: 2011, month: 3, day: 11, hour: 12, minute: 0, second: 0 }.local_seconds(),
        0,
    );
    let autumn = Timestamp::new(
        Civil { year: 2011, month: 9, day: 1, hour: 12, minute: 0, second: 0 }.local_seconds(),
        0,
    );
    for (raw, reference, zone, expected) in [
        // 1. "If the incoming message includes a timezone it is associated with the message."
        (
            "<13>1 2011-01-01T12:00:00+09:00 h a - - - m",
            march,
            "",
            "2011-01-01T12:00:00+09:00 Jan  1 12:00:00",
        ),
        // 2. "If the timestamp of an incoming message is 2011-01-01, the timezone associated with the message will be
        // +01:00", whatever clocks show today;
        ("<13>Jan  1 12:00:00 h a: m", march, "", "2011-01-01T12:00:00+01:00 Jan  1 12:00:00"),
        ("<13>Jan  1 12:00:00 h a: m", autumn, "", "2011-01-01T12:00:00+01:00 Jan  1 12:00:00"),
        // and in summer +02:00.
        ("<13>Jul  1 12:00:00 h a: m", autumn, "", "2011-07-01T12:00:00+02:00 Jul  1 12:00:00"),
        ("<13>Jul  1 12:00:00 h a: m", march, "", "2010-07-01T12:00:00+02:00 Jul  1 12:00:00"),
        // 3. "syslog-ng converts message timestamps to this timezone before sending the message to its destination", each
        // destination its own; in RFC 3164 "will convert the hour:min values".
        ("<13>Jan  1 12:00:00 h a: m", march, "UTC", "2011-01-01T11:00:00+00:00 Jan  1 11:00:00"),
        ("<13>Jul  1 12:00:00 h a: m", autumn, "UTC", "2011-07-01T10:00:00+00:00 Jul  1 10:00:00"),
        (
            "<13>Jan  1 12:00:00 h a: m",
            march,
            "America/New_York",
            "2011-01-01T06:00:00-05:00 Jan  1 06:00:00",
        ),
        (
            "<13>Jul  1 12:00:00 h a: m",
            autumn,
            "America/New_York",
            "2011-07-01T06:00:00-04:00 Jul  1 06:00:00",
        ),
        (
            "<13>1 2011-01-01T12:00:00Z h a - - - m",
            march,
            "Europe/Budapest",
            "2011-01-01T13:00:00+01:00 Jan  1 13:00:00",
        ),
        (
            "<13>1 2011-07-01T12:00:00Z h a - - - m",
            march,
            "Europe/Budapest",
            "2011-07-01T14:00:00+02:00 Jul  1 14:00:00",
        ),
        // The hour that clocks show twice: the instant tells which.
        (
            "<13>1 2011-10-30T00:30:00Z h a - - - m",
            march,
            "Europe/Budapest",
            "2011-10-30T02:30:00+02:00 Oct 30 02:30:00",
        ),
        (
            "<13>1 2011-10-30T01:30:00Z h a - - - m",
            march,
            "Europe/Budapest",
            "2011-10-30T02:30:00+01:00 Oct 30 02:30:00",
        ),
    ] {
        let message = syslog_parse::parse(raw.as_bytes());
        let names = ZoneNames::default();
        let sent = when::sent(&message, &names, &budapest, ZoneSource::Configured, reference).unwrap();
        let time = Time {
            instant: sent.instant,
            offset: sent.offset,
            fraction_digits: 0,
            provenance: Some(sent.provenance),
        };
        assert_eq!(at("$ISODATE $DATE", time, &zoned(zone)), expected, "{raw} to {zone:?}");
        // "Unix time is a timezone-independent time representation."
        assert_eq!(at("$S_UNIXTIME", time, &zoned(zone)), sent.instant.secs.to_string());
    }
}

#[test]
fn one_zone_converts_all_three_times() {
    // 22:13:20 UTC received, 08:12:50 UTC now; Kathmandu is 5:45 ahead.
    assert_eq!(
        at("$S_ISODATE $R_DATE $C_DATE $R_TZ $C_TZ", TIME, &zoned("Asia/Kathmandu")),
        "2006-02-11T15:19:56.123456+05:45 Nov 15 03:58:20 Nov 21 13:57:50 +05:45 +05:45"
    );
}
