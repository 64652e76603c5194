//! Opening the buffer, and saying what was found in it.

use diskbuf::{OpenError, Queue};
use rustix::fs::{Access, AtFlags};
use tracing::{info, warn};

use super::{StartError, chain};
use crate::config::Config;

pub(super) fn open(config: &Config) -> Result<Queue, StartError> {
    let buffer = &config.buffer;
    let failed = |message: String| StartError::Buffer { dir: buffer.dir.clone(), message };
    let queue = diskbuf::Options::new(&buffer.dir)
        .segment_bytes(buffer.segment_size.0)
        .max_bytes(buffer.max_size.0)
        .open()
        .map_err(|error| {
            failed(match error {
                OpenError::MaxBytes { min, .. } => format!(
                    "max-size is {}, but with the segments that this buffer was made with it takes at least {min} bytes",
                    buffer.max_size
                ),
                error => chain(&error),
            })
        })?;
    let found = queue.recovery();
    if found.torn_bytes > 0 {
        info!(bytes = found.torn_bytes, "cut what a crash left unfinished at the end of the buffer");
    }
    for loss in &found.losses {
        warn!("the buffer lost messages {} to {}: {:?}", loss.from, loss.to, loss.cause);
    }
    for name in &found.cursors_reset {
        warn!(destination = name, "its place in the buffer was damaged: everything kept is delivered again");
    }
    for path in &found.unreadable {
        warn!("a file of the buffer cannot be read and is left alone: {}", path.display());
    }
    let access = Access::WRITE_OK | Access::EXEC_OK;
    rustix::fs::accessat(rustix::fs::CWD, &buffer.dir, access, AtFlags::EACCESS)
        .map_err(|error| failed(error.to_string()))?;
    Ok(queue)
}
