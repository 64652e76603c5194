use std::string::ToString;
use std::vec::Vec;

use super::*;

/// One of each.
fn all() -> Vec<Reject> {
    let (v4, v6) = (IpAddr::from([10, 0, 0, 1]), Ipv6Addr::LOCALHOST);
    let vrid = |number| VirtualRouterId::new(number).unwrap();
    let (spi, source) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
    [
        Reject::IpVersion { found: 5 },
        Reject::IpTruncated { need: 20, have: 3 },
        Reject::IpHeaderLength { header: 16, total: 32 },
        Reject::IpFragment { offset: 8 },
        Reject::IpProtocol { found: 17 },
        Reject::AhHeader { next: 6, length: 4 },
        Reject::OwnPacket { source: v4 },
        Reject::Family { expected: Family::V4, found: Family::V6 },
        Reject::Interface { expected: 3, found: 4 },
        Reject::UnicastUnexpected { destination: v4 },
        Reject::MulticastUnexpected { destination: v4 },
        Reject::Group { expected: v4, found: v4 },
        Reject::UnknownPeer { source: v4 },
        Reject::Ttl { least: 255, found: 254 },
        Reject::Truncated { need: 8, have: 7 },
        Reject::Version { found: 4 },
        Reject::VersionUnexpected { found: Version::V2 },
        Reject::Type { found: 2 },
        Reject::VridZero,
        Reject::NoAddresses,
        Reject::Length { expected: 12, found: 20 },
        Reject::IntervalZero,
        Reject::Checksum { found: 1, expected: 0x2e03 },
        Reject::VridUnknown { expected: vrid(1), found: vrid(2) },
        Reject::NotLinkLocal { first: v6 },
        Reject::IntervalMismatch { own: Interval::ONE_SECOND, found: Interval::from_seconds(3).unwrap() },
        Reject::AuthType { expected: AuthType::None, found: AuthType::SimpleText },
        Reject::Password,
        Reject::AhMissing,
        Reject::AhUnexpected,
        Reject::AhSpi { spi, source },
        Reject::AhReplay { last: 7, found: 7 },
        Reject::AhIcv,
        Reject::HmacMissing,
        Reject::HmacUnexpected,
        Reject::HmacMalformed { kind: 2, reserved: 0 },
        Reject::HmacKey { key_id: 9 },
        Reject::HmacMismatch,
        Reject::HmacReplay { last: 8, found: 7 },
        Reject::HmacTime { window: 5, now: 100, found: 90 },
    ]
    .into()
}

#[test]
fn every_reason_has_a_place_and_a_label_of_its_own() {
    let all = all();
    assert_eq!(all.len(), Reject::COUNT);
    for (place, reject) in all.iter().enumerate() {
        assert_eq!(reject.index(), place);
        let label = reject.label();
        assert!(label.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'_'), "{label}");
        assert!(Reject::LABELS[..place].iter().all(|other| *other != label), "{label} twice");
    }
}

#[test]
fn every_reason_is_said_in_words_of_its_own() {
    let texts: Vec<_> = all().iter().map(ToString::to_string).collect();
    for (place, text) in texts.iter().enumerate() {
        assert!(!text.ends_with('.') && !text.contains(char::is_uppercase), "{text}");
        assert!(texts[..place].iter().all(|other| other != text), "{text} twice");
    }
}

#[test]
fn an_interval_is_said_in_seconds() {
    let reject = Reject::IntervalMismatch {
        own: Interval::from_centiseconds(105).unwrap(),
        found: Interval::from_seconds(3).unwrap(),
    };
    assert_eq!(reject.to_string(), "advertisement interval at offset 5 is 3 s, must be 1.05 s");
}
