//! Who may speak to this router alone, and what is remembered of those who speak.

use core::net::IpAddr;

use crate::ChecksumForm;

/// A router that sends to this one alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer {
    /// The address it sends from.
    pub address: IpAddr,
    /// The least time to live, or hop limit, of its packets here: 255 less the number of routers between.
    pub least_ttl: u8,
}

impl Peer {
    /// A peer on the same link.
    pub const fn on_link(address: IpAddr) -> Self {
        Self { address, least_ttl: 255 }
    }
}

/// What is remembered of one sender from packet to packet. The caller keeps one for each address it hears.
///
/// Only an accepted packet changes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerMemory {
    pub(crate) checksum: Option<ChecksumForm>,
    pub(crate) ah_sequence: Option<u32>,
    pub(crate) hmac_stamp: Option<u64>,
}

impl PeerMemory {
    /// Nothing was heard yet.
    pub const fn new() -> Self {
        Self { checksum: None, ah_sequence: None, hmac_stamp: None }
    }

    /// The form of the checksum that the peer sent last, in VRRPv3.
    pub const fn checksum(&self) -> Option<ChecksumForm> {
        self.checksum
    }

    /// The last sequence number of its authentication headers.
    pub const fn ah_sequence(&self) -> Option<u32> {
        self.ah_sequence
    }

    /// Begins to count anew. To be called when nothing was accepted from the peer for its down interval: keepalived
    /// starts from 1 again when it is started again, and would be refused until it has caught up.
    ///
    /// Whoever has recorded packets and waits until the peer is silent can then play them back; without this call a
    /// restarted peer is deaf to us. VRRPv2 has no third way.
    pub const fn forget_sequence(&mut self) {
        self.ah_sequence = None;
    }
}
