//! All records of an undamaged queue at rest, by number: written from `FORMAT.md`, without anything of the crate.
use std::{collections::BTreeMap, fs, hash::Hasher as _, path::Path};

pub(crate) const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);

pub(crate) fn number<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + N].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

pub(crate) fn records(dir: &Path) -> BTreeMap<u64, Vec<u8>> {
    let sealed = |block: &[u8], magic: &[u8]| {
        let crc = u64::from(CRC.checksum(&block[..60]));
        block.starts_with(magic) && number::<4>(block, 56) == 3 && number::<4>(block, 60) == crc
    };
    let meta = fs::read(dir.join("META")).unwrap();
    let meta =
        [0, 8192].map(|at| &meta[at..at + 64]).into_iter().find(|copy| sealed(copy, b"DISKBUFM")).unwrap();
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let segments = names.filter(|path| path.extension().is_some_and(|end| end == "seg"));
    let segments = segments.filter(|path| path.file_stem().is_some_and(|stem| stem.len() == 16)); // no spare
    let segments = segments.map(|path| fs::read(path).unwrap()).filter(|bytes| sealed(bytes, b"DISKBUFS"));
    let mut segments: Vec<_> = segments.filter(|bytes| bytes[8..24] == meta[8..24]).collect();
    segments.sort_by_key(|bytes| std::cmp::Reverse(number::<8>(bytes, 24)));
    let (mut found, mut bound) = (BTreeMap::new(), 1 << 62);
    for bytes in segments {
        let first = number::<8>(&bytes, 32);
        if first > bound {
            continue; // void
        }
        let salt = &siphash(&meta[24..40], &[&meta[8..24], &bytes[24..32]].concat()).to_le_bytes()[..];
        let (mut at, mut batch) = (4096, Vec::new());
        while let Some(head) = bytes.get(at..at + 24) {
            let (seq, crc) = (number::<8>(head, 8), u64::from(CRC.checksum(&[salt, &head[..20]].concat())));
            let good = (head[4], number::<2>(head, 6)) == (1, 0xD1B5 ^ number::<2>(salt, 0)) && head[5] < 4;
            if !good || crc != number::<4>(head, 20) || !(first..bound).contains(&seq) {
                break;
            }
            let payload = &bytes[at + 24..][..number::<4>(head, 0) as usize];
            if u64::from(CRC.checksum(payload)) != number::<4>(head, 16) {
                break;
            }
            batch.push((seq, payload.to_vec()));
            if head[5] & 2 != 0 {
                found.extend(batch.drain(..));
            }
            at += (24 + payload.len()).next_multiple_of(8);
        }
        bound = first;
    }
    found
}

#[expect(deprecated, reason = "the standard library's SipHash-2-4, without a promise that it stays that")]
fn siphash(key: &[u8], message: &[u8]) -> u64 {
    let mut hasher = std::hash::SipHasher::new_with_keys(number::<8>(key, 0), number::<8>(key, 8));
    hasher.write(message);
    hasher.finish()
}
