//! Any datagram is read to its end: messages, answers, addresses, links. What was read as an address and can be asked
//! for is written and read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vip_netlink::Address;
use vip_netlink::wire::{Answer, Attributes, Messages, emit_add, parse_address, parse_link};

fuzz_target!(|datagram: &[u8]| {
    let mut read = 0;
    for message in Messages::new(datagram) {
        read += 16 + message.payload.len();
        assert!(Attributes::new(message.payload).count() <= message.payload.len() / 4);
        if let Some(answer) = Answer::parse(&message) {
            assert!(answer.sentence.is_none_or(|sentence| sentence.len() <= message.payload.len()));
        }
        if let Some(link) = parse_link(message.payload) {
            assert!(!link.name.is_empty() && link.mac.as_bytes().len() <= 32);
        }
        if let Some(assigned) = parse_address(message.payload) {
            let address = Address::new(assigned.index, assigned.ip).with_prefix_len(assigned.prefix_len);
            let mut out = Vec::new();
            emit_add(&mut out, 1, &address);
            let message = Messages::new(&out).next().expect("we wrote one");
            let again = parse_address(message.payload).expect("we wrote an address");
            assert_eq!(
                (again.index, again.ip, again.prefix_len),
                (assigned.index, assigned.ip, assigned.prefix_len)
            );
        }
    }
    assert!(read <= datagram.len());
});
