//! The watch as a future of tokio.

use crate::{Interface, OpenError, Sighting, Watch, WatchError, sys};
use std::io;
use std::net::IpAddr;
use tokio::io::unix::AsyncFd;

/// A [`Watch`] that is waited for in a tokio runtime. Feature `tokio`.
#[derive(Debug)]
pub struct AsyncWatch(AsyncFd<Watch>);

impl AsyncWatch {
    /// As [`Watch::open`], within a runtime with its I/O driver.
    ///
    /// # Errors
    ///
    /// Each of [`OpenError`] but `NoArp`.
    ///
    /// # Panics
    ///
    /// As tokio does: outside of a runtime, or in one without its I/O driver.
    pub fn open(interface: Interface, addresses: &[IpAddr]) -> Result<Self, OpenError> {
        Self::new(Watch::open(interface, addresses)?)
    }

    /// Around a watch that is open already.
    ///
    /// # Errors
    ///
    /// [`OpenError::Os`], if the runtime does not take it.
    ///
    /// # Panics
    ///
    /// As tokio does: outside of a runtime, or in one without its I/O driver.
    pub fn new(watch: Watch) -> Result<Self, OpenError> {
        sys::register(watch).map(Self).map_err(|source| OpenError::Os { operation: "epoll_ctl", source })
    }

    /// What has been seen, waiting for it. Nothing is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// Each of [`WatchError`].
    pub async fn next(&mut self) -> Result<Sighting, WatchError> {
        loop {
            let mut ready = self
                .0
                .readable_mut()
                .await
                .map_err(|source| WatchError::Os { operation: "epoll_wait", source })?;
            if let Ok(seen) = ready.try_io(|watch| match watch.get_mut().try_next() {
                Ok(Some(sighting)) => Ok(Ok(sighting)),
                Ok(None) => Err(io::ErrorKind::WouldBlock.into()),
                Err(error) => Ok(Err(error)),
            }) {
                return seen.map_err(|source| WatchError::Os { operation: "recvmsg", source })?;
            }
        }
    }

    /// As [`Watch::set_addresses`].
    ///
    /// # Errors
    ///
    /// Each of [`OpenError`] but `NoArp`.
    pub fn set_addresses(&mut self, addresses: &[IpAddr]) -> Result<(), OpenError> {
        self.0.get_mut().set_addresses(addresses)
    }
}
