//! Any octets are a message, its fields lie within them, and the instant of its stamp can be asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/obligations.rs"]
mod obligations;

fuzz_target!(|raw: &[u8]| obligations::parsing(raw));
