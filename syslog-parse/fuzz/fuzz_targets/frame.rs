//! Frames do not depend on how the stream is cut, and no more is kept than promised.
#![no_main]

use libfuzzer_sys::fuzz_target;
use syslog_parse::{FrameFlags, Framer, Framing, Step};

fuzz_target!(|input: (u8, u8, u8, &[u8])| {
    let (framing, max_len, cut, stream) = input;
    let framing = [Framing::Auto, Framing::Lf, Framing::OctetCounting][usize::from(framing % 3)];
    let frames = |size: usize| {
        let mut framer = Framer::new(framing, max_len.into());
        let mut frames: Vec<(Vec<u8>, FrameFlags)> = Vec::new();
        let mut buffer = Vec::new();
        for piece in stream.chunks(size) {
            for octet in piece.chunks(framer.buffer_len().saturating_sub(buffer.len()).max(1)) {
                buffer.extend_from_slice(octet);
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
    assert_eq!(frames(usize::from(cut).max(1)), frames(stream.len().max(1)));
});
