//! Parsing, framing and resolving do not allocate.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use syslog_parse::{FixedOffset, Framer, Framing, Rfc3339, Step, Timestamp, parse, resolve};

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
fn no_line_costs_an_allocation() {
    let lines: Vec<Vec<u8>> = ["real-world.jsonl", "roundtrip.jsonl"]
        .into_iter()
        .flat_map(crate::corpus::cases)
        .map(|case| crate::corpus::octets(&case["input_base64"]))
        .collect();
    let reference = Timestamp::new(1_790_000_000, 0);
    let count = allocations(|| {
        for line in &lines {
            let message = parse(line);
            for element in message.structured_data() {
                for (_, value) in element.params() {
                    value.chunks().for_each(|chunk| assert!(!black_box(chunk).is_empty()));
                }
            }
            if let Some(found) =
                message.stamp().and_then(|stamp| resolve(&stamp, &FixedOffset::UTC, reference))
            {
                black_box(Rfc3339::new(found.instant, found.offset, 9).as_bytes());
            }
        }
    });
    assert_eq!(count, 0);
}

#[cfg(feature = "jiff")]
#[test]
fn no_zone_costs_an_allocation_once_it_is_there() {
    let zone =
        syslog_parse::Cached::new(syslog_parse::IanaZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap());
    let message = parse(b"<13>Oct 11 22:14:15 host app: m");
    let stamp = message.stamp().unwrap();
    let count = allocations(|| {
        for day in 0..1000 {
            black_box(resolve(&stamp, &zone, Timestamp::new(1_790_000_000 + day * 86_400, 0)));
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn no_frame_costs_an_allocation() {
    let stream = b"26 <13>Oct 11 22:14:15 h a: x\n<13>one\r\n<13>two\0".repeat(100);
    let mut framer = Framer::new(Framing::Auto, 20);
    let mut frames = 0;
    let count = allocations(|| {
        let mut rest = &stream[..];
        while let Step::Complete { consumed, .. } = framer.next(rest) {
            frames += 1;
            rest = &rest[consumed..];
        }
    });
    assert_eq!(frames, 300);
    assert_eq!(count, 0);
}
