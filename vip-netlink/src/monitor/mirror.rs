//! What the kernel has, as it was told; and what to tell when it is told something else.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::{By, Event};
use crate::assigned::Assigned;
use crate::link::Link;

/// All links and addresses: an interface may become one of interest by its name at any time. Only of those of
/// interest anything is told.
#[derive(Debug)]
pub(super) struct Mirror {
    names: Option<Vec<String>>,
    links: BTreeMap<u32, Link>,
    addresses: BTreeMap<Key, Assigned>,
    /// The interfaces of interest, by index.
    followed: BTreeSet<u32>,
}

type Key = (u32, IpAddr, u8);

impl Mirror {
    pub(super) const fn new(names: Option<Vec<String>>) -> Self {
        Self { names, links: BTreeMap::new(), addresses: BTreeMap::new(), followed: BTreeSet::new() }
    }

    pub(super) fn set_link(&mut self, link: Link, out: &mut VecDeque<Event>) {
        let index = link.index;
        let wanted = self.names.as_ref().is_none_or(|names| names.contains(&link.name));
        let old = self.links.insert(index, link.clone());
        if wanted && self.followed.insert(index) {
            out.push_back(Event::LinkAppeared { link });
            let known = self.addresses.values().filter(|address| address.index == index);
            out.extend(
                known.map(|address| Event::AddressAdded { address: address.clone(), by: By::Unknown }),
            );
            return;
        }
        if let Some(old) = old.filter(|_| self.followed.contains(&index)) {
            tell_changes(&old, &link, out);
        }
    }

    pub(super) fn remove_link(&mut self, index: u32, by: By, out: &mut VecDeque<Event>) {
        // The kernel has told of each of them before; this is for those that were never told.
        let on_it: Vec<Key> = self.addresses.keys().filter(|key| key.0 == index).copied().collect();
        for key in on_it {
            self.forget(key, by, out);
        }
        if let Some(link) = self.links.remove(&index)
            && self.followed.remove(&index)
        {
            out.push_back(Event::LinkGone { index, name: link.name });
        }
    }

    pub(super) fn notify_peers(&self, index: u32, out: &mut VecDeque<Event>) {
        if self.followed.contains(&index) {
            out.push_back(Event::NotifyPeers { index });
        }
    }

    pub(super) fn set_address(&mut self, address: Assigned, by: By, out: &mut VecDeque<Event>) {
        let told = self.followed.contains(&address.index).then(|| address.clone());
        match self.addresses.entry(key(&address)) {
            Entry::Vacant(vacant) => {
                vacant.insert(address);
                out.extend(told.map(|address| Event::AddressAdded { address, by }));
            }
            Entry::Occupied(mut occupied) => {
                let old = occupied.insert(address);
                let changed = |new: &Assigned| match by {
                    // Our own renewals are no news, and a list shows lifetimes that have moved on.
                    By::Us | By::Unknown => !same_but_for_time(&old, new),
                    By::Kernel | By::Other(_) => old != *new,
                };
                out.extend(told.filter(changed).map(|address| Event::AddressChanged { address, by }));
            }
        }
    }

    pub(super) fn remove_address(&mut self, address: &Assigned, by: By, out: &mut VecDeque<Event>) {
        self.forget(key(address), by, out);
    }

    /// Everything anew.
    pub(super) fn replace(&mut self, links: Vec<Link>, addresses: Vec<Assigned>, out: &mut VecDeque<Event>) {
        let there: BTreeSet<Key> = addresses.iter().map(key).collect();
        let gone: Vec<Key> = self.addresses.keys().filter(|key| !there.contains(key)).copied().collect();
        for key in gone {
            self.forget(key, By::Unknown, out);
        }
        let there: BTreeSet<u32> = links.iter().map(|link| link.index).collect();
        let gone: Vec<u32> = self.links.keys().filter(|index| !there.contains(index)).copied().collect();
        for index in gone {
            self.remove_link(index, By::Unknown, out);
        }
        for link in links {
            self.set_link(link, out);
        }
        for address in addresses {
            self.set_address(address, By::Unknown, out);
        }
    }

    pub(super) fn links(&self) -> impl Iterator<Item = &Link> {
        self.links.values().filter(|link| self.followed.contains(&link.index))
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = &Assigned> {
        self.addresses.values().filter(|address| self.followed.contains(&address.index))
    }

    fn forget(&mut self, key: Key, by: By, out: &mut VecDeque<Event>) {
        if let Some(address) = self.addresses.remove(&key)
            && self.followed.contains(&key.0)
        {
            out.push_back(Event::AddressRemoved { address, by });
        }
    }
}

fn tell_changes(old: &Link, new: &Link, out: &mut VecDeque<Event>) {
    let index = new.index;
    if old.name != new.name {
        out.push_back(Event::LinkRenamed { index, from: old.name.clone(), to: new.name.clone() });
    }
    if old.mac != new.mac {
        out.push_back(Event::MacChanged { index, from: old.mac, to: new.mac });
    }
    match (old.is_up(), new.is_up()) {
        (false, true) => out.push_back(Event::LinkUp { index }),
        (true, false) => out.push_back(Event::LinkDown { index }),
        _ => {}
    }
    let flapped = new.carrier_changes.wrapping_sub(old.carrier_changes) >= 2;
    match (old.is_ready(), new.is_ready()) {
        (false, true) => out.push_back(Event::CarrierUp { index }),
        (true, false) => out.push_back(Event::CarrierLost { index }),
        (true, true) if flapped => out.extend([Event::CarrierLost { index }, Event::CarrierUp { index }]),
        _ => {}
    }
}

fn same_but_for_time(old: &Assigned, new: &Assigned) -> bool {
    let deprecated = |address: &Assigned| address.preferred_for == Some(Duration::ZERO);
    let ends = |address: &Assigned| address.valid_for.is_some();
    let timeless = Assigned { valid_for: new.valid_for, preferred_for: new.preferred_for, ..old.clone() };
    timeless == *new && deprecated(old) == deprecated(new) && ends(old) == ends(new)
}

fn key(address: &Assigned) -> Key {
    (address.index, address.ip, address.prefix_len)
}
