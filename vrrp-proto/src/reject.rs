//! Why a packet was refused: one reason a rung of the ladder, each with a name for a counter.

mod display;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{AuthType, Family, Interval, Version, VirtualRouterId};

/// Why a packet was refused. The order is that in which it is looked for ([`Ladder`](crate::Ladder)).
///
/// A refused packet changes nothing but the counter with its [`label`](Self::label).
///
/// ```
/// use vrrp_proto::Reject;
///
/// let mut counters = [0_u64; Reject::COUNT];
/// let reject = Reject::Ttl { least: 255, found: 64 };
/// counters[reject.index()] += 1;
/// assert_eq!(reject.label(), "ttl");
/// assert_eq!(Reject::LABELS[reject.index()], "ttl");
/// assert_eq!(reject.to_string(), "time to live is 64, must be at least 255");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reject {
    /// The packet is neither IPv4 nor IPv6, or not the one it was said to be.
    IpVersion {
        /// The first four bits.
        found: u8,
    },
    /// The packet ends before its own lengths say it does.
    IpTruncated {
        /// Octets that should be there.
        need: usize,
        /// Octets that are.
        have: usize,
    },
    /// The IPv4 header says it is shorter than 20 octets, or longer than the packet.
    IpHeaderLength {
        /// Octets, as the header says.
        header: usize,
        /// Octets of the whole packet, as the header says.
        total: usize,
    },
    /// A part of a packet. An advertisement is never so long that it must be cut.
    IpFragment {
        /// Where the part belongs, in octets.
        offset: u16,
    },
    /// Something else than VRRP is in the packet.
    IpProtocol {
        /// The protocol, or IPv6's next header, that is not 112.
        found: u8,
    },
    /// The authentication header does not lead to an advertisement, or has another length than that of HMAC-MD5-96.
    AhHeader {
        /// Its next header; 112 is right.
        next: u8,
        /// Its length field; 4 is right.
        length: u8,
    },
    /// It came from one of this router's own addresses: an echo, or somebody has the same address.
    OwnPacket {
        /// That address.
        source: IpAddr,
    },
    /// It came over the other IP than the one of this virtual router (RFC 9568 §5.2.3: their VRIDs are separate).
    Family {
        /// This virtual router's.
        expected: Family,
        /// The packet's.
        found: Family,
    },
    /// It came in by another interface.
    Interface {
        /// The index of this virtual router's.
        expected: u32,
        /// The index of the packet's.
        found: u32,
    },
    /// It was sent to one router, and this virtual router listens to the group.
    UnicastUnexpected {
        /// Where it was sent to.
        destination: IpAddr,
    },
    /// It was sent to a group, and this virtual router listens to single peers.
    MulticastUnexpected {
        /// Where it was sent to.
        destination: IpAddr,
    },
    /// It was sent to another group than this virtual router's.
    Group {
        /// This virtual router's.
        expected: IpAddr,
        /// The packet's.
        found: IpAddr,
    },
    /// It was sent to this router alone, by somebody who is no peer of it.
    UnknownPeer {
        /// Who sent it.
        source: IpAddr,
    },
    /// It has come further than it may (RFC 9568 §5.1.1.3, §5.1.2.3).
    Ttl {
        /// 255, or what is configured for the peer.
        least: u8,
        /// What was in the packet.
        found: u8,
    },
    /// The message ends within its header.
    Truncated {
        /// Octets that a header has.
        need: usize,
        /// Octets that there are.
        have: usize,
    },
    /// Neither 2 nor 3, or 2 over IPv6 (RFC 9568 §7.1).
    Version {
        /// What was in the message.
        found: u8,
    },
    /// A generation that this router does not speak.
    VersionUnexpected {
        /// The message's.
        found: Version,
    },
    /// Not an advertisement (RFC 9568 §5.2.2).
    Type {
        /// What was in the message; 1 is right.
        found: u8,
    },
    /// VRID 0 does not exist (RFC 9568 §5.2.3).
    VridZero,
    /// An advertisement for nothing (RFC 9568 §5.2.5, erratum 8299).
    NoAddresses,
    /// Shorter or longer than the number of its addresses asks for (RFC 9568 §7.1).
    Length {
        /// Octets, counted from the number of addresses.
        expected: usize,
        /// Octets that there are.
        found: usize,
    },
    /// An interval of 0 would make every router Active (RFC 9568 §5.2.7, erratum 8301).
    IntervalZero,
    /// No form of the checksum is right (RFC 9568 §5.2.8).
    Checksum {
        /// What was in the message.
        found: u16,
        /// What it would be in the first form of this version and family.
        expected: u16,
    },
    /// Another virtual router's (RFC 9568 §7.1).
    VridUnknown {
        /// This one's.
        expected: VirtualRouterId,
        /// The message's.
        found: VirtualRouterId,
    },
    /// The first IPv6 address is not link-local (RFC 9568 §5.2.9, erratum 8300).
    NotLinkLocal {
        /// The first address.
        first: Ipv6Addr,
    },
    /// Routers of one VRID that speak VRRPv2 alone must agree on the interval (RFC 3768 §7.1).
    IntervalMismatch {
        /// This router's.
        own: Interval,
        /// The message's.
        found: Interval,
    },
    /// Another kind of VRRPv2 authentication than the one configured (RFC 2338 §5.3.6); none is a kind too.
    AuthType {
        /// The one configured.
        expected: AuthType,
        /// The message's.
        found: AuthType,
    },
    /// The simple text password is another one (RFC 2338 §5.3.10).
    Password,
    /// The message says it is authenticated by an IP header that is not there.
    AhMissing,
    /// There is an authentication header, and the message does not say so.
    AhUnexpected,
    /// The authentication header's SPI is not the address of the sender.
    AhSpi {
        /// The SPI, read as an address.
        spi: Ipv4Addr,
        /// The sender.
        source: Ipv4Addr,
    },
    /// The sequence number was there before: somebody plays back an old packet, or the peer began anew.
    AhReplay {
        /// The last one accepted.
        last: u32,
        /// The packet's.
        found: u32,
    },
    /// The integrity check value is wrong: another key, or the packet was changed.
    AhIcv,
    /// No HMAC trailer where one must be.
    HmacMissing,
    /// An HMAC trailer where none is configured.
    HmacUnexpected,
    /// A trailer of another type, or with bits set that must be zero.
    HmacMalformed {
        /// Its type; 1 is right.
        kind: u8,
        /// Its reserved bits; 0 is right.
        reserved: u16,
    },
    /// The trailer names a key that this router does not have.
    HmacKey {
        /// The number of that key.
        key_id: u8,
    },
    /// The HMAC is wrong: another key, or the message was changed.
    HmacMismatch,
    /// The stamp of the trailer was there before, or is older than one that was.
    HmacReplay {
        /// The last one accepted, as 64 bits.
        last: u64,
        /// The packet's.
        found: u64,
    },
    /// The stamp of the trailer is too far from the clock.
    HmacTime {
        /// Seconds that it may differ.
        window: u32,
        /// Seconds since 1970 on this router's clock.
        now: u32,
        /// Seconds in the trailer.
        found: u32,
    },
}

impl Reject {
    /// How many reasons there are: the length of an array of counters.
    pub const COUNT: usize = Self::LABELS.len();

    /// The names of the reasons, by [`index`](Self::index).
    pub const LABELS: &'static [&'static str] = &[
        "ip_version",
        "ip_truncated",
        "ip_header_length",
        "ip_fragment",
        "ip_protocol",
        "ah_header",
        "own_packet",
        "family",
        "interface",
        "unicast_unexpected",
        "multicast_unexpected",
        "group",
        "unknown_peer",
        "ttl",
        "truncated",
        "version",
        "version_unexpected",
        "type",
        "vrid_zero",
        "no_addresses",
        "length",
        "interval_zero",
        "checksum",
        "vrid_unknown",
        "not_link_local",
        "interval_mismatch",
        "auth_type",
        "password",
        "ah_missing",
        "ah_unexpected",
        "ah_spi",
        "ah_replay",
        "ah_icv",
        "hmac_missing",
        "hmac_unexpected",
        "hmac_malformed",
        "hmac_key",
        "hmac_mismatch",
        "hmac_replay",
        "hmac_time",
    ];

    /// The place of its counter, below [`COUNT`](Self::COUNT). It may change with a new version of this crate.
    pub const fn index(&self) -> usize {
        match self {
            Self::IpVersion { .. } => 0,
            Self::IpTruncated { .. } => 1,
            Self::IpHeaderLength { .. } => 2,
            Self::IpFragment { .. } => 3,
            Self::IpProtocol { .. } => 4,
            Self::AhHeader { .. } => 5,
            Self::OwnPacket { .. } => 6,
            Self::Family { .. } => 7,
            Self::Interface { .. } => 8,
            Self::UnicastUnexpected { .. } => 9,
            Self::MulticastUnexpected { .. } => 10,
            Self::Group { .. } => 11,
            Self::UnknownPeer { .. } => 12,
            Self::Ttl { .. } => 13,
            Self::Truncated { .. } => 14,
            Self::Version { .. } => 15,
            Self::VersionUnexpected { .. } => 16,
            Self::Type { .. } => 17,
            Self::VridZero => 18,
            Self::NoAddresses => 19,
            Self::Length { .. } => 20,
            Self::IntervalZero => 21,
            Self::Checksum { .. } => 22,
            Self::VridUnknown { .. } => 23,
            Self::NotLinkLocal { .. } => 24,
            Self::IntervalMismatch { .. } => 25,
            Self::AuthType { .. } => 26,
            Self::Password => 27,
            Self::AhMissing => 28,
            Self::AhUnexpected => 29,
            Self::AhSpi { .. } => 30,
            Self::AhReplay { .. } => 31,
            Self::AhIcv => 32,
            Self::HmacMissing => 33,
            Self::HmacUnexpected => 34,
            Self::HmacMalformed { .. } => 35,
            Self::HmacKey { .. } => 36,
            Self::HmacMismatch => 37,
            Self::HmacReplay { .. } => 38,
            Self::HmacTime { .. } => 39,
        }
    }

    /// Its name for a counter: snake_case, never changed, and no two reasons share one.
    pub const fn label(&self) -> &'static str {
        #[expect(clippy::indexing_slicing, reason = "a test looks at every reason")]
        Self::LABELS[self.index()]
    }
}

#[cfg(test)]
mod tests;
