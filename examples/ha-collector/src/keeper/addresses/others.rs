//! Hearing of others who announce or answer for our addresses, on each interface that has some.

use std::collections::HashMap;
use std::net::IpAddr;

use garp::{AsyncWatch, Interface, Sighting};
use tokio::sync::mpsc;
use tracing::warn;
use vip_netlink::Macvlan;

use super::places::{all, device};
use crate::config;

/// Tells of them from tasks of its own.
pub(super) fn watch(config: &config::Keeper, macvlans: &[Macvlan], saw: &mpsc::UnboundedSender<Sighting>) {
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
