//! What is no configuration, or looks like one.

use proptest::prelude::*;

use super::{read, whole};

/// Pieces of configurations, put together anyhow.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("source s { "),
        Just("destination d { "),
        Just("log { "),
        Just("filter f { "),
        Just("options { "),
        Just("block source b(a(1)) { "),
        Just("} "),
        Just("}; "),
        Just("; "),
        Just("( "),
        Just(") "),
        Just("\" "),
        Just("' "),
        Just("` "),
        Just("# "),
        Just("\n"),
        Just("@define x `x` y\n"),
        Just("udp(port(1)) "),
        Just("b(a(`a`)) "),
        Just("file(\"/a/$HOST\") "),
        Just("source(s) "),
        Just("filter(f) "),
        Just("destination(d) "),
        Just("level(err..emerg) "),
        Just("not "),
        Just("and "),
        Just("or "),
        Just("if "),
        Just("else "),
        Just("elif "),
        Just("junction { channel { "),
        Just("flags(final) "),
        Just("== "),
        Just(".. "),
        Just("`x` "),
        Just("rewrite { set(\"x\" value(\"y\")) "),
        Just("parser p { csv-parser(columns(a)) "),
        Just("@version: 4.4\n"),
        Just("facility(1,2,kern..) "),
        Just("template t \"$(if "),
        Just("\\"),
        Just("${"),
        Just("é"),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn nothing_that_looks_like_a_configuration_does_harm(text in pieces()) {
        let imported = whole(&text);
        prop_assert!(::toml::from_str::<::toml::Table>(&imported.toml).is_ok(), "{}\n{}", text, imported.toml);
    }

    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let imported = whole(&String::from_utf8_lossy(&bytes));
        prop_assert!(::toml::from_str::<::toml::Table>(&imported.toml).is_ok(), "{}", imported.toml);
        prop_assert!(!imported.report.contains(|c: char| c.is_control() && c != '\n'));
    }
}

#[test]
fn what_is_deep_or_long_ends() {
    let deep = [
        "{".repeat(10_000),
        "source s { ".repeat(500),
        format!("filter f {{ {} level(err); }};", "not ".repeat(10_000)),
        format!("filter f {{ {}; }};", "(".repeat(10_000)),
        format!("filter f {{ level(err) {}; }};", "and level(err) ".repeat(2_000)),
        format!("log {{ {}", "if (level(err)) { ".repeat(500)),
        "filter a { filter(a); }; source s { udp(); }; destination d { usertty(x); }; log { source(s); filter(a); destination(d); }; log { source(s); filter(a); destination(d); };".to_owned(),
        // A megabyte, twenty times.
        format!("@define a {}\n{}", "x".repeat(1 << 20), "`a`\n".repeat(20)),
        format!("block source b() {{ {} }}; source s {{ b(); }};", "b(); ".repeat(100)),
    ];
    for text in deep {
        let imported = read(&text);
        assert!(imported.toml.parse::<::toml::Table>().is_ok());
    }
}
