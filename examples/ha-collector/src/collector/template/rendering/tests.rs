use super::*;
use crate::collector::event::{Changes, Field};
use crate::collector::record::tests::record_of;
use crate::collector::record::{Record, Time};
use crate::collector::template::clock::{Fraction, StampFormat};
use crate::collector::template::tests::sys;
use syslog_parse::{IanaZone, Provenance, Timestamp};

fn no_filters(_: &str, _: &mut Names) -> Result<Box<dyn super::super::Predicate>, String> {
    Err("no filters".to_owned())
}

fn wording<'t>(format: Option<&'t str>, template: Option<&'t str>, boundary: Boundary) -> Wording<'t> {
    Wording { format, template, boundary, time: TimeSetting::default() }
}

/// 2003-10-11T22:14:15.003Z
const TIME: Time = Time {
    instant: Timestamp::new(1_065_910_455, 3_000_000),
    offset: 0,
    fraction_digits: 3,
    provenance: Some(Provenance::from_bits(0)),
};

fn written(
    wording: &Wording<'_>,
    raw: &[u8],
    time: Time,
    change: impl FnOnce(&mut Event<'_>, &mut Names),
) -> String {
    let mut names = Names::default();
    let rendering = Rendering::compile(wording, &mut names, &no_filters).unwrap();
    // The time stands in the header of the record, as the intake leaves it there.
    let mut record = record_of(raw);
    record[4] = time.provenance.map_or(0, Provenance::bits);
    record[5] = record[5] & !1 | u8::from(time.provenance.is_some());
    record[6] = time.fraction_digits;
    record[16..24].copy_from_slice(&time.instant.secs.to_le_bytes());
    record[24..28].copy_from_slice(&time.instant.nanos.to_le_bytes());
    record[28..32].copy_from_slice(&time.offset.to_le_bytes());
    let mut changes = Changes::default();
    let mut event = Event::new(Record::read(&record).unwrap(), &mut changes);
    change(&mut event, &mut names);
    let mut renderer = Renderer::stopped(rendering, Surroundings::fake(names).into(), Timestamp::new(0, 0));
    let mut out = b"before ".to_vec();
    renderer.render(&event, &mut out);
    String::from_utf8_lossy(out.strip_prefix(b"before ").unwrap()).into_owned()
}

fn line(format: &str, raw: &[u8]) -> String {
    written(&wording(Some(format), None, Boundary::Line), raw, TIME, |_, _| {})
}

fn frame(format: &str, raw: &[u8], change: impl FnOnce(&mut Event<'_>, &mut Names)) -> String {
    written(&wording(Some(format), None, Boundary::Frame), raw, TIME, change)
}

#[test]
fn a_line_has_time_host_tag_and_message() {
    for (raw, expected) in [
        (
            &b"<34>1 2003-10-11T22:14:15.003Z mymachine su 77 ID47 [a@1 b=\"c\"] it failed"[..],
            "2003-10-11T22:14:15.003+00:00 mymachine su[77]: it failed\n",
        ),
        (b"<34>1 2003-10-11T22:14:15.003Z - - - - - x", "2003-10-11T22:14:15.003+00:00 192.0.2.7 x\n"),
        (b"<34>1 2003-10-11T22:14:15.003Z h app - - -", "2003-10-11T22:14:15.003+00:00 h app: \n"),
        (b"HELLO", "2003-10-11T22:14:15.003+00:00 192.0.2.7 HELLO\n"),
        (
            b"<13>Oct 11 22:14:15 h a[1]: \x1bone\ntwo\x00\xff",
            "2003-10-11T22:14:15.003+00:00 h a[1]: \\x1bone\\ntwo\\x00\u{fffd}\n",
        ),
    ] {
        assert_eq!(line("line", raw), expected);
    }
    let raw = b"<34>1 2003-10-11T22:14:15.003Z h a - - - m";
    let plain = wording(None, None, Boundary::Line);
    assert_eq!(written(&plain, raw, TIME, |_, _| {}), "2003-10-11T22:14:15.003+00:00 h a: m\n");
    let setting = TimeSetting {
        zone: Some(IanaZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()),
        fraction: Fraction::Digits(1),
        stamp: Some(StampFormat::Rfc3164),
    };
    let set = Wording { time: setting, boundary: Boundary::Frame, ..plain };
    assert_eq!(written(&set, raw, TIME, |_, _| {}), "Oct 12 00:14:15.0 h a: m");
}

#[test]
fn a_template_ends_its_line_or_has_it_ended() {
    let raw = b"<13>1 2003-10-11T22:14:15Z h a - - - m\nn";
    for (template, boundary, expected) in [
        ("$HOST $MSG\n", Boundary::Line, "h m\\nn\n"),
        ("$HOST $MSG", Boundary::Line, "h m\\nn\n"),
        ("$HOST $MSG", Boundary::Frame, "h m\nn"),
        ("$HOST\n\n", Boundary::Line, "h\n\n"),
        ("", Boundary::Line, "\n"),
        ("$MSGID", Boundary::Line, "\n"),
        ("$(indent-multi-line $MSG)", Boundary::Line, "m\n\tn\n"),
    ] {
        assert_eq!(written(&wording(None, Some(template), boundary), raw, TIME, |_, _| {}), expected);
    }
}

#[test]
fn a_wrong_wording_is_told() {
    let error = |format, template| {
        Rendering::compile(&wording(format, template, Boundary::Line), &mut Names::default(), &no_filters)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(Some("jason"), None),
        "there is no format `jason`: \"line\", \"json\", \"rfc3164\" and \"rfc5424\" are known: did you mean `json`?"
    );
    assert_eq!(error(Some("json"), Some("$MSG")), "a destination has either `format` or `template`");
    assert_eq!(error(None, Some("$MGS")), "there is no macro `MGS`: did you mean `MSG`?");
}

#[test]
fn json_has_the_keys_of_parse_and_how_the_message_came() {
    let raw = br#"<34>1 2003-10-11T22:14:15.003Z mymachine su 77 ID47 [a@1 b="c\"d" e=""] it failed"#;
    assert_eq!(
        line("json", raw),
        concat!(
            r#"{"format":"rfc5424","pri":34,"facility":"auth","severity":"crit","timestamp":"2003-10-11T22:14:15.003+00:00","#,
            r#""host":"mymachine","app":"su","procid":"77","msgid":"ID47","#,
            r#""structured_data":[{"id":"a@1","params":[["b","c\"d"],["e",""]]}],"message":"it failed","deviations":[],"#,
            r#""time":{"zone":"stamp","year_inferred":false,"gap":false,"fold":false},"sequence":null,"#,
            r#""received_at":"2023-11-14T22:13:20.000000+00:00","source":"net","peer":"192.0.2.7"}"#,
            "\n"
        )
    );
}

#[test]
fn json_of_what_is_unknown_changed_or_no_text_is_sound() {
    let unknown = Time { provenance: None, ..TIME };
    let json = wording(Some("json"), None, Boundary::Line);
    let text = written(&json, b"it is \xff hot\n", unknown, |_, _| {});
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    for key in
        ["pri", "facility", "severity", "timestamp", "host", "app", "structured_data", "time", "fields"]
    {
        assert_eq!(object.get(key).cloned().unwrap_or_default(), serde_json::Value::Null, "{key}");
    }
    assert_eq!(
        (&object["message"], &object["message_base64"]),
        (&"it is \u{fffd} hot".into(), &"aXQgaXMg/yBob3Q=".into())
    );
    let text = written(&json, b"<13>Oct 11 22:14:15 h a: m", TIME, |event, names| {
        event.set_priority(34);
        event.set(Field::Host, b"\0\"\n");
        event.set(names.field(".app.user").unwrap(), b"eve");
        event.found(b"x\"", b"\xc2\x9b");
    });
    assert_eq!(text.lines().count(), 1);
    let object: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&object["pri"], &object["severity"], &object["host"]),
        (&34.into(), &"crit".into(), &"\0\"\n".into())
    );
    assert_eq!(object["fields"], serde_json::json!({"x\"": "\u{9b}", ".app.user": "eve"}));
}

#[test]
fn what_is_to_the_letter_and_unchanged_goes_on_octet_by_octet() {
    for (format, raw) in [
        ("rfc5424", &b"<34>1 2003-10-11T22:14:15.003Z mymachine su - ID47 [a@1 b=\"c\"] \xef\xbb\xbfgr\xc3\xbc\xc3\x9fe"[..]),
        ("rfc5424", b"<34>1 2003-10-11T22:14:15.003+00:00 h a - - -"),
        ("rfc3164", b"<13>Oct 11 22:14:15 h a b c"),
    ] {
        assert_eq!(frame(format, raw, |_, _| {}).as_bytes(), raw);
        let terminated = [raw, b"\n"].concat();
        assert_eq!(frame(format, &terminated, |_, _| {}).as_bytes(), raw);
        assert_eq!(line(format, &terminated).as_bytes(), terminated);
    }
}

#[test]
fn the_other_shape_is_composed_from_the_fields() {
    let new = b"<34>1 2003-10-11T22:14:15.003Z mymachine su 77 ID47 [a@1 b=\"c\"] it failed";
    assert_eq!(frame("rfc3164", new, |_, _| {}), "<34>Oct 11 22:14:15 mymachine su[77]: it failed");
    let old = b"<34>Oct 11 22:14:15 mymachine su[77]: it failed";
    assert_eq!(
        frame("rfc5424", old, |_, _| {}),
        "<34>1 2003-10-11T22:14:15.003Z mymachine su 77 - - it failed"
    );
    // No PRI, no time, no host: what is known of it stands in their place.
    assert_eq!(frame("rfc3164", b"HELLO", |_, _| {}), "<13>Oct 11 22:14:15 192.0.2.7 HELLO");
    assert_eq!(
        frame("rfc5424", b"HELLO", |_, _| {}),
        "<13>1 2003-10-11T22:14:15.003Z 192.0.2.7 - - - - HELLO"
    );
}

#[test]
fn what_was_changed_is_changed_and_structured_data_stays() {
    let raw = b"<34>1 2003-10-11T22:14:15.003Z mymachine su 77 ID47 [a@1 b=\"c\"] it failed";
    let text = frame("rfc5424", raw, |event, names| {
        event.set_priority(13);
        event.set(Field::Host, b"a host");
        event.set(Field::Program, b"");
        event.unset(Field::Pid);
        event.set(Field::Message, "grüße".as_bytes());
        event.set(names.field(".app.user").unwrap(), b"eve");
    });
    assert_eq!(text, "<13>1 2003-10-11T22:14:15.003Z a?host - - ID47 [a@1 b=\"c\"] \u{feff}grüße");
    let text = frame("rfc3164", raw, |event, _| event.set_priority(999));
    assert_eq!(text, "<13>Oct 11 22:14:15 mymachine su[77]: it failed");
}

#[test]
fn a_relayed_message_has_the_time_of_the_destinations_zone() {
    let zone = Some(IanaZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap());
    let raw = b"<34>1 2003-10-11T22:14:15.003Z h su - - [a@1 b=\"c\"] x";
    let new = Wording {
        time: TimeSetting { zone, ..TimeSetting::default() },
        ..wording(Some("rfc5424"), None, Boundary::Frame)
    };
    let text = written(&new, raw, TIME, |_, _| {});
    assert_eq!(text, "<34>1 2003-10-11T18:14:15.003-04:00 h su - - [a@1 b=\"c\"] x");
    let old = Wording { format: Some("rfc3164"), ..new };
    assert_eq!(written(&old, raw, TIME, |_, _| {}), "<34>Oct 11 18:14:15 h su: x");
    assert_eq!(written(&old, b"<13>Oct 11 22:14:15 h a: m", TIME, |_, _| {}), "<13>Oct 11 18:14:15 h a: m");
}

#[test]
fn no_value_makes_a_second_line() {
    let hostile: Vec<u8> = (0..=255).collect();
    let long = [&hostile[..]; 256].concat();
    for format in FORMATS {
        let raw = [b"<13>1 2003-10-11T22:14:15.003Z h a - - [x k=\"1\n2\"] ", &long[..]].concat();
        for raw in [&raw[..], &long, b"", b"\n", b"<13>Oct 11 22:14:15 h a: m\r\nn"] {
            let text = written(&wording(Some(format), None, Boundary::Line), raw, TIME, |event, names| {
                for field in
                    [Field::Host, Field::Program, Field::Pid, Field::Msgid, names.field("x").unwrap()]
                {
                    event.set(field, &long);
                }
            });
            assert!(text.ends_with('\n'));
            assert!(
                !text.trim_end_matches('\n').bytes().any(|byte| byte.is_ascii_control()),
                "{format} {text}"
            );
        }
    }
}

#[test]
fn nothing_is_allocated_once_the_buffers_have_grown() {
    let raws: [&[u8]; 4] = [
        b"<34>1 2003-10-11T22:14:15.003Z mymachine su 77 ID47 [a@1 b=\"c\"] it failed",
        b"<34>Oct 11 22:14:15 mymachine su[77]: it failed",
        b"HELLO",
        b"<13>1 - h a - - - \xff\n",
    ];
    let records = raws.map(record_of);
    for (format, template) in
        FORMATS.map(|format| (Some(format), None)).into_iter().chain([(None, Some("$ISODATE $HOST $MSG\n"))])
    {
        let rendering = Rendering::compile(
            &wording(format, template, Boundary::Line),
            &mut Names::default(),
            &no_filters,
        );
        let mut renderer = rendering.unwrap().renderer(Surroundings::fake(Names::default()).into());
        let mut changes = Changes::default();
        let mut out = Vec::with_capacity(1 << 16);
        let mut round = |renderer: &mut Renderer| {
            out.clear();
            for record in &records {
                renderer.render(&Event::new(Record::read(record).unwrap(), &mut changes), &mut out);
            }
        };
        round(&mut renderer);
        let count = sys::allocations(|| (0..100).for_each(|_| round(&mut renderer)));
        assert_eq!(count, 0, "{format:?}");
    }
}
