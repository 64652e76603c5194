use std::io::Read;
use std::net::{TcpListener, TcpStream};

use vip_netlink::{Error, Event, Handle, destroy_tcp};

use crate::support::{expect, in_a_namespace, ip, skip, watching};

/// Both ends of a connection to `local`.
fn connected(local: &str) -> (TcpStream, TcpStream, TcpListener) {
    let listener = TcpListener::bind((local, 0)).unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let far = listener.accept().unwrap().0;
    (near, far, listener)
}

in_a_namespace! {
    fn connections_of_an_address_are_closed_and_no_others() {
        ip("link set lo up");
        ip("address add 192.0.2.100/32 dev lo");
        let mut monitor = watching(&Handle::open().unwrap());
        ip("address add 2001:db8::100/128 dev lo nodad");
        // Only then does the kernel know the way to it.
        expect(&mut monitor, |event| matches!(event, Event::AddressAdded { .. }).then_some(()));
        let (mut near, mut far, listener) = connected("192.0.2.100");
        let (mut near6, _far6, _listener6) = connected("2001:db8::100");
        let (near_other, _far_other, _listener_other) = connected("127.0.0.1");
        match destroy_tcp("192.0.2.100".parse().unwrap()) {
            Err(Error::Refused { errno: libc::EOPNOTSUPP | libc::ENOENT, .. }) => {
                return skip("the kernel cannot close connections");
            }
            closed => assert_eq!(closed, Ok(2)),
        }
        let mut octets = [0];
        assert!(near.read(&mut octets).is_err());
        assert!(far.read(&mut octets).is_err());
        assert_eq!(destroy_tcp("2001:db8::100".parse().unwrap()), Ok(2));
        assert!(near6.read(&mut octets).is_err());
        near_other.set_nonblocking(true).unwrap();
        assert_eq!((&near_other).read(&mut octets).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        // The listener stays.
        assert!(TcpStream::connect(listener.local_addr().unwrap()).is_ok());
    }

    fn an_ipv4_connection_of_an_ipv6_socket_is_closed_too() {
        ip("link set lo up");
        ip("address add 192.0.2.100/32 dev lo");
        let listener = TcpListener::bind("[::]:0").unwrap();
        let mut near = TcpStream::connect(("192.0.2.100", listener.local_addr().unwrap().port())).unwrap();
        let _far = listener.accept().unwrap();
        match destroy_tcp("192.0.2.100".parse().unwrap()) {
            Err(Error::Refused { errno: libc::EOPNOTSUPP | libc::ENOENT, .. }) => {
                return skip("the kernel cannot close connections");
            }
            closed => assert_eq!(closed, Ok(2)),
        }
        assert!(near.read(&mut [0]).is_err());
    }
}
