use super::*;
use crate::{FixedOffset, parse, resolve};
use proptest::prelude::*;

const LINE: &[u8] = br#"<34>1 2026-10-11T22:14:15.003+00:00 gate su - ID47 [a@1 x="\q\""] two  words "#;

fn rfc5424(draft: &Draft<'_>) -> String {
    let mut out = b"before".to_vec();
    draft.emit_rfc5424(&Style::default(), &mut out);
    String::from_utf8(out.split_off(6)).unwrap()
}

fn rfc3164(draft: &Draft<'_>, style: Style) -> String {
    let mut out = Vec::new();
    draft.emit_rfc3164(&style, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn what_is_replaced_changes_and_all_else_is_copied() {
    let message = parse(br#"<34>1 2026-10-11T22:14:15.003+00:00 gate su - ID47 [a@1 x="\\\""] two  words "#);
    let mut draft = Draft::of(&message);
    draft.procid(Some(b"7")).host(None).pri(Pri::from_number(0));
    assert_eq!(
        rfc5424(&draft),
        r#"<0>1 2026-10-11T22:14:15.003+00:00 - su 7 ID47 [a@1 x="\\\""] two  words "#
    );
    draft.structured_data(b"").message("é".as_bytes());
    assert_eq!(rfc5424(&draft), "<0>1 2026-10-11T22:14:15.003+00:00 - su 7 ID47 - \u{feff}é");
    let bsd = parse(b"<13>Oct  1 22:14:15 host app[1]:  two blanks");
    let mut draft = Draft::of(&bsd);
    draft.host(Some(b"other")).message(b"m");
    assert_eq!(rfc3164(&draft, Style::default()), "<13>Oct  1 22:14:15 other app[1]: m");
    draft.app(Some(b"x y"));
    assert_eq!(rfc3164(&draft, Style::default()), "<13>Oct  1 22:14:15 other x_y[1]: m");
}

#[test]
fn a_message_that_is_not_changed_comes_out_as_it_came() {
    for line in
        [LINE, b"<13>1 2026-10-11T22:14:15Z h\xe9 a  p", b"<34>1 2026-10-11t22:14:15z h a p m [a x=1] m\n"]
    {
        let mut out = Vec::new();
        Draft::of(&parse(line)).emit_rfc5424(&Style::default(), &mut out);
        assert_eq!(out, line);
    }
}

#[test]
fn a_message_changes_its_shape_with_the_time_that_was_found() {
    let message = parse(b"<13>Oct  1 22:14:15 host app[1]: text");
    assert_eq!(rfc5424(&Draft::of(&message)), "<13>1 - host app 1 - - text");
    let zone = FixedOffset::from_seconds(-4 * 3600).unwrap();
    let found = resolve(&message.stamp().unwrap(), &zone, Timestamp::new(1_791_756_856, 0)).unwrap();
    let mut draft = Draft::of(&message);
    draft.time(found.instant, found.offset, 3);
    assert_eq!(rfc5424(&draft), "<13>1 2026-10-01T22:14:15.000-04:00 host app 1 - - text");
    draft.time_in(found.instant, &FixedOffset::UTC);
    assert_eq!(rfc5424(&draft), "<13>1 2026-10-02T02:14:15Z host app 1 - - text");
    assert_eq!(rfc3164(&draft, Style::default()), "<13>Oct  2 02:14:15 host app[1]: text");
}

#[test]
fn what_devices_wrote_loosely_is_composed_to_the_letter() {
    let message = parse(b"<14>1 2026-10-11t22:14:60z h app 1 - [a x=1 y=\"]\"] text");
    let mut draft = Draft::of(&message);
    draft.host(Some(b"h\xc3\xa9"));
    let line = rfc5424(&draft);
    assert_eq!(line, "<14>1 2026-10-11T22:15:00Z h?? app 1 - [a x=\"1\" y=\"\\]\"] text");
    assert_eq!(parse(line.as_bytes()).strict(), Ok(()));
}

#[test]
fn control_characters_go_by_policy_and_lengths_by_characters() {
    let message = parse("<13>Oct  1 22:14:15 host app: a\nb\x7fééé".as_bytes());
    let style = |controls, max_len| Style { controls, max_len };
    let line = |style| rfc3164(&Draft::of(&message), style);
    assert_eq!(line(style(Controls::Octal, 1024)), "<13>Oct  1 22:14:15 host app: a#012b#177ééé");
    assert_eq!(line(style(Controls::Blank, 1024)), "<13>Oct  1 22:14:15 host app: a b ééé");
    assert_eq!(line(style(Controls::Blank, 37)), "<13>Oct  1 22:14:15 host app: a b é");
    assert_eq!(line(style(Controls::Blank, 36)), "<13>Oct  1 22:14:15 host app: a b é");
    let mut out = Vec::new();
    Draft::of(&parse(LINE)).emit_rfc5424(&style(Controls::Keep, 54), &mut out);
    assert_eq!(out, b"<34>1 2026-10-11T22:14:15.003Z gate su - ID47 - two  w");
}

/// Octets of a field: any, but some.
fn octets(longest: usize) -> impl Strategy<Value = Option<Vec<u8>>> {
    prop::option::of(prop::collection::vec(33_u8..=126, 1..=longest).prop_filter("NILVALUE", |v| v != b"-"))
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        pri in 0_u16..=191,
        secs in 0_i64..4_000_000_000,
        micros in 0_u32..1_000_000,
        offset in -1439_i32..1440,
        fields in (octets(255), octets(48), octets(128), octets(32)),
        params in prop::collection::vec(("[a-z]{1,32}", prop::collection::vec(any::<u8>(), 0..20)), 0..4),
        text in prop::collection::vec(any::<u8>(), 0..60)
            .prop_filter("ends like a line, or has a mark", |t| !matches!(t.last(), Some(0 | b'\n')) && !t.starts_with(b"\xef\xbb\xbf")),
    ) {
        let mut draft = Draft::new(Pri::from_number(pri));
        let mut elements = Vec::new();
        push_sd_element(b"a@1", params.iter().map(|(name, value)| (name.as_bytes(), &value[..])), &mut elements);
        let instant = Timestamp::new(secs, micros * 1000);
        draft.time(instant, offset * 60, 6).host(fields.0.as_deref()).app(fields.1.as_deref());
        draft.procid(fields.2.as_deref()).msgid(fields.3.as_deref()).structured_data(&elements).message(&text);
        let mut line = Vec::new();
        draft.emit_rfc5424(&Style::default(), &mut line);
        let message = parse(&line);
        prop_assert_eq!(message.strict(), Ok(()), "{:?}", message);
        prop_assert_eq!(message.pri().map(Pri::number), Some(pri));
        let found = resolve(&message.stamp().unwrap(), &FixedOffset::UTC, Timestamp::UNIX_EPOCH).unwrap();
        prop_assert_eq!((found.instant, found.offset), (instant, offset * 60));
        prop_assert_eq!(message.host(), fields.0.as_deref());
        prop_assert_eq!(message.app(), fields.1.as_deref());
        prop_assert_eq!(message.procid(), fields.2.as_deref());
        prop_assert_eq!(message.msgid(), fields.3.as_deref());
        prop_assert_eq!(message.message(), &text[..]);
        let read: Vec<_> = message.structured_data().flat_map(|element| element.params()).collect();
        prop_assert_eq!(read.len(), params.len());
        for ((name, value), (written, octets)) in read.iter().zip(&params) {
            prop_assert!(*name == written.as_bytes() && value.eq_bytes(octets));
        }
        // Written again it is the same.
        let mut again = Vec::new();
        Draft::of(&message).emit_rfc5424(&Style::default(), &mut again);
        prop_assert_eq!(&again, &line);
    }

    #[test]
    fn whatever_came_can_be_written_and_is_to_the_letter_then(
        raw in prop::collection::vec(any::<u8>(), 0..120),
        head in prop::sample::select(vec!["", "<13>", "<13>1 - ", "<13>Oct 11 22:14:15 ", "<13>1 2026-01-01T00:00:00Z h a p m [a "]),
        max_len in 0_usize..200,
    ) {
        let raw = [head.as_bytes(), &raw].concat();
        let message = parse(&raw);
        let mut draft = Draft::of(&message);
        draft.msgid(Some(b"x"));
        let mut line = Vec::new();
        draft.emit_rfc5424(&Style::default(), &mut line);
        let deviations = parse(&line).deviations();
        let permitted = [Deviation::Bom, Deviation::BadUtf8, Deviation::DupSdId, Deviation::UnknownEscape];
        prop_assert!(deviations.iter().all(|one| permitted.contains(&one)), "{:?} {:?}", deviations, line.escape_ascii().to_string());
        line.clear();
        let style = Style { controls: Controls::Octal, max_len };
        draft.emit_rfc5424(&style, &mut line);
        prop_assert!(line.len() <= max_len && !line.iter().any(u8::is_ascii_control));
        line.clear();
        draft.emit_rfc3164(&style, &mut line);
        prop_assert!(line.len() <= max_len && !line.iter().any(u8::is_ascii_control));
    }
}

#[test]
fn no_control_character_slips_through_between_the_fields() {
    let style = Style { controls: Controls::Octal, max_len: 1024 };
    // A tab for the blank behind the tag, and LF at the end, are of no field.
    assert_eq!(
        rfc3164(&Draft::of(&parse(b"<13>Oct 11 22:14:15 h a:\tm\n")), style),
        "<13>Oct 11 22:14:15 h a: m"
    );
    let mut out = Vec::new();
    Draft::of(&parse(b"<13>1 - h a - - [x y=\"1\n2\"] m\n")).emit_rfc5424(&style, &mut out);
    assert_eq!(out, b"<13>1 - h a - - [x y=\"1#0122\"] m");
}

#[test]
fn a_pri_without_a_meaning_is_not_handed_on() {
    for number in [192, 999, 65_535] {
        let mut draft = Draft::new(Pri::from_number(number));
        assert_eq!(rfc5424(&draft), "<13>1 - - - - - -");
        assert_eq!(rfc5424(draft.pri(Pri::MAX)), "<191>1 - - - - - -");
        assert_eq!(rfc3164(draft.pri(Pri::from_number(number)).message(b"m"), Style::default()), "<13>m");
    }
    let message = parse(b"<999>Oct 11 22:14:15 h a: m");
    assert_eq!(rfc5424(&Draft::of(&message)), "<13>1 - h a - - - m");
}

#[test]
fn an_empty_field_is_written_as_an_absent_one() {
    let message = parse(b"<13>Oct 11 22:14:15 h a[1]: m");
    let mut draft = Draft::of(&message);
    draft.host(Some(b"")).app(Some(b"")).procid(Some(b""));
    assert_eq!(rfc3164(&draft, Style::default()), "<13>Oct 11 22:14:15 - m");
    assert_eq!(rfc5424(&draft), "<13>1 - - - - - - m");
    draft.app(Some(b"a"));
    assert_eq!(rfc3164(&draft, Style::default()), "<13>Oct 11 22:14:15 - a: m");
}

#[test]
fn a_stamp_that_is_longer_than_usual_is_replaced_as_a_whole() {
    let message = parse(b"<13>Oct  11 22:14:15 host.example.com app: m");
    let mut draft = Draft::of(&message);
    draft.time(Timestamp::new(1_791_756_856, 0), 0, 0);
    assert_eq!(rfc3164(&draft, Style::default()), "<13>Oct 11 22:14:16 host.example.com app: m");
}

#[test]
fn what_only_strict_refuses_is_copied_around_a_change_too() {
    let text = "x".repeat(1100);
    let line = format!("<13>Oct 11 22:14:15 host.example.com Use\tthe BFG! {text}");
    let message = parse(line.as_bytes());
    assert!(message.strict().is_err());
    let mut draft = Draft::of(&message);
    assert_eq!(rfc3164(draft.pri(Pri::MAX), Style::default()), line.replace("<13>", "<191>"));
}
