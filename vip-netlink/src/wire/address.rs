//! Addresses: `struct ifaddrmsg` and the attributes `IFA_*` (`linux/if_addr.h`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Attributes, CREATE, EXCLUSIVE, Encoder, REPLACE, array_at, text, u8_at, u32_at};
use crate::address::{Address, AsSource, Detection, FOREVER, PrefixRoute, Scope};
use crate::assigned::{AddressFlags, Assigned, lifetime};

/// Writes the request that adds `address`; with `replace`, or renews it where it is there.
pub(crate) fn add(out: &mut Vec<u8>, seq: u32, if_there: IfThere, address: &Address) {
    let flags = CREATE
        | match if_there {
            IfThere::Refuse => EXCLUSIVE,
            IfThere::Replace => REPLACE,
        };
    let scope = match address.ip() {
        IpAddr::V4(_) => address.scope(),
        IpAddr::V6(_) => Scope::UNIVERSE,
    };
    let fixed = fixed(address.ip(), address.prefix_len(), scope.number(), address.index());
    let mut message = Encoder::request(out, NEW_ADDRESS, flags, seq, &fixed);
    ip_attributes(&mut message, address.ip());
    let mut bits = AddressFlags::default();
    if address.prefix_route() == PrefixRoute::Omit {
        bits = bits.with(AddressFlags::NO_PREFIX_ROUTE);
    }
    if address.ip().is_ipv6() && address.detection() == Detection::Skip {
        bits = bits.with(AddressFlags::NO_DAD);
    }
    if bits != AddressFlags::default() {
        message.attribute_u32(FLAGS, bits.bits());
    }
    if let Some(label) = address.label() {
        message.attribute_text(LABEL, label.as_str());
    }
    let valid = address.lease().map_or(FOREVER, |lease| lease.as_secs());
    let preferred = match (address.ip(), address.source()) {
        (IpAddr::V6(_), AsSource::Avoid) => 0,
        _ => valid,
    };
    // Also without a lease: it is what takes an old one away.
    let mut cache_info = [0; 16];
    for (place, value) in cache_info.chunks_exact_mut(4).zip([preferred, valid]) {
        place.copy_from_slice(&value.to_ne_bytes());
    }
    message.attribute(CACHEINFO, &cache_info).attribute_u8(PROTO, address.tag().number()).finish();
}

/// Writes the request that removes exactly this address.
///
/// Without `IFA_ADDRESS` the kernel would remove the first entry with that address, whatever its prefix.
pub(crate) fn remove(out: &mut Vec<u8>, seq: u32, index: u32, ip: IpAddr, prefix_len: u8) {
    let fixed = fixed(ip, prefix_len, 0, index);
    let mut message = Encoder::request(out, DELETE_ADDRESS, 0, seq, &fixed);
    ip_attributes(&mut message, ip);
    message.finish();
}

/// What the kernel does where the address is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfThere {
    Refuse,
    Replace,
}

/// Writes `RTM_NEWADDR` behind what `out` holds: adds `address`, or renews it where it is there.
pub fn emit_add(out: &mut Vec<u8>, seq: u32, address: &Address) {
    add(out, seq, IfThere::Replace, address);
}

/// Writes `RTM_DELADDR` behind what `out` holds.
pub fn emit_remove(out: &mut Vec<u8>, seq: u32, address: &Address) {
    remove(out, seq, address.index(), address.ip(), address.prefix_len());
}

/// Reads the payload of `RTM_NEWADDR` or `RTM_DELADDR`; `None` when it is cut, or of a family that is not IP.
#[must_use]
pub fn parse_address(payload: &[u8]) -> Option<Assigned> {
    let [family, prefix_len, short_flags, scope]: [u8; 4] = array_at(payload, 0)?;
    let index = u32_at(payload, 4)?;
    let (mut local, mut address) = (None, None);
    let mut assigned = Assigned {
        index,
        ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        prefix_len,
        proto: 0,
        scope: Scope::new(scope),
        flags: AddressFlags::new(short_flags.into()),
        label: None,
        valid_for: None,
        preferred_for: None,
    };
    for attribute in Attributes::new(payload.get(FIXED..)?) {
        let payload = attribute.payload;
        match attribute.kind {
            LOCAL => local = ip(family, payload),
            ADDRESS => address = ip(family, payload),
            LABEL => assigned.label = text(payload).map(str::to_owned),
            PROTO => assigned.proto = u8_at(payload, 0)?,
            FLAGS => assigned.flags = AddressFlags::new(u32_at(payload, 0)?),
            CACHEINFO => {
                // In this order, and not the other.
                assigned.preferred_for = lifetime(u32_at(payload, 0)?);
                assigned.valid_for = lifetime(u32_at(payload, 4)?);
            }
            _ => {}
        }
    }
    // On a point-to-point link ADDRESS is the other end's; IPv6 leaves LOCAL out otherwise.
    assigned.ip = local.or(address)?;
    Some(assigned)
}

/// The request for all addresses of one family on one interface; 0 for all.
pub(crate) fn list_request(family: u8, index: u32) -> [u8; FIXED] {
    let [a, b, c, d] = index.to_ne_bytes();
    [family, 0, 0, 0, a, b, c, d]
}

pub(crate) const fn family_of(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) => INET,
        IpAddr::V6(_) => INET6,
    }
}

fn fixed(ip: IpAddr, prefix_len: u8, scope: u8, index: u32) -> [u8; FIXED] {
    let [a, b, c, d] = index.to_ne_bytes();
    [family_of(ip), prefix_len, 0, scope, a, b, c, d]
}

fn ip_attributes(message: &mut Encoder<'_>, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => message.attribute(LOCAL, &ip.octets()).attribute(ADDRESS, &ip.octets()),
        IpAddr::V6(ip) => message.attribute(LOCAL, &ip.octets()).attribute(ADDRESS, &ip.octets()),
    };
}

fn ip(family: u8, payload: &[u8]) -> Option<IpAddr> {
    match family {
        INET => array_at::<4>(payload, 0).map(|octets| Ipv4Addr::from(octets).into()),
        INET6 => array_at::<16>(payload, 0).map(|octets| Ipv6Addr::from(octets).into()),
        _ => None,
    }
}

/// The name of an attribute, for people.
pub(crate) const fn attribute_name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        ADDRESS => "IFA_ADDRESS",
        LOCAL => "IFA_LOCAL",
        LABEL => "IFA_LABEL",
        CACHEINFO => "IFA_CACHEINFO",
        FLAGS => "IFA_FLAGS",
        PROTO => "IFA_PROTO",
        _ => return None,
    })
}

/// `AF_INET`.
pub(crate) const INET: u8 = 2;
/// `AF_INET6`.
pub(crate) const INET6: u8 = 10;
/// `RTM_NEWADDR`.
pub(crate) const NEW_ADDRESS: u16 = 20;
/// `RTM_DELADDR`.
pub(crate) const DELETE_ADDRESS: u16 = 21;
/// `RTM_GETADDR`.
pub(crate) const GET_ADDRESS: u16 = 22;
/// `sizeof(struct ifaddrmsg)`.
const FIXED: usize = 8;
const ADDRESS: u16 = 1;
const LOCAL: u16 = 2;
const LABEL: u16 = 3;
const CACHEINFO: u16 = 6;
const FLAGS: u16 = 8;
const PROTO: u16 = 11;
