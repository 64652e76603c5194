//! What is settled at the start, whatever a configuration says that is read later.

use std::path::{Path, PathBuf};

use crate::config::{Buffer, Config, DnsCache};

/// What was settled.
#[derive(Debug)]
pub(super) struct Settled {
    places: [PathBuf; 4],
    buffer: Buffer,
    max_held: usize,
    dns_cache: DnsCache,
    /// With one, what is new for it is its own to say.
    keeper: Keeping,
}

impl Settled {
    pub(super) fn by(config: &Config) -> Self {
        Self {
            places: places(config),
            buffer: config.buffer.clone(),
            max_held: config.received.max_held,
            dns_cache: config.received.dns_cache,
            keeper: keeping(config),
        }
    }

    /// Whether the data are where they were. Records in one place cannot be read with the book of another.
    pub(super) fn has_places_of(&self, config: &Config) -> bool {
        self.places == places(config)
    }

    /// The book of ways.
    pub(super) fn book(&self) -> &Path {
        let [_, _, ways, _] = &self.places;
        ways
    }

    /// The tables of which something is new and has to wait.
    pub(super) fn waiting(&self, config: &Config) -> Vec<&'static str> {
        let mut waiting = Vec::new();
        if self.buffer != config.buffer {
            waiting.push("[buffer]");
        }
        if (self.max_held, self.dns_cache) != (config.received.max_held, config.received.dns_cache) {
            waiting.push("max-held and dns-cache in [receive]");
        }
        if (self.keeper, keeping(config)) == (Keeping::Nothing, Keeping::Addresses) {
            waiting.push("[[vrrp]]");
        }
        waiting
    }
}

fn places(config: &Config) -> [PathBuf; 4] {
    [&config.buffer.dir, &config.positions, &config.ways, &config.control].map(Clone::clone)
}

/// Whether there is a keeper beside the collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeping {
    Nothing,
    Addresses,
}

const fn keeping(config: &Config) -> Keeping {
    if config.keeper.is_some() { Keeping::Addresses } else { Keeping::Nothing }
}
