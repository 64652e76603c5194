//! Whatever came can be written in both shapes within any length, and composed it is RFC 5424.
#![no_main]

use libfuzzer_sys::fuzz_target;
use syslog_parse::{Controls, Draft, Format, Style, parse};

fuzz_target!(|input: (u16, &[u8], &[u8])| {
    let (max_len, raw, value) = input;
    let message = parse(raw);
    let mut draft = Draft::of(&message);
    draft.host(Some(value)).app(Some(value)).message(value);
    let style = Style { controls: Controls::Octal, max_len: max_len.into() };
    let mut out = Vec::new();
    draft.emit_rfc3164(&style, &mut out);
    assert!(out.len() <= style.max_len && !out.iter().any(u8::is_ascii_control));
    out.clear();
    draft.emit_rfc5424(&style, &mut out);
    assert!(out.len() <= style.max_len);
    out.clear();
    draft.emit_rfc5424(&Style::default(), &mut out);
    assert_eq!(parse(&out).format(), Format::Rfc5424);
});
