//! Any bytes are read to their end as attributes, and those inside them, nested as deep as they go; and as the
//! payload of an address and of a link without the header before them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vip_netlink::wire::{Attributes, parse_address, parse_link};

fn walk(bytes: &[u8]) -> usize {
    let mut octets = 0;
    for attribute in Attributes::new(bytes) {
        octets += 4 + attribute.payload.len();
        assert!(walk(attribute.payload) <= attribute.payload.len());
    }
    assert!(octets <= bytes.len());
    octets
}

fuzz_target!(|bytes: &[u8]| {
    walk(bytes);
    drop((parse_address(bytes), parse_link(bytes)));
    // Behind a fixed part that is right.
    for fixed in [&[2, 32, 0, 0, 3, 0, 0, 0][..], &[10, 128, 0, 0, 3, 0, 0, 0], &[0; 16]] {
        let payload = [fixed, bytes].concat();
        drop((parse_address(&payload), parse_link(&payload)));
    }
});
