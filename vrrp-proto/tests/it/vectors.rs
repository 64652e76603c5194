//! Advertisements of other implementations: what is in them, and that they are written again to the octet.

use std::fmt::Write;

use vrrp_proto::{
    Accepted, Authentication, Carrier, Datagram, Ipv4Header, Ipv6Header, Packet, Password, Version,
};

use crate::wire::{check, hex, to_hex};

/// A line of `tests/data/vectors.tsv`.
pub(crate) struct Vector {
    pub(crate) name: &'static str,
    pub(crate) packet: Vec<u8>,
    /// `-`, `pass:…` or `ah:…`.
    pub(crate) auth: &'static str,
    pub(crate) expected: &'static str,
}

impl Vector {
    pub(crate) fn password(&self) -> Password {
        Password::new(self.auth.split_once(':').map_or("", |(_, secret)| secret).as_bytes())
    }
}

pub(crate) fn all() -> Vec<Vector> {
    include_str!("../data/vectors.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [name, packet, auth, expected] = fields[..] else { panic!("{line}") };
            Vector { name, packet: hex(packet), auth, expected }
        })
        .collect()
}

/// What is asked of a packet with this in its third field.
pub(crate) fn authentication<'c>(auth: &str, password: &'c Password) -> Option<Authentication<'c>> {
    match auth.split_once(':').map_or("-", |(kind, _)| kind) {
        "-" => Some(Authentication::None),
        "pass" => Some(Authentication::Pass(password)),
        #[cfg(feature = "auth-ah")]
        "ah" => Some(Authentication::Ah(password)),
        _ => None,
    }
}

/// An accepted advertisement in the words of the table.
pub(crate) fn in_words(accepted: &Accepted<'_>) -> String {
    let (version, auth) = match accepted.version() {
        Version::V2 => (2, accepted.authenticated().as_str()),
        _ => (3, "-"),
    };
    let (vrid, priority) = (accepted.vrid().number(), accepted.priority().value());
    let (interval, ttl) = (accepted.interval().to_duration().as_millis(), accepted.ttl());
    let checksum = accepted.checksum().as_str();
    let mut words = format!("{version} {vrid} {priority} {interval} {auth} {checksum} {ttl}");
    for address in accepted.addresses() {
        write!(words, " {address}").unwrap();
    }
    words
}

/// Writes what was read from `ip` again, with the fields of its IP header that are the sender's to choose.
pub(crate) fn written_again(ip: &[u8], password: &Password) -> Vec<u8> {
    let datagram = Datagram::from_ip(ip).unwrap();
    let packet = Packet::parse(datagram.payload(), datagram.carrier()).unwrap();
    let mut out = vec![0xee; 2048];
    let len = match *datagram.carrier() {
        Carrier::V4 { source, destination } => {
            let mut header = Ipv4Header::new(source, destination);
            header.ttl = ip[8];
            header.traffic_class = ip[1];
            header.identification = u16::from_be_bytes([ip[4], ip[5]]);
            #[cfg(feature = "auth-ah")]
            if ip[9] == 51 {
                let sequence = u32::from_be_bytes(ip[28..32].try_into().unwrap());
                let len = packet.emit_ipv4_ah(&header, password, sequence, &mut out).unwrap();
                out.truncate(len);
                return out;
            }
            let _ = password;
            packet.emit_ipv4(&header, &mut out).unwrap()
        }
        Carrier::V6 { source, destination } => {
            let mut header = Ipv6Header::new(source, destination);
            header.hop_limit = ip[7];
            let first = u32::from_be_bytes(ip[..4].try_into().unwrap());
            header.traffic_class = u8::try_from(first >> 20 & 0xff).unwrap();
            header.flow_label = first & 0xf_ffff;
            packet.emit_ipv6(&header, &mut out).unwrap()
        }
    };
    assert!(out[len..].iter().all(|&octet| octet == 0xee), "written behind the end");
    out.truncate(len);
    out
}

#[test]
fn every_advertisement_of_others_is_read_as_they_mean_it() {
    let mut seen = 0;
    for vector in all() {
        let password = vector.password();
        let Some(authentication) = authentication(vector.auth, &password) else { continue };
        let words = match check(&vector.packet, authentication) {
            Ok(accepted) => in_words(&accepted),
            Err(reject) => format!("refused {}", reject.label()),
        };
        assert_eq!(words, vector.expected, "{}", vector.name);
        seen += 1;
    }
    assert!(seen >= 30, "{seen}");
}

#[test]
fn every_advertisement_of_others_is_written_again_to_the_octet() {
    for vector in all() {
        let password = vector.password();
        let refused = ["refused length", "refused version", "refused interval_zero"];
        if refused.contains(&vector.expected) || authentication(vector.auth, &password).is_none() {
            continue;
        }
        let again = written_again(&vector.packet, &password);
        let total = vector.packet.len().min(again.len()); // what is behind is the link's padding
        assert_eq!(to_hex(&again), to_hex(&vector.packet[..total]), "{}", vector.name);
        assert!(vector.packet[total..].iter().all(|&octet| octet == 0), "{}", vector.name);
    }
}

#[test]
fn the_same_advertisement_built_from_its_fields_has_the_same_octets() {
    for vector in all().iter().filter(|vector| !vector.expected.starts_with("refused")) {
        let password = vector.password();
        let Some(authentication) = authentication(vector.auth, &password) else { continue };
        let datagram = Datagram::from_ip(&vector.packet).unwrap();
        let read = Packet::parse(datagram.payload(), datagram.carrier()).unwrap();
        let built = match read.version() {
            Version::V2 => {
                Packet::v2(read.vrid(), read.priority(), read.interval(), read.addresses(), &authentication)
            }
            _ => Packet::v3(read.vrid(), read.priority(), read.interval(), read.addresses(), read.checksum()),
        };
        assert_eq!(built, Ok(read), "{}", vector.name);
    }
}

#[test]
#[cfg(feature = "auth-ah")]
fn the_integrity_check_covers_the_time_to_live_for_the_group_and_not_for_one_router() {
    for (name, covered) in [("k3-v2-ah-1", true), ("k8-v2-ah-unicast", false)] {
        let vector = all().into_iter().find(|vector| vector.name == name).unwrap();
        let password = vector.password();
        let mut routed = vector.packet.clone();
        routed[8] = 64;
        let icv = |packet: &[u8]| written_again(packet, &password)[32..44].to_vec();
        assert_eq!(icv(&vector.packet), vector.packet[32..44], "{name}");
        assert_eq!(icv(&routed) != icv(&vector.packet), covered, "{name}");
    }
}
