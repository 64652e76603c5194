//! The addresses: held while the election says so, let go when it does not, announced, renewed, put back when somebody
//! takes them away. A thread of its own, because the kernel's answer may take a while and an advertisement must not wait.

mod held;
mod others;
mod places;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::mpsc as blocking;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use garp::LinkEvent;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tracing::{error, info, warn};
use vip_netlink::{
    Address, AsyncMonitor, By, Concern, Ensured, Event, Handle, Label, Lease, Macvlan, Monitor, Removed,
    Scope, Tag, Watch, destroy_tcp, preflight,
};
use vrrp_net::{Report, Standings};
use vrrp_proto::{Priority, State};

use self::held::{Act, Change, Held, Repair};
use self::places::{all, device, devices, macvlan};
use super::devices::Devices;
use super::events::{Journal, Transition};
use super::{StartError, sys};
use crate::config;

/// The thread that holds addresses, until its routers are gone.
#[derive(Debug)]
pub(super) struct Addresses(JoinHandle<()>);

impl Addresses {
    /// Sweeps what an earlier life left behind, makes the macvlans, and follows the standings from then on.
    pub(super) fn start(
        config: &config::Keeper,
        standings: Vec<Standings>,
        journal: Journal,
    ) -> Result<Self, StartError> {
        let config = config.clone();
        let (tell, told) = blocking::channel();
        let thread = thread::Builder::new().name("addresses".to_owned()).spawn(move || {
            if config.realtime_priority > 0 {
                // Behind the advertisements; whether that is allowed the election has said.
                sys::real_time(config.realtime_priority.saturating_sub(1).max(1)).ok();
            }
            let runtime = match Builder::new_current_thread().enable_io().enable_time().build() {
                Ok(runtime) => runtime,
                Err(source) => return drop(tell.send(Err(StartError::Thread { source }))),
            };
            runtime.block_on(async {
                match Holder::new(config, standings, journal) {
                    Ok(holder) => {
                        tell.send(Ok(())).ok();
                        holder.run().await;
                    }
                    Err(error) => drop(tell.send(Err(error))),
                }
            });
        });
        let thread = thread.map_err(|source| StartError::Thread { source })?;
        told.recv()
            .unwrap_or_else(|_| Err(StartError::Thread { source: std::io::Error::other("it died") }))?;
        Ok(Self(thread))
    }

    /// Waits until everything is let go, which follows from the end of the election.
    pub(super) fn join(self) {
        if self.0.join().is_err() {
            error!("the thread that holds addresses died; the kernel removes them when their lease runs out");
        }
    }
}

#[derive(Debug)]
struct Holder {
    config: config::Keeper,
    handle: Handle,
    monitor: AsyncMonitor,
    /// What the election says of each router, and what is remembered of its addresses.
    standings: Vec<Standings>,
    routers: Vec<Held>,
    devices: Devices,
    macvlans: Vec<Macvlan>,
    seen: mpsc::UnboundedReceiver<garp::Sighting>,
    lease: Lease,
    journal: Journal,
}

impl Holder {
    fn new(config: config::Keeper, standings: Vec<Standings>, journal: Journal) -> Result<Self, StartError> {
        let failed = |source| StartError::Netlink { source };
        let mut handle = Handle::open().map_err(failed)?;
        for swept in handle.sweep(Tag::VIP, &[]).map_err(failed)? {
            info!("removed {swept:?}, left behind by an earlier life");
        }
        let mut macvlans = Vec::new();
        for router in &config.routers {
            if router.link_layer == config::LinkLayer::Virtual {
                macvlans.push(Macvlan::ensure(&mut handle, &macvlan(router)).map_err(failed)?);
            }
        }
        let names: Vec<String> = config.routers.iter().flat_map(devices).collect();
        let monitor = Monitor::open(Watch::only(names.clone()).ours(&handle)).map_err(failed)?;
        let monitor = AsyncMonitor::new(monitor).map_err(failed)?;
        let seconds = u32::try_from(config.lease.as_secs()).unwrap_or(u32::MAX);
        let (saw, seen) = mpsc::unbounded_channel();
        others::watch(&config, &macvlans, &saw);
        let now = Instant::now();
        let mut this = Self {
            routers: standings.iter().map(|_| Held::new(now)).collect(),
            standings,
            config,
            handle,
            monitor,
            devices: Devices::default(),
            macvlans,
            seen,
            lease: Lease::from_secs(seconds),
            journal,
        };
        this.preflight()?;
        Ok(this)
    }

    /// Says what will bite on this host; without the right to change addresses there is nothing to start.
    fn preflight(&mut self) -> Result<(), StartError> {
        let mut addresses: Vec<Address> = Vec::new();
        for place in 0..self.routers.len() {
            addresses.extend(self.addresses(place));
        }
        for finding in preflight(&mut self.handle, &addresses) {
            match finding.concern {
                Concern::Capability => return Err(StartError::Capability { finding: finding.to_string() }),
                // What the election is for: it sees to that by itself, and says so.
                Concern::Down | Concern::NoCarrier | Concern::NoInterface => {}
                _ => warn!("{finding}"),
            }
        }
        Ok(())
    }

    async fn run(mut self) {
        let (ring, mut bell) = mpsc::unbounded_channel();
        for (place, standings) in self.standings.iter().enumerate() {
            let (mut standings, ring) = (standings.clone(), ring.clone());
            tokio::spawn(async move {
                standings.mark_changed();
                while standings.changed().await.is_ok() {
                    if ring.send(Some(place)).is_err() {
                        return;
                    }
                }
                // The election has ended.
                ring.send(None).ok();
            });
        }
        drop(ring);
        let mut renew = tokio::time::interval(self.lease.renew_after());
        renew.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut left = self.routers.len();
        while left > 0 || self.lingering().is_some() {
            let due = self.devices.send_due(Instant::now());
            let due = [due, self.due()].into_iter().flatten().min();
            let pause = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                rung = bell.recv(), if left > 0 => match rung {
                    Some(Some(place)) => self.reconcile(place),
                    Some(None) => left -= 1,
                    None => left = 0,
                },
                event = self.monitor.next() => match event {
                    Ok(event) => self.changed(event),
                    Err(error) => {
                        error!("blind to changes of links: {error}");
                        tokio::time::sleep(Duration::from_secs(1)).await;
                    }
                },
                _ = renew.tick() => self.renew(),
                Some(sighting) = self.seen.recv() => self.somebody_else(sighting),
                () = pause => {}
            }
            self.end_lingering();
            self.defend();
        }
        for place in 0..self.routers.len() {
            self.let_go(place);
        }
        for macvlan in self.macvlans {
            if let Err(error) = macvlan.remove(&mut self.handle) {
                warn!("{error}");
            }
        }
    }

    /// Makes it so that the addresses are where the election says.
    fn reconcile(&mut self, place: usize) {
        let both = self.standings.get_mut(place).zip(self.routers.get_mut(place));
        let Some((standings, held)) = both else { return };
        let report = standings.borrow_and_update().clone();
        let begun = Instant::now();
        let change = held.heed((&report.status.standing).into(), begun);
        match change.act {
            Act::Take => self.take(place),
            Act::LetGo => self.let_go(place),
            Act::FallSilent => self.fall_silent(place),
            Act::Contended => self.contended(place),
            Act::Nothing => {}
        }
        let moved = change.moved.then(|| begun.elapsed());
        self.tell(place, &change, &report, moved);
    }

    /// One line for a person, one event for whoever listens.
    fn tell(&self, place: usize, change: &Change, report: &Report, moved: Option<Duration>) {
        let Some(router) = self.config.routers.get(place) else { return };
        let (before, lasted) = (change.before, change.lasted);
        let standing = report.status.standing;
        let (id, state, reason) = (&router.id, standing.state, super::why(standing.reason));
        let priority = standing.priority.value();
        if before == state {
            info!("{id}: {state:?}, priority {priority}: {reason}");
        } else {
            let addresses =
                moved.map(|moved| format!("; addresses moved in {moved:.1?}")).unwrap_or_default();
            info!(
                "{id}: {before:?} -> {state:?} after {lasted:.1?}, priority {priority}: {reason}{addresses}"
            );
        }
        self.journal.record(Transition {
            router: place,
            from: before,
            to: state,
            priority: if state == State::Fault { Priority::RELEASE.value() } else { priority },
            reason,
        });
    }

    fn take(&mut self, place: usize) {
        let begun = Instant::now();
        if let Some(held) = self.routers.get_mut(place) {
            held.taken();
        }
        let addresses = self.addresses(place);
        let results = self.handle.ensure(&addresses);
        let announce = self.config.routers.get(place).and_then(|router| router.announce);
        for (address, result) in addresses.iter().zip(results) {
            match result {
                Ok(Ensured::AlreadySo | Ensured::Renewed | Ensured::Added) => {}
                Ok(how) => warn!("{address}: {how:?}"),
                Err(error) => {
                    error!("cannot hold {address}: {error}{}", cure(&error));
                    continue;
                }
            }
            self.devices.hold(address.index(), address.ip(), announce.as_ref(), begun);
        }
        self.devices.send_due(Instant::now());
    }

    /// Not a word more about the addresses, which stay until the successor's is heard.
    fn fall_silent(&mut self, place: usize) {
        let addresses = self.addresses(place);
        self.silence(&addresses);
    }

    fn silence(&mut self, addresses: &[Address]) {
        for address in addresses {
            self.devices.release(address.index(), address.ip());
        }
    }

    /// When the next one that lingers goes.
    fn lingering(&self) -> Option<Instant> {
        self.routers.iter().filter_map(Held::lingers_until).min()
    }

    /// When there is something to do by itself.
    fn due(&self) -> Option<Instant> {
        let defend = self.routers.iter().filter_map(Held::defends_at);
        self.lingering().into_iter().chain(defend).min()
    }

    fn end_lingering(&mut self) {
        let now = Instant::now();
        for place in 0..self.routers.len() {
            if self.routers.get_mut(place).is_some_and(|held| held.end_lingering(now)) {
                self.let_go(place);
            }
        }
    }

    fn let_go(&mut self, place: usize) {
        let addresses = self.addresses(place);
        self.silence(&addresses);
        // A sender learns of it by a reset, and not by its next timeout. What the kernel has acknowledged can still be
        // read. Once more when the address is gone: until then the listener took new ones.
        reset(&addresses);
        for (address, result) in addresses.iter().zip(self.handle.remove(&addresses)) {
            match result {
                Ok(Removed::Removed | Removed::NotThere | Removed::InterfaceGone) => {}
                Ok(how) => warn!("{address}: {how:?}"),
                Err(error) => error!("cannot let go of {address}: {error}{}", cure(&error)),
            }
        }
        reset(&addresses);
    }

    fn contended(&mut self, place: usize) {
        let now = Instant::now();
        for address in self.addresses(place) {
            self.devices.contended(address.index(), address.ip(), now);
        }
    }

    /// The kernel is told that we are still here, and what is missing is put back.
    fn renew(&mut self) {
        for place in 0..self.routers.len() {
            if self.routers.get(place).is_some_and(Held::is_here) {
                self.ensure_again(place);
            }
        }
    }

    fn ensure_again(&mut self, place: usize) {
        let addresses = self.addresses(place);
        let now = Instant::now();
        let announce = self.config.routers.get(place).and_then(|router| router.announce);
        for (address, result) in addresses.iter().zip(self.handle.ensure(&addresses)) {
            match result {
                Ok(Ensured::Added) => {
                    info!("put {address} back and announced it");
                    self.devices.hold(address.index(), address.ip(), announce.as_ref(), now);
                    self.devices.again(address.index(), address.ip(), now);
                }
                Ok(_) => {}
                Err(error) => warn!("cannot renew {address}: {error}{}", cure(&error)),
            }
        }
    }

    fn changed(&mut self, event: Event) {
        let now = Instant::now();
        match event {
            Event::CarrierUp { index } => {
                self.devices.link(index, LinkEvent::Carrier(garp::Carrier::Present), now)
            }
            Event::CarrierLost { index } => {
                self.devices.link(index, LinkEvent::Carrier(garp::Carrier::Absent), now)
            }
            Event::MacChanged { index, .. } => self.devices.link(index, LinkEvent::MacChanged, now),
            Event::NotifyPeers { index } => self.devices.link(index, LinkEvent::NotifyPeers, now),
            Event::LinkGone { index, .. } => self.devices.link(index, LinkEvent::Gone, now),
            Event::AddressRemoved { address, by } if by != By::Us => {
                if let Some(place) = places::owner(&self.config, address.ip) {
                    self.taken_away(place, address.ip, by);
                }
            }
            Event::LinkAppeared { .. } | Event::Resynced { .. } => self.renew(),
            _ => {}
        }
    }

    fn taken_away(&mut self, place: usize, ip: IpAddr, by: By) {
        let Some(held) = self.routers.get_mut(place) else { return };
        match held.removed_by_another(Instant::now()) {
            Repair::Now => {
                warn!("{ip} was removed by {by:?}");
                self.ensure_again(place);
            }
            Repair::Later => {
                warn!("{ip} is removed again and again by {by:?}: put back only when the lease is renewed");
            }
            Repair::StillLater | Repair::NotOurs => {}
        }
    }

    fn somebody_else(&mut self, seen: garp::Sighting) {
        let Some(place) = places::owner(&self.config, seen.address) else { return };
        let now = Instant::now();
        let Some(held) = self.routers.get_mut(place) else { return };
        if held.claimed_by_another(now) {
            for address in self.addresses(place).iter().filter(|address| address.ip() == seen.address) {
                self.devices.again(address.index(), address.ip(), now);
            }
        }
        let Some(held) = self.routers.get_mut(place).filter(|held| held.is_settled(now)) else { return };
        held.defend_later(seen.address, now);
        let [a, b, c, d, e, f] = seen.mac;
        let who = format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}");
        warn!("{} is claimed by {who} as well ({:?})", seen.address, seen.kind);
    }

    /// Tells the neighbours once more whose it is (RFC 5227 §2.4).
    fn defend(&mut self) {
        let now = Instant::now();
        for held in &mut self.routers {
            if let Some(address) = held.defend(now) {
                self.devices.challenged(address, now);
            }
        }
    }

    /// As the kernel is to have them; without those whose interface is not there.
    fn addresses(&mut self, place: usize) -> Vec<Address> {
        let Some(router) = self.config.routers.get(place) else { return Vec::new() };
        let mut indexes: HashMap<String, Option<u32>> = HashMap::new();
        let mut addresses = Vec::new();
        for wanted in all(router) {
            let name = device(router, wanted);
            let handle = &mut self.handle;
            let index = *indexes
                .entry(name.clone())
                .or_insert_with(|| handle.link_named(&name).ok().map(|link| link.index));
            let Some(index) = index else { continue };
            let mut address = Address::new(index, wanted.address.address)
                .with_prefix_len(wanted.address.prefix)
                .with_lease(self.lease);
            if let Some(label) = wanted.label.as_deref().and_then(Label::new) {
                address = address.with_label(label);
            }
            address = match wanted.scope {
                config::Scope::Global => address,
                config::Scope::Site => address.with_scope(Scope::SITE),
                config::Scope::Link => address.with_scope(Scope::LINK),
                config::Scope::Host => address.with_scope(Scope::HOST),
            };
            addresses.push(address);
        }
        addresses
    }
}

/// Closes connections that are bound to addresses which go away.
fn reset(addresses: &[Address]) {
    for address in addresses {
        match destroy_tcp(address.ip()) {
            Ok(0) => {}
            Ok(closed) => info!("{}: {closed} connections reset, their senders connect anew", address.ip()),
            Err(error) => warn!("cannot reset the connections of {}: {error}", address.ip()),
        }
    }
}

fn cure(error: &vip_netlink::Error) -> String {
    error.cure().map(|cure| format!(" ({cure})")).unwrap_or_default()
}
