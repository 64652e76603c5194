//! A message that is not changed comes out as it came; a host replaced and put back leaves no trace.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/obligations.rs"]
mod obligations;

fuzz_target!(|raw: &[u8]| obligations::round_trip(raw));
