//! Messages that survive the loss of power, a second: what the queue's group commit makes of a disk that syncs so often.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use diskbuf::{Batch, Durability, Options, Queue, WhenFull};

use super::table::thousands;

const RECORD: [u8; 256] = [b'x'; 256];
const BATCH: usize = 256;
const SPAN: Duration = Duration::from_secs(3);
/// The file that the device is asked with: written before, so that a sync has no block to allocate.
const WRITTEN: u64 = 1 << 20;

pub(crate) fn run(share: u32) -> Result<(), String> {
    let span = SPAN / share;
    println!("| 256 bytes, durable | commits a second | messages a second |");
    println!("|---|---|---|");
    let device = device(span).map_err(|error| format!("the device: {error}"))?;
    row("the device: one write and fdatasync after the other", device, 1);
    for producers in [1, 8, 64, 256] {
        let commits = group(producers, 1, span)?;
        row(&format!("one at a time, producers: {producers}"), commits, 1);
    }
    for producers in [1, 8] {
        let commits = group(producers, BATCH, span)?;
        row(&format!("batches of {BATCH}, producers: {producers}"), commits, BATCH);
    }
    Ok(())
}

fn row(name: &str, commits: f64, each: usize) {
    println!("| {name} | {} | {} |", thousands(commits), thousands(commits * each as f64));
}

fn device(span: Duration) -> std::io::Result<f64> {
    let dir = tempfile::tempdir()?;
    let file = OpenOptions::new().create_new(true).write(true).open(dir.path().join("written"))?;
    file.write_all_at(&vec![0; 1 << 20], 0)?;
    file.sync_all()?;
    let (begun, mut commits) = (Instant::now(), 0);
    while begun.elapsed() < span {
        file.write_all_at(&RECORD, commits * 512 % WRITTEN)?;
        file.sync_data()?;
        commits += 1;
    }
    Ok(commits as f64 / begun.elapsed().as_secs_f64())
}

/// So many threads, each of which waits until its own records are durable before it goes on.
fn group(producers: usize, each: usize, span: Duration) -> Result<f64, String> {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let queue = open(dir.path())?;
    let commits = AtomicU64::new(0);
    let begun = Instant::now();
    let ends: Vec<Result<(), String>> = thread::scope(|scope| {
        let produce = || {
            let mut batch = Batch::new();
            while begun.elapsed() < span {
                commit(&queue, &mut batch, each)?;
                commits.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        let threads: Vec<_> = (0..producers).map(|_| scope.spawn(produce)).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.map(|end| end.unwrap_or_else(|_| Err("a producer panicked".to_owned()))).collect()
    });
    let took = begun.elapsed().as_secs_f64();
    ends.into_iter().collect::<Result<(), _>>()?;
    Ok(commits.into_inner() as f64 / took)
}

fn commit(queue: &Queue, batch: &mut Batch, each: usize) -> Result<(), String> {
    for _ in 0..each {
        batch.push(&RECORD).map_err(|error| error.to_string())?;
    }
    let appended = queue.append(batch, WhenFull::DropOldest).map_err(|error| error.to_string())?;
    let last = appended.last.filter(|_| appended.records == each as u64).ok_or("not all was accepted")?;
    let durable = queue.wait_durable(last).map_err(|error| error.to_string())?;
    if durable.into_inner() < last {
        return Err("what was waited for is not durable".to_owned());
    }
    Ok(())
}

fn open(dir: &Path) -> Result<Queue, String> {
    let options = Options::new(dir).max_bytes(1 << 30).durability(Durability::Group);
    options.open().map_err(|error| error.to_string())
}
