use std::net::UdpSocket;
use std::time::Duration;

use vip_netlink::{
    Address, AddressFlags, AsSource, Detection, Ensured, Error, Event, Filter, Handle, IfForeign, Label,
    Lease, PrefixRoute, Scope, Tag,
};

use crate::support::{in_a_namespace, ip, listed, many, on, set, v4, v6, veth, watching};

/// The source that the machine chooses towards `to`.
fn source_towards(to: &str) -> String {
    let socket = UdpSocket::bind(if to.contains(':') { "[::]:0" } else { "0.0.0.0:0" }).unwrap();
    socket.connect((to, 9)).unwrap();
    socket.local_addr().unwrap().ip().to_string()
}

in_a_namespace! {
    fn ensured_twice_it_is_one_address_and_no_error() {
        let (mut handle, index) = veth();
        let both = [v4(index), v6(index)];
        assert_eq!(handle.ensure(&both), [Ok(Ensured::Added), Ok(Ensured::Added)]);
        assert_eq!(handle.ensure(&both), [Ok(Ensured::AlreadySo), Ok(Ensured::AlreadySo)]);
        assert_eq!(on(&mut handle, index), ["192.0.2.100/32", "2001:db8::100/128"]);
    }

    fn the_same_address_twice_in_one_call_is_added_once() {
        let (mut handle, index) = veth();
        assert_eq!(handle.ensure(&[v4(index), v4(index)]), [Ok(Ensured::Added), Ok(Ensured::AlreadySo)]);
    }

    fn nobody_is_told_of_an_address_that_is_so_already() {
        let (mut handle, index) = veth();
        assert!(handle.ensure(&[v4(index)])[0].is_ok());
        let mut monitor = watching(&handle);
        assert_eq!(handle.ensure(&[v4(index)]), [Ok(Ensured::AlreadySo)]);
        assert_eq!(monitor.next().unwrap(), None);
    }

    fn what_is_added_is_what_was_asked_for() {
        let (mut handle, index) = veth();
        let tag = Tag::new(99).unwrap();
        let four = v4(index)
            .with_prefix_len(24)
            .with_label(Label::new("v0:vip").unwrap())
            .with_scope(Scope::LINK)
            .with_prefix_route(PrefixRoute::Omit)
            .with_tag(tag)
            .with_lease(Lease::from_secs(100));
        assert_eq!(handle.ensure(&[four, v6(index)]), [Ok(Ensured::Added), Ok(Ensured::Added)]);
        let listed = listed(&mut handle, index);
        let [four, six] = listed.as_slice() else { panic!("{listed:?}") };
        assert_eq!((four.prefix_len, four.scope, four.label.as_deref()), (24, Scope::LINK, Some("v0:vip")));
        assert!(four.is_tagged(tag) && four.flags.contains(AddressFlags::NO_PREFIX_ROUTE));
        let valid = four.valid_for.unwrap();
        assert!(valid > Duration::from_secs(90) && valid <= Duration::from_secs(100));
        assert_eq!((six.preferred_for, six.valid_for), (Some(Duration::ZERO), None));
        assert!(six.is_tagged(Tag::VIP) && six.flags.contains(AddressFlags::NO_DAD) && six.is_usable());
    }

    fn a_lease_begins_anew_with_each_ensure() {
        let (mut handle, index) = veth();
        let leased = [v4(index), v6(index)].map(|address| address.with_lease(Lease::from_secs(50)));
        assert_eq!(handle.ensure(&leased), [Ok(Ensured::Added), Ok(Ensured::Added)]);
        let longer = leased.map(|address| address.with_lease(Lease::from_secs(500)));
        assert_eq!(handle.ensure(&longer), [Ok(Ensured::Renewed), Ok(Ensured::Renewed)]);
        assert!(listed(&mut handle, index).iter().all(|a| a.valid_for.unwrap() > Duration::from_secs(50)));
    }

    fn a_lease_can_be_taken_back() {
        let (mut handle, index) = veth();
        let plain = [v4(index), v6(index)];
        let leased = plain.map(|address| address.with_lease(Lease::from_secs(50)));
        assert_eq!(handle.ensure(&leased), [Ok(Ensured::Added), Ok(Ensured::Added)]);
        assert_eq!(handle.ensure(&plain), [Ok(Ensured::Renewed), Ok(Ensured::Renewed)]);
        assert!(listed(&mut handle, index).iter().all(|assigned| assigned.valid_for.is_none()));
    }

    fn the_same_ipv4_address_with_another_prefix_length_is_a_second_one() {
        let (mut handle, index) = veth();
        assert_eq!(handle.ensure(&[v4(index)]), [Ok(Ensured::Added)]);
        assert_eq!(handle.ensure(&[v4(index).with_prefix_len(24)]), [Ok(Ensured::Added)]);
        assert_eq!(on(&mut handle, index), ["192.0.2.100/32", "192.0.2.100/24"]);
    }

    fn the_prefix_length_of_an_ipv6_address_is_mended_although_the_kernel_would_keep_it() {
        let (mut handle, index) = veth();
        assert_eq!(handle.ensure(&[v6(index).with_prefix_len(64)]), [Ok(Ensured::Added)]);
        assert_eq!(handle.ensure(&[v6(index)]), [Ok(Ensured::Renewed)]);
        assert_eq!(on(&mut handle, index), ["2001:db8::100/128"]);
        assert_eq!(handle.ensure(&[v6(index)]), [Ok(Ensured::AlreadySo)]);
    }

    fn the_label_the_scope_and_the_flags_of_an_ipv4_address_are_mended_although_the_kernel_would_keep_them() {
        let (mut handle, index) = veth();
        let plain = v4(index).with_prefix_len(24);
        assert_eq!(handle.ensure(&[plain]), [Ok(Ensured::Added)]);
        for different in [
            plain.with_label(Label::new("zz:1").unwrap()),
            plain.with_source(AsSource::Avoid),
            plain.with_prefix_route(PrefixRoute::Omit),
        ] {
            assert_eq!(handle.ensure(&[different]), [Ok(Ensured::Renewed)], "{different:?}");
            assert_eq!(handle.ensure(&[different]), [Ok(Ensured::AlreadySo)], "{different:?}");
        }
    }

    fn a_mended_address_does_not_take_its_secondaries_along() {
        let (mut handle, index) = veth();
        let primary = v4(index).with_prefix_len(24);
        assert_eq!(handle.ensure(&[primary]), [Ok(Ensured::Added)]);
        ip("address add 192.0.2.1/24 dev v0");
        let different = primary.with_label(Label::new("zz:1").unwrap());
        assert_eq!(handle.ensure(&[different]), [Err(Error::HasSecondaries { address: different })]);
        assert_eq!(on(&mut handle, index), ["192.0.2.100/24", "192.0.2.1/24"]);
        set("ipv4/conf/all/promote_secondaries", "1");
        assert_eq!(handle.ensure(&[different]), [Ok(Ensured::Renewed)]);
        assert_eq!(on(&mut handle, index), ["192.0.2.1/24", "192.0.2.100/24"]);
    }

    fn an_address_of_somebody_else_becomes_ours() {
        let (mut handle, index) = veth();
        ip("address add 192.0.2.100/32 dev v0");
        ip("address add 2001:db8::100/64 dev v0 nodad");
        assert_eq!(handle.ensure(&[v4(index), v6(index)]), [Ok(Ensured::Adopted), Ok(Ensured::Adopted)]);
        assert_eq!(on(&mut handle, index), ["192.0.2.100/32", "2001:db8::100/128"]);
        assert!(listed(&mut handle, index).iter().all(|assigned| assigned.is_tagged(Tag::VIP)));
        assert_eq!(handle.ensure(&[v4(index), v6(index)]), [Ok(Ensured::AlreadySo), Ok(Ensured::AlreadySo)]);
    }

    fn the_address_of_the_owner_is_left_as_it_is() {
        let (mut handle, index) = veth();
        ip("address add 192.0.2.100/24 dev v0");
        let owned = v4(index).with_lease(Lease::SIX_SECONDS).with_foreign(IfForeign::Leave);
        assert_eq!(handle.ensure(&[owned]), [Ok(Ensured::LeftForeign)]);
        assert_eq!(listed(&mut handle, index)[0].valid_for, None);
        ip("address del 192.0.2.100/24 dev v0");
        assert_eq!(handle.ensure(&[owned]), [Ok(Ensured::Added)]);
        assert_eq!(handle.ensure(&[owned]), [Ok(Ensured::Renewed)]);
    }

    fn an_ipv4_address_that_is_not_to_be_a_source_is_none() {
        let (mut handle, index) = veth();
        let host = "address add 198.51.100.1/32 dev v0";
        ip(host);
        ip("route add default dev v0");
        assert_eq!(source_towards("203.0.113.9"), "198.51.100.1");
        assert_eq!(handle.ensure(&[v4(index)]), [Ok(Ensured::Added)]);
        ip("address del 198.51.100.1/32 dev v0");
        ip(host);
        // The trap: after the machine's own address has been away, ours is the source.
        assert_eq!(source_towards("203.0.113.9"), "192.0.2.100");
        assert_eq!(handle.ensure(&[v4(index).with_source(AsSource::Avoid)]), [Ok(Ensured::Renewed)]);
        assert_eq!(source_towards("203.0.113.9"), "198.51.100.1");
        assert!(UdpSocket::bind("192.0.2.100:0").is_ok());
    }

    fn an_ipv6_address_is_not_a_source_until_it_is_allowed() {
        let (mut handle, index) = veth();
        ip("address add 2001:db8::1/128 dev v0 nodad");
        ip("route add default dev v0");
        ip("-6 route add default dev v0");
        let near = Address::new(index, "2001:db8:1::1".parse().unwrap());
        let mut monitor = watching(&handle);
        assert_eq!(handle.ensure(&[near]), [Ok(Ensured::Added)]);
        crate::support::expect(&mut monitor, |event| matches!(event, Event::AddressAdded { .. }).then_some(()));
        assert_eq!(source_towards("2001:db8:1::9"), "2001:db8::1");
        assert_eq!(handle.ensure(&[near.with_source(AsSource::Allow)]), [Ok(Ensured::Renewed)]);
        assert_eq!(source_towards("2001:db8:1::9"), "2001:db8:1::1");
    }

    fn one_that_fails_does_not_keep_the_others_from_being_added() {
        let (mut handle, index) = veth();
        let mut addresses = many(index, 64);
        addresses[20] = v4(4711);
        let results = handle.ensure(&addresses);
        let failed: Vec<usize> = (0..64).filter(|place| results[*place].is_err()).collect();
        assert_eq!(failed, [20]);
        assert_eq!(results[20].as_ref().unwrap_err().errno(), Some(libc::ENODEV));
        assert_eq!(on(&mut handle, index).len(), 63);
    }

    fn more_than_fit_into_one_exchange_are_added_and_renewed_and_removed() {
        let (mut handle, index) = veth();
        let leased = |n: u16| {
            let [high, low] = n.to_be_bytes();
            Address::new(index, [10, 1, high, low].into()).with_lease(Lease::from_secs(60))
        };
        let addresses: Vec<Address> = (1..=500).map(leased).collect();
        assert!(handle.ensure(&addresses).iter().all(|result| *result == Ok(Ensured::Added)));
        assert!(handle.ensure(&addresses).iter().all(|result| *result == Ok(Ensured::Renewed)));
        assert_eq!(on(&mut handle, index).len(), 500);
        assert!(handle.remove(&addresses).iter().all(|result| *result == Ok(vip_netlink::Removed::Removed)));
        assert_eq!(on(&mut handle, index).len(), 0);
        assert!(handle.remove(&addresses).iter().all(|result| *result == Ok(vip_netlink::Removed::NotThere)));
    }

    fn an_ipv6_address_whose_detection_still_runs_is_usable_at_once() {
        let (mut handle, index) = veth();
        assert!(handle.ensure(&[v6(index).with_detection(Detection::Run)])[0].is_ok());
        assert!(!listed(&mut handle, index)[0].is_usable());
        assert_eq!(handle.ensure(&[v6(index)]), [Ok(Ensured::Renewed)]);
        assert!(listed(&mut handle, index)[0].is_usable());
        assert_eq!(handle.ensure(&[v6(index)]), [Ok(Ensured::AlreadySo)]);
    }

    fn on_an_interface_that_is_down_addresses_are_held_as_well() {
        let (mut handle, index) = veth();
        ip("link set v0 down");
        let both = [v4(index), v6(index)];
        assert_eq!(handle.ensure(&both), [Ok(Ensured::Added), Ok(Ensured::Added)]);
        assert_eq!(handle.ensure(&both), [Ok(Ensured::AlreadySo), Ok(Ensured::AlreadySo)]);
        ip("link set v0 up");
        assert_eq!(on(&mut handle, index), ["192.0.2.100/32", "2001:db8::100/128"]);
    }

    fn a_list_is_never_short_of_what_stayed() {
        let (mut handle, index) = veth();
        let stays = Address::new(index, "198.51.100.1".parse().unwrap());
        assert!(handle.ensure(&[stays])[0].is_ok());
        let other = std::thread::spawn(move || {
            let mut handle = Handle::open().unwrap();
            let addresses = many(index, 200);
            for _ in 0..20 {
                assert!(handle.ensure(&addresses).iter().all(Result::is_ok));
                assert!(handle.remove(&addresses).iter().all(Result::is_ok));
            }
        });
        let mut lists = 0;
        while !other.is_finished() || lists == 0 {
            match handle.list(Filter::ALL) {
                Ok(list) => {
                    assert!(list.iter().any(|assigned| assigned.ip == stays.ip()));
                    lists += 1;
                }
                Err(Error::Unsettled { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        other.join().unwrap();
    }

    fn an_ipv6_address_that_failed_its_detection_is_put_there_without_one() {
        let (mut handle, index) = veth();
        // The other end is in the same namespace and answers for it.
        let other = handle.link_named("v1").unwrap().index;
        assert_eq!(handle.ensure(&[v6(other)]), [Ok(Ensured::Added)]);
        let mut monitor = watching(&handle);
        ip("address add 2001:db8::100/128 dev v0");
        let failed = crate::support::expect(&mut monitor, |event| match event {
            Event::AddressAdded { address, .. } | Event::AddressChanged { address, .. } => {
                (address.index == index && !address.flags.contains(AddressFlags::TENTATIVE)
                    || address.flags.contains(AddressFlags::DAD_FAILED)).then(|| address.clone())
            }
            _ => None,
        });
        assert!(failed.flags.contains(AddressFlags::DAD_FAILED), "{failed:?}");
        assert_eq!(handle.ensure(&[v6(index)]), [Ok(Ensured::Adopted)]);
        assert!(listed(&mut handle, index)[0].is_usable());
    }
}
