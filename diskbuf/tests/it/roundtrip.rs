//! What is appended is read, by each consumer, in order.

use diskbuf::{AckError, AppendError, Batch, Busy, ConsumerError, Limit, Start, WhenFull};
use proptest::prelude::*;

use crate::support::{account, append, drain, open, seq};

#[test]
fn what_is_appended_is_read_in_order_with_its_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    append(&queue, 1..1000);
    let (records, losses) = drain(&mut consumer);
    account(&records, &losses, 1, 1000);
    assert_eq!(losses, []);
    assert_eq!((consumer.lag(), consumer.acked()), (0, seq(1000)));
}

#[test]
fn an_empty_record_is_a_record() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    assert_eq!(queue.append_one(b"", WhenFull::Refuse).unwrap(), seq(1));
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    assert_eq!(drain(&mut consumer).0, [(1, vec![])]);
}

#[test]
fn parts_are_gathered_into_one_record() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let mut batch = Batch::with_capacity(100);
    batch.push_parts(&[b"he", b"", b"ader", b" body"]).unwrap();
    assert_eq!((batch.len(), batch.bytes()), (1, 40));
    let appended = queue.append(&mut batch, WhenFull::Refuse).unwrap();
    assert_eq!((appended.first, appended.last), (Some(seq(1)), Some(seq(1))));
    assert_eq!((batch.len(), batch.bytes()), (0, 0));
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    assert_eq!(drain(&mut consumer).0, [(1, b"header body".to_vec())]);
}

#[test]
fn what_is_not_acknowledged_is_delivered_again() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    append(&queue, 1..11);
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let limit = Limit { records: 4, ..Limit::default() };
    for _ in 0..2 {
        let delivery = consumer.read(limit).unwrap();
        assert_eq!((delivery.first_seq(), delivery.last_seq()), (Some(seq(1)), Some(seq(4))));
    }
    consumer.read(limit).unwrap().ack_through(seq(3)).unwrap();
    assert_eq!(consumer.acked(), seq(4));
    let delivery = consumer.read(limit).unwrap();
    assert_eq!((delivery.first_seq(), delivery.len()), (Some(seq(4)), 4));
    assert!(matches!(delivery.ack_through(seq(3)), Err(AckError::NotDelivered { first: 4, last: 7, .. })));
    account(&drain(&mut consumer).0, &[], 4, 11);
}

#[test]
fn deferred_deliveries_are_acknowledged_later_or_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    append(&queue, 1..2000);
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let limit = Limit { records: 100, ..Limit::default() };
    while consumer.acked() < seq(1000) {
        for _ in 0..3 {
            consumer.read(limit).unwrap().defer();
        }
        let through = consumer.acked().as_u64() + 149;
        consumer.ack_through(seq(through)).unwrap();
        assert_eq!(consumer.acked(), seq(through + 1));
        consumer.rewind();
        assert_eq!(consumer.read(limit).unwrap().first_seq(), Some(seq(through + 1)));
    }
    assert!(matches!(consumer.ack_through(seq(1999)), Err(AckError::NotDelivered { .. })));
    let from = consumer.acked().as_u64();
    account(&drain(&mut consumer).0, &[], from, 2000);
}

#[test]
fn each_consumer_goes_at_its_own_speed() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let mut fast = queue.consumer("fast", Start::Oldest).unwrap();
    let mut slow = queue.consumer("slow", Start::Oldest).unwrap();
    let mut slow_got = Vec::new();
    for round in 0..20 {
        append(&queue, round * 100 + 1..round * 100 + 101);
        account(&drain(&mut fast).0, &[], round * 100 + 1, round * 100 + 101);
        let delivery = slow.read(Limit { records: 30, ..Limit::default() }).unwrap();
        slow_got.extend(delivery.iter().map(|r| (r.seq().as_u64(), r.payload().to_vec())));
        delivery.ack().unwrap();
    }
    assert_eq!(slow.lag(), 2000 - slow_got.len() as u64);
    let mut late = queue.consumer("late", Start::Newest).unwrap();
    assert!(late.read(Limit::default()).unwrap().is_empty());
    slow_got.extend(drain(&mut slow).0);
    account(&slow_got, &[], 1, 2001);
    append(&queue, 2001..2002);
    account(&drain(&mut late).0, &[], 2001, 2002);
}

#[test]
fn a_name_has_one_handle_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let consumer = queue.consumer("a", Start::Oldest).unwrap();
    assert!(matches!(queue.consumer("a", Start::Oldest), Err(ConsumerError::Busy { .. })));
    assert!(matches!(queue.remove_consumer("a"), Err(ConsumerError::Busy { .. })));
    assert_eq!(queue.consumers()[0].busy, Busy::Open);
    drop(consumer);
    assert_eq!(queue.consumers()[0].busy, Busy::Idle);
    drop(queue.consumer("a", Start::Oldest).unwrap());
    queue.remove_consumer("a").unwrap();
    assert!(matches!(queue.remove_consumer("a"), Err(ConsumerError::Unknown { .. })));
    for bad in ["", "A", "a/b", "..", ".a", "ä", &"a".repeat(65)] {
        assert!(matches!(queue.consumer(bad, Start::Oldest), Err(ConsumerError::Name { .. })), "{bad}");
    }
}

#[test]
fn a_record_too_large_harms_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    let max = queue.max_record_len();
    let mut batch = Batch::new();
    for len in [5, max, max + 1, 7] {
        batch.push(&vec![b'x'; len]).unwrap();
    }
    let error = queue.append(&mut batch, WhenFull::Refuse).unwrap_err();
    assert!(matches!(error, AppendError::TooLarge { len, max: m } if len == max + 1 && m == max), "{error}");
    assert_eq!(batch.len(), 1);
    assert_eq!(queue.append(&mut batch, WhenFull::Refuse).unwrap().last, Some(seq(3)));
    let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
    let lens: Vec<_> = drain(&mut consumer).0.iter().map(|(_, bytes)| bytes.len()).collect();
    assert_eq!(lens, [5, max, 7]);
    let mut strict = Batch::new().max_record_len(max);
    assert_eq!(strict.push(&vec![0; max + 1]).unwrap_err().max, max);
    assert!(strict.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_batches_come_back_whatever_the_limits(
        batches in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..20), 1..12),
        records in 1_usize..40,
        bytes in 0_usize..10_000,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let queue = crate::support::options(dir.path(), 16).open().unwrap();
        let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
        let mut expected = std::collections::VecDeque::new();
        let mut batch = Batch::new();
        for payloads in batches {
            for payload in payloads {
                batch.push(&payload).unwrap();
                expected.push_back(payload);
            }
            queue.append(&mut batch, WhenFull::Refuse).unwrap();
            let delivery = consumer.read(Limit { records, bytes }).unwrap();
            prop_assert!(delivery.len() <= records);
            for record in &delivery {
                let next = expected.pop_front();
                prop_assert_eq!(Some(record.payload()), next.as_deref());
            }
            delivery.ack().unwrap();
        }
        let rest: Vec<_> = drain(&mut consumer).0.into_iter().map(|(_, payload)| payload).collect();
        prop_assert_eq!(rest, Vec::from(expected));
    }
}
