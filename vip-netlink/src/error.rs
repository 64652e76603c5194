//! What can go wrong, and what helps.

use std::fmt;
use std::io;

use crate::address::{Address, Fault};

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused.
    #[error("{operation}: {}{}", reason(*errno, sentence.as_deref(), *attribute), cured(*operation, *errno, sentence.as_deref()))]
    Refused {
        /// What was asked.
        operation: Operation,
        /// The error number of `errno(3)`, positive.
        errno: i32,
        /// The kernel's own sentence (`NETLINK_EXT_ACK`), where it gave one.
        sentence: Option<Box<str>>,
        /// The attribute that it pointed at.
        attribute: Option<&'static str>,
    },
    /// A system call for the socket failed.
    #[error("{operation}: {}", io::Error::from_raw_os_error(*errno))]
    Socket {
        /// What was asked.
        operation: Operation,
        /// The error number of `errno(3)`, positive.
        errno: i32,
    },
    /// Nobody can mean this address; the kernel was not asked.
    #[error("{address}: {fault}")]
    Invalid {
        /// The address.
        address: Address,
        /// Why not.
        fault: Fault,
    },
    /// Making the address what was asked for means removing it first, and other addresses would go with it.
    #[error(
        "{address}: others on this interface are its secondaries and would go with it; set net.ipv4.conf.all.promote_secondaries=1"
    )]
    HasSecondaries {
        /// The address.
        address: Address,
    },
    /// What the kernel listed was changing all the time; ask again.
    #[error("{operation}: changed while it was listed, again and again")]
    Unsettled {
        /// What was asked.
        operation: Operation,
    },
    /// The kernel did not answer within two seconds, or its answer was lost. What was asked may have happened.
    #[error("{operation}: no answer from the kernel")]
    NoAnswer {
        /// What was asked.
        operation: Operation,
    },
    /// The kernel's answer cannot be read.
    #[error("{operation}: the kernel's answer cannot be read")]
    Unreadable {
        /// What was asked.
        operation: Operation,
    },
    /// There is no such interface.
    #[error("there is no interface {name}")]
    NoInterface {
        /// Its name, or its index.
        name: Box<str>,
    },
    /// A file of `/proc/sys` could not be read or written.
    #[error("{path}: {}{}", io::Error::from_raw_os_error(*errno), read_only(*errno))]
    Sysctl {
        /// The file.
        path: Box<str>,
        /// The error number of `errno(3)`, positive.
        errno: i32,
    },
}

impl Error {
    /// The error number of `errno(3)`, where the kernel or a system call gave one.
    #[must_use]
    pub const fn errno(&self) -> Option<i32> {
        match self {
            Self::Refused { errno, .. } | Self::Socket { errno, .. } | Self::Sysctl { errno, .. } => {
                Some(*errno)
            }
            _ => None,
        }
    }

    /// What helps against the common ones; it is part of the message, too.
    #[must_use]
    pub fn cure(&self) -> Option<&'static str> {
        match self {
            Self::Refused { operation, errno, sentence, .. } => cure(*operation, *errno, sentence.as_deref()),
            Self::HasSecondaries { .. } => Some("set net.ipv4.conf.all.promote_secondaries=1"),
            _ => None,
        }
    }

    pub(crate) fn socket(operation: Operation, error: &io::Error) -> Self {
        let errno = error.raw_os_error().unwrap_or(libc::EIO);
        match errno {
            // The kernel had no room for an answer, or there was none in time.
            libc::ENOBUFS | libc::EAGAIN => Self::NoAnswer { operation },
            errno => Self::Socket { operation, errno },
        }
    }
}

/// What was asked of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Opening a socket.
    Open,
    /// Adding or renewing this address.
    Add(Address),
    /// Removing this address.
    Remove(Address),
    /// Removing a leftover from the interface with this index.
    Sweep(u32),
    /// Listing addresses.
    ListAddresses,
    /// Listing links, or looking one up.
    ListLinks,
    /// Making a link.
    CreateLink,
    /// Changing the link with this index.
    ChangeLink(u32),
    /// Removing the link with this index.
    RemoveLink(u32),
    /// Listening for changes.
    Monitor,
    /// Closing connections.
    DestroySockets,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("opening a netlink socket"),
            Self::Add(address) => write!(f, "adding {address}"),
            Self::Remove(address) => write!(f, "removing {address}"),
            Self::Sweep(index) => write!(f, "sweeping interface {index}"),
            Self::ListAddresses => f.write_str("listing addresses"),
            Self::ListLinks => f.write_str("listing links"),
            Self::CreateLink => f.write_str("creating a link"),
            Self::ChangeLink(index) => write!(f, "changing interface {index}"),
            Self::RemoveLink(index) => write!(f, "removing interface {index}"),
            Self::Monitor => f.write_str("watching links and addresses"),
            Self::DestroySockets => f.write_str("closing connections"),
        }
    }
}

/// The kernel's sentence with the system's words behind it.
fn reason(errno: i32, sentence: Option<&str>, attribute: Option<&str>) -> String {
    let system = io::Error::from_raw_os_error(errno);
    let at = attribute.map(|attribute| format!(" at {attribute}")).unwrap_or_default();
    match sentence {
        Some(sentence) => format!("{sentence}{at}: {system}"),
        None => format!("{system}{at}"),
    }
}

fn cured(operation: Operation, errno: i32, sentence: Option<&str>) -> String {
    cure(operation, errno, sentence).map(|cure| format!("; {cure}")).unwrap_or_default()
}

fn cure(operation: Operation, errno: i32, sentence: Option<&str>) -> Option<&'static str> {
    let adding_v6 = matches!(operation, Operation::Add(address) if address.ip().is_ipv6());
    match (operation, errno) {
        (_, libc::EPERM) => Some("CAP_NET_ADMIN is needed at every request, not only at the start"),
        (Operation::Add(_), libc::EACCES) if adding_v6 => {
            Some("IPv6 is switched off there: net.ipv6.conf.<interface>.disable_ipv6=0")
        }
        (Operation::Add(_), libc::EINVAL) if adding_v6 && sentence.is_none() => {
            Some("IPv6 needs an MTU of 1280 or more")
        }
        (Operation::Add(_), libc::EINVAL) if sentence.is_some_and(|text| text.contains("scope")) => Some(
            "another address of that subnet has another scope: give the same one, or a prefix of 32 bits",
        ),
        (Operation::Add(_), libc::ENODEV) => {
            Some("the interface is gone, or was made anew under another index")
        }
        (Operation::Add(_), libc::ENOBUFS) => Some("the interface has no IPv4: its MTU is below 68"),
        (Operation::CreateLink, libc::EOPNOTSUPP) => Some("the kernel has no macvlan: modprobe macvlan"),
        (Operation::CreateLink, libc::EBUSY) => {
            Some("the parent has macvlans of another mode, or is part of a bridge")
        }
        (Operation::DestroySockets, libc::EOPNOTSUPP) => {
            Some("the kernel is built without CONFIG_INET_DIAG_DESTROY")
        }
        (Operation::DestroySockets, libc::ENOENT) => Some("the kernel has no tcp_diag: modprobe tcp_diag"),
        _ => None,
    }
}

fn read_only(errno: i32) -> &'static str {
    if errno == libc::EROFS { "; containers mount /proc/sys read-only: set it on the host" } else { "" }
}
