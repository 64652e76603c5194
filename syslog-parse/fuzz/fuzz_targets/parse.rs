//! Any octets are a message, its fields lie within them, and the instant of its stamp can be asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use syslog_parse::{FixedOffset, Timestamp, parse, resolve};

fuzz_target!(|raw: &[u8]| {
    let message = parse(raw);
    let header = message.header();
    let spans = [header.host, header.app, header.procid, header.msgid, header.structured_data, header.message];
    let mut end = 0;
    for span in spans.into_iter().filter(|span| !span.is_empty()) {
        assert!(span.start as usize >= end);
        end = span.end();
        assert!(end <= raw.len());
    }
    let mut value = Vec::new();
    for (_, param) in message.structured_data().flat_map(|element| element.params()) {
        value.clear();
        param.unescape_into(&mut value);
        assert!(param.eq_bytes(&value));
    }
    if let Err(fault) = message.strict() {
        assert!(fault.offset <= raw.len());
    }
    if let Some(stamp) = message.stamp() {
        let found = resolve(&stamp, &FixedOffset::UTC, Timestamp::new(1_791_756_856, 0));
        assert!(found.is_none() || stamp.is_possible());
    }
});
