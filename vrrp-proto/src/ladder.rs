//! The ladder of checks between the network and the election. What does not reach its top changes nothing.

use core::net::IpAddr;

use crate::packet::not_link_local;
use crate::{
    Accepted, Addresses, AuthType, Authenticated, Authentication, Carrier, Datagram, Family, Interval, Note,
    Notes, Packet, Peer, PeerMemory, Reject, Version, VirtualRouterId,
};

/// What one virtual router expects of those who advertise to it. It borrows the configuration, and is made when needed:
/// `Ladder { reach, authentication, ..Ladder::new(vrid, family) }`.
///
/// The rungs, in this order:
///
/// 1. not from an address of this router ([`Reject::OwnPacket`]);
/// 2. by the right IP ([`Reject::Family`]) and the right interface ([`Reject::Interface`]);
/// 3. to the group ([`Reject::UnicastUnexpected`], [`Reject::Group`]), or to this router alone
///    ([`Reject::MulticastUnexpected`]) by a peer ([`Reject::UnknownPeer`]);
/// 4. from near enough ([`Reject::Ttl`]);
/// 5. a whole and sound message: those of [`Packet::parse`], up to [`Reject::Checksum`];
/// 6. of a generation that is spoken ([`Reject::VersionUnexpected`]), for this VRID ([`Reject::VridUnknown`]);
/// 7. over IPv6 with a link-local address first ([`Reject::NotLinkLocal`]);
/// 8. where only VRRPv2 is spoken, with the same interval ([`Reject::IntervalMismatch`]);
/// 9. authentic, in exactly the way that is configured: `Auth…`, `Password`, `Ah…`, `Hmac…` of [`Reject`].
///
/// Before the first rung stands the IP packet itself ([`Datagram::from_ip`]). The costly checks are last.
///
/// ```
/// use vrrp_proto::{Carrier, Datagram, Family, Ladder, PeerMemory, Reject, VirtualRouterId};
///
/// let carrier = Carrier::multicast([192, 168, 0, 220].into());
/// let message = [0x31, 240, 100, 1, 0, 100, 0x06, 0x08, 192, 168, 0, 230];
/// let ladder = Ladder::new(VirtualRouterId::new(240).unwrap(), Family::V4);
/// let mut memory = PeerMemory::new();
///
/// let accepted = ladder.check(&Datagram::new(&message, carrier, 255), &mut memory)?;
/// assert_eq!(accepted.priority().value(), 100);
///
/// let refused = ladder.check(&Datagram::new(&message, carrier, 254), &mut memory);
/// assert_eq!(refused.unwrap_err(), Reject::Ttl { least: 255, found: 254 });
/// # Ok::<(), Reject>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Ladder<'c> {
    /// The virtual router.
    pub vrid: VirtualRouterId,
    /// The IP that carries it.
    pub family: Family,
    /// The generations it speaks.
    pub versions: Versions,
    /// Its own interval: VRRPv2 alone refuses others (RFC 3768 §7.1), VRRPv3 and both together note them.
    pub interval: Interval,
    /// Its own addresses, if others are to be noted.
    pub addresses: Option<Addresses<'c>>,
    /// Who may speak to it.
    pub reach: Reach<'c>,
    /// What they have to prove.
    pub authentication: Authentication<'c>,
    /// The addresses of this host: what comes from them is no other router's.
    pub own: &'c [IpAddr],
    /// The index of its interface. What came in by another is refused; a datagram that does not say is not.
    pub interface: Option<u32>,
}

/// Which generations a virtual router speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Versions {
    /// VRRPv2.
    V2,
    /// VRRPv3.
    V3,
    /// Both, while a link changes over (RFC 9568 §8.4).
    Both,
}

impl Versions {
    /// Whether this one is among them.
    pub const fn contain(self, version: Version) -> bool {
        matches!((self, version), (Self::Both, _) | (Self::V2, Version::V2) | (Self::V3, Version::V3))
    }
}

/// Who may speak to a virtual router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach<'c> {
    /// Everybody on the link, by this multicast group, with a time to live of 255 (RFC 9568 §5.1).
    Group(IpAddr),
    /// These, each to this router alone.
    Peers(&'c [Peer]),
}

impl<'c> Ladder<'c> {
    /// For VRRPv3 by multicast, with an interval of one second and without authentication.
    pub const fn new(vrid: VirtualRouterId, family: Family) -> Self {
        let group = match family {
            Family::V4 => IpAddr::V4(Carrier::GROUP_V4),
            Family::V6 => IpAddr::V6(Carrier::GROUP_V6),
        };
        Self {
            vrid,
            family,
            versions: Versions::V3,
            interval: Interval::ONE_SECOND,
            addresses: None,
            reach: Reach::Group(group),
            authentication: Authentication::None,
            own: &[],
            interface: None,
        }
    }

    /// Lets a datagram up the ladder. `memory` is that of its sender, and changed only if it reaches the top.
    ///
    /// # Errors
    ///
    /// The first rung that does not hold.
    pub fn check<'a>(
        &self,
        datagram: &Datagram<'a>,
        memory: &mut PeerMemory,
    ) -> Result<Accepted<'a>, Reject> {
        self.check_addressing(datagram)?;
        let packet = Packet::parse(datagram.payload(), datagram.carrier())?;
        if !self.versions.contain(packet.version()) {
            return Err(Reject::VersionUnexpected { found: packet.version() });
        }
        if packet.vrid() != self.vrid {
            return Err(Reject::VridUnknown { expected: self.vrid, found: packet.vrid() });
        }
        if let Some(first) = not_link_local(packet.addresses()) {
            return Err(Reject::NotLinkLocal { first });
        }
        // Between the generations the interval is learned (RFC 9568 §8.4.2).
        if self.versions == Versions::V2 && packet.interval() != self.interval {
            return Err(Reject::IntervalMismatch { own: self.interval, found: packet.interval() });
        }
        let (authenticated, learned) = self.check_authentication(datagram, &packet, memory)?;
        *memory = learned;
        Ok(Accepted {
            version: packet.version(),
            vrid: packet.vrid(),
            priority: packet.priority(),
            interval: packet.interval(),
            source: datagram.source(),
            destination: datagram.destination(),
            checksum: packet.checksum(),
            addresses: packet.addresses(),
            ttl: datagram.ttl(),
            authenticated,
            notes: self.notes(&packet),
        })
    }

    /// Rungs 1 to 4: what the IP layer says.
    fn check_addressing(&self, datagram: &Datagram<'_>) -> Result<(), Reject> {
        let (source, destination) = (datagram.source(), datagram.destination());
        if self.own.contains(&source) {
            return Err(Reject::OwnPacket { source });
        }
        let found = datagram.carrier().family();
        if found != self.family {
            return Err(Reject::Family { expected: self.family, found });
        }
        if let (Some(expected), Some(found)) = (self.interface, datagram.interface())
            && expected != found
        {
            return Err(Reject::Interface { expected, found });
        }
        let least = match self.reach {
            Reach::Group(group) if destination == group => 255,
            Reach::Group(expected) if destination.is_multicast() => {
                return Err(Reject::Group { expected, found: destination });
            }
            Reach::Group(_) => return Err(Reject::UnicastUnexpected { destination }),
            Reach::Peers(_) if destination.is_multicast() => {
                return Err(Reject::MulticastUnexpected { destination });
            }
            Reach::Peers(peers) => match peers.iter().find(|peer| peer.address == source) {
                Some(peer) => peer.least_ttl,
                None => return Err(Reject::UnknownPeer { source }),
            },
        };
        if datagram.ttl() < least {
            return Err(Reject::Ttl { least, found: datagram.ttl() });
        }
        Ok(())
    }

    /// Rung 9: what the sender proves, and what is to be remembered if it does.
    fn check_authentication(
        &self,
        datagram: &Datagram<'_>,
        packet: &Packet<'_>,
        memory: &PeerMemory,
    ) -> Result<(Authenticated, PeerMemory), Reject> {
        let mut learned = *memory;
        if packet.version() == Version::V3 {
            learned.checksum = Some(packet.checksum());
        }
        let expected = self.authentication.kind();
        match packet.auth_type() {
            Some(found) if found != expected => return Err(Reject::AuthType { expected, found }),
            Some(AuthType::IpAh) if datagram.ah().is_none() => return Err(Reject::AhMissing),
            Some(AuthType::IpAh) => {}
            _ if datagram.ah().is_some() => return Err(Reject::AhUnexpected),
            _ => {}
        }
        let mut authenticated = Authenticated::None;
        match (self.authentication, packet.auth_data(), datagram.ah()) {
            (Authentication::Pass(password), Some(data), _) => {
                if !password.matches(data) {
                    return Err(Reject::Password);
                }
                authenticated = Authenticated::Pass;
            }
            #[cfg(feature = "auth-ah")]
            (Authentication::Ah(password), _, Some(header)) => {
                learned.ah_sequence = Some(crate::auth::ah::check(datagram, header, password, memory)?);
                authenticated = Authenticated::Ah;
            }
            #[cfg(feature = "hmac-sha256")]
            (Authentication::Hmac(checks), ..) => {
                if let Some(stamp) = crate::auth::hmac::check(packet, datagram.carrier(), &checks, memory)? {
                    learned.hmac_stamp = Some(stamp);
                    authenticated = Authenticated::HmacSha256;
                }
                return Ok((authenticated, learned));
            }
            _ => {}
        }
        match packet.hmac_trailer() {
            Some(_) => Err(Reject::HmacUnexpected),
            None => Ok((authenticated, learned)),
        }
    }

    fn notes(&self, packet: &Packet<'_>) -> Notes {
        let mut notes = Notes::NONE;
        if packet.interval() != self.interval {
            notes = notes.with(Note::IntervalDiffers);
        }
        if self.addresses.is_some_and(|own| own != packet.addresses()) {
            notes = notes.with(Note::AddressesDiffer);
        }
        if packet.reserved() != 0 {
            notes = notes.with(Note::ReservedBits);
        }
        #[cfg(feature = "hmac-sha256")]
        if matches!(self.authentication, Authentication::Hmac(_)) && packet.hmac_trailer().is_none() {
            notes = notes.with(Note::Unauthenticated);
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Priority;

    #[test]
    fn what_the_tests_of_the_election_are_fed_is_what_comes_up_the_ladder() {
        let message = [0x31, 240, 100, 1, 0, 100, 0x06, 0x08, 192, 168, 0, 230];
        let source = IpAddr::from([192, 168, 0, 220]);
        let vrid = VirtualRouterId::new(240).unwrap();
        let datagram = Datagram::new(&message, Carrier::multicast(source), 255);
        let accepted = Ladder::new(vrid, Family::V4).check(&datagram, &mut PeerMemory::new());
        let addresses = [core::net::Ipv4Addr::new(192, 168, 0, 230)];
        let made = crate::accepted::accepted(
            vrid,
            Priority::DEFAULT,
            Interval::ONE_SECOND,
            source,
            Addresses::from(&addresses),
        );
        assert_eq!(accepted, Ok(made));
    }
}
