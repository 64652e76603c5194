//! Somebody on the link who only listens.

use std::net::IpAddr;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use vrrp_net::{GROUP_V4, Inbox, Interface, Octets, Protocol, Socket, SocketOptions};
use vrrp_proto::{Datagram, Family, Packet, Version};

/// Hears what is sent to the group of IPv4.
pub(crate) struct Witness {
    socket: Socket,
    inbox: Inbox,
    heard: Vec<Heard>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) source: IpAddr,
    pub(crate) priority: u8,
    pub(crate) version: Version,
}

impl Witness {
    /// In the namespace of this thread.
    pub(crate) fn at(interface: &str) -> Self {
        let interface = Interface::look_up(interface).unwrap().unwrap().index();
        let options = SocketOptions {
            interface,
            family: Family::V4,
            protocol: Protocol::Vrrp,
            group: Some(GROUP_V4.into()),
        };
        Self { socket: Socket::open(options).unwrap(), inbox: Inbox::new(), heard: Vec::new() }
    }

    /// The next advertisement, in the order of arrival.
    pub(crate) fn next(&mut self) -> Heard {
        while self.heard.is_empty() {
            let mut waiting = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            assert_eq!(poll(&mut waiting, PollTimeout::from(20_000_u16)).unwrap(), 1, "nothing within 20 s");
            self.socket.receive(&mut self.inbox).unwrap();
            self.heard.extend(self.inbox.iter().map(|datagram| {
                let Octets::V4(octets) = datagram.octets else { panic!("{datagram:?}") };
                let datagram = Datagram::from_ipv4(octets).unwrap();
                let packet = Packet::parse(datagram.payload(), datagram.carrier()).unwrap();
                Heard {
                    source: datagram.source(),
                    priority: packet.priority().value(),
                    version: packet.version(),
                }
            }));
        }
        self.heard.remove(0)
    }

    /// Goes on to the first one that is so.
    pub(crate) fn until(&mut self, so: impl Fn(&Heard) -> bool) -> Heard {
        (0..10_000).map(|_| self.next()).find(|heard| so(heard)).expect("one in ten thousand")
    }
}
