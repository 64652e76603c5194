//! Addresses that go when their holder goes out of scope.

use crate::address::Address;
use crate::error::Error;
use crate::handle::{Ensured, Handle, Removed};

/// Holds addresses, and removes them when it is dropped, at a panic too. Not at `SIGKILL`: that is what a
/// [`Lease`](crate::Lease) is for.
#[derive(Debug)]
#[must_use = "the addresses are removed when this is dropped"]
pub struct Hold {
    handle: Handle,
    addresses: Vec<Address>,
}

impl Hold {
    /// Nothing is added before the first [`Hold::ensure`].
    pub const fn new(handle: Handle, addresses: Vec<Address>) -> Self {
        Self { handle, addresses }
    }

    /// Adds the addresses, or renews their leases.
    #[must_use = "an address that was refused is not there"]
    pub fn ensure(&mut self) -> Vec<Result<Ensured, Error>> {
        self.handle.ensure(&self.addresses)
    }

    /// Removes the addresses now and says what became of them.
    #[must_use = "an address that could not be removed is still there"]
    pub fn release(mut self) -> Vec<Result<Removed, Error>> {
        self.handle.remove(&std::mem::take(&mut self.addresses))
    }

    /// The addresses.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The handle, for questions.
    pub const fn handle(&mut self) -> &mut Handle {
        &mut self.handle
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // There is nobody left to tell; whoever wants to know calls `release`.
        drop(self.handle.remove(&self.addresses));
    }
}
