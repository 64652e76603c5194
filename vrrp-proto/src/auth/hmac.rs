//! The HMAC-SHA256 trailer of keepalived 2.4 (`auth_hmac`, draft-cassen-vrrp-auth-hmac), behind either generation.
//!
//! It proves who sent a message and, by a stamp that only grows, that it is not an old one. Routers without it drop
//! the message for its length.

use core::fmt::{self, Debug, Display, Formatter};
use core::net::IpAddr;
use core::num::NonZeroU8;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{equal, padded};
use crate::packet::HMAC_LEN;
use crate::{Carrier, Family, Packet, PeerMemory, Reject};

/// A shared secret of 32 to 64 octets, and the number that trailers name it by. It is not shown by `Debug`.
#[derive(Clone)]
pub struct Key {
    id: NonZeroU8,
    mac: Hmac<Sha256>,
}

impl Key {
    /// Prepares a key.
    ///
    /// # Errors
    ///
    /// The secret is shorter than 32 octets or longer than 64: keepalived has no such keys.
    pub fn new(id: NonZeroU8, secret: &[u8]) -> Result<Self, KeyLength> {
        if !(32..=64).contains(&secret.len()) {
            return Err(KeyLength { found: secret.len() });
        }
        Ok(Self { id, mac: Hmac::new(&padded(secret).into()) })
    }

    /// The number that trailers name it by.
    pub const fn id(&self) -> NonZeroU8 {
        self.id
    }
}

impl Debug for Key {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A secret of another length than 32 to 64 octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLength {
    /// Its length.
    pub found: usize,
}

impl Display for KeyLength {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let found = self.found;
        write!(f, "key has {found} octets, must have 32 to 64")
    }
}

impl core::error::Error for KeyLength {}

/// A moment of the sender's clock and a counter: seconds since 1970 in the upper 32 bits, then 1/65536 s, then the
/// counter, 16 bits each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp(u64);

impl Stamp {
    /// So many seconds since 1970, and nanoseconds below a second.
    pub const fn from_unix(seconds: u32, nanoseconds: u32) -> Self {
        let parts = ((nanoseconds as u64) << 16) / 1_000_000_000;
        Self((seconds as u64) << 32 | (parts & 0xffff) << 16)
    }

    /// As it stands in a trailer.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// As it stands in a trailer.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The stamp to send after this one when the clock says `clock`: the clock's, or one more where it has not moved.
    #[must_use]
    pub const fn next(self, clock: Self) -> Self {
        if clock.is_after(self) { clock } else { Self(self.0.wrapping_add(1)) }
    }

    /// In the sense of RFC 1982: the numbers go round.
    pub const fn is_after(self, other: Self) -> bool {
        self.0.wrapping_sub(other.0).cast_signed() > 0
    }

    const fn seconds(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// What is asked of a trailer.
#[derive(Clone, Copy, Debug)]
pub struct Checks<'c> {
    /// The keys that are accepted.
    pub keys: &'c [Key],
    /// What becomes of a message without a trailer.
    pub missing: Missing,
    /// How old packets are recognised.
    pub replay: Replay,
}

/// What becomes of a message without a trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is refused.
    Refuse,
    /// It is accepted with a [note](crate::Note::Unauthenticated), while the routers are changed over one by one.
    Note,
}

/// How old packets are recognised. In both ways a stamp must be after the last one of the same sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// And its seconds near to this router's clock.
    Window {
        /// Seconds since 1970 on this router's clock, modulo 2³².
        now: u32,
        /// Seconds that it may be before or after that; keepalived has three intervals, and 5 s at least.
        seconds: u32,
    },
    /// And no more: for routers without a common time.
    Monotonic,
}

/// A trailer as it stands behind a message.
#[derive(Clone, Copy)]
struct Trailer {
    kind: u8,
    key_id: u8,
    reserved: u16,
    stamp: Stamp,
    mac: [u8; 16],
}

impl Trailer {
    fn new(octets: &[u8; HMAC_LEN]) -> Self {
        let [kind, key_id, high, low, a, b, c, d, e, f, g, h, mac @ ..] = *octets;
        let reserved = u16::from_be_bytes([high, low]);
        Self { kind, key_id, reserved, stamp: Stamp(u64::from_be_bytes([a, b, c, d, e, f, g, h])), mac }
    }

    fn octets(&self) -> [u8; HMAC_LEN] {
        let mut octets = [0; HMAC_LEN];
        let mut rest = &mut octets[..];
        crate::packet::put(&mut rest, &[self.kind, self.key_id]);
        crate::packet::put(&mut rest, &self.reserved.to_be_bytes());
        crate::packet::put(&mut rest, &self.stamp.0.to_be_bytes());
        crate::packet::put(&mut rest, &self.mac);
        octets
    }
}

/// The trailer for `packet`.
pub(crate) fn trailer(packet: &Packet<'_>, carrier: &Carrier, key: &Key, stamp: Stamp) -> [u8; HMAC_LEN] {
    let mut trailer =
        Trailer { kind: SEQUENCE_AND_HMAC, key_id: key.id.get(), reserved: 0, stamp, mac: [0; 16] };
    trailer.mac = mac(packet, carrier, key, &trailer);
    trailer.octets()
}

/// Whether the trailer of `packet` is right, and its stamp to be remembered; `None` where there is none and need not be.
pub(crate) fn check(
    packet: &Packet<'_>,
    carrier: &Carrier,
    checks: &Checks<'_>,
    memory: &PeerMemory,
) -> Result<Option<u64>, Reject> {
    let Some(octets) = packet.hmac_trailer() else {
        return match checks.missing {
            Missing::Refuse => Err(Reject::HmacMissing),
            Missing::Note => Ok(None),
        };
    };
    let trailer = Trailer::new(octets);
    let Trailer { kind, key_id, reserved, stamp, .. } = trailer;
    if kind != SEQUENCE_AND_HMAC || reserved != 0 {
        return Err(Reject::HmacMalformed { kind, reserved });
    }
    // The stamp before the key: a flood of old packets costs no digest each.
    if let Replay::Window { now, seconds: window } = checks.replay {
        let found = stamp.seconds();
        if now.wrapping_sub(found).cast_signed().unsigned_abs() > window {
            return Err(Reject::HmacTime { window, now, found });
        }
    }
    if let Some(last) = memory.hmac_stamp
        && !stamp.is_after(Stamp(last))
    {
        return Err(Reject::HmacReplay { last, found: stamp.0 });
    }
    let key = checks.keys.iter().find(|key| key.id.get() == key_id).ok_or(Reject::HmacKey { key_id })?;
    if equal(&mac(packet, carrier, key, &trailer), &trailer.mac) {
        Ok(Some(stamp.0))
    } else {
        Err(Reject::HmacMismatch)
    }
}

/// Over a pseudo-header, the message with a checksum of 0, and the trailer with an HMAC of 0.
fn mac(packet: &Packet<'_>, carrier: &Carrier, key: &Key, trailer: &Trailer) -> [u8; 16] {
    let mut mac = key.mac.clone();
    let family = match carrier.family() {
        Family::V4 => 4,
        Family::V6 => 6,
    };
    mac.update(&[family, packet.version().number(), packet.vrid().number(), 0]);
    match carrier.source() {
        IpAddr::V4(source) => {
            mac.update(&source.octets());
            mac.update(&[0; 12]);
        }
        IpAddr::V6(source) => mac.update(&source.octets()),
    }
    packet.pieces(|piece| mac.update(piece));
    mac.update(&Trailer { mac: [0; 16], ..*trailer }.octets());
    let mut cut = [0; 16];
    for (octet, full) in cut.iter_mut().zip(mac.finalize().into_bytes()) {
        *octet = full;
    }
    cut
}

/// The only type of trailer there is.
const SEQUENCE_AND_HMAC: u8 = 1;
