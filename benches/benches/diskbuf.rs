//! diskbuf beside peers. Names end in what a returned call means: `memory` (the process may not die), `process` (it may, the
//! power may not go), `power` (both may). Rows of one group mean the same, else they would not be comparable.

use std::fs::OpenOptions;
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use diskbuf::{Batch, Consumer, Durability, Limit, Options, Queue, Seq, Start, WhenFull, WritePath};

const RECORD: [u8; 256] = [0x5a; 256];
/// Records of a batch: some tens of kilobytes.
const BATCH: usize = 256;

fn open(dir: &std::path::Path, durability: Durability) -> Queue {
    Options::new(dir).max_bytes(1 << 30).durability(durability).open().expect("a queue")
}

/// One record of 256 octets into a batch, and the batch into the queue when it is full: all costs shared out.
fn append(c: &mut Criterion) {
    let mut group = c.benchmark_group("diskbuf/append/256/process");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("diskbuf-batch", |b| {
        let dir = tempfile::tempdir().expect("a directory");
        let queue = open(dir.path(), Durability::Os);
        // A consumer follows, outside of the clock, so that files are reused as they are in a steady stream.
        let mut consumer = queue.consumer("a", Start::Oldest).expect("a consumer");
        let mut batch = Batch::new();
        b.iter_batched(
            || drain(&mut consumer),
            |_| {
                for _ in 0..BATCH {
                    batch.push(black_box(&RECORD)).expect("room in the batch");
                }
                let appended = queue.append(&mut batch, WhenFull::Refuse).expect("room in the queue");
                assert_eq!(appended.records, BATCH as u64);
            },
            BatchSize::NumIterations(1024),
        );
    });
    for (name, path) in
        [("diskbuf-one-by-one", WritePath::Choose), ("diskbuf-one-by-one-called", WritePath::Called)]
    {
        group.bench_function(name, |b| {
            let dir = tempfile::tempdir().expect("a directory");
            let queue = Options::new(dir.path()).max_bytes(1 << 30).write_path(path).open().expect("a queue");
            let mut consumer = queue.consumer("a", Start::Oldest).expect("a consumer");
            let mut expected = 0;
            b.iter_batched(
                || drain(&mut consumer),
                |_| {
                    for _ in 0..BATCH {
                        let seq = queue.append_one(black_box(&RECORD), WhenFull::Refuse).expect("room");
                        expected += 1;
                        assert_eq!(seq.as_u64(), expected);
                    }
                },
                BatchSize::NumIterations(64),
            );
        });
    }
    yaque(&mut group, "yaque-batch-no-checksum", 1024, |sender| {
        sender.try_send_batch((0..BATCH).map(|_| black_box(&RECORD))).expect("room");
    });
    yaque(&mut group, "yaque-one-by-one-no-checksum", 64, |sender| {
        for _ in 0..BATCH {
            sender.try_send(black_box(&RECORD)).expect("room");
        }
    });
    queue_file(&mut group, "queue-file-one-by-one", |queue| {
        for _ in 0..BATCH {
            queue.add(black_box(&RECORD)).expect("room");
        }
    });
    queue_file(&mut group, "queue-file-batch", |queue| {
        queue.add_n((0..BATCH).map(|_| black_box(&RECORD))).expect("room");
    });
    group.finish();
}

/// A batch of records put into yaque by `send`; a receiver follows, outside of the clock.
fn yaque(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    iterations: u64,
    send: impl Fn(&mut yaque::Sender),
) {
    group.bench_function(name, |b| {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut sender, mut receiver) = yaque::channel(dir.path().join("q")).expect("a queue");
        b.iter_batched(
            || while receiver.try_recv_batch(BATCH).map(yaque::queue::RecvGuard::commit).is_ok() {},
            |()| send(&mut sender),
            BatchSize::NumIterations(iterations),
        );
    });
}

/// A batch of records put into a queue-file by `add`, which is told not to sync. To clear it is a sync in spite of that, and not timed.
fn queue_file(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    add: impl Fn(&mut queue_file::QueueFile),
) {
    group.bench_function(name, |b| {
        let dir = tempfile::tempdir().expect("a directory");
        let mut queue = queue_file::QueueFile::open(dir.path().join("q")).expect("a queue");
        queue.set_sync_writes(false);
        b.iter_custom(|batches| {
            let mut spent = Duration::ZERO;
            for _ in 0..batches {
                let begin = Instant::now();
                add(&mut queue);
                spent += begin.elapsed();
                queue.clear().expect("room again");
            }
            spent
        });
    });
}

/// Reads and acknowledges everything: how many records that was.
fn drain(consumer: &mut Consumer) -> usize {
    let mut got = 0;
    loop {
        let delivery = consumer.read(Limit::default()).expect("records");
        if delivery.is_empty() {
            return got;
        }
        got += delivery.len();
        delivery.ack().expect("an acknowledgement");
    }
}

fn read(c: &mut Criterion) {
    let mut group = c.benchmark_group("diskbuf/read-verify-ack/256");
    const RECORDS: usize = 64 * BATCH;
    group.bench_function("yaque-batch-no-checksum", |b| {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut sender, mut receiver) = yaque::channel(dir.path().join("q")).expect("a queue");
        b.iter_batched(
            || sender.try_send_batch((0..RECORDS).map(|_| &RECORD)).expect("room"),
            |()| {
                let mut got = 0;
                while got < RECORDS {
                    let records = receiver.try_recv_batch(BATCH).expect("records");
                    got += records.iter().filter(|record| record.len() == RECORD.len()).count();
                    records.commit().expect("an acknowledgement");
                }
                assert_eq!(got, RECORDS);
            },
            BatchSize::PerIteration,
        );
    });
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.bench_function("diskbuf-batch", |b| {
        let dir = tempfile::tempdir().expect("a directory");
        let queue = open(dir.path(), Durability::Os);
        let mut consumer = queue.consumer("a", Start::Oldest).expect("a consumer");
        let mut batch = Batch::new();
        b.iter_batched(
            || {
                for _ in 0..RECORDS {
                    batch.push(&RECORD).expect("room in the batch");
                }
                queue.append(&mut batch, WhenFull::Refuse).expect("room in the queue");
            },
            |()| {
                let mut got = 0;
                while got < RECORDS {
                    let delivery = consumer.read(Limit::default()).expect("records");
                    got += delivery.iter().filter(|record| record.payload().len() == RECORD.len()).count();
                    delivery.ack().expect("an acknowledgement");
                }
                assert_eq!(got, RECORDS);
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// A record that survives power loss, one after the other.
fn each(c: &mut Criterion) {
    let mut group = c.benchmark_group("diskbuf/append-one/256/power");
    group.bench_function("device-fdatasync", |b| {
        let dir = tempfile::tempdir().expect("a directory");
        let file =
            OpenOptions::new().create_new(true).write(true).open(dir.path().join("f")).expect("a file");
        file.write_all_at(&vec![0; 1 << 20], 0).and_then(|()| file.sync_all()).expect("room");
        let mut at = 0;
        b.iter(|| {
            file.write_all_at(&RECORD, at % (1 << 20)).and_then(|()| file.sync_data()).expect("a sync");
            at += 280;
        });
    });
    group.bench_function("diskbuf-each", |b| {
        let dir = tempfile::tempdir().expect("a directory");
        let queue = open(dir.path(), Durability::Each);
        b.iter(|| queue.append_one(black_box(&RECORD), WhenFull::DropOldest).expect("room"));
    });
    group.bench_function("queue-file", |b| {
        let dir = tempfile::tempdir().expect("a directory");
        let mut queue = queue_file::QueueFile::open(dir.path().join("q")).expect("a queue");
        b.iter(|| queue.add(black_box(&RECORD)).expect("room"));
    });
    group.bench_function("okaywal", |b| {
        let dir = tempfile::tempdir().expect("a directory");
        let log = okaywal::WriteAheadLog::recover(dir.path(), okaywal::LogVoid).expect("a log");
        b.iter(|| {
            let mut entry = log.begin_entry().expect("an entry");
            entry.write_chunk(black_box(&RECORD)).expect("room");
            entry.commit().expect("a sync");
        });
    });
    group.bench_function("sqlite-wal-full", |b| {
        let dir = tempfile::tempdir().expect("a directory");
        let db = rusqlite::Connection::open(dir.path().join("q.db")).expect("a database");
        db.execute_batch(
            "pragma journal_mode=wal; pragma synchronous=full; create table q (id integer primary key, r blob);",
        )
        .expect("a table");
        let mut insert = db.prepare("insert into q (r) values (?1)").expect("a statement");
        b.iter(|| insert.execute([black_box(&RECORD[..])]).expect("a row"));
    });
    group.finish();
}

/// Eight producers, each of which waits for its record to survive power loss: the time of one commit is the wall's shared out.
fn group(c: &mut Criterion) {
    let mut group = c.benchmark_group("diskbuf/append-one/256-by-8/power");
    group.bench_function("diskbuf-group", |b| {
        let dir = tempfile::tempdir().expect("a directory");
        let queue = open(dir.path(), Durability::Group);
        b.iter_custom(|commits| {
            by_eight(commits, || {
                let seq = queue.append_one(&RECORD, WhenFull::DropOldest).expect("room");
                assert_eq!(queue.wait_durable(seq).expect("a sync").into_inner(), seq);
            })
        });
    });
    group.bench_function("okaywal", |b| {
        let dir = tempfile::tempdir().expect("a directory");
        let log = okaywal::WriteAheadLog::recover(dir.path(), okaywal::LogVoid).expect("a log");
        b.iter_custom(|commits| {
            by_eight(commits, || {
                let mut entry = log.begin_entry().expect("an entry");
                entry.write_chunk(&RECORD).expect("room");
                entry.commit().expect("a sync");
            })
        });
    });
    group.finish();
}

fn by_eight(commits: u64, commit: impl Fn() + Sync) -> Duration {
    let left = AtomicUsize::new(usize::try_from(commits).expect("a number that fits"));
    let begin = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() {
                    commit();
                }
            });
        }
    });
    begin.elapsed()
}

/// A backlog is opened: as much as `DISKBUF_BACKLOG_MIB` says (64 unless said). It is made once, and not for each sample.
fn reopen(c: &mut Criterion) {
    let mib: u64 = std::env::var("DISKBUF_BACKLOG_MIB").ok().and_then(|text| text.parse().ok()).unwrap_or(64);
    let mut made = None;
    c.bench_function(&format!("diskbuf/reopen/{mib}-MiB/warm"), |b| {
        let (dir, next) = made.get_or_insert_with(|| backlog(mib));
        b.iter(|| {
            let queue = Options::new(dir.path()).max_bytes((mib + 512) << 20).open().expect("a queue");
            assert_eq!(queue.recovery().next_seq, *next);
        });
    });
}

/// A directory with so much of a backlog, synced, and the number behind its last record.
fn backlog(mib: u64) -> (tempfile::TempDir, Seq) {
    let dir = tempfile::tempdir().expect("a directory");
    let queue = Options::new(dir.path()).max_bytes((mib + 512) << 20).open().expect("a queue");
    drop(queue.consumer("a", Start::Oldest).expect("a consumer"));
    let mut batch = Batch::new();
    while queue.status().bytes < mib << 20 {
        for _ in 0..16 * BATCH {
            batch.push(&RECORD).expect("room in the batch");
        }
        queue.append(&mut batch, WhenFull::Refuse).expect("room in the queue");
    }
    queue.sync().expect("a sync");
    let next = queue.status().next_seq;
    (dir, next)
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = append, read, each, group, reopen
}
criterion_main!(benches);
