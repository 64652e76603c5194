//! What is there: addresses, and links.

use super::{Handle, failed};
use crate::address::Tag;
use crate::assigned::Assigned;
use crate::channel::{Failure, Settled};
use crate::error::{Error, Operation};
use crate::link::{Link, LinkFlags};
use crate::wire::address::{GET_ADDRESS, NEW_ADDRESS, list_request};
use crate::wire::link::{GET_LINK, NEW_LINK, fixed, get_by_index, get_by_name};
use crate::wire::{DUMP, Encoder, Message, parse_address, parse_link};

/// Which addresses to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    index: Option<u32>,
    tag: Option<Tag>,
}

impl Filter {
    /// All of them.
    pub const ALL: Self = Self { index: None, tag: None };

    /// Only those on this interface.
    #[must_use]
    pub const fn on(self, index: u32) -> Self {
        Self { index: Some(index), ..self }
    }

    /// Only those with this mark.
    #[must_use]
    pub const fn tagged(self, tag: Tag) -> Self {
        Self { tag: Some(tag), ..self }
    }
}

impl Handle {
    /// The addresses that interfaces have.
    ///
    /// # Errors
    ///
    /// [`Error::Unsettled`] when they changed while they were listed, ten times over.
    pub fn list(&mut self, filter: Filter) -> Result<Vec<Assigned>, Error> {
        let mut found = self.list_family(ALL_FAMILIES, filter.index.unwrap_or(0))?;
        found.retain(|assigned| filter.tag.is_none_or(|tag| assigned.is_tagged(tag)));
        Ok(found)
    }

    /// The addresses of one family on one interface; 0 for all.
    pub(crate) fn list_family(&mut self, family: u8, index: u32) -> Result<Vec<Assigned>, Error> {
        let operation = Operation::ListAddresses;
        let (mut found, settled) =
            self.addresses_now(family, index).map_err(|error| failed(operation, error))?;
        // Kernels before 4.20 do not filter.
        found.retain(|assigned| index == 0 || assigned.index == index);
        match settled {
            Settled::Yes => Ok(found),
            Settled::No => Err(Error::Unsettled { operation }),
        }
    }

    pub(crate) fn addresses_now(
        &mut self,
        family: u8,
        index: u32,
    ) -> Result<(Vec<Assigned>, Settled), Failure> {
        self.channel.list(
            |out, seq| {
                Encoder::request(out, GET_ADDRESS, DUMP, seq, &list_request(family, index)).finish();
            },
            |message| of_kind(message, NEW_ADDRESS).and_then(parse_address),
        )
    }

    /// The interface of this name.
    ///
    /// # Errors
    ///
    /// [`Error::NoInterface`].
    pub fn link_named(&mut self, name: &str) -> Result<Link, Error> {
        let found = self.channel.query(|out, seq| get_by_name(out, seq, name), read_link);
        found.map_err(|failure| not_found(name, failure))
    }

    /// The interface with this index.
    ///
    /// # Errors
    ///
    /// [`Error::NoInterface`].
    pub fn link(&mut self, index: u32) -> Result<Link, Error> {
        let found = self.channel.query(|out, seq| get_by_index(out, seq, index), read_link);
        found.map_err(|failure| not_found(&index.to_string(), failure))
    }

    /// All interfaces.
    ///
    /// # Errors
    ///
    /// [`Error::Unsettled`] when they changed while they were listed, ten times over.
    pub fn links(&mut self) -> Result<Vec<Link>, Error> {
        let operation = Operation::ListLinks;
        match self.links_now().map_err(|error| failed(operation, error))? {
            (found, Settled::Yes) => Ok(found),
            (_, Settled::No) => Err(Error::Unsettled { operation }),
        }
    }

    pub(crate) fn links_now(&mut self) -> Result<(Vec<Link>, Settled), Failure> {
        let none = LinkFlags::default();
        self.channel.list(
            |out, seq| Encoder::request(out, GET_LINK, DUMP, seq, &fixed(0, none, none)).finish(),
            read_link,
        )
    }
}

fn read_link(message: &Message<'_>) -> Option<Link> {
    of_kind(message, NEW_LINK).and_then(parse_link)
}

fn of_kind<'a>(message: &Message<'a>, kind: u16) -> Option<&'a [u8]> {
    (message.kind == kind).then_some(message.payload)
}

fn not_found(name: &str, failure: Failure) -> Error {
    match failure {
        // ERANGE, EINVAL: a name that is too long for an interface, or empty.
        Failure::Refused(libc::ENODEV | libc::ERANGE | libc::EINVAL, _) => {
            Error::NoInterface { name: name.into() }
        }
        failure => failed(Operation::ListLinks, failure),
    }
}

/// `AF_UNSPEC`.
pub(crate) const ALL_FAMILIES: u8 = 0;
