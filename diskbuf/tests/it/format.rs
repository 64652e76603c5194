//! A reader made from `FORMAT.md` alone, and the bytes of known fields.

use std::collections::BTreeMap;
use std::path::Path;

use diskbuf::Start;

use crate::support::{account, append, drain, open, payload};

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// The standard library's SipHash is 1-3; this is the textbook's 2-4, for messages of whole words.
fn siphash(key: &[u8], words: &[u64]) -> u64 {
    let (k0, k1) = (u64_at(key, 0), u64_at(key, 8));
    let text = b"somepseudorandomlygeneratedbytes";
    let word = |at: usize| u64::from_be_bytes(text[at..at + 8].try_into().unwrap());
    let mut v = [k0 ^ word(0), k1 ^ word(8), k0 ^ word(16), k1 ^ word(24)];
    let round = |v: &mut [u64; 4]| {
        v[0] = v[0].wrapping_add(v[1]);
        v[1] = v[1].rotate_left(13) ^ v[0];
        v[0] = v[0].rotate_left(32);
        v[2] = v[2].wrapping_add(v[3]);
        v[3] = v[3].rotate_left(16) ^ v[2];
        v[0] = v[0].wrapping_add(v[3]);
        v[3] = v[3].rotate_left(21) ^ v[0];
        v[2] = v[2].wrapping_add(v[1]);
        v[1] = v[1].rotate_left(17) ^ v[2];
        v[2] = v[2].rotate_left(32);
    };
    for m in words.iter().copied().chain([(words.len() as u64 * 8) << 56]) {
        v[3] ^= m;
        round(&mut v);
        round(&mut v);
        v[0] ^= m;
    }
    v[2] ^= 0xff;
    (0..4).for_each(|_| round(&mut v));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

/// All records of a queue at rest, by number.
fn read(dir: &Path) -> BTreeMap<u64, Vec<u8>> {
    let meta = std::fs::read(dir.join("META")).unwrap();
    assert_eq!((&meta[..8], meta.len()), (&b"DISKBUFM"[..], 12_288));
    assert_eq!(meta[..64], meta[8192..8256]);
    assert_eq!((u32_at(&meta, 56), u32_at(&meta, 60)), (1, CRC.checksum(&meta[..60])));
    let mut records = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let Some(id) = name.strip_suffix(".seg").and_then(|hex| u64::from_str_radix(hex, 16).ok()) else {
            continue;
        };
        let bytes = std::fs::read(entry.path()).unwrap();
        assert_eq!((bytes.len() as u64, &bytes[..8]), (u64_at(&meta, 40), &b"DISKBUFS"[..]));
        assert_eq!((&bytes[8..24], u64_at(&bytes, 24)), (&meta[8..24], id));
        assert_eq!((u64_at(&bytes, 40), u32_at(&bytes, 56)), (bytes.len() as u64, 1));
        assert_eq!(u32_at(&bytes, 60), CRC.checksum(&bytes[..60]));
        let salt = siphash(&meta[24..40], &[u64_at(&meta, 8), u64_at(&meta, 16), id]);
        let mut expected = u64_at(&bytes, 32);
        let mut at = 4096;
        while at + 24 <= bytes.len() {
            let header = &bytes[at..at + 24];
            let mut covered = salt.to_le_bytes().to_vec();
            covered.extend(&header[..20]);
            if CRC.checksum(&covered) != u32_at(header, 20) {
                break;
            }
            let magic = u16::from_le_bytes([header[6], header[7]]);
            assert_eq!((header[4], header[5] & !3, u64::from(magic)), (1, 0, 0xD1B5 ^ salt & 0xffff));
            let payload = &bytes[at + 24..at + 24 + u32_at(header, 0) as usize];
            assert_eq!((u64_at(header, 8), u32_at(header, 16)), (expected, CRC.checksum(payload)));
            records.insert(expected, payload.to_vec());
            expected += 1;
            at += (24 + payload.len()).next_multiple_of(8);
        }
    }
    records
}

#[test]
fn a_reader_made_from_the_document_finds_every_record() {
    let dir = tempfile::tempdir().unwrap();
    {
        let queue = open(dir.path());
        let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
        append(&queue, 1..700);
        account(&drain(&mut consumer).0, &[], 1, 700);
        append(&queue, 700..1800);
        assert!(queue.status().oldest_seq.as_u64() > 1, "some segment is in its second life");
    }
    let records = read(dir.path());
    let oldest = *records.keys().next().unwrap();
    assert!(records.keys().copied().eq(oldest..1800));
    assert!(records.iter().all(|(seq, bytes)| *bytes == payload(*seq)));
}

#[test]
fn a_cursor_is_four_slots_and_the_newest_counts() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    append(&queue, 1..11);
    let slots = || {
        let bytes = std::fs::read(dir.path().join("consumers/a.cursor")).unwrap();
        assert_eq!(bytes.len(), 16_384);
        [0, 4096, 8192, 12_288].map(|at| {
            let slot = &bytes[at..at + 76];
            let whole = CRC.checksum(&slot[..72]) == u32_at(slot, 72) && slot.starts_with(b"DISKBUFC");
            assert!(!whole || (slot[8..24] == queue.uuid() && u32_at(slot, 68) == 1));
            whole.then(|| (u64_at(slot, 24), u64_at(slot, 32)))
        })
    };
    assert_eq!(slots(), [Some((0, 1)), None, None, None]);
    for (records, expected) in [(3, (1, 4)), (2, (2, 6)), (5, (3, 11))] {
        consumer.read(diskbuf::Limit { records, ..Default::default() }).unwrap().ack().unwrap();
        assert_eq!(slots().into_iter().flatten().max(), Some(expected));
        assert_eq!(slots()[0], Some((0, 1)), "the one that is safe stays until another is");
    }
    queue.sync().unwrap();
    append(&queue, 11..13);
    consumer.read(diskbuf::Limit::default()).unwrap().ack().unwrap();
    assert!(slots().contains(&Some((3, 11))) && slots().contains(&Some((4, 13))));
}

#[test]
fn state_tells_what_was_synced_and_what_was_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    append(&queue, 1..11);
    queue.sync().unwrap();
    let bytes = std::fs::read(dir.path().join("STATE")).unwrap();
    assert_eq!(bytes.len(), 12_288);
    let slots = [0, 8192].map(|at| &bytes[at..at + 96]);
    let good = slots.into_iter().filter(|slot| CRC.checksum(&slot[..92]) == u32_at(slot, 92));
    let newest = good.max_by_key(|slot| u64_at(slot, 24)).unwrap();
    assert_eq!((&newest[..8], &newest[8..24], u32_at(newest, 88)), (&b"DISKBUFT"[..], &queue.uuid()[..], 1));
    let last_at = 4096 + (1..10).map(|n| (24 + payload(n).len() as u64).next_multiple_of(8)).sum::<u64>();
    let fields: Vec<u64> = (32..88).step_by(8).map(|at| u64_at(newest, at)).collect();
    assert_eq!(fields, [11, 0, last_at, 0, 1024, 0, 0]);
}
