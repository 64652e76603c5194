//! Whatever came can be written in both shapes within any length, and composed it is RFC 5424.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/obligations.rs"]
mod obligations;

fuzz_target!(|input: (u16, &[u8], &[u8])| {
    let (max_len, raw, value) = input;
    obligations::formatting(max_len.into(), raw, value);
});
