//! Sees who else claims an address of ours. What to do about it is the caller's matter; see
//! [`Schedule::challenged`](crate::Schedule::challenged).

use crate::listener::{Delivery, Heard, Listener, Purpose};
use crate::{Claim, ClaimKind, Interface, OpenError, WatchError};
use std::fmt;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::{Instant, SystemTime};

/// Watches addresses on one interface: somebody else announces, answers for, uses or probes one.
///
/// Programs in the kernel let nothing else through, so ordinary traffic wakes nobody. What bears the device's MAC of the
/// moment, or one that [`Watch::also_ours`] names, is not reported. Needs CAP_NET_RAW to open and to change addresses.
#[derive(Debug)]
pub struct Watch {
    listener: Listener,
    addresses: Vec<IpAddr>,
    ours: Vec<[u8; 6]>,
}

/// Somebody else has, or would like to have, one of the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Which address.
    pub address: IpAddr,
    /// Who: the MAC that the message gives for the address, or else that of its frame.
    pub mac: [u8; 6],
    /// How.
    pub kind: ClaimKind,
    /// The Ethernet source of the frame; another than `mac` where somebody answers for somebody else.
    pub source: [u8; 6],
    /// Whom the frame was for. [`Delivery::Overheard`] may be a claim in another VLAN, which is no conflict.
    pub delivery: Delivery,
    /// When the kernel received it.
    pub at: SystemTime,
}

impl Watch {
    /// Watches these addresses. The interface need not be up.
    ///
    /// # Errors
    ///
    /// Each of [`OpenError`] but `NoArp`.
    pub fn open(interface: Interface, addresses: &[IpAddr]) -> Result<Self, OpenError> {
        let listener = Listener::open(interface, Purpose::Claims, addresses)?;
        Ok(Self { listener, addresses: addresses.to_vec(), ours: Vec::new() })
    }

    /// From now on these addresses, and no others.
    ///
    /// # Errors
    ///
    /// Each of [`OpenError`] but `NoArp`.
    pub fn set_addresses(&mut self, addresses: &[IpAddr]) -> Result<(), OpenError> {
        self.listener.listen_for(addresses)?;
        addresses.clone_into(&mut self.addresses);
        Ok(())
    }

    /// Other MACs of this host on this link, such as that of a macvlan.
    #[must_use]
    pub fn also_ours(mut self, macs: impl IntoIterator<Item = [u8; 6]>) -> Self {
        self.ours.extend(macs);
        self
    }

    /// What has been seen, if anything; does not block.
    ///
    /// # Errors
    ///
    /// Each of [`WatchError`].
    pub fn try_next(&mut self) -> Result<Option<Sighting>, WatchError> {
        while let Some(heard) = self.listener.try_next()? {
            if let Some(sighting) = self.sighting(&heard) {
                return Ok(Some(sighting));
            }
        }
        Ok(None)
    }

    /// What has been seen, waiting for it until `deadline`, for ever without one.
    ///
    /// # Errors
    ///
    /// Each of [`WatchError`].
    pub fn wait(&mut self, deadline: Option<Instant>) -> Result<Option<Sighting>, WatchError> {
        while let Some(heard) = self.listener.wait(deadline)? {
            if let Some(sighting) = self.sighting(&heard) {
                return Ok(Some(sighting));
            }
        }
        Ok(None)
    }

    fn sighting(&self, heard: &Heard) -> Option<Sighting> {
        let claim = Claim::of(&heard.body)?;
        if !self.addresses.contains(&claim.address) {
            return None;
        }
        let mac = claim.mac.unwrap_or(heard.source);
        if self.ours.contains(&mac) || self.listener.mac() == Some(mac) {
            return None;
        }
        Some(Sighting {
            address: claim.address,
            mac,
            kind: claim.kind,
            source: heard.source,
            delivery: heard.delivery,
            at: heard.at,
        })
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl AsRawFd for Watch {
    fn as_raw_fd(&self) -> RawFd {
        self.listener.as_raw_fd()
    }
}

/// `02:00:00:00:00:01 announces 192.0.2.100`
impl fmt::Display for Sighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.mac;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x} {} {}", self.kind, self.address)
    }
}
