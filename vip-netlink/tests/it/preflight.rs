use vip_netlink::{Address, Concern, Handle, Severity, preflight};

use crate::support::{in_a_namespace, ip, set, v4, v6, veth};

fn concerns(handle: &mut Handle, addresses: &[Address]) -> Vec<Concern> {
    preflight(handle, addresses).into_iter().map(|finding| finding.concern).collect()
}

in_a_namespace! {
    fn a_host_that_is_set_up_well_has_no_findings() {
        let (mut handle, index) = veth();
        set("ipv4/conf/v0/arp_announce", "2");
        set("ipv4/conf/all/rp_filter", "0");
        set("ipv4/conf/v0/rp_filter", "0");
        assert_eq!(preflight(&mut handle, &[v4(index), v6(index)]), []);
    }

    fn each_setting_that_will_bite_is_found() {
        let (mut handle, index) = veth();
        let short = v4(index).with_prefix_len(24);
        set("ipv4/conf/all/promote_secondaries", "0");
        set("ipv4/conf/v0/promote_secondaries", "0");
        set("ipv4/conf/v0/arp_ignore", "8");
        set("ipv4/conf/v0/arp_announce", "0");
        set("ipv4/conf/v0/rp_filter", "1");
        set("ipv4/conf/all/rp_filter", "0");
        set("ipv6/conf/v0/disable_ipv6", "1");
        let found = concerns(&mut handle, &[short, v6(index)]);
        let wanted = [
            Concern::ArpIgnore,
            Concern::DisableIpv6,
            Concern::ArpAnnounce,
            Concern::RpFilter,
            Concern::PromoteSecondaries,
        ];
        assert_eq!(found, wanted);
    }

    fn the_state_of_the_link_is_found() {
        let (mut handle, index) = veth();
        ip("link set v0 mtu 1000 arp off");
        ip("link set v1 down");
        let found = concerns(&mut handle, &[v6(index)]);
        for concern in [Concern::NoCarrier, Concern::Mtu, Concern::NoResolution] {
            assert!(found.contains(&concern), "{concern:?} in {found:?}");
        }
        ip("link set v0 down");
        assert!(concerns(&mut handle, &[v4(index)]).contains(&Concern::Down));
        ip("link del v0");
        assert_eq!(concerns(&mut handle, &[v4(index)]), [Concern::NoInterface]);
    }

    fn an_address_that_is_taken_on_this_host_is_found() {
        let (mut handle, index) = veth();
        ip("address add 192.0.2.100/24 dev v1");
        let findings = preflight(&mut handle, &[v4(index)]);
        let taken = findings.iter().find(|finding| finding.concern == Concern::Taken).unwrap();
        assert_eq!(taken.severity, Severity::Warning);
        assert!(taken.to_string().starts_with("192.0.2.100/24 on interface"), "{taken}");
    }
}
