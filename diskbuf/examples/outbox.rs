//! An outbox: threads take orders from upstream, put them into the queue, and confirm each when it survives power loss; another
//! thread ships them. Room is reserved before an order is read, so that none is read in vain: `cargo run --example outbox [DIR]`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::thread;

use diskbuf::{
    AppendError, Batch, Consumer, Durability, Durable, Limit, Options, Queue, Reservation, Seq, Start, Wait,
};

type Failed = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failed> {
    let dir = std::env::args_os().nth(1);
    let dir = dir.map_or_else(|| std::env::temp_dir().join("diskbuf-outbox"), PathBuf::from);
    eprintln!("{} orders shipped", run(&dir)?);
    Ok(())
}

/// How many orders were shipped, those of an earlier run that was cut short among them.
pub(crate) fn run(dir: &Path) -> Result<u64, Failed> {
    // Those who wait at the same time share a sync.
    let options = Options::new(dir).segment_bytes(1 << 20).max_bytes(16 << 20).durability(Durability::Group);
    let queue = options.open()?;
    let shipping = queue.consumer("shipping", Start::Oldest)?;
    thread::scope(|scope| {
        let shipping = scope.spawn(move || ship(shipping));
        let desks: Vec<_> = (0..4)
            .map(|desk| {
                scope.spawn({
                    let queue = &queue;
                    move || take_orders(queue, desk)
                })
            })
            .collect();
        let taken: Result<Vec<()>, Failed> = desks
            .into_iter()
            .map(|desk| desk.join().unwrap_or_else(|_| Err("a desk has panicked".into())))
            .collect();
        // What is in a closed queue can be read to the end.
        queue.close();
        let shipped = shipping.join().unwrap_or_else(|_| Err("shipping has panicked".into()));
        taken.and(shipped)
    })
}

fn take_orders(queue: &Queue, desk: u32) -> Result<(), Failed> {
    let mut batch = Batch::new();
    for number in 0..100 {
        let room = room(queue)?;
        // Here it would be read from a connection, from which it is gone then.
        let order = format!("order {number} at desk {desk}");
        batch.push(order.as_bytes())?;
        let appended = room.commit(&mut batch)?;
        if let Some(last) = appended.last {
            confirm(queue.wait_durable(last)?);
        }
    }
    Ok(())
}

/// Room for one order, when there is some.
fn room(queue: &Queue) -> Result<Reservation, Failed> {
    loop {
        match queue.reserve(ROOM) {
            // Others hold reservations, the queue is full, or the disk is: all of that passes.
            Err(AppendError::NoRoom { .. } | AppendError::NoSpace { .. }) => {
                if queue.wait_room(None) == Wait::Closed {
                    return Err(AppendError::Closed.into());
                }
            }
            room => return Ok(room?),
        }
    }
}

/// Upstream may forget the order now. A bare number would not do: nobody can confirm too early.
fn confirm(up_to: Durable<Seq>) {
    let _number: Seq = up_to.into_inner();
}

fn ship(mut consumer: Consumer) -> Result<u64, Failed> {
    let mut shipped = 0;
    // Closed: and everything has been read.
    while consumer.wait(None) != Wait::Closed {
        let delivery = consumer.read(Limit { records: 50, ..Limit::default() })?;
        for loss in delivery.losses() {
            eprintln!("{loss}");
        }
        for order in &delivery {
            // Here it would be sent. What is not acknowledged comes again, also after a crash.
            shipped += u64::from(!order.payload().is_empty());
        }
        delivery.ack()?;
    }
    Ok(shipped)
}

/// A record takes 24 bytes and its length, rounded up to a multiple of eight: so this is for orders of up to 1000 bytes.
const ROOM: usize = 24 + 1000;
