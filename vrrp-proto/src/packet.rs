//! One advertisement as it stands on the wire. Whether it may be believed, the [`Ladder`](crate::Ladder) says.

mod emit;
mod parse;

use core::error::Error;
use core::fmt::{self, Display, Formatter};
use core::net::{IpAddr, Ipv6Addr};

#[cfg(feature = "hmac-sha256")]
use crate::Carrier;
#[cfg(feature = "hmac-sha256")]
use crate::auth::hmac;
use crate::{
    Addresses, AuthType, Authentication, ChecksumForm, Family, Interval, Priority, Version, VirtualRouterId,
};
pub use emit::EmitError;
pub(crate) use emit::put;

/// An advertisement of either generation (RFC 3768 §5.1, RFC 9568 §5.2). It borrows its addresses.
///
/// What was parsed is emitted again to the octet, for the same carrier.
///
/// ```
/// use core::net::Ipv4Addr;
/// use vrrp_proto::{Carrier, ChecksumForm, Interval, Packet, Priority, VirtualRouterId};
///
/// let carrier = Carrier::multicast(Ipv4Addr::new(192, 0, 2, 251).into());
/// let addresses = [Ipv4Addr::new(192, 0, 2, 1)];
/// let vrid = VirtualRouterId::new(10).unwrap();
/// let packet = Packet::v3(
///     vrid,
///     Priority::DEFAULT,
///     Interval::ONE_SECOND,
///     (&addresses).into(),
///     ChecksumForm::MessageOnly,
/// )?;
/// let mut out = [0; 64];
/// let len = packet.emit(&carrier, &mut out)?;
/// assert_eq!(Packet::parse(&out[..len], &carrier), Ok(packet));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    vrid: VirtualRouterId,
    priority: Priority,
    interval: Interval,
    addresses: Addresses<'a>,
    form: Form,
    zero: Zero,
    hmac: Option<[u8; HMAC_LEN]>,
}

/// What the generations do not share.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    V2 { auth_type: AuthType, auth_data: [u8; 8] },
    V3 { checksum: ChecksumForm, reserved: u8 },
}

/// How a checksum of zero is written: ones' complement has two ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zero {
    /// 0x0000, as RFC 1071 computes it.
    Positive,
    /// 0xffff, as it comes out of updating a checksum, or of rules made for UDP.
    Negative,
}

impl<'a> Packet<'a> {
    /// A VRRPv2 advertisement. Of `authentication` the password goes into it, and the kind.
    ///
    /// # Errors
    ///
    /// Where VRRPv2 has no way to say it: no addresses, more than 255, such of IPv6, or a part of a second.
    pub fn v2(
        vrid: VirtualRouterId,
        priority: Priority,
        interval: Interval,
        addresses: Addresses<'a>,
        authentication: &Authentication<'_>,
    ) -> Result<Self, BuildError> {
        countable(addresses)?;
        if addresses.family() == Family::V6 {
            return Err(BuildError::Family);
        }
        if !interval.centiseconds().is_multiple_of(100) {
            return Err(BuildError::Interval { version: Version::V2, interval });
        }
        let auth_data = match authentication {
            Authentication::Pass(password) => password.octets(),
            _ => [0; 8],
        };
        let form = Form::V2 { auth_type: authentication.kind(), auth_data };
        Ok(Self { vrid, priority, interval, addresses, form, zero: Zero::Positive, hmac: None })
    }

    /// A VRRPv3 advertisement. `checksum` counts over IPv4; over IPv6 there is only the pseudo-header.
    ///
    /// # Errors
    ///
    /// Where VRRPv3 has no way to say it, or does not allow it: no addresses, more than 255, a first IPv6 address that
    /// is not link-local (RFC 9568 §5.2.9), or more than 4095 cs.
    pub fn v3(
        vrid: VirtualRouterId,
        priority: Priority,
        interval: Interval,
        addresses: Addresses<'a>,
        checksum: ChecksumForm,
    ) -> Result<Self, BuildError> {
        countable(addresses)?;
        if let Some(first) = not_link_local(addresses) {
            return Err(BuildError::NotLinkLocal { first });
        }
        if interval.centiseconds() > 4095 {
            return Err(BuildError::Interval { version: Version::V3, interval });
        }
        let checksum = match addresses.family() {
            Family::V4 => checksum,
            Family::V6 => ChecksumForm::PseudoHeader,
        };
        let form = Form::V3 { checksum, reserved: 0 };
        Ok(Self { vrid, priority, interval, addresses, form, zero: Zero::Positive, hmac: None })
    }

    /// The same with a trailer that proves `source` has the key (keepalived's `auth_hmac`).
    #[cfg(feature = "hmac-sha256")]
    #[must_use]
    pub fn signed(&self, carrier: &Carrier, key: &hmac::Key, stamp: hmac::Stamp) -> Self {
        Self { hmac: Some(hmac::trailer(self, carrier, key, stamp)), ..*self }
    }

    /// The generation.
    pub const fn version(&self) -> Version {
        match self.form {
            Form::V2 { .. } => Version::V2,
            Form::V3 { .. } => Version::V3,
        }
    }

    /// Whose it is.
    pub const fn vrid(&self) -> VirtualRouterId {
        self.vrid
    }

    /// The sender's priority.
    pub const fn priority(&self) -> Priority {
        self.priority
    }

    /// The sender's advertisement interval.
    pub const fn interval(&self) -> Interval {
        self.interval
    }

    /// The addresses of the virtual router, in their order.
    pub const fn addresses(&self) -> Addresses<'a> {
        self.addresses
    }

    /// What its checksum covers.
    pub const fn checksum(&self) -> ChecksumForm {
        match self.form {
            Form::V2 { .. } => ChecksumForm::MessageOnly,
            Form::V3 { checksum, .. } => checksum,
        }
    }

    /// How VRRPv2 says that it is authenticated; `None` in VRRPv3.
    pub const fn auth_type(&self) -> Option<AuthType> {
        match self.form {
            Form::V2 { auth_type, .. } => Some(auth_type),
            Form::V3 { .. } => None,
        }
    }

    /// The last eight octets of VRRPv2: the password, for whom has one.
    pub(crate) const fn auth_data(&self) -> Option<&[u8; 8]> {
        match &self.form {
            Form::V2 { auth_data, .. } => Some(auth_data),
            Form::V3 { .. } => None,
        }
    }

    /// The four bits before VRRPv3's interval: 0 from those who follow RFC 9568 §5.2.6, ignored by all.
    pub const fn reserved(&self) -> u8 {
        match self.form {
            Form::V2 { .. } => 0,
            Form::V3 { reserved, .. } => reserved,
        }
    }

    /// keepalived's HMAC trailer. Without the feature `hmac-sha256` a message that has one is too long.
    pub(crate) const fn hmac_trailer(&self) -> Option<&[u8; HMAC_LEN]> {
        self.hmac.as_ref()
    }

    /// How many octets [`emit`](Self::emit) writes: the message without the IP header.
    pub fn encoded_len(&self) -> usize {
        self.message_len() + self.hmac.map_or(0, |trailer| trailer.len())
    }

    /// The same without the HMAC trailer.
    pub(crate) fn message_len(&self) -> usize {
        let trailer = match self.form {
            Form::V2 { .. } => AUTH_LEN,
            Form::V3 { .. } => 0,
        };
        HEADER_LEN + self.addresses.octets_len() + trailer
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::V2 { auth_type, .. } => {
                f.debug_struct("V2").field("auth_type", auth_type).finish_non_exhaustive()
            }
            Self::V3 { checksum, reserved } => {
                f.debug_struct("V3").field("checksum", checksum).field("reserved", reserved).finish()
            }
        }
    }
}

/// Why an advertisement cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// An advertisement must have an address (RFC 9568 §5.2.5).
    NoAddresses,
    /// Their number has eight bits.
    TooManyAddresses {
        /// How many there are.
        count: usize,
    },
    /// VRRPv2 has no IPv6.
    Family,
    /// The interval has no place in this version: VRRPv2 has whole seconds, VRRPv3 up to 40.95 s.
    Interval {
        /// That version.
        version: Version,
        /// The interval.
        interval: Interval,
    },
    /// The first IPv6 address must be link-local (RFC 9568 §5.2.9).
    NotLinkLocal {
        /// The first address.
        first: Ipv6Addr,
    },
}

impl Display for BuildError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoAddresses => write!(f, "no addresses to advertise"),
            Self::TooManyAddresses { count } => write!(f, "{count} addresses, at most 255 fit"),
            Self::Family => write!(f, "vrrp version 2 has no ipv6"),
            Self::Interval { version, interval } => {
                let (centiseconds, version) = (interval.centiseconds(), version.number());
                write!(f, "interval of {centiseconds} cs does not fit vrrp version {version}")
            }
            Self::NotLinkLocal { first } => write!(f, "first address {first} is not link-local"),
        }
    }
}

impl Error for BuildError {}

fn countable(addresses: Addresses<'_>) -> Result<(), BuildError> {
    match addresses.len() {
        0 => Err(BuildError::NoAddresses),
        1..=255 => Ok(()),
        count => Err(BuildError::TooManyAddresses { count }),
    }
}

/// The first address if it is of IPv6 and not link-local.
pub(crate) fn not_link_local(mut addresses: Addresses<'_>) -> Option<Ipv6Addr> {
    match addresses.next()? {
        IpAddr::V6(first) if !first.is_unicast_link_local() => Some(first),
        _ => None,
    }
}

/// What both generations begin with.
pub(crate) const HEADER_LEN: usize = 8;
/// VRRPv2's authentication data, which is always there.
const AUTH_LEN: usize = 8;
/// keepalived's HMAC trailer.
pub(crate) const HMAC_LEN: usize = 28;
