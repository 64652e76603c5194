//! The hosts file (hosts(5)): an address, its name, and other names of it, a line each.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// What it says.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    names: HashMap<IpAddr, Arc<str>>,
    /// Names that have a domain, by what stands before it.
    full: HashMap<String, String>,
    version: Version,
}

/// What tells that it is another.
type Version = Option<(SystemTime, u64)>;

impl Hosts {
    /// One that cannot be read says nothing.
    pub(super) fn read(path: &Path) -> Self {
        let version = version(path);
        let text = std::fs::read(path).unwrap_or_default();
        Self { version, ..Self::parse(&String::from_utf8_lossy(&text)) }
    }

    fn parse(text: &str) -> Self {
        let mut this = Self::default();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let Some(address) = words.next().and_then(|word| word.parse::<IpAddr>().ok()) else {
                continue;
            };
            let mut first = None;
            for name in words.filter(|name| super::is_name(name)) {
                first = first.or(Some(name));
                if let Some((host, _)) = name.split_once('.') {
                    this.full.entry(host.to_owned()).or_insert_with(|| name.to_owned());
                }
            }
            if let Some(first) = first {
                this.names.entry(address.to_canonical()).or_insert_with(|| first.into());
            }
        }
        this
    }

    /// Whether the file is no longer the one that was read.
    pub(super) fn changed(&self, path: &Path) -> bool {
        self.version != version(path)
    }

    pub(super) fn name_of(&self, address: IpAddr) -> Option<Arc<str>> {
        self.names.get(&address).cloned()
    }

    /// A name with its domain.
    pub(super) fn full(&self, name: &str) -> Option<String> {
        self.full.get(name).cloned()
    }
}

fn version(path: &Path) -> Version {
    let about = std::fs::metadata(path).ok()?;
    Some((about.modified().ok()?, about.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_an_address_is_its_name() {
        let text = "127.0.0.1 localhost\n# 192.0.2.1 no\n192.0.2.1\tdb7.example.org db7 # x\n192.0.2.1 other\n\
            bad line\n2001:db8::1 six\n192.0.2.9\n192.0.2.8 ../etc ok\n";
        let hosts = Hosts::parse(text);
        let name = |address: &str| hosts.name_of(address.parse().unwrap()).map(|name| name.to_string());
        assert_eq!(name("192.0.2.1").as_deref(), Some("db7.example.org"));
        assert_eq!(name("2001:db8::1").as_deref(), Some("six"));
        assert_eq!((name("192.0.2.9"), name("192.0.2.8").as_deref()), (None, Some("ok")));
        assert_eq!(hosts.full("db7").as_deref(), Some("db7.example.org"));
    }

    #[test]
    fn a_file_that_was_written_anew_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hosts");
        let before = Hosts::read(&path);
        assert!(!before.changed(&path));
        std::fs::write(&path, "192.0.2.1 a\n").unwrap();
        assert!(before.changed(&path));
    }
}
