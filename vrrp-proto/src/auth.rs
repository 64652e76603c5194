//! What a sender may be asked to prove itself by: RFC 2338's password and IP authentication header (VRRPv2), and
//! keepalived's HMAC trailer (both generations).

#[cfg(feature = "auth-ah")]
pub(crate) mod ah;
#[cfg(feature = "hmac-sha256")]
pub mod hmac;
mod pass;

use core::fmt::{self, Display};

#[cfg(feature = "auth-ah")]
pub use ah::AhSequence;
pub use pass::Password;
#[cfg(any(feature = "auth-ah", feature = "hmac-sha256"))]
pub(crate) use pass::equal;

/// What this router asks of others, and gives of itself. VRRPv3 knows only the last kind; the others are ignored there.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub enum Authentication<'c> {
    /// Nothing. A packet that has something is refused: its sender is configured otherwise.
    #[default]
    None,
    /// A password for everybody on the link to read (RFC 2338 §5.3.6, §5.3.10).
    Pass(&'c Password),
    /// HMAC-MD5-96 in an IP authentication header (RFC 2338 §5.3.6, RFC 2402), as keepalived does it.
    #[cfg(feature = "auth-ah")]
    Ah(&'c Password),
    /// HMAC-SHA256 in a trailer, as keepalived 2.4 does it.
    #[cfg(feature = "hmac-sha256")]
    Hmac(hmac::Checks<'c>),
}

impl Authentication<'_> {
    /// What stands in the field of a VRRPv2 message.
    pub(crate) const fn kind(&self) -> AuthType {
        match self {
            Self::None => AuthType::None,
            Self::Pass(_) => AuthType::SimpleText,
            #[cfg(feature = "auth-ah")]
            Self::Ah(_) => AuthType::IpAh,
            #[cfg(feature = "hmac-sha256")]
            Self::Hmac(_) => AuthType::None,
        }
    }
}

/// The field of a VRRPv2 message that says how it is authenticated (RFC 2338 §5.3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthType {
    /// 0: not at all.
    None,
    /// 1: by a password in its last eight octets.
    SimpleText,
    /// 2: by an IP authentication header before it.
    IpAh,
    /// Any other.
    Other(u8),
}

impl AuthType {
    /// The field's value.
    pub const fn value(self) -> u8 {
        match self {
            Self::None => 0,
            Self::SimpleText => 1,
            Self::IpAh => 2,
            Self::Other(value) => value,
        }
    }

    pub(crate) const fn new(value: u8) -> Self {
        match value {
            0 => Self::None,
            1 => Self::SimpleText,
            2 => Self::IpAh,
            other => Self::Other(other),
        }
    }
}

impl Display for AuthType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("0 (none)"),
            Self::SimpleText => f.write_str("1 (password)"),
            Self::IpAh => f.write_str("2 (ip authentication header)"),
            Self::Other(value) => write!(f, "{value}"),
        }
    }
}

/// By what the sender of an accepted advertisement proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Authenticated {
    /// By nothing.
    None,
    /// By the password.
    Pass,
    /// By the authentication header.
    Ah,
    /// By the HMAC trailer.
    HmacSha256,
}

impl Authenticated {
    /// "none", "pass", "ah" or "hmac-sha256".
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Ah => "ah",
            Self::HmacSha256 => "hmac-sha256",
        }
    }
}

/// A key as HMAC takes it (RFC 2104 §2): with zeros behind up to one block of MD5 or SHA-256.
#[cfg(any(feature = "auth-ah", feature = "hmac-sha256"))]
fn padded(secret: &[u8]) -> [u8; 64] {
    let mut key = [0; 64];
    for (octet, &given) in key.iter_mut().zip(secret) {
        *octet = given;
    }
    key
}
