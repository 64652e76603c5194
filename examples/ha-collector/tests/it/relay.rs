//! One collector sends to another, which stops, dies and comes back.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::Signal;

use crate::ports::port;
use crate::support::{Collector, binary, lines};

/// A configuration that listens on `tcp`, and on any UDP port.
pub(crate) fn config(data: &Path, tcp: SocketAddr, destinations: &str) -> PathBuf {
    let path = data.join("collector.toml");
    let text = format!(
        r#"data = {data:?}
[[source]]
id = "udp"
type = "udp"
listen = "127.0.0.1:0"
[[source]]
id = "tcp"
type = "tcp"
listen = "{tcp}"
{destinations}"#
    );
    std::fs::write(&path, text).unwrap();
    path
}

pub(crate) const FILES: &str = "[[destination]]\nid = \"files\"\ntype = \"file\"\n";

fn relay(to: &[SocketAddr], more: &str) -> String {
    let to: Vec<String> = to.iter().map(ToString::to_string).collect();
    format!("[[destination]]\nid = \"relay\"\ntype = \"tcp\"\nto = {to:?}\ntime-reopen = \"1s\"\n{more}\n")
}

fn start(config: &Path) -> Collector {
    Collector::start_with(&mut binary(), config)
}

/// Senders who number their messages, each on a connection of its own.
struct Load {
    stop: Arc<AtomicBool>,
    senders: Vec<JoinHandle<u64>>,
}

const SENDERS: usize = 3;

impl Load {
    fn start(to: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let send = |sender: usize| {
            let stop = Arc::clone(&stop);
            let mut tcp = TcpStream::connect(to).unwrap();
            std::thread::spawn(move || {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    let mut burst = Vec::new();
                    for _ in 0..20 {
                        writeln!(
                            burst,
                            "<13>1 2025-11-20T12:00:00Z s{sender} app - - - {n} {}",
                            "x".repeat(120)
                        )
                        .unwrap();
                        n += 1;
                    }
                    tcp.write_all(&burst).unwrap();
                    // Not a wait for something: a pace that this machine keeps up with, and that never pauses.
                    std::thread::sleep(Duration::from_millis(5));
                }
                n
            })
        };
        let senders = (0..SENDERS).map(send).collect();
        Self { stop, senders }
    }

    /// How many messages each has sent.
    fn stop(self) -> Vec<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    }
}

/// The numbers that arrived of each sender, in the order of the file.
fn arrived(data: &Path) -> BTreeMap<String, Vec<u64>> {
    let found = lines(&data.join("logs"));
    let number = |line: &String| -> u64 {
        let (_, rest) = line.split_once(" app: ").unwrap_or_else(|| panic!("garbled: {line:?}"));
        let (number, filling) = rest.split_once(' ').unwrap_or_else(|| panic!("garbled: {line:?}"));
        assert_eq!(filling.len(), 120, "garbled: {line:?}");
        number.parse().unwrap()
    };
    found
        .iter()
        .map(|(name, lines)| (name.split('/').next().unwrap().to_owned(), lines.iter().map(number).collect()))
        .collect()
}

fn assert_once_and_in_order(data: &Path, sent: &[u64]) {
    let arrived = arrived(data);
    assert_eq!(arrived.len(), sent.len());
    for (sender, sent) in sent.iter().enumerate() {
        let numbers = &arrived[&format!("s{sender}")];
        let wrong = numbers.iter().zip(0..).position(|(found, n)| *found != n);
        if let Some(at) = wrong {
            panic!(
                "of s{sender}, at {at}: {:?}",
                &numbers[at.saturating_sub(3)..(at + 3).min(numbers.len())]
            );
        }
        assert_eq!(numbers.len() as u64, *sent, "of s{sender}");
    }
}

/// Everything came, in its order when what came again is left out. Says how many came again.
fn assert_at_least_once_and_in_order(data: &Path, sent: &[u64]) -> u64 {
    let arrived = arrived(data);
    let mut again = 0;
    for (sender, sent) in sent.iter().enumerate() {
        let mut next = 0;
        for &number in &arrived[&format!("s{sender}")] {
            assert!(number <= next, "of s{sender}, {next} to {} are missing before {number}", number - 1);
            again += u64::from(number < next);
            next += u64::from(number == next);
        }
        assert_eq!(next, *sent, "of s{sender}");
    }
    again
}

/// Waits until the relay has more than before.
fn wait_for_messages(collector: &mut Collector) {
    let before = collector.ledger().received;
    collector.wait_for_ledger(|ledger| ledger.received > before);
}

#[test]
fn twenty_restarts_of_the_receiver_under_load_lose_nothing_and_repeat_nothing() {
    for framing in ["octet-counting", "lf"] {
        let (near, far) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let far_at = port();
        let far_config = config(far.path(), far_at, FILES);
        let mut receiver = start(&far_config);
        let framing = format!("framing = {framing:?}");
        let mut sender = start(&config(near.path(), port(), &relay(&[far_at], &framing)));
        let load = Load::start(sender.tcp);
        for _ in 0..10 {
            wait_for_messages(&mut receiver);
            receiver.stop();
            receiver = start(&far_config);
        }
        let sent = load.stop();
        let all: u64 = sent.iter().sum();
        sender.wait_for_ledger(|ledger| ledger.delivered == all);
        sender.stop();
        receiver.stop();
        assert_once_and_in_order(far.path(), &sent);
    }
}

#[test]
fn a_receiver_that_is_killed_has_everything_in_the_end() {
    let (near, far) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let far_at = port();
    let far_config = config(far.path(), far_at, FILES);
    let mut receiver = start(&far_config);
    let mut sender = start(&config(near.path(), port(), &relay(&[far_at], "")));
    let load = Load::start(sender.tcp);
    for _ in 0..8 {
        wait_for_messages(&mut receiver);
        receiver.kill();
        receiver = start(&far_config);
    }
    let sent = load.stop();
    let all: u64 = sent.iter().sum();
    sender.wait_for_ledger(|ledger| ledger.delivered == all);
    sender.stop();
    receiver.stop();
    assert_at_least_once_and_in_order(far.path(), &sent);
}

#[test]
fn a_chain_of_three_whose_last_is_away_for_a_while_delivers_everything_once_and_in_order() {
    let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let at: Vec<SocketAddr> = (0..3).map(|_| port()).collect();
    let last_config = config(dirs[2].path(), at[2], FILES);
    let mut last = start(&last_config);
    let mut middle = start(&config(dirs[1].path(), at[1], &relay(&[at[2]], "")));
    let mut first = start(&config(dirs[0].path(), at[0], &relay(&[at[1]], "framing = \"lf\"")));
    let load = Load::start(first.tcp);
    wait_for_messages(&mut last);
    last.stop();
    // It is away until the one before it has a backlog.
    middle.wait_for_ledger(|ledger| ledger.queued > 2_000);
    last = start(&last_config);
    wait_for_messages(&mut last);
    let sent = load.stop();
    let all: u64 = sent.iter().sum();
    first.wait_for_ledger(|ledger| ledger.delivered == all);
    first.stop();
    middle.wait_for_ledger(|ledger| ledger.delivered == all);
    middle.stop();
    last.stop();
    assert_once_and_in_order(dirs[2].path(), &sent);
}

#[test]
fn a_destination_that_is_away_disturbs_no_other_and_gets_everything_in_order_when_it_is_back() {
    let (near, far) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let far_at = port();
    let both = format!("{FILES}{}", relay(&[far_at], ""));
    let mut sender = start(&config(near.path(), port(), &both));
    let load = Load::start(sender.tcp);
    // The files get theirs while the other is not there.
    sender.wait_for_ledger(|ledger| ledger.delivered > 3_000);
    let sent = load.stop();
    let all: u64 = sent.iter().sum();
    sender.wait_for_ledger(|ledger| ledger.delivered == all && ledger.queued == all);
    let receiver = start(&config(far.path(), far_at, FILES));
    sender.wait_for_ledger(|ledger| ledger.delivered == 2 * all);
    sender.stop();
    receiver.stop();
    assert_once_and_in_order(near.path(), &sent);
    assert_once_and_in_order(far.path(), &sent);
}

#[test]
fn the_second_target_stands_in_for_the_first_until_that_is_back() {
    let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let at = [port(), port()];
    let first_config = config(dirs[0].path(), at[0], FILES);
    let mut second = start(&config(dirs[1].path(), at[1], FILES));
    let mut sender = start(&config(dirs[2].path(), port(), &relay(&at, "")));
    let load = Load::start(sender.tcp);
    wait_for_messages(&mut second);
    let mut first = start(&first_config);
    wait_for_messages(&mut first);
    first.stop();
    wait_for_messages(&mut second);
    let sent = load.stop();
    let all: u64 = sent.iter().sum();
    sender.wait_for_ledger(|ledger| ledger.delivered == all);
    sender.stop();
    second.stop();
    let (mut one, two) = (arrived(dirs[0].path()), arrived(dirs[1].path()));
    for (sender, numbers) in &two {
        let all = one.entry(sender.clone()).or_default();
        all.extend(numbers);
        all.sort_unstable();
    }
    for (sender, sent) in sent.iter().enumerate() {
        assert!(one[&format!("s{sender}")].iter().copied().eq(0..*sent), "of s{sender}: not each once");
    }
}

#[test]
fn two_targets_take_turns() {
    let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let at = [port(), port()];
    let mut receivers: Vec<Collector> =
        (0..2).map(|n| start(&config(dirs[n].path(), at[n], FILES))).collect();
    let turns = relay(&at, "strategy = \"round-robin\"");
    let mut sender = start(&config(dirs[2].path(), port(), &turns));
    let load = Load::start(sender.tcp);
    // Only messages bring the first of them up, and then the other.
    for receiver in &mut receivers {
        wait_for_messages(receiver);
    }
    let sent = load.stop();
    let all: u64 = sent.iter().sum();
    sender.wait_for_ledger(|ledger| ledger.delivered == all);
    sender.stop();
    let got: u64 = receivers.into_iter().map(|receiver| receiver.stop().received).sum();
    assert_eq!(got, all);
}

#[test]
fn an_idle_sender_hears_that_its_receiver_stops() {
    let (near, far) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let far_at = port();
    let mut receiver = start(&config(far.path(), far_at, FILES));
    let mut sender = start(&config(near.path(), port(), &relay(&[far_at], "")));
    let mut tcp = TcpStream::connect(sender.tcp).unwrap();
    writeln!(tcp, "<13>1 2025-11-20T12:00:00Z s0 app - - - 0").unwrap();
    receiver.wait_for_ledger(|ledger| ledger.delivered == 1);
    receiver.signal(Signal::TERM);
    sender.wait_for("stops, and has everything");
    assert!(receiver.wait().success());
    drop(tcp);
    sender.stop();
}
