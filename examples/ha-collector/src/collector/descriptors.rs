//! How many files this process may have open, and for what.

use tracing::warn;

use crate::config::Config;

/// How the descriptors that this process may have are shared out, so that strangers who connect cannot take those
/// that files and the buffer need.
#[derive(Debug)]
pub(super) struct Descriptors {
    /// Log files open at the same time, of one destination.
    pub(super) files: usize,
    /// Connections of one source.
    pub(super) connections_of_one: usize,
}

impl Descriptors {
    /// Segments, cursors, sockets, the runtime, a file being opened.
    const RESERVE: usize = 64;

    pub(super) fn share(config: &Config) -> Self {
        let limit = raised_limit();
        let streams = config.sources.iter();
        let streams = streams.filter_map(|source| Some((source, source.kind.streams()?.max_connections)));
        let left = limit.saturating_sub(Self::RESERVE + config.sources.len());
        let files = (left / 4 / config.destinations.len().max(1)).clamp(1, 65_536);
        let connections = left.saturating_sub(files * config.destinations.len());
        let connections_of_one = (connections / streams.clone().count().max(1)).max(1);
        for (source, wanted) in streams {
            if wanted > connections_of_one {
                warn!(
                    source = source.id,
                    wanted,
                    possible = connections_of_one,
                    "fewer connections than max-connections: the limit of open files (ulimit -n) is {limit}"
                );
            }
        }
        Self { files, connections_of_one }
    }
}

/// The limit of open files, as high as it may be. The soft one is for programs that use select(2); this one does not.
fn raised_limit() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let allowed = if raised.is_ok() { limit.maximum } else { limit.current };
    allowed.and_then(|allowed| usize::try_from(allowed).ok()).unwrap_or(usize::MAX)
}
