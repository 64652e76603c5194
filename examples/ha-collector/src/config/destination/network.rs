//! `tcp`, `unix-stream`, `udp`, `unix-dgram`: destinations that are other collectors.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use toml::Spanned;

use super::super::check::Check;
use super::super::diagnostic::Diagnostic;
use super::super::entry::Entry;
use super::super::units::Span;
use crate::config::source::Keepalive;

const DEFAULT_KEEPALIVE: Keepalive =
    Keepalive { time: Duration::from_secs(60), interval: Duration::from_secs(10), probes: 6 };

/// Other collectors, reached over a stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StreamDestination {
    /// At least one.
    pub(crate) to: Vec<Target>,
    pub(crate) strategy: Strategy,
    pub(crate) framing: Framing,
    /// `None`: no probes.
    pub(crate) keepalive: Option<Keepalive>,
}

/// Another collector, reached by datagrams.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DatagramDestination {
    /// At least one; the first that takes them.
    pub(crate) to: Vec<Target>,
    pub(crate) strategy: Strategy,
}

/// Where one of them is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Address(SocketAddr),
    /// Asked for whenever a connection is made.
    Name(String),
    Path(PathBuf),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

/// Which of several targets gets messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Strategy {
    /// The first that answers.
    #[default]
    Failover,
    /// Those that answer, in turn, a batch each.
    RoundRobin,
}

/// How messages are told apart on a stream (RFC 6587 §3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Framing {
    /// Each is preceded by its length.
    #[default]
    OctetCounting,
    /// Each ends with a line feed; one within is written as `#012`.
    Lf,
}

/// Whether targets are addresses or paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Internet,
    Unix,
}

impl StreamDestination {
    pub(super) fn read(entry: &mut Entry<'_>, family: Family, check: &mut Check<'_>) -> Option<Self> {
        let text = entry.text.clone();
        let keys: Stream = check.told(entry.own())?;
        let to = targets(keys.to, family, &text, check)?;
        let keepalive = match keys.keepalive {
            None => Some(DEFAULT_KEEPALIVE),
            Some(KeepaliveKey::Given(given)) => Some(given.checked(&text, check)),
            Some(KeepaliveKey::Switch(switch)) => switch.then_some(DEFAULT_KEEPALIVE),
        };
        Some(Self {
            to,
            strategy: keys.strategy.unwrap_or_default(),
            framing: keys.framing.unwrap_or_default(),
            keepalive,
        })
    }

    /// What an acknowledgement is worth.
    pub(crate) fn promise(&self) -> String {
        let unix = self.to.iter().all(|target| matches!(target, Target::Path(_)));
        let taken = if unix { "has read all of its bytes" } else { "has acknowledged all of its bytes" };
        let other = if unix { "the other process" } else { "the other machine's kernel" };
        let turns = match self.strategy {
            Strategy::Failover => "",
            Strategy::RoundRobin => "; with several targets the order is kept within a batch only",
        };
        format!(
            "a message is delivered when {other} {taken}, and kept in memory for some seconds more: when a connection breaks \
             other than by a clean close, what its receiver may not have read is sent again, so messages may come twice; \
             lost is only what the receiver had and lost while this collector ended, too{turns}"
        )
    }
}

impl DatagramDestination {
    pub(super) fn read(entry: &mut Entry<'_>, family: Family, check: &mut Check<'_>) -> Option<Self> {
        let text = entry.text.clone();
        let keys: Datagram = check.told(entry.own())?;
        Some(Self {
            to: targets(keys.to, family, &text, check)?,
            strategy: keys.strategy.unwrap_or_default(),
        })
    }

    /// What an acknowledgement is worth.
    pub(crate) fn promise(&self) -> String {
        if self.to.iter().all(|target| matches!(target, Target::Path(_))) {
            "a message is delivered when it is in the receiver's socket; what the receiver has not read when it ends is lost"
                .to_owned()
        } else {
            "a message is sent, no more: the network and the receiver may lose it, and nobody hears of it, save that the \
             receiver's machine says that nobody listens; messages then wait. What is too long for a datagram is cut, and \
             counted"
                .to_owned()
        }
    }
}

/// One or several, and each possible.
fn targets(
    given: Spanned<OneOrMore>,
    family: Family,
    text: &std::sync::Arc<super::super::diagnostic::Text>,
    check: &mut Check<'_>,
) -> Option<Vec<Target>> {
    let span = given.span();
    let names = match given.into_inner() {
        OneOrMore::One(name) => vec![name],
        OneOrMore::More(names) => names,
    };
    let mut targets = Vec::new();
    for name in &names {
        match target(name, family) {
            Some(target) => targets.push(target),
            None => {
                let message = match family {
                    Family::Internet => format!("`{name}` is no address and port"),
                    Family::Unix => format!("`{name}` is no absolute path of at most 107 bytes"),
                };
                let help = match family {
                    Family::Internet => {
                        "such as \"10.0.0.20:514\", \"[2001:db8::1]:514\" or \"loghost.example.org:514\""
                    }
                    Family::Unix => "such as \"/run/other/log\"",
                };
                check.errors.push(Diagnostic::new(message).at(text, span.clone()).help(help));
                return None;
            }
        }
    }
    if targets.is_empty() {
        check.errors.push(Diagnostic::new("`to` is empty: messages would go nowhere").at(text, span));
        return None;
    }
    Some(targets)
}

fn target(name: &str, family: Family) -> Option<Target> {
    match family {
        Family::Unix => {
            // sockaddr_un holds 108 bytes, the last of them zero.
            let fits = name.starts_with('/') && name.len() <= 107 && !name.contains('\0');
            fits.then(|| Target::Path(name.into()))
        }
        Family::Internet => {
            if let Ok(address) = name.parse::<SocketAddr>() {
                return (address.port() != 0).then_some(Target::Address(address));
            }
            let (host, port) = name.rsplit_once(':')?;
            let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            let named = !host.is_empty()
                && host.len() <= 253
                && host.chars().all(letters)
                // What looks like an address and is none is a slip, not a name.
                && host.chars().any(|c| c.is_ascii_alphabetic());
            let port: u16 = port.parse().ok()?;
            (named && port != 0).then(|| Target::Name(name.to_owned()))
        }
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Stream {
    /// Addresses and ports, or paths, in the order of preference.
    to: Spanned<OneOrMore>,
    /// Default `failover`.
    strategy: Option<Strategy>,
    /// Default `octet-counting`.
    framing: Option<Framing>,
    /// Default 60 s, 10 s, 6 probes.
    keepalive: Option<KeepaliveKey>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Datagram {
    to: Spanned<OneOrMore>,
    strategy: Option<Strategy>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(untagged, expecting = "one target or a list of them")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(Debug)]
enum KeepaliveKey {
    Switch(bool),
    Given(KeepaliveTable),
}

/// By hand: an untagged enum forgets where its values stand.
impl<'de> Deserialize<'de> for KeepaliveKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = KeepaliveKey;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("false, or { time = \"60s\", interval = \"10s\", probes = 6 }")
            }
            fn visit_bool<E: de::Error>(self, switch: bool) -> Result<KeepaliveKey, E> {
                Ok(KeepaliveKey::Switch(switch))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeepaliveKey, A::Error> {
                KeepaliveTable::deserialize(MapAccessDeserializer::new(map)).map(KeepaliveKey::Given)
            }
        }
        deserializer.deserialize_any(KeyVisitor)
    }
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct KeepaliveTable {
    time: Option<Spanned<Span>>,
    interval: Option<Spanned<Span>>,
    probes: Option<Spanned<u32>>,
}

impl KeepaliveTable {
    /// In the kernel's bounds: whole seconds from 1 to 32767, and 1 to 127 probes (tcp(7)).
    fn checked(
        self,
        text: &std::sync::Arc<super::super::diagnostic::Text>,
        check: &mut Check<'_>,
    ) -> Keepalive {
        let mut seconds = |given: Option<Spanned<Span>>, default: Duration| {
            let Some(given) = given else {
                return default;
            };
            let span = given.get_ref().0;
            if !(1..=32_767).contains(&span.as_secs()) || span.subsec_nanos() != 0 {
                let message = "the kernel takes whole seconds, from 1s to 32767s";
                check.errors.push(Diagnostic::new(message).at(text, given.span()));
            }
            span
        };
        let time = seconds(self.time, DEFAULT_KEEPALIVE.time);
        let interval = seconds(self.interval, DEFAULT_KEEPALIVE.interval);
        let probes = self.probes.map_or(DEFAULT_KEEPALIVE.probes, |given| {
            if !(1..=127).contains(given.get_ref()) {
                let message = "the kernel sends 1 to 127 probes";
                check.errors.push(Diagnostic::new(message).at(text, given.span()));
            }
            *given.get_ref()
        });
        Keepalive { time, interval, probes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_addresses_names_or_paths() {
        let internet = |name| target(name, Family::Internet);
        assert_eq!(internet("10.0.0.20:514"), Some(Target::Address("10.0.0.20:514".parse().unwrap())));
        assert_eq!(
            internet("[2001:db8::1]:514"),
            Some(Target::Address("[2001:db8::1]:514".parse().unwrap()))
        );
        assert_eq!(internet("loghost:514"), Some(Target::Name("loghost:514".to_owned())));
        for wrong in
            ["", "loghost", "10.0.0.256:514", "10.0.0.1:0", "host:70000", "a b:1", "/run/log", ":514"]
        {
            assert_eq!(internet(wrong), None, "{wrong}");
        }
        assert_eq!(target("/run/log", Family::Unix), Some(Target::Path("/run/log".into())));
        assert_eq!(target("run/log", Family::Unix), None);
        assert_eq!(target(&format!("/{}", "x".repeat(107)), Family::Unix), None);
    }
}
