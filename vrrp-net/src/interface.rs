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

    /// All interfaces of this thread's network namespace.
    ///
    /// # Errors
    ///
    /// What `getifaddrs(3)` answered.
    pub fn all() -> io::Result<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        let unusable = unusable_v6();
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
                let (address, index) = (v6.ip(), found.index);
                if !unusable.contains(&(address, index)) {
                    found.addresses.push(address.into());
                }
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

    /// Its addresses, in the kernel's order: the primary IPv4 address of a subnet comes before its secondaries. IPv6
    /// addresses that cannot be sent from, because duplicate address detection goes on or failed, are not among them.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// What an advertisement of IPv4 is sent from: the first address that is none of `virtual_addresses`
    /// (RFC 9568 §5.1.1.1, the primary address).
    pub fn primary_v4(&self, virtual_addresses: &[IpAddr]) -> Option<Ipv4Addr> {
        self.first_v4(|address| !virtual_addresses.contains(address))
    }

    /// What an advertisement of IPv6 is sent from: the first link-local address that is none of `virtual_addresses`
    /// (RFC 9568 §5.1.2.1).
    pub fn link_local_v6(&self, virtual_addresses: &[IpAddr]) -> Option<Ipv6Addr> {
        self.first_link_local_v6(|address| !virtual_addresses.contains(address))
    }

    pub(crate) fn first_v4(&self, wanted: impl Fn(&IpAddr) -> bool) -> Option<Ipv4Addr> {
        self.addresses.iter().filter(|address| wanted(address)).find_map(|address| match address {
            IpAddr::V4(v4) => Some(*v4),
            IpAddr::V6(_) => None,
        })
    }

    pub(crate) fn first_link_local_v6(&self, wanted: impl Fn(&IpAddr) -> bool) -> Option<Ipv6Addr> {
        self.addresses.iter().filter(|address| wanted(address)).find_map(|address| match address {
            IpAddr::V6(v6) if v6.is_unicast_link_local() => Some(*v6),
            _ => None,
        })
    }
}

/// Addresses that `getifaddrs(3)` names as if they could be used, with the index of their interface. Who cannot read
/// this sees some too many, and is told so by `sendmsg(2)`.
fn unusable_v6() -> Vec<(Ipv6Addr, u32)> {
    // Of the thread: the process's own is that of its first thread, which may live in another namespace.
    let text = std::fs::read_to_string("/proc/thread-self/net/if_inet6").unwrap_or_default();
    text.lines().filter_map(unusable_in_line).collect()
}

/// `fe800000000000000000000000000001 02 40 20 80 eth0`: address, index, prefix length, scope, flags; all hexadecimal.
fn unusable_in_line(line: &str) -> Option<(Ipv6Addr, u32)> {
    const OPTIMISTIC: u8 = 0x04;
    const DUPLICATE: u8 = 0x08;
    const TENTATIVE: u8 = 0x40;
    let mut fields = line.split_whitespace();
    let address = u128::from_str_radix(fields.next()?, 16).ok()?;
    let index = u32::from_str_radix(fields.next()?, 16).ok()?;
    let flags = u8::from_str_radix(fields.nth(2)?, 16).ok()?;
    let usable = flags & DUPLICATE == 0 && (flags & TENTATIVE == 0 || flags & OPTIMISTIC != 0);
    (!usable).then(|| (Ipv6Addr::from(address), index))
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
    fn an_address_is_unusable_while_it_is_tentative_or_a_duplicate() {
        let flags =
            |flags: &str| unusable_in_line(&format!("fe800000000000000000000000000001 1f 40 20 {flags} v0"));
        let address = Some(("fe80::1".parse().unwrap(), 31));
        assert_eq!([flags("80"), flags("44"), flags("00")], [None; 3]);
        assert_eq!([flags("40"), flags("c0"), flags("88"), flags("4c")], [address; 4]);
        assert_eq!(unusable_in_line("nonsense"), None);
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
