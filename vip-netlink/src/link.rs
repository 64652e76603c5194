//! A network interface as the kernel describes it.

use std::fmt;

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// Stays through renames; may be used again for another interface once this one is gone.
    pub index: u32,
    /// At most 15 octets.
    pub name: String,
    /// Its hardware address; empty where it has none (`tun`).
    pub mac: Mac,
    /// In bytes.
    pub mtu: u32,
    /// `IFF_*`.
    pub flags: LinkFlags,
    /// Whether a cable is plugged in, so to say.
    pub carrier: Carrier,
    /// The operational state (RFC 2863).
    pub state: OperState,
    /// How often the carrier came or went: a flap between two looks shows here.
    pub carrier_changes: u32,
    /// The kind of hardware (`ARPHRD_*`): 1 is Ethernet, 32 InfiniBand, 772 the loopback.
    pub hardware: u16,
    /// What made it: `veth`, `macvlan`, `bond`, …; `None` for hardware.
    pub kind: Option<String>,
    /// The index of the interface beneath a VLAN or a macvlan, or of the other end of a veth.
    pub parent: Option<u32>,
    /// The index of the bridge or bond that it is a port of.
    pub master: Option<u32>,
    /// `IFLA_IFALIAS`, a text for people.
    pub alias: Option<String>,
    /// The mode of a macvlan.
    pub macvlan_mode: Option<crate::MacvlanMode>,
}

impl Link {
    /// Whether what is sent there arrives: up, running, with a carrier.
    ///
    /// A send on an interface that is up without a carrier succeeds, and is dropped.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.flags.contains(LinkFlags::UP)
            && self.flags.contains(LinkFlags::RUNNING)
            && self.flags.contains(LinkFlags::LOWER_UP)
    }

    /// Whether the administrator has it up.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        self.flags.contains(LinkFlags::UP)
    }

    /// Whether addresses are resolved on it (ARP, neighbour discovery).
    #[must_use]
    pub const fn resolves(&self) -> bool {
        !self.flags.contains(LinkFlags::NO_ARP) && !self.flags.contains(LinkFlags::LOOPBACK)
    }
}

/// A hardware address of up to 32 octets: Ethernet has 6, InfiniBand 20.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mac {
    octets: [u8; MAC_MAX],
    len: u8,
}

impl Mac {
    /// `None` when it is longer than 32 octets (`MAX_ADDR_LEN`).
    #[must_use]
    pub fn new(octets: &[u8]) -> Option<Self> {
        let mut all = [0; MAC_MAX];
        all.get_mut(..octets.len())?.copy_from_slice(octets);
        Some(Self { octets: all, len: u8::try_from(octets.len()).ok()? })
    }

    /// All of it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..self.len.into()).unwrap_or_default()
    }

    /// The six octets of Ethernet, if it has six.
    #[must_use]
    pub fn ethernet(&self) -> Option<[u8; 6]> {
        self.as_bytes().try_into().ok()
    }
}

impl From<[u8; 6]> for Mac {
    fn from(octets: [u8; 6]) -> Self {
        Self::new(&octets).unwrap_or_default()
    }
}

impl Default for Mac {
    fn default() -> Self {
        Self { octets: [0; MAC_MAX], len: 0 }
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, octet) in self.as_bytes().iter().enumerate() {
            let colon = if place > 0 { ":" } else { "" };
            write!(f, "{colon}{octet:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether there is a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// There is.
    Present,
    /// There is none: unplugged, or the interface is down.
    Absent,
}

/// The operational state of an interface (RFC 2863 §3.1.14; `Documentation/networking/operstates.rst`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OperState {
    /// The driver does not say; must be taken as usable.
    Unknown,
    /// Some component is missing.
    NotPresent,
    /// Administratively down, or without a carrier.
    Down,
    /// What is beneath it is down.
    LowerLayerDown,
    /// Under test.
    Testing,
    /// Waiting for something outside, such as 802.1X.
    Dormant,
    /// Up.
    Up,
    /// A number that this crate does not know.
    Other(u8),
}

impl OperState {
    pub(crate) const fn new(number: u8) -> Self {
        match number {
            0 => Self::Unknown,
            1 => Self::NotPresent,
            2 => Self::Down,
            3 => Self::LowerLayerDown,
            4 => Self::Testing,
            5 => Self::Dormant,
            6 => Self::Up,
            other => Self::Other(other),
        }
    }
}

/// The flags of an interface (`IFF_*`, `netdevice(7)`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LinkFlags(u32);

impl LinkFlags {
    /// The administrator has it up.
    pub const UP: Self = Self(0x1);
    /// It is a loopback.
    pub const LOOPBACK: Self = Self(0x8);
    /// Operationally up, or unknown.
    pub const RUNNING: Self = Self(0x40);
    /// No addresses are resolved on it.
    pub const NO_ARP: Self = Self(0x80);
    /// It takes all frames.
    pub const PROMISCUOUS: Self = Self(0x100);
    /// The driver sees a carrier.
    pub const LOWER_UP: Self = Self(0x1_0000);

    /// From the number on the wire.
    #[must_use]
    pub const fn new(bits: u32) -> Self {
        Self(bits)
    }

    /// The number on the wire.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all of `flags` are set.
    #[must_use]
    pub const fn contains(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }
}

/// `MAX_ADDR_LEN`.
const MAC_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hardware_address_reads_as_people_write_it() {
        let mac = Mac::from([0x02, 0, 0, 0, 0xab, 1]);
        assert_eq!(mac.to_string(), "02:00:00:00:ab:01");
        assert_eq!(mac.ethernet(), Some([0x02, 0, 0, 0, 0xab, 1]));
        assert_eq!(Mac::new(&[1; 20]).unwrap().ethernet(), None);
        assert!(Mac::new(&[0; 33]).is_none());
        assert_eq!(Mac::default().to_string(), "");
    }
}
