use vip_netlink::{Ensured, Error, Handle, Hold, IfForeign, Removed, Tag};

use crate::support::{in_a_namespace, ip, on, v4, v6, veth};

in_a_namespace! {
    fn removed_twice_it_is_gone_and_no_error() {
        let (mut handle, index) = veth();
        let both = [v4(index), v6(index)];
        assert!(handle.ensure(&both).iter().all(Result::is_ok));
        assert_eq!(handle.remove(&both), [Ok(Removed::Removed), Ok(Removed::Removed)]);
        assert_eq!(handle.remove(&both), [Ok(Removed::NotThere), Ok(Removed::NotThere)]);
        assert_eq!(on(&mut handle, index), Vec::<String>::new());
    }

    fn an_address_on_an_interface_that_is_gone_is_gone() {
        let (mut handle, index) = veth();
        assert!(handle.ensure(&[v4(index), v6(index)]).iter().all(Result::is_ok));
        ip("link del v0");
        let gone = [Ok(Removed::InterfaceGone), Ok(Removed::InterfaceGone)];
        assert_eq!(handle.remove(&[v4(index), v6(index)]), gone);
    }

    fn the_twin_with_another_prefix_length_stays() {
        let (mut handle, index) = veth();
        ip("address add 192.0.2.100/24 dev v0");
        assert_eq!(handle.remove(&[v4(index)]), [Ok(Removed::NotThere)]);
        assert_eq!(handle.ensure(&[v4(index)]), [Ok(Ensured::Added)]);
        assert_eq!(handle.remove(&[v4(index)]), [Ok(Removed::Removed)]);
        assert_eq!(on(&mut handle, index), ["192.0.2.100/24"]);
    }

    fn the_address_of_the_owner_is_not_removed() {
        let (mut handle, index) = veth();
        let owned = v4(index).with_foreign(IfForeign::Leave);
        ip("address add 192.0.2.100/24 dev v0");
        assert_eq!(handle.remove(&[owned, v6(index)]), [Ok(Removed::LeftForeign), Ok(Removed::NotThere)]);
        assert_eq!(on(&mut handle, index), ["192.0.2.100/24"]);
        ip("address del 192.0.2.100/24 dev v0");
        assert_eq!(handle.remove(&[owned]), [Ok(Removed::NotThere)]);
        assert_eq!(handle.ensure(&[owned]), [Ok(Ensured::Added)]);
        assert_eq!(handle.remove(&[owned]), [Ok(Removed::Removed)]);
    }

    fn a_sweep_removes_what_is_ours_and_nothing_else() {
        let (mut handle, index) = veth();
        let other = v4(index).with_tag(Tag::new(77).unwrap()).with_prefix_len(30);
        let kept = v6(index).with_prefix_len(64);
        let leftover = vip_netlink::Address::new(1, "198.51.100.7".parse().unwrap());
        assert!(handle.ensure(&[v4(index), other, kept, leftover]).iter().all(Result::is_ok));
        ip("address add 192.0.2.1/24 dev v0");
        ip("address add 2001:db8::1/64 dev v0 nodad");
        let swept = handle.sweep(Tag::VIP, &[kept]).unwrap();
        let texts: Vec<String> = swept.iter().map(|swept| swept.address.to_string()).collect();
        assert_eq!(texts, ["198.51.100.7/32 on interface 1", &format!("192.0.2.100/32 on interface {index}")]);
        assert!(swept.iter().all(|swept| swept.result == Ok(Removed::Removed)));
        let mut left = on(&mut handle, index);
        left.sort();
        assert_eq!(left, ["192.0.2.1/24", "192.0.2.100/30", "2001:db8::1/64", "2001:db8::100/64"]);
        assert_eq!(handle.sweep(Tag::VIP, &[kept]), Ok(Vec::new()));
    }

    fn a_sweep_leaves_a_primary_that_others_are_secondaries_of() {
        let (mut handle, index) = veth();
        let primary = v4(index).with_prefix_len(24);
        assert!(handle.ensure(&[primary])[0].is_ok());
        ip("address add 192.0.2.1/24 dev v0");
        let swept = handle.sweep(Tag::VIP, &[]).unwrap();
        assert_eq!(swept[0].result, Err(Error::HasSecondaries { address: primary }));
        assert_eq!(on(&mut handle, index), ["192.0.2.100/24", "192.0.2.1/24"]);
    }

    fn secondaries_of_our_own_go_with_their_primary() {
        let (mut handle, index) = veth();
        let second = vip_netlink::Address::new(index, "192.0.2.101".parse().unwrap()).with_prefix_len(24);
        assert!(handle.ensure(&[v4(index).with_prefix_len(24), second]).iter().all(Result::is_ok));
        let swept = handle.sweep(Tag::VIP, &[]).unwrap();
        assert_eq!(swept.iter().filter(|swept| swept.result.is_ok()).count(), 2);
        assert_eq!(on(&mut handle, index), Vec::<String>::new());
    }

    fn addresses_go_with_their_holder_at_a_panic_too() {
        let (mut handle, index) = veth();
        let panicked = std::thread::spawn(move || {
            let mut hold = Hold::new(Handle::open().unwrap(), vec![v4(index), v6(index)]);
            assert!(hold.ensure().iter().all(Result::is_ok));
            panic!("as programs do");
        });
        assert!(panicked.join().is_err());
        assert_eq!(on(&mut handle, index), Vec::<String>::new());
    }

    fn a_hold_that_is_released_says_what_was_there() {
        let (handle, index) = veth();
        let mut hold = Hold::new(handle, vec![v4(index)]);
        assert_eq!(hold.ensure(), [Ok(Ensured::Added)]);
        ip("address del 192.0.2.100/32 dev v0");
        assert_eq!(hold.release(), [Ok(Removed::NotThere)]);
    }
}
