//! An address as it is asked for: where, how long, under what mark. What the kernel holds is in `assigned`.

use std::fmt;
use std::net::IpAddr;

/// An address to hold on an interface.
///
/// [`Address::new`] chooses what is right for an address that moves between machines: the whole length as its prefix
/// (/32, /128), no duplicate address detection, deprecated for IPv6 so that it is not the source of the machine's own
/// connections, marked with [`Tag::VIP`], without a [`Lease`].
///
/// ```
/// use vip_netlink::{Address, Lease};
///
/// let address = Address::new(2, [192, 0, 2, 100].into()).with_lease(Lease::from_secs(6));
/// assert_eq!(address.to_string(), "192.0.2.100/32 on interface 2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    index: u32,
    ip: IpAddr,
    prefix_len: u8,
    tag: Tag,
    lease: Option<Lease>,
    label: Option<Label>,
    scope: Option<Scope>,
    as_source: AsSource,
    prefix_route: PrefixRoute,
    detection: Detection,
    if_foreign: IfForeign,
}

impl Address {
    /// `ip` on the interface with this index, with the defaults above.
    #[must_use]
    pub const fn new(index: u32, ip: IpAddr) -> Self {
        let (prefix_len, as_source) = match ip {
            IpAddr::V4(_) => (32, AsSource::Allow),
            IpAddr::V6(_) => (128, AsSource::Avoid),
        };
        Self {
            index,
            ip,
            prefix_len,
            tag: Tag::VIP,
            lease: None,
            label: None,
            scope: None,
            as_source,
            prefix_route: PrefixRoute::Add,
            detection: Detection::Skip,
            if_foreign: IfForeign::Adopt,
        }
    }

    /// The length of the prefix, in bits: 1 to 32, or to 128.
    ///
    /// An IPv4 address whose prefix is shorter than 32 bits and covers another address of the interface becomes that
    /// one's *secondary*, or its primary: removing a primary removes its secondaries, whoever they belong to, unless
    /// `promote_secondaries` is set. Give 32 unless you know why not.
    #[must_use]
    pub const fn with_prefix_len(self, prefix_len: u8) -> Self {
        Self { prefix_len, ..self }
    }

    /// The mark by which our own addresses are known again (`IFA_PROTO`, Linux 5.18).
    #[must_use]
    pub const fn with_tag(self, tag: Tag) -> Self {
        Self { tag, ..self }
    }

    /// The kernel removes the address when the lease has not been renewed, by another `ensure`, in time.
    #[must_use]
    pub const fn with_lease(self, lease: Lease) -> Self {
        Self { lease: Some(lease), ..self }
    }

    /// IPv4 only: the name in `ip address` and of old tools (`eth0:vip`). Without it the interface's own name.
    #[must_use]
    pub const fn with_label(self, label: Label) -> Self {
        Self { label: Some(label), ..self }
    }

    /// IPv4 only; for IPv6 the kernel computes it. Without it [`Scope::UNIVERSE`], or what [`AsSource::Avoid`] needs.
    #[must_use]
    pub const fn with_scope(self, scope: Scope) -> Self {
        Self { scope: Some(scope), ..self }
    }

    /// Whether the machine may choose the address as the source of its own connections.
    #[must_use]
    pub const fn with_source(self, as_source: AsSource) -> Self {
        Self { as_source, ..self }
    }

    /// Whether the kernel adds a route to the prefix. Nothing is ever added for /32 and /128.
    #[must_use]
    pub const fn with_prefix_route(self, prefix_route: PrefixRoute) -> Self {
        Self { prefix_route, ..self }
    }

    /// IPv6 only: whether the kernel asks the link first, which takes one to two seconds (RFC 4862 §5.4).
    #[must_use]
    pub const fn with_detection(self, detection: Detection) -> Self {
        Self { detection, ..self }
    }

    /// What to do where the address is already there under another mark, or under none.
    #[must_use]
    pub const fn with_foreign(self, if_foreign: IfForeign) -> Self {
        Self { if_foreign, ..self }
    }

    /// The index of the interface.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.index
    }

    /// The address itself.
    #[must_use]
    pub const fn ip(&self) -> IpAddr {
        self.ip
    }

    /// The length of the prefix, in bits.
    #[must_use]
    pub const fn prefix_len(&self) -> u8 {
        self.prefix_len
    }

    /// The mark.
    #[must_use]
    pub const fn tag(&self) -> Tag {
        self.tag
    }

    /// The lease, if there is one.
    #[must_use]
    pub const fn lease(&self) -> Option<Lease> {
        self.lease
    }

    /// The label that is asked for.
    #[must_use]
    pub const fn label(&self) -> Option<Label> {
        self.label
    }

    /// The scope that IPv4 gets. For `AsSource::Avoid` it is host scope, the one that source selection passes over
    /// while the address still answers ARP.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        match (self.scope, self.as_source, self.ip) {
            (Some(scope), _, _) => scope,
            (None, AsSource::Avoid, IpAddr::V4(_)) => Scope::HOST,
            (None, _, _) => Scope::UNIVERSE,
        }
    }

    /// Whether it may become the source of the machine's own connections.
    #[must_use]
    pub const fn source(&self) -> AsSource {
        self.as_source
    }

    /// Whether the kernel adds a route to the prefix.
    #[must_use]
    pub const fn prefix_route(&self) -> PrefixRoute {
        if self.prefix_len >= self.full_len() { PrefixRoute::Omit } else { self.prefix_route }
    }

    /// Whether the kernel asks the link first.
    #[must_use]
    pub const fn detection(&self) -> Detection {
        self.detection
    }

    /// What to do where the address is already there under another mark.
    #[must_use]
    pub const fn foreign(&self) -> IfForeign {
        self.if_foreign
    }

    /// Bits in an address of its family.
    pub(crate) const fn full_len(&self) -> u8 {
        match self.ip {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        }
    }

    /// What the kernel would accept and nobody can mean, or refuse without saying why.
    pub(crate) fn fault(&self) -> Option<Fault> {
        if self.index == 0 {
            return Some(Fault::NoInterface);
        }
        if self.prefix_len == 0 || self.prefix_len > self.full_len() {
            return Some(Fault::PrefixLength);
        }
        match self.ip {
            IpAddr::V4(ip) if ip.is_unspecified() => Some(Fault::Unspecified),
            IpAddr::V4(ip) if ip.is_multicast() => Some(Fault::Multicast),
            IpAddr::V4(ip) if ip.is_broadcast() => Some(Fault::Broadcast),
            IpAddr::V4(ip) if ip.is_loopback() && self.index != LOOPBACK => Some(Fault::Loopback),
            IpAddr::V6(ip) if ip.is_unspecified() => Some(Fault::Unspecified),
            IpAddr::V6(ip) if ip.is_multicast() => Some(Fault::Multicast),
            IpAddr::V6(ip) if ip.is_loopback() && self.index != LOOPBACK => Some(Fault::Loopback),
            IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some() => Some(Fault::Mapped),
            IpAddr::V6(_) if self.label.is_some() => Some(Fault::LabelOfV6),
            _ => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ip, prefix_len, index, .. } = self;
        write!(f, "{ip}/{prefix_len} on interface {index}")
    }
}

/// The mark on an address that says who put it there (`IFA_PROTO`): 4 to 255.
///
/// The kernel marks its own with 1 to 3 and everybody else's with nothing. Names for numbers are in
/// `/etc/iproute2/rt_addrprotos`. Two programs on one machine that [`sweep`](crate::Handle::sweep) need two tags.
/// A kernel before 5.18 takes the mark and forgets it: nothing is swept then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u8);

impl Tag {
    /// 112, the number of VRRP among the Internet protocols, which nothing in iproute2 lays claim to.
    pub const VIP: Self = Self(112);

    /// `None` for 0 (no mark) and 1 to 3 (the kernel's).
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number > KERNEL_TAGS { Some(Self(number)) } else { None }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// How long the kernel keeps an address that nobody renews, in whole seconds: 1 to 4,294,967,294.
///
/// The kernel removes it up to 0.7 s late, never early. It covers what a process cannot do for itself: being killed,
/// crashing, hanging. A renewal that does not come is an outage of your own making: renew at a third of the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lease(u32);

impl Lease {
    /// Six seconds: a renewal every two seconds may fail twice.
    pub const SIX_SECONDS: Self = Self(6);

    /// Brought into range: 0 becomes one second, and `u32::MAX`, which means for ever, one less.
    #[must_use]
    pub const fn from_secs(secs: u32) -> Self {
        match secs {
            0 => Self(1),
            FOREVER => Self(FOREVER - 1),
            secs => Self(secs),
        }
    }

    /// In seconds.
    #[must_use]
    pub const fn as_secs(self) -> u32 {
        self.0
    }

    /// When to renew: a third of the lease.
    #[must_use]
    pub const fn renew_after(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0 as u64 * 1000 / 3)
    }
}

/// The label of an IPv4 address: 1 to 15 octets without NUL.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label {
    octets: [u8; LABEL_MAX],
    len: u8,
}

impl Label {
    /// `None` when it is empty, too long, or holds a NUL.
    #[must_use]
    pub fn new(label: &str) -> Option<Self> {
        let len = u8::try_from(label.len()).ok()?;
        let mut octets = [0; LABEL_MAX];
        octets.get_mut(..label.len())?.copy_from_slice(label.as_bytes());
        (len > 0 && !label.contains('\0')).then_some(Self { octets, len })
    }

    /// As it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.octets
            .get(..self.len.into())
            .and_then(|octets| std::str::from_utf8(octets).ok())
            .unwrap_or_default()
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// How far an address is meaningful: a number, 0 the whole world, 255 nowhere (`rtnetlink(7)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(u8);

impl Scope {
    /// Everywhere.
    pub const UNIVERSE: Self = Self(0);
    /// The site.
    pub const SITE: Self = Self(200);
    /// The link. For a /32 it makes the address *more* likely to be chosen as a source, not less.
    pub const LINK: Self = Self(253);
    /// This machine. Never chosen as a source; still answers ARP, save where `arp_ignore` is 3.
    pub const HOST: Self = Self(254);

    /// Any other number.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// Whether the machine may choose an address as the source of its own connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsSource {
    /// IPv6: deprecated (`preferred_lft 0`). IPv4, which knows no such thing: host scope, at the price that routing
    /// daemons pass it over and `arp_ignore=3` does not answer for it. Binding to it works. The default for IPv6.
    Avoid,
    /// As any other. For IPv4, a /32 may become the source once the machine's own address has been away and come
    /// back. The default for IPv4.
    Allow,
}

/// Whether the kernel adds a route to the prefix of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefixRoute {
    /// As it does by itself.
    Add,
    /// `IFA_F_NOPREFIXROUTE`.
    Omit,
}

/// Duplicate address detection of IPv6 (RFC 4862 §5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detection {
    /// Usable at once (`IFA_F_NODAD`): right where an election has decided who holds the address.
    Skip,
    /// The kernel asks first; for one to two seconds the address is tentative, and for ever when somebody answers.
    Run,
}

/// What `ensure` and `remove` do where the address is there already under another mark, or under none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfForeign {
    /// It becomes ours, as it was asked for. `remove` removes it.
    Adopt,
    /// It is left as it is, whatever its prefix, by both: for the address that the machine has of its own (the
    /// owner's, in VRRP).
    Leave,
}

/// Why an address cannot be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Index 0.
    #[error("there is no interface 0")]
    NoInterface,
    /// 0, or more bits than the address has.
    #[error("the prefix length is out of range")]
    PrefixLength,
    /// 0.0.0.0, which the kernel accepts and does not add, or `::`.
    #[error("it is the unspecified address")]
    Unspecified,
    /// 224.0.0.0/4, which the kernel accepts, or ff00::/8.
    #[error("it is a multicast address")]
    Multicast,
    /// 255.255.255.255.
    #[error("it is the broadcast address")]
    Broadcast,
    /// 127.0.0.0/8 or `::1` on an interface that is not `lo`.
    #[error("it is a loopback address, and the interface is not lo")]
    Loopback,
    /// `::ffff:0:0/96`.
    #[error("it is an IPv4 address written as IPv6")]
    Mapped,
    /// IPv6 has no labels.
    #[error("an IPv6 address has no label")]
    LabelOfV6,
}

/// The lifetime that never ends.
pub(crate) const FOREVER: u32 = u32::MAX;
/// `lo` has the same index in every namespace.
const LOOPBACK: u32 = 1;
/// 1 `kernel_lo`, 2 `kernel_ra`, 3 `kernel_ll`.
const KERNEL_TAGS: u8 = 3;
/// `IFNAMSIZ` without its NUL.
const LABEL_MAX: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_never_no_time_and_never_for_ever() {
        assert_eq!(Lease::from_secs(0).as_secs(), 1);
        assert_eq!(Lease::from_secs(u32::MAX).as_secs(), u32::MAX - 1);
        assert_eq!(Lease::SIX_SECONDS.renew_after(), std::time::Duration::from_secs(2));
    }

    #[test]
    fn the_kernels_own_marks_are_nobodys_to_use() {
        assert!((0..=3).all(|number| Tag::new(number).is_none()));
        assert_eq!(Tag::new(112), Some(Tag::VIP));
    }

    #[test]
    fn a_label_is_one_to_fifteen_octets() {
        assert_eq!(Label::new("eth0:vip").unwrap().as_str(), "eth0:vip");
        assert_eq!(Label::new("fifteen-octets!").unwrap().as_str(), "fifteen-octets!");
        assert!(Label::new("sixteen-octets!!").is_none());
        assert!(Label::new("").is_none());
        assert!(Label::new("a\0b").is_none());
    }

    #[test]
    fn addresses_that_nobody_can_mean_are_found_before_the_kernel_is_asked() {
        let fault = |ip: &str, index| Address::new(index, ip.parse().unwrap()).fault();
        assert_eq!(fault("0.0.0.0", 2), Some(Fault::Unspecified));
        assert_eq!(fault("::", 2), Some(Fault::Unspecified));
        assert_eq!(fault("224.0.0.5", 2), Some(Fault::Multicast));
        assert_eq!(fault("ff02::1", 2), Some(Fault::Multicast));
        assert_eq!(fault("255.255.255.255", 2), Some(Fault::Broadcast));
        assert_eq!(fault("127.0.0.9", 2), Some(Fault::Loopback));
        assert_eq!(fault("127.0.0.9", 1), None);
        assert_eq!(fault("::1", 2), Some(Fault::Loopback));
        assert_eq!(fault("::ffff:192.0.2.1", 2), Some(Fault::Mapped));
        assert_eq!(fault("192.0.2.1", 0), Some(Fault::NoInterface));
        assert_eq!(fault("192.0.2.1", 2), None);
        let v6 = Address::new(2, "2001:db8::1".parse().unwrap());
        assert_eq!(v6.with_label(Label::new("a").unwrap()).fault(), Some(Fault::LabelOfV6));
        assert_eq!(v6.with_prefix_len(129).fault(), Some(Fault::PrefixLength));
        assert_eq!(v6.with_prefix_len(0).fault(), Some(Fault::PrefixLength));
        assert_eq!(v6.fault(), None);
    }
}
