use super::*;

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
