//! One history: what is done to a queue, and a crash before each call that changes the disk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::crash::Survival;
use super::super::disk::{Disk, Fault, FaultKind, Moment};
use super::super::rng::Rng;
use super::oracle::{Oracle, Payload};
use super::{Bug, Report, check};
use crate::batch::Batch;
use crate::consumer::{Consumer, Limit};
use crate::options::Options;
use crate::queue::{Queue, Start, WhenFull};

/// What the crashes share with the history they interrupt.
pub(super) struct Known {
    pub(super) oracle: Oracle,
    pub(super) report: Report,
    pub(super) rng: Rng,
    pub(super) bug: Option<Bug>,
    pub(super) wrong: Option<String>,
}

/// Runs the history that follows from `seed`.
pub(super) fn run(seed: u64, bug: Option<Bug>, report: &mut Report) -> Result<(), String> {
    let mut rng = Rng::new(seed);
    let known = Known { oracle: Oracle::new(), report: *report, rng: rng.fork(), bug, wrong: None };
    let known = Arc::new(Mutex::new(known));
    let disk = Disk::new(rng.word());
    let watched = Arc::clone(&known);
    disk.watch(move |moment| crash(moment, &mut lock(&watched)));
    let mut story = Story { disk: disk.clone(), known: Arc::clone(&known), rng, when_full: WhenFull::Refuse };
    let result = story.tell();
    disk.unwatch();
    let mut known = lock(&known);
    *report = known.report;
    known.wrong.take().map_or(result, Err)
}

/// Options of all queues in the laboratory: as small as can be.
pub(super) fn options() -> Options {
    Options::new("").segment_bytes(SEGMENT).max_bytes(MAX_BYTES)
}

/// Several pictures of a crash at this moment, each opened and checked.
fn crash(moment: &Moment<'_>, known: &mut Known) {
    if known.wrong.is_some() {
        return;
    }
    known.report.calls += 1;
    for picture in 0..PICTURES {
        let mut rng = known.rng.fork();
        let survival = match picture {
            0 => Survival::Process,
            _ => Survival::ALL.get(1 + rng.place(Survival::ALL.len() - 1)).copied().unwrap_or(Survival::Synced),
        };
        let world = moment.world.crash(survival, moment.in_flight.as_ref(), &mut rng);
        let disk = Disk::with(world, rng.fork());
        if let Err(wrong) = check::opened(&disk, survival, known, &mut rng, check::Depth::First) {
            known.wrong = Some(format!("{wrong}; {survival:?} before call {}", known.report.calls));
            return;
        }
    }
}

struct Story {
    disk: Disk,
    known: Arc<Mutex<Known>>,
    rng: Rng,
    when_full: WhenFull,
}

impl Story {
    fn tell(&mut self) -> Result<(), String> {
        if self.rng.once_in(3) {
            self.when_full = WhenFull::DropOldest;
        }
        if self.rng.once_in(3) {
            let kinds = [FaultKind::Io, FaultKind::IoReverts, FaultKind::NoSpace];
            let kind = kinds.get(self.rng.place(kinds.len())).copied().unwrap_or(FaultKind::Io);
            self.disk.fail(Fault { call: 12 + self.rng.below(120), kind });
        }
        let rounds = 1 + self.rng.below(3);
        for _ in 0..rounds {
            let Some(queue) = self.open()? else { return Ok(()) };
            let mut consumer = self.consumer(&queue, "a")?;
            for _ in 0..self.rng.below(14) {
                if self.wrong() {
                    return Ok(());
                }
                let going = self.step(&queue, consumer.as_mut());
                self.settle(&queue);
                if going == Going::Stop {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Opens the queue; `None` if a fault kept it from that.
    fn open(&mut self) -> Result<Option<Queue>, String> {
        let bug = lock(&self.known).bug;
        let storage = Bug::wrap(bug, self.disk.storage());
        let queue = match Bug::options(bug, options()).open_on(storage) {
            Ok(queue) => queue,
            Err(_) if self.faulty() => {
                // As an operator would: there is room again, and another attempt.
                self.disk.make_room();
                let storage = Bug::wrap(bug, self.disk.storage());
                match Bug::options(bug, options()).open_on(storage) {
                    Ok(queue) => queue,
                    Err(error) => return Err(format!("not opened again after a fault: {error}")),
                }
            }
            Err(error) => return Err(format!("not opened: {error}")),
        };
        let mut known = lock(&self.known);
        let next = queue.recovery().next_seq.as_u64();
        // Without a crash, nothing accepted is missing; what was refused may be there after all.
        if next < known.oracle.next && !known.oracle.failed {
            return Err(format!("opened again without a crash: next is {next}, not {}", known.oracle.next));
        }
        drop(known);
        let disk = self.disk.clone();
        let found = check::records(&queue, &disk)?;
        known = lock(&self.known);
        known.oracle.goes_on(next, found.into_iter());
        Ok(Some(queue))
    }

    fn consumer(&self, queue: &Queue, name: &str) -> Result<Option<Consumer>, String> {
        let next = lock(&self.known).oracle.next;
        match queue.consumer(name, Start::Oldest) {
            Ok(consumer) => {
                let mut known = lock(&self.known);
                let ack = known.oracle.consumer(name);
                let at = consumer.acked().as_u64();
                ack.asked = ack.asked.max(at);
                ack.said = ack.said.max(at);
                if ack.synced == 0 {
                    ack.synced = at.min(next);
                }
                Ok(Some(consumer))
            }
            Err(_) if self.faulty() => Ok(None),
            Err(error) => Err(format!("no consumer: {error}")),
        }
    }

    fn step(&mut self, queue: &Queue, consumer: Option<&mut Consumer>) -> Going {
        match self.rng.below(10) {
            0..=4 => self.append(queue),
            5..=6 => self.sync(queue),
            7 => Going::On,
            _ => consumer.map_or(Going::On, |consumer| self.ack(consumer)),
        }
    }

    fn append(&mut self, queue: &Queue) -> Going {
        let count = 1 + self.rng.place(5);
        let payloads: Vec<Payload> = (0..count).map(|_| payload(&mut self.rng)).collect();
        let mut batch = Batch::new();
        for payload in &payloads {
            if batch.push(payload).is_err() {
                return Going::On;
            }
        }
        {
            let mut known = lock(&self.known);
            known.oracle.offers(&payloads);
            if self.when_full == WhenFull::DropOldest {
                known.oracle.may_drop = known.oracle.next;
            }
        }
        let result = queue.append(&mut batch, self.when_full);
        let mut known = lock(&self.known);
        known.oracle.took(&payloads, count - batch.len());
        match result {
            Ok(_) => Going::On,
            Err(crate::AppendError::Full { .. }) => {
                known.oracle.failed |= batch.len() < count;
                Going::On
            }
            Err(_) => {
                known.oracle.failed = true;
                drop(known);
                self.disk.make_room();
                if self.rng.once_in(2) { Going::Stop } else { Going::On }
            }
        }
    }

    fn sync(&self, queue: &Queue) -> Going {
        let (next, acks) = {
            let known = lock(&self.known);
            (known.oracle.next, known.oracle.consumers.clone())
        };
        let result = queue.sync();
        let mut known = lock(&self.known);
        if result.is_err() {
            known.oracle.failed = true;
            return Going::Stop;
        }
        known.oracle.durable = known.oracle.durable.max(next);
        for (name, ack) in acks {
            known.oracle.consumer(&name).synced = ack.said;
        }
        Going::On
    }

    fn ack(&mut self, consumer: &mut Consumer) -> Going {
        let limit = Limit { records: 1 + self.rng.place(8), bytes: usize::MAX };
        let Ok(delivery) = consumer.read(limit) else { return Going::On };
        if self.rng.once_in(4) {
            return Going::On;
        }
        let until = delivery.last_seq().map_or(0, |seq| seq.as_u64() + 1);
        let until = delivery.losses().last().map_or(until, |loss| until.max(loss.to.as_u64() + 1));
        {
            let mut known = lock(&self.known);
            let ack = known.oracle.consumer("a");
            ack.asked = ack.asked.max(until);
        }
        let result = delivery.ack();
        let mut known = lock(&self.known);
        match result {
            Ok(()) => {
                let at = consumer.acked().as_u64();
                known.oracle.consumer("a").said = at;
            }
            Err(_) => known.oracle.failed = true,
        }
        Going::On
    }

    /// After each step: what may be gone, and whether the limit is kept.
    fn settle(&self, queue: &Queue) {
        let status = queue.status();
        let bytes = self.disk.bytes();
        let mut known = lock(&self.known);
        let oldest = status.oldest_seq.as_u64();
        known.oracle.floor = oldest;
        known.oracle.may_drop = oldest;
        if bytes > MAX_BYTES {
            known.wrong.get_or_insert_with(|| format!("the files take {bytes} of {MAX_BYTES} bytes"));
        }
    }

    fn faulty(&self) -> bool {
        self.disk.faulty()
    }

    fn wrong(&self) -> bool {
        lock(&self.known).wrong.is_some()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Going {
    On,
    Stop,
}

/// A payload like no other.
pub(super) fn payload(rng: &mut Rng) -> Payload {
    let len = match rng.below(16) {
        place @ 0..=8 => LENGTHS.get(usize::try_from(place).unwrap_or(0)).copied().unwrap_or(0),
        9..=11 => 10_000 + rng.place(9_000),
        _ => rng.place(300),
    };
    let mut bytes = vec![0; len];
    let seed = rng.word();
    // The front is unique, the rest only has to differ.
    for (chunk, n) in bytes.chunks_mut(8).zip(0_u64..) {
        let word = seed.wrapping_mul(2 * n + 1).to_le_bytes();
        for (to, from) in chunk.iter_mut().zip(word) {
            *to = from;
        }
    }
    bytes.into()
}

pub(super) fn lock(known: &Arc<Mutex<Known>>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

const LENGTHS: [usize; 9] = [0, 1, 7, 8, 511, 512, 513, 4095, 4096];
const PICTURES: usize = 5;
const SEGMENT: u64 = 64 << 10;
pub(super) const MAX_BYTES: u64 = 4096 + 17 * 3 * 4096 + 4 * SEGMENT;
