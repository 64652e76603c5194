//! Ladder and router together: packets in, packets out.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use vrrp_proto::{
    Action, Advertisement, Carrier, ChecksumForm, Config, Datagram, Event, Family, Instant, Interval, Ladder,
    Packet, PeerMemory, Priority, Router, State, Version, Versions, VirtualRouterId,
};

use crate::allocations::allocations;

const VRID: u8 = 51;

fn vrid() -> VirtualRouterId {
    VirtualRouterId::new(VRID).unwrap()
}

fn host(last: u8) -> IpAddr {
    Ipv4Addr::new(10, 0, 0, last).into()
}

fn router(last: u8, priority: u8) -> Router {
    Router::new(Config::new(vrid(), Versions::V3, host(last), Priority::new(priority))).unwrap()
}

/// The VRRP message of what a router wants to say.
fn message(said: Advertisement) -> Vec<u8> {
    let addresses = [Ipv4Addr::new(10, 0, 0, 100)];
    assert_eq!(said.version, Version::V3);
    let packet =
        Packet::v3(vrid(), said.priority, said.interval, (&addresses).into(), ChecksumForm::MessageOnly)
            .unwrap();
    let mut out = [0; 64];
    let len = packet.emit(&Carrier::multicast(host(1)), &mut out).unwrap();
    out[..len].to_vec()
}

fn advertisement(priority: u8) -> Advertisement {
    Advertisement { version: Version::V3, priority: Priority::new(priority), interval: Interval::ONE_SECOND }
}

/// Tells the router what comes up the ladder; what does not is not told.
fn receive(
    router: &mut Router,
    from: u8,
    ttl: u8,
    message: &[u8],
    now: Instant,
) -> Option<vrrp_proto::Actions> {
    let datagram = Datagram::new(message, Carrier::multicast(host(from)), ttl);
    let ladder = Ladder::new(vrid(), Family::V4);
    let accepted = ladder.check(&datagram, &mut PeerMemory::new()).ok()?;
    Some(router.handle(Event::Heard(&accepted), now))
}

#[test]
fn two_routers_elect_the_better_one_and_the_other_when_it_falls_silent() {
    let mut routers = [router(11, 150), router(12, 100)];
    let mut now = Instant::from_nanoseconds(0);
    for router in &mut routers {
        assert!(!router.handle(Event::Start, now).is_empty());
    }
    let mut silent = false;
    for _ in 0..20 {
        let next = routers
            .iter()
            .enumerate()
            .filter(|(number, _)| *number > 0 || !silent)
            .min_by_key(|(_, router)| router.deadline())
            .map(|(number, _)| number)
            .unwrap();
        now = routers[next].deadline().unwrap();
        for action in routers[next].handle(Event::DeadlinePassed, now) {
            if let Action::Advertise(said) = action {
                let last = [11, 12][next];
                assert!(receive(&mut routers[1 - next], last, 255, &message(said), now).is_some());
            }
        }
        if now > Instant::from_nanoseconds(10_000_000_000) && !silent {
            assert_eq!((routers[0].state(), routers[1].state()), (State::Active, State::Backup));
            assert_eq!(
                routers[1].standing().to_string(),
                "Backup since 0.000 s: 10.0.0.11 advertises 150 > 100"
            );
            silent = true;
        }
    }
    assert_eq!(routers[1].state(), State::Active);
    assert_eq!(
        routers[1].standing().reason.to_string(),
        "the down timer expired 3.609 s after the last advertisement of 10.0.0.11 (priority 150)"
    );
}

/// Something that the ladder refuses, made of an advertisement that it would not.
#[derive(Clone, Debug)]
enum Refused {
    Noise(Vec<u8>),
    FarAway(u8),
    Flipped(usize),
    Interval0,
    OtherRouter(u8),
    Cut(usize),
    Type(u8),
    NoAddress,
}

fn refused() -> impl Strategy<Value = Refused> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Refused::Noise),
        (0..255_u8).prop_map(Refused::FarAway),
        (0..12_usize * 8).prop_map(Refused::Flipped),
        Just(Refused::Interval0),
        (1..=255_u8).prop_filter("its own", |vrid| *vrid != VRID).prop_map(Refused::OtherRouter),
        (0..12_usize).prop_map(Refused::Cut),
        (0..16_u8).prop_filter("the type there is", |number| *number != 1).prop_map(Refused::Type),
        Just(Refused::NoAddress),
    ]
}

/// The octets, and the time to live that they arrive with.
fn wire(refused: &Refused, priority: u8) -> (Vec<u8>, u8) {
    let mut good = message(advertisement(priority));
    match refused {
        Refused::Noise(noise) => return (noise.clone(), 255),
        Refused::FarAway(ttl) => return (good, *ttl),
        Refused::Flipped(bit) => {
            good[bit / 8] ^= 1 << (bit % 8);
            return (good, 255);
        }
        Refused::Interval0 => good[4..6].fill(0),
        Refused::OtherRouter(vrid) => good[1] = *vrid,
        Refused::Cut(len) => good.truncate(*len),
        Refused::Type(number) => good[0] = 0x30 | number,
        Refused::NoAddress => good = vec![0x31, VRID, priority, 0, 0, 100, 0, 0],
    }
    if good.len() >= 8 {
        good = crate::wire::message_only(good);
    }
    (good, 255)
}

#[derive(Clone, Debug)]
enum Step {
    Heard { last: u8, priority: u8 },
    Deadline,
    Priority(u8),
    Yield,
    Resume,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..9_u8, any::<u8>()).prop_map(|(last, priority)| Step::Heard { last, priority }),
        4 => Just(Step::Deadline),
        1 => any::<u8>().prop_map(Step::Priority),
        1 => Just(Step::Yield),
        1 => Just(Step::Resume),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #[test]
    fn refused_packets_anywhere_in_a_run_change_nothing(
        steps in prop::collection::vec((0..4_000_000_000_u64, step(), prop::collection::vec(refused(), 0..3)), 1..30),
    ) {
        let (mut alone, mut bothered) = (router(5, 100), router(5, 100));
        let mut now = Instant::from_nanoseconds(0);
        prop_assert_eq!(alone.handle(Event::Start, now), bothered.handle(Event::Start, now));
        for (pause, step, refusals) in steps {
            now = now + std::time::Duration::from_nanos(pause);
            for refused in &refusals {
                let (message, ttl) = wire(refused, 200);
                let told = receive(&mut bothered, 9, ttl, &message, now);
                prop_assert!(told.is_none(), "{refused:?} was accepted");
            }
            let mut told = [None, None];
            for (router, told) in [&mut alone, &mut bothered].into_iter().zip(&mut told) {
                *told = Some(match step {
                    Step::Heard { last, priority } => {
                        receive(router, last, 255, &message(advertisement(priority)), now).unwrap()
                    }
                    Step::Deadline => router.handle(Event::DeadlinePassed, now),
                    Step::Priority(priority) => router.handle(Event::PriorityChanged(Priority::new(priority)), now),
                    Step::Yield => router.handle(Event::Yield, now),
                    Step::Resume => router.handle(Event::Resume, now),
                    Step::Restart => {
                        let _stopped = router.handle(Event::Stop, now);
                        router.handle(Event::Start, now)
                    }
                });
            }
            prop_assert_eq!(told[0], told[1]);
            prop_assert_eq!(alone.status(), bothered.status());
        }
    }
}

#[test]
fn no_event_costs_an_allocation() {
    let messages: Vec<Vec<u8>> =
        [0, 50, 99, 100, 101, 255].map(|priority| message(advertisement(priority))).into();
    let mut router = router(5, 100);
    let mut said = 0;
    let count = allocations(|| {
        let mut now = Instant::from_nanoseconds(0);
        said += router.handle(Event::Start, now).count();
        for round in 0..1000_usize {
            now = router.deadline().unwrap_or(now).max(now);
            said += router.handle(Event::DeadlinePassed, now).count();
            let event = match round % 7 {
                0 => Event::PriorityChanged(Priority::new(90)),
                1 => Event::Yield,
                2 => Event::Resume,
                3 => Event::Promote,
                _ => Event::DeadlinePassed,
            };
            said += router.handle(event, now).count();
            let last = if round % 2 == 0 { 4 } else { 6 };
            let actions = receive(&mut router, last, 255, &messages[round % messages.len()], now);
            said += actions.map_or(0, Iterator::count);
            black_box(router.status());
        }
    });
    assert_eq!(count, 0);
    assert!(said > 500, "{said}");
}
