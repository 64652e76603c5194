//! What keepalived 2.2.7 was recorded sending: read, let up the ladder, and written again to the octet.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use vrrp_proto::{Authentication, Datagram, Packet, PeerMemory, Reject, Version};

use crate::vectors::{Vector, authentication, in_words, written_again};
use crate::wire::{ladder_for, to_hex};

/// Name, authentication, how many advertisements, how many of them release, and what the others say.
const EXPECTED: [(&str, &str, usize, usize, &str); 8] = [
    ("v2-multicast-ah", "ah:mysecret", 4, 1, "2 52 150 1000 ah message-only 255 10.0.0.10"),
    ("v2-multicast-noauth", "-", 4, 1, "2 1 150 1000 none message-only 255 10.0.0.10"),
    ("v2-multicast-pass", "pass:mysecret", 4, 1, "2 51 100 1000 pass message-only 255 10.0.0.10"),
    ("v2-unicast-pass", "pass:mysecret", 4, 1, "2 1 150 1000 pass message-only 255 10.0.0.10"),
    ("v2-vmac", "-", 4, 1, "2 53 150 1000 none message-only 255 10.0.0.10"),
    ("v3-ipv6-multicast", "-", 4, 1, "3 61 150 1000 - pseudo-header 255 fe80::10 fd00::10"),
    ("v3-multicast", "-", 4, 1, "3 10 200 1000 - pseudo-header 255 10.0.0.10"),
    ("v3-unicast-10ms", "-", 35, 0, "3 11 150 10 - pseudo-header 255 10.0.0.10"),
];

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures").join(name).with_extension("pcap")
}

/// The IP packets of a capture of Ethernet frames.
fn ip_packets(name: &str) -> Vec<Vec<u8>> {
    let octets = std::fs::read(file(name)).unwrap();
    let frames = if octets.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) { pcapng(&octets) } else { pcap(&octets) };
    let is_ip = |frame: &&&[u8]| matches!(frame[12..14], [0x08, 0x00] | [0x86, 0xdd]);
    frames.iter().filter(is_ip).map(|frame| frame[14..].to_vec()).collect()
}

/// The frames of a little-endian pcap 2.4.
fn pcap(octets: &[u8]) -> Vec<&[u8]> {
    assert_eq!(octets[..8], [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]);
    assert_eq!(u32_at(octets, 20), 1, "link type");
    let mut rest = &octets[24..];
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let (frame, behind) = rest[16..].split_at(u32_at(rest, 8));
        frames.push(frame);
        rest = behind;
    }
    frames
}

/// The frames in the enhanced packet blocks of a little-endian pcapng.
fn pcapng(octets: &[u8]) -> Vec<&[u8]> {
    let mut rest = octets;
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let (block, behind) = rest.split_at(u32_at(rest, 4));
        match u32_at(block, 0) {
            1 => assert_eq!(block[8..10], [1, 0], "link type"),
            6 => frames.push(&block[28..28 + u32_at(block, 20)]),
            _ => {}
        }
        rest = behind;
    }
    frames
}

fn u32_at(octets: &[u8], at: usize) -> usize {
    u32::from_le_bytes(octets[at..at + 4].try_into().unwrap()) as usize
}

/// Those of them that carry VRRP; the others are refused for their protocol, and for nothing else.
fn advertisements(name: &str) -> Vec<Vec<u8>> {
    let is_vrrp = |packet: &Vec<u8>| match Datagram::from_ip(packet) {
        Ok(_) => true,
        Err(Reject::IpProtocol { found: 2 | 58 }) => false, // IGMP, ICMPv6
        Err(reject) => panic!("{name}: {reject}"),
    };
    ip_packets(name).into_iter().filter(is_vrrp).collect()
}

/// All advertisements of all captures with what they are authenticated with.
pub(crate) fn all() -> Vec<Vector> {
    EXPECTED
        .into_iter()
        .flat_map(|(name, auth, .., expected)| {
            advertisements(name).into_iter().map(move |packet| Vector { name, packet, auth, expected })
        })
        .collect()
}

#[test]
fn keepalived_comes_up_the_ladder_one_advertisement_after_the_other() {
    for (name, auth, count, releases, words) in EXPECTED {
        let password = Vector { name, packet: Vec::new(), auth, expected: words }.password();
        let Some(authentication) = authentication(auth, &password) else { continue };
        let packets = advertisements(name);
        assert_eq!(packets.len(), count, "{name}");
        let mut memory = PeerMemory::new();
        let mut released = 0;
        for packet in &packets {
            let datagram = Datagram::from_ip(packet).unwrap();
            let mut peers = Vec::new();
            let mut ladder = ladder_for(&datagram, &mut peers);
            ladder.authentication = authentication;
            let accepted = ladder.check(&datagram, &mut memory).unwrap();
            if accepted.priority().value() == 0 {
                released += 1;
            } else {
                assert_eq!(in_words(&accepted), words, "{name}");
            }
            assert!(accepted.notes().is_empty(), "{name}");
        }
        assert_eq!(released, releases, "{name}");
        let sequence = matches!(authentication, Authentication::None | Authentication::Pass(_));
        assert_eq!(memory.ah_sequence(), (!sequence).then_some(4), "{name}");
    }
}

#[test]
fn keepalived_is_written_again_to_the_octet() {
    for vector in all() {
        if authentication(vector.auth, &vector.password()).is_some() {
            let again = written_again(&vector.packet, &vector.password());
            assert_eq!(to_hex(&again), to_hex(&vector.packet), "{}", vector.name);
        }
    }
}

#[test]
fn wireshark_reads_the_same_in_the_captures() {
    if Command::new("tshark").arg("--version").output().is_err() {
        std::io::stderr().write_all(b"skipped: tshark is not installed\n").unwrap();
        return;
    }
    for (name, ..) in EXPECTED {
        let fields = [
            "vrrp.version",
            "vrrp.virt_rtr_id",
            "vrrp.prio",
            "vrrp.adver_int",
            "vrrp.short_adver_int",
            "vrrp.auth_type",
            "vrrp.checksum",
            "vrrp.checksum.status",
            "vrrp.ip_addr",
            "vrrp.ipv6_addr",
        ];
        let mut tshark = Command::new("tshark");
        tshark.arg("-r").arg(file(name)).args(["-Y", "vrrp", "-T", "fields", "-E", "separator=/s"]);
        for field in fields {
            tshark.args(["-e", field]);
        }
        let output = tshark.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let theirs = String::from_utf8(output.stdout).unwrap();
        let ours: String = advertisements(name).iter().map(|packet| as_tshark(packet)).collect();
        assert_eq!(ours, theirs, "{name}");
    }
}

/// The fields above as tshark prints them; it knows the checksum with the pseudo-header, and says 1 when that is right.
fn as_tshark(packet: &[u8]) -> String {
    let datagram = Datagram::from_ip(packet).unwrap();
    let packet = Packet::parse(datagram.payload(), datagram.carrier()).unwrap();
    let (centiseconds, checksum) = (packet.interval().centiseconds(), &datagram.payload()[6..8]);
    let (seconds, centiseconds) = match packet.version() {
        Version::V2 => ((centiseconds / 100).to_string(), String::new()),
        _ => (String::new(), centiseconds.to_string()),
    };
    let auth_type = packet.auth_type().map_or_else(String::new, |auth_type| auth_type.value().to_string());
    let addresses: Vec<String> = packet.addresses().map(|address| address.to_string()).collect();
    let (version, vrid, priority) =
        (packet.version().number(), packet.vrid().number(), packet.priority().value());
    let (checksum, addresses) = (to_hex(checksum), addresses.join(","));
    let (v4, v6) = if datagram.source().is_ipv4() { (&*addresses, "") } else { ("", &*addresses) };
    format!("{version} {vrid} {priority} {seconds} {centiseconds} {auth_type} 0x{checksum} 1 {v4} {v6}\n")
}
