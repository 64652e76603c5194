//! Any bytes in any file of a queue: opening ends, reading ends, what is read was appended, what is missing is named; and then
//! the queue goes on.
#![no_main]

use std::sync::OnceLock;

use diskbuf::sim::{Disk, Survival};
use diskbuf::{Batch, Limit, Options, Start, WhenFull};
use libfuzzer_sys::fuzz_target;

const SEGMENT: u64 = 64 << 10;

fn options() -> Options {
    Options::new("").segment_bytes(SEGMENT).max_bytes(8 * SEGMENT)
}

fn payload(n: u64) -> Vec<u8> {
    let len = [0, 1, 7, 100, 513, 4000][n as usize % 6];
    (0..len).map(|at: u64| (n * 7 + at) as u8).collect()
}

/// A queue with three segments, a consumer in the middle, and a tail that was not synced.
fn whole() -> &'static Disk {
    static DISK: OnceLock<Disk> = OnceLock::new();
    DISK.get_or_init(|| {
        let disk = Disk::new(1);
        let queue = options().open_on(disk.storage()).unwrap();
        let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
        let mut batch = Batch::new();
        for n in 1..200 {
            batch.push(&payload(n)).unwrap();
            if n % 5 == 0 {
                queue.append(&mut batch, WhenFull::Refuse).unwrap();
            }
            if n == 100 {
                let limit = Limit { records: 30, ..Limit::default() };
                consumer.read(limit).unwrap().ack().unwrap();
                queue.sync().unwrap();
            }
        }
        queue.append(&mut batch, WhenFull::Refuse).unwrap();
        drop((queue, consumer));
        disk
    })
}

// Holes: which file, where, what stands there instead.
fuzz_target!(|holes: Vec<(u8, u16, Vec<u8>)>| {
    let disk = whole().crash(Survival::Process, 1);
    let files = disk.files();
    for (file, at, bytes) in holes {
        let (name, len) = &files[usize::from(file) % files.len()];
        // META alone decides whether there is a queue at all: its second copy stays.
        let len = if name == "META" { 4096 } else { *len };
        let at = u64::from(at) % len;
        let fits = bytes.len().min((len - at) as usize);
        disk.storage().open(name).unwrap().write_all_at(&bytes[..fits], at).unwrap();
    }
    let mut before = None;
    for _ in 0..2 {
        let queue = options().open_on(disk.storage()).unwrap();
        let mut consumer = queue.consumer("b", Start::Oldest).unwrap();
        let (mut next, mut numbers) = (consumer.acked().as_u64(), Vec::new());
        loop {
            let delivery = consumer.read(Limit { records: 50, ..Limit::default() }).unwrap();
            if delivery.is_empty() && delivery.losses().is_empty() {
                break;
            }
            let mut losses = delivery.losses().iter();
            for record in &delivery {
                while record.seq().as_u64() > next {
                    let loss = losses.next().expect("a gap is a loss");
                    assert_eq!(loss.from.as_u64(), next);
                    next = loss.to.as_u64() + 1;
                }
                assert_eq!(record.seq().as_u64(), next);
                assert_eq!(record.payload(), payload(next));
                numbers.push(next);
                next += 1;
            }
            for loss in losses {
                assert_eq!(loss.from.as_u64(), next);
                next = loss.to.as_u64() + 1;
            }
            delivery.defer();
        }
        assert_eq!(next, queue.status().next_seq.as_u64());
        assert!(before.replace(numbers.clone()).is_none_or(|before| before == numbers), "opened again, another queue");
    }
    let queue = options().open_on(disk.storage()).unwrap();
    let seq = queue.append_one(b"goes on", WhenFull::DropOldest).unwrap();
    let _durable = queue.wait_durable(seq).unwrap();
});
