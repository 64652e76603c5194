//! Probing for an address before it is taken, and asking neighbours whether they have learned.

use crate::lan::{Lan, MAC, PEER_MAC, PEER_V4, PEER_V6, V4, V6, ip, run};
use garp::{
    Answer, ClaimKind, Confirm, ConfirmTiming, Neighbor, Probe, ProbeTiming, Verdict, Watch, neighbors,
};
use std::time::{Duration, Instant};

fn probe(lan: Lan, address: &str) -> Verdict {
    let mut watch = Watch::open(lan.interface("v0"), &[ip(address)]).unwrap();
    // An answer comes within the first of these; only a free address waits for all of them.
    let timing = ProbeTiming { listen: Duration::from_millis(300), ..ProbeTiming::fast() };
    Probe::new(ip(address), timing, 1, Instant::now()).run(&mut lan.sender(), &mut watch).unwrap()
}

#[test]
fn an_address_that_somebody_has_is_found_taken_and_a_free_one_free() {
    let Some(lan) = Lan::enter() else { return };
    for address in [V4, V6] {
        assert_eq!(probe(lan, address), Verdict::Free);
    }
    run(&format!("ip address add {V4}/32 dev v1; ip address add {V6}/128 dev v1 nodad"));
    for (address, kind) in [(V4, ClaimKind::Answers), (V6, ClaimKind::Announces)] {
        let Verdict::Taken(seen) = probe(lan, address) else { panic!("{address} is free") };
        assert_eq!((seen.mac, seen.kind), (PEER_MAC, kind));
    }
}

#[test]
fn a_neighbour_that_answers_has_learned_in_its_table() {
    let Some(lan) = Lan::enter() else { return };
    let mut sender = lan.sender();
    // Its table has the old place of the address, updated this moment.
    crate::lan::sysctl("ipv4/neigh/v1/locktime", 100_000);
    for (address, peer, absent) in [(V4, PEER_V4, "10.9.0.200"), (V6, PEER_V6, "2001:db8:9::dead")] {
        run(&format!("ip neighbour replace {address} lladdr 02:00:00:00:00:99 dev v1 nud reachable"));
        for mac in [Some(PEER_MAC), None] {
            let asked = [Neighbor { address: ip(peer), mac }, Neighbor { address: ip(absent), mac: None }];
            let timing = ConfirmTiming { times: 3, ..ConfirmTiming::default() };
            let confirm = Confirm::new(ip(address), &asked, timing, Instant::now());
            let answers = confirm.run(&mut sender).unwrap();
            assert!(matches!(answers[0].1, Answer::Learned { mac: PEER_MAC, .. }), "{answers:?}");
            assert_eq!(answers[1].1, Answer::Silent);
        }
        let learned = lan.neighbor(address).unwrap().0;
        assert_eq!(learned, MAC.map(|octet| format!("{octet:02x}")).join(":"));
    }
}

#[test]
fn the_kernel_s_neighbours_and_gateways_are_found() {
    let Some(lan) = Lan::enter() else { return };
    run("ip neighbour replace 10.9.0.7 lladdr 02:00:00:00:00:07 dev v1 nud stale
         ip route add default via 10.9.0.9 dev v1
         ip neighbour replace 10.9.0.9 lladdr 02:00:00:00:00:09 dev v1 nud reachable");
    let found = neighbors(lan.interface("v1"));
    let known = |last| Neighbor { address: ip(&format!("10.9.0.{last}")), mac: Some([2, 0, 0, 0, 0, last]) };
    assert_eq!(found, [known(9), known(7)]);
    assert_eq!(neighbors(lan.interface("v0")), []);
}
