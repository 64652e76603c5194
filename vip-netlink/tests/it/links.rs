use vip_netlink::{Carrier, Handle, Link, OperState};

use crate::support::{in_a_namespace, ip, veth};

fn named<'a>(links: &'a [Link], name: &str) -> &'a Link {
    links.iter().find(|link| link.name == name).unwrap()
}

in_a_namespace! {
    fn a_link_is_told_as_it_is() {
        let (mut handle, index) = veth();
        ip("link set v0 address 02:00:00:00:00:07 mtu 1400");
        let link = handle.link(index).unwrap();
        assert_eq!((link.name.as_str(), link.mtu, link.hardware), ("v0", 1400, 1));
        assert_eq!(link.mac.ethernet(), Some([2, 0, 0, 0, 0, 7]));
        assert_eq!(link.kind.as_deref(), Some("veth"));
        assert_eq!((link.carrier, link.state), (Carrier::Present, OperState::Up));
        assert!(link.is_up() && link.is_ready() && link.resolves());
        ip("link set v1 down");
        let link = handle.link(index).unwrap();
        assert_eq!((link.carrier, link.state), (Carrier::Absent, OperState::LowerLayerDown));
        assert!(link.is_up() && !link.is_ready());
    }

    fn all_links_are_listed() {
        let (mut handle, index) = veth();
        let links = handle.links().unwrap();
        assert_eq!(named(&links, "v0").index, index);
        assert_eq!(named(&links, "v0").parent, Some(named(&links, "v1").index));
        let lo = named(&links, "lo");
        assert!(lo.index == 1 && !lo.resolves() && !lo.is_up());
    }

    fn a_hundred_links_are_more_than_one_datagram_and_all_are_listed() {
        let mut handle = Handle::open().unwrap();
        for n in 0..50 {
            ip(&format!("link add a{n} type veth peer name b{n}"));
        }
        assert_eq!(handle.links().unwrap().len(), 101);
    }
}
