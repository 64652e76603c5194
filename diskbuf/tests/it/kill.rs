//! `kill -9` at any moment: what `append` answered `Ok` for is there. `DISKBUF_KILL_ROUNDS=1000 cargo test --release -p diskbuf
//! --test it kill` does it a thousand times.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use diskbuf::{Batch, Limit, Queue, Start, WhenFull, WritePath};

use crate::support::{drain, options, payload};

const DIR: &str = "DISKBUF_TEST_KILL_DIR";

/// How the process that is killed appends.
const PATH: &str = "DISKBUF_TEST_KILL_PATH";

fn queue(dir: &Path) -> Queue {
    let mapped = std::env::var_os(PATH).is_some();
    let path = if mapped { WritePath::Mapped } else { WritePath::Called };
    options(dir, 6).write_path(path).open().unwrap()
}

/// Not a test but the process that is killed: appends, reads and acknowledges, and says what it has done.
#[test]
#[ignore = "run by `what_was_accepted_survives_the_death_of_the_process`"]
fn child_that_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let queue = queue(Path::new(&dir));
    let mut consumer = queue.consumer("child", Start::Oldest).unwrap();
    let mut out = std::io::stdout().lock();
    let mut batch = Batch::new();
    let mut next = queue.recovery().next_seq.as_u64();
    let single = std::env::var_os(PATH).is_some();
    for round in 0_u64.. {
        if single {
            // So many that it is more likely than not killed at one of them.
            for _ in 0..round * 7 % 40 {
                let seq = queue.append_one(&payload(next), WhenFull::DropOldest).unwrap().as_u64();
                assert_eq!(seq, next);
                next += 1;
            }
        }
        for n in 0..1 + round * 7 % 40 {
            batch.push(&payload(next + n)).unwrap();
        }
        let appended = queue.append(&mut batch, WhenFull::DropOldest).unwrap();
        next = appended.last.unwrap().as_u64() + 1;
        writeln!(out, "appended {}", next - 1).unwrap();
        let delivery = consumer.read(Limit { records: 30, ..Limit::default() }).unwrap();
        delivery.ack().unwrap();
        writeln!(out, "acked {}", consumer.acked()).unwrap();
    }
}

#[test]
fn what_was_accepted_survives_the_death_of_the_process() {
    kill_again_and_again(|_| {});
}

#[test]
fn what_was_stored_survives_the_death_of_the_process() {
    kill_again_and_again(|child| {
        child.env(PATH, "mapped");
    });
}

fn kill_again_and_again(prepare: impl Fn(&mut Command)) {
    let dir = tempfile::tempdir().unwrap();
    let (mut appended, mut acked) = (0, 1);
    let rounds =
        std::env::var("DISKBUF_KILL_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(25_u64);
    for round in 0..rounds {
        let mut command = Command::new(std::env::current_exe().unwrap());
        prepare(&mut command);
        let mut child = command
            .args(["--exact", "kill::child_that_is_killed", "--ignored", "--nocapture", "--test-threads=1"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut note = |line: &str| {
            let mut words = line.split(' ').rev();
            let number = words.next().and_then(|number| number.parse::<u64>().ok());
            match (words.next(), number) {
                (Some("appended"), Some(n)) => appended = n,
                (Some("acked"), Some(n)) => acked = n,
                _ => {}
            }
        };
        // It has begun; then it is killed at some other moment each time.
        for line in lines.by_ref().take(5) {
            note(&line.unwrap());
        }
        std::thread::sleep(Duration::from_micros(round * round * 97 % 30_000));
        child.kill().unwrap();
        for line in lines.map_while(Result::ok) {
            note(&line);
        }
        child.wait().unwrap();

        let queue = queue(dir.path());
        let recovery = queue.recovery();
        assert!(recovery.next_seq.as_u64() > appended, "{recovery:?} but {appended} was accepted");
        assert_eq!((&*recovery.losses, &*recovery.cursors_reset), (&[][..], &[][..]));
        let next = recovery.next_seq.as_u64();
        let oldest = recovery.oldest_seq.as_u64();
        let child = queue.consumer("child", Start::Oldest).unwrap();
        assert!(child.acked().as_u64() >= acked, "an acknowledgement is missing");
        drop(child);
        let mut reader = queue.consumer("parent", Start::Oldest).unwrap();
        let (records, losses) = drain(&mut reader);
        let numbers: Vec<u64> = records.iter().map(|(seq, _)| *seq).collect();
        assert!(numbers.iter().copied().eq(next - numbers.len() as u64..next), "a gap");
        assert!(losses.iter().all(|loss| loss.to.as_u64() < oldest), "{losses:?}");
        assert!(records.iter().all(|(seq, bytes)| *bytes == payload(*seq)));
        drop(reader);
        queue.remove_consumer("parent").unwrap();
    }
    assert!(appended > 1000);
}
