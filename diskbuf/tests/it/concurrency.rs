//! Many producers, several consumers, little room: nothing lost, nothing twice, nobody left asleep.

use std::collections::HashSet;

use diskbuf::{Batch, Limit, Start, Wait, WhenFull};

use crate::support::options;

#[test]
fn producers_and_consumers_at_once_lose_and_double_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 3).open().unwrap();
    let (producers, each) = (4_u64, 5000_u64);
    let consumers: Vec<_> =
        (0..3).map(|i| queue.consumer(&format!("c{i}"), Start::Oldest).unwrap()).collect();
    std::thread::scope(|scope| {
        for producer in 0..producers {
            let queue = queue.clone();
            scope.spawn(move || {
                let mut batch = Batch::new();
                let mut n = 0;
                while n < each {
                    for _ in 0..1 + n % 50 {
                        let mut payload = producer.to_le_bytes().to_vec();
                        payload.extend(n.to_le_bytes());
                        payload.resize(16 + usize::try_from(n % 90).unwrap(), 9);
                        batch.push(&payload).unwrap();
                        n += 1;
                    }
                    queue.append(&mut batch, WhenFull::Block).unwrap();
                }
                n
            });
        }
        let readers: Vec<_> = consumers
            .into_iter()
            .enumerate()
            .map(|(i, mut consumer)| {
                scope.spawn(move || {
                    let mut seen = HashSet::new();
                    let mut last = [None; 4];
                    let mut seq = 0;
                    let limit = Limit { records: 7 + i * 100, ..Limit::default() };
                    while seen.len() < usize::try_from(producers * each).unwrap() {
                        assert_eq!(consumer.wait(None), Wait::Ready);
                        let delivery = consumer.read(limit).unwrap();
                        assert!(delivery.losses().is_empty());
                        for record in &delivery {
                            seq += 1;
                            assert_eq!(record.seq().as_u64(), seq);
                            let (producer, rest) = record.payload().split_first_chunk::<8>().unwrap();
                            let producer = u64::from_le_bytes(*producer);
                            let n = u64::from_le_bytes(*rest.first_chunk().unwrap());
                            let before = last[usize::try_from(producer).unwrap()].replace(n);
                            assert!(before < Some(n), "a producer's records keep their order");
                            if n < each {
                                assert!(seen.insert((producer, n)), "twice");
                            }
                        }
                        delivery.ack().unwrap();
                    }
                })
            })
            .collect();
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

#[test]
fn a_reader_overtaken_by_drop_oldest_sees_only_whole_records_and_exact_losses() {
    let dir = tempfile::tempdir().unwrap();
    let queue = options(dir.path(), 2).open().unwrap();
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let total = 60_000_u64;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut batch = Batch::new();
            for first in (1..=total).step_by(100) {
                for n in first..first + 100 {
                    batch.push(&crate::support::payload(n)).unwrap();
                }
                queue.append(&mut batch, WhenFull::DropOldest).unwrap();
            }
        });
        let mut next = 1;
        while next <= total {
            assert_eq!(consumer.wait(None), Wait::Ready);
            let delivery = consumer.read(Limit { records: 64, ..Limit::default() }).unwrap();
            let mut lost = delivery.losses().iter();
            for record in &delivery {
                while record.seq().as_u64() > next {
                    let loss = lost.next().expect("a gap is a loss");
                    assert_eq!((loss.from.as_u64(), loss.cause), (next, diskbuf::LossCause::DroppedForRoom));
                    next = loss.to.as_u64() + 1;
                }
                assert_eq!(record.seq().as_u64(), next);
                assert_eq!(record.payload(), crate::support::payload(next));
                next += 1;
            }
            assert!(lost.next().is_none());
            delivery.ack().unwrap();
        }
    });
}
