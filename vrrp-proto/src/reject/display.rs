//! What is said about a refused packet.

use core::error::Error;
use core::fmt::{self, Display, Formatter};

use super::Reject;

impl Display for Reject {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::IpVersion { found } => write!(f, "ip version at offset 0 is {found}, must be 4 or 6"),
            Self::IpTruncated { need, have } => write!(f, "ip packet needs {need} octets, has {have}"),
            Self::IpHeaderLength { header, total } => {
                write!(f, "ip header of {header} octets does not fit a packet of {total}")
            }
            Self::IpFragment { offset } => write!(f, "ip fragment at {offset}, must be a whole packet"),
            Self::IpProtocol { found } => write!(f, "ip protocol is {found}, must be 112"),
            Self::AhHeader { next, length } => {
                write!(
                    f,
                    "authentication header has next header {next} and length {length}, must have 112 and 4"
                )
            }
            Self::OwnPacket { source } => write!(f, "source {source} is an address of this router"),
            Self::Family { expected, found } => {
                write!(f, "carried by {}, must be {}", found.as_str(), expected.as_str())
            }
            Self::Interface { expected, found } => {
                write!(f, "came in by interface {found}, must be {expected}")
            }
            Self::UnicastUnexpected { destination } => {
                write!(f, "sent by unicast to {destination}, multicast is configured")
            }
            Self::MulticastUnexpected { destination } => {
                write!(f, "sent by multicast to {destination}, unicast is configured")
            }
            Self::Group { expected, found } => write!(f, "sent to group {found}, must be {expected}"),
            Self::UnknownPeer { source } => write!(f, "source {source} is no configured peer"),
            Self::Ttl { least, found } => write!(f, "time to live is {found}, must be at least {least}"),
            Self::Truncated { need, have } => write!(f, "header needs {need} octets, message has {have}"),
            Self::Version { found } => {
                write!(f, "version at offset 0 is {found}, must be 3, or 2 over ipv4")
            }
            Self::VersionUnexpected { found } => {
                write!(f, "version at offset 0 is {}, which is not configured", found.number())
            }
            Self::Type { found } => write!(f, "type at offset 0 is {found}, must be 1"),
            Self::VridZero => write!(f, "virtual router id at offset 1 is 0"),
            Self::NoAddresses => write!(f, "number of addresses at offset 3 is 0"),
            Self::Length { expected, found } => {
                write!(
                    f,
                    "message has {found} octets, its number of addresses at offset 3 asks for {expected}"
                )
            }
            Self::IntervalZero => write!(f, "advertisement interval is 0"),
            Self::Checksum { found, expected } => {
                write!(f, "checksum at offset 6 is {found:#06x}, must be {expected:#06x}")
            }
            Self::VridUnknown { expected, found } => {
                let (found, expected) = (found.number(), expected.number());
                write!(f, "virtual router id at offset 1 is {found}, must be {expected}")
            }
            Self::NotLinkLocal { first } => {
                write!(f, "first address at offset 8 is {first}, must be link-local")
            }
            Self::IntervalMismatch { own, found } => {
                let (found, own) = (found.centiseconds() / 100, own.centiseconds());
                write!(
                    f,
                    "advertisement interval at offset 5 is {found} s, must be {}.{:02} s",
                    own / 100,
                    own % 100
                )
            }
            Self::AuthType { expected, found } => {
                write!(f, "authentication type at offset 4 is {found}, must be {expected}")
            }
            Self::Password => write!(f, "password is another one"),
            Self::AhMissing => write!(f, "authentication header is missing"),
            Self::AhUnexpected => write!(f, "authentication header is not configured"),
            Self::AhSpi { spi, source } => {
                write!(f, "authentication header's spi is {spi}, must be the source {source}")
            }
            Self::AhReplay { last, found } => {
                write!(f, "authentication header's sequence number is {found}, must be above {last}")
            }
            Self::AhIcv => write!(f, "authentication header's integrity check value is wrong"),
            Self::HmacMissing => write!(f, "hmac trailer is missing"),
            Self::HmacUnexpected => write!(f, "hmac trailer is not configured"),
            Self::HmacMalformed { kind, reserved } => {
                write!(f, "hmac trailer has type {kind} and reserved bits {reserved:#06x}, must have 1 and 0")
            }
            Self::HmacKey { key_id } => write!(f, "hmac trailer names unknown key {key_id}"),
            Self::HmacMismatch => write!(f, "hmac is wrong"),
            Self::HmacReplay { last, found } => {
                write!(f, "hmac trailer's stamp is {found:#018x}, must be after {last:#018x}")
            }
            Self::HmacTime { window, now, found } => {
                write!(f, "hmac trailer's time is {found} s, must be within {window} s of {now} s")
            }
        }
    }
}

impl Error for Reject {}
