//! One process of ours: an engine and nothing else.

use std::net::Ipv4Addr;
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use vrrp_net::{Command, Engine, RouterOptions, Turn};
use vrrp_proto::{Config, Interval, Priority, Versions, VirtualRouterId};

/// `PRIORITY MILLISECONDS ROUTERS INTERFACE...`: so many virtual routers on each interface.
pub(crate) fn run(settings: &[&str]) {
    let [priority, milliseconds, routers, interfaces @ ..] = settings else { panic!("{settings:?}") };
    let centiseconds = milliseconds.parse::<u16>().unwrap() / 10;
    let mut engine = Engine::new().unwrap();
    for (link, interface) in (0_u8..).zip(interfaces) {
        for number in 1..=routers.parse().unwrap() {
            let vrid = VirtualRouterId::new(number).unwrap();
            let any = Ipv4Addr::UNSPECIFIED.into();
            let mut election = Config::new(vrid, Versions::V3, any, Priority::new(priority.parse().unwrap()));
            election.interval = Interval::from_centiseconds(centiseconds).unwrap();
            let addresses = vec![Ipv4Addr::new(10, 10, link, number).into()];
            let router = engine.add(RouterOptions::new(*interface, addresses, election)).unwrap();
            engine.command(router, Command::Start);
        }
    }
    loop {
        let mut waiting = [PollFd::new(engine.as_fd(), PollFlags::POLLIN)];
        poll(&mut waiting, PollTimeout::NONE).unwrap();
        while engine.turn() == Turn::More {}
        engine.changed().for_each(drop);
    }
}
