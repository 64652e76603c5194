use super::*;

fn string(bytes: &[u8]) -> (String, Text) {
    let mut out = Vec::new();
    let text = push_string(bytes, &mut out);
    (String::from_utf8(out).unwrap(), text)
}

#[test]
fn a_string_is_what_any_reader_reads_back() {
    for text in ["", "plain", "\"\\/", "\0\u{1}\u{8}\u{c}\n\r\t\u{1f} \u{7f}", "\u{80}\u{9f}\u{a0}£é日本語🦀"]
    {
        let (json, exact) = string(text.as_bytes());
        assert_eq!(exact, Text::Exact);
        assert!(!json.chars().any(char::is_control), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}

#[test]
fn what_is_no_utf8_is_mended_and_said_to_be() {
    for bytes in [&b"\xff"[..], b"a\xc3", b"\xe2\x82z", b"\xed\xa0\x80", b"\xc2\x9b\xc2"] {
        let (json, text) = string(bytes);
        assert_eq!(text, Text::Mended);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), String::from_utf8_lossy(bytes));
    }
}

#[test]
fn base64_is_that_of_the_rfc() {
    // RFC 4648 §10
    for (bytes, expected) in
        [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
    {
        let mut out = b"x".to_vec();
        push_base64(bytes.as_bytes(), &mut out);
        assert_eq!(out, format!("x{expected}").as_bytes());
    }
}

#[test]
fn only_values_of_json_are_values() {
    for (text, number, value) in [
        ("12", true, true),
        ("-1.5e3", true, true),
        ("012", false, false),
        ("+1", false, false),
        ("1 ", true, true),
        ("1,2", false, false),
        ("[1,{\"a\":null}]", false, true),
        ("{}}", false, false),
        ("[\n1]", false, false),
        ("\"\u{9b}\"", false, false),
        ("", false, false),
    ] {
        assert_eq!((is_number(text.as_bytes()), is_value(text.as_bytes())), (number, value), "{text}");
    }
    // Deeper than a reader would go is none, and no stack ends.
    assert!(!is_value("[".repeat(100_000).as_bytes()));
}
