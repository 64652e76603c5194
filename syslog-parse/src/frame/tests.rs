use super::*;

/// All frames of a stream that ends.
fn frames(framing: Framing, max_len: usize, stream: &[u8]) -> Vec<(String, FrameFlags)> {
    let mut framer = Framer::new(framing, max_len);
    let mut frames = Vec::new();
    let mut rest = stream;
    while let Step::Complete { frame, consumed } = framer.finish(rest) {
        frames.push((String::from_utf8_lossy(frame.bytes).into_owned(), frame.flags));
        rest = &rest[consumed..];
    }
    frames
}

fn owned(frames: &[(&str, FrameFlags)]) -> Vec<(String, FrameFlags)> {
    frames.iter().map(|&(text, flags)| (text.into(), flags)).collect()
}

const TRUNCATED: FrameFlags = FrameFlags::TRUNCATED;
const NONE: FrameFlags = FrameFlags::NONE;

#[test]
fn a_text_that_is_too_long_is_cut_and_the_next_is_whole() {
    assert_eq!(
        frames(Framing::Lf, 4, b"1234\r\n12345\nabc\n"),
        owned(&[("1234", NONE), ("1234", TRUNCATED), ("abc", NONE)])
    );
}

#[test]
fn a_counted_frame_that_is_too_long_is_cut_and_the_next_is_whole() {
    let flags = FrameFlags::COUNTED.union(TRUNCATED);
    assert_eq!(
        frames(Framing::Auto, 5, b"9 <13>abcde5 <13>a"),
        owned(&[("<13>a", flags), ("<13>a", FrameFlags::COUNTED)])
    );
}

#[test]
fn what_was_cut_off_is_counted() {
    let mut framer = Framer::new(Framing::Lf, 4);
    assert!(matches!(framer.next(b"1234567"), Step::Complete { consumed: 4, .. }));
    assert_eq!(framer.next(b"567"), Step::Partial { consumed: 3 });
    assert_eq!(framer.next(b"89\nab"), Step::Partial { consumed: 3 });
    assert_eq!(framer.discarded(), 5);
}

#[test]
fn a_count_that_nobody_can_mean_is_reported() {
    for stream in [&b"0 <13>a\n"[..], b"99999999999 <13>a\n"] {
        assert_eq!(frames(Framing::Auto, 100, stream), owned(&[("<13>a", FrameFlags::BAD_COUNT)]));
    }
}

#[test]
fn the_end_of_the_stream_ends_a_frame() {
    assert_eq!(frames(Framing::Auto, 100, b"<13>a"), owned(&[("<13>a", FrameFlags::UNFINISHED)]));
    let flags = FrameFlags::COUNTED.union(FrameFlags::UNFINISHED);
    assert_eq!(frames(Framing::Auto, 100, b"30 <13>a"), owned(&[("<13>a", flags)]));
    assert_eq!(frames(Framing::Auto, 100, b"30 <1"), owned(&[("30 <1", FrameFlags::UNFINISHED)]));
}

#[test]
fn octet_counting_believes_counts_without_a_pri() {
    assert_eq!(
        frames(Framing::OctetCounting, 100, b"3 abc4 de\nf"),
        owned(&[("abc", FrameFlags::COUNTED), ("de\nf", FrameFlags::COUNTED)])
    );
}

#[test]
fn lf_framing_believes_no_count() {
    assert_eq!(frames(Framing::Lf, 100, b"5 <13>a\n"), owned(&[("5 <13>a", NONE)]));
}

#[test]
fn lost_in_octet_counting_reading_goes_on_at_the_next_count() {
    let found = frames(Framing::OctetCounting, 8, b"2 abcdefghijklmnopqrstuvwxyz0123456789 5 <13>x");
    assert_eq!(found.last(), owned(&[("<13>x", FrameFlags::COUNTED)]).last());
    assert!(found.iter().all(|(text, _)| text.len() <= 8));
}

#[test]
fn a_waiting_framer_consumes_nothing_it_may_need() {
    let mut framer = Framer::new(Framing::Auto, 100);
    assert_eq!(framer.next(b"\n\n26 <1"), Step::Partial { consumed: 2 });
    assert_eq!(framer.next(b"26 <13>abc"), Step::Partial { consumed: 0 });
}

#[test]
fn flags_are_shown_by_their_names() {
    assert_eq!(format!("{:?}", NONE), "{}");
    let both = FrameFlags::BAD_COUNT.union(FrameFlags::COUNTED);
    assert_eq!(format!("{both:?}"), r#"{"counted", "bad_count"}"#);
}
