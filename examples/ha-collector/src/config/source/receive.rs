//! `[receive]`, and the same keys of a `[[source]]`: how messages are received, with syslog-ng's meaning.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use syslog_parse::{Facility, IanaZone, Pri, Severity};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{LARGEST_MAX_MESSAGE, SMALLEST_MAX_MESSAGE};
use crate::config::check::Check;
use crate::config::diagnostic::{Diagnostic, Text};
use crate::config::entry;
use crate::config::units::{Prefixed, Size, Span};
use crate::when::ZoneNames;

pub(super) const DEFAULT_MAX_MESSAGE: Size = Size::kib(64);
const DEFAULT_MAX_HELD: Size = Size::mib(64);

/// What becomes the host of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Hostname {
    /// Who the message says it is; where it says nothing, the sender.
    #[default]
    Keep,
    /// The sender.
    Replace,
    /// Both: `name-in-message/name-of-sender`.
    Chain,
}

/// What a sender is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum Naming {
    /// By its address.
    #[default]
    #[serde(rename = "no")]
    Addresses,
    /// By its name, as soon as it is known.
    #[serde(rename = "yes")]
    Dns,
    /// By its name in `/etc/hosts`, if it is there.
    #[serde(rename = "hosts-file")]
    HostsFile,
}

/// How much of a sender's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NameForm {
    /// `db7`
    #[default]
    Short,
    /// `db7.example.org`
    Full,
}

/// Whether a message's stamp counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stamps {
    #[default]
    Keep,
    /// The time is that of reception.
    Reception,
}

/// How messages of a source are received.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Receive {
    pub(crate) hostname: Hostname,
    pub(crate) naming: Naming,
    pub(crate) form: NameForm,
    pub(crate) stamps: Stamps,
    /// The zone of stamps without one; `None`: this machine's. Its name can be resolved.
    pub(crate) zone: Option<String>,
    pub(crate) zone_names: ZoneNames,
    /// Facility and severity of messages without a PRI.
    pub(crate) default_priority: u16,
}

impl Default for Receive {
    fn default() -> Self {
        Self {
            hostname: Hostname::default(),
            naming: Naming::default(),
            form: NameForm::default(),
            stamps: Stamps::default(),
            zone: None,
            zone_names: ZoneNames::default(),
            default_priority: Pri::DEFAULT.number(),
        }
    }
}

/// What is particular to some senders.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sender {
    pub(crate) from: Prefixed,
    pub(crate) zone: Option<String>,
    pub(crate) zone_names: Option<ZoneNames>,
    /// What it is called, whatever it says.
    pub(crate) host: Option<String>,
}

/// How many names are remembered, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DnsCache {
    pub(crate) size: usize,
    pub(crate) expire: Duration,
    pub(crate) expire_failed: Duration,
}

impl Default for DnsCache {
    fn default() -> Self {
        let (expire, expire_failed) = (Duration::from_secs(3600), Duration::from_secs(60));
        Self { size: 1007, expire, expire_failed }
    }
}

/// `[receive]`.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) receive: Receive,
    pub(super) max_message: usize,
    /// Bytes of unfinished messages, all connections together.
    pub(crate) max_held: usize,
    pub(crate) dns_cache: DnsCache,
}

impl Default for Received {
    fn default() -> Self {
        Self {
            receive: Receive::default(),
            max_message: DEFAULT_MAX_MESSAGE.to_usize(),
            max_held: DEFAULT_MAX_HELD.to_usize(),
            dns_cache: DnsCache::default(),
        }
    }
}

impl Received {
    /// Reads the table of that name.
    pub(in crate::config) fn read(
        table: Spanned<DeValue<'_>>,
        text: &Arc<Text>,
        check: &mut Check<'_>,
    ) -> Option<Self> {
        let span = table.span();
        let DeValue::Table(mut table) = table.into_inner() else {
            check.errors.push(Diagnostic::new("`receive` is a table: write [receive]").at(text, span));
            return None;
        };
        let mut own = DeTable::new();
        for key in ["max-held", "dns-cache"] {
            if let Some((key, value)) = table.remove_entry(key) {
                own.insert(key, value);
            }
        }
        let own: Own = check.told(entry::read(Spanned::new(span.clone(), DeValue::Table(own)), text))?;
        let keys: Keys = check.told(entry::read(Spanned::new(span, DeValue::Table(table)), text))?;
        let defaults = Self::default();
        let (receive, max_message) = keys.over(&defaults, text, check);
        let max_held =
            check.size(text, own.max_held, DEFAULT_MAX_HELD, Size::mib(1)..Size(1 << 40)).to_usize();
        let cache = own.dns_cache.unwrap_or_default();
        let standard = DnsCache::default();
        let dns_cache = DnsCache {
            size: cache.size.map_or(standard.size, |size| size.max(1) as usize),
            expire: cache.expire.map_or(standard.expire, |span| span.0),
            expire_failed: cache.expire_failed.map_or(standard.expire_failed, |span| span.0),
        };
        Some(Self { receive, max_message, max_held, dns_cache })
    }
}

/// Keys of `[receive]` alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Own {
    /// Bytes of unfinished messages, all connections together. Default 64 MiB.
    max_held: Option<Spanned<Size>>,
    dns_cache: Option<Cache>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Cache {
    /// Addresses whose names are remembered. Default 1007.
    size: Option<u32>,
    /// How long a name is. Default an hour.
    expire: Option<Span>,
    /// How long that there is none is. Default a minute.
    expire_failed: Option<Span>,
}

pub(super) const KEYS: [&str; 9] = [
    "max-message",
    "keep-hostname",
    "chain-hostnames",
    "use-dns",
    "use-fqdn",
    "keep-timestamp",
    "time-zone",
    "zone-names",
    "default-priority",
];

/// Keys that `[receive]` and every `[[source]]` have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Keys {
    /// Longer messages are cut here, and counted. Default 64 KiB.
    max_message: Option<Spanned<Size>>,
    /// The host is who the message says it is. Default true.
    keep_hostname: Option<bool>,
    /// Without `keep-hostname`: both, the message's first.
    chain_hostnames: Option<Spanned<bool>>,
    use_dns: Option<Naming>,
    use_fqdn: Option<bool>,
    /// False: the time of a message is that of its reception.
    keep_timestamp: Option<bool>,
    time_zone: Option<Spanned<String>>,
    #[serde(default)]
    zone_names: BTreeMap<String, Spanned<String>>,
    default_priority: Option<Spanned<String>>,
}

impl Keys {
    /// What they say, with `defaults` where they are silent; and the longest message.
    pub(super) fn over(
        self,
        defaults: &Received,
        text: &Arc<Text>,
        check: &mut Check<'_>,
    ) -> (Receive, usize) {
        let before = &defaults.receive;
        let sizes = SMALLEST_MAX_MESSAGE..Size(LARGEST_MAX_MESSAGE.0 + 1);
        let max_message = match self.max_message {
            Some(given) => check.size(text, Some(given), DEFAULT_MAX_MESSAGE, sizes).to_usize(),
            None => defaults.max_message,
        };
        let keep = self.keep_hostname.unwrap_or(before.hostname == Hostname::Keep);
        let chain = self.chain_hostnames.as_ref().map(|chain| *chain.get_ref());
        if let Some(given) = self.chain_hostnames.filter(|chain| keep && *chain.get_ref()) {
            check.errors.push(
                Diagnostic::new("`chain-hostnames` says what to do without the message's own name")
                    .at(text, given.span())
                    .help("it goes with `keep-hostname = false`"),
            );
        }
        let hostname = match (keep, chain.unwrap_or(before.hostname == Hostname::Chain)) {
            (true, _) => Hostname::Keep,
            (false, false) => Hostname::Replace,
            (false, true) => Hostname::Chain,
        };
        let form = match self.use_fqdn {
            None => before.form,
            Some(false) => NameForm::Short,
            Some(true) => NameForm::Full,
        };
        let stamps = match self.keep_timestamp {
            None => before.stamps,
            Some(true) => Stamps::Keep,
            Some(false) => Stamps::Reception,
        };
        let zone = self.time_zone.and_then(|name| zone(name, text, check)).or_else(|| before.zone.clone());
        let zone_names = zone_names(self.zone_names, &before.zone_names, text, check);
        let default_priority = self
            .default_priority
            .and_then(|given| priority(&given, text, check))
            .unwrap_or(before.default_priority);
        let naming = self.use_dns.unwrap_or(before.naming);
        (Receive { hostname, naming, form, stamps, zone, zone_names, default_priority }, max_message)
    }
}

pub(super) const SOURCE_KEYS: [&str; 2] = ["tags", "sender"];

/// Keys that every `[[source]]` has, and `[receive]` has not.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct SourceKeys {
    #[serde(default)]
    pub(super) tags: Vec<String>,
    #[serde(default)]
    pub(super) sender: Vec<SenderKeys>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct SenderKeys {
    /// Their network, or one address.
    from: Prefixed,
    time_zone: Option<Spanned<String>>,
    #[serde(default)]
    zone_names: BTreeMap<String, Spanned<String>>,
    host: Option<Spanned<String>>,
}

impl SenderKeys {
    pub(super) fn read(self, text: &Arc<Text>, check: &mut Check<'_>) -> Option<Sender> {
        let given = !self.zone_names.is_empty();
        let names = zone_names(self.zone_names, &ZoneNames::default(), text, check);
        let host = match self.host {
            Some(host) if host.get_ref().is_empty() || host.get_ref().len() > 255 => {
                let message = "a host has a name of 1 to 255 bytes";
                check.errors.push(Diagnostic::new(message).at(text, host.span()));
                return None;
            }
            host => host.map(Spanned::into_inner),
        };
        Some(Sender {
            from: self.from,
            zone: self.time_zone.and_then(|name| zone(name, text, check)),
            zone_names: given.then_some(names),
            host,
        })
    }
}

fn zone(name: Spanned<String>, text: &Arc<Text>, check: &mut Check<'_>) -> Option<String> {
    match IanaZone::named_or_posix(name.get_ref()) {
        Ok(_) => Some(name.into_inner()),
        Err(error) => {
            check.errors.push(
                Diagnostic::new(error.to_string())
                    .at(text, name.span())
                    .help("such as \"Europe/Budapest\", or \"CET-1CEST,M3.5.0,M10.5.0/3\""),
            );
            None
        }
    }
}

fn zone_names(
    given: BTreeMap<String, Spanned<String>>,
    before: &ZoneNames,
    text: &Arc<Text>,
    check: &mut Check<'_>,
) -> ZoneNames {
    let mut names = before.clone();
    for (name, offset) in given {
        if let Err(error) = names.add(&format!("{name}={}", offset.get_ref())) {
            check.errors.push(Diagnostic::new(error).at(text, offset.span()));
        }
    }
    names
}

/// `facility.severity`, by their names, or the number of both (RFC 5424 §6.2.1).
fn priority(given: &Spanned<String>, text: &Arc<Text>, check: &mut Check<'_>) -> Option<u16> {
    let number = |word: &str| word.parse::<u16>().ok().filter(|number| *number <= Pri::MAX.number());
    let named = |word: &str| {
        let (facility, severity) = word.split_once('.')?;
        Some(Pri::new(Facility::from_name(facility)?, Severity::from_name(severity)?).number())
    };
    let read = number(given.get_ref()).or_else(|| named(given.get_ref()));
    if read.is_none() {
        let message = format!("`{}` is no priority", given.get_ref());
        check.errors.push(Diagnostic::new(message).at(text, given.span()).help("such as \"local0.info\""));
    }
    read
}
