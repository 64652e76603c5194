//! What holds for any octets: each function panics if it does not. The fuzz targets are these functions, and so is what the
//! tests on stable give mutated lines to.

#![allow(dead_code, reason = "each fuzz target asks one")]

use syslog_parse::{
    Controls, Deviation, Draft, FixedOffset, Format, FrameFlags, Framer, Framing, Step, Style, Timestamp,
    parse, resolve,
};

/// Fields lie within the octets, in order; values can be unescaped; `strict` and `resolve` answer.
pub(crate) fn parsing(raw: &[u8]) {
    let message = parse(raw);
    let header = message.header();
    let spans =
        [header.host, header.app, header.procid, header.msgid, header.structured_data, header.message];
    let mut end = 0;
    for span in spans.into_iter().filter(|span| !span.is_empty()) {
        assert!(span.start as usize >= end, "{message:?}");
        end = span.end();
        assert!(end <= raw.len(), "{message:?}");
    }
    let mut value = Vec::new();
    for (_, param) in message.structured_data().flat_map(|element| element.params()) {
        value.clear();
        param.unescape_into(&mut value);
        assert!(param.eq_bytes(&value), "{message:?}");
    }
    let strict = message.strict();
    assert!(message.forbidden().is_empty() || strict.is_err(), "{message:?}");
    if let Err(fault) = strict {
        assert!(fault.offset <= raw.len(), "{message:?}");
    }
    assert_eq!(message.version().is_some(), message.format() == Format::Rfc5424, "{message:?}");
    assert_eq!(message.deviations().contains(Deviation::NoHeader), message.format() == Format::Unparsed);
    if let Some(stamp) = message.stamp() {
        let found = resolve(&stamp, &FixedOffset::UTC, Timestamp::new(1_791_756_856, 0));
        assert!(found.is_none() || stamp.is_possible(), "{message:?}");
    }
}

/// Frames do not depend on how the stream is cut, and no more is kept than promised.
pub(crate) fn framing(framing: Framing, max_len: usize, cut: usize, stream: &[u8]) {
    let frames = |size: usize| {
        let mut framer = Framer::new(framing, max_len);
        let mut frames: Vec<(Vec<u8>, FrameFlags)> = Vec::new();
        let mut buffer = Vec::new();
        for piece in stream.chunks(size) {
            for octets in piece.chunks(framer.buffer_len().saturating_sub(buffer.len()).max(1)) {
                buffer.extend_from_slice(octets);
                loop {
                    match framer.next(&buffer) {
                        Step::Complete { frame, consumed } => {
                            frames.push((frame.bytes.to_vec(), frame.flags));
                            buffer.drain(..consumed);
                        }
                        Step::Partial { consumed } => {
                            buffer.drain(..consumed);
                            break;
                        }
                    }
                }
                assert!(buffer.len() < framer.buffer_len());
            }
        }
        while let Step::Complete { frame, consumed } = framer.finish(&buffer) {
            frames.push((frame.bytes.to_vec(), frame.flags));
            buffer.drain(..consumed);
        }
        frames
    };
    assert_eq!(frames(cut.max(1)), frames(stream.len().max(1)));
}

/// Whatever came can be written in both shapes within any length, and composed it is RFC 5424.
pub(crate) fn formatting(max_len: usize, raw: &[u8], value: &[u8]) {
    let message = parse(raw);
    let mut draft = Draft::of(&message);
    draft.host(Some(value)).app(Some(value)).message(value);
    let style = Style { controls: Controls::Octal, max_len };
    let mut out = Vec::new();
    draft.emit_rfc3164(&style, &mut out);
    assert!(out.len() <= max_len && !out.iter().any(u8::is_ascii_control), "{}", out.escape_ascii());
    out.clear();
    draft.emit_rfc5424(&style, &mut out);
    assert!(out.len() <= max_len, "{}", out.escape_ascii());
    out.clear();
    draft.emit_rfc5424(&Style::default(), &mut out);
    assert_eq!(parse(&out).format(), Format::Rfc5424, "{}", out.escape_ascii());
}

/// A message that is not changed comes out as it came; a host replaced and put back leaves no trace.
pub(crate) fn round_trip(raw: &[u8]) {
    let message = parse(raw);
    let style = Style::default();
    let mut out = Vec::new();
    if message.format() == Format::Rfc5424 {
        Draft::of(&message).emit_rfc5424(&style, &mut out);
        assert_eq!(out, raw);
        if message.strict().is_ok() {
            out.clear();
            Draft::of(&message).host(Some(b"other")).emit_rfc5424(&style, &mut out);
            let other = parse(&out);
            assert_eq!(other.host(), Some(&b"other"[..]));
            let mut back = Vec::new();
            Draft::of(&other).host(message.host()).emit_rfc5424(&style, &mut back);
            assert_eq!(back, raw);
        }
    }
}
