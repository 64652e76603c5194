//! The announcements of the addresses on one interface: what is due when, the socket it leaves by, who else was seen.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use garp::{Interface, Keepalived, Link, LinkAdvice, LinkEvent, Schedule, Sender, Settings};
use tracing::{debug, warn};

use crate::config;

/// One interface that has virtual addresses.
#[derive(Debug)]
struct Device {
    schedule: Schedule,
    sender: Option<Sender>,
    link: Link,
}

/// All of them, by their index.
#[derive(Debug, Default)]
pub(super) struct Devices(HashMap<u32, Device>);

impl Devices {
    /// The address is ours: the neighbours are told now, and again as the settings have it.
    pub(super) fn hold(
        &mut self,
        index: u32,
        address: IpAddr,
        settings: Option<&config::Announce>,
        now: Instant,
    ) {
        let device = self.0.entry(index).or_insert_with(|| Device::new(index, settings));
        _ = device.schedule.hold(address, now);
    }

    /// Not one more word about it.
    pub(super) fn release(&mut self, index: u32, address: IpAddr) {
        if let Some(device) = self.0.get_mut(&index) {
            _ = device.schedule.release(address);
        }
    }

    /// It was taken away and has been put back.
    pub(super) fn again(&mut self, index: u32, address: IpAddr, now: Instant) {
        if let Some(device) = self.0.get_mut(&index) {
            _ = device.schedule.rearm(address, now);
        }
    }

    /// Somebody who loses against us has spoken.
    pub(super) fn contended(&mut self, index: u32, address: IpAddr, now: Instant) {
        if let Some(device) = self.0.get_mut(&index) {
            _ = device.schedule.lower_priority_heard(address, now);
        }
    }

    /// Somebody else has the address as well.
    pub(super) fn challenged(&mut self, address: IpAddr, now: Instant) {
        for device in self.0.values_mut() {
            _ = device.schedule.challenged(address, now);
        }
    }

    pub(super) fn link(&mut self, index: u32, event: LinkEvent, now: Instant) {
        if let Some(device) = self.0.get_mut(&index) {
            let advice = device.link.handle(event);
            if advice != LinkAdvice::Nothing {
                debug!(index, ?event, ?advice, "link");
            }
            device.schedule.follow(advice, now);
            if event == LinkEvent::Gone {
                self.0.remove(&index);
            }
        }
    }

    /// Sends what is due; gives when something is due next.
    pub(super) fn send_due(&mut self, now: Instant) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        for (index, device) in &mut self.0 {
            if device.sender.is_none() {
                device.sender =
                    Interface::by_index(*index).and_then(|interface| Sender::open(interface).ok());
            }
            if let Some(sender) = &mut device.sender
                && let Err(error) = sender.send_due(&mut device.schedule, now)
            {
                debug!(index, "announcements wait: {error}");
            }
            let due = if device.sender.is_some() {
                device.schedule.deadline()
            } else {
                Some(now + Duration::from_secs(1))
            };
            next = [next, due].into_iter().flatten().min();
        }
        next
    }
}

impl Device {
    fn new(index: u32, settings: Option<&config::Announce>) -> Self {
        let sender = Interface::by_index(index).and_then(|interface| match Sender::open(interface) {
            Ok(sender) => Some(sender),
            Err(error) => {
                warn!(index, "cannot announce addresses: {error}");
                None
            }
        });
        let carrier =
            sender.as_ref().and_then(|sender| sender.carrier().ok()).unwrap_or(garp::Carrier::Present);
        let settings = settings.map_or_else(Settings::default, |announce| {
            Keepalived {
                garp_master_delay: announce.delay,
                garp_master_repeat: announce.repeat.into(),
                garp_master_refresh: announce.refresh,
                garp_master_refresh_repeat: announce.refresh_repeat.into(),
                garp_lower_prio_delay: Some(announce.lower_priority_delay),
                garp_lower_prio_repeat: Some(announce.lower_priority_repeat.into()),
                garp_interval: announce.interval,
                gna_interval: announce.interval,
                ..Keepalived::default()
            }
            .into()
        });
        let seed = u64::from(std::process::id()) << 32 | u64::from(index);
        Self { schedule: Schedule::with_capacity(settings, seed, 16), sender, link: Link::new(carrier) }
    }
}
