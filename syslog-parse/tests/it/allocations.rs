//! Parsing, framing, resolving and writing do not allocate.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use syslog_parse::{
    Controls, Draft, FixedOffset, Framer, Framing, Pri, Rfc3339, Step, Style, Timestamp, parse,
    push_sd_element, resolve,
};

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
fn a_message_is_written_without_an_allocation_where_there_is_room() {
    let mut elements = Vec::with_capacity(128);
    let mut out = Vec::with_capacity(1024);
    let style = Style { controls: Controls::Octal, max_len: 1000 };
    let parsed = parse(b"<13>1 2026-11-20T10:00:00Z h a - - [a@1 x=\"1]\\\"\x01\" y=z] a\tb");
    let count = allocations(|| {
        push_sd_element(b"a@1", [(&b"x"[..], &b"\"]\\"[..])], &mut elements);
        let mut draft = Draft::new(Pri::DEFAULT);
        draft
            .time(Timestamp::new(1_791_756_855, 0), -3600, 6)
            .host(Some(b"h"))
            .app(Some(b"a"))
            .message(b"x\x01");
        draft.structured_data(&elements);
        draft.emit_rfc5424(&style, &mut out);
        draft.emit_rfc3164(&style, &mut out);
        Draft::of(&parsed).app(Some(b"b")).emit_rfc5424(&style, &mut out);
        Draft::of(&parsed).emit_rfc3164(&style, &mut out);
    });
    let expected = concat!(
        "<13>1 2026-10-11T21:14:15.000000-01:00 h a - - [a@1 x=\"\\\"\\]\\\\\"] x#001",
        "<13>Oct 11 21:14:15 h a: x#001",
        "<13>1 2026-11-20T10:00:00Z h b - - [a@1 x=\"1\\]\\\"#001\" y=\"z\"] a#011b",
        "<13>Nov 20 10:00:00 h a: a#011b",
    );
    assert_eq!(String::from_utf8_lossy(&out), expected);
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
