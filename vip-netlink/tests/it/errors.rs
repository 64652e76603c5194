use std::process::Command;

use vip_netlink::{Address, Error, Fault, Handle, Scope};

use crate::support::{in_a_namespace, ip, set, v4, v6, veth};

fn message(handle: &mut Handle, address: Address) -> String {
    handle.ensure(&[address]).remove(0).unwrap_err().to_string()
}

in_a_namespace! {
    fn an_unknown_interface_is_named_in_the_kernels_own_words() {
        let mut handle = Handle::open().unwrap();
        let result = handle.ensure(&[v4(4711)]).remove(0);
        let Err(Error::Refused { errno, sentence, .. }) = &result else { panic!("{result:?}") };
        assert_eq!((*errno, sentence.as_deref()), (libc::ENODEV, Some("ipv4: Device not found")));
        assert_eq!(
            result.unwrap_err().to_string(),
            "adding 192.0.2.100/32 on interface 4711: ipv4: Device not found: No such device (os error 19); \
             the interface is gone, or was made anew under another index"
        );
    }

    fn switched_off_ipv6_comes_with_its_cure() {
        let (mut handle, index) = veth();
        set("ipv6/conf/v0/disable_ipv6", "1");
        let message = message(&mut handle, v6(index));
        assert!(message.contains("IPv6 is disabled on this device"), "{message}");
        assert!(message.contains("disable_ipv6=0"), "{message}");
    }

    fn an_mtu_that_is_too_small_for_ipv6_comes_with_its_cure() {
        let (mut handle, index) = veth();
        ip("link set v0 mtu 1000");
        let message = message(&mut handle, v6(index));
        assert!(message.contains("MTU of 1280"), "{message}");
    }

    fn a_scope_that_does_not_match_its_subnet_comes_with_its_cure() {
        let (mut handle, index) = veth();
        ip("address add 192.0.2.1/24 dev v0");
        let message = message(&mut handle, v4(index).with_prefix_len(24).with_scope(Scope::HOST));
        assert!(message.contains("Invalid scope value") && message.contains("prefix of 32 bits"), "{message}");
    }

    fn an_address_that_nobody_can_mean_is_refused_without_asking_the_kernel() {
        let (mut handle, index) = veth();
        for (ip, fault) in [("0.0.0.0", Fault::Unspecified), ("224.0.0.5", Fault::Multicast), ("::", Fault::Unspecified)] {
            let address = Address::new(index, ip.parse().unwrap());
            assert_eq!(handle.ensure(&[address]), [Err(Error::Invalid { address, fault })]);
            assert_eq!(handle.remove(&[address]), [Err(Error::Invalid { address, fault })]);
        }
        assert_eq!(crate::support::on(&mut handle, index), Vec::<String>::new());
    }

    fn without_rights_the_message_says_which() {
        if std::env::var_os("VIP_NETLINK_TEST_HAS_NO_RIGHTS").is_none() {
            veth();
            let output = Command::new("setpriv")
                .args(["--bounding-set=-net_admin", "--inh-caps=-net_admin", "--"])
                .arg(std::env::current_exe().unwrap())
                .args(["errors::without_rights_the_message_says_which", "--exact", "--nocapture"])
                .env("VIP_NETLINK_TEST_HAS_NO_RIGHTS", "1")
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            return;
        }
        let mut handle = Handle::open().unwrap();
        let index = handle.link_named("v0").unwrap().index;
        let error = handle.ensure(&[v4(index)]).remove(0).unwrap_err();
        assert_eq!(error.errno(), Some(libc::EPERM));
        assert!(error.to_string().contains("CAP_NET_ADMIN"), "{error}");
        assert_eq!(handle.remove(&[v4(index)]).remove(0).unwrap_err().errno(), Some(libc::EPERM));
        let findings = vip_netlink::preflight(&mut handle, &[v4(index)]);
        assert_eq!(findings[0].concern, vip_netlink::Concern::Capability);
    }

    fn an_interface_that_is_not_there_is_no_interface() {
        let mut handle = Handle::open().unwrap();
        for name in ["nowhere", "", "a-name-that-no-interface-can-have"] {
            assert_eq!(handle.link_named(name), Err(Error::NoInterface { name: name.into() }));
        }
        assert_eq!(handle.link(4711), Err(Error::NoInterface { name: "4711".into() }));
    }
}
