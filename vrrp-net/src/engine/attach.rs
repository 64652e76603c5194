//! What the interfaces are now, and what follows from it for each router: faults, sockets, the address to send from.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use vrrp_proto::{Event, Fault, Instant, State};

use super::slot::Slot;
use super::{Engine, Role};
use crate::interface::Interface;
use crate::router::{Authentication, Reach};
use crate::socket::{self, OpenError, Protocol};

/// Links that keep changing are looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What could not be opened or sent is looked into again after this, besides when a link changes.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What the engine knows of the interfaces, looked up at most every 50 ms.
#[derive(Debug, Default)]
pub(super) struct Scene {
    interfaces: Vec<Interface>,
    /// Where our own words come from: the addresses of this host without the virtual ones, and what is sent from.
    pub(super) own: Vec<IpAddr>,
    looked: Option<Instant>,
    /// When they will be looked up again, if nothing rings before.
    pub(super) look_at: Option<Instant>,
}

impl Scene {
    pub(super) fn look_by(&mut self, at: Instant) {
        self.look_at = Some(self.look_at.map_or(at, |sooner| sooner.min(at)));
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.look_at.is_some_and(|at| at <= now)
    }
}

impl Engine {
    /// Looks the interfaces up, and tells every router what has changed for it.
    pub(super) fn look(&mut self, now: Instant) {
        if let Some(looked) = self.scene.looked
            && now.saturating_since(looked) < LOOK_EVERY
        {
            return self.scene.look_by(looked + LOOK_EVERY);
        }
        self.scene.looked = Some(now);
        self.scene.look_at = None;
        match Interface::all() {
            Ok(interfaces) => self.scene.interfaces = interfaces,
            // No memory, or no descriptor left: what was seen last still holds.
            Err(_later) => return self.scene.look_by(now + RETRY_AFTER),
        }
        self.attach_all(now);
    }

    /// As [`Engine::look`], for one router that was just added.
    pub(super) fn attach_new(
        &mut self,
        place: usize,
        interfaces: Vec<Interface>,
        now: Instant,
    ) -> Option<OpenError> {
        self.scene.interfaces = interfaces;
        let virtuals = self.virtual_addresses();
        let hopeless = self.attach(place, &virtuals, now);
        self.know_own(&virtuals);
        hopeless
    }

    fn attach_all(&mut self, now: Instant) {
        let virtuals = self.virtual_addresses();
        for place in 0..self.slots.len() {
            // What has no hope at its start may get some later; until then it is a fault.
            _ = self.attach(place, &virtuals, now);
        }
        self.know_own(&virtuals);
    }

    /// Those of all routers: one of them may stand on an interface before its own address, and belongs to whoever is
    /// Active.
    fn virtual_addresses(&self) -> HashSet<IpAddr> {
        self.slots.iter().flatten().flat_map(|slot| slot.options.addresses.iter().copied()).collect()
    }

    fn know_own(&mut self, virtuals: &HashSet<IpAddr>) {
        let here = self.scene.interfaces.iter().flat_map(Interface::addresses);
        let sources = self.slots.iter().flatten().filter_map(|slot| slot.packets.source());
        self.scene.own = here.copied().filter(|address| !virtuals.contains(address)).chain(sources).collect();
        self.scene.own.sort_unstable();
        self.scene.own.dedup();
    }

    /// Gives a router its sockets and its address, as its interfaces are now. `Some`: what only a person can mend.
    fn attach(&mut self, place: usize, virtuals: &HashSet<IpAddr>, now: Instant) -> Option<OpenError> {
        let slot = self.slots.get(place)?.as_ref()?;
        let (mut faults, source) = slot.look(&self.scene.interfaces, virtuals);
        let (hear, speak) = wants(slot, &self.scene.interfaces);
        let (old_hear, old_speak) = (slot.hears_by, slot.speaks_by);
        let before = slot.router.state();
        // Another interface of the same name: what stood on the first one is gone with it.
        if let (Some(old), Some(new)) = (old_hear, hear)
            && old.interface != new.interface
        {
            self.handle(place, Event::FaultRaised(Fault::LINK_DOWN), now);
        }
        for fault in &faults {
            self.handle(place, Event::FaultRaised(*fault), now);
        }
        // The release, as long as there is something to send it by.
        self.send();
        let mut hopeless = None;
        for (old, new, role) in [(old_hear, hear, Role::Hear), (old_speak, speak, Role::Speak)] {
            if old != new
                && let Some(error) = self.exchange(place, role, old, new)
            {
                self.scene.look_by(now + RETRY_AFTER);
                let lasting = matches!(
                    error,
                    OpenError::Privilege | OpenError::NoFamily { .. } | OpenError::NoGroup { .. }
                );
                if let Some(slot) = self.slot_mut(place) {
                    slot.trouble = Some(error.to_string());
                }
                if lasting {
                    hopeless = Some(error);
                }
            }
        }
        let slot = self.slot_mut(place)?;
        slot.packets.set_source(source);
        if (slot.hears_by.is_none() || slot.speaks_by.is_none()) && !faults.contains(&Fault::LINK_DOWN) {
            faults.push(Fault::LINK_DOWN);
            self.handle(place, Event::FaultRaised(Fault::LINK_DOWN), now);
        } else if faults.is_empty() && before != State::Active {
            // Who is Active learns by sending whether it is over.
            slot.trouble = None;
        }
        if let Some(source) = source {
            self.handle(place, Event::PrimaryAddressChanged(source), now);
        }
        for fault in [Fault::LINK_DOWN, Fault::NO_ADDRESS] {
            if !faults.contains(&fault) {
                self.handle(place, Event::FaultCleared(fault), now);
            }
        }
        hopeless
    }

    /// Another socket in this role, or none. `Some`: why it could not be had.
    fn exchange(
        &mut self,
        place: usize,
        role: Role,
        old: Option<socket::Options>,
        new: Option<socket::Options>,
    ) -> Option<OpenError> {
        let vrid = self.slot(place)?.options.election.vrid;
        let opened = new.map(|new| self.sockets.acquire(new, &self.epoll));
        let (used, error) = match opened {
            Some(Ok(())) => (new, None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        if let Some(old) = old {
            self.sockets.deafen(&old, vrid, place);
            self.sockets.release(&old);
        }
        if let Some(used) = &used {
            self.sockets.listen(used, vrid, place);
        }
        let slot = self.slot_mut(place)?;
        match role {
            Role::Hear => slot.hears_by = used,
            Role::Speak => slot.speaks_by = used,
        }
        error
    }
}

/// The sockets that a router should have, as its interfaces are now.
fn wants(slot: &Slot, interfaces: &[Interface]) -> (Option<socket::Options>, Option<socket::Options>) {
    let options = &slot.options;
    let index = |name: &str| interfaces.iter().find(|found| found.name() == name).map(Interface::index);
    let protocol = match options.authentication {
        Authentication::Ah(_) => Protocol::AuthenticationHeader,
        Authentication::None | Authentication::Pass(_) => Protocol::Vrrp,
    };
    let group = match options.reach {
        Reach::Multicast(group) => Some(group),
        Reach::Unicast(_) => None,
    };
    let family = options.family();
    let hear =
        index(&options.interface).map(|interface| socket::Options { interface, family, protocol, group });
    let speak = match options.transmit_interface.as_deref() {
        None => hear,
        // What peers send from the same virtual MAC the kernel gives to our macvlan alone.
        Some(name) => index(name).map(|interface| socket::Options { interface, family, protocol, group }),
    };
    (hear, speak)
}
