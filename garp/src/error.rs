//! What can go wrong, one type an operation. What to do about it stands at each variant.

use std::io;

/// Why octets are not a frame this crate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The octets end before the field does.
    #[error("{field} needs {need} octets at offset {at}")]
    Truncated {
        /// The field that is cut.
        field: &'static str,
        /// Where it begins, in octets from the start of the layer it belongs to.
        at: usize,
        /// How many octets it needs.
        need: usize,
    },
    /// Neither ARP nor IPv6, or more than two VLAN tags.
    #[error("ethertype {ethertype:#06x} is neither ARP nor IPv6")]
    EtherType {
        /// As on the wire.
        ethertype: u16,
    },
    /// ARP, but not for IPv4 over Ethernet (RFC 826).
    #[error(
        "ARP for hardware {hardware} and protocol {protocol:#06x} with addresses of {hardware_len} and {protocol_len} octets"
    )]
    NotEthernetIpv4 {
        /// `ar$hrd`; 1 is Ethernet.
        hardware: u16,
        /// `ar$pro`; 0x0800 is IPv4.
        protocol: u16,
        /// `ar$hln`; 6 for Ethernet.
        hardware_len: u8,
        /// `ar$pln`; 4 for IPv4.
        protocol_len: u8,
    },
    /// The IP version is not 6.
    #[error("IP version {version} where 6 was expected")]
    Version {
        /// The upper half of the first octet.
        version: u8,
    },
    /// IPv6, but the first header behind it is not ICMPv6. Extension headers are not walked.
    #[error("next header {next_header} is not ICMPv6")]
    NotIcmp {
        /// As on the wire.
        next_header: u8,
    },
    /// ICMPv6, but neither a solicitation nor an advertisement with code 0.
    #[error("ICMPv6 type {kind} code {code} is no neighbour message")]
    NotNeighbor {
        /// The ICMPv6 type; 135 and 136 are read.
        kind: u8,
        /// The ICMPv6 code.
        code: u8,
    },
    /// The hop limit is not 255: a router may have forwarded it (RFC 4861 §7.1).
    #[error("hop limit {hop_limit} where only 255 proves a neighbour")]
    HopLimit {
        /// As on the wire.
        hop_limit: u8,
    },
    /// The ICMPv6 checksum is wrong (RFC 4861 §7.1).
    #[error("checksum {found:#06x} where {expected:#06x} was expected")]
    Checksum {
        /// As on the wire.
        found: u16,
        /// As computed.
        expected: u16,
    },
    /// The target is a multicast address (RFC 4861 §7.1).
    #[error("the target is a multicast address")]
    MulticastTarget,
    /// A solicited advertisement to a multicast address (RFC 4861 §7.1.2).
    #[error("a solicited advertisement to a multicast address")]
    SolicitedMulticast,
    /// A solicitation from `::` that goes elsewhere than to a solicited-node address, or says a
    /// link-layer address (RFC 4861 §7.1.1).
    #[error(
        "a solicitation from :: with another destination than a solicited-node address, or with an option"
    )]
    UnspecifiedSource,
    /// An option of length zero (RFC 4861 §7.1).
    #[error("the option at offset {at} has length zero")]
    ZeroOption {
        /// In octets from the start of the ICMPv6 message.
        at: usize,
    },
}

/// Why a socket was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No interface of this name or index in this network namespace.
    #[error("there is no interface {name}")]
    NoSuchInterface {
        /// Name or index, as it was given.
        name: String,
    },
    /// `AF_PACKET` needs CAP_NET_RAW, once, when the socket is opened.
    #[error("opening a packet socket needs CAP_NET_RAW")]
    NotPermitted,
    /// Not Ethernet: ARP and neighbour discovery look different there (InfiniBand is type 32).
    #[error("hardware type {hardware} with addresses of {len} octets is not Ethernet")]
    UnsupportedHardware {
        /// `ARPHRD_*` of the kernel.
        hardware: u16,
        /// Length of its addresses.
        len: u8,
    },
    /// The interface does no ARP (`IFF_NOARP`), so nobody on it keeps a table.
    #[error("the interface does no ARP")]
    NoArp,
    /// Anything else the system said.
    #[error("{operation}")]
    Os {
        /// The system call.
        operation: &'static str,
        /// Its answer.
        source: io::Error,
    },
}

/// Why frames did not go out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The interface is up but has no carrier: the kernel would take the frames, call it success and drop
    /// them. Announce when the carrier is back.
    #[error("the interface has no carrier")]
    NoCarrier,
    /// The interface is administratively down (`ENETDOWN`). Announce when it is up.
    #[error("the interface is down")]
    Down,
    /// The interface is no longer there; open a new [`Sender`](crate::Sender) when it is back.
    #[error("the interface is gone")]
    Gone,
    /// The queue of the device is full (`ENOBUFS`, or the socket's own buffer). Try again in some milliseconds.
    #[error("the queue of the device is full")]
    Full,
    /// Anything else the system said.
    #[error("{operation}")]
    Os {
        /// The system call.
        operation: &'static str,
        /// Its answer.
        source: io::Error,
    },
}

/// Some frames of a batch did not go out: those from `sent` on.
#[derive(Debug, thiserror::Error)]
#[error("stopped after {sent} frames")]
pub struct Unsent {
    /// How many went out before.
    pub sent: usize,
    /// What stopped the rest.
    #[source]
    pub reason: SendError,
}

/// Why a [`Watch`](crate::Watch) or [`Listener`](crate::Listener) did not hear.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// The interface went down. Said once; the watch goes on when it is up again.
    #[error("the interface went down")]
    Down,
    /// The interface is no longer there; open a new watch when it is back.
    #[error("the interface is gone")]
    Gone,
    /// Anything else the system said.
    #[error("{operation}")]
    Os {
        /// The system call.
        operation: &'static str,
        /// Its answer.
        source: io::Error,
    },
}
