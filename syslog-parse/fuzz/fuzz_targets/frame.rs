//! Frames do not depend on how the stream is cut, and no more is kept than promised.
#![no_main]

use libfuzzer_sys::fuzz_target;
use syslog_parse::Framing;

#[path = "../../tests/it/obligations.rs"]
mod obligations;

fuzz_target!(|input: (u8, u8, u8, &[u8])| {
    let (framing, max_len, cut, stream) = input;
    let framing = [Framing::Auto, Framing::Lf, Framing::OctetCounting][usize::from(framing % 3)];
    obligations::framing(framing, max_len.into(), cut.into(), stream);
});
