//! Whatever happens in whatever order, nothing is said of an address that is not held, and what is due is said.
#![no_main]

use garp::{Bucket, Keepalived, Schedule, Settings};
use libfuzzer_sys::fuzz_target;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

fuzz_target!(|input: (u64, u8, u16, Vec<(u8, u8, u16)>)| {
    let (seed, repeat, rate, events) = input;
    let t0 = Instant::now();
    let mut now = t0;
    let mut settings = if seed % 2 == 0 {
        Settings::default()
    } else {
        Keepalived { garp_master_repeat: repeat.into(), ..Keepalived::default() }.into()
    };
    settings.bucket = (rate > 0).then_some(Bucket { per_second: rate.into(), depth: repeat.into() });
    if seed % 3 == 0 {
        settings = settings.refreshed(Duration::from_millis(rate.into()));
    }
    let mut schedule = Schedule::new(settings, seed);
    let (mut held, mut last) = (HashSet::new(), None);
    for (event, address, value) in events {
        let address: IpAddr = if address % 2 == 0 {
            Ipv4Addr::from_bits(u32::from(address) | 0x0a00_0000).into()
        } else {
            Ipv6Addr::from_bits(u128::from(address)).into()
        };
        match event % 10 {
            0 => { schedule.hold(address, now); held.insert(address); }
            1 => { schedule.release(address); held.remove(&address); }
            2 => schedule.rearm_all(now),
            3 => schedule.mute(),
            4 => schedule.unmute(now),
            5 => { schedule.lower_priority_heard(address, now); }
            6 => { schedule.challenged(address, now); }
            7 => if let Some(message) = last.take() { schedule.unsent(&message, now) },
            _ => now += Duration::from_millis(value.into()),
        }
        for _ in 0..4 {
            let due = schedule.deadline().is_some_and(|deadline| deadline <= now);
            last = schedule.next(now);
            assert_eq!(last.is_some(), due);
            if let Some(message) = last {
                assert!(held.contains(&message.address()));
            }
        }
    }
});
