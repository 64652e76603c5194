//! A message that is not changed comes out as it came; a host replaced and put back leaves no trace.
#![no_main]

use libfuzzer_sys::fuzz_target;
use syslog_parse::{Draft, Format, Style, parse};

fuzz_target!(|raw: &[u8]| {
    let message = parse(raw);
    let style = Style::default();
    let mut out = Vec::new();
    if message.format() == Format::Rfc5424 {
        Draft::of(&message).emit_rfc5424(&style, &mut out);
        assert_eq!(out, raw);
        if message.strict().is_ok() {
            out.clear();
            Draft::of(&message).host(Some(b"other")).emit_rfc5424(&style, &mut out);
            let other = parse(&out);
            assert_eq!(other.host(), Some(&b"other"[..]));
            let mut back = Vec::new();
            Draft::of(&other).host(message.host()).emit_rfc5424(&style, &mut back);
            assert_eq!(back, raw);
        }
    }
});
