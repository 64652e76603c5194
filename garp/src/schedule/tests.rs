use super::*;
use crate::{ArpForm, Audience, Bucket, Keepalived, LinkAdvice, Percent, Role};
use std::net::{Ipv4Addr, Ipv6Addr};

const SECOND: Duration = Duration::from_secs(1);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn v4(last: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, last).into()
}

fn v6(last: u16) -> IpAddr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last).into()
}

fn steady(settings: Settings) -> Settings {
    Settings { jitter: Percent::ZERO, ..settings }
}

/// Everything that is said until `end`, on a clock that jumps from deadline to deadline.
fn said(schedule: &mut Schedule, t0: Instant, from: Instant, end: Duration) -> Vec<(Duration, Message)> {
    let (mut now, mut said) = (from, Vec::new());
    loop {
        while let Some(message) = schedule.next(now) {
            said.push((now - t0, message));
        }
        match schedule.deadline() {
            Some(deadline) if deadline <= t0 + end => {
                assert!(deadline > now, "nothing is due, but the deadline has come");
                now = deadline;
            }
            _ => return said,
        }
    }
}

fn times(said: &[(Duration, Message)], address: IpAddr) -> Vec<u128> {
    said.iter().filter(|(_, message)| message.address() == address).map(|(at, _)| at.as_millis()).collect()
}

#[test]
fn the_default_burst_is_the_table_in_its_documentation() {
    let t0 = Instant::now();
    let mut schedule = Schedule::new(steady(Settings::default()), 1);
    schedule.hold(v4(1), t0);
    schedule.hold(v6(1), t0);
    let said = said(&mut schedule, t0, t0, 100 * SECOND);
    let arp: Vec<_> = said
        .iter()
        .filter_map(|(at, message)| match message {
            Message::Announcement { form, .. } => Some((at.as_millis(), *form)),
            _ => None,
        })
        .collect();
    use ArpForm::{Reply, Request};
    assert_eq!(
        arp,
        [
            (0, Request),
            (100, Request),
            (300, Request),
            (1100, Request),
            (1100, Reply),
            (2200, Request),
            (5000, Request)
        ]
    );
    let ndp: Vec<_> = said
        .iter()
        .filter_map(|(at, message)| match message {
            Message::Advertisement { audience, role: Role::Host, .. } => Some((at.as_millis(), *audience)),
            _ => None,
        })
        .collect();
    use Audience::{AllNodes, AllRouters};
    assert_eq!(ndp, [(0, AllNodes), (0, AllRouters), (1000, AllNodes), (2000, AllNodes)]);
}

#[test]
fn keepalived_sends_five_and_five_seconds_later_five() {
    let t0 = Instant::now();
    let mut schedule = Schedule::new(Settings::keepalived(), 1);
    schedule.hold(v4(1), t0);
    let said = said(&mut schedule, t0, t0, 100 * SECOND);
    assert_eq!(times(&said, v4(1)), [0, 0, 0, 0, 0, 5000, 5000, 5000, 5000, 5000]);
    let form = ArpForm::RequestToBroadcast;
    assert!(said.iter().all(|(_, m)| matches!(m, Message::Announcement { form: f, .. } if *f == form)));
}

#[test]
fn keepalived_s_interval_paces_each_family_of_the_interface_by_itself() {
    let t0 = Instant::now();
    let file = Keepalived {
        garp_master_delay: Duration::ZERO,
        garp_master_repeat: 2,
        garp_interval: ms(10),
        gna_interval: ms(3),
        ..Keepalived::default()
    };
    let mut schedule = Schedule::new(file.into(), 1);
    for address in [v4(1), v4(2), v6(1)] {
        schedule.hold(address, t0);
    }
    let said = said(&mut schedule, t0, t0, SECOND);
    assert_eq!(times(&said, v4(1)), [0, 20]);
    assert_eq!(times(&said, v4(2)), [10, 30]);
    assert_eq!(times(&said, v6(1)), [0, 3]);
}

#[test]
fn keepalived_s_refresh_repeats_for_ever() {
    let t0 = Instant::now();
    let file = Keepalived {
        garp_master_repeat: 1,
        garp_master_delay: Duration::ZERO,
        garp_master_refresh: 60 * SECOND,
        garp_master_refresh_repeat: 2,
        ..Keepalived::default()
    };
    let mut schedule = Schedule::new(file.into(), 1);
    schedule.hold(v4(1), t0);
    let said = said(&mut schedule, t0, t0, 125 * SECOND);
    assert_eq!(times(&said, v4(1)), [0, 60_000, 60_000, 120_000, 120_000]);
}

#[test]
fn all_addresses_are_announced_before_any_is_repeated() {
    let t0 = Instant::now();
    for settings in [Settings::default(), Settings::keepalived()] {
        // Slower than the repeats come due, so that both wait for the same tokens.
        let bucket = Some(Bucket { per_second: 100, depth: 1 });
        let mut schedule = Schedule::new(Settings { bucket, ..settings }, 1);
        for last in 0..200 {
            schedule.hold(v4(last), t0);
        }
        let said = said(&mut schedule, t0, t0, 2 * SECOND);
        let mut first: Vec<IpAddr> = said.iter().take(200).map(|(_, message)| message.address()).collect();
        assert_eq!(first, (0..200).map(v4).collect::<Vec<_>>());
        first.dedup();
        assert_eq!(first.len(), 200);
    }
}

#[test]
fn a_newcomer_is_announced_before_the_repeats_that_wait() {
    let t0 = Instant::now();
    let bucket = Some(Bucket { per_second: 10, depth: 1 });
    let mut schedule = Schedule::new(Settings { bucket, ..Settings::keepalived() }, 1);
    schedule.hold(v4(1), t0);
    assert_eq!(schedule.next(t0).map(|message| message.address()), Some(v4(1)));
    schedule.hold(v4(2), t0);
    assert_eq!(schedule.next(t0), None, "no token");
    assert_eq!(schedule.deadline(), Some(t0 + ms(100)));
    assert_eq!(schedule.next(t0 + ms(100)).map(|message| message.address()), Some(v4(2)));
}

#[test]
fn the_bucket_lets_its_depth_through_at_once_and_then_its_rate() {
    let t0 = Instant::now();
    let mut schedule = Schedule::new(steady(Settings::default()), 1);
    for last in 0..=255 {
        schedule.hold(v4(last), t0);
    }
    let said = said(&mut schedule, t0, t0, 200 * SECOND);
    let within = |end: Duration| said.iter().filter(|(at, _)| *at <= end).count();
    assert_eq!(within(Duration::ZERO), 128);
    for milliseconds in [1_u16, 10, 50, 100, 500] {
        assert!(within(ms(milliseconds.into())) <= 128 + usize::from(milliseconds));
    }
    assert_eq!(said.len(), 256 * 7);
}

#[test]
fn what_is_lost_is_not_said_again() {
    let t0 = Instant::now();
    let mut schedule = Schedule::new(Settings::default(), 1);
    schedule.hold(v4(1), t0);
    schedule.hold(v4(2), t0);
    assert!(schedule.next(t0).is_some());
    assert_eq!(schedule.release(v4(1)), Released::Cancelled);
    assert_eq!(schedule.release(v4(1)), Released::NotHeld);
    let said = said(&mut schedule, t0, t0, 100 * SECOND);
    assert!(times(&said, v4(1)).is_empty());
    assert_eq!(times(&said, v4(2)).len(), 7);
    schedule.release_all();
    assert_eq!((schedule.held().len(), schedule.deadline()), (0, None));
}

#[test]
fn holding_what_is_held_changes_nothing() {
    let t0 = Instant::now();
    let mut schedule = Schedule::new(steady(Settings::default()), 1);
    assert_eq!(schedule.hold(v4(1), t0), Held::New);
    assert!(schedule.next(t0).is_some());
    assert_eq!(schedule.hold(v4(1), t0 + ms(50)), Held::Already);
    assert_eq!(schedule.next(t0 + ms(50)), None);
    assert_eq!(schedule.deadline(), Some(t0 + ms(100)));
}

#[test]
fn nothing_is_said_without_a_carrier_and_everything_when_it_is_back() {
    let t0 = Instant::now();
    let mut schedule = Schedule::new(steady(Settings::default()), 1);
    schedule.follow(LinkAdvice::Mute, t0);
    schedule.hold(v4(1), t0);
    assert_eq!((schedule.next(t0 + 10 * SECOND), schedule.deadline()), (None, None));
    schedule.follow(LinkAdvice::Nothing, t0);
    assert_eq!(schedule.deadline(), None);
    let back = t0 + 20 * SECOND;
    schedule.follow(LinkAdvice::Announce, back);
    let said = said(&mut schedule, back, back, 100 * SECOND);
    assert_eq!(times(&said, v4(1)), [0, 100, 300, 1100, 1100, 2200, 5000]);
}

#[test]
fn a_changed_mac_begins_all_bursts_again() {
    let t0 = Instant::now();
    let mut schedule = Schedule::new(steady(Settings::default()), 1);
    schedule.hold(v4(1), t0);
    said(&mut schedule, t0, t0, 100 * SECOND);
    assert_eq!(schedule.deadline(), None);
    let later = t0 + 200 * SECOND;
    schedule.follow(LinkAdvice::Announce, later);
    assert_eq!(said(&mut schedule, t0, later, 300 * SECOND).len(), 7);
}

#[test]
fn a_sleep_does_not_bunch_the_repeats() {
    let t0 = Instant::now();
    let mut schedule = Schedule::new(steady(Settings::default()), 1);
    schedule.hold(v4(1), t0);
    assert!(schedule.next(t0).is_some());
    let woken = t0 + 60 * SECOND;
    assert!(schedule.next(woken).is_some());
    assert_eq!(schedule.next(woken), None);
    assert_eq!(schedule.deadline(), Some(woken + ms(200)));
}

#[test]
fn a_loser_that_is_heard_is_outdone_at_once_but_not_more_than_once_a_second() {
    let t0 = Instant::now();
    let mut schedule = Schedule::new(steady(Settings::default()), 1);
    schedule.hold(v4(1), t0);
    said(&mut schedule, t0, t0, 10 * SECOND);
    let heard = t0 + 20 * SECOND;
    assert_eq!(schedule.lower_priority_heard(v4(1), heard), Held::Already);
    assert_eq!(schedule.lower_priority_heard(v4(9), heard), Held::New);
    assert!(schedule.next(heard).is_some());
    schedule.lower_priority_heard(v4(1), heard + ms(10));
    assert_eq!(schedule.next(heard + ms(10)), None);
    let rest = said(&mut schedule, heard, heard + ms(10), 100 * SECOND);
    assert_eq!(times(&rest, v4(1)), [100, 1100]);
}

#[test]
fn a_loser_heard_during_a_takeover_begins_the_takeover_again() {
    let t0 = Instant::now();
    let mut schedule = Schedule::new(Settings::keepalived(), 1);
    schedule.hold(v4(1), t0);
    assert_eq!(said(&mut schedule, t0, t0, SECOND).len(), 5);
    schedule.lower_priority_heard(v4(1), t0 + SECOND);
    let said = said(&mut schedule, t0, t0 + SECOND, 100 * SECOND);
    assert_eq!(times(&said, v4(1)), [1000, 1000, 1000, 1000, 1000, 6000, 6000, 6000, 6000, 6000]);
}

#[test]
fn a_challenge_is_answered_once_in_ten_seconds() {
    let t0 = Instant::now();
    let mut schedule = Schedule::new(steady(Settings::default()), 1);
    assert_eq!(schedule.challenged(v4(1), t0), Defence::NotHeld);
    schedule.hold(v4(1), t0);
    said(&mut schedule, t0, t0, 10 * SECOND);
    let at = t0 + 20 * SECOND;
    assert_eq!(schedule.challenged(v4(1), at), Defence::Announcing);
    assert!(schedule.next(at).is_some());
    assert_eq!(schedule.next(at), None);
    assert_eq!(schedule.challenged(v4(1), at + ms(9_999)), Defence::TooSoon);
    assert_eq!(schedule.deadline(), None);
    assert_eq!(schedule.challenged(v4(1), at + ms(10_000)), Defence::Announcing);
}

#[test]
fn what_was_not_sent_is_due_again_and_the_burst_goes_on_from_there() {
    let t0 = Instant::now();
    let mut schedule = Schedule::new(Settings::keepalived(), 1);
    schedule.hold(v4(1), t0);
    let burst: Vec<Message> = std::iter::from_fn(|| schedule.next(t0)).collect();
    assert_eq!(burst.len(), 5);
    // Two went out.
    for message in burst[2..].iter().rev() {
        schedule.unsent(message, t0 + ms(10));
    }
    let said = said(&mut schedule, t0, t0, 100 * SECOND);
    assert_eq!(times(&said, v4(1)), [10, 10, 10, 5010, 5010, 5010, 5010, 5010]);
    schedule.release(v4(1));
    schedule.unsent(&burst[0], t0);
    assert_eq!(schedule.deadline(), None);
}

#[test]
fn a_defence_that_was_not_sent_is_owed() {
    let t0 = Instant::now();
    let mut schedule = Schedule::new(steady(Settings::default()), 1);
    schedule.hold(v4(1), t0);
    said(&mut schedule, t0, t0, 10 * SECOND);
    let at = t0 + 20 * SECOND;
    assert_eq!(schedule.challenged(v4(1), at), Defence::Announcing);
    let message = schedule.next(at).unwrap();
    schedule.unsent(&message, at + ms(10));
    assert_eq!(schedule.deadline(), Some(at + ms(10)));
}

#[test]
fn jitter_is_the_same_for_the_same_seed_and_never_early() {
    let t0 = Instant::now();
    let run = |seed| {
        let mut schedule = Schedule::new(Settings::default().refreshed(60 * SECOND), seed);
        schedule.hold(v4(1), t0);
        times(&said(&mut schedule, t0, t0, 400 * SECOND), v4(1))
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
    for seed in 0..200 {
        let at = run(seed);
        let gaps: Vec<u128> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let (burst, refreshes) = gaps.split_at(6);
        for (gap, least) in burst.iter().zip([100, 200, 800, 0, 1100, 2800]) {
            assert!((least..=least + least / 10).contains(gap), "{gap} instead of {least}");
        }
        assert!(refreshes.iter().all(|gap| (54_000..=66_000).contains(gap)), "{refreshes:?}");
    }
}

#[test]
fn a_refresh_without_end_does_not_overflow() {
    let t0 = Instant::now();
    let mut schedule = Schedule::new(Settings::default().refreshed(Duration::MAX), 1);
    schedule.hold(v4(1), t0);
    assert_eq!(said(&mut schedule, t0, t0, 100 * SECOND).len(), 7);
    assert_eq!(schedule.deadline(), None);
}

#[test]
fn a_refresh_without_pause_still_lets_go() {
    let t0 = Instant::now();
    let settings = Settings { bucket: None, ..steady(Settings::default()) }.refreshed(Duration::ZERO);
    let mut schedule = Schedule::new(settings, 1);
    schedule.hold(v4(1), t0);
    let until = t0 + 10 * SECOND;
    said(&mut schedule, t0, t0, 10 * SECOND);
    assert_eq!(std::iter::from_fn(|| schedule.next(until)).count(), 0);
    assert_eq!(schedule.deadline(), Some(until + ms(1)));
}

#[test]
fn settings_that_send_nothing_send_nothing() {
    let t0 = Instant::now();
    let file = Keepalived { garp_master_repeat: 0, garp_master_refresh: SECOND, ..Keepalived::default() };
    let mut schedule = Schedule::new(file.into(), 1);
    schedule.hold(v4(1), t0);
    assert_eq!(times(&said(&mut schedule, t0, t0, ms(2500)), v4(1)), [1000, 2000]);
    schedule.lower_priority_heard(v4(1), t0 + ms(2600));
    assert_eq!(schedule.deadline(), Some(t0 + ms(3000)));
}

mod properties;
