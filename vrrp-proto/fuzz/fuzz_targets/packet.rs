//! Any octets are refused or let up the ladder; what is read is written again to the octet, and what is refused leaves
//! nothing behind.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vrrp_proto::{Authentication, Datagram, Family, Ladder, Packet, Password, Peer, PeerMemory, Reach, Versions};

fuzz_target!(|octets: &[u8]| {
    let Ok(datagram) = Datagram::from_ip(octets) else { return };
    let Ok(packet) = Packet::parse(datagram.payload(), datagram.carrier()) else { return };
    let mut out = [0xee; 5000];
    let len = packet.emit(datagram.carrier(), &mut out).expect("a buffer for 255 addresses is enough");
    assert_eq!(&out[..len], datagram.payload());
    assert_eq!(len, packet.encoded_len());
    assert!(out[len..].iter().all(|&octet| octet == 0xee));

    let password = Password::new(b"mysecret");
    let peers = [Peer { address: datagram.source(), least_ttl: 200 }];
    for authentication in [Authentication::None, Authentication::Pass(&password), Authentication::Ah(&password)] {
        let mut ladder = Ladder {
            versions: Versions::Both,
            interval: packet.interval(),
            authentication,
            ..Ladder::new(packet.vrid(), Family::from(datagram.source()))
        };
        if !datagram.destination().is_multicast() {
            ladder.reach = Reach::Peers(&peers);
        }
        let mut memory = PeerMemory::new();
        match ladder.check(&datagram, &mut memory) {
            Ok(accepted) => {
                assert_eq!(accepted.addresses(), packet.addresses());
                assert_eq!(accepted.addresses().len(), usize::from(datagram.payload()[3]));
                assert!(accepted.ttl() >= 200);
            }
            Err(reject) => {
                assert_eq!(memory, PeerMemory::new());
                assert!(!reject.to_string().is_empty());
            }
        }
    }
});
