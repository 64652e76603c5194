//! Addresses that are to go: named ones, and our own leftovers.

use super::ensure::{Lists, takes_others_along};
use super::{Filter, Handle, Removed, refused};
use crate::address::{Address, IfForeign, Tag};
use crate::assigned::Assigned;
use crate::channel::{BATCH, Refusal};
use crate::error::{Error, Operation};
use crate::journal::Deed;
use crate::wire::address::remove;

/// A leftover, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// As it was.
    pub address: Assigned,
    /// Whether it is gone now.
    pub result: Result<Removed, Error>,
}

impl Handle {
    /// Makes each of `addresses` be gone, and says what was there, one result each, in their order.
    ///
    /// One system call for every 64; nothing is allocated before it. Exactly the address with this prefix length goes.
    /// Removing an IPv4 address that is the primary of others (a prefix shorter than 32 bits) removes those, too,
    /// unless `promote_secondaries` is set: an address that must go does not wait for them.
    #[must_use = "an address that could not be removed is still there"]
    pub fn remove(&mut self, addresses: &[Address]) -> Vec<Result<Removed, Error>> {
        let mut results: Vec<Result<Removed, Error>> = Vec::new();
        let mut lists = Lists::default();
        for chunk in addresses.chunks(BATCH) {
            let mut kept: Vec<(usize, Result<Removed, Error>)> = Vec::new();
            for (place, address) in chunk.iter().enumerate().filter(|(_, a)| a.foreign() == IfForeign::Leave)
            {
                kept.extend(self.kept(&mut lists, address).map(|result| (place, result)));
            }
            self.channel.begin();
            let mut places = [0_usize; BATCH];
            let mut free = places.iter_mut();
            for (place, address) in chunk.iter().enumerate() {
                if address.fault().is_some() || kept.iter().any(|(kept, _)| *kept == place) {
                    continue;
                }
                self.channel.stage(|out, seq| {
                    remove(out, seq, address.index(), address.ip(), address.prefix_len());
                });
                self.note(Deed::Remove, address.index(), address.ip());
                if let Some(slot) = free.next() {
                    *slot = place;
                }
            }
            let sent = self.channel.send();
            // From here on memory may be asked for.
            let base = results.len();
            results.reserve_exact(addresses.len() - base);
            results.extend(chunk.iter().map(|address| match address.fault() {
                Some(fault) => Err(Error::Invalid { address: *address, fault }),
                None => Ok(Removed::Removed),
            }));
            let answered = sent.and_then(|()| {
                self.channel.answers(|refusal| {
                    let place = places.get(refusal.nth).copied().unwrap_or(usize::MAX);
                    if let Some((address, result)) = chunk.get(place).zip(results.get_mut(base + place)) {
                        self.journal.strike(Deed::Remove, address.index(), address.ip());
                        *result = gone(Operation::Remove(*address), refusal);
                    }
                })
            });
            if let Err(error) = answered {
                let of_chunk = chunk.iter().zip(results.iter_mut().skip(base));
                for (address, result) in of_chunk.filter(|(_, result)| result.is_ok()) {
                    *result = Err(Error::socket(Operation::Remove(*address), &error));
                }
            }
            for (place, result) in kept {
                if let Some(slot) = results.get_mut(base + place) {
                    *slot = result;
                }
            }
        }
        results
    }

    /// Why an address that may be somebody else's is not touched; `None`: it is ours.
    fn kept(&mut self, lists: &mut Lists, address: &Address) -> Option<Result<Removed, Error>> {
        match lists.on(self, address) {
            Ok(there) => {
                let mut same = there.iter().filter(|assigned| {
                    assigned.is_at(address.index(), address.ip())
                        && (assigned.prefix_len == address.prefix_len() || !assigned.is_tagged(address.tag()))
                });
                match same.clone().any(|assigned| assigned.is_tagged(address.tag())) {
                    true => None,
                    false if same.next().is_some() => Some(Ok(Removed::LeftForeign)),
                    false => Some(Ok(Removed::NotThere)),
                }
            }
            Err(Error::Refused { errno: libc::ENODEV, .. }) => Some(Ok(Removed::InterfaceGone)),
            Err(error) => Some(Err(error)),
        }
    }

    /// Removes what an earlier life of this program left behind: all addresses on all interfaces that carry `tag`,
    /// save those in `keep`. What does not carry it is never touched; so a leftover that others are secondaries of
    /// stays, with [`Error::HasSecondaries`] as its result.
    ///
    /// # Errors
    ///
    /// When the addresses cannot be listed; nothing was removed then.
    pub fn sweep(&mut self, tag: Tag, keep: &[Address]) -> Result<Vec<Swept>, Error> {
        let there = self.list(Filter::ALL)?;
        let kept = |assigned: &Assigned| {
            keep.iter().any(|address| {
                assigned.is_at(address.index(), address.ip()) && assigned.prefix_len == address.prefix_len()
            })
        };
        let (leftovers, mut others): (Vec<Assigned>, Vec<Assigned>) =
            there.into_iter().partition(|assigned| assigned.is_tagged(tag) && !kept(assigned));
        // Our own secondaries go together with their primary; only those that stay are a reason to wait.
        let mut swept: Vec<Swept> = leftovers
            .into_iter()
            .map(|address| {
                let wanted = Address::new(address.index, address.ip).with_prefix_len(address.prefix_len);
                let result = match takes_others_along(&address, &others) {
                    true => Err(Error::HasSecondaries { address: wanted }),
                    false => Ok(Removed::Removed),
                };
                Swept { address, result }
            })
            .collect();
        others.clear();
        let mut going: Vec<&mut Swept> = swept.iter_mut().filter(|swept| swept.result.is_ok()).collect();
        for chunk in going.chunks_mut(BATCH) {
            self.channel.begin();
            for Swept { address, .. } in chunk.iter().map(|swept| &**swept) {
                self.channel
                    .stage(|out, seq| remove(out, seq, address.index, address.ip, address.prefix_len));
                self.note(Deed::Remove, address.index, address.ip);
            }
            let sent = self.channel.send();
            let answered = sent.and_then(|()| {
                self.channel.answers(|refusal| {
                    if let Some(swept) = chunk.get_mut(refusal.nth) {
                        self.journal.strike(Deed::Remove, swept.address.index, swept.address.ip);
                        swept.result = gone(Operation::Sweep(swept.address.index), refusal);
                    }
                })
            });
            if let Err(error) = answered {
                for swept in chunk {
                    swept.result = Err(Error::socket(Operation::Sweep(swept.address.index), &error));
                }
            }
        }
        Ok(swept)
    }
}

/// What a refusal to remove means.
fn gone(operation: Operation, refusal: &Refusal<'_>) -> Result<Removed, Error> {
    match refusal.answer.errno {
        // ENXIO: IPv6 was switched off on the interface, and with it went the address.
        libc::EADDRNOTAVAIL | libc::ENXIO => Ok(Removed::NotThere),
        libc::ENODEV => Ok(Removed::InterfaceGone),
        _ => Err(refused(operation, refusal)),
    }
}
