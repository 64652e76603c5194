//! Settings under `/proc/sys/net`, of the network namespace that the thread is in: read, set, put back.

use std::fs;
use std::io;

use crate::error::Error;

/// The value, without white space around it. `name` is beneath `/proc/sys/net`: `ipv4/conf/all/arp_ignore`.
pub(crate) fn read(name: &str) -> Result<String, Error> {
    fs::read_to_string(path(name)).map(|text| text.trim().to_owned()).map_err(|error| failed(name, &error))
}

pub(crate) fn write(name: &str, value: &str) -> Result<(), Error> {
    fs::write(path(name), value).map_err(|error| failed(name, &error))
}

/// A setting that was changed, and what it was before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) name: String,
    pub(crate) before: String,
}

/// The setting of IPv4 for one interface. Dots in the interface's name stay: these are paths, not sysctl names.
pub(crate) fn ipv4(interface: &str, setting: &str) -> String {
    format!("ipv4/conf/{interface}/{setting}")
}

/// The setting of IPv6 for one interface.
pub(crate) fn ipv6(interface: &str, setting: &str) -> String {
    format!("ipv6/conf/{interface}/{setting}")
}

fn path(name: &str) -> String {
    format!("/proc/sys/net/{name}")
}

fn failed(name: &str, error: &io::Error) -> Error {
    Error::Sysctl { path: path(name).into(), errno: error.raw_os_error().unwrap_or(libc::EIO) }
}
