//! The lines of the corpora, changed here and there: what the fuzz targets do, on stable and in seconds.

use crate::obligations;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::sync::LazyLock;
use syslog_parse::Framing;

/// All lines and streams that the tests have.
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    ["real-world.jsonl", "devices.jsonl", "devices-2.jsonl", "devices-3.jsonl", "roundtrip.jsonl"]
        .into_iter()
        .flat_map(crate::corpus::cases)
        .map(|case| crate::corpus::octets(&case["input_base64"]))
        .collect()
});

/// What a fuzzer would learn to put in.
const WORDS: &[&[u8]] = &[
    b" ",
    b"  ",
    b"\t",
    b": ",
    b":",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b"\\\"",
    b"=",
    b"- ",
    b"<",
    b">",
    b"<13>",
    b"1 ",
    b"26 <13>",
    b"2026",
    b"2026-11-20T10:00:00.123456789Z",
    b"+02:00",
    b"Z",
    b"CET ",
    b"PM",
    b"Oct 11 22:14:15 ",
    b"Nov  1 ",
    b"Tue ",
    b".123",
    b",",
    b"2001:db8::1 ",
    b"::",
    b"[a@1 x=\"y\"]",
    b"x=\"y\"",
    b"last message repeated ",
    b"Message forwarded from ",
    b"notice ",
    b"%A-1-B: ",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff",
    b"00",
    b"*",
];

#[derive(Clone, Debug)]
enum Edit {
    Insert(&'static [u8]),
    Replace(u8),
    Remove(usize),
    Cut,
    Graft(Index, Index, usize),
}

fn edit() -> impl Strategy<Value = (Index, Edit)> {
    let edit = prop_oneof![
        4 => select(WORDS).prop_map(Edit::Insert),
        2 => any::<u8>().prop_map(Edit::Replace),
        2 => (1_usize..5).prop_map(Edit::Remove),
        1 => Just(Edit::Cut),
        1 => (any::<Index>(), any::<Index>(), 1_usize..24).prop_map(|(of, from, len)| Edit::Graft(of, from, len)),
    ];
    (any::<Index>(), edit)
}

/// A line of the corpora with up to four edits.
fn line() -> impl Strategy<Value = Vec<u8>> {
    (any::<Index>(), prop::collection::vec(edit(), 0..5)).prop_map(|(seed, edits)| {
        let mut line = seed.get(&SEEDS[..]).clone();
        for (place, edit) in edits {
            let at = place.index(line.len() + 1);
            match edit {
                Edit::Insert(word) => drop(line.splice(at..at, word.iter().copied())),
                Edit::Replace(octet) => line.iter_mut().skip(at).take(1).for_each(|old| *old = octet),
                Edit::Remove(len) => drop(line.drain(at..(at + len).min(line.len()))),
                Edit::Cut => line.truncate(at),
                Edit::Graft(of, from, len) => {
                    let other = of.get(&SEEDS[..]);
                    let from = from.index(other.len() + 1);
                    let graft = &other[from..(from + len).min(other.len())];
                    line.splice(at..at, graft.iter().copied());
                }
            }
        }
        line
    })
}

/// Lines one behind the other as streams have them, with and without counts, not all of them right.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let frame = (line(), 0_usize..6, 0_usize..3).prop_map(|(line, end, off)| match end {
        0 => [&line[..], b"\n"].concat(),
        1 => [&line[..], b"\r\n"].concat(),
        2 => [&line[..], b"\0"].concat(),
        _ => [format!("{len} ", len = (line.len() + off).saturating_sub(1)).as_bytes(), &line[..]].concat(),
    });
    prop::collection::vec(frame, 0..4).prop_map(|frames| frames.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12_000))]

    #[test]
    fn a_mutated_line_is_a_message(line in line()) {
        obligations::parsing(&line);
        obligations::round_trip(&line);
    }

    #[test]
    fn a_mutated_line_can_be_written_within_any_length(
        max_len in prop_oneof![0_usize..600, Just(usize::from(u16::MAX))],
        line in line(),
        value in prop::collection::vec(prop_oneof![any::<u8>(), b' '..=b'~'], 0..40),
    ) {
        obligations::formatting(max_len, &line, &value);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_mutated_stream_has_the_same_frames_however_it_is_cut(
        framing in select(&[Framing::Auto, Framing::Lf, Framing::OctetCounting][..]),
        max_len in 0_usize..256,
        cut in 1_usize..256,
        stream in stream(),
    ) {
        obligations::framing(framing, max_len, cut, &stream);
    }
}
