//! The advertisements of one virtual router, built once and sent many times.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use vrrp_proto::{
    Addresses, Advertisement, AhSequence, Authentication as Proof, BuildError, Carrier, ChecksumForm,
    EmitError, Ipv4Header, Packet as Message, Priority, Version,
};

use crate::router::{Authentication, Options, Reach};
use crate::socket::Packet;

/// The virtual addresses, all of one family.
#[derive(Debug)]
pub(super) enum AddressList {
    V4(Vec<Ipv4Addr>),
    V6(Vec<Ipv6Addr>),
}

impl AddressList {
    /// `Err`: the one that is not of the family of the first.
    pub(super) fn new(addresses: &[IpAddr]) -> Result<Self, IpAddr> {
        let of_v4 = |address: &IpAddr| match address {
            IpAddr::V4(v4) => Ok(*v4),
            IpAddr::V6(_) => Err(*address),
        };
        let of_v6 = |address: &IpAddr| match address {
            IpAddr::V6(v6) => Ok(*v6),
            IpAddr::V4(_) => Err(*address),
        };
        match addresses.first() {
            Some(IpAddr::V6(_)) => addresses.iter().map(of_v6).collect::<Result<_, _>>().map(Self::V6),
            Some(IpAddr::V4(_)) | None => addresses.iter().map(of_v4).collect::<Result<_, _>>().map(Self::V4),
        }
    }

    pub(super) fn borrowed(&self) -> Addresses<'_> {
        match self {
            Self::V4(list) => Addresses::from(list.as_slice()),
            Self::V6(list) => Addresses::from(list.as_slice()),
        }
    }
}

/// What is ready to be sent for one advertisement.
#[derive(Debug)]
struct Ready {
    said: Advertisement,
    checksum: ChecksumForm,
    /// One for each destination.
    packets: Vec<(IpAddr, Vec<u8>)>,
}

/// The advertisements that were sent so far, to be sent again: seldom more than two, the usual one and the release.
#[derive(Debug)]
pub(super) struct Packets {
    addresses: AddressList,
    source: Option<IpAddr>,
    ready: Vec<Ready>,
    sequence: AhSequence,
    identification: u16,
}

/// More than these in store, and the oldest is built anew when it is needed again.
const MOST: usize = 8;

impl Packets {
    pub(super) fn new(addresses: AddressList) -> Self {
        Self {
            addresses,
            source: None,
            ready: Vec::new(),
            sequence: AhSequence::default(),
            identification: 0,
        }
    }

    pub(super) const fn addresses(&self) -> &AddressList {
        &self.addresses
    }

    pub(super) const fn source(&self) -> Option<IpAddr> {
        self.source
    }

    /// A peer has sent this number: keepalived counts all senders together, and wants ours to be higher.
    pub(super) const fn heard(&mut self, sequence: u32) {
        self.sequence.heard(sequence);
    }

    /// From now on they are sent from here.
    pub(super) fn set_source(&mut self, source: Option<IpAddr>) {
        if self.source != source {
            self.source = source;
            self.ready.clear();
        }
    }

    /// The packets of this advertisement, one for each destination. `None`: there is no address to send from, or AH has
    /// no sequence number left.
    pub(super) fn of(
        &mut self,
        options: &Options,
        said: Advertisement,
        checksum: ChecksumForm,
    ) -> Option<Vec<Packet<'_>>> {
        let place = self.place(options, said, checksum)?;
        let source = match self.source {
            Some(IpAddr::V6(source)) => Some(source),
            Some(IpAddr::V4(_)) | None => None,
        };
        let packets = &self.ready.get(place)?.packets;
        let packets = packets.iter();
        Some(
            packets
                .map(|(destination, octets)| Packet { octets, destination: *destination, source })
                .collect(),
        )
    }

    fn place(&mut self, options: &Options, said: Advertisement, checksum: ChecksumForm) -> Option<usize> {
        let source = self.source?;
        let mut number = 0;
        if matches!(options.authentication, Authentication::Ah(_)) {
            // A sequence number is used once.
            self.ready.clear();
            number = self.sequence.advance()?;
        }
        if let Some(place) =
            self.ready.iter().position(|ready| ready.said == said && ready.checksum == checksum)
        {
            return Some(place);
        }
        if self.ready.len() == MOST {
            self.ready.remove(0);
        }
        let mut packets = Vec::new();
        for destination in destinations(&options.reach) {
            // The kernel writes one of its own where there is none, and the integrity check of AH covers it.
            self.identification = self.identification.wrapping_add(1).max(1);
            let message = message(options, self.addresses.borrowed(), said, checksum).ok()?;
            let octets = self.octets(&message, options, source, destination, number).ok()?;
            packets.push((destination, octets));
        }
        self.ready.push(Ready { said, checksum, packets });
        Some(self.ready.len() - 1)
    }

    /// What the socket wants: over IPv4 the whole packet, over IPv6 the message.
    fn octets(
        &self,
        message: &Message<'_>,
        options: &Options,
        source: IpAddr,
        destination: IpAddr,
        number: u32,
    ) -> Result<Vec<u8>, EmitError> {
        let mut octets = vec![0; MOST_OCTETS];
        let len = match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let header = Ipv4Header {
                    identification: self.identification,
                    ..Ipv4Header::new(source, destination)
                };
                match &options.authentication {
                    Authentication::Ah(password) => {
                        message.emit_ipv4_ah(&header, password, number, &mut octets)?
                    }
                    Authentication::None | Authentication::Pass(_) => {
                        message.emit_ipv4(&header, &mut octets)?
                    }
                }
            }
            (source, destination) => match Carrier::new(source, destination) {
                Some(carrier) => message.emit(&carrier, &mut octets)?,
                None => return Ok(Vec::new()),
            },
        };
        octets.truncate(len);
        octets.shrink_to_fit();
        Ok(octets)
    }
}

/// 255 IPv6 addresses are 4,080 octets; the longest headers before them 84.
const MOST_OCTETS: usize = 4200;

fn message<'a>(
    options: &Options,
    addresses: Addresses<'a>,
    said: Advertisement,
    checksum: ChecksumForm,
) -> Result<Message<'a>, BuildError> {
    let vrid = options.election.vrid;
    match said.version {
        Version::V2 => {
            Message::v2(vrid, said.priority, said.interval, addresses, &proof(&options.authentication))
        }
        _ => Message::v3(vrid, said.priority, said.interval, addresses, checksum),
    }
}

/// What is asked of others, and given of oneself.
pub(super) const fn proof(authentication: &Authentication) -> Proof<'_> {
    match authentication {
        Authentication::None => Proof::None,
        Authentication::Pass(password) => Proof::Pass(password),
        Authentication::Ah(password) => Proof::Ah(password),
    }
}

/// Whether everything that this router may say can be written.
pub(super) fn check(options: &Options, addresses: &AddressList) -> Result<(), BuildError> {
    for version in [Version::V2, Version::V3] {
        if options.election.versions.contain(version) {
            let interval = options.election.interval;
            // What the two say beside each other in VRRPv2 is a whole number of seconds.
            let said = Advertisement { version, priority: Priority::DEFAULT, interval };
            match message(options, addresses.borrowed(), said, ChecksumForm::PseudoHeader) {
                Err(BuildError::Interval { .. }) if version == Version::V2 => {}
                other => drop(other?),
            }
        }
    }
    Ok(())
}

pub(super) fn destinations(reach: &Reach) -> impl Iterator<Item = IpAddr> {
    let (group, peers) = match reach {
        Reach::Multicast(group) => (Some(*group), &[][..]),
        Reach::Unicast(peers) => (None, peers.as_slice()),
    };
    group.into_iter().chain(peers.iter().map(|peer| peer.address))
}
