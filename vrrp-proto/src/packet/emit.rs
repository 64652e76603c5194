//! From an advertisement to octets: the message, or the whole IP packet.

use core::error::Error;
use core::fmt::{self, Display, Formatter};
use core::net::IpAddr;

use super::parse::ADVERTISEMENT;
use super::{Form, HEADER_LEN, Packet, Zero};
use crate::checksum::Sum;
use crate::{Carrier, Family, Interval};

impl Packet<'_> {
    /// Writes the message, and says how many octets that are. The rest of `out` stays as it is.
    ///
    /// # Errors
    ///
    /// `out` is shorter than [`encoded_len`](Self::encoded_len), or `carrier` is of another family than the addresses;
    /// nothing is written then.
    pub fn emit(&self, carrier: &Carrier, out: &mut [u8]) -> Result<usize, EmitError> {
        let (family, have, need) = (self.addresses.family(), out.len(), self.encoded_len());
        if carrier.family() != family {
            return Err(EmitError::Family { addresses: family, carrier: carrier.family() });
        }
        let out = out.get_mut(..need).ok_or(EmitError::BufferTooSmall { need, have })?;
        let mut rest = &mut *out;
        self.pieces(|piece| put(&mut rest, piece));
        if let Some(trailer) = &self.hmac {
            put(&mut rest, trailer);
        }
        let covered = match family {
            Family::V4 => self.message_len(),
            Family::V6 => need,
        };
        let sum = Sum::default().add(out.get(..covered).unwrap_or_default());
        let checksum = match (sum.pseudo_header(self.checksum(), carrier, covered).checksum(), self.zero) {
            (0, Zero::Negative) => 0xffff,
            (checksum, _) => checksum,
        };
        if let Some(field) = out.get_mut(6..8) {
            field.copy_from_slice(&checksum.to_be_bytes());
        }
        Ok(need)
    }

    /// The message piece by piece, with a checksum of 0, without the HMAC trailer.
    pub(crate) fn pieces(&self, mut each: impl FnMut(&[u8])) {
        each(&self.header());
        for address in self.addresses {
            match address {
                IpAddr::V4(address) => each(&address.octets()),
                IpAddr::V6(address) => each(&address.octets()),
            }
        }
        if let Form::V2 { auth_data, .. } = &self.form {
            each(auth_data);
        }
    }

    fn header(&self) -> [u8; HEADER_LEN] {
        let (fifth, sixth) = match self.form {
            Form::V2 { auth_type, .. } => (auth_type.value(), seconds(self.interval)),
            Form::V3 { reserved, .. } => {
                let [high, low] = self.interval.centiseconds().to_be_bytes();
                (reserved << 4 | high, low)
            }
        };
        // The constructors have counted: 255 at most.
        let count = u8::try_from(self.addresses.len()).unwrap_or(u8::MAX);
        let version = self.version().number();
        [version << 4 | ADVERTISEMENT, self.vrid.number(), self.priority.value(), count, fifth, sixth, 0, 0]
    }
}

/// Why nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmitError {
    /// The buffer is too short.
    BufferTooSmall {
        /// Octets that are needed.
        need: usize,
        /// Octets that there are.
        have: usize,
    },
    /// The addresses are of one IP, the packet of the other.
    Family {
        /// That of the addresses.
        addresses: Family,
        /// That of the packet.
        carrier: Family,
    },
    /// With an authentication header the identification must not be 0: the kernel would put another number there, and
    /// the integrity check value covers it.
    Identification,
}

impl Display for EmitError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferTooSmall { need, have } => write!(f, "packet needs {need} octets, buffer has {have}"),
            Self::Family { addresses, carrier } => {
                let (addresses, carrier) = (addresses.as_str(), carrier.as_str());
                write!(f, "addresses are of {addresses}, packet is of {carrier}")
            }
            Self::Identification => write!(f, "identification is 0, which the kernel replaces"),
        }
    }
}

impl Error for EmitError {}

/// Copies to the beginning of `rest`, and leaves what is behind.
pub(crate) fn put(rest: &mut &mut [u8], octets: &[u8]) {
    if let Some((place, behind)) = core::mem::take(rest).split_at_mut_checked(octets.len()) {
        place.copy_from_slice(octets);
        *rest = behind;
    }
}

/// The constructors let whole seconds up to 255 through.
fn seconds(interval: Interval) -> u8 {
    u8::try_from(interval.centiseconds() / 100).unwrap_or(u8::MAX)
}
