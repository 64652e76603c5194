//! The handle: a socket that asks the kernel, and what is asked through it.

mod ensure;
mod list;
mod remove;

use std::net::IpAddr;
use std::sync::Arc;

use crate::channel::{Channel, Failure, Refusal};
use crate::error::{Error, Operation};
use crate::journal::{Deed, Journal};
use crate::sys::Protocol;
use crate::wire;

pub use list::Filter;
pub use remove::Swept;

/// Asks the kernel to add, remove and list addresses, and to tell of links.
///
/// Every call is one or a few system calls, carried out when it returns. There is no runtime and no thread behind it:
/// it works in a `Drop`, after a signal was received, in a panic hook. It is bound to the network namespace that the
/// opening thread was in.
#[derive(Debug)]
pub struct Handle {
    pub(crate) channel: Channel,
    pub(crate) journal: Arc<Journal>,
}

impl Handle {
    /// Opens a netlink socket; no rights are needed for that.
    ///
    /// # Errors
    ///
    /// [`Error::Socket`], where there are no more file descriptors, or a sandbox forbids netlink.
    pub fn open() -> Result<Self, Error> {
        let channel =
            Channel::open(Protocol::Route).map_err(|error| Error::socket(Operation::Open, &error))?;
        Ok(Self { channel, journal: Arc::new(Journal::new()) })
    }

    /// What the kernel calls this handle in messages about changes; a [`Monitor`](crate::Monitor) that knows it can
    /// tell our changes from others'.
    #[must_use]
    pub const fn port(&self) -> u32 {
        self.channel.port()
    }

    /// Writes down what is about to be asked for, if a monitor reads it.
    pub(crate) fn note(&self, deed: Deed, index: u32, ip: IpAddr) {
        if Arc::strong_count(&self.journal) > 1 {
            self.journal.write(deed, index, ip);
        }
    }

    /// Sends one request and waits for its answer.
    pub(crate) fn request(
        &mut self,
        operation: Operation,
        write: impl FnOnce(&mut Vec<u8>, u32),
    ) -> Result<(), Error> {
        self.channel.begin();
        self.channel.stage(write);
        let mut result = Ok(());
        self.channel
            .send()
            .and_then(|()| self.channel.answers(|refusal| result = Err(refused(operation, refusal))))
            .map_err(|error| Error::socket(operation, &error))?;
        result
    }
}

/// What happened to an address that was to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ensured {
    /// It was not there.
    Added,
    /// It was there and ours; its lease began anew, or what was different is now as asked for.
    Renewed,
    /// It was there as asked for; nothing was changed and nobody was told of anything.
    AlreadySo,
    /// It was there under another mark or none; now it is ours and as asked for.
    Adopted,
    /// It was there under another mark or none, and [`IfForeign::Leave`](crate::IfForeign::Leave) was said.
    LeftForeign,
}

/// What happened to an address that was to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Removed {
    /// It was there.
    Removed,
    /// It was not.
    NotThere,
    /// The interface is not there, and so the address is not.
    InterfaceGone,
    /// It is there under another mark or none, and [`IfForeign::Leave`](crate::IfForeign::Leave) was said.
    LeftForeign,
}

pub(crate) fn refused(operation: Operation, refusal: &Refusal<'_>) -> Error {
    Error::Refused {
        operation,
        errno: refusal.answer.errno,
        sentence: refusal.answer.sentence.map(Into::into),
        attribute: refusal.attribute.and_then(wire::address::attribute_name),
    }
}

pub(crate) fn failed(operation: Operation, failure: Failure) -> Error {
    match failure {
        Failure::Socket(error) => Error::socket(operation, &error),
        Failure::Refused(errno, sentence) => Error::Refused { operation, errno, sentence, attribute: None },
    }
}
