//! Messages that are parsed and written again (`tests/data/roundtrip.jsonl`).

use crate::corpus::{cases, octets};
use syslog_parse::{Draft, Style, parse};

#[test]
fn a_message_that_is_parsed_and_written_again_is_the_same() {
    let cases = cases("roundtrip.jsonl");
    let wrong: Vec<_> = cases
        .iter()
        .filter(|case| {
            let raw = octets(&case["input_base64"]);
            let mut out = Vec::new();
            Draft::of(&parse(&raw)).emit_rfc5424(&Style::default(), &mut out);
            out != raw
        })
        .map(|case| &case["id"])
        .collect();
    eprintln!("{right} of {all} come out as they came", right = cases.len() - wrong.len(), all = cases.len());
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_message_with_one_field_replaced_and_put_back_is_the_same() {
    for case in cases("roundtrip.jsonl") {
        let raw = octets(&case["input_base64"]);
        let message = parse(&raw);
        if message.strict().is_err() {
            continue;
        }
        let mut other = Vec::new();
        Draft::of(&message).host(Some(b"another.host")).emit_rfc5424(&Style::default(), &mut other);
        let changed = parse(&other);
        assert_eq!(changed.host(), Some(&b"another.host"[..]));
        let mut back = Vec::new();
        Draft::of(&changed).host(message.host()).emit_rfc5424(&Style::default(), &mut back);
        assert_eq!(back, raw, "{id}", id = case["id"]);
    }
}
