//! The crash laboratory as a command: `cargo run --release -p diskbuf --example laboratory -- --seed S --points N`,
//! `-- --history H` to run one history again, `-- --bugs` to see that each planted bug is found, `-- --bug B` for one of them.

use std::process::ExitCode;
use std::time::Instant;

use diskbuf::sim::{Bug, Finding, Laboratory, Report};

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let (mut seed, mut points, mut history, mut bugs) = (from_clock(), 1_000_000, None, Vec::new());
    while let Some(word) = words.next() {
        let mut next = || words.next().unwrap_or_default();
        let known = match word.as_str() {
            "--seed" => parse(&next()).map(|n| seed = n),
            "--points" => parse(&next()).filter(|n| *n > 0).map(|n| points = n),
            "--help" | "-h" => {
                eprint!("{HELP}");
                return ExitCode::SUCCESS;
            }
            "--history" => parse(&next()).map(|n| history = Some(n)),
            "--bugs" => {
                bugs = Bug::ALL.to_vec();
                Some(())
            }
            "--bug" => named(&next()).map(|bug| bugs.push(bug)),
            _ => None,
        };
        if known.is_none() {
            eprint!("not understood: {word}\n\n{HELP}");
            return ExitCode::from(2);
        }
    }
    eprintln!("seed {seed:#x}");
    if !bugs.is_empty() {
        return plant_all(&bugs, seed, points);
    }
    let begin = Instant::now();
    let laboratory = Laboratory::new(seed, points);
    let result = history.map_or_else(|| laboratory.run(), |history| laboratory.replay(history));
    told(result, begin)
}

fn told(result: Result<Report, Finding>, begin: Instant) -> ExitCode {
    match result {
        Ok(report) => {
            let seconds = begin.elapsed().as_secs_f64();
            let Report { histories, calls, points, again, .. } = report;
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let rate = points as f64 / seconds;
            eprintln!(
                "all promises kept: {points} crash points ({again} of them second crashes) at {calls} calls of \
                 {histories} histories in {seconds:.1} s, {rate:.0} a second"
            );
            ExitCode::SUCCESS
        }
        Err(finding) => {
            eprintln!("broken: {finding}\nagain: --history {:#x}", finding.history);
            ExitCode::FAILURE
        }
    }
}

fn plant_all(bugs: &[Bug], seed: u64, points: u64) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for bug in bugs {
        match Laboratory::new(seed, points).plant(*bug).run() {
            Err(Finding { history, what, points, .. }) => {
                eprintln!("{bug:?}: found after {points} crash points, in history {history:#x}: {what}");
            }
            Ok(_) => {
                eprintln!("{bug:?}: NOT FOUND in {points} crash points");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

fn named(word: &str) -> Option<Bug> {
    Bug::ALL.into_iter().find(|bug| format!("{bug:?}") == word)
}

fn parse(word: &str) -> Option<u64> {
    word.strip_prefix("0x").map_or_else(|| word.parse().ok(), |hex| u64::from_str_radix(hex, 16).ok())
}

fn from_clock() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

const HELP: &str = "\
Crashes the queue at every call of random histories and checks what is promised.

  --seed S      where the random numbers begin; the time unless said
  --points N    how many disks to open after a crash, 1 at least; 1000000 unless said
  --history H   only this history, with the seed that a finding named
  --bugs        plant each known bug in turn, and see that it is found
  --bug B       plant this one, such as SaltKept; may be repeated

Numbers are decimal, or hexadecimal with 0x. Exit: 0 when all promises are kept (or all bugs found), 1 when not, 2 for wrong words.
";
