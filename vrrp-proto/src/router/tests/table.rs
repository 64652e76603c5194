//! Every state and every event: what becomes of it.
//!
//! A cell is the state after the event, what is said (`!` an advertisement, `0` a release), and `~` where the deadline
//! is another one afterwards. States: `I` Initialize, `W` Initialize with a start delay, `B` Backup, `A` Active, and
//! while Active `D` demoted, `Y` yielding, `H` handing over, `R` rechecking; `F` Fault.

use std::string::String;
use std::vec::Vec;

use super::*;

const EVENTS: [&str; 18] = [
    "Start", "Stop", "release", "lower", "tie lost", "tie won", "higher", "own", "early", "due", "raised",
    "lowered", "fault", "cleared", "Yield", "Resume", "Promote", "address",
];

#[rustfmt::skip]
const TABLE: [(char, [&str; 18]); 9] = [
    //     Start   Stop    releas  lower   tie-lo  tie-wo  higher  own     early   due     raised  lowere  fault   cleare  Yield   Resume  Promot  addres
    ('I', ["B~"  , "I"   , "I"   , "I"   , "I"   , "I"   , "I"   , "I"   , "I"   , "I"   , "I"   , "I"   , "I"   , "I"   , "I"   , "I"   , "I"   , "I"]),
    ('W', ["W"   , "I~"  , "W"   , "W"   , "W"   , "W"   , "W"   , "W"   , "W"   , "B~"  , "W"   , "W"   , "F~"  , "W"   , "W"   , "W"   , "W"   , "W"]),
    ('B', ["B"   , "I~"  , "B~"  , "B"   , "B~"  , "B~"  , "B~"  , "B~"  , "B"   , "A!~" , "B~"  , "B~"  , "F~"  , "B"   , "B~"  , "B"   , "A!~" , "B"]),
    ('A', ["A"   , "I0~" , "A!~" , "A!"  , "B~"  , "A!"  , "B~"  , "A"   , "A"   , "A!~" , "A"   , "D0~" , "F0~" , "A"   , "Y0~" , "A"   , "A"   , "A!~"]),
    ('D', ["D"   , "I0~" , "D"   , "A!~" , "H~"  , "A!~" , "H~"  , "D"   , "D"   , "A!~" , "D~"  , "D~"  , "F0~" , "D"   , "Y0~" , "D"   , "A!~" , "D"]),
    ('Y', ["Y"   , "I0~" , "Y"   , "H~"  , "H~"  , "H~"  , "H~"  , "Y"   , "Y"   , "Y0~" , "Y"   , "Y"   , "F0~" , "Y"   , "Y"   , "A!~" , "A!~" , "Y"]),
    ('H', ["H"   , "I0~" , "Y~"  , "H"   , "H"   , "H"   , "H"   , "H"   , "H"   , "B~"  , "H"   , "H"   , "F0~" , "H"   , "H"   , "A!~" , "A!~" , "H"]),
    ('R', ["R"   , "I0~" , "A!~" , "B~"  , "B~"  , "B~"  , "B~"  , "R"   , "R"   , "A!~" , "R"   , "R"   , "F0~" , "R"   , "Y0~" , "R"   , "A!~" , "R"]),
    ('F', ["F"   , "I"   , "F"   , "F"   , "F"   , "F"   , "F"   , "F"   , "F"   , "F"   , "F"   , "F"   , "F"   , "B~"  , "F"   , "F"   , "F"   , "F"]),
];

/// A router in a state, half a second after it came to it.
fn in_state(state: char) -> (Bench, u64) {
    let half = SECOND / 2;
    match state {
        'I' => (Bench::new(|_| ()), half),
        'W' => (Bench::started(|config| config.start_delay = Duration::from_secs(2)), half),
        'B' => (Bench::started(|_| ()), half),
        'A' => (Bench::active(|_| ()), DOWN + half),
        'D' => {
            let mut bench = Bench::active(|_| ());
            bench.tell(Event::PriorityChanged(Priority::new(90)), DOWN);
            (bench, DOWN + half)
        }
        'Y' => {
            let mut bench = Bench::active(|_| ());
            bench.tell(Event::Yield, DOWN);
            (bench, DOWN + half)
        }
        'H' => {
            let mut bench = Bench::active(|config| config.grace = Duration::from_secs(1));
            bench.tell(Event::Yield, DOWN).hear(3, 90, DOWN);
            (bench, DOWN + half)
        }
        'R' => {
            let mut bench = Bench::active(|config| config.preempt = Preempt::Never);
            bench.tell(Event::DeadlinePassed, DOWN + 4 * SECOND);
            (bench, DOWN + 4 * SECOND + half)
        }
        _ => {
            let mut bench = Bench::started(|_| ());
            bench.tell(Event::FaultRaised(Fault::LINK_DOWN), 0);
            (bench, half)
        }
    }
}

fn letter(bench: &Bench) -> char {
    match (bench.state(), bench.reason()) {
        (State::Initialize, _) if bench.due().is_some() => 'W',
        (State::Initialize, _) => 'I',
        (State::Backup, _) => 'B',
        (State::Fault, _) => 'F',
        (State::Active, Reason::Demoted { .. }) => 'D',
        (State::Active, Reason::Yielding) => 'Y',
        (State::Active, Reason::HandingOver { .. }) => 'H',
        (State::Active, Reason::Rechecking { .. }) => 'R',
        (State::Active, _) => 'A',
    }
}

fn cell(state: char, event: &str) -> String {
    let (mut bench, now) = in_state(state);
    assert_eq!(letter(&bench), state);
    let before = bench.due();
    let own = bench.router.priority().value();
    match event {
        "Start" => bench.tell(Event::Start, now),
        "Stop" => bench.tell(Event::Stop, now),
        "release" => bench.hear(3, 0, now),
        // The yielding router contends with 1, below which there is nothing.
        "lower" => bench.hear(3, own.saturating_sub(1).max(1), now),
        "tie lost" => bench.hear(OWN + 1, own, now),
        "tie won" => bench.hear(OWN - 1, own, now),
        "higher" => bench.hear(3, own + 1, now),
        "own" => bench.hear(OWN, own, now),
        "early" => bench.tell(Event::DeadlinePassed, now),
        "due" => bench.tell(Event::DeadlinePassed, before.unwrap_or(now)),
        "raised" => bench.tell(Event::PriorityChanged(Priority::new(110)), now),
        "lowered" => bench.tell(Event::PriorityChanged(Priority::new(80)), now),
        "fault" => bench.tell(Event::FaultRaised(Fault::LINK_DOWN), now),
        "cleared" => bench.tell(Event::FaultCleared(Fault::LINK_DOWN), now),
        "Yield" => bench.tell(Event::Yield, now),
        "Resume" => bench.tell(Event::Resume, now),
        "Promote" => bench.tell(Event::Promote, now),
        _ => bench.tell(Event::PrimaryAddressChanged(host(9)), now),
    };
    let mut cell = String::from(letter(&bench));
    cell.extend(bench.said.iter().map(|said| if *said == 0 { '0' } else { '!' }));
    cell.extend((bench.due() != before).then_some('~'));
    cell
}

#[test]
fn every_event_in_every_state_does_what_the_table_says() {
    let mut found = String::new();
    let mut same = true;
    for (state, row) in TABLE {
        let cells: Vec<String> = EVENTS.iter().map(|event| cell(state, event)).collect();
        same &= cells.iter().eq(row.iter());
        found += &std::format!("    ({state:?}, {cells:?}),\n");
    }
    assert!(same, "{EVENTS:?}\n{found}");
}
