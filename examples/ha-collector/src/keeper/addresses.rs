//! The addresses: held while the election says so, let go when it does not, announced, renewed, put back when somebody
//! takes them away. A thread of its own, because the kernel's answer may take a while and an advertisement must not wait.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::mpsc as blocking;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use garp::{AsyncWatch, Interface, LinkEvent};
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tracing::{error, info, warn};
use vip_netlink::{
    Address, AsyncMonitor, By, Concern, Ensured, Event, Handle, Label, Lease, Macvlan, MacvlanMode,
    MacvlanOptions, Monitor, Removed, Scope, Tag, Watch, destroy_tcp, preflight,
};
use vrrp_net::{Report, Standings};
use vrrp_proto::{Priority, Reason, State};

use super::devices::Devices;
use super::election::macvlan_name;
use super::events::{Journal, Transition};
use super::{StartError, sys};
use crate::config;

/// Addresses are put back at once so often within [`REPAIR_WINDOW`]; after that only when the lease is renewed.
const MOST_REPAIRS: u32 = 10;
const REPAIR_WINDOW: Duration = Duration::from_secs(10);
/// Who gives an address up to another one keeps receiving until the other one has told the neighbours, but no longer than
/// this: a successor that nobody hears must not be outlived.
const LONGEST_LINGER: Duration = Duration::from_millis(500);
/// From the successor's word to the neighbours until they have acted on it.
const HEARD_BY_ALL: Duration = Duration::from_millis(20);
/// A successor may tell the neighbours so long before we have understood that it is one.
const JUST_BEFORE: Duration = Duration::from_millis(20);
/// Two that both think they have it must not contradict each other for ever.
const MOST_LAST_WORDS: u32 = 5;
/// Before an address is defended the election has had its say: a better router announces as well.
const THINK: Duration = Duration::from_millis(200);
/// Who had the address before us may speak of it for so long.
const SETTLED_AFTER: Duration = Duration::from_secs(1);

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

/// One virtual router's addresses.
#[derive(Debug)]
struct Held {
    standings: Standings,
    state: State,
    since: Instant,
    /// Whether its addresses are to be there.
    wanted: Wanted,
    handing_over: Handing,
    /// As the election counts them: one more, and the neighbours are to be told again.
    announcements: u32,
    /// When somebody else last told the neighbours that the address is theirs.
    claimed: Option<Instant>,
    /// How often the one before us was contradicted since we took it.
    last_words: u32,
    /// When it is looked whether that was a conflict, and for which address.
    defend_at: Option<(Instant, IpAddr)>,
    repairs: u32,
    repairs_since: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Here,
    /// Another one has it; it goes at this moment, or when that one has been heard.
    /// A word of the successor's counts from `since` on.
    Lingering {
        since: Instant,
        until: Instant,
    },
    Elsewhere,
}

/// Whether a successor has been heard and is being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handing {
    Nothing,
    /// A word of the successor's counts from here on.
    Over {
        since: Instant,
    },
}

#[derive(Debug)]
struct Holder {
    config: config::Keeper,
    handle: Handle,
    monitor: AsyncMonitor,
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
        watch_for_others(&config, &macvlans, &saw);
        let now = Instant::now();
        let routers = standings.into_iter().map(|standings| Held {
            standings,
            state: State::Initialize,
            since: now,
            wanted: Wanted::Elsewhere,
            handing_over: Handing::Nothing,
            announcements: 0,
            claimed: None,
            last_words: 0,
            defend_at: None,
            repairs: 0,
            repairs_since: now,
        });
        let mut this = Self {
            routers: routers.collect(),
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
        for (place, held) in self.routers.iter().enumerate() {
            let (mut standings, ring) = (held.standings.clone(), ring.clone());
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
        let Some(held) = self.routers.get_mut(place) else { return };
        let report = held.standings.borrow_and_update().clone();
        let standing = report.status.standing;
        let (before, wanted_before, announced) = (held.state, held.wanted, held.announcements);
        let begun = Instant::now();
        let wanted = match (standing.holds_addresses(), wanted_before, standing.reason) {
            (true, ..) => Wanted::Here,
            // Somebody else is Active, or about to be: until the neighbours know, what they send comes here.
            (false, Wanted::Here, Reason::Outranked { .. } | Reason::HandedOver { .. }) => {
                let since = match held.handing_over {
                    Handing::Over { since } => since,
                    Handing::Nothing => begun.checked_sub(JUST_BEFORE).unwrap_or(begun),
                };
                Wanted::Lingering { since, until: begun + LONGEST_LINGER }
            }
            // A node that stops after that has still given it up to somebody.
            (false, Wanted::Lingering { .. }, _) if standing.state != State::Fault => wanted_before,
            (false, ..) => Wanted::Elsewhere,
        };
        let was_handing_over = held.handing_over != Handing::Nothing;
        held.handing_over = match (gives_up(standing.reason), held.handing_over) {
            (Gives::Up, Handing::Nothing) => Handing::Over { since: begun },
            (Gives::Up, over) => over,
            (Gives::Nothing, _) => Handing::Nothing,
        };
        let held_handing = held.handing_over;
        held.state = standing.state;
        held.wanted = wanted;
        held.announcements = standing.announcements;
        let lasted = begun.saturating_duration_since(held.since);
        if before != standing.state {
            held.since = begun;
        }
        match (wanted_before, wanted) {
            (Wanted::Elsewhere | Wanted::Lingering { .. }, Wanted::Here) => self.take(place),
            (Wanted::Here | Wanted::Lingering { .. }, Wanted::Elsewhere) => self.let_go(place),
            (Wanted::Here, Wanted::Lingering { .. }) => self.fall_silent(place),
            // A successor may speak at any moment; a word of ours after its would bring senders back.
            (Wanted::Here, Wanted::Here) if held_handing != Handing::Nothing => self.fall_silent(place),
            (Wanted::Here, Wanted::Here) if was_handing_over => self.take(place),
            (Wanted::Here, Wanted::Here) if announced != standing.announcements => self.contended(place),
            (Wanted::Here, Wanted::Here)
            | (Wanted::Elsewhere | Wanted::Lingering { .. }, Wanted::Lingering { .. }) => {}
            (Wanted::Elsewhere, Wanted::Elsewhere) => {}
        }
        let at_once = wanted_before != wanted && !matches!(wanted, Wanted::Lingering { .. });
        let moved = at_once.then(|| begun.elapsed());
        self.tell(place, before, &report, lasted, moved);
    }

    /// One line for a person, one event for whoever listens.
    fn tell(&self, place: usize, before: State, report: &Report, lasted: Duration, moved: Option<Duration>) {
        let Some(router) = self.config.routers.get(place) else { return };
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
            // What others said before us counts no more.
            held.claimed = None;
            held.last_words = 0;
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
        let ends = self.routers.iter().filter_map(|held| match held.wanted {
            Wanted::Lingering { since, until } => Some(linger_end(held, since, until)),
            Wanted::Here | Wanted::Elsewhere => None,
        });
        ends.min()
    }

    /// When there is something to do by itself.
    fn due(&self) -> Option<Instant> {
        let defend = self.routers.iter().filter_map(|held| held.defend_at).map(|(at, _)| at);
        self.lingering().into_iter().chain(defend).min()
    }

    fn end_lingering(&mut self) {
        let now = Instant::now();
        for place in 0..self.routers.len() {
            let Some(held) = self.routers.get_mut(place) else { continue };
            if let Wanted::Lingering { since, until } = held.wanted
                && linger_end(held, since, until) <= now
            {
                held.wanted = Wanted::Elsewhere;
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
            if self.routers.get(place).is_some_and(|held| held.wanted == Wanted::Here) {
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
                if let Some(place) = self.owner_of(address.ip) {
                    self.taken_away(place, address.ip, by);
                }
            }
            Event::LinkAppeared { .. } | Event::Resynced { .. } => self.renew(),
            _ => {}
        }
    }

    /// The router whose address this is.
    fn owner_of(&self, ip: IpAddr) -> Option<usize> {
        self.config.routers.iter().position(|router| all(router).any(|held| held.address.address == ip))
    }

    fn taken_away(&mut self, place: usize, ip: IpAddr, by: By) {
        let now = Instant::now();
        let Some(held) = self.routers.get_mut(place) else { return };
        if held.wanted == Wanted::Elsewhere {
            return;
        }
        if now.saturating_duration_since(held.repairs_since) > REPAIR_WINDOW {
            held.repairs = 0;
            held.repairs_since = now;
        }
        held.repairs += 1;
        if held.repairs <= MOST_REPAIRS {
            warn!("{ip} was removed by {by:?}");
            self.ensure_again(place);
        } else if held.repairs == MOST_REPAIRS + 1 {
            warn!("{ip} is removed again and again by {by:?}: put back only when the lease is renewed");
        }
    }

    fn somebody_else(&mut self, seen: garp::Sighting) {
        let Some(place) = self.owner_of(seen.address) else { return };
        let now = Instant::now();
        let Some(held) = self.routers.get_mut(place) else { return };
        held.claimed = Some(now);
        // Who had it before us has spoken after us: senders are told once more, now and not at the next repeat.
        let just_taken = held.wanted == Wanted::Here && held.handing_over == Handing::Nothing;
        if just_taken && held.since.elapsed() <= SETTLED_AFTER && held.last_words < MOST_LAST_WORDS {
            held.last_words += 1;
            for address in self.addresses(place).iter().filter(|address| address.ip() == seen.address) {
                self.devices.again(address.index(), address.ip(), now);
            }
        }
        let [a, b, c, d, e, f] = seen.mac;
        let who = format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}");
        if self.settled(place) {
            warn!("{} is claimed by {who} as well ({:?})", seen.address, seen.kind);
            if let Some(held) = self.routers.get_mut(place) {
                held.defend_at.get_or_insert_with(|| (Instant::now() + THINK, seen.address));
            }
        }
    }

    /// While an address changes hands both speak of it, and that is no conflict.
    fn settled(&self, place: usize) -> bool {
        self.routers.get(place).is_some_and(|held| {
            let reason = held.standings.borrow().status.standing.reason;
            let moving =
                matches!(reason, Reason::Yielding | Reason::HandingOver { .. } | Reason::Demoted { .. });
            held.wanted == Wanted::Here && !moving && held.since.elapsed() > SETTLED_AFTER
        })
    }

    /// Tells the neighbours once more whose it is (RFC 5227 §2.4), where the election says the same as before.
    fn defend(&mut self) {
        let now = Instant::now();
        for place in 0..self.routers.len() {
            let due = self.routers.get(place).and_then(|held| held.defend_at).filter(|(at, _)| *at <= now);
            let Some((_, address)) = due else { continue };
            if let Some(held) = self.routers.get_mut(place) {
                held.defend_at = None;
            }
            if self.settled(place) {
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

/// Whether the election looks for a successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gives {
    Up,
    Nothing,
}

const fn gives_up(reason: Reason) -> Gives {
    match reason {
        Reason::Yielding | Reason::HandingOver { .. } | Reason::Demoted { .. } => Gives::Up,
        _ => Gives::Nothing,
    }
}

/// When the successor has been heard by all, or is waited for no longer.
fn linger_end(held: &Held, since: Instant, until: Instant) -> Instant {
    match held.claimed {
        Some(claimed) if claimed >= since => until.min(claimed + HEARD_BY_ALL),
        _ => until,
    }
}

fn all(router: &config::VirtualRouter) -> impl Iterator<Item = &config::VirtualAddress> {
    router.addresses.iter().chain(&router.excluded)
}

/// What holds this address: its own device, or the macvlan where the router has a MAC of its own.
fn device(router: &config::VirtualRouter, address: &config::VirtualAddress) -> String {
    if router.link_layer == config::LinkLayer::Virtual && address.device == router.interface {
        macvlan_name(router)
    } else {
        address.device.clone()
    }
}

fn devices(router: &config::VirtualRouter) -> impl Iterator<Item = String> {
    all(router).map(|address| device(router, address))
}

fn macvlan(router: &config::VirtualRouter) -> MacvlanOptions {
    let family = match router.family {
        vrrp_proto::Family::V4 => 1,
        vrrp_proto::Family::V6 => 2,
    };
    MacvlanOptions {
        parent: router.interface.clone(),
        name: macvlan_name(router),
        // RFC 9568 §7.3.
        mac: [0, 0, 0x5e, 0, family, router.vrid.number()],
        mode: MacvlanMode::Private,
        settings: vip_netlink::Settings::LikeKeepalived,
    }
}

/// Somebody who announces or answers for our addresses is heard of, on each interface that has some.
fn watch_for_others(
    config: &config::Keeper,
    macvlans: &[Macvlan],
    saw: &mpsc::UnboundedSender<garp::Sighting>,
) {
    let mut by_device: HashMap<String, Vec<IpAddr>> = HashMap::new();
    for router in &config.routers {
        for address in all(router) {
            by_device.entry(device(router, address)).or_default().push(address.address.address);
        }
    }
    let ours: Vec<[u8; 6]> = macvlans.iter().filter_map(|macvlan| macvlan.link().mac.ethernet()).collect();
    for (name, addresses) in by_device {
        let opened = Interface::by_name(&name).and_then(|interface| garp::Watch::open(interface, &addresses));
        let watch = opened.and_then(|watch| AsyncWatch::new(watch.also_ours(ours.iter().copied())));
        let mut watch = match watch {
            Ok(watch) => watch,
            Err(error) => {
                warn!("cannot watch {name} for others who claim its addresses: {error}");
                continue;
            }
        };
        let saw = saw.clone();
        tokio::spawn(async move {
            while let Ok(sighting) = watch.next().await {
                if saw.send(sighting).is_err() {
                    return;
                }
            }
        });
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
