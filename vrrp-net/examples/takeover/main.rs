//! Measures routers on links of their own, in network namespaces that nobody else sees, beside keepalived if there is one:
//!
//! ```text
//! takeover crashes [N]        N kills of the Active Router at 10 ms: from its last advertisement to the other's first
//! takeover many [SECONDS]     1,000 virtual routers at 1 s in one process: processor time and memory
//! takeover busy [MINUTES]     both cores kept busy at 10 ms, routers with real-time priority where allowed: false takeovers
//! ```

#![expect(clippy::print_stdout, reason = "it prints what it measured")]
#![expect(clippy::indexing_slicing, reason = "two rooms, and as many times as crashes")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on is none")]

mod node;
mod stage;

use std::process::Command as Program;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use self::stage::{Ear, Engine, Node, Room};

const LONGEST: Duration = Duration::from_secs(30);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: Option<&&str>, default: u32| text.map_or(default, |text| text.parse().unwrap());
    if let ["node", settings @ ..] = words.as_slice() {
        return node::run(settings);
    }
    if std::env::var_os(INSIDE).is_none() {
        return again_in_a_namespace(&arguments);
    }
    let engines = [Engine::Ours, Engine::Keepalived];
    for engine in engines.into_iter().filter(|engine| engine.is_here()) {
        match words.as_slice() {
            ["crashes", rest @ ..] => crashes(engine, number(rest.first(), 30)),
            ["many", rest @ ..] => many(engine, number(rest.first(), 10)),
            ["busy", rest @ ..] => busy(engine, number(rest.first(), 1)),
            _ => {
                println!("takeover crashes [N] | many [SECONDS] | busy [MINUTES]");
                return;
            }
        }
    }
}

const INSIDE: &str = "TAKEOVER_IN_NAMESPACE";

/// Real-time priority needs the right of the first user namespace; who is root there needs no other.
fn again_in_a_namespace(arguments: &[String]) {
    let mut trial = Program::new("unshare");
    let root = trial.args(["-n", "true"]).stderr(std::process::Stdio::null()).status();
    let root = root.is_ok_and(|status| status.success());
    let status = Program::new("unshare")
        .arg(if root { "-n" } else { "-Urn" })
        .arg(std::env::current_exe().unwrap())
        .args(arguments)
        .env(INSIDE, "1")
        .status()
        .unwrap();
    std::process::exit(status.code().unwrap_or(1));
}

fn crashes(engine: Engine, kills: u32) {
    let rooms = [Room::on_switch(1), Room::on_switch(2)];
    let mut ear = Ear::at_switch();
    let start = |room: usize, priority| {
        Node::start(engine, &rooms[room], &["v1"], 1, priority, 10, stage::Rank::Ordinary)
    };
    let _backup = start(1, 100);
    ear.until(2, LONGEST).expect("the Backup alone");
    let mut times = Vec::new();
    for _ in 0..kills {
        let active = start(0, 150);
        // Ten in a row: the other one follows.
        let mut row = 0;
        while row < 10 {
            row = if ear.next(LONGEST).expect("somebody").0 == 1 { row + 1 } else { 0 };
        }
        let begin = ear.last_of(1);
        active.crash();
        let first = ear.until(2, LONGEST).expect("the Backup takes over");
        assert!(ear.last_of(1) >= begin);
        times.push(first.duration_since(ear.last_of(1).unwrap()).unwrap_or_default());
    }
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e3;
    println!(
        "{engine}: {kills} crashes at 10 ms, last advertisement to first of the other: least {:.2}, median {:.2}, \
         90 % {:.2}, most {:.2} ms (theory 36.09)",
        at(0),
        at(50),
        at(90),
        at(100)
    );
}

fn many(engine: Engine, seconds: u32) {
    const LINKS: [&str; 4] = ["v1", "v2", "v3", "v4"];
    let rooms = [Room::empty(), Room::empty()];
    for link in LINKS {
        Room::cable(&rooms, link);
    }
    let nodes = [(0, 150), (1, 100)].map(|(room, priority)| {
        Node::start(engine, &rooms[room], &LINKS, 250, priority, 1_000, stage::Rank::Ordinary)
    });
    // Starting, the election, announcements: not what is measured.
    std::thread::sleep(Duration::from_secs(15));
    let before = nodes.each_ref().map(Node::processor_time);
    let begin = Instant::now();
    std::thread::sleep(Duration::from_secs(seconds.into()));
    let lasted = begin.elapsed().as_secs_f64();
    for ((role, node), before) in ["Active", "Backup"].iter().zip(&nodes).zip(before) {
        let share = (node.processor_time() - before).as_secs_f64() / lasted * 100.0;
        println!(
            "{engine}: 1,000 virtual routers at 1 s, {role}: {share:.2} % of a core over {lasted:.0} s, {:.1} MB resident",
            node.resident_kilobytes() as f64 / 1e3
        );
    }
}

fn busy(engine: Engine, minutes: u32) {
    let rooms = [Room::on_switch(1), Room::on_switch(2)];
    let mut ear = Ear::at_switch();
    let nodes = [(0, 150), (1, 100)].map(|(room, priority)| {
        Node::start(engine, &rooms[room], &["v1"], 1, priority, 10, stage::Rank::RealTime)
    });
    let mut row = 0;
    while row < 100 {
        row = if ear.next(LONGEST).expect("somebody").0 == 1 { row + 1 } else { 0 };
    }
    let over = Arc::new(AtomicBool::new(false));
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let work: Vec<_> = (0..cores * 2)
        .map(|_| {
            let over = Arc::clone(&over);
            std::thread::spawn(move || while !over.load(Ordering::Relaxed) {})
        })
        .collect();
    let end = Instant::now() + Duration::from_secs(60) * minutes;
    let (mut heard, mut false_takeovers, mut longest, mut last) = (0, 0, Duration::ZERO, None);
    let mut speaker = 1;
    while Instant::now() < end {
        let (who, at) = ear.next(LONGEST).expect("somebody");
        heard += 1;
        false_takeovers += u32::from(who == 2 && speaker == 1);
        speaker = who;
        if let Some(last) = last.replace(at) {
            longest = longest.max(at.duration_since(last).unwrap_or_default());
        }
    }
    over.store(true, Ordering::Relaxed);
    for work in work {
        work.join().unwrap();
    }
    println!(
        "{engine}: {minutes} min at 10 ms, {} busy threads on {cores} cores, {}: {false_takeovers} false takeovers, \
         longest gap {:.2} ms in {heard} advertisements",
        cores * 2,
        nodes[0].rank(),
        longest.as_secs_f64() * 1e3
    );
}
