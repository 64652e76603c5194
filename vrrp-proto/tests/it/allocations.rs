//! Reading, writing and checking do not allocate.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use vrrp_proto::{Datagram, Packet, PeerMemory};

use crate::vectors::authentication;
use crate::wire::ladder_for;

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
pub(crate) fn allocations(work: impl FnOnce()) -> u64 {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(vec![1_u8]))), 1);
}

#[test]
fn no_advertisement_costs_an_allocation() {
    let mut checked = 0;
    for vector in crate::vectors::all().into_iter().chain(crate::captures::all()) {
        let password = vector.password();
        let Some(authentication) = authentication(vector.auth, &password) else { continue };
        let datagram = Datagram::from_ip(&vector.packet).unwrap();
        let mut peers = Vec::new();
        let mut ladder = ladder_for(&datagram, &mut peers);
        ladder.authentication = authentication;
        let mut out = [0; 2048];
        let count = allocations(|| {
            let datagram = Datagram::from_ip(black_box(&vector.packet)).unwrap();
            if let Ok(accepted) = ladder.check(&datagram, &mut PeerMemory::new()) {
                black_box(accepted.addresses().last());
                black_box(accepted.notes());
                checked += 1;
            }
            if let Ok(packet) = Packet::parse(datagram.payload(), datagram.carrier()) {
                black_box(packet.emit(datagram.carrier(), &mut out).unwrap());
            }
        });
        assert_eq!(count, 0, "{}", vector.name);
    }
    assert!(checked > 60, "{checked}");
}

#[test]
#[cfg(feature = "auth-ah")]
fn no_whole_packet_costs_an_allocation() {
    use vrrp_proto::{Ipv4Header, Password};

    let carrier = crate::wire::group();
    let message = crate::wire::hex("3133960100642e030a000064");
    let packet = Packet::parse(&message, &carrier).unwrap();
    let mut header = Ipv4Header::new([10, 0, 0, 1].into(), [224, 0, 0, 18].into());
    header.identification = 1;
    let password = Password::new(b"1234");
    let mut out = [0; 128];
    let count = allocations(|| {
        black_box(packet.emit_ipv4(&header, &mut out).unwrap());
        black_box(packet.emit_ipv4_ah(&header, &password, 1, &mut out).unwrap());
    });
    assert_eq!(count, 0);
}

#[test]
fn no_refusal_costs_an_allocation() {
    let vector = crate::vectors::all().into_iter().find(|vector| vector.name == "k4-v3").unwrap();
    let mut refused = 0;
    for at in 0..vector.packet.len() {
        let mut packet = vector.packet.clone();
        packet[at] ^= 0x55;
        let mut peers = Vec::new();
        let ladder = ladder_for(&Datagram::from_ip(&vector.packet).unwrap(), &mut peers);
        let count = allocations(|| {
            let answer = Datagram::from_ip(&packet);
            let answer =
                answer.and_then(|datagram| ladder.check(&datagram, &mut PeerMemory::new()).map(drop));
            refused += usize::from(answer.map_err(|reject| black_box(reject.label())).is_err());
        });
        assert_eq!(count, 0, "octet {at}");
    }
    assert!(refused > 20, "{refused}");
}
