//! One history: what is done to a queue, and a crash before each call that changes the disk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::crash::Survival;
use super::super::disk::{Disk, Fault, FaultKind, Moment};
use super::super::rng::Rng;
use super::check::Interrupted;
use super::oracle::{Oracle, Payload, Room};
use super::planted::Meanwhile;
use super::{Bug, Report, check};
use crate::batch::Batch;
use crate::consumer::{Consumer, Limit};
use crate::durable::Durability;
use crate::format::HEADER_LEN;
use crate::meta::Meta;
use crate::options::Options;
use crate::queue::{Queue, Start, WhenFull};
use crate::record::{self, Life};
use crate::rules::Rules;
use crate::writing::WritePath;

/// What the crashes share with the history they interrupt.
pub(super) struct Known {
    pub(super) oracle: Oracle,
    pub(super) report: Report,
    pub(super) rng: Rng,
    pub(super) bug: Option<Bug>,
    pub(super) wrong: Option<String>,
    pub(super) path: WritePath,
    pub(super) max_bytes: u64,
    pub(super) lengths: Lengths,
}

/// How long payloads are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lengths {
    Any,
    /// So that a sector never holds parts of two records: one may be old where the next is new.
    WholeSectors,
}

impl Known {
    /// Options of all queues of this history.
    pub(super) fn options(&self) -> Options {
        // As small as can be.
        let options = Options::new("").segment_bytes(SEGMENT).max_bytes(self.max_bytes);
        Bug::options(self.bug, options).write_path(self.path)
    }
}

/// Runs the history that follows from `seed`.
pub(super) fn run(seed: u64, bug: Option<Bug>, report: &mut Report) -> Result<(), String> {
    let mut rng = Rng::new(seed);
    // By the seed itself and not by chance that follows from it: what was found before is found again.
    let path = if seed.is_multiple_of(2) { WritePath::Called } else { WritePath::Mapped };
    // Some queues are full most of the time.
    let segments = if (seed >> 8) % 4 == 3 { 2 } else { 4 };
    let max_bytes = SMALL_FILES + segments * SEGMENT;
    let lengths = if (seed >> 16).is_multiple_of(3) { Lengths::WholeSectors } else { Lengths::Any };
    let known = Known {
        oracle: Oracle::new(),
        report: *report,
        rng: rng.fork(),
        bug,
        wrong: None,
        path,
        max_bytes,
        lengths,
    };
    let known = Arc::new(Mutex::new(known));
    let disk = Disk::new(rng.word());
    let watched = Arc::clone(&known);
    disk.watch(move |moment| crash(moment, &mut lock(&watched)));
    let mut story = Story {
        disk: disk.clone(),
        known: Arc::clone(&known),
        rng,
        when_full: WhenFull::Refuse,
        durability: Durability::Os,
        meanwhile: Meanwhile::default(),
    };
    let result = story.tell().and_then(|()| story.spoil());
    disk.unwatch();
    let mut known = lock(&known);
    *report = known.report;
    known.wrong.take().map_or(result, Err)
}

/// Several pictures of a crash at this moment, each opened and checked.
fn crash(moment: &Moment<'_>, known: &mut Known) {
    if known.wrong.is_some() {
        return;
    }
    known.report.calls += 1;
    known.oracle.failed |= moment.faulty;
    for picture in 0..PICTURES {
        let mut rng = known.rng.fork();
        let survival = match picture {
            0 => Survival::Process,
            _ => {
                Survival::ALL.get(1 + rng.place(Survival::ALL.len() - 1)).copied().unwrap_or(Survival::Synced)
            }
        };
        let world = moment.world.crash(survival, moment.in_flight.as_ref(), &mut rng);
        let disk = Disk::with(world, rng.fork());
        let interrupted = match &moment.in_flight {
            Some(write) if picture == 0 && moment.world.name_of(write.number).ends_with(".seg") => {
                Interrupted::Append
            }
            _ => Interrupted::Running,
        };
        let first = (check::Depth::FIRST, interrupted);
        if let Err(wrong) = check::opened(&disk, survival, known, &mut rng, first) {
            let in_flight = moment.in_flight.as_ref().map(|write| {
                let (name, len) = (moment.world.name_of(write.number), write.bytes.len());
                format!("a write of {len} bytes at {} of {name}", write.at)
            });
            let in_flight = in_flight.unwrap_or_else(|| "another call".to_owned());
            known.wrong =
                Some(format!("{wrong}; {survival:?} before call {}, {in_flight}", known.report.calls));
            return;
        }
    }
}

struct Story {
    disk: Disk,
    known: Arc<Mutex<Known>>,
    rng: Rng,
    when_full: WhenFull,
    durability: Durability,
    meanwhile: Meanwhile,
}

impl Story {
    fn tell(&mut self) -> Result<(), String> {
        if self.rng.once_in(3) {
            self.when_full = WhenFull::DropOldest;
        }
        if self.rng.once_in(4) {
            self.durability = Durability::Each;
        }
        if self.rng.once_in(2) {
            let kinds = [FaultKind::Io, FaultKind::IoReverts, FaultKind::NoSpace];
            let kind = kinds.get(self.rng.place(kinds.len())).copied().unwrap_or(FaultKind::Io);
            if kind == FaultKind::NoSpace {
                lock(&self.known).oracle.room = Room::NotAlways;
            }
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

    /// Turns single bits over where synced records lie: each costs one record at most, and that is told.
    fn spoil(&mut self) -> Result<(), String> {
        if self.faulty() || self.wrong() {
            return Ok(());
        }
        let (bug, options) = {
            let known = lock(&self.known);
            (known.bug, known.options())
        };
        let open = |disk: &Disk| {
            let opened = options.clone().open_on(Bug::wrap(bug, disk.storage()));
            opened.map_err(|error| format!("O8: not opened after a bit was turned over: {error}"))
        };
        // Another disk, on which no call fails.
        let whole = self.disk.crash(Survival::Process, self.rng.word());
        open(&whole)?.sync().map_err(|error| error.to_string())?;
        for _ in 0..FLIPS {
            let disk = whole.crash(Survival::Process, self.rng.word());
            let segments: Vec<_> =
                disk.files().into_iter().filter(|(name, _)| crate::segment::id_in(name).is_some()).collect();
            let Some((name, _)) = segments.get(self.rng.place(segments.len())) else { return Ok(()) };
            // Where there is something: records are dense from the front on.
            let (at, bit) = (4096 + self.rng.below(SEGMENT / 2), self.rng.below(8));
            disk.flip(name, at, u8::try_from(bit).unwrap_or(0)).map_err(|error| error.to_string())?;
            let queue = open(&disk)?;
            let mut known = lock(&self.known);
            known.report.points += 1;
            check::spoilt(&queue, &known.oracle)
                .map_err(|wrong| format!("{wrong}; bit {bit} of octet {at} of {name} turned over"))?;
        }
        Ok(())
    }

    /// Opens the queue; `None` if a fault kept it from that.
    fn open(&mut self) -> Result<Option<Queue>, String> {
        let (bug, options) = {
            let known = lock(&self.known);
            (known.bug, known.options())
        };
        let storage = || Bug::wrap_with(bug, self.disk.storage(), self.meanwhile.clone());
        let options = options.durability(self.durability);
        let queue = match options.clone().open_on(storage()) {
            Ok(queue) => queue,
            Err(_) if self.faulty() => {
                // As an operator would: there is room again, and another attempt.
                self.disk.make_room();
                match options.open_on(storage()) {
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
        let (found, losses) = check::records(&queue)?;
        known = lock(&self.known);
        known.oracle.knows_lost(&losses);
        known.oracle.goes_on_unharmed(next, found.into_iter());
        Ok(Some(queue))
    }

    fn consumer(&self, queue: &Queue, name: &str) -> Result<Option<Consumer>, String> {
        let next = lock(&self.known).oracle.next;
        let made_before = queue.consumers().iter().any(|consumer| consumer.name == name);
        match queue.consumer(name, Start::Oldest) {
            Ok(consumer) => {
                let mut known = lock(&self.known);
                let failed = known.oracle.failed;
                let ack = known.oracle.consumer(name);
                let at = consumer.acked().as_u64();
                ack.asked = ack.asked.max(at);
                // A sync that fails may take back what was only in memory.
                ack.said = if failed { at } else { ack.said.max(at) };
                if ack.synced == 0 && !made_before {
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
        let (next, lengths) = {
            let known = lock(&self.known);
            (known.oracle.next, known.lengths)
        };
        let payloads: Vec<Payload> = (0..count).map(|_| payload(&mut self.rng, next, lengths)).collect();
        match append(queue, &payloads, self.when_full, self.durability, &self.known) {
            Going::On => Going::On,
            Going::Stop => {
                self.disk.make_room();
                if self.rng.once_in(2) { Going::Stop } else { Going::On }
            }
        }
    }

    fn sync(&mut self, queue: &Queue) -> Going {
        let acks = lock(&self.known).oracle.consumers.clone();
        if self.durability == Durability::Os && self.rng.once_in(3) {
            // Somebody appends while the sync goes on.
            let (queue, known, when_full) = (queue.clone(), Arc::clone(&self.known), self.when_full);
            let mut rng = self.rng.fork();
            self.meanwhile.set(Some(Box::new(move || {
                let (next, lengths) = {
                    let known = lock(&known);
                    (known.oracle.next, known.lengths)
                };
                append(&queue, &[payload(&mut rng, next, lengths)], when_full, Durability::Os, &known);
            })));
        }
        let (waits, known) = (queue.clone(), Arc::clone(&self.known));
        // Somebody who waits hears of it in the moment in which the watermark rises.
        self.meanwhile.set_hearing(Some(Box::new(move || promise(&waits, &mut lock(&known).oracle))));
        let result = queue.sync();
        self.meanwhile.set_hearing(None);
        self.meanwhile.set(None);
        let mut known = lock(&self.known);
        promise(queue, &mut known.oracle);
        if result.is_err() {
            known.oracle.failed = true;
            return Going::Stop;
        }
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
        let max_bytes = known.max_bytes;
        if bytes > max_bytes {
            known.wrong.get_or_insert_with(|| format!("the files take {bytes} of {max_bytes} bytes"));
        }
    }

    fn faulty(&self) -> bool {
        self.disk.faulty()
    }

    fn wrong(&self) -> bool {
        lock(&self.known).wrong.is_some()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Going {
    On,
    Stop,
}

fn append(
    queue: &Queue,
    payloads: &[Payload],
    when_full: WhenFull,
    durability: Durability,
    known: &Arc<Mutex<Known>>,
) -> Going {
    let mut batch = Batch::new();
    for payload in payloads {
        if batch.push(payload).is_err() {
            return Going::On;
        }
    }
    let path = {
        let mut known = lock(known);
        known.oracle.offers(payloads);
        if when_full == WhenFull::DropOldest {
            known.oracle.may_drop = known.oracle.next;
        }
        known.path
    };
    let result = match payloads {
        // The way of single records, without a batch.
        [payload] if path == WritePath::Mapped => {
            let result = queue.append_one(payload, when_full);
            if matches!(result, Ok(_) | Err(crate::AppendError::Sync(_))) {
                batch.clear();
            }
            result.map(drop)
        }
        _ => queue.append(&mut batch, when_full).map(drop),
    };
    let mut known = lock(known);
    known.oracle.took(payloads, payloads.len() - batch.len());
    if durability == Durability::Each {
        promise(queue, &mut known.oracle);
    }
    match result {
        Ok(()) => Going::On,
        Err(crate::AppendError::Full { .. }) => {
            known.oracle.failed |= batch.len() < payloads.len();
            Going::On
        }
        Err(_) => {
            known.oracle.failed = true;
            Going::Stop
        }
    }
}

/// The queue's watermark is its word.
pub(super) fn promise(queue: &Queue, oracle: &mut Oracle) {
    let durable = queue.durable_seq().map_or(1, |seq| seq.into_inner().as_u64() + 1);
    oracle.durable = oracle.durable.max(durable);
}

/// Frames as they would be if the queue's secret were known, for any of the first segments, with the number that
/// the record will have that they are in, or the next.
fn forged(number: u64, unique: u64) -> Payload {
    let meta =
        Meta { uuid: [0; 16], secret: [0; 16], segment_bytes: SEGMENT, created: 0, rules: Rules::Kept };
    let mut bytes = Vec::new();
    for n in 0..48 {
        let at = bytes.len();
        // Header and checksum together are a word that no CRC sees exchanged for another such word, whatever it began with. So
        // what is in each is unique: else two forgeries torn over each other pass for one, which no checksum of this kind can help.
        record::stage(&mut bytes, 8, &unique.wrapping_mul(2 * n + 1).to_le_bytes());
        let life = Life { salt: meta.salt(n / 3), first_seq: 1, covered: !0 };
        if let Some(header) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            life.stamp(header, number + n % 3, record::FIRST | record::LAST);
        }
    }
    bytes.extend(unique.to_le_bytes());
    bytes.into()
}

/// A payload like no other; sometimes one that somebody made to look like records.
pub(super) fn payload(rng: &mut Rng, number: u64, lengths: Lengths) -> Payload {
    if lengths == Lengths::WholeSectors {
        let sectors = if rng.once_in(5) { 1 + rng.place(36) } else { 1 };
        return filled(rng, sectors * 512 - HEADER_LEN);
    }
    if rng.once_in(8) {
        return forged(number, rng.word());
    }
    let len = match rng.below(16) {
        place @ 0..=8 => LENGTHS.get(usize::try_from(place).unwrap_or(0)).copied().unwrap_or(0),
        9..=11 => 10_000 + rng.place(9_000),
        _ => rng.place(300),
    };
    filled(rng, len)
}

/// A payload like no other of that length.
pub(super) fn filled(rng: &mut Rng, len: usize) -> Payload {
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
const FLIPS: usize = 20;
const SEGMENT: u64 = 64 << 10;
const SMALL_FILES: u64 = 4096 + 2 * 3 * 4096 + 16 * 4 * 4096;
