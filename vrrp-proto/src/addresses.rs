//! The addresses of a virtual router, where they stand: in a packet, or in the caller's list.

use core::fmt::{self, Debug};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Family;

/// The addresses of an advertisement, read one after the other. Equal when they are the same in the same order.
///
/// ```
/// use core::net::Ipv4Addr;
/// use vrrp_proto::Addresses;
///
/// let mine = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)];
/// assert_eq!(Addresses::from(&mine).len(), 2);
/// ```
#[derive(Clone, Copy)]
pub struct Addresses<'a>(List<'a>);

#[derive(Clone, Copy)]
enum List<'a> {
    Octets(&'a [u8], Family),
    V4(&'a [Ipv4Addr]),
    V6(&'a [Ipv6Addr]),
}

impl<'a> Addresses<'a> {
    /// `octets` is a whole number of addresses of `family`; a rest is not looked at.
    pub(crate) const fn new(octets: &'a [u8], family: Family) -> Self {
        Self(List::Octets(octets, family))
    }

    /// Which IP they are of.
    pub const fn family(&self) -> Family {
        match self.0 {
            List::Octets(_, family) => family,
            List::V4(_) => Family::V4,
            List::V6(_) => Family::V6,
        }
    }

    /// How many octets they take in a packet.
    pub(crate) fn octets_len(&self) -> usize {
        self.len() * octets_of_one(self.family())
    }
}

impl Iterator for Addresses<'_> {
    type Item = IpAddr;

    fn next(&mut self) -> Option<IpAddr> {
        match &mut self.0 {
            List::Octets(octets, Family::V4) => {
                let (first, rest) = octets.split_first_chunk::<4>()?;
                *octets = rest;
                Some(Ipv4Addr::from(*first).into())
            }
            List::Octets(octets, Family::V6) => {
                let (first, rest) = octets.split_first_chunk::<16>()?;
                *octets = rest;
                Some(Ipv6Addr::from(*first).into())
            }
            List::V4(list) => {
                let (first, rest) = list.split_first()?;
                *list = rest;
                Some((*first).into())
            }
            List::V6(list) => {
                let (first, rest) = list.split_first()?;
                *list = rest;
                Some((*first).into())
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = match self.0 {
            List::Octets(octets, family) => octets.len() / octets_of_one(family),
            List::V4(list) => list.len(),
            List::V6(list) => list.len(),
        };
        (len, Some(len))
    }
}

impl ExactSizeIterator for Addresses<'_> {}

impl PartialEq for Addresses<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.family() == other.family() && Iterator::eq(*self, *other)
    }
}

impl Eq for Addresses<'_> {}

impl Debug for Addresses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

impl<'a> From<&'a [Ipv4Addr]> for Addresses<'a> {
    fn from(list: &'a [Ipv4Addr]) -> Self {
        Self(List::V4(list))
    }
}

impl<'a> From<&'a [Ipv6Addr]> for Addresses<'a> {
    fn from(list: &'a [Ipv6Addr]) -> Self {
        Self(List::V6(list))
    }
}

impl<'a, const N: usize> From<&'a [Ipv4Addr; N]> for Addresses<'a> {
    fn from(list: &'a [Ipv4Addr; N]) -> Self {
        Self(List::V4(list))
    }
}

impl<'a, const N: usize> From<&'a [Ipv6Addr; N]> for Addresses<'a> {
    fn from(list: &'a [Ipv6Addr; N]) -> Self {
        Self(List::V6(list))
    }
}

/// How many octets one address takes in a packet.
pub(crate) const fn octets_of_one(family: Family) -> usize {
    match family {
        Family::V4 => 4,
        Family::V6 => 16,
    }
}
