//! Between the decision and the first frame, and while frames are parsed, nothing is allocated.

use crate::lan::{Lan, MAC, ip};
use garp::{ArpForm, Audience, Claim, Frame, Message, Role, Schedule, Settings};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

/// The system's allocator, counting what each thread asks of it.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "an allocator cannot be written without; this one only counts and passes on")]
// SAFETY: every call goes to the system's allocator unchanged, so its promises are kept by it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: `ptr` came from `alloc` above with the same layout, so from the system.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many allocations `work` makes.
fn allocations(work: impl FnOnce()) -> u64 {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

#[test]
fn nothing_is_allocated_between_the_decision_and_the_first_frame() {
    let Some(lan) = Lan::enter() else { return };
    let mut sender = lan.sender();
    let mut addresses: Vec<IpAddr> = (0..64).map(|last| Ipv4Addr::new(10, 9, 0, last).into()).collect();
    addresses.push(ip(crate::lan::V6));
    let mut schedule = Schedule::with_capacity(Settings::default(), 1, addresses.len());
    let count = allocations(|| {
        let now = Instant::now();
        for address in &addresses {
            schedule.hold(*address, now);
        }
        // One more for the routers, who are told beside all nodes.
        assert_eq!(sender.send_due(&mut schedule, now).unwrap(), addresses.len() + 1);
        assert!(schedule.deadline().is_some());
        schedule.rearm_all(now);
        schedule.release_all();
    });
    assert_eq!(count, 0);
}

#[test]
fn no_frame_costs_an_allocation() {
    let (v4, v6) = ("192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
    let messages = [
        Message::Announcement { address: v4, form: ArpForm::Reply },
        Message::Advertisement { address: v6, audience: Audience::AllNodes, role: Role::Router },
    ];
    let count = allocations(|| {
        for message in messages {
            let octets = black_box(message).frame(MAC).emit();
            let frame = Frame::parse(black_box(octets.as_slice())).unwrap();
            assert_eq!(Claim::of(&frame.body).unwrap().address, message.address());
            assert!(Frame::parse(&octets.as_slice()[1..]).is_err());
        }
    });
    assert_eq!(count, 0);
}
