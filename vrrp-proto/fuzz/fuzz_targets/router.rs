//! Whatever happens to three routers on whatever link: no promise is broken, and when it is over one is Active.
#![no_main]

use std::net::Ipv4Addr;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use vrrp_proto::sim::{Link, Sleep, Stimulus, World};
use vrrp_proto::{
    Config, Event, Fault, OnBetter, OnDemotion, OnLosing, Preempt, Priority, State, Versions, VirtualRouterId,
};

/// A seed for the link's luck, three configurations, and what happens to whom after how many milliseconds.
type Input = (u64, [(u8, u8); 3], (u8, u8), Vec<(u16, u8, u8)>);

fuzz_target!(|input: Input| {
    let (seed, configurations, (lost, slowest), happenings) = input;
    let mut world = World::new(seed);
    let vrid = VirtualRouterId::new(51).unwrap();
    for (last, (priority, choices)) in (1..).zip(configurations) {
        let address = Ipv4Addr::new(10, 9, 0, last).into();
        let mut config = Config::new(vrid, Versions::V3, address, Priority::new(priority.max(1)));
        config.preempt = [Preempt::Always, Preempt::Never, Preempt::After(Duration::from_secs(2))]
            [usize::from(choices % 3)];
        if choices & 0x10 != 0 {
            config.losing = OnLosing::KeepSilent;
        }
        if choices & 0x20 != 0 {
            config.better = OnBetter::AdvertiseOnce;
        }
        if choices & 0x40 != 0 {
            config.demoted = OnDemotion::AdvertiseOnly;
        }
        let node = world.add(config).unwrap();
        world.at(Duration::ZERO, node, Stimulus::Event(Event::Start));
    }
    world.set_links(Link {
        slowest: Duration::from_millis(u64::from(slowest) * 4),
        lost: u16::from(lost) * 3,
        doubled: 100,
        ..Link::GOOD
    });
    let mut at = Duration::ZERO;
    for (pause, what, with) in happenings.into_iter().take(200) {
        at += Duration::from_millis(u64::from(pause % 4096));
        let node = usize::from(what >> 4) % 3; // an address of one is never that of another
        let fault = Fault::custom(with % 4).unwrap();
        let sleep = Duration::from_millis(u64::from(with) * 40);
        let stimulus = match what & 0xf {
            0 => Stimulus::Crash,
            1 => Stimulus::Restart,
            2 => Stimulus::Sleep(sleep, Sleep::Process),
            3 => Stimulus::Sleep(sleep, Sleep::Machine),
            4 => Stimulus::Event(Event::Start),
            5 => Stimulus::Event(Event::Stop),
            6 => Stimulus::Event(Event::FaultRaised(fault)),
            7 => Stimulus::Event(Event::FaultCleared(fault)),
            8 => Stimulus::Event(Event::Yield),
            9 => Stimulus::Event(Event::Resume),
            10 => Stimulus::Event(Event::Promote),
            11 => Stimulus::Event(Event::DeadlinePassed),
            12 => {
                Stimulus::Event(Event::PrimaryAddressChanged(Ipv4Addr::new(10, 10, what >> 4, with).into()))
            }
            _ => Stimulus::Event(Event::PriorityChanged(Priority::new(with))),
        };
        world.at(at, node, stimulus);
    }
    world.run(at);

    world.set_links(Link::GOOD);
    world.run(Duration::from_secs(60));
    assert_eq!(world.promise_broken(), None);
    let takes_part = |node| {
        world.standing(node).is_some_and(|standing| matches!(standing.state, State::Active | State::Backup))
    };
    let holders = world.holders();
    assert_eq!(holders.len(), usize::from((0..3).any(takes_part)), "{holders:?}");
});
