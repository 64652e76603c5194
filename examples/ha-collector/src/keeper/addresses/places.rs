//! Which device holds which address of a virtual router.

use std::net::IpAddr;

use vip_netlink::{MacvlanMode, MacvlanOptions};

use crate::config;
use crate::keeper::election::macvlan_name;

pub(super) fn all(router: &config::VirtualRouter) -> impl Iterator<Item = &config::VirtualAddress> {
    router.addresses.iter().chain(&router.excluded)
}

/// What holds this address: its own device, or the macvlan where the router has a MAC of its own.
pub(super) fn device(router: &config::VirtualRouter, address: &config::VirtualAddress) -> String {
    if router.link_layer == config::LinkLayer::Virtual && address.device == router.interface {
        macvlan_name(router)
    } else {
        address.device.clone()
    }
}

/// The devices that hold its addresses; a device that holds two comes twice.
pub(super) fn devices(router: &config::VirtualRouter) -> impl Iterator<Item = String> {
    all(router).map(|address| device(router, address))
}

/// The place of the router whose address this is.
pub(super) fn owner(config: &config::Keeper, ip: IpAddr) -> Option<usize> {
    config.routers.iter().position(|router| all(router).any(|held| held.address.address == ip))
}

/// The interface with the virtual router's own MAC.
pub(super) fn macvlan(router: &config::VirtualRouter) -> MacvlanOptions {
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
