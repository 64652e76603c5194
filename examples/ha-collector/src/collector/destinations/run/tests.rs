//! Destinations that are away, slow or broken, by a clock that nobody waits for.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use diskbuf::{Batch, Queue, Start, WhenFull};
use tempfile::TempDir;

use super::*;
use crate::collector::event::Event;
use crate::collector::event::Field;
use crate::collector::ledger::Ledger;
use crate::collector::record::tests::record_of;
use crate::collector::routing::{Arrival, Copies, Plan, Plans};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

type Deed = Box<dyn FnOnce() + Send>;

/// A clock that jumps to where somebody would wait for, or to what happens before.
#[derive(Clone)]
struct Leap {
    start: Instant,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    now: Instant,
    script: Vec<(Instant, Deed)>,
}

impl Leap {
    fn new() -> Self {
        let start = Instant::now();
        Self { start, inner: Arc::new(Mutex::new(Inner { now: start, script: Vec::new() })) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn passed(&self) -> Duration {
        self.now() - self.start
    }

    /// When so much has passed, that happens.
    fn at(&self, passed: Duration, deed: impl FnOnce() + Send + 'static) {
        let mut inner = self.lock();
        inner.script.push((self.start + passed, Box::new(deed)));
        inner.script.sort_by_key(|(at, _)| *at);
    }

    fn leap(&self, until: Instant) {
        let mut inner = self.lock();
        if inner.script.first().is_some_and(|(at, _)| *at <= until) {
            let (at, deed) = inner.script.remove(0);
            inner.now = inner.now.max(at);
            drop(inner);
            deed();
        } else {
            inner.now = inner.now.max(until);
        }
    }
}

impl Clock for Leap {
    fn now(&self) -> Instant {
        self.lock().now
    }

    fn wait(&self, consumer: &mut Consumer, until: Instant) -> Wait {
        loop {
            match consumer.wait(Some(self.start)) {
                Wait::TimedOut if self.now() < until => self.leap(until),
                other => return other,
            }
        }
    }

    fn pause(&self, stop: &Stop, pause: Duration) -> bool {
        let until = self.now() + pause;
        while !stop.said() && self.now() < until {
            self.leap(until);
        }
        stop.said()
    }
}

/// What a destination was asked to do, and when.
#[derive(Debug, Default)]
struct Seen {
    batches: Vec<(Duration, Vec<String>)>,
    attempts: Vec<Duration>,
    taken_back: usize,
    reopened: Vec<Duration>,
    idled: usize,
    closed: usize,
}

impl Seen {
    fn messages(&self) -> Vec<&str> {
        self.batches.iter().flat_map(|(_, batch)| batch).map(String::as_str).collect()
    }
}

/// A destination that is away until then.
struct Fake {
    clock: Leap,
    away_until: Duration,
    in_hand: Vec<String>,
    seen: Seen,
}

impl Deliver for Fake {
    fn take(&mut self, event: &Event<'_>) {
        self.in_hand.push(String::from_utf8_lossy(event.get(Field::Message).unwrap()).into_owned());
    }

    fn flush(&mut self, _now: Instant) -> io::Result<()> {
        let passed = self.clock.passed();
        self.seen.attempts.push(passed);
        if passed < self.away_until {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        self.seen.batches.push((passed, std::mem::take(&mut self.in_hand)));
        Ok(())
    }

    fn take_back(&mut self) {
        self.in_hand.clear();
        self.seen.taken_back += 1;
    }

    fn idle(&mut self, _now: Instant) {
        self.seen.idled += 1;
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.seen.reopened.push(self.clock.passed());
        Ok(())
    }

    fn close(&mut self) {
        self.seen.closed += 1;
    }
}

/// A queue with one destination.
struct Bench {
    _temp: TempDir,
    queue: Queue,
    clock: Leap,
    orders: Orders,
    ledger: Ledger,
    pace: Pace,
    behind: Behind,
    away_until: Duration,
}

impl Bench {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let options = diskbuf::Options::new(temp.path().join("buffer"));
        let queue = options.segment_bytes(64 << 10).max_bytes(2 << 20).open().unwrap();
        Self {
            _temp: temp,
            queue,
            clock: Leap::new(),
            orders: Orders { drain: Stop::default(), give_up: Stop::default(), reopen: Arc::default() },
            ledger: Ledger::new(0),
            pace: Pace { flush_lines: 0, flush_timeout: SECOND, longest_pause: 10 * SECOND },
            behind: Behind::Keeps,
            away_until: Duration::ZERO,
        }
    }

    /// As the collector stops: nothing more comes, and what is there is to be delivered.
    fn stop_at(&self, passed: Duration) {
        let (orders, queue) = (self.orders.clone(), self.queue.clone());
        self.clock.at(passed, move || {
            orders.drain.say();
            queue.close();
        });
    }

    fn message_at(&self, passed: Duration, text: &str) {
        let (queue, text) = (self.queue.clone(), text.to_owned());
        self.clock.at(passed, move || append(&queue, &text));
    }

    fn run(&self) -> Seen {
        let mut consumer = self.queue.consumer_that(self.behind, "to", Start::Oldest).unwrap();
        let account = self.ledger.open_destination("to", 0);
        let mut to = Fake {
            clock: self.clock.clone(),
            away_until: self.away_until,
            in_hand: Vec::new(),
            seen: Seen::default(),
        };
        let plan = Arc::new(Plan {
            routes: None,
            sources: vec![],
            destinations: vec!["to".to_owned()],
            paths: vec![],
        });
        let plans = Plans::new(Arc::clone(&plan));
        let mut deliverer = Deliverer::new(&plans, &plan, "to", Copies::EachPath, Arrival::First);
        let runner = Runner {
            id: "to",
            consumer: &mut consumer,
            behind: self.behind,
            account: &account,
            orders: &self.orders,
            pace: self.pace,
            clock: self.clock.clone(),
            deliverer: &mut deliverer,
        };
        runner.run(&mut to);
        to.seen
    }

    /// The next start, when it is back.
    fn run_again(&self) -> Seen {
        let orders = Orders { drain: Stop::default(), give_up: Stop::default(), reopen: Arc::default() };
        let again = Self {
            _temp: tempfile::tempdir().unwrap(),
            queue: self.queue.clone(),
            clock: self.clock.clone(),
            orders,
            ledger: Ledger::new(0),
            ..*self
        };
        again.run()
    }

    fn waiting(&self) -> u64 {
        self.queue.consumers()[0].lag
    }

    fn balance(&self) -> String {
        let balance = self.ledger.balance(0, |_| self.waiting()).to_string();
        balance.split_once("\"delivered\":").unwrap().1.trim_end_matches("}]}").to_owned()
    }
}

fn append(queue: &Queue, text: &str) {
    let record = record_of(format!("<13>1 - h a - - - {text}").as_bytes());
    let mut batch = Batch::with_capacity(4096);
    batch.push(&record).unwrap();
    queue.append(&mut batch, WhenFull::DropOldest).unwrap();
}

#[test]
fn a_destination_that_is_away_for_an_hour_gets_everything_in_order_once_when_it_is_back() {
    let bench = Bench { away_until: HOUR, ..Bench::new() };
    let expected: Vec<String> = (0..360).map(|n| n.to_string()).collect();
    for (n, text) in (0..).zip(&expected) {
        bench.message_at(10 * SECOND * n, text);
    }
    bench.stop_at(2 * HOUR);
    let seen = bench.run();
    assert_eq!(seen.messages(), expected);
    let failed = seen.attempts.iter().filter(|at| **at < HOUR).count();
    assert!((360..400).contains(&failed), "one try in ten seconds, not {failed} in an hour");
    let pauses: Vec<Duration> = seen.attempts.windows(2).map(|two| two[1] - two[0]).take(8).collect();
    let tenths = [1, 2, 4, 8, 16, 32, 64, 100].map(|tenths| SECOND / 10 * tenths);
    assert_eq!(pauses, tenths, "less and less often");
    assert!(seen.batches[0].0 <= HOUR + 10 * SECOND, "back, and noticed soon");
    assert_eq!((seen.taken_back, seen.closed), (0, 1));
    assert_eq!(bench.balance(), r#"360,"passed_by":0,"queued":0,"dropped":{}"#);
}

#[test]
fn a_batch_is_written_when_there_are_enough_messages_or_they_have_waited_long_enough() {
    let mut bench = Bench::new();
    bench.pace.flush_lines = 3;
    bench.pace.flush_timeout = 5 * SECOND;
    for (at, text) in [(1, "a"), (2, "b"), (3, "c"), (10, "d"), (12, "e"), (20, "f")] {
        bench.message_at(SECOND * at, text);
    }
    bench.stop_at(SECOND * 21);
    let seen = bench.run();
    let batches: Vec<(u64, String)> =
        seen.batches.iter().map(|(at, batch)| (at.as_secs(), batch.concat())).collect();
    let expected = [(3, "abc"), (15, "de"), (21, "f")];
    assert_eq!(batches, expected.map(|(at, text)| (at, text.to_owned())));
    assert_eq!(bench.waiting(), 0);
}

#[test]
fn without_flush_lines_nothing_waits() {
    let bench = Bench::new();
    bench.message_at(SECOND, "a");
    bench.message_at(SECOND * 2, "b");
    bench.stop_at(SECOND * 600);
    let seen = bench.run();
    let times: Vec<u64> = seen.batches.iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(times, [1, 2]);
    assert!((8..=11).contains(&seen.idled), "looks what to close once a minute: {}", seen.idled);
}

#[test]
fn a_batch_that_is_given_up_at_the_stop_is_taken_back_and_comes_again() {
    let mut bench = Bench { away_until: HOUR, ..Bench::new() };
    bench.pace.flush_lines = 2;
    bench.message_at(SECOND, "a");
    bench.message_at(SECOND, "b");
    bench.stop_at(SECOND * 60);
    let seen = bench.run();
    assert_eq!((seen.taken_back, seen.closed, seen.batches.len()), (1, 1, 0));
    let last = *seen.attempts.last().unwrap();
    assert!(last >= SECOND * 62 && last <= SECOND * 75, "it went on trying for a while: {last:?}");
    assert_eq!(bench.balance(), r#"0,"passed_by":0,"queued":2,"dropped":{}"#);
    bench.away_until = Duration::ZERO;
    assert_eq!(bench.run_again().messages(), ["a", "b"]);
}

#[test]
fn the_second_word_to_stop_ends_it_in_the_middle_of_a_pause() {
    let bench = Bench { away_until: HOUR, ..Bench::new() };
    bench.message_at(Duration::ZERO, "a");
    let orders = bench.orders.clone();
    bench.clock.at(SECOND * 60, move || orders.give_up.say());
    let seen = bench.run();
    assert_eq!((seen.taken_back, bench.clock.passed()), (1, SECOND * 60));
}

#[test]
fn files_are_opened_anew_although_a_batch_cannot_be_written() {
    let bench = Bench { away_until: HOUR, ..Bench::new() };
    bench.message_at(Duration::ZERO, "a");
    let orders = bench.orders.clone();
    bench.clock.at(SECOND * 60, move || orders.reopen.store(1, Ordering::Relaxed));
    bench.stop_at(HOUR * 2);
    let seen = bench.run();
    assert_eq!(seen.reopened.len(), 1);
    assert!(seen.reopened[0] <= SECOND * 70, "{:?}", seen.reopened);
}

#[test]
fn what_is_dropped_for_being_behind_is_counted_by_that_name_and_the_rest_comes() {
    let bench = Bench { away_until: HOUR, behind: Behind::Loses, ..Bench::new() };
    // More than the buffer holds, while the first batch waits to be written.
    let most = 30_000;
    let queue = bench.queue.clone();
    bench.message_at(Duration::ZERO, "0");
    bench.clock.at(SECOND, move || (1..most).for_each(|n| append(&queue, &n.to_string())));
    bench.stop_at(HOUR * 2);
    let seen = bench.run();
    let messages = seen.messages();
    assert_eq!((messages[0], *messages.last().unwrap()), ("0", &*(most - 1).to_string()));
    let lost = most - messages.len();
    assert!(lost > 0, "the buffer was larger than thought");
    assert_eq!(
        bench.balance(),
        format!(r#"{},"passed_by":0,"queued":0,"dropped":{{"behind":{lost}}}"#, messages.len())
    );
}
