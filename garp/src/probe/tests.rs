use super::*;
use std::time::SystemTime;

const ADDRESS: &str = "192.0.2.100";

fn sighting(kind: ClaimKind) -> Sighting {
    let address = ADDRESS.parse().unwrap();
    Sighting {
        address,
        mac: [2; 6],
        kind,
        source: [2; 6],
        delivery: Delivery::Broadcast,
        at: SystemTime::UNIX_EPOCH,
    }
}

/// Runs the probe on a clock that jumps to what it waits for; when each message was sent, and when it ended.
fn silence(timing: ProbeTiming, seed: u64) -> (Vec<Duration>, Duration) {
    let t0 = Instant::now();
    let (mut now, mut sent) = (t0, Vec::new());
    let mut probe = Probe::new(ADDRESS.parse().unwrap(), timing, seed, t0);
    loop {
        match probe.next(now) {
            ProbeStep::Send(message) => {
                assert_eq!(message, Message::Probe { address: ADDRESS.parse().unwrap() });
                sent.push(now - t0);
            }
            ProbeStep::Wait(until) => now = until,
            ProbeStep::Free => return (sent, now - t0),
            ProbeStep::Taken(sighting) => panic!("{sighting}"),
        }
    }
}

#[test]
fn rfc_5227_s_times_are_kept_whatever_the_seed() {
    let seconds = |s| Duration::from_secs(s);
    for seed in 0..1000 {
        let (sent, end) = silence(ProbeTiming::rfc5227(), seed);
        let [first, second, third] = sent[..] else { panic!("{sent:?}") };
        assert!(first <= seconds(1));
        for gap in [second - first, third - second] {
            assert!((seconds(1)..=seconds(2)).contains(&gap), "{gap:?}");
        }
        assert_eq!(end - third, seconds(2));
    }
}

#[test]
fn the_fast_probe_takes_sixty_milliseconds() {
    let ms = Duration::from_millis;
    assert_eq!(silence(ProbeTiming::fast(), 7), (vec![ms(0), ms(20)], ms(60)));
}

#[test]
fn an_answer_ends_it_and_a_holder_is_worth_more_than_a_rival() {
    let t0 = Instant::now();
    let mut probe = Probe::new(ADDRESS.parse().unwrap(), ProbeTiming::fast(), 1, t0);
    assert!(matches!(probe.next(t0), ProbeStep::Send(_)));
    probe.heard(&Sighting { address: "192.0.2.1".parse().unwrap(), ..sighting(ClaimKind::Answers) });
    assert!(matches!(probe.next(t0), ProbeStep::Wait(_)), "another's address is no conflict");
    probe.heard(&Sighting { delivery: Delivery::Overheard, ..sighting(ClaimKind::Answers) });
    assert!(matches!(probe.next(t0), ProbeStep::Wait(_)), "another VLAN's is none");
    probe.heard(&sighting(ClaimKind::Probes));
    assert_eq!(probe.next(t0), ProbeStep::Taken(sighting(ClaimKind::Probes)));
    probe.heard(&sighting(ClaimKind::Answers));
    probe.heard(&sighting(ClaimKind::Probes));
    assert_eq!(probe.next(t0), ProbeStep::Taken(sighting(ClaimKind::Answers)));
}
