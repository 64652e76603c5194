//! Which interface is meant: its index, in the network namespace of the calling thread.

use crate::{OpenError, Role, sys};
use std::fmt;
use std::num::NonZeroU32;

/// An interface by its index, which survives a rename but not a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interface(NonZeroU32);

impl Interface {
    /// The interface of this name.
    ///
    /// # Errors
    ///
    /// [`OpenError::NoSuchInterface`].
    pub fn by_name(name: &str) -> Result<Self, OpenError> {
        sys::index_of(name)
            .and_then(Self::by_index)
            .ok_or_else(|| OpenError::NoSuchInterface { name: name.to_owned() })
    }

    /// The interface of this index, unless it is 0. Whether there is one is seen when it is used.
    pub const fn by_index(index: u32) -> Option<Self> {
        match NonZeroU32::new(index) {
            Some(index) => Some(Self(index)),
            None => None,
        }
    }

    /// Its index.
    pub const fn index(self) -> u32 {
        self.0.get()
    }

    /// Its name at the moment.
    pub fn name(self) -> Option<String> {
        sys::name_of(self.index())
    }

    /// [`Role::Router`] where the kernel forwards IPv6 from this interface, as keepalived decides on the R flag. Ask once,
    /// before the address is announced, and stay with it.
    pub fn role(self) -> Role {
        // `self` and not `thread-self`: sysctls follow the thread that opens them.
        let forwarding = self.name().and_then(|name| {
            std::fs::read_to_string(format!("/proc/sys/net/ipv6/conf/{name}/forwarding")).ok()
        });
        match forwarding.as_deref().map(str::trim) {
            None | Some("" | "0") => Role::Host,
            Some(_) => Role::Router,
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(&name),
            None => write!(f, "index {}", self.0),
        }
    }
}
