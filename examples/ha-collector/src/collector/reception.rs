//! What the configuration says about receiving, ready to be applied to a message: its host, its time, what it is when it
//! does not say.
//!
//! Without such a configuration nothing here costs more than a look at a flag.

use std::io::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use syslog_parse::{Deviation, Format, Header, IanaZone, Message, Span, ZoneSource};

use super::names::Names;
use crate::config::{self, Hostname, NameForm, Naming, Prefixed, SourceKind, Stamps};
use crate::when::ZoneNames;

/// The longest host that is written beside a message: two names and a slash.
const LONGEST_HOST: usize = 511;

/// How the messages of a source are received.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) default_priority: u16,
    pub(crate) stamps: Stamps,
    pub(crate) zone: Arc<StampZone>,
    hostname: Hostname,
    form: NameForm,
    /// Where names of senders are known.
    names: Option<(Naming, Arc<Names>)>,
    /// Of a source within this machine: this machine's name.
    local: Option<Arc<str>>,
    /// Whether what comes in is as programs here write it, for a socket of syslog(3): without a host.
    writers: Writers,
    senders: Vec<Sender>,
    /// Whether [`Self::host`] can have an answer.
    effort: Effort,
}

/// Who writes what a source receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writers {
    /// syslog(3), which writes no host.
    Programs,
    Anybody,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effort {
    /// The host is as the message says, or else its sender's address.
    None,
    Some,
}

/// What stamps without an offset mean.
#[derive(Debug)]
pub(crate) struct StampZone {
    /// Different for every one that there ever is.
    pub(crate) key: u64,
    pub(crate) zone: IanaZone,
    pub(crate) source: ZoneSource,
    pub(crate) names: ZoneNames,
}

impl StampZone {
    /// The zone of that name; `None`: this machine's.
    fn new(zone: Option<&str>, here: &IanaZone, names: ZoneNames) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let key = NEXT.fetch_add(1, Ordering::Relaxed);
        // Checked when the configuration was read.
        let named = zone.and_then(|name| IanaZone::named_or_posix(name).ok());
        let source = if named.is_some() { ZoneSource::Configured } else { ZoneSource::Assumed };
        Self { key, zone: named.unwrap_or_else(|| here.clone()), source, names }
    }
}

/// What is particular to some senders.
#[derive(Debug)]
pub(crate) struct Sender {
    from: Prefixed,
    pub(crate) zone: Option<Arc<StampZone>>,
    host: Option<Box<str>>,
}

/// What all sources know of the machine that they are on.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) zone: IanaZone,
    /// Its name, all of it that is known.
    pub(crate) name: Arc<str>,
    /// `None`: no source asks for names.
    pub(crate) names: Option<Arc<Names>>,
}

impl Rules {
    pub(crate) fn new(source: &config::Source, machine: &Machine) -> Self {
        let receive = &source.receive;
        let zone = StampZone::new(receive.zone.as_deref(), &machine.zone, receive.zone_names.clone());
        let senders = source.senders.iter().map(|sender| {
            let own = (sender.zone.is_some() || sender.zone_names.is_some()).then(|| {
                let name = sender.zone.as_deref().or(receive.zone.as_deref());
                let names = sender.zone_names.clone().unwrap_or_else(|| receive.zone_names.clone());
                Arc::new(StampZone::new(name, &machine.zone, names))
            });
            Sender { from: sender.from, zone: own, host: sender.host.clone().map(String::into_boxed_str) }
        });
        let (local, writers) = match source.kind {
            SourceKind::Udp(_) | SourceKind::Tcp(_) => (false, Writers::Anybody),
            SourceKind::UnixDgram(_) | SourceKind::UnixStream(..) => (true, Writers::Programs),
            SourceKind::File(_) | SourceKind::Pipe(_) | SourceKind::Internal => (true, Writers::Anybody),
        };
        let local = local.then(|| match receive.form {
            NameForm::Full => Arc::clone(&machine.name),
            NameForm::Short => Arc::from(short(&machine.name)),
        });
        let names = match receive.naming {
            Naming::Addresses => None,
            naming => machine.names.clone().map(|names| (naming, names)),
        };
        let senders: Vec<_> = senders.collect();
        let needed = local.is_some()
            || names.is_some()
            || receive.hostname != Hostname::Keep
            || senders.iter().any(|sender| sender.host.is_some());
        Self {
            default_priority: receive.default_priority,
            stamps: receive.stamps,
            zone: Arc::new(zone),
            hostname: receive.hostname,
            form: receive.form,
            names,
            local,
            writers,
            senders,
            effort: if needed { Effort::Some } else { Effort::None },
        }
    }

    /// What is particular to this sender.
    #[inline]
    pub(crate) fn sender(&self, peer: Option<IpAddr>) -> Option<&Sender> {
        if self.senders.is_empty() {
            return None;
        }
        let peer = peer?;
        self.senders.iter().find(|sender| sender.from.contains(peer))
    }

    /// What the parser took for a host although programs here write none.
    #[inline]
    pub(crate) fn understood<'m>(&self, message: Message<'m>) -> Message<'m> {
        match (self.writers, &self.local) {
            (Writers::Programs, Some(local)) => without_host(message, local),
            _ => message,
        }
    }

    /// Writes the host of a message to `out`, if it is another than the message says.
    #[inline]
    pub(crate) fn host(
        &self,
        stated: Option<&[u8]>,
        peer: Option<IpAddr>,
        sender: Option<&Sender>,
        out: &mut Vec<u8>,
    ) {
        out.clear();
        if self.effort == Effort::Some {
            self.decide(stated, peer, sender, out);
            if stated == Some(out.as_slice()) {
                out.clear();
            }
        }
    }

    fn decide(
        &self,
        stated: Option<&[u8]>,
        peer: Option<IpAddr>,
        sender: Option<&Sender>,
        out: &mut Vec<u8>,
    ) {
        if let Some(host) = sender.and_then(|sender| sender.host.as_deref()) {
            out.extend_from_slice(host.as_bytes());
            return;
        }
        match (self.hostname, stated) {
            (Hostname::Keep, Some(_)) => return,
            (Hostname::Chain, Some(stated)) => {
                out.extend_from_slice(stated);
                out.push(b'/');
            }
            (_, None) | (Hostname::Replace, _) => {}
        }
        if let Some(local) = &self.local {
            out.extend_from_slice(local.as_bytes());
        } else if let Some(peer) = peer {
            let known = self.names.as_ref().and_then(|(naming, names)| names.look_up(*naming, peer));
            match known {
                Some(name) if self.form == NameForm::Short => out.extend_from_slice(short(&name).as_bytes()),
                Some(name) => out.extend_from_slice(name.as_bytes()),
                None => write!(out, "{}", peer.to_canonical()).unwrap_or_default(),
            }
        }
        out.truncate(LONGEST_HOST);
    }
}

/// A name up to its first dot. An address is none.
pub(crate) fn short(name: &str) -> &str {
    match name.split_once('.') {
        Some((host, _)) if !host.is_empty() && name.parse::<IpAddr>().is_err() => host,
        _ => name,
    }
}

/// A message of syslog(3), whose tag may hold blanks: `my tag[7]: text`. What the parser takes for a host there is the
/// tag's beginning, unless it is this machine's own name, which some programs write all the same.
fn without_host<'m>(message: Message<'m>, local: &str) -> Message<'m> {
    let found = *message.header();
    let (Format::Rfc3164, Some(host)) = (found.format, message.host()) else {
        return message;
    };
    if short(&String::from_utf8_lossy(host)).eq_ignore_ascii_case(short(local)) {
        return message;
    }
    let host = found.host;
    let tagged = !found.app.is_empty() && !found.deviations.contains(Deviation::TagEndedBySpace);
    let header = if tagged && found.app.start > host.start {
        let end = found.app.start + found.app.len;
        Header { host: Span::ABSENT, app: Span { start: host.start, len: end - host.start }, ..found }
    } else {
        // No tag at all: all of it is text.
        let end = found.message.start + found.message.len;
        let end = end.max(host.start + host.len);
        let message = Span { start: host.start, len: end - host.start };
        Header { host: Span::ABSENT, app: Span::ABSENT, procid: Span::ABSENT, message, ..found }
    };
    Message::from_parts(message.raw(), header)
}

#[cfg(test)]
mod tests;
