//! From octets to an advertisement.

use super::{AUTH_LEN, Form, HEADER_LEN, HMAC_LEN, Packet, Zero};
use crate::addresses::octets_of_one;
use crate::checksum::Sum;
use crate::{
    Addresses, AuthType, Carrier, ChecksumForm, Family, Interval, Priority, Reject, Version, VirtualRouterId,
};

impl<'a> Packet<'a> {
    /// Reads a message: what comes after the IP header, and not an octet more.
    ///
    /// Looked at in this order: eight octets, version, type, VRID, number of addresses, length, interval, checksum.
    /// Whose it is, and whether it is authentic, is not looked at.
    ///
    /// # Errors
    ///
    /// The first of these that is not as it must be.
    pub fn parse(message: &'a [u8], carrier: &Carrier) -> Result<Self, Reject> {
        let Some((header, body)) = message.split_first_chunk::<HEADER_LEN>() else {
            return Err(Reject::Truncated { need: HEADER_LEN, have: message.len() });
        };
        let [version_type, vrid, priority, count, fifth, sixth, ..] = *header;
        let family = carrier.family();
        let version = match (version_type >> 4, family) {
            (2, Family::V4) => Version::V2,
            (3, _) => Version::V3,
            (found, _) => return Err(Reject::Version { found }),
        };
        if version_type & 0x0f != ADVERTISEMENT {
            return Err(Reject::Type { found: version_type & 0x0f });
        }
        let vrid = VirtualRouterId::new(vrid).ok_or(Reject::VridZero)?;
        if count == 0 {
            return Err(Reject::NoAddresses);
        }
        let octets_len = usize::from(count) * octets_of_one(family);
        let auth_len = match version {
            Version::V2 => AUTH_LEN,
            Version::V3 => 0,
        };
        let wrong_length =
            Reject::Length { expected: HEADER_LEN + octets_len + auth_len, found: message.len() };
        let (octets, rest) = body.split_at_checked(octets_len).ok_or(wrong_length)?;
        let (auth_data, rest) = rest.split_at_checked(auth_len).ok_or(wrong_length)?;
        let hmac = match rest {
            [] => None,
            trailer if cfg!(feature = "hmac-sha256") => {
                Some(<[u8; HMAC_LEN]>::try_from(trailer).map_err(|_| wrong_length)?)
            }
            _ => return Err(wrong_length),
        };
        let (interval, form) = match version {
            Version::V2 => {
                let mut data = [0; AUTH_LEN];
                data.copy_from_slice(auth_data);
                (Interval::from_seconds(sixth), Form::V2 { auth_type: AuthType::new(fifth), auth_data: data })
            }
            Version::V3 => (
                Interval::from_centiseconds(u16::from_be_bytes([fifth & 0x0f, sixth])),
                Form::V3 { checksum: ChecksumForm::PseudoHeader, reserved: fifth >> 4 },
            ),
        };
        let interval = interval.ok_or(Reject::IntervalZero)?;
        // Over IPv4 the trailer is not part of what is summed up, over IPv6 the kernel has it in.
        let covered = match family {
            Family::V4 => message.len() - rest.len(),
            Family::V6 => message.len(),
        };
        let (checksum, zero) = verify(message.get(..covered).unwrap_or(message), version, carrier)?;
        let form = match form {
            Form::V3 { reserved, .. } => Form::V3 { checksum, reserved },
            v2 @ Form::V2 { .. } => v2,
        };
        let addresses = Addresses::new(octets, family);
        Ok(Self { vrid, priority: Priority::new(priority), interval, addresses, form, zero, hmac })
    }
}

/// The first form that the checksum is right in.
fn verify(message: &[u8], version: Version, carrier: &Carrier) -> Result<(ChecksumForm, Zero), Reject> {
    let forms: &[ChecksumForm] = match (version, carrier) {
        (Version::V2, _) => &[ChecksumForm::MessageOnly],
        (Version::V3, Carrier::V4 { .. }) => {
            &[ChecksumForm::MessageOnly, ChecksumForm::PseudoHeader, ChecksumForm::PseudoHeaderGroup]
        }
        (Version::V3, Carrier::V6 { .. }) => &[ChecksumForm::PseudoHeader],
    };
    let mut found = [0; 2];
    let mut sum = Sum::default();
    if let Some((before, rest)) = message.split_first_chunk::<6>()
        && let Some((checksum, after)) = rest.split_first_chunk::<2>()
    {
        found = *checksum;
        sum = sum.add(before).add(after);
    }
    let found = u16::from_be_bytes(found);
    let expected = |form: ChecksumForm| sum.pseudo_header(form, carrier, message.len()).checksum();
    for &form in forms {
        match (expected(form), found) {
            (0, 0xffff) => return Ok((form, Zero::Negative)),
            (expected, found) if expected == found => return Ok((form, Zero::Positive)),
            _ => {}
        }
    }
    let first = forms.first().copied().unwrap_or(ChecksumForm::MessageOnly);
    Err(Reject::Checksum { found, expected: expected(first) })
}

/// The only type of message there is (RFC 9568 §5.2.2).
pub(super) const ADVERTISEMENT: u8 = 1;
