use super::*;
use crate::{Message, parse};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn what_parse_has_measured_changes_nothing(
        elements in prop::collection::vec("\\[[a-c@]{1,9}( {1,2}[xé\"]{1,3}=(\"([a-z=]|\\\\[\"\\]\\\\n]|\\]){0,20}\"|[a-z\"]{1,4})| [a-z]{13,17}=\"[a-z]{0,3}\"){0,3} ?\\]", 0..6),
    ) {
        let line = format!("<13>1 - h a p m {} text", elements.concat());
        let measured = parse(line.as_bytes());
        let stored = Message::from_parts(line.as_bytes(), *measured.header());
        let octets = measured.header().structured_data.of(line.as_bytes()).unwrap_or_default();
        prop_assert_eq!(all_of(measured.structured_data()), all_of(stored.structured_data()), "{}", line);
        prop_assert_eq!(all_of(measured.structured_data()), all_of(StructuredData::new(octets)), "{}", line);
        let folded = measured.structured_data().fold(0, |count, element| count + 1 + element.params().count());
        let counted: usize = all_of(stored.structured_data()).iter().map(|(_, params)| 1 + params.len()).sum();
        prop_assert_eq!(folded, counted);
    }
}

/// An SD-ID, and names and values as received.
type Found<'a> = (&'a [u8], Vec<(&'a [u8], &'a [u8])>);

fn all_of(elements: StructuredData<'_>) -> Vec<Found<'_>> {
    let mut all = Vec::new();
    for element in elements {
        all.push((element.id(), element.params().map(|(name, value)| (name, value.raw())).collect()));
    }
    all
}

fn value(raw: &[u8]) -> Vec<u8> {
    let value = SdValue { raw };
    let mut out = Vec::new();
    value.unescape_into(&mut out);
    assert!(value.eq_bytes(&out));
    out
}

#[test]
fn elements_and_parameters_come_in_order_and_may_repeat() {
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
    let elements: Vec<String> = StructuredData::new(b"[origin ip=\"1\" ip=\"2\"][a@1][b c=d  e=\"]\" ]")
        .flat_map(|element| {
            let params = element.params().map(|(name, value)| text(name) + "=" + &text(value.raw()));
            std::iter::once(text(element.id())).chain(params).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(elements, ["origin", "ip=1", "ip=2", "a@1", "b", "c=d", "e=]"]);
}

#[test]
fn only_three_escapes_are_escapes() {
    // RFC 5424 §6.3.3: a backslash before anything else is a backslash.
    assert_eq!(value(br#"q\"b\\c\]d\ne"#), br#"q"b\c]d\ne"#);
    assert_eq!(value(br#"\\\""#), br#"\""#);
    assert_eq!(value(br"\n\]\"), br"\n]\");
    assert_eq!(value(b""), b"");
}

#[test]
fn a_value_without_escapes_is_one_piece_of_the_original() {
    let raw = b"plain";
    let chunks: Vec<_> = SdValue { raw }.chunks().collect();
    assert_eq!(chunks, [raw]);
    assert_eq!(chunks[0].as_ptr(), raw.as_ptr());
}
