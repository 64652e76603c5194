use std::collections::BTreeSet;

use vip_netlink::{Address, Assigned, By, Ensured, Event, Filter, Handle, Lease, Monitor, Watch};

use crate::support::{expect, in_a_namespace, ip, many, v4, v6, veth, watching};

fn removed(event: &Event) -> Option<(String, By)> {
    match event {
        Event::AddressRemoved { address, by } => Some((address.ip.to_string(), *by)),
        _ => None,
    }
}

fn added(event: &Event) -> Option<(String, By)> {
    match event {
        Event::AddressAdded { address, by } => Some((address.ip.to_string(), *by)),
        _ => None,
    }
}

fn is(wanted: Event) -> impl FnMut(&Event) -> Option<()> {
    move |event| (*event == wanted).then_some(())
}

fn all_of(assigned: impl Iterator<Item = Assigned>) -> BTreeSet<String> {
    assigned.map(|assigned| assigned.to_string()).collect()
}

in_a_namespace! {
    fn what_somebody_else_removes_is_told_and_can_be_put_back() {
        let (mut handle, index) = veth();
        assert!(handle.ensure(&[v4(index)])[0].is_ok());
        let mut monitor = watching(&handle);
        ip("address del 192.0.2.100/32 dev v0");
        let (ip, by) = expect(&mut monitor, removed);
        assert!(ip == "192.0.2.100" && matches!(by, By::Other(_)), "{ip} {by:?}");
        assert_eq!(handle.ensure(&[v4(index)]), [Ok(Ensured::Added)]);
        assert_eq!(expect(&mut monitor, added), ("192.0.2.100".into(), By::Us));
    }

    fn our_own_changes_are_known_as_ours() {
        let (mut handle, index) = veth();
        let mut monitor = watching(&handle);
        for address in [v4(index), v6(index)] {
            assert!(handle.ensure(&[address])[0].is_ok());
            assert_eq!(expect(&mut monitor, added), (address.ip().to_string(), By::Us));
            assert!(handle.remove(&[address])[0].is_ok());
            assert_eq!(expect(&mut monitor, removed), (address.ip().to_string(), By::Us));
        }
    }

    fn what_we_were_refused_is_not_taken_for_ours_later() {
        let (mut handle, index) = veth();
        ip("address add 2001:db8::100/128 dev v0 nodad");
        let mut monitor = watching(&handle);
        let other = Address::new(index, "2001:db8::7".parse().unwrap());
        assert_eq!(handle.remove(&[other]), [Ok(vip_netlink::Removed::NotThere)]);
        ip("address add 2001:db8::7/128 dev v0 nodad");
        assert_eq!(expect(&mut monitor, added), ("2001:db8::7".into(), By::Unknown));
        ip("address del 2001:db8::7/128 dev v0");
        assert_eq!(expect(&mut monitor, removed), ("2001:db8::7".into(), By::Unknown));
    }

    fn our_own_renewals_are_no_news() {
        let (mut handle, index) = veth();
        let leased = [v4(index), v6(index)].map(|address| address.with_lease(Lease::from_secs(60)));
        assert!(handle.ensure(&leased).iter().all(Result::is_ok));
        let mut monitor = watching(&handle);
        assert_eq!(handle.ensure(&leased), [Ok(Ensured::Renewed), Ok(Ensured::Renewed)]);
        ip("link set v0 down");
        // The first that is told is what happened after them.
        assert_eq!(monitor.wait(None).unwrap(), Some(Event::LinkDown { index }));
    }

    fn a_lease_that_somebody_else_shortens_is_news() {
        let (mut handle, index) = veth();
        assert!(handle.ensure(&[v4(index).with_lease(Lease::from_secs(60))])[0].is_ok());
        let mut monitor = watching(&handle);
        ip("address change 192.0.2.100/32 dev v0 valid_lft 20 preferred_lft 20");
        let by = expect(&mut monitor, |event| match event {
            Event::AddressChanged { by, .. } => Some(*by),
            _ => None,
        });
        assert!(matches!(by, By::Other(_)));
    }

    fn links_up_down_without_carrier_renamed_with_another_mac_and_gone_are_told() {
        let (handle, index) = veth();
        let mut monitor = watching(&handle);
        ip("link set v1 down");
        expect(&mut monitor, is(Event::CarrierLost { index }));
        ip("link set v1 up");
        expect(&mut monitor, is(Event::CarrierUp { index }));
        ip("link set v0 address 02:00:00:00:00:07");
        let to = expect(&mut monitor, |event| match event {
            Event::MacChanged { index: changed, to, .. } if *changed == index => Some(to.to_string()),
            _ => None,
        });
        assert_eq!(to, "02:00:00:00:00:07");
        ip("link set v0 down");
        expect(&mut monitor, is(Event::LinkDown { index }));
        ip("link set v0 name wan0");
        expect(&mut monitor, is(Event::LinkRenamed { index, from: "v0".into(), to: "wan0".into() }));
        ip("link set wan0 up");
        expect(&mut monitor, is(Event::LinkUp { index }));
        expect(&mut monitor, is(Event::CarrierUp { index }));
        ip("link del wan0");
        expect(&mut monitor, is(Event::LinkGone { index, name: "wan0".into() }));
        assert!(monitor.links().all(|link| link.index != index));
    }

    fn an_interface_that_goes_takes_its_addresses_along() {
        let (mut handle, index) = veth();
        assert!(handle.ensure(&many(index, 2)).iter().all(Result::is_ok));
        let mut monitor = watching(&handle);
        ip("link del v0");
        let gone: BTreeSet<String> = [expect(&mut monitor, removed).0, expect(&mut monitor, removed).0].into();
        assert_eq!(gone, ["192.0.2.2".to_owned(), "2001:db8::1".to_owned()].into());
        expect(&mut monitor, is(Event::LinkGone { index, name: "v0".into() }));
        assert_eq!(monitor.addresses().count(), 0);
    }

    fn only_the_interfaces_of_interest_are_told_of() {
        let (handle, index) = veth();
        let mut monitor = Monitor::open(Watch::only(["v0", "later"]).ours(&handle)).unwrap();
        ip("address add 198.51.100.1/32 dev v1");
        ip("address add 198.51.100.2/32 dev v0");
        assert_eq!(expect(&mut monitor, added).0, "198.51.100.2");
        assert_eq!(all_of(monitor.addresses().cloned()), [format!("198.51.100.2/32 on interface {index}")].into());
        // One that gets such a name later, with what it has.
        ip("link set v1 down");
        ip("link set v1 name later");
        let name = expect(&mut monitor, |event| match event {
            Event::LinkAppeared { link } => Some(link.name.clone()),
            _ => None,
        });
        assert_eq!(name, "later");
        assert_eq!(expect(&mut monitor, added).0, "198.51.100.1");
    }

    fn an_interface_that_is_made_anew_is_found_by_its_name() {
        let (handle, index) = veth();
        let mut monitor = Monitor::open(Watch::only(["v0"]).ours(&handle)).unwrap();
        ip("link del v0");
        expect(&mut monitor, is(Event::LinkGone { index, name: "v0".into() }));
        ip("link add v0 type veth peer name v1");
        let again = expect(&mut monitor, |event| match event {
            Event::LinkAppeared { link } => Some(link.index),
            _ => None,
        });
        assert_ne!(again, index);
    }

    fn a_monitor_that_was_overrun_knows_everything_all_the_same() {
        let (mut handle, index) = veth();
        let mut foreign = Handle::open().unwrap();
        let mut monitor = Monitor::open(Watch::all().ours(&handle).receive_buffer(4096)).unwrap();
        let addresses = many(index, 200);
        assert!(foreign.ensure(&addresses).iter().all(Result::is_ok));
        assert!(foreign.remove(&addresses[..50]).iter().all(Result::is_ok));
        ip("link set v1 down");
        let mut told = BTreeSet::new();
        expect(&mut monitor, |event| {
            match event {
                Event::AddressAdded { address, .. } => {
                    told.insert(address.to_string());
                }
                Event::AddressRemoved { address, .. } => {
                    told.remove(&address.to_string());
                }
                _ => {}
            }
            matches!(event, Event::Resynced { .. }).then_some(())
        });
        let there = all_of(handle.list(Filter::ALL.on(index)).unwrap().into_iter());
        assert_eq!(there.len(), 150);
        assert_eq!(told, there);
        assert_eq!(all_of(monitor.addresses().filter(|a| a.index == index).cloned()), there);
        assert!(monitor.links().any(|link| link.name == "v0" && !link.is_ready()));
        assert_eq!(monitor.resyncs(), 1);
        // And it hears again.
        assert_eq!(handle.ensure(&addresses[..1]), [Ok(Ensured::Added)]);
        assert_eq!(expect(&mut monitor, added).0, addresses[0].ip().to_string());
    }

    fn a_storm_while_it_is_read_ends_with_what_is_there() {
        let (mut handle, index) = veth();
        let mut monitor = Monitor::open(Watch::all().receive_buffer(4096)).unwrap();
        let storm = std::thread::spawn(move || {
            let mut foreign = Handle::open().unwrap();
            for round in 0..50 {
                let addresses = many(index, 100);
                let results = foreign.ensure(&addresses);
                assert!(results.iter().all(Result::is_ok), "{results:?}");
                if round < 49 {
                    assert!(foreign.remove(&addresses[..90]).iter().all(Result::is_ok));
                }
            }
        });
        while !storm.is_finished() {
            monitor.next().unwrap();
        }
        storm.join().unwrap();
        // The last changes may be told, or found; then there is nothing more to tell.
        while monitor.next().unwrap().is_some() {}
        let there = all_of(handle.list(Filter::ALL.on(index)).unwrap().into_iter());
        while all_of(monitor.addresses().cloned()) != there {
            assert!(monitor.wait(Some(std::time::Duration::from_secs(10))).unwrap().is_some());
        }
    }
}

#[cfg(feature = "tokio")]
mod in_tokio {
    use vip_netlink::{AsyncMonitor, By, Event, Handle, Monitor, Watch};

    use crate::support::{in_a_namespace, ip, many, v4, veth, watching};

    in_a_namespace! {
        fn events_can_be_awaited() {
            let (mut handle, index) = veth();
            let monitor = watching(&handle);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut monitor = AsyncMonitor::new(monitor).unwrap();
                for _ in 0..3 {
                    assert!(handle.ensure(&[v4(index)])[0].is_ok());
                    let event = monitor.next().await.unwrap();
                    assert!(matches!(event, Event::AddressAdded { by: By::Us, .. }), "{event:?}");
                    let nothing = std::time::Duration::from_millis(20);
                    assert!(tokio::time::timeout(nothing, monitor.next()).await.is_err());
                    tokio::task::spawn_blocking(|| ip("address del 192.0.2.100/32 dev v0")).await.unwrap();
                    let event = monitor.next().await.unwrap();
                    assert!(matches!(event, Event::AddressRemoved { by: By::Other(_), .. }), "{event:?}");
                }
                assert_eq!(monitor.monitor().addresses().count(), 0);
            });
        }

        fn an_overrun_can_be_awaited() {
            let (handle, index) = veth();
            let monitor = Monitor::open(Watch::all().ours(&handle).receive_buffer(1)).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut monitor = AsyncMonitor::new(monitor).unwrap();
                let storm = tokio::task::spawn_blocking(move || {
                    let mut foreign = Handle::open().unwrap();
                    assert!(foreign.ensure(&many(index, 200)).iter().all(Result::is_ok));
                });
                // At least one: the room grows with each.
                let patience = std::time::Duration::from_secs(30);
                let everything = async {
                    while !matches!(monitor.next().await.unwrap(), Event::Resynced { .. }) {}
                    storm.await.unwrap();
                    while monitor.monitor().addresses().count() < 200 {
                        monitor.next().await.unwrap();
                    }
                };
                tokio::time::timeout(patience, everything).await.unwrap();
            });
        }
    }
}
