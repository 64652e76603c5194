//! Advertisements put together from their parts.

use std::net::{Ipv4Addr, Ipv6Addr};

use vrrp_proto::{
    Addresses, Authentication, BuildError, Carrier, ChecksumForm, EmitError, Family, Interval, Ipv4Header,
    Ipv6Header, Packet, Priority, Version, VirtualRouterId,
};

use crate::wire::{SECOND, checksum, group};

const V4: [Ipv4Addr; 1] = [Ipv4Addr::new(192, 0, 2, 1)];
const V6: [Ipv6Addr; 1] = [Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1)];

fn v2(interval: Interval, addresses: Addresses<'_>) -> Result<Packet<'_>, BuildError> {
    let vrid = VirtualRouterId::new(7).unwrap();
    Packet::v2(vrid, Priority::DEFAULT, interval, addresses, &Authentication::None)
}

fn v3(interval: Interval, addresses: Addresses<'_>) -> Result<Packet<'_>, BuildError> {
    let vrid = VirtualRouterId::new(7).unwrap();
    Packet::v3(vrid, Priority::DEFAULT, interval, addresses, ChecksumForm::MessageOnly)
}

#[test]
fn what_a_version_cannot_say_is_not_built() {
    let (none, many) = ([Ipv4Addr::LOCALHOST; 0], [Ipv4Addr::LOCALHOST; 256]);
    assert_eq!(v3(SECOND, (&none).into()), Err(BuildError::NoAddresses));
    assert_eq!(v2(SECOND, (&none).into()), Err(BuildError::NoAddresses));
    assert_eq!(v3(SECOND, (&many).into()), Err(BuildError::TooManyAddresses { count: 256 }));
    assert!(v3(SECOND, Addresses::from(&many[1..])).is_ok());
    assert_eq!(v2(SECOND, (&V6).into()), Err(BuildError::Family));

    let interval = Interval::from_centiseconds(150).unwrap();
    assert_eq!(v2(interval, (&V4).into()), Err(BuildError::Interval { version: Version::V2, interval }));
    let interval = Interval::from_seconds(41).unwrap();
    assert_eq!(v3(interval, (&V4).into()), Err(BuildError::Interval { version: Version::V3, interval }));
    assert!(v2(Interval::from_seconds(255).unwrap(), (&V4).into()).is_ok());

    let first = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    assert_eq!(v3(SECOND, (&[first, V6[0]]).into()), Err(BuildError::NotLinkLocal { first }));
    assert!(v3(SECOND, (&[V6[0], first]).into()).is_ok());
}

#[test]
fn reserved_bits_are_zero_when_built() {
    let packet = v3(Interval::from_centiseconds(0xabc).unwrap(), (&V4).into()).unwrap();
    let mut out = [0; 12];
    packet.emit(&group(), &mut out).unwrap();
    assert_eq!(out[4..6], [0x0a, 0xbc]);
}

#[test]
fn over_ipv6_there_is_only_one_form() {
    let packet = v3(SECOND, (&V6).into()).unwrap();
    assert_eq!(packet.checksum(), ChecksumForm::PseudoHeader);
}

#[test]
fn addresses_do_not_travel_over_the_other_ip() {
    let (v4, v6) = (v3(SECOND, (&V4).into()).unwrap(), v3(SECOND, (&V6).into()).unwrap());
    let (over_v4, over_v6) = (group(), Carrier::multicast(V6[0].into()));
    let refused = |addresses, carrier| Err(EmitError::Family { addresses, carrier });
    assert_eq!(v4.emit(&over_v6, &mut [0; 64]), refused(Family::V4, Family::V6));
    assert_eq!(v6.emit(&over_v4, &mut [0; 64]), refused(Family::V6, Family::V4));
}

#[test]
fn addresses_are_the_same_wherever_they_stand() {
    let packet = v3(SECOND, (&V4).into()).unwrap();
    let mut out = [0; 12];
    packet.emit(&group(), &mut out).unwrap();
    let read = Packet::parse(&out, &group()).unwrap();
    assert_eq!(read.addresses(), Addresses::from(&V4));
    assert_ne!(read.addresses(), Addresses::from(&V6));
    assert_eq!(format!("{:?}", read.addresses()), "[192.0.2.1]");
}

#[test]
fn a_log_line_of_a_packet_does_not_tell_the_password() {
    let password = vrrp_proto::Password::new(b"mysecret");
    let vrid = VirtualRouterId::new(7).unwrap();
    let authentication = Authentication::Pass(&password);
    let packet = Packet::v2(vrid, Priority::DEFAULT, SECOND, (&V4).into(), &authentication).unwrap();
    let (text, octets) = (format!("{packet:?} {authentication:?}"), format!("{:?}", b"mysecret"));
    assert!(!text.contains("mysecret") && !text.contains(octets.trim_matches(['[', ']'])), "{text}");
}

#[test]
fn whole_packets_are_sent_for_the_link_alone() {
    let (v4, v6) = (v3(SECOND, (&V4).into()).unwrap(), v3(SECOND, (&V6).into()).unwrap());
    let mut out = [0; 64];
    let header = Ipv4Header::new(Ipv4Addr::new(10, 0, 0, 1), Carrier::GROUP_V4);
    assert_eq!(v4.emit_ipv4(&header, &mut out), Ok(32));
    assert_eq!((out[8], out[9]), (255, 112));
    assert_eq!(checksum(&[&out[..20]]), 0);
    let header = Ipv6Header::new(V6[0], Carrier::GROUP_V6);
    assert_eq!(v6.emit_ipv6(&header, &mut out), Ok(64));
    assert_eq!((out[7], out[6]), (255, 112));
}

#[test]
fn whole_packets_say_how_much_room_they_need() {
    let (v4, v6) = (v3(SECOND, (&V4).into()).unwrap(), v3(SECOND, (&V6).into()).unwrap());
    let header = Ipv4Header::new(Ipv4Addr::new(10, 0, 0, 1), Carrier::GROUP_V4);
    for have in 0..32 {
        let refused = Err(EmitError::BufferTooSmall { need: 32, have });
        assert_eq!(v4.emit_ipv4(&header, &mut [0; 31][..have.min(31)]), refused);
    }
    let header = Ipv6Header::new(V6[0], Carrier::GROUP_V6);
    let refused = Err(EmitError::BufferTooSmall { need: 64, have: 63 });
    assert_eq!(v6.emit_ipv6(&header, &mut [0; 63]), refused);
}

#[test]
fn what_was_not_built_or_written_is_said_in_words() {
    let interval = Interval::from_centiseconds(150).unwrap();
    let first = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    for (error, text) in [
        (BuildError::NoAddresses, "no addresses to advertise"),
        (BuildError::TooManyAddresses { count: 256 }, "256 addresses, at most 255 fit"),
        (BuildError::Family, "vrrp version 2 has no ipv6"),
        (
            BuildError::Interval { version: Version::V2, interval },
            "interval of 150 cs does not fit vrrp version 2",
        ),
        (BuildError::NotLinkLocal { first }, "first address 2001:db8::1 is not link-local"),
    ] {
        assert_eq!(error.to_string(), text);
    }
    for (error, text) in [
        (EmitError::BufferTooSmall { need: 12, have: 11 }, "packet needs 12 octets, buffer has 11"),
        (
            EmitError::Family { addresses: Family::V4, carrier: Family::V6 },
            "addresses are of ipv4, packet is of ipv6",
        ),
        (EmitError::Identification, "identification is 0, which the kernel replaces"),
    ] {
        assert_eq!(error.to_string(), text);
    }
}
