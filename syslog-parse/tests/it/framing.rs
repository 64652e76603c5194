//! Streams and the frames in them (`tests/data/framing.jsonl`), however they are cut.

use crate::corpus::{cases, octets};
use proptest::prelude::*;
use syslog_parse::{FrameFlags, Framer, Framing, Step};

/// A frame on its own.
type Owned = (Vec<u8>, FrameFlags);

/// All frames of a stream that comes in these pieces.
fn frames_of(framer: &mut Framer, pieces: &[&[u8]]) -> Vec<Owned> {
    let mut frames = Vec::new();
    let mut buffer = Vec::new();
    for piece in pieces {
        // No more room than the framer says that it needs.
        for octet_or_more in piece.chunks(framer.buffer_len().saturating_sub(buffer.len()).max(1)) {
            buffer.extend_from_slice(octet_or_more);
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
            assert!(buffer.len() < framer.buffer_len(), "{len} octets are kept", len = buffer.len());
        }
    }
    loop {
        match framer.finish(&buffer) {
            Step::Complete { frame, consumed } => {
                frames.push((frame.bytes.to_vec(), frame.flags));
                buffer.drain(..consumed);
            }
            Step::Partial { consumed } => {
                assert_eq!(consumed, buffer.len(), "nothing is left at the end");
                return frames;
            }
        }
    }
}

#[test]
fn every_stream_gives_its_frames_in_whatever_pieces_it_comes() {
    let mut wrong = Vec::new();
    let cases = cases("framing.jsonl");
    for case in &cases {
        let stream = octets(&case["stream_base64"]);
        let list =
            |frames: &serde_json::Value| frames.as_array().unwrap().iter().map(octets).collect::<Vec<_>>();
        let mut good = vec![list(&case["expect_frames"])];
        good.extend(case["accept_also"].as_array().into_iter().flatten().map(list));
        let check = |pieces: &[&[u8]]| {
            let found = frames_of(&mut Framer::new(Framing::Auto, 8192), pieces);
            (good.contains(&found.iter().map(|(bytes, _)| bytes.clone()).collect()), found)
        };
        let whole = check(&[&stream]);
        let single = check(&stream.chunks(1).collect::<Vec<_>>());
        let mut ways = vec![whole.clone(), single];
        ways.extend((0..=stream.len()).map(|cut| check(&[&stream[..cut], &stream[cut..]])));
        if let Some((_, found)) = ways.iter().find(|(right, found)| !right || *found != whole.1) {
            let found: Vec<_> =
                found.iter().map(|(b, f)| (String::from_utf8_lossy(b).into_owned(), f)).collect();
            wrong.push(format!("{id}: {found:?}", id = case["id"]));
        }
    }
    eprintln!("{right} of {all} streams right", right = cases.len() - wrong.len(), all = cases.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Streams made of what frames are made of.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"<13>".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\0".to_vec()),
        Just(b"\r".to_vec()),
        Just(b" ".to_vec()),
        Just(b"<1".to_vec()),
        (0_u32..40).prop_map(|count| format!("{count} <13>").into_bytes()),
        (0_u32..40).prop_map(|count| format!("{count} ").into_bytes()),
        Just(b"99999999999 <1>".to_vec()),
        prop::collection::vec(any::<u8>(), 0..12),
        "[a-z0-9]{0,20}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn frames_do_not_depend_on_the_cuts(
        stream in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        framing in prop_oneof![Just(Framing::Auto), Just(Framing::Lf), Just(Framing::OctetCounting)],
        max_len in 1_usize..60,
    ) {
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        at.extend([0, stream.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
        let mut whole = Framer::new(framing, max_len);
        let mut cut = Framer::new(framing, max_len);
        let mut single = Framer::new(framing, max_len);
        let expected = frames_of(&mut whole, &[&stream]);
        prop_assert_eq!(&frames_of(&mut cut, &pieces), &expected);
        prop_assert_eq!(&frames_of(&mut single, &stream.chunks(1).collect::<Vec<_>>()), &expected);
        prop_assert_eq!(whole.discarded(), cut.discarded());
        for (bytes, flags) in &expected {
            prop_assert!(!bytes.is_empty() && bytes.len() <= max_len);
            prop_assert!(!flags.contains(FrameFlags::TRUNCATED) || bytes.len() == max_len);
        }
        // Cut or not, no octet goes without being a delimiter, part of a count, a frame, or counted as discarded.
        let kept: usize = expected.iter().map(|(bytes, _)| bytes.len()).sum();
        prop_assert!(kept as u64 + whole.discarded() <= stream.len() as u64);
    }

    #[test]
    fn what_is_counted_right_comes_out_as_it_went_in(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 18..80), 0..10),
        framing in prop_oneof![Just(Framing::Auto), Just(Framing::OctetCounting)],
    ) {
        let messages: Vec<Vec<u8>> = messages.into_iter().map(|body| [b"<13>", &body[..]].concat()).collect();
        let stream: Vec<u8> =
            messages.iter().flat_map(|m| [format!("{} ", m.len()).as_bytes(), m].concat()).collect();
        let found = frames_of(&mut Framer::new(framing, 8192), &[&stream]);
        prop_assert!(found.iter().all(|(_, flags)| *flags == FrameFlags::COUNTED));
        prop_assert_eq!(found.into_iter().map(|(bytes, _)| bytes).collect::<Vec<_>>(), messages);
    }
}
