//! What holds for any octets.

use proptest::prelude::*;
use syslog_parse::{
    Deviation, Deviations, Draft, FixedOffset, Message, Pri, Span, Style, Timestamp, parse, push_sd_element,
    resolve,
};

/// Lines that begin like messages and go wrong somewhere.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("<13>".to_owned()),
        Just("<999>".to_owned()),
        Just("1 ".to_owned()),
        Just("2026-01-01T00:00:00.123456789Z".to_owned()),
        Just("2026-01-01 00:00:00,1+0200".to_owned()),
        Just("Oct 11 22:14:15".to_owned()),
        Just("Tue Oct  1 2:14:15 PM.685 UTC 2022".to_owned()),
        Just("*".to_owned()),
        Just("643: ".to_owned()),
        Just("[a@1 x=\"1\\]\" y=2]".to_owned()),
        Just("[\"=\\".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("- ".to_owned()),
        Just(" ".to_owned()),
        Just(": ".to_owned()),
        Just("app[12]: ".to_owned()),
        Just("2001:db8::7 ".to_owned()),
        Just("Message forwarded from ".to_owned()),
        Just("last message repeated 3 times".to_owned()),
        Just("\r\n\0".to_owned()),
        "[ -~]{0,12}",
        ".{0,6}",
    ];
    prop::collection::vec(word, 0..12).prop_map(|words| words.concat().into_bytes())
}

/// Fails unless all spans lie within the octets, in the order of the header, and do not overlap.
fn check(raw: &[u8]) -> Result<(), TestCaseError> {
    let message = parse(raw);
    let header = message.header();
    let mut end = 0;
    let fields =
        [header.host, header.app, header.procid, header.msgid, header.structured_data, header.message];
    for span in fields.into_iter().filter(|span| !span.is_empty()) {
        prop_assert!(span.start as usize >= end, "{message:?}");
        end = span.end();
        prop_assert!(end <= raw.len(), "{message:?}");
    }
    prop_assert!(header.message.end() <= raw.len());
    prop_assert!(header.zone_name.end() <= raw.len());
    let bits = Deviations::from_bits(message.deviations().bits());
    prop_assert_eq!(bits.iter().collect::<Deviations>(), message.deviations());
    walk(&message);
    // A header is as good beside other octets, or fewer.
    walk(&Message::from_parts(raw.get(..raw.len() / 2).unwrap_or_default(), *header));
    prop_assert_eq!(Span::ABSENT.of(raw), None);
    Ok(())
}

/// Looks at everything.
fn walk(message: &Message<'_>) {
    let mut value = Vec::new();
    for element in message.structured_data() {
        for (name, param) in element.params() {
            value.clear();
            param.unescape_into(&mut value);
            assert!(param.eq_bytes(&value) && value.len() <= param.raw().len() && name.len() < usize::MAX);
        }
    }
    assert!(!format!("{message:?}").is_empty());
    let _fields = (message.host(), message.app(), message.procid(), message.msgid(), message.message());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn any_octets_are_a_message(raw in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&raw)?;
    }

    #[test]
    fn lines_that_go_wrong_somewhere_are_messages(raw in line()) {
        check(&raw)?;
    }
}

/// An absent field or a legal one.
fn field(pattern: &'static str) -> impl Strategy<Value = Option<String>> {
    prop::option::weighted(0.8, pattern.prop_filter("NILVALUE", |text| text != "-"))
}

proptest! {
    #[test]
    fn what_is_written_as_rfc_5424_is_read_again_part_by_part(
        (pri, secs, micros, offset) in (0_u16..192, 0_i64..4_000_000_000, 0_u32..1_000_000, -1439_i32..1440),
        (host, app, procid, msgid) in
            (field("[!-~]{1,255}"), field("[!-~]{1,48}"), field("[!-~]{1,128}"), field("[!-~]{1,32}")),
        params in prop::collection::vec(("[a-z]{1,32}", ".{0,20}"), 0..4),
        text in "\\PC{0,60}",
    ) {
        let instant = Timestamp::new(secs, micros * 1000);
        let mut elements = Vec::new();
        let borrowed = params.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        push_sd_element(b"a@32473", borrowed, &mut elements);
        let mut draft = Draft::new(Pri::from_number(pri));
        draft.time(instant, offset * 60, 6).structured_data(&elements).message(text.as_bytes());
        draft.host(host.as_deref().map(str::as_bytes)).app(app.as_deref().map(str::as_bytes));
        draft.procid(procid.as_deref().map(str::as_bytes)).msgid(msgid.as_deref().map(str::as_bytes));
        let mut line = Vec::new();
        draft.emit_rfc5424(&Style::default(), &mut line);

        let message = parse(&line);
        prop_assert!(message.strict().is_ok(), "{:?}", message.strict());
        prop_assert_eq!(message.pri(), Some(Pri::from_number(pri)));
        let found = resolve(&message.stamp().unwrap(), &FixedOffset::UTC, Timestamp::UNIX_EPOCH).unwrap();
        prop_assert_eq!((found.instant, found.offset), (instant, offset * 60));
        let asked = [host, app, procid, msgid].map(|field| field.map(String::into_bytes));
        let read = [message.host(), message.app(), message.procid(), message.msgid()].map(|field| field.map(<[u8]>::to_vec));
        prop_assert_eq!(read, asked);
        prop_assert_eq!(message.message(), text.as_bytes());
        prop_assert_eq!(&b"a@32473"[..], message.structured_data().next().unwrap().id());
        let mut read = Vec::new();
        for (name, value) in message.structured_data().flat_map(|element| element.params()) {
            let mut unescaped = Vec::new();
            value.unescape_into(&mut unescaped);
            read.push((String::from_utf8(name.to_vec()).unwrap(), String::from_utf8(unescaped).unwrap()));
        }
        prop_assert_eq!(read, params);
    }

    #[test]
    fn what_is_written_as_rfc_3164_is_read_again_part_by_part(
        (pri, secs, offset) in (0_u16..192, 1_760_000_000_i64..1_790_000_000, -1439_i32..1440),
        (host, app) in ("[a-z][a-z0-9.-]{0,40}", "[a-z/][a-z0-9/_.-]{0,31}"),
        procid in prop::option::of("[0-9]{1,9}"),
        text in "\\PC{0,60}",
    ) {
        let mut draft = Draft::new(Pri::from_number(pri));
        draft.time(Timestamp::new(secs, 0), offset * 60, 0).message(text.as_bytes());
        draft.host(Some(host.as_bytes())).app(Some(app.as_bytes())).procid(procid.as_deref().map(str::as_bytes));
        let mut line = Vec::new();
        draft.emit_rfc3164(&Style::default(), &mut line);

        let message = parse(&line);
        // The domain of a host stays.
        let fault = message.strict().err().map(|fault| fault.deviation);
        prop_assert_eq!(fault, host.contains('.').then_some(Deviation::HostDomain), "{:?}", message);
        let zone = FixedOffset::from_seconds(offset * 60).unwrap();
        let found = resolve(&message.stamp().unwrap(), &zone, Timestamp::new(secs, 0)).unwrap();
        prop_assert_eq!((found.instant.secs, found.offset), (secs, offset * 60));
        prop_assert_eq!(message.pri(), Some(Pri::from_number(pri)));
        let read = (message.host(), message.app(), message.procid(), message.message());
        prop_assert_eq!(read, (Some(host.as_bytes()), Some(app.as_bytes()), procid.as_deref().map(str::as_bytes), text.as_bytes()));
    }
}

#[test]
fn a_message_may_end_anywhere() {
    for file in ["real-world.jsonl", "roundtrip.jsonl"] {
        for case in crate::corpus::cases(file) {
            let raw = crate::corpus::octets(&case["input_base64"]);
            for end in 0..=raw.len() {
                check(&raw[..end]).unwrap();
            }
        }
    }
}
