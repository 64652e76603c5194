//! The secret of VRRPv2: the password itself, and the key of the authentication header.

use core::fmt::{self, Debug};
use core::hint::black_box;

/// Up to eight octets that a VRRPv2 link shares, padded with zeros (RFC 2338 §5.3.10). It is not shown by `Debug`.
#[derive(Clone, Copy)]
pub struct Password([u8; 8]);

impl Password {
    /// The first eight octets of `secret`: what comes after them does not count, for keepalived neither.
    pub fn new(secret: &[u8]) -> Self {
        let mut octets = [0; 8];
        for (octet, &given) in octets.iter_mut().zip(secret) {
            *octet = given;
        }
        Self(octets)
    }

    /// As they stand in a packet.
    pub(crate) const fn octets(&self) -> [u8; 8] {
        self.0
    }

    /// Whether these are the octets; how long that takes does not depend on how many of them are right.
    pub(crate) fn matches(&self, octets: &[u8; 8]) -> bool {
        equal(&self.0, octets)
    }
}

impl Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Compares without stopping at the first difference.
pub(crate) fn equal<const N: usize>(one: &[u8; N], other: &[u8; N]) -> bool {
    let mut difference = 0;
    for (one, other) in one.iter().zip(other) {
        difference |= black_box(one ^ other);
    }
    difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn only_eight_octets_count() {
        assert!(Password::new(b"mysecret-and-more").matches(b"mysecret"));
        assert!(Password::new(b"1234").matches(b"1234\0\0\0\0"));
    }

    #[test]
    fn every_single_octet_matters() {
        let password = Password::new(b"mysecret");
        for place in 0..8 {
            let mut other = *b"mysecret";
            other[place] ^= 1;
            assert!(!password.matches(&other));
        }
    }

    #[test]
    fn a_log_line_does_not_tell_it() {
        assert_eq!(format!("{:?}", Password::new(b"mysecret")), "Password(..)");
    }
}
