//! In the tasks of a runtime nothing may block. Appends that refuse and reads do not wait, and what is to be waited for is a future:
//! room, records, the promise to survive power loss. `cargo run --example tokio [DIR]`

use std::error::Error;
use std::path::{Path, PathBuf};

use diskbuf::{AppendError, Batch, Consumer, Limit, Options, Queue, Start, Wait, WhenFull};

type Failed = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failed> {
    let dir = std::env::args_os().nth(1);
    let dir = dir.map_or_else(|| std::env::temp_dir().join("diskbuf-tokio"), PathBuf::from);
    eprintln!("{} records delivered", run(&dir)?);
    Ok(())
}

pub(crate) fn run(dir: &Path) -> Result<u64, Failed> {
    // So small that the producers have to wait.
    let queue = Options::new(dir).segment_bytes(64 << 10).max_bytes(512 << 10).open()?;
    let consumer = queue.consumer("network", Start::Oldest)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    runtime.block_on(async {
        let deliver = tokio::spawn(deliver(consumer));
        let producers: Vec<_> = (0..4).map(|who| tokio::spawn(produce(queue.clone(), who))).collect();
        for producer in producers {
            producer.await??;
        }
        queue.close();
        deliver.await?
    })
}

async fn produce(queue: Queue, who: u32) -> Result<(), Failed> {
    let mut batch = Batch::new();
    let mut last = None;
    for n in 0..200 {
        for line in 0..10 {
            batch.push(format!("line {line} of message {n} from {who}, and some more of it").as_bytes())?;
        }
        // Not `Block`: that would hold up the thread, and with it all its tasks. What was refused is still in the batch.
        while let Err(error) = queue.append(&mut batch, WhenFull::Refuse).map(|appended| last = appended.last)
        {
            match error {
                AppendError::Full { .. } | AppendError::NoSpace { .. } => {
                    if queue.space().await == Wait::Closed {
                        return Err(AppendError::Closed.into());
                    }
                }
                error => return Err(error.into()),
            }
        }
    }
    if let Some(last) = last {
        // A thread of the queue syncs, and this task sleeps.
        let _promise = queue.durable(last).await?;
    }
    Ok(())
}

async fn deliver(mut consumer: Consumer) -> Result<u64, Failed> {
    let mut delivered = 0;
    while consumer.ready().await != Wait::Closed {
        // A read is one of a file that was just written: no longer than a system call. Where that is too long, `spawn_blocking`.
        let delivery = consumer.read(Limit { records: 100, ..Limit::default() })?;
        delivered += delivery.len() as u64;
        delivery.ack()?;
        tokio::task::yield_now().await;
    }
    Ok(delivered)
}
