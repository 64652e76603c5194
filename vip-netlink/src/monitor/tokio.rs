//! The monitor in tokio's event loop.

use ::tokio::io::Interest;
use ::tokio::io::unix::AsyncFd;

use super::{Event, Monitor};
use crate::error::{Error, Operation};
use crate::sys;

/// A [`Monitor`] that can be awaited.
#[derive(Debug)]
pub struct AsyncMonitor {
    monitor: AsyncFd<Monitor>,
}

impl AsyncMonitor {
    /// Registers it with the runtime that this is called in.
    ///
    /// # Errors
    ///
    /// [`Error::Socket`], where the runtime cannot watch one more descriptor.
    ///
    /// # Panics
    ///
    /// Outside of a runtime with its I/O switched on, as all of tokio's sockets.
    pub fn new(monitor: Monitor) -> Result<Self, Error> {
        let monitor =
            sys::watched(INTEREST, monitor).map_err(|error| Error::socket(Operation::Monitor, &error))?;
        Ok(Self { monitor })
    }

    /// Waits for the next event. Nothing is lost when the future is dropped.
    ///
    /// # Errors
    ///
    /// As [`Monitor::next`].
    pub async fn next(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.monitor.get_mut().next()? {
                return Ok(event);
            }
            let mut ready = self
                .monitor
                .readable_mut()
                .await
                .map_err(|error| Error::socket(Operation::Monitor, &error))?;
            // Only to forget readiness once there is nothing to read: what comes meanwhile sets it again.
            match ready.get_inner_mut().next()? {
                Some(event) => return Ok(event),
                None => ready.clear_ready(),
            }
        }
    }

    /// The monitor itself: its mirror, its counters.
    #[must_use]
    pub fn monitor(&self) -> &Monitor {
        self.monitor.get_ref()
    }
}

/// An overrun is an error of the socket, and there may be nothing to read beside it.
const INTEREST: Interest = Interest::READABLE.add(Interest::ERROR);
