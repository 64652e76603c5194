//! What the kernel says of an interface at this moment: is it there, does it carry, which addresses has it.
//! Who holds an address, and when that changes, is for others.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};

/// An interface as it was when it was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    name: String,
    index: u32,
    link: Link,
    mac: Option<[u8; 6]>,
    addresses: Vec<IpAddr>,
}

/// Whether frames would pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Link {
    /// Set down by somebody (no `IFF_UP`).
    Down,
    /// Up, but the other end is not there (no `IFF_RUNNING`).
    NoCarrier,
    /// Up and running.
    Up,
}

impl Link {
    const fn from_flags(flags: InterfaceFlags) -> Self {
        match (flags.contains(InterfaceFlags::IFF_UP), flags.contains(InterfaceFlags::IFF_RUNNING)) {
            (false, _) => Self::Down,
            (true, false) => Self::NoCarrier,
            (true, true) => Self::Up,
        }
    }
}

impl Interface {
    /// Looks one interface up. `Ok(None)`: there is none of that name.
    ///
    /// # Errors
    ///
    /// What `getifaddrs(3)` answered.
    pub fn look_up(name: &str) -> io::Result<Option<Self>> {
        Ok(Self::all()?.into_iter().find(|interface| interface.name == name))
    }

    /// All interfaces of this network namespace.
    ///
    /// # Errors
    ///
    /// What `getifaddrs(3)` answered.
    pub fn all() -> io::Result<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        for entry in getifaddrs()? {
            // An IPv4 address with a label of its own comes under that name: `eth0:1` is eth0.
            let name = entry.interface_name.split(':').next().unwrap_or_default();
            let place = all.iter().position(|interface| interface.name == name);
            let found = match place {
                Some(place) => all.get_mut(place),
                None => {
                    let Ok(index) = if_nametoindex(name) else { continue };
                    let link = Link::from_flags(entry.flags);
                    all.push(Self { name: name.to_owned(), index, link, mac: None, addresses: Vec::new() });
                    all.last_mut()
                }
            };
            let (Some(found), Some(address)) = (found, entry.address) else { continue };
            if let Some(link) = address.as_link_addr() {
                found.mac = link.addr();
            } else if let Some(v4) = address.as_sockaddr_in() {
                found.addresses.push(v4.ip().into());
            } else if let Some(v6) = address.as_sockaddr_in6() {
                found.addresses.push(v6.ip().into());
            }
        }
        Ok(all)
    }

    /// Its name at that moment.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number, which stays when it is renamed.
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// Whether frames pass.
    pub const fn link(&self) -> Link {
        self.link
    }

    /// Its Ethernet address, where it has one.
    pub const fn mac(&self) -> Option<[u8; 6]> {
        self.mac
    }

    /// Its addresses, in the kernel's order: the primary IPv4 address of a subnet comes before its secondaries.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// What an advertisement of IPv4 is sent from: the first address that is none of `virtual_addresses`
    /// (RFC 9568 §5.1.1.1, the primary address).
    pub fn primary_v4(&self, virtual_addresses: &[IpAddr]) -> Option<Ipv4Addr> {
        self.addresses.iter().filter(|address| !virtual_addresses.contains(address)).find_map(|address| {
            match address {
                IpAddr::V4(v4) => Some(*v4),
                IpAddr::V6(_) => None,
            }
        })
    }

    /// What an advertisement of IPv6 is sent from: the first link-local address that is none of `virtual_addresses`
    /// (RFC 9568 §5.1.2.1).
    pub fn link_local_v6(&self, virtual_addresses: &[IpAddr]) -> Option<Ipv6Addr> {
        self.addresses.iter().filter(|address| !virtual_addresses.contains(address)).find_map(|address| {
            match address {
                IpAddr::V6(v6) if v6.is_unicast_link_local() => Some(*v6),
                _ => None,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_is_not_there_is_no_error() {
        assert_eq!(Interface::look_up("no-such-link0").unwrap(), None);
        assert_eq!(Interface::look_up("a-name-that-is-longer-than-any-interface-can-have").unwrap(), None);
    }

    #[test]
    fn virtual_addresses_are_never_the_source() {
        let interface = Interface {
            name: "v0".to_owned(),
            index: 2,
            link: Link::Up,
            mac: None,
            addresses: ["10.0.0.10", "10.0.0.11", "fd00::1", "fe80::10", "fe80::11"]
                .map(|a| a.parse().unwrap())
                .to_vec(),
        };
        let virtual_addresses: Vec<IpAddr> = ["10.0.0.10", "fe80::10"].map(|a| a.parse().unwrap()).to_vec();
        assert_eq!(interface.primary_v4(&virtual_addresses), Some("10.0.0.11".parse().unwrap()));
        assert_eq!(interface.link_local_v6(&virtual_addresses), Some("fe80::11".parse().unwrap()));
        assert_eq!(interface.primary_v4(&[]), Some("10.0.0.10".parse().unwrap()));
    }
}
