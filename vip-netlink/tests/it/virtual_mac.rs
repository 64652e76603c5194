use vip_netlink::{Ensured, Error, Handle, Macvlan, MacvlanMode, MacvlanOptions, Settings};

use crate::support::{in_a_namespace, ip, on, set, setting, skip, v4, veth};

fn options(settings: Settings) -> MacvlanOptions {
    MacvlanOptions {
        parent: "v0".into(),
        name: "vrrp.7".into(),
        mac: [0, 0, 0x5e, 0, 1, 7],
        mode: MacvlanMode::Private,
        settings,
    }
}

/// `None`, and said so, where the kernel has no macvlan.
fn made(handle: &mut Handle, settings: Settings) -> Option<Macvlan> {
    match Macvlan::ensure(handle, &options(settings)) {
        Err(Error::Refused { errno: libc::EOPNOTSUPP, .. }) => {
            skip("the kernel has no macvlan");
            None
        }
        made => Some(made.unwrap()),
    }
}

fn of_parent() -> [String; 2] {
    ["arp_ignore", "arp_filter"].map(|name| setting(&format!("ipv4/conf/v0/{name}")))
}

in_a_namespace! {
    fn it_has_the_virtual_mac_and_takes_addresses() {
        let (mut handle, _) = veth();
        let Some(macvlan) = made(&mut handle, Settings::Untouched) else { return };
        assert_eq!(macvlan.link().mac.to_string(), "00:00:5e:00:01:07");
        assert!(macvlan.link().is_up());
        assert_eq!(macvlan.link().macvlan_mode, Some(MacvlanMode::Private));
        assert_eq!(handle.ensure(&[v4(macvlan.index())]), [Ok(Ensured::Added)]);
        // No address of the kernel's making.
        assert_eq!(on(&mut handle, macvlan.index()), ["192.0.2.100/32"]);
        assert_eq!(of_parent(), ["0", "0"]);
        macvlan.remove(&mut handle).unwrap();
        assert_eq!(handle.link_named("vrrp.7"), Err(Error::NoInterface { name: "vrrp.7".into() }));
    }

    fn settings_are_those_of_keepalived_and_are_put_back() {
        let (mut handle, _) = veth();
        set("ipv4/conf/v0/arp_filter", "0");
        set("ipv4/conf/all/rp_filter", "2");
        set("ipv4/conf/v0/rp_filter", "0");
        set("ipv4/conf/v1/rp_filter", "1");
        let Some(macvlan) = made(&mut handle, Settings::LikeKeepalived) else { return };
        let own = ["arp_ignore", "accept_local", "rp_filter"].map(|name| setting(&format!("ipv4/conf/vrrp.7/{name}")));
        assert_eq!(own, ["1", "1", "0"]);
        assert_eq!(of_parent(), ["1", "1"]);
        let filters = ["all", "v0", "v1"].map(|name| setting(&format!("ipv4/conf/{name}/rp_filter")));
        assert_eq!(filters, ["0", "2", "2"]);
        macvlan.remove(&mut handle).unwrap();
        assert_eq!(of_parent(), ["0", "0"]);
        let filters = ["all", "v0", "v1"].map(|name| setting(&format!("ipv4/conf/{name}/rp_filter")));
        assert_eq!(filters, ["2", "0", "1"]);
    }

    fn what_a_crash_left_changed_is_put_back_by_the_next_life() {
        let (mut handle, _) = veth();
        set("ipv4/conf/v0/arp_ignore", "2");
        let Some(crashed) = made(&mut handle, Settings::LikeKeepalived) else { return };
        let index = crashed.index();
        drop(crashed);
        assert_eq!(of_parent(), ["1", "1"]);
        let next = made(&mut handle, Settings::LikeKeepalived).unwrap();
        assert_eq!(next.index(), index);
        next.remove(&mut handle).unwrap();
        assert_eq!(of_parent(), ["2", "0"]);
    }

    fn an_interface_of_another_kind_under_its_name_is_left_alone() {
        let (mut handle, _) = veth();
        ip("link set v1 down");
        ip("link set v1 name vrrp.7");
        let error = Macvlan::ensure(&mut handle, &options(Settings::LikeKeepalived)).unwrap_err();
        assert_eq!(error.errno(), Some(libc::EEXIST), "{error}");
        assert_eq!(handle.link_named("vrrp.7").unwrap().kind.as_deref(), Some("veth"));
        assert_eq!(of_parent(), ["0", "0"]);
    }

    fn one_that_is_gone_already_is_removed_without_an_error() {
        let (mut handle, _) = veth();
        let Some(macvlan) = made(&mut handle, Settings::LikeKeepalived) else { return };
        ip("link del v0");
        assert_eq!(macvlan.remove(&mut handle), Ok(()));
    }
}
