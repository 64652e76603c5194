//! Addresses that are to be there. First all are added, in one exchange, in such a way that the kernel refuses what is
//! there; only for those the kernel is asked what exactly is there, because its own way of replacing keeps, and does
//! not say so, the label, the scope and the flags of an IPv4 address and the prefix length of an IPv6 one.

use super::{Ensured, Handle, refused};
use crate::address::{Address, IfForeign};
use crate::assigned::{AddressFlags, Assigned, Difference};
use crate::channel::BATCH;
use crate::error::{Error, Operation};
use crate::journal::Deed;
use crate::sysctl;
use crate::wire::address::{IfThere, add, family_of, remove};

impl Handle {
    /// Makes each of `addresses` be there as asked for, and says what that took, one result each, in their order.
    ///
    /// All that are not there yet are added by one system call for every 64. One that fails does not keep the others
    /// from being added. Saying it again renews leases and changes nothing else. Nothing is allocated before the
    /// first request is sent.
    ///
    /// An IPv4 address receives as soon as this returns. For an IPv6 address the kernel finishes the work a few
    /// microseconds later: [`Event::AddressAdded`](crate::Event::AddressAdded) tells when.
    #[must_use = "an address that was refused is not there"]
    pub fn ensure(&mut self, addresses: &[Address]) -> Vec<Result<Ensured, Error>> {
        // `None`: there already, to be looked at.
        let mut results: Vec<Option<Result<Ensured, Error>>> = Vec::new();
        for chunk in addresses.chunks(BATCH) {
            self.channel.begin();
            let mut places = [0_usize; BATCH];
            let mut free = places.iter_mut();
            for (place, address) in chunk.iter().enumerate().filter(|(_, address)| goes_out_first(address)) {
                self.channel.stage(|out, seq| add(out, seq, IfThere::Refuse, address));
                self.note(Deed::Add, address.index(), address.ip());
                if let Some(slot) = free.next() {
                    *slot = place;
                }
            }
            let sent = self.channel.send();
            // From here on memory may be asked for.
            let base = results.len();
            results.reserve_exact(addresses.len() - base);
            results.extend(chunk.iter().map(|address| match address.fault() {
                Some(fault) => Some(Err(Error::Invalid { address: *address, fault })),
                None => goes_out_first(address).then_some(Ok(Ensured::Added)),
            }));
            let answered = sent.and_then(|()| {
                self.channel.answers(|refusal| {
                    let place = places.get(refusal.nth).copied().unwrap_or(usize::MAX);
                    if let Some((address, result)) = chunk.get(place).zip(results.get_mut(base + place)) {
                        self.journal.strike(Deed::Add, address.index(), address.ip());
                        *result = (refusal.answer.errno != libc::EEXIST)
                            .then(|| Err(refused(Operation::Add(*address), refusal)));
                    }
                })
            });
            if let Err(error) = answered {
                let staged = chunk.iter().zip(results.iter_mut().skip(base));
                for (address, result) in staged.filter(|(address, _)| goes_out_first(address)) {
                    *result = Some(Err(Error::socket(Operation::Add(*address), &error)));
                }
            }
        }
        self.settle(addresses, &mut results);
        let unanswered = |address: &Address| Error::NoAnswer { operation: Operation::Add(*address) };
        let results = results.into_iter().zip(addresses);
        results.map(|(result, address)| result.unwrap_or_else(|| Err(unanswered(address)))).collect()
    }

    /// Looks at what is there already and brings it in line.
    fn settle(&mut self, addresses: &[Address], results: &mut [Option<Result<Ensured, Error>>]) {
        let mut lists = Lists::default();
        let mut plans = Vec::new();
        for (place, address) in addresses.iter().enumerate() {
            let Some(result @ None) = results.get_mut(place) else { continue };
            match lists.on(self, address).and_then(|there| plan(place, address, there)) {
                Ok(Decision::Nothing(ensured)) => *result = Some(Ok(ensured)),
                Ok(Decision::Do(plan)) => plans.push(plan),
                Err(error) => *result = Some(Err(error)),
            }
        }
        // A plan is one request or two.
        for chunk in plans.chunks(BATCH / 2) {
            self.channel.begin();
            let mut places: Vec<(usize, Part)> = Vec::with_capacity(BATCH);
            for plan in chunk {
                let Some(address) = addresses.get(plan.place) else { continue };
                if let Some(prefix_len) = plan.remove_first {
                    self.channel
                        .stage(|out, seq| remove(out, seq, address.index(), address.ip(), prefix_len));
                    self.note(Deed::Remove, address.index(), address.ip());
                    places.push((plan.place, Part::Remove));
                }
                self.channel.stage(|out, seq| add(out, seq, plan.if_there, address));
                self.note(Deed::Add, address.index(), address.ip());
                places.push((plan.place, Part::Add));
                if let Some(result) = results.get_mut(plan.place) {
                    *result = Some(Ok(plan.outcome));
                }
            }
            let answered = self.channel.send().and_then(|()| {
                self.channel.answers(|refusal| {
                    let Some((place, part)) = places.get(refusal.nth).copied() else { return };
                    let Some((address, result)) = addresses.get(place).zip(results.get_mut(place)) else {
                        return;
                    };
                    self.journal.strike(part.deed(), address.index(), address.ip());
                    match (part, refusal.answer.errno) {
                        // Gone meanwhile, as it was to be.
                        (Part::Remove, libc::EADDRNOTAVAIL) => {}
                        (Part::Add, libc::EEXIST) if address.foreign() == IfForeign::Leave => {
                            *result = Some(Ok(Ensured::LeftForeign));
                        }
                        _ => *result = Some(Err(refused(Operation::Add(*address), refusal))),
                    }
                })
            });
            if let Err(error) = answered {
                for plan in chunk {
                    if let Some((address, result)) =
                        addresses.get(plan.place).zip(results.get_mut(plan.place))
                    {
                        *result = Some(Err(Error::socket(Operation::Add(*address), &error)));
                    }
                }
            }
        }
    }
}

/// Whether it is tried before the kernel is asked what is there.
fn goes_out_first(address: &Address) -> bool {
    address.fault().is_none() && address.foreign() == IfForeign::Adopt
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Remove,
    Add,
}

impl Part {
    const fn deed(self) -> Deed {
        match self {
            Self::Remove => Deed::Remove,
            Self::Add => Deed::Add,
        }
    }
}

enum Decision {
    Nothing(Ensured),
    Do(Plan),
}

struct Plan {
    place: usize,
    /// The prefix length of what has to go first.
    remove_first: Option<u8>,
    if_there: IfThere,
    outcome: Ensured,
}

fn plan(place: usize, address: &Address, there: &[Assigned]) -> Result<Decision, Error> {
    let mut same = there.iter().filter(|assigned| assigned.is_at(address.index(), address.ip()));
    // IPv4 has an entry for each prefix length, IPv6 one for all of them.
    let exact = same.clone().find(|assigned| assigned.prefix_len == address.prefix_len());
    let any = same.next();
    let leave = address.foreign() == IfForeign::Leave;
    let found = exact.or_else(|| any.filter(|_| leave || address.ip().is_ipv6()));
    let Some(found) = found else {
        let if_there = if leave { IfThere::Refuse } else { IfThere::Replace };
        return Ok(Decision::Do(Plan { place, remove_first: None, if_there, outcome: Ensured::Added }));
    };
    let ours = found.is_tagged(address.tag());
    if leave && !ours {
        return Ok(Decision::Nothing(Ensured::LeftForeign));
    }
    let outcome = if ours { Ensured::Renewed } else { Ensured::Adopted };
    let remove_first = match found.compared_with(address) {
        Difference::None => return Ok(Decision::Nothing(Ensured::AlreadySo)),
        Difference::InPlace => None,
        Difference::OnlyByRemoving if takes_others_along(found, there) => {
            return Err(Error::HasSecondaries { address: *address });
        }
        Difference::OnlyByRemoving => Some(found.prefix_len),
    };
    Ok(Decision::Do(Plan { place, remove_first, if_there: IfThere::Replace, outcome }))
}

/// Whether removing this one removes others, too: its secondaries, unless they are promoted.
pub(super) fn takes_others_along(primary: &Assigned, there: &[Assigned]) -> bool {
    let std::net::IpAddr::V4(ip) = primary.ip else { return false };
    if primary.flags.contains(AddressFlags::SECONDARY) || primary.prefix_len >= 32 {
        return false;
    }
    let mask = u32::MAX.checked_shl(32 - u32::from(primary.prefix_len)).unwrap_or(0);
    let has_secondaries = there.iter().any(|other| match other.ip {
        std::net::IpAddr::V4(other_ip) => {
            other.index == primary.index
                && other.prefix_len == primary.prefix_len
                && other.flags.contains(AddressFlags::SECONDARY)
                && (u32::from(other_ip) ^ u32::from(ip)) & mask == 0
        }
        std::net::IpAddr::V6(_) => false,
    });
    has_secondaries && sysctl::read("ipv4/conf/all/promote_secondaries").ok().as_deref() != Some("1")
}

/// What is there, asked for once for each interface and family.
#[derive(Default)]
pub(super) struct Lists(Vec<(u32, u8, Result<Vec<Assigned>, Error>)>);

impl Lists {
    pub(super) fn on(&mut self, handle: &mut Handle, address: &Address) -> Result<&[Assigned], Error> {
        let (index, family) = (address.index(), family_of(address.ip()));
        let known = self.0.iter().position(|(i, f, _)| (*i, *f) == (index, family));
        let place = known.unwrap_or_else(|| {
            self.0.push((index, family, handle.list_family(family, index)));
            self.0.len() - 1
        });
        match self.0.get(place) {
            Some((_, _, Ok(there))) => Ok(there),
            Some((_, _, Err(error))) => Err(error.clone()),
            None => Ok(&[]),
        }
    }
}
