//! What holds for any octets.

use proptest::prelude::*;
use syslog_parse::{Deviations, Message, Span, parse};

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
