//! An interface with a hardware address of its own, for the virtual router's (RFC 9568 §7.3): made at the start,
//! kept, removed at the end. Removing one takes the kernel about 15 ms, so in a failover only addresses move.

use std::fmt;

use crate::error::{Error, Operation};
use crate::handle::Handle;
use crate::link::{Link, LinkFlags, Mac};
use crate::sysctl::{self, Changed};
use crate::wire::link::{create_macvlan, remove_link, set_alias, set_flags, set_mac, without_own_addresses};

/// What to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacvlanOptions {
    /// The name of the interface to sit on.
    pub parent: String,
    /// The name of the new one, at most 15 octets; keepalived's is `vrrp.` and the router's number.
    pub name: String,
    /// Its hardware address; VRRP's is 00:00:5e:00:01 and the router's number for IPv4, 00:00:5e:00:02 for IPv6.
    pub mac: [u8; 6],
    /// How it talks with its siblings.
    pub mode: MacvlanMode,
    /// What to do with the settings of both interfaces.
    pub settings: Settings,
}

/// How macvlans on one parent talk with each other. None of them talks with the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MacvlanMode {
    /// Not at all; what keepalived uses.
    Private,
    /// Through a switch that sends frames back.
    Vepa,
    /// Directly.
    Bridge,
    /// One macvlan, which takes the whole parent.
    Passthru,
}

/// Whether settings under `/proc/sys` are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Settings {
    /// As keepalived sets them. On the macvlan `arp_ignore=1`, `accept_local=1`, `rp_filter=0`; on the parent
    /// `arp_ignore=1` and `arp_filter=1`, so that it does not answer for the macvlan's addresses. The effective
    /// `rp_filter` is the greater of the interface's and of `all`: where `all` is not 0 it becomes 0, and every
    /// other interface gets what `all` was. [`Macvlan::remove`] puts back what the parent and `all` had.
    LikeKeepalived,
    /// Nothing is changed.
    Untouched,
}

/// A macvlan that we keep.
///
/// What was changed on the parent is written into the new interface's alias (`ip link show`), so that it can be put
/// back after a crash, too: [`Macvlan::ensure`] takes over what it finds under its name.
///
/// Only the first on a parent finds something to change. Where there are several, remove them in the reverse order, or
/// the parent answers for the addresses of those that stay.
#[derive(Debug)]
#[must_use = "the interface stays until it is removed"]
pub struct Macvlan {
    link: Link,
    put_back: Vec<Changed>,
}

impl Macvlan {
    /// Makes the interface, or takes over the one of this name that an earlier life left behind, and sets it up.
    ///
    /// # Errors
    ///
    /// [`Error::NoInterface`] without the parent; [`Error::Refused`] when the kernel refuses, or something else has
    /// the name (`EEXIST`); [`Error::Sysctl`] when a setting cannot be changed. What was begun is undone.
    pub fn ensure(handle: &mut Handle, options: &MacvlanOptions) -> Result<Self, Error> {
        let parent = handle.link_named(&options.parent)?;
        let old = match handle.link_named(&options.name) {
            Ok(link) if is_ours(&link, &parent, options) => Some(link),
            // Left for the kernel to refuse: it is not ours to remove.
            Ok(_) | Err(Error::NoInterface { .. }) => None,
            Err(error) => return Err(error),
        };
        let mac = Mac::from(options.mac);
        let put_back =
            old.as_ref().and_then(|link| link.alias.as_deref()).map(remembered).unwrap_or_default();
        if let Some(link) = &old {
            if link.mac != mac {
                handle.request(Operation::ChangeLink(link.index), |out, seq| {
                    set_mac(out, seq, link.index, mac)
                })?;
            }
        } else {
            handle.request(Operation::CreateLink, |out, seq| {
                create_macvlan(out, seq, &options.name, parent.index, mac, options.mode);
            })?;
        }
        let link = handle.link_named(&options.name)?;
        let mut macvlan = Self { link, put_back };
        match macvlan.set_up(handle, options) {
            Ok(()) => Ok(macvlan),
            Err(error) => {
                // The first error is the one to tell.
                drop(macvlan.remove(handle));
                Err(error)
            }
        }
    }

    fn set_up(&mut self, handle: &mut Handle, options: &MacvlanOptions) -> Result<(), Error> {
        let index = self.link.index;
        let changing = Operation::ChangeLink(index);
        match handle.request(changing, |out, seq| without_own_addresses(out, seq, index)) {
            // A kernel without IPv6 makes none.
            Ok(()) | Err(Error::Refused { errno: libc::EAFNOSUPPORT | libc::EOPNOTSUPP, .. }) => {}
            Err(error) => return Err(error),
        }
        if options.settings == Settings::LikeKeepalived {
            self.set_like_keepalived(handle, options)?;
        }
        let up = LinkFlags::UP;
        handle.request(changing, |out, seq| set_flags(out, seq, index, up, up))?;
        self.link = handle.link(index)?;
        Ok(())
    }

    fn set_like_keepalived(&mut self, handle: &mut Handle, options: &MacvlanOptions) -> Result<(), Error> {
        let own = |setting| sysctl::ipv4(&options.name, setting);
        sysctl::write(&own("arp_ignore"), "1")?;
        sysctl::write(&own("accept_local"), "1")?;
        self.lift_common_rp_filter(handle, options)?;
        sysctl::write(&own("rp_filter"), "0")?;
        for setting in ["arp_ignore", "arp_filter"] {
            self.change(handle, &sysctl::ipv4(&options.parent, setting), "1")?;
        }
        Ok(())
    }

    /// The greater of `all` and the interface's own counts, so `all` must be 0 and the others must get what it was.
    fn lift_common_rp_filter(&mut self, handle: &mut Handle, options: &MacvlanOptions) -> Result<(), Error> {
        let all = sysctl::ipv4("all", "rp_filter");
        let common = sysctl::read(&all)?;
        if common == "0" {
            return Ok(());
        }
        for name in handle.links()?.into_iter().map(|link| link.name).chain(["default".to_owned()]) {
            let setting = sysctl::ipv4(&name, "rp_filter");
            if name != options.name && sysctl::read(&setting).is_ok_and(|own| stricter(&common, &own)) {
                self.change(handle, &setting, &common)?;
            }
        }
        self.change(handle, &all, "0")
    }

    /// Remembered before it is changed, so that there is no moment at which a crash would lose it.
    fn change(&mut self, handle: &mut Handle, name: &str, value: &str) -> Result<(), Error> {
        let before = sysctl::read(name)?;
        if before == value {
            return Ok(());
        }
        if !self.put_back.iter().any(|changed| changed.name == name) {
            self.put_back.push(Changed { name: name.to_owned(), before });
            let index = self.link.index;
            let alias = Memory(&self.put_back).to_string();
            // Longer than the kernel keeps: put back at the end as always, not after a crash.
            if alias.len() < ALIAS_MAX {
                handle
                    .request(Operation::ChangeLink(index), |out, seq| set_alias(out, seq, index, &alias))?;
            }
        }
        sysctl::write(name, value)
    }

    /// The interface, as it was when it was made.
    #[must_use]
    pub const fn link(&self) -> &Link {
        &self.link
    }

    /// The index of the interface.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.link.index
    }

    /// Puts back what the parent had, and removes the interface. It is fine if it is gone already.
    ///
    /// # Errors
    ///
    /// The first of what could not be done; all of it was tried.
    pub fn remove(self, handle: &mut Handle) -> Result<(), Error> {
        let index = self.link.index;
        let restored: Vec<Result<(), Error>> =
            self.put_back.iter().rev().map(|changed| sysctl::write(&changed.name, &changed.before)).collect();
        let gone = match handle.request(Operation::RemoveLink(index), |out, seq| remove_link(out, seq, index))
        {
            Err(Error::Refused { errno: libc::ENODEV, .. }) => Ok(()),
            result => result,
        };
        // An interface that went meanwhile has no settings any more.
        let missing = |error: &Error| matches!(error, Error::Sysctl { errno: libc::ENOENT, .. });
        restored
            .into_iter()
            .chain([gone])
            .find(|result| result.as_ref().is_err_and(|e| !missing(e)))
            .unwrap_or(Ok(()))
    }
}

fn is_ours(link: &Link, parent: &Link, options: &MacvlanOptions) -> bool {
    link.macvlan_mode == Some(options.mode) && link.parent == Some(parent.index)
}

/// Whether `common` counts where an interface has `own`.
fn stricter(common: &str, own: &str) -> bool {
    common.parse::<u8>().unwrap_or(0) > own.parse::<u8>().unwrap_or(0)
}

impl MacvlanMode {
    pub(crate) const fn number(self) -> u32 {
        match self {
            Self::Private => 1,
            Self::Vepa => 2,
            Self::Bridge => 4,
            Self::Passthru => 8,
        }
    }

    pub(crate) const fn of(number: u32) -> Option<Self> {
        Some(match number {
            1 => Self::Private,
            2 => Self::Vepa,
            4 => Self::Bridge,
            8 => Self::Passthru,
            _ => return None,
        })
    }
}

/// The settings to put back, as the alias of the interface has them.
struct Memory<'a>(&'a [Changed]);

impl fmt::Display for Memory<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MEMORY)?;
        self.0.iter().try_for_each(|Changed { name, before }| write!(f, " {name}={before}"))
    }
}

/// What an alias says is to be put back. Only settings that this crate changes, only numbers: whoever may set the
/// alias may set those, too, but not through us anything else.
fn remembered(alias: &str) -> Vec<Changed> {
    let settings = alias.strip_prefix(MEMORY).unwrap_or_default();
    let changed = settings.split_ascii_whitespace().filter_map(|setting| {
        let (name, before) = setting.rsplit_once('=')?;
        let (interface, last) = name.strip_prefix("ipv4/conf/")?.rsplit_once('/')?;
        let known = ["arp_ignore", "arp_filter", "rp_filter"].contains(&last);
        let plain = !interface.contains('/') && ![".", ".."].contains(&interface);
        (known && plain && before.parse::<u8>().is_ok())
            .then(|| Changed { name: name.to_owned(), before: before.to_owned() })
    });
    changed.collect()
}

const MEMORY: &str = "vip-netlink puts back:";
/// `IFALIASZ`.
const ALIAS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_put_back_is_read_as_it_was_written() {
        let changed = |name: &str, before: &str| Changed { name: name.to_owned(), before: before.to_owned() };
        let changes = [changed("ipv4/conf/eth0.7/arp_ignore", "0"), changed("ipv4/conf/all/rp_filter", "2")];
        assert_eq!(remembered(&Memory(&changes).to_string()), changes);
    }

    #[test]
    fn an_alias_can_name_nothing_that_this_crate_would_not_change() {
        for alias in [
            "uplink to the core",
            "vip-netlink puts back: ipv4/ip_forward=1",
            "vip-netlink puts back: ipv4/conf/../../../kernel/arp_ignore=1",
            "vip-netlink puts back: ipv4/conf/../arp_ignore=1",
            "vip-netlink puts back: ipv4/conf/eth0/forwarding=1",
            "vip-netlink puts back: ipv4/conf/eth0/arp_ignore=1;2",
        ] {
            assert_eq!(remembered(alias), []);
        }
    }
}
